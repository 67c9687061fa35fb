//! What is known of the delays of some flights.

use std::fmt::{self, Debug};

use borsh::{BorshDeserialize, BorshSerialize};

use super::stream::Flight;
use crate::draw::mix;

/// The letters of a destination or carrier; wherever a key is shown, they read as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Code<const N: usize>(pub [u8; N]);

impl<const N: usize> Debug for Code<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Delays of some flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    /// Number of flights.
    pub count: u64,
    /// Sum of the delays in minutes.
    pub sum_minutes: i64,
    /// Largest delay in minutes; the smallest possible number if there are no flights.
    pub max_minutes: i32,
    /// Sum of a hash of the record numbers, modulo 2^64: tells exactly which flights were counted.
    pub fingerprint: u64,
}

impl Totals {
    /// Of no flights.
    pub(super) const NONE: Totals = Totals {
        count: 0,
        sum_minutes: 0,
        max_minutes: i32::MIN,
        fingerprint: 0,
    };

    #[inline]
    pub(super) fn add(&mut self, flight: &Flight) {
        self.count += 1;
        self.sum_minutes += i64::from(flight.delay_minutes);
        self.max_minutes = self.max_minutes.max(flight.delay_minutes);
        self.fingerprint = self.fingerprint.wrapping_add(mix(flight.record));
    }

    /// Takes in the totals of other flights.
    #[inline]
    pub(super) fn merge(&mut self, other: &Totals) {
        self.count += other.count;
        self.sum_minutes += other.sum_minutes;
        self.max_minutes = self.max_minutes.max(other.max_minutes);
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
    }

    /// Mean delay in minutes; `None` if there are no flights.
    pub fn mean_minutes(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_minutes as f64 / self.count as f64)
    }

    /// Count, sum, mean and maximum for people and other programs.
    pub(super) fn cells(&self) -> [String; 4] {
        let mean = self.mean_minutes();
        [
            self.count.to_string(),
            self.sum_minutes.to_string(),
            mean.map_or_else(String::new, |mean| mean.to_string()),
            self.max_minutes.to_string(),
        ]
    }
}
