//! The review queue: fifty disputes are decided by keyboard alone; the same by links and forms without scripts.

use std::path::Path;

use diesel::prelude::*;
use fairdial::auth::{DisputeCalls, Granted};
use fairdial::db::sending::{self, Files};
use fairdial::db::{DbError, schema, users};
use fairdial::demo::audio;
use fairdial::domain::claim::{Claim, Intent};
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::{CallId, DisputeId};
use fairdial::file_store::FileStore;
use thirtyfour::Key;

use crate::shared::app::TestApp;
use crate::shared::people::{PASSWORD, Person};
use crate::shared::story::NewCall;
use crate::support::browser::{Browser, View};

const BUYERS: [&str; 3] = ["Lanternbrook", "Harrowfield", "Saltmarsh"];
const TOLD: [(&str, &str); 3] = [
    ("duplicate_call", "Same caller asked for the same quote yesterday. We paid for that call."),
    ("caller_hung_up", "The caller said nothing and hung up."),
    ("not_qualified", "The caller lives in another state, which the campaign excludes."),
];

/// Gives a call a recording; the bytes are on disk once for all calls that share them.
pub(crate) fn record(app: &TestApp, store: &FileStore, call: CallId, bytes: &[u8]) {
    let file = store.put("call.wav", "audio/wav", bytes).expect("it is stored");
    let now = app.clock().now();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use schema::recordings as r;
            diesel::insert_into(r::table)
                .values((
                    (r::call_id.eq(call), r::file_id.eq(file.id.as_str()), r::media_type.eq("audio/wav")),
                    (r::size.eq(file.size), r::sha256.eq(&file.sha256), r::created_at.eq(now)),
                ))
                .execute(conn)?;
            Ok(())
        })
        .expect("the row is written");
}

/// So many Pending disputes with recordings, oldest first.
async fn world(count: usize) -> (TestApp, Vec<DisputeId>) {
    let app = TestApp::start().await;
    let store = FileStore::open(&app.data_dir()).expect("the folder is there");
    let talk = [audio::synthesize(5, 91), audio::synthesize(6, 20)];
    let mut ids = Vec::new();
    for number in 0..count {
        let buyer = app.viewer(Person::buyer(BUYERS[number % 3]));
        let call = NewCall {
            caller_id: format!("+1214555{:04}", 100 + number % 20),
            has_recording: true,
            ..NewCall::ordinary(&buyer, app.clock().now())
        };
        let call = call.add(app.db());
        record(&app, &store, call, &talk[usize::from(number > 0)]);
        app.clock().advance(chrono::Duration::minutes(1));
        let (reason, words) = TOLD[number % 3];
        let facts = vec![("recording_mark".to_owned(), "0:05-0:12 Caller mentions the earlier call".to_owned())];
        let claim = Claim::new(reason, words, facts);
        let grant = Granted::<DisputeCalls>::check(&buyer).expect("Dispute Calls is held");
        let files = Files { limit: 10, ..Files::default() };
        let sent = app.db().write_blocking::<_, sending::SendError>(|conn| {
            sending::create(conn, &grant, app.clock(), call, (&claim, &files, Intent::Send))
        });
        ids.push(sent.expect("it is sent"));
    }
    app.viewer(Person::manager("dana"));
    (app, ids)
}

async fn start(app: &TestApp, view: View) -> Browser {
    let browser = Browser::start(view).await;
    browser.open(&format!("{}/review", app.origin())).await;
    browser.fill("email", "dana@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("form.decide").await;
    browser
}

fn counted(app: &TestApp, status: Status) -> i64 {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            Ok(schema::disputes::table.filter(schema::disputes::status.eq(status)).count().get_result(conn)?)
        })
        .expect("counted")
}

async fn arrive(browser: &Browser, id: DisputeId) {
    browser
        .wait_until(&format!("return location.pathname === '/review/{id}' && document.readyState === 'complete'"))
        .await;
}

/// What the person of the page is: no shortcuts.
fn switch_keys_off(app: &TestApp) {
    use schema::users as u;
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let row = users::find_by_email(conn, "dana@example.com")?.expect("dana is there");
            diesel::update(u::table.find(row.id)).set(u::keyboard_shortcuts.eq(false)).execute(conn)?;
            Ok(())
        })
        .expect("they are off");
}

