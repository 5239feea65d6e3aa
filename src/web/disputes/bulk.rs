//! Many disputes at once: POST `/selections`, its confirmation, POST `/decisions`, and what came of it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::state;
use crate::auth::{DisputeViewer, EditDisputes, Granted};
use crate::bulk;
use crate::clock::Clock;
use crate::db::bulk_jobs::{self, JobRow, Plan, StartError, State};
use crate::db::{AnyConnection, Db, dispute_list, names};
use crate::domain::claim::clean_text;
use crate::domain::decision::Verdict;
use crate::domain::fact::MAX_TEXT;
use crate::domain::ids::{BulkJobId, DisputeId};
use crate::domain::money;
use crate::shutdown::Shutdown;
use crate::web::chrome::{self, Here};
use crate::web::filters::{Money, Number, Phone};
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::list_query::Params;
use crate::web::page::{Chrome, Fragments, NavItem, Page, see_other};
use crate::web::{AppError, Path, paths};

/// The most disputes of each kind that a result lists.
const LISTED: i64 = 1_000;

/// The fields of a form, by name; names may repeat.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }

    fn disputes(&self) -> Result<Vec<DisputeId>, AppError> {
        let named = self.0.iter().filter(|(name, _)| name == "dispute").map(|(_, id)| id.parse());
        named.collect::<Result<_, _>>().or(Err(AppError::NotFound))
    }
}

/// What was asked to be done, as typed, and as a plan where it can be read.
fn read_plan(verdict: &str, percent: &str, note: &str) -> (FormState, Option<Plan>) {
    let mut form = FormState::new().with("verdict", verdict).with("credit_percent", percent).with("note", note);
    let verdict = Verdict::from_code(verdict.trim());
    if verdict.is_none() {
        form.refuse("verdict", "Choose Accept, Accept Partial or Reject");
    }
    let text = percent.trim().trim_end_matches('%').trim_end();
    let is_partial = verdict == Some(Verdict::AcceptedPartial);
    // Hundredths of a percent are read as cents are.
    let hundredths = money::Money::parse(text, money::Currency::USD).ok().flatten().map(|read| read.minor);
    let credit_percent = hundredths.filter(|hundredths| is_partial && (1..=9_999).contains(hundredths));
    if is_partial && credit_percent.is_none() {
        form.refuse("credit_percent", "Enter a percentage from 0.01 to 99.99");
    }
    let note = clean_text(note);
    if note.chars().count() > MAX_TEXT {
        form.refuse("note", "A note has at most 5,000 characters");
    }
    let plan = verdict.filter(|_| form.is_clean()).map(|verdict| Plan { verdict, credit_percent, note });
    (form, plan)
}

/// POST `/selections`: keeps ids and versions, and asks for the one confirmation.
pub(in crate::web) async fn select(
    (grant, viewer): (Granted<EditDisputes>, DisputeViewer),
    form: Checked<Vec<(String, String)>>,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let fields = Fields(form.into_inner());
    let now = clock.now();
    let verdict = Verdict::from_code(fields.text("verdict"));
    let id = db
        .write(move |conn| {
            let matching = fields.has("matching").then(|| fields.text("matching").trim_start_matches('?'));
            let query = matching.unwrap_or_else(|| fields.text("list").trim_start_matches('?'));
            let rows = match matching {
                Some(query) => {
                    let list = state::ListState::read(&Params::parse(query), viewer.viewer(), None, now)?;
                    dispute_list::all_matching(conn, viewer.scope(), &list.filter)?
                }
                None => bulk_jobs::versions(conn, &grant, &fields.disputes()?)?,
            };
            if rows.is_empty() {
                return Err(AppError::Unprocessable("Nothing is selected: tick the disputes to decide.".to_owned()));
            }
            let list = state::carried(query, viewer.viewer(), now).map(|list| list.query()).unwrap_or_default();
            Ok(bulk_jobs::select(conn, &grant, &rows, &list, now)?)
        })
        .await?;
    let verdict = verdict.map(|verdict| format!("?verdict={}", verdict.code())).unwrap_or_default();
    Ok(see_other(format!("{}{verdict}", paths::selection(id))))
}

#[derive(Template)]
#[template(path = "pages/bulk/selection.html", blocks = ["content"])]
pub(in crate::web) struct SelectionPage {
    chrome: Chrome,
    id: BulkJobId,
    total: Number,
    form: FormState,
    /// Whether the figures below are those of what is chosen.
    is_planned: bool,
    verdict: Option<Verdict>,
    totals: Vec<Sum>,
    will_decide: Number,
    skipped: i64,
    back: String,
}

/// The totals of one currency.
struct Sum {
    count: Number,
    payout: Money,
    credit: Money,
    clawback: Money,
}

impl Fragments for SelectionPage {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "main").then(|| self.as_content().render())
    }
}

