//! The pages of the Call Log: each order walked both ways, and links that carry the whole state.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::db::{DbError, schema};
use fairdial::domain::call::CallStatus;
use rstest::rstest;

use crate::calls::{acme, add, ids, texts};
use crate::support::app::TestApp;
use crate::support::people::Person;

/// Every order both ways, with equal values in plenty: pages put together are the whole, forwards and backwards.
#[rstest]
#[case("call_date")]
#[case("caller_id")]
#[case("destination")]
#[case("payout")]
#[case("duration")]
#[case("status")]
#[actix_web::test]
async fn pages_put_together_are_the_whole_list(#[case] key: &str) {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    let now = app.clock().now();
    for number in 0..23_i64 {
        add(&app, &viewer, |call| {
            call.started_at = now - Duration::hours(number / 3);
            call.caller_id = format!("+1214555010{}", number % 4);
            call.destination = format!("Desk {}", number % 3);
            call.payout = (number % 5 != 0).then_some(number % 5 * 100);
            call.duration_s = (number % 4 != 0).then(|| i32::try_from(number % 4).expect("small"));
            call.status = CallStatus::ALL[usize::try_from(number % 6).expect("small")];
        });
    }
    let buyer = app.buyer("acme").await;
    for sort in [key.to_owned(), format!("-{key}")] {
        let whole = ids(&buyer, &format!("/calls?sort={sort}&per_page=100")).await;
        assert_eq!(whole.len(), 23);
        let (mut walked, mut path, mut pages) = (Vec::new(), format!("/calls?sort={sort}&per_page=5"), 0);
        let last = loop {
            let page = buyer.get(&path).await.page();
            walked.extend(page.row_ids("call-log"));
            pages += 1;
            match page.select(".pager a[rel=next]").first() {
                Some(next) => path = next.attr("href"),
                None => break page,
            }
            assert!(pages < 10, "the walk doesn't end");
        };
        assert_eq!(walked, whole, "forwards by {sort}");
        let (mut back, mut page) = (last.row_ids("call-log"), last);
        while let Some(previous) = page.select(".pager a[rel=prev]").first() {
            page = buyer.get(&previous.attr("href")).await.page();
            back = [page.row_ids("call-log"), back].concat();
            assert!(back.len() <= 23, "the walk back doesn't end");
        }
        assert_eq!(back, whole, "backwards by {sort}");
        let page = buyer.get(&format!("/calls?sort={sort}")).await.page();
        let sorted = page.select("#call-log th[aria-sort]");
        assert_eq!(sorted.len(), 1);
        let direction = if sort.starts_with('-') { "descending" } else { "ascending" };
        assert_eq!(sorted[0].attr("aria-sort"), direction);
    }
}

#[actix_web::test]
async fn every_link_carries_the_whole_state() {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    for _ in 0..3 {
        add(&app, &viewer, |call| call.has_recording = true);
    }
    let buyer = app.buyer("acme").await;
    let query = "status=completed_with_conversion&has_recording=1&from=2026-11-01&to=2026-11-20&sort=payout&per_page=2\
                 &columns=call_date,payout&tz=Europe/Paris";
    let page = buyer.get(&format!("/calls?{query}")).await.page();
    let mut links = page.select("#call-log thead a, .pager a[href], .chip, .head a[href]");
    links.retain(|link| !link.text.is_empty());
    assert!(links.len() > 8, "{links:?}");
    for link in links {
        let href = link.attr("href");
        let kept = ["has_recording=1", "from=2026-11-01", "to=2026-11-20", "status=completed_with_conversion"];
        let missing = kept.iter().filter(|part| !href.contains(**part)).count();
        assert!(missing <= usize::from(link.text.ends_with("remove")), "{} leads to {href}", link.text);
        for part in ["sort=", "per_page=2", "columns=call_date,payout", "tz=Europe/Paris"] {
            assert!(href.contains(part), "{} leads to {href}", link.text);
        }
        if link.attributes.contains_key("hx-get") {
            assert_eq!(link.attr("hx-get"), href);
            assert_eq!(link.attr("hx-push-url"), "true");
        }
    }
    assert_eq!(page.texts("#call-log thead th"), ["Call Date", "Payout", "Action"]);
    assert!(!page.has("#call-log .p2, #call-log .p3, #call-log .p4"), "chosen columns don't leave");
    assert_eq!(page.select("#filters input[type=hidden][name=tz]")[0].attr("value"), "Europe/Paris");
    // A colleague's browser shows the same.
    let colleague = app.person(Person::Buyer { name: "colin", company: "acme", dispute_calls: true }).await;
    let other = colleague.get(&format!("/calls?{query}")).await.page();
    assert_eq!(other.row_ids("call-log"), page.row_ids("call-log"));
}

/// A manager at a narrow desk still sees whether a call is disputed.
#[actix_web::test]
async fn a_managers_table_lets_the_least_needed_columns_go_first() {
    let app = TestApp::start().await;
    let page = app.manager("dana").await.get("/calls").await.page();
    assert_eq!(page.texts("#call-log thead .p5"), ["Campaign", "Publisher payout", "Hang Up"]);
}

/// The rows come anew by themselves, and alone.
#[actix_web::test]
async fn what_changed_is_asked_for_with_the_whole_state() {
    let app = TestApp::start().await;
    let buyer = app.buyer("acme").await;
    let page = buyer.get("/calls?disputable=1&per_page=25").await.page();
    let again = page.attr("#calls", "hx-get");
    assert!(again.contains("disputable=1") && again.contains("per_page=25"), "{again}");
    let rows = buyer.get_fragment(&again, "div#calls").await.page();
    assert!(rows.has("#calls #call-log") && !rows.has("#filters"));
}

#[actix_web::test]
async fn a_bare_address_shows_what_was_saved() {
    let app = TestApp::start().await;
    let viewer = acme(&app);
    let (cheap, dear) = (add(&app, &viewer, |call| call.payout = Some(1)), add(&app, &viewer, |_| {}));
    let user = viewer.user();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use schema::table_settings as t;
            diesel::insert_into(t::table)
                .values((
                    (t::user_id.eq(user), t::table_name.eq("calls")),
                    (t::column_list.eq("payout,publisher,call_date"), t::per_page.eq(25), t::sort.eq("payout")),
                ))
                .execute(conn)?;
            Ok(())
        })
        .expect("it is saved");
    let page = app.buyer("acme").await.get("/calls").await.page();
    assert_eq!(page.texts("#call-log thead th"), ["Payout", "Call Date", "Action"]);
    assert_eq!(page.row_ids("call-log"), texts(&[cheap, dear]));
    assert_eq!(page.texts("select[name=per_page] option[selected]"), ["25"]);
}
