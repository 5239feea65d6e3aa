//! What people set for themselves, and the links that let them in once.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::auth::Actor as Who;
use fairdial::db::audit::AuditRow;
use fairdial::db::schema::{audit_log, sessions};
use fairdial::db::table_settings::{self, TableSettings};
use fairdial::db::users::{self, UserRow};
use fairdial::db::{DbError, audit, links, policy};
use rstest::rstest;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::{PASSWORD, Person};

const STRONG: &str = "orchard violin tugboat 41";

/// Ways to another host, or to nowhere a person would come back to.
const HOSTILE: [&str; 20] = [
    "https://evil.example",
    "http://evil.example/calls",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nLocation: https://evil.example",
    " //evil.example",
    "\u{0}//evil.example",
    "/\u{e9}//evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "/login?next=//evil.example",
    "/logout",
    "/api/v1/disputes",
];

fn user(app: &TestApp, email: &str) -> UserRow {
    app.db().read_blocking::<_, DbError>(|conn| Ok(users::find_by_email(conn, email)?.unwrap())).unwrap()
}

fn saved(app: &TestApp, email: &str, table: &str) -> Option<TableSettings> {
    let id = user(app, email).id;
    app.db().read_blocking::<_, DbError>(|conn| Ok(table_settings::find(conn, id, table)?)).unwrap()
}

fn last_entry(app: &TestApp) -> AuditRow {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            assert_eq!(audit::verify(conn)?.err(), None);
            Ok(audit_log::table.order(audit_log::seq.desc()).select(AuditRow::as_select()).first(conn)?)
        })
        .unwrap()
}

async fn is_signed_in(actor: &Actor) -> bool {
    actor.get("/account").await.status.as_u16() == 200
}

// ---- table settings

#[actix_web::test]
async fn the_settings_of_a_table_hold_for_the_bare_list_until_they_are_reset() {
    let app = TestApp::start().await;
    let (acme, birch) = (app.buyer("acme").await, app.buyer("birch").await);
    let default = acme.get("/calls").await.page().texts("#call-log thead th");
    let form = [
        ("table", "calls"),
        ("column", "payout"),
        ("column", "call_date"),
        ("column", "unheard_of"),
        ("column", "payout"),
        ("per_page", "25"),
        ("sort", "-payout"),
        ("return_to", "/calls?status=failed&columns=status&per_page=100&sort=status&after=0123456789abc"),
    ];
    acme.post("/account/table", &form).await.assert_redirect("/calls?status=failed");
    let settings = saved(&app, "acme@example.com", "calls").unwrap();
    assert_eq!(settings.column_list, "payout,call_date,unheard_of");
    assert_eq!((settings.per_page, settings.sort.as_str()), (25, "-payout"));
    assert_eq!(last_entry(&app).action, "user.table_settings_changed");
    let shown = acme.get("/calls").await.page().texts("#call-log thead th");
    assert_ne!(shown, default);
    assert_eq!(birch.get("/calls").await.page().texts("#call-log thead th"), default, "they are acme's alone");

    // What the form doesn't say stays.
    acme.post("/account/table", &[("table", "calls"), ("column", "status")]).await.assert_redirect("/calls");
    let settings = saved(&app, "acme@example.com", "calls").unwrap();
    assert_eq!((settings.per_page, settings.sort.as_str()), (25, "-payout"));

    acme.post("/account/table", &[("table", "calls"), ("reset", "1")]).await.assert_redirect("/calls");
    assert_eq!(saved(&app, "acme@example.com", "calls"), None);
    assert_eq!(last_entry(&app).action, "user.table_settings_reset");
    assert_eq!(acme.get("/calls").await.page().texts("#call-log thead th"), default);
}

#[rstest]
#[case::another_table(&[("table", "users")])]
#[case::no_code(&[("table", "calls"), ("column", "Payout!")])]
#[case::too_many_rows(&[("table", "calls"), ("per_page", "101")])]
#[case::no_rows(&[("table", "calls"), ("per_page", "0")])]
#[case::no_sort(&[("table", "calls"), ("sort", "payout desc")])]
#[actix_web::test]
async fn settings_of_a_table_that_make_no_sense_are_refused(#[case] form: &[(&str, &str)]) {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    acme.post("/account/table", form).await.assert_status(422);
    assert_eq!(saved(&app, "acme@example.com", "calls"), None);
}

