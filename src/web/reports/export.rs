//! The figures of a report as CSV: one line for each thing they are counted by, and currency.

use std::vec::IntoIter;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::book::{By, Key};
use super::{Asked, look_up, name_of};
use crate::auth::{Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::{AnyConnection, Db, DbError, policy};
use crate::domain::money::{Currency, Money};
use crate::domain::report::Tally;
use crate::web::AppError;
use crate::web::csv::{self as sheet, Cell, PART, Rows};
use crate::web::list_query::Params;

/// GET `/reports.csv` ?period, from, to, buyer, by.
pub(in crate::web) async fn csv(
    grant: Granted<ViewDisputes>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (params, now) = (Params::parse(request.query_string()), clock.now());
    let asked = Asked::read(&params, &grant, now)?;
    let only = params.word::<By>("by")?;
    let table = db
        .read(move |conn| {
            let (book, is_capped) = asked.count(conn, &grant, now)?;
            if is_capped {
                let sentence =
                    "There are more disputes in this period than a report looks through: choose a shorter one.";
                return Err(AppError::Unprocessable(sentence.to_owned()));
            }
            let policy = policy::load(conn)?;
            let wanted = By::ALL.iter().copied().filter(|by| only.is_none_or(|only| only == *by));
            let groups: Vec<_> = wanted.flat_map(|by| book.groups(by)).collect();
            let known = look_up(conn, &grant, groups.iter())?;
            let mut rows = Vec::new();
            for group in &groups {
                let name = match &group.key {
                    Key::Week(monday) => monday.to_string(),
                    key => name_of(key, &book, &known, &policy),
                };
                rows.extend(group.by_currency.iter().map(|(code, tally)| cells(group.key.by(), &name, code, tally)));
            }
            Ok(Table(rows.into_iter()))
        })
        .await?;
    sheet::download(db, "reports.csv", table).await
}

struct Table(IntoIter<Vec<Cell>>);

impl Rows for Table {
    fn header(&self) -> Vec<&'static str> {
        vec![
            "By",
            "Name",
            "Currency",
            "Disputes",
            "Pending",
            "Accepted",
            "Accepted Partial",
            "Rejected",
            "Withdrawn",
            "Acceptance in basis points",
            "Median seconds to a decision",
            "Credit",
            "Clawback",
        ]
    }

    fn next(&mut self, _conn: &mut AnyConnection) -> Result<Vec<Vec<Cell>>, DbError> {
        let part = usize::try_from(PART).unwrap_or(1000);
        Ok(self.0.by_ref().take(part).collect())
    }
}

fn cells(by: By, name: &str, code: &str, tally: &Tally) -> Vec<Cell> {
    let amount =
        |minor: i64| Cell::number(Currency::from_code(code).map(|currency| Money::new(minor, currency).plain()));
    vec![
        Cell::plain(by.label()),
        Cell::text(name),
        Cell::text(code),
        Cell::plain(tally.disputes()),
        Cell::plain(tally.pending),
        Cell::plain(tally.accepted),
        Cell::plain(tally.partial),
        Cell::plain(tally.rejected),
        Cell::plain(tally.withdrawn),
        Cell::number(tally.acceptance()),
        Cell::number(tally.median()),
        amount(tally.credit),
        amount(tally.clawback),
    ]
}
