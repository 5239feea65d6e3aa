//! `/settings/webhooks`: which programs are told of disputes, and what they were sent.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use serde::Deserialize;

use super::Tab;
use super::fields::Fields;
use crate::auth::{Granted, ManageSettings};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::names::{self, BuyerChoices};
use crate::db::outbox::Topic;
use crate::db::webhooks::{self, AttemptRow, Change, EndpointRow, Logged, Wanted, WebhookError};
use crate::db::{AnyConnection, Db, DbError, buyers};
use crate::domain::Instant;
use crate::domain::ids::{DeliveryId, DisputeId, EndpointId, EventId};
use crate::web::chrome::{self, Here};
use crate::web::filters::When;
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::list_query::Params;
use crate::web::notice::Notice;
use crate::web::once::{FormToken, made_once};
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::{AppError, Path, paths};
use crate::webhooks::read_url;

/// Lines of the log on a page.
const LOGGED: i64 = 25;

/// The list, with the form of another one below.
#[derive(Template)]
#[template(path = "pages/settings/webhooks.html")]
pub(in crate::web) struct WebhooksPage {
    chrome: Chrome,
    tab: Tab,
    form: FormState,
    topics: Vec<Choice>,
    buyers: BuyerChoices,
    lines: Vec<Line>,
}

/// One receiver with its log.
#[derive(Template)]
#[template(path = "pages/settings/webhook.html")]
pub(in crate::web) struct WebhookPage {
    chrome: Chrome,
    tab: Tab,
    form: FormState,
    topics: Vec<Choice>,
    line: Line,
    /// Until when the earlier secret signs too.
    old_secret_until: Option<When>,
    /// Shown this once.
    secret: Option<String>,
    log: Vec<Entry>,
    next: String,
}

impl Fragments for WebhooksPage {}
impl Fragments for WebhookPage {}

/// A receiver in words.
struct Line {
    id: EndpointId,
    url: String,
    /// Whose disputes it is told of; `None`: everybody's.
    buyer: Option<String>,
    topics: Vec<Topic>,
    is_active: bool,
    off_reason: String,
    failing_since: Option<When>,
}

impl Line {
    fn new(row: &EndpointRow, buyer: Option<String>, when: impl Fn(Instant) -> When) -> Self {
        Self {
            id: row.id,
            url: row.url.clone(),
            buyer,
            topics: row.topics(),
            is_active: row.is_active,
            off_reason: row.off_reason.clone(),
            failing_since: row.failing_since.filter(|_| row.is_active).map(when),
        }
    }
}

/// A topic that can be ticked.
struct Choice {
    topic: Topic,
    is_ticked: bool,
}

fn choices(ticked: &[Topic]) -> Vec<Choice> {
    Topic::chosen().map(|topic| Choice { topic, is_ticked: ticked.contains(&topic) }).collect()
}

/// A line of the log.
struct Entry {
    delivery: DeliveryId,
    event: EventId,
    topic: Topic,
    dispute: Option<DisputeId>,
    created: When,
    is_delivered: bool,
    next: Option<When>,
    body: String,
    attempts: Vec<Attempt>,
}

struct Attempt {
    row: AttemptRow,
    at: When,
    /// The headers that were sent, beside those every request has.
    headers: String,
}

impl Attempt {
    fn new(row: AttemptRow, event: EventId, at: When) -> Self {
        let timestamp = row.at.and_utc().timestamp();
        let headers =
            format!("webhook-id: {event}\nwebhook-timestamp: {timestamp}\nwebhook-signature: {}", row.signature);
        Self { row, at, headers }
    }
}

impl Entry {
    fn new(logged: Logged, when: impl Fn(Instant) -> When) -> Self {
        let event = logged.event.id;
        let attempt = |row: AttemptRow| {
            let at = when(row.at);
            Attempt::new(row, event, at)
        };
        Self {
            delivery: logged.delivery.id,
            event,
            topic: logged.event.topic,
            dispute: logged.delivery.dispute_id,
            created: when(logged.event.created_at),
            is_delivered: logged.delivery.is_delivered,
            next: logged.delivery.next_at.map(&when),
            body: logged.event.body(),
            attempts: logged.attempts.into_iter().map(attempt).collect(),
        }
    }
}

fn load_all(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    (form, ticked): (FormState, &[Topic]),
    (here, now): (&Here, Instant),
) -> Result<WebhooksPage, AppError> {
    let zone = grant.viewer().profile().zone;
    let rows = webhooks::list(conn, grant)?;
    Ok(WebhooksPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Settings, here)?,
        tab: Tab::Webhooks,
        form,
        topics: choices(ticked),
        buyers: names::buyer_choices(conn, None)?,
        lines: rows.into_iter().map(|(row, buyer)| Line::new(&row, buyer, |at| When::new(at, zone, now))).collect(),
    })
}

