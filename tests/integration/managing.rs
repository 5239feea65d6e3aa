//! What managers arrange among themselves: assignments, views, canned notes. None of it reaches a buyer.

use crate::disputes::{CANARIES, acme, rows, sent, texts};
use crate::support::app::TestApp;
use crate::support::people::Person;

#[actix_web::test]
async fn a_dispute_is_assigned_and_no_buyer_learns_of_it() {
    let app = TestApp::start().await;
    let ids = [sent(&app, &acme(&app), |_| {}), sent(&app, &acme(&app), |_| {})];
    let (dana, buyer) = (app.manager("dana").await, app.buyer("acme").await);
    let petra = app.viewer(Person::manager("petra")).user();
    let path = format!("/disputes/{}/assignment", ids[0]);
    dana.post(&path, &[("user", "me")]).await.assert_redirect(&format!("/disputes/{}", ids[0]));
    assert_eq!(rows(&dana, "/disputes?mine=1").await, texts(&ids[..1]));
    dana.post(&path, &[("user", &petra.to_string())]).await.assert_status(303);
    assert_eq!(dana.get(&format!("/disputes/{}", ids[0])).await.page().text("#assignee"), "petra");
    assert!(rows(&dana, "/disputes?mine=1").await.is_empty());
    let of_buyers = app.viewer(Person::buyer("acme")).user().to_string();
    for (user, status) in [(of_buyers.as_str(), 404), ("x", 422), ("", 303)] {
        dana.post(&path, &[("user", user)]).await.assert_status(status);
    }
    dana.post(&path, &[("user", &petra.to_string())]).await.assert_status(303);
    // For a buyer the filter says nothing, so its answer tells nothing either.
    assert_eq!(rows(&buyer, "/disputes?mine=1&due=1").await, texts(&[ids[1], ids[0]]));
    for page in [format!("/disputes/{}", ids[0]), "/disputes".into(), "/disputes.csv".into(), "/notifications".into()] {
        buyer.get(&page).await.assert_ok().assert_body_lacks("petra").assert_body_lacks("ssign");
    }
    let row = app
        .db()
        .read_blocking::<_, fairdial::db::DbError>(|conn| {
            Ok(fairdial::db::disputes::find(conn, acme(&app).scope(), ids[0])?)
        })
        .expect("read");
    assert_eq!(row.expect("it is there").version, 1, "an assignment holds up no decision");
}

#[actix_web::test]
async fn internal_notes_stay_with_managers() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let (dana, buyer) = (app.manager("dana").await, app.buyer("acme").await);
    let note = [("body", CANARIES[4]), ("internal", "1")];
    dana.post(&format!("/disputes/{id}/messages"), &note).await.assert_status(303);
    for page in [format!("/disputes/{id}"), "/disputes".into(), "/disputes.csv".into(), "/notifications".into()] {
        buyer.get(&page).await.assert_ok().assert_body_lacks(CANARIES[4]);
    }
}

#[actix_web::test]
async fn what_is_due_soon_is_pending_and_due_within_the_days_asked_for() {
    let app = TestApp::start().await;
    let old = sent(&app, &acme(&app), |_| {});
    app.clock().advance(chrono::Duration::days(5));
    let now = app.clock().now();
    let new = sent(&app, &acme(&app), |call| call.started_at = now);
    let dana = app.manager("dana").await;
    assert_eq!(rows(&dana, "/disputes?due=6").await, texts(&[old]));
    assert_eq!(rows(&dana, "/disputes?due=30&sort=due").await, texts(&[old, new]));
    dana.get("/disputes?due=31").await.assert_status(422);
    let page = dana.get("/disputes?status=pending").await.page();
    assert_eq!(page.texts(".views a")[..4], ["All", "Pending 2", "Mine 0", "Due soon"]);
    assert_eq!(page.text(".views a[aria-current]"), "Pending 2");
}

#[actix_web::test]
async fn a_view_is_ones_own_until_it_is_shared() {
    let app = TestApp::start().await;
    let (dana, petra) = (app.manager("dana").await, app.manager("petra").await);
    let save = [("name", "Bots"), ("query", "?reason=invalid_caller&has_recording=1&after=x")];
    dana.post("/views", &save).await.assert_status(422);
    let save = [("name", "Bots"), ("query", "?reason=invalid_caller&has_recording=1")];
    let answer = dana.post("/views", &save).await;
    answer.assert_status(303);
    let page = dana.follow(&answer).await.page();
    assert_eq!(page.text(".views a[aria-current]"), "Bots");
    assert!(page.attr(".views a[aria-current]", "href").contains("reason=invalid_caller"));
    assert!(!petra.get("/disputes").await.page().texts(".views a").contains(&"Bots".to_owned()));
    dana.post("/views", &[("name", "Ours"), ("query", "status=pending"), ("shared", "1")]).await.assert_status(303);
    assert!(petra.get("/disputes").await.page().texts(".views a").contains(&"Ours".to_owned()));
    petra.get("/views").await.assert_body_has("shared by dana");
    dana.post("/views", &[("name", " "), ("query", "")])
        .await
        .assert_field_error("name", "Give the view a name of at most 60 characters");
    let ours = dana.get("/views").await.page().row_ids("views").pop().expect("a view");
    petra.post(&format!("/views/{ours}/delete"), &[]).await.assert_not_found();
    dana.post(&format!("/views/{ours}/delete"), &[]).await.assert_redirect("/views");
}

