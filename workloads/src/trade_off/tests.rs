//! The one pass for all settings against a simulation of each, step by step and from the definitions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::stream::Bounds;
use super::*;

type Pane = (u8, i64);

/// One watermark after another, one window after another: as the module's comment says it.
struct Naive {
    windows: (i64, i64),
    delay: i64,
    lateness: i64,
    /// Record numbers that each key and window has taken, and those that it had when it first fired.
    taken: BTreeMap<Pane, BTreeSet<usize>>,
    first: BTreeMap<Pane, BTreeSet<usize>>,
    first_delays: Vec<i64>,
    late: u64,
}

impl Naive {
    fn windows_of(&self, event: i64) -> Vec<(i64, i64)> {
        let (size, slide) = self.windows;
        (event - size + 1..=event)
            .filter(|start| start.rem_euclid(slide) == 0)
            .map(|start| (start, start + size))
            .collect()
    }

    fn fire(&mut self, pane: Pane, clock: i64) {
        let taken = self.taken[&pane].clone();
        let end = pane.1 + self.windows.0;
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.first.entry(pane) {
            vacant.insert(taken);
            self.first_delays.push(clock - end);
        }
    }

    fn complete(&mut self, watermark: i64, clock: i64) {
        let size = self.windows.0;
        let panes: Vec<Pane> = self.taken.keys().copied().collect();
        for pane in panes {
            if !self.first.contains_key(&pane) && pane.1 + size - 1 <= watermark {
                self.fire(pane, clock);
            }
        }
    }

    fn run(&mut self, stream: &[Arrival<u8>]) -> Outcome {
        let mut all: BTreeMap<Pane, BTreeSet<usize>> = BTreeMap::new();
        let (mut highest, mut watermark) = (None, None);
        for (number, arrival) in stream.iter().enumerate() {
            let mut accepted = false;
            for (start, end) in self.windows_of(arrival.event_ms) {
                let pane = (arrival.key, start);
                all.entry(pane).or_default().insert(number);
                if watermark.is_some_and(|watermark| end - 1 + self.lateness <= watermark) {
                    continue;
                }
                accepted = true;
                self.taken.entry(pane).or_default().insert(number);
                if watermark.is_some_and(|watermark| end - 1 <= watermark) {
                    self.fire(pane, arrival.clock_ms);
                }
            }
            self.late += u64::from(!accepted);
            highest = highest.max(Some(arrival.event_ms));
            watermark = highest.map(|highest| highest - self.delay - 1);
            self.complete(watermark.unwrap_or(i64::MIN), arrival.clock_ms);
        }
        if let Some(last) = stream.last() {
            self.complete(i64::MAX, last.clock_ms);
        }
        let count = |is: &dyn Fn(&Pane, &BTreeSet<usize>) -> bool| {
            all.iter()
                .filter(|(pane, records)| is(pane, records))
                .count() as u64
        };
        let right = |pane: &Pane, records: &BTreeSet<usize>| self.first.get(pane) == Some(records);
        let in_the_end =
            |pane: &Pane, records: &BTreeSet<usize>| self.taken.get(pane) == Some(records);
        self.first_delays.sort_unstable();
        let rank = |percent: usize| {
            let share = |&n: &usize| 100 * n >= percent * self.first_delays.len();
            let n = (1..=self.first_delays.len()).find(share)?;
            Some(self.first_delays[n - 1])
        };
        Outcome {
            setting: Setting {
                delay_ms: self.delay as u64,
                lateness_ms: self.lateness as u64,
            },
            configured: false,
            records: stream.len() as u64,
            late: self.late,
            results: all.len() as u64,
            right_at_first: count(&right),
            refined: count(&|p, r| !right(p, r) && in_the_end(p, r)),
            incomplete: count(&|p, r| self.first.contains_key(p) && !in_the_end(p, r)),
            missing: count(&|p, _| !self.first.contains_key(p)),
            first_delay_p50_ms: rank(50),
            first_delay_p99_ms: rank(99),
        }
    }
}