/// What is shown beside what is stored.
#[derive(Default)]
struct Shown {
    secret: Option<String>,
    typed: Option<(FormState, Vec<Topic>)>,
    before: Option<EventId>,
}

fn load_one(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: EndpointId,
    shown: Shown,
    (here, now): (&Here, Instant),
) -> Result<WebhookPage, AppError> {
    let row = webhooks::find(conn, grant, id)?.ok_or(AppError::NotFound)?;
    let zone = grant.viewer().profile().zone;
    let when = |at| When::new(at, zone, now);
    let buyer = match row.buyer_id {
        Some(buyer) => buyers::find(conn, buyer)?.map(|buyer| buyer.name),
        None => None,
    };
    let mut log = webhooks::log(conn, grant, id, (shown.before, LOGGED.saturating_add(1)))?;
    let has_more = log.len() > usize::try_from(LOGGED).unwrap_or(usize::MAX);
    log.truncate(usize::try_from(LOGGED).unwrap_or(usize::MAX));
    let next = log.last().filter(|_| has_more).map(|last| format!("{}?before={}", paths::webhook(id), last.event.id));
    let (form, ticked) = shown.typed.unwrap_or_else(|| (FormState::new().with("url", &row.url), row.topics()));
    Ok(WebhookPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Settings, here)?,
        tab: Tab::Webhooks,
        form,
        topics: choices(&ticked),
        line: Line::new(&row, buyer, when),
        old_secret_until: row.old_secret_until.filter(|until| *until > now).map(when),
        secret: shown.secret,
        log: log.into_iter().map(|logged| Entry::new(logged, when)).collect(),
        next: next.unwrap_or_default(),
    })
}

/// Reads address and topics, with what was typed and what is wrong with it.
fn read(fields: &Fields, config: &Config) -> (Wanted, FormState) {
    let mut state = fields.keep(&["url", "buyer"]);
    let url = match read_url(fields.text("url"), config.webhook_private_addresses) {
        Ok(url) => url.to_string(),
        Err(problem) => {
            state.refuse("url", problem.to_string());
            String::new()
        }
    };
    let ticked: Vec<&str> = fields.all("topic").collect();
    let topics: Vec<Topic> = Topic::chosen().filter(|topic| ticked.contains(&topic.code())).collect();
    if topics.is_empty() {
        state.refuse("topic", "Tick at least one event");
    }
    (Wanted { url, topics }, state)
}

