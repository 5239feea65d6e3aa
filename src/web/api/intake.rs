//! POST `/api/v1/calls`: calls come in as they do from a file, by the same reader and the same store.

use std::ops::ControlFlow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::body::{Body, Sent};
use super::once::Answered;
use super::schema::Money;
use crate::auth::{ByToken, CallsWrite, Granted, ImportCalls, Permission};
use crate::clock::Clock;
use crate::db::call_store::{self, Options, Outcome, StoreError};
use crate::db::{AnyConnection, Db};
use crate::domain::Instant;
use crate::domain::claim::Problem;
use crate::domain::money::{self, Currency};
use crate::import::{self, CallRecord};
use crate::web::AppError;

/// The most calls of one request.
const MOST: usize = 1_000;

/// A call as its source reports it; other keys are kept with it as they came.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes what the reader of imports reads")]
pub(in crate::web) struct NewCall {
    /// The name of the platform or account it comes from.
    source: String,
    /// Its id there.
    external_id: String,
    /// With its zone.
    started_at: String,
    /// The buyer's name, or an alias of it at this source.
    buyer: String,
    publisher: Option<String>,
    campaign: Option<String>,
    caller_id: Option<String>,
    dialed: Option<String>,
    /// The number it was led to.
    destination: Option<String>,
    destination_name: Option<String>,
    /// What the buyer pays.
    payout: Option<Money>,
    /// What the publisher gets.
    publisher_payout: Option<Money>,
    duration_s: Option<i32>,
    connected_s: Option<i32>,
    status: Option<crate::domain::call::CallStatus>,
    hangup_by: Option<crate::domain::call::HangupBy>,
    hangup_cause: Option<String>,
    duplicate: Option<bool>,
    recording_url: Option<String>,
}

/// One call, or up to 1,000: a list, or an object with the list as its `calls`, as other platforms send them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct Incoming(Value);

impl Body for Incoming {
    const TAKES_ALL: bool = true;
}

impl PartialSchema for Incoming {
    fn schema() -> RefOr<Schema> {
        let many =
            || ArrayBuilder::new().items(Ref::from_schema_name("NewCall")).min_items(Some(1)).max_items(Some(MOST));
        let wrapped = ObjectBuilder::new().property("calls", many()).required("calls");
        let wrapped = wrapped.additional_properties(Some(AdditionalProperties::FreeForm(false)));
        OneOfBuilder::new().item(Ref::from_schema_name("NewCall")).item(many()).item(wrapped).into()
    }
}

impl ToSchema for Incoming {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("NewCall".to_owned(), NewCall::schema()));
        NewCall::schemas(schemas);
    }
}

/// What became of the calls, in the order they came.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Results {
    /// Always `list`.
    object: &'static str,
    data: Vec<RowResult>,
    meta: Counts,
}

/// What became of one call.
#[derive(Debug, Default, Serialize, ToSchema)]
struct RowResult {
    /// Its place, from 0.
    index: usize,
    #[schema(schema_with = results)]
    result: &'static str,
    id: Option<String>,
    external_id: Option<String>,
    errors: Vec<RowProblem>,
}

/// What is wrong with one value.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct RowProblem {
    field: String,
    detail: String,
}

fn results() -> Object {
    let words = ["new", "updated", "unchanged", "failed"];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// How many calls each became.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Counts {
    total: usize,
    new: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
}

/// POST `/api/v1/calls`: takes in one call, or up to 1,000; a call that was sent before is the same call.
#[utoipa::path(post, path = "/api/v1/calls", tag = "calls", operation_id = "send_calls",
    summary = "Send calls",
    description = "Managers with Calls Import. One call, or up to 1,000; a call is the same call where `source` and `external_id` are. A list is answered row by row; a call that comes alone and can't be taken is a 422.",
    request_body(content(
        (Incoming = "application/json", example = json!([{
            "source": "ringba", "external_id": "RGB1F008D9E3C5D", "started_at": "2026-11-20T15:42:00Z",
            "buyer": "Lanternbrook Insurance", "publisher": "Halden Pike Marketing", "campaign": "Auto TX",
            "caller_id": "+12145550164", "destination": "+12145550118", "destination_name": "Dallas intake",
            "payout": { "amount": 4200, "currency": "USD" }, "publisher_payout": { "amount": 2500, "currency": "USD" },
            "duration_s": 71, "connected_s": 62, "status": "completed_with_conversion", "hangup_by": "caller"
        }])),
        (NewCall = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, body = Results)), security(("token" = ["calls:write"])))]
