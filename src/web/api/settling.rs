//! What both sides do about a dispute: write to each other, decide, concede.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Body, Nothing, Sent};
use super::disputes::{Versions, answered, with_all};
use super::once::Answered;
use super::query::Query;
use super::refusals;
use super::schema::{Amount, Expand, Part, flag_or_nothing};
use super::shapes::{self, Dispute, Message};
use crate::auth::{ByToken, DisputeCalls, DisputeParty, DisputeViewer, DisputesWrite, EditDisputes, Granted};
use crate::clock::Clock;
use crate::db::sending::SendError;
use crate::db::transitions::{self, DecisionInput};
use crate::db::{AnyConnection, Db, disputes, messages};
use crate::domain::claim::{Problem, clean_text};
use crate::domain::decision::Verdict;
use crate::domain::dispute::Status;
use crate::domain::ids::DisputeId;
use crate::web::{AppError, Path};

/// A message to the other side.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Reply {
    #[schema(min_length = 1, max_length = 5000)]
    #[serde(default)]
    message: String,
}

/// POST `/api/v1/disputes/{id}/reply`: writes to the other side. A buyer's reply may reopen a rejected dispute.
#[utoipa::path(post, path = "/api/v1/disputes/{id}/reply", tag = "disputes", operation_id = "reply_to_dispute",
    summary = "Write to the other side",
    description = "A buyer's reply may make a rejected dispute pending again, where the platform has set it so and the window is open. Managers need Disputes Edit.",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body(content(
        (Reply = "application/json", example = json!({ "message": "Please listen to 0:04." })),
        (Reply = "application/x-www-form-urlencoded")
    )),
    responses((status = 201, body = Message)), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn reply(
    party: ByToken<DisputeParty, DisputesWrite>,
    id: Path<DisputeId>,
    sent: Sent<Reply>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, Sent { value, once }, versions) = (*id, sent, Versions::of(&request));
    let viewer = party.viewer().clone();
    let (body, is_manager) = (clean_text(&value.message), viewer.viewer().is_manager());
    let (user, now) = (viewer.viewer().user(), clock.now());
    let done = db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                versions.check(conn, &viewer, id)?;
                let written = messages::write(conn, &viewer, &clock, id, (&body, false))
                    .map_err(|error| refusals::of_message(error, is_manager))?;
                let message = shapes::message(conn, &viewer, (id, written))?.ok_or(AppError::NotFound)?;
                Answered::with(StatusCode::CREATED, &message)
            })
        })
        .await?;
    Ok(done.into_response())
}

/// A decision. Amounts are minor units of the dispute's currency.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Resolution {
    #[schema(required = true, nullable = false)]
    verdict: Option<Verdict>,
    /// With `accepted_partial` more than 0 and less than the payout; else nothing, or what the verdict says anyway.
    #[serde(default, deserialize_with = "Amount::or_nothing")]
    credit: Option<Amount>,
    /// From 0 to the publisher payout; in proportion to the credit where nothing is said.
    #[serde(default, deserialize_with = "Amount::or_nothing")]
    clawback: Option<Amount>,
    #[schema(max_length = 5000)]
    note: Option<String>,
    /// The version you read; without it only the status is checked.
    version: Option<i32>,
    /// That you have seen how the call differs from what it was when the dispute was sent.
    #[serde(default, deserialize_with = "flag_or_nothing")]
    difference_seen: Option<bool>,
    /// What comes with the dispute, as in the address.
    #[serde(default)]
    expand: Expand,
}

impl Body for Reply {}
impl Body for Resolution {}

impl Resolution {
    fn read(&self, currency: &str) -> Result<DecisionInput, AppError> {
        let mut problems = Vec::new();
        if self.verdict.is_none() {
            problems.push(Problem::new("verdict", "Choose accepted, accepted_partial or rejected"));
        }
        let mut minor = |field: &str, amount: Option<&Amount>| {
            let named = amount.and_then(|amount| amount.currency.as_deref());
            if named.is_some_and(|named| named != currency) {
                problems.push(Problem::new(field, format!("This dispute is in {currency}")));
            }
            amount.map(|amount| amount.minor)
        };
        let credit = minor("credit", self.credit.as_ref());
        let clawback = minor("clawback", self.clawback.as_ref());
        match self.verdict {
            Some(verdict) if problems.is_empty() => Ok(DecisionInput {
                verdict,
                credit,
                clawback,
                note: clean_text(self.note.as_deref().unwrap_or_default()),
                version: self.version,
                difference_seen: self.difference_seen.unwrap_or_default(),
            }),
            _ => Err(AppError::Invalid(problems)),
        }
    }
}

