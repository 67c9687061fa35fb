//! The contract between the engine and what feeds it.

use crate::batch::Batch;
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::data::Data;
use crate::operator::OperatorError;

/// One subtask's share of a source.
///
/// A source never blocks and never reads a clock: it is asked for what is due. Its splits are fixed
/// in number and assigned by the caller that builds the graph, so parallelism does not change the
/// records.
pub trait Source: Send + 'static {
    /// What it emits.
    type Out: Data;

    /// Appends at most `max` rows that are due at `now_ns` to `out`.
    ///
    /// `held_ns` is the cumulative time during which the engine kept this source from being asked:
    /// waiting for credit, processing chained operators, or waiting for a slot. A source that
    /// measures how late it is can tell its own lateness from the engine's by it.
    fn poll(
        &mut self,
        now_ns: u64,
        held_ns: u64,
        max: usize,
        out: &mut Batch<Self::Out>,
    ) -> SourceStatus;

    /// The highest event time of the rows emitted so far, in milliseconds, if the source knows it.
    /// It is what watermarks are compared with to see how far they lag. Asked after every poll.
    fn event_time_ms(&self) -> Option<i64> {
        None
    }

    /// A checkpoint is taken between two rows: puts how far its splits are into it.
    fn snapshot(&mut self, _into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Before the first poll: goes on where the checkpoint found the splits that are this subtask's now.
    fn restore(&mut self, _from: &Restored<'_>) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// What a source has to say after a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceStatus {
    /// More may be due already.
    Ready,
    /// Nothing more is due before this job time, in nanoseconds.
    WaitUntil(u64),
    /// Nothing will ever come again.
    Finished,
}

/// Told when rows leave a source's task: when the first channel behind it granted them a credit, or
/// at emission where the whole job is one chain. It may rewrite the tags.
pub trait SentHook: Send {
    /// The tag that every row which leaves at `now_ns` gets, if it depends on nothing else: then
    /// [`sent`](Self::sent) is not called.
    fn common_tag(&mut self, _now_ns: u64) -> Option<u64> {
        None
    }

    /// `first` is false for the copies that a task with several output edges sends over the further
    /// ones: their rows have been told of already.
    fn sent(&mut self, now_ns: u64, tags: &mut [u64], first: bool);
}