#[actix_web::test]
async fn who_may_not_see_disputes_has_no_settings_of_their_table() {
    let app = TestApp::start().await;
    let person = Person::Buyer { name: "clerk", company: "acme", dispute_calls: false };
    let clerk = app.person(person).await;
    clerk.post("/account/table", &[("table", "disputes"), ("per_page", "25")]).await.assert_forbidden();
    assert_eq!(saved(&app, "clerk@example.com", "disputes"), None);
    app.anonymous().post("/account/table", &[("table", "calls")]).await.assert_status(303);
}

#[actix_web::test]
async fn two_at_once_save_one_row() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let save = |rows: &'static str| {
        let acme = acme.clone();
        async move { acme.post("/account/table", &[("table", "calls"), ("per_page", rows)]).await.status.as_u16() }
    };
    let tries = (0..8).map(|at| actix_web::rt::spawn(save(if at % 2 == 0 { "25" } else { "100" }))).collect::<Vec<_>>();
    for each in tries {
        assert_eq!(each.await.unwrap(), 303);
    }
    assert!([25, 100].contains(&saved(&app, "acme@example.com", "calls").unwrap().per_page));
}

// ---- ways back

#[actix_web::test]
async fn no_way_back_leads_to_another_host() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    for hostile in HOSTILE {
        let login = [("email", "acme@example.com"), ("password", PASSWORD), ("next", hostile)];
        let table = [("table", "calls"), ("per_page", "25"), ("return_to", hostile)];
        let theme = [("theme", "dark"), ("return_to", hostile)];
        app.anonymous().post("/login", &login).await.assert_redirect("/");
        acme.post("/account/table", &table).await.assert_redirect("/calls");
        acme.post("/account", &theme).await.assert_redirect("/account");
        let query: String = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
        acme.get(&format!("/login?next={query}")).await.assert_redirect("/");
    }
}

// ---- the account page

#[actix_web::test]
async fn the_theme_of_the_layout_leads_back_or_answers_a_script_with_nothing() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let back = "/calls?status=failed";
    acme.post("/account", &[("theme", "dark"), ("return_to", back)]).await.assert_redirect(back);
    assert_eq!(acme.get("/calls").await.page().attr("html", "data-theme"), "dark");
    let request = acme.request(reqwest::Method::POST, "/account").form(&[("theme", "light")]);
    acme.send(request.header("Sec-Fetch-Dest", "empty")).await.assert_status(204);
    assert_eq!(acme.get("/calls").await.page().attr("html", "data-theme"), "light");
    acme.post("/account", &[("theme", "pink")]).await.assert_status(422);
}

#[actix_web::test]
async fn a_form_changes_what_it_names_and_nothing_else() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    acme.post("/account", &[("time_zone", "Asia/Kolkata")]).await.assert_redirect("/account");
    acme.post("/account", &[("keyboard_shortcuts", "0")]).await.assert_redirect("/account");
    acme.post("/account", &[("name", "  Maren Tolliver ")]).await.assert_redirect("/account");
    let now = user(&app, "acme@example.com");
    assert_eq!((now.name.as_str(), now.time_zone.as_str()), ("Maren Tolliver", "Asia/Kolkata"));
    assert!(!now.keyboard_shortcuts);
    let entry = last_entry(&app);
    assert_eq!((entry.action.as_str(), entry.actor_id), ("user.preferences_changed", Some(now.id)));
    assert!(entry.old_values.contains("\"acme\"") && entry.new_values.contains("Maren Tolliver"), "{entry:?}");

    let refused = acme.post("/account", &[("name", " "), ("time_zone", "Mars/Olympus")]).await;
    refused.assert_status(422);
    assert_eq!(refused.page().select(".summary li").len(), 2);
    refused.assert_field_error("time_zone", "Choose a time zone of the list");
    assert_eq!(user(&app, "acme@example.com").name, "Maren Tolliver");
}

