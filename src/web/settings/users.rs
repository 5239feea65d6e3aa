//! `/settings/users`: who signs in, and what they may do.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::fields::{Fields, tags};
use super::user_form::{self, Aside, EditForm, InviteForm, LinkShown};
use super::{Tab, failed, sentence};
use crate::auth::{Granted, ManageSettings};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::administration::{self, Company, SettingsError, UserFilter, UserLine};
use crate::db::paging::Place;
use crate::db::{AnyConnection, Db, buyers, names, policy, users as people};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, UserId};
use crate::web::buyers::BuyerFilter;
use crate::web::chrome::{self, Here};
use crate::web::filters::{Number, When};
use crate::web::form::Checked;
use crate::web::htmx::Htmx;
use crate::web::list_query::{Link, PER_PAGE, Params, refuse};
use crate::web::notice::Notice;
use crate::web::once::{FormToken, made_once};
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::{AppError, Path, paths};

/// How the address names the platform among the companies.
const PLATFORM: &str = "platform";

const COMPANY: &str = "company";

#[derive(Template)]
#[template(path = "pages/settings/users.html")]
pub(in crate::web) struct UsersPage {
    chrome: Chrome,
    tab: Tab,
    q: String,
    company: String,
    company_name: String,
    platform: String,
    buyers: BuyerFilter,
    lines: Vec<Line>,
    total: Number,
    previous: String,
    next: String,
    /// The list alone, to come back to.
    back: String,
    chosen: Option<UserId>,
    aside: Aside,
}

/// A user in the list.
struct Line {
    id: UserId,
    href: String,
    name: String,
    email: String,
    company: String,
    tags: Vec<&'static str>,
    is_disabled: bool,
    last: Option<When>,
}

impl Fragments for UsersPage {}

impl UsersPage {
    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.company.is_empty()
    }

    fn is_platform(&self) -> bool {
        self.company == PLATFORM
    }

    fn has_aside(&self) -> bool {
        !matches!(self.aside, Aside::Nothing)
    }

    fn has_problem(&self) -> bool {
        match &self.aside {
            Aside::Invite(form) => !form.state.is_clean(),
            Aside::Edit(form) => !form.state.is_clean(),
            Aside::Nothing | Aside::Link(_) => false,
        }
    }
}

/// What the address says: which users, and which page of them.
struct Listing {
    filter: UserFilter,
    place: Place<UserId>,
    q: String,
    company: String,
}

impl Listing {
    fn read(params: &Params) -> Result<Self, AppError> {
        let company = params.text(COMPANY).unwrap_or_default().to_owned();
        let wanted = match company.as_str() {
            "" => None,
            PLATFORM => Some(Company::Platform),
            id => Some(Company::Buyer(id.parse().map_err(|_not_an_id| no_company(id))?)),
        };
        let search = params.short_text("q")?;
        let place = match (params.parsed("after", "an id")?, params.parsed("before", "an id")?) {
            (Some(id), _) => Place::After(id),
            (None, Some(id)) => Place::Before(id),
            (None, None) => Place::First,
        };
        let q = search.clone().unwrap_or_default();
        Ok(Self { filter: UserFilter { search, company: wanted }, place, q, company })
    }

    fn link(&self) -> Link {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Link::to("/settings/users").with_some("q", some(&self.q)).with_some(COMPANY, some(&self.company))
    }

    fn here(&self) -> Link {
        match self.place {
            Place::First => self.link(),
            Place::After(id) => self.link().with("after", id),
            Place::Before(id) => self.link().with("before", id),
        }
    }
}

fn no_company(text: &str) -> AppError {
    refuse(COMPANY, text, "platform, or the name or the id of a buyer")
}

/// Puts what the address calls a company in the place of its name, which may have been typed.
fn name_to_code(conn: &mut AnyConnection, params: &mut Params) -> Result<(), AppError> {
    let typed = params.text(COMPANY).filter(|text| *text != PLATFORM && text.parse::<BuyerId>().is_err());
    let Some(typed) = typed.map(str::to_owned) else { return Ok(()) };
    let code = if buyers::name_key(&typed) == buyers::name_key(&policy::platform_name(conn)?) {
        PLATFORM.to_owned()
    } else {
        buyers::find_by_name(conn, &typed)?.ok_or_else(|| no_company(&typed))?.id.to_string()
    };
    params.put(COMPANY, code);
    Ok(())
}

