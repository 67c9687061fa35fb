//! Latency over load: at which loads a sweep measures, and where its knee is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::SweepRow;
use crate::sustainable::Probe;

/// The loads of a sweep, times the capacity: closer together where latency begins to rise.
pub const LOADS: [f64; 14] = [
    0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.25, 1.5, 2.0,
];

/// One load of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepLoad {
    /// Times the capacity.
    pub load: f64,
    /// Records per second.
    pub rate_per_s: f64,
    /// How long to measure.
    pub duration: Duration,
}

/// The loads of a sweep around a capacity, the lowest first. `duration` is that of a probe that counts, see
/// [`least_duration`](crate::sustainable::least_duration). All loads are measured for the same time: above
/// the capacity latency grows with it, and only equal times compare. From 0.8 to the capacity a queue takes
/// long to come to rest (the relaxation time of a single server grows with 1 / (1 - load)^2), so all are
/// measured for twice the time.
pub fn sweep_plan(capacity_per_s: f64, duration: Duration) -> Vec<SweepLoad> {
    let loads = LOADS.into_iter().map(|load| SweepLoad {
        load,
        rate_per_s: load * capacity_per_s,
        duration: duration.saturating_mul(2),
    });
    loads.collect()
}

/// Where latency over load turns from flat to steep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The load at the knee, in the unit of the points.
    pub load: f64,
    /// The latency there, in the unit of the points.
    pub latency: f64,
    /// How far the curve lies below the straight line between its ends there, 0..1: the sharpness.
    pub depth: f64,
}

/// Kneedle's sensitivity for finished curves: how far the difference must fall after its maximum, in mean
/// steps of the load.
const SENSITIVITY: f64 = 1.0;

/// The knee by Kneedle (Satopaa, Albrecht, Irwin and Raghavan, SIMPLEX 2011), for a curve that rises and
/// bends upwards: both axes are scaled to 0..1, and the knee is the highest local maximum of the difference
/// between load and latency that is confirmed by a fall below the paper's threshold. Not smoothed: a sweep has
/// a dozen points, each of thousands of records.
///
/// `points` are (load, latency) of loads below the capacity only: from there on latency is as high as the
/// run is long. `None` with fewer than four of different loads, or where the curve has no knee.
pub fn knee(points: &[(f64, f64)]) -> Option<Knee> {
    let is_sound = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut points: Vec<(f64, f64)> = points.iter().filter(is_sound).copied().collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    points.dedup_by_key(|(load, _)| *load);
    let (first, last) = (points.first()?.0, points.last()?.0);
    let latencies = || points.iter().map(|(_, latency)| *latency);
    let least = latencies().fold(f64::INFINITY, f64::min);
    let most = latencies().fold(f64::NEG_INFINITY, f64::max);
    if points.len() < 4 || most <= least {
        return None;
    }
    let scaled = points.iter().map(|(load, latency)| {
        let (across, up) = (
            (load - first) / (last - first),
            (latency - least) / (most - least),
        );
        across - up
    });
    let differences: Vec<f64> = scaled.collect();
    let threshold = SENSITIVITY / (points.len() - 1) as f64;
    let is_knee = |at: &usize| {
        let here = differences[*at];
        let is_maximum = differences[at - 1] < here && here >= differences[at + 1];
        let later = &differences[at + 1..];
        // Until the curve comes back as high, it must have fallen far enough.
        let until = later
            .iter()
            .position(|it| *it > here)
            .unwrap_or(later.len());
        is_maximum && later[..until].iter().any(|it| *it < here - threshold)
    };
    let candidates = (1..points.len() - 1).filter(is_knee);
    let at = candidates.max_by(|one, other| differences[*one].total_cmp(&differences[*other]))?;
    Some(Knee {
        load: points[at].0,
        latency: points[at].1,
        depth: differences[at],
    })
}

/// The knee of p99 over load in a sweep, of loads that were held. Just at the capacity a queue never comes to
/// rest, held or not.
pub fn knee_of<'a>(rows: impl IntoIterator<Item = &'a SweepRow>) -> Option<Knee> {
    let is_held = |row: &&SweepRow| row.outcome == Probe::Sustainable && row.load < 1.0;
    let held = rows.into_iter().filter(is_held);
    let points = held.filter_map(|row| Some((row.load, row.response_p99_ns? as f64)));
    knee(&points.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_knee_of_a_queue_is_where_waiting_begins_to_count() {
        // Mean response time of M/M/1, in service times.
        let held = LOADS.into_iter().filter(|load| *load < 0.99);
        let points: Vec<(f64, f64)> = held.map(|load| (load, 1.0 / (1.0 - load))).collect();
        let found = knee(&points).unwrap();
        assert!((0.8..=0.85).contains(&found.load), "{found:?}");
        assert!((found.latency - 1.0 / (1.0 - found.load)).abs() < 1e-9);
    }

    #[test]
    fn a_knee_that_is_drawn_is_found_where_it_was_drawn() {
        let bent = |load: f64| {
            if load <= 0.7 {
                2.0
            } else {
                2.0 + 100.0 * (load - 0.7)
            }
        };
        let points: Vec<(f64, f64)> = LOADS[..10]
            .iter()
            .map(|load| (*load, bent(*load)))
            .collect();
        assert_eq!(knee(&points).unwrap().load, 0.7);
    }

    #[test]
    fn a_straight_line_and_a_flat_one_have_no_knee() {
        let line = |slope: f64| LOADS.map(|load| (load, 1.0 + slope * load));
        assert_eq!(knee(&line(3.0)), None);
        assert_eq!(knee(&line(0.0)), None);
        assert_eq!(knee(&line(3.0)[..3]), None);
    }

    #[test]
    fn a_sweep_goes_from_below_the_capacity_to_above_it() {
        let plan = sweep_plan(1_000.0, Duration::from_secs(20));
        assert_eq!((plan[0].rate_per_s, plan[13].rate_per_s), (300.0, 2_000.0));
        assert!(plan.iter().all(|it| it.duration == Duration::from_secs(40)));
        assert!(plan.is_sorted_by(|one, other| one.load < other.load));
    }

    proptest! {
        #[test]
        fn a_knee_is_one_of_the_points(points in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..20)) {
            if let Some(found) = knee(&points) {
                prop_assert!(points.contains(&(found.load, found.latency)));
            }
        }
    }
}
