//! Jobs that fail, or are stopped, and go on from a checkpoint, at another parallelism: what becomes
//! visible is what an undisturbed run makes, each result once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{
    Batch, ChannelSnapshot, CheckpointConfig, CheckpointMode, CheckpointOutcome, Committer, Job,
    JobConfig, JobGraph, JobReport, JobSnapshot, NetworkConfig, OperatorContext, OperatorError,
    Outcome, Profile, Remote, RestartStrategy, RestoreFrom, Restored, RocksDbConfig, Row, Rows,
    Sink, Snapshot, Source, SourceStatus, StateBackend, SubtaskCheckpoint,
};

const SPLITS: u64 = 6;
const KEYS_PER_SPLIT: u64 = 7;

/// Splits that count up; all records of a key come from one split.
struct Numbers {
    splits: Vec<(u64, u64)>,
    until: u64,
    turn: usize,
}

impl Numbers {
    fn new(subtask: usize, parallelism: usize, until: u64) -> Self {
        let own = (0..SPLITS).filter(|split| *split as usize % parallelism == subtask);
        Numbers {
            splits: own.map(|split| (split, 0)).collect(),
            until,
            turn: 0,
        }
    }
}

impl Source for Numbers {
    type Out = (u64, u64);

    fn poll(
        &mut self,
        _now_ns: u64,
        _held_ns: u64,
        max: usize,
        out: &mut Batch<(u64, u64)>,
    ) -> SourceStatus {
        for _ in 0..max {
            let until = self.until;
            let open = |split: &(u64, u64)| split.1 < until;
            if !self.splits.iter().any(open) {
                return SourceStatus::Finished;
            }
            self.turn = (self.turn + 1) % self.splits.len();
            let (split, next) = &mut self.splits[self.turn];
            if *next < until {
                let key = *split * KEYS_PER_SPLIT + *next % KEYS_PER_SPLIT;
                out.push(Row {
                    tag: 0,
                    value: (key, *next),
                });
                *next += 1;
            }
        }
        SourceStatus::Ready
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("splits", &self.splits);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for (_, bytes) in from.all("splits") {
            let known: Vec<(u64, u64)> = borsh::from_slice(bytes)?;
            for (split, next) in known {
                let mut own = self.splits.iter_mut();
                if let Some(own) = own.find(|own| own.0 == split) {
                    own.1 = next;
                }
            }
        }
        Ok(())
    }
}

/// Rows of a sink: a key, and how often it has come.
type Shown = Vec<(u64, u64)>;

/// What has become visible: by transaction, the checkpoint that showed it and its rows.
#[derive(Clone, Default)]
struct Visible(Arc<Mutex<BTreeMap<u64, (u64, Shown)>>>);

impl Visible {
    fn rows(&self) -> Vec<(u64, u64)> {
        let visible = self.0.lock().unwrap();
        let rows = visible.values().flat_map(|(_, rows)| rows.iter().copied());
        let mut rows: Vec<(u64, u64)> = rows.collect();
        rows.sort_unstable();
        rows
    }
}

impl Committer for Visible {
    fn commit(&self, checkpoint: u64, transactions: &[Vec<u8>]) -> Result<(), OperatorError> {
        for transaction in transactions {
            let (id, rows): (u64, Shown) = borsh::from_slice(transaction)?;
            let mut visible = self.0.lock().unwrap();
            visible.entry(id).or_insert((checkpoint, rows));
        }
        Ok(())
    }

    fn roll_back(
        &self,
        checkpoint: Option<u64>,
        _kept: &[Vec<u8>],
    ) -> Result<Option<String>, OperatorError> {
        let mut visible = self.0.lock().unwrap();
        let before = visible.len();
        visible.retain(|_, (of, _)| Some(*of) <= checkpoint);
        let removed = before - visible.len();
        Ok((removed > 0).then(|| format!("removed {removed} transactions")))
    }
}

/// Shows rows by transactions, each of which has a number that no other has.
struct Showing {
    open: Vec<(u64, u64)>,
    /// Part of every checkpoint until they are visible: the one that they began in may be given up.
    closed: Vec<(u64, Shown)>,
    visible: Visible,
    numbers: Arc<Mutex<u64>>,
    pause: Duration,
}

impl Sink<(u64, u64)> for Showing {
    fn write(
        &mut self,
        rows: Rows<'_, (u64, u64)>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let rows: Vec<(u64, u64)> = rows.map(|row| row.value).collect();
        if !self.pause.is_zero() {
            let nanoseconds = self.pause.as_nanos() as u64 * rows.len() as u64;
            context.block_until(context.now_ns() + nanoseconds);
        }
        self.open.extend(rows);
        Ok(())
    }

