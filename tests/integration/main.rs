//! Requests against the real app, one test binary for all of them.

#![cfg(test)]

mod call_export;
mod calls;
mod commands;
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
mod sessions;
#[expect(dead_code, reason = "helpers wait for their first test")]
mod support;
