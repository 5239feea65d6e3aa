//! A recording as a page plays it: the audio, its picture, and the marks in both.

use std::fmt::Write as _;

use crate::domain::fact::RecordingMark;
use crate::domain::ids::CallId;
use crate::web::filters::Duration;
use crate::web::paths;

/// What `partials/calls/player.html` needs.
#[derive(Clone, Debug)]
pub struct Player {
    pub recording: String,
    /// The waveform's address, with the marks.
    pub picture: String,
    pub marks: Vec<Mark>,
}

/// A point in the recording that somebody marked.
#[derive(Clone, Debug)]
pub struct Mark {
    pub from: Duration,
    pub to: Duration,
    pub seconds: u32,
    pub label: String,
}

impl Player {
    /// The player of a call's recording.
    #[must_use]
    pub fn new(call: CallId, marks: Vec<RecordingMark>) -> Self {
        let mut picture = paths::waveform(call);
        for (number, mark) in marks.iter().enumerate() {
            let sign = if number == 0 { '?' } else { '&' };
            // Writing to a text can't fail.
            write!(picture, "{sign}mark={}-{}", mark.from_s, mark.to_s).unwrap_or_default();
        }
        let mark = |mark: RecordingMark| Mark {
            from: Duration(i64::from(mark.from_s)),
            to: Duration(i64::from(mark.to_s)),
            seconds: mark.from_s,
            label: mark.label,
        };
        Self { recording: paths::recording(call), picture, marks: marks.into_iter().map(mark).collect() }
    }
}
