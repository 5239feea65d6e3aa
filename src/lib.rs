//! Fairdial: a call-dispute desk for pay-per-call networks.
//!
//! [`web`] is everything between a socket and the domain, [`app`] puts it together, [`commands`] is the command line.

#![recursion_limit = "256"]

pub mod app;
pub mod assets;
pub mod clock;
pub mod commands;
pub mod config;
pub mod db;
pub mod telemetry;
pub mod web;
