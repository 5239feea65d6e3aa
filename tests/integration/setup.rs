//! Links that work once: the set-up of the first manager, and invitations.

use chrono::Duration;
use fairdial::auth::Actor as Who;
use fairdial::db::users::{NewUser, Permissions, UserError};
use fairdial::db::{DbError, audit, links, policy, users};
use fairdial::domain::ids::UserId;

use crate::support::app::TestApp;
use crate::support::people::{PASSWORD, Person};

const FORM: [(&str, &str); 4] = [
    ("platform_name", "Quillmoor Network"),
    ("name", "Idris Calloway"),
    ("email", "idris@quillmoor.example"),
    ("password", PASSWORD),
];

/// The address of a new set-up link.
fn setup_link(app: &TestApp) -> String {
    let now = app.clock().now();
    let token = app.db().write_blocking::<_, DbError>(|conn| Ok(links::start_setup(conn, now)?)).unwrap();
    format!("/setup/{}", token.expect("nobody is there yet"))
}

/// Somebody without a password, and the address of their invitation.
fn invite(app: &TestApp) -> (UserId, String) {
    let now = app.clock().now();
    let (user, token) = app
        .db()
        .write_blocking::<_, UserError>(|conn| {
            let new = NewUser {
                email: "petra@quillmoor.example".to_owned(),
                name: "Petra Vance".to_owned(),
                password_hash: None,
                buyer: None,
                permissions: Permissions { disputes_view: true, ..Permissions::default() },
            };
            let id = users::insert(conn, &Who::operator(), &new, now)?;
            Ok((id, links::invite(conn, &Who::operator(), id, now)?))
        })
        .unwrap();
    (user, format!("/invitations/{token}"))
}

#[actix_web::test]
async fn the_first_manager_sets_the_platform_up_and_is_signed_in() {
    let app = TestApp::start().await;
    let link = setup_link(&app);
    let idris = app.anonymous();
    idris.get(&link).await.assert_status(200);

    idris.post(&link, &FORM).await.assert_redirect("/calls");

    idris.get("/disputes").await.assert_status(200).assert_body_has("Quillmoor Network");
    app.anonymous().sign_in("idris@quillmoor.example", PASSWORD).await;
    let (row, name, actions) = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            let row = users::find_by_email(conn, "idris@quillmoor.example")?.unwrap();
            assert!(audit::verify(conn)?.is_ok());
            Ok((row, policy::load(conn)?.platform_name, audit::last_number(conn)?))
        })
        .unwrap();
    let all = Permissions {
        dispute_calls: false,
        disputes_view: true,
        disputes_edit: true,
        calls_import: true,
        settings: true,
    };
    assert_eq!((row.permissions(), name.as_str(), actions), (all, "Quillmoor Network", 2));
}

#[actix_web::test]
async fn a_setup_link_works_once_and_for_a_day() {
    let app = TestApp::start().await;
    let (first, second) = (setup_link(&app), setup_link(&app));
    app.clock().advance(Duration::hours(24) - Duration::seconds(1));
    app.anonymous().get(&first).await.assert_status(200);
    app.clock().advance(Duration::seconds(1));
    app.anonymous().get(&first).await.assert_status(410);
    app.anonymous().post(&first, &FORM).await.assert_status(410);

    let (third, fourth) = (setup_link(&app), setup_link(&app));
    app.anonymous().post(&third, &FORM).await.assert_status(303);
    for used in [&first, &second, &third, &fourth] {
        app.anonymous().get(used).await.assert_status(410);
        app.anonymous().post(used, &FORM).await.assert_status(410);
    }
    app.anonymous().get("/setup/nonsense").await.assert_status(410);
    let now = app.clock().now();
    assert_eq!(app.db().write_blocking::<_, DbError>(|conn| Ok(links::start_setup(conn, now)?)).unwrap(), None);
}

#[actix_web::test]
async fn a_setup_form_says_what_is_missing_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let link = setup_link(&app);
    let answer = app.anonymous().post(&link, &[("name", "Idris"), ("email", "idris"), ("password", "password1")]).await;
    let page = answer.assert_status(422).page();
    assert_eq!(page.value("name"), "Idris");
    assert_eq!(page.value("email"), "idris");
    for field in ["platform_name", "email", "password"] {
        assert!(page.has(&format!("#summary a[href=\"#{field}\"]")), "{field}");
        assert!(!page.field_error(field).is_empty());
    }
    assert!(!answer.text().contains("password1"));
    app.anonymous().post(&link, &FORM).await.assert_status(303);
}

#[actix_web::test]
async fn an_invitation_sets_a_password_once() {
    let app = TestApp::start().await;
    let (user, link) = invite(&app);
    let petra = app.anonymous();
    petra.get(&link).await.assert_status(200).assert_body_has("petra@quillmoor.example");
    let weak = petra.post(&link, &[("password", "petravance")]).await;
    assert!(!weak.assert_status(422).page().field_error("password").is_empty());

    petra.post(&link, &[("password", PASSWORD)]).await.assert_redirect("/calls");

    petra.get("/disputes").await.assert_status(200);
    app.anonymous().sign_in("petra@quillmoor.example", PASSWORD).await;
    petra.get(&link).await.assert_status(410);
    petra.post(&link, &[("password", "another one of hers")]).await.assert_status(410);
    app.anonymous().sign_in("petra@quillmoor.example", PASSWORD).await;
    assert_eq!(app.db().read_blocking::<_, DbError>(|conn| Ok(users::find(conn, user)?.unwrap().epoch)).unwrap(), 1);
}

#[actix_web::test]
async fn an_invitation_ends_with_a_newer_one_a_password_a_week_or_its_user() {
    let app = TestApp::start().await;
    let (user, first) = invite(&app);
    let now = app.clock().now();
    let again = || {
        let token = app.db().write_blocking::<_, DbError>(|conn| Ok(links::invite(conn, &Who::operator(), user, now)?));
        format!("/invitations/{}", token.unwrap())
    };
    let second = again();
    app.anonymous().get(&first).await.assert_status(410);
    app.anonymous().get(&second).await.assert_status(200);

    app.db()
        .write_blocking::<_, DbError>(|conn| Ok(users::set_password(conn, &Who::operator(), user, "x", now)?))
        .unwrap();
    app.anonymous().get(&second).await.assert_status(410);

    let third = again();
    let set_disabled = |is_disabled: bool| {
        app.db()
            .write_blocking::<_, DbError>(|conn| {
                let row = users::find(conn, user)?.unwrap();
                Ok(users::set_disabled(conn, &Who::operator(), &row, is_disabled, now)?)
            })
            .unwrap();
    };
    set_disabled(true);
    app.anonymous().post(&third, &[("password", PASSWORD)]).await.assert_status(410);
    set_disabled(false);
    app.anonymous().get(&third).await.assert_status(200);
    app.clock().advance(Duration::days(7));
    app.anonymous().get(&third).await.assert_status(410);
}

#[actix_web::test]
async fn an_invitation_is_no_setup_and_a_setup_no_invitation() {
    let app = TestApp::start().await;
    let setup = setup_link(&app).replace("/setup/", "/invitations/");
    app.anonymous().get(&setup).await.assert_status(410);
    let (_, invitation) = invite(&app);
    app.anonymous().get(&invitation.replace("/invitations/", "/setup/")).await.assert_status(410);
    app.viewer(Person::buyer("acme"));
}
