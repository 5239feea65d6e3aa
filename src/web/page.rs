//! `Page<T>`: the whole page or one region of it, with `Vary`, cache rules and status. `Chrome`: what surrounds every page.

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::error::AppError;
use super::htmx::Htmx;
use super::notice::Notice;
use crate::db::notifications::COUNTED;

/// One URL has several representations; caches must keep them apart.
pub const VARY: &str = "HX-Request, HX-Request-Type, HX-Target, Cookie";

/// The regions of a page that htmx may ask for, by the id of the target. Write it beside the page's struct.
pub trait Fragments {
    /// The region as text, or `None` where the page has no such region.
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        let _ = region;
        None
    }
}

/// Where in the menu a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NavItem {
    #[default]
    Elsewhere,
    Calls,
    Disputes,
    Reports,
    Imports,
    Settings,
    Audit,
    Help,
}

/// Light, dark, or as the system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeChoice {
    #[default]
    System,
    Light,
    Dark,
}

impl ThemeChoice {
    /// The value of `data-theme`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// How a message in the status region looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashKind {
    Done,
    Note,
    Warning,
    Problem,
}

/// A message in the status region: what happened, and where to go next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    pub kind: FlashKind,
    pub text: String,
    pub link: Option<super::error::Link>,
}

impl Flash {
    /// Something was done.
    pub fn done(text: impl Into<String>) -> Self {
        Self { kind: FlashKind::Done, text: text.into(), link: None }
    }

    /// The same with a link after it.
    #[must_use]
    pub fn with_link(mut self, href: impl Into<String>, text: impl Into<String>) -> Self {
        self.link = Some(super::error::Link::new(href, text));
        self
    }

    pub(crate) fn class(&self) -> &'static str {
        match self.kind {
            FlashKind::Done => "flash ok",
            FlashKind::Note => "flash",
            FlashKind::Warning => "flash warn",
            FlashKind::Problem => "flash bad",
        }
    }

    pub(crate) fn icon(&self) -> &'static str {
        match self.kind {
            FlashKind::Done => "check",
            FlashKind::Note => "info",
            FlashKind::Warning | FlashKind::Problem => "alert",
        }
    }

    pub(crate) fn role(&self) -> &'static str {
        if self.kind == FlashKind::Problem { "alert" } else { "status" }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each item is there or not, by its own permission")]
/// Which menu items a viewer has beside the Call Log and Help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Menu {
    pub reports: bool,
    pub imports: bool,
    pub settings: bool,
    pub audit: bool,
}

/// What surrounds a page: menu, badge, bell, theme. `Default` is that of nobody signed in.
#[derive(Debug, Clone, Default)]
pub struct Chrome {
    /// Nobody's pages have no menu.
    pub signed_in: bool,
    pub current: NavItem,
    pub menu: Menu,
    /// How many disputes are Pending; `None` for those who may not see Disputes.
    pub pending: Option<i64>,
    pub unread: i64,
    /// Whose page it is, for what a script keeps between two sessions.
    pub user: String,
    pub user_name: String,
    pub user_initials: String,
    pub organisation: String,
    pub theme: ThemeChoice,
    pub keyboard_shortcuts: bool,
    /// Path and query of the page, to come back to after a change of theme.
    pub path: String,
    pub flash: Option<Flash>,
}

impl Chrome {
    /// For pages of somebody who isn't signed in.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The number at the bell.
    #[must_use]
    pub fn unread_text(&self) -> String {
        if self.unread < COUNTED { self.unread.to_string() } else { "99+".to_owned() }
    }

    /// What the signed-in viewer's extractor has left with the request, for pages that anybody may open.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// The same, with the page's place in the menu.
    #[must_use]
    pub fn at(mut self, current: NavItem) -> Self {
        self.current = current;
        self
    }

    /// The first letters of the first and last name.
    #[must_use]
    pub fn initials(name: &str) -> String {
        let mut words = name.split_whitespace();
        let first = words.next().and_then(|word| word.chars().next());
        let last = words.next_back().and_then(|word| word.chars().next());
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }

    pub(crate) fn badge(&self) -> Option<Badge> {
        self.pending.map(|pending| Badge { pending, out_of_band: false })
    }

