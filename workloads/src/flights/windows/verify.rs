//! Were the windows right?
//!
//! Where there is one right answer, every result and every late flight has to be the oracle's, and the figures of the
//! trade-off at the run's own setting as well. Otherwise, per destination and window:
//!
//! - accepted and late flights together are all flights, each once;
//! - there is one first result, and one refinement for every flight that came after it;
//! - no result came before the watermark had reached the end of the window.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;

use super::Collected;
use super::oracle;
use super::tally::{Place, WindowTally, start_ms};
use crate::flights::spec::WindowOptions;
use crate::flights::stream::{Flight, FlightEvents};
use crate::flights::totals::{Code, Totals};
use crate::jobs::Wiring;
use crate::load::Events as _;
use crate::trade_off::{Arrival, Setting, Sweep, TradeOff, Windows};
use crate::verify::{Correctness, Mode, Results, Verifier};

pub(super) struct WindowVerifier {
    pub options: WindowOptions,
    /// Whether there is only one right answer.
    pub exact: bool,
    pub wiring: Wiring<FlightEvents>,
    pub collected: Collected,
}

const MINUTE_MS: u64 = 60_000;

/// Delays and latenesses to compare, in minutes: half of the flights are within 19 min of the latest event time, 90 %
/// within 70 min, 99.9 % within 332 min.
const DELAYS_MIN: [u64; 9] = [0, 10, 20, 30, 60, 90, 120, 240, 360];
const LATENESSES_MIN: [u64; 3] = [0, 60, 24 * 60];

impl WindowVerifier {
    /// The flights that were admitted, in the order of the stream.
    fn flights<'a>(&'a self, admitted: &'a [u64]) -> impl Iterator<Item = Flight> + 'a {
        let records = self.wiring.admitted_in_order(admitted);
        records.map(|(record, _)| self.wiring.events().event(record).parse())
    }

    fn compare_settings(&self, admitted: &[u64], delays_ms: &[u64], late_ms: &[u64]) -> TradeOff {
        let configured = Setting {
            delay_ms: self.options.delay_ms,
            lateness_ms: self.options.lateness_ms,
        };
        let sweep = Sweep::new(configured, delays_ms, late_ms);
        let arrivals = self.flights(admitted).map(|flight| Arrival {
            key: flight.destination,
            event_ms: flight.event_time_ms,
            clock_ms: flight.arrival_ms(),
        });
        TradeOff::of(arrivals, Windows::tumbling(self.options.size_ms), &sweep)
    }

    /// Whether the trade-off says of the run's own setting what the run gave.
    fn agrees_with_trade_off(&self, admitted: &[u64], found: &WindowTally) -> bool {
        let trade_off = self.compare_settings(admitted, &[], &[]);
        trade_off.configured().is_some_and(|own| {
            trade_off.cut.is_some()
                || (own.late, own.right_at_first + own.refined + own.incomplete)
                    == (
                        found.late.values().map(|totals| totals.count).sum(),
                        found.panes.len() as u64,
                    )
        })
    }

    fn check_exactly(&self, admitted: &[u64], found: &WindowTally) -> Findings {
        let expected = oracle::exact(self.flights(admitted), &self.options);
        let mut findings = Findings::default();
        for place in places([&expected, found]) {
            let (pane, found_pane) = (expected.pane(&place), found.pane(&place));
            let counts = [
                (pane.last.count, found_pane.last.count),
                (pane.results(), found_pane.results()),
            ];
            findings.note(&counts, pane == found_pane);
            let (late, found_late) = (expected.late(&place), found.late(&place));
            findings.note(&[(late.count, found_late.count)], late == found_late);
        }
        if findings == Findings::default() && !self.agrees_with_trade_off(admitted, found) {
            findings.wrong += 1;
        }
        findings
    }

