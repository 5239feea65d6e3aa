//! `/settings/webhooks` as a manager with Settings uses it.

use diesel::prelude::*;
use fairdial::db::audit::AuditRow;
use fairdial::db::schema::audit_log;
use fairdial::db::{DbError, audit};

use super::receiver::{Mood, Receiver};
use super::start;
use crate::disputes::{acme, sent};
use crate::support::app::TestApp;

/// All that the audit log says.
fn audited(app: &TestApp) -> Vec<AuditRow> {
    let rows = app.db().read_blocking::<_, DbError>(|conn| {
        assert_eq!(audit::verify(conn)?.err(), None);
        Ok(audit_log::table.order(audit_log::seq).select(AuditRow::as_select()).load(conn)?)
    });
    rows.expect("the log is read")
}

#[actix_web::test]
async fn a_webhook_is_added_tested_changed_and_removed() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Takes));
    let dana = app.manager("dana").await;
    dana.get("/settings/webhooks").await.assert_ok().assert_body_has("There is none yet");
    let form = [("url", receiver.url.as_str()), ("topic", "dispute.decided"), ("topic", "dispute.created")];
    let added = dana.post("/settings/webhooks", &form).await;
    added.assert_ok();
    let secret = added.page().text("#secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let list = dana.get("/settings/webhooks").await.page();
    let id = list.row_ids("webhooks").remove(0);
    assert!(list.text("#webhooks").contains("All buyers"), "{}", list.text("#webhooks"));
    let own = format!("/settings/webhooks/{id}");
    dana.get(&own).await.assert_ok().assert_body_lacks(&secret);
    dana.post(&format!("{own}/action"), &[("action", "test")]).await.assert_redirect(&own);
    receiver.until_taken(1).await;
    // A message isn't among what it wants.
    let dispute = sent(&app, &acme(&app), |_| {});
    dana.post(&format!("/disputes/{dispute}/messages"), &[("body", "Why?")]).await;
    receiver.until_taken(2).await;
    let wanted = [("url", receiver.url.as_str()), ("topic", "message.created")];
    dana.post(&own, &wanted).await.assert_redirect(&own);
    dana.post(&format!("/disputes/{dispute}/messages"), &[("body", "Now?")]).await;
    receiver.until_taken(3).await;
    assert_eq!(receiver.topics(), ["webhook.test", "dispute.created", "message.created"]);
    let rotated = dana.post(&format!("{own}/action"), &[("action", "rotate")]).await;
    assert_ne!(rotated.page().text("#secret"), secret);
    dana.post(&format!("{own}/action"), &[("action", "remove")]).await.assert_redirect("/settings/webhooks");
    dana.get(&own).await.assert_status(404);
    let said: Vec<String> = audited(&app).into_iter().map(|row| row.action).collect();
    let said: Vec<&str> = said.iter().map(String::as_str).filter(|action| action.starts_with("webhook.")).collect();
    let expected = ["webhook.added", "webhook.tested", "webhook.changed", "webhook.secret_rotated", "webhook.removed"];
    assert_eq!(said, expected);
    assert!(!format!("{:?}", audited(&app)).contains("whsec_"));
}

#[actix_web::test]
async fn what_is_wrong_is_named_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let cases = [
        ("nonsense", "Write a whole address"),
        ("ftp://example.com/x", "Write a whole address"),
        ("http://example.com/x", "Only https"),
        ("https://user:pass@example.com/x", "name and password"),
        ("https://127.0.0.1/x", "private network"),
        ("https://2130706433/x", "private network"),
        ("https://[::ffff:10.0.0.1]/x", "private network"),
        ("https://localhost/x", "private network"),
    ];
    for (url, problem) in cases {
        let refused = dana.post("/settings/webhooks", &[("url", url), ("topic", "dispute.created")]).await;
        refused.assert_status(422);
        let page = refused.page();
        assert!(page.field_error("url").contains(problem), "{url}: {}", page.field_error("url"));
        assert_eq!(page.value("url"), url);
    }
    let refused = dana.post("/settings/webhooks", &[("url", "https://example.com/x"), ("buyer", "Nobody")]).await;
    refused.assert_status(422);
    refused.assert_body_has("There is no buyer of the name Nobody").assert_body_has("Tick at least one event");
    assert_eq!(refused.page().value("buyer"), "Nobody");
    dana.get("/settings/webhooks").await.assert_body_has("There is none yet");
    let unknown = dana.post("/settings/webhooks/0000000000001/action", &[("action", "explode")]).await;
    unknown.assert_status(422);
}
