//! Calls come in.
