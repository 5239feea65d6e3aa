//! The account page: what people set for themselves, their password, their sessions.

use fairdial::db::users::UserRow;
use fairdial::db::{DbError, audit, users};

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::{PASSWORD, Person};

const NEW: &str = "seven purple lanterns hum";

fn row(app: &TestApp, person: Person) -> UserRow {
    let id = app.viewer(person).user();
    app.db().read_blocking::<_, DbError>(|conn| Ok(users::find(conn, id)?.unwrap())).unwrap()
}

fn audit_entries(app: &TestApp) -> i64 {
    app.db().read_blocking::<_, DbError>(|conn| Ok(audit::last_number(conn)?)).unwrap()
}

#[actix_web::test]
async fn a_form_changes_what_it_names_and_nothing_else() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let before = row(&app, Person::buyer("acme"));
    let form = [("time_zone", "Europe/Berlin"), ("keyboard_shortcuts", "0"), ("role", "manager"), ("settings", "1")];
    acme.post("/account", &form).await.assert_redirect("/account");
    let after = row(&app, Person::buyer("acme"));
    assert_eq!((after.time_zone.as_str(), after.keyboard_shortcuts), ("Europe/Berlin", false));
    assert_eq!((after.name, after.theme, after.epoch), (before.name.clone(), before.theme, before.epoch));
    assert!(!after.settings && after.buyer_id.is_some());
    let page = acme.get("/account").await.assert_ok().page();
    assert_eq!(page.value("time_zone"), "Europe/Berlin");
    assert!(!page.has("#keyboard_shortcuts[checked]"));

    let entries = audit_entries(&app);
    acme.post("/account", &form).await.assert_redirect("/account");
    assert_eq!(audit_entries(&app), entries, "nothing changed, so nothing is told");
    // As the browser sends a ticked box: the hidden field first.
    acme.post("/account", &[("keyboard_shortcuts", "0"), ("keyboard_shortcuts", "1")]).await.assert_status(303);
    assert!(row(&app, Person::buyer("acme")).keyboard_shortcuts);
}

#[actix_web::test]
async fn what_cannot_be_kept_is_said_at_its_field_and_nothing_is_saved() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let form = [
        ("name", "  "),
        ("time_zone", "Mars/Olympus"),
        ("theme", "dark"),
        ("current_password", "no"),
        ("new_password", "short"),
    ];
    let answer = acme.post("/account", &form).await;
    let page = answer.assert_status(422).page();
    assert!(page.text("title").starts_with("Error:"));
    for field in ["name", "time_zone", "current_password", "new_password"] {
        assert!(!page.field_error(field).is_empty(), "{field}");
    }
    assert_eq!(page.value("theme"), "dark");
    assert!(!answer.text().contains("short\""), "a password is never shown again");
    assert_eq!(row(&app, Person::buyer("acme")).theme.code(), "system");
}

#[actix_web::test]
async fn the_theme_switch_leads_back_to_its_page() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let switch = async |fields: &[(&str, &str)], header: (&'static str, &'static str)| {
        acme.send(acme.request(reqwest::Method::POST, "/account").header(header.0, header.1).form(fields)).await
    };
    let none = ("x-none", "1");
    let back = switch(&[("theme", "dark"), ("return_to", "/disputes?status=pending")], none).await;
    back.assert_redirect("/disputes?status=pending");
    assert_eq!(row(&app, Person::buyer("acme")).theme.code(), "dark");
    let referer = ("referer", "http://desk.example/calls?q=1");
    switch(&[("theme", "light")], referer).await.assert_redirect("/calls?q=1");
    switch(&[("theme", "light"), ("return_to", "//evil.example")], none).await.assert_redirect("/account");
    switch(&[("theme", "dark")], ("sec-fetch-dest", "empty")).await.assert_status(204);
    assert_eq!(row(&app, Person::buyer("acme")).theme.code(), "dark");
}

#[actix_web::test]
async fn a_new_password_needs_the_present_one_and_signs_out_everywhere_else() {
    let app = TestApp::start().await;
    let (here, elsewhere) = (app.buyer("acme").await, app.buyer("acme").await);
    let wrong = [("current_password", "a wrong guess"), ("new_password", NEW)];
    here.post("/account", &wrong).await.assert_field_error("current_password", "This is not your present password");
    here.post("/account", &[("new_password", NEW)]).await.assert_status(422);
    let common = [("current_password", PASSWORD), ("new_password", "acme@example.com")];
    here.post("/account", &common).await.assert_status(422);
    elsewhere.get("/calls").await.assert_ok();

    let answer = here.post("/account", &[("current_password", PASSWORD), ("new_password", NEW)]).await;
    answer.assert_redirect("/account");
    let cookie =
        answer.headers.get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().starts_with("fairdial="));
    assert!(cookie, "the session has a new id");

    here.get("/calls").await.assert_ok();
    elsewhere.get("/calls").await.assert_sign_in_first();
    app.anonymous().sign_in("acme@example.com", NEW).await;
    let old = app.anonymous().post("/login", &[("email", "acme@example.com"), ("password", PASSWORD)]).await;
    old.assert_status(422);
}

#[actix_web::test]
async fn guessing_the_present_password_is_slowed_as_at_the_sign_in() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let guess = [("current_password", "a wrong guess"), ("new_password", NEW)];
    for _ in 0..10 {
        acme.post("/account", &guess).await.assert_status(422);
    }
    let answer = acme.post("/account", &[("current_password", PASSWORD), ("new_password", NEW)]).await;
    answer.assert_status(429);
    assert_eq!(answer.header("retry-after"), "60");
}

#[actix_web::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let app = TestApp::start().await;
    let (here, second, third) = (app.buyer("acme").await, app.buyer("acme").await, app.buyer("acme").await);
    let birch = app.buyer("birch").await;
    let others = |actor: Actor| async move {
        let page = actor.get("/account").await.assert_ok().page();
        page.select("button[name=end_session]").iter().map(|button| button.attr("value")).collect::<Vec<_>>()
    };
    let listed = others(here.clone()).await;
    assert_eq!((listed.len(), listed[2].as_str()), (3, "others"));
    birch.post("/account", &[("end_session", &listed[0])]).await.assert_not_found();
    here.post("/account", &[("end_session", &listed[0])]).await.assert_redirect("/account");
    let alive = [second.get("/calls").await.status.as_u16(), third.get("/calls").await.status.as_u16()];
    assert!(alive == [303, 200] || alive == [200, 303], "{alive:?}");

    here.post("/account", &[("end_session", "others")]).await.assert_redirect("/account");
    second.get("/calls").await.assert_sign_in_first();
    third.get("/calls").await.assert_sign_in_first();
    here.get("/calls").await.assert_ok();
    birch.get("/calls").await.assert_ok();
    assert!(others(here).await.is_empty());
}
