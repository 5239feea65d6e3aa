//! What the address of the Call Log asks for.

use super::columns::CallColumn;
use chrono_tz::Tz;

use crate::auth::Viewer;
use crate::db::call_list::{CallFilter, CallSearch, CallSort, DEFAULT_SORT};
use crate::domain::call::CallStatus;
use crate::domain::ids::{CallId, CampaignId};
use crate::web::AppError;
use crate::web::buyers::BuyerFilter;
use crate::web::list_query::{Chip, Defaults, Link, Listing, Params, Saved};

/// Order, page size, columns, zone and page of the Call Log.
pub type CallListing = Listing<CallSort, CallColumn, CallId>;

/// The filters as they are in the address, and the rest of the list's state.
#[derive(Clone, Debug)]
pub struct CallQuery {
    pub filter: CallFilter,
    pub listing: CallListing,
    /// What was typed, for the form and the links.
    pub search: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub buyer_text: Option<String>,
}

/// Names of what the list is filtered by, as far as the viewer's menus offer them.
#[derive(Clone, Copy, Debug)]
pub struct ChipNames<'a> {
    pub buyers: Option<&'a BuyerFilter>,
    pub campaigns: &'a [(CampaignId, String)],
}

impl CallQuery {
    /// Reads the query string for this viewer.
    ///
    /// # Errors
    /// 422 that names the field; 403 for a filter that tells of disputes.
    pub fn read(params: &Params, viewer: &Viewer, saved: Option<Saved>) -> Result<Self, AppError> {
        let columns = CallColumn::allowed(viewer);
        let zone = viewer.profile().zone;
        let defaults = Defaults { sort: DEFAULT_SORT, sorts: CallSort::ALL, columns: &columns, zone, saved };
        let listing = CallListing::read(params, &defaults)?;
        let is_disputable = params.is_ticked("disputable")?;
        if is_disputable && viewer.dispute_viewer().is_none() {
            let what = if viewer.is_manager() { "Disputes View" } else { "Dispute Calls" };
            return Err(AppError::Forbidden { what: what.to_owned() });
        }
        let search = params.short_text("q")?;
        let (started_from, started_before) = params.days("from", "to", listing.zone)?;
        let filter = CallFilter {
            search: search.as_deref().map(CallSearch::parse),
            status: params.word::<CallStatus>("status")?,
            started_from,
            started_before,
            buyer: params.parsed("buyer", "the id of a buyer")?,
            campaign: params.parsed("campaign", "the id of a campaign")?,
            destination: params.short_text("destination")?,
            is_disputable,
            has_recording: params.is_ticked("has_recording")?,
        };
        let text = |name| params.text(name).map(str::to_owned);
        Ok(Self { filter, listing, search, from: text("from"), to: text("to"), buyer_text: text("buyer") })
    }

    /// The zone its times are shown in.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.listing.zone
    }

    /// The whole state but the page.
    #[must_use]
    pub fn link(&self) -> Link {
        let filter = &self.filter;
        let ticked = |is_ticked: bool| is_ticked.then_some("1");
        let link = Link::to("/calls")
            .with_some("q", self.search.as_ref())
            .with_some("status", filter.status.map(CallStatus::code))
            .with_some("from", self.from.as_ref())
            .with_some("to", self.to.as_ref())
            .with_some("buyer", filter.buyer)
            .with_some("campaign", filter.campaign)
            .with_some("destination", filter.destination.as_ref())
            .with_some("disputable", ticked(filter.is_disputable))
            .with_some("has_recording", ticked(filter.has_recording));
        self.listing.write(link)
    }

    /// The list as it is set, with nothing filtered.
    #[must_use]
    pub fn unfiltered(&self) -> Link {
        self.listing.write(Link::to("/calls"))
    }

    /// Whether anything is filtered.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.filter != CallFilter::default()
    }

    /// What is filtered, each with the link that takes it away.
    #[must_use]
    pub fn chips(&self, names: ChipNames<'_>) -> Vec<Chip> {
        let link = self.link();
        let filter = &self.filter;
        let campaign = filter.campaign.map(|id| name_of(names.campaigns, &id));
        let known = names.buyers.map_or(&[][..], |known| &known.choices.listed);
        let buyer = filter.buyer.map(|id| name_of(known, &id));
        let said = [
            ("q", self.search.as_ref().map(|text| format!("Search: {text}"))),
            ("status", filter.status.map(|status| format!("Status: {}", status.label()))),
            ("from", self.from.as_ref().map(|day| format!("From: {}", read_day(day)))),
            ("to", self.to.as_ref().map(|day| format!("To: {}", read_day(day)))),
            ("buyer", buyer.map(|name| format!("Buyer: {name}"))),
            ("campaign", campaign.map(|name| format!("Campaign: {name}"))),
            ("destination", filter.destination.as_ref().map(|name| format!("Destination: {name}"))),
            ("disputable", filter.is_disputable.then(|| "Disputable".to_owned())),
            ("has_recording", filter.has_recording.then(|| "With recording".to_owned())),
        ];
        let chip = |(name, label): (&str, Option<String>)| Some(Chip::new(label?, &link.clone().without(name)));
        said.into_iter().filter_map(chip).collect()
    }
}

fn name_of<Id: PartialEq + ToString>(names: &[(Id, String)], id: &Id) -> String {
    names.iter().find(|(found, _)| found == id).map_or_else(|| id.to_string(), |(_, name)| name.clone())
}

/// A day of the address as people read it: `20 Nov 2026`.
fn read_day(day: &str) -> String {
    day.parse::<chrono::NaiveDate>().map_or_else(|_| day.to_owned(), |day| day.format("%-d %b %Y").to_string())
}