    fn takes_back(&self) -> bool {
        true
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        if !self.open.is_empty() {
            let mut numbers = self.numbers.lock().unwrap();
            *numbers += 1;
            self.closed.push((*numbers, std::mem::take(&mut self.open)));
        }
        let visible = self.visible.0.lock().unwrap();
        self.closed
            .retain(|(number, _)| !visible.contains_key(number));
        for transaction in &self.closed {
            into.put_pending_output(borsh::to_vec(transaction)?);
        }
        Ok(())
    }
}

/// How often a key has come so far.
#[derive(Clone)]
struct Count;

impl engine::Aggregate<u64, (u64, u64)> for Count {
    type Accumulator = u64;
    type Out = (u64, u64);

    fn create(&self) -> u64 {
        0
    }

    /// Depends on the order: a record out of its turn is noticed.
    fn add(&self, seen: &mut u64, (_, index): (u64, u64)) {
        assert_eq!(
            index / KEYS_PER_SPLIT,
            *seen,
            "records of a key in their order"
        );
        *seen += 1;
    }

    fn result(&self, key: &u64, seen: &u64) -> (u64, u64) {
        (*key, *seen)
    }
}

struct World {
    visible: Visible,
    numbers: Arc<Mutex<u64>>,
    until: u64,
    pause: Duration,
}

impl World {
    fn new(until: u64, pause: Duration) -> Self {
        World {
            visible: Visible::default(),
            numbers: Arc::default(),
            until,
            pause,
        }
    }

    fn graph(&self, sources: usize) -> JobGraph {
        let graph = JobGraph::new("counts");
        let (until, numbers, pause) = (self.until, Arc::clone(&self.numbers), self.pause);
        let visible = self.visible.clone();
        graph
            .source("numbers", move |context| {
                let source = Numbers::new(context.index, context.parallelism, until);
                (source, None)
            })
            .parallelism(sources)
            .map("same", |row: (u64, u64)| row)
            .parallelism(sources)
            .start_new_chain()
            .key_by(|row: &(u64, u64)| row.0)
            .aggregate("count", Count)
            .rebalance()
            .sink_with_committer(
                "show",
                move |_| Showing {
                    open: Vec::new(),
                    closed: Vec::new(),
                    visible: visible.clone(),
                    numbers: Arc::clone(&numbers),
                    pause,
                },
                Arc::new(self.visible.clone()),
            );
        graph
    }

    fn expected(&self) -> Vec<(u64, u64)> {
        let of_split = |split: u64| {
            (0..self.until).map(move |index| {
                let key = split * KEYS_PER_SPLIT + index % KEYS_PER_SPLIT;
                (key, index / KEYS_PER_SPLIT + 1)
            })
        };
        let mut rows: Vec<(u64, u64)> = (0..SPLITS).flat_map(of_split).collect();
        rows.sort_unstable();
        rows
    }
}

/// Where the keyed state is, and whether exchanges go over a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    Heap,
    Disk,
    Remote,
}

fn config(folder: &Path, mode: CheckpointMode, parallelism: usize, setting: Setting) -> JobConfig {
    let mut config = JobConfig {
        parallelism,
        checkpoints: Some(CheckpointConfig {
            interval: Some(Duration::from_millis(15)),
            mode,
            tolerable_failures: 1_000,
            ..CheckpointConfig::new(folder.join("checkpoints"))
        }),
        restart: RestartStrategy::FixedDelay {
            attempts: 100,
            delay: Duration::from_millis(2),
        },
        ..JobConfig::default()
    };
    config.channels.batch = 16;
    if setting == Setting::Remote {
        config.remote = Remote::All;
        config.network = NetworkConfig {
            bandwidth_per_s: Some(1 << 18),
            latency: Duration::from_micros(300),
        };
    }
    if setting == Setting::Disk {
        config.state_backend = StateBackend::RocksDb(RocksDbConfig::of_profile(
            Profile::Default,
            folder.join("state"),
        ));
    }
    config
}

const MODES: [CheckpointMode; 3] = [
    CheckpointMode::Aligned,
    CheckpointMode::Unaligned,
    CheckpointMode::AlignedFor(Duration::from_millis(2)),
];

/// Draws that depend on a seed alone.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Waits for the end of a job that ought to come soon, and says where it stands if it does not.
fn join(job: Job, what: &str) -> JobReport {
    if !job.wait(Duration::from_secs(15)) {
        let mut snapshot = JobSnapshot::default();
        job.snapshot(&mut snapshot);
        panic!("{what}: a job that does not end: {snapshot:#?}");
    }
    job.join()
}

