//! Reports: figures that agree with the rows behind them.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::auth::{EditDisputes, Granted};
use fairdial::db::DbError;
use fairdial::db::transitions::{self, DecisionInput};
use fairdial::domain::claim::Intent;
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::DisputeId;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::page::Page;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

fn send(app: &TestApp, company: &'static str) -> DisputeId {
    let viewer = app.viewer(Person::buyer(company));
    let call = NewCall::ordinary(&viewer, app.clock().now()).add(app.db());
    story::dispute(app.db(), app.clock(), &viewer, call, Intent::Send).unwrap()
}

fn decide(app: &TestApp, id: DisputeId, verdict: Verdict, credit: Option<i64>) {
    let grant = Granted::<EditDisputes>::check(&app.viewer(Person::manager("dana"))).unwrap();
    let input =
        DecisionInput { verdict, credit, clawback: None, note: String::new(), version: None, difference_seen: false };
    app.db().write_blocking(|conn| transitions::decide(conn, &grant, app.clock(), id, &input)).unwrap();
}

/// Two of acme's accepted and one rejected, one of birch's accepted in part and one Pending, three hours after Send.
async fn told() -> (TestApp, Actor) {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let acme = [send(&app, "acme"), send(&app, "acme"), send(&app, "acme")];
    let birch = [send(&app, "birch"), send(&app, "birch")];
    app.clock().advance(Duration::hours(3));
    decide(&app, acme[0], Verdict::Accepted, None);
    decide(&app, acme[1], Verdict::Accepted, None);
    decide(&app, acme[2], Verdict::Rejected, None);
    decide(&app, birch[0], Verdict::AcceptedPartial, Some(1200));
    (app, dana)
}

fn row(page: &Page, section: &str, name: &str) -> Vec<String> {
    let rows = page.select(&format!("{section} tbody tr"));
    let found = rows.iter().find(|row| row.page().texts("th").concat() == name);
    let found = found.unwrap_or_else(|| panic!("{name} is not in {section}"));
    found.page().texts("td")
}

#[actix_web::test]
async fn figures_are_those_of_the_disputes_submitted_in_the_period() {
    let (_app, dana) = told().await;
    let page = dana.get("/reports").await.page();
    let kpis = page.texts("#kpis dd");
    assert!(kpis[0].starts_with('5') && kpis[1].starts_with('1'), "{kpis:?}");
    assert!(kpis[2].starts_with("75.0 % few"), "{kpis:?}");
    assert!(kpis[3].starts_with("3 hours"), "{kpis:?}");
    assert!(kpis[4].starts_with("$96.00") && kpis[5].starts_with("$57.14"), "{kpis:?}");
    let acme = row(&page, "#by-buyer", "acme");
    assert_eq!(acme, ["3", "", "2", "", "1", "", "66.7 % few", "3 hours", "$84.00", "$50.00"]);
    let dana_row = row(&page, "#by-manager", "dana");
    assert_eq!(dana_row[0], "4");
    assert_eq!(row(&page, "#by-reason", "Caller hung up immediately")[0], "5");
    assert_eq!(row(&page, "#by-publisher", "No publisher")[0], "5");
    assert_eq!(row(&page, "#by-destination", "Dallas intake")[0], "5");
    assert!(dana.get("/reports?from=2026-10-01&to=2026-10-31").await.text().contains("No disputes in this period"));
    dana.get("/reports?from=2026-10-01&to=2020-10-31").await.assert_status(422);
    dana.get("/reports?from=2020-10-01&to=2026-10-31").await.assert_status(422);
    dana.get("/reports?period=ever").await.assert_status(422);
}

#[actix_web::test]
async fn every_figure_leads_to_as_many_rows() {
    let (_app, dana) = told().await;
    let page = dana.get("/reports").await.page();
    let links = page.select("main .charts table a, #kpis a");
    assert!(links.len() > 20, "{}", links.len());
    let mut followed = 0;
    for link in links {
        let Ok(number) = link.text.parse::<usize>() else { continue };
        let rows = dana.get(&link.attr("href")).await.page().row_ids("disputes-table");
        assert_eq!(rows.len(), number, "{}", link.attr("href"));
        followed += 1;
    }
    assert!(followed > 15);
}

