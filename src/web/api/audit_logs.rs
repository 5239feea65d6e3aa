//! `/api/v1/audit-logs`: who changed what, for managers with Settings.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::json;
use super::pages::List;
use super::query::Query;
use super::schema::Time;
use crate::auth::{AuditRead, ByToken, Granted, ManageSettings};
use crate::db::Db;
use crate::db::audit::AuditRow;
use crate::db::audit_list::{self, AuditFilter};
use crate::web::AppError;

/// One entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    id: String,
    /// Always `audit_log`.
    object: &'static str,
    at: Time,
    actor: AuditActor,
    action: String,
    entity: String,
    entity_id: String,
    dispute_id: Option<String>,
    /// The values before; null where there were none.
    #[schema(value_type = Option<Object>)]
    old_values: Value,
    /// The values after; null where there are none.
    #[schema(value_type = Option<Object>)]
    new_values: Value,
    request: AuditRequest,
    previous_hash: String,
    hash: String,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
struct AuditActor {
    /// Null for the operator at the command line, and for the program itself.
    id: Option<String>,
    name: String,
}

/// By which request.
#[derive(Debug, Serialize, ToSchema)]
struct AuditRequest {
    /// `browser`, `api`, `command` or `system`.
    via: &'static str,
    address: String,
    id: String,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        let values = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        Self {
            id: row.seq.to_string(),
            object: "audit_log",
            at: Time(row.at),
            actor: AuditActor { id: row.actor_id.map(|id| id.to_string()), name: row.actor_name },
            old_values: values(&row.old_values),
            new_values: values(&row.new_values),
            action: row.action,
            entity: row.entity,
            entity_id: row.entity_id,
            dispute_id: row.dispute_id.map(|id| id.to_string()),
            request: AuditRequest { via: row.via.code(), address: row.address, id: row.request_id },
            previous_hash: row.previous_hash,
            hash: row.hash,
        }
    }
}

/// GET `/api/v1/audit-logs`: newest first.
#[utoipa::path(get, path = "/api/v1/audit-logs", tag = "audit", operation_id = "list_audit_logs",
    summary = "Read the audit log",
    description = "Newest first. Managers with Settings.",
    params(
        ("actor_id" = Option<String>, Query, description = "The id of a user"),
        ("entity" = Option<String>, Query), ("entity_id" = Option<String>, Query), ("action" = Option<String>, Query),
        ("created[gte]" = Option<String>, Query), ("created[lt]" = Option<String>, Query),
        ("page" = Option<i64>, Query, minimum = 1), ("per_page" = Option<i64>, Query, minimum = 1, maximum = 100),
    ),
    responses((status = 200, body = List<AuditEntry>)), security(("token" = ["audit:read"])))]
pub(in crate::web) async fn index(
    grant: ByToken<Granted<ManageSettings>, AuditRead>,
    query: Query,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let numbers = query.numbers()?;
    let (from, before) = query.span("created")?;
    let filter = AuditFilter {
        actor: query.parsed("actor_id", "the id of a user")?,
        entity: query.text("entity")?,
        entity_id: query.text("entity_id")?,
        action: query.text("action")?,
        from,
        before,
    };
    let (rows, total) = db
        .read::<_, AppError, _>(move |conn| {
            Ok(audit_list::numbered(conn, &grant, &filter, (numbers.offset(), numbers.per_page))?)
        })
        .await?;
    json(StatusCode::OK, &numbers.list(rows.into_iter().map(AuditEntry::from).collect::<Vec<_>>(), total))
}
