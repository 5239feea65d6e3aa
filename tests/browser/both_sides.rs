//! One dispute from both sides, each in a browser of its own: sent, heard, decided in part, followed; and to the cent the
//! same in every place where the money stands.

use std::process::Command;

use fairdial::demo::audio;
use fairdial::file_store::FileStore;
use thirtyfour::By;

use crate::review::record;
use crate::shared::actor::Actor;
use crate::shared::app::TestApp;
use crate::shared::people::{PASSWORD, Person};
use crate::shared::story::NewCall;
use crate::support::browser::{Browser, View};

/// $42.17, of which the publisher gets $25.33; $12.51 back is $7.51 of that (751.43 cents).
const PAYOUT: i64 = 4217;
const EARNED: i64 = 2533;

struct World {
    app: TestApp,
    has_scripts: bool,
    buyer: Browser,
    manager: Browser,
}

impl World {
    /// A call with a recording, and both sides signed in.
    async fn new(has_scripts: bool) -> Self {
        let app = TestApp::start().await;
        let viewer = app.viewer(Person::buyer("acme"));
        app.viewer(Person::manager("dana"));
        let call = NewCall {
            payout: Some(PAYOUT),
            publisher_payout: Some(EARNED),
            has_recording: true,
            ..NewCall::ordinary(&viewer, app.clock().now())
        };
        let call = call.add(app.db());
        let store = FileStore::open(&app.data_dir()).expect("the folder is there");
        record(&app, &store, call, &audio::synthesize(5, 20));
        let view = || View { width: 1440, height: 900, javascript: has_scripts, ..View::default() };
        let (buyer, manager) = (Browser::start(view()).await, Browser::start(view()).await);
        for (browser, email, page) in
            [(&buyer, "acme@example.com", "/calls"), (&manager, "dana@example.com", "/disputes")]
        {
            browser.open(&format!("{}{page}", app.origin())).await;
            browser.fill("email", email).await;
            browser.fill("password", PASSWORD).await;
            browser.press("Sign in").await;
            browser.find("#bell").await;
        }
        let world = Self { app, has_scripts, buyer, manager };
        world.stays(&world.manager).await;
        world
    }

    /// Marks the page: nothing of what follows may load it anew.
    async fn stays(&self, browser: &Browser) {
        if self.has_scripts {
            browser.evaluate("window.isTheSame = true").await;
        }
    }

    /// Waits until the page says so: by itself and without having been loaded anew, or without scripts at the next load.
    async fn shows(&self, browser: &Browser, script: &str) {
        if self.has_scripts {
            browser.wait_until(&format!("{script} && window.isTheSame === true")).await;
        } else {
            browser.driver().refresh().await.expect("it is loaded anew");
            browser.wait_until(script).await;
        }
    }

    async fn buyer_sends(&self) {
        let browser = &self.buyer;
        browser.press("Dispute Call").await;
        browser.click("select[name=reason] option[value=not_qualified]").await;
        browser.fill("additional_information", "He lives in another state.").await;
        browser.press("Send").await;
        browser.wait_until("return location.pathname.startsWith('/disputes/')").await;
        // The list with the dispute in it stays open while the manager works.
        browser.open(&format!("{}/disputes", self.app.origin())).await;
        self.stays(browser).await;
        browser.wait_until(&badge_is("1")).await;
        browser.says("#disputes-table tbody tr .badge", "Pending").await;
    }

    async fn manager_listens_and_decides(&self) {
        let browser = &self.manager;
        browser.click("#disputes-table tbody a.hit").await;
        browser.find("#details-panel audio").await;
        if self.has_scripts {
            browser.wait_until("return document.activeElement.id === 'panel-h'").await;
            browser.click("[data-play]").await;
            browser.wait_until("return document.querySelector('#details-panel audio').currentTime > 0.2").await;
            browser.click("[data-play]").await;
        } else {
            // The browser's own player.
            browser.evaluate("document.querySelector('#details-panel audio').muted = true").await;
            browser.evaluate("return document.querySelector('#details-panel audio').play()").await;
            browser.wait_until("return document.querySelector('#details-panel audio').currentTime > 0.2").await;
        }
        browser.click(".verdicts label[data-status=accepted_partial]").await;
        browser.fill("credit", "12.51").await;
        browser.fill("note", "He says so only at the end.").await;
        if self.has_scripts {
            let figures = "return [document.querySelector('[data-remains]').textContent, \
                document.querySelector('#clawback').value].join(' ')";
            browser.gives(figures, "$29.66 7.51").await;
        }
        browser.click("#decide .foot .main").await;
        self.shows(browser, &badge_is("")).await;
    }

