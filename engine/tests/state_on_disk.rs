//! Jobs with their state in RocksDB: the answers of the heap, where the time goes, what is prepared
//! beforehand, what goes wrong, and what is left behind.

#[path = "support/collected.rs"]
mod collected;
#[path = "support/count.rs"]
mod count;
#[path = "support/numbers.rs"]
mod numbers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use collected::Collected;
use count::Count;
use engine::{
    Batch, DeployError, DetachedStates, Job, JobConfig, JobGraph, JobReport, JobSnapshot,
    KeyedProcess, KeyedState, OperatorContext, OperatorError, Outcome, PrepareContext, Profile,
    RocksDbConfig, Row, StateBackend, StateContext, StateSnapshot, ValueState,
};
use numbers::Numbers;

const RECORDS: u64 = 40_000;
const KEYS: u64 = 3_000;

fn counting(sink: &Collected<(u64, u64)>) -> JobGraph {
    let (graph, sink) = (JobGraph::new("count"), sink.clone());
    graph
        .source("numbers", |context| {
            (Numbers::share(RECORDS, context), None)
        })
        .key_by(|number| number % KEYS)
        .aggregate("count", Count)
        .sink("sink", move |_| sink.clone());
    graph
}

fn on_disk(folder: &Path, parallelism: usize, write_back_cache: u64) -> JobConfig {
    let config = RocksDbConfig {
        write_back_cache,
        ..RocksDbConfig::of_profile(Profile::Default, folder)
    };
    JobConfig {
        parallelism,
        state_backend: StateBackend::RocksDb(config),
        ..JobConfig::default()
    }
}

fn finish(job: Job) -> JobReport {
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    let report = job.join();
    assert_eq!(report.outcome, Outcome::Finished);
    report
}

fn ended(graph: &JobGraph, config: JobConfig) -> JobReport {
    finish(graph.deploy(config).unwrap().start().unwrap())
}

fn all(states: &[StateSnapshot], of: impl Fn(&StateSnapshot) -> u64) -> u64 {
    states.iter().map(of).sum()
}

#[test]
fn a_count_on_disk_says_what_a_count_on_the_heap_says_and_books_its_time_as_state() {
    for (parallelism, cache) in [(1, 0), (3, 0), (2, 20_000), (2, 64 << 20)] {
        let (folder, collected) = (tempfile::tempdir().unwrap(), Collected::default());
        let report = ended(
            &counting(&collected),
            on_disk(folder.path(), parallelism, cache),
        );
        let rows = collected.take();
        let said: BTreeSet<(u64, u64)> = rows.iter().map(|row| row.value).collect();
        assert_eq!(
            (rows.len() as u64, said.len() as u64),
            (RECORDS, RECORDS),
            "one result per row"
        );
        let last = said.into_iter().collect::<BTreeMap<u64, u64>>();
        assert_eq!(last.values().sum::<u64>(), RECORDS);

        let JobSnapshot {
            subtasks, states, ..
        } = &report.snapshot;
        assert_eq!(states.len(), parallelism);
        assert_eq!(all(states, |it| it.writes), RECORDS);
        let in_backend = all(states, |it| it.read_ns + it.write_ns);
        let booked: u64 = subtasks.iter().map(|it| it.time.state_ns).sum();
        assert!(
            booked > 0 && booked <= in_backend,
            "{booked} of {in_backend} ns"
        );
        assert!(booked >= in_backend / 2, "{booked} of {in_backend} ns");
        let asked = all(states, |it| it.read_samples);
        match cache {
            0 => assert!(
                asked > KEYS && asked <= RECORDS,
                "a key is looked up once per run: {asked}"
            ),
            20_000 => assert!(all(states, |it| it.cache.unwrap().bytes) <= 20_000),
            _ => assert_eq!(asked, KEYS, "a key is looked up once"),
        }
        assert_eq!(
            folder.path().read_dir().unwrap().count(),
            0,
            "nothing is left behind"
        );
    }
}

/// Begins with `0..keys`, each with its own number, and hands out what it finds.
struct Prepared {
    keys: u64,
    owned: Arc<Mutex<Vec<u64>>>,
    values: Option<ValueState<u64, u64>>,
}

impl KeyedProcess<u64, u64, (u64, Option<u64>)> for Prepared {
    fn open(&mut self, state: &mut StateContext) {
        self.values = Some(state.value("value"));
    }

    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState)) {
        self.values.iter_mut().for_each(|values| visit(values));
    }

    fn prepare(&mut self, context: &PrepareContext) -> Result<(), OperatorError> {
        let values = self.values.as_mut().expect("opened");
        for key in (0..self.keys).filter(|key| context.owns(key)) {
            if context.cancelled() {
                return Ok(());
            }
            values.put(&key, key + 1)?;
            self.owned.lock().unwrap().push(key);
            context.done(1);
        }
        Ok(())
    }

    fn process(
        &mut self,
        key: &u64,
        row: Row<u64>,
        out: &mut Batch<(u64, Option<u64>)>,
        _: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let found = self.values.as_mut().expect("opened").get(key)?;
        out.push(row.with((*key, found)));
        Ok(())
    }
}

