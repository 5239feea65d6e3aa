//! One import: what its dry run found, how far it is, and what it came to.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::form::{self, SettingsForm};
use super::index::{number, who};
use super::{failed, format_name, source_name};
use crate::auth::{Granted, ImportCalls, ManageSettings};
use crate::db::AnyConnection;
use crate::db::call_store::{CreatedName, NameKind};
use crate::db::imports::{self, ImportRow, ImportsError, State};
use crate::domain::claim::Problem;
use crate::domain::ids::ImportId;
use crate::intake::{Imports, Settings};
use crate::web::around::Around;
use crate::web::chrome;
use crate::web::filters::{Number, Size, When};
use crate::web::form::Checked;
use crate::web::notice::Notice;
use crate::web::once::{FormToken, once};
use crate::web::page::{Chrome, Fragments, NavItem, Page, see_other};
use crate::web::{AppError, Path, paths};

/// The most failed rows that a page lists; the file has them all.
const LISTED: i64 = 100;

/// An import.
#[derive(Template)]
#[template(path = "pages/imports/show.html", blocks = ["work"])]
pub(in crate::web) struct ImportPage {
    chrome: Chrome,
    id: ImportId,
    version: i32,
    state: State,
    file: String,
    size: Size,
    who: String,
    when: When,
    format: String,
    source: String,
    form: SettingsForm,
    rows: Number,
    new: Number,
    updated: Number,
    unchanged: Number,
    failed: Number,
    ambiguous: Number,
    /// Of a hundred.
    progress: i64,
    failures: Vec<Failure>,
    has_more_failures: bool,
    created: Vec<CreatedKind>,
    created_beyond: Number,
    /// Whether the viewer may set aliases.
    may_settings: bool,
    trouble: String,
}

/// One thing that is wrong with a row.
struct Failure {
    line: Number,
    column: String,
    value: String,
    expected: String,
}

/// Created names of one kind.
struct CreatedKind {
    kind: NameKind,
    words: &'static str,
    names: Vec<String>,
}

impl Fragments for ImportPage {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "import-work").then(|| self.as_work().render())
    }
}

impl ImportPage {
    fn is_at_work(&self) -> bool {
        matches!(self.state, State::Looking | State::Running)
    }

    fn is_ahead(&self) -> bool {
        matches!(self.state, State::Staged | State::Looked)
    }

    fn is_looked(&self) -> bool {
        self.state == State::Looked
    }

    fn is_looking(&self) -> bool {
        self.state == State::Looking
    }

    fn is_staged(&self) -> bool {
        self.state == State::Staged
    }

    fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    fn has_changes(&self) -> bool {
        self.new.0 > 0 || self.updated.0 > 0
    }

    fn has_new_buyers(&self) -> bool {
        self.created.iter().any(|kind| kind.kind == NameKind::Buyer)
    }

    fn load(
        conn: &mut AnyConnection,
        grant: &Granted<ImportCalls>,
        id: ImportId,
        typed: Option<(Settings, Vec<Problem>)>,
        around: &Around,
    ) -> Result<Self, AppError> {
        let row = imports::find(conn, grant, id)?.ok_or(AppError::NotFound)?;
        let who = who(imports::name_of(conn, &row)?);
        let rows = if matches!(row.state, State::Looking | State::Staged) {
            Vec::new()
        } else {
            imports::failures(conn, grant, id, (0, LISTED.saturating_add(1)))?
        };
        let shown = usize::try_from(LISTED).unwrap_or(usize::MAX);
        let has_more_failures = rows.len() > shown;
        let failures = rows.into_iter().take(shown).flat_map(|row| {
            row.errors().into_iter().map(|error| Failure {
                line: Number(error.line),
                column: error.column,
                value: shortened(&error.value),
                expected: error.expected.into_owned(),
            })
        });
        let (settings, problems) = typed.unwrap_or_else(|| (row.settings(), of_trouble(&row)));
        let names = row.created_names();
        let created_beyond = number(row.created_count.saturating_sub(i64::try_from(names.len()).unwrap_or(0)).max(0));
        Ok(Self {
            chrome: chrome::load(conn, grant.viewer(), NavItem::Imports, &around.here)?,
            id,
            version: row.version,
            state: row.state,
            size: Size(row.file_size.unsigned_abs()),
            who,
            when: When::new(row.created_at, grant.viewer().profile().zone, around.clock.now()),
            format: format_name(&row.format).to_owned(),
            source: source_name(&row),
            form: SettingsForm::new(&settings, &problems),
            rows: number(row.next_row),
            new: number(row.new_calls),
            updated: number(row.updated_calls),
            unchanged: number(row.unchanged_calls),
            failed: number(row.failed_rows),
            ambiguous: number(row.ambiguous_times),
            progress: row.bytes_read.saturating_mul(100).checked_div(row.file_size).unwrap_or(0),
            failures: failures.collect(),
            has_more_failures,
            created: kinds(names),
            created_beyond,
            may_settings: Granted::<ManageSettings>::check(grant.viewer()).is_some(),
            file: row.file_name,
            trouble: row.trouble,
        })
    }
}

