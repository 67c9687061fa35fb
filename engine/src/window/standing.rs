//! What cores hold in a checkpoint, and how one core goes on for several.
//!
//! Subtasks may stand at different watermarks when a checkpoint overtakes what is in flight between
//! them. A core that goes on for several of them stands at the lowest of these watermarks. What another
//! held stays apart, as a *standing* at a watermark of its own, until the core has come there too: then
//! both have fired and forgotten the same, and what they hold becomes one. So nothing fires twice, no
//! element is judged by a watermark that it had not met, and what cores do for each element knows
//! nothing of restores.
//!
//! This takes for granted that elements come after a restore in the order of the watermarks that they
//! met: none comes for a key of a standing before the core has come there. Should one come all the same,
//! the core goes there first, so that a key is never held twice.
//!
//! Counters are not kept: they begin anew.

use std::io;

use crate::data::{Decode, encode};
use crate::event_time::NO_WATERMARK_MS;

/// Tells whether elements of an encoded key reach this subtask.
pub type OwnsKey<'a> = &'a dyn Fn(&[u8]) -> bool;

/// What windows held in a checkpoint cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum WindowStateError {
    /// It cannot be read.
    #[error("the windows in the checkpoint cannot be read: {0}")]
    Damaged(#[from] io::Error),
    /// It is of windows that lie otherwise.
    #[error("the checkpoint holds windows of another size, slide or offset")]
    OtherWindows,
}

/// What a core holds by key, in a form that can be saved.
pub(crate) trait Held<K>: Sized {
    fn is_empty(&self) -> bool;

    fn holds(&self, key: &K) -> bool;

    fn save(&self, bytes: &mut Vec<u8>);

    /// Reads what [`save`](Self::save) wrote, keeps the keys that are owned.
    fn load(from: &mut &[u8], owns: OwnsKey<'_>) -> io::Result<Self>;
}

/// What was held when the watermark stood where it says.
pub(crate) struct Standing<H> {
    pub(crate) watermark_ms: i64,
    pub(crate) held: H,
}

/// Standings at watermarks that the core has not reached.
pub(crate) struct Later<H> {
    /// The next one last.
    standings: Vec<Standing<H>>,
}

impl<H> Later<H> {
    pub(crate) fn none() -> Self {
        Later {
            standings: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.standings.is_empty()
    }

    /// The watermark of the next one; the end of time if there is none.
    pub(crate) fn next_ms(&self) -> i64 {
        let next = self.standings.last();
        next.map_or(i64::MAX, |standing| standing.watermark_ms)
    }

    /// Takes the next one out, if the watermark has come to it. It is to be taken over when the core
    /// stands at its watermark and has done everything that this one asks for: what is planned in the
    /// standing for times that have passed is due at the next watermark.
    pub(crate) fn take_reached(&mut self, watermark_ms: i64) -> Option<Standing<H>> {
        let reached = |next: &mut Standing<H>| next.watermark_ms <= watermark_ms;
        self.standings.pop_if(reached)
    }

    /// The watermark of the standing that a key belongs to.
    #[cold]
    pub(crate) fn watermark_of<K>(&self, key: &K) -> Option<i64>
    where
        H: Held<K>,
    {
        let of = self.standings.iter().find(|s| s.held.holds(key));
        of.map(|standing| standing.watermark_ms)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = &H> {
        self.standings.iter().map(|standing| &standing.held)
    }

    /// Saves what the core itself holds at `watermark_ms`, and these.
    pub(crate) fn save_behind<K>(&self, watermark_ms: i64, held: &H, bytes: &mut Vec<u8>)
    where
        H: Held<K>,
    {
        encode(&(self.standings.len() as u64 + 1), bytes);
        encode(&watermark_ms, bytes);
        held.save(bytes);
        for standing in &self.standings {
            encode(&standing.watermark_ms, bytes);
            standing.held.save(bytes);
        }
    }

    /// Reads what [`save_behind`](Self::save_behind) wrote in several cores; gives the lowest watermark
    /// as well.
    pub(crate) fn load<K>(
        parts: &[&[u8]],
        owns: OwnsKey<'_>,
    ) -> Result<(i64, Self), WindowStateError>
    where
        H: Held<K>,
    {
        let mut lowest_ms = None;
        let mut standings = Vec::new();
        for mut from in parts.iter().copied() {
            for _ in 0..u64::deserialize(&mut from)? {
                let watermark_ms = i64::deserialize(&mut from)?;
                lowest_ms = Some(lowest_ms.unwrap_or(i64::MAX).min(watermark_ms));
                let held = H::load(&mut from, owns)?;
                if !held.is_empty() {
                    standings.push(Standing { watermark_ms, held });
                }
            }
            if !from.is_empty() {
                return Err(damaged("there is more of them than they say").into());
            }
        }
        standings.sort_by_key(|standing| std::cmp::Reverse(standing.watermark_ms));
        Ok((lowest_ms.unwrap_or(NO_WATERMARK_MS), Later { standings }))
    }
}

/// Reads a key, and tells whether it is owned.
pub(crate) fn load_key<K: Decode>(from: &mut &[u8], owns: OwnsKey<'_>) -> io::Result<(K, bool)> {
    let before = *from;
    let key = K::deserialize(from)?;
    let encoded = &before[..before.len() - from.len()];
    Ok((key, owns(encoded)))
}

pub(crate) fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
