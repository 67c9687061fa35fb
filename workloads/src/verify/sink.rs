//! The sink of every job: it tells its probe of arrivals and keeps a tally of the results.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{OperatorContext, OperatorError, Rows, Sink};

use super::{KeyedResult, Tally};
use crate::probes::{SinkProbe, TagRun};

/// Where the sink subtasks of one job leave their tallies when their input has ended.
#[derive(Debug)]
pub struct Collected<R: KeyedResult>(Arc<Mutex<Vec<Tally<R>>>>);

impl<R: KeyedResult> Clone for Collected<R> {
    fn clone(&self) -> Self {
        Collected(Arc::clone(&self.0))
    }
}

impl<R: KeyedResult> Default for Collected<R> {
    fn default() -> Self {
        Collected(Arc::default())
    }
}

impl<R: KeyedResult> Collected<R> {
    /// All that has been left here so far.
    pub fn total(&self) -> Tally<R> {
        let mut total = Tally::default();
        for tally in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            total.merge(tally);
        }
        total
    }

    fn leave(&self, tally: Tally<R>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tally);
    }
}

/// One sink subtask.
pub struct TallySink<R: KeyedResult> {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    tally: Tally<R>,
    collected: Collected<R>,
}

impl<R: KeyedResult> TallySink<R> {
    /// A sink that leaves its tally in `collected`.
    pub fn new(probe: Box<dyn SinkProbe>, collected: Collected<R>) -> TallySink<R> {
        TallySink {
            probe,
            tags: Vec::new(),
            tally: Tally::default(),
            collected,
        }
    }
}

impl<R: KeyedResult> Sink<R> for TallySink<R> {
    fn write(
        &mut self,
        rows: Rows<'_, R>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        TagRun::of_rows(&rows, &mut self.tags);
        self.probe.arrived(context.now_ns(), &self.tags);
        let mut merged = 0;
        for row in rows {
            merged += row.value.added().saturating_sub(1);
            self.tally.add(row.value);
        }
        if merged > 0 {
            self.probe.merged(merged);
        }
        Ok(())
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.collected.leave(std::mem::take(&mut self.tally));
        Ok(())
    }
}
