//! `/notes`: canned notes, their variables, and the list of them.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use serde::Deserialize;

use super::chrome::{self, Here};
use super::form::{Checked, FormState};
use super::htmx::Htmx;
use super::notice::Notice;
use super::once::{FormToken, once};
use super::page::{Chrome, Fragments, NavItem, Page};
use super::{AppError, Path, paths};
use crate::auth::{EditDisputes, Granted};
use crate::clock::Clock;
use crate::db::canned_notes::{self, CannedNote};
use crate::db::{AnyConnection, Db};
use crate::domain::claim::clean_text;
use crate::domain::fact::MAX_TEXT;
use crate::domain::ids::CannedNoteId;

/// What a note can name; filled in when it is put into a decision.
pub(super) const VARIABLES: [&str; 6] = ["caller_id", "call_date", "destination", "payout", "buyer", "reason"];

/// A note with its variables filled in; a name that isn't one stays as it was typed.
pub(super) fn fill(body: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(body.len());
    let mut rest = body;
    // In one pass: what a value brings with it is never taken for a variable.
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let found = after
            .split_once('}')
            .and_then(|(name, tail)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, tail)));
        if let Some((value, tail)) = found {
            filled.push_str(value);
            rest = tail;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[derive(Template)]
#[template(path = "pages/notes/index.html")]
pub(super) struct NotesPage {
    chrome: Chrome,
    notes: Vec<CannedNote>,
    form: FormState,
    variables: [&'static str; 6],
}

impl Fragments for NotesPage {}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    here: &Here,
    form: FormState,
) -> Result<NotesPage, AppError> {
    let chrome = chrome::load(conn, grant.viewer(), NavItem::Disputes, here)?;
    Ok(NotesPage { chrome, notes: canned_notes::list(conn, grant)?, form, variables: VARIABLES })
}

/// GET `/notes`.
pub(super) async fn index(
    grant: Granted<EditDisputes>,
    (here, htmx): (Here, Htmx),
    db: Data<Db>,
) -> Result<Page<NotesPage>, AppError> {
    let page = db.read(move |conn| load(conn, &grant, &here, FormState::new())).await?;
    Ok(Page::new(htmx, page))
}

/// A note as it was typed; with an id, a change of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NoteForm {
    id: String,
    title: String,
    body: String,
    /// The note of a decision that is to be kept: a title is asked for.
    note: String,
    form_token: FormToken,
}

/// POST `/notes` {title, body}: adds one, or changes the one that is named; {note} alone: the form of a new one with it.
pub(super) async fn save(
    grant: Granted<EditDisputes>,
    form: Checked<NoteForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let now = clock.now();
    let id = match form.id.as_str() {
        "" => None,
        id => Some(id.parse::<CannedNoteId>().or(Err(AppError::NotFound))?),
    };
    if !form.note.is_empty() && form.title.is_empty() && form.body.is_empty() {
        let state = FormState::new().with("body", &form.note);
        let page = db.read(move |conn| load(conn, &grant, &here, state.clone())).await?;
        return Ok(Page::new(htmx, page).respond_to(&request));
    }
    let (title, body) = (form.title.trim().to_owned(), clean_text(&form.body));
    let mut state = FormState::new().with("id", &form.id).with("title", &form.title).with("body", &form.body);
    if !(1..=60).contains(&title.chars().count()) {
        state.refuse("title", "Give the note a title of at most 60 characters");
    }
    if !(1..=MAX_TEXT).contains(&body.chars().count()) {
        state.refuse("body", "Write a note of at most 5,000 characters");
    }
    if !state.is_clean() {
        let page = db.read(move |conn| load(conn, &grant, &here, state.clone())).await?;
        return Ok(Page::new(htmx, page).unprocessable().respond_to(&request));
    }
    let saved = db
        .write(move |conn| {
            let text = (title.as_str(), body.as_str());
            if let Some(id) = id {
                return Ok(canned_notes::change(conn, &grant, id, Some(text), now)?);
            }
            once(conn, (grant.user(), now), ("note", &form.form_token), |conn| {
                canned_notes::add(conn, &grant, text, now)?;
                Ok::<_, AppError>((String::new(), Notice::CannedNoteSaved))
            })?;
            Ok::<_, AppError>(true)
        })
        .await?;
    if !saved {
        return Err(AppError::NotFound);
    }
    Ok(Notice::CannedNoteSaved.redirect(&request, paths::notes()))
}

/// POST `/notes/{id}/delete`.
pub(super) async fn destroy(
    grant: Granted<EditDisputes>,
    id: Path<CannedNoteId>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now) = (*id, clock.now());
    let was_there = db.write(move |conn| Ok::<_, AppError>(canned_notes::change(conn, &grant, id, None, now)?)).await?;
    if !was_there {
        return Err(AppError::NotFound);
    }
    Ok(Notice::CannedNoteRemoved.redirect(&request, paths::notes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_once_and_others_stay() {
        let values = [("payout", "$42.00".to_owned()), ("buyer", "{payout} Ltd".to_owned())];
        assert_eq!(fill("{buyer}: {payout}, {nobody} {", &values), "{payout} Ltd: $42.00, {nobody} {");
    }
}
