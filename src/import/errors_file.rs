//! The errors file: failed rows in the format they came in, plus one column or key `error`, to mend and import again.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::value::RawValue;

use super::Layout;
use super::preset::key;
use super::reader::Object;

const ERROR: &str = "error";

/// Writes failed rows; the first one tells it the layout.
#[derive(Debug)]
pub struct ErrorsFile<W: Write> {
    out: W,
    layout: Option<Layout>,
    rows: u64,
}

impl<W: Write> ErrorsFile<W> {
    pub fn new(out: W) -> Self {
        Self { out, layout: None, rows: 0 }
    }

    /// How many rows were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes one row from its raw text (see [`super::CallRecord::raw`]) with what is wrong with it.
    pub fn write(&mut self, layout: &Layout, raw: &str, error: &str) -> io::Result<()> {
        if self.layout.is_none() {
            self.layout = Some(layout.clone());
            self.open(layout)?;
        }
        let values = serde_json::from_str::<Object<'_>>(raw).map(|object| object.0).ok();
        match layout {
            Layout::Csv { delimiter, headers } => {
                let record = csv_record(headers, &values.unwrap_or_default(), error)?;
                write_csv(&mut self.out, *delimiter, &record)?;
            }
            Layout::Json { .. } => {
                let comma = if self.rows > 0 { ",\n" } else { "" };
                write!(self.out, "{comma}{}", json_row(raw, values, error)?)?;
            }
            Layout::JsonLines => writeln!(self.out, "{}", json_row(raw, values, error)?)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Closes what was opened and gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(Layout::Json { path }) = &self.layout {
            writeln!(self.out, "\n]{}", "}".repeat(path.len()))?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn open(&mut self, layout: &Layout) -> io::Result<()> {
        match layout {
            Layout::Csv { delimiter, headers } => {
                let header: Vec<&str> =
                    headers.iter().map(String::as_str).filter(|name| !is_error(name)).chain([ERROR]).collect();
                write_csv(&mut self.out, *delimiter, &header)
            }
            Layout::Json { path } => {
                for name in path {
                    write!(self.out, "{{{}:", serde_json::to_string(name)?)?;
                }
                writeln!(self.out, "[")
            }
            Layout::JsonLines => Ok(()),
        }
    }
}

impl ErrorsFile<Vec<u8>> {
    /// Takes what was written so far, so that a long file needn't be held.
    pub fn take_written(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// The column of an earlier errors file, which a new one replaces.
fn is_error(name: &str) -> bool {
    key(name) == ERROR
}

fn csv_record(headers: &[String], values: &[(Cow<'_, str>, &RawValue)], error: &str) -> io::Result<Vec<String>> {
    let mut record = Vec::with_capacity(headers.len() + 1);
    for (index, header) in headers.iter().enumerate().filter(|(_, header)| !is_error(header)) {
        // By place, because names may be there twice; by name where the raw row isn't one of a CSV.
        let value = values.get(index).filter(|(name, _)| name == header);
        let value = value.or_else(|| values.iter().find(|(name, _)| name == header));
        record.push(value.map_or(Ok(String::new()), |(_, value)| serde_json::from_str(value.get()))?);
    }
    record.push(error.to_owned());
    // Values for which there is no column stay in sight after the error.
    for (_, value) in values.iter().skip(headers.len()) {
        record.push(serde_json::from_str(value.get())?);
    }
    Ok(record)
}

fn write_csv<S: AsRef<str>>(out: &mut impl Write, delimiter: u8, record: &[S]) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(out);
    writer.write_record(record.iter().map(AsRef::as_ref).map(str::as_bytes))?;
    writer.flush()
}

fn json_row(raw: &str, values: Option<Vec<(Cow<'_, str>, &RawValue)>>, error: &str) -> io::Result<String> {
    let error = serde_json::to_string(error)?;
    let Some(values) = values else {
        return Ok(format!("{{\"row\":{},\"error\":{error}}}", serde_json::to_string(raw)?));
    };
    let mut text = String::from("{");
    for (name, value) in values.iter().filter(|(name, _)| !is_error(name)) {
        // One object a line, whatever line breaks the row came with: those can only stand between its tokens.
        let value = value.get().replace(['\n', '\r'], " ");
        text.extend([&serde_json::to_string(name)?, ":", &value, ","]);
    }
    text.extend(["\"error\":", &error, "}"]);
    Ok(text)
}
