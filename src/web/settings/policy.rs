//! `/settings/policy`.
