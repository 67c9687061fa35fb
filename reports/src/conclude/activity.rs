//! What tasks and subtasks did with their time, from `subtasks.csv`.

use std::collections::BTreeMap;

use super::event_time::{EventTimes, Gauges, late};
use super::timeline::is_within;
use crate::deltas::{BUSY, Counter, Counters, Delta, Differences};
use crate::record::{
    Activity, Backpressure, EventTime, Graph, Late, Level, Phase, RunDir, SubtaskRow,
};

/// A sampling interval with a larger backpressured share belongs to an episode.
const EPISODE_SHARE: f64 = 0.5;

/// The activity of every task in the measured phase.
pub(super) struct Activities {
    /// Ids in the order of first appearance, which is the plan's.
    ids: Vec<String>,
    tasks: BTreeMap<String, TaskSums>,
    span: Option<(u64, u64)>,
}

/// One task's activity, ready for `run.json`.
pub(super) struct TaskActivity {
    pub(super) parallelism: u32,
    pub(super) total: Activity,
    pub(super) event_time: Option<EventTime>,
    /// Time inside the state backend, all subtasks together.
    pub(super) state_ns: Option<u64>,
    /// Wall time of the phase, all subtasks together.
    pub(super) wall_ns: Option<f64>,
    pub(super) subtasks: Vec<(u32, Activity)>,
}

impl TaskActivity {
    /// Largest over mean of the subtasks' records: P p + 1 - p if one key of share p is on one of P
    /// subtasks and all others are spread evenly. A subtask
    /// that was never seen counts as one that took in nothing.
    pub(super) fn skew_factor(&self) -> Option<f64> {
        let records = self.subtasks.iter();
        let records = records.filter_map(|(_, activity)| activity.records_in);
        let largest = records.max().filter(|&largest| largest > 0)?;
        let mean = self.total.records_in? as f64 / f64::from(self.parallelism);
        (self.parallelism > 1).then(|| largest as f64 / mean)
    }
}

pub(super) fn activities(record: &RunDir, phase: Phase, notes: &mut Vec<String>) -> Activities {
    let mut differences = Differences::new(std::iter::empty());
    let mut tasks: Vec<TaskSums> = Vec::new();
    let mut span: Option<(u64, u64)> = None;
    let mut event_times = EventTimes::new(phase);
    let mut rows = record.rows::<SubtaskRow>();
    for row in rows.by_ref() {
        event_times.feed(differences.position(&row.task), &row);
        let Some(delta) = differences.feed(&row) else {
            continue;
        };
        if is_within(phase, delta.from_ms, delta.to_ms) {
            tasks.resize_with(tasks.len().max(delta.task + 1), TaskSums::default);
            tasks[delta.task].add(&delta);
            let (from, to) = span.unwrap_or((delta.from_ms, delta.to_ms));
            span = Some((from.min(delta.from_ms), to.max(delta.to_ms)));
        }
    }
    if rows.skipped() > 0 {
        notes.push(format!(
            "{} rows of subtasks.csv cannot be read",
            rows.skipped()
        ));
    }
    let ids = differences.into_task_names();
    tasks.resize_with(ids.len(), TaskSums::default);
    for (task, gauges) in tasks.iter_mut().zip(event_times.finish()) {
        task.gauges = gauges;
    }
    Activities {
        tasks: ids.iter().cloned().zip(tasks).collect(),
        ids,
        span,
    }
}

impl Activities {
    pub(super) fn phase(&self) -> Option<Phase> {
        self.span.map(|(from_ms, to_ms)| Phase { from_ms, to_ms })
    }

    /// Largest share of time in which the engine held a source's subtask: by the source's own
    /// account where it keeps one (it knows of chained operators and of waiting for a slot), else
    /// the backpressured share.
    pub(super) fn held_share(&self, graph: &Graph) -> Option<f64> {
        let wall_ns = self.wall_ns()?;
        let sources = self.tasks.iter().filter(|(id, _)| graph.is_source(id));
        let subtasks = sources.flat_map(|(_, task)| task.subtasks.values());
        let held = subtasks.filter_map(|subtask| {
            let counters = &subtask.counters;
            counters[Counter::Held].or(counters[Counter::Backpressured])
        });
        held.max().map(|held_ns| held_ns as f64 / wall_ns)
    }

    /// Late records of all tasks that are left.
    pub(super) fn late(&self) -> Late {
        let mut counters = Counters::default();
        for task in self.tasks.values() {
            counters.add(&task.counters);
        }
        late(&counters)
    }

    /// Takes one task's activity out; without a plan its parallelism is the number of subtasks
    /// seen.
    pub(super) fn take(&mut self, task: &str, parallelism: Option<u32>) -> TaskActivity {
        let wall_ns = self.wall_ns();
        let mut sums = self.tasks.remove(task).unwrap_or_default();
        sums.episodes.close();
        let parallelism = parallelism.unwrap_or(sums.subtasks.len() as u32);
        let subtasks: Vec<_> = std::mem::take(&mut sums.subtasks)
            .into_iter()
            .map(|(at, subtask)| (at, subtask.activity(wall_ns)))
            .collect();
        let total_ns = wall_ns.map(|wall_ns| wall_ns * f64::from(parallelism));
        let mut total = activity(&sums.counters, total_ns, sums.in_usage, sums.out_usage);
        let worst = subtasks
            .iter()
            .filter_map(|(_, subtask)| subtask.backpressured)
            .max_by(f64::total_cmp);
        total.backpressure = sums.episodes.backpressure(worst);
        TaskActivity {
            parallelism,
            total,
            event_time: sums.gauges.concluded(&sums.counters),
            state_ns: sums.counters[Counter::State],
            wall_ns: total_ns,
            subtasks,
        }
    }

