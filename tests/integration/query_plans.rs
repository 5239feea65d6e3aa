//! How SQLite reads the lists: by an index in the order of the page, never the whole table.
//!
//! PostgreSQL has the same indexes; its planner weighs rows, and a test's few rows say nothing.

mod explain;
mod searching;

use fairdial::auth::{Granted, ManageSettings, Scope, ViewDisputes};
use fairdial::db::audit_list::{self, AuditFilter};
use fairdial::db::call_list::numbered::NumberedFilter as CallsByNumber;
use fairdial::db::call_list::{self, CallFilter, CallSearch, CallSort, Disputable};
use fairdial::db::dispute_list::numbered::{self, NumberedFilter as ByNumber, Standing};
use fairdial::db::dispute_list::{self, DisputeFilter, DisputeSort, Mark, Missing};
use fairdial::db::outbox::Topic;
use fairdial::db::paging::{Place, Sort};
use fairdial::db::webhooks::{self, Change, Wanted};
use fairdial::db::{DbError, calls, deliveries, disputes, history, names, notifications, policy, presences};
use fairdial::domain::call::{CallStatus, DisputeState};
use fairdial::domain::claim::Intent;
use fairdial::domain::dispute::{Side, Status};
use fairdial::domain::ids::{BuyerId, CallId, CampaignId, DisputeId, EventId, PublisherId};
use fairdial::domain::report::Took;
use rstest::rstest;

use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::people::Person;
use crate::support::story::{NewCall, dispute};
use explain::{Allowed, check, plans};

struct World {
    app: TestApp,
    scope: Scope,
    call: CallId,
    dispute: DisputeId,
}

/// One viewer's world, or `None` where the run isn't on SQLite.
async fn world(is_manager: bool) -> Option<World> {
    if Backend::of_this_run() != Backend::Sqlite {
        return None;
    }
    let app = TestApp::start().await;
    let acme = app.viewer(Person::buyer("acme"));
    let call = NewCall::ordinary(&acme, app.clock().now()).add(app.db());
    let dispute = dispute(app.db(), app.clock(), &acme, call, Intent::Send).expect("it is sent");
    let viewer = if is_manager { app.viewer(Person::manager("dana")) } else { acme };
    Some(World { scope: viewer.scope(), app, call, dispute })
}

impl World {
    fn calls(&self, what: &str, allowed: Allowed, filter: &CallFilter, key: CallSort, place: Place<CallId>) {
        let policy = self.app.db().read_blocking::<_, DbError>(policy::load).expect("there is one");
        let disputable = Disputable { policy: &policy, now: self.app.clock().now() };
        for is_descending in [true, false] {
            let order = (Sort { key, is_descending }, &disputable);
            check(self.app.db(), &format!("calls, {what}"), allowed, |conn| {
                call_list::page(conn, self.scope, filter, order, (place, 50)).expect("there is a page");
                call_list::count(conn, self.scope, filter, &disputable).expect("there is a count");
            });
        }
    }

    fn disputes(&self, what: &str, filter: &DisputeFilter, key: DisputeSort, place: Place<Mark>) {
        self.disputes_by(what, Allowed::IndexOnly, filter, key, place);
    }

    fn disputes_by(&self, what: &str, allowed: Allowed, filter: &DisputeFilter, key: DisputeSort, place: Place<Mark>) {
        for is_descending in [true, false] {
            check(self.app.db(), &format!("disputes, {what}"), allowed, |conn| {
                let order = Sort { key, is_descending };
                dispute_list::page(conn, self.scope, filter, order, (place, 50)).expect("there is a page");
                dispute_list::count(conn, self.scope, filter).expect("there is a count");
            });
        }
    }
}

