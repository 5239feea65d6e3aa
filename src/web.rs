//! The actix side: everything between a socket and the domain. Depends on `auth`, `db` and `domain`; none of them on this.

pub mod chrome;
pub mod client;
pub mod error;
pub mod error_pages;
pub mod filters;
pub mod form;
pub mod health;
pub mod help;
pub mod htmx;
pub mod notice;
pub mod page;
pub mod path;
pub mod paths;
pub mod routes;
pub mod same_origin;
pub mod security_headers;
pub mod sessions;
pub mod setup;
pub mod slow_body;
mod tries;

pub use error::AppError;
pub use path::Path;
