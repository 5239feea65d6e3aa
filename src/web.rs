//! The actix side: everything between a socket and the domain. Depends on `auth`, `db` and `domain`; none of them on this.

pub mod account;
pub mod around;
pub mod calls;
pub mod chrome;
pub mod client;
pub mod csv;
pub mod dispute_form;
pub mod disputes;
pub mod error;
pub mod error_pages;
pub mod events;
pub mod evidence;
pub mod filters;
pub mod form;
pub mod health;
pub mod help;
pub mod htmx;
pub mod list_query;
pub mod messages;
pub mod notice;
pub mod notifications;
pub mod page;
pub mod path;
pub mod paths;
pub mod pending_count;
pub mod ranged_file;
pub mod routes;
pub mod same_origin;
pub mod security_headers;
pub mod sessions;
pub mod setup;
pub mod slow_body;
mod tries;
pub mod upload;

pub use error::AppError;
pub use path::Path;
