//! Pure rules: what a call, a dispute and a decision are, and what may happen to them.
//!
//! Knows nothing of the web or of queries. The one exception: ids and text enums derive how diesel stores them,
//! because that must stand on the type.

pub mod call;
pub mod claim;
pub mod decision;
pub mod dispute;
pub mod fact;
pub mod ids;
pub mod money;
pub mod phone;
pub mod policy;
pub mod report;
pub mod webhook;

/// An instant in UTC, cut to microseconds: what the clock gives and both databases store alike.
pub type Instant = chrono::NaiveDateTime;
