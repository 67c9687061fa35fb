//! Event time through a running job: watermarks over exchanges and unions, windows, timers, late
//! rows. What windows say is tested in `windows`; here it is that a job says the same.

#[path = "support/collected.rs"]
mod collected;
#[path = "support/event_time.rs"]
mod event_time;
#[path = "event_time/restored.rs"]
mod restored;
#[path = "event_time/timers.rs"]
mod timers;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use collected::Collected;
use engine::{
    Aggregate, Aggregated, AggregatedThen, Batch, Chaining, DeployError, Firing, FiringTime,
    IntervalJoin, JobConfig, JobGraph, JobReport, NO_WATERMARK_MS, OperatorContext, OperatorError,
    Outcome, ProcessingTimeTrigger, Remote, Row, Rows, SentHook, Side, Sink, SplitWatermarkOptions,
    Stream, TriggeredWindows, Tumbling, TumblingWindows, WindowAggregate, WindowCore, WindowOutput,
};
use event_time::{Element, Script, Step};
use proptest::prelude::*;

fn finish(graph: &JobGraph, config: JobConfig) -> JobReport {
    let deployed = graph.deploy(config).expect("a valid job");
    let job = deployed.start().expect("threads");
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    let report = job.join();
    assert_eq!(report.outcome, Outcome::Finished);
    for edge in &report.edges {
        assert_eq!((edge.emitted, edge.in_flight), (edge.received, 0));
    }
    report
}

fn script(graph: &JobGraph, name: &str, steps: Vec<Step>) -> Stream<Element> {
    let source = graph.source(name, move |_| (Script::new(steps.clone()), None));
    source.parallelism(1)
}

#[derive(Clone)]
struct Count;

impl<T> Aggregate<u8, T> for Count {
    type Accumulator = u64;
    type Out = u64;
    fn create(&self) -> u64 {
        0
    }
    fn add(&self, count: &mut u64, _: T) {
        *count += 1;
    }
    fn result(&self, _: &u8, count: &u64) -> u64 {
        *count
    }
}

impl<T> WindowAggregate<u8, T> for Count {
    fn merge(&self, into: &mut u64, other: &u64) {
        *into += other;
    }
}

/// Key, start of the window, how it fired (0 on time, 1 late), count.
type Said = (u8, i64, u8, u64);

fn say(key: &u8, firing: &Firing, count: u64) -> Option<Said> {
    let late = u8::from(firing.time == FiringTime::Late);
    Some((*key, firing.window.start_ms, late, count))
}

type Counting = AggregatedThen<Count, fn(&u8, &Firing, u64) -> Option<Said>>;

fn counting() -> Counting {
    AggregatedThen::new(Count, say)
}

fn windows(lateness_ms: u64) -> TumblingWindows<u8, Element, Counting> {
    let tumbling = Tumbling::new(10).expect("a size above 0");
    TumblingWindows::new(tumbling, counting(), lateness_ms)
}

