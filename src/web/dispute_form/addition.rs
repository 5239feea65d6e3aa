//! The form that adds facts and files to a Pending dispute (DOMAIN rule 12): nothing that was sent is in it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use askama::filters::HtmlSafe;

use super::Typed;
use super::outcome::Trouble;
use super::view::{FileLine, Setting, field_of};
use crate::auth::{DisputeCalls, DisputeViewer, Granted, Viewer};
use crate::db::disputes::DisputeRow;
use crate::db::{AnyConnection, DbError, evidence, facts};
use crate::domain::dispute::Status;
use crate::domain::fact::{self, FactKind};
use crate::domain::ids::DisputeId;
use crate::web::around::Around;
use crate::web::disputes::{Asked, Problem, Typed as TypedOnPage, answer};
use crate::web::filters::Size;
use crate::web::form::FormState;
use crate::web::{AppError, paths};

/// What can be added to a dispute, and what was typed and could not be taken. Templates write it as `{{ addition }}`.
#[derive(Template)]
#[template(path = "partials/disputes/addition.html")]
pub(in crate::web) struct AdditionForm {
    action: String,
    upload_url: String,
    in_panel: bool,
    /// Whether anything can be added now.
    is_open: bool,
    state: FormState,
    /// Facts of its reason that were not sent yet.
    facts: Vec<&'static FactKind>,
    /// Whether any of them is typed in.
    is_typed: bool,
    files: Vec<FileLine>,
    /// How many files there is room for.
    max_files: usize,
    max_bytes: u64,
    /// What was typed and has no field any more, by label: to be copied.
    unsent: Vec<(&'static str, String)>,
}

impl HtmlSafe for AdditionForm {}

impl AdditionForm {
    /// The form of a viewer's own Pending dispute; of any other only what was typed, if anything was.
    pub(in crate::web) fn load(
        conn: &mut AnyConnection,
        viewer: &Viewer,
        (row, query): (&DisputeRow, &str),
        typed: Option<&Typed>,
        setting: Setting,
    ) -> Result<Option<Self>, DbError> {
        let is_open = row.status == Status::Pending && !viewer.is_manager();
        if !is_open && typed.is_none() {
            return Ok(None);
        }
        let nothing = Typed::default();
        let typed = typed.unwrap_or(&nothing);
        let sent = facts::list(conn, row.id, false)?;
        let is_asked = |kind: &&FactKind| {
            let fits = kind.reasons.is_empty() || kind.reasons.contains(&row.reason.as_str());
            !kind.is_file && fits && sent.iter().all(|fact| fact.name != kind.name)
        };
        let asked: Vec<&FactKind> = fact::ALL.iter().filter(|kind| is_open && is_asked(kind)).collect();
        let has_field = |name: &str| asked.iter().any(|kind| kind.name == name);
        let mut state = FormState::new();
        let mut unsent = Vec::new();
        for (name, value) in typed.facts.iter().filter(|(_, value)| !value.trim().is_empty()) {
            if has_field(name) {
                state = state.with(name, value);
            } else if let Some(kind) = fact::kind(name) {
                unsent.push((kind.label, value.clone()));
            }
        }
        let said = typed.additional_information.trim();
        if !said.is_empty() && said != row.additional_information {
            unsent.push(("Additional Information", said.to_owned()));
        }
        for problem in &typed.problems {
            let field = field_of(&problem.field);
            let is_there = is_open && (field == "evidence" || has_field(field));
            state.refuse(if is_there { field } else { "" }, problem.sentence.clone());
        }
        let is_typed = asked.iter().any(|kind| !state.value(kind.name).is_empty() || state.has_problem(kind.name));
        let there = evidence::list(conn, row.id)?.len();
        let kept = evidence::staged(conn, viewer.user(), row.call_id, &typed.kept, setting.now)?;
        Ok(Some(Self {
            action: format!("{}{query}", paths::dispute(row.id)),
            upload_url: paths::uploads(row.call_id),
            in_panel: setting.in_panel,
            is_open,
            is_typed,
            state,
            facts: asked,
            files: kept.into_iter().map(FileLine::kept).collect(),
            max_files: setting.limits.files.saturating_sub(there),
            max_bytes: setting.limits.file_bytes,
            unsent,
        }))
    }

    fn limit(&self) -> Size {
        Size(self.max_bytes)
    }
}

/// The dispute as it is now, with what was typed into the form and what stands against it.
pub(super) async fn show_again(
    grant: &Granted<DisputeCalls>,
    id: DisputeId,
    request: &HttpRequest,
    around: Around,
    typed: Typed,
    trouble: &Trouble,
) -> Result<HttpResponse, AppError> {
    let viewer: DisputeViewer = grant.viewer().dispute_viewer().ok_or(AppError::NotFound)?;
    let asked = Asked::of(request, &around.here, &around.htmx, around.clock.now());
    let status = match trouble {
        Trouble { is_too_large: true, .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Trouble { is_conflict: true, .. } => StatusCode::CONFLICT,
        Trouble { problems, .. } if problems.is_empty() => StatusCode::OK,
        Trouble { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let typed = TypedOnPage::addition(typed);
    let page = answer((viewer, id), (around.htmx.clone(), asked), &around.db, (Problem::Told(status), typed)).await?;
    Ok(page.respond_to(request))
}
