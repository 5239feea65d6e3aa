//! The dispute form as it is shown: the call as it is, what was typed, the files kept, and what needs attention.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::auth::Viewer;
use crate::db::calls::CallRow;
use crate::db::disputes::DisputeRow;
use crate::db::evidence::{self, EvidenceRow, StagedRow};
use crate::db::{AnyConnection, DbError, buyers, facts, policy, sending};
use crate::domain::Instant;
use crate::domain::claim::Problem;
use crate::domain::fact::{self, FactKind};
use crate::domain::ids::{CallId, FileId};
use crate::domain::policy::Reason;
use crate::web::filters::{Duration, Money, Phone, Size, When};
use crate::web::form::FormState;
use crate::web::paths;
use crate::web::upload::Limits;

/// What was typed into the form, and which files were kept for it.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Typed {
    pub(in crate::web) reason: String,
    pub(in crate::web) additional_information: String,
    pub(in crate::web) facts: Vec<(String, String)>,
    pub(in crate::web) kept: Vec<FileId>,
    pub(in crate::web) problems: Vec<Problem>,
}

/// Where and when a form is shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Setting {
    pub(in crate::web) limits: Limits,
    pub(in crate::web) now: Instant,
    /// In the panel htmx sends it; as a page the browser does.
    pub(in crate::web) in_panel: bool,
}

/// The form of a new dispute or of a Draft: the whole `<form>` element. Templates write it as `{{ form }}`.
#[derive(Template)]
#[template(path = "partials/disputes/form.html")]
pub(in crate::web) struct DisputeForm {
    action: String,
    upload_url: String,
    in_panel: bool,
    window: Window,
    call: About,
    reasons: Vec<Choice>,
    state: FormState,
    /// Facts asked for seldom; opened where one of them is filled in.
    seldom: Vec<Seldom>,
    has_seldom: bool,
    /// Facts that name files; they pass through unchanged.
    by_file: Vec<(String, String)>,
    files: Vec<FileLine>,
    max_files: usize,
    max_bytes: u64,
}

impl HtmlSafe for DisputeForm {}

/// The dispute window, for the dial.
struct Window {
    closes: When,
    percent: i64,
    is_open: bool,
    is_soon: bool,
}

/// The facts of the call, read-only.
struct About {
    called: When,
    caller_id: String,
    destination: String,
    status: &'static str,
    buyer: String,
    payout: Option<Money>,
    duration: Option<Duration>,
    hang_up: &'static str,
}

struct Choice {
    code: String,
    label: String,
    is_chosen: bool,
}

struct Seldom {
    name: &'static str,
    label: &'static str,
    value: String,
}

/// A file of the form: kept for it, or in the Draft already.
#[derive(Clone, Debug, Template)]
#[template(path = "partials/disputes/form_file.html")]
pub(super) struct FileLine {
    id: String,
    name: String,
    size: Size,
    icon: &'static str,
    /// Kept files travel in the form; those of a Draft are in it.
    is_kept: bool,
    /// A file of a Draft can be looked at.
    href: Option<String>,
    remove: String,
}

impl HtmlSafe for FileLine {}

impl FileLine {
    fn size(bytes: i64) -> Size {
        Size(u64::try_from(bytes).unwrap_or_default())
    }

    pub(super) fn kept(row: StagedRow) -> Self {
        Self {
            icon: icon(&row.media_type),
            size: Self::size(row.size),
            is_kept: true,
            href: None,
            remove: paths::upload_deletion(row.call_id, &row.id),
            id: row.id,
            name: row.name,
        }
    }

    fn of_draft(row: EvidenceRow) -> Self {
        Self {
            icon: icon(&row.media_type),
            size: Self::size(row.size),
            is_kept: false,
            href: Some(paths::evidence_file(row.dispute_id, &row.id)),
            remove: paths::evidence_deletion(row.dispute_id, &row.id),
            id: row.id,
            name: row.name,
        }
    }
}

/// The icon of a kind of file.
fn icon(media_type: &str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        _ => "file",
    }
}

/// Facts with a place of their own on the form.
const ASKED: [&str; 5] =
    ["original_call_id", "duplicate_explanation", "qualification_criterion", "technical_details", "recording_mark"];

fn is_seldom(kind: &FactKind) -> bool {
    !kind.is_file && !ASKED.contains(&kind.name)
}

impl DisputeForm {
    /// The form of a Draft, as it was saved.
    pub(in crate::web) fn of_draft(
        conn: &mut AnyConnection,
        viewer: &Viewer,
        (call, draft): (&CallRow, &DisputeRow),
        setting: Setting,
    ) -> Result<Self, DbError> {
        let facts = facts::list(conn, draft.id, true)?;
        let typed = Typed {
            reason: draft.reason.clone(),
            additional_information: draft.additional_information.clone(),
            facts: facts.into_iter().map(|fact| (fact.name, fact.value)).collect(),
            ..Typed::default()
        };
        Self::load(conn, viewer, (call, Some(draft)), &typed, setting)
    }

