//! A search, and a range of dates, are read by an index that knows them: nothing else that is filtered by, and no order, leads
//! through everything.

use fairdial::db::call_list::{self, CallFilter, CallSearch, Disputable};
use fairdial::db::dispute_list::{self, DisputeFilter, DisputeSort};
use fairdial::db::paging::{Place, Sort};
use fairdial::db::{AnyConnection, DbError, policy};
use fairdial::domain::call::CallStatus;
use fairdial::domain::dispute::Status;
use rstest::rstest;

use super::explain::plans;
use super::world;

#[rstest]
#[actix_web::test]
async fn what_is_searched_for_is_not_looked_for_in_everything(#[values(true, false)] is_manager: bool) {
    let Some(world) = world(is_manager).await else { return };
    let now = world.app.clock().now();
    let policy = world.app.db().read_blocking::<_, DbError>(policy::load).expect("there is one");
    let disputable = Disputable { policy: &policy, now };
    let one_call = |conn: &mut AnyConnection, filter: &CallFilter| {
        let order = (call_list::DEFAULT_SORT, &disputable);
        call_list::page(conn, world.scope, filter, order, (Place::First, 50)).expect("there is a page");
        call_list::count(conn, world.scope, filter, &disputable).expect("there is a count");
    };
    let mut asked = Vec::new();
    for text in [world.call.to_string().as_str(), "RGB1F008D9E3C5D", "214", "+1214", "5550164", "+12145550164"] {
        for status in [None, Some(CallStatus::CompletedWithConversion)] {
            let filter = CallFilter { search: Some(CallSearch::parse(text)), status, ..CallFilter::default() };
            asked.push((format!("calls {text}"), plans(world.app.db(), |conn| one_call(conn, &filter))));
        }
    }
    let one_dispute = |conn: &mut AnyConnection, filter: &DisputeFilter, key| {
        let sort = Sort { key, is_descending: true };
        dispute_list::page(conn, world.scope, filter, sort, (Place::First, 50)).expect("there is a page");
        dispute_list::count(conn, world.scope, filter).expect("there is a count");
    };
    let mut wanted: Vec<DisputeFilter> = [world.dispute.to_string().as_str(), "RGB1F008D9E3C5D", "RGB-1", "5550"]
        .into_iter()
        .map(|text| DisputeFilter { search: Some(text.to_owned()), ..DisputeFilter::default() })
        .collect();
    wanted
        .extend(wanted.clone().into_iter().map(|filter| DisputeFilter { statuses: vec![Status::Rejected], ..filter }));
    wanted.push(DisputeFilter { called_from: Some(now), ..DisputeFilter::default() });
    wanted.push(DisputeFilter { submitted_before: Some(now), ..DisputeFilter::default() });
    for filter in &wanted {
        for key in [DisputeSort::Status, DisputeSort::CallDate, DisputeSort::Payout] {
            asked.push((format!("{filter:?}"), plans(world.app.db(), |conn| one_dispute(conn, filter, key))));
        }
    }
    let knowing = [
        "USING INTEGER PRIMARY KEY",
        "sqlite_autoindex_calls_1 (source=? AND external_id=?)",
        "calls_by_last7",
        "caller_id>? AND caller_id<?",
        "disputes_external",
        "disputes_by_call",
        "call_started_at>?",
        "listed_at<?",
    ];
    for (what, plans) in asked {
        assert!(!plans.is_empty(), "{what}: nothing was asked");
        for (query, steps) in plans {
            let of_the_table = |step: &&String| {
                ["SEARCH calls ", "SCAN calls ", "SEARCH disputes ", "SCAN disputes "]
                    .iter()
                    .any(|it| step.starts_with(it))
            };
            let unknowing =
                steps.iter().filter(of_the_table).find(|step| !knowing.iter().any(|index| step.contains(index)));
            // The few sources, each by the key that begins with it.
            let is_of_sources = unknowing.is_some_and(|step| step.contains("(source>?)"));
            assert!(unknowing.is_none() || is_of_sources, "{what}: {unknowing:?}\n{query}\n{steps:#?}");
        }
    }
}
