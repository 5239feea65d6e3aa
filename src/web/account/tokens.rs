//! `/account/tokens`: what a person's programs send to the JSON API. A token is shown once, when it is made.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use chrono::Duration;

use crate::auth::{Granted, ImportCalls, ManageSettings, Scopes, TokenScope, Viewer};
use crate::clock::Clock;
use crate::db::tokens::{self, NewToken, TokenError, TokenRow};
use crate::db::{AnyConnection, Db, users};
use crate::domain::Instant;
use crate::domain::ids::TokenId;
use crate::web::chrome::{self, Here};
use crate::web::filters::When;
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::notice::Notice;
use crate::web::once::{FormToken, made_once};
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::{AppError, Path, paths};

/// How long a token can last; nothing: until it is revoked.
const LASTS: [(&str, &str); 4] =
    [("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until it is revoked")];

/// The page of tokens.
#[derive(Template)]
#[template(path = "pages/account/tokens.html")]
pub(in crate::web) struct TokensPage {
    chrome: Chrome,
    form: FormState,
    lines: Vec<Line>,
    scopes: Vec<Choice>,
    /// What was just made: its name, and what opens it.
    made: Option<(String, String)>,
}

/// A token in the list.
struct Line {
    id: TokenId,
    name: String,
    prefix: String,
    scopes: Vec<&'static str>,
    created: When,
    last_used: Option<When>,
    expires: Option<When>,
    is_expired: bool,
}

/// A scope that can be ticked.
struct Choice {
    code: &'static str,
    label: &'static str,
    is_ticked: bool,
}

impl Fragments for TokensPage {}

impl TokensPage {
    fn load(
        conn: &mut AnyConnection,
        viewer: &Viewer,
        (form, ticked): (FormState, &[TokenScope]),
        made: Option<(String, String)>,
        (here, now): (&Here, Instant),
    ) -> Result<Self, AppError> {
        let zone = viewer.profile().zone;
        let when = |at: Instant| When::new(at, zone, now);
        let line = |row: TokenRow| Line {
            scopes: Scopes::parse(&row.scopes).unwrap_or_default().named().iter().map(|scope| scope.code()).collect(),
            created: when(row.created_at),
            last_used: row.last_used_at.map(when),
            expires: row.expires_at.map(when),
            is_expired: row.is_expired(now),
            id: row.id,
            name: row.name,
            prefix: row.prefix,
        };
        let choice =
            |scope: &TokenScope| Choice { code: scope.code(), label: scope.label(), is_ticked: ticked.contains(scope) };
        Ok(Self {
            chrome: chrome::load(conn, viewer, NavItem::Elsewhere, here)?,
            form,
            lines: tokens::list(conn, viewer.user())?.into_iter().map(line).collect(),
            scopes: offered(viewer).iter().map(choice).collect(),
            made,
        })
    }

    fn lasts() -> [(&'static str, &'static str); 4] {
        LASTS
    }
}

/// The scopes that could be of use to this person.
fn offered(viewer: &Viewer) -> Vec<TokenScope> {
    let fits = |scope: TokenScope| match scope {
        TokenScope::CallsRead => true,
        TokenScope::CallsWrite => Granted::<ImportCalls>::check(viewer).is_some(),
        TokenScope::DisputesRead | TokenScope::DisputesWrite => viewer.dispute_viewer().is_some(),
        TokenScope::AuditRead => Granted::<ManageSettings>::check(viewer).is_some(),
    };
    TokenScope::ALL.iter().copied().filter(|scope| fits(*scope)).collect()
}

/// GET `/account/tokens`.
pub(in crate::web) async fn index(
    viewer: Viewer,
    (here, htmx): (Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<TokensPage>, AppError> {
    let now = clock.now();
    let form = FormState::new().with("expires_days", "90");
    let page = db.read(move |conn| TokensPage::load(conn, &viewer, (form, &[]), None, (&here, now))).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/account/tokens`: makes one, and shows it this once.
pub(in crate::web) async fn create(
    viewer: Viewer,
    request: HttpRequest,
    form: Checked<Vec<(String, String)>>,
    (here, htmx): (Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (now, fields) = (clock.now(), form.into_inner());
    let text = |name: &str| fields.iter().rev().find(|(found, _)| found == name).map_or("", |(_, value)| value.trim());
    let mut state = FormState::new().with("name", text("name")).with("expires_days", text("expires_days"));
    let named: Option<Vec<TokenScope>> =
        fields.iter().filter(|(name, _)| name == "scope").map(|(_, code)| TokenScope::from_code(code)).collect();
    if named.is_none() {
        state.refuse("scope", "Choose scopes of the list");
    }
    let ticked = named.unwrap_or_default();
    let days: Option<i64> = text("expires_days").parse().ok().filter(|days| (1..=3650).contains(days));
    if days.is_none() && !text("expires_days").is_empty() {
        state.refuse("expires_days", "Choose how long the token lasts");
    }
    let name = text("name").to_owned();
    if name.is_empty() {
        state.refuse("name", "Name the token by what it is for");
    }
    let mut made = None;
    if state.is_clean() {
        let new = NewToken {
            user: viewer.user(),
            name: name.clone(),
            scopes: Scopes::new(&ticked),
            expires_at: days.map(|days| now + Duration::days(days)),
        };
        let (actor, epoch) = (viewer.actor(), viewer.profile().epoch);
        let token = FormToken::new(text("form_token"));
        let created = db
            .write(move |conn| {
                // Whoever was signed out meanwhile leaves nothing behind that still opens.
                let user = users::find(conn, new.user)?.filter(|user| !user.is_disabled && user.epoch == epoch);
                let make = |conn: &mut _| tokens::create(conn, &actor, &new, now);
                let renew = |conn: &mut _, id| {
                    tokens::revoke(conn, &actor, Some(new.user), id, now)?;
                    make(conn)
                };
                user.map(|_| made_once(conn, (new.user, now), ("token", &token), make, renew)).transpose()
            })
            .await;
        match created {
            Ok(Some((_, secret))) => made = Some((name, secret)),
            Ok(None) => return Err(AppError::sign_in(&request)),
            Err(TokenError::Database(error)) => return Err(error.into()),
            Err(refused) => state.refuse("name", refused.to_string()),
        }
    }
    let is_made = made.is_some();
    let (state, ticked) =
        if is_made { (FormState::new().with("expires_days", "90"), Vec::new()) } else { (state, ticked) };
    let page = db.read(move |conn| TokensPage::load(conn, &viewer, (state, &ticked), made, (&here, now))).await?;
    let page = Page::new(htmx, page);
    Ok(if is_made { page } else { page.unprocessable() }.respond_to(&request))
}

/// POST `/account/tokens/{id}/delete`: revokes one at once.
pub(in crate::web) async fn destroy(
    viewer: Viewer,
    id: Path<TokenId>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now, actor, user) = (*id, clock.now(), viewer.actor(), viewer.user());
    let revoked = db
        .write::<_, crate::db::DbError, _>(move |conn| Ok(tokens::revoke(conn, &actor, Some(user), id, now)?))
        .await?;
    if !revoked {
        return Err(AppError::NotFound);
    }
    Ok(Notice::TokenRevoked.redirect(&request, paths::tokens()))
}
