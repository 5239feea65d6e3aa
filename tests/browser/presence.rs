//! Two managers at one dispute, each in a browser of their own: each sees the other come, write and leave, live.

use fairdial::domain::claim::Intent;
use fairdial::domain::ids::DisputeId;

use crate::shared::app::TestApp;
use crate::shared::people::{PASSWORD, Person};
use crate::shared::story::{self, NewCall};
use crate::support::browser::{Browser, View};

/// One Pending dispute, and two managers who are signed in at the list.
async fn world(has_scripts: bool) -> (TestApp, [Browser; 2], DisputeId) {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    let call = NewCall::ordinary(&buyer, app.clock().now()).add(app.db());
    let id = story::dispute(app.db(), app.clock(), &buyer, call, Intent::Send).expect("it is sent");
    let view = || View { width: 1440, height: 900, javascript: has_scripts, ..View::default() };
    let browsers = [Browser::start(view()).await, Browser::start(view()).await];
    for (browser, name) in browsers.iter().zip(["dana", "petra"]) {
        app.viewer(Person::manager(name));
        browser.open(&format!("{}/disputes", app.origin())).await;
        browser.fill("email", &format!("{name}@example.com")).await;
        browser.fill("password", PASSWORD).await;
        browser.press("Sign in").await;
        browser.find("#disputes-table").await;
        browser.evaluate("window.isTheSame = true").await;
    }
    (app, browsers, id)
}

/// Waits until the page says so of the others, without having been loaded anew.
async fn shows(browser: &Browser, place: &str, words: &str) {
    let said = format!("document.querySelector('{place} [data-others]')?.textContent.trim()");
    browser.wait_until(&format!("return {said} === '{words}' && window.isTheSame === true")).await;
}

#[actix_web::test]
async fn managers_see_each_other_come_write_and_leave() {
    let (app, [dana, petra], id) = world(true).await;
    let row = format!("#row-{id}");
    petra.click(&format!("{row} a.hit")).await;
    petra.find("#details-panel #decide").await;
    shows(&dana, &row, "PViewing (petra)").await;
    dana.assert_accessible().await;
    dana.click(&format!("{row} a.hit")).await;
    shows(&dana, "#details-panel", "Ppetra is viewing").await;
    shows(&petra, "#details-panel", "Ddana is viewing").await;

    petra.fill("note", "It rang for a minute.").await;
    shows(&dana, "#details-panel", "Ppetra is writing a decision").await;
    shows(&dana, &row, "PDeciding (petra)").await;
    dana.assert_accessible().await;
    dana.screenshot("presence-panel-light").await;
    dana.set_media(true, false).await;
    dana.assert_accessible().await;
    dana.screenshot("presence-panel-dark").await;
    dana.resize(320, 640).await;
    assert!(!dana.scrolls_sideways().await);
    dana.screenshot("presence-panel-320").await;
    dana.click("#details-panel a[aria-label=Close]").await;
    for (name, width, height, dark) in [
        ("320-dark", 320, 640, true),
        ("320-light", 320, 640, false),
        ("768-light", 768, 1024, false),
        ("1440-light", 1440, 900, false),
        ("1440-dark", 1440, 900, true),
    ] {
        dana.resize(width, height).await;
        dana.set_media(dark, false).await;
        dana.assert_accessible().await;
        assert!(!dana.scrolls_sideways().await, "{name}");
        dana.screenshot(&format!("presence-list-{name}")).await;
    }
    shows(&petra, "#details-panel", "").await;

    // Closing the panel, and leaving the page, are both told.
    petra.click("#details-panel a[aria-label=Close]").await;
    shows(&dana, &row, "").await;
    petra.open(&format!("{}/review/{id}", app.origin())).await;
    shows(&dana, &row, "PViewing (petra)").await;
    petra.keys("r").await;
    shows(&dana, &row, "PDeciding (petra)").await;
    petra.open(&format!("{}/calls", app.origin())).await;
    shows(&dana, &row, "").await;
    for browser in [&dana, &petra] {
        assert_eq!(browser.console().await, Vec::<String>::new());
    }
}

#[actix_web::test]
async fn without_scripts_nothing_is_announced_and_nothing_breaks() {
    let (app, [dana, petra], id) = world(false).await;
    petra.open(&format!("{}/disputes/{id}", app.origin())).await;
    petra.find("#decide").await;
    dana.driver().refresh().await.expect("it is loaded anew");
    dana.gives("return document.querySelector('[data-others]').textContent", "").await;
    petra.click(".verdicts label[data-status=rejected]").await;
    petra.click("#decide .foot .main").await;
    petra.find("#flash").await;
}
