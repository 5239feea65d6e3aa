//! A waveform as SVG: colours are presentation attributes, which a page's own style sheet overrides.

use std::fmt::{self, Display};

use crate::waveform::Waveform;
use crate::web::filters::Duration;

/// Units of the picture; a bar stands every four of them.
const WIDTH: u64 = 760;
const HEIGHT: u64 = 128;

/// What stands where there is no picture.
pub(super) const NOT_DRAWN: &str =
    "The waveform of this recording can\u{2019}t be drawn. The player plays what the browser can.";

/// The same as a picture, for those who asked for one.
#[must_use]
pub(super) fn not_drawn() -> String {
    format!(
        r##"<svg class="wave" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{NOT_DRAWN}"><text x="0" y="70" font-family="sans-serif" font-size="16" fill="#7d868e">{NOT_DRAWN}</text></svg>"##
    )
}

/// A stretch of the recording that somebody marked, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MarkSpan {
    pub(super) from_s: u32,
    pub(super) to_s: u32,
}

/// A waveform with marks, written as SVG.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawing<'a> {
    pub(super) waveform: &'a Waveform,
    pub(super) marks: &'a [MarkSpan],
}

/// A length in tenths of a unit: `100.3`.
struct Tenths(u64);

impl Display for Tenths {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Drawing<'_> {
    /// Where a moment is; a mark beyond the end is at the end.
    fn x(&self, millis: u64) -> u64 {
        let millis = millis.min(self.waveform.millis);
        millis.saturating_mul(WIDTH * 10).checked_div(self.waveform.millis).unwrap_or_default()
    }

    fn rect(&self, out: &mut fmt::Formatter<'_>, what: &str, fill: &str, (from, to): (u64, u64)) -> fmt::Result {
        let (x, end) = (self.x(from), self.x(to));
        // A mark of a moment is seen too.
        let width = end.saturating_sub(x).max(10);
        write!(
            out,
            r#"<rect class="{what}" fill="{fill}" x="{}" y="0" width="{}" height="{HEIGHT}"/>"#,
            Tenths(x),
            Tenths(width)
        )
    }

    /// What somebody who can't see it is told.
    fn words(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |millis: u64| Duration(i64::try_from(millis / 1000).unwrap_or_default());
        write!(out, "Waveform, {}.", clock(self.waveform.millis.saturating_add(500)))?;
        for (number, (from, to)) in self.waveform.silences().into_iter().enumerate() {
            let said = if number == 0 { " Silence" } else { "," };
            write!(out, "{said} from {} to {}", clock(from), clock(to))?;
        }
        Ok(())
    }
}

impl Display for Drawing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            r#"<svg class="wave" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" data-millis="{}" aria-label=""#,
            self.waveform.millis
        )?;
        self.words(out)?;
        out.write_str(r#"">"#)?;
        for span in self.waveform.silences() {
            self.rect(out, "hush", "#8883", span)?;
        }
        for mark in self.marks {
            let span = (u64::from(mark.from_s) * 1000, u64::from(mark.to_s) * 1000);
            self.rect(out, "mark", "#7a5ac844", span)?;
            let (from, to) = (Tenths(self.x(span.0)), Tenths(self.x(span.1)));
            write!(out, r##"<path class="edge" stroke="#7a5ac8" d="M{from} 0v{HEIGHT}M{to} 0v{HEIGHT}"/>"##)?;
        }
        out.write_str(r##"<path class="bars" fill="none" stroke="#7d868e" stroke-width="2" d=""##)?;
        for (number, level) in (0_u64..).zip(&self.waveform.bars) {
            // Also silence has a bar, so that the line is seen to go on.
            let height = (u64::from(*level) * HEIGHT * 10 / 255).clamp(38, 1_200);
            let top = (HEIGHT * 10).saturating_sub(height) / 2;
            write!(out, "M{} {}v{}", number * 4 + 2, Tenths(top), Tenths(height))?;
        }
        out.write_str(r#""/></svg>"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_silences_are_where_they_are_heard() {
        let mut waveform = Waveform { millis: 20_000, bars: vec![200; 190] };
        waveform.bars[95..143].fill(3);
        let mark = |from_s, to_s| MarkSpan { from_s, to_s };
        let svg = Drawing { waveform: &waveform, marks: &[mark(5, 10), mark(19, 99), mark(7, 7)] }.to_string();
        for part in [
            r##"<rect class="mark" fill="#7a5ac844" x="190.0" y="0" width="190.0""##,
            r#"x="722.0" y="0" width="38.0""#,
            r#"x="266.0" y="0" width="1.0""#,
            r##"<rect class="hush" fill="#8883" x="380.0""##,
            "Waveform, 0:20. Silence from 0:10 to 0:15\"",
        ] {
            assert!(svg.contains(part), "{part}\n{svg}");
        }
    }
}
