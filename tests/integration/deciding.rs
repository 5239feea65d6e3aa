//! A manager decides and reopens by page: what each refusal says, what is kept, and who may.

use diesel::prelude::*;
use fairdial::db::{DbError, schema};
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::DisputeId;
use fairdial::domain::money::proposed_clawback;

use crate::disputes::{acme, decide, hide_canaries, sent};
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;

/// A field, its message, and what was sent.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn at(id: DisputeId) -> String {
    format!("/disputes/{id}/decision")
}

/// Changes the call under a dispute, as a later import does.
fn change_call(app: &TestApp, id: DisputeId) {
    use schema::{calls as c, disputes as d};
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let call: i64 = d::table.find(id).select(d::call_id).first::<fairdial::domain::ids::CallId>(conn)?.number();
            diesel::update(c::table.filter(c::id.eq(fairdial::domain::ids::CallId::from_number(call))))
                .set(c::payout.eq(3900))
                .execute(conn)?;
            Ok(())
        })
        .expect("the call is changed");
}

/// Credit, clawback and status of a dispute, and the net credit and clawback of its call.
fn figures(app: &TestApp, id: DisputeId) -> (String, Option<i64>, Option<i64>, i64, i64) {
    use schema::{calls as c, disputes as d};
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            let row: (fairdial::domain::dispute::Status, Option<i64>, Option<i64>, i64, i64) = d::table
                .inner_join(c::table)
                .filter(d::id.eq(id))
                .select((d::status, d::credit, d::clawback, c::net_credit, c::net_clawback))
                .first(conn)?;
            Ok((row.0.code().to_owned(), row.1, row.2, row.3, row.4))
        })
        .expect("read")
}

async fn world() -> (TestApp, DisputeId, Actor, Actor) {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let (dana, buyer) = (app.manager("dana").await, app.buyer("acme").await);
    (app, id, dana, buyer)
}

#[actix_web::test]
async fn a_partial_decision_moves_the_money_and_each_side_reads_its_part() {
    let (app, id, dana, buyer) = world().await;
    hide_canaries(&app, id);
    let page = dana.get(&format!("/disputes/{id}")).await.page();
    let version = page.value("version");
    let form = [
        ("verdict", "accepted_partial"),
        ("credit", "$21.00"),
        ("clawback", "13.37"),
        ("note", "  Half of it.\r\nSee 0:12. "),
        ("version", &version),
        ("difference_seen", "1"),
        ("form_token", "once"),
    ];
    let answer = dana.post(&at(id), &form).await;
    answer.assert_redirect(&format!("/disputes/{id}"));
    dana.follow(&answer).await.assert_body_has("The decision is recorded");
    // A double click is the same decision, not a second one.
    dana.post(&at(id), &form).await.assert_redirect(&format!("/disputes/{id}"));
    assert_eq!(figures(&app, id), ("accepted_partial".into(), Some(2100), Some(1337), 2100, 1337));

    let page = dana.get(&format!("/disputes/{id}")).await.page();
    assert_eq!(page.texts("#adjustments tbody td.num"), ["$21.00", "$13.37"]);
    assert_eq!(page.texts("#adjustments tfoot td"), ["$21.00", "$13.37", "$21.00", "$13.37"]);
    assert!(page.text(".verdict").contains("Clawback from the publisher: $13.37"));
    assert!(!page.has("#decide"));

    let read = buyer.get(&format!("/disputes/{id}")).await;
    read.assert_body_has("$21.00 of $42.00 credit").assert_body_has("Half of it.\nSee 0:12.");
    for canary in ["Canary", "13.37", "lawback", "djustment", "dana", "Reopen"] {
        read.assert_body_lacks(canary);
    }
}

#[actix_web::test]
async fn accepted_credits_all_and_rejected_nothing() {
    let (app, id, dana, _) = world().await;
    dana.post(&at(id), &[("verdict", "accepted"), ("credit", "42")]).await.assert_status(303);
    let claw = proposed_clawback(Some(2500), 4200, 4200);
    assert_eq!(figures(&app, id), ("accepted".into(), Some(4200), Some(claw), 4200, claw));
    let other = sent(&app, &acme(&app), |_| {});
    dana.post(&at(other), &[("verdict", "rejected"), ("credit", "0"), ("clawback", "")]).await.assert_status(303);
    assert_eq!(figures(&app, other), ("rejected".into(), Some(0), Some(0), 0, 0));
}

