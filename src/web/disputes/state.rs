//! What the address of the Disputes table says: filters, order, columns and page, and the links made from them.

use chrono::Days;
use chrono_tz::Tz;

use crate::auth::Viewer;
use crate::db::dispute_list::{DEFAULT_SORT, DisputeFilter, DisputeSort, Mark, Missing};
use crate::db::paging::Sort;
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::policy::Policy;
use crate::domain::report::Took;
use crate::web::AppError;
use crate::web::list_query::{Chip, Defaults, Link, Listing, PER_PAGE, Params, Saved, refuse, words};

text_enum! {
    /// A column of the table.
    Column {
        Status = "status", "Status";
        CallDate = "call_date", "Call Date";
        CallerId = "caller_id", "Caller ID";
        Buyer = "buyer", "Buyer";
        Destination = "destination", "Destination";
        Payout = "payout", "Payout";
        PublisherPayout = "publisher_payout", "Publisher payout";
        Reason = "reason", "Reason";
        Recording = "recording", "Recording";
        Submitted = "submitted", "Submitted";
        Age = "age", "Age";
        Due = "due", "Due";
    }
}
words!(Column, DisputeSort, Missing, Status, Took);

/// The order of the review queue where nothing else is said.
const QUEUE_SORT: Sort<DisputeSort> = Sort { key: DisputeSort::Due, is_descending: false };

/// Columns a buyer sees: nothing of publishers, no deadlines.
const OF_BUYERS: &[Column] = &[
    Column::Status,
    Column::CallDate,
    Column::CallerId,
    Column::Destination,
    Column::Payout,
    Column::Reason,
    Column::Recording,
];

const SORTS_OF_BUYERS: &[DisputeSort] = &[
    DisputeSort::Status,
    DisputeSort::Submitted,
    DisputeSort::CallDate,
    DisputeSort::CallerId,
    DisputeSort::Destination,
    DisputeSort::Payout,
    DisputeSort::Duration,
    DisputeSort::Reason,
];

/// Filters that are texts in the address and come back into links and fields as they were.
const KEPT: [&str; 13] = [
    "due",
    "reason",
    "buyer",
    "campaign",
    "destination",
    "from",
    "to",
    "submitted_from",
    "submitted_to",
    "publisher",
    "decided_by",
    "without",
    "took",
];

/// Those of them that only managers have.
const OF_MANAGERS: [&str; 5] = ["due", "publisher", "decided_by", "without", "took"];

impl Column {
    /// The columns this viewer can choose from, in their default order.
    pub(super) fn of(viewer: &Viewer) -> &'static [Self] {
        if viewer.is_manager() { Self::ALL } else { OF_BUYERS }
    }

    /// What a click on its header sorts by.
    pub(super) fn sort(self) -> Option<DisputeSort> {
        match self {
            Self::Status => Some(DisputeSort::Status),
            Self::CallDate => Some(DisputeSort::CallDate),
            Self::CallerId => Some(DisputeSort::CallerId),
            Self::Buyer => Some(DisputeSort::Buyer),
            Self::Destination => Some(DisputeSort::Destination),
            Self::Payout => Some(DisputeSort::Payout),
            Self::PublisherPayout => Some(DisputeSort::PublisherPayout),
            Self::Reason => Some(DisputeSort::Reason),
            Self::Submitted => Some(DisputeSort::Submitted),
            Self::Due => Some(DisputeSort::Due),
            Self::Recording | Self::Age => None,
        }
    }

    /// Whether the first click puts the largest or newest first.
    pub(super) fn starts_descending(self) -> bool {
        matches!(self, Self::CallDate | Self::Payout | Self::PublisherPayout | Self::Submitted)
    }

    /// How its cells and header stand, and when they leave for want of room.
    pub(super) fn class(self, leaves: bool) -> String {
        let (stays, leave) = match self {
            Self::Payout | Self::Age => ("num", ""),
            Self::PublisherPayout => ("num wrap", "p3"),
            Self::Reason => ("cut r", ""),
            Self::Destination => ("cut", "p3"),
            Self::Buyer => ("cut", ""),
            Self::Recording => ("", "p2"),
            Self::Due => ("", "p4"),
            // How long ago it was stays: the Age says it.
            Self::Submitted => ("", "p5"),
            _ => ("", ""),
        };
        match (stays, if leaves { leave } else { "" }) {
            (class, "") | ("", class) => class.to_owned(),
            (stays, leave) => format!("{stays} {leave}"),
        }
    }
}

