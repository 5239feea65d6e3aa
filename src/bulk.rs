//! The work on bulk decisions: batch by batch, beside the requests, taken up again after a restart.

use std::time::Duration;

use crate::clock::Clock;
use crate::db::bulk_jobs;
use crate::db::transitions::DecideError;
use crate::db::{Db, DbError};
use crate::domain::ids::BulkJobId;
use crate::shutdown::Shutdown;

/// How long a job waits while the database is busy.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a job waits after each failure in a row, before it stops and says why.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

/// The most characters of what is kept of a failure.
const LONGEST_TROUBLE: usize = 300;

/// One job to be worked on.
#[derive(Clone)]
pub struct Work {
    pub db: Db,
    pub clock: Clock,
    pub job: BulkJobId,
}

impl Work {
    /// Decides the next batch; whether any are left.
    ///
    /// # Errors
    /// If the database is busy or broken; nothing of the batch is decided then.
    pub async fn batch(&self) -> Result<bool, DecideError> {
        let (clock, job) = (self.clock.clone(), self.job);
        self.db.write(move |conn| bulk_jobs::work(conn, &clock, job)).await
    }

    /// Works until nothing is left or the server stops; what is left is taken up at the next start.
    pub async fn run(self, shutdown: Shutdown) {
        self.run_pausing(shutdown, &PAUSES).await;
    }

    /// The same with other pauses after failures. When they are used up the job stops, and its page says why.
    pub async fn run_pausing(self, shutdown: Shutdown, pauses: &[Duration]) {
        let mut left = pauses.iter();
        while !shutdown.has_begun() {
            let pause = match self.batch().await {
                Ok(true) => {
                    left = pauses.iter();
                    continue;
                }
                Ok(false) => return,
                Err(DecideError::Database(DbError::Busy)) => PATIENCE,
                Err(error) => match left.next() {
                    Some(pause) => {
                        tracing::warn!(%error, job.id = %self.job, ?pause, "a bulk decision failed; it is tried again");
                        *pause
                    }
                    None if self.stop(&error).await => return,
                    None => PATIENCE,
                },
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.clone().begun() => return,
            }
        }
    }

    /// Keeps why the work stopped; whether that could be kept.
    async fn stop(&self, error: &DecideError) -> bool {
        let (job, trouble) = (self.job, error.to_string().chars().take(LONGEST_TROUBLE).collect::<String>());
        tracing::error!(%error, job.id = %job, "a bulk decision stopped; its manager or the next start goes on with it");
        let kept = self.db.write::<_, DbError, _>(move |conn| Ok(bulk_jobs::stop(conn, job, &trouble)?)).await;
        kept.inspect_err(|error| tracing::error!(%error, job.id = %job, "that it stopped can't be kept")).is_ok()
    }
}

/// Takes up what an earlier process left.
pub async fn resume(db: Db, clock: Clock, shutdown: Shutdown) {
    let jobs = match db.write::<_, DbError, _>(|conn| Ok(bulk_jobs::take_up(conn)?)).await {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::error!(%error, "bulk decisions that were begun can't be found");
            return;
        }
    };
    for job in jobs {
        tracing::info!(job.id = %job, "going on with a bulk decision");
        Work { db: db.clone(), clock: clock.clone(), job }.run(shutdown.clone()).await;
    }
}