/// Loads the page around what stands beside the list.
fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    listing: &Listing,
    (chosen, aside): (Option<UserId>, Aside),
    (here, now): (&Here, Instant),
) -> Result<UsersPage, AppError> {
    let listed = administration::users(conn, grant, &listing.filter, (listing.place, PER_PAGE))?;
    let total = administration::count_users(conn, grant, &listing.filter)?;
    let owners: Vec<BuyerId> = listed.rows.iter().filter_map(|row| row.buyer_id).collect();
    let known = names::of_buyers(conn, &owners)?;
    let platform = policy::platform_name(conn)?;
    let chosen_buyer = match listing.filter.company {
        Some(Company::Buyer(id)) => Some(id),
        Some(Company::Platform) | None => None,
    };
    let choices = BuyerFilter::load(conn, chosen_buyer)?;
    let company_name = if listing.company == PLATFORM { platform.clone() } else { choices.name().to_owned() };
    let page_link = |name: &'static str, row: Option<&UserLine>, there: bool| {
        row.filter(|_| there).map(|row| listing.link().with(name, row.id).to_string()).unwrap_or_default()
    };
    let query = listing.here().to_string();
    let query = query.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let zone = grant.viewer().profile().zone;
    let line = |row: &UserLine| Line {
        id: row.id,
        href: format!("{}{query}", paths::user(row.id)),
        name: row.name.clone(),
        email: row.email.clone(),
        company: match row.buyer_id {
            Some(id) => known.get(&id).cloned().unwrap_or_default(),
            None => platform.clone(),
        },
        tags: tags(row.permissions),
        is_disabled: row.is_disabled,
        last: row.last_signed_in_at.map(|at| When::new(at, zone, now)),
    };
    Ok(UsersPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Settings, here)?,
        tab: Tab::Users,
        q: listing.q.clone(),
        company: listing.company.clone(),
        company_name,
        buyers: choices,
        platform: platform.clone(),
        previous: page_link("before", listed.rows.first(), listed.has_earlier),
        next: page_link("after", listed.rows.last(), listed.has_later),
        lines: listed.rows.iter().map(line).collect(),
        total: Number(total.unsigned_abs()),
        back: listing.here().to_string(),
        chosen,
        aside,
    })
}

