//! What a job promises beyond conservation: keys, copies, order, failures, freezes.

#[path = "support/collected.rs"]
mod collected;
#[path = "support/count.rs"]
mod count;
#[path = "support/numbers.rs"]
mod numbers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use collected::Collected;
use count::Count;
use engine::{
    AsyncOptions, Batch, Chaining, DeployError, JobConfig, JobGraph, KeyedProcess, KeyedState,
    Operator, OperatorContext, OperatorError, Outcome, Row, Rows, Source, SourceStatus,
    StateContext, Stream,
};
use numbers::Numbers;

fn numbers(graph: &JobGraph, count: u64, parallelism: usize) -> Stream<u64> {
    graph
        .source("numbers", move |context| {
            (Numbers::share(count, context), None)
        })
        .parallelism(parallelism)
}

fn finish(graph: &JobGraph, config: JobConfig) -> engine::JobReport {
    let job = graph
        .deploy(config)
        .expect("a valid job")
        .start()
        .expect("threads");
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    job.join()
}

#[test]
fn a_running_aggregate_says_one_result_per_row_and_ends_right() {
    for (parallelism, chaining) in [(1, Chaining::On), (3, Chaining::Off), (4, Chaining::On)] {
        let graph = JobGraph::new("count");
        let collected = Collected::default();
        let sink = collected.clone();
        numbers(&graph, 10_000, 2)
            .key_by(|value| value % 97)
            .aggregate("count", Count)
            .parallelism(parallelism)
            .sink("collect", move |_| sink.clone());
        finish(
            &graph,
            JobConfig {
                chaining,
                ..JobConfig::default()
            },
        );
        let mut finals = BTreeMap::new();
        let rows = collected.take();
        assert_eq!(rows.len(), 10_000);
        for row in rows {
            let (key, count) = row.value;
            let last: &mut u64 = finals.entry(key).or_default();
            *last = count.max(*last);
        }
        let expected = (0..97).map(|key| (key, 10_000 / 97 + u64::from(key < 10_000 % 97)));
        assert_eq!(finals, expected.collect());
    }
}

/// Emits (key, subtask) for every row.
struct Where {
    subtask: u64,
}
impl KeyedProcess<u64, u64, (u64, u64)> for Where {
    fn open(&mut self, _state: &mut StateContext) {}

    fn states(&mut self, _: &mut dyn FnMut(&mut dyn KeyedState)) {}

    fn process(
        &mut self,
        key: &u64,
        row: Row<u64>,
        out: &mut Batch<(u64, u64)>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        out.push(row.with((*key, self.subtask)));
        Ok(())
    }
}

#[test]
fn all_rows_of_a_key_meet_in_the_subtask_that_owns_its_group() {
    let graph = JobGraph::new("where");
    let collected = Collected::default();
    let sink = collected.clone();
    numbers(&graph, 5_000, 3)
        .key_by(|value| value % 200)
        .process("where", |context| Where {
            subtask: context.index as u64,
        })
        .parallelism(5)
        .sink("collect", move |_| sink.clone());
    finish(&graph, JobConfig::default());
    let seen: BTreeSet<(u64, u64)> = collected.take().into_iter().map(|row| row.value).collect();
    let expected = (0..200u64).map(|key| {
        (
            key,
            engine::subtask_of(engine::group_of(&key.to_le_bytes(), 128), 5, 128) as u64,
        )
    });
    assert_eq!(seen, expected.collect());
}

#[test]
fn the_heaviest_keys_of_a_task_are_known_over_all_its_subtasks() {
    let graph = JobGraph::new("heavy");
    numbers(&graph, 40_000, 2)
        .key_by(|value| if value % 4 == 0 { 7 } else { value % 5_000 })
        .aggregate("count", Count)
        .parallelism(3)
        .for_each("discard", |_| ());
    let job = graph
        .deploy(JobConfig::default())
        .expect("a valid job")
        .start()
        .expect("threads");
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    let top = job.top_keys(1, 5);
    assert_eq!(top.keys[0].key, "7");
    let share = top.keys[0].count as f64 / top.observed as f64;
    assert!((share - 0.25).abs() < 0.05, "{share}");
    assert_eq!(job.top_keys(0, 5).keys, []);
}

