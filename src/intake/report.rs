//! What an intake came to.

use std::collections::HashSet;

use crate::db::buyers::name_key;
use crate::db::call_store::{CreatedName, NameKind};

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: u64,
    pub new: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub failed: u64,
    pub ambiguous_times: u64,
}

impl Counts {
    /// Adds those of another batch or file.
    pub fn add(&mut self, other: Self) {
        let add = |own: &mut u64, other: u64| *own = own.saturating_add(other);
        add(&mut self.rows, other.rows);
        add(&mut self.new, other.new);
        add(&mut self.updated, other.updated);
        add(&mut self.unchanged, other.unchanged);
        add(&mut self.failed, other.failed);
        add(&mut self.ambiguous_times, other.ambiguous_times);
    }
}

/// Names that were created, or would be, each once: a dry run meets the same one in many batches.
#[derive(Debug, Default)]
pub struct CreatedNames {
    names: Vec<CreatedName>,
    known: HashSet<(NameKind, String)>,
}

impl CreatedNames {
    /// Keeps those that are new; gives them.
    pub fn add(&mut self, names: Vec<CreatedName>) -> &[CreatedName] {
        let before = self.names.len();
        for name in names {
            if self.known.insert((name.kind, name_key(&name.name))) {
                self.names.push(name);
            }
        }
        self.names.get(before..).unwrap_or_default()
    }

    /// All of them, in the order they came.
    #[must_use]
    pub fn all(&self) -> &[CreatedName] {
        &self.names
    }
}
