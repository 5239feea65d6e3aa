//! Rows that failed: the first ones told on standard error, all of them written to the errors file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::commands::WrongUse;
use crate::import::Layout;
use crate::import::errors_file::ErrorsFile;

/// How many failed rows are told of.
const TOLD: usize = 20;

/// Takes the failed rows of an import.
pub(super) struct Errors {
    path: Option<PathBuf>,
    open: Option<(Layout, ErrorsFile<BufWriter<File>>)>,
    /// The files that were written, one for each layout the rows came in.
    pub(super) files: Vec<PathBuf>,
    /// The first failed rows, as sentences.
    pub(super) told: Vec<String>,
    pub(super) failed: u64,
}

impl Errors {
    /// Failed rows go to `path`, which must be none of the files that are read.
    pub(super) fn to(path: Option<&Path>, inputs: &[PathBuf]) -> Result<Self, WrongUse> {
        if let Some(path) = path
            && let Ok(own) = fs::canonicalize(path)
            && inputs.iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == own))
        {
            let problem = "this file is being imported; name another one";
            return Err(WrongUse(format!("--errors {}: {problem}", path.display())));
        }
        Ok(Self { path: path.map(Path::to_owned), open: None, files: Vec::new(), told: Vec::new(), failed: 0 })
    }

    /// Takes one failed row.
    pub(super) fn take(&mut self, file: &str, layout: &Layout, raw: &str, error: &str) -> anyhow::Result<()> {
        self.failed = self.failed.saturating_add(1);
        if self.told.len() < TOLD {
            self.told.push(format!("{file}: {error}"));
        }
        self.write(layout, raw, error).context("the errors file can't be written")
    }

    fn write(&mut self, layout: &Layout, raw: &str, error: &str) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.open.as_ref().is_none_or(|(open, _)| open != layout) {
            let path = numbered(path, self.files.len().saturating_add(1));
            self.close()?;
            let file = ErrorsFile::new(BufWriter::new(File::create(&path)?));
            self.files.push(path);
            self.open = Some((layout.clone(), file));
        }
        match &mut self.open {
            Some((_, file)) => file.write(layout, raw, error),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some((_, file)) => file.finish()?.into_inner()?.sync_all(),
            None => Ok(()),
        }
    }

    /// Ends the errors file and tells the first failed rows.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        self.close().context("the errors file can't be written")?;
        let mut out = io::stderr().lock();
        for sentence in &self.told {
            writeln!(out, "{sentence}")?;
        }
        let rest = self.failed.saturating_sub(u64::try_from(self.told.len()).unwrap_or(0));
        if rest > 0 {
            writeln!(out, "and {rest} more")?;
        }
        Ok(())
    }
}

/// `errors.csv`, then `errors-2.csv`: rows of different layouts don't fit into one file.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number < 2 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{number}{extension}"))
}