#[actix_web::test]
async fn a_new_password_ends_every_other_session_and_renews_this_one() {
    let app = TestApp::start().await;
    let (acme, elsewhere) = (app.buyer("acme").await, app.buyer("acme").await);
    let change = |current: &'static str, new: &'static str| {
        let acme = &acme;
        async move { acme.post("/account", &[("current_password", current), ("new_password", new)]).await }
    };
    let wrong = change("wrong", STRONG).await;
    wrong.assert_field_error("current_password", "This is not your present password");
    wrong.assert_body_lacks(STRONG);
    change(PASSWORD, "short").await.assert_field_error("new_password", "Choose a password of at least 8 characters");
    assert!(is_signed_in(&elsewhere).await);
    let ids = || -> Vec<String> {
        app.db()
            .read_blocking::<_, DbError>(|conn| Ok(sessions::table.select(sessions::token_hash).load(conn)?))
            .unwrap()
    };
    let before = ids();
    change(PASSWORD, STRONG).await.assert_redirect("/account");
    assert!(is_signed_in(&acme).await);
    assert!(!is_signed_in(&elsewhere).await);
    assert!(ids().iter().any(|id| !before.contains(id)), "this session has a new id");
    let old = app.anonymous().post("/login", &[("email", "acme@example.com"), ("password", PASSWORD)]).await;
    old.assert_status(422);
    app.anonymous().sign_in("acme@example.com", STRONG).await;
}

#[actix_web::test]
async fn the_present_password_can_not_be_guessed_from_an_open_session() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let mut statuses = Vec::new();
    for _ in 0..11 {
        let guess = [("current_password", "wrong"), ("new_password", STRONG)];
        statuses.push(acme.post("/account", &guess).await.status.as_u16());
    }
    assert_eq!(statuses, [vec![422; 10], vec![429]].concat());
}

#[actix_web::test]
async fn sessions_are_listed_and_ended_by_their_owner_alone() {
    let app = TestApp::start().await;
    let (acme, second, third) = (app.buyer("acme").await, app.buyer("acme").await, app.buyer("acme").await);
    let birch = app.buyer("birch").await;
    let listed = acme.get("/account").await.page();
    assert_eq!(listed.select("#sessions ~ form tbody tr").len(), 3);
    let of_birch = birch.get("/account").await.page().attr("#sessions ~ form tbody tr", "data-id");
    acme.post("/account", &[("end_session", &of_birch)]).await.assert_not_found();
    assert!(is_signed_in(&birch).await);
    let other = listed.select("button[name=end_session]")[0].attr("value");
    acme.post("/account", &[("end_session", &other)]).await.assert_redirect("/account");
    let alive = [is_signed_in(&second).await, is_signed_in(&third).await];
    assert_eq!(alive.iter().filter(|is_alive| **is_alive).count(), 1, "one of the two is over");
    acme.post("/account", &[("end_session", "others")]).await.assert_redirect("/account");
    assert!(is_signed_in(&acme).await);
    assert!(!is_signed_in(&second).await && !is_signed_in(&third).await);
    assert!(is_signed_in(&birch).await);
}

// ---- links

fn setup_link(app: &TestApp) -> String {
    let token = app.db().write_blocking::<_, DbError>(|conn| Ok(links::start_setup(conn, app.clock().now())?));
    format!("/setup/{}", token.unwrap().expect("nobody is there yet"))
}

const FIRST: [(&str, &str); 4] = [
    ("platform_name", "Quillmoor Network"),
    ("name", "Idris Calloway"),
    ("email", "idris@quillmoor.example"),
    ("password", STRONG),
];

