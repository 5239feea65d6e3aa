//! Users, as a manager with Settings looks after them.

use diesel::prelude::*;
use fairdial::db::audit::AuditRow;
use fairdial::db::schema::audit_log;
use fairdial::db::users::{self, UserRow};
use fairdial::db::{DbError, audit};

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;

const STRONG: &str = "orchard violin tugboat 41";

fn user(app: &TestApp, email: &str) -> Option<UserRow> {
    app.db().read_blocking::<_, DbError>(|conn| Ok(users::find_by_email(conn, email)?)).unwrap()
}

fn page_of(app: &TestApp, email: &str) -> String {
    format!("/settings/users/{}", user(app, email).unwrap().id)
}

fn actions(app: &TestApp) -> Vec<String> {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            assert_eq!(audit::verify(conn)?.err(), None);
            let rows: Vec<AuditRow> =
                audit_log::table.order(audit_log::seq.desc()).limit(3).select(AuditRow::as_select()).load(conn)?;
            Ok(rows.into_iter().map(|row| row.action).collect())
        })
        .unwrap()
}

/// The path of the link that the page shows.
fn link_of(response: &Response) -> String {
    let url = response.assert_ok().page().text("#link");
    let at = url.find("/invitations/").expect("a link");
    url[at..].to_owned()
}

async fn is_signed_in(actor: &Actor) -> bool {
    actor.get("/account").await.status.as_u16() == 200
}

#[actix_web::test]
async fn somebody_invited_chooses_a_password_by_the_link_and_signs_in() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let dana = app.manager("dana").await;
    let form = [
        ("name", " Maren Tolliver "),
        ("email", "maren@acme.example"),
        ("role", "buyer"),
        ("buyer", "ACME "),
        ("permission", "dispute-calls"),
        // Of the other role: it is ignored, as the page hides it.
        ("permission", "settings"),
    ];
    let shown = dana.post("/settings/users", &form).await;
    let link = link_of(&shown);
    assert_eq!(actions(&app)[..2], ["user.invited", "user.added"]);
    let row = user(&app, "maren@acme.example").unwrap();
    assert!(row.dispute_calls && !row.settings && row.password_hash.is_none());
    let listed = dana.get("/settings/users?q=MAREN").await.page();
    assert_eq!(listed.row_ids("users"), [row.id.to_string()]);
    assert!(listed.text("#users tbody").contains("Never signed in"));
    listed.one("#users tbody a.hit");
    assert!(!dana.get(&page_of(&app, "maren@acme.example")).await.text().contains("/invitations/"), "it is shown once");

    let maren = app.anonymous();
    maren.post(&link, &[("password", STRONG)]).await.assert_redirect("/calls");
    maren.get("/disputes").await.assert_ok();
    let listed = dana.get("/settings/users?q=maren").await.page();
    assert!(listed.text("#users tbody").contains("just now"));
    app.anonymous().post(&link, &[("password", STRONG)]).await.assert_not_found();
}

#[actix_web::test]
async fn a_wrong_invitation_keeps_what_was_typed_and_names_each_field() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let dana = app.manager("dana").await;
    let before = app.digest();
    let form = [("name", "Maren"), ("email", "acme@example.com"), ("role", "buyer"), ("buyer", "Nobody Inc")];
    let response = dana.post("/settings/users", &form).await;
    response.assert_field_error("buyer", "There is no buyer of the name Nobody Inc");
    let page = response.page();
    assert_eq!((page.value("name"), page.value("email")), ("Maren".to_owned(), "acme@example.com".to_owned()));
    let form = [("name", "Maren"), ("email", "acme@example.com"), ("role", "buyer"), ("buyer", "acme")];
    dana.post("/settings/users", &form).await.assert_field_error("email", "There is a user with this e-mail already");
    let edit_alone = [("name", "E"), ("email", "e@x.example"), ("role", "manager"), ("permission", "disputes-edit")];
    let response = dana.post("/settings/users", &edit_alone).await;
    response.assert_status(422).assert_body_has("Disputes: Edit needs Disputes: View");
    dana.post("/settings/users", &[]).await.assert_status(422).assert_body_has("Choose whether they manage");
    assert_eq!(app.digest(), before);
}

