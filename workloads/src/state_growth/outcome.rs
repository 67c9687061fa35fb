//! What a run of `state-growth` leaves behind to be judged, and the sink that leaves it.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{Data, OperatorContext, OperatorError, Rows, Sink};

use super::buckets::Buckets;
use crate::draw::mix;
use crate::probes::{SinkProbe, TagRun};

/// A row that reaches the sink.
pub(super) trait Said: Data + Copy {
    /// Its key.
    fn key(&self) -> u32;

    /// Adds it to the sums.
    fn add_to(&self, buckets: &mut Buckets);
}

/// Sums over all rows and entries, and with a time to live every row of some of the keys.
#[derive(Debug, Clone)]
pub(super) struct Outcome<R> {
    pub(super) buckets: Buckets,
    pub(super) histories: Vec<R>,
}

impl<R> Default for Outcome<R> {
    fn default() -> Self {
        Outcome {
            buckets: Buckets::default(),
            histories: Vec::new(),
        }
    }
}

/// Where the subtasks of a job leave theirs when their input has ended.
#[derive(Debug)]
pub(super) struct Left<R>(Arc<Mutex<Outcome<R>>>);

impl<R> Clone for Left<R> {
    fn clone(&self) -> Self {
        Left(Arc::clone(&self.0))
    }
}

impl<R> Default for Left<R> {
    fn default() -> Self {
        Left(Arc::default())
    }
}

impl<R: Clone> Left<R> {
    pub(super) fn leave(&self, outcome: Outcome<R>) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        total.buckets.merge(&outcome.buckets);
        total.histories.extend(outcome.histories);
    }

    /// All of it together.
    pub(super) fn total(&self) -> Outcome<R> {
        let total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        total.clone()
    }
}

/// One key in so many has its whole history kept.
const WITNESSES: u64 = 16;

/// Whether a key has its whole history kept where rows depend on time.
#[inline]
pub(super) fn is_witness(key: u32) -> bool {
    mix(u64::from(key)).is_multiple_of(WITNESSES)
}

/// The sink of both jobs.
pub(super) struct SumSink<R> {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    keeps_histories: bool,
    outcome: Outcome<R>,
    left: Left<R>,
}

impl<R> SumSink<R> {
    pub(super) fn new(
        probe: Box<dyn SinkProbe>,
        keeps_histories: bool,
        left: Left<R>,
    ) -> SumSink<R> {
        SumSink {
            probe,
            tags: Vec::new(),
            keeps_histories,
            outcome: Outcome::default(),
            left,
        }
    }
}

impl<R: Said> Sink<R> for SumSink<R> {
    fn write(
        &mut self,
        rows: Rows<'_, R>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        TagRun::of_rows(&rows, &mut self.tags);
        self.probe.arrived(context.now_ns(), &self.tags);
        let Outcome { buckets, histories } = &mut self.outcome;
        if self.keeps_histories {
            let witnessed = rows.values().iter().filter(|said| is_witness(said.key()));
            histories.extend(witnessed);
        }
        rows.for_each(|row| row.value.add_to(buckets));
        Ok(())
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.left.leave(std::mem::take(&mut self.outcome));
        Ok(())
    }
}
