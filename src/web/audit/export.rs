//! The audit log as a file, oldest first: CSV for people, JSON Lines as `fairdial audit export` writes it.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, http::header};
use futures_util::stream;

use super::Listing;
use crate::auth::{Granted, ManageSettings};
use crate::db::audit::AuditRow;
use crate::db::audit_list::{self, AuditFilter};
use crate::db::{AnyConnection, Db, DbError};
use crate::web::AppError;
use crate::web::csv::{self as sheet, Cell, PART, Rows};
use crate::web::list_query::Params;

/// GET `/audit.csv`.
pub(in crate::web) async fn csv(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let entries = Entries::read(&db, grant, &request).await?;
    sheet::download(db, "audit.csv", entries).await
}

/// GET `/audit.jsonl`.
pub(in crate::web) async fn lines(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let entries = Entries::read(&db, grant, &request).await?;
    let body = stream::try_unfold((db, entries), |(db, entries)| async move {
        let (text, entries) = db
            .read(move |conn| {
                let mut entries = entries;
                let mut text = String::new();
                for row in entries.part(conn)? {
                    text.push_str(&row.as_json().to_string());
                    text.push('\n');
                }
                Ok::<_, DbError>((text, entries))
            })
            .await
            .inspect_err(|error| tracing::error!(%error, "an export broke off"))
            .map_err(AppError::from)?;
        Ok::<_, actix_web::Error>((!text.is_empty()).then(|| (Bytes::from(text), (db, entries))))
    });
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(Box::pin(body)))
}

/// The entries of a filter, part by part.
struct Entries {
    grant: Granted<ManageSettings>,
    filter: AuditFilter,
    after: Option<i64>,
}

impl Entries {
    async fn read(db: &Db, grant: Granted<ManageSettings>, request: &HttpRequest) -> Result<Self, AppError> {
        let params = Params::parse(request.query_string());
        db.read(move |conn| {
            let filter = Listing::read(conn, &params, &grant)?.filter;
            Ok(Self { grant, filter, after: None })
        })
        .await
    }

    fn part(&mut self, conn: &mut AnyConnection) -> Result<Vec<AuditRow>, DbError> {
        let rows = audit_list::oldest_first(conn, &self.grant, &self.filter, (self.after, PART))?;
        self.after = rows.last().map(|row| row.seq).or(self.after);
        Ok(rows)
    }
}

impl Rows for Entries {
    fn header(&self) -> Vec<&'static str> {
        vec![
            "Entry",
            "Time",
            "Actor",
            "Actor id",
            "Via",
            "Address",
            "Request",
            "Action",
            "Entity",
            "Entity id",
            "Dispute",
            "Old values",
            "New values",
            "Hash",
        ]
    }

    fn next(&mut self, conn: &mut AnyConnection) -> Result<Vec<Vec<Cell>>, DbError> {
        let cells = |row: AuditRow| {
            vec![
                Cell::plain(row.seq),
                Cell::plain(row.at.and_utc().to_rfc3339()),
                Cell::text(&row.actor_name),
                Cell::number(row.actor_id),
                Cell::plain(row.via.code()),
                Cell::text(&row.address),
                Cell::text(&row.request_id),
                Cell::plain(row.action),
                Cell::plain(row.entity),
                Cell::text(&row.entity_id),
                Cell::number(row.dispute_id),
                Cell::text(&row.old_values),
                Cell::text(&row.new_values),
                Cell::plain(row.hash),
            ]
        };
        Ok(self.part(conn)?.into_iter().map(cells).collect())
    }
}
