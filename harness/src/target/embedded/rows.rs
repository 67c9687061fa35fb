//! From the engine's counters to the rows of the record.

use engine::{
    ChannelSnapshot, FINAL_WATERMARK_MS, JobSnapshot, Plan, SubtaskSnapshot, TopKeys,
    WindowCounters,
};
use reports::record::{ChannelRow, KeyRow, StateRow, SubtaskRow};

use super::states::state_row;
use super::{Snapshot, edge_id};
use crate::sampler::milliseconds;

/// An edge with more channels is summed per receiver.
const MAX_ROWS_PER_EDGE: usize = 256;
/// And so is every edge of a job with more channels.
const MAX_ROWS: usize = 1_024;

/// Translates snapshots of one job; keeps its buffers.
pub struct Translator {
    /// The engine's counters, to be filled in before [`translate`](Self::translate).
    pub seen: JobSnapshot,
    task_ids: Vec<String>,
    /// Position of each task's first subtask among all subtasks.
    first_subtask: Vec<usize>,
    edges: Vec<EdgeTasks>,
    /// Whether a task feeds no other.
    is_sink: Vec<bool>,
    inputs: Vec<Usage>,
    outputs: Vec<Usage>,
}

struct EdgeTasks {
    id: String,
    from: usize,
    to: usize,
    summed: bool,
}

/// Batches sent and not yet processed, and batches that fit.
#[derive(Clone, Copy, Default)]
struct Usage {
    used: f64,
    capacity: f64,
}

impl Usage {
    fn add(&mut self, channel: &ChannelSnapshot, elsewhere: u64) {
        let used = channel.enqueued.saturating_sub(channel.dequeued);
        self.used += used.saturating_sub(elsewhere) as f64;
        self.capacity += channel.capacity;
    }

    fn share(self) -> Option<f64> {
        (self.capacity > 0.0).then(|| self.used / self.capacity)
    }
}

impl Translator {
    /// For a job with this plan.
    pub fn new(plan: &Plan) -> Self {
        let mut first_subtask = Vec::new();
        let mut subtasks = 0;
        for task in &plan.tasks {
            first_subtask.push(subtasks);
            subtasks += task.parallelism;
        }
        let edges = plan
            .edges
            .iter()
            .enumerate()
            .map(|(index, edge)| EdgeTasks {
                id: edge_id(index),
                from: edge.from,
                to: edge.to,
                summed: false,
            });
        Self {
            seen: JobSnapshot::default(),
            task_ids: plan.tasks.iter().map(|task| task.id.clone()).collect(),
            first_subtask,
            edges: edges.collect(),
            is_sink: (0..plan.tasks.len())
                .map(|task| !plan.edges.iter().any(|edge| edge.from == task))
                .collect(),
            inputs: vec![Usage::default(); subtasks],
            outputs: vec![Usage::default(); subtasks],
        }
    }

    /// Rewrites `into` with what was seen.
    pub fn translate(&mut self, into: &mut Snapshot) {
        self.sum_usage();
        self.channel_rows(&mut into.channels);
        into.subtasks
            .resize_with(self.seen.subtasks.len(), SubtaskRow::default);
        for (row, subtask) in into.subtasks.iter_mut().zip(&self.seen.subtasks) {
            self.subtask_row(row, subtask);
        }
        self.state_rows(into);
        into.watermark_lag_ms = self.watermark_lag_ms();
    }

    /// The sources' highest event time minus the lowest watermark that has reached the sinks. Not
    /// known before every subtask of a sink has a watermark, nor once all have the final one.
    fn watermark_lag_ms(&self) -> Option<i64> {
        let subtasks = &self.seen.subtasks;
        let highest_ms = subtasks.iter().filter_map(|it| it.event_time_ms).max()?;
        let sinks = subtasks.iter().filter(|it| self.is_sink[it.task]);
        let lowest_ms = sinks.map(|it| it.watermark_ms).min()??;
        (lowest_ms != FINAL_WATERMARK_MS).then(|| highest_ms.saturating_sub(lowest_ms))
    }

