//! Signing in: what is given, what ends it, and what guessing costs.

use chrono::Duration;
use fairdial::auth::Actor as Who;
use fairdial::clock::Clock;
use fairdial::db::users::{Permissions, UserError, UserRow};
use fairdial::db::{AnyConnection, Db, DbError, users};
use fairdial::domain::Instant;
use rstest::rstest;

use crate::support::actor::Actor;
use crate::support::app::{Launch, NOW, TestApp, config_with};
use crate::support::people::{PASSWORD, Person};

async fn status_of_login(app: &TestApp, email: &str, password: &str) -> (u16, String) {
    let response = app.anonymous().post("/login", &[("email", email), ("password", password)]).await;
    (response.status.as_u16(), response.text().to_owned())
}

/// The session cookie that somebody is given who signs in while sending `planted`.
async fn cookie_of(app: &TestApp, planted: &str) -> String {
    let actor = Actor::with_cookie(app.origin(), planted);
    let response = actor.post("/login", &[("email", "acme@example.com"), ("password", PASSWORD)]).await;
    response.assert_status(303);
    response.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// Whether this cookie opens a session: a signed-in person who opens the sign-in page is sent on.
async fn opens(app: &TestApp, cookie: &str) -> bool {
    Actor::with_cookie(app.origin(), cookie).get("/login").await.status.as_u16() == 303
}

#[actix_web::test]
async fn a_session_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let actor = app.anonymous();
    let form = [("email", "acme@example.com"), ("password", PASSWORD), ("next", "/disputes?status=pending")];
    let response = actor.post("/login", &form).await;
    response.assert_status(303);
    assert_eq!(response.header("location"), "/disputes?status=pending");
    let cookie = response.header("set-cookie");
    for attribute in ["fairdial=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
}

#[actix_web::test]
async fn an_unknown_user_a_wrong_password_and_a_disabled_user_get_one_answer() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let gone = app.viewer(Person::buyer("birch"));
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let row = users::find(conn, gone.user())?.unwrap();
            Ok(users::set_disabled(conn, &fairdial::auth::Actor::operator(), &row, true, app.clock().now())?)
        })
        .unwrap();
    let (status, page) = status_of_login(&app, "acme@example.com", "wrong").await;
    assert_eq!(status, 422);
    for other in ["nobody@example.com", "birch@example.com"] {
        let (other_status, other_page) = status_of_login(&app, other, PASSWORD).await;
        assert_eq!((other_status, other_page.replace(other, "acme@example.com")), (status, page.clone()));
    }
}

#[actix_web::test]
async fn guessing_stops_after_ten_tries_a_minute_also_for_unknown_accounts() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    for email in ["acme@example.com", "nobody@example.com"] {
        let mut statuses = Vec::new();
        for _ in 0..11 {
            statuses.push(status_of_login(&app, email, "wrong").await.0);
        }
        assert_eq!(statuses, [vec![422; 10], vec![429]].concat(), "{email}");
    }
    assert_eq!(status_of_login(&app, "acme@example.com", PASSWORD).await.0, 429);
    app.clock().advance(Duration::minutes(1));
    assert_eq!(status_of_login(&app, "acme@example.com", PASSWORD).await.0, 303);
}

#[actix_web::test]
async fn a_session_that_can_not_be_kept_is_a_503_and_what_needs_none_is_served() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use diesel::connection::SimpleConnection;
            conn.batch_execute("ALTER TABLE sessions RENAME TO sessions_away")?;
            Ok(())
        })
        .unwrap();
    let (status, page) = status_of_login(&app, "acme@example.com", PASSWORD).await;
    assert_eq!(status, 503, "{page}");
    assert_eq!(acme.get("/calls").await.status.as_u16(), 503, "nobody is signed out by it");
    acme.get("/healthz").await.assert_status(200);
}

#[actix_web::test]
async fn help_is_for_everybody_and_keeps_the_menu_of_who_is_signed_in() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    assert!(acme.get("/help/buyer").await.text().contains("id=\"pending-count\""));
    let anonymous = app.anonymous().get("/help/buyer").await;
    anonymous.assert_status(200);
    assert!(!anonymous.text().contains("id=\"pending-count\""));
}

#[rstest]
#[case::idle(Duration::hours(12), false)]
#[case::nearly_idle(Duration::hours(12) - Duration::seconds(1), true)]
#[actix_web::test]
async fn a_session_nobody_uses_ends_after_twelve_hours(#[case] pause: Duration, #[case] is_alive: bool) {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    app.clock().advance(pause);
    assert_eq!(acme.get("/login").await.status.as_u16() == 303, is_alive);
}

