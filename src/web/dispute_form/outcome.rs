//! What becomes of a form that could not be saved or sent: the form again, with all that was typed and kept.

use actix_web::{HttpRequest, HttpResponse, Responder};

use super::view::Typed;
use super::{Said, Subject, Target, addition};
use crate::auth::{DisputeCalls, Granted, Permission};
use crate::db::sending::SendError;
use crate::db::{evidence, policy};
use crate::domain::claim::Problem;
use crate::domain::dispute::Status;
use crate::domain::fact;
use crate::domain::ids::DisputeId;
use crate::web::around::Around;
use crate::web::error::Link;
use crate::web::page::Page;
use crate::web::{AppError, paths, upload};

/// What needs attention, and with which status the form comes back.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    pub(super) problems: Vec<Problem>,
    pub(super) is_too_large: bool,
    pub(super) is_conflict: bool,
}

pub(super) fn too_many(limit: u32) -> Problem {
    Problem::new("evidence", format!("A dispute can have at most {limit} files; those over it were not kept"))
}

pub(super) fn kept_file_gone() -> Problem {
    Problem::new("evidence", "A file that was kept for this form is no longer there. Choose it again")
}

/// The answer to a write that was refused; nothing was changed by it.
pub(super) async fn refuse(
    grant: Granted<DisputeCalls>,
    target: Target,
    request: &HttpRequest,
    around: Around,
    (mut said, error): (Said, SendError),
) -> Result<HttpResponse, AppError> {
    let mut trouble = Trouble::default();
    match error {
        SendError::Invalid(problems) => trouble.problems = problems,
        SendError::TooManyFiles { limit } => trouble.problems.push(too_many(limit)),
        SendError::KeptFileGone => trouble.problems.push(kept_file_gone()),
        SendError::Refused(refusal) => {
            let sentence = refusal.sentence(grant.viewer().profile().zone);
            trouble.problems.push(Problem::new("", sentence));
            trouble.is_conflict = true;
            // The matter is closed for now: the text stays to be copied, the files go.
            upload::discard(&around.files, std::mem::take(&mut said.sent.files)).await;
        }
        error => {
            if !matches!(error, SendError::Database(_)) {
                upload::discard(&around.files, std::mem::take(&mut said.sent.files)).await;
            }
            let is_over = matches!(error, SendError::AlreadySent(_) | SendError::Closed(_));
            match failure(error, target) {
                // Another tab or the other side was first: the dispute is shown as it is, with what was typed.
                AppError::Conflict(conflict) if is_over => trouble.problems.push(Problem::new("", conflict.sentence)),
                failure => return Err(failure),
            }
            trouble.is_conflict = true;
        }
    }
    show_again(grant, target, request, around, said, trouble).await
}

/// A refusal that has no form to go back to.
pub(super) fn failure(error: SendError, target: Target) -> AppError {
    let back = match target {
        Target::Call(call) => Link::new(paths::call(call), "Show the call"),
        Target::Dispute(id) => Link::new(paths::dispute(id), "Show the dispute as it is now"),
    };
    match error {
        SendError::Missing => AppError::NotFound,
        SendError::NotAllowed => AppError::Forbidden { what: DisputeCalls::LABEL.to_owned() },
        SendError::Closed(status) => closed(status, back),
        SendError::AlreadySent(name) => {
            let label = match name.as_str() {
                "reason" => "The reason",
                "additional_information" => "Additional Information",
                name => fact::kind(name).map_or(name, |kind| kind.label),
            };
            let sentence = format!("{label} was sent already. What was sent can\u{2019}t be changed.");
            AppError::conflict("already_sent", "This was sent already", sentence, back)
        }
        SendError::Refused(refusal) => {
            let sentence = refusal.sentence(chrono_tz::UTC) + ".";
            AppError::conflict(refusal.code(), "This call can\u{2019}t be disputed", sentence, back)
        }
        SendError::Invalid(problems) => {
            let sentences: Vec<String> = problems.into_iter().map(|problem| problem.sentence + ".").collect();
            AppError::Unprocessable(sentences.join(" "))
        }
        SendError::TooManyFiles { limit } => AppError::Unprocessable(too_many(limit).sentence + "."),
        SendError::KeptFileGone => AppError::Unprocessable(kept_file_gone().sentence + "."),
        SendError::Database(error) => error.into(),
    }
}

fn closed(status: Status, back: Link) -> AppError {
    let sentence = match status {
        Status::Pending => "It was sent already. While it is Pending you can add evidence and messages.".to_owned(),
        status => format!("This dispute is {} and can\u{2019}t be changed.", status.label()),
    };
    AppError::conflict("dispute_closed", "This can\u{2019}t be changed any more", sentence, back)
}

/// The form with what was typed; files just received are kept for the next try.
pub(super) async fn show_again(
    grant: Granted<DisputeCalls>,
    target: Target,
    request: &HttpRequest,
    around: Around,
    said: Said,
    trouble: Trouble,
) -> Result<HttpResponse, AppError> {
    let (subject, sent) = match load(&grant, target, &around).await {
        Ok(found) => found,
        Err(error) => {
            upload::discard(&around.files, said.sent.files).await;
            return Err(error);
        }
    };
    let call = subject.call.id;
    let files = said.sent.files.clone();
    let mut kept = said.kept.clone();
    kept.extend(files.iter().map(|file| file.id.clone()));
    if !files.is_empty() {
        let (writer, clock) = (grant.clone(), around.clock.clone());
        let staged = around.db.write(move |conn| evidence::keep(conn, &writer, &clock, call, &files)).await;
        if let Err(error) = staged {
            return Err(failure(error, target));
        }
    }
    let typed = Typed { problems: trouble.problems.clone(), ..said.typed(kept) };
    if let Some(id) = sent {
        return addition::show_again(&grant, id, request, around, typed, &trouble).await;
    }
    let Trouble { is_too_large, is_conflict, .. } = trouble;
    let htmx = around.htmx.clone();
    let db = around.db.clone();
    let (claim, intent) = (said.claim, said.intent);
    let page = db
        .read(move |conn| {
            let mut typed = typed;
            if !is_conflict {
                // Everything at once, also where a file was refused before the rest was looked at.
                let mut problems = claim.problems(&policy::load(conn)?, intent);
                problems.retain(|problem| !typed.problems.contains(problem));
                typed.problems.splice(0..0, problems);
            }
            subject.page(conn, &grant, &around, typed)
        })
        .await?;
    // The address of the form stays: that of the sending has nothing to show.
    let page = Page::new(htmx, page).with_url("false");
    Ok(if is_too_large {
        page.too_large()
    } else if is_conflict {
        page.conflict()
    } else {
        page.unprocessable()
    }
    .respond_to(request))
}

/// What the form is about; with the dispute's id where it was sent already: its own page takes additions.
async fn load(
    grant: &Granted<DisputeCalls>,
    target: Target,
    around: &Around,
) -> Result<(Subject, Option<DisputeId>), AppError> {
    let grant = grant.clone();
    around
        .db
        .read(move |conn| match target {
            Target::Call(call) => {
                // The form that was sent is that of a new dispute, also if a Draft came up meanwhile.
                let Subject { call, draft: _ } = Subject::of_call(conn, &grant, call)?;
                Ok((Subject { call, draft: None }, None))
            }
            Target::Dispute(id) => {
                let (subject, status) = Subject::of_dispute(conn, &grant, id)?;
                Ok((subject, (status != Status::Draft).then_some(id)))
            }
        })
        .await
}
