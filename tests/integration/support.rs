//! What tests share: the app under test, people, databases, pages.
//!
//! The paths are spelt out so that `tests/browser` can include this file too.

#[path = "support/actor.rs"]
pub(crate) mod actor;
#[path = "support/app.rs"]
pub(crate) mod app;
#[path = "support/cli.rs"]
pub(crate) mod cli;
#[path = "support/database.rs"]
pub(crate) mod database;
#[path = "support/helper_process.rs"]
pub(crate) mod helper_process;
#[path = "support/hostile.rs"]
pub(crate) mod hostile;
#[path = "support/outline.rs"]
pub(crate) mod outline;
#[path = "support/page.rs"]
pub(crate) mod page;
#[path = "support/people.rs"]
pub(crate) mod people;
#[path = "support/postgres.rs"]
pub(crate) mod postgres;
#[path = "support/response.rs"]
pub(crate) mod response;
#[path = "support/story.rs"]
pub(crate) mod story;
