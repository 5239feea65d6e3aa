//! The Call Log, one call, its recording, and the log as a file.

pub mod columns;
pub mod export;
pub mod player;
pub mod query;
pub mod recording;
pub mod rows;
pub mod show;
mod svg;
pub mod waveform;

use actix_web::web::Data;
use askama::Template;
use chrono::TimeZone;
use columns::CallColumn;
use query::{CallQuery, ChipNames};
use rows::{CallRowView, DisputeFacts, RowAction, RowContext};

pub use export::export;
pub use recording::recording;
pub use show::show;
pub use waveform::waveform;

use super::AppError;
use super::buyers::{BuyerFilter, name_to_id};
use super::chrome::{self, Here};
use super::filters::Number;
use super::htmx::Htmx;
use super::list_query::{Chip, Link, PER_PAGE_CHOICES, Params, Saved};
use super::page::{Chrome, Fragments, NavItem, Page};
use crate::auth::Viewer;
use crate::clock::Clock;
use crate::db::call_list::{self, Disputable};
use crate::db::paging::Count;
use crate::db::{AnyConnection, Db, DbError, policy, table_settings};
use crate::domain::call::CallStatus;
use crate::domain::ids::CampaignId;

/// The Call Log.
#[derive(Template)]
#[template(path = "pages/calls/index.html", blocks = ["content", "table"])]
pub struct CallsIndex {
    chrome: Chrome,
    query: CallQuery,
    link: Link,
    rows: Vec<CallRowView>,
    heads: Vec<Head>,
    has_action: bool,
    chips: Vec<Chip>,
    choices: Choices,
    count: Count,
    zone_now: String,
    is_capped: bool,
    pager: Pager,
    empty: Option<Empty>,
    is_manager: bool,
    all_columns: Vec<(CallColumn, bool)>,
}

/// What the filter menus offer.
#[derive(Clone, Debug, Default)]
struct Choices {
    campaigns: Vec<(CampaignId, String)>,
    destinations: Vec<String>,
    /// Managers only.
    buyers: Option<BuyerFilter>,
    /// Whether the viewer may filter by what can be disputed.
    disputable: bool,
}

/// The head of a column.
struct Head {
    label: &'static str,
    class: &'static str,
    is_recording: bool,
    /// Whether its words stand in two lines, over narrow numbers.
    wraps: bool,
    /// Where a click on it leads; nothing where the column sorts nothing.
    href: Option<String>,
    direction: Option<&'static str>,
}

/// Where else in the list one can go; an empty address is its end.
struct Pager {
    text: String,
    previous: String,
    next: String,
}

/// Why there are no rows, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    NothingYet,
    FilteredOut,
    BeyondTheEnd,
}

impl Fragments for CallsIndex {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        match region {
            "main" => Some(self.as_content().render()),
            "call-log" | "calls" => Some(self.as_table().render()),
            _ => None,
        }
    }
}

impl CallsIndex {
    fn count_text(&self) -> String {
        let (shown, more) = (self.count.shown(), if self.count.is_more() { "+" } else { "" });
        let number = Number(u64::try_from(shown).unwrap_or_default());
        format!("{number}{more} call{}", if shown == 1 { "" } else { "s" })
    }

    fn csv(&self) -> String {
        self.link.clone().at("/calls.csv").to_string()
    }

    fn fairdial_csv(&self) -> String {
        self.link.clone().at("/calls.csv").with("format", "fairdial").to_string()
    }

