//! The Disputes pages: what is kept from buyers, the export, the filter form and the table settings.

use diesel::connection::SimpleConnection;
use fairdial::auth::Viewer;
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::DisputeId;

use crate::disputes::{CANARIES, acme, decide, hide_canaries, rows, sent, texts};
use crate::support::app::TestApp;
use crate::support::people::Person;

#[actix_web::test]
async fn a_buyer_is_told_nothing_of_publishers_clawbacks_and_notes() {
    let app = TestApp::start().await;
    let (buyer, manager) = (acme(&app), app.viewer(Person::manager("dana")));
    let ids: Vec<_> = (0..2).map(|_| sent(&app, &buyer, |_| {})).collect();
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    for id in &ids {
        hide_canaries(&app, *id);
        let note = [("body", CANARIES[4]), ("internal", "1")];
        dana.post(&format!("/disputes/{id}/messages"), &note).await.assert_status(303);
        dana.post(&format!("/disputes/{id}/messages"), &[("body", "Which campaign?")]).await.assert_status(303);
    }
    decide_past_payout_check(&app, &manager, ids[0]);

    let mut answers = vec![];
    for path in [
        "/disputes",
        "/disputes?columns=buyer,publisher_payout,age,due,payout",
        "/disputes.csv",
        "/disputes.csv?columns=publisher_payout,buyer,payout",
        "/notifications",
        "/pending-count",
    ] {
        answers.push((path.to_owned(), acme.get(path).await));
    }
    for id in &ids {
        let path = format!("/disputes/{id}");
        answers.push((path.clone(), acme.get_fragment(&path, "div#panel-slot").await));
        answers.push((path.clone(), acme.get(&path).await));
    }
    for (path, answer) in &answers {
        answer.assert_ok();
        for canary in CANARIES {
            assert!(!answer.text().contains(canary), "{canary} in {path}:\n{}", answer.text());
        }
        assert!(!answer.text().contains("dana"), "a manager's name in {path}");
    }
    // The same pages tell a manager all of it, so the canaries were there to be told.
    let told = dana.get(&format!("/disputes/{}", ids[0])).await;
    for canary in [CANARIES[0], CANARIES[1], CANARIES[3], CANARIES[4]] {
        told.assert_body_has(canary);
    }
    dana.get("/disputes.csv").await.assert_ok().assert_body_has("987.65");
}

fn decide_past_payout_check(app: &TestApp, manager: &Viewer, id: DisputeId) {
    decide(app, manager, id, Verdict::AcceptedPartial, Some(1200));
}

#[actix_web::test]
async fn the_export_has_every_row_of_the_filter_in_its_order() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let ids: Vec<_> = (0..3).map(|_| sent(&app, &buyer, |call| call.destination = "=1+1".to_owned())).collect();
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let file = acme.get("/disputes.csv?sort=submitted&per_page=1").await;
    file.assert_ok();
    let lines: Vec<_> = file.text().lines().collect();
    assert_eq!(lines[0], "Dispute,Status,Call Date,Caller ID,Destination,Payout,Reason,Recording,Credit,Currency");
    let found: Vec<_> = lines[1..].iter().map(|line| line.split(',').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(found, texts(&ids));
    assert!(lines[1].contains(",'=1+1,42.00,"), "{}", lines[1]);
    let managers = dana.get("/disputes.csv").await;
    managers.assert_body_has("Publisher payout").assert_body_has("Buyer");
    decide(&app, &app.viewer(Person::manager("dana")), ids[1], Verdict::AcceptedPartial, Some(1205));
    for person in [&acme, &dana] {
        let file = person.get("/disputes.csv?sort=submitted").await;
        let credits: Vec<_> = file.text().lines().skip(1).map(|line| line.rsplit(',').nth(1).unwrap()).collect();
        assert_eq!(credits, ["", "12.05", ""]);
    }
}

