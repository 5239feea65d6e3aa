//! Requests against the real app, one test binary for all of them.

#![cfg(test)]

mod account;
mod account_page;
mod api;
mod audit;
mod bulk;
mod buyer_filter;
mod call_export;
mod call_pages;
mod calls;
mod commands;
mod contention;
mod crash;
mod deciding;
mod demo;
mod dispute_table;
mod disputes;
mod disputing;
mod double_clicks;
mod evidence;
mod harness;
mod import;
mod lifecycle;
mod mail;
mod managing;
mod menu;
mod messages;
mod model;
mod notifications;
mod permissions;
mod presence;
mod query_plans;
mod recordings;
mod reports;
mod review;
mod schema;
mod sessions;
mod settings_buyers;
mod settings_policy;
mod settings_users;
mod setup;
mod snapshots;
mod support;
mod upkeep;
mod webhooks;