#[test]
fn an_undisturbed_job_ends_with_a_checkpoint_that_shows_everything() {
    for mode in MODES {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new(2_000, Duration::ZERO);
        let config = config(folder.path(), mode, 2, Setting::Heap);
        let job = world.graph(2).deploy(config).unwrap().start().unwrap();
        while !job.wait(Duration::from_millis(10)) {}
        let mut finals = 0;
        while let Some(report) = job.next_checkpoint() {
            finals += usize::from(report.outcome == CheckpointOutcome::Complete { is_final: true });
        }
        assert_eq!(finals, 1, "{mode:?}");
        let report = job.join();
        assert_eq!((report.outcome, report.attempts), (Outcome::Finished, 1));
        for edge in report.edges {
            assert_eq!((edge.emitted, edge.in_flight), (edge.received, 0));
        }
        assert_eq!(world.visible.rows(), world.expected(), "{mode:?}");
    }
}

fn survives_kills(mode: CheckpointMode, setting: Setting, seed: u64) {
    let mut draws = Draws(seed);
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(3_000, Duration::from_micros(20));
    let config = config(folder.path(), mode, 2, setting);
    let job = world.graph(2).deploy(config).unwrap().start().unwrap();
    let tasks = job.plan().tasks.len() as u64;
    let mut kills = 0;
    while !job.wait(Duration::from_millis(5 + draws.below(60))) && kills < 6 {
        job.kill(draws.below(tasks) as usize, Some(draws.below(2) as usize));
        kills += 1;
    }
    let report = join(job, &format!("{mode:?} {setting:?} {seed}"));
    assert_eq!(
        report.outcome,
        Outcome::Finished,
        "{mode:?} {setting:?} {seed}"
    );
    assert_eq!(
        world.visible.rows(),
        world.expected(),
        "{mode:?} {setting:?} {seed}"
    );
}

#[test]
fn kills_at_any_moment_lose_and_double_nothing() {
    for mode in MODES {
        for seed in 0..4 {
            survives_kills(mode, Setting::Heap, seed);
        }
    }
}

#[test]
fn kills_at_any_moment_lose_and_double_nothing_on_disk() {
    for mode in MODES {
        survives_kills(mode, Setting::Disk, 7);
    }
}

/// Sinks so slow that barriers of several checkpoints lie in one queue, with rows between them: those are
/// of one checkpoint and not of the other.
#[test]
fn barriers_of_earlier_checkpoints_in_a_queue_end_no_later_one() {
    for mode in [
        CheckpointMode::Unaligned,
        CheckpointMode::AlignedFor(Duration::from_millis(1)),
    ] {
        for seed in 0..2 {
            let mut draws = Draws(seed);
            let folder = tempfile::tempdir().unwrap();
            let world = World::new(200, Duration::from_millis(1));
            let mut config = config(folder.path(), mode, 2, Setting::Heap);
            if let Some(checkpoints) = &mut config.checkpoints {
                checkpoints.interval = Some(Duration::from_millis(1));
            }
            config.channels.batch = 1;
            config.channels.floating = 32;
            let job = world.graph(2).deploy(config).unwrap().start().unwrap();
            let sink = job.plan().tasks.len() - 1;
            for _ in 0..3 {
                job.wait(Duration::from_millis(100 + draws.below(30)));
                job.kill(sink, Some(0));
            }
            let outcome = job.join().outcome;
            assert_eq!(outcome, Outcome::Finished, "{mode:?} {seed}");
            assert_eq!(world.visible.rows(), world.expected(), "{mode:?} {seed}");
        }
    }
}

/// Checkpoints that are given up while some subtasks wait for them, and followed at once by the next.
#[test]
fn checkpoints_that_are_given_up_lose_and_double_nothing() {
    for mode in MODES {
        let mut draws = Draws(5);
        let folder = tempfile::tempdir().unwrap();
        let world = World::new(300, Duration::from_micros(300));
        let mut config = config(folder.path(), mode, 2, Setting::Heap);
        if let Some(checkpoints) = &mut config.checkpoints {
            checkpoints.interval = Some(Duration::from_millis(1));
            checkpoints.timeout = Duration::from_millis(5);
        }
        config.channels.batch = 1;
        let job = world.graph(2).deploy(config).unwrap().start().unwrap();
        let sink = job.plan().tasks.len() - 1;
        for _ in 0..4 {
            job.wait(Duration::from_millis(50 + draws.below(60)));
            job.kill(sink, Some(0));
        }
        assert_eq!(job.join().outcome, Outcome::Finished, "{mode:?}");
        assert_eq!(world.visible.rows(), world.expected(), "{mode:?}");
    }
}

