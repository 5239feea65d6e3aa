//! What browser journeys share.

#[path = "support/axe.rs"]
pub(crate) mod axe;
#[path = "support/browser.rs"]
pub(crate) mod browser;
#[path = "support/driver.rs"]
pub(crate) mod driver;
