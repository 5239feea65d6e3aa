//! The Disputes pages: order, filters, pages, who sees what, withdrawing and discarding.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::auth::{DisputeCalls, EditDisputes, Granted, Viewer};
use fairdial::clock::Clock;
use fairdial::db::transitions::{self, DecisionInput};
use fairdial::db::{Db, DbError, schema};
use fairdial::domain::claim::Intent;
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::{CallId, DisputeId, PublisherId};

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{NewCall, dispute};

/// What no buyer may ever read: a publisher's name, its payout, a clawback, an internal note.
pub(crate) const CANARIES: [&str; 5] = ["Canary Media", "987.65", "$25.00", "13.37", "canary note"];

/// A sent dispute of an ordinary call of this buyer.
pub(crate) fn sent(app: &TestApp, buyer: &Viewer, change: impl FnOnce(&mut NewCall)) -> DisputeId {
    file(app, buyer, Intent::Send, change)
}

fn file(app: &TestApp, buyer: &Viewer, intent: Intent, change: impl FnOnce(&mut NewCall)) -> DisputeId {
    let mut call = NewCall::ordinary(buyer, app.clock().now());
    change(&mut call);
    let call = call.add(app.db());
    app.clock().advance(Duration::seconds(1));
    dispute(app.db(), app.clock(), buyer, call, intent).expect("it is filed")
}

/// A decision by this manager.
pub(crate) fn decide(app: &TestApp, manager: &Viewer, id: DisputeId, verdict: Verdict, credit: Option<i64>) {
    decide_in(app.db(), app.clock(), manager, id, (verdict, credit));
}

/// The same where there is no app.
pub(crate) fn decide_in(
    db: &Db,
    clock: &Clock,
    manager: &Viewer,
    id: DisputeId,
    (verdict, credit): (Verdict, Option<i64>),
) {
    let grant = Granted::<EditDisputes>::check(manager).expect("Edit is held");
    let input = DecisionInput {
        verdict,
        credit,
        clawback: (verdict != Verdict::Rejected).then_some(1337),
        note: "We listened to it.".to_owned(),
        version: None,
        difference_seen: true,
    };
    db.write_blocking(|conn| transitions::decide(conn, &grant, clock, id, &input)).expect("it is decided");
}

fn withdraw(app: &TestApp, buyer: &Viewer, id: DisputeId) {
    let grant = Granted::<DisputeCalls>::check(buyer).expect("Dispute Calls is held");
    app.db().write_blocking(|conn| transitions::withdraw(conn, &grant, app.clock(), id)).expect("it is withdrawn");
}

/// Gives the dispute's snapshot a publisher whom no buyer may learn of.
pub(crate) fn hide_canaries(app: &TestApp, id: DisputeId) {
    use schema::{disputes as d, publishers as p};
    let publisher = PublisherId::generate();
    let name = format!("{} {publisher}", CANARIES[0]);
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            diesel::insert_into(p::table)
                .values((p::id.eq(publisher), p::name.eq(&name), p::name_key.eq(name.to_lowercase())))
                .execute(conn)?;
            diesel::update(d::table.find(id))
                .set((d::publisher_id.eq(publisher), d::publisher_payout.eq(98_765)))
                .execute(conn)?;
            Ok(())
        })
        .expect("the canaries are hidden");
}

