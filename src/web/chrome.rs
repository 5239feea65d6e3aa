//! What surrounds a page of somebody signed in: loaded with the page, on the same connection.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::{Payload, RequestHead};
use actix_web::{FromRequest, HttpRequest};

use super::notice::Notice;
use super::page::{Chrome, Menu, NavItem, ThemeChoice};
use crate::auth::principal::Theme;
use crate::auth::{Granted, ImportCalls, ManageSettings, ViewDisputes, Viewer};
use crate::db::{AnyConnection, DbError, buyers, counters, notifications, policy};

/// Where a request came in: the page's own address, and what the answer before it wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    path: String,
    notice: Option<Notice>,
}

impl Here {
    /// Reads the address and the notice of a request.
    #[must_use]
    pub fn of(head: &RequestHead) -> Self {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        Self { path: path.to_owned(), notice: Notice::of(head) }
    }

    /// Path and query of the page.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl From<&str> for Here {
    fn from(path: &str) -> Self {
        Self { path: path.to_owned(), notice: None }
    }
}

impl FromRequest for Here {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.head())))
    }
}

/// What surrounds a page of this viewer. Counts are asked for only where the viewer may know them.
pub fn load(conn: &mut AnyConnection, viewer: &Viewer, current: NavItem, here: &Here) -> Result<Chrome, DbError> {
    let profile = viewer.profile();
    let organisation = match viewer {
        Viewer::Manager(_) => policy::platform_name(conn)?,
        Viewer::Buyer(buyer) => buyers::find(conn, buyer.account())?.map(|row| row.name).unwrap_or_default(),
    };
    Ok(Chrome {
        signed_in: true,
        current,
        menu: menu(viewer),
        pending: pending(conn, viewer)?,
        unread: notifications::unread(conn, viewer)?,
        user: profile.user.to_string(),
        user_name: profile.name.clone(),
        user_initials: Chrome::initials(&profile.name),
        organisation,
        theme: theme(profile.theme),
        keyboard_shortcuts: profile.keyboard_shortcuts,
        path: here.path.clone(),
        flash: here.notice.map(Notice::flash),
    })
}

impl Chrome {
    /// What is known of a viewer without asking the database: menu, name, look. The badge stays hidden.
    #[must_use]
    pub fn without_counts(viewer: &Viewer) -> Self {
        let profile = viewer.profile();
        Self {
            signed_in: true,
            menu: menu(viewer),
            pending: viewer.dispute_viewer().map(|_| 0),
            user: profile.user.to_string(),
            user_name: profile.name.clone(),
            user_initials: Self::initials(&profile.name),
            theme: theme(profile.theme),
            keyboard_shortcuts: profile.keyboard_shortcuts,
            ..Self::default()
        }
    }
}

/// The pending counter, or `None` for those who may not see Disputes.
pub fn pending(conn: &mut AnyConnection, viewer: &Viewer) -> Result<Option<i64>, DbError> {
    match viewer.dispute_viewer() {
        Some(viewer) => Ok(Some(counters::pending(conn, viewer.scope())?)),
        None => Ok(None),
    }
}

/// The items a manager has by permission.
fn menu(viewer: &Viewer) -> Menu {
    let may_settings = Granted::<ManageSettings>::check(viewer).is_some();
    // A buyer sees disputes too, but no figures of the platform.
    let may_reports = Granted::<ViewDisputes>::check(viewer).is_some();
    let may_import = Granted::<ImportCalls>::check(viewer).is_some();
    Menu { reports: may_reports, imports: may_import, settings: may_settings, audit: may_settings }
}

fn theme(theme: Theme) -> ThemeChoice {
    match theme {
        Theme::System => ThemeChoice::System,
        Theme::Light => ThemeChoice::Light,
        Theme::Dark => ThemeChoice::Dark,
    }
}
