//! Walks the intended times of one split.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::exposure::{Place, of_records};
use super::schedule::{Law, Schedule, gap};
use crate::draw::Draw;

/// All that a source has to keep of a split: replaying from here gives the same records at the same times.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct SplitState {
    /// Number of records already taken; the next one has this index.
    pub index: u64,
    /// Sum of the gaps up to the last record taken, in 1e-15 records; 0 unless arrivals are random.
    pub exposure: u128,
}

/// The next record of a split and when it is due.
#[derive(Debug, Clone)]
pub struct SplitClock {
    split: u32,
    /// Segment of the load that `next_ns` lies in.
    place: Place,
    state: SplitState,
    /// When the next record is due; [`ENDED`] if there is none.
    next_ns: u64,
    /// Poisson: the draws of the gaps.
    gaps: Draw,
    /// Poisson: exposure of the next record.
    next_exposure: u128,
    /// Uniform: by how much the load's exposure at `next_ns` exceeds the record's.
    excess: u64,
}

/// The time of a record that does not exist.
const ENDED: u64 = u64::MAX;

impl SplitClock {
    pub(super) fn new(schedule: &Schedule, split: u32, state: SplitState) -> SplitClock {
        let mut clock = SplitClock {
            split,
            place: Place::default(),
            state,
            next_ns: 0,
            gaps: schedule.gaps(split),
            next_exposure: state.exposure,
            excess: 0,
        };
        clock.find(schedule);
        clock
    }

    /// When the next record is due, in nanoseconds of job time; `None` if the split has ended. Always 0 if records
    /// have no intended times.
    #[inline]
    pub fn peek(&self) -> Option<u64> {
        (self.next_ns != ENDED).then_some(self.next_ns)
    }

    /// As [`SplitClock::peek`], with a time that never comes for an ended split.
    #[inline]
    pub(super) fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// Where the split stands.
    #[inline]
    pub fn state(&self) -> SplitState {
        self.state
    }

    /// Index of the next record in its split.
    #[inline]
    pub fn index(&self) -> u64 {
        self.state.index
    }

    /// The split.
    #[inline]
    pub fn split(&self) -> u32 {
        self.split
    }

    /// Takes the next record. `schedule` is the one the clock was made by. An ended split stays ended.
    #[inline]
    pub fn advance(&mut self, schedule: &Schedule) {
        if self.next_ns == ENDED {
            return;
        }
        self.state.index += 1;
        if let Law::Uniform(_, strides) = &schedule.law
            && let Some((next_ns, excess)) =
                strides[self.place.segment as usize].step(self.place, self.next_ns, self.excess)
        {
            (self.next_ns, self.excess) = (next_ns, excess);
            self.end(schedule);
            return;
        }
        self.state.exposure = self.next_exposure;
        self.find(schedule);
    }

    /// Computes the next record's time from the state alone.
    fn find(&mut self, schedule: &Schedule) {
        let SplitState { index, exposure } = self.state;
        match &schedule.law {
            Law::Max => self.next_ns = 0,
            Law::Replay(replay) => self.next_ns = replay.time(schedule.record(self.split, index)),
            Law::Uniform(load, _) => {
                let target = of_records(schedule.record(self.split, index));
                let (next_ns, place) = load.reached(target, self.place);
                self.excess = load.excess(next_ns, target);
                (self.next_ns, self.place) = (next_ns, place);
            }
            Law::Poisson(load) => {
                self.next_exposure = exposure.saturating_add(gap(&self.gaps, index));
                let target = schedule.of_all_splits(self.next_exposure);
                let (next_ns, place) = load.reached(target, self.place);
                (self.next_ns, self.place) = (next_ns, place);
            }
        }
        self.end(schedule);
    }