impl SelectionPage {
    /// What the button says: the verb and the number it acts on.
    fn act(&self) -> String {
        let verb = match self.verdict {
            Some(Verdict::Accepted) => "Accept",
            Some(Verdict::AcceptedPartial) => "Accept Partial",
            Some(Verdict::Rejected) => "Reject",
            None => "Decide",
        };
        format!("{verb} {}", self.will_decide)
    }

    fn is(&self, verdict: &str) -> bool {
        self.form.is("verdict", verdict)
    }

    fn load(
        conn: &mut AnyConnection,
        grant: &Granted<EditDisputes>,
        here: &Here,
        id: BulkJobId,
        (form, plan): (FormState, Option<Plan>),
    ) -> Result<Self, AppError> {
        let job = bulk_jobs::find(conn, grant, id)?.ok_or(AppError::NotFound)?;
        let (totals, skipped) = bulk_jobs::totals(conn, grant, id, plan.as_ref())?;
        let count = |number: i64| Number(number.unsigned_abs());
        Ok(Self {
            chrome: chrome::load(conn, grant.viewer(), NavItem::Disputes, here)?,
            id,
            total: count(job.total),
            is_planned: plan.is_some(),
            verdict: plan.map(|plan| plan.verdict),
            will_decide: count(totals.iter().map(|sum| sum.count).sum()),
            totals: totals
                .into_iter()
                .map(|sum| Sum {
                    count: count(sum.count),
                    payout: Money::new(sum.payout, &sum.currency),
                    credit: Money::new(sum.credit, &sum.currency),
                    clawback: Money::new(sum.clawback, &sum.currency),
                })
                .collect(),
            skipped,
            back: back(&job),
            form,
        })
    }
}

fn back(job: &JobRow) -> String {
    format!("{}{}", paths::disputes(), job.list_query)
}

/// GET `/selections/{id}`: what would be done, before it is done.
pub(in crate::web) async fn confirm(
    grant: Granted<EditDisputes>,
    id: Path<BulkJobId>,
    request: HttpRequest,
    (here, htmx): (Here, Htmx),
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let params = Params::parse(request.query_string());
    let text = |name: &str| params.text(name).unwrap_or_default().to_owned();
    let (verdict, percent, note) = (text("verdict"), text("credit_percent"), text("note"));
    let id = *id;
    let page = db
        .read(move |conn| {
            let job = bulk_jobs::find(conn, &grant, id)?.ok_or(AppError::NotFound)?;
            if job.state != State::Selected {
                return Ok(None);
            }
            let (mut form, plan) = read_plan(&verdict, &percent, &note);
            if percent.is_empty() {
                // Nothing was entered yet, so nothing is wrong yet.
                form = FormState::new().with("verdict", &verdict).with("note", &note);
            }
            SelectionPage::load(conn, &grant, &here, id, (form, plan)).map(Some)
        })
        .await?;
    Ok(match page {
        Some(page) => Page::new(htmx, page).respond_to(&request),
        None => see_other(paths::bulk_decision(id)),
    })
}

/// POST `/decisions`: begins the work, or goes on with what stopped; a small one is done at once.
pub(in crate::web) async fn decide(
    grant: Granted<EditDisputes>,
    form: Checked<Vec<(String, String)>>,
    request: HttpRequest,
    (here, htmx): (Here, Htmx),
    (db, clock, shutdown): (Data<Db>, Data<Clock>, Data<Shutdown>),
) -> Result<HttpResponse, AppError> {
    let fields = Fields(form.into_inner());
    let (state, plan) = read_plan(fields.text("verdict"), fields.text("credit_percent"), fields.text("note"));
    let selection = match fields.text("selection") {
        "" => None,
        id => Some(id.parse::<BulkJobId>().or(Err(AppError::NotFound))?),
    };
    let Some(plan) = plan else {
        let Some(id) = selection else {
            let said = state.problems().iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join(". ");
            return Err(AppError::Unprocessable(said));
        };
        // A note that is too long spoils no figures.
        let planned = read_plan(state.value("verdict"), state.value("credit_percent"), "").1;
        let page = db.read(move |conn| SelectionPage::load(conn, &grant, &here, id, (state, planned))).await?;
        return Ok(Page::new(htmx, page).unprocessable().respond_to(&request));
    };
    let now = clock.now();
    let job = db
        .write(move |conn| {
            let id = if let Some(id) = selection {
                id
            } else {
                let rows = bulk_jobs::versions(conn, &grant, &fields.disputes().or(Err(StartError::Missing))?)?;
                bulk_jobs::select(conn, &grant, &rows, "", now)?
            };
            bulk_jobs::start(conn, &grant, id, &plan, now)
        })
        .await
        .map_err(|error| match error {
            StartError::Missing => AppError::NotFound,
            StartError::Expired => AppError::Gone(
                "This selection is older than an hour. Select the disputes again: what they are may have changed."
                    .to_owned(),
            ),
            StartError::Database(error) => error.into(),
        })?;
    if job.state == State::Running {
        let work = bulk::Work { db: db.as_ref().clone(), clock: clock.as_ref().clone(), job: job.id };
        let is_small = job.total <= bulk_jobs::BATCH;
        // What could not be done at once is begun all the same: it goes on beside this request.
        if !is_small || work.batch().await.is_err() {
            actix_web::rt::spawn(work.run(shutdown.as_ref().clone()));
        }
    }
    Ok(see_other(paths::bulk_decision(job.id)))
}

