//! Journeys in a real browser, one test binary for all of them.

#![cfg(test)]

mod attacks;
mod both_sides;
mod deciding;
mod form;
mod harness;
mod journey;
mod managing;
mod pages;
mod presence;
mod review;
#[path = "../integration/support.rs"]
#[expect(dead_code, reason = "journeys use a part of what requests use")]
mod shared;
mod support;
