//! Were the results right, and what would other settings have given?

use super::event::LateEvents;
use super::exact::{self, Expected};
use super::invariants::{self, Findings, Found};
use super::job::Outcome;
use super::results::{Pane, ResultTally, Said};
use super::sinks::{Pieces, add_pieces};
use super::spec::{LateDataSpec, LateOutput, WindowSpec};
use super::windows::ms;
use super::witness::Testimony;
use crate::hot_keys::Sums;
use crate::jobs::Wiring;
use crate::stamped::StampedRecord;
use crate::trade_off::{Arrival, Setting, Sweep, TradeOff, Windows};
use crate::verify::{Correctness, Mode, Results, Verifier};

/// Delays and latenesses to compare with the configured ones, in milliseconds.
const DELAYS_MS: &[u64] = &[
    0, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000,
];
const LATENESSES_MS: &[u64] = &[0, 1_000, 10_000];

pub(super) struct WindowVerifier {
    spec: LateDataSpec,
    wiring: Wiring<LateEvents>,
    outcome: Outcome,
}

impl WindowVerifier {
    pub(super) fn new(
        spec: LateDataSpec,
        wiring: Wiring<LateEvents>,
        outcome: Outcome,
    ) -> WindowVerifier {
        WindowVerifier {
            spec,
            wiring,
            outcome,
        }
    }

    /// Whether results follow from the records and their order alone.
    fn is_exact(&self) -> bool {
        let every_record = self.spec.watermark.every_record;
        self.wiring.splits() == 1 && every_record && self.spec.fires_by_event_time()
    }

    fn results_found(&self) -> ResultTally {
        self.outcome.results.together(ResultTally::merge)
    }

    fn found(&self) -> Found {
        Found {
            results: self.results_found(),
            late: self.outcome.late.together(add_pieces),
            testimony: self.outcome.heard.together(Testimony::merge),
        }
    }

    /// All admitted records in the order of the stream, with their places on its clock.
    fn stream<'a>(
        &'a self,
        admitted: &'a [u64],
    ) -> impl Iterator<Item = (StampedRecord, i64)> + 'a {
        let events = self.wiring.events();
        let records = self.wiring.admitted_in_order(admitted);
        records.map(|(id, intended_ns)| {
            let clock_ms = events.clock_ms(id, intended_ns);
            (events.record(id, intended_ns), clock_ms)
        })
    }

    fn check_exactly(&self, admitted: &[u64], found: &Found) -> Findings {
        let records = self.stream(admitted).map(|(stamped, _)| stamped);
        let Expected { said, late } = exact::expected(&self.spec, records);
        let mut findings = Findings::default();
        let nothing = Said::default();
        for (pane, expected) in &said {
            let found = found.results.said.get(pane).unwrap_or(&nothing);
            self.compare(&mut findings, expected, found);
        }
        let unknown = |pane: &&Pane| !said.contains_key(*pane);
        for pane in found.results.said.keys().filter(unknown) {
            self.compare(&mut findings, &nothing, &found.results.said[pane]);
        }
        if self.spec.late == LateOutput::SideOutput {
            findings.compare_pieces(&late, &found.late);
        } else {
            let dropped = found.testimony.counted.late_dropped;
            findings.count(invariants::count(&late), dropped);
        }
        findings
    }

    /// Compares all that was said of a key and window.
    fn compare(&self, findings: &mut Findings, expected: &Said, found: &Said) {
        let purging = self.spec.purging;
        let (sums, found_sums) = (expected.sums(purging), found.sums(purging));
        if sums == found_sums && !expected.agrees(found, purging) {
            findings.wrong += 1;
        } else {
            findings.compare(&sums, &found_sums);
        }
    }

    fn admitted_pieces(&self, admitted: &[u64]) -> Pieces {
        let mut pieces = Pieces::default();
        for (id, intended_ns) in self.wiring.admitted_at(admitted) {
            let stamped = self.wiring.events().record(id, intended_ns);
            let piece = (
                stamped.record.key,
                self.spec.piece_ms(stamped.event_time_ms),
            );
            pieces
                .entry(piece)
                .or_default()
                .add(&Sums::of(&stamped.record));
        }
        pieces
    }
}

impl Verifier for WindowVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        let found = self.found();
        let (mode, findings) = if self.is_exact() {
            (Mode::Exact, self.check_exactly(admitted_per_split, &found))
        } else {
            let admitted = self.admitted_pieces(admitted_per_split);
            let findings = invariants::check(&self.spec, &admitted, &found);
            (Mode::Invariants, findings)
        };
        Correctness {
            checked: true,
            mode,
            expected: admitted_per_split.iter().sum(),
            missing: findings.missing,
            duplicated: findings.duplicated,
            wrong: findings.wrong + found.results.out_of_time,
        }
    }

    fn results(&self) -> Results {
        let row = |((key, start_ms, end_ms), said): (Pane, Said)| {
            let Sums { count, sum, .. } = said.sums(self.spec.purging);
            vec![
                key.to_string(),
                start_ms.to_string(),
                end_ms.to_string(),
                count.to_string(),
                sum.to_string(),
                said.early.to_string(),
                said.on_time.to_string(),
                said.late.to_string(),
            ]
        };
        Results {
            header: vec![
                "key",
                "window_start_ms",
                "window_end_ms",
                "count",
                "sum",
                "early",
                "on_time",
                "refinements",
            ],
            rows: self.results_found().sorted().into_iter().map(row).collect(),
        }
    }

    fn trade_off(&self, admitted_per_split: &[u64]) -> Option<TradeOff> {
        let span_ms = |span| ms(span).unsigned_abs();
        let windows = match self.spec.window {
            WindowSpec::Tumbling { size } => Windows::tumbling(span_ms(size)),
            WindowSpec::Sliding { size, slide, .. } => {
                Windows::sliding(span_ms(size), span_ms(slide))
            }
            WindowSpec::Session { .. } | WindowSpec::Global {} => return None,
        };
        let configured = Setting {
            delay_ms: span_ms(self.spec.watermark.delay),
            lateness_ms: span_ms(self.spec.allowed_lateness),
        };
        let arrivals = self
            .stream(admitted_per_split)
            .map(|(stamped, clock_ms)| Arrival {
                key: stamped.record.key,
                event_ms: stamped.event_time_ms,
                clock_ms,
            });
        let sweep = Sweep::new(configured, DELAYS_MS, LATENESSES_MS);
        Some(TradeOff::of(arrivals, windows, &sweep))
    }
}
