//! `fairdial audit`: follows the hash chain, and writes the log out.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;

use super::{WrongUse, open_existing, output};
use crate::config::Config;
use crate::db::audit;
use crate::db::{Db, DbError};

/// What can be done with the audit log.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Follow the chain from the first entry to the last, and print COUNT:HASH of the last one
    Verify {
        /// COUNT:HASH as printed earlier and kept elsewhere: finds a cut tail
        #[arg(long, value_name = "COUNT:HASH")]
        expect: Option<String>,
    },
    /// Print every entry as a line of JSON, oldest first
    Export,
}

/// Does it; 1 if the chain is broken.
pub(super) fn run(config: &Config, command: &AuditCommand) -> anyhow::Result<ExitCode> {
    let expected = match command {
        AuditCommand::Verify { expect: Some(expect) } => Some(read_expected(expect)?),
        _ => None,
    };
    let db = open_existing(config)?;
    match command {
        AuditCommand::Verify { .. } => verify(&db, expected),
        AuditCommand::Export => export(&db),
    }
}

fn read_expected(text: &str) -> Result<(i64, String), WrongUse> {
    let wrong = || WrongUse(format!("--expect {text}: allowed is COUNT:HASH, as audit verify prints it"));
    let (count, hash) = text.split_once(':').ok_or_else(wrong)?;
    let count: i64 = count.parse().ok().filter(|count| *count >= 0).ok_or_else(wrong)?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash || (count == 0 && hash.is_empty()) { Ok((count, hash.to_ascii_lowercase())) } else { Err(wrong()) }
}

fn verify(db: &Db, expected: Option<(i64, String)>) -> anyhow::Result<ExitCode> {
    let (count, hash) = match db.read_blocking(audit::verify)? {
        Ok(end) => end,
        Err(fault) => {
            eprintln!("fairdial: the audit chain is broken: {fault}");
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Some((wanted, wanted_hash)) = expected {
        if count < wanted {
            eprintln!("fairdial: the audit log was cut: it ends at entry {count}, and there were {wanted}");
            return Ok(ExitCode::FAILURE);
        }
        let there = db.read_blocking::<_, DbError>(|conn| Ok(audit::hash_of(conn, wanted)?))?;
        if there != wanted_hash {
            eprintln!("fairdial: the audit log is another one: entry {wanted} has the hash {there}");
            return Ok(ExitCode::FAILURE);
        }
    }
    output::line(&format!("{count}:{hash}"))?;
    Ok(ExitCode::SUCCESS)
}

fn export(db: &Db) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut after = 0;
    loop {
        let rows = db.read_blocking::<_, DbError>(|conn| Ok(audit::after(conn, after, 1000)?))?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for row in &rows {
            serde_json::to_writer(&mut out, &row.as_json())?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
