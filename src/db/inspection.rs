//! What the sweep and the doctor ask: which files rows name, and whether counters say what is there.

use std::collections::{BTreeMap, HashSet};

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::schema::{disputes, evidence, pending_counters, recordings, staged_uploads};
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
    let named = |table| move |(id, size, sha256): Row| NamedFile { table, id, size, sha256 };
    Ok(attached
        .into_iter()
        .map(named("evidence"))
        .chain(staged.into_iter().map(named("upload")))
        .chain(recorded.into_iter().map(named("recording")))
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
    Ok(files.iter().filter(|file| !named.contains(file.as_str())).cloned().collect())
}

/// A pending counter that isn't the number of Pending disputes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miscount {
    /// The buyer's number; 0 for the whole network.
    pub key: i64,
    pub says: i64,
    pub counted: i64,
}

/// Every counter that is wrong.
pub fn miscounts(conn: &mut AnyConnection) -> QueryResult<Vec<Miscount>> {
    let counted: Vec<(BuyerId, i64)> = disputes::table
        .filter(disputes::status.eq(Status::Pending))
        .group_by(disputes::buyer_id)
        .select((disputes::buyer_id, count_star()))
        .load(conn)?;
    let all = counted.iter().map(|(_, count)| count).sum();
    let mut right: BTreeMap<i64, i64> = counted.into_iter().map(|(buyer, count)| (buyer.number(), count)).collect();
    right.insert(0, all);
    let counters: Vec<(i64, i64)> = pending_counters::table
        .select((pending_counters::buyer_key, pending_counters::pending))
        .order(pending_counters::buyer_key)
        .load(conn)?;
    let mut wrong = Vec::new();
    for (key, says) in counters {
        let counted = right.remove(&key).unwrap_or(0);
        if says != counted {
            wrong.push(Miscount { key, says, counted });
        }
    }
    // A buyer with disputes and without a counter.
    wrong.extend(right.into_iter().filter(|(_, count)| *count > 0).map(|(key, counted)| Miscount {
        key,
        says: 0,
        counted,
    }));
    Ok(wrong)
}

/// Sets the counters that are wrong, under the write lock; gives how many.
pub fn recount(conn: &mut AnyConnection) -> Result<usize, DbError> {
    let wrong = miscounts(conn)?;
    for miscount in &wrong {
        let row = pending_counters::table.find(miscount.key);
        let set = diesel::update(row).set(pending_counters::pending.eq(miscount.counted)).execute(conn)?;
        if set == 0 {
            let row = (pending_counters::buyer_key.eq(miscount.key), pending_counters::pending.eq(miscount.counted));
            diesel::insert_into(pending_counters::table).values(row).execute(conn)?;
        }
    }
    Ok(wrong.len())
}
