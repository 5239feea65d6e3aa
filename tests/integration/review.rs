//! The review queue: its order, who may see it, what stands beside a dispute, and the decision that leads to the next.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::db::{DbError, schema};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::{BuyerId, CallId, CampaignId, DisputeId};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

/// A call of this buyer, changed, and a dispute of it. Each is sent a minute after the one before.
fn sent(app: &TestApp, company: &'static str, change: impl FnOnce(&mut NewCall)) -> (CallId, DisputeId) {
    let buyer = app.viewer(Person::buyer(company));
    let mut call = NewCall::ordinary(&buyer, app.clock().now());
    change(&mut call);
    let call = call.add(app.db());
    app.clock().advance(Duration::minutes(1));
    (call, story::dispute(app.db(), app.clock(), &buyer, call, Intent::Send).expect("it is sent"))
}

fn set_due(app: &TestApp, id: DisputeId, hours: i64) {
    use schema::disputes as d;
    let due = app.clock().now() + Duration::hours(hours);
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            diesel::update(d::table.find(id)).set(d::due_at.eq(due)).execute(conn)?;
            Ok(())
        })
        .expect("it is due then");
}

#[actix_web::test]
async fn what_is_due_first_comes_first_and_links_lead_on_and_back() {
    let app = TestApp::start().await;
    let [a, b, c, d] = [(); 4].map(|()| sent(&app, "acme", |_| {}).1);
    for (id, hours) in [(a, 30), (b, 10), (c, -5), (d, 20)] {
        set_due(&app, id, hours);
    }
    let dana = app.manager("dana").await;
    let order = [c, b, d, a];
    let page = dana.get("/review").await;
    page.assert_ok();
    let page = page.page();
    assert_eq!(page.attr("nav.queue a[aria-current]", "href"), format!("/review/{c}"));
    assert_eq!(page.attrs("nav.queue a", "href"), order.map(|id| format!("/review/{id}")));
    assert!(page.text("#progress").starts_with("1 of 4 Pending · oldest due first"), "{}", page.text("#progress"));
    assert!(!page.has("[rel=prev]"));
    for (at, id) in order.iter().enumerate() {
        let page = dana.get(&format!("/review/{id}")).await.page();
        assert!(page.text("#progress").starts_with(&format!("{} of 4 Pending", at + 1)), "{}", page.text("#progress"));
        assert_eq!(page.attr("[rel=next]", "href"), format!("/review/{}", order[(at + 1) % 4]));
        if at > 0 {
            assert_eq!(page.attr("[rel=prev]", "href"), format!("/review/{}", order[at - 1]));
        }
        let after = dana.get(&format!("/review?after={id}")).await.page();
        assert_eq!(after.attr("form.decide", "action"), format!("/review/{}", order[(at + 1) % 4]));
    }
    // The order that is asked for, and only then.
    let newest = dana.get("/review?sort=status").await.page();
    let query = "?sort=-submitted";
    assert_eq!(newest.attrs("nav.queue a", "href"), [d, c, b, a].map(|id| format!("/review/{id}{query}")));
    assert!(
        dana.get(&format!("/review/{b}{query}"))
            .await
            .page()
            .text("#progress")
            .starts_with("3 of 4 Pending · newest first")
    );
    let list = dana.get("/disputes").await.page();
    assert_eq!(list.attr("a[href^='/review']", "href"), "/review");
}

#[actix_web::test]
async fn a_filter_stays_through_the_queue_and_nothing_decided_is_in_it() {
    let app = TestApp::start().await;
    let (_, ours) = sent(&app, "acme", |_| {});
    let (_, theirs) = sent(&app, "birch", |_| {});
    let (_, last) = sent(&app, "birch", |_| {});
    let dana = app.manager("dana").await;
    let birch = app.viewer(Person::buyer("birch")).scope().buyer().expect("a buyer");
    let query = format!("?buyer={birch}");
    let page = dana.get(&format!("/review{query}&status=rejected")).await.page();
    assert_eq!(page.attrs("nav.queue a", "href"), [theirs, last].map(|id| format!("/review/{id}{query}")));
    assert!(page.text("#progress").starts_with("1 of 2 Pending"));
    assert_eq!(page.attr("#leave", "href"), format!("/disputes?status=pending&buyer={birch}"));
    let list = dana.get(&format!("/disputes{query}&status=rejected&per_page=25")).await.page();
    assert_eq!(list.attr("a[href^='/review']", "href"), format!("/review{query}"));

    let answer = dana.post(&format!("/review/{theirs}{query}"), &[("verdict", "rejected")]).await;
    answer.assert_status(303);
    assert_eq!(answer.location(), format!("/review/{last}{query}&done={theirs}"));
    let page = dana.follow(&answer).await;
    page.assert_body_has("Rejected: (214) 555-0164, birch. The buyer is told.");
    let page = page.page();
    assert!(page.text("nav.queue a.done").contains("Rejected"));
    assert!(page.text("#progress").starts_with("1 of 1 Pending"));
    let answer = dana.post(&format!("/review/{last}{query}"), &[("verdict", "accepted")]).await;
    assert_eq!(answer.location(), format!("/review{query}&done={last}"));
    let page = dana.follow(&answer).await;
    page.assert_body_has("Accepted: (214) 555-0164, birch, $42.00 credited. The buyer is told.");
    page.assert_body_has("Nothing Pending matches");
    let answer = dana.post(&format!("/review/{ours}"), &[("verdict", "accepted")]).await;
    dana.follow(&answer).await.assert_body_has("Nothing is Pending");
    // What is decided is shown as it is, without a place in the queue.
    let page = dana.get(&format!("/review/{ours}")).await.page();
    assert!(!page.has("form.decide") && page.has("#decided #reopen"));
    assert!(page.text("#progress").starts_with("0 Pending"));
}

