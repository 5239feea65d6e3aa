//! Programs: who a Bearer token stands for, which scopes it has, and the proofs that API handlers demand.

use std::marker::PhantomData;
use std::ops::Deref;

use super::actor::Origin;
use super::permission::{DisputeCalls, EditDisputes, Granted, Permission, ViewDisputes};
use super::principal::{DisputeViewer, Viewer};
use crate::db::tokens::TokenRow;
use crate::db::users::UserRow;
use crate::domain::ids::TokenId;

text_enum! {
    /// What a token may be used for, within what its user may do.
    TokenScope {
        CallsRead = "calls:read", "Read calls";
        CallsWrite = "calls:write", "Send calls";
        DisputesRead = "disputes:read", "Read disputes";
        DisputesWrite = "disputes:write", "Work on disputes";
        AuditRead = "audit:read", "Read the audit log";
    }
}

/// The scopes of a token; none named: all that its user may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<TokenScope>);

impl Scopes {
    /// These, each once and in the order of the list.
    #[must_use]
    pub fn new(named: &[TokenScope]) -> Self {
        Self(TokenScope::ALL.iter().copied().filter(|scope| named.contains(scope)).collect())
    }

    /// As they are stored; a word that isn't one gives nothing.
    #[must_use]
    pub fn parse(stored: &str) -> Option<Self> {
        stored.split_whitespace().map(TokenScope::from_code).collect::<Option<Vec<_>>>().map(|named| Self::new(&named))
    }

    /// The words, separated by blanks.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|scope| scope.code()).collect::<Vec<_>>().join(" ")
    }

    #[must_use]
    pub fn named(&self) -> &[TokenScope] {
        &self.0
    }

    #[must_use]
    pub fn allow(&self, scope: TokenScope) -> bool {
        self.0.is_empty() || self.0.contains(&scope)
    }
}

/// A program whose token is good now, with what its user may do now.
#[derive(Clone, Debug)]
pub struct Caller {
    viewer: Viewer,
    scopes: Scopes,
    token: TokenId,
}

impl Caller {
    /// The caller behind a token's row and its user's; `None` where the user is disabled or the scopes make no sense.
    #[must_use]
    pub fn from_rows(token: &TokenRow, user: &UserRow, origin: Origin) -> Option<Self> {
        let viewer = Viewer::from_row(user, origin)?;
        Some(Self { viewer, scopes: Scopes::parse(&token.scopes)?, token: token.id })
    }

    #[must_use]
    pub fn token(&self) -> TokenId {
        self.token
    }

    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }
}

/// What an endpoint asks of a token, as a type.
pub trait Access: 'static {
    /// The scope that must be there.
    const SCOPE: TokenScope;
}

macro_rules! accesses {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl Access for $name {
            const SCOPE: TokenScope = TokenScope::$name;
        }
    )+};
}

accesses! {
    /// Reads calls.
    CallsRead;
    /// Sends calls.
    CallsWrite;
    /// Reads disputes.
    DisputesRead;
    /// Changes disputes.
    DisputesWrite;
    /// Reads the audit log.
    AuditRead;
}

/// What an endpoint asks of a token's user, beside the scope.
pub trait Right: Sized + 'static {
    /// The proof, or the name of the permission that is missing.
    ///
    /// # Errors
    /// The permission.
    fn of(viewer: &Viewer) -> Result<Self, &'static str>;
}

impl Right for Viewer {
    fn of(viewer: &Viewer) -> Result<Self, &'static str> {
        Ok(viewer.clone())
    }
}

impl Right for DisputeViewer {
    fn of(viewer: &Viewer) -> Result<Self, &'static str> {
        let missing = if viewer.is_manager() { ViewDisputes::LABEL } else { DisputeCalls::LABEL };
        viewer.dispute_viewer().ok_or(missing)
    }
}

/// Proof that a person may act on disputes: a buyer's user with Dispute Calls, or a manager with Edit.
#[derive(Clone, Debug)]
pub struct DisputeParty(DisputeViewer);

impl DisputeParty {
    #[must_use]
    pub fn viewer(&self) -> &DisputeViewer {
        &self.0
    }
}

impl Right for DisputeParty {
    fn of(viewer: &Viewer) -> Result<Self, &'static str> {
        if viewer.is_manager() {
            Granted::<EditDisputes>::of(viewer)?;
        }
        DisputeViewer::of(viewer).map(Self)
    }
}

impl<P: Permission> Right for Granted<P> {
    fn of(viewer: &Viewer) -> Result<Self, &'static str> {
        Self::check(viewer).ok_or(P::LABEL)
    }
}

/// Why a caller isn't served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    Scope(TokenScope),
    Permission(&'static str),
}

/// Proof that a token with the scope `A` was sent, and that its user has the right `R`.
#[derive(Clone, Debug)]
pub struct ByToken<R, A> {
    right: R,
    access: PhantomData<A>,
}

impl<R: Right, A: Access> ByToken<R, A> {
    /// The proof, if the caller has both.
    ///
    /// # Errors
    /// What is missing; the scope is told first.
    pub fn check(caller: &Caller) -> Result<Self, Lacks> {
        if !caller.scopes.allow(A::SCOPE) {
            return Err(Lacks::Scope(A::SCOPE));
        }
        let right = R::of(&caller.viewer).map_err(Lacks::Permission)?;
        Ok(Self { right, access: PhantomData })
    }

    /// The right alone.
    #[must_use]
    pub fn into_right(self) -> R {
        self.right
    }
}

impl<R, A> Deref for ByToken<R, A> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_scope_named_is_all_of_them_and_nonsense_is_none() {
        let all = Scopes::default();
        assert!(TokenScope::ALL.iter().all(|scope| all.allow(*scope)));
        let some = Scopes::parse("disputes:read calls:read calls:read").expect("scopes");
        assert_eq!(some.text(), "calls:read disputes:read");
        assert!(some.allow(TokenScope::CallsRead) && !some.allow(TokenScope::CallsWrite));
        assert_eq!(Scopes::parse("calls:read everything"), None);
    }
}