pub(in crate::web) async fn create(
    grant: ByToken<Granted<ImportCalls>, CallsWrite>,
    sent: Sent<Incoming>,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let Sent { value, once } = sent;
    let (rows, is_alone) = value.rows()?;
    let read: Vec<Read> = rows.into_iter().map(Read::of).collect();
    if let (true, [Read::Failed(errors, _)]) = (is_alone, read.as_slice()) {
        return Err(alone(errors));
    }
    let (user, now) = (grant.user(), clock.now());
    let done = db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                let results = store(conn, &grant, &read, now)?;
                match results.data.as_slice() {
                    [one] if is_alone && !one.errors.is_empty() => Err(alone(&one.errors)),
                    _ => Answered::with(StatusCode::OK, &results),
                }
            })
        })
        .await?;
    Ok(done.into_response())
}

/// A call that came alone and can't be taken is a refusal like any other.
fn alone(errors: &[RowProblem]) -> AppError {
    AppError::Invalid(errors.iter().map(|error| Problem::new(error.field.clone(), error.detail.clone())).collect())
}

impl Incoming {
    fn rows(self) -> Result<(Vec<Value>, bool), AppError> {
        let refuse = |sentence: &str| Err(AppError::Invalid(vec![Problem::new("", sentence)]));
        match self.0 {
            Value::Object(mut wrapped) if wrapped.len() == 1 && wrapped.get("calls").is_some_and(Value::is_array) => {
                Self(wrapped.remove("calls").unwrap_or_default()).rows()
            }
            Value::Array(rows) if rows.is_empty() => refuse("Send at least one call"),
            Value::Array(rows) if rows.len() > MOST => refuse("At most 1,000 calls can be sent at once"),
            Value::Array(rows) => Ok((rows, false)),
            row @ Value::Object(_) => Ok((vec![row], true)),
            _ => refuse("Send a call, or a list of calls"),
        }
    }
}

/// A row as the reader of imports has it.
enum Read {
    Call(Box<CallRecord>),
    Failed(Vec<RowProblem>, Option<String>),
}

impl Read {
    fn of(row: Value) -> Self {
        let external_id = row.get("external_id").and_then(Value::as_str).map(str::to_owned);
        let fail = |field: &str, detail: &str, id: Option<String>| {
            Self::Failed(vec![RowProblem { field: field.to_owned(), detail: detail.to_owned() }], id)
        };
        let Value::Object(mut row) = row else { return fail("", "A call is an object", None) };
        // The reader recognises a call by these.
        for needed in ["external_id", "started_at", "source", "buyer"] {
            let is_there = row.get(needed).is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
            if !is_there {
                return fail(needed, "This is needed", external_id);
            }
        }
        if let Err((field, detail)) = plain_money(&mut row) {
            return fail(field, &detail, external_id);
        }
        let text = Value::Array(vec![Value::Object(row)]).to_string();
        let options = import::Options { format: Some("fairdial".to_owned()), ..import::Options::default() };
        let mut found = None;
        let read = import::read_calls(text.as_bytes(), &options, |outcome| {
            found = Some(outcome.result);
            ControlFlow::Break(())
        });
        match (found, read) {
            (Some(Ok(record)), _) => Self::Call(Box::new(record)),
            (Some(Err(failed)), _) => {
                let told = |error: import::RowError| RowProblem {
                    field: error.column,
                    detail: format!("It needs {}", error.expected),
                };
                Self::Failed(failed.errors.into_iter().map(told).collect(), external_id)
            }
            (None, Err(import::ImportError::NeedsTimezone { .. } | import::ImportError::NeedsDateOrder { .. })) => {
                fail("started_at", "It needs a time with its zone, such as 2026-11-20T15:42:00Z", external_id)
            }
            (None, Err(error)) => fail("", &error.to_string(), external_id),
            (None, Ok(_)) => fail("", "This is no call", external_id),
        }
    }
}