#[actix_web::test]
async fn fifty_disputes_are_decided_by_keyboard_alone() {
    let (app, ids) = world(50).await;
    let browser = start(&app, View { width: 1440, height: 900, ..View::default() }).await;
    browser.find(".player.drawn svg.wave .mark").await;
    browser.says("#progress", "1 of 50 Pending").await;
    browser.assert_accessible().await;
    browser.screenshot("review-light").await;

    // Playing, jumping, speed; nothing of it while somebody types.
    browser.keys(" ").await;
    browser.wait_until("return !document.querySelector('.player audio').paused").await;
    browser.find("[data-play][aria-label=Pause]").await;
    browser.keys(" ").await;
    browser.wait_until("return document.querySelector('.player audio').paused").await;
    browser.evaluate("document.querySelector('.player audio').currentTime = 20").await;
    browser.keys(Key::Right).await;
    browser.wait_until("return Math.abs(document.querySelector('.player audio').currentTime - 25) < 1").await;
    browser.keys(Key::Left + Key::Left).await;
    browser.wait_until("return Math.abs(document.querySelector('.player audio').currentTime - 15) < 1").await;
    browser.keys(">").await;
    browser.wait_until("return document.querySelector('.player audio').playbackRate === 1.25").await;
    browser.keys("?").await;
    browser.find("#keys:popover-open").await;
    browser.assert_accessible().await;
    browser.screenshot("review-keys").await;
    browser.keys("j").await;
    browser.keys(Key::Escape).await;
    browser.wait_until("return !document.querySelector('#keys:popover-open')").await;
    browser.keys("r").await;
    browser.wait_until("return document.activeElement.id === 'note'").await;
    browser.keys("jar? k").await;
    browser.gives("return document.getElementById('note').value", "jar? k").await;
    browser.keys(Key::Escape).await;
    browser.keys("p").await;
    browser.wait_until("return document.activeElement.id === 'credit'").await;
    browser.keys("21").await;
    browser.assert_accessible().await;
    browser.set_media(true, false).await;
    browser.screenshot("review-dark").await;
    browser.assert_accessible().await;
    browser.set_media(false, false).await;
    browser.resize(320, 640).await;
    assert!(!browser.scrolls_sideways().await);
    browser.assert_accessible().await;
    browser.screenshot("review-320").await;
    browser.resize(1440, 900).await;
    browser.keys(Key::Escape).await;
    browser.leaving_key("j").await;
    arrive(&browser, ids[1]).await;
    browser.leaving_key("k").await;
    arrive(&browser, ids[0]).await;

    for (number, id) in ids.iter().enumerate() {
        arrive(&browser, *id).await;
        match number % 3 {
            0 => browser.keys("a").await,
            1 => {
                browser.keys("p").await;
                browser.wait_until("return document.activeElement.id === 'credit'").await;
                browser.keys("20.50").await;
            }
            _ => {
                browser.keys("r").await;
                browser.wait_until("return document.activeElement.id === 'note'").await;
                browser.keys("The recording shows a qualified caller.").await;
            }
        }
        browser.leaving_key("Control+Enter").await;
        if number == 0 {
            arrive(&browser, ids[1]).await;
            browser.says("#flash", "Accepted: (214) 555-0100, Lanternbrook, $42.00 credited.").await;
            browser.find(".queue a.done").await;
            browser.assert_accessible().await;
            browser.screenshot("review-next").await;
        }
    }
    browser.wait_until("return location.pathname === '/review'").await;
    browser.says("main h1", "Nothing is Pending").await;
    browser.assert_accessible().await;
    browser.screenshot("review-empty").await;
    let verdicts = [Status::Accepted, Status::AcceptedPartial, Status::Rejected].map(|status| counted(&app, status));
    assert_eq!(verdicts, [17, 17, 16]);
    assert_eq!(browser.console().await, Vec::<String>::new());
    assert!(Path::new(&app.data_dir()).join("waveforms").exists());
}

#[actix_web::test]
async fn the_keys_can_be_off_and_scripts_too() {
    let (app, ids) = world(3).await;
    switch_keys_off(&app);
    let browser = start(&app, View::default()).await;
    browser.find(".player.drawn").await;
    browser.keys("j").await;
    browser.keys("a").await;
    browser.gives("return document.querySelectorAll(':checked[name=verdict]').length", 0).await;
    browser.gives("return location.pathname", "/review").await;
    browser.press("Keys").await;
    browser.says("#keys", "Keyboard shortcuts are off").await;
    drop(browser);

    let browser = start(&app, View { javascript: false, ..View::default() }).await;
    browser.assert_accessible().await;
    browser.screenshot("review-without-script").await;
    browser.press("Skip").await;
    browser.is_at(&format!("/review/{}", ids[1])).await;
    browser.press("Previous").await;
    browser.click(".verdicts label[data-status=accepted_partial]").await;
    browser.fill("credit", "42").await;
    browser.click("form.decide .foot .main").await;
    browser.says("#credit-p", "less than the payout").await;
    browser.fill("credit", "21").await;
    browser.click("form.decide .foot .main").await;
    browser.says("#flash", "$21.00 credited").await;
    browser.says("#progress", "1 of 2 Pending").await;
}
