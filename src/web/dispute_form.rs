//! Disputing a call: the form, saving it as a Draft, sending it, and the files kept for it meanwhile.

mod addition;
mod outcome;
mod uploads;
mod view;

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use askama::Template;

use super::around::Around;
use super::chrome;
use super::disputes::Asked;
use super::error::Link;
use super::htmx::Htmx;
use super::notice::Notice;
use super::once::{Done, FormToken, once};
use super::page::{Chrome, Fragments, NavItem, Page, see_other};
use super::upload::{self, Limits, Sent};
use super::{AppError, Path, paths};
use crate::auth::{DisputeCalls, Granted};
use crate::clock::Clock;
use crate::db::calls::CallRow;
use crate::db::disputes::DisputeRow;
use crate::db::sending::{self, Files, SendError};
use crate::db::{AnyConnection, calls, disputes, evidence, facts, policy};
use crate::domain::claim::{Claim, Intent, Problem};
use crate::domain::dispute::Status;
use crate::domain::ids::{CallId, DisputeId};

pub(in crate::web) use addition::AdditionForm;
use outcome::Trouble;
pub(in crate::web) use uploads::{create as keep_upload, destroy as forget_upload};
pub(in crate::web) use view::{DisputeForm, Setting, Typed};

/// The form, as a page of its own or as the panel over the Call Log.
#[derive(Template)]
#[template(path = "pages/disputes/new.html", blocks = ["over"])]
pub(in crate::web) struct NewDispute {
    chrome: Chrome,
    in_panel: bool,
    form: DisputeForm,
    /// Address and id of the call.
    call: (String, String),
    /// The same form as a page.
    page: String,
    /// Where the panel was opened from.
    close: String,
    /// Throws the Draft away.
    discard: Option<String>,
}

impl Fragments for NewDispute {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "panel-slot").then(|| self.as_over().render())
    }
}

/// What the form is about: a call, and the Draft that is being changed, if any.
struct Subject {
    call: CallRow,
    draft: Option<DisputeRow>,
}

impl Subject {
    /// A call of the viewer's, with its Draft.
    fn of_call(conn: &mut AnyConnection, grant: &Granted<DisputeCalls>, call: CallId) -> Result<Self, AppError> {
        let call = calls::find(conn, grant.scope(), call)?.ok_or(AppError::NotFound)?;
        let draft =
            disputes::of_call(conn, grant.scope(), call.id)?.into_iter().find(|row| row.status == Status::Draft);
        Ok(Self { call, draft })
    }

    /// A dispute of the viewer's, with its call.
    fn of_dispute(
        conn: &mut AnyConnection,
        grant: &Granted<DisputeCalls>,
        id: DisputeId,
    ) -> Result<(Self, Status), AppError> {
        let row = disputes::find(conn, grant.scope(), id)?.ok_or(AppError::NotFound)?;
        let call = calls::find(conn, grant.scope(), row.call_id)?.ok_or(AppError::NotFound)?;
        let status = row.status;
        Ok((Self { call, draft: (status == Status::Draft).then_some(row) }, status))
    }

    fn page(
        &self,
        conn: &mut AnyConnection,
        grant: &Granted<DisputeCalls>,
        around: &Around,
        typed: Typed,
    ) -> Result<NewDispute, AppError> {
        let in_panel = is_panel(&around.htmx);
        let viewer = grant.viewer();
        let chrome =
            if in_panel { Chrome::default() } else { chrome::load(conn, viewer, NavItem::Calls, &around.here)? };
        let setting = Setting { limits: Limits::of(&around.config), now: around.clock.now(), in_panel };
        let page = match &self.draft {
            Some(draft) => paths::dispute(draft.id),
            None => paths::new_dispute(self.call.id),
        };
        Ok(NewDispute {
            chrome,
            in_panel,
            form: DisputeForm::load(conn, viewer, (&self.call, self.draft.as_ref()), &typed, setting)?,
            call: view::about(self.call.id),
            page,
            close: around.htmx.current_path().unwrap_or_else(paths::calls),
            discard: self.draft.as_ref().map(|draft| paths::discard(draft.id)),
        })
    }
}

fn is_panel(htmx: &Htmx) -> bool {
    htmx.region() == Some("panel-slot")
}