fn naive(stream: &[Arrival<u8>], windows: (i64, i64), setting: Setting) -> Outcome {
    Naive {
        windows,
        delay: setting.delay_ms as i64,
        lateness: setting.lateness_ms as i64,
        taken: BTreeMap::new(),
        first: BTreeMap::new(),
        first_delays: Vec::new(),
        late: 0,
    }
    .run(stream)
}

fn streams() -> impl Strategy<Value = Vec<Arrival<u8>>> {
    prop::collection::vec((0u8..3, -20i64..20, 0i64..8), 0..60).prop_map(|records| {
        let mut clock_ms = -50;
        let arrival = |(key, jitter, gap): (u8, i64, i64)| {
            clock_ms += gap;
            Arrival {
                key,
                event_ms: clock_ms + jitter,
                clock_ms,
            }
        };
        records.into_iter().map(arrival).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_pass_gives_what_simulating_each_setting_gives(
        stream in streams(), size in 1i64..30, slide in 1i64..30,
        delays in prop::collection::vec(0u64..40, 0..4),
        latenesses in prop::collection::vec(0u64..40, 0..3),
        own in (0u64..40, 0u64..40),
    ) {
        let slide = slide.min(size);
        let configured = Setting { delay_ms: own.0, lateness_ms: own.1 };
        let sweep = Sweep::new(configured, &delays, &latenesses);
        let windows = Windows::sliding(size as u64, slide as u64);
        let found = TradeOff::of(stream.iter().copied(), windows, &sweep);
        prop_assert_eq!(found.outcomes.len(), sweep.settings().len());
        prop_assert_eq!(found.configured().map(|outcome| outcome.setting), Some(configured));
        for outcome in &found.outcomes {
            let expected = naive(&stream, (size, slide), outcome.setting);
            prop_assert_eq!(Outcome { configured: false, ..*outcome }, expected);
            let sum = outcome.right_at_first + outcome.refined + outcome.incomplete + outcome.missing;
            prop_assert_eq!(sum, outcome.results);
        }
    }

    #[test]
    fn a_look_that_is_cut_is_the_whole_of_a_shorter_stream(
        stream in streams(), records in 0u64..40, places in 0u64..90, pairs in 0usize..30,
    ) {
        let setting = Setting { delay_ms: 5, lateness_ms: 5 };
        let (sweep, windows) = (Sweep::new(setting, &[0, 20], &[]), Windows::sliding(12, 4));
        let bounds = Bounds { records, places, pairs };
        let found = TradeOff::within(bounds, stream.iter().copied(), windows, &sweep);
        let looked_at = found.outcomes[0].records as usize;
        prop_assert_eq!(found.cut.is_some(), looked_at < stream.len());
        prop_assert!(looked_at as u64 <= records && found.outcomes[0].results as usize <= pairs);
        let shorter = TradeOff::of(stream[..looked_at].iter().copied(), windows, &sweep);
        prop_assert_eq!(found.outcomes, shorter.outcomes);
    }

    #[test]
    fn no_times_and_settings_panic(
        times in prop::collection::vec((any::<i64>(), any::<i64>()), 0..10),
        delay: u64, lateness: u64, size: u64,
    ) {
        let arrival = |&(event_ms, clock_ms): &(i64, i64)| Arrival { key: 0u8, event_ms, clock_ms };
        let configured = Setting { delay_ms: delay, lateness_ms: lateness };
        let sweep = Sweep::new(configured, &[0, u64::MAX], &[0, u64::MAX]);
        TradeOff::of(times.iter().map(arrival), Windows::tumbling(size), &sweep);
    }
}

#[test]
fn a_sweep_holds_every_combination_once_and_the_configured_one() {
    let configured = Setting {
        delay_ms: 30,
        lateness_ms: 0,
    };
    let sweep = Sweep::new(configured, &[60, 0, 30, 0], &[10]);
    let settings: Vec<(u64, u64)> = sweep
        .settings()
        .iter()
        .map(|setting| (setting.delay_ms, setting.lateness_ms))
        .collect();
    let expected = [(0, 0), (0, 10), (30, 0), (30, 10), (60, 0), (60, 10)];
    assert_eq!(settings, expected);
}