#[actix_web::test]
async fn what_cannot_be_taken_comes_back_with_a_message_at_its_field() {
    let (app, id, dana, _) = world().await;
    let before = app.digest();
    let long = "x".repeat(5_001);
    let partial = ("verdict", "accepted_partial");
    let cases: [Case<'_>; 11] = [
        ("credit", "Enter a credit of more than zero and less than the payout", &[partial]),
        ("credit", "Enter a credit of more than zero and less than the payout", &[partial, ("credit", "42.00")]),
        ("credit", "Enter a credit of more than zero and less than the payout", &[partial, ("credit", "-1")]),
        ("credit", "Enter an amount such as 1030.30", &[partial, ("credit", "half")]),
        ("credit", "Enter an amount such as 1030.30", &[partial, ("credit", "12,50")]),
        ("credit", "Enter an amount with at most 2 decimal digits, as USD has", &[partial, ("credit", "1.005")]),
        ("credit", "Enter an amount in USD", &[partial, ("credit", "€5")]),
        (
            "clawback",
            "Enter a clawback between zero and the publisher payout",
            &[partial, ("credit", "5"), ("clawback", "25.01")],
        ),
        ("credit", "With Rejected there is no credit: leave it empty", &[("verdict", "rejected"), ("credit", "5")]),
        (
            "credit",
            "With Accepted the credit is the whole payout: leave it empty, or choose Accepted Partial",
            &[("verdict", "accepted"), ("credit", "5")],
        ),
        ("note", "A note has at most 5,000 characters", &[partial, ("credit", "5"), ("note", &long)]),
    ];
    for (field, message, form) in cases {
        let mut form = form.to_vec();
        if field != "note" {
            form.push(("note", "We listened."));
        }
        let answer = dana.post(&at(id), &form).await;
        answer.assert_field_error(field, message);
        let page = answer.page();
        for (name, value) in form.iter().filter(|(name, _)| *name != "verdict") {
            assert_eq!(page.value(name), *value, "{name} is kept");
        }
        assert!(page.has(&format!("[name=verdict][value={}][checked]", form[0].1)));
    }
    let answer = dana.post(&at(id), &[("note", "We listened.")]).await;
    answer.assert_status(422);
    assert_eq!(answer.page().text("#verdict-p"), "Choose Accept, Accept Partial or Reject");
    assert_eq!(app.digest(), before, "nothing was changed");
}

#[actix_web::test]
async fn who_comes_second_is_told_who_decided_what_and_keeps_the_note() {
    let (app, id, dana, _) = world().await;
    let petra = app.manager("petra").await;
    decide(&app, &app.viewer(Person::manager("dana")), id, Verdict::Rejected, None);
    let answer =
        petra.post(&at(id), &[("verdict", "accepted_partial"), ("credit", "7"), ("note", "Half of it.")]).await;
    answer.assert_conflict("dana decided this dispute first: Rejected, on Fri 20 Nov 2026, 10:42 EST.");
    let page = answer.page();
    assert_eq!(page.value("note"), "Half of it.");
    answer.assert_body_has("Accepted Partial, credit 7");
    assert!(!page.has("#decide"));
    // A form that couldn't be read at all is told the same.
    dana.post(&at(id), &[("note", "x")]).await.assert_conflict("decided this dispute first");
    assert_eq!(figures(&app, id), ("rejected".into(), Some(0), Some(0), 0, 0));
}

#[actix_web::test]
async fn a_dispute_that_changed_since_it_was_opened_is_shown_again() {
    let (app, id, dana, buyer) = world().await;
    let version = dana.get(&format!("/disputes/{id}")).await.page().value("version");
    let text = crate::support::actor::Upload::new("note.txt", "text/plain", "It rang twice.");
    buyer.post_multipart(&format!("/disputes/{id}/evidence"), &[], &[("evidence", text)]).await.assert_status(303);
    let form = [("verdict", "accepted"), ("note", "Taken."), ("version", version.as_str())];
    let answer = dana.post(&at(id), &form).await;
    answer.assert_conflict("The dispute changed since you opened it");
    let page = answer.page();
    assert_eq!(page.value("note"), "Taken.");
    let version = page.value("version");
    dana.post(&at(id), &[form[0], form[1], ("version", &version)]).await.assert_status(303);
    assert_eq!(figures(&app, id).0, "accepted");
}

