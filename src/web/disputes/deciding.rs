//! POST `/disputes/{id}/decision` and `/reopening`: a manager decides a Pending dispute, or makes a decided one Pending again.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

use super::show::{Asked, Problem, Typed, Unsent, answer, load};
use crate::auth::{DisputeViewer, EditDisputes, Granted, Permission};
use crate::clock::Clock;
use crate::db::transitions::{self, DecideError, DecisionInput};
use crate::db::{AnyConnection, Db, counters, dispute_list, disputes};
use crate::domain::claim::clean_text;
use crate::domain::decision::{DecisionProblem, Verdict};
use crate::domain::dispute::{Status, full_time};
use crate::domain::ids::DisputeId;
use crate::domain::money::{Currency, Money};
use crate::web::chrome::Here;
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::notice::Notice;
use crate::web::once::{FormToken, once};
use crate::web::page::{Fragments, Page};
use crate::web::{AppError, Path};

/// The decision as it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct DecisionForm {
    verdict: String,
    credit: String,
    clawback: String,
    note: String,
    version: String,
    difference_seen: String,
    form_token: FormToken,
}

impl DecisionForm {
    /// The form to be shown again.
    fn typed(&self) -> FormState {
        FormState::new()
            .with("verdict", &self.verdict)
            .with("credit", &self.credit)
            .with("clawback", &self.clawback)
            .with("note", &self.note)
            .with("difference_seen", if self.is_difference_seen() { "1" } else { "" })
    }

    fn is_difference_seen(&self) -> bool {
        matches!(self.difference_seen.as_str(), "1" | "on" | "true")
    }

    /// What it says, or the form with a message at each field that can't be read.
    fn read(&self, currency: Currency) -> Result<DecisionInput, FormState> {
        let mut form = self.typed();
        let verdict = Verdict::from_code(self.verdict.trim());
        if verdict.is_none() {
            form.refuse("verdict", "Choose Accept, Accept Partial or Reject");
        }
        let credit = amount(&mut form, "credit", &self.credit, currency);
        let clawback = amount(&mut form, "clawback", &self.clawback, currency);
        let version = match self.version.trim() {
            "" => None,
            text => {
                let version = text.parse().ok();
                if version.is_none() {
                    form.refuse_form("The form\u{2019}s version can\u{2019}t be read. Open the dispute again.");
                }
                version
            }
        };
        match verdict {
            Some(verdict) if form.is_clean() => Ok(DecisionInput {
                verdict,
                credit,
                clawback,
                note: clean_text(&self.note),
                version,
                difference_seen: self.is_difference_seen(),
            }),
            _ => Err(form),
        }
    }

    /// `Accept Partial, credit 21.00`: what would have been decided.
    fn said(&self) -> String {
        let verdict = Verdict::from_code(self.verdict.trim()).map_or("", Verdict::label);
        match self.credit.trim() {
            "" => verdict.to_owned(),
            credit => format!("{verdict}, credit {credit}"),
        }
    }
}

fn amount(form: &mut FormState, field: &str, text: &str, currency: Currency) -> Option<i64> {
    match Money::parse(text, currency) {
        Ok(amount) => amount.map(|amount| amount.minor),
        Err(expected) => {
            form.refuse(field, format!("Enter {expected}"));
            None
        }
    }
}

/// What became of a decision that was sent.
pub(super) enum Sent {
    Done,
    Unreadable(FormState),
}

/// POST `/disputes/{id}/decision`.
pub(in crate::web) async fn decide(
    (grant, viewer): (Granted<EditDisputes>, DisputeViewer),
    id: Path<DisputeId>,
    form: Checked<DecisionForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (id, form) = (*id, form.into_inner());
    let (sent, manager, now) = (form.clone(), grant.clone(), Data::clone(&clock));
    let zone = viewer.viewer().profile().zone;
    let (reader, question) = (viewer.clone(), asked.clone());
    let onward = db.read(move |conn| Onward::load(conn, &reader, &question, id)).await?;
    let (problem, typed) = match db.write(move |conn| write(conn, &manager, &now, id, &sent)).await {
        Ok(Sent::Done) => return done((viewer, id), (htmx, asked, onward), &db, (&request, Notice::Decided)).await,
        Ok(Sent::Unreadable(form)) => (StatusCode::UNPROCESSABLE_ENTITY, told(form)),
        Err(error) => refused(error, &form, zone)?,
    };
    let page = answer((viewer, id), (htmx, asked), &db, (Problem::Told(problem), typed)).await?;
    Ok(page.respond_to(&request))
}

