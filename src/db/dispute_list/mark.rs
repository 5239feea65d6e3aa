//! The row that a page lies beside.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::DisputeLine;
use crate::domain::ids::{DisputeId, NotAnId};

/// A dispute, and the rank that its status had when the page beside it was shown: a decision about it moves it elsewhere,
/// and neither the page nor what comes after it along with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub(super) id: DisputeId,
    pub(super) rank: Option<i32>,
}

impl Mark {
    /// The row as it is shown.
    #[must_use]
    pub fn of(line: &DisputeLine) -> Self {
        Self { id: line.id, rank: Some(line.status.rank()) }
    }
}

impl From<DisputeId> for Mark {
    fn from(id: DisputeId) -> Self {
        Self { id, rank: None }
    }
}

/// The id, or the id and the rank: `0san86d869p54.0`.
impl FromStr for Mark {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (id, rank) = text.split_once('.').map_or((text, None), |(id, rank)| (id, Some(rank)));
        let rank = rank.map(|rank| rank.parse().map_err(|_not_a_rank| NotAnId)).transpose()?;
        Ok(Self { id: id.parse()?, rank })
    }
}

impl Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.id, out)?;
        self.rank.map_or(Ok(()), |rank| write!(out, ".{rank}"))
    }
}
