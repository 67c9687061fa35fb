//! What windows say, and what a sink keeps of it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{Firing, FiringTime, TimeWindow};
use rustc_hash::FxHashMap;

use crate::draw::mix;
use crate::hot_keys::Sums;

/// What a window says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WindowResult {
    /// The key.
    pub key: u32,
    /// The window.
    pub window: TimeWindow,
    /// Before its end, first at its end, or a refinement.
    pub time: FiringTime,
    /// The watermark when it said so, in milliseconds.
    pub watermark_ms: i64,
    /// The sums of its records; with purging, of those since it last said something.
    pub sums: Sums,
}

impl WindowResult {
    /// Of a firing.
    pub fn new(key: u32, firing: &Firing, sums: Sums) -> WindowResult {
        WindowResult {
            key,
            window: firing.window,
            time: firing.time,
            watermark_ms: firing.watermark_ms,
            sums,
        }
    }

    /// Whether it says that its window is complete before the watermark does.
    fn is_premature(&self) -> bool {
        self.time != FiringTime::Early && self.watermark_ms < self.window.max_timestamp_ms()
    }

    /// Tells results of one key and window apart. A refinement is made by a record, and so at a watermark that is
    /// known; of watermarks with no record between them only the last one counts, so the others are not.
    pub(super) fn digest(&self) -> u64 {
        let Sums {
            count,
            sum,
            fingerprint,
        } = self.sums;
        let refined_at = match self.time {
            FiringTime::Late => self.watermark_ms as u64,
            FiringTime::Early | FiringTime::OnTime => 0,
        };
        let words = [self.time as u64, refined_at, count, sum, fingerprint];
        words
            .into_iter()
            .fold(0, |digest, word| mix(digest ^ mix(word)))
    }
}

/// A key and a window, as start and end in milliseconds.
pub(super) type Pane = (u32, i64, i64);

/// All that was said of one key and window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Said {
    /// Before the end.
    pub(super) early: u64,
    /// First at the end; twice only if a session was forgotten and began again.
    pub(super) on_time: u64,
    /// Refinements.
    pub(super) late: u64,
    /// What was said last.
    pub(super) last: Sums,
    /// All that was said added up.
    pub(super) total: Sums,
    /// Sum of the digests, so that their order does not matter.
    pub(super) digest: u64,
}

impl Said {
    pub(super) fn add(&mut self, result: &WindowResult) {
        match result.time {
            FiringTime::Early => self.early += 1,
            FiringTime::OnTime => self.on_time += 1,
            FiringTime::Late => self.late += 1,
        }
        self.last = result.sums;
        self.total.add(&result.sums);
        self.digest = self.digest.wrapping_add(result.digest());
    }

    /// The records that were said to be there: with purging, each result counts others.
    pub(super) fn sums(&self, purging: bool) -> Sums {
        if purging { self.total } else { self.last }
    }

    /// Whether the same was said. With purging it is not known what was said last if two sinks were told of the window,
    /// as after a job has gone on at another parallelism.
    pub(super) fn agrees(&self, other: &Said, purging: bool) -> bool {
        let last = if purging { self.last } else { other.last };
        *self == Said { last, ..*other }
    }

    fn merge(&mut self, other: &Said) {
        self.early += other.early;
        self.on_time += other.on_time;
        self.late += other.late;
        if other.last.count > self.last.count {
            self.last = other.last;
        }
        self.total.add(&other.total);
        self.digest = self.digest.wrapping_add(other.digest);
    }
}

/// The results that reached one or more sink subtasks.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct ResultTally {
    pub(super) said: FxHashMap<Pane, Said>,
    /// The watermark of each key's last result, since the job was last started.
    #[borsh(skip)]
    watermarks_ms: FxHashMap<u32, i64>,
    /// Results that came before the watermark that they need, or with a watermark lower than one before.
    pub(super) out_of_time: u64,
}

impl ResultTally {
    pub(super) fn add(&mut self, result: &WindowResult) {
        let TimeWindow { start_ms, end_ms } = result.window;
        let said = self.said.entry((result.key, start_ms, end_ms)).or_default();
        said.add(result);
        let before_ms = self.watermarks_ms.entry(result.key).or_insert(i64::MIN);
        let goes_back = result.watermark_ms < *before_ms;
        *before_ms = result.watermark_ms;
        self.out_of_time += u64::from(goes_back || result.is_premature());
    }

    /// A sink was told of a watermark lower than one before.
    pub(super) fn note_watermark_back(&mut self) {
        self.out_of_time += 1;
    }

    pub(super) fn merge(&mut self, other: &ResultTally) {
        for (pane, said) in &other.said {
            self.said.entry(*pane).or_default().merge(said);
        }
        self.out_of_time += other.out_of_time;
    }

    /// Keeps what was said of some keys.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.said.retain(|&(key, ..), _| keep(key));
    }

    /// In order of keys and time.
    pub(super) fn sorted(&self) -> BTreeMap<Pane, Said> {
        self.said
            .iter()
            .map(|(pane, said)| (*pane, *said))
            .collect()
    }

    /// What sessions said last that lie in no other one.
    pub(super) fn widest_sessions(&self) -> impl Iterator<Item = (u32, Sums)> {
        let mut panes: Vec<(Pane, Sums)> = self
            .said
            .iter()
            .map(|(pane, said)| (*pane, said.last))
            .collect();
        panes
            .sort_unstable_by_key(|&((key, start_ms, end_ms), _)| (key, start_ms, Reverse(end_ms)));
        let mut covered: Option<(u32, i64)> = None;
        panes.retain(|&((key, _, end_ms), _)| {
            let inside = covered.is_some_and(|(of, until_ms)| of == key && end_ms <= until_ms);
            if !inside {
                covered = Some((key, end_ms));
            }
            !inside
        });
        panes.into_iter().map(|((key, ..), sums)| (key, sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(window: (i64, i64), time: FiringTime, watermark_ms: i64, count: u64) -> WindowResult {
        WindowResult {
            key: 1,
            window: TimeWindow {
                start_ms: window.0,
                end_ms: window.1,
            },
            time,
            watermark_ms,
            sums: Sums {
                count,
                sum: count,
                fingerprint: count,
            },
        }
    }

    fn tally(results: &[WindowResult]) -> ResultTally {
        let mut tally = ResultTally::default();
        results.iter().for_each(|result| tally.add(result));
        tally
    }

    #[test]
    fn results_before_their_watermark_and_watermarks_that_go_back_are_noticed() {
        let early = result((0, 10), FiringTime::Early, 3, 1);
        let on_time = result((0, 10), FiringTime::OnTime, 9, 2);
        assert_eq!(tally(&[early, on_time]).out_of_time, 0);
        let premature = result((0, 10), FiringTime::OnTime, 8, 2);
        assert_eq!(tally(&[early, premature]).out_of_time, 1);
        assert_eq!(tally(&[on_time, early]).out_of_time, 1);
    }

    #[test]
    fn of_sessions_that_grew_only_the_widest_counts() {
        let said = [
            result((0, 10), FiringTime::OnTime, 9, 2),
            result((0, 17), FiringTime::OnTime, 16, 3),
            result((12, 30), FiringTime::OnTime, 40, 5),
            result((50, 60), FiringTime::OnTime, 70, 1),
            result((50, 60), FiringTime::Late, 70, 2),
        ];
        let counts: Vec<u64> = tally(&said)
            .widest_sessions()
            .map(|(_, sums)| sums.count)
            .collect();
        assert_eq!(counts, [3, 5, 2]);
    }
}
