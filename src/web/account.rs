//! What a person sets for themselves.

pub(super) mod table;
