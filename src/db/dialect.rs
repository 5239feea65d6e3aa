//! Every difference between the two databases, and nothing else.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::{AnyConnection, Failure};
use crate::domain::ids::{CallId, DisputeId};

pub(super) mod catalogue;

/// Runs one typed statement on whichever connection is inside, where the derive has no support.
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::AnyConnection::Postgres($c) => $body,
            $crate::db::AnyConnection::Sqlite($c) => $body,
        }
    };
}
pub(super) use on_backend;

/// Runs `work` in a transaction that may write: all of it happens, or nothing.
///
/// SQLite takes its write lock at once: a transaction that reads first and then writes would be refused without waiting.
pub(super) fn in_write_transaction<T, E: Failure>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    match conn {
        AnyConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
        AnyConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn)?,
    }
    end_transaction(conn, work)
}

/// Runs `work` on what was there at one moment, whatever others write meanwhile.
pub(super) fn in_snapshot<T, E: Failure>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    match conn {
        AnyConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        AnyConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(
            conn,
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )?,
    }
    end_transaction(conn, work)
}

fn end_transaction<T, E: Failure>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    match work(conn) {
        Ok(done) => {
            commit(conn)?;
            Ok(done)
        }
        Err(error) => {
            if let Err(rollback) = roll_back(conn) {
                // The pool throws the connection away; the first error is the one that tells something.
                tracing::warn!(%rollback, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

fn commit(conn: &mut AnyConnection) -> QueryResult<()> {
    on_backend!(conn, |conn| AnsiTransactionManager::commit_transaction(conn))
}

fn roll_back(conn: &mut AnyConnection) -> QueryResult<()> {
    on_backend!(conn, |conn| AnsiTransactionManager::rollback_transaction(conn))
}

/// A table whose rows are locked, in the lock order: policy, user, buyer, call, dispute, counters, audit head.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lock {
    /// Others may read on, but nobody may change it until we are done.
    Policy,
    User(i64),
    Buyer(i64),
    /// Nobody else may change it, nor lock it.
    Call(i64),
    Dispute(i64),
    AuditHead,
    /// Before all others: the job of a batch.
    BulkJob(i64),
    /// Before all others: the file whose rows a batch has.
    Import(i64),
}

/// Locks a row until the end of the transaction. On SQLite the transaction has the whole database already.
pub(super) fn lock(conn: &mut AnyConnection, row: Lock) -> QueryResult<()> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(());
    };
    let (statement, id) = match row {
        Lock::Policy => ("SELECT id FROM policy WHERE id = $1 FOR SHARE", 1),
        Lock::User(id) => ("SELECT id FROM users WHERE id = $1 FOR SHARE", id),
        Lock::Buyer(id) => ("SELECT id FROM buyers WHERE id = $1 FOR SHARE", id),
        Lock::Call(id) => ("SELECT id FROM calls WHERE id = $1 FOR UPDATE", id),
        Lock::Dispute(id) => ("SELECT id FROM disputes WHERE id = $1 FOR UPDATE", id),
        Lock::BulkJob(id) => ("SELECT id FROM bulk_jobs WHERE id = $1 FOR UPDATE", id),
        Lock::Import(id) => ("SELECT id FROM imports WHERE id = $1 FOR UPDATE", id),
        Lock::AuditHead => ("SELECT id FROM audit_head WHERE id = $1 FOR UPDATE", 1),
    };
    diesel::sql_query(statement).bind::<BigInt, _>(id).execute(conn)?;
    Ok(())
}

/// Lets one transaction at a time hold a key that has no row yet.
pub(super) fn lock_key(conn: &mut AnyConnection, key: &str) -> QueryResult<()> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(());
    };
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind::<Text, _>(key).execute(conn)?;
    Ok(())
}

/// Locks calls by id, in the lock order, before they are changed.
pub(super) fn lock_calls(conn: &mut AnyConnection, ids: &[CallId]) -> QueryResult<()> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(());
    };
    diesel::sql_query("SELECT id FROM calls WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind::<Array<BigInt>, _>(ids)
        .execute(conn)?;
    Ok(())
}

/// Locks disputes in the order of their ids.
pub(super) fn lock_disputes(conn: &mut AnyConnection, ids: &[DisputeId]) -> QueryResult<()> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(());
    };
    diesel::sql_query("SELECT id FROM disputes WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind::<Array<BigInt>, _>(ids)
        .execute(conn)?;
    Ok(())
}

/// Locks counters in the order of their keys.
pub(super) fn lock_counters(conn: &mut AnyConnection, keys: &[i64]) -> QueryResult<()> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(());
    };
    diesel::sql_query("SELECT buyer_key FROM counters WHERE buyer_key = ANY($1) ORDER BY buyer_key FOR UPDATE")
        .bind::<Array<BigInt>, _>(keys)
        .execute(conn)?;
    Ok(())
}