#[rstest]
#[actix_web::test]
async fn the_call_log_reads_an_index(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let all = CallFilter::default();
    let now = world.app.clock().now();
    for place in [Place::First, Place::After(world.call), Place::Before(world.call)] {
        for key in [CallSort::CallDate, CallSort::CallerId, CallSort::Payout] {
            world.calls(&format!("{key:?} {place:?}"), Allowed::IndexOnly, &all, key, place);
        }
        let single = [
            ("status", CallFilter { status: Some(CallStatus::Failed), ..all.clone() }),
            ("from", CallFilter { started_from: Some(now), ..all.clone() }),
            ("to", CallFilter { started_before: Some(now), ..all.clone() }),
            ("buyer", CallFilter { buyer: Some(BuyerId::generate()), ..all.clone() }),
            ("disputable", CallFilter { is_disputable: true, ..all.clone() }),
        ];
        for (what, filter) in single {
            world.calls(&format!("{what} {place:?}"), Allowed::IndexOnly, &filter, CallSort::CallDate, place);
        }
        let capped = [
            ("campaign", CallFilter { campaign: Some(CampaignId::generate()), ..all.clone() }),
            ("destination", CallFilter { destination: Some("Desk".into()), ..all.clone() }),
            ("recording", CallFilter { has_recording: true, ..all.clone() }),
            ("an id", CallFilter { search: Some(CallSearch::Id(world.call)), ..all.clone() }),
            ("a prefix", CallFilter { search: Some(CallSearch::parse("214")), ..all.clone() }),
            ("a whole number", CallFilter { search: Some(CallSearch::parse("+12145550164")), ..all.clone() }),
            ("seven digits", CallFilter { search: Some(CallSearch::parse("5550164")), ..all.clone() }),
        ];
        for (what, filter) in capped {
            let what = format!("{what} {place:?}");
            world.calls(&what, Allowed::SortOfCandidates, &filter, CallSort::CallDate, place);
        }
        for key in [CallSort::Destination, CallSort::Duration, CallSort::Status] {
            world.calls(&format!("{key:?} {place:?}"), Allowed::SortOfCandidates, &all, key, place);
        }
    }
}

#[rstest]
#[actix_web::test]
async fn the_disputes_table_reads_an_index(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let all = DisputeFilter::default();
    for place in [Place::First, Place::After(world.dispute.into()), Place::Before(world.dispute.into())] {
        for key in DisputeSort::ALL {
            let is_of_managers = matches!(key, DisputeSort::PublisherPayout | DisputeSort::Due);
            // By buyer alone the candidates are sorted; a buyer's own list has one buyer.
            if *key == DisputeSort::Buyer || (is_of_managers && !is_manager) {
                continue;
            }
            world.disputes(&format!("{key:?} {place:?}"), &all, *key, place);
        }
        for status in Status::ALL.iter().filter(|status| **status != Status::Draft) {
            let filter = DisputeFilter { statuses: vec![*status], ..all.clone() };
            world.disputes(&format!("{status:?} {place:?}"), &filter, DisputeSort::Status, place);
        }
        let single = [
            ("reason=?", DisputeFilter { reason: Some("other".into()), ..all.clone() }),
            ("buyer_id=?", DisputeFilter { buyer: Some(BuyerId::generate()), ..all.clone() }),
            ("campaign_id=?", DisputeFilter { campaign: Some(CampaignId::generate()), ..all.clone() }),
            ("destination=?", DisputeFilter { destination: Some("Desk".into()), ..all.clone() }),
            ("has_recording=?", DisputeFilter { has_recording: true, ..all.clone() }),
            ("has_evidence=?", DisputeFilter { has_evidence: true, ..all.clone() }),
        ];
        for (column, filter) in single {
            world.disputes(&format!("{column} {place:?}"), &filter, DisputeSort::Status, place);
            let filter = DisputeFilter { statuses: vec![Status::Rejected], ..filter };
            world.disputes(&format!("{column} and a status {place:?}"), &filter, DisputeSort::Status, place);
            let asked = plans(world.app.db(), |conn| {
                let place = (Place::First, 50);
                dispute_list::page(conn, world.scope, &filter, dispute_list::DEFAULT_SORT, place).expect("a page");
                dispute_list::count(conn, world.scope, &filter).expect("a count");
            });
            for (query, steps) in asked {
                // A buyer's own rows of a status are few enough to look through for a campaign or destination.
                let is_by_buyer = !is_manager && matches!(column, "campaign_id=?" | "destination=?");
                let column = if is_by_buyer { "=?" } else { column };
                let both = |step: &String| step.contains(column) && step.contains("status_rank=?");
                assert!(steps.iter().any(both), "{column} and a status\n{query}\n{steps:#?}");
            }
        }
    }
}