#[actix_web::test]
async fn a_session_in_use_ends_after_seven_days() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let is_alive = async || acme.get("/login").await.status.as_u16() == 303;
    let step = Duration::hours(8);
    for _ in 0..21 {
        assert!(is_alive().await);
        app.clock().advance(step);
        app.db()
            .write_blocking::<_, DbError>(|conn| {
                use diesel::prelude::*;
                use fairdial::db::schema::sessions;
                // As if a page had been opened just now.
                diesel::update(sessions::table).set(sessions::last_seen_at.eq(app.clock().now())).execute(conn)?;
                Ok(())
            })
            .unwrap();
    }
    assert!(!is_alive().await);
}

#[actix_web::test]
async fn a_planted_session_is_not_adopted() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let planted = cookie_of(&app, "fairdial=nonsense").await;
    let own = cookie_of(&app, &planted).await;
    assert_ne!(own, planted);
    assert!(opens(&app, &own).await);
    assert!(!opens(&app, &planted).await, "the old session ended when a new one began");
    assert!(!opens(&app, "fairdial=nonsense").await);
}

#[actix_web::test]
async fn sessions_die_with_the_rights_of_their_user() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    let cookie = cookie_of(&app, "other=1").await;
    assert!(opens(&app, &cookie).await);
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            Ok(users::end_sessions(conn, &viewer.actor(), viewer.user(), app.clock().now())?)
        })
        .unwrap();
    assert!(!opens(&app, &cookie).await);
}

#[actix_web::test]
async fn signing_out_ends_the_session_itself() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let cookie = cookie_of(&app, "other=1").await;
    Actor::with_cookie(app.origin(), &cookie).post("/logout", &[]).await.assert_status(303);
    assert!(!opens(&app, &cookie).await);
}

/// Changes a person at the database, as a command beside the server would.
fn change(app: &TestApp, person: Person, how: impl Fn(&mut AnyConnection, &UserRow, Instant) -> Result<(), UserError>) {
    let now = app.clock().now();
    app.db()
        .write_blocking::<_, UserError>(|conn| {
            let row = users::find_by_email(conn, &person.email())?.unwrap();
            how(conn, &row, now)
        })
        .unwrap();
}

#[actix_web::test]
async fn a_permission_taken_away_is_gone_at_the_next_request() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    acme.get("/disputes").await.assert_ok();
    change(&app, Person::buyer("acme"), |conn, row, now| {
        users::set_permissions(conn, &Who::operator(), row, Permissions::default(), now)
    });
    acme.get("/disputes").await.assert_forbidden().assert_body_has("Dispute Calls");
    acme.get("/calls").await.assert_ok();
}

#[actix_web::test]
async fn disabling_somebody_and_a_new_password_end_their_sessions_at_the_next_request() {
    let app = TestApp::start().await;
    let (acme, dana, birch) = (app.buyer("acme").await, app.manager("dana").await, app.buyer("birch").await);
    change(&app, Person::buyer("acme"), |conn, row, now| {
        Ok(users::set_disabled(conn, &Who::operator(), row, true, now)?)
    });
    change(&app, Person::manager("dana"), |conn, row, now| {
        users::set_password(conn, &Who::operator(), row.id, "another hash", now)?;
        Ok(())
    });
    acme.get("/calls").await.assert_sign_in_first();
    dana.get("/calls").await.assert_sign_in_first();
    birch.get("/calls").await.assert_ok();

    change(&app, Person::buyer("acme"), |conn, row, now| {
        Ok(users::set_disabled(conn, &Who::operator(), row, false, now)?)
    });
    acme.get("/calls").await.assert_sign_in_first();
}

#[actix_web::test]
async fn a_form_sent_from_a_page_that_stays_is_not_led_away_when_the_session_has_ended() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    app.clock().advance(Duration::hours(13));
    let request = acme.request(reqwest::Method::POST, "/notifications/read");
    let request = request.header("hx-request", "true").header("hx-request-type", "partial");
    let told = acme.send(request.header("hx-target", "div#panel-slot").form(&[("id", "1")])).await;
    told.assert_status(403).assert_body_has("what you typed is still here").assert_body_has("id=\"flash\"");
    assert_eq!((told.header("hx-retarget"), told.header("hx-redirect")), ("#flash", ""));
}

