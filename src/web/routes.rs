//! Every URL in one table: it registers the handlers, and the permission test reads it. One line a route.
//!
//! Lines with the same path become one resource, so that a method it doesn't have is a 405 with `Allow`.
//! Where two paths could match the same URL, the earlier line wins.

use std::future::{Ready, ready};

use actix_web::http::header;
use actix_web::{HttpResponse, Route as Handler, guard, web};

use super::page::see_other;
use super::{
    AppError, account, api, audit, buyers, calls, dispute_form, disputes, events, evidence, health, help, imports,
    messages, metrics, notes, notifications, paths, pending_count, reports, sessions, settings, setup, views,
};
use crate::assets;
use crate::auth::Viewer;

/// One method of one path, and its handler.
#[derive(Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// The handler's own name, such as `disputes::show`.
    pub name: &'static str,
    handler: fn() -> Handler,
}

/// `route!(GET "/disputes/{id}" => disputes::show)`; the method is GET (with HEAD), POST, PUT or DELETE.
macro_rules! route {
    ($method:ident $path:literal => $handler:path) => {
        Route {
            method: stringify!($method),
            path: $path,
            name: stringify!($handler),
            handler: || web::route().to($handler),
        }
    };
}

/// The table.
pub const ROUTES: &[Route] = &[
    route!(GET "/" => root),
    route!(GET "/login" => sessions::new),
    route!(POST "/login" => sessions::create),
    route!(POST "/logout" => sessions::destroy),
    route!(POST "/account/table" => account::table::save),
    route!(GET "/account" => account::show),
    route!(POST "/account" => account::update),
    route!(GET "/account/tokens" => account::tokens::index),
    route!(POST "/account/tokens" => account::tokens::create),
    route!(POST "/account/tokens/{id}/delete" => account::tokens::destroy),
    route!(GET "/setup/{token}" => setup::new),
    route!(POST "/setup/{token}" => setup::create),
    route!(GET "/invitations/{token}" => setup::invitation::show),
    route!(POST "/invitations/{token}" => setup::invitation::update),
    route!(GET "/buyers" => buyers::suggest),
    route!(GET "/calls" => calls::index),
    route!(GET "/calls.csv" => calls::export),
    route!(GET "/calls/{id}" => calls::show),
    route!(GET "/calls/{id}/recording" => calls::recording),
    route!(GET "/calls/{id}/waveform" => calls::waveform),
    route!(GET "/calls/{id}/disputes/new" => dispute_form::new),
    route!(POST "/calls/{id}/disputes" => dispute_form::create),
    route!(POST "/calls/{id}/uploads" => dispute_form::keep_upload),
    route!(POST "/calls/{id}/uploads/{file}/delete" => dispute_form::forget_upload),
    route!(POST "/disputes/{id}" => dispute_form::update),
    route!(POST "/disputes/{id}/evidence" => evidence::create),
    route!(GET "/disputes/{id}/evidence/{eid}" => evidence::show),
    route!(POST "/disputes/{id}/evidence/{eid}/delete" => evidence::destroy),
    route!(GET "/healthz" => health::alive),
    route!(GET "/readyz" => health::ready),
    route!(GET "/metrics" => metrics::show),
    route!(GET "/static/{file}" => assets::show),
    route!(GET "/disputes" => disputes::index),
    route!(GET "/disputes.csv" => disputes::export),
    route!(GET "/disputes/{id}" => disputes::show),
    route!(POST "/disputes/{id}/withdrawal" => disputes::withdraw),
    route!(POST "/disputes/{id}/discard" => disputes::discard),
    route!(POST "/disputes/{id}/decision" => disputes::decide),
    route!(POST "/disputes/{id}/reopening" => disputes::reopen),
    route!(POST "/disputes/{id}/messages" => messages::create),
    route!(GET "/review" => disputes::review::index),
    route!(GET "/review/{id}" => disputes::review::show),
    route!(POST "/review/{id}" => disputes::review::decide),
    route!(POST "/disputes/{id}/assignment" => disputes::assign),
    route!(POST "/disputes/{id}/presence" => disputes::announce),
    route!(GET "/views" => views::index),
    route!(POST "/views" => views::create),
    route!(POST "/views/{id}" => views::update),
    route!(POST "/views/{id}/default" => views::open_first),
    route!(POST "/views/{id}/delete" => views::destroy),
    route!(GET "/notes" => notes::index),
    route!(POST "/notes" => notes::save),
    route!(POST "/notes/{id}/delete" => notes::destroy),
    route!(POST "/selections" => disputes::bulk::select),
    route!(GET "/selections/{id}" => disputes::bulk::confirm),
    route!(POST "/decisions" => disputes::bulk::decide),
    route!(GET "/decisions/{id}" => disputes::bulk::result),
    route!(GET "/pending-count" => pending_count::show),
    route!(GET "/events" => events::stream),
    route!(GET "/notifications" => notifications::index),
    route!(POST "/notifications/read" => notifications::read),
    route!(GET "/settings" => settings::index),
    route!(GET "/settings/users" => settings::users::index),
    route!(POST "/settings/users" => settings::users::create),
    route!(GET "/settings/users/new" => settings::users::new),
    route!(GET "/settings/users/{id}" => settings::users::show),
    route!(POST "/settings/users/{id}" => settings::users::update),
    route!(GET "/settings/buyers" => settings::buyers::index),
    route!(POST "/settings/buyers" => settings::buyers::create),
    route!(GET "/settings/buyers/new" => settings::buyers::new),
    route!(GET "/settings/buyers/{id}" => settings::buyers::show),
    route!(POST "/settings/buyers/{id}" => settings::buyers::update),
    route!(POST "/settings/buyers/{id}/aliases" => settings::buyers::link_alias),
    route!(GET "/settings/policy" => settings::policy::show),
    route!(POST "/settings/policy" => settings::policy::update),
    route!(GET "/settings/webhooks" => settings::webhooks::index),
    route!(POST "/settings/webhooks" => settings::webhooks::create),
    route!(GET "/settings/webhooks/{id}" => settings::webhooks::show),
    route!(POST "/settings/webhooks/{id}" => settings::webhooks::update),
    route!(POST "/settings/webhooks/{id}/action" => settings::webhooks::act),
    route!(POST "/settings/webhooks/{id}/deliveries/{delivery}" => settings::webhooks::resend),
    route!(GET "/imports" => imports::index),
    route!(POST "/imports" => imports::create),
    route!(GET "/imports/{id}" => imports::show),
    route!(POST "/imports/{id}" => imports::update),
    route!(POST "/imports/{id}/intake" => imports::start),
    route!(POST "/imports/{id}/discard" => imports::discard),
    route!(GET "/imports/{id}/errors" => imports::errors),
    route!(GET "/audit" => audit::index),
    route!(GET "/audit.csv" => audit::csv),
    route!(GET "/audit.jsonl" => audit::lines),
    route!(GET "/reports" => reports::index),
    route!(GET "/reports.csv" => reports::csv),
    route!(GET "/help" => help::index),
    route!(GET "/help/{guide}" => help::show),
    route!(GET "/help/img/{file}" => help::image),
    route!(GET "/api/v1/disputes" => api::disputes::index),
    route!(POST "/api/v1/disputes" => api::disputes::create),
    route!(GET "/api/v1/disputes/{id}" => api::disputes::show),
    route!(POST "/api/v1/disputes/{id}" => api::disputes::update),
    route!(POST "/api/v1/disputes/{id}/evidence" => api::evidence::create),
    route!(GET "/api/v1/disputes/{id}/evidence/{eid}" => api::evidence::show),
    route!(DELETE "/api/v1/disputes/{id}/evidence/{eid}" => api::evidence::destroy),
    route!(POST "/api/v1/disputes/{id}/reply" => api::settling::reply),
    route!(PUT "/api/v1/disputes/{id}/resolve" => api::settling::resolve),
    route!(POST "/api/v1/disputes/{id}/close" => api::settling::close),
    route!(GET "/api/v1/calls" => api::calls::index),
    route!(POST "/api/v1/calls" => api::intake::create),
    route!(GET "/api/v1/calls/{id}" => api::calls::show),
    route!(GET "/api/v1/audit-logs" => api::audit_logs::index),
    route!(GET "/api/v1/openapi.json" => api::docs::openapi),
    route!(GET "/api/v1/docs" => api::docs::show),
];