#[test]
fn a_stream_used_twice_gives_each_consumer_every_row_and_broadcast_every_subtask() {
    let graph = JobGraph::new("copies");
    let (first, second) = (Collected::default(), Collected::default());
    let (one, two) = (first.clone(), second.clone());
    let stream = numbers(&graph, 3_000, 2);
    stream
        .clone()
        .rebalance()
        .sink("first", move |_| one.clone());
    stream
        .broadcast()
        .parallelism_of_next(3)
        .sink("second", move |_| two.clone());
    let report = finish(&graph, JobConfig::default());
    let sorted = |collected: &Collected<u64>| {
        let mut values: Vec<u64> = collected.take().into_iter().map(|row| row.value).collect();
        values.sort_unstable();
        values
    };
    assert_eq!(sorted(&first), (0..3_000).collect::<Vec<_>>());
    assert_eq!(
        sorted(&second),
        (0..3_000).flat_map(|value| [value; 3]).collect::<Vec<_>>()
    );
    assert_eq!(
        report
            .edges
            .iter()
            .map(|edge| edge.received)
            .collect::<Vec<_>>(),
        [3_000, 9_000]
    );
}

#[test]
fn ordered_calls_keep_the_order_of_their_records() {
    let graph = JobGraph::new("ordered");
    let collected = Collected::default();
    let sink = collected.clone();
    numbers(&graph, 500, 1)
        .async_io(
            "call",
            AsyncOptions {
                capacity: 20,
                ordered: true,
            },
            |_| {
                |value: u64| async move {
                    tokio::time::sleep(Duration::from_millis(value * 7 % 5)).await;
                    value
                }
            },
        )
        .sink("collect", move |_| sink.clone());
    finish(&graph, JobConfig::default());
    let values: Vec<u64> = collected.take().into_iter().map(|row| row.value).collect();
    assert_eq!(values, (0..500).collect::<Vec<_>>());
}

/// Fails in one of two ways at its thousandth row.
struct Faulty {
    panics: bool,
    seen: u64,
}
impl Operator<u64, u64> for Faulty {
    fn process(
        &mut self,
        rows: Rows<'_, u64>,
        out: &mut Batch<u64>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.seen += 1;
            if self.seen == 1_000 {
                assert!(!self.panics, "row {} is too much", row.value);
                return Err("the disk is gone".into());
            }
            out.push(row);
        }
        Ok(())
    }
}

#[test]
fn a_failing_subtask_fails_the_job_and_names_itself_and_the_reason() {
    for (panics, reason) in [
        (true, "panic: row 999 is too much"),
        (false, "the disk is gone"),
    ] {
        let graph = JobGraph::new("faulty");
        numbers(&graph, u64::MAX / 2, 1)
            .operator("faulty", move |_| Faulty { panics, seen: 0 })
            .start_new_chain()
            .rebalance()
            .parallelism_of_next(2)
            .for_each("discard", |_| ());
        let report = finish(&graph, JobConfig::default());
        let message = reason.to_owned();
        assert_eq!(
            report.outcome,
            Outcome::Failed {
                task: Some(1),
                subtask: Some(0),
                message
            }
        );
    }
}

/// Emits nothing in the first 100 ms, so that orders reach the job before the rows do.
struct Later(Numbers);
impl Source for Later {
    type Out = u64;
    fn poll(&mut self, now: u64, held: u64, max: usize, out: &mut Batch<u64>) -> SourceStatus {
        match now < 100_000_000 {
            true => SourceStatus::WaitUntil(100_000_000),
            false => self.0.poll(now, held, max, out),
        }
    }
}

