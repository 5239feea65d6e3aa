//! The main job, as a buyer does it: calls come in from a platform's export, a bad one is found, disputed and followed.

use std::path::PathBuf;
use std::process::Command;

use thirtyfour::{By, Key};

use crate::shared::app::TestApp;
use crate::shared::database::Backend;
use crate::shared::people::{PASSWORD, Person};
use crate::support::browser::{Browser, View};

/// What a Ringba user downloads, with calls of the day before the tests' clock.
const EXPORT: &str = "\
Call Date,Campaign,Publisher,Caller ID,Dialed #,Duplicate,Hangup,Target,Target Number,Buyer,Revenue,Payout,Duration,Connected Call Length,Connected,Converted,Recording,Inbound Call ID
11/19/2026 11:08:40 AM,Final Expense,Alpha Media,+12145550142,+18005550111,No,Caller,Acme East,+12145550900,Acme Senior,$40.00,$25.00,00:01:31,00:01:12,Yes,Yes,,RGB0001
11/19/2026 11:30:02 AM,Final Expense,Alpha Media,+12145550177,+18005550111,No,Target,Acme East,+12145550900,Acme Senior,$40.00,$25.00,00:04:05,00:03:58,Yes,Yes,,RGB0002
11/19/2026 12:01:10 PM,Final Expense,Alpha Media,+13055550199,+18005550111,No,Caller,Acme West,+13055550900,Acme Senior,$0.00,$0.00,00:00:09,00:00:00,No,No,,RGB0003
";

const BUYER: Person = Person::Buyer { name: "maren", company: "Acme Senior", dispute_calls: true };

struct World {
    app: TestApp,
    browser: Browser,
    files: [PathBuf; 2],
}

impl World {
    async fn new(view: View) -> Self {
        assert_eq!(Backend::of_this_run(), Backend::Sqlite, "the browser's journeys run on the embedded database");
        let app = TestApp::start().await;
        let folder = app.data_dir();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).expect("the file is written");
            path
        };
        let export = write("ringba.csv", EXPORT.as_bytes());
        let files = [
            write("crm-note.txt", b"The caller was quoted on Wednesday already."),
            write("calls.csv", b"time,caller\n11:08,+12145550142\n"),
        ];
        let imported = Command::new(env!("CARGO_BIN_EXE_fairdial"))
            .args(["import", "calls", "--timezone", "America/New_York", "--database-url", app.database().url()])
            .arg("--data-dir")
            .arg(&folder)
            .arg(export)
            .output()
            .expect("the command runs");
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        app.viewer(BUYER);
        let browser = Browser::start(view).await;
        Self { app, browser, files }
    }

    async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.app.origin())).await;
    }

    async fn sign_in(&self) {
        self.open("/calls").await;
        self.browser.fill("email", "maren@example.com").await;
        self.browser.fill("password", PASSWORD).await;
        self.browser.press("Sign in").await;
        self.browser.find("#call-log").await;
    }

    /// The number on the badge as people see it; nothing while it is hidden.
    async fn badge_is(&self, number: &str) {
        let seen =
            "const e = document.getElementById('pending-count'); return e.checkVisibility() ? e.innerText.trim() : ''";
        self.browser.gives(seen, number).await;
    }

    async fn attach_both(&self) {
        let input = self.browser.find("input[type=file][name=evidence]").await;
        let paths = self.files.each_ref().map(|path| path.to_str().expect("UTF-8").to_owned()).join("\n");
        input.send_keys(paths).await.expect("the files are chosen");
    }

    async fn choose_reason(&self, code: &str) {
        self.browser.click(&format!("select[name=reason] option[value={code}]")).await;
    }

    async fn row_is(&self, status: &str) {
        let shown = "return document.querySelector('#disputes-table tbody tr .badge').innerText.trim()";
        self.browser.gives(shown, status).await;
    }
}

