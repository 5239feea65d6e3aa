//! Names of invented companies and people, and area codes. Every company here is made up.

use super::cast::Vertical;

/// A buyer of the small demo as it is written down: the rest is derived.
pub(super) struct BuyerSeed {
    pub(super) name: &'static str,
    pub(super) domain: &'static str,
    pub(super) currency: &'static str,
    pub(super) window_days: Option<i32>,
    pub(super) time_zone: &'static str,
    pub(super) destinations: &'static [&'static str],
    pub(super) verticals: &'static [Vertical],
}

macro_rules! buyer {
    ($name:literal, $domain:literal, $currency:literal, $days:expr, $zone:literal, [$($place:literal),+], [$($vertical:ident),+]) => {
        BuyerSeed {
            name: $name, domain: $domain, currency: $currency, window_days: $days, time_zone: $zone,
            destinations: &[$($place),+], verticals: &[$(Vertical::$vertical),+],
        }
    };
}

pub(super) const BUYERS: &[BuyerSeed] = &[
    buyer!(
        "Lanternbrook Insurance",
        "lanternbrook",
        "USD",
        None,
        "America/New_York",
        ["Dallas intake", "Tampa intake", "Phoenix intake", "Overflow desk"],
        [Auto, Home, Renters]
    ),
    buyer!(
        "Pennyroyal Roofing",
        "pennyroyal",
        "USD",
        None,
        "America/Chicago",
        ["Austin crew", "Atlanta crew"],
        [Exterior]
    ),
    buyer!(
        "Harrowfield Legal",
        "harrowfield",
        "USD",
        Some(14),
        "America/New_York",
        ["Intake east", "Intake west"],
        [Injury]
    ),
    buyer!(
        "Copperleaf Home",
        "copperleaf",
        "USD",
        None,
        "America/Phoenix",
        ["Dispatch", "Dispatch after hours"],
        [Home, Renters]
    ),
    buyer!(
        "Saltmarsh Solar",
        "saltmarsh",
        "USD",
        Some(10),
        "America/Los_Angeles",
        ["Las Vegas desk", "Fresno desk"],
        [Exterior]
    ),
    buyer!(
        "Whitlock Mutual",
        "whitlockmutual",
        "USD",
        None,
        "America/Chicago",
        ["Fort Worth floor", "Licensed line"],
        [Auto, Home]
    ),
    buyer!(
        "Junipercrane Assurance",
        "junipercrane",
        "CAD",
        None,
        "America/Toronto",
        ["Toronto desk", "Calgary desk"],
        [Renters, Home]
    ),
    buyer!("Tidewater Auto Cover", "tidewatercover", "USD", Some(3), "America/New_York", ["Miami floor"], [Auto]),
    buyer!(
        "Bramblegate Injury Law",
        "bramblegate",
        "USD",
        Some(21),
        "America/Denver",
        ["Screening", "Spanish line"],
        [Injury]
    ),
    buyer!("Larkspur Renters Club", "larkspurclub", "USD", None, "America/New_York", ["Member line"], [Renters]),
    buyer!(
        "Ironvale Exteriors",
        "ironvale",
        "USD",
        None,
        "America/Chicago",
        ["Plano office", "Storm desk"],
        [Exterior]
    ),
    buyer!(
        "Fennimore Underwriting",
        "fennimore",
        "USD",
        None,
        "America/Chicago",
        ["Desk one", "Desk two"],
        [Auto, Renters]
    ),
];

/// Words a larger network makes its buyers' names of.
pub(super) const FRONTS: &[&str] = &[
    "Alder", "Amber", "Ash", "Barrow", "Beacon", "Birch", "Bracken", "Briar", "Cedar", "Chalk", "Clover", "Cobble",
    "Coral", "Dapple", "Drift", "Elm", "Ember", "Fallow", "Fern", "Flint", "Gable", "Glen", "Granite", "Hazel",
    "Heather", "Hollow", "Iris", "Kestrel", "Larch", "Linden", "Maple", "Marl", "Meadow", "Mill", "Moss", "Nettle",
    "Oat", "Orchard", "Otter", "Pebble", "Pine", "Plover", "Quarry", "Reed", "Rowan", "Rush", "Sable", "Sage", "Sedge",
    "Sorrel", "Tansy", "Teal", "Thistle", "Thorn", "Umber", "Vale", "Wicker", "Willow", "Wren", "Yarrow",
];
pub(super) const BACKS: &[&str] = &[
    "bank", "bridge", "combe", "croft", "field", "ford", "gate", "holt", "march", "mere", "ridge", "stead", "ton",
    "well", "wick",
];
pub(super) const TRADES: &[(&str, Vertical)] = &[
    ("Insurance", Vertical::Auto),
    ("Legal", Vertical::Injury),
    ("Roofing", Vertical::Exterior),
    ("Home Cover", Vertical::Home),
    ("Renters", Vertical::Renters),
    ("Mutual", Vertical::Auto),
];
pub(super) const DESKS: &[&str] =
    &["Main desk", "Intake", "Overflow desk", "Licensed line", "Evening desk", "Screening"];

