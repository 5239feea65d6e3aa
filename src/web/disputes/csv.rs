//! GET `/disputes.csv`: the rows of the current filter, with the columns that are chosen.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono_tz::Tz;

use super::index::saved;
use super::row::{Row, Rows as KnownRows};
use super::state::{Column, ListState};
use crate::auth::DisputeViewer;
use crate::clock::Clock;
use crate::db::dispute_list::{self, Mark};
use crate::db::{AnyConnection, Db, DbError, policy};
use crate::domain::Instant;
use crate::domain::money;
use crate::domain::policy::Policy;
use crate::web::AppError;
use crate::web::csv::{self, Cell, PART, Rows};
use crate::web::filters::Money;
use crate::web::list_query::Params;

/// GET `/disputes.csv`.
pub(in crate::web) async fn export(
    viewer: DisputeViewer,
    request: HttpRequest,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<HttpResponse, AppError> {
    let params = Params::parse(request.query_string());
    let now = clock.now();
    let table = db
        .read(move |conn| {
            let mut state = ListState::read(&params, viewer.viewer(), saved(conn, &viewer)?, now)?;
            let policy = policy::load(conn)?;
            state.listing.sort = dispute_list::export_sort(conn, viewer.scope(), &state.filter, state.listing.sort)?;
            Ok::<_, AppError>(Table { viewer, state, policy, now, place: Place::Start })
        })
        .await?;
    csv::download(db, "disputes.csv", table).await
}

/// The table as it is on the page, all of it.
struct Table {
    viewer: DisputeViewer,
    state: ListState,
    policy: Policy,
    now: Instant,
    place: Place,
}

/// Where the next part begins.
#[derive(Clone, Copy)]
enum Place {
    Start,
    After(Mark),
    End,
}

impl Table {
    fn columns(&self) -> &[Column] {
        &self.state.listing.columns
    }
}

impl Rows for Table {
    fn header(&self) -> Vec<&'static str> {
        // An amount means nothing without its currency, and a row nothing without its id; what came of it is no column of
        // the page, which says it with the status.
        let chosen = self.columns().iter().map(|column| column.label());
        ["Dispute"].into_iter().chain(chosen).chain(["Credit", "Currency"]).collect()
    }

    fn next(&mut self, conn: &mut AnyConnection) -> Result<Vec<Vec<Cell>>, DbError> {
        let after = match self.place {
            Place::Start => None,
            Place::After(mark) => Some(mark),
            Place::End => return Ok(Vec::new()),
        };
        let (scope, sort) = (self.viewer.scope(), self.state.listing.sort);
        let rows = dispute_list::export_page(conn, scope, &self.state.filter, sort, (after, PART))?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= PART);
        self.place = rows.last().filter(|_| is_full).map_or(Place::End, |last| Place::After(Mark::of(last)));
        let zone = self.state.zone();
        let known = KnownRows::load(conn, &self.viewer, &self.policy, (&rows, &[]), (zone, self.now, String::new()))?;
        let line = |line: dispute_list::DisputeLine| {
            let currency = Cell::text(&line.currency);
            let credit = amount(line.credit.map(|minor| Money::new(minor, &line.currency)));
            let row = known.row(line);
            let cells = self.columns().iter().map(|column| cell(&row, *column, zone));
            [Cell::plain(&row.id)].into_iter().chain(cells).chain([credit, currency]).collect()
        };
        Ok(rows.into_iter().map(line).collect())
    }
}

/// `1030.30`, or nothing where it is unknown.
fn amount(amount: Option<Money>) -> Cell {
    let plain = amount.and_then(|amount| {
        let currency = money::Currency::from_code(amount.currency.code())?;
        Some(money::Money::new(amount.minor, currency).plain())
    });
    Cell::number(plain)
}

fn cell(row: &Row, column: Column, zone: Tz) -> Cell {
    let time = |at: Option<Instant>| match at {
        Some(at) => Cell::plain(at.and_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %z")),
        None => Cell::plain(""),
    };
    match column {
        Column::Status => Cell::plain(row.status.label()),
        Column::CallDate => time(Some(row.called_at)),
        Column::CallerId => Cell::text(&row.caller_id),
        Column::Buyer => Cell::text(row.buyer()),
        Column::Destination => Cell::text(&row.destination),
        Column::Payout => amount(row.payout),
        Column::PublisherPayout => amount(row.publisher_payout()),
        Column::Reason => Cell::text(&row.reason),
        Column::Recording => Cell::plain(if row.recording.is_some() { "yes" } else { "" }),
        Column::Submitted => time(row.submitted_at),
        Column::Age => Cell::number(row.age().map(|age| age.0.num_hours())),
        Column::Due => time(row.due().map(|due| due.at)),
    }
}