/// Amounts in minor units, as the reader takes them: written out, with their currency beside them.
fn plain_money(row: &mut Map<String, Value>) -> Result<(), (&'static str, String)> {
    for field in ["payout", "publisher_payout"] {
        let Some(value) = row.get(field).filter(|value| !value.is_null() && value.as_str() != Some("")).cloned() else {
            continue;
        };
        // A bare number would be dollars to some and cents to others.
        let needs = || (field, "It needs an amount in whole minor units and a currency, such as USD".to_owned());
        let currency = value.get("currency").and_then(Value::as_str).and_then(Currency::from_code).ok_or_else(needs)?;
        // A form has texts alone.
        let minor = value.get("amount").and_then(|minor| minor.as_i64().or_else(|| minor.as_str()?.parse().ok()));
        let minor = minor.ok_or_else(needs)?;
        let named = row.entry("currency").or_insert_with(|| Value::from(currency.code()));
        if named.as_str().is_none_or(|named| !named.eq_ignore_ascii_case(currency.code())) {
            return Err((field, "All amounts of a call have one currency".to_owned()));
        }
        let written = money::Money::new(minor, currency).plain().to_string();
        row.insert(field.to_owned(), Value::from(written));
    }
    Ok(())
}

fn store(
    conn: &mut AnyConnection,
    grant: &Granted<ImportCalls>,
    read: &[Read],
    now: Instant,
) -> Result<Results, AppError> {
    if !call_store::may_import(conn, grant)? {
        return Err(AppError::Forbidden { what: ImportCalls::LABEL.to_owned() });
    }
    let records: Vec<CallRecord> = read
        .iter()
        .filter_map(|row| match row {
            Read::Call(record) => Some((**record).clone()),
            Read::Failed(..) => None,
        })
        .collect();
    let options = Options { creates_names: true, now };
    let stored = call_store::store(conn, &grant.actor(), &records, options).map_err(|error| match error {
        StoreError::Buyer(said) => AppError::Invalid(vec![Problem::new("buyer", said)]),
        StoreError::Database(error) => error.into(),
    })?;
    let mut outcomes = stored.outcomes.into_iter();
    let mut results = Results { object: "list", data: Vec::with_capacity(read.len()), meta: Counts::default() };
    for (index, row) in read.iter().enumerate() {
        let result = match row {
            Read::Failed(errors, external_id) => failed(index, external_id.clone(), errors.iter().cloned()),
            Read::Call(record) => of_outcome(index, record, outcomes.next()),
        };
        let counts = &mut results.meta;
        let count = match result.result {
            "new" => &mut counts.new,
            "updated" => &mut counts.updated,
            "unchanged" => &mut counts.unchanged,
            _ => &mut counts.failed,
        };
        *count = count.saturating_add(1);
        counts.total = counts.total.saturating_add(1);
        results.data.push(result);
    }
    if results.meta.new.saturating_add(results.meta.updated) > 0 {
        let Counts { total, new, updated, unchanged, failed } = &results.meta;
        let what = serde_json::json!({ "rows": total, "new": new, "updated": updated, "unchanged": unchanged, "failed": failed });
        call_store::record_import(conn, &grant.actor(), what, now)?;
    }
    Ok(results)
}

fn of_outcome(index: usize, record: &CallRecord, outcome: Option<Outcome>) -> RowResult {
    let external_id = Some(record.external_id.clone());
    let stored = |result, id: crate::domain::ids::CallId| RowResult {
        index,
        result,
        id: Some(id.to_string()),
        external_id: external_id.clone(),
        errors: Vec::new(),
    };
    match outcome {
        Some(Outcome::New(id)) => stored("new", id),
        Some(Outcome::Updated(id)) => stored("updated", id),
        Some(Outcome::Unchanged(id)) => stored("unchanged", id),
        Some(Outcome::Failed(refusal)) => {
            let problem =
                RowProblem { field: refusal.field.to_string(), detail: format!("It needs {}", refusal.expected) };
            failed(index, external_id, std::iter::once(problem))
        }
        // There is one for each record.
        None => failed(index, external_id, std::iter::empty()),
    }
}

fn failed(index: usize, external_id: Option<String>, errors: impl Iterator<Item = RowProblem>) -> RowResult {
    RowResult { index, result: "failed", id: None, external_id, errors: errors.collect() }
}