fn prepared(
    keys: u64,
    owned: &Arc<Mutex<Vec<u64>>>,
    sink: &Collected<(u64, Option<u64>)>,
) -> JobGraph {
    let (graph, owned, sink) = (JobGraph::new("prepared"), Arc::clone(owned), sink.clone());
    graph
        .source("numbers", |context| (Numbers::share(2_000, context), None))
        .key_by(|&number| number)
        .process("look-up", move |_| Prepared {
            keys,
            owned: Arc::clone(&owned),
            values: None,
        })
        .sink("sink", move |_| sink.clone());
    graph
}

#[test]
fn state_is_prepared_once_per_key_where_its_rows_arrive() {
    let folder = tempfile::tempdir().unwrap();
    for config in [
        on_disk(folder.path(), 3, 0),
        JobConfig {
            parallelism: 3,
            ..JobConfig::default()
        },
    ] {
        let (owned, collected) = (Arc::default(), Collected::default());
        let deployed = prepared(1_000, &owned, &collected).deploy(config).unwrap();
        let preparation = deployed.preparation();
        finish(deployed.start().unwrap());
        assert_eq!(preparation.done(), 1_000);
        let mut owned = std::mem::take(&mut *owned.lock().unwrap());
        owned.sort_unstable();
        assert_eq!(owned, (0..1_000).collect::<Vec<u64>>());
        let found: BTreeMap<u64, Option<u64>> =
            collected.take().into_iter().map(|row| row.value).collect();
        let expected = |key: u64| (key < 1_000).then_some(key + 1);
        assert!(found.iter().all(|(&key, &found)| found == expected(key)));
        assert_eq!(found.len(), 2_000);
    }
}

#[test]
fn a_job_cancelled_while_it_is_prepared_does_not_begin() {
    let (folder, owned) = (tempfile::tempdir().unwrap(), Arc::default());
    let graph = prepared(u64::MAX, &owned, &Collected::default());
    let deployed = graph.deploy(on_disk(folder.path(), 2, 0)).unwrap();
    let preparation = deployed.preparation();
    let canceller = std::thread::spawn(move || {
        while preparation.done() < 5_000 {
            std::thread::yield_now();
        }
        preparation.cancel();
    });
    assert!(matches!(
        deployed.start().err(),
        Some(DeployError::Cancelled)
    ));
    canceller.join().unwrap();
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        0,
        "nothing is left behind"
    );
}

