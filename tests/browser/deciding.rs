//! A manager decides: with script the figures follow what is typed and the list goes on; without, the same by forms.

use fairdial::auth::{EditDisputes, Granted};
use fairdial::db::bulk_jobs::{self, Plan, StartError};
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::DisputeId;
use thirtyfour::Key;

use crate::shared::app::TestApp;
use crate::shared::people::{PASSWORD, Person};
use crate::shared::story::{self, NewCall};
use crate::support::browser::{Browser, View};

/// Three Pending disputes of one buyer, newest last, and a manager who is signed in.
async fn world(view: View) -> (TestApp, Browser, [DisputeId; 3]) {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    app.viewer(Person::manager("dana"));
    let ids = [(); 3].map(|()| {
        let call = NewCall::ordinary(&buyer, app.clock().now()).add(app.db());
        app.clock().advance(chrono::Duration::seconds(1));
        story::dispute(app.db(), app.clock(), &buyer, call, fairdial::domain::claim::Intent::Send).expect("it is sent")
    });
    let browser = Browser::start(view).await;
    browser.open(&format!("{}/disputes?status=pending", app.origin())).await;
    browser.fill("email", "dana@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("#disputes-table").await;
    (app, browser, ids)
}

async fn choose(browser: &Browser, verdict: &str) {
    let label = format!(".verdicts label[data-status={verdict}]");
    browser.click(&label).await;
}

/// The button says the verdict that is chosen.
async fn send(browser: &Browser) {
    browser.says("#decide .foot .main", "Accept Partial").await;
    browser.click("#decide .foot .main").await;
}

#[actix_web::test]
async fn a_manager_decides_partially_and_goes_on() {
    let (app, browser, ids) = world(View { width: 1440, height: 900, ..View::default() }).await;
    let middle = format!("#row-{} a.hit", ids[1]);
    browser.click(&middle).await;
    browser.find("#details-panel #decide").await;
    browser.wait_until("return document.activeElement.id === 'panel-h'").await;
    browser.assert_accessible().await;
    choose(&browser, "accepted_partial").await;
    browser.fill("credit", "21").await;
    let figures = "return [document.querySelector('[data-remains]').textContent, \
        document.querySelector('[data-publisher-remains]').textContent, document.querySelector('#clawback').value].join(' ')";
    browser.gives(figures, "$21.00 $12.50 12.50").await;
    browser.fill("note", "Half of it: the caller spoke for a minute.").await;
    browser.assert_accessible().await;
    browser.screenshot("manager-decide-light").await;
    browser.set_media(true, false).await;
    browser.screenshot("manager-decide-dark").await;
    browser.set_media(false, false).await;
    browser.resize(320, 640).await;
    assert!(!browser.scrolls_sideways().await);
    browser.screenshot("manager-decide-320").await;
    browser.resize(1440, 900).await;

    // Too much is told at the field, and all that was typed is kept.
    browser.fill("credit", "42").await;
    send(&browser).await;
    browser.find("#details-panel .summary").await;
    browser.assert_accessible().await;
    browser.screenshot("manager-decide-refused").await;
    browser.fill("credit", "21.01").await;
    browser.gives(figures, "$20.99 $12.49 12.51").await;
    send(&browser).await;
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    browser.wait_until("return document.getElementById('pending-count').textContent.trim() === '2'").await;
    browser.gives("return document.getElementById('view-pending').textContent", "2").await;
    let gone = format!("return !document.querySelector('#row-{}')", ids[1]);
    browser.wait_until(&gone).await;
    let focused = format!("return document.activeElement.closest('tr')?.dataset.id === '{}'", ids[0]);
    browser.wait_until(&focused).await;
    browser.is_at("/disputes?").await;
    browser.keys(Key::Enter).await;
    browser.find("#details-panel #decide").await;
    assert_eq!(browser.console().await.into_iter().filter(|line| !line.contains("422")).count(), 0);

    browser.open(&format!("{}/disputes/{}", app.origin(), ids[1])).await;
    browser.assert_accessible().await;
    browser.screenshot("manager-decided-whole").await;
    browser.open(&format!("{}/disputes/{}", app.origin(), ids[0])).await;
    browser.assert_accessible().await;
    browser.screenshot("manager-decide-whole").await;
}

#[actix_web::test]
async fn a_list_is_worked_by_keys() {
    let (_app, browser, [first, middle, last]) = world(View { width: 1440, height: 900, ..View::default() }).await;
    let here = |id: DisputeId| format!("return document.activeElement.closest('tr')?.dataset.id === '{id}'");
    browser.keys("jj").await;
    browser.wait_until(&here(middle)).await;
    browser.keys("x").await;
    let picked = "return document.querySelectorAll('.pick input[name=dispute]:checked').length";
    browser.gives(picked, 1).await;
    browser.keys("xj").await;
    browser.wait_until(&here(first)).await;
    browser.gives(picked, 0).await;
    browser.keys("k").await;
    browser.keys("o").await;
    browser.wait_until(&format!("return location.pathname === '/disputes/{middle}'")).await;
    browser.find("#details-panel #decide").await;
    browser.keys("j").await;
    browser.wait_until(&format!("return location.pathname === '/disputes/{first}'")).await;
    browser.keys("k").await;
    browser.wait_until(&format!("return location.pathname === '/disputes/{middle}'")).await;
    browser.keys("p").await;
    browser.wait_until("return document.activeElement.id === 'credit'").await;
    browser.keys("jx").await;
    browser.gives("return document.activeElement.value", "jx").await;
    browser.keys(Key::Escape).await;
    browser.keys(Key::Escape).await;
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    browser.wait_until(&here(middle)).await;
    browser.keys("k").await;
    browser.wait_until(&here(last)).await;
    browser.keys("r").await;
    browser.wait_until("return document.activeElement.id === 'note'").await;
    let chosen = "return document.querySelector('#decide [name=verdict]:checked').value";
    browser.gives(chosen, "rejected").await;
    browser.keys(Key::Escape).await;
    browser.keys("?").await;
    browser.find("#keys:popover-open").await;
    browser.assert_accessible().await;
    browser.screenshot("list-keys").await;
    browser.keys("j").await;
    browser.keys(Key::Escape).await;
    browser.wait_until("return !document.querySelector('#keys:popover-open')").await;
    browser.find("#details-panel #decide").await;
    browser.is_at(&last.to_string()).await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[actix_web::test]
async fn escape_leaves_what_is_typed_and_then_the_panel() {
    let (_app, browser, [id, ..]) = world(View { width: 1440, height: 900, ..View::default() }).await;
    browser.click(&format!("#row-{id} a.hit")).await;
    browser.find("#details-panel #decide").await;
    choose(&browser, "rejected").await;
    browser.fill("note", "We listened to it").await;
    browser.keys(Key::Escape).await;
    browser.gives("return document.querySelector('#details-panel #decide textarea')?.value", "We listened to it").await;
    browser.wait_until("return document.activeElement.id !== 'note'").await;
    browser.keys(Key::Escape).await;
    browser.wait_until("return !document.querySelector('#details-panel')").await;
}

#[actix_web::test]
async fn the_same_without_scripts() {
    let (app, browser, ids) = world(View { javascript: false, ..View::default() }).await;
    browser.click(&format!("#row-{} .row-act a", ids[2])).await;
    choose(&browser, "accepted_partial").await;
    browser.fill("credit", "50").await;
    browser.fill("note", "Half of it.").await;
    send(&browser).await;
    browser.is_titled("Error: Dispute of").await;
    browser.assert_accessible().await;
    browser.says("#credit-p", "less than the payout").await;
    browser.fill("credit", "21").await;
    send(&browser).await;
    browser.is_at(&format!("#row-{}", ids[1])).await;
    browser.says("#flash", "The decision is recorded").await;
    browser.open(&format!("{}/disputes/{}", app.origin(), ids[2])).await;
    browser.says("#details-panel", "$21.00 of $42.00 credit").await;
    browser.click("#reopen summary").await;
    browser.fill("reason", "Too early").await;
    browser.press("Reopen").await;
    browser.says("#details-panel", "-$21.00").await;
}

#[actix_web::test]
async fn what_is_ticked_stays_so_from_page_to_page_of_the_same_filters() {
    let (app, browser, ids) = world(View { width: 1440, height: 900, ..View::default() }).await;
    let picked = "return [...document.querySelectorAll('#bulk [name=dispute], .pick [name=dispute]:checked')].length";
    let row = |id: DisputeId| format!("return document.querySelector('#row-{id}') !== null");
    browser.open(&format!("{}/disputes?status=pending&sort=submitted&per_page=2", app.origin())).await;
    browser.click(&format!("#row-{} .pick input", ids[0])).await;
    browser.click(".pager a[rel=next]").await;
    browser.wait_until(&row(ids[2])).await;
    browser.click(&format!("#row-{} .pick input", ids[2])).await;
    browser.says("#bulk [data-selected]", "1 selected on this page, 1 on others").await;
    browser.gives(picked, 2).await;
    browser.assert_accessible().await;
    browser.click(".pager a[rel=prev]").await;
    browser.wait_until(&row(ids[0])).await;
    browser.wait_until(&format!("return document.querySelector('#row-{} .pick input').checked", ids[0])).await;

    // Opening one and coming back changes nothing; other filters are another selection.
    browser.click(&format!("#row-{} a.hit", ids[1])).await;
    browser.find("#details-panel #decide").await;
    browser.keys(Key::Escape).await;
    browser.gives(picked, 2).await;
    browser.click("select[name=reason] option[value=caller_hung_up]").await;
    browser.press("Filter").await;
    browser.wait_until("return location.search.includes('reason=caller_hung_up')").await;
    browser.wait_until("return document.querySelectorAll('.pick [name=dispute]:checked').length === 0").await;
    browser.gives(picked, 0).await;

    browser.open(&format!("{}/disputes?status=pending&sort=submitted&per_page=2", app.origin())).await;
    browser.click(&format!("#row-{} .pick input", ids[0])).await;
    browser.click(".pager a[rel=next]").await;
    browser.wait_until(&row(ids[2])).await;
    browser.click(&format!("#row-{} .pick input", ids[2])).await;
    browser.press("Accept 2").await;
    browser.find(".confirm").await;
    browser.says("#totals", "$84.00").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[actix_web::test]
async fn a_manager_decides_what_is_ticked() {
    let (app, browser, ids) = world(View { width: 1440, height: 900, ..View::default() }).await;
    let origin = app.origin();
    browser.click("[data-pick-all]").await;
    browser.says("#bulk", "3 selected on this page").await;
    browser.click(&format!("#row-{} .pick input", ids[1])).await;
    browser.assert_accessible().await;
    browser.screenshot("manager-bulk-light").await;
    browser.resize(320, 640).await;
    assert!(!browser.scrolls_sideways().await);
    browser.screenshot("manager-bulk-320").await;
    browser.resize(1440, 900).await;
    browser.press("Accept 2").await;
    browser.find(".confirm").await;
    browser.says("#totals", "$84.00").await;
    browser.assert_accessible().await;
    browser.screenshot("manager-selection-light").await;
    browser.set_media(true, false).await;
    browser.assert_accessible().await;
    browser.screenshot("manager-selection-dark").await;
    browser.resize(320, 640).await;
    assert!(!browser.scrolls_sideways().await);
    browser.screenshot("manager-selection-320").await;
    browser.resize(1440, 900).await;
    browser.set_media(false, false).await;
    browser.press("Accept 2 disputes").await;
    browser.find("#decided").await;
    browser.says("#outcome", "2 decided, 0 skipped.").await;
    browser.assert_accessible().await;
    browser.screenshot("manager-bulk-result").await;
    for (page, name) in [("views", "manager-views"), ("notes", "manager-notes"), ("disputes", "manager-list")] {
        browser.open(&format!("{origin}/{page}")).await;
        browser.assert_accessible().await;
        browser.screenshot(name).await;
    }
    let path = stop_a_job(&app, ids[1]);
    browser.open(&format!("{origin}{path}")).await;
    browser.says("#stopped", "database or disk is full").await;
    browser.assert_accessible().await;
    browser.screenshot("manager-bulk-stopped").await;
    browser.resize(320, 640).await;
    assert!(!browser.scrolls_sideways().await);
    browser.screenshot("manager-bulk-stopped-320").await;
    browser.press("Continue").await;
    browser.find("#decided").await;
    browser.says("#outcome", "1 decided, 0 skipped.").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

/// A bulk decision of Dana's about one dispute that stopped before it; gives its page.
fn stop_a_job(app: &TestApp, id: DisputeId) -> String {
    let dana = Granted::<EditDisputes>::check(&app.viewer(Person::manager("dana"))).expect("Edit is held");
    let plan = Plan { verdict: Verdict::AcceptedPartial, credit_percent: Some(1250), note: "As agreed.".to_owned() };
    let now = app.clock().now();
    let job = app.db().write_blocking::<_, StartError>(|conn| {
        let rows = bulk_jobs::versions(conn, &dana, &[id])?;
        let job = bulk_jobs::select(conn, &dana, &rows, "", now)?;
        bulk_jobs::start(conn, &dana, job, &plan, now)?;
        bulk_jobs::stop(conn, job, "database or disk is full")?;
        Ok(job)
    });
    format!("/decisions/{}", job.expect("it is stopped"))
}
