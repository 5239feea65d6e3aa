//! Stand-in until the domain branch is merged; that branch's file wins.

/// Where `now` comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
}
