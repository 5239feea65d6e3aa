//! The Call Log: who sees what, every filter, every order, the export.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::auth::Viewer;
use fairdial::db::{DbError, schema};
use fairdial::domain::call::CallStatus;
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::{CallId, CampaignId, PublisherId};
use rstest::rstest;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{NewCall, dispute};

/// A text that no buyer may ever read.
const CANARY: &str = "Canary Media";

fn instant(text: &str) -> fairdial::domain::Instant {
    text.parse().expect("an instant")
}

pub(crate) fn acme(app: &TestApp) -> Viewer {
    app.viewer(Person::buyer("acme"))
}

/// A call of the viewer's buyer that differs from an ordinary one.
pub(crate) fn add(app: &TestApp, viewer: &Viewer, change: impl FnOnce(&mut NewCall)) -> CallId {
    let mut call = NewCall::ordinary(viewer, app.clock().now());
    change(&mut call);
    call.add(app.db())
}

/// Gives calls a publisher whose name no buyer may read, a campaign, and what comes with them.
fn dress(app: &TestApp, call: CallId, campaign: &str) -> CampaignId {
    use schema::{buyer_campaigns as bc, buyer_destinations as bd, calls as c, campaigns as m, publishers as p};
    let (publisher, id) = (PublisherId::generate(), CampaignId::generate());
    let done = app.db().write_blocking::<_, DbError>(|conn| {
        let found: Option<PublisherId> = p::table.select(p::id).first(conn).optional()?;
        let publisher = if let Some(found) = found {
            found
        } else {
            diesel::insert_into(p::table)
                .values((p::id.eq(publisher), p::name.eq(CANARY), p::name_key.eq("canary media")))
                .execute(conn)?;
            publisher
        };
        diesel::insert_into(m::table)
            .values((m::id.eq(id), m::name.eq(campaign), m::name_key.eq(campaign.to_lowercase())))
            .execute(conn)?;
        diesel::update(c::table.find(call))
            .set((
                c::publisher_id.eq(publisher),
                c::campaign_id.eq(id),
                c::publisher_payout.eq(98_765),
                c::recording_url.eq("https://canary.example/rec.mp3"),
            ))
            .execute(conn)?;
        let (buyer, destination): (i64, String) =
            c::table.find(call).select((c::buyer_id, c::destination)).first(conn)?;
        diesel::insert_into(bc::table).values((bc::buyer_id.eq(buyer), bc::campaign_id.eq(id))).execute(conn)?;
        diesel::insert_into(bd::table)
            .values((bd::buyer_id.eq(buyer), bd::destination.eq(destination)))
            .execute(conn)?;
        Ok(())
    });
    done.expect("the call is dressed");
    id
}

pub(crate) async fn ids(actor: &Actor, path: &str) -> Vec<String> {
    let response = actor.get(path).await;
    response.assert_ok();
    response.page().row_ids("call-log")
}