/// Makes so many withdrawn disputes like one that is there, every second with a recording.
fn multiply(app: &TestApp, dispute: DisputeId, count: u32) {
    let columns =
        crate::schema::declared().into_keys().filter(|(table, _)| table == "disputes").map(|(_, column)| column);
    let (mut into, mut values) = (Vec::new(), Vec::new());
    // The database reckons the time to the decision itself, and takes it from nobody.
    for column in columns.filter(|column| column != "seconds_to_decision") {
        values.push(match column.as_str() {
            "id" => "id + n.i".to_owned(),
            "status" => "'withdrawn'".to_owned(),
            "status_rank" => "4".to_owned(),
            "has_recording" => "n.i % 2 = 0".to_owned(),
            "payout" | "payout_sort" => "n.i".to_owned(),
            _ => column.clone(),
        });
        into.push(column);
    }
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let copies = format!(
        "INSERT INTO disputes ({}) {numbers} SELECT {} FROM disputes, n WHERE id = {}",
        into.join(", "),
        values.join(", "),
        dispute.number()
    );
    let found = format!(
        "INSERT INTO dispute_suffixes (suffix, dispute_id, buyer_id) SELECT '5550164', id, buyer_id FROM disputes \
         WHERE id <> {}",
        dispute.number()
    );
    app.database().connect().batch_execute(&format!("{copies}; {found}")).expect("the rows are copied");
}

#[actix_web::test]
async fn the_export_has_every_row_also_where_the_page_stops_looking() {
    let app = TestApp::start().await;
    let one = sent(&app, &acme(&app), |_| {});
    multiply(&app, one, 10_300);
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let unusual = "reason=caller_hung_up&status=withdrawn&has_recording=1";
    dana.get(&format!("/disputes?{unusual}")).await.assert_ok().assert_body_has("10,000");
    let searched = "q=5550164&status=withdrawn&has_recording=1";
    for (person, query) in [
        (&dana, unusual.to_owned()),
        (&acme, format!("{unusual}&sort=payout")),
        (&dana, format!("{unusual}&sort=-submitted")),
        (&acme, searched.to_owned()),
        (&dana, format!("{searched}&sort=payout")),
    ] {
        let file = person.get(&format!("/disputes.csv?{query}&columns=payout")).await;
        let mut ids: Vec<&str> = file.assert_ok().text().lines().skip(1).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((file.text().lines().count(), ids.len()), (5_151, 5_150), "{query}");
    }
}

#[actix_web::test]
async fn the_filter_form_sends_each_filter_once_so_that_it_can_be_taken_back() {
    let app = TestApp::start().await;
    sent(&app, &acme(&app), |_| {});
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let query = "/disputes?submitted_from=2026-11-01&has_evidence=1&has_recording=1&q=5550&status=pending";
    for actor in [&acme, &dana] {
        let page = actor.get(query).await.page();
        for name in ["q", "status", "reason", "submitted_from", "has_evidence", "has_recording", "sort", "tz"] {
            assert_eq!(page.select(&format!("form.filters [name={name}]")).len(), 1, "{name}");
        }
        assert_eq!(page.texts(".chips .chip").len(), 5);
    }
}

#[actix_web::test]
async fn a_bare_address_uses_what_was_saved_and_a_full_one_what_it_says() {
    let app = TestApp::start().await;
    let ids: Vec<_> = (0..3).map(|_| sent(&app, &acme(&app), |_| {})).collect();
    let acme = app.buyer("acme").await;
    let wanted =
        [("table", "disputes"), ("column", "payout"), ("column", "status"), ("per_page", "2"), ("sort", "submitted")];
    acme.post("/account/table", &wanted).await.assert_status(303);
    let page = acme.get("/disputes").await.page();
    assert_eq!(page.texts("#disputes-table thead th"), ["Payout", "Status", "Action"]);
    assert_eq!(page.row_ids("disputes-table"), texts(&ids[..2]));
    assert_eq!(rows(&acme, "/disputes?sort=-submitted&per_page=1").await, texts(&ids[2..]));
    acme.post("/account/table", &[("table", "disputes"), ("reset", "1")]).await.assert_status(303);
    assert_eq!(rows(&acme, "/disputes").await.len(), 3);
}

