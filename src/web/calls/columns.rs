//! The columns of the Call Log, and who sees which.

use crate::auth::Viewer;
use crate::db::call_list::CallSort;
use crate::web::list_query::words;

text_enum! {
    /// A column of the Call Log.
    CallColumn {
        CallDate = "call_date", "Call Date";
        Buyer = "buyer", "Buyer";
        CallerId = "caller_id", "Caller ID";
        Destination = "destination", "Destination";
        Campaign = "campaign", "Campaign";
        Publisher = "publisher", "Publisher";
        Payout = "payout", "Payout";
        PublisherPayout = "publisher_payout", "Publisher payout";
        Duration = "duration", "Duration";
        Status = "status", "Status";
        HangUp = "hang_up", "Hang Up";
        Recording = "recording", "Recording";
        Dispute = "dispute", "Dispute";
    }
}

words!(CallColumn, CallSort, crate::domain::call::CallStatus);

impl CallColumn {
    /// The columns a viewer may see, in their order.
    #[must_use]
    pub fn allowed(viewer: &Viewer) -> Vec<Self> {
        let may_see_disputes = viewer.dispute_viewer().is_some();
        let is_seen = |column: &Self| match column {
            Self::Buyer | Self::Publisher | Self::PublisherPayout => viewer.is_manager(),
            Self::Dispute => may_see_disputes,
            _ => true,
        };
        Self::ALL.iter().copied().filter(is_seen).collect()
    }

    /// What the column sorts by.
    #[must_use]
    pub fn sort(self) -> Option<CallSort> {
        match self {
            Self::CallDate => Some(CallSort::CallDate),
            Self::CallerId => Some(CallSort::CallerId),
            Self::Destination => Some(CallSort::Destination),
            Self::Payout => Some(CallSort::Payout),
            Self::Duration => Some(CallSort::Duration),
            Self::Status => Some(CallSort::Status),
            _ => None,
        }
    }

    /// Whether the first click puts the largest on top: dates and numbers.
    pub(super) fn sorts_descending_first(self) -> bool {
        matches!(self, Self::CallDate | Self::Payout | Self::Duration)
    }

    /// The class of its cells; the later a column leaves when room gets less, the lower its number.
    pub(super) fn class(self, has_own_columns: bool, is_manager: bool) -> &'static str {
        match (self, has_own_columns) {
            // A manager's table has three columns more; whether a call is disputed stays in sight.
            (Self::HangUp, false) if is_manager => "p5",
            (Self::Campaign, false) if is_manager => "cut p5",
            (Self::PublisherPayout, false) => "num p5",
            (Self::Payout | Self::Duration, _) | (Self::PublisherPayout, true) => "num",
            (Self::Destination | Self::Buyer, false) => "cut p2",
            (Self::Campaign | Self::Publisher, false) => "cut p3",
            (Self::Destination | Self::Buyer | Self::Campaign | Self::Publisher, true) => "cut",
            (Self::Status, false) => "p2",
            (Self::Recording, false) => "p3",
            (Self::HangUp, false) => "p4",
            _ => "",
        }
    }
}
