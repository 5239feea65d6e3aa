//! `fairdial doctor`: looks at the database file, compares rows, files, counters and the audit chain, and mends what can be mended.

use std::collections::HashMap;
use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::{open_existing, output};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::counters::Counts;
use crate::db::inspection::{self, NamedFile};
use crate::db::{Db, DbError, audit};
use crate::domain::Instant;
use crate::domain::ids::FileId;
use crate::file_store::{self, Digested, FileStore, remove_if_there};
use crate::sweep;

const AT_WORK: &str = "a backup or a sweep is at work on the files: try again when it has ended";

/// How the doctor is called.
#[derive(Args, Debug)]
pub struct DoctorCommand {
    /// Remove files that nobody names, and set wrong counters right
    #[arg(long)]
    fix: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Something that is wrong.
struct Finding {
    code: &'static str,
    sentence: String,
    is_mended: bool,
}

/// Looks at everything; 1 if anything is wrong and not mended.
pub(super) fn run(config: &Config, command: &DoctorCommand) -> anyhow::Result<ExitCode> {
    let db = open_existing(config)?;
    let store = FileStore::open(&config.data_dir)?;
    let now = Clock::System.now();
    let mut findings: Vec<Finding> = db
        .read_blocking::<_, DbError>(|conn| Ok(inspection::faults(conn)?))?
        .into_iter()
        .map(|fault| Finding { code: "database", sentence: format!("database: {fault}"), is_mended: false })
        .collect();
    let named = db.read_blocking::<_, DbError>(|conn| Ok(inspection::named_files(conn)?))?;
    look_at_files(&store, &named, &mut findings);
    look_for_strays(&db, &store, now, command.fix, &mut findings)?;
    look_at_counters(&db, command.fix, &mut findings)?;
    let entries = match db.read_blocking(audit::verify)? {
        Ok((entries, _)) => entries,
        Err(fault) => {
            findings.push(Finding { code: "audit", sentence: format!("audit: {fault}"), is_mended: false });
            0
        }
    };
    tell(command, &findings, named.len(), entries)?;
    let is_well = findings.iter().all(|finding| finding.is_mended);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(command: &DoctorCommand, findings: &[Finding], files: usize, entries: i64) -> anyhow::Result<()> {
    if command.json {
        let findings: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "code": finding.code, "finding": finding.sentence, "mended": finding.is_mended }))
            .collect();
        return output::json(&json!({ "files": files, "audit_entries": entries, "findings": findings }));
    }
    for finding in findings {
        output::line(&format!("{}{}", finding.sentence, if finding.is_mended { " (mended)" } else { "" }))?;
    }
    let wrong = findings.iter().filter(|finding| !finding.is_mended).count();
    output::line(&match wrong {
        0 => format!("All is well: {files} files, {entries} audit entries."),
        1 => "1 thing is wrong.".to_owned(),
        wrong => format!("{wrong} things are wrong."),
    })
}

/// Every row's file is there, whole and unchanged.
fn look_at_files(store: &FileStore, named: &[NamedFile], findings: &mut Vec<Finding>) {
    let mut seen: HashMap<&str, &'static str> = HashMap::new();
    for row in named {
        if let Some(other) = seen.insert(&row.id, row.table) {
            let sentence = format!("{} {}: a row of {other} names the same file", row.table, row.id);
            findings.push(Finding { code: "named_twice", sentence, is_mended: false });
        }
        let Ok(id) = row.id.parse::<FileId>() else {
            let sentence = format!("{} {}: this is no id of a file", row.table, row.id);
            findings.push(Finding { code: "bad_id", sentence, is_mended: false });
            continue;
        };
        let (code, said) = match file_store::digest(&store.path(&id)) {
            Ok(Digested { size, .. }) if size != row.size => {
                ("size", format!("the file has {size} bytes, not {}", row.size))
            }
            Ok(Digested { sha256, .. }) if sha256 != row.sha256 => ("hash", "the file was changed".to_owned()),
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => ("missing", "the file is missing".to_owned()),
            Err(error) => ("unreadable", format!("the file can't be read: {error}")),
        };
        findings.push(Finding { code, sentence: format!("{} {}: {said}", row.table, row.id), is_mended: false });
    }
}

/// No file over 24 hours old is there that no row names. Younger ones may belong to a request under way.
fn look_for_strays(
    db: &Db,
    store: &FileStore,
    now: Instant,
    fix: bool,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let removing = if fix { Some(store.begin_removing()?.context(AT_WORK)?) } else { None };
    let (ids, strays) = sweep::old_files(store, now)?;
    for batch in ids.chunks(200) {
        let unnamed = db.read_blocking::<_, DbError>(|conn| Ok(inspection::unnamed(conn, batch)?))?;
        for file in unnamed {
            let one = std::slice::from_ref(&file);
            let is_mended = match &removing {
                Some(removing) => db.write_blocking(|conn| sweep::remove_unnamed(conn, store, removing, one))? == 1,
                None => false,
            };
            let sentence = format!("file {file}: no row names it");
            findings.push(Finding { code: "unnamed", sentence, is_mended });
        }
    }
    for stray in strays {
        if fix {
            remove_if_there(&stray)?;
        }
        let sentence = format!("{}: an upload that broke off", stray.display());
        findings.push(Finding { code: "broken_off", sentence, is_mended: fix });
    }
    for found in store.walk() {
        let found = found?;
        if found.id.is_none() {
            let sentence = format!("{}: this is no file of Fairdial's", found.path.display());
            findings.push(Finding { code: "stranger", sentence, is_mended: false });
        }
    }
    Ok(())
}

fn look_at_counters(db: &Db, fix: bool, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let mut wrong = db.read_blocking::<_, DbError>(|conn| Ok(inspection::miscounts(conn)?))?;
    if !wrong.is_empty() {
        // A server at work may have counted between two looks; what is wrong stays wrong.
        let again = db.write_blocking::<_, DbError>(|conn| Ok(inspection::miscounts(conn)?))?;
        wrong.retain(|miscount| again.contains(miscount));
    }
    let is_mended = fix && !wrong.is_empty() && db.write_blocking(inspection::recount)? > 0;
    for miscount in wrong {
        let whose = if miscount.key == 0 {
            "of the network".to_owned()
        } else {
            format!("of buyer {}", crate::domain::ids::BuyerId::from_number(miscount.key))
        };
        let (says, counted) = (in_words(&miscount.says), in_words(&miscount.counted));
        let sentence = format!("the counters {whose} say {says}, and there are {counted}");
        findings.push(Finding { code: "counter", sentence, is_mended });
    }
    Ok(())
}

/// `1 Pending, 0 Accepted, 0 Accepted Partial, 2 Rejected and 0 Withdrawn of 3 sent, and 40 calls`.
fn in_words(counts: &Counts) -> String {
    let Counts { pending, accepted, accepted_partial, rejected, withdrawn, sent, calls } = counts;
    format!(
        "{pending} Pending, {accepted} Accepted, {accepted_partial} Accepted Partial, {rejected} Rejected \
         and {withdrawn} Withdrawn of {sent} sent, and {calls} calls"
    )
}