#[actix_web::test]
async fn permissions_hold_at_the_next_request_and_are_in_the_log() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    acme.get("/disputes").await.assert_ok();
    let path = page_of(&app, "acme@example.com");
    let page = dana.get(&path).await.page();
    assert_eq!(page.select("input[name=permission]").len(), 1, "a buyer's user can have one");
    let form = [("name", "acme"), ("email", "acme@example.com"), ("seen", "dispute-calls"), ("action", "save")];
    dana.post(&path, &form).await.assert_redirect(&path);
    assert_eq!(actions(&app)[0], "user.permissions_changed");
    acme.get("/disputes").await.assert_forbidden();

    // Somebody who still sees the old state doesn't undo it.
    let stale =
        [("name", "acme"), ("email", "acme@example.com"), ("seen", "dispute-calls"), ("permission", "dispute-calls")];
    dana.post(&path, &stale).await.assert_conflict("Somebody else changed this user meanwhile");
    acme.get("/disputes").await.assert_forbidden();

    let renamed = [("name", "Acme Desk"), ("email", "desk@acme.example"), ("permission", "dispute-calls")];
    dana.post(&path, &renamed).await.assert_redirect(&path);
    assert!(user(&app, "desk@acme.example").is_some_and(|row| row.name == "Acme Desk" && row.dispute_calls));
    acme.get("/disputes").await.assert_ok();
    // A buyer's user has no manager's permission, whatever a form says.
    let wrong = [("name", "Acme Desk"), ("email", "desk@acme.example"), ("permission", "settings")];
    dana.post(&path, &wrong).await.assert_status(422);
    assert!(!user(&app, "desk@acme.example").unwrap().settings);
}

#[actix_web::test]
async fn a_form_that_is_old_undoes_no_other_name_or_email() {
    let app = TestApp::start().await;
    let (dana, petra) = (app.manager("dana").await, app.manager("petra").await);
    app.viewer(Person::buyer("acme"));
    let path = page_of(&app, "acme@example.com");
    let page = dana.get(&path).await.page();
    assert_eq!((page.value("seen_name"), page.value("seen_email")), ("acme".into(), "acme@example.com".into()));
    let seen = [("seen", "dispute-calls"), ("permission", "dispute-calls"), ("seen_name", "acme")];
    let seen: Vec<_> = seen.into_iter().chain([("seen_email", "acme@example.com")]).collect();
    let form = |name, email| [seen.as_slice(), &[("name", name), ("email", email)]].concat();
    petra.post(&path, &form("acme", "desk@acme.example")).await.assert_redirect(&path);
    // What was left as it was shown stays as it is by now; what both changed is told.
    dana.post(&path, &form("Acme Desk", "acme@example.com")).await.assert_redirect(&path);
    assert!(user(&app, "desk@acme.example").is_some_and(|row| row.name == "Acme Desk"));
    let told = dana.post(&path, &form("Acme Office", "acme@example.com")).await;
    told.assert_conflict("Somebody else changed this user meanwhile");
    assert_eq!((told.page().value("name"), told.page().value("seen_name")), ("Acme Office".into(), "Acme Desk".into()));
    assert!(user(&app, "desk@acme.example").is_some_and(|row| row.name == "Acme Desk"));
}

#[actix_web::test]
async fn edit_needs_view() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    app.viewer(Person::manager("eli"));
    let path = page_of(&app, "eli@example.com");
    let form = [("name", "eli"), ("email", "eli@example.com"), ("permission", "disputes-edit")];
    let response = dana.post(&path, &form).await;
    response.assert_status(422).assert_body_has("Disputes: Edit needs Disputes: View");
    assert!(user(&app, "eli@example.com").unwrap().disputes_view);
}

#[actix_web::test]
async fn a_disabled_user_is_out_at_once_and_in_again_after() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    let path = page_of(&app, "acme@example.com");
    dana.post(&path, &[("action", "disable")]).await.assert_redirect(&path);
    assert_eq!(actions(&app)[0], "user.disabled");
    assert!(!is_signed_in(&acme).await);
    dana.post(&path, &[("action", "link")]).await.assert_conflict("The user is disabled: enable them first.");
    assert!(dana.get("/settings/users").await.page().text("#users").contains("Disabled"));
    dana.post(&path, &[("action", "enable")]).await.assert_redirect(&path);
    app.buyer("acme").await.get("/disputes").await.assert_ok();
}