#[actix_web::test]
async fn what_cant_be_decided_is_told_with_what_was_typed() {
    let app = TestApp::start().await;
    let (_, first) = sent(&app, "acme", |_| {});
    let (_, second) = sent(&app, "acme", |_| {});
    let (dana, eli) = (app.manager("dana").await, app.manager("eli").await);
    let at = format!("/review/{first}");
    let form = [("verdict", "accepted_partial"), ("credit", "50"), ("note", "Half of it.")];
    let answer = dana.post(&at, &form).await;
    answer.assert_status(422);
    let page = answer.page();
    assert_eq!((page.value("credit"), page.value("note")), ("50".into(), "Half of it.".into()));
    assert!(page.text("#credit-p").contains("less than the payout"));
    assert_eq!(page.attr("form.decide", "action"), at);
    dana.post(&at, &[("note", "No verdict")]).await.assert_status(422);

    let version = dana.get(&at).await.page().value("version");
    eli.post(&at, &[("verdict", "rejected"), ("version", &version)]).await.assert_status(303);
    let answer = dana.post(&at, &[("verdict", "accepted"), ("version", &version), ("note", "Mine.")]).await;
    answer.assert_status(409);
    answer.assert_body_has("eli decided this dispute first: Rejected");
    let page = answer.page();
    assert_eq!(page.text("#late-note"), "Mine.");
    assert_eq!(page.attr("[rel=next]", "href"), format!("/review/{second}"));
    assert!(!page.has("form.decide"));

    // The same form twice decides once.
    let token = dana.get(&format!("/review/{second}")).await.page().value("form_token");
    for _ in 0..2 {
        let form = [("verdict", "rejected"), ("form_token", token.as_str())];
        dana.post(&format!("/review/{second}"), &form).await.assert_status(303);
    }
}

#[actix_web::test]
async fn only_managers_with_view_see_it_and_only_those_with_edit_decide() {
    let app = TestApp::start().await;
    let (_, id) = sent(&app, "acme", |_| {});
    let buyer = app.viewer(Person::buyer("acme"));
    let draft = NewCall::ordinary(&buyer, app.clock().now()).add(app.db());
    let draft = story::dispute(app.db(), app.clock(), &buyer, draft, Intent::Draft).expect("it is kept");
    let at = format!("/review/{id}");
    let acme = app.buyer("acme").await;
    let blind = Person::Manager { name: "nil", view: false, edit: false, import: true, settings: true };
    let blind = app.person(blind).await;
    for person in [&acme, &blind] {
        for path in ["/review", at.as_str()] {
            person.get(path).await.assert_status(403);
        }
        person.post(&at, &[("verdict", "accepted")]).await.assert_status(403);
    }
    let watcher = Person::Manager { name: "vic", view: true, edit: false, import: false, settings: false };
    let watcher = app.person(watcher).await;
    let page = watcher.get(&at).await.page();
    assert!(!page.has("form") && page.text("#decided").contains("Not decided yet"));
    watcher.post(&at, &[("verdict", "accepted")]).await.assert_status(403);
    let dana = app.manager("dana").await;
    dana.get(&format!("/review/{draft}")).await.assert_not_found();
    dana.post(&format!("/review/{draft}"), &[("verdict", "accepted")]).await.assert_not_found();
    dana.get("/review?sort=nonsense").await.assert_status(422);
    assert_eq!(dana.get("/review").await.page().texts("nav.queue a").len(), 1);
    assert!(!acme.get("/disputes").await.page().has("a[href^='/review']"));
}