    /// The engine counts the rows of a chunk that it observed; here they stand for all of the rows
    /// that the task had taken in by the last snapshot. The error is the sketch's bound and, where
    /// not every row was observed, two standard errors of the sample. A key of whose count more than
    /// half may be the sketch's error is not known to be frequent, and left out.
    pub fn key_rows(&self, task: usize, top: &TopKeys, rows: &mut Vec<KeyRow>) {
        let of_task = self
            .seen
            .subtasks
            .iter()
            .filter(|subtask| subtask.task == task);
        let records: u64 = of_task.map(|subtask| subtask.records_in).sum();
        let scale = (records as f64 / top.observed.max(1) as f64).max(1.0);
        let sampled = if scale > 1.0 { 2.0 } else { 0.0 };
        let known = top.keys.iter().filter(|key| key.error <= key.count / 2);
        rows.extend(known.map(|key| {
            let (count, bound) = (key.count as f64, key.error as f64);
            KeyRow {
                t_ms: milliseconds(self.seen.at_ns),
                task: self.task_ids[task].clone(),
                key: key.key.clone(),
                count: (count * scale).round() as u64,
                error: ((bound + sampled * count.sqrt()) * scale).round() as u64,
            }
        }));
    }

    fn sum_usage(&mut self) {
        self.inputs.fill(Usage::default());
        self.outputs.fill(Usage::default());
        let mut channels = vec![0_usize; self.edges.len()];
        for channel in &self.seen.channels {
            let edge = &self.edges[channel.edge];
            self.outputs[self.first_subtask[edge.from] + channel.from].add(channel, 0);
            // Nobody can read what has not arrived.
            let on_link = channel.on_link.unwrap_or(0);
            self.inputs[self.first_subtask[edge.to] + channel.to].add(channel, on_link);
            channels[channel.edge] += 1;
        }
        let too_many = self.seen.channels.len() > MAX_ROWS;
        for (edge, channels) in self.edges.iter_mut().zip(channels) {
            edge.summed = too_many || channels > MAX_ROWS_PER_EDGE;
        }
    }

    fn subtask_row(&self, row: &mut SubtaskRow, subtask: &SubtaskSnapshot) {
        let place = self.first_subtask[subtask.task] + subtask.subtask;
        row.t_ms = milliseconds(self.seen.at_ns);
        row.task.clone_from(&self.task_ids[subtask.task]);
        row.subtask = narrow(subtask.subtask);
        row.attempt = self.seen.attempt;
        row.records_in = Some(subtask.records_in);
        row.records_out = Some(subtask.records_out);
        row.idle_ns = Some(subtask.time.idle_ns);
        row.on_cpu_ns = Some(subtask.time.on_cpu_ns);
        row.state_ns = Some(subtask.time.state_ns);
        row.blocked_ns = Some(subtask.time.blocked_ns);
        row.starved_ns = Some(subtask.time.starved_ns);
        row.backpressured_ns = Some(subtask.time.backpressured_ns);
        row.held_ns = subtask.held_ns;
        row.in_usage = self.inputs[place].share();
        row.out_usage = self.outputs[place].share();
        row.event_time_ms = subtask.event_time_ms;
        row.watermark_ms = subtask
            .watermark_ms
            .filter(|&watermark_ms| watermark_ms != FINAL_WATERMARK_MS);
        row.state_bytes = None;
        window_columns(row, subtask.windows.as_ref());
    }

    /// State is also a column of its subtask.
    fn state_rows(&self, into: &mut Snapshot) {
        let t_ms = milliseconds(self.seen.at_ns);
        let states = &self.seen.states;
        into.states.resize_with(states.len(), StateRow::default);
        for (row, state) in into.states.iter_mut().zip(states) {
            state_row(
                row,
                (t_ms, self.seen.attempt),
                &self.task_ids[state.task],
                state,
            );
            let place = self.first_subtask[state.task] + state.subtask;
            if let Some(subtask) = into.subtasks.get_mut(place) {
                *subtask.state_bytes.get_or_insert(0) += state.bytes;
            }
        }
    }

    /// The engine lists channels by edge and receiver, so that those to be summed are neighbours.
    fn channel_rows(&self, rows: &mut Vec<ChannelRow>) {
        let t_ms = milliseconds(self.seen.at_ns);
        let mut used = 0;
        let mut last: Option<(usize, usize)> = None;
        for channel in &self.seen.channels {
            let edge = &self.edges[channel.edge];
            let receiver = Some((channel.edge, channel.to));
            if edge.summed && last == receiver {
                let row: &mut ChannelRow = &mut rows[used - 1];
                row.enqueued += channel.enqueued;
                row.dequeued += channel.dequeued;
                row.capacity = row.capacity.map(|capacity| capacity + channel.capacity);
                row.bytes = row.bytes.zip(channel.bytes).map(|(a, b)| a + b);
                row.on_link = row.on_link.zip(channel.on_link).map(|(a, b)| a + b);
                continue;
            }
            last = receiver;
            if used == rows.len() {
                rows.push(ChannelRow::default());
            }
            let row = &mut rows[used];
            used += 1;
            row.t_ms = t_ms;
            row.edge.clone_from(&edge.id);
            row.from = (!edge.summed).then(|| narrow(channel.from));
            row.to = narrow(channel.to);
            row.enqueued = channel.enqueued;
            row.dequeued = channel.dequeued;
            row.capacity = Some(channel.capacity);
            row.bytes = channel.bytes;
            row.on_link = channel.on_link;
        }
        rows.truncate(used);
    }
}

