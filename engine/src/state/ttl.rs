//! Time to live: entries that nobody has touched for long enough are gone.
//!
//! Time is processing time, as in Flink. An entry is never returned once it has expired, whether or
//! not its memory has been freed by then.

use std::time::Duration;

/// How long an entry of a state lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// Time from the last refresh to expiry; counted in whole milliseconds.
    pub after: Duration,
    /// What counts as a refresh.
    pub refresh: TtlRefresh,
}

/// What starts the life of an entry anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TtlRefresh {
    /// Writing it.
    #[default]
    OnWrite,
    /// Reading it, too.
    OnReadAndWrite,
}

impl Ttl {
    /// Whether an entry refreshed at `refreshed_ms` has expired at `now_ms`.
    pub(crate) fn is_over(&self, refreshed_ms: u64, now_ms: u64) -> bool {
        self.over_ms(refreshed_ms) <= now_ms
    }

    /// When an entry refreshed at `refreshed_ms` expires.
    pub(crate) fn over_ms(&self, refreshed_ms: u64) -> u64 {
        refreshed_ms.saturating_add(self.after_ms())
    }

    pub(crate) fn after_ms(&self) -> u64 {
        u64::try_from(self.after.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Bytes before an encoded value that say when it was refreshed.
pub(crate) const STAMP: usize = size_of::<u64>();

/// The time stamp before a value in milliseconds, and the value.
pub(crate) fn unstamped(stored: &[u8]) -> (u64, &[u8]) {
    match stored.split_first_chunk::<STAMP>() {
        Some((stamp, value)) => (u64::from_le_bytes(*stamp), value),
        None => (0, stored),
    }
}

/// Whether a stamped value has expired.
pub(crate) fn expired(stored: &[u8], ttl: &Ttl, now_ms: u64) -> bool {
    ttl.is_over(unstamped(stored).0, now_ms)
}

/// The value in what is stored, which is stamped if it has a time to live; `None` if that is over.
pub(crate) fn living<'a>(stored: &'a [u8], ttl: Option<&Ttl>, now_ms: u64) -> Option<&'a [u8]> {
    let Some(ttl) = ttl else {
        return Some(stored);
    };
    let (refreshed_ms, value) = unstamped(stored);
    (!ttl.is_over(refreshed_ms, now_ms)).then_some(value)
}
