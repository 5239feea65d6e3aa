//! The demo's world keeps the rules of the domain, looks like a network at work, and is the same each time.

use std::collections::{HashMap, HashSet};

use chrono::{Duration, NaiveDateTime, Timelike as _};

use super::disputes::DemoDispute;
use super::files::EvidenceKind;
use super::world::World;
use super::{SEED, Scale, audio, files};

fn now() -> NaiveDateTime {
    "2026-11-20T15:43:00".parse().expect("an instant")
}

fn world() -> World {
    World::new(SEED, Scale::demo(), now())
}

fn count<T>(of: impl IntoIterator<Item = T>, wanted: impl Fn(&T) -> bool) -> usize {
    of.into_iter().filter(|one| wanted(one)).count()
}

#[test]
fn the_same_seed_and_instant_give_the_same_world() {
    let (one, two) = (world(), world());
    assert!(one.calls().eq(two.calls()));
    assert!(one.disputes().eq(two.disputes()));
    assert_eq!(one.users, two.users);
    let other = World::new(SEED + 1, Scale::demo(), now());
    assert!(!one.calls().eq(other.calls()));
}

#[test]
fn the_demo_is_as_large_as_promised() {
    let world = world();
    assert_eq!((world.buyers.len(), world.publishers.len(), world.campaigns.len()), (12, 8, 6));
    assert_eq!((world.calls().count(), world.disputes().count()), (5_000, 180));
    let ids: HashSet<_> = world.calls().map(|call| (call.source, call.external_id)).collect();
    assert_eq!(ids.len(), 5_000);
}

#[test]
fn calls_come_in_order_within_the_days_and_mostly_at_work() {
    let world = world();
    let starts: Vec<_> = world.calls().map(|call| call.started_at).collect();
    assert!(starts.is_sorted());
    assert!(starts[0] >= now() - Duration::days(30) && starts[4_999] < now());
    let at_work = count(&starts, |at| (14..24).contains(&at.hour()));
    assert!((3_800..4_700).contains(&at_work), "{at_work}");
}

#[test]
fn money_and_durations_fit_the_status() {
    let world = world();
    for call in world.calls() {
        let converted = call.status.ends_with("with_conversion");
        assert!(converted || call.payout.unwrap_or(0) == 0, "{call:?}");
        assert!(call.publisher_payout.unwrap_or(0) <= call.payout.unwrap_or(0), "{call:?}");
        let talked = call.connected_s.unwrap_or(0) > 0;
        assert!(!talked || call.status.starts_with("completed"), "{call:?}");
        assert!(call.connected_s <= call.duration_s && call.connected_s.is_some() == (call.status != "in_progress"));
        assert!(call.recording.is_none() || talked, "{call:?}");
        let ended_at = call.started_at + Duration::seconds(call.duration_s.unwrap_or(0).into());
        assert!(ended_at <= now() && call.created_at >= ended_at && call.created_at <= now(), "{call:?}");
        assert_eq!(call.currency, world.buyers[call.buyer].currency);
        assert!(world.buyers[call.buyer].orders.iter().any(|order| Some(order.campaign) == call.campaign));
        assert!(call.caller_id == "anonymous" || call.caller_id[5..].starts_with("555"), "{call:?}");
    }
}