#[actix_web::test]
async fn the_set_up_link_makes_one_manager_and_signs_them_in() {
    let app = TestApp::start().await;
    let (link, spare) = (setup_link(&app), setup_link(&app));
    let first = app.anonymous();
    first.get(&link).await.assert_ok();
    let refused = first.post(&link, &[&FIRST[..3], &[("password", "quillmoor")]].concat()).await;
    refused.assert_status(422).assert_body_lacks("value=\"quillmoor\"");
    assert_eq!(refused.page().value("email"), "idris@quillmoor.example");

    first.post(&link, &FIRST).await.assert_redirect("/calls");
    assert!(is_signed_in(&first).await);
    let row = user(&app, "idris@quillmoor.example");
    assert!(row.disputes_view && row.disputes_edit && row.calls_import && row.settings && row.buyer_id.is_none());
    let name = app.db().read_blocking::<_, DbError>(policy::load).unwrap().platform_name;
    assert_eq!(name, "Quillmoor Network");
    for dead in [&link, &spare] {
        app.anonymous().get(dead).await.assert_not_found();
        app.anonymous().post(dead, &FIRST).await.assert_not_found();
    }
    assert_eq!(app.db().read_blocking::<_, DbError>(|conn| Ok(users::list(conn)?.len())).unwrap(), 1);
}

#[actix_web::test]
async fn of_two_who_use_set_up_links_at_once_one_becomes_the_manager() {
    let app = TestApp::start().await;
    let tries = [setup_link(&app), setup_link(&app)].map(|link| {
        let actor = app.anonymous();
        actix_web::rt::spawn(async move { actor.post(&link, &FIRST).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for each in tries {
        statuses.push(each.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
}

#[actix_web::test]
async fn a_set_up_link_runs_out_after_a_day() {
    let app = TestApp::start().await;
    let link = setup_link(&app);
    app.clock().advance(Duration::hours(24) - Duration::seconds(1));
    app.anonymous().get(&link).await.assert_ok();
    app.clock().advance(Duration::seconds(1));
    app.anonymous().get(&link).await.assert_not_found();
    app.anonymous().post(&link, &FIRST).await.assert_not_found();
}

#[actix_web::test]
async fn guessing_links_is_slow_and_costs_nobody_the_right_one_later() {
    let app = TestApp::start().await;
    let (link, actor) = (setup_link(&app), app.anonymous());
    for _ in 0..40 {
        actor.get(&link).await.assert_ok();
    }
    for at in 0..30 {
        actor.get(&format!("/setup/{at}")).await.assert_not_found();
    }
    actor.get("/setup/30").await.assert_status(429);
    actor.get("/invitations/30").await.assert_status(429);
    app.clock().advance(Duration::minutes(1));
    actor.get(&link).await.assert_ok();
}

#[actix_web::test]
async fn an_invitation_sets_a_password_once_and_ends_older_sessions() {
    let app = TestApp::start().await;
    let before = app.buyer("acme").await;
    let invite = || {
        let id = user(&app, "acme@example.com").id;
        let token = app
            .db()
            .write_blocking::<_, DbError>(|conn| Ok(links::invite(conn, &Who::operator(), id, app.clock().now())?));
        format!("/invitations/{}", token.unwrap())
    };
    let (old, link) = (invite(), invite());
    app.anonymous().get(&old).await.assert_not_found();
    let invited = app.anonymous();
    invited.get(&link).await.assert_ok().assert_body_has("acme@example.com");
    invited.post(&link, &[("password", "password1")]).await.assert_status(422);
    invited.post(&link, &[("password", STRONG)]).await.assert_redirect("/calls");
    assert!(is_signed_in(&invited).await);
    assert!(!is_signed_in(&before).await);
    app.anonymous().post(&link, &[("password", STRONG)]).await.assert_not_found();
    app.anonymous().sign_in("acme@example.com", STRONG).await;

    let late = invite();
    let row = user(&app, "acme@example.com");
    let disable = |conn: &mut fairdial::db::AnyConnection| {
        Ok(users::set_disabled(conn, &Who::operator(), &row, true, app.clock().now())?)
    };
    app.db().write_blocking::<_, DbError>(disable).unwrap();
    app.anonymous().post(&late, &[("password", STRONG)]).await.assert_not_found();
}