    /// Tasks that were not taken.
    pub(super) fn remaining(&self) -> Vec<String> {
        let untaken = self.ids.iter().filter(|id| self.tasks.contains_key(*id));
        untaken.cloned().collect()
    }

    fn wall_ns(&self) -> Option<f64> {
        let (from_ms, to_ms) = self.span?;
        (to_ms > from_ms).then(|| (to_ms - from_ms) as f64 * 1e6)
    }
}

/// Sums over a task's intervals.
#[derive(Default)]
struct TaskSums {
    subtasks: BTreeMap<u32, SubtaskSums>,
    counters: Counters,
    gauges: Gauges,
    in_usage: WeightedMean,
    out_usage: WeightedMean,
    episodes: Episodes,
}

impl TaskSums {
    fn add(&mut self, delta: &Delta) {
        self.counters.add(&delta.counters);
        self.in_usage.add(delta.in_usage, delta.length_ms());
        self.out_usage.add(delta.out_usage, delta.length_ms());
        self.episodes.add(delta);
        self.subtasks.entry(delta.subtask).or_default().add(delta);
    }
}

/// Sums over one subtask's intervals.
#[derive(Default)]
struct SubtaskSums {
    counters: Counters,
    in_usage: WeightedMean,
    out_usage: WeightedMean,
    episodes: Episodes,
}

impl SubtaskSums {
    fn add(&mut self, delta: &Delta) {
        self.counters.add(&delta.counters);
        self.in_usage.add(delta.in_usage, delta.length_ms());
        self.out_usage.add(delta.out_usage, delta.length_ms());
        self.episodes.add(delta);
    }

    fn activity(mut self, wall_ns: Option<f64>) -> Activity {
        self.episodes.close();
        let mut activity = activity(&self.counters, wall_ns, self.in_usage, self.out_usage);
        activity.backpressure = self.episodes.backpressure(activity.backpressured);
        activity
    }
}

fn activity(
    counters: &Counters,
    wall_ns: Option<f64>,
    in_usage: WeightedMean,
    out_usage: WeightedMean,
) -> Activity {
    let share = |of: &[Counter]| {
        counters
            .sum(of)
            .zip(wall_ns)
            .map(|(spent_ns, wall_ns)| spent_ns as f64 / wall_ns)
    };
    Activity {
        records_in: counters[Counter::RecordsIn],
        records_out: counters[Counter::RecordsOut],
        busy: share(&BUSY),
        idle: share(&[Counter::Idle]),
        backpressured: share(&[Counter::Backpressured]),
        on_cpu: share(&[Counter::OnCpu]),
        state: share(&[Counter::State]),
        blocked: share(&[Counter::Blocked]),
        starved: share(&[Counter::Starved]),
        backpressure: Backpressure::default(),
        in_usage: in_usage.mean(),
        out_usage: out_usage.mean(),
    }
}

/// A mean weighted by the time for which each value stood.
#[derive(Clone, Copy, Default)]
pub(super) struct WeightedMean {
    sum: f64,
    weight: f64,
}

impl WeightedMean {
    pub(super) fn add(&mut self, value: Option<f64>, weight_ms: u64) {
        if let Some(value) = value {
            self.sum += value * weight_ms as f64;
            self.weight += weight_ms as f64;
        }
    }

    pub(super) fn mean(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Counts spans of consecutive sampling intervals in which the backpressured share is above
/// [`EPISODE_SHARE`]. Fed with several subtasks of one task, the largest share of an interval
/// counts; rows of one moment follow each other in the table.
#[derive(Default)]
struct Episodes {
    measured: bool,
    /// (from, to, largest share) of the interval that is being fed.
    interval: Option<(u64, u64, f64)>,
    running_ms: u64,
    count: u64,
    longest_ms: u64,
}

impl Episodes {
    fn add(&mut self, delta: &Delta) {
        let Some(share) = delta.share(&[Counter::Backpressured]) else {
            return;
        };
        self.measured = true;
        match &mut self.interval {
            Some((_, to_ms, largest)) if *to_ms == delta.to_ms => *largest = largest.max(share),
            _ => {
                self.close();
                self.interval = Some((delta.from_ms, delta.to_ms, share));
            }
        }
    }

    fn close(&mut self) {
        let Some((from_ms, to_ms, share)) = self.interval.take() else {
            return;
        };
        if share <= EPISODE_SHARE {
            self.running_ms = 0;
            return;
        }
        self.count += u64::from(self.running_ms == 0);
        self.running_ms += to_ms - from_ms;
        self.longest_ms = self.longest_ms.max(self.running_ms);
    }

    fn backpressure(&self, share: Option<f64>) -> Backpressure {
        Backpressure {
            level: share.map(Level::of),
            episodes: self.measured.then_some(self.count),
            longest_ms: self.measured.then_some(self.longest_ms),
        }
    }
}