/// The state of the list, as its address has it.
#[derive(Clone, Debug)]
pub(super) struct ListState {
    pub(super) filter: DisputeFilter,
    pub(super) listing: Listing<DisputeSort, Column, Mark>,
    /// The filters that are texts, as they were given.
    kept: Vec<(&'static str, String)>,
}

impl ListState {
    /// Reads the address over what the person saved.
    pub(super) fn read(params: &Params, viewer: &Viewer, saved: Option<Saved>, now: Instant) -> Result<Self, AppError> {
        Self::read_over(params, viewer, (saved, DEFAULT_SORT), now)
    }

    /// Reads the address of the review queue: what is Pending of its filters, oldest due first.
    pub(super) fn queue(params: &Params, viewer: &Viewer, now: Instant) -> Result<Self, AppError> {
        let mut state = Self::read_over(params, viewer, (None, QUEUE_SORT), now)?;
        state.filter.statuses = vec![Status::Pending];
        let sort = &mut state.listing.sort;
        if sort.key == DisputeSort::Status {
            // Within one status the default order is by Submitted.
            *sort = Sort { key: DisputeSort::Submitted, is_descending: !sort.is_descending };
        }
        Ok(state)
    }

    /// What every address of the queue carries, with its question mark: filters, and what isn't as usual.
    pub(super) fn queue_query(&self, usual: Tz) -> String {
        let mut link = self.link().without("status").without("columns").without("per_page");
        if self.listing.sort == QUEUE_SORT {
            link = link.without("sort");
        }
        if self.listing.zone == usual {
            link = link.without("tz");
        }
        link.to_string().split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default()
    }

    /// The review queue of this list's filters; of its order too, unless that is the default.
    pub(super) fn review(&self) -> String {
        let mut link = self.link().without("status").without("columns").without("per_page").without("tz");
        if self.listing.sort == DEFAULT_SORT {
            link = link.without("sort");
        }
        link.at("/review").to_string()
    }

    fn read_over(
        params: &Params,
        viewer: &Viewer,
        (saved, sort): (Option<Saved>, Sort<DisputeSort>),
        now: Instant,
    ) -> Result<Self, AppError> {
        let is_manager = viewer.is_manager();
        let defaults = Defaults {
            sort,
            sorts: if is_manager { DisputeSort::ALL } else { SORTS_OF_BUYERS },
            columns: Column::of(viewer),
            zone: viewer.profile().zone,
            saved,
        };
        let listing = Listing::read(params, &defaults)?;
        let (called_from, called_before) = params.days("from", "to", listing.zone)?;
        let (submitted_from, submitted_before) = params.days("submitted_from", "submitted_to", listing.zone)?;
        let due_days = params.parsed::<u64>("due", "a number of days from 0 to 30")?;
        if due_days.is_some_and(|days| days > 30) {
            return Err(refuse("due", params.text("due").unwrap_or_default(), "a number of days from 0 to 30"));
        }
        let filter = DisputeFilter {
            search: params.short_text("q")?,
            statuses: params.word_list("status")?,
            reason: params.short_text("reason")?,
            // A buyer has one buyer: itself. Naming another finds nothing, as the scope already says.
            buyer: params.parsed("buyer", "a buyer's id")?,
            campaign: params.parsed("campaign", "a campaign's id")?,
            destination: params.short_text("destination")?,
            called_from,
            called_before,
            submitted_from,
            submitted_before,
            has_recording: params.is_ticked("has_recording")?,
            has_evidence: params.is_ticked("has_evidence")?,
            // Assignments and deadlines are the managers' own: a buyer's address that names them says nothing.
            assignee: (is_manager && params.is_ticked("mine")?).then(|| viewer.user()),
            due_before: due_days.filter(|_| is_manager).and_then(|days| now.checked_add_days(Days::new(days))),
            // Of publishers and deciders a buyer knows nothing: for it these filters don't exist.
            publisher: if is_manager { params.parsed("publisher", "a publisher\u{2019}s id")? } else { None },
            decided_by: if is_manager { params.parsed("decided_by", "a manager\u{2019}s id")? } else { None },
            without: if is_manager { params.word("without")? } else { None },
            took: if is_manager { params.word("took")? } else { None },
        };
        let kept = KEPT
            .iter()
            .filter(|name| is_manager || !OF_MANAGERS.contains(name))
            .filter_map(|name| Some((*name, params.text(name)?.to_owned())))
            .collect();
        Ok(Self { filter, listing, kept })
    }

