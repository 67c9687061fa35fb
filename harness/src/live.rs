//! What the live line says: rate, latency, and where the backpressure is right now.
//!
//! A rough look for people who wait, over windows of at least half a second. Nothing here reaches
//! the record; its rates and shares are `reports`' business.

use reports::record::{Graph, SubtaskRow};

use crate::sampler::Sample;

/// Shortest window over which rates and shares are formed, in milliseconds.
const WINDOW_MS: u64 = 500;
/// Backpressured shares up to this are none worth a word (Flink's level "OK").
const NO_BACKPRESSURE: f64 = 0.10;
/// Above this share (Flink's level "HIGH") a task is held up rather than the one that holds up.
const PASSING_ON: f64 = 0.50;

/// The run at a glance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulse {
    /// Source records per second.
    pub rate_per_s: f64,
    /// 99th percentile of the newest interval's response times (service times in a closed loop).
    pub p99_ns: Option<u64>,
    /// Where the backpressure is, if there is any.
    pub pressure: Option<Pressure>,
}

/// The most backpressured task and what holds it up.
#[derive(Clone, Debug, PartialEq)]
pub struct Pressure {
    /// The task.
    pub task: String,
    /// Its worst subtask's backpressured share of time.
    pub share: f64,
    /// The busiest task behind it.
    pub bottleneck: Option<String>,
}

/// Forms pulses from samples.
#[derive(Debug)]
pub struct Monitor {
    names: Vec<String>,
    ids: Vec<String>,
    /// For each task, the tasks that it feeds, directly or not.
    downstream: Vec<Vec<usize>>,
    before: Option<Moment>,
}

#[derive(Debug)]
struct Moment {
    t_ms: u64,
    admitted: u64,
    subtasks: Vec<Spent>,
}

/// Where a subtask's time went, cumulative.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    task: usize,
    busy_ns: u64,
    backpressured_ns: u64,
}

impl Monitor {
    /// For a job with this plan.
    pub fn new(graph: &Graph) -> Self {
        let ids: Vec<String> = graph.tasks.iter().map(|task| task.id.clone()).collect();
        let downstream = (0..ids.len())
            .map(|task| reachable(graph, &ids, task))
            .collect();
        Self {
            names: graph.tasks.iter().map(|task| task.name.clone()).collect(),
            ids,
            downstream,
            before: None,
        }
    }

    /// A new pulse if enough time has passed since the last one.
    pub fn feed(&mut self, sample: &Sample) -> Option<Pulse> {
        let t_ms = sample.timeline.t_ms;
        if self
            .before
            .as_ref()
            .is_some_and(|before| t_ms < before.t_ms + WINDOW_MS)
        {
            return None;
        }
        let now = Moment {
            t_ms,
            admitted: sample.timeline.admitted,
            subtasks: self.spent(&sample.snapshot.subtasks),
        };
        let pulse = self.before.as_ref().map(|before| Pulse {
            rate_per_s: now.admitted.saturating_sub(before.admitted) as f64 * 1e3
                / (t_ms - before.t_ms) as f64,
            p99_ns: sample
                .timeline
                .response_p99_ns
                .or(sample.timeline.service_p99_ns),
            pressure: self.pressure(before, &now),
        });
        self.before = Some(now);
        pulse
    }

    fn spent(&self, rows: &[SubtaskRow]) -> Vec<Spent> {
        let mut task = 0;
        rows.iter()
            .filter_map(|row| {
                // Rows come task by task, so the last one's is the first guess.
                if self.ids.get(task) != Some(&row.task) {
                    task = self.ids.iter().position(|id| *id == row.task)?;
                }
                let busy = [row.on_cpu_ns, row.state_ns, row.blocked_ns, row.starved_ns];
                Some(Spent {
                    task,
                    busy_ns: busy.into_iter().flatten().sum(),
                    backpressured_ns: row.backpressured_ns.unwrap_or(0),
                })
            })
            .collect()
    }

