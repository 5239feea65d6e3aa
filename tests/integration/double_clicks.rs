//! A form that is sent twice by a double click is taken once, and the second answer is the first.

use diesel::prelude::*;
use fairdial::db::{DbError, schema};
use fairdial::domain::decision::Verdict;
use rstest::rstest;

use crate::disputes::{acme, decide, sent};
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;

/// How many rows there are of each thing that a form can make, and how many entries in the log.
fn count(app: &TestApp) -> Vec<i64> {
    use schema::{audit_head, buyers, canned_notes, saved_views, users, webhook_endpoints};
    let counted = app.db().read_blocking::<_, DbError>(|conn| {
        Ok(vec![
            saved_views::table.count().get_result(conn)?,
            canned_notes::table.count().get_result(conn)?,
            buyers::table.count().get_result(conn)?,
            users::table.count().get_result(conn)?,
            webhook_endpoints::table.count().get_result(conn)?,
            audit_head::table.select(audit_head::seq).first(conn)?,
        ])
    });
    counted.expect("counted")
}

/// The token that the form of a page brings.
async fn token_of(actor: &Actor, page: &str, form: &str) -> String {
    let page = actor.get(page).await.assert_ok().page();
    page.attr(&format!("{form} [name=form_token]"), "value")
}

#[rstest]
#[case::view("/disputes", "#save-view", "/views", &[("name", "Bots"), ("query", "reason=invalid_caller")])]
#[case::note("/notes", "form.narrow", "/notes", &[("title", "Thanks"), ("body", "Thank you.")])]
#[case::buyer("/settings/buyers/new", "aside form.form", "/settings/buyers", &[("name", "Birch")])]
#[actix_web::test]
async fn what_a_form_makes_is_made_once(
    #[case] page: &str,
    #[case] form: &str,
    #[case] path: &str,
    #[case] fields: &[(&str, &str)],
) {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let token = token_of(&dana, page, form).await;
    assert_ne!(token, token_of(&dana, page, form).await, "each form that is shown has its own");
    let sent = [fields, &[("form_token", token.as_str())]].concat();
    let first = dana.post(path, &sent).await;
    first.assert_status(303);
    let there = count(&app);
    let (second, third) = tokio::join!(dana.post(path, &sent), dana.post(path, &sent));
    second.assert_redirect(first.location());
    third.assert_redirect(first.location());
    assert_eq!(count(&app), there);
}

#[actix_web::test]
async fn a_second_click_renews_the_secret_that_nobody_saw() {
    let app = TestApp::start().await;
    let (dana, birch) = (app.manager("dana").await, app.viewer(Person::buyer("birch")));
    let token = token_of(&dana, "/account/tokens", "form.narrow").await;
    let form = [("name", "Robot"), ("expires_days", "30"), ("form_token", token.as_str())];
    let secret = async || dana.post("/account/tokens", &form).await.assert_ok().page().text("#token");
    let (first, second) = (secret().await, secret().await);
    let status =
        async |secret: &str| Actor::with_token(app.origin(), secret).get("/api/v1/calls").await.status.as_u16();
    assert_eq!((status(&first).await, status(&second).await), (401, 200), "the one that was seen is the good one");
    assert_eq!(dana.get("/account/tokens").await.page().select("#tokens tbody tr").len(), 1);

    let token = token_of(&dana, "/settings/users/new", "aside form.form").await;
    let form = [
        ("name", "Maren"),
        ("email", "maren@birch.example"),
        ("role", "buyer"),
        ("buyer", "birch"),
        ("form_token", token.as_str()),
    ];
    let link = async || dana.post("/settings/users", &form).await.assert_ok().page().text("#link");
    let (first, second) = (link().await, link().await);
    let path = |link: &str| link[link.find("/invitations/").expect("a link")..].trim().to_owned();
    let anonymous = app.anonymous();
    assert_ne!(anonymous.get(&path(&first)).await.status, 200);
    anonymous.get(&path(&second)).await.assert_ok();
    let users = dana.get(&format!("/settings/users?company={}", birch.scope().buyer().unwrap())).await.page();
    assert_eq!(users.select("#users tbody tr").len(), 2);

    let token = token_of(&dana, "/settings/webhooks", "form.narrow").await;
    let form = [("url", "https://hooks.example/in"), ("topic", "dispute.created"), ("form_token", token.as_str())];
    for _ in 0..2 {
        let shown = dana.post("/settings/webhooks", &form).await.assert_ok().page();
        assert!(shown.text("#secret").starts_with("whsec_"), "{}", shown.text("#secret"));
    }
    assert_eq!(count(&app)[4], 1);
}

#[actix_web::test]
async fn a_second_click_on_a_button_is_answered_as_the_first() {
    let app = TestApp::start().await;
    let manager = app.viewer(Person::manager("dana"));
    let (buyer, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let (taken_back, decided) = (sent(&app, &acme(&app), |_| {}), sent(&app, &acme(&app), |_| {}));
    decide(&app, &manager, decided, Verdict::Rejected, None);
    let (withdrawal, reopening) =
        (format!("/disputes/{taken_back}/withdrawal"), format!("/disputes/{decided}/reopening"));
    let token = token_of(&buyer, &format!("/disputes/{taken_back}"), &format!("[action='{withdrawal}']")).await;
    let again = token_of(&dana, &format!("/disputes/{decided}"), &format!("[action='{reopening}']")).await;
    let form = [("reason", "Listen again."), ("form_token", again.as_str())];
    for _ in 0..2 {
        buyer.post(&withdrawal, &[("form_token", &token)]).await.assert_redirect(&format!("/disputes/{taken_back}"));
        dana.post(&reopening, &form).await.assert_redirect(&format!("/disputes/{decided}"));
    }
    // Another form of the same, or none, is told how things stand.
    buyer.post(&withdrawal, &[("form_token", "another")]).await.assert_status(409);
    buyer.post(&withdrawal, &[]).await.assert_status(409);
    dana.post(&reopening, &[("reason", "Listen again.")]).await.assert_status(409);
}
