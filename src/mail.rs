//! Notifications by e-mail, off unless a server for it is set: everything new for a person in one letter.

use std::time::Duration;

use askama::Template;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::db::mail::{self, Letter};
use crate::db::notifications::Told;
use crate::db::{Db, DbError};
use crate::domain::Instant;
use crate::shutdown::Shutdown;
use crate::web::filters::{Phone, When};
use crate::web::paths;

/// How often is looked for what is due.
const EVERY: Duration = Duration::from_secs(20);

/// A server that doesn't answer is given up for this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many people are looked up at once.
const BATCH: i64 = 100;

/// Who sends, and by which server.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    origin: String,
}

/// The words of a letter.
#[derive(Template)]
#[template(path = "mail/notifications.txt")]
struct Words<'a> {
    letter: &'a Letter,
    origin: &'a str,
    now: Instant,
}

impl Words<'_> {
    fn is_manager(&self) -> bool {
        self.letter.viewer.is_manager()
    }

    fn when(&self, told: &Told) -> When {
        When::new(told.row.created_at, self.letter.viewer.profile().zone, self.now)
    }

    fn unlisted(&self) -> usize {
        self.letter.count.saturating_sub(self.letter.told.len())
    }
}

impl Mailer {
    /// As set, or `None` where no e-mail is sent.
    ///
    /// # Errors
    /// If the server's address can't be used.
    pub fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(from), Some(public)) = (&config.smtp_url, &config.mail_from, &config.public_url) else {
            return Ok(None);
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())?.timeout(Some(PATIENCE)).build();
        Ok(Some(Self { transport, from: from.clone(), origin: PublicUrl::origin(public).to_owned() }))
    }

    /// Sends what is due, until the server stops.
    pub async fn run(self, db: Db, clock: Clock, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.deliver(&db, &clock).await {
                tracing::error!(%error, "looking for e-mail to send broke off");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.clone().begun() => return,
            }
        }
    }

    /// Sends what is due now; gives how many letters went out. One that fails is told, and tried again later.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn deliver(&self, db: &Db, clock: &Clock) -> anyhow::Result<usize> {
        let now = clock.now();
        let people = db.read::<_, DbError, _>(move |conn| Ok(mail::recipients(conn, now, BATCH)?)).await?;
        let mut sent = 0_usize;
        for person in people {
            let now = clock.now();
            let claimed = db.write::<_, DbError, _>(move |conn| mail::claim(conn, person, now)).await?;
            let Some(letter) = claimed else { continue };
            match self.send(&letter, now).await {
                Ok(()) => {
                    db.write::<_, DbError, _>(move |conn| Ok(mail::settle(conn, &letter)?)).await?;
                    sent = sent.saturating_add(1);
                }
                Err(error) => tracing::warn!(%error, user = %person, "an e-mail could not be sent; it is tried again"),
            }
        }
        Ok(sent)
    }

    async fn send(&self, letter: &Letter, now: Instant) -> anyhow::Result<()> {
        let to = Mailbox::new(Some(letter.viewer.profile().name.clone()), letter.email.parse::<Address>()?);
        let things = if letter.count == 1 { "notification" } else { "notifications" };
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(format!("{}: {} new {things} about disputes", letter.platform, letter.count))
            .header(ContentType::TEXT_PLAIN)
            .body(Words { letter, origin: &self.origin, now }.render()?)?;
        self.transport.send(message).await?;
        Ok(())
    }
}
