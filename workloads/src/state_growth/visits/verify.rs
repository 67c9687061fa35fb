//! Were the first visits right? The oracle of `unique-visitor`: every split's records, one after another.
//!
//! Without a time to live every row is known. With one, a day is forgotten after a while, and the next visit of that
//! day makes a row again; when, depends on when records were processed. Then each bucket has at least the rows of the
//! days as they were and at most one for each visit, and of some of the devices every visit is checked: one that is
//! the earliest so far has a row, and any other has one only if the day was last written at least the time to live
//! before. Whether an old day was remembered for too long is not checked: the visits that made no row do not say when
//! they were processed. That of `profiles` do.

use rustc_hash::FxHashMap;

use super::super::buckets::{Bucket, Buckets};
use super::super::event::VisitEvents;
use super::super::outcome::{Outcome, is_witness};
use super::super::spec::TtlSpec;
use super::{Calendar, FirstVisit};
use crate::jobs::Wiring;
use crate::stamped::StampedRecord;
use crate::verify::{Correctness, Left, Mode, Results, Verifier};

pub(in super::super) struct VisitVerifier {
    wiring: Wiring<VisitEvents>,
    calendar: Calendar,
    ttl: Option<TtlSpec>,
    left: Left<Outcome<FirstVisit>>,
}

/// Rows that there should be, and the most that there may be with a time to live.
#[derive(Default)]
struct Expected {
    rows: Buckets,
    /// Every visit as if it had one.
    visits: Buckets,
}

impl VisitVerifier {
    pub(in super::super) fn new(
        wiring: Wiring<VisitEvents>,
        calendar: Calendar,
        ttl: Option<TtlSpec>,
        left: Left<Outcome<FirstVisit>>,
    ) -> VisitVerifier {
        VisitVerifier {
            wiring,
            calendar,
            ttl,
            left,
        }
    }

    /// The visits of a split in its order.
    fn visits(&self, split: u32, admitted: u64) -> impl Iterator<Item = StampedRecord> + '_ {
        let admitted = self.wiring.admitted_of(split, admitted);
        admitted.map(|(id, intended_ns)| self.wiring.events().record(id, intended_ns))
    }

    /// The first visit that a device has before any record.
    fn preloaded(&self, device: u32, day: u32) -> Option<i64> {
        let is_preloaded = day == 0 && device < self.wiring.events().population().preloaded();
        is_preloaded.then(|| self.calendar.yesterday_ms())
    }

    fn expected(&self, admitted_per_split: &[u64]) -> Expected {
        let mut expected = Expected::default();
        for (&admitted, split) in admitted_per_split.iter().zip(0u32..) {
            let mut first: FxHashMap<(u32, u32), i64> = FxHashMap::default();
            for visit in self.visits(split, admitted) {
                let (device, at_ms) = (visit.record.key, visit.event_time_ms);
                let day = self.calendar.day(at_ms);
                let found = Some(FirstVisit::found(day, at_ms));
                expected.visits.answer(device, visit.record.id, found);
                let before = first.get(&(device, day)).copied();
                let before = before.or_else(|| self.preloaded(device, day));
                if before.is_none_or(|before| at_ms < before) {
                    first.insert((device, day), at_ms);
                    expected.rows.answer(device, visit.record.id, found);
                }
            }
        }
        expected
    }

    /// Visits of witnessed devices whose having a row or not cannot be right.
    fn wrong_histories(
        &self,
        ttl: &TtlSpec,
        admitted_per_split: &[u64],
        rows: &[FirstVisit],
    ) -> u64 {
        let mut rows: FxHashMap<u64, &FirstVisit> = rows.iter().map(|row| (row.id, row)).collect();
        let mut wrong = 0;
        for (&admitted, split) in admitted_per_split.iter().zip(0u32..) {
            let mut days: FxHashMap<(u32, u32), Remembered> = FxHashMap::default();
            for visit in self.visits(split, admitted) {
                let (device, at_ms) = (visit.record.key, visit.event_time_ms);
                if !is_witness(device) {
                    continue;
                }
                let day = self.calendar.day(at_ms);
                let row = rows.remove(&visit.record.id);
                let preloaded = || {
                    let at_ms = self.preloaded(device, day)?;
                    Some(Remembered {
                        at_ms,
                        written_ms: 0,
                    })
                };
                let before = days.get(&(device, day)).copied().or_else(preloaded);
                let seen = before.filter(|before| before.at_ms <= at_ms);
                let is_right = match (row, seen) {
                    (None, seen) => seen.is_some(),
                    (Some(row), None) => row.at_ms == at_ms,
                    (Some(row), Some(seen)) => row.at_ms == at_ms && seen.may_be_over(ttl, row),
                };
                wrong += u64::from(!is_right);
                if let Some(row) = row {
                    let written_ms = u64::from(row.now_ms);
                    days.insert((device, day), Remembered { at_ms, written_ms });
                }
            }
        }
        wrong + rows.len() as u64
    }
}

/// What the state has of a day.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    at_ms: i64,
    /// Job time.
    written_ms: u64,
}

impl Remembered {
    fn may_be_over(&self, ttl: &TtlSpec, row: &FirstVisit) -> bool {
        let after_ms = u64::try_from(ttl.after.as_millis()).unwrap_or(u64::MAX);
        u64::from(row.now_ms) >= self.written_ms.saturating_add(after_ms)
    }
}

impl Verifier for VisitVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        let expected = self.expected(admitted_per_split);
        let Outcome { buckets, histories } = self.left.together(Outcome::merge);
        let (mut missing, mut duplicated, mut wrong) = (0, 0, 0);
        let most = if self.ttl.is_some() {
            &expected.visits
        } else {
            &expected.rows
        };
        for ((least, most), found) in expected.rows.iter().zip(most.iter()).zip(buckets.iter()) {
            missing += least.answers.saturating_sub(found.answers);
            duplicated += found.answers.saturating_sub(most.answers);
            let is_known = self.ttl.is_none() && found.answers == least.answers;
            wrong += u64::from(is_known && found.fingerprint != least.fingerprint);
        }
        if let Some(ttl) = &self.ttl {
            wrong += self.wrong_histories(ttl, admitted_per_split, &histories);
        }
        Correctness {
            checked: true,
            mode: match self.ttl {
                None => Mode::Exact,
                Some(_) => Mode::Invariants,
            },
            expected: expected.rows.iter().map(|bucket| bucket.answers).sum(),
            missing,
            duplicated,
            wrong,
        }
    }

    fn results(&self) -> Results {
        let total = self.left.together(Outcome::merge);
        let row = |(bucket, number): (&Bucket, usize)| {
            vec![
                number.to_string(),
                bucket.answers.to_string(),
                format!("{:016x}", bucket.fingerprint),
            ]
        };
        Results {
            header: vec!["bucket", "rows", "fingerprint"],
            rows: total.buckets.iter().zip(0..).map(row).collect(),
        }
    }
}
