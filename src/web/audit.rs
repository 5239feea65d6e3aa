//! `/audit`: who changed what, newest first, for managers with Settings.

mod export;
mod values;

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;

pub(super) use export::{csv, lines};
use values::Change;

use super::AppError;
use super::chrome::{self, Here};
use super::filters::{Number, When};
use super::htmx::Htmx;
use super::list_query::{Link, PER_PAGE, Params};
use super::page::{Chrome, Fragments, NavItem, Page};
use super::paths;
use crate::auth::{Granted, ManageSettings};
use crate::clock::Clock;
use crate::db::audit::{self, AuditRow};
use crate::db::audit_list::{self, AuditFilter};
use crate::db::paging::Place;
use crate::db::{AnyConnection, Db, users};
use crate::domain::Instant;

/// What entries are about.
const ENTITIES: [&str; 12] = [
    "dispute",
    "message",
    "evidence",
    "call",
    "user",
    "token",
    "buyer",
    "policy",
    "import",
    "view",
    "canned_note",
    "webhook",
];

/// Filters that are texts in the address.
const NAMES: [&str; 6] = ["actor", "entity", "entity_id", "action", "from", "to"];

#[derive(Template)]
#[template(path = "pages/audit/index.html")]
pub(super) struct AuditPage {
    chrome: Chrome,
    typed: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    previous: String,
    next: String,
    entries: Number,
    head: String,
    chain: Option<Chain>,
    verify: String,
    csv: String,
    lines_export: String,
    zone_name: String,
}

/// What following the chain found.
struct Chain {
    is_whole: bool,
    sentence: String,
}

/// One entry as it is read.
struct Line {
    seq: i64,
    when: When,
    actor: String,
    by_actor: Option<String>,
    via: &'static str,
    address: String,
    request_id: String,
    action: String,
    by_action: String,
    entity: String,
    entity_id: String,
    href: Option<String>,
    by_entity: String,
    changes: Vec<Change>,
    hash: String,
}

impl Fragments for AuditPage {}

impl AuditPage {
    fn typed(&self, name: &str) -> &str {
        self.typed.iter().find(|(found, _)| *found == name).map_or("", |(_, text)| text)
    }

    fn is_filtered(&self) -> bool {
        !self.typed.is_empty()
    }

    fn is_entity(&self, entity: &str) -> bool {
        self.typed("entity") == entity
    }

    fn entities() -> [&'static str; 12] {
        ENTITIES
    }
}

/// What the address says.
pub(super) struct Listing {
    filter: AuditFilter,
    place: Place<i64>,
    typed: Vec<(&'static str, String)>,
}

impl Listing {
    /// Reads the address; an actor is named by id or by e-mail.
    pub(super) fn read(
        conn: &mut AnyConnection,
        params: &Params,
        grant: &Granted<ManageSettings>,
    ) -> Result<Self, AppError> {
        let actor = match params.short_text("actor")? {
            Some(text) if text.contains('@') => match users::find_by_email(conn, &text)? {
                Some(user) => Some(user.id),
                None => return Err(super::list_query::refuse("actor", &text, "the e-mail or id of a user")),
            },
            Some(_) => params.parsed("actor", "the e-mail or id of a user")?,
            None => None,
        };
        let zone = params.parsed("tz", "a time zone such as America/New_York")?;
        let (from, before) = params.days("from", "to", zone.unwrap_or(grant.viewer().profile().zone))?;
        let filter = AuditFilter {
            actor,
            entity: params.short_text("entity")?,
            entity_id: params.short_text("entity_id")?,
            action: params.short_text("action")?,
            from,
            before,
        };
        let place = match (params.parsed("after", "a number")?, params.parsed("before", "a number")?) {
            (Some(seq), _) => Place::After(seq),
            (None, Some(seq)) => Place::Before(seq),
            (None, None) => Place::First,
        };
        let typed = NAMES.iter().filter_map(|name| Some((*name, params.text(name)?.to_owned()))).collect();
        Ok(Self { filter, place, typed })
    }