/// GET `/settings/users`.
pub(in crate::web) async fn index(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<UsersPage>, AppError> {
    let (mut params, now) = (Params::parse(request.query_string()), clock.now());
    let page = db
        .read(move |conn| {
            name_to_code(conn, &mut params)?;
            let listing = Listing::read(&params)?;
            load(conn, &grant, &listing, (None, Aside::Nothing), (&here, now))
        })
        .await?;
    Ok(Page::new(htmx, page))
}

/// GET `/settings/users/new`: the form of an invitation beside the list.
pub(in crate::web) async fn new(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<UsersPage>, AppError> {
    let (listing, now) = (Listing::read(&Params::parse(request.query_string()))?, clock.now());
    let page = db
        .read(move |conn| {
            let form = InviteForm::empty(conn, listing.filter.company)?;
            load(conn, &grant, &listing, (None, Aside::Invite(form)), (&here, now))
        })
        .await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/users`: adds the user, and shows the link this once.
pub(in crate::web) async fn create(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (listing, now) = (Listing::read(&Params::parse(request.query_string()))?, clock.now());
    let fields = Fields::new(form.into_inner());
    let here = Here::from(paths::new_user().as_str());
    let wanted = fields.clone();
    let read = db.read(move |conn| InviteForm::read(conn, &wanted)).await?;
    let (new, mut state) = (read.new, read.state);
    if state.is_clean() {
        let (granted, adding) = (grant.clone(), new.clone());
        let token = FormToken::new(fields.text("form_token"));
        let invited = db
            .write(move |conn| {
                made_once(
                    conn,
                    (granted.user(), now),
                    ("invitation", &token),
                    |conn| administration::invite(conn, &granted, &adding, now),
                    |conn, id| Ok((id, administration::make_link(conn, &granted, id, now)?)),
                )
            })
            .await;
        match invited {
            Ok((id, token)) => {
                let link = LinkShown::new(&request, &token, &new.name, true, (&grant, now));
                let page = db
                    .read(move |conn| load(conn, &grant, &listing, (Some(id), Aside::Link(link)), (&here, now)))
                    .await?;
                return Ok(Page::new(htmx, page).respond_to(&request));
            }
            Err(SettingsError::User(refused)) => user_form::refuse(&mut state, &refused),
            Err(other) => return Err(failed(other)),
        }
    }
    let page = db
        .read(move |conn| {
            let form = InviteForm::again(conn, &fields, state)?;
            load(conn, &grant, &listing, (None, Aside::Invite(form)), (&here, now))
        })
        .await?;
    Ok(Page::new(htmx, page).unprocessable().respond_to(&request))
}

/// GET `/settings/users/{id}`: the form of one user beside the list.
pub(in crate::web) async fn show(
    grant: Granted<ManageSettings>,
    id: Path<UserId>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<UsersPage>, AppError> {
    let (listing, now, id) = (Listing::read(&Params::parse(request.query_string()))?, clock.now(), id.into_inner());
    let page = db
        .read(move |conn| {
            let user = people::find(conn, id)?.ok_or(AppError::NotFound)?;
            let form = EditForm::of(conn, &user, grant.user())?;
            load(conn, &grant, &listing, (Some(id), Aside::Edit(form)), (&here, now))
        })
        .await?;
    Ok(Page::new(htmx, page))
}

/// POST `/settings/users/{id}` {name, email, permission, action}: saves, makes a link, disables or enables.
pub(in crate::web) async fn update(
    grant: Granted<ManageSettings>,
    id: Path<UserId>,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (listing, now, id) = (Listing::read(&Params::parse(request.query_string()))?, clock.now(), id.into_inner());
    let fields = Fields::new(form.into_inner());
    let here = Here::from(paths::user(id).as_str());
    let (granted, wanted) = (grant.clone(), fields.clone());
    let done = db.write(move |conn| act(conn, &granted, id, &wanted, now)).await;
    let refused = match done {
        Ok(Done::Told(notice)) => return Ok(notice.redirect(&request, paths::user(id))),
        Ok(Done::Link { token, name, is_new }) => {
            let link = LinkShown::new(&request, &token, &name, is_new, (&grant, now));
            let page =
                db.read(move |conn| load(conn, &grant, &listing, (Some(id), Aside::Link(link)), (&here, now))).await?;
            return Ok(Page::new(htmx, page).respond_to(&request));
        }
        Err(error @ (SettingsError::Missing | SettingsError::NotAllowed | SettingsError::Database(_))) => {
            return Err(failed(error));
        }
        Err(refused) => refused,
    };
    let is_conflict = !matches!(refused, SettingsError::User(_));
    let page = db
        .read(move |conn| {
            let user = people::find(conn, id)?.ok_or(AppError::NotFound)?;
            let mut form = EditForm::of(conn, &user, grant.user())?;
            match &refused {
                SettingsError::User(problem) => {
                    form = form.typed(&fields);
                    user_form::refuse(&mut form.state, problem);
                }
                // Permissions are shown as they are now: what was seen doesn't hold any more.
                SettingsError::Changed => {
                    form.state = fields.keep(&["name", "email"]);
                    form.state.refuse_form(
                        "Somebody else changed this user meanwhile. The permissions are shown as they are now, name and \
                         e-mail as you typed them; nothing of yours is saved yet.",
                    );
                }
                other => form.state.refuse_form(sentence(other)),
            }
            load(conn, &grant, &listing, (Some(id), Aside::Edit(form)), (&here, now))
        })
        .await?;
    let page = Page::new(htmx, page);
    Ok(if is_conflict { page.conflict() } else { page.unprocessable() }.respond_to(&request))
}

/// What was done.
enum Done {
    Told(Notice),
    Link { token: String, name: String, is_new: bool },
}

fn act(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: UserId,
    fields: &Fields,
    now: Instant,
) -> Result<Done, SettingsError> {
    match fields.text("action") {
        "link" => {
            let token = administration::make_link(conn, grant, id, now)?;
            let user = people::find(conn, id)?.ok_or(SettingsError::Missing)?;
            Ok(Done::Link { token, name: user.name, is_new: user.password_hash.is_none() })
        }
        "disable" => {
            administration::set_disabled(conn, grant, id, true, now)?;
            Ok(Done::Told(Notice::UserDisabled))
        }
        "enable" => {
            administration::set_disabled(conn, grant, id, false, now)?;
            Ok(Done::Told(Notice::UserEnabled))
        }
        _ => {
            let user = people::find(conn, id)?.ok_or(SettingsError::Missing)?;
            let change = administration::UserChange {
                name: fields.edited("name", "seen_name", &user.name),
                email: fields.edited("email", "seen_email", &user.email),
                permissions: fields.permissions(),
                seen: fields.seen(),
            };
            administration::change_user(conn, grant, id, &change, now)?;
            Ok(Done::Told(Notice::UserSaved))
        }
    }
}

/// The address that people outside reach this server by: the setting, or what the manager's own browser asked.
pub(super) fn origin_of(request: &HttpRequest) -> String {
    let config = request.app_data::<Data<Config>>();
    if let Some(url) = config.and_then(|config| config.public_url.as_ref()) {
        return url.origin().to_owned();
    }
    let host = request.headers().get(actix_web::http::header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}
