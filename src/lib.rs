//! Fairdial: a call-dispute desk for pay-per-call networks.
//!
//! [`domain`] holds the rules, [`auth`] who may do what, [`db`] every query.

#![recursion_limit = "256"]

#[macro_use]
mod text_enum;

pub mod auth;
pub mod clock;
pub mod db;
pub mod domain;
pub mod import;
