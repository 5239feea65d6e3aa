//! Who else is on a dispute: managers see other managers, in the list, the panel and the review queue. It holds nobody up.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use askama::filters::HtmlSafe;
use serde::{Deserialize, Serialize};

use crate::auth::{DisputeViewer, EditDisputes, Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::presences::{self, Present};
use crate::db::{AnyConnection, Db, DbError, disputes};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{DisputeId, UserId};
use crate::web::form::Checked;
use crate::web::page::Chrome;
use crate::web::{AppError, Path};

/// What an open page says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct PresenceForm {
    writing: String,
    leave: String,
}

/// POST `/disputes/{id}/presence`: said by an open page every now and then, and once more when it is left.
pub(in crate::web) async fn announce(
    grant: Granted<ViewDisputes>,
    id: Path<DisputeId>,
    form: Checked<PresenceForm>,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now) = (*id, clock.now());
    let (leaves, writes) = (form.leave == "1", form.writing == "1");
    let manager = grant.clone();
    let asked = db
        .read(move |conn| {
            let dispute = disputes::find(conn, manager.scope(), id)?.ok_or(AppError::NotFound)?;
            let may_decide = Granted::<EditDisputes>::check(manager.viewer()).is_some();
            let is_writing = writes && may_decide && dispute.status == Status::Pending;
            let is_known = !leaves && presences::is_known(conn, &manager, id, (is_writing, now))?;
            Ok::<_, AppError>((!is_known).then_some(is_writing))
        })
        .await?;
    if let Some(is_writing) = asked {
        db.write(move |conn| {
            if leaves {
                presences::leave(conn, &grant, id)?;
            } else {
                presences::mark(conn, &grant, id, (is_writing, now))?;
            }
            Ok::<_, DbError>(())
        })
        .await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// The others on one dispute, as a row of the list or the head of a panel says it.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "partials/disputes/others.html")]
pub(in crate::web) struct Others {
    people: Vec<Present>,
    in_row: bool,
}

impl HtmlSafe for Others {}

impl Others {
    /// Those on one dispute; nobody for a buyer.
    pub(super) fn of_panel(
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        id: DisputeId,
        now: Instant,
    ) -> Result<Self, DbError> {
        let Some(manager) = Granted::<ViewDisputes>::check(viewer.viewer()) else { return Ok(Self::default()) };
        Ok(Self::new(presences::others(conn, &manager, id, now)?, false))
    }

    /// Those on each dispute of a page, by one question; nobody for a buyer.
    pub(super) fn of_rows(
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        ids: &[DisputeId],
        now: Instant,
    ) -> Result<BTreeMap<DisputeId, Self>, DbError> {
        let manager = Granted::<ViewDisputes>::check(viewer.viewer()).filter(|_| !ids.is_empty());
        let Some(manager) = manager else { return Ok(BTreeMap::new()) };
        // All of them: they are few, and naming fifty disputes costs more than looking through those.
        let mut found = presences::everybody(conn, now)?;
        found.retain(|person| person.user != manager.user() && ids.contains(&person.dispute));
        Ok(by_dispute(found).into_iter().map(|(id, people)| (id, Self::new(people, true))).collect())
    }

    /// Whoever writes stands first.
    fn new(mut people: Vec<Present>, in_row: bool) -> Self {
        people.sort_by(|one, other| {
            (!one.is_writing, &one.name, one.user).cmp(&(!other.is_writing, &other.name, other.user))
        });
        Self { people, in_row }
    }

    fn is_writing(&self) -> bool {
        self.people.first().is_some_and(|person| person.is_writing)
    }

    fn names(&self) -> String {
        self.people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn title(&self) -> String {
        let said = |person: &Present| {
            format!("{} {}", person.name, if person.is_writing { "is writing a decision" } else { "has it open" })
        };
        self.people.iter().map(said).collect::<Vec<_>>().join(", ")
    }
}

fn by_dispute(people: Vec<Present>) -> BTreeMap<DisputeId, Vec<Present>> {
    let mut found: BTreeMap<DisputeId, Vec<Present>> = BTreeMap::new();
    for person in people {
        found.entry(person.dispute).or_default().push(person);
    }
    found
}

/// Both forms, for a page that is open already.
#[derive(Debug, Serialize)]
struct Shown {
    row: String,
    panel: String,
}

/// What a manager's stream says: every dispute that somebody else is on, as JSON.
pub(in crate::web) fn everybody(people: &[Present], reader: UserId) -> Result<String, AppError> {
    let others = people.iter().filter(|person| person.user != reader).cloned().collect();
    let mut shown = BTreeMap::new();
    for (id, people) in by_dispute(others) {
        let panel = Others::new(people.clone(), false).render()?;
        shown.insert(id.to_string(), Shown { row: Others::new(people, true).render()?, panel });
    }
    serde_json::to_string(&shown).map_err(|error| AppError::Internal(error.into()))
}