/// GET `/settings/webhooks`.
pub(in crate::web) async fn index(
    grant: Granted<ManageSettings>,
    (here, htmx): (Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<WebhooksPage>, AppError> {
    let now = clock.now();
    let all: Vec<Topic> = Topic::chosen().collect();
    let page = db.read(move |conn| load_all(conn, &grant, (FormState::new(), &all), (&here, now))).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/webhooks`: adds one, and shows its secret this once.
pub(in crate::web) async fn create(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock, config): (Data<Db>, Data<Clock>, Data<Config>),
) -> Result<HttpResponse, AppError> {
    let (fields, now) = (Fields::new(form.into_inner()), clock.now());
    let (wanted, mut state) = read(&fields, &config);
    let name = fields.text("buyer").trim().to_owned();
    let (granted, new, token) = (grant.clone(), wanted.clone(), FormToken::new(fields.text("form_token")));
    let is_readable = state.is_clean();
    let added = db
        .write(move |conn| {
            let buyer = if name.is_empty() { None } else { Some(buyers::find_by_name(conn, &name)?) };
            match buyer {
                Some(None) => Ok(Err(format!("There is no buyer of the name {name}"))),
                _ if !is_readable => Ok(Err(String::new())),
                buyer => {
                    let of = buyer.flatten().map(|row| row.id);
                    let make = |conn: &mut _| webhooks::add(conn, &granted, (of, &new), now);
                    let renew = |conn: &mut _, id| match webhooks::change(conn, &granted, id, &Change::Rotate, now)? {
                        Some(Some(secret)) => Ok((id, secret)),
                        _ => make(conn),
                    };
                    made_once(conn, (granted.user(), now), ("webhook", &token), make, renew).map(Ok)
                }
            }
        })
        .await;
    match added {
        Ok(Ok((id, secret))) => {
            let here = Here::from(paths::webhook(id).as_str());
            let shown = Shown { secret: Some(secret), ..Shown::default() };
            let page = db.read(move |conn| load_one(conn, &grant, id, shown, (&here, now))).await?;
            return Ok(Page::new(htmx, page).with_url(paths::webhook(id)).respond_to(&request));
        }
        Ok(Err(problem)) if problem.is_empty() => {}
        Ok(Err(problem)) => state.refuse("buyer", problem),
        Err(WebhookError::Database(error)) => return Err(error.into()),
        Err(refused) => state.refuse_form(refused.to_string()),
    }
    let here = Here::from(paths::webhooks().as_str());
    let page = db.read(move |conn| load_all(conn, &grant, (state, &wanted.topics), (&here, now))).await?;
    Ok(Page::new(htmx, page).unprocessable().respond_to(&request))
}

/// GET `/settings/webhooks/{id}`.
pub(in crate::web) async fn show(
    grant: Granted<ManageSettings>,
    id: Path<EndpointId>,
    request: HttpRequest,
    (here, htmx): (Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<WebhookPage>, AppError> {
    let (id, now) = (*id, clock.now());
    let before = Params::parse(request.query_string()).parsed("before", "an id")?;
    let shown = Shown { before, ..Shown::default() };
    let page = db.read(move |conn| load_one(conn, &grant, id, shown, (&here, now))).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/webhooks/{id}`: another address or other events.
pub(in crate::web) async fn update(
    grant: Granted<ManageSettings>,
    id: Path<EndpointId>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock, config): (Data<Db>, Data<Clock>, Data<Config>),
) -> Result<HttpResponse, AppError> {
    let (fields, id, now) = (Fields::new(form.into_inner()), *id, clock.now());
    let (wanted, state) = read(&fields, &config);
    if state.is_clean() {
        change(&db, &grant, id, Change::Become(wanted), now).await?;
        return Ok(Notice::WebhookSaved.redirect(&request, paths::webhook(id)));
    }
    let here = Here::from(paths::webhook(id).as_str());
    let shown = Shown { typed: Some((state, wanted.topics)), ..Shown::default() };
    let page = db.read(move |conn| load_one(conn, &grant, id, shown, (&here, now))).await?;
    Ok(Page::new(htmx, page).unprocessable().respond_to(&request))
}

/// What is done with a receiver.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Rotate,
    SwitchOn,
    SwitchOff,
    Test,
    Remove,
}

/// The button that was pressed.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::web) struct ActionForm {
    action: Action,
}

/// POST `/settings/webhooks/{id}/action`.
pub(in crate::web) async fn act(
    grant: Granted<ManageSettings>,
    id: Path<EndpointId>,
    request: HttpRequest,
    form: Checked<ActionForm>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now) = (*id, clock.now());
    let (wanted, notice) = match form.into_inner().action {
        Action::Rotate => (Change::Rotate, Notice::WebhookSaved),
        Action::SwitchOn => (Change::SwitchOn, Notice::WebhookOn),
        Action::SwitchOff => (Change::SwitchOff, Notice::WebhookOff),
        Action::Test => (Change::Test, Notice::WebhookTested),
        Action::Remove => (Change::Remove, Notice::WebhookRemoved),
    };
    let is_gone = wanted == Change::Remove;
    let Some(secret) = change(&db, &grant, id, wanted, now).await? else {
        let to = if is_gone { paths::webhooks() } else { paths::webhook(id) };
        return Ok(notice.redirect(&request, to));
    };
    let here = Here::from(paths::webhook(id).as_str());
    let shown = Shown { secret: Some(secret), ..Shown::default() };
    let page = db.read(move |conn| load_one(conn, &grant, id, shown, (&here, now))).await?;
    Ok(Page::new(htmx, page).with_url(paths::webhook(id)).respond_to(&request))
}

async fn change(
    db: &Db,
    grant: &Granted<ManageSettings>,
    id: EndpointId,
    wanted: Change,
    now: Instant,
) -> Result<Option<String>, AppError> {
    let grant = grant.clone();
    let changed = db.write(move |conn| Ok::<_, DbError>(webhooks::change(conn, &grant, id, &wanted, now)?)).await?;
    changed.ok_or(AppError::NotFound)
}

/// POST `/settings/webhooks/{id}/deliveries/{delivery}`: sends an event again.
pub(in crate::web) async fn resend(
    grant: Granted<ManageSettings>,
    ids: Path<(EndpointId, DeliveryId)>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (ids, now) = (*ids, clock.now());
    let is_due = db.write(move |conn| Ok::<_, DbError>(webhooks::resend(conn, &grant, ids, now)?)).await?;
    if !is_due {
        return Err(AppError::NotFound);
    }
    Ok(Notice::WebhookResent.redirect(&request, paths::webhook(ids.0)))
}