pub(crate) fn texts(ids: &[DisputeId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

pub(crate) async fn rows(actor: &Actor, path: &str) -> Vec<String> {
    let response = actor.get(path).await;
    response.assert_ok();
    let page = response.page();
    if page.has("#disputes-table") { page.row_ids("disputes-table") } else { Vec::new() }
}

pub(crate) fn acme(app: &TestApp) -> Viewer {
    app.viewer(Person::buyer("acme"))
}

#[actix_web::test]
async fn pending_comes_first_then_each_verdict_newest_first() {
    let app = TestApp::start().await;
    let (buyer, manager) = (acme(&app), app.viewer(Person::manager("dana")));
    let ids: Vec<_> = (0..7).map(|_| sent(&app, &buyer, |_| {})).collect();
    withdraw(&app, &buyer, ids[0]);
    decide(&app, &manager, ids[1], Verdict::Rejected, None);
    decide(&app, &manager, ids[2], Verdict::AcceptedPartial, Some(100));
    decide(&app, &manager, ids[3], Verdict::Accepted, None);
    decide(&app, &manager, ids[4], Verdict::Accepted, None);
    let draft = file(&app, &buyer, Intent::Draft, |_| {});
    let expected = texts(&[ids[6], ids[5], ids[4], ids[3], ids[2], ids[1], ids[0]]);

    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    assert_eq!(rows(&acme, "/disputes").await, expected);
    assert_eq!(rows(&dana, "/disputes").await, expected);

    let page = acme.get("/disputes").await.page();
    assert_eq!(page.row_ids("drafts"), texts(&[draft]));
    let page = dana.get("/disputes").await.page();
    assert_eq!(page.text("h1"), "Manage Disputes");
    assert!(!page.has("#drafts"));
    dana.get(&format!("/disputes/{draft}")).await.assert_not_found();
}

#[actix_web::test]
async fn every_order_and_filter_walks_all_pages_once_both_ways() {
    let app = TestApp::start().await;
    let (buyer, manager) = (acme(&app), app.viewer(Person::manager("dana")));
    let now = app.clock().now();
    for number in 0..13_i32 {
        let id = sent(&app, &buyer, |call| {
            call.caller_id = format!("+1214555{:04}", number * 37 % 10);
            call.destination = format!("Desk {}", number % 3);
            call.payout = Some(i64::from(number % 4) * 100 + 100);
            call.publisher_payout = (number % 3 != 0).then_some(50);
            call.duration_s = (number % 5 != 0).then_some(number);
            call.started_at = now - Duration::hours(i64::from(number % 6) + 1);
            call.has_recording = number % 2 == 0;
        });
        if number % 3 == 0 {
            decide(&app, &manager, id, Verdict::Rejected, None);
        }
    }
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let of_buyers = ["status", "submitted", "call_date", "caller_id", "destination", "payout", "duration", "reason"];
    let of_managers = ["publisher_payout", "buyer", "due"];
    let sorts = of_buyers.iter().flat_map(|key| [format!("sort={key}"), format!("sort=-{key}")]);
    let filters = [
        "status=pending",
        "status=pending&status=rejected",
        "has_recording=1",
        "reason=caller_hung_up",
        "destination=Desk+1",
        "q=5550",
        "from=2026-11-20&to=2026-11-20",
    ];
    for query in sorts.chain(filters.map(str::to_owned)) {
        for actor in [&acme, &dana] {
            walk(actor, &query).await;
        }
    }
    for key in of_managers {
        walk(&dana, &format!("sort={key}")).await;
        walk(&dana, &format!("sort=-{key}")).await;
        acme.get(&format!("/disputes?sort={key}")).await.assert_status(422);
    }
}

/// Goes to the end by the Next links and back by the Previous links: the same rows, each once.
async fn walk(actor: &Actor, query: &str) {
    let all = rows(actor, &format!("/disputes?{query}&per_page=100")).await;
    assert!(!all.is_empty(), "{query}");
    let (mut there, mut pages) = (Vec::new(), Vec::new());
    let mut path = format!("/disputes?{query}&per_page=4");
    for _ in 0..10 {
        let page = actor.get(&path).await.page();
        there.extend(page.row_ids("disputes-table"));
        pages.push(path);
        let next = page.select(".pager a[rel=next]");
        let Some(next) = next.first() else {
            path = String::new();
            break;
        };
        path = next.attr("href");
    }
    assert_eq!((there, path.as_str()), (all.clone(), ""), "{query}");

    let mut back = Vec::new();
    let mut path = pages.pop().expect("a last page");
    for _ in 0..10 {
        let page = actor.get(&path).await.page();
        let mut rows = page.row_ids("disputes-table");
        rows.extend(back);
        back = rows;
        let previous = page.select(".pager a[rel=prev]");
        let Some(previous) = previous.first() else { break };
        path = previous.attr("href");
    }
    assert_eq!(back, all, "{query}, backwards");
}

#[actix_web::test]
async fn search_finds_digits_anywhere_and_both_ids() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let wanted = sent(&app, &buyer, |call| {
        call.caller_id = "+13055550168".to_owned();
        call.external_id = "RGB1F008D9E3C5D".to_owned();
    });
    let other = sent(&app, &buyer, |call| {
        call.destination_number = "+16025559999".to_owned();
        // Digits of an id aren't looked for in numbers, nor the other way round.
        call.external_id = "CA5550168".to_owned();
    });
    let (acme, dana, birch) = (app.buyer("acme").await, app.manager("dana").await, app.buyer("birch").await);
    let call: CallId = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            use schema::disputes as d;
            Ok(d::table.find(wanted).select(d::call_id).first(conn)?)
        })
        .unwrap();

    for text in ["0168", "5550168", "(305) 555-0168", "RGB1F008D9E3C5D", &wanted.to_string(), &call.to_string()] {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for query in [format!("q={query}"), format!("q={query}&status=pending&sort=payout")] {
            assert_eq!(rows(&acme, &format!("/disputes?{query}")).await, texts(&[wanted]), "{text}");
            assert_eq!(rows(&dana, &format!("/disputes?{query}")).await, texts(&[wanted]), "{text}");
            assert_eq!(rows(&birch, &format!("/disputes?{query}")).await, [""; 0], "{text}");
        }
        assert_eq!(rows(&dana, &format!("/disputes?q={query}&status=rejected")).await, [""; 0], "{text}");
    }
    assert_eq!(rows(&acme, "/disputes?q=CA5550168").await, texts(&[other]));
    for (text, query) in [("a source's id", "RGB1F008D9E3C5D"), ("a beginning", "305"), ("seven digits", "5550168")] {
        for filter in ["", "&status=completed_with_conversion"] {
            let found = async |who: &Actor| {
                let page = who.get(&format!("/calls?q={query}{filter}")).await.assert_ok().page();
                page.row_ids("call-log")
            };
            assert_eq!(found(&acme).await, [call.to_string()], "{text}");
            assert_eq!(found(&dana).await, [call.to_string()], "{text}");
            assert_eq!(found(&birch).await, [""; 0], "{text}");
        }
    }
    assert_eq!(rows(&acme, "/disputes?q=559999").await, texts(&[other]));
    assert_eq!(rows(&acme, "/disputes?q=000000").await, [""; 0]);
}

