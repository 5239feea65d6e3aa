//! What a refused write is answered with, by the words of the API.

use crate::auth::{EditDisputes, Permission};
use crate::db::messages::MessageError;
use crate::db::sending::SendError;
use crate::db::transitions::DecideError;
use crate::domain::claim::Problem;
use crate::domain::decision::DecisionProblem;
use crate::domain::ids::DisputeId;
use crate::web::dispute_form;
use crate::web::error::Link;
use crate::web::{AppError, paths};

/// A refused change of a dispute.
pub(super) fn of_sending(error: SendError) -> AppError {
    match error {
        SendError::Invalid(problems) => AppError::Invalid(problems.into_iter().map(in_our_words).collect()),
        SendError::TooManyFiles { limit } => {
            AppError::Invalid(vec![Problem::new("evidence", format!("A dispute can have at most {limit} files"))])
        }
        // Where a page would lead back to is of no use here.
        other => dispute_form::refusal(other, DisputeId::from_number(0)),
    }
}

/// The form's `fact[NAME]` is `evidence[NAME]` here.
fn in_our_words(problem: Problem) -> Problem {
    match problem.field.strip_prefix("fact") {
        Some(name) => Problem { field: format!("evidence{name}"), ..problem },
        None => problem,
    }
}

/// A message that can't be written.
pub(super) fn of_message(error: MessageError, is_manager: bool) -> AppError {
    match error {
        MessageError::Missing => AppError::NotFound,
        MessageError::NotAllowed => {
            let what = if is_manager { EditDisputes::LABEL } else { crate::auth::DisputeCalls::LABEL };
            AppError::Forbidden { what: what.to_owned() }
        }
        MessageError::NotSent => conflict("not_sent", "This is a draft. Messages begin when it is sent."),
        error @ (MessageError::Empty | MessageError::TooLong) => {
            AppError::Invalid(vec![Problem::new("message", error.to_string())])
        }
        MessageError::Database(error) => error.into(),
    }
}

/// A decision that can't be taken.
pub(super) fn of_decision(error: DecideError) -> AppError {
    match error {
        DecideError::Missing => AppError::NotFound,
        DecideError::NotAllowed => AppError::Forbidden { what: EditDisputes::LABEL.to_owned() },
        DecideError::Amounts(problem) => {
            let field = match problem {
                DecisionProblem::CreditNotPartial
                | DecisionProblem::CreditNotWhole
                | DecisionProblem::CreditNotZero => "credit",
                DecisionProblem::ClawbackOutOfRange => "clawback",
                DecisionProblem::NoteTooLong => "note",
            };
            AppError::Invalid(vec![Problem::new(field, problem.to_string())])
        }
        DecideError::NotPending { status, by: Some(by), at: Some(at) } => {
            let at = at.and_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            conflict("not_pending", &format!("{by} decided this dispute first: {}, at {at}.", status.label()))
        }
        DecideError::NotPending { status, .. } => {
            conflict("not_pending", &format!("This dispute is {}. Only a Pending one can be decided.", status.label()))
        }
        DecideError::Changed { version } => conflict(
            "version_changed",
            &format!("The dispute changed since you read it; its version is {version} now."),
        ),
        DecideError::FiledBySelf => conflict("filed_by_self", "You filed this dispute, so another manager decides it."),
        DecideError::DifferenceUnseen => conflict(
            "difference_unseen",
            "The call differs from what it was when the dispute was sent. Read both, then send difference_seen.",
        ),
        DecideError::NetOutOfRange => conflict(
            "credit_over_payout",
            "Together with earlier decisions this credit would be more than the call\u{2019}s payout.",
        ),
        DecideError::Database(error) => error.into(),
        other => AppError::Internal(anyhow::Error::new(other)),
    }
}

/// A 409 with its code and sentence.
pub(super) fn conflict(code: &'static str, sentence: &str) -> AppError {
    AppError::conflict(code, "The state doesn\u{2019}t allow it", sentence, Link::new(paths::disputes(), "Disputes"))
}
