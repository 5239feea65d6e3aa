//! The Call Log as a file: the chosen columns for people, or our own format that the import reads back.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::columns::CallColumn;
use super::query::CallQuery;
use super::rows::{self, RowContext};
use super::{query_of, saved_settings};
use crate::auth::Viewer;
use crate::clock::Clock;
use crate::db::call_list::{self, CallFilter, CallLine, CallSort, Disputable};
use crate::db::paging::Sort;
use crate::db::{AnyConnection, Db, DbError, policy};
use crate::domain::ids::CallId;
use crate::domain::money;
use crate::import::preset::Field;
use crate::web::AppError;
use crate::web::chrome::Here;
use crate::web::csv::{self, Cell, PART, Rows};
use crate::web::list_query::{Params, refuse};

/// GET `/calls.csv`.
pub async fn export(viewer: Viewer, here: Here, db: Data<Db>, clock: Data<Clock>) -> Result<HttpResponse, AppError> {
    let now = clock.now();
    let format = Params::parse(query_of(&here)).text("format").map(str::to_owned);
    let is_fairdial = match format.as_deref() {
        None | Some("csv") => false,
        Some("fairdial") if viewer.is_manager() => true,
        Some("fairdial") => return Err(AppError::Forbidden { what: "a manager\u{2019}s account".to_owned() }),
        Some(other) => return Err(refuse("format", other, "fairdial or nothing")),
    };
    let rows = db
        .read(move |conn| {
            let saved = saved_settings(conn, &viewer)?;
            let query = CallQuery::read(&Params::parse(query_of(&here)), &viewer, saved)?;
            let context = RowContext { policy: policy::load(conn)?, now, zone: query.listing.zone };
            let disputable = Disputable { policy: &context.policy, now };
            let sort = call_list::export_sort(conn, viewer.scope(), &query.filter, (query.listing.sort, &disputable))?;
            let walk = Walk { viewer, filter: query.filter, sort, context, place: Place::Start };
            Ok::<_, AppError>((walk, query.listing.columns))
        })
        .await?;
    let (walk, columns) = rows;
    if is_fairdial {
        csv::download(db, "calls-fairdial.csv", Fairdial(walk)).await
    } else {
        csv::download(db, "calls.csv", Table { walk, columns }).await
    }
}

enum Place {
    Start,
    After(CallId),
    End,
}

/// The way through all rows of a filter.
struct Walk {
    viewer: Viewer,
    filter: CallFilter,
    sort: Sort<CallSort>,
    context: RowContext,
    place: Place,
}

impl Walk {
    fn lines(&mut self, conn: &mut AnyConnection) -> Result<Vec<CallLine>, DbError> {
        let after = match self.place {
            Place::Start => None,
            Place::After(id) => Some(id),
            Place::End => return Ok(Vec::new()),
        };
        let disputable = Disputable { policy: &self.context.policy, now: self.context.now };
        let (scope, order) = (self.viewer.scope(), (self.sort, &disputable));
        let lines = call_list::export_page(conn, scope, &self.filter, order, (after, PART))?;
        let is_full = i64::try_from(lines.len()).is_ok_and(|count| count >= PART);
        self.place = match lines.last() {
            Some(last) if is_full => Place::After(last.id),
            _ => Place::End,
        };
        Ok(lines)
    }
}

/// The table as it is on the page.
struct Table {
    walk: Walk,
    columns: Vec<CallColumn>,
}

impl Table {
    /// Amounts mean nothing without their currency.
    fn has_amounts(&self) -> bool {
        self.columns.iter().any(|column| matches!(column, CallColumn::Payout | CallColumn::PublisherPayout))
    }
}

impl Rows for Table {
    fn header(&self) -> Vec<&'static str> {
        let currency = self.has_amounts().then_some("Currency");
        self.columns.iter().map(|column| column.label()).chain(currency).collect()
    }

    fn next(&mut self, conn: &mut AnyConnection) -> Result<Vec<Vec<Cell>>, DbError> {
        let lines = self.walk.lines(conn)?;
        let zone = self.walk.context.zone;
        let rows = rows::load(conn, &self.walk.viewer, lines, &self.walk.context)?;
        let cells = |row: &rows::CallRowView| {
            let currency = self.has_amounts().then(|| Cell::text(&row.line.currency));
            self.columns.iter().map(|column| rows::exported(row, *column, zone)).chain(currency).collect()
        };
        Ok(rows.iter().map(cells).collect())
    }
}

/// Our own format; the import reads back exactly what stands in it.
struct Fairdial(Walk);

const FIELDS: &[Field] = &[
    Field::Source,
    Field::ExternalId,
    Field::StartedAt,
    Field::CallerId,
    Field::Dialed,
    Field::Destination,
    Field::DestinationName,
    Field::Buyer,
    Field::Publisher,
    Field::Campaign,
    Field::Currency,
    Field::Payout,
    Field::PublisherPayout,
    Field::DurationS,
    Field::ConnectedS,
    Field::Status,
    Field::HangupBy,
    Field::HangupCause,
    Field::Duplicate,
    Field::RecordingUrl,
];

impl Rows for Fairdial {
    fn header(&self) -> Vec<&'static str> {
        FIELDS.iter().map(|field| field.name()).collect()
    }

    fn next(&mut self, conn: &mut AnyConnection) -> Result<Vec<Vec<Cell>>, DbError> {
        let lines = self.0.lines(conn)?;
        let rows = rows::load(conn, &self.0.viewer, lines, &self.0.context)?;
        Ok(rows.iter().map(|row| FIELDS.iter().map(|field| fairdial(row, *field)).collect()).collect())
    }
}

fn fairdial(row: &rows::CallRowView, field: Field) -> Cell {
    let line = &row.line;
    let amount = |minor: Option<i64>| {
        let plain = minor.zip(money::Currency::from_code(&line.currency));
        Cell::number(plain.map(|(minor, currency)| money::Money::new(minor, currency).plain()))
    };
    match field {
        Field::Source => Cell::text(&line.source),
        Field::ExternalId => Cell::text(&line.external_id),
        Field::StartedAt => Cell::plain(line.started_at.format("%Y-%m-%dT%H:%M:%S%.fZ")),
        Field::CallerId => Cell::text(&line.caller_id),
        Field::Dialed => Cell::text(&line.dialed),
        Field::Destination => Cell::text(&line.destination_number),
        Field::DestinationName if line.destination != line.destination_number => Cell::text(&line.destination),
        Field::Buyer => Cell::text(row.buyer.as_deref().unwrap_or_default()),
        Field::Publisher => Cell::text(row.publisher.as_deref().unwrap_or_default()),
        Field::Campaign => Cell::text(row.campaign.as_deref().unwrap_or_default()),
        Field::Currency => Cell::text(&line.currency),
        Field::Payout => amount(line.payout),
        Field::PublisherPayout => amount(line.publisher_payout),
        Field::DurationS => Cell::number(line.duration_s),
        Field::ConnectedS => Cell::number(line.connected_s),
        Field::Status => Cell::plain(line.status.code()),
        Field::HangupBy => Cell::plain(line.hangup_by.code()),
        Field::HangupCause => Cell::text(&line.hangup_cause),
        Field::Duplicate => Cell::plain(line.is_duplicate),
        Field::RecordingUrl => Cell::text(&line.recording_url),
        Field::DestinationName | Field::Connected | Field::Converted => Cell::plain(""),
    }
}
