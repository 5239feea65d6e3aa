//! What SQLite says of how it would answer, held against what is allowed.

use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};
use fairdial::db::{AnyConnection, Db, DbError};

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What a step may not do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// A range of an index in the order of the page.
    IndexOnly,
    /// The same to find at most 10,000 candidates, which then are sorted.
    SortOfCandidates,
}

/// The plans of everything that `work` asks.
pub(super) fn plans(db: &Db, work: impl Fn(&mut AnyConnection)) -> Vec<(String, Vec<String>)> {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let explained = db.write_blocking::<_, DbError>(|conn| {
        let kept = Arc::clone(&asked);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                kept.lock().expect("nobody panics with it").push(query.to_string());
            }
        });
        work(conn);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        let asked = asked.lock().expect("nobody panics with it").clone();
        let mut plans = Vec::new();
        for query in asked {
            let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(conn)?;
            plans.push((query, steps.into_iter().map(|step| step.detail).collect()));
        }
        Ok(plans)
    });
    explained.expect("the plans are told")
}

pub(super) fn check(db: &Db, what: &str, allowed: Allowed, work: impl Fn(&mut AnyConnection)) {
    let plans = plans(db, work);
    assert!(!plans.is_empty(), "{what}: nothing was asked");
    for (query, steps) in plans {
        for step in &steps {
            let reads_all = step.starts_with("SCAN ")
                && !step.contains("USING INDEX")
                && !step.contains("USING COVERING INDEX")
                // What a subquery gave, which has its own limit; the windows of all buyers, for managers; the receivers of events,
                // of which there are fifty at most; and a table of one row.
                && !matches!(step.as_str(), "SCAN counted" | "SCAN buyers" | "SCAN webhook_endpoints" | "SCAN audit_head");
            let sorts = step.contains("TEMP B-TREE");
            assert!(!reads_all, "{what}: {step}\n{query}\n{steps:#?}");
            assert!(!sorts || allowed == Allowed::SortOfCandidates, "{what}: {step}\n{query}\n{steps:#?}");
        }
    }
}
