//! Which of their columns is which of our fields, for each platform, as tables.
//!
//! The trap the tables translate: what Ringba, Retreaver and others call "revenue" is our payout (the buyer pays),
//! and what they call "payout" is our publisher payout.

use std::fmt;

use serde::Deserialize;

/// A field of a call, as our own format names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    ExternalId,
    StartedAt,
    CallerId,
    Dialed,
    Destination,
    DestinationName,
    Buyer,
    Publisher,
    Campaign,
    Payout,
    PublisherPayout,
    DurationS,
    ConnectedS,
    HangupBy,
    HangupCause,
    Connected,
    Converted,
    Duplicate,
    RecordingUrl,
    Source,
    Currency,
    Status,
}

impl Field {
    /// The field's name, which is its column in our own format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::StartedAt => "started_at",
            Self::CallerId => "caller_id",
            Self::Dialed => "dialed",
            Self::Destination => "destination",
            Self::DestinationName => "destination_name",
            Self::Buyer => "buyer",
            Self::Publisher => "publisher",
            Self::Campaign => "campaign",
            Self::Payout => "payout",
            Self::PublisherPayout => "publisher_payout",
            Self::DurationS => "duration_s",
            Self::ConnectedS => "connected_s",
            Self::HangupBy => "hangup_by",
            Self::HangupCause => "hangup_cause",
            Self::Connected => "connected",
            Self::Converted => "converted",
            Self::Duplicate => "duplicate",
            Self::RecordingUrl => "recording_url",
            Self::Source => "source",
            Self::Currency => "currency",
            Self::Status => "status",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What a platform calls our fields; where it has several names for one, the first that is there counts.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    pub columns: &'static [(Field, &'static [&'static str])],
    /// The fields whose columns must all be there for a file to be taken for this platform's.
    signature: &'static [Field],
}

/// Every platform that is known, ours first.
pub const PRESETS: &[Preset] = &[FAIRDIAL, RINGBA, RETREAVER, TRACKDRIVE, CALLRAIL, TWILIO];

impl Preset {
    /// The preset of a name, as `--format` gives it.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name.eq_ignore_ascii_case(name.trim()))
    }

    /// The preset whose signature is among these headers or keys; the one with most columns where there are several.
    #[must_use]
    pub fn recognised<S: AsRef<str>>(names: &[S]) -> Option<&'static Self> {
        let keys: Vec<String> = names.iter().map(|name| key(name.as_ref())).collect();
        let has = |columns: &[&str]| columns.iter().any(|column| keys.contains(&key(column)));
        let fits = |preset: &&Self| preset.signature.iter().all(|field| has(preset.columns_of(*field)));
        let score = |preset: &&Self| preset.columns.iter().filter(|(_, columns)| has(columns)).count();
        // On a tie `max_by_key` would take the last; ours comes first, so go backwards.
        PRESETS.iter().rev().filter(fits).max_by_key(score)
    }

    fn columns_of(&self, field: Field) -> &'static [&'static str] {
        self.columns.iter().find(|(own, _)| *own == field).map_or(&[], |(_, columns)| columns)
    }
}

/// What a header or key is compared by: without case, spaces and byte-order mark.
#[must_use]
pub fn key(name: &str) -> String {
    name.chars().filter(|char| !char.is_whitespace() && *char != '\u{feff}').flat_map(char::to_lowercase).collect()
}

const FAIRDIAL: Preset = Preset {
    name: "fairdial",
    signature: &[Field::ExternalId, Field::StartedAt],
    columns: &[
        (Field::ExternalId, &["external_id"]),
        (Field::StartedAt, &["started_at"]),
        (Field::CallerId, &["caller_id"]),
        (Field::Dialed, &["dialed"]),
        (Field::Destination, &["destination"]),
        (Field::DestinationName, &["destination_name"]),
        (Field::Buyer, &["buyer"]),
        (Field::Publisher, &["publisher"]),
        (Field::Campaign, &["campaign"]),
        (Field::Payout, &["payout"]),
        (Field::PublisherPayout, &["publisher_payout"]),
        (Field::DurationS, &["duration_s"]),
        (Field::ConnectedS, &["connected_s"]),
        (Field::HangupBy, &["hangup_by"]),
        (Field::HangupCause, &["hangup_cause"]),
        (Field::Connected, &["connected"]),
        (Field::Converted, &["converted"]),
        (Field::Duplicate, &["duplicate"]),
        (Field::RecordingUrl, &["recording_url"]),
        (Field::Source, &["source"]),
        (Field::Currency, &["currency"]),
        (Field::Status, &["status"]),
    ],
};

/// The API's keys and the CSV's headers in one table: they don't collide.
const RINGBA: Preset = Preset {
    name: "ringba",
    signature: &[Field::ExternalId, Field::StartedAt],
    columns: &[
        (Field::ExternalId, &["inboundCallId", "Inbound Call ID"]),
        (Field::StartedAt, &["callDt", "Call Date"]),
        (Field::CallerId, &["inboundPhoneNumber", "Caller ID"]),
        (Field::Dialed, &["number", "Dialed #"]),
        (Field::Destination, &["targetNumber", "Target Number"]),
        (Field::DestinationName, &["targetName", "Target"]),
        (Field::Buyer, &["buyer"]),
        (Field::Publisher, &["publisherName", "Publisher"]),
        (Field::Campaign, &["campaignName", "Campaign"]),
        (Field::Payout, &["conversionAmount", "Revenue"]),
        (Field::PublisherPayout, &["payoutAmount", "Payout"]),
        (Field::DurationS, &["callLengthInSeconds", "Duration"]),
        (Field::ConnectedS, &["connectedCallLengthInSeconds", "Connected Call Length"]),
        (Field::HangupBy, &["endCallSource", "Hangup"]),
        (Field::Connected, &["hasConnected", "Connected"]),
        (Field::Converted, &["hasConverted", "Converted"]),
        (Field::Duplicate, &["isDuplicate", "Duplicate"]),
        (Field::RecordingUrl, &["recordingUrl", "Recording"]),
    ],
};

