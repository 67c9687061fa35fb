//! A made-up run of the slow-operator job with all the arithmetic done by hand: capacity 20 k/s,
//! one second of warm-up, the slow operator frozen for a while.

pub mod checkpoints;
mod event_time;
mod state;

use std::collections::BTreeMap;
use std::path::Path;

use reports::record::{
    Backend, ChannelRow, Correctness, Edge, EventRow, Graph, KeyRow, Member, Mode, Phase, Series,
    SubtaskRow, Target, Task, TimelineRow, Writer, event_kind, histogram, publish_run,
};
use reports::{Facts, Objectives, Termination, conclude};

/// What the made-up run is like.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub length_ms: u64,
    pub interval_ms: u64,
    /// Per task: source, parse, slow, sum, sink.
    pub parallelism: [u32; 5],
    /// `None`: closed loop.
    pub offered_per_s: Option<u64>,
    pub freeze_ms: Option<(u64, u64)>,
    /// Whether it has watermarks and windows.
    pub has_event_time: bool,
    /// Whether `sum` keeps its sums in keyed state, and where.
    pub state: Option<Backend>,
    /// Whether it takes checkpoints, and fails once.
    pub has_checkpoints: bool,
    /// Records that the slow operator takes per second.
    pub capacity_per_s: u64,
    /// More lines of the scenario.
    pub settings: &'static str,
    /// Time of the calibration loop.
    pub calibration_ns: Option<u64>,
    /// Whether the machine does other work at the same time, which slows it down.
    pub is_disturbed: bool,
}

pub const TASKS: [&str; 5] = ["source", "parse", "slow", "sum", "sink"];
const CAPACITY_PER_S: u64 = 20_000;
pub const WARM_UP_MS: u64 = 1_000;

impl Default for Simulation {
    fn default() -> Self {
        Simulation {
            length_ms: 20_000,
            interval_ms: 100,
            parallelism: [1, 1, 2, 2, 1],
            offered_per_s: Some(15_000),
            freeze_ms: Some((8_000, 9_000)),
            has_event_time: false,
            state: None,
            has_checkpoints: false,
            capacity_per_s: CAPACITY_PER_S,
            settings: "",
            calibration_ns: None,
            is_disturbed: false,
        }
    }
}

impl Simulation {
    /// Writes the record without `run.json`.
    pub fn write(&self, directory: &Path) {
        let scenario = format!(
            "name = \"simulated\"\n[workload]\nkind = \"slow-operator\"\n{}",
            self.settings
        );
        let mut writer =
            Writer::create(directory, &scenario, &self.graph(), 1_700_000_000_123).unwrap();
        let mut state = State::default();
        self.write_rows(&mut writer, 0, &state);
        let mut t_ms = 0;
        while t_ms < self.length_ms {
            t_ms += self.interval_ms;
            self.advance(&mut state, t_ms);
            self.write_rows(&mut writer, t_ms, &state);
            self.write_latency(&mut writer, t_ms, &state);
            if t_ms.is_multiple_of(1_000) {
                write_keys(&mut writer, t_ms, &state);
            }
            writer.flush().unwrap();
        }
        self.write_events(&mut writer);
        self.write_checkpoints(&mut writer);
        writer.close().unwrap();
        if self.has_event_time {
            event_time::write_trade_off(directory);
        }
    }

    /// Writes the record and concludes it.
    pub fn finish(&self, directory: &Path) -> reports::record::Run {
        self.write(directory);
        let run = conclude(directory, &self.facts()).unwrap();
        publish_run(directory, &run).unwrap();
        run
    }

    pub fn facts(&self) -> Facts {
        Facts {
            name: "simulated".to_owned(),
            target: Target {
                kind: "embedded".to_owned(),
                version: "0.1.0".to_owned(),
            },
            termination: Termination::Completed,
            started_at: "2023-11-14T22:13:20.123Z".to_owned(),
            host: BTreeMap::from([
                ("cores".to_owned(), 2.into()),
                ("cpu".to_owned(), "made-up <fast>".into()),
            ]),
            seed: Some(7),
            measured: Phase {
                from_ms: WARM_UP_MS,
                to_ms: self.length_ms,
            },
            records_replayed: if self.has_checkpoints { 4_321 } else { 0 },
            restored_from: None,
            correctness: Correctness {
                checked: true,
                mode: Some(Mode::Exact),
                expected: Some(285_000),
                missing: Some(0),
                duplicated: Some(0),
                wrong: Some(0),
            },
            censored: None,
            member_costs_ns: BTreeMap::from([
                ("slow".to_owned(), 100_250.0),
                ("parse".to_owned(), 45.5),
            ]),
            ceiling_per_s: None,
            objectives: Objectives::default(),
            notes: Vec::new(),
        }
    }

