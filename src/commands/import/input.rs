//! Where the bytes of an import come from: files, or standard input spooled into a nameless one.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::Context;

use crate::intake::Input;

/// Opens a file, and gives what it is called in reports; `-` is standard input, kept on disk because a file is looked
/// through before its rows go in.
pub(super) fn open(path: &Path) -> anyhow::Result<(String, Input)> {
    if path.as_os_str() == "-" {
        let mut file = tempfile::tempfile().context("standard input can't be kept on disk")?;
        io::copy(&mut io::stdin().lock(), &mut file).context("standard input can't be read")?;
        return Ok(("standard input".to_owned(), Input::of(file)?));
    }
    let input = File::open(path).and_then(Input::of).with_context(|| format!("{} can't be read", path.display()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok((name, input))
}
