//! Fairdial: a call-dispute desk for pay-per-call networks.
//!
//! [`domain`] holds the rules, [`auth`] who may do what, [`db`] every query, [`web`] everything between a socket and
//! those three. [`app`] puts it together, [`commands`] is the command line.

#![recursion_limit = "256"]

#[macro_use]
mod text_enum;

pub mod app;
pub mod assets;
pub mod auth;
pub mod backup;
pub mod bulk;
pub mod clock;
pub mod commands;
pub mod config;
pub mod db;
pub mod demo;
pub mod domain;
pub mod file_store;
pub mod import;
pub mod intake;
pub mod mail;
pub mod metrics;
pub mod shutdown;
pub mod sweep;
pub mod telemetry;
pub mod waveform;
pub mod web;
pub mod webhooks;
