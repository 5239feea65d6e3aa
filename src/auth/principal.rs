//! People as the database knows them now: private fields, built only from a user's row.

use chrono_tz::Tz;

use super::actor::{Actor, Origin};
use super::scope::Scope;
use crate::db::users::UserRow;
use crate::domain::dispute::Side;
use crate::domain::ids::{BuyerId, UserId};

text_enum! {
    /// The look a person chose.
    Theme {
        System = "system", "As the system";
        Light = "light", "Light";
        Dark = "dark", "Dark";
    }
}

/// What a page needs to know of the person, beside their rights.
#[derive(Clone, Debug)]
pub struct Profile {
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub zone: Tz,
    pub theme: Theme,
    pub keyboard_shortcuts: bool,
    /// Whether the next Pending dispute opens after a decision.
    pub opens_next: bool,
    pub epoch: i32,
}

/// A user of a buyer, active now.
#[derive(Clone, Debug)]
pub struct Buyer {
    profile: Profile,
    origin: Origin,
    account: BuyerId,
    dispute_calls: bool,
}

/// A platform manager, active now, with the permissions they hold now.
#[derive(Clone, Debug)]
pub struct Manager {
    profile: Profile,
    origin: Origin,
    permissions: ManagerPermissions,
}

/// What a manager may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent permissions are five claims")]
pub(super) struct ManagerPermissions {
    pub(super) view: bool,
    pub(super) edit: bool,
    pub(super) import: bool,
    pub(super) settings: bool,
}

/// Either, for pages both may open.
#[derive(Clone, Debug)]
pub enum Viewer {
    Buyer(Buyer),
    Manager(Manager),
}

impl Viewer {
    /// The person of a user's row, with the rights they hold at this moment; `None` if disabled.
    #[must_use]
    pub fn from_row(row: &UserRow, origin: Origin) -> Option<Self> {
        if row.is_disabled {
            return None;
        }
        let profile = Profile {
            user: row.id,
            name: row.name.clone(),
            email: row.email.clone(),
            zone: row.time_zone.parse().unwrap_or(Tz::UTC),
            theme: row.theme,
            keyboard_shortcuts: row.keyboard_shortcuts,
            opens_next: row.opens_next,
            epoch: row.epoch,
        };
        Some(match row.buyer_id {
            Some(account) => Self::Buyer(Buyer { profile, origin, account, dispute_calls: row.dispute_calls }),
            None => Self::Manager(Manager {
                profile,
                origin,
                permissions: ManagerPermissions {
                    view: row.disputes_view,
                    edit: row.disputes_edit,
                    import: row.calls_import,
                    settings: row.settings,
                },
            }),
        })
    }

    #[must_use]
    pub fn profile(&self) -> &Profile {
        match self {
            Self::Buyer(buyer) => &buyer.profile,
            Self::Manager(manager) => &manager.profile,
        }
    }

    #[must_use]
    pub fn user(&self) -> UserId {
        self.profile().user
    }

    /// Which rows this person can name.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Buyer(buyer) => Scope::owned_by(buyer.account),
            Self::Manager(_) => Scope::whole_network(),
        }
    }

    /// The side this person speaks for.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            Self::Buyer(_) => Side::Buyer,
            Self::Manager(_) => Side::Platform,
        }
    }

    /// The person as the audit log keeps them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let origin = match self {
            Self::Buyer(buyer) => &buyer.origin,
            Self::Manager(manager) => &manager.origin,
        };
        let profile = self.profile();
        Actor { user: Some(profile.user), name: profile.name.clone(), origin: origin.clone() }
    }

    /// Proof that this person may see disputes, if they may.
    #[must_use]
    pub fn dispute_viewer(&self) -> Option<DisputeViewer> {
        let may = match self {
            Self::Buyer(buyer) => buyer.dispute_calls,
            Self::Manager(manager) => manager.permissions.view,
        };
        may.then(|| DisputeViewer(self.clone()))
    }

    #[must_use]
    pub fn is_manager(&self) -> bool {
        matches!(self, Self::Manager(_))
    }
}

impl Buyer {
    /// The buyer this person belongs to.
    #[must_use]
    pub fn account(&self) -> BuyerId {
        self.account
    }

    #[must_use]
    pub fn may_dispute_calls(&self) -> bool {
        self.dispute_calls
    }
}

impl Manager {
    pub(super) fn permissions(&self) -> ManagerPermissions {
        self.permissions
    }
}

/// Proof that a person may see disputes: a buyer's user with Dispute Calls, or a manager with View.
#[derive(Clone, Debug)]
pub struct DisputeViewer(Viewer);

impl DisputeViewer {
    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.0
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope()
    }
}