    pub(super) fn zone(&self) -> Tz {
        self.listing.zone
    }

    /// A filter's text, as it was given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.kept.iter().find(|(kept, _)| *kept == name).map_or("", |(_, text)| text)
    }

    /// The whole state but the page.
    pub(super) fn link(&self) -> Link {
        let filter = &self.filter;
        let link = Link::to("/disputes").with_some("q", filter.search.as_ref());
        let link = filter.statuses.iter().fold(link, |link, status| link.with("status", status.code()));
        let link = self.kept.iter().fold(link, |link, (name, text)| link.with(name, text));
        let link = link.with_some("has_recording", filter.has_recording.then_some(1));
        let link = link.with_some("mine", filter.assignee.map(|_| 1));
        self.listing.write(link.with_some("has_evidence", filter.has_evidence.then_some(1)))
    }

    /// The whole state with the page, as the address of this very list.
    pub(super) fn here(&self) -> Link {
        use crate::db::paging::Place;
        match self.listing.place {
            Place::First => self.link(),
            Place::After(mark) => self.link().with("after", mark),
            Place::Before(mark) => self.link().with("before", mark),
        }
    }

    /// The query of [`Self::here`] with its question mark, to be carried by a dispute's address.
    pub(super) fn query(&self) -> String {
        let here = self.here().to_string();
        here.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default()
    }

    /// The same without what is as for everybody, since it stands in each row; a dispute's address is read with that anyway.
    pub(super) fn carried_query(&self, usual: Tz) -> String {
        let mut link = self.here();
        if !self.listing.has_own_columns {
            link = link.without("columns");
        }
        if self.listing.per_page == PER_PAGE {
            link = link.without("per_page");
        }
        if self.listing.zone == usual {
            link = link.without("tz");
        }
        // The order stays: without any query there would be no list to go back to.
        link.to_string().split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default()
    }

    /// The query of [`Self::link`] with its question mark.
    pub(super) fn link_query(&self) -> String {
        let link = self.link().to_string();
        link.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default()
    }

