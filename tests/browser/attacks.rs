//! What people do to a page without meaning harm: a session that ends while they write, a second click, Back, long names.

use fairdial::db::schema::adjustments;
use fairdial::db::{DbError, users};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::DisputeId;
use thirtyfour::Key;

use crate::shared::app::TestApp;
use crate::shared::people::{PASSWORD, Person};
use crate::shared::story::{self, NewCall};
use crate::support::browser::{Browser, View};

async fn world(view: View) -> (TestApp, Browser, DisputeId) {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    app.viewer(Person::manager("dana"));
    let call = NewCall::ordinary(&buyer, app.clock().now()).add(app.db());
    let id = story::dispute(app.db(), app.clock(), &buyer, call, Intent::Send).expect("it is sent");
    let browser = Browser::start(view).await;
    browser.open(&format!("{}/disputes", app.origin())).await;
    browser.fill("email", "dana@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("#disputes-table").await;
    (app, browser, id)
}

fn decisions(app: &TestApp) -> i64 {
    use diesel::prelude::*;
    let counted = app.db().read_blocking::<_, DbError>(|conn| Ok(adjustments::table.count().get_result(conn)?));
    counted.expect("they are counted")
}

#[actix_web::test]
async fn a_session_that_ends_while_somebody_writes_costs_no_word() {
    let (app, browser, id) = world(View { width: 320, height: 640, ..View::default() }).await;
    browser.click(&format!("#row-{id} a.hit")).await;
    browser.find("#details-panel #decide").await;
    browser.click(".verdicts label[data-status=accepted]").await;
    browser.fill("note", "Half an hour of thought.").await;
    let cookie = browser.driver().get_all_cookies().await.expect("the cookies");
    browser.driver().delete_all_cookies().await.expect("signed out");
    browser.click("#decide .foot .main").await;
    browser.wait_until("return document.querySelector('#flash').textContent.includes('You are signed out.')").await;
    // It is told where the person looks, also on a telephone.
    let seen = "const b = document.querySelector('#flash').getBoundingClientRect(); \
        return document.elementFromPoint(b.left + b.width / 2, b.top + b.height / 2)?.closest('#flash') !== null";
    browser.screenshot("signed-out-320").await;
    browser.wait_until(seen).await;
    browser.assert_accessible().await;
    let note = "return document.querySelector('#note').value";
    browser.gives(note, "Half an hour of thought.").await;

    for one in cookie {
        browser.driver().add_cookie(one).await.expect("signed in, as in another tab");
    }
    browser.click("#decide .foot .main").await;
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    assert_eq!(decisions(&app), 1, "one adjustment");
}

#[actix_web::test]
async fn a_second_click_and_back_decide_nothing_twice() {
    let (app, browser, id) = world(View { width: 1440, height: 900, javascript: false, ..View::default() }).await;
    browser.open(&format!("{}/disputes/{id}", app.origin())).await;
    browser.click(".verdicts label[data-status=accepted]").await;
    browser.click("#decide .foot .main").await;
    browser.find("#flash").await;
    browser.driver().back().await.expect("back at the form");
    if browser.has("#decide").await {
        browser.click("#decide .foot .main").await;
        browser.find("#flash").await;
    }
    assert_eq!(decisions(&app), 1, "one adjustment");

    let (app, browser, id) = world(View { width: 1440, height: 900, ..View::default() }).await;
    browser.click(&format!("#row-{id} a.hit")).await;
    browser.find("#details-panel #decide").await;
    browser.click(".verdicts label[data-status=accepted]").await;
    browser.evaluate("const b = document.querySelector('#decide .foot .main'); b.click(); b.click();").await;
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    browser.driver().back().await.expect("back");
    browser.keys(Key::Escape).await;
    assert_eq!(decisions(&app), 1, "one adjustment");
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[actix_web::test]
async fn long_names_and_names_from_right_to_left_break_nothing() {
    let (app, browser, id) = world(View { width: 320, height: 640, ..View::default() }).await;
    let name = "\u{5de}\u{5e8}\u{5d9}\u{5dd} \u{202e}Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren";
    let set = app.db().write_blocking::<_, DbError>(|conn| {
        use diesel::prelude::*;
        use fairdial::db::schema::{buyers, users as people};
        let row = users::find_by_email(conn, "dana@example.com")?.expect("she is there");
        diesel::update(people::table.find(row.id)).set(people::name.eq(name)).execute(conn)?;
        diesel::update(buyers::table).set(buyers::name.eq(name)).execute(conn)?;
        Ok(())
    });
    set.expect("the names are set");
    for width in [320, 768, 1440] {
        browser.resize(width, 800).await;
        for path in
            ["/disputes", &format!("/disputes/{id}"), &format!("/review/{id}"), "/account", "/settings/users", "/calls"]
        {
            browser.open(&format!("{}{path}", app.origin())).await;
            browser
                .screenshot(&format!("long-{width}-{}", path[1..].replace('/', "-").replace(&id.to_string(), "one")))
                .await;
            // What turns the direction ends with the name: the amount after it reads as it is.
            assert!(!path.starts_with("/review") || browser.has(".title bdi").await);
            let wide = "return [...document.querySelectorAll('main *, aside *')].filter((e) => \
                e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80)).join('\\n')";
            assert!(!browser.scrolls_sideways().await, "{path} at {width}: {}", browser.evaluate(wide).await);
        }
    }
}

#[actix_web::test]
async fn what_is_typed_on_a_page_comes_back_after_signing_in_again() {
    let (app, browser, _) = world(View { width: 1440, height: 900, ..View::default() }).await;
    let page = format!("{}/notes", app.origin());
    let typed = "return document.querySelector('#title').value + '|' + document.querySelector('#body').value";
    let fill = async || {
        browser.fill("title", "Thanks").await;
        browser.fill("body", "Thank you for the recording.").await;
    };
    browser.open(&page).await;
    fill().await;
    browser.driver().delete_all_cookies().await.expect("signed out");
    browser.press("Save note").await;
    browser.wait_until("return location.pathname === '/login'").await;
    browser.is_at("next=%2Fnotes").await;
    browser.fill("email", "dana@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.wait_until("return document.querySelector('#flash')?.textContent.includes('What you typed is back')").await;
    browser.gives(typed, "Thanks|Thank you for the recording.").await;
    browser.assert_accessible().await;
    browser.screenshot("typed-is-back").await;

    // What was taken does not come back.
    browser.press("Save note").await;
    browser.wait_until("return document.querySelector('details[data-id]') !== null").await;
    browser.gives(typed, "|").await;
    browser.open(&page).await;
    browser.find("#body").await;
    browser.gives(typed, "|").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}
