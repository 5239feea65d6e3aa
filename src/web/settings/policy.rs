//! `/settings/policy`: what may be disputed, for how long, with which reasons, and by when it is decided.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::fields::Fields;
use super::{Tab, failed};
use crate::auth::{Granted, ManageSettings};
use crate::clock::Clock;
use crate::db::administration::SettingsError;
use crate::db::{AnyConnection, Db, policy};
use crate::domain::call::CallStatus;
use crate::domain::policy::{Policy, PolicyChange, Reason};
use crate::web::chrome::{self, Here};
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::notice::Notice;
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::{AppError, paths};

#[derive(Template)]
#[template(path = "pages/settings/policy.html")]
pub(in crate::web) struct PolicyPage {
    chrome: Chrome,
    tab: Tab,
    form: FormState,
    version: i32,
    wanted: PolicyChange,
    needs_new_evidence: bool,
}

impl Fragments for PolicyPage {}

impl PolicyPage {
    fn statuses() -> impl Iterator<Item = CallStatus> {
        CallStatus::ALL.iter().copied()
    }

    fn is_disputable(&self, status: CallStatus) -> bool {
        self.wanted.disputable_statuses.contains(&status)
    }

    /// What is wrong with the words of a reason.
    fn label_problem(&self, reason: &Reason) -> Option<&str> {
        self.form.problem(&format!("label[{}]", reason.code))
    }
}

/// The policy in words and boxes; `typed` is what was sent, where it couldn't be kept.
fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    typed: Option<(PolicyChange, FormState, i32)>,
    here: &Here,
) -> Result<PolicyPage, AppError> {
    // Read before the rest: if somebody changes it between, saving says so.
    let version = policy::version(conn)?;
    let (wanted, form, version) = if let Some(typed) = typed {
        typed
    } else {
        let wanted = PolicyChange::from(policy::load(conn)?);
        let form = numbers(&wanted);
        (wanted, form, version)
    };
    Ok(PolicyPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Settings, here)?,
        tab: Tab::Policy,
        needs_new_evidence: form.is("new_needs_evidence", "1"),
        form,
        version,
        wanted,
    })
}

fn numbers(wanted: &PolicyChange) -> FormState {
    FormState::new()
        .with("dispute_window_days", wanted.dispute_window_days)
        .with("decision_deadline_days", wanted.decision_deadline_days)
}

/// GET `/settings/policy`.
pub(in crate::web) async fn show(
    grant: Granted<ManageSettings>,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
) -> Result<Page<PolicyPage>, AppError> {
    let page = db.read(move |conn| load(conn, &grant, None, &here)).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/policy`.
pub(in crate::web) async fn update(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let fields = Fields::new(form.into_inner());
    let now = clock.now();
    let before = db.read(policy::load).await?;
    let (wanted, mut state) = read(&fields, before);
    let seen = fields.text("version").parse::<i32>().ok();
    let here = Here::from(paths::policy().as_str());
    let mut is_conflict = false;
    if state.is_clean() {
        let (granted, wanted) = (grant.clone(), wanted.clone());
        match db.write(move |conn| policy::change(conn, &granted, &wanted, seen, now)).await {
            Ok(()) => return Ok(Notice::PolicySaved.redirect(&request, paths::policy())),
            Err(SettingsError::Policy(problems)) => {
                for problem in problems {
                    // A new reason has no field of its own yet.
                    let is_new = problem.field.starts_with("label[")
                        && !fields.all("reason").any(|code| problem.field == format!("label[{code}]"));
                    let field = if is_new { "new_reason" } else { problem.field.as_str() };
                    state.refuse(field, problem.sentence.clone());
                }
            }
            Err(SettingsError::Changed) => is_conflict = true,
            Err(other) => return Err(failed(other)),
        }
    }
    let page = db
        .read(move |conn| {
            if is_conflict {
                // What it is now, so that nothing of the other manager's is undone unseen.
                let mut page = load(conn, &grant, None, &here)?;
                page.form = page.form.with("new_reason", fields.text("new_reason"));
                page.form.refuse_form(
                    "Somebody else changed the policy meanwhile. This is how it is now; nothing of yours is saved.",
                );
                return Ok::<_, AppError>(page);
            }
            let mut wanted = wanted;
            // It comes back in its own field.
            wanted.reasons.retain(|reason| fields.all("reason").any(|code| code == reason.code));
            load(conn, &grant, Some((wanted, state, seen.unwrap_or_default())), &here)
        })
        .await?;
    let page = Page::new(htmx, page);
    Ok(if is_conflict { page.conflict() } else { page.unprocessable() }.respond_to(&request))
}

/// What was sent, over what there is: reasons are switched, never taken away, for disputes keep theirs.
fn read(fields: &Fields, before: Policy) -> (PolicyChange, FormState) {
    let mut state = fields.keep(&["dispute_window_days", "decision_deadline_days", "new_reason", "new_needs_evidence"]);
    let mut wanted = PolicyChange::from(before);
    let mut number = |name: &'static str, low: i32| {
        let read = fields.text(name).trim().parse::<i32>().ok().filter(|days| (low..=3650).contains(days));
        if read.is_none() {
            state.refuse(name, format!("Write a number of days from {low} to 3650"));
        }
        read
    };
    let (window, deadline) = (number("dispute_window_days", 0), number("decision_deadline_days", 1));
    wanted.dispute_window_days = window.unwrap_or(wanted.dispute_window_days);
    wanted.decision_deadline_days = deadline.unwrap_or(wanted.decision_deadline_days);
    let ticked: Vec<_> = fields.all("disputable_status").filter_map(CallStatus::from_code).collect();
    wanted.disputable_statuses = CallStatus::ALL.iter().copied().filter(|status| ticked.contains(status)).collect();
    wanted.reply_reopens = fields.text("reply_reopens") == "1";
    let is_ticked = |name: &str, code: &str| fields.all(name).any(|ticked| ticked == code);
    for reason in &mut wanted.reasons {
        // A reason that somebody else added meanwhile wasn't on the page: it stays as it is.
        if !is_ticked("reason", &reason.code) {
            continue;
        }
        reason.is_off = !is_ticked("offered", &reason.code);
        reason.needs_evidence = is_ticked("needs_evidence", &reason.code);
        if reason.is_own()
            && let Some(label) = fields.find(&format!("label[{}]", reason.code))
        {
            label.trim().clone_into(&mut reason.label);
        }
    }
    if !fields.text("new_reason").trim().is_empty() {
        wanted.add_reason(fields.text("new_reason"), fields.text("new_needs_evidence") == "1");
    }
    (wanted, state)
}
