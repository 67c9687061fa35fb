//! Jobs of every workload that are stopped somewhere in the middle and go on from their last checkpoint, time and
//! again and at another parallelism each time: in the end the oracle finds everything right.
//!
//! Each round builds the job anew, as another process would: all that it knows of the rounds before is in the
//! checkpoint. `RESTORE_SEEDS` sets the number of random courses of each combination.

#[path = "support/running.rs"]
#[expect(dead_code, reason = "what runs a job without interruption")]
mod running;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::{CheckpointConfig, CheckpointMode, Outcome, RestartStrategy, RestoreFrom};
use running::{Ran, job, load, records, workload};
use workloads::{Built, JobSpec, LoadSpec, NoProbes, WorkloadSpec, build};

/// How often a job is stopped.
const STOPS: u64 = 3;

const CHAININGS: [&str; 2] = ["", "chaining = false"];

const CHANNELS: [&str; 3] = [
    "",
    "channels = { batch = 16, exclusive = 1, floating = 1 }",
    "channels = { batch = 7 }",
];

/// Half a second of records.
struct Course {
    workload: WorkloadSpec,
    load: LoadSpec,
    records: u64,
    state: &'static str,
}

impl Course {
    /// `splits` splits of 40,000 records per second together.
    fn new(text: &str, splits: u32) -> Course {
        let shape = "shape = { kind = 'constant', rate_per_s = 40_000 }";
        Course {
            workload: workload(text),
            load: load(&format!("{shape}\nsplits = {splits}")),
            records: 20_000,
            state: "",
        }
    }

    fn on(self, state: &'static str) -> Course {
        Course { state, ..self }
    }

    fn arriving_at_random(mut self) -> Course {
        self.load = LoadSpec {
            arrivals: workloads::Arrivals::Poisson,
            ..self.load
        };
        self
    }

    fn build(&self, job: &JobSpec) -> Built {
        let bounds = records(self.records);
        build(
            &self.workload,
            &self.load,
            job,
            42,
            bounds,
            Arc::new(NoProbes),
        )
        .expect("valid")
    }

    /// One round: to the end, or to where it is stopped.
    fn round(
        &self,
        job: &JobSpec,
        folder: &Path,
        mode: CheckpointMode,
        stop: Option<Duration>,
    ) -> Ran {
        let Built {
            graph,
            progress,
            verifier,
            alone: _,
        } = self.build(job);
        let mut config = job.to_config();
        config.checkpoints = Some(often(folder, mode));
        config.restore = RestoreFrom::Latest;
        let running = graph.deploy(config).expect("valid");
        let running = running.start().expect("threads");
        if !running.wait(stop.unwrap_or(Duration::from_secs(60))) {
            running.cancel();
        }
        Ran {
            report: running.join(),
            progress,
            verifier,
        }
    }