pub(crate) fn texts(ids: &[CallId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

async fn columns(actor: &Actor) -> Vec<String> {
    let response = actor.get("/calls").await;
    response.assert_ok();
    response.page().texts("#call-log thead th")
}

const OF_EVERYBODY: [&str; 9] =
    ["Call Date", "Caller ID", "Destination", "Campaign", "Payout", "Duration", "Status", "Hang Up", "Recording"];

#[actix_web::test]
async fn the_columns_are_those_of_the_viewers_role_and_rights() {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    add(&app, &viewer, |_| {});
    let buyer = app.buyer("acme").await;
    let plain = app.person(Person::Buyer { name: "plain", company: "acme", dispute_calls: false }).await;
    let manager = app.manager("dana").await;
    let blind =
        app.person(Person::Manager { name: "eli", view: false, edit: false, import: true, settings: true }).await;

    assert_eq!(columns(&buyer).await, [&OF_EVERYBODY[..], &["Dispute", "Action"]].concat());
    assert_eq!(columns(&plain).await, OF_EVERYBODY);
    let of_managers = [
        "Call Date",
        "Buyer",
        "Caller ID",
        "Destination",
        "Campaign",
        "Publisher",
        "Payout",
        "Publisher payout",
        "Duration",
        "Status",
        "Hang Up",
        "Recording",
    ];
    assert_eq!(columns(&manager).await, [&of_managers[..], &["Dispute", "Action"]].concat());
    assert_eq!(columns(&blind).await, of_managers);

    let dispute_call = "#call-log .row-act a[href$='/disputes/new']";
    assert_eq!(buyer.get("/calls").await.page().texts(dispute_call), ["Dispute Call"]);
    for other in [&plain, &manager, &blind] {
        other.get("/calls").await.assert_body_lacks("/disputes/new");
    }
    for without in [&plain, &blind] {
        without.get("/calls").await.assert_body_lacks("days left").assert_body_lacks("Disputable");
        without.get("/calls?disputable=1").await.assert_forbidden();
    }
}

#[actix_web::test]
async fn a_buyer_sees_its_own_calls_and_no_trace_of_a_publisher() {
    let app = TestApp::start().await;
    let (viewer, other) = (acme(&app), app.viewer(Person::buyer("birch")));
    let own = add(&app, &viewer, |call| call.has_recording = false);
    let theirs = add(&app, &other, |_| {});
    dress(&app, own, "Auto TX");
    dress(&app, theirs, "Home AZ");
    dispute(app.db(), app.clock(), &viewer, own, Intent::Send).expect("it is sent");
    let (buyer, manager) = (app.buyer("acme").await, app.manager("dana").await);

    assert_eq!(ids(&buyer, "/calls").await, texts(&[own]));
    assert_eq!(ids(&manager, "/calls").await.len(), 2);
    let paths = [
        "/calls".to_owned(),
        format!("/calls/{own}"),
        "/calls.csv".to_owned(),
        "/calls.csv?columns=publisher,publisher_payout,call_date,payout".to_owned(),
        "/calls?columns=publisher,publisher_payout,buyer,payout".to_owned(),
        "/calls?sort=payout".to_owned(),
    ];
    for path in &paths {
        let response = buyer.get(path).await;
        response.assert_ok();
        for trace in ["Canary", "canary", "987.65", "98765", "Publisher", "Home AZ", "birch"] {
            let shown = response.text();
            assert!(!shown.contains(trace), "{path} holds {trace}:\n{shown}");
        }
    }
    let fragment = buyer.get_fragment("/calls", "table#call-log").await;
    fragment.assert_ok().assert_body_lacks("anary").assert_body_lacks("987.65").assert_body_lacks("<h1");
    let seen = manager.get("/calls").await;
    seen.assert_body_has(CANARY).assert_body_has("$987.65").assert_body_has("birch");
    manager.get(&format!("/calls/{own}")).await.assert_body_has("Recording at the source");
}

#[actix_web::test]
async fn another_buyers_call_is_as_missing_as_one_that_never_was() {
    let app = TestApp::start().await;
    let theirs = add(&app, &app.viewer(Person::buyer("birch")), |call| call.has_recording = true);
    let buyer = app.buyer("acme").await;
    for rest in ["", "/recording"] {
        let there = buyer.get(&format!("/calls/{theirs}{rest}")).await;
        let nowhere = buyer.get(&format!("/calls/{}{rest}", CallId::generate())).await;
        let nonsense = buyer.get(&format!("/calls/nonsense{rest}")).await;
        there.assert_not_found();
        assert_eq!((there.status, &there.body), (nowhere.status, &nowhere.body));
        assert_eq!((there.status, &there.body), (nonsense.status, &nonsense.body));
    }
    app.anonymous().get("/calls").await.assert_sign_in_first();
    app.anonymous().get(&format!("/calls/{theirs}")).await.assert_sign_in_first();
}

#[actix_web::test]
async fn each_filter_leaves_what_fits_it() {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    let birch = app.viewer(Person::buyer("birch"));
    let now = app.clock().now();
    let plain = add(&app, &viewer, |call| call.destination = "Tampa intake".into());
    let failed = add(&app, &viewer, |call| {
        call.status = CallStatus::Failed;
        call.caller_id = "+13055550187".into();
    });
    let old = add(&app, &viewer, |call| call.started_at = now - Duration::days(30));
    let recorded = add(&app, &viewer, |call| call.has_recording = true);
    let disputed = add(&app, &viewer, |_| {});
    let free = add(&app, &viewer, |call| call.payout = Some(0));
    let other = add(&app, &birch, |_| {});
    let campaign = dress(&app, plain, "Auto TX");
    dispute(app.db(), app.clock(), &viewer, disputed, Intent::Send).expect("it is sent");
    let manager = app.manager("dana").await;
    let buyer_id = viewer.scope().buyer().expect("a buyer").to_string();

    let cases = [
        (format!("q={plain}"), vec![plain]),
        ("q=305555".into(), vec![failed]),
        ("q=5550187".into(), vec![failed]),
        ("q=%2B1305555".into(), vec![failed]),
        ("q=%28305%29+555-0187".into(), vec![failed]),
        ("status=failed".into(), vec![failed]),
        ("from=2026-11-19".into(), vec![other, free, disputed, recorded, failed, plain]),
        ("to=2026-11-18".into(), vec![old]),
        (format!("buyer={buyer_id}"), vec![free, disputed, recorded, failed, plain, old]),
        (format!("campaign={campaign}"), vec![plain]),
        ("destination=Tampa+intake".into(), vec![plain]),
        ("disputable=1".into(), vec![other, recorded, plain]),
        ("has_recording=1".into(), vec![recorded]),
        ("has_recording=1&status=failed".into(), vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&manager, &format!("/calls?{query}")).await, texts(&expected), "{query}");
        let exported = manager.get(&format!("/calls.csv?{query}")).await;
        assert_eq!(exported.text().lines().count(), expected.len() + 1, "{query}: {}", exported.text());
    }
    let offered = app.buyer("acme").await.get("/calls?disputable=1").await.page();
    assert_eq!(offered.row_ids("call-log"), texts(&[recorded, plain]));
    assert_eq!(offered.texts("#call-log .row-act a"), ["Dispute Call", "Dispute Call"]);
    assert_eq!(offered.texts(".chip"), ["Disputable remove"]);
}

#[rstest]
#[case("sort=shoe", "sort")]
#[case("sort=publisher", "sort")]
#[case("per_page=0", "per_page")]
#[case("from=2026-13-01", "from")]
#[case("to=tomorrow", "to")]
#[case("status=shoe", "status")]
#[case("buyer=1", "buyer")]
#[case("campaign=shoe", "campaign")]
#[case("tz=Mars", "tz")]
#[case("after=shoe", "after")]
#[case("disputable=maybe", "disputable")]
#[case("q=%00", "q")]
#[actix_web::test]
async fn nonsense_is_named(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let buyer = app.buyer("acme").await;
    for path in ["/calls", "/calls.csv"] {
        let response = buyer.get(&format!("{path}?{query}")).await;
        response.assert_status(422).assert_body_has(&format!("\u{201c}{field}\u{201d}"));
    }
}

/// A night in which the clocks change, in three zones: the day's calls are those its own clocks show.
#[rstest]
#[case(
    "America/New_York",
    "2026-11-01",
    "2026-11-01T03:59:59",
    "2026-11-01T04:00:00",
    "2026-11-02T04:59:59",
    "2026-11-02T05:00:00"
)]
#[case(
    "Europe/Berlin",
    "2026-10-25",
    "2026-10-24T21:59:59",
    "2026-10-24T22:00:00",
    "2026-10-25T22:59:59",
    "2026-10-25T23:00:00"
)]
#[case(
    "Africa/Cairo",
    "2026-04-24",
    "2026-04-23T21:59:59",
    "2026-04-23T22:00:00",
    "2026-04-24T20:59:59",
    "2026-04-24T21:00:00"
)]
#[actix_web::test]
async fn a_day_is_that_of_the_zone(
    #[case] zone: &str,
    #[case] day: &str,
    #[case] before: &str,
    #[case] first: &str,
    #[case] last: &str,
    #[case] after: &str,
) {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    let added: Vec<_> =
        [before, first, last, after].map(|at| add(&app, &viewer, |call| call.started_at = instant(at))).to_vec();
    let found = ids(&app.buyer("acme").await, &format!("/calls?from={day}&to={day}&tz={zone}")).await;
    assert_eq!(found, texts(&[added[2], added[1]]));
}

