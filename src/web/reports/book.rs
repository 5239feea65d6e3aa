//! The disputes of a period, counted once by everything a report shows.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::period::{Span, monday};
use crate::db::reports::Counted;
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CampaignId, PublisherId, UserId};
use crate::domain::report::{Tally, Took};
use crate::web::list_query::words;

text_enum! {
    /// What figures are counted by.
    By {
        Week = "week", "Week";
        Buyer = "buyer", "Buyer";
        Reason = "reason", "Reason";
        Publisher = "publisher", "Publisher";
        Campaign = "campaign", "Campaign";
        Destination = "destination", "Destination";
        Manager = "manager", "Manager";
    }
}
words!(By);

/// A text that stands many times, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Text(usize);

/// What one line of a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Week(NaiveDate),
    Buyer(BuyerId),
    Reason(Text),
    Publisher(Option<PublisherId>),
    Campaign(Option<CampaignId>),
    Destination(Text),
    Manager(UserId),
}

impl Key {
    pub(super) fn by(&self) -> By {
        match self {
            Self::Week(_) => By::Week,
            Self::Buyer(_) => By::Buyer,
            Self::Reason(_) => By::Reason,
            Self::Publisher(_) => By::Publisher,
            Self::Campaign(_) => By::Campaign,
            Self::Destination(_) => By::Destination,
            Self::Manager(_) => By::Manager,
        }
    }
}

/// All that is counted.
#[derive(Debug, Default)]
pub(super) struct Book {
    texts: Vec<String>,
    numbers: HashMap<String, Text>,
    /// By line and currency.
    tallies: HashMap<(Key, Text), Tally>,
    /// All of it, by currency.
    totals: HashMap<Text, Tally>,
    pub(super) overdue: u64,
    /// How many decisions took so long.
    pub(super) times: HashMap<Took, u64>,
}

/// One line: its disputes all together, and by currency.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) key: Key,
    pub(super) all: Tally,
    pub(super) by_currency: Vec<(String, Tally)>,
}

impl Book {
    fn text(&mut self, text: &str) -> Text {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = Text(self.texts.len());
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(super) fn words(&self, text: Text) -> &str {
        self.texts.get(text.0).map_or("", String::as_str)
    }

    /// Counts one dispute.
    pub(super) fn count(&mut self, row: &Counted, span: &Span, now: Instant) {
        let seconds = row.seconds_to_decision.map(|seconds| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX));
        let (credit, clawback) = (row.credit.unwrap_or_default(), row.clawback.unwrap_or_default());
        let week = monday(row.listed_at.and_utc().with_timezone(&span.zone).date_naive());
        let (currency, reason, destination) =
            (self.text(&row.currency), self.text(&row.reason), self.text(&row.destination));
        let keys = [
            Some(Key::Week(week)),
            Some(Key::Buyer(row.buyer_id)),
            Some(Key::Reason(reason)),
            Some(Key::Publisher(row.publisher_id)),
            Some(Key::Campaign(row.campaign_id)),
            Some(Key::Destination(destination)),
            row.decided_by.map(Key::Manager),
        ];
        for key in keys.into_iter().flatten() {
            self.tallies.entry((key, currency)).or_default().add(row.status, credit, clawback, seconds);
        }
        self.totals.entry(currency).or_default().add(row.status, credit, clawback, seconds);
        if row.status == Status::Pending && row.due_at < now {
            self.overdue = self.overdue.saturating_add(1);
        }
        if let Some(seconds) = row.seconds_to_decision {
            let count = self.times.entry(Took::of(seconds)).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The lines of one kind: weeks in their order, all else by how many disputes there are.
    pub(super) fn groups(&self, by: By) -> Vec<Group> {
        let mut found: HashMap<Key, Group> = HashMap::new();
        for ((key, currency), tally) in self.tallies.iter().filter(|((key, _), _)| key.by() == by) {
            let empty = || Group { key: *key, all: Tally::default(), by_currency: Vec::new() };
            let group = found.entry(*key).or_insert_with(empty);
            group.all.join(tally);
            group.by_currency.push((self.words(*currency).to_owned(), tally.clone()));
        }
        let mut groups: Vec<Group> = found.into_values().collect();
        for group in &mut groups {
            group.by_currency.sort_by(|one, other| one.0.cmp(&other.0));
        }
        if by == By::Week {
            groups.sort_by_key(|group| group.key);
        } else {
            groups.sort_by_key(|group| (std::cmp::Reverse(group.all.disputes()), group.key));
        }
        groups
    }

    /// All of it: together, and by currency, the most frequent first.
    pub(super) fn total(&self) -> (Tally, Vec<(String, Tally)>) {
        let mut all = Tally::default();
        let mut by_currency: Vec<(String, Tally)> = Vec::new();
        for (currency, tally) in &self.totals {
            all.join(tally);
            by_currency.push((self.words(*currency).to_owned(), tally.clone()));
        }
        by_currency.sort_by(|one, other| other.1.disputes().cmp(&one.1.disputes()).then(one.0.cmp(&other.0)));
        (all, by_currency)
    }
}