#[actix_web::test]
async fn each_emptiness_says_why() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let acme = app.buyer("acme").await;
    acme.get("/disputes").await.assert_ok().assert_body_has("No disputes yet");
    acme.get("/disputes?status=rejected").await.assert_ok().assert_body_has("No dispute matches");
    file(&app, &buyer, Intent::Draft, |_| {});
    acme.get("/disputes").await.assert_body_has("No disputes sent yet");
}

#[actix_web::test]
async fn an_address_carries_the_whole_state_and_so_does_a_rows_link() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let ids: Vec<_> = (0..3).map(|_| sent(&app, &buyer, |_| {})).collect();
    let acme = app.buyer("acme").await;
    let page = acme.get("/disputes?status=pending&sort=submitted&per_page=2&tz=Europe/Paris").await.page();
    let link = page.attr("#disputes-table tbody tr:first-child a.hit", "href");
    for part in ["status=pending", "sort=submitted", "per_page=2", "tz=Europe/Paris"] {
        assert!(link.contains(part), "{link}");
    }
    let panel = acme.get_fragment(&link, "div#panel-slot").await;
    panel.assert_ok().assert_body_has("<dialog").assert_body_lacks("<html");
    let next = panel.page().attr("#details-panel a[aria-label='Next dispute']", "href");
    assert!(next.starts_with(&format!("/disputes/{}?", ids[1])), "{next}");
    assert!(!panel.page().has("#details-panel a[aria-label='Previous dispute']"));
    let close = panel.page().attr("#details-panel a[aria-label=Close]", "href");
    assert_eq!(rows(&acme, &close).await, texts(&[ids[0], ids[1]]));

    let whole = acme.get(&format!("/disputes/{}", ids[0])).await;
    whole.assert_ok().assert_body_has("<html").assert_body_has("id=\"details-panel\"");
    let region = acme.get_fragment("/disputes?status=pending", "main#main").await;
    region.assert_ok().assert_body_has("disputes-table").assert_body_has("id=\"flash\"").assert_body_lacks("<html");
    let rows = acme.get_fragment("/disputes?status=pending", "div#disputes-region").await;
    rows.assert_ok().assert_body_has("disputes-table").assert_body_has("3 of 3").assert_body_lacks("id=\"flash\"");
}