#[actix_web::test]
async fn an_empty_list_says_why() {
    let app = TestApp::start().await;
    let buyer = app.buyer("acme").await;
    let page = buyer.get("/calls").await.page();
    assert_eq!(page.text(".state h2"), "No calls yet");
    assert!(!page.has(".state a[href^='/calls']"));
    add(&app, &acme(&app), |_| {});
    let page = buyer.get("/calls?status=failed").await.page();
    assert_eq!(page.text(".state h2"), "No call matches");
    assert_eq!(page.text(".state a"), "Clear filters");
    assert!(!page.attr(".state a", "href").contains("status="));
    assert!(!buyer.get("/calls").await.page().has(".state"));
}

#[actix_web::test]
async fn the_dispute_column_says_what_is_left_or_why_not() {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    let now = app.clock().now();
    let open = add(&app, &viewer, |call| call.started_at = now - Duration::hours(20));
    let soon = add(&app, &viewer, |call| call.started_at = now - Duration::days(6));
    let edge = add(&app, &viewer, |call| call.started_at = now - Duration::days(7));
    let failed = add(&app, &viewer, |call| call.status = CallStatus::Failed);
    let unknown = add(&app, &viewer, |call| call.payout = None);
    let free = add(&app, &viewer, |call| call.payout = Some(0));
    let draft = add(&app, &viewer, |_| {});
    let sent = add(&app, &viewer, |_| {});
    let drafted = dispute(app.db(), app.clock(), &viewer, draft, Intent::Draft).expect("it is saved");
    dispute(app.db(), app.clock(), &viewer, sent, Intent::Send).expect("it is sent");
    let (buyer, manager) = (app.buyer("acme").await, app.manager("dana").await);
    let cell = |page: &crate::support::page::Page, call: CallId, selector: &str| {
        let row = page.one(&format!("#call-log tr[data-id='{call}']")).page();
        row.texts(selector).join("|")
    };
    let page = buyer.get("/calls").await.page();
    let told = [
        (open, "6 days left", "Dispute Call"),
        (soon, "24 hours left", "Dispute Call"),
        (edge, "Window closed", ""),
        (failed, "Status can't be disputed", ""),
        (unknown, "Payout unknown", ""),
        (free, "Cost nothing", ""),
        (draft, "Draft", "Continue draft"),
        (sent, "Pending", "Show Details"),
    ];
    for (call, facts, action) in told {
        assert_eq!(cell(&page, call, "td[data-label=Dispute]"), facts);
        assert_eq!(cell(&page, call, "td.row-act a"), action, "{facts}");
    }
    assert!(page.one(&format!("tr[data-id='{soon}']")).page().has(".left.soon .dial"));
    assert!(!page.one(&format!("tr[data-id='{open}']")).page().has(".left.soon"));
    let why = page.one(&format!("tr[data-id='{edge}']")).page().attr(".left.shut", "title");
    assert_eq!(why, "The dispute window closed on Fri 20 Nov 2026, 10:42 EST");

    // A manager learns nothing of a Draft, nor that there is one.
    let page = manager.get("/calls").await.page();
    assert_eq!(cell(&page, draft, "td[data-label=Dispute]"), "6 days left");
    manager.get("/calls").await.assert_body_lacks(&drafted.to_string());
    manager.get(&format!("/calls/{draft}")).await.assert_ok().assert_body_lacks("Draft");

    buyer.get(&format!("/calls/{edge}")).await.assert_body_has("The dispute window closed on");
    buyer.get(&format!("/calls/{open}")).await.assert_body_has("Dispute Call");
    let plain = app.person(Person::Buyer { name: "plain", company: "acme", dispute_calls: false }).await;
    plain.get(&format!("/calls/{sent}")).await.assert_ok().assert_body_lacks("Pending").assert_body_lacks("window");
}
