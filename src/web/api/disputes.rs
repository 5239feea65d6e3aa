//! `/api/v1/disputes`: listed, read, filed and changed.

use std::collections::BTreeMap;

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Body, Sent};
use super::once::Answered;
use super::pages::List;
use super::query::{Query, refuse};
use super::schema::{self, Expand, Labels, Part, StatusOrTurn};
use super::shapes::{self, Dispute, With};
use super::{json, refusals};
use crate::auth::{ByToken, DisputeCalls, DisputeViewer, DisputesRead, DisputesWrite, Granted};
use crate::clock::Clock;
use crate::db::amending::{self, Amendment};
use crate::db::dispute_list::numbered::{self, NumberedFilter, Standing};
use crate::db::{AnyConnection, Db, DbError, calls, disputes};
use crate::domain::claim::Problem;
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::{CallId, DisputeId};
use crate::web::{AppError, Path};

/// What can come with a dispute.
fn with<'a>(names: impl Iterator<Item = &'a str>) -> Result<With, AppError> {
    let mut with = With::default();
    for name in names {
        match name {
            "call" => with.call = true,
            "messages" => with.messages = true,
            // Always there.
            "evidence" | "decision" => {}
            _ => return Err(refuse("expand[]", &format!("one of {}", Part::ALL.join(", ")))),
        }
    }
    Ok(with)
}

/// What comes with one dispute: its messages, and what the address or the body asks for.
pub(super) fn with_all(query: &Query, expand: &Expand) -> Result<With, AppError> {
    Ok(With { messages: true, ..with(query.all("expand").chain(expand.names()))? })
}

fn standings(query: &Query) -> Result<Vec<Standing>, AppError> {
    let mut found = Vec::new();
    for name in query.all("status") {
        match (name, Status::from_code(name)) {
            (_, Some(status)) => found.push(Standing::Status(status)),
            ("open", _) => found.push(Standing::SpokeLast(Side::Buyer)),
            ("replied", _) => found.push(Standing::SpokeLast(Side::Platform)),
            ("resolved", _) => {
                found.extend(Status::ALL.iter().filter(|status| status.is_decided()).copied().map(Standing::Status));
            }
            _ => {
                let words = Status::ALL.iter().map(|status| status.code()).chain(StatusOrTurn::MORE);
                return Err(refuse("status", &format!("one of {}", words.collect::<Vec<_>>().join(", "))));
            }
        }
    }
    Ok(found)
}

/// GET `/api/v1/disputes`: newest first. A buyer's drafts are among them.
#[utoipa::path(get, path = "/api/v1/disputes", tag = "disputes", operation_id = "list_disputes",
    summary = "List disputes",
    description = "Newest first. A buyer's drafts are among them.",
    params(
        ("status" = Option<Vec<StatusOrTurn>>, Query, description = "A status, or several; `open` (pending, the buyer spoke last), `replied` (pending, the platform spoke last) or `resolved`"),
        ("reason" = Option<String>, Query, description = "The code of a reason"),
        ("call_id" = Option<String>, Query),
        ("call_external_id" = Option<String>, Query, description = "The call's id at its source"),
        ("source" = Option<String>, Query, description = "The source, with `call_external_id`"),
        ("buyer_id" = Option<String>, Query),
        ("created[gte]" = Option<String>, Query, description = "Created at this time or later; `created[gt]` leaves it out"),
        ("created[lt]" = Option<String>, Query, description = "Created before this time; `created[lte]` takes it in"),
        ("expand[]" = Option<Vec<Part>>, Query, description = "What comes with it; `evidence` and `decision` always do"),
        ("page" = Option<i64>, Query, minimum = 1), ("per_page" = Option<i64>, Query, minimum = 1, maximum = 100),
    ),
    responses((status = 200, body = List<Dispute>)), security(("token" = ["disputes:read"])))]
