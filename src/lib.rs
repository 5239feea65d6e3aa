//! Fairdial: a call-dispute desk for pay-per-call networks.

pub mod demo;
