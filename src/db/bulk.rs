//! Rows of the demo's world, many at once: known to be new and consistent, so nothing is asked of them.

use diesel::prelude::*;

use super::dialect::{in_write_transaction, insert_all, prepare_filling, secondary_indexes};
use super::schema::{adjustments, calls, campaigns, dispute_suffixes, disputes, notifications, publishers, recordings};
use super::{AnyConnection, Failure};
use super::{buyers::name_key, suffixes};
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeState, HangupBy};
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::{AdjustmentId, BuyerId, CallId, CampaignId, DisputeId, PublisherId, UserId};

/// A dispute as its row has it.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = disputes, treat_none_as_default_value = false)]
pub struct WholeDispute<'a> {
    pub id: DisputeId,
    pub call_id: CallId,
    pub buyer_id: BuyerId,
    pub status: Status,
    pub status_rank: i32,
    pub reason: &'a str,
    pub additional_information: String,
    pub source: &'a str,
    pub external_id: String,
    pub call_started_at: Instant,
    pub caller_id: String,
    pub destination: &'a str,
    pub campaign_id: Option<CampaignId>,
    pub publisher_id: Option<PublisherId>,
    pub currency: &'a str,
    pub payout: Option<i64>,
    pub payout_sort: i64,
    pub publisher_payout: Option<i64>,
    pub publisher_payout_sort: i64,
    pub duration_s: Option<i32>,
    pub duration_sort: i32,
    pub call_status: CallStatus,
    pub hangup_by: HangupBy,
    pub hangup_cause: &'a str,
    pub has_recording: bool,
    pub has_evidence: bool,
    pub created_by: UserId,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub listed_at: Instant,
    pub submitted_by: Option<UserId>,
    pub submitted_at: Option<Instant>,
    pub due_at: Instant,
    pub credit: Option<i64>,
    pub clawback: Option<i64>,
    pub decision_note: String,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<Instant>,
    pub last_speaker: Side,
    pub version: i32,
    #[diesel(skip_insertion)]
    pub destination_number: &'a str,
}

/// A recording of a call that is in the file store already.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = recordings)]
pub struct WholeRecording<'a> {
    pub call_id: CallId,
    pub file_id: String,
    pub media_type: &'a str,
    pub size: i64,
    pub sha256: &'a str,
    pub created_at: Instant,
}

#[derive(Insertable)]
#[diesel(table_name = dispute_suffixes)]
struct Suffix {
    suffix: String,
    dispute_id: DisputeId,
    buyer_id: BuyerId,
}

/// Readies the connection for filling an empty database: what breaks off is thrown away, so nothing waits for the disk.
pub fn hurry(conn: &mut AnyConnection) -> QueryResult<()> {
    prepare_filling(conn)
}

/// One transaction on a connection that is held for several.
pub fn transaction<T, E: Failure>(
    conn: &mut AnyConnection,
    work: impl Fn(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    in_write_transaction(conn, work)
}

/// Drops the indexes of the tables with the most rows; gives the statements that make them again.
pub fn take_indexes_away(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    let mut statements = Vec::new();
    for table in ["calls", "disputes", "dispute_suffixes", "adjustments"] {
        for (name, statement) in secondary_indexes(conn, table)? {
            diesel::sql_query(format!("DROP INDEX {name}")).execute(conn)?;
            statements.push(statement);
        }
    }
    Ok(statements)
}

/// Makes indexes again: sorting once costs a fraction of a million insertions all over the place.
pub fn bring_indexes_back(conn: &mut AnyConnection, statements: &[String]) -> QueryResult<()> {
    statements.iter().try_for_each(|statement| diesel::sql_query(statement).execute(conn).map(drop))
}

/// Adds publishers; gives their ids in the same order.
pub fn add_publishers(conn: &mut AnyConnection, names: &[&str]) -> QueryResult<Vec<PublisherId>> {
    let insert = |name: &&str| {
        let id = PublisherId::generate();
        let values = (publishers::id.eq(id), publishers::name.eq(*name), publishers::name_key.eq(name_key(name)));
        diesel::insert_into(publishers::table).values(values).execute(conn).map(|_| id)
    };
    names.iter().map(insert).collect()
}

/// Adds campaigns; gives their ids in the same order.
pub fn add_campaigns(conn: &mut AnyConnection, names: &[&str]) -> QueryResult<Vec<CampaignId>> {
    let insert = |name: &&str| {
        let id = CampaignId::generate();
        let values = (campaigns::id.eq(id), campaigns::name.eq(*name), campaigns::name_key.eq(name_key(name)));
        diesel::insert_into(campaigns::table).values(values).execute(conn).map(|_| id)
    };
    names.iter().map(insert).collect()
}

/// Adds recordings whose files are there.
pub fn add_recordings(conn: &mut AnyConnection, rows: &[WholeRecording<'_>]) -> QueryResult<()> {
    insert_all!(conn, recordings::table, rows);
    Ok(())
}

/// Adds disputes with what follows from each: suffixes, the ledger, the state of its call.
pub fn add_disputes(conn: &mut AnyConnection, rows: &[WholeDispute<'_>]) -> QueryResult<()> {
    insert_all!(conn, disputes::table, rows);
    let mut suffixes: Vec<Suffix> = rows
        .iter()
        .filter(|row| row.status != Status::Draft)
        .flat_map(|row| {
            suffixes::of(&[&row.caller_id, row.destination_number]).into_iter().map(|suffix| Suffix {
                suffix,
                dispute_id: row.id,
                buyer_id: row.buyer_id,
            })
        })
        .collect();
    // In the order of the table, so that each of its pages is touched once.
    suffixes.sort_by(|one, other| one.suffix.cmp(&other.suffix));
    insert_all!(conn, dispute_suffixes::table, suffixes.as_slice());
    let ledger: Vec<_> = rows.iter().filter_map(Adjustment::of).collect();
    insert_all!(conn, adjustments::table, ledger.as_slice());
    for row in rows {
        let state = match row.status {
            Status::Pending => DisputeState::Disputed,
            _ if row.credit > Some(0) => DisputeState::Adjusted,
            _ => continue,
        };
        let (credit, clawback) = (row.credit.unwrap_or(0), row.clawback.unwrap_or(0));
        diesel::update(calls::table.find(row.call_id))
            .set((calls::dispute_state.eq(state), calls::net_credit.eq(credit), calls::net_clawback.eq(clawback)))
            .execute(conn)?;
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = adjustments)]
struct Adjustment<'a> {
    id: AdjustmentId,
    call_id: CallId,
    dispute_id: DisputeId,
    kind: &'a str,
    currency: &'a str,
    credit: i64,
    clawback: i64,
    created_by: UserId,
    created_at: Instant,
}

impl<'a> Adjustment<'a> {
    fn of(row: &WholeDispute<'a>) -> Option<Self> {
        Some(Self {
            id: AdjustmentId::generate(),
            call_id: row.call_id,
            dispute_id: row.id,
            kind: "decision",
            currency: row.currency,
            credit: row.credit.filter(|credit| *credit > 0)?,
            clawback: row.clawback?,
            created_by: row.decided_by?,
            created_at: row.decided_at?,
        })
    }
}

/// Marks what people were told before an instant as read: nobody leaves a month unread.
pub fn read_notifications_before(conn: &mut AnyConnection, before: Instant) -> QueryResult<()> {
    diesel::update(notifications::table.filter(notifications::created_at.lt(before)))
        .set(notifications::read_at.eq(Some(before)))
        .execute(conn)?;
    Ok(())
}