#[actix_web::test]
async fn columns_stand_in_the_order_that_was_set_step_by_step() {
    let app = TestApp::start().await;
    sent(&app, &acme(&app), |_| {});
    let acme = app.buyer("acme").await;
    for (list, table) in [("/disputes", "disputes"), ("/calls", "calls")] {
        let page = acme.get(list).await.page();
        let columns = page.attrs("#columns [name=column]", "value");
        let last = columns.last().unwrap().as_str();
        assert_eq!(page.attrs("#columns [name=earlier]", "value"), columns[1..], "the first is first");
        let mut form: Vec<_> = columns.iter().map(|column| ("column", column.as_str())).collect();
        form.extend([("table", table), ("return_to", list), ("earlier", last)]);
        acme.post("/account/table", &form).await.assert_redirect(list);
        let then = acme.get(list).await.page().attrs("#columns [name=column]", "value");
        assert_eq!(then[then.len() - 2], last);
        // A hidden column stands behind those that are shown.
        form.retain(|(name, value)| *name != "earlier" && *value != columns[0]);
        acme.post("/account/table", &form).await.assert_redirect(list);
        let page = acme.get(list).await.page();
        assert_eq!(page.attrs("#columns [name=column]", "value").last(), Some(&columns[0]));
        assert!(!page.select("#columns [name=column]").last().unwrap().attributes.contains_key("checked"));
    }
}

#[actix_web::test]
async fn every_filter_has_a_control_and_an_address() {
    const OF_ALL: [&str; 11] = [
        "q",
        "status",
        "reason",
        "submitted_from",
        "submitted_to",
        "has_evidence",
        "from",
        "to",
        "campaign",
        "destination",
        "has_recording",
    ];
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |call| call.destination = "Dallas intake".to_owned());
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    for (who, more) in [(&acme, &[][..]), (&dana, &["buyer", "due", "mine"])] {
        let page = who.get("/disputes").await.page();
        for name in OF_ALL.iter().chain(more) {
            assert!(page.has(&format!(".filters [name={name}]:not([type=hidden])")), "{name}");
        }
        assert!(!page.has("#more-filters[open]"));
        for folded in ["destination=Dallas+intake", "from=2020-01-01", "has_recording=0&to=2099-12-31"] {
            let page = who.get(&format!("/disputes?{folded}")).await.page();
            assert!(page.has("#more-filters[open]"), "{folded}");
            assert_eq!(page.row_ids("disputes-table"), [id.to_string()], "{folded}");
        }
    }
    assert!(!acme.get("/disputes").await.page().has("[name=due], [name=mine], [name=buyer]"));
    let page = dana.get("/disputes?due=5&campaign=0123456789abc").await.page();
    assert_eq!(page.attr("[name=due] option[selected]", "value"), "5", "a number of days that is no choice is kept");
    assert_eq!(page.attr("[name=campaign] option[selected]", "value"), "0123456789abc");
    assert!(dana.get("/disputes?mine=1").await.page().has("#more-filters[open] [name=mine][checked]"));
}

#[actix_web::test]
async fn the_next_page_skips_nothing_when_the_last_row_is_decided() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let mut ids: Vec<_> = (0..6).map(|_| sent(&app, &buyer, |_| {})).collect();
    let (dana, manager) = (app.manager("dana").await, app.viewer(Person::manager("dana")));
    for list in ["/disputes?per_page=2", "/disputes?status=pending&per_page=2"] {
        let page = dana.get(list).await.page();
        ids.sort_unstable();
        ids.reverse();
        assert_eq!(page.attrs("#disputes-table tr[data-id]", "data-id"), texts(&ids[..2]), "{list}");
        let next = page.attr("a[rel=next]", "href");
        decide(&app, &manager, ids[1], Verdict::Accepted, None);
        let shown = dana.get(&next).await.page().attrs("#disputes-table tr[data-id]", "data-id");
        assert_eq!(shown, texts(&ids[2..4]), "{list}");
        ids.remove(1);
    }
}