    fn link(&self, grant: &Granted<ManageSettings>) -> Link {
        let link = self.typed.iter().fold(Link::to("/audit"), |link, (name, text)| link.with(name, text));
        // Days mean nothing without their zone.
        let has_days = self.filter.from.is_some() || self.filter.before.is_some();
        link.with_some("tz", has_days.then(|| grant.viewer().profile().zone.name()))
    }
}

/// GET `/audit`.
pub(super) async fn index(
    grant: Granted<ManageSettings>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<AuditPage>, AppError> {
    let (params, now) = (Params::parse(request.query_string()), clock.now());
    let page = db.read(move |conn| load(conn, &grant, &params, (&here, now))).await?;
    Ok(Page::new(htmx, page))
}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    params: &Params,
    (here, now): (&Here, Instant),
) -> Result<AuditPage, AppError> {
    let listing = Listing::read(conn, params, grant)?;
    let listed = audit_list::page(conn, grant, &listing.filter, (listing.place, PER_PAGE))?;
    let chain = if params.is_ticked("verify")? { Some(follow(conn)?) } else { None };
    let (entries, hash) = audit_list::head(conn, grant)?;
    let zone = grant.viewer().profile().zone;
    let link = listing.link(grant);
    let sees_disputes = grant.viewer().dispute_viewer().is_some();
    let beside = |name: &'static str, row: Option<&AuditRow>, there: bool| {
        row.filter(|_| there).map(|row| link.clone().with(name, row.seq).to_string()).unwrap_or_default()
    };
    Ok(AuditPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Audit, here)?,
        previous: beside("before", listed.rows.first(), listed.has_earlier),
        next: beside("after", listed.rows.last(), listed.has_later),
        lines: listed.rows.iter().map(|row| line(row, (&link, sees_disputes), When::new(row.at, zone, now))).collect(),
        entries: Number(entries.unsigned_abs()),
        head: format!("{entries}:{hash}"),
        chain,
        verify: link.clone().with("verify", 1).to_string(),
        csv: link.clone().at("/audit.csv").to_string(),
        lines_export: link.at("/audit.jsonl").to_string(),
        zone_name: now.and_utc().with_timezone(&zone).format("%Z").to_string(),
        typed: listing.typed,
    })
}

fn follow(conn: &mut AnyConnection) -> Result<Chain, AppError> {
    Ok(match audit::verify(conn)? {
        Ok((count, _)) => Chain {
            is_whole: true,
            sentence: format!(
                "The chain is whole: all {} entries follow from the one before.",
                Number(count.unsigned_abs())
            ),
        },
        Err(fault) => Chain { is_whole: false, sentence: format!("The chain is broken: {fault}.") },
    })
}

fn line(row: &AuditRow, (link, sees_disputes): (&Link, bool), when: When) -> Line {
    let href = match row.entity.as_str() {
        "dispute" if sees_disputes => Some(paths::dispute(&row.entity_id)),
        "user" => Some(paths::user(&row.entity_id)),
        "buyer" => Some(paths::buyer(&row.entity_id)),
        "call" => Some(paths::call(&row.entity_id)),
        "policy" => Some(paths::policy()),
        _ => None,
    };
    Line {
        seq: row.seq,
        when,
        actor: row.actor_name.clone(),
        by_actor: row.actor_id.map(|id| link.clone().set("actor", id).to_string()),
        via: row.via.label(),
        address: row.address.clone(),
        request_id: row.request_id.clone(),
        action: row.action.clone(),
        by_action: link.clone().set("action", &row.action).to_string(),
        entity: row.entity.clone(),
        entity_id: row.entity_id.clone(),
        href,
        by_entity: link.clone().set("entity", &row.entity).set("entity_id", &row.entity_id).to_string(),
        changes: values::changes(&row.old_values, &row.new_values),
        hash: row.hash.clone(),
    }
}
