//! `/api/v1/calls`: listed and read.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::call_shape::{self, Call};
use super::json;
use super::pages::List;
use super::query::{Query, refuse};
use crate::auth::{ByToken, CallsRead, DisputeCalls, Permission, ViewDisputes, Viewer};
use crate::db::call_list::numbered::{self, NumberedFilter};
use crate::db::{Db, calls};
use crate::domain::call::{CallStatus, DisputeState};
use crate::domain::ids::CallId;
use crate::web::{AppError, Path};

fn words(all: impl Iterator<Item = &'static str>) -> String {
    format!("one of {}", all.collect::<Vec<_>>().join(", "))
}

fn filter(query: &Query, viewer: &Viewer) -> Result<NumberedFilter, AppError> {
    let (started_from, started_before) = query.span("started_at")?;
    let statuses = words(CallStatus::ALL.iter().map(|status| status.code()));
    let filter = NumberedFilter {
        status: query.read("status", &statuses, CallStatus::from_code)?,
        dispute_state: None,
        buyer: query.parsed("buyer_id", "the id of a buyer")?,
        ids: None,
        source: query.text("source")?,
        started_from,
        started_before,
    };
    let states = words(DisputeState::ALL.iter().map(|state| state.code()));
    let Some(state) = query.read("dispute_state", &states, DisputeState::from_code)? else { return Ok(filter) };
    let Some(proof) = viewer.dispute_viewer() else {
        let what = if viewer.is_manager() { ViewDisputes::LABEL } else { DisputeCalls::LABEL };
        return Err(AppError::Forbidden { what: what.to_owned() });
    };
    Ok(filter.with_dispute_state(&proof, state))
}

/// GET `/api/v1/calls`: newest first.
#[utoipa::path(get, path = "/api/v1/calls", tag = "calls", operation_id = "list_calls",
    summary = "List calls",
    description = "Newest first. A buyer sees its own.",
    params(
        ("status" = Option<CallStatus>, Query),
        ("dispute_state" = Option<DisputeState>, Query, description = "For those who may see disputes"),
        ("external_id" = Option<String>, Query, description = "The call's id at its source"),
        ("source" = Option<String>, Query),
        ("buyer_id" = Option<String>, Query),
        ("started_at[gte]" = Option<String>, Query), ("started_at[lt]" = Option<String>, Query),
        ("page" = Option<i64>, Query, minimum = 1), ("per_page" = Option<i64>, Query, minimum = 1, maximum = 100),
    ),
    responses((status = 200, body = List<Call>)), security(("token" = ["calls:read"])))]
pub(in crate::web) async fn index(
    viewer: ByToken<Viewer, CallsRead>,
    query: Query,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let (numbers, filter) = (query.numbers()?, filter(&query, &viewer)?);
    let external_id = query.text("external_id")?;
    let list = db
        .read::<_, AppError, _>(move |conn| {
            let mut filter = filter;
            if let Some(external_id) = external_id {
                let found = calls::find_external(conn, viewer.scope(), &external_id, filter.source.as_deref())?;
                filter.ids = Some(found.into_iter().map(|call| call.id).collect());
            }
            let (rows, total) = numbered::page(conn, viewer.scope(), &filter, (numbers.offset(), numbers.per_page))?;
            Ok(numbers.list(call_shape::calls(conn, &viewer, rows)?, total))
        })
        .await?;
    json(StatusCode::OK, &list)
}

/// GET `/api/v1/calls/{id}`.
#[utoipa::path(get, path = "/api/v1/calls/{id}", tag = "calls", operation_id = "get_call",
    summary = "Read a call",
    description = "As its source reported it.",
    params(("id" = String, Path)),
    responses((status = 200, body = Call)), security(("token" = ["calls:read"])))]
pub(in crate::web) async fn show(
    viewer: ByToken<Viewer, CallsRead>,
    id: Path<CallId>,
    query: Query,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    if query.all("expand").next().is_some() {
        return Err(refuse("expand[]", "nothing: a call has no parts to expand"));
    }
    let id = *id;
    let call = db
        .read::<_, AppError, _>(move |conn| {
            let row = calls::find(conn, viewer.scope(), id)?.ok_or(AppError::NotFound)?;
            call_shape::calls(conn, &viewer, vec![row])?.pop().ok_or(AppError::NotFound)
        })
        .await?;
    json(StatusCode::OK, &call)
}
