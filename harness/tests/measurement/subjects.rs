//! Subjects that are broken where no scenario can break them: in the driver, and in the record.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::SourceStatus;
use harness::latency::Recorder;
use harness::resume::Resume;
use harness::scenario::Scenario;
use harness::selftest::{Came, Runs, SelfTestError, Subject};
use harness::target::{DeployError, Deployment, Null, NullJob, Target};
use reports::record::{LATENCY_FILE, RunDir};
use workloads::{Bounds, NullSource, null_sources};

/// The null target with a driver whose thread is held up before every poll.
pub struct SlowDriver {
    pub pause: Duration,
}

impl Target for SlowDriver {
    fn kind(&self) -> &'static str {
        Null.kind()
    }

    fn version(&self) -> String {
        Null.version()
    }

    fn deploy(
        &self,
        scenario: &Scenario,
        recorder: &Recorder,
        resume: Option<&Resume>,
    ) -> Result<Deployment, DeployError> {
        let bounds = Bounds {
            until_ns: u64::try_from(scenario.end().as_nanos()).ok(),
            ..Bounds::default()
        };
        let probes = recorder.probes();
        let (sources, progress) = null_sources(
            &scenario.workload,
            &scenario.load,
            scenario.job.parallelism,
            scenario.seed,
            bounds,
            Arc::clone(&probes),
        )?;
        let pause = self.pause;
        let held_up = move |source| -> Box<dyn NullSource> { Box::new(HeldUp { source, pause }) };
        let sources = sources.into_iter().map(held_up).collect();
        Ok(Deployment {
            progress,
            start: Box::new(move || NullJob::start(sources, &*probes)),
            ..Null.deploy(scenario, recorder, resume)?
        })
    }
}

struct HeldUp {
    source: Box<dyn NullSource>,
    pause: Duration,
}

impl NullSource for HeldUp {
    fn poll(&mut self, now: u64, held_ns: u64, max: usize, tags: &mut Vec<u64>) -> SourceStatus {
        let status = self.source.poll(now, held_ns, max, tags);
        std::thread::sleep(self.pause);
        status
    }
}

/// Gives the record of a finished run again, with the times from sending to the sink as its response times: what a load
/// generator measures that takes the time when it has sent a record.
pub struct FromSendTime {
    pub run: PathBuf,
}

impl Runs for FromSendTime {
    fn run(&mut self, _subject: &Subject, out: &Path) -> Result<Came, SelfTestError> {
        fs::create_dir(out).unwrap();
        for entry in fs::read_dir(&self.run).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), out.join(entry.file_name())).unwrap();
            }
        }
        let log = out.join(LATENCY_FILE);
        let text = fs::read_to_string(&log).unwrap();
        let others = text
            .lines()
            .filter(|line| !line.starts_with("Tag=response,"));
        let renamed = others.map(|line| line.replace("Tag=service,", "Tag=response,") + "\n");
        fs::write(&log, renamed.collect::<String>()).unwrap();
        let run = RunDir::open(out).unwrap().run().cloned();
        Ok(Came::Recorded(Box::new(run.unwrap())))
    }

    fn say(&mut self, text: &str) {
        println!("{text}");
    }
}
