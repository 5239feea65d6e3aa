//! Double clicks (CONTRACT section 2): the same person and the same token of the same form get the same answer.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::AppError;
use super::form::{Checked, is_urlencoded};
use super::notice::Notice;
use crate::db::answers::{self, Answer};
use crate::db::{AnyConnection, DbError};
use crate::domain::Instant;
use crate::domain::ids::UserId;

/// The token of a form that is about to be shown, for its hidden field.
#[must_use]
pub fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The hidden field of a form that was sent; empty, there is no telling.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct FormToken(String);

impl FormToken {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What the answer is kept under. A token of another form could answer for this one, so what it was given for is part
    /// of the key; a digest has one length whatever was sent.
    fn key(&self, of: &str) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("{of}/{}", hex::encode(Sha256::digest(&self.0))))
    }
}

/// Of a form that is a button alone: a program may send it without a body.
impl FromRequest for FormToken {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Button {
            form_token: FormToken,
        }
        if !is_urlencoded(request) {
            return Box::pin(async { Ok(Self::default()) });
        }
        let form = Checked::<Button>::from_request(request, payload);
        Box::pin(async move { Ok(form.await?.into_inner().form_token) })
    }
}

/// What a form led to: where to go, what to say there, and whether an earlier click did it.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) location: String,
    pub(super) notice: Option<Notice>,
    pub(super) is_replayed: bool,
}

/// Does the work once for each token of a form; whoever comes again gets the first answer.
pub(super) fn once<E: From<DbError>>(
    conn: &mut AnyConnection,
    (user, now): (UserId, Instant),
    (of, token): (&str, &FormToken),
    work: impl FnOnce(&mut AnyConnection) -> Result<(String, Notice), E>,
) -> Result<Done, E> {
    let key = token.key(of);
    if let Some(key) = &key
        && let Some(answer) = answers::recall(conn, user, key, now)?
    {
        let notice = Notice::from_code(&answer.body);
        return Ok(Done { location: answer.location, notice, is_replayed: true });
    }
    let (location, notice) = work(conn)?;
    if let Some(key) = &key {
        let answer = Answer { body: notice.code().to_owned(), ..Answer::see_other(location.clone()) };
        answers::remember(conn, user, key, &answer, now).map_err(DbError::from)?;
    }
    Ok(Done { location, notice: Some(notice), is_replayed: false })
}

/// What a form made that is shown this once: its id, and the secret.
pub(super) type Made<Id> = (Id, String);

/// Makes one thing with a secret for each token of a form. Nobody saw the secret of the first answer when a second click
/// asks again, and it is stored nowhere: `renew` gives the thing that was made another one.
pub(super) fn made_once<Id: ToString + std::str::FromStr, E: From<DbError>>(
    conn: &mut AnyConnection,
    (user, now): (UserId, Instant),
    (of, token): (&str, &FormToken),
    make: impl FnOnce(&mut AnyConnection) -> Result<Made<Id>, E>,
    renew: impl FnOnce(&mut AnyConnection, Id) -> Result<Made<Id>, E>,
) -> Result<Made<Id>, E> {
    let key = token.key(of);
    let earlier = match &key {
        Some(key) => answers::recall(conn, user, key, now)?.and_then(|answer| answer.location.parse().ok()),
        None => None,
    };
    let made = match earlier {
        Some(id) => renew(conn, id)?,
        None => make(conn)?,
    };
    if let Some(key) = &key {
        answers::remember(conn, user, key, &Answer::see_other(made.0.to_string()), now).map_err(DbError::from)?;
    }
    Ok(made)
}
