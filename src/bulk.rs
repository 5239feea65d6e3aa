//! The work on bulk decisions: batch by batch, beside the requests, taken up again after a restart.

use std::time::Duration;

use crate::app::Shutdown;
use crate::clock::Clock;
use crate::db::bulk_jobs;
use crate::db::transitions::DecideError;
use crate::db::{Db, DbError};
use crate::domain::ids::BulkJobId;
use crate::web::AppError;

/// How long a job waits while the database is busy.
const PATIENCE: Duration = Duration::from_secs(1);

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
    pub async fn batch(&self) -> Result<bool, AppError> {
        let (clock, job) = (self.clock.clone(), self.job);
        self.db.write(move |conn| bulk_jobs::work(conn, &clock, job)).await.map_err(|error| match error {
            DecideError::Database(error) => error.into(),
            other => AppError::Internal(anyhow::Error::new(other)),
        })
    }

    /// Works until nothing is left or the server stops; what is left is taken up at the next start.
    pub async fn run(self, shutdown: Shutdown) {
        while !shutdown.has_begun() {
            match self.batch().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(AppError::Busy) => tokio::time::sleep(PATIENCE).await,
                Err(error) => {
                    tracing::error!(%error, job.id = %self.job, "a bulk decision broke off; the next start goes on with it");
                    return;
                }
            }
        }
    }
}

/// Takes up what an earlier process left.
pub async fn resume(db: Db, clock: Clock, shutdown: Shutdown) {
    let jobs = match db.read::<_, DbError, _>(|conn| Ok(bulk_jobs::unfinished(conn)?)).await {
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
