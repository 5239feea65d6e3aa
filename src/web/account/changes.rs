//! What changes an account: settings and password in one transaction, and the end of sessions.

use actix_web::{HttpRequest, HttpResponse};

use super::Passwords;
use crate::auth::session::{Loaded, TypedSession};
use crate::auth::{Viewer, extract, password};
use crate::db::users::{self, Preferences, UserRow};
use crate::db::{AnyConnection, Db, DbError, sessions as live_sessions};
use crate::domain::Instant;
use crate::web::form::FormState;
use crate::web::notice::Notice;
use crate::web::page::see_other;
use crate::web::setup::refuse_password;
use crate::web::tries::Tries;
use crate::web::{AppError, paths, sessions};

/// Notes what is wrong with a change of password. Guessing the present one costs tries, as at the sign-in.
pub(super) async fn check_passwords(
    request: &HttpRequest,
    user: &UserRow,
    passwords: &Passwords,
    state: &mut FormState,
    db: &Db,
    now: Instant,
) -> Result<(), AppError> {
    if passwords.current.is_empty() {
        state.refuse("current_password", "Write your present password");
    } else {
        let tries = Tries::of(&user.email, &extract::origin(request));
        tries.take(db, now).await?;
        if password::verify(passwords.current.clone(), user.password_hash.clone()).await? {
            tries.forgive(db).await?;
        } else {
            state.refuse("current_password", "This is not your present password");
        }
    }
    refuse_password(state, "new_password", &passwords.new, &[&user.email, &user.name]);
    Ok(())
}

/// Keeps the settings, and the new password if there is one: all other sessions are dead then, this one gets a new id.
pub(super) async fn save(
    viewer: &Viewer,
    request: &HttpRequest,
    wanted: Preferences,
    password: Option<String>,
    db: &Db,
    now: Instant,
) -> Result<(), AppError> {
    let hash = match password {
        Some(password) => Some(password::hash(password).await.map_err(AppError::Internal)?),
        None => None,
    };
    let (actor, id, epoch) = (viewer.actor(), viewer.user(), viewer.profile().epoch);
    let saved = db
        .write::<_, DbError, _>(move |conn| {
            let Some(user) = current(conn, id, epoch)? else { return Ok(None) };
            users::set_preferences(conn, &actor, &user, &wanted, now)?;
            let epoch = match &hash {
                Some(hash) => Some(users::set_password(conn, &actor, id, hash, now)?),
                None => None,
            };
            Ok(Some(epoch))
        })
        .await?;
    match saved {
        Some(Some(epoch)) => sessions::begin(request, id, epoch),
        Some(None) => Ok(()),
        None => Err(AppError::sign_in(request)),
    }
}

/// The user, unless their sessions were ended since the request came in.
fn current(conn: &mut AnyConnection, id: crate::domain::ids::UserId, epoch: i32) -> Result<Option<UserRow>, DbError> {
    Ok(users::find(conn, id)?.filter(|user| !user.is_disabled && user.epoch == epoch))
}

/// Ends one of the viewer's sessions, or with `others` all but this one.
pub(super) async fn end_session(
    viewer: &Viewer,
    request: &HttpRequest,
    which: &str,
    db: &Db,
    now: Instant,
) -> Result<HttpResponse, AppError> {
    let session = TypedSession::of(request);
    let Some(Loaded::SignedIn { token_hash, session: own, .. }) = session.loaded() else {
        return Err(AppError::sign_in(request));
    };
    let (actor, user, epoch) = (viewer.actor(), viewer.user(), viewer.profile().epoch);
    if which == "others" {
        let ended = db
            .write::<_, DbError, _>(move |conn| {
                if current(conn, user, epoch)?.is_none() {
                    return Ok(false);
                }
                let epoch = users::end_sessions(conn, &actor, user, now)?;
                live_sessions::keep_alive(conn, &token_hash, epoch)?;
                Ok(true)
            })
            .await?;
        return if ended {
            Ok(Notice::SessionsEnded.redirect(request, paths::account()))
        } else {
            Err(AppError::sign_in(request))
        };
    }
    let Ok(id) = which.parse() else { return Err(AppError::NotFound) };
    let ended = db.write::<_, DbError, _>(move |conn| Ok(live_sessions::end(conn, &actor, user, id, now)?)).await?;
    if !ended {
        return Err(AppError::NotFound);
    }
    if id == own {
        session.sign_out();
        return Ok(see_other(paths::login()));
    }
    Ok(Notice::SessionEnded.redirect(request, paths::account()))
}

/// A browser and its system in two words, as far as what it says of itself can be believed.
pub(super) fn device(user_agent: &str) -> String {
    let first = |marks: &[(&str, &'static str)]| {
        marks.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, words)| *words)
    };
    // The order counts: each names those after it as well.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) if user_agent.is_empty() => "Unknown browser".to_owned(),
        (None, _) => user_agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::device;

    #[rstest]
    #[case("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux")]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36 Edg/150.0",
        "Edge on Windows"
    )]
    #[case(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
        "Safari on macOS"
    )]
    #[case("curl/8.14.1", "curl/8.14.1")]
    #[case("", "Unknown browser")]
    fn a_session_names_its_device(#[case] user_agent: &str, #[case] words: &str) {
        assert_eq!(device(user_agent), words);
    }
}
