//! What managers work with besides the list: bulk decisions in each state, views and notes; and what comes with a swap.
//! In each look: no axe violation, nothing that scrolls sideways, and a picture.

use fairdial::auth::{EditDisputes, Granted, Origin, Viewer};
use fairdial::db::bulk_jobs::{self, Plan, StartError};
use fairdial::db::paging::Place;
use fairdial::db::{canned_notes, dispute_list, users};
use fairdial::domain::decision::Verdict;
use fairdial::domain::dispute::Status;

use crate::pages::{MANAGER, demo, sign_in};
use crate::shared::app::TestApp;
use crate::support::browser::{Browser, View};

const LOOKS: [(u32, u32, bool); 4] = [(1440, 900, false), (1440, 900, true), (320, 640, false), (320, 640, true)];

/// Jobs of the demo's manager: selected, running and stopped; and a canned note.
fn prepare(app: &TestApp) -> [(&'static str, String); 3] {
    let now = app.clock().now();
    let made = app.db().write_blocking::<_, StartError>(|conn| {
        let row = users::find_by_email(conn, MANAGER)?.expect("the demo has this user");
        let viewer = Viewer::from_row(&row, Origin::command()).expect("not disabled");
        let grant = Granted::<EditDisputes>::check(&viewer).expect("Edit is held");
        let title = "A title of sixty letters, longer than a telephone is wide...";
        canned_notes::add(conn, &grant, (title, "We listened to {caller_id}.\nIt is as you say."), now)?;
        let filter = dispute_list::DisputeFilter { statuses: vec![Status::Pending], ..Default::default() };
        let place = (Place::First, 6);
        let rows = dispute_list::page(conn, viewer.scope(), &filter, dispute_list::DEFAULT_SORT, place)?.rows;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let rows = bulk_jobs::versions(conn, &grant, &ids)?;
        let plan = Plan { verdict: Verdict::AcceptedPartial, credit_percent: Some(5000), note: "As agreed.".into() };
        let mut select = || bulk_jobs::select(conn, &grant, &rows, "?status=pending", now);
        let [selected, running, stopped] = [select()?, select()?, select()?];
        for job in [running, stopped] {
            bulk_jobs::start(conn, &grant, job, &plan, now)?;
        }
        bulk_jobs::stop(conn, stopped, "database or disk is full")?;
        Ok([
            ("selection", format!("/selections/{selected}?verdict=rejected")),
            ("bulk-running", format!("/decisions/{running}")),
            ("bulk-stopped", format!("/decisions/{stopped}")),
        ])
    });
    made.expect("the jobs are there")
}

/// What is wrong with the page as it is now.
async fn problems(browser: &Browser, picture: &str) -> Vec<String> {
    let mut found = Vec::new();
    for violation in browser.axe().await {
        let nodes: Vec<_> = violation.nodes.iter().map(|node| node.html.clone()).collect();
        found.push(format!("{picture}: {} {nodes:?}", violation.id));
    }
    if browser.scrolls_sideways().await {
        found.push(format!("{picture}: scrolls sideways"));
    }
    browser.screenshot(picture).await;
    found
}

#[actix_web::test]
async fn bulk_decisions_views_and_notes_can_be_used_by_everybody() {
    let app = demo().await;
    let browser = Browser::start(View { width: 1440, height: 900, ..View::default() }).await;
    sign_in(&app, &browser, MANAGER).await;
    // Not before: the start of the server takes up what it finds running.
    let jobs = prepare(&app);
    browser.open(&format!("{}/disputes?status=pending", app.origin())).await;
    browser.press("Save view").await;
    browser.fill("name", "What waits longest, of all the buyers of the whole network").await;
    browser.click("#save-view .btn").await;
    browser.find("#flash").await;
    let mut stops: Vec<_> = jobs.into_iter().collect();
    stops.extend([("views", "/views".into()), ("notes", "/notes".into()), ("disputes", "/disputes".into())]);
    let mut found = Vec::new();
    for (width, height, dark) in LOOKS {
        browser.resize(width, height).await;
        browser.set_media(dark, false).await;
        for (name, path) in &stops {
            browser.open(&format!("{}{path}", app.origin())).await;
            let picture = format!("manager-{name}-{width}-{}", if dark { "dark" } else { "light" });
            found.extend(problems(&browser, &picture).await);
        }
    }
    found.extend(browser.console().await);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[actix_web::test]
async fn what_comes_with_a_swap_or_opens_can_be_used_by_everybody() {
    let app = demo().await;
    let browser = Browser::start(View { width: 1440, height: 900, ..View::default() }).await;
    sign_in(&app, &browser, MANAGER).await;
    prepare(&app);
    let mut found = Vec::new();
    for (width, height, dark) in LOOKS {
        let look = format!("{width}-{}", if dark { "dark" } else { "light" });
        browser.resize(width, height).await;
        browser.set_media(dark, false).await;
        browser.open(&format!("{}/disputes?status=pending&reason=other&from=2026-01-01", app.origin())).await;
        for menu in ["columns", "save-view"] {
            let button = format!("[popovertarget={menu}]");
            browser.click(&button).await;
            found.extend(problems(&browser, &format!("manager-open-{menu}-{look}")).await);
            browser.click(&button).await;
        }
        browser.open(&format!("{}/disputes?status=pending", app.origin())).await;
        browser.click("#disputes-table tbody a.hit").await;
        browser.find("#details-panel #decide").await;
        found.extend(problems(&browser, &format!("manager-panel-{look}")).await);
        browser.click("[popovertarget=canned]").await;
        found.extend(problems(&browser, &format!("manager-canned-{look}")).await);
        browser.click("[popovertarget=canned]").await;
        browser.click(".verdicts label[data-status=accepted_partial]").await;
        browser.fill("credit", "999999").await;
        browser.click("#decide .foot .main").await;
        browser.find("#details-panel .summary").await;
        found.extend(problems(&browser, &format!("manager-decide-error-{look}")).await);
    }
    // The refused decisions are told by the console too.
    found.extend(browser.console().await.into_iter().filter(|line| !line.contains("422")));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