/// GET `/calls/{id}/disputes/new`.
pub(in crate::web) async fn new(
    grant: Granted<DisputeCalls>,
    call: Path<CallId>,
    request: HttpRequest,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let htmx = around.htmx.clone();
    let db = around.db.clone();
    let shown = db
        .read(move |conn| {
            let subject = Subject::of_call(conn, &grant, *call)?;
            if let Some(draft) = &subject.draft {
                return Ok(Err(paths::dispute(draft.id)));
            }
            let policy = policy::load(conn)?;
            let refusal = sending::refusal(conn, &policy, &subject.call, None, around.clock.now())?;
            if let Some(refusal) = refusal {
                let sentence = refusal.sentence(grant.viewer().profile().zone) + ".";
                let back = Link::new(paths::calls(), "Back to the Call Log");
                return Err(AppError::conflict(refusal.code(), "This call can\u{2019}t be disputed", sentence, back));
            }
            Ok(Ok(subject.page(conn, &grant, &around, Typed::default())?))
        })
        .await?;
    Ok(match shown {
        Ok(page) => Page::new(htmx, page).respond_to(&request),
        Err(draft) => see_other(draft),
    })
}

/// Nobody's files are taken for a call that isn't theirs.
async fn own_call(grant: &Granted<DisputeCalls>, call: CallId, around: &Around) -> Result<CallId, AppError> {
    let scope = grant.scope();
    let known = around.db.read(move |conn| Ok::<_, AppError>(calls::find(conn, scope, call)?)).await?;
    known.map(|_| call).ok_or(AppError::NotFound)
}

/// POST `/calls/{id}/disputes`: saves a Draft, or sends it.
pub(in crate::web) async fn create(
    grant: Granted<DisputeCalls>,
    call: Path<CallId>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let call = own_call(&grant, *call, &around).await?;
    let said = Said::read(&request, payload, &around).await?;
    if let Some(trouble) = said.trouble(&around) {
        return outcome::show_again(grant, Target::Call(call), &request, around, said, trouble).await;
    }
    let (claim, files, intent) = (said.claim.clone(), said.files(&around), said.intent);
    let (writer, clock, token) = (grant.clone(), around.clock.clone(), said.token.clone());
    let done = around
        .db
        .write(move |conn| {
            once(conn, (writer.user(), clock.now()), ("form", &token), |conn| {
                let id = sending::create(conn, &writer, &clock, call, (&claim, &files, intent))?;
                Ok((paths::dispute(id), told_of(intent)))
            })
        })
        .await;
    finish(grant, Target::Call(call), &request, around, (said, done)).await
}

/// POST `/disputes/{id}`: changes or sends a Draft; adds facts and files to a Pending dispute.
pub(in crate::web) async fn update(
    grant: Granted<DisputeCalls>,
    id: Path<DisputeId>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let (reader, id) = (grant.clone(), *id);
    around.db.read(move |conn| Subject::of_dispute(conn, &reader, id).map(drop)).await?;
    let said = Said::read(&request, payload, &around).await?;
    if let Some(trouble) = said.trouble(&around) {
        return outcome::show_again(grant, Target::Dispute(id), &request, around, said, trouble).await;
    }
    let (claim, files, intent) = (said.claim.clone(), said.files(&around), said.intent);
    let (writer, clock, token) = (grant.clone(), around.clock.clone(), said.token.clone());
    // In the list it was opened from, if its address carries one.
    let back = Asked::of(&request, &around.here, &around.htmx, clock.now()).back_to(id);
    let done = around
        .db
        .write(move |conn| {
            once(conn, (writer.user(), clock.now()), ("form", &token), |conn| {
                let row = disputes::find(conn, writer.scope(), id)?.ok_or(SendError::Missing)?;
                let told = if row.status == Status::Pending {
                    add_to_pending(conn, &writer, &clock, (&row, &claim), &files)?;
                    Notice::EvidenceAdded
                } else {
                    sending::update(conn, &writer, &clock, id, (&claim, &files, intent))?;
                    told_of(intent)
                };
                Ok((back.clone(), told))
            })
        })
        .await;
    finish(grant, Target::Dispute(id), &request, around, (said, done)).await
}

/// What was sent can't be changed; facts and files can come on top.
fn add_to_pending(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    (row, claim): (&DisputeRow, &Claim),
    files: &Files,
) -> Result<(), SendError> {
    let differs = |said: &str, there: &str| !said.is_empty() && said != there;
    if differs(claim.reason(), &row.reason) {
        return Err(SendError::AlreadySent("reason".to_owned()));
    }
    if differs(claim.additional_information(), &row.additional_information) {
        return Err(SendError::AlreadySent("additional_information".to_owned()));
    }
    if !claim.facts().is_empty() {
        facts::add_to_sent(conn, grant, clock, row.id, claim.facts())?;
    }
    if !files.kept.is_empty() || !files.received.is_empty() {
        evidence::add(conn, grant, clock, row.id, files)?;
    } else if claim.facts().is_empty() {
        // A Draft's form names its reason: it was sent in another tab. The form of additions was empty.
        let is_drafts = !claim.reason().is_empty();
        let nothing = Problem::new("evidence", "Choose a file, or write one of the facts");
        return Err(if is_drafts { SendError::Closed(row.status) } else { SendError::Invalid(vec![nothing]) });
    }
    Ok(())
}

