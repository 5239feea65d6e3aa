//! Permissions as types, and the proof that somebody holds one.

use std::marker::PhantomData;

use super::Actor;
use super::principal::Viewer;
use super::scope::Scope;
use crate::domain::ids::{BuyerId, UserId};

mod sealed {
    pub trait Sealed {}
}

/// Something a person may do.
pub trait Permission: sealed::Sealed + 'static {
    /// The word in commands, forms and refusals.
    const NAME: &'static str;

    /// The words people read.
    const LABEL: &'static str;

    /// Whether this person holds it now.
    fn is_held_by(viewer: &Viewer) -> bool;
}

macro_rules! permissions {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $label:literal, $held:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Permission for $name {
            const NAME: &'static str = $code;
            const LABEL: &'static str = $label;
            fn is_held_by(viewer: &Viewer) -> bool {
                let held: fn(&Viewer) -> bool = $held;
                held(viewer)
            }
        }
    )+};
}

permissions! {
    /// A buyer's user disputes calls.
    DisputeCalls = "dispute-calls", "Dispute Calls", |viewer| matches!(viewer, Viewer::Buyer(buyer) if buyer.may_dispute_calls());
    /// A manager sees disputes.
    ViewDisputes = "disputes-view", "Disputes View", |viewer| matches!(viewer, Viewer::Manager(manager) if manager.permissions().view);
    /// A manager decides and replies.
    EditDisputes = "disputes-edit", "Disputes Edit", |viewer| matches!(viewer, Viewer::Manager(manager) if manager.permissions().edit);
    /// A manager imports calls.
    ImportCalls = "calls-import", "Calls Import", |viewer| matches!(viewer, Viewer::Manager(manager) if manager.permissions().import);
    /// A manager runs the platform: users, buyers, policy, audit.
    ManageSettings = "settings", "Settings", |viewer| matches!(viewer, Viewer::Manager(manager) if manager.permissions().settings);
}

/// Proof that somebody holds `P`. Writes demand it.
#[derive(Debug)]
pub struct Granted<P> {
    viewer: Viewer,
    permission: PhantomData<P>,
}

impl<P> Clone for Granted<P> {
    fn clone(&self) -> Self {
        Self { viewer: self.viewer.clone(), permission: PhantomData }
    }
}

impl<P: Permission> Granted<P> {
    /// The proof, if this person holds the permission.
    #[must_use]
    pub fn check(viewer: &Viewer) -> Option<Self> {
        P::is_held_by(viewer).then(|| Self { viewer: viewer.clone(), permission: PhantomData })
    }

    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    #[must_use]
    pub fn user(&self) -> UserId {
        self.viewer.user()
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        self.viewer.scope()
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        self.viewer.actor()
    }
}

impl Granted<DisputeCalls> {
    /// The buyer whose calls may be disputed; `None` can't happen, and finds nothing.
    #[must_use]
    pub fn account(&self) -> Option<BuyerId> {
        self.viewer.scope().buyer()
    }
}