pub(in crate::web) async fn index(
    viewer: ByToken<DisputeViewer, DisputesRead>,
    query: Query,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let (numbers, with) = (query.numbers()?, with(query.all("expand"))?);
    let (created_from, created_before) = query.span("created")?;
    let filter = NumberedFilter {
        standings: standings(&query)?,
        reason: query.text("reason")?,
        buyer: query.parsed("buyer_id", "the id of a buyer")?,
        calls: query.parsed::<CallId>("call_id", "the id of a call")?.map(|call| vec![call]),
        created_from,
        created_before,
    };
    let (external_id, source) = (query.text("call_external_id")?, query.text("source")?);
    if source.is_some() && external_id.is_none() {
        return Err(refuse("source", "call_external_id beside it"));
    }
    let list = db
        .read::<_, AppError, _>(move |conn| {
            let mut filter = filter;
            if let Some(external_id) = external_id {
                let found = calls::find_external(conn, viewer.scope(), &external_id, source.as_deref())?;
                let found = found.into_iter().map(|call| call.id);
                // Both may be named: then it is the one call that fits both.
                filter.calls = Some(match filter.calls {
                    Some(named) => found.filter(|call| named.contains(call)).collect(),
                    None => found.collect(),
                });
            }
            let (rows, total) = numbered::page(conn, viewer.scope(), &filter, (numbers.offset(), numbers.per_page))?;
            Ok(numbers.list(shapes::disputes(conn, &viewer, rows, with)?, total))
        })
        .await?;
    json(StatusCode::OK, &list)
}

/// GET `/api/v1/disputes/{id}`: with its messages.
#[utoipa::path(get, path = "/api/v1/disputes/{id}", tag = "disputes", operation_id = "get_dispute",
    summary = "Read a dispute",
    description = "Always with its messages.",
    params(("id" = String, Path), ("expand[]" = Option<Vec<Part>>, Query, description = "What comes with it; `evidence` and `decision` always do")),
    responses((status = 200, body = Dispute, headers(("ETag" = String)))), security(("token" = ["disputes:read"])))]
pub(in crate::web) async fn show(
    viewer: ByToken<DisputeViewer, DisputesRead>,
    id: Path<DisputeId>,
    query: Query,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let (id, with) = (*id, with_all(&query, &Expand::default())?);
    let dispute = db.read(move |conn| whole(conn, &viewer, id, with)).await?;
    Ok(Answered::with(StatusCode::OK, &dispute)?.into_response())
}

/// A dispute as it is now, or 404.
fn whole(conn: &mut AnyConnection, viewer: &DisputeViewer, id: DisputeId, with: With) -> Result<Dispute, AppError> {
    let row = disputes::find(conn, viewer.scope(), id)?.ok_or(AppError::NotFound)?;
    shapes::disputes(conn, viewer, vec![row], with)?.pop().ok_or(AppError::NotFound)
}

/// The answer to a change: the dispute as it is after it.
pub(super) fn answered(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    (status, id): (StatusCode, DisputeId),
    with: With,
) -> Result<Answered, AppError> {
    Answered::with(status, &whole(conn, viewer, id, with)?)
}

/// A dispute to be filed, or saved as a draft.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewDispute {
    /// The call; or its id at its source.
    call_id: Option<String>,
    call_external_id: Option<String>,
    /// Where several sources have a call of this id.
    source: Option<String>,
    /// The code of a reason that the platform offers.
    #[schema(examples("caller_hung_up"))]
    reason: Option<String>,
    #[schema(max_length = 5000)]
    additional_information: Option<String>,
    /// Named facts; with Additional Information at most 150,000 characters.
    #[schema(schema_with = schema::named_facts_or_null)]
    evidence: Option<BTreeMap<String, String>>,
    metadata: Option<Labels>,
    /// Whether it is sent at once, as it is where nothing is said; else it is a draft.
    #[serde(default, deserialize_with = "schema::flag_or_nothing")]
    submit: Option<bool>,
    /// What comes with it, as in the address.
    #[serde(default)]
    expand: Expand,
}

impl Body for NewDispute {}
impl Body for DisputeChange {}