#[test]
fn what_cannot_be_opened_is_said_before_the_job_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let graph = counting(&Collected::default());
    let refused = graph.deploy(on_disk(&file, 1, 0)).err().unwrap();
    assert!(
        matches!(refused, DeployError::StateDirectory { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("file"), "{refused}");

    let mut contradictory = RocksDbConfig::of_profile(Profile::Default, folder.path());
    contradictory.write_buffers_to_merge = 5;
    let config = JobConfig {
        state_backend: StateBackend::RocksDb(contradictory),
        ..JobConfig::default()
    };
    let refused = graph.deploy(config).err().unwrap();
    assert!(
        matches!(refused, DeployError::RocksDb(error) if error.option == "write_buffers_to_merge")
    );
}

/// Lets a job without end work, disturbs it, and gives the events that follow, and the last snapshot.
fn disturbed(
    parallelism: usize,
    until: &str,
    disturb: impl Fn(&Job),
) -> (Vec<String>, JobSnapshot) {
    let folder = tempfile::tempdir().unwrap();
    let graph = JobGraph::new("endless");
    graph
        .source("numbers", |context| {
            (Numbers::share(u64::MAX / 1_000, context), None)
        })
        .key_by(|number| number % KEYS)
        .aggregate("count", Count)
        .for_each("discard", drop);
    let job = graph
        .deploy(on_disk(folder.path(), parallelism, 0))
        .unwrap()
        .start()
        .unwrap();
    disturb(&job);
    let mut events = Vec::new();
    while events.iter().filter(|kind| *kind == until).count() < parallelism {
        assert!(!job.wait(Duration::from_millis(5)), "it goes on");
        events.extend(std::iter::from_fn(|| job.next_event()).map(|it| it.kind.to_owned()));
    }
    let mut snapshot = JobSnapshot::default();
    job.snapshot(&mut snapshot);
    job.cancel();
    job.join();
    (events, snapshot)
}

#[test]
fn slow_state_is_state_time_of_one_subtask() {
    let extra = Duration::from_micros(500);
    let lasting = Duration::from_millis(400);
    let (events, snapshot) = disturbed(1, "slow-state-end", |job| {
        job.slow_state(1, 0, extra, lasting)
    });
    assert_eq!(events, ["slow-state", "slow-state-end"]);
    let counting = snapshot.subtasks.iter().find(|it| it.task == 1).unwrap();
    let in_backend = all(&snapshot.states, |it| it.read_ns + it.write_ns);
    assert!(
        counting.time.state_ns > in_backend + 200_000_000,
        "{counting:?}"
    );
}

#[test]
fn a_throttled_disk_loses_nothing_and_goes_on_counting() {
    let lasting = Duration::from_millis(300);
    let throttle = |job: &Job| {
        std::thread::sleep(Duration::from_millis(200));
        job.throttle_disk(1 << 20, Duration::from_millis(5), lasting);
    };
    let (events, snapshot) = disturbed(2, "throttle-disk-end", throttle);
    assert_eq!(
        events
            .iter()
            .filter(|kind| *kind == "throttle-disk")
            .count(),
        2
    );
    let flushed = all(&snapshot.states, |it| it.rocksdb.unwrap().flushed_bytes);
    assert!(
        flushed > 0,
        "write buffers are flushed before a database is closed"
    );
    let entries = all(&snapshot.states, |it| it.entries);
    assert!(
        entries >= KEYS,
        "{entries}: RocksDB counts versions of a key in its estimate"
    );
}

#[test]
fn what_nobody_will_read_is_not_written_when_a_database_is_closed() {
    let (folder, collected) = (tempfile::tempdir().unwrap(), Collected::default());
    let slowest = RocksDbConfig {
        // At this rate what the job leaves in its write buffers would take many minutes.
        rate_limit_per_s: Some(1 << 10),
        ..RocksDbConfig::of_profile(Profile::Default, folder.path())
    };
    let config = JobConfig {
        state_backend: StateBackend::RocksDb(slowest),
        ..JobConfig::default()
    };
    let report = ended(&counting(&collected), config);
    let database = report.snapshot.states[0].rocksdb.unwrap();
    assert_eq!(database.flushed_bytes, 0);
    assert!(database.memtable_bytes > 0);
}

#[test]
fn a_hit_is_what_an_earlier_run_had_left_in_the_cache() {
    let told = |write_back_cache| {
        let folder = tempfile::tempdir().unwrap();
        let backend = StateBackend::RocksDb(RocksDbConfig {
            write_back_cache,
            ..RocksDbConfig::of_profile(Profile::Default, folder.path())
        });
        let mut counts = None;
        let open = |context: &mut StateContext| counts = Some(context.value::<u64, u64>("counts"));
        let mut states = DetachedStates::open(&backend, 128, open).unwrap();
        let mut counts = counts.unwrap();
        for _ in 0..2 {
            counts.prefetch(0..1_000).unwrap();
            for key in 0..1_000 {
                counts.update(&key, || 0, |count| *count += 1).unwrap();
            }
            counts.put(&5_000, 1).unwrap();
            states.next_run(0).unwrap();
        }
        let cache = states.snapshot().cache.unwrap();
        (cache.hits, cache.misses)
    };
    assert_eq!(told(1), (0, 2_000), "nothing stays");
    assert_eq!(told(1 << 20), (1_000, 1_000), "all stays");
}

#[test]
fn a_name_belongs_to_one_state() {
    for backend in [
        StateBackend::Heap,
        StateBackend::RocksDb(RocksDbConfig::of_profile(
            Profile::Default,
            std::env::temp_dir(),
        )),
    ] {
        let open = |context: &mut StateContext| {
            context.value::<u64, u64>("count");
            context.map::<u64, u64, u64>("count");
        };
        let refused = DetachedStates::open(&backend, 128, open).err().unwrap();
        assert_eq!(
            refused.to_string(),
            "state 'count': there are two of this name"
        );
    }
}

/// Fails before the job begins.
struct Unprepared;

impl KeyedProcess<u64, u64, u64> for Unprepared {
    fn open(&mut self, _: &mut StateContext) {}

    fn states(&mut self, _: &mut dyn FnMut(&mut dyn KeyedState)) {}

    fn prepare(&mut self, _: &PrepareContext) -> Result<(), OperatorError> {
        panic!("nothing is ready")
    }

    fn process(
        &mut self,
        _: &u64,
        _: Row<u64>,
        _: &mut Batch<u64>,
        _: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        Ok(())
    }
}

#[test]
fn a_panic_while_state_is_prepared_is_the_reason_why_a_job_does_not_begin() {
    let graph = JobGraph::new("unprepared");
    graph
        .source("numbers", |context| (Numbers::share(10, context), None))
        .key_by(|&number| number)
        .process("fail", |_| Unprepared)
        .for_each("discard", drop);
    let deployed = graph.deploy(JobConfig::default()).unwrap();
    let refused = deployed.start().err().unwrap();
    assert_eq!(
        refused.to_string(),
        "state could not be prepared: panic: nothing is ready"
    );
}