pub(super) const PUBLISHERS: &[(&str, u32)] = &[
    ("Dunmarrow Leads", 63),
    ("Brightwick Media", 60),
    ("Halden Pike Marketing", 65),
    ("Ninefold Response", 58),
    ("Cartwheel Search", 62),
    ("Oxbow Audience", 66),
    ("Third Lantern Digital", 57),
    ("Merrow and Vane", 61),
];

/// Name, vertical, payout in minor units, state where it is bound to one.
pub(super) const CAMPAIGNS: &[(&str, Vertical, i64, Option<&str>)] = &[
    ("Auto TX", Vertical::Auto, 4_200, Some("Texas")),
    ("Auto FL", Vertical::Auto, 3_850, Some("Florida")),
    ("Home AZ", Vertical::Home, 3_100, Some("Arizona")),
    ("Renters US", Vertical::Renters, 2_400, None),
    ("Injury US", Vertical::Injury, 14_500, None),
    ("Roof and Solar US", Vertical::Exterior, 6_800, None),
];

pub(super) const TEXAS: &[u16] = &[
    210, 214, 254, 281, 325, 346, 361, 409, 430, 432, 469, 512, 682, 713, 737, 806, 817, 830, 832, 903, 915, 936, 940,
    956, 972, 979,
];
pub(super) const FLORIDA: &[u16] =
    &[239, 305, 321, 352, 386, 407, 561, 727, 754, 772, 786, 813, 850, 863, 904, 941, 954];
pub(super) const ARIZONA: &[u16] = &[480, 520, 602, 623, 928];
pub(super) const ELSEWHERE: &[u16] = &[
    201, 202, 203, 205, 206, 207, 208, 209, 212, 213, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 240, 248,
    251, 252, 253, 256, 260, 262, 267, 269, 270, 301, 302, 303, 304, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317,
    318, 319, 320, 323, 330, 331, 334, 336, 337, 339, 347, 351, 360, 385, 401, 402, 404, 405, 406, 408, 410, 412, 413,
    414, 415, 417, 419, 423, 424, 425, 434, 435, 440, 443, 470, 478, 479, 501, 502, 503, 504, 505, 507, 508, 509, 510,
    513, 515, 516, 517, 518, 530, 540, 541, 551, 559, 563, 570, 571, 573, 574, 575, 580, 585, 586, 601, 603, 605, 606,
    608, 609, 610, 612, 614, 615, 616, 617, 618, 619, 620, 626, 630, 631, 636, 641, 646, 650, 651, 657, 660, 661, 662,
    678, 701, 702, 703, 704, 706, 707, 708, 712, 714, 715, 716, 717, 718, 719, 720, 724, 725, 731, 732, 734, 740, 747,
    757, 760, 762, 763, 765, 770, 773, 774, 775, 781, 785, 801, 802, 803, 804, 805, 808, 810, 812, 814, 815, 816, 818,
    828, 831, 843, 845, 847, 848, 856, 857, 858, 859, 860, 864, 865, 870, 901, 906, 907, 908, 909, 910, 912, 913, 914,
    916, 918, 919, 920, 925, 931, 937, 947, 949, 951, 952, 970, 971, 973, 978, 980, 985, 989,
];

/// First names of people who pick up the phone or dial: texts and files mention them.
pub(super) const FIRST_NAMES: &[&str] = &[
    "Alma", "Anton", "Bea", "Callum", "Carla", "Dario", "Delia", "Edie", "Emil", "Farah", "Gwen", "Hal", "Imani",
    "Ines", "Jasper", "Kiran", "Lena", "Luis", "Mabel", "Marcus", "Nadia", "Nils", "Opal", "Priya", "Quentin", "Rosa",
    "Sami", "Selma", "Tariq", "Thea", "Ugo", "Vera", "Wes", "Yusuf", "Zora",
];
pub(super) const LAST_NAMES: &[&str] = &[
    "Abbott",
    "Achterberg",
    "Bellamy",
    "Birdsong",
    "Castellan",
    "Crane",
    "Dovetail",
    "Ellery",
    "Fairbairn",
    "Garland",
    "Hollis",
    "Ingram",
    "Jessop",
    "Kessler",
    "Lovell",
    "Marchetti",
    "Norling",
    "Okafor",
    "Pemberton",
    "Quill",
    "Ransome",
    "Sandoval",
    "Tennant",
    "Underhill",
    "Varga",
    "Whitcombe",
    "Yarwood",
    "Zielinski",
];
