//! What else the machine did, from the columns of `timeline.csv` that are about the machine and not the job.

use crate::record::{Calibration, Environment, TimelineRow};
use crate::stats::median_of;

/// Readings of what the machine did, and calibrations.
#[derive(Default)]
pub(super) struct Surroundings {
    others_cpu: Span,
    stolen_cpu: Span,
    memory_stall: Span,
    io_stall: Span,
    calibrations_ns: Vec<f64>,
}

/// A counter's first and last reading, with their times in seconds.
#[derive(Clone, Copy, Default)]
struct Span(Option<((f64, f64), (f64, f64))>);

impl Span {
    fn feed(&mut self, t_ms: u64, reading: Option<f64>) {
        let Some(reading) = reading else { return };
        let now = (t_ms as f64 / 1e3, reading);
        let first = self.0.map_or(now, |(first, _)| first);
        self.0 = Some((first, now));
    }

    /// Per second. Clocks that are not read at the same moment can go back a little.
    fn per_s(&self) -> Option<f64> {
        let ((from_s, from), (to_s, to)) = self.0?;
        (to_s > from_s).then(|| ((to - from) / (to_s - from_s)).max(0.0))
    }
}

impl Surroundings {
    /// A row at either end of an interval of the measured phase.
    pub(super) fn feed(&mut self, row: &TimelineRow) {
        self.others_cpu.feed(row.t_ms, row.others_cpu);
        self.stolen_cpu.feed(row.t_ms, row.stolen_cpu);
        self.memory_stall.feed(row.t_ms, row.memory_stall);
        self.io_stall.feed(row.t_ms, row.io_stall);
    }

    /// Calibrations count from the first to the last sample of the run. There is one every few seconds.
    pub(super) fn calibrate(&mut self, row: &TimelineRow) {
        self.calibrations_ns
            .extend(row.calibration.map(|ns| ns as f64));
    }

    /// `cores` are those of the machine, as far as that is known.
    pub(super) fn concluded(&self, cores: Option<f64>, own_io: bool) -> Environment {
        let of_all_cores = |stolen: f64| Some(stolen / cores.filter(|cores| *cores > 0.0)?);
        let share = |span: &Span| span.per_s().map(|share| share.min(1.0));
        Environment {
            calibration_ns: self.calibration_ns(),
            others_cpu: self.others_cpu.per_s(),
            stolen_cpu: self.stolen_cpu.per_s().and_then(of_all_cores),
            memory_stall: share(&self.memory_stall),
            io_stall: share(&self.io_stall),
            own_io,
        }
    }

    fn calibration_ns(&self) -> Option<Calibration> {
        let (first, last) = (self.calibrations_ns.first()?, self.calibrations_ns.last()?);
        let median = median_of(&mut self.calibrations_ns.clone());
        Some(Calibration {
            first: *first as u64,
            median: median as u64,
            last: *last as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_that_are_read_now_and_then_become_cores_and_shares_of_time() {
        let mut surroundings = Surroundings::default();
        for second in 0..=10_u64 {
            let looked = second % 2 == 0;
            let since = |per_s: f64| looked.then_some(1_000.0 + per_s * second as f64);
            let row = TimelineRow {
                t_ms: 3_000 + second * 1_000,
                others_cpu: since(0.5),
                stolen_cpu: since(0.1),
                memory_stall: since(-0.01),
                calibration: (second % 3 == 0).then_some(1_000 + second),
                ..TimelineRow::default()
            };
            surroundings.feed(&row);
            surroundings.calibrate(&row);
        }
        let found = surroundings.concluded(Some(4.0), false);
        let close = |found: Option<f64>, to: f64| (found.unwrap() - to).abs() < 1e-9;
        assert!(close(found.others_cpu, 0.5) && close(found.stolen_cpu, 0.025));
        assert_eq!((found.memory_stall, found.io_stall), (Some(0.0), None));
        let calibration = found.calibration_ns.unwrap();
        assert_eq!(
            [calibration.first, calibration.median, calibration.last],
            [1_000, 1_004, 1_009]
        );
        assert_eq!(surroundings.concluded(None, false).stolen_cpu, None);
    }
}
