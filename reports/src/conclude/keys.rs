//! The most frequent keys of the measured phase, from `keys.csv`.
//!
//! The table holds samples of sketches that count since the start of the run; the phase is the
//! difference of two samples. A sketch says of a listed key that it was seen between
//! `count - error` and `count` times, and of any other key that it was seen at most as often as
//! the least frequent listed one. So a difference has bounds too, and they are what is reported.

use std::collections::BTreeMap;

use crate::record::{KeyRow, Phase, RunDir, TopKey};

/// More keys than this are not reported.
const MAX_KEYS: usize = 10;

/// The first and the last sample of every task.
pub(super) struct TopKeys(BTreeMap<String, Samples>);

/// What the sketch of one task listed at two moments.
#[derive(Default)]
struct Samples {
    /// The last sample before the phase; empty if there was none.
    begin: Sample,
    end: Sample,
}

/// One sample: (count, error) by key.
#[derive(Clone, Default)]
struct Sample {
    t_ms: u64,
    keys: BTreeMap<String, (u64, u64)>,
}

pub(super) fn top_keys(record: &RunDir, phase: Phase, notes: &mut Vec<String>) -> TopKeys {
    let mut tasks: BTreeMap<String, Samples> = BTreeMap::new();
    let mut rows = record.rows::<KeyRow>();
    for row in rows.by_ref().filter(|row| row.t_ms <= phase.to_ms) {
        let samples = tasks.entry(row.task).or_default();
        if row.t_ms != samples.end.t_ms {
            if samples.end.t_ms <= phase.from_ms {
                samples.begin = std::mem::take(&mut samples.end);
            }
            samples.end = Sample {
                t_ms: row.t_ms,
                ..Sample::default()
            };
        }
        let (count, error) = samples.end.keys.entry(row.key).or_default();
        *count = count.saturating_add(row.count);
        *error = error.saturating_add(row.error);
    }
    if rows.skipped() > 0 {
        notes.push(format!(
            "{} rows of keys.csv cannot be read",
            rows.skipped()
        ));
    }
    TopKeys(tasks)
}

impl TopKeys {
    /// The keys of a task that took in so many records in the phase, the most frequent first.
    pub(super) fn of(&self, task: &str, records_in: Option<u64>) -> Vec<TopKey> {
        let Some(samples) = self.0.get(task) else {
            return Vec::new();
        };
        let records_in = records_in.filter(|&records| records > 0);
        let mut keys: Vec<TopKey> = samples.phase().collect();
        keys.sort_by(|one, other| other.count.cmp(&one.count).then(one.key.cmp(&other.key)));
        keys.truncate(MAX_KEYS);
        for key in &mut keys {
            key.share = records_in.map(|records| (key.count as f64 / records as f64).min(1.0));
        }
        keys
    }
}

impl Samples {
    fn phase(&self) -> impl Iterator<Item = TopKey> {
        let least = self.begin.keys.values().map(|(count, _)| *count).min();
        self.end.keys.iter().map(move |(key, &(count, error))| {
            let (at_most, uncertain) = match self.begin.keys.get(key) {
                Some(&listed) => listed,
                None => (least.unwrap_or(0), least.unwrap_or(0)),
            };
            let before_at_least = at_most.saturating_sub(uncertain);
            let count = count.saturating_sub(before_at_least);
            TopKey {
                key: key.clone(),
                count,
                error: error.saturating_add(uncertain).min(count),
                share: None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(t_ms: u64, keys: &[(&str, u64, u64)]) -> Sample {
        let keys = keys.iter();
        Sample {
            t_ms,
            keys: keys
                .map(|&(key, count, error)| (key.to_owned(), (count, error)))
                .collect(),
        }
    }

    #[test]
    fn a_difference_of_two_samples_keeps_the_bounds_of_both() {
        let samples = Samples {
            begin: sample(1_000, &[("a", 100, 10), ("b", 40, 5)]),
            end: sample(9_000, &[("a", 300, 20), ("c", 90, 30)]),
        };
        let tasks = BTreeMap::from([("sum".to_owned(), samples)]);
        let keys = TopKeys(tasks).of("sum", Some(400));
        let found: Vec<_> = keys
            .iter()
            .map(|key| (key.key.as_str(), key.count, key.error, key.share))
            .collect();
        // "a" was seen 90 to 100 times before; "c" was not listed, so at most 40 times.
        assert_eq!(
            found,
            [("a", 210, 30, Some(0.525)), ("c", 90, 70, Some(0.225))]
        );
    }
}