#[actix_web::test]
async fn a_forgotten_password_is_replaced_by_a_link() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    let path = page_of(&app, "acme@example.com");
    let link = link_of(&dana.post(&path, &[("action", "link")]).await);
    assert_eq!(actions(&app)[0], "user.reset_link_made");
    assert!(is_signed_in(&acme).await, "the present password holds until the link is used");
    let later = link_of(&dana.post(&path, &[("action", "link")]).await);
    app.anonymous().get(&link).await.assert_not_found();
    let again = app.anonymous();
    again.post(&later, &[("password", STRONG)]).await.assert_redirect("/calls");
    assert!(!is_signed_in(&acme).await, "whoever was signed in is out");
    assert!(is_signed_in(&again).await);
}

#[actix_web::test]
async fn nobody_locks_themselves_out() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let path = page_of(&app, "dana@example.com");
    dana.post(&path, &[("action", "disable")]).await.assert_conflict("You can\u{2019}t disable yourself");
    let form = [("name", "dana"), ("email", "dana@example.com"), ("permission", "disputes-view")];
    dana.post(&path, &form).await.assert_conflict("You can\u{2019}t take Settings from yourself");
    assert!(user(&app, "dana@example.com").is_some_and(|row| row.settings && !row.is_disabled));
    let page = dana.get(&path).await.page();
    assert!(!page.has("button[value=disable]"));
}

#[actix_web::test]
async fn two_managers_who_disable_each_other_leave_one() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        let (dana, eli) = (app.manager("dana").await, app.manager("eli").await);
        let (to_dana, to_eli) = (page_of(&app, "dana@example.com"), page_of(&app, "eli@example.com"));
        let disable = [("action", "disable")];
        let (one, other) = futures_util::join!(dana.post(&to_eli, &disable), eli.post(&to_dana, &disable));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses[0], 303);
        assert_ne!(statuses[1], 500);
        let rows = [user(&app, "dana@example.com").unwrap(), user(&app, "eli@example.com").unwrap()];
        let left: Vec<_> = rows.iter().filter(|row| !row.is_disabled).collect();
        assert_eq!(left.len(), 1, "{statuses:?}");
        let survivor = if left[0].email.starts_with("dana") { &dana } else { &eli };
        let gone = if left[0].email.starts_with("dana") { &to_eli } else { &to_dana };
        survivor.post(gone, &[("action", "enable")]).await.assert_redirect(gone);
    }
}

#[actix_web::test]
async fn the_list_is_searched_and_paged() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    app.viewer(Person::buyer("acme"));
    app.viewer(Person::buyer("birch"));
    let platform = dana.get("/settings/users?company=platform").await.page();
    assert_eq!(platform.texts("#users tbody a.hit"), ["dana"]);
    let acme = user(&app, "acme@example.com").unwrap().buyer_id.unwrap();
    let of_acme = dana.get(&format!("/settings/users?company={acme}")).await.page();
    assert_eq!(of_acme.texts("#users tbody a.hit"), ["acme"]);
    dana.get("/settings/users?q=100%25").await.assert_ok().assert_body_has("No user matches");
    dana.get("/settings/users?company=x").await.assert_status(422);
    let second =
        dana.get(&format!("/settings/users?after={}", user(&app, "acme@example.com").unwrap().id)).await.page();
    assert_eq!(second.texts("#users tbody a.hit"), ["birch", "dana"]);
}

#[actix_web::test]
async fn nobody_changes_sides() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    app.viewer(Person::buyer("birch"));
    app.viewer(Person::manager("eve"));
    let dana = app.manager("dana").await;
    for (email, role, buyer) in [
        ("acme@example.com", "manager", ""),
        ("acme@example.com", "buyer", "birch"),
        ("eve@example.com", "buyer", "acme"),
    ] {
        let before = user(&app, email).unwrap();
        let form = [("name", "Renamed"), ("email", email), ("action", "save"), ("role", role), ("buyer", buyer)];
        dana.post(&page_of(&app, email), &form).await.assert_status(303);
        let after = user(&app, email).unwrap();
        assert_eq!((after.buyer_id, after.name.as_str()), (before.buyer_id, "Renamed"), "{email} to {role} {buyer}");
    }
    assert!(dana.get(&page_of(&app, "acme@example.com")).await.text().contains("Nobody changes sides"));
}