/// What the core says by itself, in the order of the script, and which elements are late.
fn alone(steps: &[Step], lateness_ms: u64) -> (Vec<Row<Said>>, Vec<Element>) {
    let (mut results, mut late) = (Batch::default(), Batch::default());
    let mut out = WindowOutput {
        results: &mut results,
        late: Some(&mut late),
    };
    let mut core = windows(lateness_ms);
    for step in steps.iter().chain([&Step::Watermark(i64::MAX)]) {
        match *step {
            Step::Element(element) => {
                core.element(&element.key, element.time_ms, element.row(), 0, &mut out)
            }
            Step::Watermark(at_ms) => core.watermark(at_ms, 0, &mut out),
            Step::Idle => {}
        }
    }
    (results.to_rows(), late.values().to_vec())
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..5, 0i64..200).prop_map(|(key, time_ms)| Step::Element(Element { key, time_ms, id: 0 })),
        1 => (0i64..200).prop_map(Step::Watermark),
    ];
    prop::collection::vec(step, 0..120).prop_map(|mut steps| {
        let (mut id, mut highest) = (0, NO_WATERMARK_MS);
        for step in &mut steps {
            match step {
                Step::Element(element) => {
                    element.id = id;
                    id += 1;
                }
                Step::Watermark(at_ms) => {
                    highest = highest.max(*at_ms);
                    *at_ms = highest;
                }
                Step::Idle => {}
            }
        }
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// One source subtask keeps an order that every channel keeps: so each key sees elements and
    /// watermarks as the core alone does, at any parallelism, chained or not, over a network or not, in batches of any size.
    #[test]
    fn a_windowed_job_says_what_its_core_says(
        steps in steps(), lateness_ms in 0u64..40, parallelism in 1usize..4, batch in 1usize..20,
        chained: bool, aside: bool, remote: bool,
    ) {
        let graph = JobGraph::new("windows");
        let (results, late) = (Collected::default(), Collected::default());
        let (to_results, to_late) = (results.clone(), late.clone());
        let keyed = script(&graph, "script", steps.clone()).key_by(|element| element.key);
        let time_ms = |element: &Element| element.time_ms;
        let said = if aside {
            let (said, rejected) = keyed.window_with_late("count", time_ms, move |_| windows(lateness_ms));
            rejected.parallelism(parallelism).parallelism_of_next(parallelism).sink("late", move |_| to_late.clone());
            said
        } else {
            keyed.window("count", time_ms, move |_| windows(lateness_ms)).parallelism(parallelism)
        };
        said.parallelism_of_next(parallelism).sink("results", move |_| to_results.clone());
        let mut config = JobConfig::default();
        config.channels.batch = batch;
        config.chaining = if chained { Chaining::On } else { Chaining::Off };
        config.remote = if remote { Remote::All } else { Remote::None };
        config.network.latency = Duration::from_micros(50);
        let report = finish(&graph, config);

        let (expected, too_late) = alone(&steps, lateness_ms);
        let key = |row: &Row<Said>| (row.value, row.tag);
        let said: Vec<_> = results.take().iter().map(key).collect();
        prop_assert_eq!(sorted(said), sorted(expected.iter().map(key).collect()));
        let ids = |late: Vec<Element>| sorted(late.iter().map(|element| element.id).collect::<Vec<_>>());
        let to_side: Vec<Element> = late.take().into_iter().map(|row| row.value).collect();
        let expected_late = if aside { too_late.clone() } else { Vec::new() };
        prop_assert_eq!(ids(to_side), ids(expected_late));
        let counters = report.snapshot.subtasks.iter().filter_map(|subtask| subtask.windows);
        let (mut accepted, mut dropped, mut to_side, mut fired, mut pending) = (0, 0, 0, 0, 0);
        for counters in counters {
            accepted += counters.accepted;
            dropped += counters.late_dropped;
            to_side += counters.late_side_output;
            fired += counters.fired();
            pending += counters.pending;
        }
        let elements = steps.iter().filter(|step| matches!(step, Step::Element(_))).count();
        prop_assert_eq!(accepted + dropped + to_side, elements as u64);
        prop_assert_eq!(if aside { to_side } else { dropped }, too_late.len() as u64);
        prop_assert_eq!((fired, pending), (expected.len() as u64, 0));
    }
}

/// Writes down the watermarks that reach it.
#[derive(Clone, Default)]
struct Watermarks(Arc<Mutex<Vec<i64>>>);

impl<T> Sink<T> for Watermarks {
    fn write(
        &mut self,
        _: Rows<'_, T>,
        _: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        Ok(())
    }

    fn watermark(
        &mut self,
        at_ms: i64,
        _: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.0.lock().unwrap().push(at_ms);
        Ok(())
    }
}

fn element(key: u8, time_ms: i64, id: u64) -> Step {
    Step::Element(Element { key, time_ms, id })
}

/// The watermarks behind the union of a source that ends and one that lingers, and the rows.
fn united(lingering: Vec<Step>, until_ms: i64) -> (Vec<i64>, JobReport) {
    let graph = JobGraph::new("union");
    let watermarks = Watermarks::default();
    let sink = watermarks.clone();
    let steps = vec![element(1, 50, 0), Step::Watermark(100), element(1, 150, 1)];
    let other = graph.source("other", move |_| {
        (Script::new(lingering.clone()).lingering(), None)
    });
    script(&graph, "script", steps)
        .union(other.parallelism(1))
        .parallelism_of_next(1)
        .sink("watermarks", move |_| sink.clone());
    let job = graph.deploy(JobConfig::default()).expect("a valid job");
    let job = job.start().expect("threads");
    let mut seen = Vec::new();
    for _ in 0..600 {
        seen = watermarks.0.lock().unwrap().clone();
        if seen.last().is_some_and(|&last| last >= until_ms) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    job.drain();
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    (seen, job.join())
}

#[test]
fn a_union_waits_for_its_slowest_input_unless_that_is_idle() {
    let (seen, report) = united(vec![Step::Watermark(30), element(2, 40, 9)], 30);
    assert_eq!(seen, [30], "the other input has come no further");
    let received: Vec<u64> = report.edges.iter().map(|edge| edge.received).collect();
    assert_eq!(sorted(received), [1, 2]);
    let (seen, _) = united(vec![Step::Idle], 100);
    assert_eq!(seen, [100], "an idle input is not waited for");
}

#[test]
fn an_interval_join_pairs_the_rows_of_two_sources() {
    let graph = JobGraph::new("join");
    let side = |name: &str, times: &[i64]| {
        let steps = times
            .iter()
            .zip(0..)
            .map(|(&time_ms, id)| element(1, time_ms, id));
        script(&graph, name, steps.collect())
    };
    let left = side("left", &[0, 10, 100]).map("as-left", Side::Left);
    let right = side("right", &[5, 14, 200]).map("as-right", Side::Right);
    let pairs = Collected::default();
    let sink = pairs.clone();
    let of = |side: &Side<Element, Element>| match side {
        Side::Left(element) | Side::Right(element) => *element,
    };
    left.union(right)
        .key_by(move |side| of(side).key)
        .window(
            "join",
            move |side| of(side).time_ms,
            |_| {
                IntervalJoin::new(0, 5, |_: &u8, left: &Element, right: &Element| {
                    Some((left.time_ms, right.time_ms))
                })
                .expect("bounds in order")
            },
        )
        .parallelism(2)
        .sink("pairs", move |_| sink.clone());
    finish(&graph, JobConfig::default());
    let pairs = pairs.take().into_iter().map(|row| row.value).collect();
    assert_eq!(sorted(pairs), [(0, 5), (10, 14)]);
}

#[test]
fn windows_of_processing_time_fire_though_no_more_rows_come() {
    let graph = JobGraph::new("processing time");
    let said = Collected::default();
    let sink = said.clone();
    let source = graph.source("script", |_| {
        (Script::new(vec![element(1, 0, 0)]).lingering(), None)
    });
    source
        .parallelism(1)
        .key_by(|element| element.key)
        .window(
            "count",
            |_| 0,
            |_| {
                let tumbling = Tumbling::new(20).expect("a size above 0");
                TriggeredWindows::processing_time(
                    tumbling,
                    ProcessingTimeTrigger,
                    Aggregated(Count),
                )
            },
        )
        .sink("said", move |_| sink.clone());
    let job = graph
        .deploy(JobConfig::default())
        .expect("a valid job")
        .start()
        .expect("threads");
    let mut counted = Vec::new();
    for _ in 0..600 {
        if !counted.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        counted = said.take();
    }
    assert_eq!(
        counted.iter().map(|row| row.value).collect::<Vec<u64>>(),
        [1]
    );
    job.drain();
    assert!(job.wait(Duration::from_secs(60)), "hangs");
}

#[test]
fn an_operator_makes_watermarks_for_a_source_that_makes_none() {
    let graph = JobGraph::new("assign");
    let watermarks = Watermarks::default();
    let sink = watermarks.clone();
    let options = SplitWatermarkOptions {
        delay_ms: 10,
        ..SplitWatermarkOptions::default()
    };
    script(
        &graph,
        "script",
        vec![element(1, 50, 0), Step::Watermark(7), element(1, 120, 1)],
    )
    .assign_watermarks("watermarks", |element| element.time_ms, options)
    .sink("seen", move |_| sink.clone());
    finish(&graph, JobConfig::default());
    let mut seen = watermarks.0.lock().unwrap().clone();
    // 109 and the end are one mark if no slice of time ended between them: no row lies there.
    seen.retain(|watermark_ms| *watermark_ms != 109);
    assert_eq!(seen, [39, i64::MAX], "7 is replaced");
}

/// Counts the rows that it is told of, and gives each the same tag.
struct Told(Arc<AtomicUsize>);

impl SentHook for Told {
    fn sent(&mut self, _now_ns: u64, tags: &mut [u64], first: bool) {
        assert!(first);
        tags.fill(7);
        self.0.fetch_add(tags.len(), Relaxed);
    }
}

#[test]
fn rows_of_a_source_whose_task_forks_are_told_of_once() {
    let graph = JobGraph::new("fork");
    let told = Arc::new(AtomicUsize::new(0));
    let (hook, seen) = (told.clone(), Collected::default());
    let steps: Vec<Step> = (0..100).map(|id| element((id % 3) as u8, 0, id)).collect();
    let source = graph.source("script", move |_| {
        (
            Script::new(steps.clone()),
            Some(Box::new(Told(hook.clone())) as Box<dyn SentHook>),
        )
    });
    let sided = source
        .parallelism(1)
        .map("side", |element| match element.key {
            0 => Side::Left(element),
            _ => Side::Right(element),
        });
    let (left, right) = sided.parallelism(1).split();
    let (to_left, to_right) = (seen.clone(), seen.clone());
    left.parallelism_of_next(1)
        .sink("chained", move |_| to_left.clone());
    right
        .rebalance()
        .parallelism_of_next(2)
        .sink("sent", move |_| to_right.clone());
    finish(&graph, JobConfig::default());
    let rows = seen.take();
    assert_eq!((rows.len(), told.load(Relaxed)), (100, 100));
    assert!(rows.iter().all(|row| row.tag == 7));
}

#[test]
fn both_sides_of_a_split_may_be_chained_and_their_task_says_so() {
    let graph = JobGraph::new("fork");
    let keyed = script(&graph, "script", Vec::new()).key_by(|element| element.key);
    let (said, late) = keyed.window_with_late("count", |element| element.time_ms, |_| windows(0));
    said.map("round", |said| said).for_each("results", |_| ());
    late.for_each("late", |_| ());
    let deployed = graph.deploy(JobConfig::default()).expect("a valid job");
    let names: Vec<&str> = deployed
        .plan()
        .tasks
        .iter()
        .map(|task| task.name.as_str())
        .collect();
    assert_eq!(names, ["script", "count -> (round -> results, late)"]);
}

#[test]
fn a_stream_that_is_split_cannot_be_used_whole_as_well() {
    let graph = JobGraph::new("both");
    let sided = script(&graph, "script", Vec::new()).map("side", |element| match element.key {
        0 => Side::Left(element),
        _ => Side::Right(element),
    });
    sided.clone().for_each("whole", |_| ());
    let (left, _right) = sided.split();
    left.for_each("left", |_| ());
    let refused = graph.deploy(JobConfig::default()).err();
    assert!(matches!(refused, Some(DeployError::SplitAndUsed(name)) if name == "side"));
}
