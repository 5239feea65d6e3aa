//! The account of whoever is signed in: what they are called, how pages look to them, password, sessions.

pub(super) mod table;
pub(super) mod tokens;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use chrono_tz::Tz;

use super::chrome::{self, Here};
use super::filters::When;
use super::form::{Checked, FormState};
use super::htmx::Htmx;
use super::page::{Chrome, Fragments, NavItem, Page, see_other};
use super::paths::{self, LocalPath};
use super::{AppError, notice::Notice};
use crate::auth::principal::Theme;
use crate::auth::session::{Loaded, TypedSession};
use crate::auth::{EditDisputes, Granted, Viewer};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::users::{self, Preferences, UserRow};
use crate::db::{Db, DbError, sessions};
use crate::domain::Instant;
use crate::domain::ids::SessionId;

mod changes;
pub(super) mod zones;

use zones::GROUPS;

/// The account page.
#[derive(Template)]
#[template(path = "pages/account/show.html")]
pub(super) struct AccountPage {
    chrome: Chrome,
    form: FormState,
    email: String,
    groups: &'static [zones::Group],
    /// The viewer's zone, where it is an old spelling that isn't offered.
    odd_zone: Option<&'static str>,
    sessions: Vec<SessionLine>,
    /// Whether this platform sends e-mail at all.
    sends_mail: bool,
    /// Whether the person decides disputes.
    decides: bool,
}

/// A session in the list.
struct SessionLine {
    id: SessionId,
    device: String,
    address: String,
    last_seen: When,
    begun: When,
    is_current: bool,
}

impl Fragments for AccountPage {}

/// GET `/account`
pub(super) async fn show(
    viewer: Viewer,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
    (clock, config): (Data<Clock>, Data<Config>),
) -> Result<Page<AccountPage>, AppError> {
    let now = clock.now();
    let (current, sends_mail) = (current_session(&request), config.smtp_url.is_some());
    db.read(move |conn| {
        let user = users::find(conn, viewer.user())?.ok_or(AppError::NotFound)?;
        let form = typed(&user.preferences());
        AccountPage::load(conn, &viewer, &user, form, (current, &here, now), sends_mail)
    })
    .await
    .map(|page| Page::new(htmx, page))
}

/// POST `/account`: what the form doesn't name stays as it is.
pub(super) async fn update(
    viewer: Viewer,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    htmx: Htmx,
    db: Data<Db>,
    (clock, config): (Data<Clock>, Data<Config>),
) -> Result<HttpResponse, AppError> {
    let fields = Fields(form.into_inner());
    if let Some(which) = fields.last("end_session") {
        return changes::end_session(&viewer, &request, which, &db, clock.now()).await;
    }
    let user = find(&viewer, &db).await?;
    let mut state = fields.keep(typed(&user.preferences()));
    let wanted = fields.preferences(&user, &mut state);
    let passwords = fields.passwords();
    if let Some(passwords) = &passwords {
        changes::check_passwords(&request, &user, passwords, &mut state, &db, clock.now()).await?;
    }
    if !state.is_clean() {
        let sends_mail = config.smtp_url.is_some();
        let (now, current, here) = (clock.now(), current_session(&request), Here::from(paths::account().as_str()));
        let page = db
            .read(move |conn| AccountPage::load(conn, &viewer, &user, state, (current, &here, now), sends_mail))
            .await?;
        return Ok(Page::new(htmx, page).unprocessable().respond_to(&request));
    }
    let is_changed = passwords.is_some();
    changes::save(&viewer, &request, wanted, passwords.map(|both| both.new), &db, clock.now()).await?;
    Ok(if is_changed {
        Notice::PasswordChanged.redirect(&request, paths::account())
    } else if fields.is_theme_alone() {
        after_theme(&request, &htmx, &fields)
    } else {
        Notice::AccountSaved.redirect(&request, paths::account())
    })
}

/// The switch is on every page: back to it, or nothing where a script has switched already.
fn after_theme(request: &HttpRequest, htmx: &Htmx, fields: &Fields) -> HttpResponse {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if htmx.is_requested() || text("sec-fetch-dest") == Some("empty") {
        return HttpResponse::NoContent().finish();
    }
    let named = fields.last("return_to").and_then(LocalPath::parse);
    see_other(named.or_else(|| LocalPath::of_referer(request)).map_or_else(paths::account, |path| path.to_string()))
}

/// The fields of a form, of which any may be missing.
struct Fields(Vec<(String, String)>);

/// A password that is changed.
struct Passwords {
    current: String,
    new: String,
}