pub(super) fn told(decision: FormState) -> Typed {
    Typed { decision, ..Typed::default() }
}

/// Decides once for each form.
pub(super) fn write(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    clock: &Clock,
    id: DisputeId,
    form: &DecisionForm,
) -> Result<Sent, DecideError> {
    let dispute = disputes::find(conn, grant.scope(), id)?.ok_or(DecideError::Missing)?;
    let currency = Currency::from_code(&dispute.currency).unwrap_or(Currency::USD);
    let input = match form.read(currency) {
        Ok(input) => input,
        Err(form) => {
            // What isn't Pending any more is told first: nobody mends a form for nothing.
            transitions::refuse_unless_pending(conn, &dispute)?;
            return Ok(Sent::Unreadable(form));
        }
    };
    let of = format!("decision/{id}");
    once(conn, (grant.user(), clock.now()), (&of, &form.form_token), |conn| {
        transitions::decide(conn, grant, clock, id, &input)?;
        Ok::<_, DecideError>((String::new(), Notice::Decided))
    })?;
    Ok(Sent::Done)
}

/// The dispute as it is now, with all that was typed, and why the decision was not taken.
pub(super) fn refused(error: DecideError, form: &DecisionForm, zone: Tz) -> Result<(StatusCode, Typed), AppError> {
    let mut state = form.typed();
    let unsent = |said: String| Typed {
        unsent: Some(Unsent { said, wanted: form.said(), note: form.note.clone() }),
        ..Typed::default()
    };
    let status = match error {
        DecideError::Amounts(problem) => {
            let field = match problem {
                DecisionProblem::CreditNotPartial
                | DecisionProblem::CreditNotWhole
                | DecisionProblem::CreditNotZero => "credit",
                DecisionProblem::ClawbackOutOfRange => "clawback",
                DecisionProblem::NoteTooLong => "note",
            };
            state.refuse(field, problem.to_string());
            StatusCode::UNPROCESSABLE_ENTITY
        }
        DecideError::NotPending { status, by, at } => {
            let said = match (by, at) {
                (Some(by), Some(at)) => {
                    format!("{by} decided this dispute first: {}, on {}.", status.label(), full_time(at, zone))
                }
                _ => format!("This dispute is {} now. Only a Pending dispute can be decided.", status.label()),
            };
            return Ok((StatusCode::CONFLICT, unsent(said)));
        }
        DecideError::FiledBySelf => {
            let said = "You filed this dispute on the buyer\u{2019}s behalf, so another manager decides it.";
            return Ok((StatusCode::FORBIDDEN, unsent(said.to_owned())));
        }
        DecideError::Changed { .. } => {
            state.refuse_form("The dispute changed since you opened it. Look at it as it is now, then decide.");
            StatusCode::CONFLICT
        }
        DecideError::DifferenceUnseen => {
            state.refuse("difference_seen", "Look at what changed at the call, then tick that you have seen it");
            StatusCode::CONFLICT
        }
        DecideError::NetOutOfRange => {
            state.refuse_form(
                "Together with earlier decisions this credit would be more than the call\u{2019}s payout.",
            );
            StatusCode::CONFLICT
        }
        other => return Err(failure(other)),
    };
    Ok((status, told(state)))
}

/// The reason as it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ReopeningForm {
    reason: String,
    form_token: FormToken,
}