#[test]
fn the_mix_of_calls_is_believable() {
    let world = world();
    let calls: Vec<_> = world.calls().collect();
    let share = |wanted: &dyn Fn(&super::calls::DemoCall<'_>) -> bool| count(&calls, |call| wanted(call)) / 50;
    assert!((55..=66).contains(&share(&|call| call.status.ends_with("with_conversion"))));
    assert!((68..=82).contains(&share(&|call| call.has_recording())));
    assert!((18..=35).contains(&share(&|call| call.buyer == 0)));
    assert!(count(&calls, |call| call.payout.is_none()) > 20);
    assert!(count(&calls, |call| call.status.ends_with("with_conversion") && call.payout == Some(0)) > 5);
    assert!(count(&calls, |call| call.caller_id.ends_with("XXXX")) > 100);
    assert!(count(&calls, |call| call.caller_id == "anonymous") > 50);
    assert!(count(&calls, |call| call.is_duplicate) > 60);
    assert!(count(&calls, |call| call.currency == "CAD") > 50);
    assert!(count(&calls, |call| call.publisher.is_none()) > 20);
    assert_eq!(count(&calls, |call| call.status == "in_progress"), 2);
}

#[test]
fn disputes_have_every_status_and_reason() {
    let world = world();
    let mut statuses: HashMap<&str, usize> = HashMap::new();
    let mut reasons: HashSet<&str> = HashSet::new();
    for dispute in world.disputes() {
        *statuses.entry(dispute.status).or_default() += 1;
        reasons.insert(dispute.reason);
    }
    for (status, wanted) in [
        ("draft", 4..=14),
        ("pending", 28..=48),
        ("accepted", 42..=68),
        ("accepted_partial", 16..=34),
        ("rejected", 36..=60),
        ("withdrawn", 6..=18),
    ] {
        assert!(wanted.contains(&statuses[status]), "{status} {}", statuses[status]);
    }
    assert!(reasons.len() >= 7, "{reasons:?}");
    let due = |days: std::ops::Range<i64>| {
        count(world.disputes(), |dispute| {
            let age = dispute.submitted_at.map_or(0, |at| (now() - at).num_hours());
            dispute.status == "pending" && (days.start * 24..days.end * 24).contains(&age)
        })
    };
    assert!(due(8..10) >= 1 && due(10..14) >= 1);
}

#[test]
fn each_dispute_could_have_been_sent_by_the_rules() {
    for scale in [Scale::demo(), Scale::of(6_000)] {
        let world = World::new(SEED, scale, now());
        let mut calls = HashSet::new();
        for dispute in world.disputes() {
            let call = world.call(dispute.call);
            assert!(calls.insert(dispute.call), "one dispute a call");
            assert_eq!(call.buyer, dispute.buyer);
            assert!(call.status.ends_with("with_conversion") && call.payout > Some(0), "{dispute:?} {call:?}");
            assert!(dispute.created_at > call.started_at && dispute.created_at < now());
            let closes_at = call.started_at + Duration::days(world.window_days(call.buyer).into());
            let author = &world.users[dispute.created_by];
            assert!(author.dispute_calls && author.buyer == Some(dispute.buyer));
            if let Some(original) = dispute.original_call {
                let original = world.call(original);
                assert!(original.started_at < call.started_at && original.payout > Some(0));
                assert_eq!((original.buyer, original.caller_id), (call.buyer, call.caller_id.clone()));
            }
            match dispute.submitted_at {
                None => assert!(dispute.status == "draft" && dispute.messages.is_empty() && dispute.decision.is_none()),
                Some(at) => {
                    assert!(at > dispute.created_at && at < closes_at && at < now(), "{dispute:?}");
                    assert!(!dispute.reason.is_empty());
                    ends_as_its_status_says(&world, &dispute, at);
                }
            }
            for file in &dispute.evidence {
                assert!(file.at > dispute.created_at && file.at < dispute.submitted_at.unwrap_or(now()), "{dispute:?}");
            }
        }
    }
}

fn ends_as_its_status_says(world: &World, dispute: &DemoDispute, submitted_at: NaiveDateTime) {
    let decided = matches!(dispute.status, "accepted" | "accepted_partial" | "rejected");
    assert_eq!(decided, dispute.decision.is_some());
    assert_eq!(dispute.status == "withdrawn", dispute.withdrawn_at.is_some());
    if let Some(decision) = &dispute.decision {
        let after = decision.decided_at - submitted_at;
        assert!(after >= Duration::days(1) && after <= Duration::days(6), "{dispute:?}");
        assert!(decision.decided_at < now() && !decision.note.is_empty());
        assert!(world.users[decision.decided_by].disputes_edit);
        let fits = match decision.verdict {
            "accepted" => decision.credit_percent == 100,
            "accepted_partial" => (1..100).contains(&decision.credit_percent),
            _ => decision.credit_percent == 0,
        };
        assert!(fits && decision.verdict == dispute.status);
    }
    assert!(dispute.messages.is_sorted_by_key(|message| message.at), "{dispute:?}");
    for message in &dispute.messages {
        assert!(
            message.at > submitted_at
                && message.at <= now()
                && message.at.and_utc().timestamp_subsec_nanos() % 1_000 == 0
        );
        assert_eq!(world.users[message.author].is_manager(), message.is_platform);
        assert!(message.is_platform || !message.is_internal);
    }
}

#[test]
fn texts_are_filled_in_and_differ() {
    let world = world();
    let (mut said, mut long) = (HashMap::<String, usize>::new(), 0);
    for dispute in world.disputes() {
        let names = dispute.evidence.iter().map(|file| &file.name);
        let facts = dispute.facts.iter().map(|(_, value)| value);
        let notes = dispute.decision.iter().map(|decision| &decision.note);
        let bodies = dispute.messages.iter().map(|message| &message.body);
        for text in names.chain(facts).chain(notes).chain(bodies).chain([&dispute.additional_information]) {
            assert!(!text.contains(['{', '}', '[', ']', '|', '\u{2014}']) && !text.contains("  "), "{text}");
        }
        // What a buyer reads never names a publisher.
        for message in dispute.messages.iter().filter(|message| !message.is_internal) {
            assert!(world.publishers.iter().all(|publisher| !message.body.contains(publisher.name)));
        }
        long += usize::from(dispute.messages.len() >= 2);
        if !dispute.additional_information.is_empty() {
            *said.entry(dispute.additional_information).or_default() += 1;
        }
    }
    assert!(said.len() > 150 && said.values().all(|&times| times <= 2), "{}", said.len());
    assert!(long > 70, "{long}");
}

#[test]
fn users_are_of_every_kind() {
    let world = world();
    let emails: HashSet<_> = world.users.iter().map(|user| user.email.as_str()).collect();
    assert_eq!(emails.len(), world.users.len());
    assert!(emails.iter().all(|email| email.ends_with(".example")));
    assert_eq!(count(&world.users, |user| user.is_disabled), 1);
    for kind in [[true, true, true, true], [true, false, false, false], [true, true, false, false]] {
        let held =
            |user: &super::people::DemoUser| [user.disputes_view, user.disputes_edit, user.calls_import, user.settings];
        assert!(world.users.iter().any(|user| user.is_manager() && held(user) == kind));
    }
    for buyer in 0..12 {
        let able = count(&world.users, |user| user.buyer == Some(buyer) && user.dispute_calls && !user.is_disabled);
        assert!((1..=2).contains(&able));
    }
    assert!(world.users.iter().any(|user| !user.is_manager() && !user.dispute_calls));
}

#[test]
fn a_large_network_has_many_buyers_of_unequal_size() {
    let world = World::new(SEED, Scale::of(1_000_000), now());
    assert_eq!((world.scale().calls, world.buyers.len()), (10_000_000, 5_000));
    let names: HashSet<_> = world.buyers.iter().map(|buyer| buyer.name.to_lowercase()).collect();
    assert_eq!(names.len(), 5_000);
    let largest = count(0..20_000_u64, |index| world.call(index * 500).buyer == 0);
    assert!((900..1_600).contains(&largest), "{largest}");
}

#[test]
fn recordings_are_complete_wav_files_with_talk_and_pauses() {
    let wav = audio::synthesize(7, 12);
    assert_eq!(wav, audio::synthesize(7, 12));
    assert_ne!(wav, audio::synthesize(8, 12));
    assert_eq!(wav.len(), 44 + 12 * 16_000);
    assert_eq!(infer::get(&wav).map(|kind| kind.mime_type()), Some("audio/x-wav"));
    let samples: Vec<f64> = wav[44..].as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair).into()).collect();
    // Loudness of each 20 ms: talk swings between loud and nearly nothing, a tone doesn't.
    let loudness: Vec<f64> = samples
        .chunks(160)
        .map(|part| (part.iter().map(|sample| sample * sample).sum::<f64>() / 160.0).sqrt())
        .collect();
    let quiet = count(&loudness, |&&level| level < 250.0);
    let loud = count(&loudness, |&&level| level > 2_000.0);
    assert!((60..420).contains(&quiet) && (120..500).contains(&loud), "{quiet} quiet, {loud} loud of 600");
    // Crossings of zero: vowels have few, hissing sounds many.
    let crossings = samples
        .chunks(160)
        .zip(&loudness)
        .filter(|(_, level)| **level > 400.0)
        .map(|(part, _)| count(part.windows(2), |pair| (pair[0] < 0.0) != (pair[1] < 0.0)));
    let crossings: Vec<usize> = crossings.collect();
    assert!(count(&crossings, |&&many| many < 30) > 30 && count(&crossings, |&&many| many > 60) > 15);
}

