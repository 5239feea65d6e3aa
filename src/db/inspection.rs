//! What the sweep and the doctor ask: which files rows name, and whether counters say what is there.

use std::collections::{BTreeMap, HashSet};

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::counters::{Counts, NETWORK};
use super::schema::{
    calls, counters, disputes, evidence, imports, notifications, recordings, staged_uploads, webhook_deliveries,
};
use super::{AnyConnection, DbError};
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, FileId};

/// A file that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// What kind of row names it.
    pub table: &'static str,
    pub id: String,
    pub size: i64,
    pub sha256: String,
}

/// Every file that a row names.
pub fn named_files(conn: &mut AnyConnection) -> QueryResult<Vec<NamedFile>> {
    type Row = (String, i64, String);
    let attached: Vec<Row> =
        evidence::table.select((evidence::id, evidence::size, evidence::sha256)).order(evidence::id).load(conn)?;
    let staged: Vec<Row> = staged_uploads::table
        .select((staged_uploads::id, staged_uploads::size, staged_uploads::sha256))
        .order(staged_uploads::id)
        .load(conn)?;
    let recorded: Vec<Row> = recordings::table
        .select((recordings::file_id, recordings::size, recordings::sha256))
        .order(recordings::file_id)
        .load(conn)?;
    let imported: Vec<(Option<String>, i64, String)> = imports::table
        .filter(imports::file_id.is_not_null())
        .select((imports::file_id, imports::file_size, imports::file_sha256))
        .order(imports::file_id)
        .load(conn)?;
    let imported = imported.into_iter().filter_map(|(id, size, sha256)| Some((id?, size, sha256)));
    let named = |table| move |(id, size, sha256): Row| NamedFile { table, id, size, sha256 };
    Ok(attached
        .into_iter()
        .map(named("evidence"))
        .chain(staged.into_iter().map(named("upload")))
        .chain(recorded.into_iter().map(named("recording")))
        .chain(imported.map(named("import")))
        .collect())
}

/// Those of some files that no row names now; `evidence::is_named` asks again before one is removed.
pub fn unnamed(conn: &mut AnyConnection, files: &[FileId]) -> QueryResult<Vec<FileId>> {
    let ids: Vec<&str> = files.iter().map(FileId::as_str).collect();
    let mut named: HashSet<String> = HashSet::new();
    named.extend(evidence::table.filter(evidence::id.eq_any(&ids)).select(evidence::id).load::<String>(conn)?);
    let staged = staged_uploads::table.filter(staged_uploads::id.eq_any(&ids)).select(staged_uploads::id);
    named.extend(staged.load::<String>(conn)?);
    let recorded = recordings::table.filter(recordings::file_id.eq_any(&ids)).select(recordings::file_id);
    named.extend(recorded.load::<String>(conn)?);
    let imported = imports::table.filter(imports::file_id.eq_any(&ids)).select(imports::file_id);
    named.extend(imported.load::<Option<String>>(conn)?.into_iter().flatten());
    Ok(files.iter().filter(|file| !named.contains(file.as_str())).cloned().collect())
}

/// What the database itself finds wrong with what it keeps.
pub fn faults(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    super::dialect::faults(conn)
}

/// What an operator watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub pending: i64,
    pub sent: i64,
    pub calls: i64,
    /// Events that a receiver has yet to take.
    pub deliveries: i64,
    /// Notifications that have yet to be sent by e-mail.
    pub mails: i64,
}

/// How the network and its queues stand: counters, and what indexes of waiting rows hold.
pub fn standing(conn: &mut AnyConnection) -> QueryResult<Standing> {
    let Counts { pending, sent, calls, .. } =
        counters::table.find(NETWORK).select(Counts::as_select()).first(conn).optional()?.unwrap_or_default();
    let waiting = webhook_deliveries::table.filter(webhook_deliveries::next_at.is_not_null());
    let deliveries = waiting.count().get_result(conn)?;
    let waiting = notifications::table.filter(notifications::mail_due_at.is_not_null());
    Ok(Standing { pending, sent, calls, deliveries, mails: waiting.count().get_result(conn)? })
}

/// Counters that don't say what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miscount {
    /// The buyer's number; 0 for the whole network.
    pub key: i64,
    pub says: Counts,
    pub counted: Counts,
}

/// Every row of counters that is wrong.
pub fn miscounts(conn: &mut AnyConnection) -> QueryResult<Vec<Miscount>> {
    let statuses: Vec<(BuyerId, Status, i64)> = disputes::table
        .filter(disputes::status.ne(Status::Draft))
        .group_by((disputes::buyer_id, disputes::status))
        .select((disputes::buyer_id, disputes::status, count_star()))
        .load(conn)?;
    let calls: Vec<(BuyerId, i64)> =
        calls::table.group_by(calls::buyer_id).select((calls::buyer_id, count_star())).load(conn)?;
    let disputes = statuses.into_iter().map(|(buyer, status, number)| (buyer, Counts::disputes(status, number)));
    let mut right: BTreeMap<i64, Counts> = BTreeMap::new();
    for (buyer, counted) in disputes.chain(calls.into_iter().map(|(buyer, calls)| (buyer, Counts::calls(calls)))) {
        *right.entry(buyer.number()).or_default() += counted;
        *right.entry(NETWORK).or_default() += counted;
    }
    let rows: Vec<(i64, Counts)> =
        counters::table.select((counters::buyer_key, Counts::as_select())).order(counters::buyer_key).load(conn)?;
    let mut wrong = Vec::new();
    for (key, says) in rows {
        let counted = right.remove(&key).unwrap_or_default();
        if says != counted {
            wrong.push(Miscount { key, says, counted });
        }
    }
    // A buyer with calls and without counters.
    wrong.extend(right.into_iter().map(|(key, counted)| Miscount { key, says: Counts::default(), counted }));
    Ok(wrong)
}

/// Sets the counters that are wrong, under the write lock; gives how many.
pub fn recount(conn: &mut AnyConnection) -> Result<usize, DbError> {
    let wrong = miscounts(conn)?;
    for miscount in &wrong {
        let set = diesel::update(counters::table.find(miscount.key)).set(miscount.counted).execute(conn)?;
        if set == 0 {
            let row = (counters::buyer_key.eq(miscount.key), miscount.counted);
            diesel::insert_into(counters::table).values(row).execute(conn)?;
        }
    }
    Ok(wrong.len())
}
