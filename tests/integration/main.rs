//! Requests against the real app, one test binary for all of them.

#![cfg(test)]

mod account;
mod account_page;
mod call_export;
mod call_pages;
mod calls;
mod commands;
mod contention;
mod crash;
mod deciding;
mod dispute_table;
mod disputes;
mod disputing;
mod evidence;
mod harness;
mod import;
mod lifecycle;
mod messages;
mod notifications;
mod permissions;
mod query_plans;
mod recordings;
mod review;
mod sessions;
mod setup;
#[expect(dead_code, reason = "helpers wait for their first test")]
mod support;
mod upkeep;