fn set_campaign(app: &TestApp, calls: &[CallId], disputes: &[DisputeId], name: &str) {
    use schema::{calls as c, campaigns as k, disputes as d};
    let id = CampaignId::generate();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            diesel::insert_into(k::table)
                .values((k::id.eq(id), k::name.eq(name), k::name_key.eq(name)))
                .execute(conn)?;
            diesel::update(c::table.filter(c::id.eq_any(calls))).set(c::campaign_id.eq(id)).execute(conn)?;
            diesel::update(d::table.filter(d::id.eq_any(disputes))).set(d::campaign_id.eq(id)).execute(conn)?;
            Ok(())
        })
        .expect("the campaign is set");
}

#[actix_web::test]
async fn the_caller_s_past_with_this_buyer_or_campaign_stands_beside_it() {
    let app = TestApp::start().await;
    let now = app.clock().now();
    let add = |company: &'static str, days: i64, caller: &str| {
        let buyer = app.viewer(Person::buyer(company));
        let call = NewCall {
            caller_id: caller.to_owned(),
            started_at: now - Duration::days(days),
            ..NewCall::ordinary(&buyer, now)
        };
        call.add(app.db())
    };
    let caller = "+12145550164";
    let own = add("acme", 9, caller);
    let of_campaign = add("birch", 8, caller);
    let elsewhere = add("birch", 7, caller);
    let other_number = add("acme", 6, "+13145550164");
    let later = add("acme", 0, caller);
    let (_, old) = sent(&app, "birch", |call| call.started_at = now - Duration::days(5));
    let (call, id) = sent(&app, "acme", |call| call.started_at = now - Duration::days(1));
    set_campaign(&app, &[of_campaign, call], &[id], "Auto TX");
    let dana = app.manager("dana").await;
    dana.post(&format!("/disputes/{old}/decision"), &[("verdict", "accepted_partial"), ("credit", "10")])
        .await
        .assert_status(303);
    let page = dana.get(&format!("/review/{id}")).await.page();
    let links = page.attrs("#earlier-calls th a", "href");
    assert_eq!(links, [of_campaign, own].map(|call| format!("/calls/{call}")), "{elsewhere} {other_number} {later}");
    let text = page.text("#earlier-calls");
    assert!(text.contains("birch") && text.contains("Auto TX"), "{text}");
    assert_eq!(page.attrs("#earlier-disputes th a", "href"), [format!("/disputes/{old}")]);
    let text = page.text("#earlier-disputes");
    assert!(text.contains("$10.00") && text.contains("Accepted Partial"), "{text}");

    // The call of an own dispute bears that dispute's status; a hidden number says nothing.
    let (again, _) = sent(&app, "acme", |call| call.started_at = now - Duration::hours(30));
    let page = dana.get(&format!("/review/{id}")).await.page();
    assert_eq!(page.attrs("#earlier-calls th a", "href").first().cloned(), Some(format!("/calls/{again}")));
    assert!(page.texts("#earlier-calls tbody tr")[0].contains("Pending"));
    for hidden in ["anonymous", "+1214555XXXX"] {
        sent(&app, "acme", |call| call.caller_id = hidden.to_owned());
        let (_, id) = sent(&app, "acme", |call| call.caller_id = hidden.to_owned());
        let page = dana.get(&format!("/review/{id}")).await.page();
        assert!(page.text("#caller-before").contains("hidden or masked"), "{}", page.text("#caller-before"));
        assert!(!page.has("#earlier-calls"));
    }
}

#[actix_web::test]
async fn how_often_this_buyer_disputes_is_set_against_the_platform() {
    let app = TestApp::start().await;
    let now = app.clock().now();
    for (company, count) in [("acme", 18), ("birch", 80)] {
        for _ in 0..count {
            NewCall::ordinary(&app.viewer(Person::buyer(company)), now).add(app.db());
        }
    }
    let old =
        NewCall { started_at: now - Duration::days(31), ..NewCall::ordinary(&app.viewer(Person::buyer("acme")), now) };
    old.add(app.db());
    let (_, id) = sent(&app, "acme", |_| {});
    let (_, decided) = sent(&app, "acme", |_| {});
    let dana = app.manager("dana").await;
    dana.post(&format!("/review/{decided}"), &[("verdict", "accepted")]).await.assert_status(303);
    let page = dana.get(&format!("/review/{id}")).await.page();
    let rates: Vec<String> = page.texts("aside .more").into_iter().map(|text| text.replace('\u{a0}', " ")).collect();
    assert_eq!(rates.len(), 2, "{rates:?}");
    assert!(rates[0].contains("acme, calls of the last 30 days"), "{rates:?}");
    assert!(rates[0].contains("2 of 20 calls, 10.0 %") && rates[0].contains("1 of 1 decided"), "{rates:?}");
    assert!(rates[1].contains("2 of 100 calls, 2.0 %"), "{rates:?}");
    let birch: BuyerId = app.viewer(Person::buyer("birch")).scope().buyer().expect("a buyer");
    assert!(!page.text("aside").contains(&birch.to_string()));
}
