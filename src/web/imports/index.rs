//! GET and POST `/imports`: a file is sent here; below it stands what came in before.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use askama::Template;

use super::form::{self, SettingsForm};
use super::{failed, show, source_name};
use crate::auth::{Granted, ImportCalls};
use crate::config::Config;
use crate::db::AnyConnection;
use crate::db::evidence::StoredFile;
use crate::db::imports::{self, ImportRow, State};
use crate::db::paging::Place;
use crate::domain::claim::Problem;
use crate::domain::ids::ImportId;
use crate::intake::{Imports, Settings};
use crate::web::AppError;
use crate::web::around::Around;
use crate::web::chrome;
use crate::web::filters::{Number, Size, When};
use crate::web::list_query::{Link, PER_PAGE, Params};
use crate::web::notice::Notice;
use crate::web::once::{FormToken, once};
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::upload::{self, Limits, Sent};

/// The form, and the list.
#[derive(Template)]
#[template(path = "pages/imports/index.html")]
pub(in crate::web) struct ImportsPage {
    chrome: Chrome,
    form: SettingsForm,
    largest: Size,
    lines: Vec<Line>,
    previous: String,
    next: String,
}

impl Fragments for ImportsPage {}

/// An import in the list.
struct Line {
    id: ImportId,
    when: When,
    who: String,
    file: String,
    source: String,
    state: State,
    /// It ended, or can't go on, before its end.
    is_cut_off: bool,
    new: Number,
    updated: Number,
    unchanged: Number,
    failed: Number,
}

impl Line {
    /// Figures of a dry run would be mistaken for calls that came in.
    fn has_figures(&self) -> bool {
        matches!(self.state, State::Running | State::Stopped | State::Done)
    }

    fn icon(&self) -> &'static str {
        match self.state {
            State::Done if !self.is_cut_off => "check",
            State::Done | State::Stopped => "alert",
            _ => "s-pending",
        }
    }

    /// The colour of the state, as disputes have it.
    fn colour(&self) -> &'static str {
        match self.state {
            State::Done if !self.is_cut_off => "accepted",
            State::Done | State::Stopped => "rejected",
            State::Running => "pending",
            _ => "draft",
        }
    }

    fn words(&self) -> &'static str {
        if self.state == State::Done && self.is_cut_off { "Ended early" } else { self.state.label() }
    }
}

pub(super) fn number(count: i64) -> Number {
    Number(count.unsigned_abs())
}

/// Who made an import.
pub(super) fn who(name: Option<String>) -> String {
    name.unwrap_or_else(|| "Command line".to_owned())
}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ImportCalls>,
    query: &str,
    form: SettingsForm,
    around: &Around,
) -> Result<ImportsPage, AppError> {
    let params = Params::parse(query);
    let place = match (params.parsed("after", "an id")?, params.parsed("before", "an id")?) {
        (Some(id), _) => Place::After(id),
        (None, Some(id)) => Place::Before(id),
        (None, None) => Place::First,
    };
    let listed = imports::list(conn, grant, (place, PER_PAGE))?;
    let page_link = |name: &'static str, row: Option<&(ImportRow, Option<String>)>, there: bool| {
        let row = row.filter(|_| there);
        row.map(|(row, _)| Link::to("/imports").with(name, row.id).to_string()).unwrap_or_default()
    };
    let (previous, next) = (
        page_link("before", listed.rows.first(), listed.has_earlier),
        page_link("after", listed.rows.last(), listed.has_later),
    );
    let (zone, now) = (grant.viewer().profile().zone, around.clock.now());
    let line = |(row, name): (ImportRow, Option<String>)| Line {
        id: row.id,
        when: When::new(row.created_at, zone, now),
        who: who(name),
        source: source_name(&row),
        file: row.file_name,
        state: row.state,
        is_cut_off: !row.trouble.is_empty(),
        new: number(row.new_calls),
        updated: number(row.updated_calls),
        unchanged: number(row.unchanged_calls),
        failed: number(row.failed_rows),
    };
    Ok(ImportsPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Imports, &around.here)?,
        form,
        largest: Size(around.config.max_import_bytes),
        lines: listed.rows.into_iter().map(line).collect(),
        previous,
        next,
    })
}

/// GET `/imports`.
pub(in crate::web) async fn index(
    grant: Granted<ImportCalls>,
    request: HttpRequest,
    around: Around,
) -> Result<Page<ImportsPage>, AppError> {
    let (query, htmx, db) = (request.query_string().to_owned(), around.htmx.clone(), around.db.clone());
    let page = db.read(move |conn| load(conn, &grant, &query, SettingsForm::new(&form::usual(), &[]), &around)).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/imports`: keeps the file, and looks through it.
pub(in crate::web) async fn create(
    grant: Granted<ImportCalls>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
    work: Data<Imports>,
) -> Result<HttpResponse, AppError> {
    let sent = upload::read(&request, payload, &around.files, Limits::of_calls(&around.config)).await?;
    let settings = form::read(|name| sent.value(name));
    let problems = settings.options().err().unwrap_or_default();
    let file = match taken(&sent, &around.config) {
        Ok(file) => file,
        Err(problem) => {
            let problems = [&[problem], problems.as_slice()].concat();
            upload::discard(&around.files, sent.files).await;
            return show_again(grant, &request, around, (settings, problems), sent.is_too_large).await;
        }
    };
    let (writer, token, is_ready) = (grant.clone(), FormToken::new(sent.value("form_token")), problems.is_empty());
    let (chosen, now, kept) = (settings.clone(), around.clock.now(), file.clone());
    let done = around
        .db
        .write(move |conn| {
            once(conn, (writer.user(), now), ("import", &token), |conn| {
                let id = imports::stage(conn, &writer, &kept, (&chosen, is_ready), now)?;
                Ok::<_, imports::ImportsError>((id.to_string(), Notice::ImportReceived))
            })
        })
        .await
        .map_err(|error| failed(error, ImportId::from_number(0)))?;
    let id: ImportId = done.location.parse().map_err(|error| AppError::Internal(anyhow::Error::new(error)))?;
    if done.is_replayed {
        upload::discard(&around.files, vec![file]).await;
    } else if is_ready {
        work.begin(id).await;
    } else {
        return show::again(grant, id, &request, around, (settings, problems)).await;
    }
    show::answer(grant, id, &request, around).await
}

/// The one file that was sent.
fn taken(sent: &Sent, config: &Config) -> Result<StoredFile, Problem> {
    let refuse = |sentence: String| Err(Problem::new("file", sentence));
    match (sent.files.as_slice(), sent.refused.first()) {
        (_, Some(refused)) => refuse(refused.sentence.clone()),
        _ if sent.is_too_large => refuse(format!("A file can have at most {}", Size(config.max_import_bytes))),
        _ if sent.has_too_many => refuse("Send one file at a time".to_owned()),
        ([file], None) => Ok(file.clone()),
        _ => refuse("Choose the file that the platform exported".to_owned()),
    }
}

async fn show_again(
    grant: Granted<ImportCalls>,
    request: &HttpRequest,
    around: Around,
    (settings, problems): (Settings, Vec<Problem>),
    is_too_large: bool,
) -> Result<HttpResponse, AppError> {
    let (htmx, db) = (around.htmx.clone(), around.db.clone());
    let page = db.read(move |conn| load(conn, &grant, "", SettingsForm::new(&settings, &problems), &around)).await?;
    let page = Page::new(htmx, page);
    Ok(if is_too_large { page.too_large() } else { page.unprocessable() }.respond_to(request))
}