/// What is served to anybody alike, so that no session is looked up for it: it answers while the database is away.
const FOR_ANYBODY: [&str; 3] = ["/healthz", "/readyz", "/static/{file}"];

/// Where the JSON API lies.
const API: &str = "/api/v1";

/// What is served to tokens alone, beside the JSON API.
pub(crate) const METRICS: &str = "/metrics";

/// Whether a line is for programs, which have tokens and no sessions.
fn is_for_programs(route: &Route) -> bool {
    route.path.starts_with(API) || route.path == METRICS
}

/// Registers the table but for what needs no session, and a 404 of ours for everything else.
pub fn register(services: &mut web::ServiceConfig) {
    let pages = ROUTES.iter().filter(|route| !FOR_ANYBODY.contains(&route.path) && !is_for_programs(route));
    register_all(services, pages);
    services.default_service(web::route().to(no_page));
}

/// Registers what needs no session.
pub(crate) fn register_for_anybody(services: &mut web::ServiceConfig) {
    register_all(services, ROUTES.iter().filter(|route| FOR_ANYBODY.contains(&route.path)));
}

/// Registers the JSON API, in its own scope.
pub(crate) fn register_api(services: &mut web::ServiceConfig) {
    register_all(services, ROUTES.iter().filter(|route| route.path.starts_with(API)));
    services.default_service(web::route().to(nowhere));
}