#[actix_web::test]
async fn shares_times_and_amounts_lead_to_the_rows_they_are_of() {
    let (app, dana) = told().await;
    let page = dana.get("/reports").await.page();
    let kpis = page.select("#kpis dd a");
    let mut numbers = Vec::new();
    for link in &kpis {
        numbers.push(dana.get(&link.attr("href")).await.page().row_ids("disputes-table").len());
    }
    // All, Pending, the share and the time of those decided, credit and clawback of those with a credit.
    assert_eq!(numbers, [5, 1, 4, 4, 3, 3]);
    let acme = page.select("#by-buyer tbody tr");
    let acme = acme.iter().find(|row| row.page().texts("th").concat() == "acme").unwrap().page();
    let cells = acme.select("td a");
    let expected = [("66.7 %", 3), ("3 hours", 3), ("$84.00", 2), ("$50.00", 2)];
    for (words, number) in expected {
        let link = cells.iter().find(|link| link.text.replace('\u{a0}', " ") == words).expect(words);
        assert_eq!(dana.get(&link.attr("href")).await.page().row_ids("disputes-table").len(), number, "{words}");
    }
    app.clock().advance(Duration::days(11));
    let dana = app.manager("dana").await;
    let late = dana.get("/reports").await.page().select("#kpis small a");
    assert_eq!((late.len(), late[0].text.as_str()), (1, "1 overdue"));
    assert_eq!(dana.get(&late[0].attr("href")).await.page().row_ids("disputes-table").len(), 1);
}

#[actix_web::test]
async fn how_long_decisions_took_leads_to_the_rows_that_took_so_long() {
    let app = TestApp::start().await;
    app.clock().advance(Duration::microseconds(600_000));
    let waits = [Duration::hours(4) - Duration::microseconds(200_000), Duration::hours(4), Duration::days(3)];
    let mut ids = Vec::new();
    for wait in waits {
        let id = send(&app, "acme");
        app.clock().advance(wait);
        decide(&app, id, Verdict::Accepted, None);
        ids.push(id.to_string());
    }
    send(&app, "acme");
    let dana = app.manager("dana").await;
    let page = dana.get("/reports").await.page();
    let tables = page.select("main .charts table");
    let table =
        tables.iter().find(|table| table.page().texts("th").concat().starts_with("Under 4 hours")).unwrap().page();
    assert_eq!(table.texts("td"), ["1", "1", "0", "0", "1"]);
    for (link, id) in table.select("td a").iter().zip(&ids) {
        let list = dana.get(&link.attr("href")).await.page();
        assert_eq!(list.row_ids("disputes-table"), [id.as_str()], "{}", link.attr("href"));
        assert!(list.texts(".chips .chip").iter().any(|chip| chip.starts_with("Time to a decision: ")));
    }
    for (took, id) in [("0-4h", &ids[0]), ("4-24h", &ids[1]), ("3d", &ids[2])] {
        let list = dana.get(&format!("/disputes?took={took}")).await.page();
        assert_eq!(list.row_ids("disputes-table"), [id.as_str()], "{took}");
        let all = app.buyer("acme").await.get(&format!("/disputes?took={took}")).await.page();
        assert_eq!(all.row_ids("disputes-table").len(), 4, "a buyer has no such filter");
    }
    dana.get("/disputes?took=5h").await.assert_status(422);
}

