//! What commands print: aligned tables or JSON on standard output, progress on standard error.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Prints one line. A reader that has gone is an error, not a panic.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints a value as JSON.
pub(super) fn json(value: &serde_json::Value) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Shows on standard error how far a long command has come, where that is a terminal.
pub(super) fn progress(whole: u64, what: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {what}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(whole).with_style(style)
}

/// Prints rows under their headings, in columns as wide as what they hold.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    write!(io::stdout().lock(), "{}", aligned(headings, rows))?;
    Ok(())
}

fn aligned<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let headings = headings.map(str::to_owned);
    for row in [&headings].into_iter().chain(rows) {
        let mut written = String::new();
        for (width, cell) in widths.iter().zip(row) {
            // Writing into a text doesn't fail.
            let _ = write!(written, "{cell:<width$}  ");
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        let rows = [["Lanternbrook".to_owned(), "7".to_owned()], ["Zoë".to_owned(), String::new()]];
        assert_eq!(aligned(["NAME", "DAYS"], &rows), "NAME          DAYS\nLanternbrook  7\nZoë\n");
    }
}
