//! Ids that a file has more than once. Found before any row goes in, so that no row of a contradiction does.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::ControlFlow;

use super::Input;
use crate::import::{CallRecord, ImportError, Options, read_calls};

/// How many rows are held at once, at 16 bytes each. A larger file is read once for each part of its ids.
const ROWS_AT_ONCE: u64 = 4_000_000;

/// The fewest bytes a row has in any format; fewer only cost memory.
const BYTES_OF_A_ROW: u64 = 100;

/// What an earlier look through the file found.
#[derive(Debug)]
pub struct Repeats {
    hasher: RandomState,
    contradicting: HashSet<u64>,
    /// Ids of equal rows; those that were met are taken out, so that the first counts.
    same: HashSet<u64>,
    met: HashSet<u64>,
}

/// Whether a row is the only one of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Only,
    /// The same row stood in the file before.
    Repeat,
    /// Another row of the file says otherwise of the same call.
    Contradiction,
}

impl Repeats {
    /// Looks through a whole file. What stops the file stops it here, before anything is stored.
    ///
    /// # Errors
    /// What stops the file.
    pub fn of(input: &mut Input, options: &Options, mut each: impl FnMut(u64)) -> Result<Self, ImportError> {
        let mut repeats = Self {
            hasher: RandomState::new(),
            contradicting: HashSet::new(),
            same: HashSet::new(),
            met: HashSet::new(),
        };
        let parts = (input.size / BYTES_OF_A_ROW / ROWS_AT_ONCE).saturating_add(1);
        for part in 0..parts {
            let mut rows: Vec<(u64, u64)> = Vec::new();
            let (bytes, read) = input.read_anew()?;
            read_calls(bytes, options, |row| {
                if let Ok(record) = &row.result {
                    let id = repeats.id(record);
                    if id.checked_rem(parts) == Some(part) {
                        rows.push((id, repeats.content(record)));
                    }
                }
                each(read.get());
                ControlFlow::Continue(())
            })?;
            rows.sort_unstable();
            repeats.take_up(&rows);
        }
        Ok(repeats)
    }

    fn take_up(&mut self, sorted: &[(u64, u64)]) {
        for pair in sorted.array_windows() {
            let [(id, content), (next_id, next_content)] = pair;
            if id == next_id {
                let set = if content == next_content { &mut self.same } else { &mut self.contradicting };
                set.insert(*id);
            }
        }
    }

    /// How a row stands to the others of its file; each row is asked about once, in their order.
    pub(super) fn standing(&mut self, record: &CallRecord) -> Standing {
        if self.contradicting.is_empty() && self.same.is_empty() {
            return Standing::Only;
        }
        let id = self.id(record);
        if self.contradicting.contains(&id) {
            Standing::Contradiction
        } else if self.same.contains(&id) && !self.met.insert(id) {
            Standing::Repeat
        } else {
            Standing::Only
        }
    }

    fn id(&self, record: &CallRecord) -> u64 {
        self.hasher.hash_one((&record.source, &record.external_id))
    }

    fn content(&self, record: &CallRecord) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        record.hash_call(&mut hasher);
        hasher.finish()
    }
}