#[actix_web::test]
async fn a_buyer_disputes_a_call_and_follows_it() {
    let world = World::new(View { width: 1440, height: 900, ..View::default() }).await;
    let browser = &world.browser;
    world.sign_in().await;
    world.badge_is("").await;

    // Search narrows the log to the one call.
    browser.fill("q", "5550142").await;
    browser.keys(Key::Enter).await;
    browser.wait_until("return document.querySelectorAll('#call-log tbody tr').length === 1").await;
    browser.is_at("q=5550142").await;

    // The form lies over the log; both files go up at once and are kept.
    browser.press("Dispute Call").await;
    browser.find("#details-panel form").await;
    browser.is_on("#panel-h").await;
    browser.assert_accessible().await;
    world.choose_reason("duplicate_call").await;
    browser.fill("fact[duplicate_explanation]", "The same caller asked for the same quote on Wednesday.").await;
    browser.fill("additional_information", "She says so in the first ten seconds.").await;
    world.attach_both().await;
    browser.wait_until("return document.querySelectorAll('input[name=kept_evidence]').length === 2").await;
    browser.screenshot("journey-form").await;
    browser.press("Send").await;

    // Sent: the panel shows it, the badge counts it, without a reload.
    browser.wait_until("return location.pathname.startsWith('/disputes/')").await;
    browser.wait_until("return document.getElementById('pending-count').textContent.trim() === '1'").await;
    browser.says("#details-panel", "calls.csv").await;
    let own = browser.url().await;

    // It stands on the Disputes page, and its panel has an address of its own.
    world.open("/disputes").await;
    world.row_is("Pending").await;
    browser.click("#disputes-table tbody a.hit").await;
    browser.wait_until("return location.pathname.startsWith('/disputes/')").await;
    browser.wait_until("return document.activeElement.id === 'panel-h'").await;
    assert!(browser.has("#disputes-table").await, "the list stays behind the panel");
    browser.assert_accessible().await;
    browser.screenshot("journey-panel").await;
    browser.driver().back().await.expect("Back works");
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    browser.gives("return location.pathname", "/disputes").await;
    browser.driver().forward().await.expect("Forward works");
    browser.find("#details-panel").await;
    browser.driver().refresh().await.expect("reload works");
    browser.says("#details-panel", "Duplicate call").await;
    assert!(own.starts_with(world.app.origin()));

    // Esc closes it and the focus is back in the table.
    world.open("/disputes").await;
    browser.click("#disputes-table tbody a.hit").await;
    browser.find("#details-panel").await;
    browser.wait_until("return document.activeElement.id === 'panel-h'").await;
    browser.keys(Key::Escape).await;
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    browser.wait_until("return document.activeElement.closest('#disputes-table') !== null").await;

    // Withdrawn: the badge is gone and the call can be disputed again.
    browser.click("#disputes-table tbody a.hit").await;
    browser.press("Withdraw").await;
    browser
        .wait_until("return document.querySelector('#disputes-table .badge').textContent.trim() === 'Withdrawn'")
        .await;
    browser.wait_until("return document.getElementById('pending-count').hidden").await;
    world.open("/calls?q=5550142").await;
    browser.find("a[href$='/disputes/new']").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[actix_web::test]
async fn the_same_without_scripts() {
    let world = World::new(View { javascript: false, ..View::default() }).await;
    let browser = &world.browser;
    world.sign_in().await;
    browser.fill("q", "5550142").await;
    browser.press("Filter").await;
    browser.is_at("q=5550142").await;
    browser.press("Dispute Call").await;

    // Without a reason the form comes back with what was typed, and the files are kept.
    browser.fill("additional_information", "She says so in the first ten seconds.").await;
    world.attach_both().await;
    browser.press("Send").await;
    browser.is_titled("Error:").await;
    browser.gives("return document.querySelectorAll('input[name=kept_evidence]').length", 2).await;
    browser.assert_accessible().await;
    world.choose_reason("duplicate_call").await;
    browser.press("Send").await;

    browser.is_at("/disputes/").await;
    for expected in ["Pending", "Duplicate call", "She says so", "crm-note.txt", "calls.csv"] {
        browser.says("#details-panel", expected).await;
    }
    world.badge_is("1").await;

    world.open("/disputes").await;
    world.row_is("Pending").await;
    browser.press("Show Details").await;
    browser.fill("body", "Please listen from 0:10 on.").await;
    browser.press("Send message").await;
    browser.says("#details-panel", "Please listen from 0:10 on.").await;
    browser.press("Withdraw").await;
    browser.says("#details-panel", "Withdrawn").await;
    world.badge_is("").await;
    assert!(browser.driver().find(By::Id("pending-count")).await.is_ok(), "the element is always there");
}
