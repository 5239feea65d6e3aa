//! The users of the demo: every kind of right, on both sides, and one who may no longer sign in.

use super::cast::DemoBuyer;
use super::names::{FIRST_NAMES, LAST_NAMES};
use super::{dice, pick};

/// A user of the demo; the fields are those of the users table.
#[expect(clippy::struct_excessive_bools, reason = "each is a permission of its own, as in the table")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoUser {
    pub email: String,
    pub name: String,
    /// None: a manager.
    pub buyer: Option<usize>,
    pub dispute_calls: bool,
    pub disputes_view: bool,
    pub disputes_edit: bool,
    pub calls_import: bool,
    pub settings: bool,
    pub is_disabled: bool,
    pub time_zone: &'static str,
}

impl DemoUser {
    /// Whether this is a manager of the platform.
    #[must_use]
    pub fn is_manager(&self) -> bool {
        self.buyer.is_none()
    }

    /// What the user may do, in the words of the settings page; for the sign-in table.
    #[must_use]
    pub fn rights(&self) -> String {
        let rights: Vec<&str> = [
            (self.is_disabled, "disabled"),
            (self.dispute_calls, "Dispute Calls"),
            (self.disputes_view && !self.disputes_edit, "Disputes View"),
            (self.disputes_edit, "Disputes View and Edit"),
            (self.calls_import, "Calls Import"),
            (self.settings, "Settings"),
        ]
        .into_iter()
        .filter_map(|(held, name)| held.then_some(name))
        .collect();
        if rights.is_empty() { "Call Log only".to_owned() } else { rights.join(", ") }
    }
}

/// Name, then View, Edit, Import, Settings.
const MANAGERS: &[(&str, [bool; 4])] = &[
    ("Idris Calloway", [true, true, true, true]),
    ("Petra Vance", [true, true, false, false]),
    ("Jonah Achter", [true, false, false, false]),
    ("Ottilie Marsh", [true, true, false, false]),
    ("Rafael Quince", [false, false, true, false]),
    ("Sunniva Hale", [false, false, false, true]),
];

/// Buyer by its place in the list, name, Dispute Calls, disabled.
const BUYERS: &[(usize, &str, bool, bool)] = &[
    (0, "Maren Tolliver", true, false),
    (0, "Silas Ferrow", false, false),
    (0, "Bettina Oakes", true, false),
    (1, "Tamsin Reyes", true, false),
    (2, "Odile Brandt", true, false),
    (2, "Cassius Webb", false, false),
    (3, "Noor Hadley", true, true),
    (3, "Greta Lindqvist", true, false),
    (4, "Eamon Stroud", true, false),
    (5, "Harriet Solano", true, false),
    (5, "Dev Marchbanks", false, false),
    (6, "Lucien Tremblay", true, false),
    (7, "Yolanda Pruitt", true, false),
    (8, "Anselm Ortega", true, false),
    (9, "Philippa Dunn", true, false),
    (10, "Corwin Blake", true, false),
    (10, "Mina Ostrander", false, false),
    (11, "Theo Lockridge", true, false),
];

pub(super) fn users(seed: u64, buyers: &[DemoBuyer]) -> Vec<DemoUser> {
    let managers = MANAGERS.iter().map(|&(name, [disputes_view, disputes_edit, calls_import, settings])| DemoUser {
        email: address(name, "quillmoor"),
        name: name.to_owned(),
        disputes_view,
        disputes_edit,
        calls_import,
        settings,
        time_zone: "America/New_York",
        ..DemoUser::default()
    });
    let known = BUYERS.iter().filter_map(|&(place, name, dispute_calls, is_disabled)| {
        let buyer = buyers.get(place)?;
        Some(DemoUser {
            email: address(name, &buyer.domain),
            name: name.to_owned(),
            buyer: Some(place),
            dispute_calls,
            is_disabled,
            time_zone: buyer.time_zone,
            ..DemoUser::default()
        })
    });
    let more = buyers.iter().enumerate().skip(12).map(|(place, buyer)| {
        let mut dice = dice(seed, 21, u64::try_from(place).unwrap_or_default());
        let name = format!("{} {}", pick(&mut dice, FIRST_NAMES), pick(&mut dice, LAST_NAMES));
        DemoUser {
            email: address(&name, &buyer.domain),
            name,
            buyer: Some(place),
            dispute_calls: true,
            time_zone: buyer.time_zone,
            ..DemoUser::default()
        }
    });
    managers.chain(known).chain(more).collect()
}

/// First name at a domain that can't exist.
fn address(name: &str, domain: &str) -> String {
    let first = name.split(' ').next().unwrap_or_default().to_lowercase();
    format!("{first}@{domain}.example")
}