fn of_trouble(row: &ImportRow) -> Vec<Problem> {
    if row.state == State::Staged && !row.trouble.is_empty() {
        vec![Problem::new(row.trouble_field.clone(), row.trouble.clone())]
    } else {
        Vec::new()
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

fn kinds(names: Vec<CreatedName>) -> Vec<CreatedKind> {
    let kinds = [(NameKind::Buyer, "Buyers"), (NameKind::Publisher, "Publishers"), (NameKind::Campaign, "Campaigns")];
    let of = |(kind, words)| {
        let names: Vec<String> = names.iter().filter(|name| name.kind == kind).map(|name| name.name.clone()).collect();
        (!names.is_empty()).then_some(CreatedKind { kind, words, names })
    };
    kinds.into_iter().filter_map(of).collect()
}

/// GET `/imports/{id}`.
pub(in crate::web) async fn show(
    grant: Granted<ImportCalls>,
    id: Path<ImportId>,
    around: Around,
) -> Result<Page<ImportPage>, AppError> {
    let (id, htmx, db) = (*id, around.htmx.clone(), around.db.clone());
    let page = db.read(move |conn| ImportPage::load(conn, &grant, id, None, &around)).await?;
    Ok(Page::new(htmx, page))
}

/// The settings again, with what is wrong with them; the file is kept.
pub(super) async fn again(
    grant: Granted<ImportCalls>,
    id: ImportId,
    request: &HttpRequest,
    around: Around,
    typed: (Settings, Vec<Problem>),
) -> Result<HttpResponse, AppError> {
    let (htmx, db) = (around.htmx.clone(), around.db.clone());
    let page = db.read(move |conn| ImportPage::load(conn, &grant, id, Some(typed), &around)).await?;
    Ok(Page::new(htmx, page).unprocessable().respond_to(request))
}

/// To the import; where its dry run ended already because something has to be chosen, that is told at once.
pub(super) async fn answer(
    grant: Granted<ImportCalls>,
    id: ImportId,
    request: &HttpRequest,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let (htmx, db) = (around.htmx.clone(), around.db.clone());
    let page = db.read(move |conn| ImportPage::load(conn, &grant, id, None, &around)).await?;
    if page.form.state.is_clean() {
        return Ok(see_other(paths::import(id)));
    }
    Ok(Page::new(htmx, page).unprocessable().respond_to(request))
}

/// POST `/imports/{id}`: another dry run, with other settings and the same file.
pub(in crate::web) async fn update(
    grant: Granted<ImportCalls>,
    id: Path<ImportId>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    around: Around,
    work: Data<Imports>,
) -> Result<HttpResponse, AppError> {
    let (id, now) = (*id, around.clock.now());
    let fields = form.into_inner();
    let settings =
        form::read(|name| fields.iter().rev().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str()));
    if let Err(problems) = settings.options() {
        return again(grant, id, &request, around, (settings, problems)).await;
    }
    let writer = grant.clone();
    let looked = around.db.write(move |conn| imports::look(conn, &writer, id, &settings, now)).await;
    looked.map_err(|error| failed(error, id))?;
    work.begin(id).await;
    answer(grant, id, &request, around).await
}

/// POST `/imports/{id}/intake` `{version}`: the calls go in, or what stopped goes on.
pub(in crate::web) async fn start(
    grant: Granted<ImportCalls>,
    id: Path<ImportId>,
    form: Checked<Vec<(String, String)>>,
    around: Around,
    work: Data<Imports>,
) -> Result<HttpResponse, AppError> {
    let (id, now, writer) = (*id, around.clock.now(), grant.clone());
    let version = form.iter().rev().find(|(name, _)| name == "version").map(|(_, version)| version.trim().parse());
    let version = version.transpose().map_err(|_not_a_number: std::num::ParseIntError| {
        AppError::Unprocessable("The version is a whole number.".to_owned())
    })?;
    let state = around.db.write(move |conn| imports::start(conn, &writer, id, version, now)).await;
    if state.map_err(|error| failed(error, id))? == State::Running {
        work.begin(id).await;
    }
    Ok(see_other(paths::import(id)))
}

/// POST `/imports/{id}/discard`: forgets a file that wasn't imported.
pub(in crate::web) async fn discard(
    grant: Granted<ImportCalls>,
    id: Path<ImportId>,
    request: HttpRequest,
    token: FormToken,
    around: Around,
    work: Data<Imports>,
) -> Result<HttpResponse, AppError> {
    let (id, now) = (*id, around.clock.now());
    let read = around
        .db
        .read({
            let grant = grant.clone();
            move |conn| Ok::<_, AppError>(imports::find(conn, &grant, id)?.and_then(|row| row.file()))
        })
        .await?;
    let done = around
        .db
        .write(move |conn| {
            once(conn, (grant.user(), now), ("import_discard", &token), |conn| {
                imports::discard(conn, &grant, id)?;
                Ok::<_, ImportsError>((paths::imports(), Notice::ImportDiscarded))
            })
        })
        .await
        .map_err(|error| failed(error, id))?;
    work.remove(read).await;
    Ok(Notice::ImportDiscarded.redirect(&request, done.location))
}
