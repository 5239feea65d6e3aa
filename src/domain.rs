//! Pure rules: what a call, a dispute and a decision are, and what may happen to them.

#[macro_use]
mod text_enum;

pub mod call;
pub mod money;
pub mod phone;

/// An instant in UTC, cut to microseconds: what the clock gives and both databases store alike.
pub type Instant = chrono::NaiveDateTime;
