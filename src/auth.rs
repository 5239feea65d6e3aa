//! Who you are and what you may do: rights as values that only this module can make.

pub mod actor;
pub mod extract;
pub mod password;
pub mod permission;
pub mod principal;
pub mod scope;
pub mod session;
pub mod token;

pub use actor::{Actor, Origin, Via};
pub use permission::{DisputeCalls, EditDisputes, Granted, ImportCalls, ManageSettings, Permission, ViewDisputes};
pub use principal::{Buyer, DisputeViewer, Manager, Profile, Viewer};
pub use scope::Scope;
pub use token::{
    AuditRead, ByToken, Caller, CallsRead, CallsWrite, DisputeParty, DisputesRead, DisputesWrite, Scopes, TokenScope,
};
