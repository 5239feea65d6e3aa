//! Pages by keyset: a page is named by the row it follows or precedes, so the thousandth costs what the first does.

/// The most rows that are counted or looked through for an unusual combination of filters.
pub const CAP: i64 = 10_000;

/// Which page of a list: the first, or the one beside a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place<Id> {
    #[default]
    First,
    After(Id),
    Before(Id),
}

impl<Id: Copy> Place<Id> {
    /// The row the page lies beside.
    #[must_use]
    pub fn row(&self) -> Option<Id> {
        match *self {
            Self::First => None,
            Self::After(id) | Self::Before(id) => Some(id),
        }
    }

    /// Whether the page is read backwards from its row.
    #[must_use]
    pub fn is_backwards(&self) -> bool {
        matches!(self, Self::Before(_))
    }
}

/// A column to sort by, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<Key> {
    pub key: Key,
    pub is_descending: bool,
}

/// One page of rows, and whether there are others before and after it.
#[derive(Clone, Debug)]
pub struct Listed<Row> {
    pub rows: Vec<Row>,
    pub has_earlier: bool,
    pub has_later: bool,
    /// Whether only the first [`CAP`] candidates were looked through.
    pub is_capped: bool,
}

impl<Row> Listed<Row> {
    /// Cuts the one row off that was read beyond the page, and puts a page read backwards the right way round.
    #[must_use]
    pub fn cut<Id: Copy>(mut rows: Vec<Row>, per_page: usize, place: &Place<Id>, is_capped: bool) -> Self {
        let has_more = rows.len() > per_page;
        rows.truncate(per_page);
        let (has_earlier, has_later) = match place {
            Place::First => (false, has_more),
            Place::After(_) => (true, has_more),
            Place::Before(_) => (has_more, true),
        };
        if place.is_backwards() {
            rows.reverse();
        }
        Self { rows, has_earlier, has_later, is_capped }
    }
}

/// How many rows match: exact, or exact up to [`CAP`] and then "more than that".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    shown: i64,
    is_more: bool,
}

impl Count {
    /// All of them, however many.
    #[must_use]
    pub fn exact(counted: i64) -> Self {
        Self { shown: counted, is_more: false }
    }

    /// A count that stopped one past the cap.
    #[must_use]
    pub fn up_to_cap(counted: i64) -> Self {
        Self { shown: counted.min(CAP), is_more: counted > CAP }
    }

    /// The number to show.
    #[must_use]
    pub fn shown(self) -> i64 {
        self.shown
    }

    /// Whether there are more than are shown.
    #[must_use]
    pub fn is_more(self) -> bool {
        self.is_more
    }
}