#[actix_web::test]
async fn what_is_missing_leads_to_the_rows_without_it() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    let named = send(&app, "acme");
    let mut nowhere = NewCall::ordinary(&viewer, app.clock().now());
    nowhere.destination = String::new();
    let nowhere = nowhere.add(app.db());
    let nowhere = story::dispute(app.db(), app.clock(), &viewer, nowhere, Intent::Send).unwrap();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use fairdial::db::schema::{campaigns, disputes, publishers};
            use fairdial::domain::ids::{CampaignId, PublisherId};
            let (publisher, campaign) = (PublisherId::generate(), CampaignId::generate());
            let of = (publishers::id.eq(publisher), publishers::name.eq("P"), publishers::name_key.eq("p"));
            diesel::insert_into(publishers::table).values(of).execute(conn)?;
            let of = (campaigns::id.eq(campaign), campaigns::name.eq("C"), campaigns::name_key.eq("c"));
            diesel::insert_into(campaigns::table).values(of).execute(conn)?;
            diesel::update(disputes::table.find(named))
                .set((disputes::publisher_id.eq(publisher), disputes::campaign_id.eq(campaign)))
                .execute(conn)?;
            Ok(())
        })
        .unwrap();
    let dana = app.manager("dana").await;
    let page = dana.get("/reports").await.page();
    for by in ["publisher", "campaign", "destination"] {
        let lines = page.select(&format!("#by-{by} tbody tr"));
        let none = lines.iter().find(|line| line.page().texts("th").concat() == format!("No {by}")).unwrap().page();
        let list = dana.get(&none.select("th a")[0].attr("href")).await.page();
        assert_eq!(list.row_ids("disputes-table"), [nowhere.to_string()], "{by}");
        assert!(list.texts(".chips .chip").iter().any(|chip| chip.starts_with(&format!("Without {by}"))));
        let all = app.buyer("acme").await.get(&format!("/disputes?without={by}")).await.page();
        assert_eq!(all.row_ids("disputes-table").len(), 2, "a buyer has no such filter");
    }
    dana.get("/disputes?without=payout").await.assert_status(422);
}

#[actix_web::test]
async fn the_csv_agrees_with_the_page() {
    let (_app, dana) = told().await;
    let all = dana.get("/reports.csv").await;
    let text = all.assert_ok().text().to_owned();
    assert!(text.starts_with("By,Name,Currency,Disputes,"));
    assert!(text.contains("\r\nBuyer,acme,USD,3,0,2,0,1,0,6667,10800,84.00,50.00\r\n"), "{text}");
    let weeks = dana.get("/reports.csv?by=week").await;
    assert_eq!(weeks.assert_ok().text().lines().count(), 2);
    assert!(
        weeks.text().contains("\r\nWeek,2026-11-16,USD,5,1,2,1,1,0,7500,10800,96.00,57.14\r\n"),
        "{}",
        weeks.text()
    );
}

#[actix_web::test]
async fn one_buyer_alone_is_counted_if_asked() {
    let (app, dana) = told().await;
    let birch = app.viewer(Person::buyer("birch")).scope().buyer().unwrap();
    let page = dana.get(&format!("/reports?buyer={birch}")).await.page();
    assert!(page.texts("#kpis dd")[0].starts_with('2'));
    assert_eq!(page.texts("#by-buyer tbody th"), ["birch"]);
    assert_eq!(page.value("buyer"), birch.to_string());
}

#[actix_web::test]
async fn a_buyer_cannot_filter_by_what_it_does_not_know() {
    let (app, dana) = told().await;
    let acme = app.buyer("acme").await;
    let manager = app.viewer(Person::manager("dana")).user();
    let all = acme.get("/disputes").await.page().row_ids("disputes-table");
    for filter in [format!("decided_by={manager}"), "publisher=0123456789abc".to_owned(), "publisher=x".to_owned()] {
        let page = acme.get(&format!("/disputes?{filter}")).await;
        assert_eq!(page.assert_ok().page().row_ids("disputes-table"), all, "{filter}");
        assert!(!page.page().has(".chips a"), "{filter} is no filter of theirs");
    }
    assert_eq!(dana.get(&format!("/disputes?decided_by={manager}")).await.page().row_ids("disputes-table").len(), 4);
}