/// PUT `/api/v1/disputes/{id}/resolve`: decides a pending dispute.
#[utoipa::path(put, path = "/api/v1/disputes/{id}/resolve", tag = "disputes", operation_id = "resolve_dispute",
    summary = "Decide a dispute",
    description = "Managers with Disputes Edit. `credit` goes with `accepted_partial`; `clawback` is in proportion to the credit where nothing is said.",
    params(("id" = String, Path), ("expand[]" = Option<Vec<Part>>, Query), ("If-Match" = Option<String>, Header)),
    request_body(content(
        (Resolution = "application/json", example = json!({
            "verdict": "accepted_partial", "credit": { "amount": 2100, "currency": "USD" }, "note": "Half of it.",
            "version": 1
        })),
        (Resolution = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, body = Dispute, headers(("ETag" = String)))), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn resolve(
    grant: ByToken<Granted<EditDisputes>, DisputesWrite>,
    id: Path<DisputeId>,
    sent: Sent<Resolution>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, Sent { value, once }, versions) = (*id, sent, Versions::of(&request));
    let with = with_all(&Query::of(&request), &value.expand)?;
    let grant = grant.into_right();
    let viewer = grant.viewer().dispute_viewer().ok_or(AppError::NotFound)?;
    let (user, now) = (grant.user(), clock.now());
    let done = db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                versions.check(conn, &viewer, id)?;
                let row = disputes::find(conn, viewer.scope(), id)?.ok_or(AppError::NotFound)?;
                // What isn't Pending any more is told first: nobody mends a decision for nothing.
                transitions::refuse_unless_pending(conn, &row).map_err(refusals::of_decision)?;
                let input = value.read(&row.currency)?;
                transitions::decide(conn, &grant, &clock, id, &input).map_err(refusals::of_decision)?;
                answered(conn, &viewer, (StatusCode::OK, id), with)
            })
        })
        .await?;
    Ok(done.into_response())
}

/// POST `/api/v1/disputes/{id}/close`: concedes a pending dispute, irreversibly. A buyer's is withdrawn, a manager accepts
/// it in full.
#[utoipa::path(post, path = "/api/v1/disputes/{id}/close", tag = "disputes", operation_id = "close_dispute",
    summary = "Concede a dispute",
    description = "Irreversible. A buyer's pending dispute is withdrawn; a manager with Disputes Edit accepts it in full.",
    params(("id" = String, Path), ("expand[]" = Option<Vec<Part>>, Query), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Dispute, headers(("ETag" = String)))), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn close(
    party: ByToken<DisputeParty, DisputesWrite>,
    id: Path<DisputeId>,
    sent: Sent<Nothing>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, once, versions) = (*id, sent.once, Versions::of(&request));
    let with = with_all(&Query::of(&request), &Expand::default())?;
    let viewer = party.viewer().clone();
    let (user, now) = (viewer.viewer().user(), clock.now());
    let done = db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                versions.check(conn, &viewer, id)?;
                concede(conn, &viewer, &clock, id)?;
                answered(conn, &viewer, (StatusCode::OK, id), with)
            })
        })
        .await?;
    Ok(done.into_response())
}

fn concede(conn: &mut AnyConnection, viewer: &DisputeViewer, clock: &Clock, id: DisputeId) -> Result<(), AppError> {
    if let Some(buyer) = Granted::<DisputeCalls>::check(viewer.viewer()) {
        return transitions::withdraw(conn, &buyer, clock, id).map_err(|error| match error {
            SendError::Closed(Status::Draft) => refusals::conflict(
                "not_sent",
                "This is a draft: nothing was sent that could be conceded. It is sent first, or discarded on its page.",
            ),
            error => refusals::of_sending(error),
        });
    }
    let manager = Granted::<EditDisputes>::check(viewer.viewer()).ok_or(AppError::NotFound)?;
    let input = DecisionInput {
        verdict: Verdict::Accepted,
        credit: None,
        clawback: None,
        note: String::new(),
        version: None,
        difference_seen: false,
    };
    transitions::decide(conn, &manager, clock, id, &input).map_err(refusals::of_decision)
}
