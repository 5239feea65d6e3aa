//! Signing in: what is given, what ends it, and what guessing costs.

use chrono::Duration;
use fairdial::db::{DbError, users};
use rstest::rstest;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
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