    pub(crate) fn is_at(&self, item: NavItem) -> bool {
        self.current == item
    }
}

/// The badge, as the layout has it and as a change sends it out of band.
#[derive(Template)]
#[template(path = "components/pending_count.html")]
pub struct PendingBadge {
    badge: Badge,
}

/// What the badge's template needs; a field, so that the layout includes the same file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Badge {
    pub(crate) pending: i64,
    pub(crate) out_of_band: bool,
}

impl PendingBadge {
    /// The element alone.
    #[must_use]
    pub fn new(pending: i64) -> Self {
        Self { badge: Badge { pending, out_of_band: false } }
    }
}

#[derive(Template)]
#[template(path = "components/flash_region.html")]
struct FlashRegion<'flash> {
    flash: Option<&'flash Flash>,
    out_of_band: bool,
}

/// A page or one of its regions, as htmx or the browser asked for it.
#[must_use]
pub struct Page<T> {
    htmx: Htmx,
    content: T,
    status: StatusCode,
    badge: Option<i64>,
    flash: Option<Flash>,
    push_url: Option<String>,
}

impl<T: Template + Fragments> Page<T> {
    /// The page with status 200.
    pub fn new(htmx: Htmx, content: T) -> Self {
        Self { htmx, content, status: StatusCode::OK, badge: None, flash: None, push_url: None }
    }

    /// The form again, with what was typed: 422.
    pub fn unprocessable(mut self) -> Self {
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self
    }

    /// The state as it is now: 409.
    pub fn conflict(mut self) -> Self {
        self.status = StatusCode::CONFLICT;
        self
    }

    /// The state as it is, because this person may not change it: 403.
    pub fn forbidden(mut self) -> Self {
        self.status = StatusCode::FORBIDDEN;
        self
    }

    /// The form again, because more was sent than is taken: 413.
    pub fn too_large(mut self) -> Self {
        self.status = StatusCode::PAYLOAD_TOO_LARGE;
        self
    }

    /// Sends the badge beside a region; a whole page has it already. `None` for those who may not see Disputes.
    pub fn with_badge(mut self, pending: Option<i64>) -> Self {
        self.badge = pending;
        self
    }

    /// Sends a message beside a region; for a whole page put it into `Chrome::flash`.
    pub fn with_flash(mut self, flash: Flash) -> Self {
        self.flash = Some(flash);
        self
    }

    /// The address that the browser shows after the swap.
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.push_url = Some(url.into());
        self
    }

    fn render(&self) -> askama::Result<String> {
        let Some(region) = self.htmx.region().and_then(|region| self.content.fragment(region)) else {
            return self.content.render();
        };
        let mut text = region?;
        if let Some(pending) = self.badge {
            PendingBadge { badge: Badge { pending, out_of_band: true } }.render_into(&mut text)?;
        }
        if let Some(flash) = &self.flash {
            FlashRegion { flash: Some(flash), out_of_band: true }.render_into(&mut text)?;
        }
        Ok(text)
    }
}

impl<T: Template + Fragments> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(mut self, request: &HttpRequest) -> HttpResponse {
        let notice = Notice::of(request.head());
        if self.flash.is_none() {
            // A whole page has it in its chrome; beside a region it goes out of band, over the list where people are already.
            self.flash = notice.map(|notice| Flash { link: None, ..notice.flash() });
        }
        match self.render() {
            Ok(text) => {
                let mut response = HttpResponse::build(self.status);
                response
                    .content_type("text/html; charset=utf-8")
                    .insert_header((header::CACHE_CONTROL, "private, no-store"))
                    .insert_header((header::VARY, VARY));
                if let Some(url) = self.push_url.filter(|_| self.htmx.is_partial()) {
                    response.insert_header(("hx-push-url", url));
                }
                if notice.is_some() {
                    response.append_header((header::SET_COOKIE, Notice::forgotten()));
                }
                response.body(text)
            }
            Err(error) => HttpResponse::from_error(AppError::from(error)),
        }
    }
}

/// 303 to a page of this server; htmx follows it and gets the region of the target there.
#[must_use]
pub fn see_other(url: impl Into<String>) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, url.into()))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
