//! `/settings/buyers`: who pays for calls, for how long they can dispute them, and by which names sources call them.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::fields::{Fields, tags};
use super::{Tab, failed};
use crate::auth::{Granted, ManageSettings};
use crate::clock::Clock;
use crate::db::administration::{self, Edited, SettingsError};
use crate::db::aliases::Alias;
use crate::db::buyer_settings::{self, BuyerLine};
use crate::db::buyers::{self, BuyerError};
use crate::db::paging::Place;
use crate::db::{AnyConnection, Db, policy};
use crate::domain::ids::{BuyerId, UserId};
use crate::import::preset::PRESETS;
use crate::web::chrome::{self, Here};
use crate::web::filters::Number;
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::list_query::{Link, PER_PAGE, Params};
use crate::web::notice::Notice;
use crate::web::once::{FormToken, once};
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::{AppError, Path, paths};

/// The most users of one buyer that stand beside the list; the list of users has all.
const USERS_SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "pages/settings/buyers.html")]
pub(in crate::web) struct BuyersPage {
    chrome: Chrome,
    tab: Tab,
    q: String,
    lines: Vec<Line>,
    total: Number,
    previous: String,
    next: String,
    back: String,
    default_window: i32,
    aside: Option<Aside>,
}

/// A buyer in the list.
struct Line {
    href: String,
    is_chosen: bool,
    buyer: BuyerLine,
}

/// A new buyer, or one of those there are.
struct Aside {
    form: FormState,
    alias_form: FormState,
    buyer: Option<Shown>,
    sources: Vec<&'static str>,
}

/// A buyer beside the list.
struct Shown {
    id: BuyerId,
    /// Name and window as they are now, so that somebody else's change isn't undone unseen.
    name: String,
    window_days: String,
    aliases: Vec<Alias>,
    users: Vec<UserLine>,
    has_more_users: bool,
}

struct UserLine {
    id: UserId,
    name: String,
    tags: Vec<&'static str>,
    is_disabled: bool,
}

impl Fragments for BuyersPage {}

impl BuyersPage {
    fn has_problem(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| !aside.form.is_clean() || !aside.alias_form.is_clean())
    }
}

/// What the address says.
struct Listing {
    search: Option<String>,
    place: Place<BuyerId>,
}

impl Listing {
    fn read(query: &str) -> Result<Self, AppError> {
        let params = Params::parse(query);
        let place = match (params.parsed("after", "an id")?, params.parsed("before", "an id")?) {
            (Some(id), _) => Place::After(id),
            (None, Some(id)) => Place::Before(id),
            (None, None) => Place::First,
        };
        Ok(Self { search: params.short_text("q")?, place })
    }

    fn link(&self) -> Link {
        Link::to("/settings/buyers").with_some("q", self.search.as_ref())
    }

    fn here(&self) -> Link {
        match self.place {
            Place::First => self.link(),
            Place::After(id) => self.link().with("after", id),
            Place::Before(id) => self.link().with("before", id),
        }
    }
}

/// What stands beside the list.
enum Beside {
    Nothing,
    New(FormState),
    One { id: BuyerId, form: Option<FormState>, alias_form: FormState },
}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    listing: &Listing,
    beside: Beside,
    here: &Here,
) -> Result<BuyersPage, AppError> {
    let search = listing.search.as_deref();
    let listed = buyer_settings::list(conn, grant, search, (listing.place, PER_PAGE))?;
    let total = buyer_settings::count(conn, grant, search)?;
    let chosen = if let Beside::One { id, .. } = &beside { Some(*id) } else { None };
    let page_link = |name: &'static str, row: Option<&BuyerLine>, there: bool| {
        row.filter(|_| there).map(|line| listing.link().with(name, line.row.id).to_string()).unwrap_or_default()
    };
    let (previous, next) = (
        page_link("before", listed.rows.first(), listed.has_earlier),
        page_link("after", listed.rows.last(), listed.has_later),
    );
    let here_link = listing.here().to_string();
    let query = here_link.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let line = |buyer: BuyerLine| Line {
        href: format!("{}{query}", paths::buyer(buyer.row.id)),
        is_chosen: chosen == Some(buyer.row.id),
        buyer,
    };
    Ok(BuyersPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Settings, here)?,
        tab: Tab::Buyers,
        q: listing.search.clone().unwrap_or_default(),
        previous,
        next,
        lines: listed.rows.into_iter().map(line).collect(),
        total: Number(total.unsigned_abs()),
        back: here_link,
        default_window: policy::load(conn)?.dispute_window_days,
        aside: aside(conn, grant, beside)?,
    })
}

