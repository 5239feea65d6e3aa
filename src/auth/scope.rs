//! Which rows a viewer can name. Every finder starts from one.

use crate::domain::ids::BuyerId;

/// The rows a viewer can name: made only from a [`super::Viewer`].
#[derive(Clone, Copy, Debug)]
pub struct Scope(Visible);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Visible {
    /// A buyer's own rows, its Drafts included.
    OwnedBy(BuyerId),
    /// Every row but Drafts, which belong to the buyer alone.
    WholeNetwork,
}

impl Scope {
    pub(super) fn owned_by(buyer: BuyerId) -> Self {
        Self(Visible::OwnedBy(buyer))
    }

    pub(super) fn whole_network() -> Self {
        Self(Visible::WholeNetwork)
    }

    pub(crate) fn visible(self) -> Visible {
        self.0
    }

    /// The buyer whose rows these are, or `None` for the whole network.
    #[must_use]
    pub fn buyer(self) -> Option<BuyerId> {
        match self.0 {
            Visible::OwnedBy(buyer) => Some(buyer),
            Visible::WholeNetwork => None,
        }
    }
}