    /// Subtasks are killed at random, and the job starts again in the same process.
    fn assert_right_when_killed(&self, mode: CheckpointMode, seed: u64) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut draws = Draws(seed);
        let (chaining, channels) = (draws.of(&CHAININGS), draws.of(&CHANNELS));
        let state = self.state;
        let job = job(&format!("parallelism = 2\n{chaining}\n{channels}\n{state}"));
        let Built {
            graph,
            progress,
            verifier,
            alone: _,
        } = self.build(&job);
        let mut config = job.to_config();
        config.checkpoints = Some(often(folder.path(), mode));
        config.restart = RestartStrategy::FixedDelay {
            attempts: 1_000,
            delay: Duration::from_millis(2),
        };
        let running = graph.deploy(config).expect("valid");
        let running = running.start().expect("threads");
        let tasks = running.plan().tasks.len() as u64;
        let mut kills = 0;
        while kills < 4 && !running.wait(Duration::from_millis(10 + draws.below(100))) {
            running.kill(draws.below(tasks) as usize, Some(draws.below(2) as usize));
            kills += 1;
        }
        if !running.wait(Duration::from_secs(60)) {
            running.cancel();
        }
        let ran = Ran {
            report: running.join(),
            progress,
            verifier,
        };
        let what = format!("{:?} {mode:?} {seed}", self.workload);
        assert_ended(&ran, &what);
        assert_eq!(ran.progress.admitted(), self.records, "{what}");
    }

    fn assert_right(&self, mode: CheckpointMode, seed: u64) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut draws = Draws(seed);
        let mut chaining = draws.of(&CHAININGS);
        for stopped in 0..=STOPS {
            let parallelism = 1 + draws.below(4);
            // Rows that a barrier has passed are kept by the tasks that they were on their way to.
            if mode == CheckpointMode::Aligned {
                chaining = draws.of(&CHAININGS);
            }
            let channels = draws.of(&CHANNELS);
            let state = self.state;
            let job = job(&format!(
                "parallelism = {parallelism}\n{chaining}\n{channels}\n{state}"
            ));
            let stop = Duration::from_millis(30 + draws.below(150));
            let stop = (stopped < STOPS).then_some(stop);
            let ran = self.round(&job, folder.path(), mode, stop);
            let what = || format!("{:?} {mode:?} {seed} {stopped}", self.workload);
            if stop.is_none() || ran.report.outcome == Outcome::Finished {
                assert_ended(&ran, &what());
            } else {
                assert_eq!(ran.report.outcome, Outcome::Cancelled, "{}", what());
            }
        }
    }
}

fn often(folder: &Path, mode: CheckpointMode) -> CheckpointConfig {
    CheckpointConfig {
        interval: Some(Duration::from_millis(10)),
        mode,
        tolerable_failures: 1_000,
        ..CheckpointConfig::new(folder.to_owned())
    }
}

fn assert_ended(ran: &Ran, what: &str) {
    assert_eq!(ran.report.outcome, Outcome::Finished, "{what}");
    let correctness = ran.correctness();
    assert!(correctness.is_right(), "{what}: {correctness:?}");
}

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

    fn of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