fn aside(conn: &mut AnyConnection, grant: &Granted<ManageSettings>, beside: Beside) -> Result<Option<Aside>, AppError> {
    let sources = PRESETS.iter().map(|preset| preset.name).collect();
    match beside {
        Beside::Nothing => Ok(None),
        Beside::New(form) => Ok(Some(Aside { form, alias_form: FormState::new(), buyer: None, sources })),
        Beside::One { id, form, alias_form } => {
            let row = buyers::find(conn, id)?.ok_or(AppError::NotFound)?;
            let mut users = administration::users_of(conn, grant, id, USERS_SHOWN.saturating_add(1))?;
            let shown = usize::try_from(USERS_SHOWN).unwrap_or(usize::MAX);
            let has_more_users = users.len() > shown;
            users.truncate(shown);
            let days = row.dispute_window_days.map(|days| days.to_string()).unwrap_or_default();
            let form = form.unwrap_or_else(|| FormState::new().with("name", &row.name).with("window_days", &days));
            let user = |line: administration::UserLine| UserLine {
                id: line.id,
                tags: tags(line.permissions),
                is_disabled: line.is_disabled,
                name: line.name,
            };
            let buyer = Shown {
                id,
                name: row.name,
                window_days: days,
                aliases: buyer_settings::aliases_of(conn, grant, id)?,
                users: users.into_iter().map(user).collect(),
                has_more_users,
            };
            Ok(Some(Aside { form, alias_form, buyer: Some(buyer), sources }))
        }
    }
}

/// GET `/settings/buyers`.
pub(in crate::web) async fn index(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
) -> Result<Page<BuyersPage>, AppError> {
    let listing = Listing::read(request.query_string())?;
    let page = db.read(move |conn| load(conn, &grant, &listing, Beside::Nothing, &here)).await?;
    Ok(Page::new(htmx, page))
}