#[test]
fn a_call_gets_a_recording_no_longer_than_its_talk() {
    assert!(audio::CATALOGUE.is_sorted());
    for talked in 4..400 {
        for key in 0..8 {
            let seconds = audio::CATALOGUE[audio::fitting(talked, key)];
            assert!(seconds <= talked && (talked > 120 || seconds * 2 > talked), "{talked} {seconds}");
        }
    }
    assert_eq!(audio::CATALOGUE[audio::fitting(3, 1)], 4);
}

#[test]
fn evidence_files_are_what_their_names_say() {
    let world = world();
    let mut seen = HashMap::<String, usize>::new();
    for dispute in world.disputes() {
        for file in &dispute.evidence {
            let bytes = files::bytes(&world, &dispute, file);
            assert_eq!(bytes, files::bytes(&world, &dispute, file));
            let kind = infer::get(&bytes).map(|kind| kind.mime_type());
            let ending = file.name.rsplit('.').next().expect("an ending");
            match file.kind {
                EvidenceKind::Pdf | EvidenceKind::Picture => assert_eq!(kind, Some(file.kind.media_type())),
                EvidenceKind::Csv | EvidenceKind::Text => {
                    let text = String::from_utf8(bytes).expect("text");
                    assert!(kind.is_none() && !text.contains(['{', '}']) && text.len() > 200, "{text}");
                }
            }
            *seen.entry(ending.to_owned()).or_default() += 1;
        }
    }
    assert!(["pdf", "png", "csv", "txt"].iter().all(|ending| seen[*ending] > 10), "{seen:?}");
}