    pub fn graph(&self) -> Graph {
        let tasks = TASKS
            .iter()
            .zip(self.parallelism)
            .map(|(&name, parallelism)| Task {
                id: name.to_owned(),
                name: if name == "sum" {
                    "sum -> format".to_owned()
                } else {
                    name.to_owned()
                },
                members: vec![Member {
                    id: name.to_owned(),
                    name: name.to_owned(),
                }],
                parallelism,
            });
        let edges = TASKS.windows(2).map(|ends| Edge {
            id: format!("{}-{}", ends[0], ends[1]),
            from: ends[0].to_owned(),
            to: ends[1].to_owned(),
            exchange: "hash".to_owned(),
            remote: false,
        });
        Graph {
            tasks: tasks.collect(),
            edges: edges.collect(),
        }
    }

    fn is_frozen(&self, t_ms: u64) -> bool {
        self.freeze_ms
            .is_some_and(|(from, to)| t_ms > from && t_ms <= to)
    }

    /// One interval of a queue with a fixed capacity; 2,000 records fit into the job.
    fn advance(&self, state: &mut State, t_ms: u64) {
        let interval_ms = self.interval_ms;
        let capacity = if self.is_frozen(t_ms) || self.is_down(t_ms) {
            0
        } else {
            self.capacity_per_s * interval_ms / 1000
        };
        state.offered = self.offered_per_s.map(|rate| rate * t_ms / 1000);
        let waiting = state
            .offered
            .map_or(u64::MAX, |offered| offered - state.admitted);
        let room = 2_000 - (state.admitted - state.completed) + capacity;
        state.admitted += waiting.min(room);
        let done = capacity.min(state.admitted - state.completed);
        state.completed += done;
        let busy = done as f64 / (self.capacity_per_s * interval_ms / 1000) as f64;
        state.slow_busy = if self.is_frozen(t_ms) { 1.0 } else { busy };
        let backlog = state.offered.map_or(0, |offered| offered - state.admitted);
        state.full = if backlog > 0 || waiting == u64::MAX {
            0.97
        } else {
            0.02
        };
        let interval_ns = interval_ms as f64 * 1e6;
        for (task, times) in state.times_ns.iter_mut().enumerate() {
            let (busy, backpressured) = match task {
                0 | 1 => (0.02, state.full),
                2 => (state.slow_busy, 0.0),
                _ => (0.05 * busy, 0.0),
            };
            let idle = 1.0 - busy - backpressured;
            let spent = [idle.max(0.0), busy, backpressured];
            for (total, share) in times.iter_mut().zip(spent) {
                *total += (share * interval_ns) as u64;
            }
        }
    }

    fn write_rows(&self, writer: &mut Writer, t_ms: u64, state: &State) {
        let latency = |factor: u64| {
            state
                .offered
                .map(|_| self.latency_ns(t_ms, state) * factor / 100)
        };
        let row = TimelineRow {
            t_ms,
            offered: state.offered,
            admitted: state.admitted,
            completed: state.completed,
            backlog: state.offered.map(|offered| offered - state.admitted),
            response_p50_ns: latency(60),
            response_p90_ns: latency(80),
            response_p99_ns: latency(100),
            response_p999_ns: latency(130),
            response_max_ns: latency(180),
            cpu: Some(t_ms as f64 * 1.5e-3),
            harness_cpu: Some(t_ms as f64 * 1e-5),
            rss: Some(self.rss(t_ms)),
            service_p99_ns: Some(2_000_000),
            watermark_lag_ms: self.watermark_lag_ms(t_ms),
            others_cpu: self.by_others(t_ms, 0.75),
            stolen_cpu: self.by_others(t_ms, 0.01),
            memory_stall: self.by_others(t_ms, 0.0),
            io_stall: self.by_others(t_ms, 0.125),
            calibration: match self.is_disturbed {
                true => t_ms.is_multiple_of(5_000).then_some(850_000 + 10 * t_ms),
                false => self.calibration_ns,
            },
        };
        writer.append(&row).unwrap();
        for (at, &task) in TASKS.iter().enumerate() {
            for subtask in 0..self.parallelism[at] {
                writer
                    .append(&self.subtask_row(t_ms, state, (at, task), subtask))
                    .unwrap();
            }
        }
        self.write_state(writer, t_ms, state);
        for (at, ends) in TASKS.windows(2).enumerate() {
            let full = [state.full, state.full, 0.05, 0.01][at];
            for to in 0..self.parallelism[at + 1] {
                let row = ChannelRow {
                    t_ms,
                    edge: format!("{}-{}", ends[0], ends[1]),
                    from: Some(0),
                    to,
                    enqueued: state.completed / 16 + (full * 10.0) as u64,
                    dequeued: state.completed / 16,
                    capacity: Some(10.0),
                    bytes: None,
                    on_link: None,
                };
                writer.append(&row).unwrap();
            }
        }
    }