/// Registers the figures, in a scope of this path.
pub(crate) fn register_metrics(services: &mut web::ServiceConfig) {
    register_all(services, ROUTES.iter().filter(|route| route.path == METRICS));
    services.default_service(web::route().to(nowhere));
}

/// Registers some routes; lines with the same path share a resource.
pub(crate) fn register_all(services: &mut web::ServiceConfig, routes: impl Iterator<Item = &'static Route> + Clone) {
    for (at, first) in routes.clone().enumerate() {
        if routes.clone().take(at).any(|earlier| earlier.path == first.path) {
            continue;
        }
        let same_path = || routes.clone().filter(|route| route.path == first.path);
        let path = [API, METRICS].iter().find_map(|scope| first.path.strip_prefix(scope)).unwrap_or(first.path);
        let resource = same_path().fold(web::resource(path), |resource, route| resource.route(route.guarded()));
        let allow = same_path().map(Route::allowed).collect::<Vec<_>>().join(", ");
        services.service(resource.default_service(web::route().to(move || refuse_method(allow.clone()))));
    }
}

impl Route {
    fn guarded(&self) -> Handler {
        let handler = (self.handler)();
        match self.method {
            "GET" => handler.guard(guard::Any(guard::Get()).or(guard::Head())),
            "PUT" => handler.guard(guard::Put()),
            "DELETE" => handler.guard(guard::Delete()),
            _ => handler.guard(guard::Post()),
        }
    }

    fn allowed(&self) -> &'static str {
        if self.method == "GET" { "GET, HEAD" } else { self.method }
    }
}

fn refuse_method(allow: String) -> Ready<HttpResponse> {
    // `error_pages` gives it a body and keeps the header.
    ready(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allow)).finish())
}

async fn nowhere() -> Result<HttpResponse, AppError> {
    Err(AppError::NotFound)
}

/// Who is signed in keeps the menu, also at an address that isn't one.
async fn no_page(_viewer: Option<Viewer>) -> Result<HttpResponse, AppError> {
    nowhere().await
}

/// GET `/`: the Call Log is the front page.
async fn root() -> HttpResponse {
    see_other(paths::calls())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_session_is_in_the_table() {
        for path in FOR_ANYBODY {
            assert!(ROUTES.iter().any(|route| route.path == path), "{path}");
        }
    }

    #[test]
    fn no_line_stands_twice_and_every_method_is_known() {
        for (at, route) in ROUTES.iter().enumerate() {
            assert!(["GET", "POST", "PUT", "DELETE"].contains(&route.method), "{} {}", route.method, route.path);
            let twice =
                ROUTES.iter().skip(at + 1).any(|other| (other.method, other.path) == (route.method, route.path));
            assert!(!twice, "{} {}", route.method, route.path);
        }
    }
}