/// GET `/settings/buyers/new`.
pub(in crate::web) async fn new(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
) -> Result<Page<BuyersPage>, AppError> {
    let listing = Listing::read(request.query_string())?;
    let page = db.read(move |conn| load(conn, &grant, &listing, Beside::New(FormState::new()), &here)).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/buyers` `{name, window_days}`.
pub(in crate::web) async fn create(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (listing, now) = (Listing::read(request.query_string())?, clock.now());
    let fields = Fields::new(form.into_inner());
    let mut state = fields.keep(&["name", "window_days"]);
    let window = read_window(&fields, &mut state);
    if state.is_clean() {
        let (granted, name) = (grant.clone(), fields.text("name").to_owned());
        let token = FormToken::new(fields.text("form_token"));
        let added = db
            .write(move |conn| {
                once(conn, (granted.user(), now), ("buyer", &token), |conn| {
                    let id = buyer_settings::add(conn, &granted, (&name, window), now)?;
                    Ok::<_, SettingsError>((paths::buyer(id), Notice::BuyerAdded))
                })
            })
            .await;
        match added {
            Ok(done) => return Ok(Notice::BuyerAdded.redirect(&request, done.location)),
            Err(SettingsError::Buyer(refused)) => refuse(&mut state, &refused),
            Err(other) => return Err(failed(other)),
        }
    }
    let here = Here::from("/settings/buyers/new");
    let page = db.read(move |conn| load(conn, &grant, &listing, Beside::New(state), &here)).await?;
    Ok(Page::new(htmx, page).unprocessable().respond_to(&request))
}

/// GET `/settings/buyers/{id}`.
pub(in crate::web) async fn show(
    grant: Granted<ManageSettings>,
    id: Path<BuyerId>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
) -> Result<Page<BuyersPage>, AppError> {
    let listing = Listing::read(request.query_string())?;
    let beside = Beside::One { id: id.into_inner(), form: None, alias_form: FormState::new() };
    let page = db.read(move |conn| load(conn, &grant, &listing, beside, &here)).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/buyers/{id}` `{name, window_days}`.
pub(in crate::web) async fn update(
    grant: Granted<ManageSettings>,
    id: Path<BuyerId>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (listing, now, id) = (Listing::read(request.query_string())?, clock.now(), id.into_inner());
    let (fields, mut is_conflict) = (Fields::new(form.into_inner()), false);
    let mut state = fields.keep(&["name", "window_days"]);
    let window = read_window(&fields, &mut state);
    if state.is_clean() {
        let (granted, name) = (grant.clone(), fields.edited("name", "seen_name", ""));
        let seen = fields.find("seen_window_days").map(|text| text.parse().ok());
        let window = Edited { seen, sent: window };
        match db.write(move |conn| buyer_settings::change(conn, &granted, id, (&name, &window), now)).await {
            Ok(()) => return Ok(Notice::BuyerSaved.redirect(&request, paths::buyer(id))),
            Err(SettingsError::Buyer(refused)) => refuse(&mut state, &refused),
            Err(SettingsError::Changed) => {
                is_conflict = true;
                state.refuse_form(
                    "Somebody else changed this buyer meanwhile: look at the list. What you typed is still here, and \
                     saved if you save again.",
                );
            }
            Err(other) => return Err(failed(other)),
        }
    }
    let beside = Beside::One { id, form: Some(state), alias_form: FormState::new() };
    let here = Here::from(paths::buyer(id).as_str());
    let page = Page::new(htmx, db.read(move |conn| load(conn, &grant, &listing, beside, &here)).await?);
    Ok(if is_conflict { page.conflict() } else { page.unprocessable() }.respond_to(&request))
}

/// POST `/settings/buyers/{id}/aliases` `{source, alias}`: calls under this name that were never disputed move.
pub(in crate::web) async fn link_alias(
    grant: Granted<ManageSettings>,
    id: Path<BuyerId>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (listing, now, id) = (Listing::read(request.query_string())?, clock.now(), id.into_inner());
    let fields = Fields::new(form.into_inner());
    let mut state = fields.keep(&["source", "alias"]);
    for (field, what) in [
        ("source", "Write the name of the source, such as ringba"),
        ("alias", "Write the name by which it calls the buyer"),
    ] {
        if fields.text(field).trim().is_empty() {
            state.refuse(field, what);
        }
    }
    if state.is_clean() {
        let alias = Alias { source: fields.text("source").to_owned(), name: fields.text("alias").to_owned() };
        let granted = grant.clone();
        match db.write(move |conn| buyer_settings::link_alias(conn, &granted, id, &alias, now)).await {
            Ok(_moved) => return Ok(Notice::AliasLinked.redirect(&request, paths::buyer(id))),
            Err(SettingsError::Alias(sentence)) => state.refuse("alias", sentence),
            Err(other) => return Err(failed(other)),
        }
    }
    let beside = Beside::One { id, form: None, alias_form: state };
    let here = Here::from(paths::buyer(id).as_str());
    let page = db.read(move |conn| load(conn, &grant, &listing, beside, &here)).await?;
    Ok(Page::new(htmx, page).unprocessable().respond_to(&request))
}

/// Empty is the platform's window.
fn read_window(fields: &Fields, state: &mut FormState) -> Option<i32> {
    let text = fields.text("window_days").trim();
    if text.is_empty() {
        return None;
    }
    let days = text.parse::<i32>().ok().filter(|days| (0..=3650).contains(days));
    if days.is_none() {
        state.refuse(
            "window_days",
            "Write a number of days from 0 to 3650, or nothing for the platform\u{2019}s window",
        );
    }
    days
}

fn refuse(state: &mut FormState, problem: &BuyerError) {
    match problem {
        BuyerError::NameTaken => state.refuse("name", "There is a buyer of this name already"),
        BuyerError::NameUnusable => state.refuse("name", "Write a name of 1 to 200 characters, all of them visible"),
        BuyerError::WindowOutOfRange => state.refuse("window_days", "Write a number of days from 0 to 3650"),
        BuyerError::Database(_) => {}
    }
}