const RETREAVER: Preset = Preset {
    name: "retreaver",
    signature: &[Field::ExternalId, Field::StartedAt],
    columns: &[
        (Field::ExternalId, &["uuid"]),
        (Field::StartedAt, &["start_time"]),
        (Field::CallerId, &["caller"]),
        (Field::Dialed, &["number"]),
        (Field::Destination, &["dialed_number"]),
        (Field::DestinationName, &["target_name"]),
        (Field::Buyer, &["target_name"]),
        (Field::Publisher, &["affiliate_name"]),
        (Field::Campaign, &["campaign_name"]),
        (Field::Payout, &["revenue"]),
        (Field::PublisherPayout, &["payout"]),
        (Field::DurationS, &["total_duration"]),
        (Field::ConnectedS, &["dialed_call_duration"]),
        (Field::HangupBy, &["hung_up_by"]),
        (Field::Connected, &["connected"]),
        (Field::Converted, &["converted"]),
        (Field::Duplicate, &["duplicate"]),
        (Field::RecordingUrl, &["recording_url"]),
    ],
};

const TRACKDRIVE: Preset = Preset {
    name: "trackdrive",
    signature: &[Field::ExternalId, Field::StartedAt, Field::CallerId],
    columns: &[
        (Field::ExternalId, &["uuid"]),
        (Field::StartedAt, &["created_at"]),
        (Field::CallerId, &["caller_number"]),
        (Field::Dialed, &["number_called"]),
        (Field::Destination, &["connected_to"]),
        (Field::Buyer, &["buyer"]),
        (Field::Publisher, &["traffic_source"]),
        (Field::Campaign, &["offer"]),
        (Field::Payout, &["revenue"]),
        (Field::PublisherPayout, &["payout"]),
        (Field::DurationS, &["total_duration"]),
        (Field::ConnectedS, &["answered_duration"]),
        (Field::HangupBy, &["hangup_cause"]),
        (Field::Converted, &["buyer_converted"]),
        (Field::Duplicate, &["buyer_repeat_caller"]),
        (Field::RecordingUrl, &["recording_url"]),
    ],
};

const CALLRAIL: Preset = Preset {
    name: "callrail",
    signature: &[Field::ExternalId, Field::StartedAt, Field::CallerId],
    columns: &[
        (Field::ExternalId, &["id"]),
        (Field::StartedAt, &["start_time"]),
        (Field::CallerId, &["customer_phone_number"]),
        (Field::Dialed, &["tracking_phone_number"]),
        (Field::Destination, &["business_phone_number"]),
        (Field::Buyer, &["company_name"]),
        (Field::Publisher, &["source"]),
        (Field::Campaign, &["campaign"]),
        (Field::DurationS, &["duration"]),
        (Field::Connected, &["answered"]),
        (Field::RecordingUrl, &["recording"]),
    ],
};

const TWILIO: Preset = Preset {
    name: "twilio",
    signature: &[Field::ExternalId, Field::StartedAt, Field::CallerId],
    columns: &[
        (Field::ExternalId, &["sid", "CallSid"]),
        (Field::StartedAt, &["start_time", "Timestamp"]),
        (Field::CallerId, &["from"]),
        (Field::Dialed, &["to"]),
        (Field::DurationS, &["duration", "CallDuration"]),
        (Field::Status, &["status", "CallStatus"]),
        (Field::RecordingUrl, &["RecordingUrl"]),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn every_name(preset: &Preset) -> Vec<&'static str> {
        preset.columns.iter().filter_map(|(_, columns)| columns.first().copied()).collect()
    }

    #[test]
    fn each_platform_is_known_by_its_columns_in_any_order_case_and_spacing() {
        for preset in PRESETS {
            let mut names: Vec<String> =
                every_name(preset).iter().map(|name| format!(" {} ", name.to_uppercase())).collect();
            names.reverse();
            names.push("A column of no meaning".to_owned());
            assert_eq!(Preset::recognised(&names).map(|found| found.name), Some(preset.name));
            assert_eq!(Preset::named(preset.name).map(|found| found.name), Some(preset.name));
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let names = ["\u{feff}Call Date", "INBOUND CALL ID", "revenue"];
        assert_eq!(Preset::recognised(&names).map(|found| found.name), Some("ringba"));
    }

    #[test]
    fn other_columns_are_nobodys() {
        assert!(Preset::recognised(&["id", "name", "start_time"]).is_none());
        assert!(Preset::named("excel").is_none());
    }

    #[test]
    fn what_others_call_revenue_is_our_payout() {
        for name in ["ringba", "retreaver", "trackdrive"] {
            let preset = Preset::named(name).expect("a preset");
            assert!(preset.columns_of(Field::Payout).iter().any(|column| ["revenue", "Revenue"].contains(column)));
            assert!(preset.columns_of(Field::PublisherPayout).iter().any(|column| key(column) == "payout"));
        }
    }
}
