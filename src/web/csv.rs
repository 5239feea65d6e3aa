//! Exports as CSV, streamed: one part at a time is read and written, so memory doesn't grow with the rows.

use std::fmt::Display;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::stream;

use super::AppError;
use crate::db::{AnyConnection, Db, DbError};
use crate::import::formula;

/// Rows that are read at once.
pub const PART: i64 = 1000;

/// A cell of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell(String);

impl Cell {
    /// A text from outside, kept from being taken for a formula.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(formula::neutral(text).into_owned())
    }

    /// A text of ours that no spreadsheet takes for a formula.
    #[must_use]
    pub fn plain(text: impl Display) -> Self {
        Self(text.to_string())
    }

    /// A number, or nothing where it is unknown.
    #[must_use]
    pub fn number(number: Option<impl Display>) -> Self {
        Self(number.map_or_else(String::new, |number| number.to_string()))
    }
}

/// The rows of an export, part by part.
pub trait Rows: Send + 'static {
    /// The first line.
    fn header(&self) -> Vec<&'static str>;

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// What the database says; the transfer breaks off then, so that nobody takes a part for the whole.
    fn next(&mut self, conn: &mut AnyConnection) -> Result<Vec<Vec<Cell>>, DbError>;
}

/// Answers with a file of this name. Trouble with the first part is an answer of its own; later it breaks the transfer off.
pub async fn download(db: Data<Db>, name: &str, rows: impl Rows) -> Result<HttpResponse, AppError> {
    let header = write(&[rows.header().into_iter().map(Cell::plain).collect()])?;
    let (first, rows) = part(&db, rows).await?;
    let start = [header, first.clone().unwrap_or_default()].concat();
    let rest = first.map(|_| rows);
    let body = stream::try_unfold((db, Some(start), rest), |(db, ready, rest)| async move {
        if let Some(ready) = ready {
            return Ok::<_, actix_web::Error>(Some((Bytes::from(ready), (db, None, rest))));
        }
        let Some(rows) = rest else { return Ok(None) };
        let (text, rows) = part(&db, rows).await.inspect_err(|error| tracing::error!(%error, "an export broke off"))?;
        Ok(text.map(|text| (Bytes::from(text), (db, None, Some(rows)))))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(Box::pin(body)))
}

/// The next part as text; `None` at the end.
async fn part<R: Rows>(db: &Db, mut rows: R) -> Result<(Option<Vec<u8>>, R), AppError> {
    db.read(move |conn| {
        let cells = rows.next(conn)?;
        let text = if cells.is_empty() { None } else { Some(write(&cells)?) };
        Ok::<_, AppError>((text, rows))
    })
    .await
}

fn write(rows: &[Vec<Cell>]) -> Result<Vec<u8>, AppError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| cell.0.as_str()))
            .map_err(|error| AppError::Internal(error.into()))?;
    }
    writer.into_inner().map_err(|error| AppError::Internal(anyhow::anyhow!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_from_being_a_formula_and_a_number_is_not() {
        let row =
            vec![Cell::text("=1+1"), Cell::text("a,\"b\"\nc"), Cell::number(Some("-3.00")), Cell::number(None::<i64>)];
        assert_eq!(
            write(&[row]).map(|text| String::from_utf8(text).unwrap()).unwrap(),
            "'=1+1,\"a,\"\"b\"\"\nc\",-3.00,\r\n"
        );
    }
}
