//! The sink and its committer against a job that is killed, restarted, and rescaled at random.

use std::collections::{BTreeMap, HashSet};
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::checkpoint::parts::Parts;
use crate::operator::Committer;

/// A row says by which sink it was written, and as which one of it: each exists once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    sink: u64,
    place: u64,
}

impl CsvRecord for Line {
    fn header() -> &'static [&'static str] {
        &["sink", "place", "text"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.sink).field(self.place).field("a, \"b\"\n");
    }
}

fn visible(directory: &Path) -> Vec<Line> {
    let number = |record: &csv::StringRecord, field: usize| record[field].parse().unwrap();
    let records = read_parts(directory).unwrap();
    let lines = records.map(|record| {
        let record = record.unwrap();
        assert_eq!(&record[2], "a, \"b\"\n");
        Line {
            sink: number(&record, 0),
            place: number(&record, 1),
        }
    });
    lines.collect()
}

/// What happens to a job.
#[derive(Clone, Debug)]
enum Step {
    Write {
        subtask: usize,
        rows: u64,
    },
    /// All sinks give a snapshot. The checkpoint fails, or it is complete.
    Checkpoint {
        complete: bool,
    },
    /// The job fails in the middle of a checkpoint: so many sinks gave snapshots, or all did, it was
    /// complete, and so many of its transactions were committed.
    Crash {
        snapshots: usize,
        committed: usize,
        back: usize,
        parallelism: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let crash = (0usize..6, 0usize..6, 0usize..3, 1usize..5);
    prop_oneof![
        6 => (0usize..4, 0u64..4).prop_map(|(subtask, rows)| Step::Write { subtask, rows }),
        3 => any::<bool>().prop_map(|complete| Step::Checkpoint { complete }),
        1 => crash.prop_map(|(snapshots, committed, back, parallelism)| Step::Crash {
            snapshots, committed, back, parallelism,
        }),
    ]
}

/// A complete checkpoint: its transactions, and the rows written before it.
#[derive(Clone)]
struct Complete {
    checkpoint: u64,
    transactions: Vec<Vec<u8>>,
    rows: Vec<Line>,
}

struct Job {
    directory: tempfile::TempDir,
    committer: FileCommitter,
    sinks: Vec<(u64, FileSink<Line>)>,
    sinks_ever: u64,
    next: u64,
    rows: Vec<Line>,
    complete: Vec<Complete>,
}

impl Job {
    fn new() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let mut job = Job {
            committer: FileCommitter::new(directory.path()),
            directory,
            sinks: Vec::new(),
            sinks_ever: 0,
            next: 1,
            rows: Vec::new(),
            complete: Vec::new(),
        };
        job.start(2);
        job
    }

    fn start(&mut self, parallelism: usize) {
        self.sinks.clear();
        for index in 0..parallelism {
            let context = SubtaskContext { index, parallelism };
            let sink = FileSink::new(self.directory.path(), &context);
            self.sinks.push((self.sinks_ever, sink));
            self.sinks_ever += 1;
        }
    }

    fn write(&mut self, subtask: usize, rows: u64) {
        let subtask = subtask % self.sinks.len();
        let (sink, file) = &mut self.sinks[subtask];
        let before = self.rows.iter().filter(|row| row.sink == *sink).count() as u64;
        let rows = (before..before + rows).map(|place| Line { sink: *sink, place });
        let rows: Vec<Line> = rows.collect();
        file.append(&rows).unwrap();
        self.rows.extend(rows);
    }

    /// So many sinks give a snapshot for the next checkpoint.
    fn snapshots(&mut self, count: usize) -> Complete {
        let mut parts = Parts::default();
        for (_, sink) in self.sinks.iter_mut().take(count) {
            let mut snapshot = Snapshot::new(self.next, "files", &mut parts);
            sink.snapshot(&mut snapshot).unwrap();
        }
        let checkpoint = self.next;
        self.next += 1;
        let pending = parts.pending_output.into_iter();
        Complete {
            checkpoint,
            transactions: pending.map(|(_, transaction)| transaction).collect(),
            rows: self.rows.clone(),
        }
    }

    fn commit(&self, complete: &Complete, count: usize) {
        let count = count.min(complete.transactions.len());
        let transactions = &complete.transactions[..count];
        self.committer
            .commit(complete.checkpoint, transactions)
            .unwrap();
    }

    fn crash(&mut self, snapshots: usize, committed: usize, back: usize, parallelism: usize) {
        let taken = self.snapshots(snapshots);
        if snapshots >= self.sinks.len() {
            self.commit(&taken, committed);
            self.complete.push(taken);
        }
        self.check_nothing_too_early();
        // Sinks may live on for a while, as those of a job that is being cancelled do.
        let before = std::mem::take(&mut self.sinks);
        let left = self.complete.len().saturating_sub(back);
        self.complete.truncate(left);
        let from = self.complete.last().cloned();
        let (checkpoint, kept) = match &from {
            Some(from) => (Some(from.checkpoint), from.transactions.clone()),
            None => (None, Vec::new()),
        };
        self.committer.roll_back(checkpoint, &kept).unwrap();
        if let Some(from) = &from {
            self.commit(from, usize::MAX);
        }
        drop(before);
        self.rows = from.map_or(Vec::new(), |from| from.rows);
        self.check();
        assert_eq!(self.committer.roll_back(checkpoint, &kept).unwrap(), None);
        self.start(parallelism);
    }