#[rstest]
#[actix_web::test]
async fn any_other_disputes_are_sorted_candidates(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let all = DisputeFilter::default();
    let now = world.app.clock().now();
    let search = |text: &str| DisputeFilter { search: Some(text.to_owned()), ..all.clone() };
    let combined = DisputeFilter {
        statuses: vec![Status::Pending, Status::Rejected],
        reason: Some("other".into()),
        ..all.clone()
    };
    let of_both = [
        ("an id", search(&world.dispute.to_string())),
        ("an external id", search("RGB-1")),
        ("some digits", search("5550")),
        ("called from", DisputeFilter { called_from: Some(now), ..all.clone() }),
        ("called before", DisputeFilter { called_before: Some(now), ..all.clone() }),
        ("submitted from", DisputeFilter { submitted_from: Some(now), ..all.clone() }),
        ("submitted before", DisputeFilter { submitted_before: Some(now), ..all.clone() }),
        ("two states and a reason", combined),
    ];
    let person = world.app.viewer(Person::manager("dana")).user();
    let of_managers = [
        ("assignee", DisputeFilter { assignee: Some(person), ..all.clone() }),
        ("due", DisputeFilter { due_before: Some(now), ..all.clone() }),
        ("publisher", DisputeFilter { publisher: Some(PublisherId::generate()), ..all.clone() }),
        ("decided by", DisputeFilter { decided_by: Some(person), ..all.clone() }),
        ("time to a decision", DisputeFilter { took: Some(Took::Longer), ..all.clone() }),
        ("without a publisher", DisputeFilter { without: Some(Missing::Publisher), ..all.clone() }),
        ("without a campaign", DisputeFilter { without: Some(Missing::Campaign), ..all.clone() }),
        ("without a destination", DisputeFilter { without: Some(Missing::Destination), ..all.clone() }),
    ];
    let filters = of_both.iter().chain(of_managers.iter().filter(|_| is_manager));
    for place in [Place::First, Place::After(world.dispute.into()), Place::Before(world.dispute.into())] {
        for (what, filter) in filters.clone() {
            for key in [DisputeSort::Status, DisputeSort::Payout] {
                let what = format!("{what} by {key:?} {place:?}");
                world.disputes_by(&what, Allowed::SortOfCandidates, filter, key, place);
            }
        }
        world.disputes_by("by buyer", Allowed::SortOfCandidates, &all, DisputeSort::Buyer, place);
    }
}

#[rstest]
#[actix_web::test]
async fn a_count_reads_an_index_and_no_row(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let all = DisputeFilter::default();
    let now = world.app.clock().now();
    let disputes = [
        ("reason", DisputeFilter { reason: Some("other".into()), ..all.clone() }),
        (
            "a status and a reason",
            DisputeFilter { statuses: vec![Status::Pending], reason: Some("other".into()), ..all.clone() },
        ),
        ("buyer", DisputeFilter { buyer: Some(BuyerId::generate()), ..all.clone() }),
        ("campaign", DisputeFilter { campaign: Some(CampaignId::generate()), ..all.clone() }),
        ("destination", DisputeFilter { destination: Some("Desk".into()), ..all.clone() }),
        ("recording", DisputeFilter { has_recording: true, ..all.clone() }),
        ("evidence", DisputeFilter { has_evidence: true, ..all }),
    ];
    let mut counted = Vec::new();
    for (what, filter) in disputes {
        counted.push((what, plans(world.app.db(), |conn| drop(dispute_list::count(conn, world.scope, &filter)))));
    }
    let all = CallFilter::default();
    let calls = [
        ("status of the call", CallFilter { status: Some(CallStatus::Failed), ..all.clone() }),
        ("from", CallFilter { started_from: Some(now), ..all.clone() }),
        ("calls of a buyer", CallFilter { buyer: Some(BuyerId::generate()), ..all }),
    ];
    let policy = world.app.db().read_blocking::<_, DbError>(policy::load).expect("there is one");
    let disputable = Disputable { policy: &policy, now };
    for (what, filter) in calls {
        let asked = plans(world.app.db(), |conn| {
            call_list::count(conn, world.scope, &filter, &disputable).expect("there is a count");
        });
        counted.push((what, asked));
    }
    for (what, plans) in counted {
        assert!(!plans.is_empty(), "{what}: nothing was asked");
        for (query, steps) in plans {
            let reads = |step: &&String| step.starts_with("SEARCH ") || step.starts_with("SCAN ");
            let fetched = steps
                .iter()
                .filter(reads)
                .find(|step| !step.contains("USING COVERING INDEX") && step.as_str() != "SCAN counted");
            assert_eq!(fetched, None, "{what}\n{query}\n{steps:#?}");
        }
    }
}