#[actix_web::test]
async fn another_buyers_dispute_is_as_missing_as_one_that_never_was() {
    let app = TestApp::start().await;
    let theirs = sent(&app, &app.viewer(Person::buyer("birch")), |_| {});
    let own_draft = file(&app, &acme(&app), Intent::Draft, |_| {});
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let missing = DisputeId::generate();
    for act in ["withdrawal", "discard", "messages"] {
        let post = async |id: DisputeId| acme.post(&format!("/disputes/{id}/{act}"), &[("body", "hello")]).await;
        let (theirs, missing) = (post(theirs).await, post(missing).await);
        assert_eq!((theirs.status.as_u16(), &theirs.body), (404, &missing.body), "{act}");
    }
    let get = |id| format!("/disputes/{id}");
    assert_eq!(acme.get(&get(theirs)).await.body, acme.get(&get(missing)).await.body);
    dana.post(&format!("/disputes/{own_draft}/messages"), &[("body", "hello")]).await.assert_not_found();
    dana.post(&format!("/disputes/{theirs}/withdrawal"), &[]).await.assert_forbidden();
    assert_eq!(rows(&acme, "/disputes").await, [""; 0]);
}

#[actix_web::test]
async fn without_the_right_every_page_of_disputes_is_closed() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let plain = app.person(Person::Buyer { name: "plain", company: "acme", dispute_calls: false }).await;
    let blind =
        app.person(Person::Manager { name: "eli", view: false, edit: false, import: true, settings: true }).await;
    for actor in [&plain, &blind] {
        for path in
            ["/disputes".to_owned(), format!("/disputes/{id}"), "/disputes.csv".to_owned(), "/pending-count".to_owned()]
        {
            actor.get(&path).await.assert_forbidden();
        }
        for act in ["withdrawal", "discard", "messages"] {
            actor.post(&format!("/disputes/{id}/{act}"), &[("body", "x")]).await.assert_forbidden();
        }
        actor.get("/notifications").await.assert_ok().assert_body_lacks("pending-count");
    }
    app.anonymous().get("/disputes").await.assert_sign_in_first();
}

/// The badge in `/pending-count` and on the page, and the Pending rows of the list.
async fn assert_badge(actor: &Actor, expected: usize) {
    let badge = actor.get("/pending-count").await;
    let shown = badge.page().one("#pending-count");
    assert_eq!((shown.text.clone(), shown.attributes.contains_key("hidden")), (expected.to_string(), expected == 0));
    assert_eq!(rows(actor, "/disputes?status=pending").await.len(), expected);
    assert_eq!(actor.get("/disputes").await.page().text("#pending-count"), expected.to_string());
}