/// POST `/api/v1/disputes`: files a dispute, or saves it as a draft.
#[utoipa::path(post, path = "/api/v1/disputes", tag = "disputes", operation_id = "create_dispute",
    summary = "File a dispute, or save it as a draft",
    description = "The call is named by `call_id`, or by `call_external_id` and, where several sources have such a call, `source`. With `submit` false it is kept as a draft, which all of the buyer's people with Dispute Calls see, and the platform doesn't.",
    params(("expand[]" = Option<Vec<Part>>, Query)),
    request_body(content(
        (NewDispute = "application/json", example = json!({
            "call_external_id": "RGB1F008D9E3C5D", "source": "ringba", "reason": "caller_hung_up",
            "additional_information": "The caller said nothing and hung up after four seconds.",
            "evidence": { "service_date": "2026-11-22" }, "metadata": { "crm": "4711" }
        })),
        (NewDispute = "application/x-www-form-urlencoded")
    )),
    responses((status = 201, body = Dispute, headers(("ETag" = String)))), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn create(
    grant: ByToken<Granted<DisputeCalls>, DisputesWrite>,
    sent: Sent<NewDispute>,
    query: Query,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (grant, viewer) = with_eyes(grant)?;
    let Sent { value, once } = sent;
    let with = with_all(&query, &value.expand)?;
    let amendment = Amendment {
        reason: value.reason,
        additional_information: value.additional_information,
        facts: value.evidence.unwrap_or_default(),
        metadata: value.metadata.map(|labels| labels.0),
        submits: value.submit,
    };
    let wanted = Wanted::of(value.call_id, value.call_external_id, value.source)?;
    let (user, now) = (grant.user(), clock.now());
    let done = db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                let call = wanted.find(conn, &viewer)?;
                let id = amending::create(conn, &grant, &clock, call, &amendment).map_err(refusals::of_sending)?;
                answered(conn, &viewer, (StatusCode::CREATED, id), with)
            })
        })
        .await?;
    Ok(done.into_response())
}

/// Which call a new dispute is about.
enum Wanted {
    Id(CallId),
    External { id: String, source: Option<String> },
}

impl Wanted {
    fn of(id: Option<String>, external_id: Option<String>, source: Option<String>) -> Result<Self, AppError> {
        let problem = |field: &str, sentence: &str| AppError::Invalid(vec![Problem::new(field, sentence)]);
        let is_readable = |text: &String| !text.contains('\0');
        match (id, external_id) {
            (Some(id), None) => id.parse().map(Self::Id).map_err(|_not_an_id| {
                problem("call_id", "This is not the id of a call; the source\u{2019}s own id is call_external_id")
            }),
            (None, Some(id)) => {
                if !is_readable(&id) || !source.as_ref().is_none_or(is_readable) {
                    return Err(problem("call_external_id", "An id is a text without the character NUL"));
                }
                Ok(Self::External { id, source })
            }
            (Some(_), Some(_)) => Err(problem("call_id", "Name the call by call_id or by call_external_id, not both")),
            (None, None) => Err(problem("call_id", "Name the call by call_id, or by call_external_id and source")),
        }
    }

    fn find(&self, conn: &mut AnyConnection, viewer: &DisputeViewer) -> Result<CallId, AppError> {
        let (id, source) = match self {
            Self::Id(id) => return Ok(*id),
            Self::External { id, source } => (id, source.as_deref()),
        };
        let found = calls::find_external(conn, viewer.scope(), id, source)?;
        match found.as_slice() {
            [call] => Ok(call.id),
            [] => Err(AppError::NotFound),
            _ => {
                let sentence = "Several sources have a call of this id: name the source";
                Err(AppError::Invalid(vec![Problem::new("source", sentence)]))
            }
        }
    }
}

