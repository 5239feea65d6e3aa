//! Disputes: the table, one dispute, and what its two sides do to it after it was sent.

mod actions;
mod assigning;
pub(super) mod bulk;
mod csv;
mod deciding;
mod index;
mod panel;
mod presence;
pub(super) mod review;
mod row;
mod settlement;
mod show;
mod state;
mod timeline;

pub(super) use actions::{Outcome, discard, withdraw};
pub(super) use assigning::assign;
pub(super) use csv::export;
pub(super) use deciding::{decide, reopen};
pub(super) use index::index;
pub(super) use presence::{announce, everybody};
pub(super) use show::{Asked, Problem, Typed, answer, show};
pub(super) use state::list_query;
pub(super) use timeline::is_told_to_buyers;