#[actix_web::test]
async fn a_call_that_changed_must_be_looked_at_first() {
    let (app, id, dana, buyer) = world().await;
    change_call(&app, id);
    let page = dana.get(&format!("/disputes/{id}")).await.page();
    assert_eq!(page.texts("#difference tbody td"), ["$42.00", "$39.00"]);
    let answer = dana.post(&at(id), &[("verdict", "accepted"), ("note", "Taken.")]).await;
    answer.assert_conflict("tick that you have seen it");
    assert_eq!(answer.page().value("note"), "Taken.");
    assert_eq!(figures(&app, id).0, "pending");
    assert!(!buyer.get(&format!("/disputes/{id}")).await.page().has("#difference"));
    dana.post(&at(id), &[("verdict", "accepted"), ("difference_seen", "1")]).await.assert_status(303);
    assert_eq!(figures(&app, id).1, Some(4200), "the snapshot is what is credited");
}

#[actix_web::test]
async fn whoever_filed_it_lets_another_manager_decide() {
    let (app, id, dana, _) = world().await;
    let user = app.viewer(Person::manager("dana")).user();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use schema::disputes as d;
            diesel::update(d::table.find(id)).set(d::filed_by_manager.eq(user)).execute(conn)?;
            Ok(())
        })
        .expect("it is hers");
    assert!(!dana.get(&format!("/disputes/{id}")).await.page().has("#decide"));
    let answer = dana.post(&at(id), &[("verdict", "accepted"), ("note", "Mine.")]).await;
    answer.assert_forbidden().assert_body_has("another manager decides it");
    assert_eq!(answer.page().value("note"), "Mine.");
    app.manager("petra").await.post(&at(id), &[("verdict", "accepted")]).await.assert_status(303);
}

#[actix_web::test]
async fn viewing_is_not_deciding() {
    let (app, id, _, buyer) = world().await;
    let view = app.person(Person::Manager { name: "vic", view: true, edit: false, import: true, settings: true }).await;
    let page = view.get(&format!("/disputes/{id}")).await.page();
    assert!(!page.has("#decide") && !page.has("[name=verdict]"));
    let before = app.digest();
    for actor in [&view, &buyer] {
        actor.post(&at(id), &[("verdict", "accepted")]).await.assert_forbidden();
        actor.post(&format!("/disputes/{id}/reopening"), &[("reason", "x")]).await.assert_forbidden();
    }
    assert_eq!(app.digest(), before);
}

#[actix_web::test]
async fn reopening_needs_a_reason_and_takes_the_money_back() {
    let (app, id, dana, buyer) = world().await;
    let path = format!("/disputes/{id}/reopening");
    dana.post(&path, &[("reason", "Too early")]).await.assert_status(409).assert_body_has("Pending already");
    dana.post(&at(id), &[("verdict", "accepted")]).await.assert_status(303);
    dana.post(&path, &[("reason", " \n")]).await.assert_field_error("reason", "Say why it is reopened");
    let long = "x".repeat(5_001);
    dana.post(&path, &[("reason", &long)]).await.assert_field_error("reason", "A reason has at most 5,000 characters");
    let answer = dana.post(&path, &[("reason", "Publisher sent the full recording")]).await;
    answer.assert_redirect(&format!("/disputes/{id}"));
    assert_eq!(figures(&app, id), ("pending".into(), None, None, 0, 0));
    let page = dana.get(&format!("/disputes/{id}")).await.page();
    assert_eq!(page.texts("#adjustments tbody td.num"), ["$42.00", "$25.00", "-$42.00", "-$25.00"]);
    assert_eq!(page.texts("#adjustments tfoot td"), ["$0.00", "$0.00", "$0.00", "$0.00"]);
    buyer.get(&format!("/disputes/{id}")).await.assert_body_has("reopened").assert_body_lacks("full recording");
    buyer.get("/notifications").await.assert_body_lacks("full recording");
}