/// Inserts rows that are known to be new. SQLite is quickest with one prepared statement for all, PostgreSQL with one
/// round trip for many.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            $crate::db::AnyConnection::Sqlite(conn) => {
                for row in $rows {
                    diesel::insert_into($table).values(row).execute(conn)?;
                }
            }
            $crate::db::AnyConnection::Postgres(conn) => {
                for rows in $rows.chunks(1_000) {
                    diesel::insert_into($table).values(rows).execute(conn)?;
                }
            }
        }
    };
}
pub(super) use insert_all;

/// Inserts those rows that aren't there yet.
macro_rules! insert_missing {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            $crate::db::AnyConnection::Sqlite(conn) => {
                for row in $rows {
                    diesel::insert_into($table).values(row).on_conflict_do_nothing().execute(conn)?;
                }
            }
            $crate::db::AnyConnection::Postgres(conn) => {
                for rows in $rows.chunks(1_000) {
                    diesel::insert_into($table).values(rows).on_conflict_do_nothing().execute(conn)?;
                }
            }
        }
    };
}
pub(super) use insert_missing;

/// Gives a connection that only imports a larger share of memory: indexes of millions of calls are touched all over.
pub(super) fn widen_cache(conn: &mut AnyConnection) -> QueryResult<()> {
    let AnyConnection::Sqlite(conn) = conn else {
        return Ok(());
    };
    conn.batch_execute("PRAGMA cache_size = -49152; PRAGMA wal_autocheckpoint = 8000")
}

/// Does what changes pages all over with room for all of them: in SQLite's two megabytes they would be written several times.
/// Afterwards the connection goes back to the pool as it came.
pub(super) fn with_wide_cache<T, E: Failure>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    let set = |conn: &mut AnyConnection, setting: &str| match conn {
        AnyConnection::Sqlite(conn) => conn.batch_execute(setting),
        AnyConnection::Postgres(_) => Ok(()),
    };
    set(conn, "PRAGMA cache_size = -16384")?;
    let done = work(conn);
    set(conn, "PRAGMA cache_size = -2000")?;
    done
}

/// Lets a connection that fills an empty database keep more in memory and wait for no disk.
pub(super) fn prepare_filling(conn: &mut AnyConnection) -> QueryResult<()> {
    match conn {
        AnyConnection::Sqlite(conn) => conn.batch_execute(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -524288; PRAGMA wal_autocheckpoint = 50000; \
             PRAGMA temp_store = FILE",
        ),
        AnyConnection::Postgres(conn) => conn.batch_execute("SET synchronous_commit = off; SET statement_timeout = 0"),
    }
}

/// Lets a connection that moves whole tables take as long as they need, and keep what it sorts on the disk.
pub(super) fn prepare_copying(conn: &mut AnyConnection) -> QueryResult<()> {
    match conn {
        AnyConnection::Sqlite(conn) => conn.batch_execute("PRAGMA cache_size = -65536; PRAGMA temp_store = FILE"),
        AnyConnection::Postgres(conn) => {
            conn.batch_execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        }
    }
}

#[derive(QueryableByName)]
struct Fault {
    #[diesel(sql_type = Text)]
    fault: String,
}

/// What SQLite finds wrong with its own file: pages, indexes, rows that name others which aren't there. PostgreSQL looks after
/// its own.
pub(super) fn faults(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    let AnyConnection::Sqlite(conn) = conn else {
        return Ok(Vec::new());
    };
    let pages = "SELECT quick_check AS fault FROM pragma_quick_check WHERE quick_check <> 'ok'";
    let keys = "SELECT DISTINCT \"table\" || ': a row names one of ' || parent || ' that isn''t there' AS fault \
                FROM pragma_foreign_key_check";
    let mut found: Vec<Fault> = diesel::sql_query(pages).load(conn)?;
    found.extend(diesel::sql_query(keys).load::<Fault>(conn)?);
    Ok(found.into_iter().map(|found| found.fault).collect())
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
}

/// The indexes of a table that aren't part of a key, with the statements that made them.
pub(super) fn secondary_indexes(conn: &mut AnyConnection, table: &str) -> QueryResult<Vec<(String, String)>> {
    let found: Vec<Index> = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(
            "SELECT name, sql AS statement FROM sqlite_schema \
             WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ? ORDER BY rowid",
        )
        .bind::<Text, _>(table)
        .load(conn)?,
        AnyConnection::Postgres(conn) => diesel::sql_query(
            "SELECT indexname::text AS name, indexdef AS statement FROM pg_indexes \
             WHERE schemaname = current_schema() AND tablename = $1 \
             AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname) ORDER BY indexname",
        )
        .bind::<Text, _>(table)
        .load(conn)?,
    };
    Ok(found.into_iter().map(|index| (index.name, index.statement)).collect())
}