#[test]
fn a_freeze_is_reported_with_the_time_it_really_took_and_loses_nothing() {
    let graph = JobGraph::new("freeze");
    let collected = Collected::default();
    let sink = collected.clone();
    graph
        .source("numbers", |context| {
            (Later(Numbers::share(200_000, context)), None)
        })
        .map("same", |value| value)
        .sink("collect", move |_| sink.clone());
    let config = JobConfig {
        chaining: Chaining::Off,
        ..JobConfig::default()
    };
    let job = graph
        .deploy(config)
        .expect("a valid job")
        .start()
        .expect("threads");
    job.freeze(1, Duration::from_millis(80));
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    let events: Vec<_> = std::iter::from_fn(|| job.next_event()).collect();
    let report = job.join();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.task))
        .collect();
    assert_eq!(kinds, [("freeze", Some(1)), ("thaw", Some(1))]);
    let frozen_ns = events[1].at_ns - events[0].at_ns;
    assert!(frozen_ns >= 80_000_000, "{frozen_ns}");
    let blocked_ns = report.snapshot.subtasks[1].time.blocked_ns;
    assert!(
        blocked_ns >= 79_000_000 && blocked_ns <= frozen_ns,
        "{blocked_ns} of {frozen_ns}"
    );
    assert_eq!(collected.take().len(), 200_000);
}

#[test]
fn a_slowed_subtask_takes_that_much_longer_for_each_row_and_the_others_do_not() {
    const ROWS: u64 = 2_000;
    let graph = JobGraph::new("slow");
    graph
        .source("numbers", |context| {
            (Later(Numbers::share(2 * ROWS, context)), None)
        })
        .map("same", |value| value)
        .for_each("discard", |_| ());
    let config = JobConfig {
        parallelism: 2,
        chaining: Chaining::BrokenBefore(vec!["same".to_owned()]),
        channels: engine::ChannelConfig {
            batch: 16,
            ..Default::default()
        },
        ..JobConfig::default()
    };
    let deployed = graph.deploy(config).expect("a valid job");
    let job = deployed.start().expect("threads");
    job.slow_down(1, 1, Duration::from_micros(100), Duration::from_secs(60));
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    let report = job.join();
    let blocked_ns = |subtask: usize| {
        let of_map = report.snapshot.subtasks.iter().filter(|s| s.task == 1);
        of_map.map(|s| s.time.blocked_ns).nth(subtask).expect("two")
    };
    // Nothing else blocks.
    assert!(
        blocked_ns(1) > ROWS * 100_000 * 99 / 100,
        "{}",
        blocked_ns(1)
    );
    assert_eq!(blocked_ns(0), 0);
    assert_eq!(report.outcome, Outcome::Finished);
}

#[test]
fn chains_form_where_the_rules_allow_and_graphs_that_cannot_run_are_refused() {
    let build = |chaining: Chaining, parallelism: usize| {
        let graph = JobGraph::new("plan");
        numbers(&graph, 1, 2)
            .map("a", |value| value)
            .map("b", |value| value)
            .key_by(|value| *value)
            .aggregate("count", Count)
            .parallelism(parallelism)
            .for_each("sink", |_| ());
        graph.deploy(JobConfig {
            chaining,
            parallelism: 2,
            ..JobConfig::default()
        })
    };
    let names = |chaining| {
        let deployed = build(chaining, 2).expect("a valid job");
        deployed
            .plan()
            .tasks
            .iter()
            .map(|task| task.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Chaining::On), ["numbers -> a -> b", "count -> sink"]);
    assert_eq!(names(Chaining::Off), ["numbers", "a", "b", "count", "sink"]);
    let broken = Chaining::BrokenBefore(vec!["b".to_owned()]);
    assert_eq!(names(broken), ["numbers -> a", "b", "count -> sink"]);
    let unknown = build(Chaining::BrokenBefore(vec!["c".to_owned()]), 2)
        .err()
        .expect("refused");
    assert!(
        matches!(unknown, DeployError::UnknownOperator { .. }),
        "{unknown}"
    );
    let parallel = build(Chaining::On, 129).err().expect("refused");
    assert!(
        matches!(parallel, DeployError::TooParallel { max: 128, .. }),
        "{parallel}"
    );
}