/// Where a form is sent.
#[derive(Clone, Copy, Debug)]
enum Target {
    Call(CallId),
    Dispute(DisputeId),
}

/// What a form said.
#[derive(Debug)]
struct Said {
    sent: Sent,
    claim: Claim,
    intent: Intent,
    kept: Vec<crate::domain::ids::FileId>,
    /// Whether each kept file was named by an id.
    kept_is_readable: bool,
    token: FormToken,
}

impl Said {
    async fn read(request: &HttpRequest, payload: web::Payload, around: &Around) -> Result<Self, AppError> {
        let sent = upload::read(request, payload, &around.files, Limits::of(&around.config)).await?;
        if sent.is_too_large && sent.is_empty() {
            return Err(AppError::TooLarge { limit: around.config.max_evidence_bytes });
        }
        let intent = match sent.value("intent") {
            "" | "send" => Intent::Send,
            "draft" => Intent::Draft,
            _ => return Err(AppError::Unprocessable("A dispute is sent or saved as a draft.".to_owned())),
        };
        let named: Vec<&str> = sent.values("kept_evidence").filter(|id| !id.is_empty()).collect();
        let mut kept: Vec<_> = named.iter().filter_map(|id| id.parse().ok()).collect();
        let kept_is_readable = kept.len() == named.len();
        kept.sort_unstable();
        kept.dedup();
        let claim = Claim::new(sent.value("reason"), sent.value("additional_information"), sent.facts());
        let token = FormToken::new(sent.value("form_token"));
        Ok(Self { sent, claim, intent, kept, kept_is_readable, token })
    }

    /// What was typed, with the files kept so far.
    fn typed(&self, kept: Vec<crate::domain::ids::FileId>) -> Typed {
        Typed {
            reason: self.claim.reason().to_owned(),
            additional_information: self.sent.value("additional_information").replace("\r\n", "\n"),
            facts: self.sent.facts().collect(),
            kept,
            problems: Vec::new(),
        }
    }

    fn files(&self, around: &Around) -> Files {
        let limit = u32::from(around.config.max_evidence_files);
        Files { received: self.sent.files.clone(), kept: self.kept.clone(), limit }
    }

    /// What must be mended before anything is tried: a file that was refused.
    fn trouble(&self, around: &Around) -> Option<Trouble> {
        let refused = |file: &upload::Refused| Problem::new("evidence", file.sentence.clone());
        let mut problems: Vec<Problem> = self.sent.refused.iter().map(refused).collect();
        if self.sent.has_too_many {
            problems.push(outcome::too_many(u32::from(around.config.max_evidence_files)));
        }
        if !self.kept_is_readable {
            problems.push(outcome::kept_file_gone());
        }
        if self.sent.is_too_large && problems.is_empty() {
            problems.push(Problem::new("evidence", "More was sent than is taken at once; some files were not kept"));
        }
        (!problems.is_empty()).then_some(Trouble { problems, is_too_large: self.sent.is_too_large, is_conflict: false })
    }
}

/// What a refused write on a dispute is answered with, where there is no form to show again.
pub(in crate::web) fn refusal(error: SendError, id: DisputeId) -> AppError {
    outcome::failure(error, Target::Dispute(id))
}

fn told_of(intent: Intent) -> Notice {
    match intent {
        Intent::Send => Notice::Sent,
        Intent::Draft => Notice::DraftSaved,
    }
}

/// Answers: on to the dispute, or the form again.
async fn finish(
    grant: Granted<DisputeCalls>,
    target: Target,
    request: &HttpRequest,
    around: Around,
    (said, done): (Said, Result<Done, SendError>),
) -> Result<HttpResponse, AppError> {
    let done = match done {
        Ok(done) => done,
        Err(error) => return outcome::refuse(grant, target, request, around, (said, error)).await,
    };
    if done.is_replayed {
        upload::discard(&around.files, said.sent.files).await;
    }
    Ok(match done.notice {
        Some(notice) => notice.redirect(request, done.location),
        None => see_other(done.location),
    })
}
