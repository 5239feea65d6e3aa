//! What a report counts: the disputes submitted in a period, read once in the order of their index, part by part.

use std::collections::HashMap;
use std::hash::Hash;

use diesel::prelude::*;

use super::schema::{campaigns, disputes, publishers, users};
use super::{AnyConnection, Backend, names};
use crate::auth::{Granted, ViewDisputes};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CampaignId, DisputeId, PublisherId, UserId};

/// Rows that are read at once: memory doesn't grow with the period.
const PART: i64 = 5_000;

/// The most disputes a report looks through; it says so where there are more.
pub const MOST: usize = 400_000;

/// One dispute as it is counted.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = disputes)]
pub struct Counted {
    pub id: DisputeId,
    pub listed_at: Instant,
    pub buyer_id: BuyerId,
    pub publisher_id: Option<PublisherId>,
    pub campaign_id: Option<CampaignId>,
    pub destination: String,
    pub reason: String,
    pub status: Status,
    pub decided_by: Option<UserId>,
    pub seconds_to_decision: Option<i64>,
    pub currency: String,
    pub credit: Option<i64>,
    pub clawback: Option<i64>,
    pub due_at: Instant,
}

/// Which disputes are counted: submitted from an instant, before another, of one buyer or all.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    pub from: Instant,
    pub before: Instant,
    pub buyer: Option<BuyerId>,
}

/// Hands each dispute of the period to `count`; gives whether there were more than are looked through.
pub fn each(
    conn: &mut AnyConnection,
    _grant: &Granted<ViewDisputes>,
    period: &Period,
    mut count: impl FnMut(Counted),
) -> QueryResult<bool> {
    // Submitted disputes are listed at the instant of Send.
    let mut last = (period.from, DisputeId::from_number(0));
    let mut seen = 0_usize;
    loop {
        let mut query = disputes::table
            .filter(disputes::listed_at.ge(last.0))
            .filter(disputes::listed_at.gt(last.0).or(disputes::id.gt(last.1)))
            .filter(disputes::listed_at.lt(period.before))
            .into_boxed::<Backend>();
        if let Some(buyer) = period.buyer {
            query = query.filter(disputes::buyer_id.eq(buyer));
        }
        let rows: Vec<Counted> =
            query.order((disputes::listed_at, disputes::id)).limit(PART).select(Counted::as_select()).load(conn)?;
        let Some(end) = rows.last().map(|row| (row.listed_at, row.id)) else { return Ok(false) };
        last = end;
        for row in rows.into_iter().filter(|row| row.status != Status::Draft) {
            if seen >= MOST {
                return Ok(true);
            }
            seen = seen.saturating_add(1);
            count(row);
        }
    }
}

/// The names behind the ids of a report.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub buyers: HashMap<BuyerId, String>,
    pub publishers: HashMap<PublisherId, String>,
    pub campaigns: HashMap<CampaignId, String>,
    pub managers: HashMap<UserId, String>,
}

/// Looks the names up, some hundred at a time.
pub fn names(
    conn: &mut AnyConnection,
    _grant: &Granted<ViewDisputes>,
    (buyers, publishers_of, campaigns_of, managers): (&[BuyerId], &[PublisherId], &[CampaignId], &[UserId]),
) -> QueryResult<Names> {
    let mut found = Names::default();
    for ids in buyers.chunks(500) {
        found.buyers.extend(names::of_buyers(conn, ids)?);
    }
    for ids in publishers_of.chunks(500) {
        let rows = publishers::table.filter(publishers::id.eq_any(ids)).select((publishers::id, publishers::name));
        extend(&mut found.publishers, rows.load(conn)?);
    }
    for ids in campaigns_of.chunks(500) {
        let rows = campaigns::table.filter(campaigns::id.eq_any(ids)).select((campaigns::id, campaigns::name));
        extend(&mut found.campaigns, rows.load(conn)?);
    }
    for ids in managers.chunks(500) {
        extend(
            &mut found.managers,
            users::table.filter(users::id.eq_any(ids)).select((users::id, users::name)).load(conn)?,
        );
    }
    Ok(found)
}

fn extend<Id: Eq + Hash>(names: &mut HashMap<Id, String>, rows: Vec<(Id, String)>) {
    names.extend(rows);
}
