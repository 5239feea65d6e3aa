//! What the table is filtered by, and which of its filters tells most.

use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CampaignId, PublisherId, UserId};
use crate::domain::report::Took;

text_enum! {
    /// What a call can come without.
    Missing {
        Publisher = "publisher", "publisher";
        Campaign = "campaign", "campaign";
        Destination = "destination", "destination";
    }
}

/// What a page asks for; empty: every dispute the viewer can see, Drafts aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisputeFilter {
    /// Digits of the Caller ID or destination, or a dispute's or call's id.
    pub search: Option<String>,
    pub statuses: Vec<Status>,
    pub reason: Option<String>,
    pub buyer: Option<BuyerId>,
    pub campaign: Option<CampaignId>,
    pub destination: Option<String>,
    pub called_from: Option<Instant>,
    pub called_before: Option<Instant>,
    pub submitted_from: Option<Instant>,
    pub submitted_before: Option<Instant>,
    pub has_recording: bool,
    pub has_evidence: bool,
    /// Managers only: whose work it is.
    pub assignee: Option<UserId>,
    /// Managers only: Pending, and due before this instant.
    pub due_before: Option<Instant>,
    /// Managers only.
    pub publisher: Option<PublisherId>,
    /// Managers only: who decided.
    pub decided_by: Option<UserId>,
    /// Managers only: what the call came without.
    pub without: Option<Missing>,
    /// Managers only: how long the decision took.
    pub took: Option<Took>,
}

impl DisputeFilter {
    /// How many filters are set, the viewer's scope aside.
    pub(super) fn size(&self) -> usize {
        let set = [
            self.search.is_some(),
            !self.statuses.is_empty(),
            self.reason.is_some(),
            self.buyer.is_some(),
            self.campaign.is_some(),
            self.destination.is_some(),
            self.called_from.is_some() || self.called_before.is_some(),
            self.submitted_from.is_some() || self.submitted_before.is_some(),
            self.has_recording,
            self.has_evidence,
            self.assignee.is_some(),
            self.due_before.is_some(),
            self.publisher.is_some(),
            self.decided_by.is_some(),
            self.without.is_some(),
            self.took.is_some(),
        ];
        set.into_iter().filter(|is_set| *is_set).count()
    }

    /// Whether an index holds the matching rows in default order: those of one filter, or of one and a status.
    pub(super) fn reads_an_index(&self) -> bool {
        let is_ranged = self.range().is_some() || self.due_before.is_some() || self.took.is_some();
        let others = self.size().saturating_sub(self.statuses.len().min(1));
        others <= 1 && self.statuses.len() <= 1 && !is_ranged && self.search.is_none()
    }

    /// The range of dates that rows can be read by.
    pub(super) fn range(&self) -> Option<Range> {
        if self.called_from.is_some() || self.called_before.is_some() {
            Some(Range::Called)
        } else if self.submitted_from.is_some() || self.submitted_before.is_some() {
            Some(Range::Submitted)
        } else {
            None
        }
    }

    /// The filter whose index narrows most, alone: what candidates are drawn by.
    pub(super) fn driver(&self) -> Self {
        let mut alone = Self::default();
        if self.search.is_some() {
            alone.search.clone_from(&self.search);
        } else if self.assignee.is_some() {
            alone.assignee = self.assignee;
        } else if self.destination.is_some() {
            alone.destination.clone_from(&self.destination);
        } else if self.buyer.is_some() {
            alone.buyer = self.buyer;
        } else if self.reason.is_some() {
            alone.reason.clone_from(&self.reason);
        } else if self.campaign.is_some() {
            alone.campaign = self.campaign;
        } else if self.due_before.is_some() {
            alone.statuses = vec![Status::Pending];
        } else if self.publisher.is_some() {
            alone.publisher = self.publisher;
        } else if self.decided_by.is_some() {
            alone.decided_by = self.decided_by;
        } else if self.without.is_some() {
            alone.without = self.without;
        } else if self.took.is_some() && self.range().is_none() && self.statuses.is_empty() {
            alone.statuses = vec![Status::Accepted, Status::AcceptedPartial, Status::Rejected];
        } else if self.range().is_none() || self.statuses == [Status::Pending] {
            alone.statuses.clone_from(&self.statuses);
        } else {
            (alone.called_from, alone.called_before) = (self.called_from, self.called_before);
            (alone.submitted_from, alone.submitted_before) = (self.submitted_from, self.submitted_before);
        }
        alone
    }
}

/// A range of dates with an index of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Called,
    Submitted,
}