    fn page_sizes(&self) -> Vec<i64> {
        let mut sizes = PER_PAGE_CHOICES.to_vec();
        sizes.push(self.query.listing.per_page);
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    fn columns(&self) -> &[CallColumn] {
        &self.query.listing.columns
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn is_status(&self, status: &CallStatus) -> bool {
        self.query.filter.status.as_ref() == Some(status)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn is_campaign(&self, id: &CampaignId) -> bool {
        self.query.filter.campaign.as_ref() == Some(id)
    }

    fn is_destination(&self, name: &str) -> bool {
        self.query.filter.destination.as_deref() == Some(name)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn class_of(&self, column: &CallColumn) -> &'static str {
        column.class(self.query.listing.has_own_columns, self.is_manager)
    }

    fn refresh(&self) -> String {
        self.link.to_string()
    }

    fn sort_text(&self) -> String {
        super::list_query::sort_text(self.query.listing.sort)
    }
}

/// What this person saved for the Call Log.
fn saved_settings(conn: &mut AnyConnection, viewer: &Viewer) -> Result<Option<Saved>, DbError> {
    let found = table_settings::find(conn, viewer.user(), "calls")?;
    Ok(found.map(|found| Saved { columns: found.column_list, per_page: i64::from(found.per_page), sort: found.sort }))
}

/// The query of an address.
fn query_of(here: &Here) -> &str {
    here.path().split_once('?').map_or("", |(_, query)| query)
}

/// GET `/calls`.
pub async fn index(
    viewer: Viewer,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<CallsIndex>, AppError> {
    let now = clock.now();
    let page = db
        .read(move |conn| {
            let saved = saved_settings(conn, &viewer)?;
            let mut params = Params::parse(query_of(&here));
            name_to_id(conn, &viewer, &mut params)?;
            let query = CallQuery::read(&params, &viewer, saved)?;
            let context = RowContext { policy: policy::load(conn)?, now, zone: query.listing.zone };
            load(conn, &viewer, &here, query, &context)
        })
        .await?;
    Ok(Page::new(htmx, page))
}

fn load(
    conn: &mut AnyConnection,
    viewer: &Viewer,
    here: &Here,
    query: CallQuery,
    context: &RowContext,
) -> Result<CallsIndex, AppError> {
    let scope = viewer.scope();
    let disputable = Disputable { policy: &context.policy, now: context.now };
    let listing = &query.listing;
    let place = (listing.place, listing.per_page);
    let listed = call_list::page(conn, scope, &query.filter, (listing.sort, &disputable), place)?;
    let count = call_list::count(conn, scope, &query.filter, &disputable)?;
    let choices = Choices {
        campaigns: call_list::campaign_choices(conn, scope)?,
        destinations: call_list::destinations(conn, scope)?,
        buyers: match viewer {
            Viewer::Manager(_) => Some(BuyerFilter::load(conn, query.filter.buyer)?),
            Viewer::Buyer(_) => None,
        },
        disputable: viewer.dispute_viewer().is_some(),
    };
    let chips = query.chips(ChipNames { buyers: choices.buyers.as_ref(), campaigns: &choices.campaigns });
    let link = query.link();
    let empty = match (listed.rows.is_empty(), query.is_filtered(), listed.has_earlier || listed.has_later) {
        (false, _, _) => None,
        (true, _, true) => Some(Empty::BeyondTheEnd),
        (true, true, false) => Some(Empty::FilteredOut),
        (true, false, false) => Some(Empty::NothingYet),
    };
    let beside = |name: &'static str, is_there: bool, row: Option<&call_list::CallLine>| match row {
        Some(row) if is_there => link.clone().with(name, row.id).to_string(),
        _ => String::new(),
    };
    let pager = Pager {
        text: pager_text(listed.rows.len(), listed.has_earlier, count),
        previous: beside("before", listed.has_earlier, listed.rows.first()),
        next: beside("after", listed.has_later, listed.rows.last()),
    };
    let rows = rows::load(conn, viewer, listed.rows, context)?;
    let heads = heads(&query, &link, viewer.is_manager());
    Ok(CallsIndex {
        chrome: chrome::load(conn, viewer, NavItem::Calls, here)?,
        link,
        rows,
        heads,
        has_action: choices.disputable,
        chips,
        choices,
        count,
        zone_now: listing.zone.from_utc_datetime(&context.now).format("%Z").to_string(),
        is_capped: listed.is_capped,
        pager,
        empty,
        is_manager: viewer.is_manager(),
        all_columns: listing.choices(&CallColumn::allowed(viewer)),
        query,
    })
}

fn heads(query: &CallQuery, link: &Link, is_manager: bool) -> Vec<Head> {
    let listing = &query.listing;
    let head = |column: &CallColumn| Head {
        label: column.label(),
        class: column.class(listing.has_own_columns, is_manager),
        wraps: *column == CallColumn::PublisherPayout,
        is_recording: *column == CallColumn::Recording,
        href: column
            .sort()
            .map(|key| link.clone().set("sort", listing.sort_by(key, column.sorts_descending_first())).to_string()),
        direction: column.sort().and_then(|key| listing.direction_of(key)),
    };
    listing.columns.iter().map(head).collect()
}

fn pager_text(rows: usize, has_earlier: bool, count: Count) -> String {
    let rows = u64::try_from(rows).unwrap_or_default();
    let all = Number(u64::try_from(count.shown()).unwrap_or_default());
    let more = if count.is_more() { "+" } else { "" };
    match (rows, has_earlier) {
        (0, _) => String::new(),
        (_, false) => format!("1\u{2013}{rows} of {all}{more}"),
        // How many come before isn't counted: a page costs the same however deep it lies.
        (_, true) => format!("{rows} of {all}{more}"),
    }
}