    fn check_invariants(&self, admitted: &[u64], found: &WindowTally) -> Findings {
        let mut all: FxHashMap<Place, Totals> = FxHashMap::default();
        let size_ms = i64::try_from(self.options.size_ms).unwrap_or(i64::MAX);
        for flight in self.flights(admitted) {
            let start_ms = start_ms(flight.event_time_ms, size_ms);
            let place = (Code(flight.destination), start_ms);
            all.entry(place).or_insert(Totals::NONE).add(&flight);
        }
        let mut places = places([found]);
        places.extend(all.keys());
        let mut findings = Findings::default();
        for place in places {
            let pane = found.pane(&place);
            let expected = all.get(&place).copied().unwrap_or(Totals::NONE);
            let mut together = pane.last;
            together.merge(&found.late(&place));
            let counts = [
                (expected.count, together.count),
                (u64::from(pane.last.count > 0), pane.firsts),
                (
                    pane.last.count.saturating_sub(pane.first_count),
                    pane.refinements,
                ),
            ];
            findings.note(&counts, expected == together && pane.early == 0);
        }
        findings
    }
}

/// Every destination and window of which something is known, in order.
fn places<const N: usize>(tallies: [&WindowTally; N]) -> BTreeSet<Place> {
    let of = |tally: &'_ &WindowTally| -> Vec<Place> {
        tally
            .panes
            .keys()
            .chain(tally.late.keys())
            .copied()
            .collect()
    };
    tallies.iter().flat_map(of).collect()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    missing: u64,
    duplicated: u64,
    wrong: u64,
}

impl Findings {
    /// Notes the first pair of an expected and a found number that differ; if none does, whether the rest is right.
    fn note(&mut self, counts: &[(u64, u64)], right: bool) {
        match counts.iter().find(|(expected, found)| expected != found) {
            Some((expected, found)) => {
                self.missing += expected.saturating_sub(*found);
                self.duplicated += found.saturating_sub(*expected);
            }
            None => self.wrong += u64::from(!right),
        }
    }
}

impl Verifier for WindowVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        let found = self.collected.total();
        let (mode, findings) = if self.exact {
            let findings = self.check_exactly(admitted_per_split, &found);
            (Mode::Exact, findings)
        } else {
            let findings = self.check_invariants(admitted_per_split, &found);
            (Mode::Invariants, findings)
        };
        Correctness {
            checked: true,
            mode,
            expected: admitted_per_split.iter().sum(),
            missing: findings.missing,
            duplicated: findings.duplicated,
            wrong: findings.wrong,
        }
    }

    /// The last result of every window, then the late flights of every destination.
    fn results(&self) -> Results {
        let found = self.collected.total();
        let mut late: BTreeMap<Code<3>, Totals> = BTreeMap::new();
        for ((destination, _), totals) in &found.late {
            let of_all = late.entry(*destination).or_insert(Totals::NONE);
            of_all.merge(totals);
        }
        let windows = found.panes.iter().collect::<BTreeMap<_, _>>();
        let windows = windows.into_iter().map(|((destination, start_ms), pane)| {
            let firings = [pane.results(), pane.first_count].map(|n| n.to_string());
            row(
                "window",
                destination,
                local_time(*start_ms),
                &pane.last,
                firings,
            )
        });
        let none = || [String::new(), String::new()];
        let late = late
            .iter()
            .map(|(destination, totals)| row("late", destination, String::new(), totals, none()));
        Results {
            header: vec![
                "kind",
                "destination",
                "window_start",
                "count",
                "sum_minutes",
                "mean_minutes",
                "max_minutes",
                "firings",
                "first_count",
            ],
            rows: windows.chain(late).collect(),
        }
    }

    fn trade_off(&self, admitted_per_split: &[u64]) -> Option<TradeOff> {
        let (delays_ms, latenesses_ms) = (
            DELAYS_MIN.map(|minutes| minutes * MINUTE_MS),
            LATENESSES_MIN.map(|minutes| minutes * MINUTE_MS),
        );
        Some(self.compare_settings(admitted_per_split, &delays_ms, &latenesses_ms))
    }
}

fn row(
    kind: &str,
    destination: &Code<3>,
    start: String,
    totals: &Totals,
    firings: [String; 2],
) -> Vec<String> {
    let names = [kind.to_owned(), format!("{destination:?}"), start];
    names
        .into_iter()
        .chain(totals.cells())
        .chain(firings)
        .collect()
}

/// `2013-01-01T08:00:00`: local time, and therefore without a zone.
fn local_time(since_1970_ms: i64) -> String {
    let since_1970 = Duration::from_millis(u64::try_from(since_1970_ms).unwrap_or(0));
    let text = humantime::format_rfc3339(SystemTime::UNIX_EPOCH + since_1970).to_string();
    text.trim_end_matches('Z').to_owned()
}