#[actix_web::test]
async fn the_badge_is_the_list_after_each_change() {
    let app = TestApp::start().await;
    let (acme_user, birch_user) = (acme(&app), app.viewer(Person::buyer("birch")));
    let manager = app.viewer(Person::manager("dana"));
    let (acme, birch, dana) = (app.buyer("acme").await, app.buyer("birch").await, app.manager("dana").await);
    assert_badge(&acme, 0).await;
    let (one, two) = (sent(&app, &acme_user, |_| {}), sent(&app, &acme_user, |_| {}));
    sent(&app, &birch_user, |_| {});
    for (actor, expected) in [(&acme, 2), (&birch, 1), (&dana, 3)] {
        assert_badge(actor, expected).await;
    }
    acme.post(&format!("/disputes/{one}/withdrawal"), &[]).await.assert_redirect(&format!("/disputes/{one}"));
    for (actor, expected) in [(&acme, 1), (&birch, 1), (&dana, 2)] {
        assert_badge(actor, expected).await;
    }
    decide(&app, &manager, two, Verdict::Rejected, None);
    assert_badge(&acme, 0).await;
    acme.post(&format!("/disputes/{two}/messages"), &[("body", "Listen again, please.")]).await.assert_status(303);
    for (actor, expected) in [(&acme, 1), (&birch, 1), (&dana, 2)] {
        assert_badge(actor, expected).await;
    }
}

#[actix_web::test]
async fn only_pending_is_withdrawn_and_only_a_draft_discarded() {
    let app = TestApp::start().await;
    let (buyer, manager) = (acme(&app), app.viewer(Person::manager("dana")));
    let (pending, decided) = (sent(&app, &buyer, |_| {}), sent(&app, &buyer, |_| {}));
    let draft = file(&app, &buyer, Intent::Draft, |_| {});
    decide(&app, &manager, decided, Verdict::Accepted, None);
    let acme = app.buyer("acme").await;

    let act = |id: DisputeId, act: &str| format!("/disputes/{id}/{act}");
    acme.post(&act(decided, "withdrawal"), &[]).await.assert_conflict("This dispute was decided meanwhile: Accepted");
    acme.post(&act(draft, "withdrawal"), &[]).await.assert_conflict("Discard it instead");
    acme.post(&act(pending, "discard"), &[]).await.assert_conflict("This dispute was sent already and is Pending");
    let done = acme.post(&act(pending, "withdrawal"), &[]).await;
    done.assert_status(303);
    let page = acme.follow(&done).await;
    page.assert_body_has("Withdrawn. The call may be disputed again");
    assert!(page.page().has("#details-panel .badge[data-status=withdrawn]"));
    acme.get(&format!("/disputes/{pending}")).await.assert_body_lacks("The call may be disputed again");
    acme.post(&act(pending, "withdrawal"), &[]).await.assert_conflict("withdrawn already");

    acme.post(&act(draft, "discard"), &[]).await.assert_redirect("/disputes");
    acme.get(&format!("/disputes/{draft}")).await.assert_not_found();
    assert!(!acme.get("/disputes").await.page().has("#drafts"));
}

#[actix_web::test]
async fn a_verdict_says_what_it_means_in_money() {
    let app = TestApp::start().await;
    let (buyer, manager) = (acme(&app), app.viewer(Person::manager("dana")));
    let ids: Vec<_> = (0..3).map(|_| sent(&app, &buyer, |_| {})).collect();
    decide(&app, &manager, ids[0], Verdict::Accepted, None);
    decide(&app, &manager, ids[1], Verdict::AcceptedPartial, Some(2100));
    decide(&app, &manager, ids[2], Verdict::Rejected, None);
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    for (id, said) in [
        (ids[0], "Accepted: the whole payout of $42.00 is credited."),
        (ids[1], "Accepted in part: $21.00 of the payout of $42.00 is credited."),
        (ids[2], "Rejected: nothing is credited, the payout of $42.00 stays. You may dispute the call again until"),
    ] {
        acme.get(&format!("/disputes/{id}")).await.assert_body_has(said).assert_body_lacks("dana");
        dana.get(&format!("/disputes/{id}")).await.assert_body_has("dana");
    }
}