    /// Seconds since the machine began, looked at once per second.
    fn by_others(&self, t_ms: u64, share: f64) -> Option<f64> {
        let looked = self.is_disturbed && t_ms.is_multiple_of(1_000);
        looked.then(|| 9_000.0 + t_ms as f64 / 1e3 * share)
    }

    fn subtask_row(
        &self,
        t_ms: u64,
        state: &State,
        task: (usize, &str),
        subtask: u32,
    ) -> SubtaskRow {
        let (at, name) = task;
        let [idle_ns, busy_ns, backpressured_ns] = state.times_ns[at];
        let parallelism = u64::from(self.parallelism[at]);
        let records = if at < 2 {
            state.admitted
        } else {
            state.completed
        } / parallelism;
        let mut row = SubtaskRow {
            t_ms,
            task: name.to_owned(),
            subtask,
            records_in: (at > 0).then_some(records),
            records_out: (at < 4).then_some(records),
            idle_ns: Some(idle_ns),
            on_cpu_ns: Some(busy_ns / 4),
            state_ns: Some(self.state_ns(at, records)),
            blocked_ns: Some(busy_ns - busy_ns / 4 - busy_ns / 10),
            starved_ns: Some(busy_ns / 10),
            backpressured_ns: Some(backpressured_ns),
            held_ns: (at == 0).then_some(backpressured_ns),
            in_usage: (at > 0).then_some(state.full / 2.0),
            out_usage: (at < 4).then_some(state.full),
            ..SubtaskRow::default()
        };
        if self.has_event_time {
            self.add_event_time(&mut row, at, state);
        }
        row
    }

    fn latency_ns(&self, t_ms: u64, state: &State) -> u64 {
        let in_system = state.offered.unwrap_or(state.admitted) - state.completed;
        2_000_000 + in_system * 1_000_000_000 / self.capacity_per_s + t_ms * 7_919 % 500_000
    }

    fn write_latency(&self, writer: &mut Writer, t_ms: u64, state: &State) {
        let (from_ms, response) = (t_ms - self.interval_ms, self.latency_ns(t_ms, state));
        let records = CAPACITY_PER_S * self.interval_ms / 2_000;
        let all = [
            (Series::Response, response),
            (Series::Service, 2_000_000),
            (Series::ScheduleLag, response - 2_000_000),
            (Series::EngineLag, response - 2_000_000),
            (Series::OwnLag, 60_000),
        ];
        for (series, value) in all {
            if self.offered_per_s.is_some() || series == Series::Service {
                let mut values = histogram();
                values.record_n(value, records).unwrap();
                writer
                    .append_latency(series, from_ms, t_ms, &values)
                    .unwrap();
            }
        }
    }

    fn write_events(&self, writer: &mut Writer) {
        let event = |t_ms, kind: &str, task: Option<&str>, text: &str| EventRow {
            t_ms,
            kind: kind.to_owned(),
            task: task.map(str::to_owned),
            subtask: None,
            attempt: None,
            text: text.to_owned(),
        };
        writer
            .append(&event(WARM_UP_MS, event_kind::MEASURE, None, ""))
            .unwrap();
        if let Some((from, to)) = self.freeze_ms {
            // Every subtask says so itself.
            for (t_ms, kind) in [(from, event_kind::FAULT), (to, event_kind::FAULT_END)] {
                for _ in 0..self.parallelism[2] {
                    writer
                        .append(&event(t_ms, kind, Some("slow"), "freeze slow"))
                        .unwrap();
                }
            }
        }
    }
}

/// The sum is keyed: half of the records have one key, a tenth another.
fn write_keys(writer: &mut Writer, t_ms: u64, state: &State) {
    for (key, share) in [("hot <1>", 2), ("warm", 10)] {
        let row = KeyRow {
            t_ms,
            task: "sum".to_owned(),
            key: key.to_owned(),
            count: state.completed / share,
            error: 0,
        };
        writer.append(&row).unwrap();
    }
}

#[derive(Default)]
struct State {
    offered: Option<u64>,
    admitted: u64,
    completed: u64,
    slow_busy: f64,
    full: f64,
    /// Idle, busy, backpressured per task.
    times_ns: [[u64; 3]; 5],
}