#[actix_web::test]
async fn polling_keeps_no_session_alive() {
    let app = TestApp::start().await;
    let (polling, reading) = (app.buyer("acme").await, app.buyer("birch").await);
    app.clock().advance(Duration::hours(11));
    polling.get("/pending-count").await.assert_ok();
    reading.get("/calls").await.assert_ok();
    // The mark is set beside the request, so that nobody waits for it.
    let begun = app.clock().now() - Duration::hours(11);
    let seen = || {
        use diesel::prelude::*;
        use fairdial::db::schema::sessions;
        let marks = app.db().read_blocking::<_, DbError>(|conn| {
            Ok(sessions::table.order(sessions::id).select(sessions::last_seen_at).load::<Instant>(conn)?)
        });
        marks.unwrap()
    };
    for _ in 0..200 {
        if seen() != [begun, begun] {
            break;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(seen(), [begun, app.clock().now()]);
    app.clock().advance(Duration::hours(1));
    polling.get("/calls").await.assert_sign_in_first();
    reading.get("/calls").await.assert_ok();
}

#[actix_web::test]
async fn signing_in_leads_to_pages_of_this_server_only() {
    const HOSTILE: [&str; 26] = [
        "//evil.example",
        "///evil.example",
        "////evil.example/%2f..",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\n/evil.example",
        "/\r\nSet-Cookie: fairdial=x",
        "\t//evil.example",
        " //evil.example",
        "/ /evil.example",
        "/\u{a0}/evil.example",
        "/\u{ff0f}evil.example",
        "https://evil.example",
        "https:evil.example",
        "http:\\\\evil.example",
        "HTTPS://evil.example/",
        "evil.example",
        "@evil.example",
        ".evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "",
        "/login?next=/login",
    ];
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let signing_in = async |next: &str| {
        let form = [("email", "acme@example.com"), ("password", PASSWORD), ("next", next)];
        app.anonymous().post("/login", &form).await.assert_status(303).location().to_owned()
    };
    for next in HOSTILE {
        assert_eq!(signing_in(next).await, "/", "{next:?}");
    }
    // Encoded, these are odd paths of this server and nothing else.
    for next in ["/%09/evil.example", "/%2F/evil.example", "/%5cevil.example", "/calls?next=//evil.example"] {
        let origin = url::Url::parse(app.origin()).unwrap();
        assert_eq!(origin.join(&signing_in(next).await).unwrap().origin(), origin.origin(), "{next:?}");
    }
    // Somebody who is signed in already is sent on by the same rule.
    let acme = app.buyer("acme").await;
    acme.get("/login?next=%2F%2Fevil.example").await.assert_redirect("/");
    acme.get("/login?next=%2F%5Cevil.example").await.assert_redirect("/");
}

#[actix_web::test]
async fn on_https_the_cookie_is_bound_to_this_host() {
    let app = TestApp::start_with(async |launch: Launch| {
        let config = config_with(&launch.data_dir, &launch.database_url, &["--public-url", "https://desk.example"]);
        let db = Db::open_current(&config).unwrap();
        let clock = Clock::fixed(NOW.parse().unwrap());
        let running = fairdial::app::start(config, db, clock, launch.listener).unwrap();
        let handle = running.server.handle();
        actix_web::rt::spawn(running.server);
        handle
    })
    .await;
    app.viewer(Person::buyer("acme"));
    let form = [("email", "acme@example.com"), ("password", PASSWORD)];
    let response = app.anonymous().post("/login", &form).await;
    let cookie = response.assert_status(303).header("set-cookie").to_owned();
    for attribute in ["__Host-fairdial=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[cfg(unix)]
#[actix_web::test]
async fn the_key_that_signs_cookies_is_its_owners_alone_and_outlives_a_restart() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::start().await;
    let file = app.data_dir().join("session.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = fairdial::auth::session::signing_key(&app.data_dir()).unwrap();
    assert_eq!(again.master(), std::fs::read(&file).unwrap());
}

#[actix_web::test]
async fn a_refusal_keeps_the_menu_of_whoever_is_signed_in() {
    let app = TestApp::start().await;
    let page = app.buyer("acme").await.get("/calls/0000000000000").await.assert_not_found().page();
    assert!(page.has("nav a[href=\"/disputes\"]") && !page.has("nav a[href=\"/login\"]"));
}
