//! Latency distributions of the measured phase: the merged histograms of its intervals, never
//! averaged percentiles.

use hdrhistogram::Histogram;

use super::Facts;
use crate::record::{Distribution, Latencies, RunDir, Series, histogram};

pub(super) fn latencies(
    record: &RunDir,
    facts: &Facts,
    closed_loop: bool,
    notes: &mut Vec<String>,
) -> Latencies {
    let mut totals = Series::ALL.map(|_| histogram());
    let mut damaged = 0u64;
    for interval in record.latency() {
        if facts
            .measured
            .counts_latency(interval.from_ms, interval.to_ms)
        {
            let added = interval.add_to(&mut totals[interval.series as usize]);
            damaged += u64::from(added.is_none());
        }
    }
    if damaged > 0 {
        notes.push(format!(
            "{damaged} intervals of latency.hlog cannot be decoded"
        ));
    }
    if let Some(censored) = &facts.censored {
        for bucket in censored.iter_recorded() {
            totals[Series::Response as usize]
                .saturating_record_n(bucket.value_iterated_to(), bucket.count_at_value());
        }
    }
    let of = |series: Series| distribution(&totals[series as usize]);
    // Without a schedule there is no intended time to measure from.
    let scheduled = |series: Series| if closed_loop { None } else { of(series) };
    Latencies {
        response: scheduled(Series::Response),
        service: of(Series::Service),
        schedule_lag: scheduled(Series::ScheduleLag),
        engine_lag: scheduled(Series::EngineLag),
        own_lag: scheduled(Series::OwnLag),
    }
}

/// A percentile q needs at least 10 / (1 - q) samples.
fn distribution(histogram: &Histogram<u64>) -> Option<Distribution> {
    let count = histogram.len();
    let percentile =
        |quantile: f64, least: u64| (count >= least).then(|| histogram.value_at_quantile(quantile));
    (count > 0).then(|| Distribution {
        count,
        mean: Some(histogram.mean()),
        p50: percentile(0.5, 20),
        p90: percentile(0.9, 100),
        p99: percentile(0.99, 1_000),
        p999: percentile(0.999, 10_000),
        max: Some(histogram.max()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_given_only_with_enough_samples() {
        let mut values = histogram();
        values.record_n(5_000_000, 999).unwrap();
        let few = distribution(&values).unwrap();
        assert_eq!((few.p90.is_some(), few.p99, few.p999), (true, None, None));
        values.record(5_000_000).unwrap();
        assert!(distribution(&values).unwrap().p99.is_some());
        assert_eq!(distribution(&histogram()), None);
    }
}