    fn pressure(&self, before: &Moment, now: &Moment) -> Option<Pressure> {
        let wall_ns = (now.t_ms - before.t_ms) as f64 * 1e6;
        let mut backpressured = vec![0.0_f64; self.ids.len()];
        let mut utilisation = vec![0.0_f64; self.ids.len()];
        for (then, now) in before.subtasks.iter().zip(&now.subtasks) {
            let waited =
                now.backpressured_ns.saturating_sub(then.backpressured_ns) as f64 / wall_ns;
            let busy = now.busy_ns.saturating_sub(then.busy_ns) as f64 / wall_ns;
            backpressured[now.task] = backpressured[now.task].max(waited.min(1.0));
            // busy / (1 - backpressured): how busy it is while it may run (METHODS, diagnosis).
            utilisation[now.task] = utilisation[now.task].max(busy / (1.0 - waited).max(0.01));
        }
        let worst = (0..backpressured.len())
            .max_by(|a, b| backpressured[*a].total_cmp(&backpressured[*b]))?;
        if backpressured[worst] <= NO_BACKPRESSURE {
            return None;
        }
        // A task that mostly waits for credit itself only passes the backpressure on.
        let behind = self.downstream[worst]
            .iter()
            .copied()
            .filter(|task| backpressured[*task] <= PASSING_ON);
        let bottleneck = behind.max_by(|a, b| utilisation[*a].total_cmp(&utilisation[*b]));
        Some(Pressure {
            task: self.names[worst].clone(),
            share: backpressured[worst],
            bottleneck: bottleneck.map(|task| self.names[task].clone()),
        })
    }
}

fn reachable(graph: &Graph, ids: &[String], from: usize) -> Vec<usize> {
    let mut seen = vec![false; ids.len()];
    let mut waiting = vec![from];
    while let Some(task) = waiting.pop() {
        for edge in graph.edges.iter().filter(|edge| edge.from == ids[task]) {
            if let Some(to) = ids
                .iter()
                .position(|id| *id == edge.to)
                .filter(|to| !seen[*to])
            {
                seen[to] = true;
                waiting.push(to);
            }
        }
    }
    (0..ids.len()).filter(|task| seen[*task]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reports::record::{Edge, Task};

    fn chain(ids: &[&str]) -> Graph {
        let task = |id: &&str| Task {
            id: (*id).into(),
            name: (*id).into(),
            members: Vec::new(),
            parallelism: 1,
        };
        let edge = |pair: &[&str]| Edge {
            id: format!("{}-{}", pair[0], pair[1]),
            from: pair[0].into(),
            to: pair[1].into(),
            exchange: "forward".into(),
            remote: false,
        };
        Graph {
            tasks: ids.iter().map(task).collect(),
            edges: ids.windows(2).map(edge).collect(),
        }
    }

    fn sample(t_ms: u64, spent_ms: &[(&str, u64, u64)]) -> Sample {
        let mut sample = Sample::default();
        sample.timeline.t_ms = t_ms;
        sample.timeline.admitted = t_ms * 7;
        sample.snapshot.subtasks = spent_ms
            .iter()
            .map(|(task, busy, backpressured)| SubtaskRow {
                task: (*task).into(),
                on_cpu_ns: Some(busy * 1_000_000),
                backpressured_ns: Some(backpressured * 1_000_000),
                ..SubtaskRow::default()
            })
            .collect();
        sample
    }

    #[test]
    fn the_bottleneck_is_the_busiest_task_behind_the_most_backpressured_one() {
        let mut monitor = Monitor::new(&chain(&["source", "parse", "slow", "sink"]));
        let idle = [
            ("source", 0, 0),
            ("parse", 0, 0),
            ("slow", 0, 0),
            ("sink", 0, 0),
        ];
        assert_eq!(monitor.feed(&sample(0, &idle)), None);
        assert_eq!(monitor.feed(&sample(400, &idle)), None);
        let later = [
            ("source", 5, 990),
            ("parse", 10, 980),
            ("slow", 980, 10),
            ("sink", 20, 0),
        ];
        let pulse = monitor.feed(&sample(1_000, &later)).unwrap();
        assert_eq!(pulse.rate_per_s, 7_000.0);
        let pressure = pulse.pressure.unwrap();
        assert_eq!(
            (pressure.task.as_str(), pressure.bottleneck.as_deref()),
            ("source", Some("slow"))
        );
        assert!((pressure.share - 0.99).abs() < 1e-9);
        // A second window without waiting.
        assert_eq!(monitor.feed(&sample(2_000, &later)).unwrap().pressure, None);
    }
}