fn seeds() -> u64 {
    let seeds = std::env::var("RESTORE_SEEDS").ok();
    seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

const MODES: [CheckpointMode; 2] = [CheckpointMode::Aligned, CheckpointMode::Unaligned];

fn assert_all_right(courses: &[Course]) {
    for course in courses {
        for (mode, of_mode) in MODES.into_iter().zip(0..) {
            for seed in 0..seeds() {
                course.assert_right(mode, 2 * seed + of_mode);
            }
        }
    }
}

#[test]
fn running_results_go_on() {
    assert_all_right(&[
        Course::new("kind = 'flights'", 3),
        Course::new(
            "kind = 'slow-operator'\ncost = { kind = 'cpu', mean = '2us' }\nfan_out = 2",
            5,
        ),
        Course::new(
            "kind = 'slow-operator'\ncost = { kind = 'blocking', mean = '5us' }",
            5,
        ),
        Course::new(
            "kind = 'slow-operator'\ncost = { kind = 'async', mean = '20ms' }\nasync = { capacity = 2_000 }",
            5,
        ),
        Course::new("kind = 'hot-keys'\nkeys = 300\ncost = { mean = '0s' }", 7)
            .arriving_at_random(),
        Course::new(
            "kind = 'hot-keys'\nkeys = 300\ncost = { mean = '0s' }\nlocal_aggregation = 100",
            7,
        ),
    ]);
}

#[test]
fn windows_go_on() {
    let hot = "kind = 'hot-keys'\nkeys = 300\ncost = { mean = '0s' }\nwindow = '10ms'\nevent_rate_per_s = 50_000";
    assert_all_right(&[
        Course::new(hot, 6),
        Course::new(&format!("{hot}\nsalt = 16"), 6).arriving_at_random(),
        Course::new(
            "kind = 'flights'\nwindow = '1h'\nwatermark_delay = '30m'\nallowed_lateness = '60m'",
            1,
        ),
        Course::new(
            "kind = 'flights'\nwindow = '1h'\nwatermark_delay = '30m'\nallowed_lateness = '60m'",
            4,
        ),
    ]);
}

const LATE: &str = "kind = 'late-data'\nevent_rate_per_s = 50_000\nlateness = { kind = 'exponential', mean = '20ms' }\nvery_late = { share = 0.02, max = '300ms' }\n";

#[test]
fn windows_with_one_right_answer_go_on() {
    let windows = [
        "keys = 7\nwindow = { kind = 'tumbling', size = '30ms' }",
        "keys = 7\nwindow = { kind = 'sliding', size = '50ms', slide = '20ms' }",
        "keys = 7\nwindow = { kind = 'sliding', size = '50ms', slide = '20ms', form = 'copies' }\npurging = true",
        "keys = 300\nwindow = { kind = 'session', gap = '5ms' }",
    ];
    let course = |window: &&str| {
        let watermark = "watermark = { delay = '20ms', every_record = true }";
        let text = format!("{LATE}{watermark}\nallowed_lateness = '40ms'\n{window}");
        Course::new(&text, 1)
    };
    assert_all_right(&windows.iter().map(course).collect::<Vec<_>>());
}

#[test]
fn windows_whose_late_records_depend_on_who_was_faster_go_on() {
    let windows = [
        "keys = 7\nwindow = { kind = 'tumbling', size = '30ms' }",
        "keys = 7\nwindow = { kind = 'sliding', size = '50ms', slide = '20ms' }\nlate = 'drop'",
        "keys = 300\nwindow = { kind = 'session', gap = '5ms' }",
        "keys = 7\nwindow = { kind = 'tumbling', size = '50ms' }\ntrigger = { kind = 'early-interval', interval = '10ms' }",
        "keys = 7\nwindow = { kind = 'tumbling', size = '50ms' }\ntrigger = { kind = 'count', count = 3 }",
    ];
    let course = |window: &&str| {
        let watermark = "watermark = { delay = '20ms', idle_timeout = '5ms' }";
        let text = format!("{LATE}{watermark}\nallowed_lateness = '10ms'\n{window}");
        Course::new(&text, 5)
    };
    assert_all_right(&windows.iter().map(course).collect::<Vec<_>>());
}

#[test]
fn keyed_state_goes_on() {
    let profiles = "kind = 'state-growth'\npreloaded = 3000\nnew_key_share = 0.01\nmix = { read = 3, update = 3, write = 2, delete = 2 }\nvalue_bytes = 10\nvalue_bytes_max = 300";
    let visits = "kind = 'state-growth'\njob = 'unique-visitor'\npreloaded = 300\nday = '20ms'\ndisorder = '5ms'";
    let aging = "kind = 'state-growth'\npreloaded = 100\nttl = { after = '30ms', refresh = 'on-read-and-write' }";
    let disk = "state = { backend = 'rocksdb', write_back_cache = '64KiB' }";
    assert_all_right(&[
        Course::new(profiles, 7),
        Course::new(visits, 7).arriving_at_random(),
        Course::new(aging, 7),
        Course::new(profiles, 7).on(disk),
        Course::new(visits, 7).on(disk),
    ]);
}

#[test]
fn jobs_whose_subtasks_are_killed_go_on() {
    let exact = "watermark = { delay = '20ms', every_record = true }";
    let window = "window = { kind = 'sliding', size = '50ms', slide = '20ms' }";
    let late = format!("{LATE}{exact}\nkeys = 7\nallowed_lateness = '40ms'\n{window}");
    let courses = [
        Course::new("kind = 'flights'", 3),
        Course::new(
            "kind = 'hot-keys'\nkeys = 300\ncost = { mean = '0s' }\nlocal_aggregation = 100",
            7,
        ),
        Course::new(&late, 1),
        Course::new("kind = 'state-growth'\npreloaded = 3000", 7).arriving_at_random(),
    ];
    for course in &courses {
        for (mode, of_mode) in MODES.into_iter().zip(0..) {
            for seed in 0..seeds() {
                course.assert_right_when_killed(mode, 2 * seed + of_mode);
            }
        }
    }
}