#[actix_web::test]
async fn a_view_is_renamed_shared_replaced_and_opened_first() {
    let app = TestApp::start().await;
    let ids = [sent(&app, &acme(&app), |_| {}), sent(&app, &acme(&app), |_| {})];
    let (dana, petra) = (app.manager("dana").await, app.manager("petra").await);
    dana.post(&format!("/disputes/{}/assignment", ids[0]), &[("user", "me")]).await.assert_status(303);
    dana.post("/views", &[("name", "Work"), ("query", "mine=1")]).await.assert_status(303);
    let view = dana.get("/views").await.page().row_ids("views").pop().expect("a view");
    let path = format!("/views/{view}");
    let default = format!("{path}/default");
    petra.post(&path, &[("name", "Mine now")]).await.assert_not_found();
    petra.post(&default, &[("first", "1")]).await.assert_not_found();
    let wrong = dana.post(&path, &[("name", " "), ("shared", "1")]).await;
    wrong.assert_status(422).assert_field_error("name", "Give the view a name of at most 60 characters");
    assert_eq!(wrong.page().attr("form.narrow", "action"), path, "mended, it changes this view");

    // Opened first, a bare address shows it; one that says something doesn't.
    dana.post(&default, &[("first", "1")]).await.assert_redirect("/views");
    assert_eq!(rows(&dana, "/disputes").await, texts(&ids[..1]));
    assert_eq!(dana.get("/disputes").await.page().text(".views a[aria-current]"), "Work");
    let views = dana.get("/disputes").await.page().attrs(".views a", "href");
    assert_eq!(rows(&dana, &views[0]).await.len(), 2, "All is all");
    assert_eq!(rows(&petra, "/disputes").await.len(), 2, "it is dana's alone");

    // Shared, another can have it first, until it is shared no more.
    dana.post(&path, &[("name", "Ours"), ("shared", "1")]).await.assert_redirect("/views");
    petra.post(&default, &[("first", "1")]).await.assert_redirect("/views");
    assert!(rows(&petra, "/disputes").await.is_empty(), "none of these is petra's");
    dana.post(&path, &[("name", "Ours")]).await.assert_redirect("/views");
    assert_eq!(rows(&petra, "/disputes").await.len(), 2);
    assert_eq!(rows(&dana, "/disputes").await.len(), 1);

    // The same name again is the same view with another list.
    dana.post("/views", &[("name", "Ours"), ("query", "status=rejected")]).await.assert_status(303);
    let page = dana.get("/views").await.page();
    assert_eq!(page.row_ids("views"), [view]);
    assert!(rows(&dana, "/disputes").await.is_empty());
    dana.post(&default, &[("first", "0")]).await.assert_redirect("/views");
    assert_eq!(rows(&dana, "/disputes").await.len(), 2);
    dana.post(&default, &[("first", "1")]).await.assert_redirect("/views");
    dana.post(&format!("{path}/delete"), &[]).await.assert_redirect("/views");
    assert_eq!(rows(&dana, "/disputes").await.len(), 2);
}

#[actix_web::test]
async fn canned_notes_are_kept_changed_and_filled_in() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let dana = app.manager("dana").await;
    dana.post("/notes", &[("title", ""), ("body", "x")])
        .await
        .assert_field_error("title", "Give the note a title of at most 60 characters");
    let note = [("title", "Short"), ("body", "The call from {caller_id} to {buyer} cost {payout}. {nothing}")];
    dana.post("/notes", &note).await.assert_redirect("/notes");
    let page = dana.get(&format!("/disputes/{id}")).await.page();
    assert_eq!(
        page.attr("[data-insert]", "data-insert"),
        "The call from (214) 555-0164 to acme cost $42.00. {nothing}"
    );
    let own = dana.get("/notes").await.page().attr("details[data-id]", "data-id");
    dana.post("/notes", &[("id", &own), ("title", "Shorter"), ("body", "x")]).await.assert_status(303);
    dana.get("/notes").await.assert_body_has("Shorter");
    assert_eq!(dana.get(&format!("/disputes/{id}")).await.page().attr("[data-insert]", "data-insert"), "x");
    dana.post(&format!("/notes/{own}/delete"), &[]).await.assert_redirect("/notes");
    dana.post(&format!("/notes/{own}/delete"), &[]).await.assert_not_found();
    // The note of a decision is kept once it has a title.
    let typed = dana.post("/notes", &[("note", "We hear the caller ask\r\nfor a quote.")]).await;
    assert_eq!(typed.assert_ok().page().text("form.narrow textarea"), "We hear the caller ask for a quote.");
    assert!(!dana.get("/notes").await.page().has("details[data-id]"));
}

#[actix_web::test]
async fn a_nul_is_no_fault_of_the_server() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    dana.post("/views", &[("name", "Fresh\0 ones"), ("query", "?status=pending")]).await.assert_status(303);
    dana.get("/views").await.assert_body_has("Fresh ones");
    for list in ["/calls", "/disputes"] {
        dana.get(&format!("{list}?buyer=%00acme")).await.assert_status(422);
    }
    dana.get("/buyers?buyer=%00").await.assert_ok();
}