impl Fields {
    /// The last value of a name: a ticked box stands after the hidden field that says "off".
    fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    fn is_theme_alone(&self) -> bool {
        self.last("theme").is_some() && self.0.iter().all(|(name, _)| name == "theme" || name == "return_to")
    }

    /// Two empty fields change nothing.
    fn passwords(&self) -> Option<Passwords> {
        let of = |name: &str| self.last(name).unwrap_or_default().to_owned();
        let (current, new) = (of("current_password"), of("new_password"));
        (!current.is_empty() || !new.is_empty()).then_some(Passwords { current, new })
    }

    /// What was typed, over what is saved.
    fn keep(&self, mut state: FormState) -> FormState {
        for field in ["name", "time_zone", "theme", "keyboard_shortcuts", "mail_notifications", "opens_next"] {
            if let Some(value) = self.last(field) {
                state = state.with(field, value);
            }
        }
        state
    }

    fn preferences(&self, user: &UserRow, state: &mut FormState) -> Preferences {
        let mut wanted = user.preferences();
        if let Some(name) = self.last("name") {
            if users::is_name(name) {
                name.trim().clone_into(&mut wanted.name);
            } else {
                state.refuse("name", "Write your name, with at most 200 characters");
            }
        }
        if let Some(zone) = self.last("time_zone") {
            match zone.parse::<Tz>() {
                Ok(zone) => zone.name().clone_into(&mut wanted.time_zone),
                Err(_) => state.refuse("time_zone", "Choose a time zone of the list"),
            }
        }
        if let Some(theme) = self.last("theme") {
            match Theme::from_code(theme) {
                Some(theme) => wanted.theme = theme,
                None => state.refuse("theme", "Choose how pages look"),
            }
        }
        for (field, what, setting) in [
            ("keyboard_shortcuts", "Keyboard shortcuts are on or off", &mut wanted.keyboard_shortcuts),
            ("mail_notifications", "Notifications come by e-mail or they don't", &mut wanted.mail_notifications),
            ("opens_next", "The next dispute opens after a decision or it doesn't", &mut wanted.opens_next),
        ] {
            match self.last(field) {
                None => {}
                Some("1" | "on" | "true") => *setting = true,
                Some("0" | "off" | "false" | "") => *setting = false,
                Some(_) => state.refuse(field, what),
            }
        }
        wanted
    }
}

fn typed(preferences: &Preferences) -> FormState {
    FormState::new()
        .with("name", &preferences.name)
        .with("time_zone", &preferences.time_zone)
        .with("theme", preferences.theme.code())
        .with("keyboard_shortcuts", u8::from(preferences.keyboard_shortcuts))
        .with("mail_notifications", u8::from(preferences.mail_notifications))
        .with("opens_next", u8::from(preferences.opens_next))
}

fn current_session(request: &HttpRequest) -> Option<SessionId> {
    match TypedSession::of(request).loaded() {
        Some(Loaded::SignedIn { session, .. }) => Some(session),
        _ => None,
    }
}

async fn find(viewer: &Viewer, db: &Db) -> Result<UserRow, AppError> {
    let id = viewer.user();
    let found = db.read::<_, DbError, _>(move |conn| Ok(users::find(conn, id)?)).await?;
    found.ok_or(AppError::NotFound)
}

impl AccountPage {
    fn load(
        conn: &mut crate::db::AnyConnection,
        viewer: &Viewer,
        user: &UserRow,
        form: FormState,
        (current, here, now): (Option<SessionId>, &Here, Instant),
        sends_mail: bool,
    ) -> Result<Self, AppError> {
        let zone = viewer.profile().zone;
        let sessions = sessions::list(conn, user, now)?
            .into_iter()
            .map(|session| SessionLine {
                id: session.id,
                device: changes::device(&session.user_agent),
                address: session.address,
                last_seen: When::new(session.last_seen_at, zone, now),
                begun: When::new(session.created_at, zone, now),
                is_current: Some(session.id) == current,
            })
            .collect();
        Ok(Self {
            chrome: chrome::load(conn, viewer, NavItem::Elsewhere, here)?,
            form,
            email: user.email.clone(),
            groups: &GROUPS,
            odd_zone: (!zones::is_offered(zone)).then(|| zone.name()),
            sessions,
            sends_mail,
            decides: Granted::<EditDisputes>::check(viewer).is_some(),
        })
    }

    fn is_shortcuts_on(&self) -> bool {
        self.form.is("keyboard_shortcuts", "1")
    }

    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_current)
    }
}