#[rstest]
#[actix_web::test]
async fn what_stands_beside_a_page_reads_an_index(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let viewer = world.app.viewer(if is_manager { Person::manager("dana") } else { Person::buyer("acme") });
    check(world.app.db(), "beside the lists", Allowed::IndexOnly, |conn| {
        call_list::disputes_of(conn, world.scope, &[world.call]).expect("they are found");
        notifications::unread(conn, &viewer).expect("a number");
        dispute_list::drafts(conn, world.scope).expect("there are none");
        names::buyer_choices(conn, Some(BuyerId::generate())).expect("they are few");
        names::buyers_from(conn, "ac").expect("they are found");
    });
}

#[actix_web::test]
async fn the_review_queue_reads_an_index() {
    let Some(world) = world(true).await else { return };
    let pending = DisputeFilter { statuses: vec![Status::Pending], ..DisputeFilter::default() };
    for place in [Place::First, Place::After(world.dispute.into()), Place::Before(world.dispute.into())] {
        world.disputes(&format!("the queue {place:?}"), &pending, DisputeSort::Due, place);
    }
    // Any order could be read by its own index, row after row of what is decided; what is Pending is few.
    let sort = Sort { key: DisputeSort::Due, is_descending: false };
    let asked = plans(world.app.db(), |conn| {
        dispute_list::page(conn, world.scope, &pending, sort, (Place::First, 2)).expect("there is a page");
        dispute_list::before(conn, world.scope, &pending, sort, world.dispute).expect("a count");
    });
    let read: Vec<&String> =
        asked.iter().flat_map(|(_, steps)| steps).filter(|step| step.contains("rank_due")).collect();
    assert_eq!(read.len(), 2, "{asked:#?}");
    let manager = world.app.viewer(Person::manager("dana"));
    let grant = Granted::<ViewDisputes>::check(&manager).expect("View is held");
    let now = world.app.clock().now();
    check(world.app.db(), "beside a dispute", Allowed::IndexOnly, |conn| {
        let sort = Sort { key: DisputeSort::Due, is_descending: false };
        dispute_list::before(conn, world.scope, &pending, sort, world.dispute).expect("a count");
        let row = disputes::find(conn, world.scope, world.dispute).expect("read").expect("it is there");
        history::of_caller(conn, &grant, &row).expect("a history").expect("a whole number");
        for buyer in [None, Some(row.buyer_id)] {
            history::rate(conn, &grant, buyer, now).expect("a rate");
        }
        presences::others(conn, &grant, row.id, now).expect("nobody");
        presences::is_known(conn, &grant, row.id, (true, now)).expect("no");
    });
}