#[derive(Template)]
#[template(path = "pages/bulk/result.html", blocks = ["result"])]
pub(in crate::web) struct ResultPage {
    chrome: Chrome,
    id: BulkJobId,
    verdict: &'static str,
    note: String,
    is_done: bool,
    /// Why it stopped, and what begins it again.
    stopped: Option<Stopped>,
    total: i64,
    worked: i64,
    decided: Number,
    skipped: Number,
    decided_lines: Vec<Line>,
    skipped_lines: Vec<Line>,
    back: String,
}

/// Work that broke off: the reason, and the form that goes on with it, which says again what was chosen.
struct Stopped {
    trouble: String,
    verdict: &'static str,
    credit_percent: String,
}

/// A dispute of the result.
struct Line {
    id: DisputeId,
    caller_id: String,
    buyer: String,
    payout: Option<Money>,
    credit: Option<Money>,
    clawback: Option<Money>,
    why: String,
}

impl Line {
    fn caller(&self) -> Phone<'_> {
        Phone(&self.caller_id)
    }
}

impl Fragments for ResultPage {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "bulk-result").then(|| self.as_result().render())
    }
}

/// GET `/decisions/{id}`: how far it is, what was decided, and what was skipped and why.
pub(in crate::web) async fn result(
    grant: Granted<EditDisputes>,
    id: Path<BulkJobId>,
    request: HttpRequest,
    (here, htmx): (Here, Htmx),
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let id = *id;
    let page = db
        .read(move |conn| {
            let job = bulk_jobs::find(conn, &grant, id)?.ok_or(AppError::NotFound)?;
            let Some(verdict) = job.verdict else { return Ok(None) };
            let is_done = job.state == State::Done;
            // While the work goes on the progress is enough: lists come when they are whole.
            let decided_lines = if is_done { lines(conn, id, true)? } else { Vec::new() };
            let skipped_lines = if is_done { lines(conn, id, false)? } else { Vec::new() };
            let skipped = job.next_position.saturating_sub(job.decided);
            let stopped = (job.state == State::Stopped).then(|| Stopped {
                trouble: job.trouble.clone(),
                verdict: verdict.code(),
                credit_percent: job.credit_percent.map(as_percent).unwrap_or_default(),
            });
            Ok::<_, AppError>(Some(ResultPage {
                chrome: chrome::load(conn, grant.viewer(), NavItem::Disputes, &here)?,
                id,
                verdict: verdict.label(),
                back: back(&job),
                note: job.note,
                is_done,
                stopped,
                total: job.total,
                worked: job.next_position,
                decided: Number(job.decided.unsigned_abs()),
                skipped: Number(skipped.unsigned_abs()),
                decided_lines,
                skipped_lines,
            }))
        })
        .await?;
    Ok(match page {
        Some(page) => Page::new(htmx, page).respond_to(&request),
        None => see_other(paths::selection(id)),
    })
}

/// Hundredths of a percent as they are typed.
fn as_percent(hundredths: i64) -> String {
    money::Money::new(hundredths, money::Currency::USD).plain().to_string()
}

fn lines(conn: &mut AnyConnection, id: BulkJobId, is_decided: bool) -> Result<Vec<Line>, AppError> {
    let rows = bulk_jobs::items(conn, id, is_decided, LISTED)?;
    let mut ids: Vec<_> = rows.iter().map(|row| row.buyer_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let buyers = names::of_buyers(conn, &ids)?;
    let line = |row: bulk_jobs::ItemRow| {
        let money = |minor: Option<i64>| minor.map(|minor| Money::new(minor, &row.currency));
        let why = match row.outcome {
            bulk_jobs::Outcome::NotPending => format!("It is {} already", row.status.label()),
            other => other.label().to_owned(),
        };
        Line {
            id: row.dispute,
            buyer: buyers.get(&row.buyer_id).cloned().unwrap_or_default(),
            payout: money(row.payout),
            credit: money(row.credit),
            clawback: money(row.clawback),
            caller_id: row.caller_id,
            why,
        }
    };
    Ok(rows.into_iter().map(line).collect())
}
