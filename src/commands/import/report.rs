//! What an import came to, for people and for programs.

use std::io::{self, Write};

use diesel::QueryResult;
use serde_json::{Value, json};

use super::errors::Errors;
use crate::db::call_store::NameKind;
use crate::db::{AnyConnection, imports};
use crate::domain::Instant;
use crate::intake::{Counts, CreatedNames};

/// What became of one file.
#[derive(Debug)]
pub(super) struct FileReport {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) format: &'static str,
    pub(super) source: String,
    /// Whether it was read to its end.
    pub(super) is_whole: bool,
    pub(super) counts: Counts,
}

/// What became of a whole import.
#[derive(Debug, Default)]
pub(super) struct Report {
    is_dry_run: bool,
    pub(super) files: Vec<FileReport>,
    pub(super) created: CreatedNames,
    /// What stopped the import before its end, if anything did.
    pub(super) stopped: Option<String>,
}

impl Report {
    pub(super) fn new(is_dry_run: bool) -> Self {
        Self { is_dry_run, ..Self::default() }
    }

    pub(super) fn total(&self) -> Counts {
        let mut total = Counts::default();
        for file in &self.files {
            total.add(file.counts);
        }
        total
    }

    fn names(&self, kind: NameKind) -> Vec<&str> {
        self.created.all().iter().filter(|name| name.kind == kind).map(|name| name.name.as_str()).collect()
    }

    /// Keeps each file for the list of imports.
    pub(super) fn keep(&self, conn: &mut AnyConnection, now: Instant) -> QueryResult<()> {
        for file in &self.files {
            let trouble = self.stopped.as_deref().filter(|_| !file.is_whole).unwrap_or_default();
            let kept = imports::Kept {
                name: &file.name,
                size: file.size,
                format: file.format,
                source: &file.source,
                counts: file.counts,
                trouble,
            };
            imports::record(conn, &kept, now)?;
        }
        Ok(())
    }

    /// What the audit log keeps of it.
    pub(super) fn for_audit(&self) -> Value {
        let total = self.total();
        let files: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        json!({ "files": files, "new": total.new, "updated": total.updated, "unchanged": total.unchanged, "failed": total.failed })
    }

    pub(super) fn json(&self, errors: &Errors) -> Value {
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|file| json!({ "name": file.name, "format": file.format, "counts": counts_json(file.counts) }))
            .collect();
        let mut value = counts_json(self.total());
        if let Value::Object(figures) = &mut value {
            let errors_files: Vec<_> = errors.files.iter().map(|path| path.to_string_lossy()).collect();
            figures.extend([
                ("dry_run".to_owned(), json!(self.is_dry_run)),
                ("files".to_owned(), Value::Array(files)),
                ("created_buyers".to_owned(), json!(self.names(NameKind::Buyer))),
                ("created_publishers".to_owned(), json!(self.names(NameKind::Publisher))),
                ("created_campaigns".to_owned(), json!(self.names(NameKind::Campaign))),
                ("first_errors".to_owned(), json!(errors.told)),
                ("errors_files".to_owned(), json!(errors_files)),
                ("stopped".to_owned(), json!(self.stopped)),
            ]);
        }
        value
    }

    pub(super) fn write(&self, out: &mut impl Write, errors: &Errors) -> io::Result<()> {
        for file in &self.files {
            writeln!(out, "{} ({}): {}", file.name, file.format, sentence(file.counts, self.is_dry_run))?;
        }
        if self.files.len() > 1 {
            writeln!(out, "All files: {}", sentence(self.total(), self.is_dry_run))?;
        }
        let verb = if self.is_dry_run { "Would create" } else { "Created" };
        let kinds =
            [(NameKind::Buyer, "buyers"), (NameKind::Publisher, "publishers"), (NameKind::Campaign, "campaigns")];
        for (kind, plural) in kinds {
            let names = self.names(kind);
            if !names.is_empty() {
                writeln!(out, "{verb} {} {plural}: {}", names.len(), names.join("; "))?;
            }
        }
        if let Some(buyer) = self.created.all().iter().find(|name| name.kind == NameKind::Buyer) {
            writeln!(
                out,
                "Is one of them another name of a buyer you have? Link it: fairdial buyer alias --name BUYER --source {} --alias {}",
                quoted(&buyer.source),
                quoted(&buyer.name)
            )?;
        }
        let ambiguous = self.total().ambiguous_times;
        if ambiguous > 0 {
            writeln!(out, "{ambiguous} times were on the clocks twice (clocks set back): the earlier one was taken")?;
        }
        for path in &errors.files {
            writeln!(
                out,
                "Failed rows, each with its error, are in {}: mend them and import that file",
                path.display()
            )?;
        }
        if errors.failed > 0 && errors.files.is_empty() {
            writeln!(out, "To get the failed rows in a file that can be mended and imported, add --errors FILE")?;
        }
        Ok(())
    }
}

fn counts_json(counts: Counts) -> Value {
    json!({
        "rows": counts.rows,
        "new": counts.new,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "failed": counts.failed,
        "ambiguous_times": counts.ambiguous_times,
    })
}

fn sentence(counts: Counts, is_dry_run: bool) -> String {
    let Counts { rows, new, updated, unchanged, failed, .. } = counts;
    let would = if is_dry_run { " (dry run: nothing was changed)" } else { "" };
    format!("{rows} rows: {new} new, {updated} updated, {unchanged} unchanged, {failed} failed{would}")
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
