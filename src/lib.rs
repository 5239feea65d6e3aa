//! Fairdial: a call-dispute desk for pay-per-call networks.
pub mod domain;
pub mod import;
