//! Buyers, as a manager with Settings looks after them.

use diesel::prelude::*;
use fairdial::db::audit::AuditRow;
use fairdial::db::schema::{audit_log, call_raws};
use fairdial::db::{DbError, audit, buyers, calls};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::{BuyerId, CallId};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

fn id_of(app: &TestApp, name: &str) -> BuyerId {
    app.db().read_blocking::<_, DbError>(|conn| Ok(buyers::find_by_name(conn, name)?.unwrap().id)).unwrap()
}

fn last_action(app: &TestApp) -> String {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            assert_eq!(audit::verify(conn)?.err(), None);
            let row: AuditRow =
                audit_log::table.order(audit_log::seq.desc()).select(AuditRow::as_select()).first(conn)?;
            Ok(row.action)
        })
        .unwrap()
}

/// A call that a source reported under this name.
fn call_named(app: &TestApp, owner: Person, name: &str) -> CallId {
    let call = NewCall::ordinary(&app.viewer(owner), app.clock().now()).add(app.db());
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            diesel::insert_into(call_raws::table)
                .values((call_raws::call_id.eq(call), call_raws::raw.eq("{}"), call_raws::buyer_name.eq(name)))
                .execute(conn)?;
            Ok(())
        })
        .unwrap();
    call
}

fn sees(app: &TestApp, person: Person, call: CallId) -> bool {
    let scope = app.viewer(person).scope();
    app.db().read_blocking::<_, DbError>(|conn| Ok(calls::find(conn, scope, call)?.is_some())).unwrap()
}

#[actix_web::test]
async fn a_form_that_is_old_undoes_no_other_name_or_window() {
    let app = TestApp::start().await;
    let (dana, petra) = (app.manager("dana").await, app.manager("petra").await);
    app.viewer(Person::buyer("acme"));
    let id = id_of(&app, "acme");
    let path = format!("/settings/buyers/{id}");
    let page = dana.get(&path).await.page();
    assert_eq!((page.value("seen_name"), page.value("seen_window_days")), ("acme".into(), String::new()));
    let form = |name, days| [("seen_name", "acme"), ("seen_window_days", ""), ("name", name), ("window_days", days)];
    petra.post(&path, &form("acme", "30")).await.assert_redirect(&path);
    // What was left as it was shown stays as it is by now; what both changed is told.
    dana.post(&path, &form("Acme Roofing", "")).await.assert_redirect(&path);
    let now = || app.db().read_blocking::<_, DbError>(|conn| Ok(buyers::find(conn, id)?.unwrap())).unwrap();
    assert_eq!((now().name.as_str(), now().dispute_window_days), ("Acme Roofing", Some(30)));
    let told = dana.post(&path, &form("Acme Roofing", "21")).await;
    told.assert_conflict("Somebody else changed this buyer meanwhile");
    assert_eq!((told.page().value("window_days"), told.page().value("seen_window_days")), ("21".into(), "30".into()));
    assert_eq!(now().dispute_window_days, Some(30));
}

#[actix_web::test]
async fn a_buyer_is_added_once_and_then_found() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    dana.get("/settings/buyers").await.assert_ok().assert_body_has("No buyers yet");
    let form = [("name", " Lanternbrook "), ("window_days", "14")];
    let added = dana.post("/settings/buyers", &form).await;
    let id = id_of(&app, "lanternbrook");
    added.assert_redirect(&format!("/settings/buyers/{id}"));
    assert_eq!(last_action(&app), "buyer.added");
    let page = dana.get("/settings/buyers?q=LANTERN").await.page();
    assert_eq!(page.row_ids("buyers"), [id.to_string()]);
    assert!(page.text("#buyers tbody").contains("14 days"));
    let again = dana.post("/settings/buyers", &[("name", "LANTERNBROOK")]).await;
    again.assert_field_error("name", "There is a buyer of this name already");
    let wrong = dana.post("/settings/buyers", &[("name", "Other"), ("window_days", "a week")]).await;
    wrong.assert_field_error(
        "window_days",
        "Write a number of days from 0 to 3650, or nothing for the platform\u{2019}s window",
    );
    assert_eq!(wrong.page().value("window_days"), "a week");
    assert_eq!(wrong.page().value("name"), "Other");
}

#[actix_web::test]
async fn a_dispute_window_of_its_own_holds_at_once() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    let viewer = app.viewer(Person::buyer("acme"));
    let now = app.clock().now();
    let old = NewCall { started_at: now - chrono::Duration::days(10), ..NewCall::ordinary(&viewer, now) }.add(app.db());
    let form = format!("/calls/{old}/disputes/new");
    acme.get(&form).await.assert_status(409);
    let path = format!("/settings/buyers/{}", id_of(&app, "acme"));
    dana.post(&path, &[("name", "acme"), ("window_days", "30")]).await.assert_redirect(&path);
    assert_eq!(last_action(&app), "buyer.window_changed");
    acme.get(&form).await.assert_ok();
    dana.post(&path, &[("name", "Acme Roofing"), ("window_days", "")]).await.assert_redirect(&path);
    acme.get(&form).await.assert_status(409);
    assert_eq!(id_of(&app, "acme roofing"), viewer.scope().buyer().unwrap());
}

#[actix_web::test]
async fn linking_an_alias_moves_the_calls_that_were_never_disputed() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let (acme, birch) = (Person::buyer("acme"), Person::buyer("birch"));
    let (free, disputed) = (call_named(&app, acme, "Birch D."), call_named(&app, acme, "Birch D."));
    story::dispute(app.db(), app.clock(), &app.viewer(acme), disputed, Intent::Send).unwrap();
    app.viewer(birch);
    let path = format!("/settings/buyers/{}", id_of(&app, "birch"));
    let aliases = format!("{path}/aliases");
    dana.post(&aliases, &[("source", "ringba"), ("alias", "")])
        .await
        .assert_field_error("alias", "Write the name by which it calls the buyer");
    dana.post(&aliases, &[("source", "Ringba"), ("alias", "birch d.")]).await.assert_redirect(&path);
    assert_eq!(last_action(&app), "buyer.alias_linked");
    assert!(sees(&app, birch, free) && !sees(&app, acme, free));
    assert!(sees(&app, acme, disputed) && !sees(&app, birch, disputed));
    dana.get(&path).await.assert_ok().assert_body_has("birch d.");
    // Linked elsewhere, it leaves.
    let to_acme = format!("/settings/buyers/{}", id_of(&app, "acme"));
    dana.post(&format!("{to_acme}/aliases"), &[("source", "ringba"), ("alias", "Birch D.")])
        .await
        .assert_redirect(&to_acme);
    assert!(sees(&app, acme, free));
    dana.get(&path).await.assert_ok().assert_body_lacks("irch D.");
}

#[actix_web::test]
async fn a_buyer_is_shown_with_its_users() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    app.viewer(Person::buyer("acme"));
    app.viewer(Person::Buyer { name: "silent", company: "acme", dispute_calls: false });
    let page = dana.get(&format!("/settings/buyers/{}", id_of(&app, "acme"))).await.page();
    assert_eq!(page.texts(".people a"), ["acme", "silent"]);
    assert_eq!(page.texts(".people .tag"), ["Dispute Calls"]);
}