/// Stops a job somewhere in the middle, time and again, and goes on at another parallelism.
fn survives_rescaling(mode: CheckpointMode, setting: Setting, seed: u64) {
    let mut draws = Draws(seed);
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(4_000, Duration::from_micros(20));
    for round in 0..5 {
        let parallelism = 1 + draws.below(4) as usize;
        let mut config = config(folder.path(), mode, parallelism, setting);
        config.restore = RestoreFrom::Latest;
        let sources = 1 + draws.below(4) as usize;
        let job = world
            .graph(sources)
            .deploy(config)
            .unwrap()
            .start()
            .unwrap();
        let last = round == 4;
        if !last && !job.wait(Duration::from_millis(20 + draws.below(80))) {
            job.cancel();
        }
        let report = join(job, &format!("{mode:?} {setting:?} {seed}"));
        if last || report.outcome == Outcome::Finished {
            assert_eq!(report.outcome, Outcome::Finished, "{mode:?} {seed}");
        }
    }
    assert_eq!(
        world.visible.rows(),
        world.expected(),
        "{mode:?} {setting:?} {seed}"
    );
}

#[test]
fn a_job_goes_on_at_any_parallelism() {
    for mode in MODES {
        for seed in 0..4 {
            survives_rescaling(mode, Setting::Heap, seed);
        }
        survives_rescaling(mode, Setting::Disk, 11);
    }
}

#[test]
fn kills_and_rescaling_lose_and_double_nothing_over_a_network() {
    for mode in MODES {
        for seed in 0..2 {
            survives_kills(mode, Setting::Remote, seed);
            survives_rescaling(mode, Setting::Remote, seed);
        }
    }
}

/// Takes its time for every row.
struct Slow;

impl Sink<(u64, u64)> for Slow {
    fn write(
        &mut self,
        rows: Rows<'_, (u64, u64)>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let mut free_ns = context.now_ns();
        for _ in rows {
            free_ns += 500_000;
            context.block_until(free_ns);
        }
        Ok(())
    }
}

/// How long each of ten checkpoints of a job takes behind whose slow end queues are full, in
/// nanoseconds.
fn durations_under_backpressure(mode: CheckpointMode) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let graph = JobGraph::new("backpressured");
    graph
        .source("numbers", |context| {
            let source = Numbers::new(context.index, context.parallelism, u64::MAX);
            (source, None)
        })
        .key_by(|row: &(u64, u64)| row.0)
        .aggregate("count", Count)
        .rebalance()
        .sink("slow", |_| Slow);
    let mut config = config(folder.path(), mode, 1, Setting::Heap);
    config.checkpoints.as_mut().unwrap().interval = None;
    config.channels.batch = 4;
    config.channels.exclusive = 64;
    config.channels.floating = 8;
    let job = graph.deploy(config).unwrap().start().unwrap();
    let mut snapshot = JobSnapshot::default();
    let mut durations = Vec::new();
    while durations.len() < 10 {
        job.snapshot(&mut snapshot);
        let queued = |channel: &ChannelSnapshot| channel.enqueued - channel.dequeued >= 64;
        if !snapshot.channels.iter().all(queued) {
            assert!(!job.wait(Duration::from_millis(1)), "it is endless");
            continue;
        }
        job.checkpoint_now();
        let report = loop {
            if let Some(report) = job.next_checkpoint() {
                break report;
            }
            assert!(!job.wait(Duration::from_millis(1)), "it is endless");
        };
        assert_eq!(
            report.outcome,
            CheckpointOutcome::Complete { is_final: false }
        );
        let in_flight = |part: &SubtaskCheckpoint| part.in_flight_bytes > 0 && part.unaligned;
        let is_unaligned = report.subtasks.iter().any(in_flight);
        assert_eq!(is_unaligned, mode == CheckpointMode::Unaligned);
        durations.push(report.ended_ns - report.triggered_ns);
    }
    job.cancel();
    job.join();
    durations.sort_unstable();
    durations
}

#[test]
fn under_backpressure_an_unaligned_checkpoint_takes_a_fifth_of_an_aligned_one_at_most() {
    let aligned = durations_under_backpressure(CheckpointMode::Aligned);
    let unaligned = durations_under_backpressure(CheckpointMode::Unaligned);
    let median = |durations: &[u64]| durations[durations.len() / 2] as f64;
    let ratio = median(&unaligned) / median(&aligned);
    println!("unaligned over aligned: {ratio:.3} ({unaligned:?} ns over {aligned:?} ns)");
    assert!(
        ratio <= 0.2,
        "{ratio:.3}: {unaligned:?} ns over {aligned:?} ns"
    );
}
