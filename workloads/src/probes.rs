//! Where a job's rows are seen by whoever measures it: when they leave the source, and when they reach a sink.
//!
//! The jobs only call these; what is recorded, and where, is the harness's business.

use engine::{Rows, SentHook};

/// Gives each subtask its probe. Called while the job is deployed.
pub trait Probes: Send + Sync {
    /// For a source subtask: told when its rows leave, may rewrite their tags.
    fn source(&self, subtask: usize) -> Box<dyn SentHook>;

    /// For a sink subtask. A job with several sinks asks for each: the index may repeat.
    fn sink(&self, subtask: usize) -> Box<dyn SinkProbe>;
}

/// Told of every row that reaches a sink.
pub trait SinkProbe: Send {
    /// Rows with these tags have arrived at `now_ns` of job time. Called once per chunk.
    fn arrived(&mut self, now_ns: u64, tags: &[TagRun]);

    /// The rows of the last call stand for so many more records: each row is one record, but a local aggregation
    /// merges several into one row. Throughput in records is the number of rows plus this. Not called for 0.
    fn merged(&mut self, _records: u64) {}
}

/// Neighbouring rows with the same tag. In a closed loop that is a whole batch: its rows were sent at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagRun {
    /// The tag.
    pub tag: u64,
    /// Number of rows; at least 1.
    pub rows: u64,
}

impl TagRun {
    /// Puts the runs of `rows` into `runs`, replacing what that held.
    #[inline]
    pub fn of_rows<T>(rows: &Rows<'_, T>, runs: &mut Vec<TagRun>) {
        runs.clear();
        runs.extend(rows.tag_runs().map(|(tag, rows)| TagRun {
            tag,
            rows: rows as u64,
        }));
    }

    /// Puts the runs of neighbouring rows' `tags` into `runs`, replacing what that held.
    #[inline]
    pub fn collect(tags: impl IntoIterator<Item = u64>, runs: &mut Vec<TagRun>) {
        runs.clear();
        let mut tags = tags.into_iter();
        let Some(tag) = tags.next() else {
            return;
        };
        let mut run = TagRun { tag, rows: 1 };
        for tag in tags {
            if tag == run.tag {
                run.rows += 1;
            } else {
                runs.push(run);
                run = TagRun { tag, rows: 1 };
            }
        }
        runs.push(run);
    }
}

/// Probes that record nothing, for tests and for measuring a job alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProbes;

impl Probes for NoProbes {
    fn source(&self, _subtask: usize) -> Box<dyn SentHook> {
        Box::new(NoProbes)
    }

    fn sink(&self, _subtask: usize) -> Box<dyn SinkProbe> {
        Box::new(NoProbes)
    }
}

impl SentHook for NoProbes {
    fn sent(&mut self, _now_ns: u64, _tags: &mut [u64], _first: bool) {}
}

impl SinkProbe for NoProbes {
    fn arrived(&mut self, _now_ns: u64, _tags: &[TagRun]) {}
}