    #[inline]
    fn end(&mut self, schedule: &Schedule) {
        let over = self.next_ns >= schedule.until_ns() && schedule.is_timed();
        if over || !schedule.holds(self.split, self.state.index) {
            self.next_ns = ENDED;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::fingerprint::schedule_fingerprint;
    use super::super::schedule::Bounds;
    use super::super::spec::{Arrivals, LoadSpec, ShapeSpec, Step};
    use super::*;

    fn load(arrivals: Arrivals) -> impl Strategy<Value = LoadSpec> {
        let step = (1.0f64..2_000_000.0, 1u64..30).prop_map(|(rate_per_s, ms)| Step {
            rate_per_s,
            duration: Some(Duration::from_millis(ms)),
        });
        let steps = prop::collection::vec(step, 1..4).prop_map(|steps| ShapeSpec::Steps { steps });
        let ms = |ms: u64| Duration::from_millis(ms);
        let burst = (0.0f64..1e6, 1.0f64..2e6, 1u64..30, 0.01f64..0.99).prop_map(
            move |(base, peak, period, duty)| ShapeSpec::Burst {
                base,
                peak,
                period: ms(period),
                duty,
            },
        );
        let sine = (1.0f64..1e6, 0.0f64..1.0, 1u64..30).prop_map(move |(mean, depth, period)| {
            ShapeSpec::Sine {
                mean,
                amplitude: mean * depth,
                period: ms(period),
            }
        });
        let ramp = (0.0f64..1e6, 1.0f64..1e6, 1u64..90).prop_map(move |(from, to, over)| {
            ShapeSpec::Ramp {
                from,
                to,
                over: ms(over),
            }
        });
        (prop_oneof![steps, burst, sine, ramp], 1u32..9).prop_map(move |(shape, splits)| LoadSpec {
            shape,
            arrivals,
            splits,
        })
    }

    fn any_load() -> impl Strategy<Value = LoadSpec> {
        prop_oneof![load(Arrivals::Uniform), load(Arrivals::Poisson)]
    }

    fn schedule(load: &LoadSpec, seed: u64, bounds: Bounds) -> Schedule {
        Schedule::new(load, None, seed, bounds).expect("not a replay")
    }

    fn times(schedule: &Schedule, split: u32, count: usize) -> Vec<u64> {
        let mut clock = schedule.clock(split, SplitState::default());
        std::iter::from_fn(|| clock.peek().inspect(|_| clock.advance(schedule)))
            .take(count)
            .collect()
    }

    fn constant(rate_per_s: f64, arrivals: Arrivals, splits: u32) -> LoadSpec {
        LoadSpec {
            shape: ShapeSpec::Constant { rate_per_s },
            arrivals,
            splits,
        }
    }

    proptest! {
        #[test]
        fn intended_times_never_go_back_and_replay_from_any_state(load in any_load(), seed: u64, cut in 0usize..200) {
            let schedule = schedule(&load, seed, Bounds::default());
            let split = load.splits - 1;
            let all = times(&schedule, split, 300);
            prop_assert!(all.is_sorted());
            let mut clock = schedule.clock(split, SplitState::default());
            for _ in 0..cut {
                clock.advance(&schedule);
            }
            let bytes = borsh::to_vec(&clock.state()).expect("plain integers");
            let state: SplitState = borsh::from_slice(&bytes).expect("same layout");
            let mut again = schedule.clock(split, state);
            for &time in &all[cut..] {
                prop_assert_eq!(again.peek(), Some(time));
                again.advance(&schedule);
            }
        }

        #[test]
        fn counting_never_skips_a_tick(load in load(Arrivals::Uniform), now in 0u64..100_000_000, limit in 0u64..5_000) {
            let schedule = schedule(&load, 1, Bounds { until_ns: Some(80_000_000), records: Some(limit), ..Bounds::default() });
            let counted: usize = (0..load.splits)
                .map(|split| times(&schedule, split, 6_000).iter().filter(|&&time| time <= now).count())
                .sum();
            prop_assert_eq!(schedule.count(now), Some(counted as u64));
        }

        #[test]
        fn uniform_arrivals_do_not_depend_on_the_splits(load in load(Arrivals::Uniform), splits in 1u32..20) {
            let other = LoadSpec { splits, ..load.clone() };
            let a = schedule_fingerprint(&schedule(&load, 1, Bounds::default()), 400);
            let b = schedule_fingerprint(&schedule(&other, 2, Bounds::default()), 400);
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn an_hour_of_uniform_load_drifts_by_nothing() {
        // 3 records in 7 seconds have no exact period in nanoseconds.
        let schedule = schedule(
            &constant(3.0 / 7.0, Arrivals::Uniform, 1),
            0,
            Bounds::default(),
        );
        let rate = (3.0f64 / 7.0 * 1e6).round() as u128; // rates are whole millionths
        let all = times(&schedule, 0, 100_000);
        for (k, &time) in all.iter().enumerate() {
            assert_eq!(
                u128::from(time),
                (k as u128 * 1_000_000_000_000_000).div_ceil(rate)
            );
        }
    }

    /// The superposition of the splits has exponential gaps with the load's mean, independent of each other.
    #[test]
    fn poisson_splits_superpose_to_a_poisson_process() {
        for splits in [1, 7, 128] {
            let schedule = schedule(
                &constant(1_000.0, Arrivals::Poisson, splits),
                11,
                Bounds::default(),
            );
            let until = 100_000_000_000u64; // 100 s: 100,000 records expected
            let mut all: Vec<u64> = Vec::new();
            for split in 0..splits {
                all.extend(
                    times(&schedule, split, 200_000)
                        .into_iter()
                        .take_while(|&time| time <= until),
                );
            }
            all.sort_unstable();
            let n = all.len() as f64;
            assert!(
                (n - 100_000.0).abs() < 4.0 * 100_000f64.sqrt(),
                "{n} records in {splits} splits"
            );
            let mut gaps: Vec<f64> = all
                .windows(2)
                .map(|pair| (pair[1] - pair[0]) as f64 / 1e6)
                .collect();
            let product: f64 = gaps
                .windows(2)
                .map(|pair| (pair[0] - 1.0) * (pair[1] - 1.0))
                .sum();
            assert!(
                (product / n).abs() < 4.0 / n.sqrt(),
                "gaps are correlated: {}",
                product / n
            );
            gaps.sort_by(f64::total_cmp);
            let distance = gaps
                .iter()
                .enumerate()
                .map(|(i, gap)| (1.0 - (-gap).exp() - i as f64 / n).abs());
            assert!(
                distance.fold(0.0, f64::max) < 1.95 / n.sqrt(),
                "gaps are not exponential"
            );
        }
    }

    #[test]
    fn ended_splits_stay_ended() {
        let bounds = Bounds {
            records: Some(5),
            ..Bounds::default()
        };
        let schedule = schedule(&constant(1e6, Arrivals::Poisson, 2), 0, bounds);
        assert_eq!(
            (times(&schedule, 0, 99).len(), times(&schedule, 1, 99).len()),
            (3, 2)
        );
        let mut clock = schedule.clock(
            1,
            SplitState {
                index: 2,
                exposure: 0,
            },
        );
        clock.advance(&schedule);
        assert_eq!((clock.peek(), clock.index()), (None, 2));
    }
}