#[actix_web::test]
async fn webhooks_read_an_index() {
    let Some(world) = world(true).await else { return };
    let dana = world.app.viewer(Person::manager("dana"));
    let grant = Granted::<ManageSettings>::check(&dana).expect("Settings are held");
    let now = world.app.clock().now();
    check(world.app.db(), "webhooks", Allowed::IndexOnly, |conn| {
        let wanted = Wanted { url: "https://example.com/".to_owned(), topics: Topic::chosen().collect() };
        let (id, _) = webhooks::add(conn, &grant, (None, &wanted), now).expect("it is added");
        webhooks::change(conn, &grant, id, &Change::Test, now).expect("an event");
        assert_eq!(deliveries::due(conn, now).expect("who is to be told"), [id]);
        deliveries::claim(conn, id, now).expect("taken up").expect("it is due");
        for before in [None, Some(EventId::generate())] {
            assert_eq!(webhooks::log(conn, &grant, id, (before, 20)).expect("a log").len(), 1);
        }
        webhooks::change(conn, &grant, id, &Change::SwitchOff, now).expect("it is off");
        deliveries::forget_old(conn, now).expect("nothing is old");
    });
}

#[rstest]
#[actix_web::test]
async fn the_lists_of_the_api_read_an_index(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let now = world.app.clock().now();
    let far = now + chrono::Duration::days(1);
    let all = ByNumber::default();
    let disputes = [
        ("all", Allowed::IndexOnly, all.clone()),
        ("since", Allowed::IndexOnly, ByNumber { created_from: Some(now), ..all.clone() }),
        ("before", Allowed::IndexOnly, ByNumber { created_before: Some(far), ..all.clone() }),
        ("a call", Allowed::SortOfCandidates, ByNumber { calls: Some(vec![world.call]), ..all.clone() }),
        ("a reason", Allowed::SortOfCandidates, ByNumber { reason: Some("caller_hung_up".into()), ..all.clone() }),
        ("open", Allowed::SortOfCandidates, ByNumber { standings: vec![Standing::SpokeLast(Side::Buyer)], ..all }),
    ];
    for (what, allowed, filter) in disputes {
        check(world.app.db(), &format!("disputes by number, {what}"), allowed, |conn| {
            let (rows, total) = numbered::page(conn, world.scope, &filter, (0, 50)).expect("there is a page");
            assert_eq!((rows.len(), total), (1, 1), "{what}");
        });
    }
    let viewer = world.app.viewer(if is_manager { Person::manager("dana") } else { Person::buyer("acme") });
    let proof = viewer.dispute_viewer().expect("disputes are seen");
    let all = CallsByNumber::default();
    let calls = [
        ("all", Allowed::IndexOnly, all.clone()),
        ("since", Allowed::IndexOnly, CallsByNumber { started_before: Some(far), ..all.clone() }),
        ("a status", Allowed::IndexOnly, {
            CallsByNumber { status: Some(CallStatus::CompletedWithConversion), ..all.clone() }
        }),
        ("some", Allowed::SortOfCandidates, CallsByNumber { ids: Some(vec![world.call]), ..all.clone() }),
        ("disputed", Allowed::IndexOnly, all.with_dispute_state(&proof, DisputeState::Disputed)),
    ];
    for (what, allowed, filter) in calls {
        check(world.app.db(), &format!("calls by number, {what}"), allowed, |conn| {
            let (rows, total) =
                call_list::numbered::page(conn, world.scope, &filter, (0, 50)).expect("there is a page");
            assert_eq!((rows.len(), total), (1, 1), "{what}");
        });
    }
    check(world.app.db(), "a call by its external id", Allowed::IndexOnly, |conn| {
        let call = calls::find(conn, world.scope, world.call).expect("read").expect("it is there");
        assert_eq!(calls::find_external(conn, world.scope, &call.external_id, None).expect("read").len(), 1);
    });
    let Some(grant) = Granted::<ManageSettings>::check(&viewer) else { return };
    for filter in
        [AuditFilter::default(), AuditFilter { action: Some("dispute.sent".into()), ..AuditFilter::default() }]
    {
        check(world.app.db(), "the audit log by number", Allowed::IndexOnly, |conn| {
            audit_list::numbered(conn, &grant, &filter, (0, 50)).expect("there is a page");
        });
    }
}
