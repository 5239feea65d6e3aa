//! Calls come in.
pub mod values;