fn window_columns(row: &mut SubtaskRow, windows: Option<&WindowCounters>) {
    let column = |of: fn(&WindowCounters) -> u64| windows.map(of);
    row.late_dropped = column(|it| it.late_dropped);
    row.late_side_output = column(|it| it.late_side_output);
    row.fired_early = column(|it| it.fired_early);
    row.fired_on_time = column(|it| it.fired_on_time);
    row.fired_late = column(|it| it.fired_late);
    row.timers_fired = column(|it| it.timers_fired);
    row.panes_pending = column(|it| it.pending);
    row.timers_pending = column(|it| it.timers_pending);
}

pub(super) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use engine::{
        EdgePlan, Exchange, MemberPlan, RocksDbSnapshot, StateSnapshot, TaskPlan, TimeSplit,
    };
    use proptest::prelude::*;

    use super::*;

    fn plan(parallelism: usize) -> Plan {
        let task = |id: &str| TaskPlan {
            id: id.into(),
            name: id.into(),
            members: vec![MemberPlan {
                id: id.into(),
                name: id.into(),
            }],
            parallelism,
        };
        let edge = EdgePlan {
            from: 0,
            to: 1,
            exchange: Exchange::Hash,
            remote: false,
        };
        Plan {
            tasks: vec![task("map"), task("count")],
            edges: vec![edge],
        }
    }

    fn subtasks(parallelism: usize) -> Vec<SubtaskSnapshot> {
        let all = (0..2 * parallelism).map(|place| SubtaskSnapshot {
            watermark_ms: None,
            event_time_ms: None,
            windows: None,
            task: place / parallelism,
            subtask: place % parallelism,
            records_in: 0,
            records_out: 0,
            time: TimeSplit::default(),
            backpressured_by_output_ns: Vec::new(),
            held_ns: None,
        });
        all.collect()
    }

    #[test]
    fn observed_keys_stand_for_all_records_of_their_task() {
        let mut translator = Translator::new(&plan(2));
        translator.seen.subtasks = subtasks(2);
        for subtask in &mut translator.seen.subtasks[2..] {
            subtask.records_in = 50_000;
        }
        let top = TopKeys {
            keys: vec![engine::KeyCount {
                key: "7".into(),
                count: 250,
                error: 10,
            }],
            observed: 1_000,
        };
        let mut rows = Vec::new();
        translator.key_rows(1, &top, &mut rows);
        assert_eq!(
            (rows[0].task.as_str(), rows[0].key.as_str()),
            ("count", "7")
        );
        assert_eq!((rows[0].count, rows[0].error), (25_000, 4_162));
        translator.key_rows(0, &TopKeys::default(), &mut rows);
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn the_state_of_a_subtask_is_a_row_and_a_column_of_the_subtask() {
        let mut translator = Translator::new(&plan(2));
        translator.seen.subtasks = subtasks(2);
        let state = |subtask: usize, rocksdb: Option<RocksDbSnapshot>| StateSnapshot {
            task: 1,
            subtask,
            reads: 7,
            bytes: 100 + subtask as u64,
            rocksdb,
            ..StateSnapshot::default()
        };
        let rocksdb = RocksDbSnapshot {
            level_files: [4, 0, 0, 0, 0, 0, 9],
            ..RocksDbSnapshot::default()
        };
        let mut rows = Snapshot::default();
        // A row that is used again keeps nothing of what it held.
        for second in [Some(rocksdb), None] {
            translator.seen.states = vec![state(0, None), state(1, second)];
            translator.translate(&mut rows);
            let found = |row: &StateRow| (row.task.clone(), row.subtask, row.reads, row.bytes);
            let reads = second.map(|_| 7);
            assert_eq!(
                found(&rows.states[1]),
                ("count".into(), 1, reads, Some(101)),
                "the heap counts no reads"
            );
            let levels = [rows.states[1].level0_files, rows.states[1].level6_files];
            assert_eq!(levels, [second.map(|_| 4), second.map(|_| 9)]);
            let bytes: Vec<_> = rows.subtasks.iter().map(|row| row.state_bytes).collect();
            assert_eq!(bytes, [None, None, Some(100), Some(101)]);
        }
    }

    #[test]
    fn many_small_edges_are_summed_too() {
        let rows = |edges: usize| {
            let mut plan = plan(15);
            plan.edges = vec![plan.edges[0].clone(); edges];
            let mut translator = Translator::new(&plan);
            translator.seen.subtasks = subtasks(15);
            let places = (0..edges).flat_map(|edge| (0..225).map(move |place| (edge, place)));
            let channels = places.map(|(edge, place)| ChannelSnapshot {
                edge,
                from: place % 15,
                to: place / 15,
                enqueued: 1,
                dequeued: 0,
                capacity: 4.0,
                bytes: None,
                on_link: None,
            });
            translator.seen.channels = channels.collect();
            let mut rows = Snapshot::default();
            translator.translate(&mut rows);
            rows.channels.len()
        };
        assert_eq!((rows(4), rows(5)), (4 * 225, 5 * 15));
    }

    #[test]
    fn watermarks_lag_by_the_slowest_sink_and_the_final_one_is_no_time() {
        let mut translator = Translator::new(&plan(2));
        translator.seen.subtasks = subtasks(2);
        let mut rows = Snapshot::default();
        let mut seen = |source: [Option<i64>; 2], sink: [Option<i64>; 2]| {
            for (at, subtask) in translator.seen.subtasks.iter_mut().enumerate() {
                match at {
                    0 | 1 => subtask.event_time_ms = source[at],
                    _ => subtask.watermark_ms = sink[at - 2],
                }
            }
            translator.translate(&mut rows);
            (rows.watermark_lag_ms, rows.subtasks[2].watermark_ms)
        };
        let last = Some(FINAL_WATERMARK_MS);
        let events = [Some(900), Some(700)];
        assert_eq!(seen([None, None], [Some(1), Some(2)]), (None, Some(1)));
        assert_eq!(seen(events, [Some(600), None]), (None, Some(600)));
        assert_eq!(seen(events, [Some(600), Some(200)]), (Some(700), Some(600)));
        assert_eq!(seen(events, [last, Some(200)]), (Some(700), None));
        assert_eq!(seen(events, [last, last]), (None, None));
    }

    proptest! {
        /// Up to 16 subtasks have a row per channel, more a row per receiver.
        #[test]
        fn no_batch_is_lost_or_doubled_between_channels_rows_and_usage(
            parallelism in 1usize..20, sent in 0u64..1_000, seed in 0u64..1_000,
        ) {
            let mut translator = Translator::new(&plan(parallelism));
            translator.seen.subtasks = subtasks(parallelism);
            for place in 0..parallelism * parallelism {
                let enqueued = sent + (seed * place as u64) % 7;
                translator.seen.channels.push(ChannelSnapshot {
                    edge: 0,
                    from: place % parallelism,
                    to: place / parallelism,
                    enqueued,
                    dequeued: enqueued - enqueued.min(3),
                    capacity: 4.0,
                    bytes: None,
                    on_link: None,
                });
            }
            let mut rows = Snapshot::default();
            // The second time over used rows.
            translator.translate(&mut rows);
            translator.translate(&mut rows);
            let expected = if parallelism <= 16 { parallelism * parallelism } else { parallelism };
            prop_assert_eq!(rows.channels.len(), expected);
            let seen = &translator.seen.channels;
            let total = |of: fn(&ChannelSnapshot) -> u64| seen.iter().map(of).sum::<u64>();
            prop_assert_eq!(rows.channels.iter().map(|row| row.enqueued).sum::<u64>(), total(|c| c.enqueued));
            prop_assert_eq!(rows.channels.iter().map(|row| row.dequeued).sum::<u64>(), total(|c| c.dequeued));
            let capacity: f64 = rows.channels.iter().filter_map(|row| row.capacity).sum();
            prop_assert_eq!(capacity, 4.0 * seen.len() as f64);
            let under_way = total(|c| c.enqueued - c.dequeued) as f64;
            let per_subtask = 4.0 * parallelism as f64;
            for usage in [|row: &SubtaskRow| row.in_usage, |row: &SubtaskRow| row.out_usage] {
                let used: f64 = rows.subtasks.iter().filter_map(usage).map(|share| share * per_subtask).sum();
                prop_assert!((used - under_way).abs() < 1e-6 * under_way.max(1.0));
            }
        }
    }
}