/// A change of a dispute; what isn't named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DisputeChange {
    /// Only of a draft.
    #[schema(examples("caller_hung_up"))]
    reason: Option<String>,
    /// Only of a draft.
    #[schema(max_length = 5000)]
    additional_information: Option<String>,
    /// Named facts; an empty text removes one that was not sent.
    #[schema(schema_with = schema::named_facts_or_null)]
    evidence: Option<BTreeMap<String, String>>,
    metadata: Option<Labels>,
    /// Whether all that is staged is sent, as it is where nothing is said. A body of `metadata` alone sends nothing.
    #[serde(default, deserialize_with = "schema::flag_or_nothing")]
    submit: Option<bool>,
    /// What comes with it, as in the address.
    #[serde(default)]
    expand: Expand,
}

/// POST `/api/v1/disputes/{id}`: changes a draft, adds evidence to a pending dispute, or sets metadata.
#[utoipa::path(post, path = "/api/v1/disputes/{id}", tag = "disputes", operation_id = "update_dispute",
    summary = "Change a dispute",
    description = "A draft may change in any part. While it is pending, evidence may be added; with `submit` false it is staged, else all that is staged is sent. `metadata` may change in every status: a key set to an empty text is removed, and an empty text instead of keys removes all; a body of `metadata` alone sends nothing. Anything else is a 409.",
    params(("id" = String, Path), ("expand[]" = Option<Vec<Part>>, Query), ("If-Match" = Option<String>, Header)),
    request_body(content(
        (DisputeChange = "application/json", example = json!({
            "evidence": { "customer_communication": "The customer told us on the phone that nobody called." },
            "submit": false
        })),
        (DisputeChange = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, body = Dispute, headers(("ETag" = String)))), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn update(
    grant: ByToken<Granted<DisputeCalls>, DisputesWrite>,
    id: Path<DisputeId>,
    sent: Sent<DisputeChange>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (grant, viewer) = with_eyes(grant)?;
    let (id, Sent { value, once }, versions) = (*id, sent, Versions::of(&request));
    let with = with_all(&Query::of(&request), &value.expand)?;
    let amendment = Amendment {
        reason: value.reason,
        additional_information: value.additional_information,
        facts: value.evidence.unwrap_or_default(),
        metadata: value.metadata.map(|labels| labels.0),
        submits: value.submit,
    };
    let (user, now) = (grant.user(), clock.now());
    let done = db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                versions.check(conn, &viewer, id)?;
                amending::amend(conn, &grant, &clock, id, &amendment).map_err(refusals::of_sending)?;
                answered(conn, &viewer, (StatusCode::OK, id), with)
            })
        })
        .await?;
    Ok(done.into_response())
}

/// The proof that the buyer may dispute calls, and the one that it may see disputes, which follows from it.
pub(super) fn with_eyes(
    grant: ByToken<Granted<DisputeCalls>, DisputesWrite>,
) -> Result<(Granted<DisputeCalls>, DisputeViewer), AppError> {
    let viewer = grant.viewer().dispute_viewer().ok_or(AppError::NotFound)?;
    Ok((grant.into_right(), viewer))
}

/// The versions that `If-Match` names; none: any.
#[derive(Clone, Debug)]
pub(super) struct Versions(Option<Vec<i32>>);

impl Versions {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let tags: Vec<&str> = request
            .headers()
            .get_all(header::IF_MATCH)
            .map(|value| value.to_str().unwrap_or_default())
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .collect();
        if tags.is_empty() || tags.contains(&"*") {
            return Self(None);
        }
        let version = |tag: &&str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Self(Some(tags.iter().filter_map(version).collect()))
    }

    /// Holds the dispute, and refuses if it has changed.
    pub(super) fn check(
        &self,
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        id: DisputeId,
    ) -> Result<(), AppError> {
        let Some(versions) = &self.0 else { return Ok(()) };
        let matches =
            amending::has_version(conn, viewer, id, versions).map_err(|error: DbError| AppError::from(error))?;
        match matches {
            Some(true) => Ok(()),
            Some(false) => Err(AppError::PreconditionFailed),
            None => Err(AppError::NotFound),
        }
    }
}