    /// The filters alone: `status=pending`.
    pub(super) fn filters(&self) -> String {
        let link = self.link();
        let own = |name: &str| !matches!(name, "sort" | "per_page" | "columns" | "tz");
        let pairs = link.pairs().iter().filter(|(name, _)| own(name));
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// Without any filter.
    pub(super) fn cleared(&self) -> String {
        self.listing.write(Link::to("/disputes")).to_string()
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.filter != DisputeFilter::default()
    }

    /// What the list is filtered by; names are looked up by the caller, who may know them.
    pub(super) fn chips(&self, policy: &Policy, buyer: Option<&str>, campaign: Option<&str>) -> Vec<Chip> {
        let link = self.link();
        let mut chips = Vec::new();
        if let Some(search) = &self.filter.search {
            chips.push(Chip::new(format!("Search: {search}"), &link.clone().without("q")));
        }
        for status in &self.filter.statuses {
            let without = link.clone().without_value("status", status.code());
            chips.push(Chip::new(format!("Status: {}", status.label()), &without));
        }
        let one = |name: &'static str, label: &str, shown: &str| {
            (!shown.is_empty()).then(|| Chip::new(format!("{label}: {shown}"), &link.clone().without(name)))
        };
        chips.extend(one("reason", "Reason", policy.reason_label(self.text("reason"))));
        chips.extend(one("buyer", "Buyer", buyer.unwrap_or(self.text("buyer"))));
        chips.extend(one("campaign", "Campaign", campaign.unwrap_or(self.text("campaign"))));
        chips.extend(one("destination", "Destination", self.text("destination")));
        chips.extend(self.range("Call Date", "from", "to"));
        chips.extend(self.range("Submitted", "submitted_from", "submitted_to"));
        if self.filter.assignee.is_some() {
            chips.push(Chip::new("Mine", &link.clone().without("mine")));
        }
        if self.filter.due_before.is_some() {
            let words = match self.text("due") {
                "0" => "Overdue".to_owned(),
                days => format!("Due within {days} days"),
            };
            chips.push(Chip::new(words, &link.clone().without("due")));
        }
        chips.extend(self.filter.publisher.map(|_| Chip::new("One publisher", &link.clone().without("publisher"))));
        chips.extend(
            self.filter.decided_by.map(|_| Chip::new("Decided by one manager", &link.clone().without("decided_by"))),
        );
        chips.extend(
            self.filter
                .without
                .map(|missing| Chip::new(format!("Without {}", missing.label()), &link.clone().without("without"))),
        );
        chips.extend(
            self.filter
                .took
                .map(|took| Chip::new(format!("Time to a decision: {}", took.label()), &link.clone().without("took"))),
        );
        if self.filter.has_recording {
            chips.push(Chip::new("With recording", &link.clone().without("has_recording")));
        }
        if self.filter.has_evidence {
            chips.push(Chip::new("With evidence", &link.clone().without("has_evidence")));
        }
        chips
    }

    fn range(&self, label: &str, from: &'static str, to: &'static str) -> Option<Chip> {
        let said = match (self.text(from), self.text(to)) {
            ("", "") => return None,
            (first, "") => format!("{label}: from {first}"),
            ("", last) => format!("{label}: to {last}"),
            (first, last) => format!("{label}: {first} to {last}"),
        };
        Some(Chip::new(said, &self.link().without(from).without(to)))
    }

    /// What the filter form keeps without showing it.
    pub(super) fn hidden(&self, shown: &[&str]) -> Vec<(&'static str, String)> {
        let link = self.link();
        link.pairs().iter().filter(|(name, _)| !shown.contains(name)).cloned().collect()
    }

    /// "the status Rejected and the reason Technical issues": what an empty list was asked for.
    pub(super) fn sentence(chips: &[Chip]) -> String {
        let asked: Vec<_> = chips.iter().map(|chip| chip.label.as_str()).collect();
        format!("Nothing here has all of: {}.", asked.join("; "))
    }
}

/// The state of a list that a dispute's address carries, if it carries a readable one.
pub(super) fn carried(query: &str, viewer: &Viewer, now: Instant) -> Option<ListState> {
    if query.is_empty() {
        return None;
    }
    ListState::read(&Params::parse(query), viewer, None, now).ok()
}

/// A list's query as this viewer would have it, with its question mark and without a page: to be kept.
pub(in crate::web) fn list_query(query: &str, viewer: &Viewer, now: Instant) -> Result<String, AppError> {
    let list = ListState::read(&Params::parse(query), viewer, None, now)?;
    Ok(list.link_query())
}