#[actix_web::test]
async fn a_call_with_another_active_dispute_keeps_it() {
    let (app, id, dana, _) = world().await;
    dana.post(&at(id), &[("verdict", "rejected")]).await.assert_status(303);
    let call = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            use schema::disputes as d;
            Ok(d::table.find(id).select(d::call_id).first::<fairdial::domain::ids::CallId>(conn)?)
        })
        .expect("read");
    let intent = fairdial::domain::claim::Intent::Send;
    crate::support::story::dispute(app.db(), app.clock(), &acme(&app), call, intent).expect("again");
    let answer = dana.post(&format!("/disputes/{id}/reopening"), &[("reason", "Look again")]).await;
    answer.assert_conflict("The call has another dispute, which is Pending.");
    assert_eq!(answer.page().value("reason"), "Look again");
}

#[actix_web::test]
async fn after_a_decision_the_list_is_where_it_was() {
    let app = TestApp::start().await;
    let ids: Vec<_> = (0..4).map(|_| sent(&app, &acme(&app), |_| {})).collect();
    let dana = app.manager("dana").await;
    let query = "status=pending&sort=submitted&per_page=2&tz=UTC";
    let answer = dana.post(&format!("{}?{query}", at(ids[0])), &[("verdict", "rejected")]).await;
    answer.assert_status(303);
    assert!(answer.location().starts_with("/disputes?status=pending"), "{}", answer.location());
    assert!(answer.location().ends_with(&format!("#row-{}", ids[1])), "{}", answer.location());
    let page = dana.follow(&answer).await;
    page.assert_body_has("The decision is recorded");
    assert_eq!(page.page().row_ids("disputes-table"), [ids[1].to_string(), ids[2].to_string()]);
    // The last one of a page is followed by the first that is left.
    let answer = dana.post(&format!("{}?{query}", at(ids[2])), &[("verdict", "rejected")]).await;
    assert!(answer.location().ends_with(&format!("#row-{}", ids[1])), "{}", answer.location());

    let path = format!("{}?{query}", at(ids[1]));
    let request = dana.request(reqwest::Method::POST, &path).form(&[("verdict", "accepted")]);
    let request = request.header("HX-Request", "true").header("HX-Request-Type", "partial");
    let answer = dana.send(request.header("HX-Target", "div#panel-slot")).await;
    answer.assert_ok();
    assert_eq!(answer.page().attr("[data-decided]", "data-next"), ids[3].to_string());
    assert_eq!(answer.page().text("#pending-count"), "1");
    assert!(answer.header("hx-push-url").starts_with("/disputes?status=pending"));
}

#[actix_web::test]
async fn who_wants_it_so_gets_the_next_dispute_after_a_decision() {
    let app = TestApp::start().await;
    let ids: Vec<_> = (0..3).map(|_| sent(&app, &acme(&app), |_| {})).collect();
    let dana = app.manager("dana").await;
    dana.post("/account", &[("opens_next", "perhaps")]).await.assert_status(422);
    dana.post("/account", &[("opens_next", "0"), ("opens_next", "1")]).await.assert_status(303);
    assert!(dana.get("/account").await.page().has("#opens_next[checked]"));
    assert!(!app.buyer("acme").await.get("/account").await.page().has("#opens_next"), "buyers decide nothing");
    let query = "status=pending&sort=submitted&per_page=2&tz=UTC";
    let answer = dana.post(&format!("{}?{query}", at(ids[0])), &[("verdict", "rejected")]).await;
    assert_eq!(answer.location(), format!("/disputes/{}?{query}", ids[1]));
    dana.follow(&answer).await.assert_body_has("The decision is recorded");

    let decide = async |id| {
        let request = dana.request(reqwest::Method::POST, &format!("{}?{query}", at(id)));
        let request = request.form(&[("verdict", "accepted")]).header("HX-Request", "true");
        dana.send(request.header("HX-Request-Type", "partial").header("HX-Target", "div#panel-slot")).await
    };
    let answer = decide(ids[1]).await;
    answer.assert_ok().assert_body_has("The decision is recorded");
    assert_eq!(answer.page().attr("#details-panel", "data-presence"), format!("/disputes/{}/presence", ids[2]));
    assert_eq!(answer.header("hx-push-url"), format!("/disputes/{}?{query}", ids[2]));
    assert_eq!(answer.page().text("#pending-count"), "1");
    // After the last there is nothing to open.
    let answer = decide(ids[2]).await;
    assert_eq!(answer.assert_ok().page().attr("[data-decided]", "data-next"), "");
}