    /// The form of a call, or of its Draft, with what was typed and what needs attention.
    pub(super) fn load(
        conn: &mut AnyConnection,
        viewer: &Viewer,
        (call, draft): (&CallRow, Option<&DisputeRow>),
        typed: &Typed,
        setting: Setting,
    ) -> Result<Self, DbError> {
        let policy = policy::load(conn)?;
        let window = sending::window_of(conn, &policy, call.buyer_id, call.started_at)?;
        let buyer = buyers::find(conn, call.buyer_id)?.map(|row| row.name).unwrap_or_default();
        let mut files = Vec::new();
        if let Some(draft) = draft {
            files.extend(evidence::list(conn, draft.id)?.into_iter().map(FileLine::of_draft));
        }
        let kept = evidence::staged(conn, viewer.user(), call.id, &typed.kept, setting.now)?;
        files.extend(kept.into_iter().map(FileLine::kept));

        let when = |at| When::new(at, viewer.profile().zone, setting.now);
        let value = |name: &str| {
            typed.facts.iter().rfind(|(fact, _)| fact == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let seldom: Vec<Seldom> = fact::ALL
            .iter()
            .filter(|kind| is_seldom(kind))
            .map(|kind| Seldom { name: kind.name, label: kind.label, value: value(kind.name) })
            .collect();
        let by_file = typed.facts.iter().filter(|(name, _)| fact::kind(name).is_some_and(|kind| kind.is_file));
        let choice = |reason: &Reason| Choice {
            is_chosen: reason.code == typed.reason,
            code: reason.code.clone(),
            label: if reason.needs_evidence {
                format!("{} (needs a file)", reason.label)
            } else {
                reason.label.clone()
            },
        };
        Ok(Self {
            action: draft.map_or_else(|| paths::call_disputes(call.id), |draft| paths::dispute(draft.id)),
            upload_url: paths::uploads(call.id),
            in_panel: setting.in_panel,
            window: Window {
                closes: when(window.closes_at()),
                percent: window.percent_left(setting.now),
                is_open: window.is_open(setting.now),
                is_soon: window.closes_at() - setting.now < chrono::TimeDelta::hours(48),
            },
            call: About {
                called: when(call.started_at),
                caller_id: call.caller_id.clone(),
                destination: match call.destination.as_str() {
                    "" => call.destination_number.clone(),
                    name => name.to_owned(),
                },
                status: call.status.label(),
                buyer,
                payout: call.payout.map(|payout| Money::new(payout, &call.currency)),
                duration: call.duration_s.map(|seconds| Duration(i64::from(seconds))),
                hang_up: call.hangup_by.label(),
            },
            reasons: policy.offered_reasons().map(choice).collect(),
            has_seldom: seldom.iter().any(|fact| !fact.value.is_empty()),
            by_file: by_file.cloned().collect(),
            state: state(typed, &value),
            seldom,
            files,
            max_files: setting.limits.files,
            max_bytes: setting.limits.file_bytes,
        })
    }

    /// Who called, for the heading.
    pub(super) fn caller(&self) -> Phone<'_> {
        Phone(&self.call.caller_id)
    }

    /// Whether something needs attention.
    pub(super) fn has_problems(&self) -> bool {
        !self.state.is_clean()
    }

    fn limit(&self) -> Size {
        Size(self.max_bytes)
    }
}

/// What stands in the fields, and each problem at the field that it is shown at.
fn state(typed: &Typed, value: &impl Fn(&str) -> String) -> FormState {
    let mut state =
        FormState::new().with("reason", &typed.reason).with("additional_information", &typed.additional_information);
    for name in ASKED {
        state = state.with(name, value(name));
    }
    for problem in &typed.problems {
        state.refuse(field_of(&problem.field), problem.sentence.clone());
    }
    state
}

/// `fact[NAME]` is shown at NAME; what has no field is the form's.
pub(super) fn field_of(field: &str) -> &str {
    let fact = field.strip_prefix("fact[").and_then(|rest| rest.strip_suffix(']'));
    match fact {
        Some(name) if fact::kind(name).is_some_and(|kind| !kind.is_file) => name,
        Some(_) => "",
        None => field,
    }
}

/// The line of a file that was just kept.
pub(super) fn kept_line(row: StagedRow) -> askama::Result<String> {
    FileLine::kept(row).render()
}

/// The address of a call, for links on pages around the form.
pub(super) fn about(call: CallId) -> (String, String) {
    (paths::call(call), call.to_string())
}
