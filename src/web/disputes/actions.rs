//! What a buyer does to its own dispute: withdraw it, or throw a Draft away.

use actix_web::web::Data;
use actix_web::{Either, HttpRequest, HttpResponse};

use super::show::{Asked, DisputePage, Problem, Typed, answer};
use crate::auth::{DisputeCalls, DisputeViewer, Granted};
use crate::clock::Clock;
use crate::db::sending::{self, SendError};
use crate::db::{Db, transitions};
use crate::domain::dispute::Status;
use crate::domain::ids::DisputeId;
use crate::web::chrome::Here;
use crate::web::htmx::Htmx;
use crate::web::notice::Notice;
use crate::web::once::{FormToken, once};
use crate::web::page::Page;
use crate::web::{AppError, Path, paths};

/// A redirect after success, or the dispute as it is now.
pub(in crate::web) type Outcome = Result<Either<HttpResponse, Page<DisputePage>>, AppError>;

/// POST `/disputes/{id}/withdrawal`.
pub(in crate::web) async fn withdraw(
    (grant, viewer): (Granted<DisputeCalls>, DisputeViewer),
    id: Path<DisputeId>,
    token: FormToken,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Outcome {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (id, now) = (*id, Data::clone(&clock));
    let done = db
        .write(move |conn| {
            once(conn, (grant.user(), now.now()), (&format!("withdrawal/{id}"), &token), |conn| {
                transitions::withdraw(conn, &grant, &now, id)?;
                Ok::<_, SendError>((String::new(), Notice::Withdrawn))
            })
        })
        .await;
    match done {
        Ok(_) => Ok(Either::Left(Notice::Withdrawn.redirect(&request, asked.back_to(id)))),
        Err(SendError::Closed(status)) => {
            let problem = Problem::Conflict(not_withdrawn(status));
            answer((viewer, id), (htmx, asked), &db, (problem, Typed::default())).await.map(Either::Right)
        }
        Err(error) => Err(refused(error)),
    }
}

/// POST `/disputes/{id}/discard`.
pub(in crate::web) async fn discard(
    (grant, viewer): (Granted<DisputeCalls>, DisputeViewer),
    id: Path<DisputeId>,
    token: FormToken,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Outcome {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (id, now) = (*id, Data::clone(&clock));
    let done = db
        .write(move |conn| {
            once(conn, (grant.user(), now.now()), (&format!("discard/{id}"), &token), |conn| {
                sending::discard(conn, &grant, &now, id)?;
                Ok::<_, SendError>((String::new(), Notice::DraftDiscarded))
            })
        })
        .await;
    match done {
        Ok(_) => Ok(Either::Left(Notice::DraftDiscarded.redirect(&request, paths::disputes()))),
        Err(SendError::Closed(status)) => {
            let problem = Problem::Conflict(not_discarded(status));
            answer((viewer, id), (htmx, asked), &db, (problem, Typed::default())).await.map(Either::Right)
        }
        Err(error) => Err(refused(error)),
    }
}

fn not_withdrawn(status: Status) -> String {
    match status {
        Status::Draft => "This is a draft, so nobody has it yet. Discard it instead.".to_owned(),
        Status::Withdrawn => "This dispute is withdrawn already.".to_owned(),
        decided => {
            format!("This dispute was decided meanwhile: {}. Only a Pending dispute can be withdrawn.", decided.label())
        }
    }
}

fn not_discarded(status: Status) -> String {
    match status {
        Status::Pending => "This dispute was sent already and is Pending. Withdraw it instead.".to_owned(),
        other => format!("This dispute was sent already and is {}. Only a draft can be discarded.", other.label()),
    }
}

/// What is left: nothing of the state that the panel could show.
fn refused(error: SendError) -> AppError {
    match error {
        SendError::Missing => AppError::NotFound,
        SendError::NotAllowed => AppError::Forbidden { what: "Dispute Calls".to_owned() },
        SendError::Database(error) => error.into(),
        other => AppError::Internal(anyhow::Error::new(other)),
    }
}
