//! GET `/disputes`: the Disputes table of a buyer, Manage Disputes of a manager.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;

use super::row::{Row, Rows};
use super::state::{Column, ListState};
use crate::auth::{DisputeViewer, EditDisputes, Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::dispute_list::{self, DisputeFilter, DisputeLine, DisputeSort, Mark};
use crate::db::paging::{Count, Listed};
use crate::db::{AnyConnection, Db, call_list, names, policy, table_settings, views};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::CampaignId;
use crate::domain::policy::Policy;
use crate::web::buyers::{BuyerFilter, name_to_id};
use crate::web::chrome::{self, Here};
use crate::web::filters::Number;
use crate::web::htmx::Htmx;
use crate::web::list_query::{Chip, PER_PAGE_CHOICES, Params, Saved};
use crate::web::page::{Chrome, Flash, Fragments, NavItem, Page};
use crate::web::{AppError, paths};

/// Filters that the form shows; all others travel as hidden fields.
const ON_THE_FORM: &[&str] = &[
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
const OF_MANAGERS_ALONE: &[&str] = &["buyer", "due", "mine"];

/// Choices of the filter by deadline; any other number of days comes with its address.
const DUES: [(&str, &str); 4] =
    [("0", "Overdue"), ("1", "Due within 1 day"), ("2", "Due within 2 days"), ("7", "Due within 7 days")];

#[expect(clippy::struct_excessive_bools, reason = "each is a part of the page that is there or not")]
#[derive(Template)]
#[template(path = "pages/disputes/index.html", blocks = ["content", "rows"])]
pub(in crate::web) struct DisputesPage {
    chrome: Chrome,
    flash: Option<Flash>,
    is_manager: bool,
    /// Whether rows can be selected and decided.
    may_edit: bool,
    /// Whether only the rows are sent.
    is_region: bool,
    state: ListState,
    /// Managers only: lists by name.
    views: Vec<View>,
    columns: Vec<Heading>,
    all_columns: Vec<(Column, bool)>,
    rows: Vec<Row>,
    drafts: Vec<Row>,
    count: Count,
    is_capped: bool,
    chips: Vec<Chip>,
    reasons: Vec<(String, String)>,
    campaigns: Vec<(CampaignId, String)>,
    buyers: BuyerFilter,
    here: String,
    export: String,
    previous: String,
    next: String,
    zone_name: String,
}

/// A list by name.
struct View {
    name: String,
    href: String,
    is_current: bool,
    count: Option<Number>,
}

/// The built-in views, then the saved ones.
fn views(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    state: &ListState,
    pending: Option<i64>,
) -> Result<Vec<View>, AppError> {
    let Some(manager) = Granted::<ViewDisputes>::check(viewer.viewer()) else { return Ok(Vec::new()) };
    let here = state.filters();
    let mine = DisputeFilter { assignee: Some(viewer.viewer().user()), ..DisputeFilter::default() };
    let mine = dispute_list::count(conn, viewer.scope(), &mine)?.shown().unsigned_abs();
    let built_in = [
        ("All", "", None),
        ("Pending", "status=pending", pending.map(|pending| Number(pending.unsigned_abs()))),
        ("Mine", "mine=1", Some(Number(mine))),
        ("Due soon", "due=2", None),
    ];
    let mut found: Vec<View> = built_in
        .into_iter()
        .map(|(name, filters, count)| View {
            name: name.to_owned(),
            // "All" names its order, so that it is the whole list also where a filter was saved.
            href: format!("{}?{}", paths::disputes(), if filters.is_empty() { "sort=status" } else { filters }),
            is_current: here == filters,
            count,
        })
        .collect();
    for view in views::list(conn, &manager)? {
        found.push(View {
            href: format!("{}{}", paths::disputes(), view.list_query),
            is_current: view.list_query == state.link_query(),
            name: view.name,
            count: None,
        });
    }
    // A saved view may be the same list as a built-in one: its own name says more.
    if let Some(last) = found.iter().rposition(|view| view.is_current) {
        for (at, view) in found.iter_mut().enumerate() {
            view.is_current = at == last;
        }
    }
    Ok(found)
}

/// A column's header.
struct Heading {
    column: Column,
    class: String,
    /// The same for the header, which is never cut.
    head_class: String,
    /// Where a click leads, if the column sorts.
    href: Option<String>,
    direction: Option<&'static str>,
}

impl Fragments for DisputesPage {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        match region {
            "main" => Some(self.as_content().render()),
            // After a change elsewhere: the rows alone, so that what was said and what is typed stays.
            "disputes-region" => Some(self.as_rows().render()),
            _ => None,
        }
    }
}

impl DisputesPage {
    fn title(&self) -> &'static str {
        if self.is_manager { "Manage Disputes" } else { "Disputes" }
    }

    /// `25 of 212`, or `50 of 10,000+`.
    fn counted(&self) -> String {
        format!("{} of {}", self.rows.len(), self.total())
    }

    /// `212`, or `10,000+`.
    fn total(&self) -> String {
        let more = if self.count.is_more() || self.is_capped { "+" } else { "" };
        format!("{}{more}", Number(self.count.shown().unsigned_abs()))
    }

    fn asked_for(&self) -> String {
        ListState::sentence(&self.chips)
    }

    fn is_filtered(&self) -> bool {
        self.state.is_filtered()
    }

    /// The column whose cell heads its row and carries the link over all of it.
    fn heads(&self, column: Column) -> bool {
        let shows_date = self.state.listing.shows(Column::CallDate);
        if shows_date {
            column == Column::CallDate
        } else {
            self.columns.first().is_some_and(|first| first.column == column)
        }
    }

    fn statuses() -> impl Iterator<Item = Status> {
        Status::ALL.iter().copied().filter(|status| *status != Status::Draft)
    }

    /// The one status the form shows as chosen; several stand as chips.
    fn is_status(&self, status: Status) -> bool {
        self.state.filter.statuses.first() == Some(&status)
    }

    fn is_per_page(&self, rows: i64) -> bool {
        self.state.listing.per_page == rows
    }

    fn but_per_page(&self) -> Vec<(&'static str, String)> {
        self.state.hidden(&["per_page"])
    }

    fn off_the_form(&self) -> Vec<(&'static str, String)> {
        let of_managers: &[&str] = if self.is_manager { OF_MANAGERS_ALONE } else { &[] };
        self.state.hidden(&[ON_THE_FORM, of_managers].concat())
    }

    /// Whether any of the filters holds that are folded away.
    fn has_more_filters(&self) -> bool {
        let filter = &self.state.filter;
        let is_own = !self.is_manager
            && (filter.has_evidence || filter.submitted_from.is_some() || filter.submitted_before.is_some());
        let is_managers = self.is_manager && (filter.due_before.is_some() || filter.assignee.is_some());
        let has_days = filter.called_from.is_some() || filter.called_before.is_some();
        let is_placed = filter.campaign.is_some() || filter.destination.is_some();
        is_own || is_managers || has_days || is_placed || filter.has_recording
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn is_campaign(&self, id: &CampaignId) -> bool {
        self.state.filter.campaign == Some(*id)
    }

    /// The choices of the filter by deadline, with the one that holds.
    fn dues(&self) -> Vec<(String, String)> {
        let mut dues: Vec<_> = DUES.iter().map(|(days, words)| ((*days).to_owned(), (*words).to_owned())).collect();
        let now = self.state.text("due");
        if !now.is_empty() && !dues.iter().any(|(days, _)| days == now) {
            dues.push((now.to_owned(), format!("Due within {now} days")));
        }
        dues
    }

    fn page_sizes(&self) -> Vec<i64> {
        let mut sizes = PER_PAGE_CHOICES.to_vec();
        if !sizes.contains(&self.state.listing.per_page) {
            sizes.push(self.state.listing.per_page);
        }
        sizes
    }
}

/// GET `/disputes`.
pub(in crate::web) async fn index(
    viewer: DisputeViewer,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<DisputesPage>, AppError> {
    let params = Params::parse(request.query_string());
    let region = htmx.region().map(str::to_owned);
    let now = clock.now();
    let page = db.read(move |conn| load(conn, &viewer, &params, (now, region.as_deref(), &here))).await?;
    let pending = page.chrome.pending;
    Ok(Page::new(htmx, page).with_badge(pending))
}

/// What a person saved for this table.
pub(super) fn saved(conn: &mut AnyConnection, viewer: &DisputeViewer) -> Result<Option<Saved>, AppError> {
    let found = table_settings::find(conn, viewer.viewer().user(), "disputes")?;
    Ok(found.map(|row| Saved { columns: row.column_list, per_page: i64::from(row.per_page), sort: row.sort }))
}

fn load(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    params: &Params,
    (now, region, here): (Instant, Option<&str>, &Here),
) -> Result<DisputesPage, AppError> {
    let (scope, is_manager) = (viewer.scope(), viewer.viewer().is_manager());
    let policy = policy::load(conn)?;
    let mut params = match opened_first(conn, viewer, params)? {
        Some(query) => Params::parse(query.trim_start_matches('?')),
        None => params.clone(),
    };
    name_to_id(conn, viewer.viewer(), &mut params)?;
    let state = ListState::read(&params, viewer.viewer(), saved(conn, viewer)?, now)?;
    let (listing, is_region) = (&state.listing, region == Some("disputes-region"));
    let listed = dispute_list::page(conn, scope, &state.filter, listing.sort, (listing.place, listing.per_page))?;
    let count = dispute_list::count(conn, scope, &state.filter)?;
    let drafts = if is_manager { Vec::new() } else { dispute_list::drafts(conn, scope)? };
    let chrome = match region {
        Some("main" | "disputes-region") => {
            Chrome { pending: chrome::pending(conn, viewer.viewer())?, ..Chrome::default() }
        }
        _ => chrome::load(conn, viewer.viewer(), NavItem::Disputes, here)?,
    };
    // The rows alone have no filters and no views around them.
    let views = if is_region { Vec::new() } else { views(conn, viewer, &state, chrome.pending)? };
    let has_buyers = is_manager && !is_region;
    let buyers = if has_buyers { BuyerFilter::load(conn, state.filter.buyer)? } else { BuyerFilter::default() };
    let mut campaigns = if is_region { Vec::new() } else { call_list::campaign_choices(conn, scope)? };
    if let Some(wanted) = state.filter.campaign.filter(|id| campaigns.iter().all(|(known, _)| known != id)) {
        // Beyond those listed: the form keeps it all the same.
        campaigns.push((wanted, wanted.to_string()));
    }
    let campaign = campaigns.iter().find(|(id, _)| state.filter.campaign == Some(*id));
    let buyer = match state.filter.buyer.filter(|_| is_manager) {
        Some(wanted) => names::of_buyers(conn, &[wanted])?.remove(&wanted),
        None => None,
    };
    let chips = state.chips(&policy, buyer.as_deref(), campaign.map(|(_, name)| name.as_str()));
    let (previous, next) = neighbours(&state, &listed);
    let carried = state.carried_query(viewer.viewer().profile().zone);
    let known =
        Rows::load(conn, viewer, &policy, (&listed.rows, &buyers.choices.listed), (state.zone(), now, carried))?;
    let rows = listed.rows.into_iter().map(|line| known.row(line)).collect();
    let drafts = drafts.into_iter().map(|line| known.row(line)).collect();
    Ok(DisputesPage {
        flash: chrome.flash.clone(),
        chrome,
        is_manager,
        may_edit: Granted::<EditDisputes>::check(viewer.viewer()).is_some(),
        is_region,
        views,
        columns: headings(&state),
        all_columns: listing.choices(Column::of(viewer.viewer())),
        rows,
        drafts,
        count,
        is_capped: listed.is_capped,
        chips,
        reasons: reasons(&policy),
        campaigns,
        buyers,
        here: state.here().to_string(),
        export: state.link().at("/disputes.csv").to_string(),
        previous,
        next,
        zone_name: zone_name(&state, now),
        state,
    })
}

/// The view that a manager's bare address opens with.
fn opened_first(conn: &mut AnyConnection, viewer: &DisputeViewer, params: &Params) -> Result<Option<String>, AppError> {
    let Some(manager) = Granted::<ViewDisputes>::check(viewer.viewer()).filter(|_| params.is_empty()) else {
        return Ok(None);
    };
    Ok(views::opened_first(conn, &manager)?.map(|(_, query)| query))
}

fn reasons(policy: &Policy) -> Vec<(String, String)> {
    policy.reasons.iter().map(|reason| (reason.code.clone(), reason.label.clone())).collect()
}

fn headings(state: &ListState) -> Vec<Heading> {
    let listing = &state.listing;
    let heading = |column: &Column| {
        let sorted = column.sort().map(|key| listing.sort_by(key, column.starts_descending()));
        Heading {
            column: *column,
            class: column.class(!listing.has_own_columns),
            head_class: column.class(!listing.has_own_columns).replace("cut", "").trim().to_owned(),
            href: sorted.map(|sort| state.link().set("sort", sort).to_string()),
            direction: column.sort().and_then(|key| listing.direction_of(key)),
        }
    };
    listing.columns.iter().map(heading).collect()
}

/// Addresses of the pages before and after; empty at an end.
fn neighbours(state: &ListState, listed: &Listed<DisputeLine>) -> (String, String) {
    // Only the default order moves a row when it is decided.
    let by_status = state.listing.sort.key == DisputeSort::Status;
    let mark = |row: &DisputeLine| if by_status { Mark::of(row) } else { row.id.into() };
    let link = |name: &'static str, row: Option<&DisputeLine>, there: bool| {
        row.filter(|_| there).map(|row| state.link().with(name, mark(row)).to_string()).unwrap_or_default()
    };
    (link("before", listed.rows.first(), listed.has_earlier), link("after", listed.rows.last(), listed.has_later))
}

/// `EST`, or the offset where a zone has no letters.
fn zone_name(state: &ListState, now: Instant) -> String {
    now.and_utc().with_timezone(&state.zone()).format("%Z").to_string()
}
