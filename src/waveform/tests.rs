use std::io::Write as _;

use super::*;
use crate::demo::audio;

fn file(bytes: &[u8]) -> File {
    use std::io::Seek as _;
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file.rewind().expect("rewound");
    file
}

fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

/// A WAV file at 8 kHz: seconds of loud noise and of silence in turn.
fn wav(turns: &[(u32, i16)]) -> Vec<u8> {
    let silent = audio::synthesize(1, turns.iter().map(|(seconds, _)| seconds).sum());
    let mut bytes = silent[..44].to_vec();
    for (seconds, loud) in turns {
        for sample in 0..seconds * 8_000 {
            bytes.extend_from_slice(&(if sample % 2 == 0 { *loud } else { -*loud }).to_le_bytes());
        }
    }
    bytes
}

#[test]
fn loud_and_silent_stretches_are_where_they_are_heard() {
    let drawn = decode(file(&wav(&[(10, 20_000), (5, 0), (5, 10_000)])), soon()).expect("it is drawn");
    assert_eq!((drawn.millis, drawn.bars.len()), (20_000, BARS));
    assert_eq!((drawn.bars[0], drawn.bars[90], drawn.bars[120], drawn.bars[180]), (255, 255, 0, 127));
    let silences = drawn.silences();
    assert_eq!(silences.len(), 1, "{silences:?}");
    let (from, to) = silences[0];
    assert!((9_900..=10_200).contains(&from) && (14_800..=15_100).contains(&to), "{silences:?}");
}

#[test]
fn speech_of_any_length_has_as_many_bars() {
    for seconds in [1, 4, 90] {
        let drawn = decode(file(&audio::synthesize(7, seconds)), soon()).expect("it is drawn");
        assert_eq!((drawn.millis, drawn.bars.len()), (u64::from(seconds) * 1000, BARS));
        assert_eq!(drawn.bars.iter().max(), Some(&255));
    }
}

#[test]
fn a_silent_line_is_flat() {
    let drawn = decode(file(&wav(&[(4, 8)])), soon()).expect("it is drawn");
    assert!(drawn.bars.iter().all(|level| *level < QUIET), "{:?}", drawn.bars);
}

#[test]
fn what_is_no_audio_is_refused_and_what_takes_too_long_is_left() {
    for bytes in
        [&b""[..], b"ID3 ten bytes and a little more of the same", b"RIFF\xff\xff\xff\xffWAVEfmt ", &[0xff; 5000]]
    {
        let refused = decode(file(bytes), soon());
        assert!(matches!(refused, Err(Undrawn::Undecodable(_))), "{refused:?}");
    }
    let late = decode(file(&wav(&[(4, 9_000)])), Instant::now().checked_sub(Duration::from_secs(1)).expect("a moment"));
    assert!(matches!(late, Err(Undrawn::TooLong)), "{late:?}");
    // A file that broke off is drawn as far as it goes.
    let whole = wav(&[(4, 9_000)]);
    let cut = decode(file(&whole[..whole.len() / 2]), soon()).expect("it is drawn");
    assert!((1_900..=2_100).contains(&cut.millis), "{}", cut.millis);
}
