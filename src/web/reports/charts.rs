//! Where the shapes of the charts stand: whole numbers in the drawing's own units. Each shape has a letter or a number
//! beside its colour.

use chrono::NaiveDate;

use super::Line;
use crate::domain::report::{Tally, Took};

/// A bar, or a part of one.
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) letter: &'static str,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Bar {
    pub(super) fn middle(&self) -> u64 {
        self.x + self.width / 2
    }

    /// Where its letter stands, if there is room.
    pub(super) fn letter_y(&self) -> Option<u64> {
        (self.height >= 13 && self.width >= 12).then_some(self.y + self.height / 2 + 4)
    }
}

/// A word in the drawing.
pub(super) struct Label {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) words: String,
}

/// Bars above an axis.
pub(super) struct Columns {
    pub(super) bars: Vec<Bar>,
    pub(super) below: Vec<Label>,
    pub(super) above: Vec<Label>,
    /// Height and number of each line of the grid.
    pub(super) grid: Vec<Label>,
    pub(super) right: u64,
}

const BASE: u64 = 205;
const HEIGHT: u64 = 180;
const LEFT: u64 = 56;

/// A round number not below this one: 1, 2 or 5 and zeros.
fn round_up(number: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= number {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// An amount without the cents that are none.
fn whole(amount: &str) -> String {
    amount.strip_suffix(".00").unwrap_or(amount).to_owned()
}

fn scaled(number: u64, top: u64) -> u64 {
    number.saturating_mul(HEIGHT) / top.max(1)
}

fn grid(top: u64, words: impl Fn(u64) -> String) -> Vec<Label> {
    let at = |quarter: u64| top.saturating_mul(quarter) / 4;
    let is_whole = top >= 4 && top.is_multiple_of(4);
    let quarters: &[u64] = if is_whole { &[0, 1, 2, 3, 4] } else { &[0, 4] };
    quarters
        .iter()
        .map(|quarter| Label { x: LEFT - 8, y: BASE - scaled(at(*quarter), top), words: words(at(*quarter)) })
        .collect()
}

/// Disputes by week, each bar in its parts.
pub(super) fn weeks(weeks: &[(NaiveDate, Tally)], right: u64) -> Columns {
    let most = weeks.iter().map(|(_, tally)| tally.disputes()).max().unwrap_or_default();
    let top = round_up(most.max(4)).max(4);
    let number = u64::try_from(weeks.len()).unwrap_or(1).max(1);
    let slot = (right - LEFT) / number;
    let (width, every) = ((slot * 6 / 10).clamp(4, 38), number.div_ceil(12));
    let (mut bars, mut below) = (Vec::new(), Vec::new());
    for (at, (week, tally)) in (0_u64..).zip(weeks) {
        let x = LEFT + at * slot + (slot - width) / 2;
        let parts = [
            ("ok", "A", tally.accepted),
            ("part", "P", tally.partial),
            ("bad", "R", tally.rejected),
            ("rest", "W", tally.withdrawn),
            ("open", "?", tally.pending),
        ];
        let mut below_it = 0;
        for (class, letter, count) in parts.into_iter().filter(|(_, _, count)| *count > 0) {
            let bottom = BASE - scaled(below_it, top);
            below_it += count;
            let y = BASE - scaled(below_it, top);
            bars.push(Bar { class, letter, x, y, width, height: (bottom - y).saturating_sub(1) });
        }
        if at % every == 0 {
            below.push(Label { x: x + width / 2, y: 224, words: week.format("%-d %b").to_string() });
        }
    }
    Columns { bars, below, above: Vec::new(), grid: grid(top, |count| count.to_string()), right }
}

/// Credit by week, in one currency; `words` says an amount.
pub(super) fn credits(weeks: &[(NaiveDate, u64)], right: u64, words: impl Fn(u64) -> String) -> Columns {
    let most = weeks.iter().map(|(_, credit)| *credit).max().unwrap_or_default();
    let top = round_up(most.max(4)).max(4);
    let number = u64::try_from(weeks.len()).unwrap_or(1).max(1);
    let slot = (right - LEFT) / number;
    let (width, every) = ((slot * 6 / 10).clamp(3, 38), number.div_ceil(4));
    let (mut bars, mut below, mut above) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (week, credit)) in (0_u64..).zip(weeks) {
        let (x, height) = (LEFT + at * slot + (slot - width) / 2, scaled(*credit, top));
        bars.push(Bar { class: "acc", letter: "", x, y: BASE - height, width, height });
        if at % every == 0 {
            below.push(Label { x: x + width / 2, y: 224, words: week.format("%-d %b").to_string() });
        }
        if *credit == most && most > 0 && above.is_empty() {
            above.push(Label { x: x + width / 2, y: BASE - height - 6, words: words(*credit) });
        }
    }
    Columns { bars, below, above, grid: grid(top, |minor| whole(&words(minor))), right }
}

/// How long decisions took.
pub(super) fn times(times: &[(Took, u64, Option<String>)], right: u64) -> Columns {
    let top = round_up(times.iter().map(|(_, count, _)| *count).max().unwrap_or_default().max(4)).max(4);
    let slot = (right - LEFT) / u64::try_from(times.len()).unwrap_or(1).max(1);
    let (mut bars, mut below, mut above) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (took, count, _)) in (0_u64..).zip(times) {
        let (x, height) = (LEFT + at * slot + (slot - 64) / 2, scaled(*count, top));
        let class = if *took == Took::Longer { "open" } else { "acc" };
        bars.push(Bar { class, letter: "", x, y: BASE - height, width: 64, height });
        below.push(Label { x: x + 32, y: 224, words: took.label().to_owned() });
        above.push(Label { x: x + 32, y: BASE - height - 6, words: count.to_string() });
    }
    Columns { bars, below, above, grid: grid(top, |count| count.to_string()), right }
}

/// A bar that lies, with its words: how many, and how many of them were accepted in full or part.
pub(super) struct Lying {
    pub(super) words: String,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) accepted: u64,
    pub(super) number: String,
}

impl Lying {
    pub(super) fn text_y(&self) -> u64 {
        self.y + 11
    }

    pub(super) fn number_x(&self) -> u64 {
        214 + self.width + 8
    }
}

/// `51 \u{b7} 61.8 %`, and whether that stands on few decisions.
fn said(disputes: u64, line: &Line) -> String {
    match line.share() {
        share if share.is_empty() => disputes.to_string(),
        share if line.all.is_few() => format!("{disputes} \u{b7} {share} (few)"),
        share => format!("{disputes} \u{b7} {share}"),
    }
}

/// The first eight lines of a table as bars.
pub(super) fn lying(lines: &[Line]) -> Vec<Lying> {
    let most = lines.iter().map(|line| line.all.disputes()).max().unwrap_or(1).max(1);
    let cut = |name: &str| {
        if name.chars().count() <= 33 {
            name.to_owned()
        } else {
            name.chars().take(32).collect::<String>() + "\u{2026}"
        }
    };
    (0_u64..)
        .zip(lines.iter().take(8))
        .map(|(at, line)| {
            let (disputes, accepted) = (line.all.disputes(), line.all.accepted + line.all.partial);
            let width = (disputes * 230 / most).max(2);
            Lying {
                words: cut(&line.name),
                y: 8 + at * 30,
                width,
                accepted: width * accepted / disputes.max(1),
                number: said(disputes, line),
            }
        })
        .collect()
}