    fn check_nothing_too_early(&self) {
        let newest = self.complete.last().map(|complete| complete.rows.iter());
        let rows: HashSet<&Line> = newest.into_iter().flatten().collect();
        assert!(
            visible(self.directory.path())
                .iter()
                .all(|row| rows.contains(row))
        );
    }

    /// Visible is what was written before the last complete checkpoint, once, in each sink's order.
    fn check(&self) {
        let by_sink = |rows: &[Line]| {
            let mut by_sink: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for row in rows {
                by_sink.entry(row.sink).or_default().push(row.place);
            }
            by_sink
        };
        let newest = self.complete.last();
        let expected = newest.map_or(&[][..], |complete| &complete.rows);
        assert_eq!(by_sink(&visible(self.directory.path())), by_sink(expected));
    }
}

proptest! {
    #[test]
    fn visible_is_what_was_written_before_the_last_complete_checkpoint(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut job = Job::new();
        for step in steps {
            match step {
                Step::Write { subtask, rows } => job.write(subtask, rows),
                Step::Checkpoint { complete } => {
                    let taken = job.snapshots(usize::MAX);
                    if complete {
                        job.commit(&taken, usize::MAX);
                        job.complete.push(taken);
                    }
                }
                Step::Crash { snapshots, committed, back, parallelism } => {
                    job.crash(snapshots, committed, back, parallelism);
                }
            }
            job.check();
        }
    }
}

/// A sink that wrote one row, and its transaction of checkpoint 3.
fn one_transaction() -> (Job, Complete) {
    let mut job = Job::new();
    job.next = 3;
    job.write(0, 1);
    let taken = job.snapshots(usize::MAX);
    assert_eq!(taken.transactions.len(), 1, "an empty file is none");
    (job, taken)
}

fn names(job: &Job) -> Vec<String> {
    let entries = fs::read_dir(job.directory.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn output_has_the_name_of_its_checkpoint_and_subtask_and_a_header() {
    let (job, taken) = one_transaction();
    job.commit(&taken, 1);
    assert_eq!(names(&job), ["part-00000003-0-0.csv"]);
    let path = job.directory.path().join("part-00000003-0-0.csv");
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text, "sink,place,text\n0,0,\"a, \"\"b\"\"\n\"\n");
}

#[test]
fn rows_behind_the_last_snapshot_go_with_the_sink() {
    let (mut job, taken) = one_transaction();
    job.commit(&taken, 1);
    job.write(0, 100_000);
    assert_eq!(names(&job).len(), 2);
    job.sinks.clear();
    assert_eq!(names(&job), ["part-00000003-0-0.csv"]);
}

#[test]
fn going_back_says_what_could_be_seen_of_what_it_removes() {
    let (mut job, taken) = one_transaction();
    job.commit(&taken, 1);
    job.write(1, 1);
    job.snapshots(usize::MAX);
    let said = job.committer.roll_back(Some(2), &[]).unwrap().unwrap();
    assert!(
        said.starts_with("removed 1 files of output from "),
        "{said}"
    );
    assert!(said.ends_with("of checkpoints 3 to 3"), "{said}");
    assert_eq!(names(&job), [""; 0]);
}

#[test]
fn output_that_is_lost_or_changed_is_never_passed_off_as_right() {
    let refusal = |damage: fn(&Path)| {
        let (job, taken) = one_transaction();
        damage(&job.directory.path().join(&names(&job)[0]));
        let error = job.committer.commit(3, &taken.transactions).unwrap_err();
        error.to_string()
    };
    let lost = refusal(|file| fs::remove_file(file).unwrap());
    assert!(
        lost.starts_with("output is lost: neither .pending-0-"),
        "{lost}"
    );
    let longer = refusal(|file| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text + "2,2,2\n").unwrap();
    });
    assert!(
        longer.ends_with("it has 38 bytes in place of 32"),
        "{longer}"
    );
    let other = refusal(|file| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text.replace("0,0", "0,1")).unwrap();
    });
    assert!(other.ends_with("its checksum is another"), "{other}");
    let taken = refusal(|file| {
        let part = file.with_file_name("part-00000003-0-0.csv");
        fs::write(part, "").unwrap();
    });
    assert!(
        taken.contains("part-00000003-0-0.csv is there already"),
        "{taken}"
    );
    let (job, _) = one_transaction();
    assert!(job.committer.commit(3, &[vec![1, 2, 3]]).is_err());
}

#[test]
fn a_record_with_other_fields_than_its_header_fails() {
    struct Short;
    impl CsvRecord for Short {
        fn header() -> &'static [&'static str] {
            &["a", "b"]
        }
        fn write(&self, row: &mut CsvRow) {
            row.field(1);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let context = SubtaskContext {
        index: 0,
        parallelism: 1,
    };
    let mut sink = FileSink::new(directory.path(), &context);
    assert!(sink.append(&[Short]).is_err());
}