/// POST `/disputes/{id}/reopening`.
pub(in crate::web) async fn reopen(
    (grant, viewer): (Granted<EditDisputes>, DisputeViewer),
    id: Path<DisputeId>,
    form: Checked<ReopeningForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (id, now, reason) = (*id, Data::clone(&clock), clean_text(&form.reason));
    let mut state = FormState::new().with("reason", &form.reason);
    let token = form.into_inner().form_token;
    let reopened = db
        .write(move |conn| {
            once(conn, (grant.user(), now.now()), (&format!("reopening/{id}"), &token), |conn| {
                transitions::reopen(conn, &grant, &now, id, &reason)?;
                Ok::<_, DecideError>((String::new(), Notice::Reopened))
            })
        })
        .await;
    let status = match reopened {
        Ok(_) => return Ok(Notice::Reopened.redirect(&request, asked.back_to(id))),
        Err(error @ (DecideError::ReasonMissing | DecideError::ReasonTooLong)) => {
            state.refuse("reason", error.to_string());
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(DecideError::NotDecided(status)) => {
            state.refuse_form(match status {
                Status::Pending => "This dispute is Pending already.".to_owned(),
                other => format!("This dispute is {} and can\u{2019}t be reopened.", other.label()),
            });
            StatusCode::CONFLICT
        }
        Err(DecideError::AnotherActive(status)) => {
            // A Draft is the buyer's alone: that there is one is all a manager learns.
            state.refuse_form(match status {
                Status::Draft => "The buyer has begun another dispute of this call.".to_owned(),
                other => format!("The call has another dispute, which is {}.", other.label()),
            });
            StatusCode::CONFLICT
        }
        Err(other) => return Err(failure(other)),
    };
    let typed = Typed { reopening: state, ..Typed::default() };
    let page = answer((viewer, id), (htmx, asked), &db, (Problem::Told(status), typed)).await?;
    Ok(page.respond_to(&request))
}

pub(super) fn failure(error: DecideError) -> AppError {
    match error {
        DecideError::Missing => AppError::NotFound,
        DecideError::NotAllowed => AppError::Forbidden { what: EditDisputes::LABEL.to_owned() },
        DecideError::Database(error) => error.into(),
        other => AppError::Internal(anyhow::Error::new(other)),
    }
}

/// What the panel becomes after a decision: nothing, and word of the row that comes next.
#[derive(Template)]
#[template(path = "partials/disputes/decided.html")]
struct Done {
    next: String,
}

impl Fragments for Done {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "panel-slot").then(|| self.render())
    }
}

/// Where to go after a decision: the place in the list, and its next Pending row.
#[derive(Clone, Debug)]
struct Onward {
    place: String,
    next: Option<DisputeId>,
}

impl Onward {
    /// Looked up before the decision, while the dispute still stands in its place.
    fn load(
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        asked: &Asked,
        decided: DisputeId,
    ) -> Result<Option<Self>, AppError> {
        let Some(list) = asked.list(viewer) else { return Ok(None) };
        let listing = &list.listing;
        let place = (listing.place, listing.per_page);
        let rows = dispute_list::page(conn, viewer.scope(), &list.filter, listing.sort, place)?.rows;
        let at = rows.iter().position(|row| row.id == decided).unwrap_or_default();
        let mut onward = rows.iter().skip(at).chain(rows.iter().take(at));
        let next = onward.find(|row| row.status == Status::Pending && row.id != decided).map(|row| row.id);
        Ok(Some(Self { place: list.here().to_string(), next }))
    }
}

/// Back to the place in the list, at the next Pending row, or on to that dispute; without a list, to the one decided.
async fn done(
    (viewer, id): (DisputeViewer, DisputeId),
    (htmx, asked, onward): (Htmx, Asked, Option<Onward>),
    db: &Db,
    (request, notice): (&HttpRequest, Notice),
) -> Result<HttpResponse, AppError> {
    let Some(Onward { place, next }) = onward else { return Ok(notice.redirect(request, asked.back_to(id))) };
    if let Some(next) = next.filter(|_| viewer.viewer().profile().opens_next) {
        let there = asked.back_to(next);
        if htmx.region() != Some("panel-slot") {
            return Ok(notice.redirect(request, there));
        }
        let (page, pending) = db.read(move |conn| load(conn, &viewer, next, &asked, Typed::default())).await?;
        let page = Page::new(htmx, page).with_badge(Some(pending)).with_flash(notice.flash()).with_url(there);
        return Ok(page.respond_to(request));
    }
    if htmx.region() == Some("panel-slot") {
        let pending = db.read(move |conn| Ok::<_, AppError>(counters::pending(conn, viewer.scope())?)).await?;
        let done = Done { next: next.map(|id| id.to_string()).unwrap_or_default() };
        let page = Page::new(htmx, done).with_badge(Some(pending)).with_flash(notice.flash()).with_url(place);
        return Ok(page.respond_to(request));
    }
    let row = next.map(|id| format!("#row-{id}")).unwrap_or_default();
    Ok(notice.redirect(request, format!("{place}{row}")))
}
