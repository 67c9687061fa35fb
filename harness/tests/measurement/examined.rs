//! Examines claims with runs in this process.

use std::path::{Path, PathBuf};

use harness::interrupt::Interrupt;
use harness::run::{RunDirectory, prepare};
use harness::selftest::{Came, Claim, Runs, SelfTestError, Subject, examine};
use harness::target::{Embedded, Target};
use reports::record::SelfTestRecord;
use reports::{Style, selftest_text};
use tempfile::TempDir;

/// A claim that was examined, and its folder.
pub struct Examination {
    pub record: SelfTestRecord,
    pub text: String,
    folder: TempDir,
}

pub fn examined(claim: Claim, attempts: u32, runs: &mut dyn Runs) -> Examination {
    let folder = tempfile::tempdir().unwrap();
    let begun = SelfTestRecord::new("test", String::new());
    let record = examine(&[claim], attempts, folder.path(), begun, runs).unwrap();
    assert!(record.finished);
    let text = selftest_text(&record, Style::Plain);
    println!("{text}");
    Examination {
        record,
        text,
        folder,
    }
}

impl Examination {
    /// Where a run of the only claim's last attempt is.
    pub fn run_directory(&self, at: usize) -> PathBuf {
        self.folder.path().join(&self.record.claims[0].runs[at])
    }
}

/// Runs subjects in this process.
pub struct Here<'a> {
    /// What stands for the null target.
    pub null: &'a dyn Target,
}

impl Runs for Here<'_> {
    fn run(&mut self, subject: &Subject, out: &Path) -> Result<Came, SelfTestError> {
        let target = match subject.target {
            "null" => self.null,
            _ => &Embedded,
        };
        let (document, scenario) = subject.parsed().unwrap();
        let place = RunDirectory::given(out).unwrap();
        let prepared = prepare(&document, scenario, target, place, None).unwrap();
        let run = prepared.execute(&Interrupt::default()).unwrap();
        Ok(Came::Recorded(Box::new(run)))
    }

    fn say(&mut self, text: &str) {
        println!("{text}");
    }
}