    async fn buyer_follows(&self) {
        let browser = &self.buyer;
        let status = "document.querySelector('#disputes-table tbody .badge')?.textContent.trim()";
        self.shows(browser, &format!("return {status} === 'Accepted Partial'")).await;
        self.shows(browser, &badge_is("")).await;
        self.shows(browser, "return document.querySelector('#bell .count').textContent.trim() === '1'").await;
        browser.click("#bell").await;
        browser.wait_until("return location.pathname === '/notifications'").await;
        browser.says("main", "decided your dispute: Accepted Partial").await;
        browser.open(&format!("{}/disputes", self.app.origin())).await;
        browser.click("#disputes-table tbody a.hit").await;
        for told in ["$12.51 of $42.17 credit", "He says so only at the end."] {
            browser.says("#details-panel", told).await;
        }
        let panel = browser.text("#details-panel").await;
        assert!(!panel.contains("7.51") && !panel.contains("25.33"), "a buyer reads of the publisher: {panel}");
    }

    /// The decision as each place has it: to the cent the same.
    async fn money_agrees(&self) {
        let (acme, dana) = (self.app.buyer("acme").await, self.app.manager("dana").await);
        let id = dana.get("/disputes").await.page().row_ids("disputes-table").concat();
        for person in [&acme, &dana] {
            let row = csv_row(person, "/disputes.csv", "Dispute", &id).await;
            assert_eq!([&row["Status"], &row["Payout"], &row["Credit"]], ["Accepted Partial", "42.17", "12.51"]);
        }
        let panel = dana.get(&format!("/disputes/{id}")).await.page();
        assert_eq!(panel.texts("#adjustments tfoot td"), ["$12.51", "$7.51", "$12.51", "$7.51"]);
        let report = dana.get("/reports").await.page();
        let kpis = report.texts("#kpis dd");
        assert!(kpis[4].starts_with("$12.51") && kpis[5].starts_with("$7.51"), "{kpis:?}");
        for by in ["buyer", "reason", "manager", "week"] {
            let text = dana.get(&format!("/reports.csv?by={by}")).await.assert_ok().text().to_owned();
            assert!(text.trim_end().ends_with(",12.51,7.51"), "by {by}: {text}");
        }

        let decided = self.audit_entries("dispute.decided");
        assert_eq!(decided.len(), 1);
        let new = &decided[0]["new_values"];
        assert_eq!((new["credit"].as_i64(), new["clawback"].as_i64()), (Some(1251), Some(751)), "{}", decided[0]);
        assert_eq!((&new["currency"], decided[0]["dispute_id"].as_str()), (&"USD".into(), Some(id.as_str())));
    }

    /// What `fairdial audit export` prints of an action.
    fn audit_entries(&self, action: &str) -> Vec<serde_json::Value> {
        let run = |what: &str| {
            Command::new(env!("CARGO_BIN_EXE_fairdial"))
                .args(["audit", what, "--database-url", self.app.database().url(), "--data-dir"])
                .arg(self.app.data_dir())
                .output()
                .expect("the command runs")
        };
        assert!(run("verify").status.success(), "the chain is whole");
        let text = String::from_utf8(run("export").stdout).expect("UTF-8");
        let entries = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        entries.filter(|entry| entry["action"] == action).collect()
    }

    async fn walk(self) {
        self.buyer_sends().await;
        self.shows(&self.manager, &badge_is("1")).await;
        self.shows(&self.manager, "return document.querySelectorAll('#disputes-table tbody tr').length === 1").await;
        self.manager_listens_and_decides().await;
        self.buyer_follows().await;
        self.money_agrees().await;
        for browser in [&self.buyer, &self.manager] {
            assert_eq!(browser.console().await, Vec::<String>::new());
            assert!(browser.driver().find(By::Css("#bell")).await.is_ok());
        }
    }
}

/// The number on the badge; nothing while it is hidden.
fn badge_is(number: &str) -> String {
    let badge = "document.getElementById('pending-count')";
    format!("return ({badge}.hidden ? '' : {badge}.textContent.trim()) === '{number}'")
}

/// The row of a file that has this in a column, by the names of the columns.
async fn csv_row(person: &Actor, path: &str, column: &str, value: &str) -> std::collections::HashMap<String, String> {
    let file = person.get(path).await;
    let mut reader = csv::Reader::from_reader(file.assert_ok().text().as_bytes());
    let rows = reader.deserialize::<std::collections::HashMap<String, String>>();
    let mut found = rows.map(|row| row.expect("CSV")).filter(|row| row[column] == value);
    found.next().unwrap_or_else(|| panic!("{path} has no {column} {value}"))
}

#[actix_web::test]
async fn a_dispute_is_sent_heard_decided_and_followed_without_a_reload() {
    World::new(true).await.walk().await;
}

#[actix_web::test]
async fn the_same_with_reloads_and_without_scripts() {
    World::new(false).await.walk().await;
}
