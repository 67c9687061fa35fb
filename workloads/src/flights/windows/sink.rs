//! The two sinks of the job: they tell their probe of arrivals and keep a tally.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{OperatorContext, OperatorError, Rows, Sink};

use super::tally::WindowTally;
use crate::probes::{SinkProbe, TagRun};

/// Where the sink subtasks of one job leave their tallies when their input has ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Collected(Arc<Mutex<WindowTally>>);

impl Collected {
    /// All that has been left here so far.
    pub(super) fn total(&self) -> WindowTally {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn leave(&self, tally: &WindowTally) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .merge(tally);
    }
}

/// One sink subtask. `take` puts a row into the tally and gives how many records arrive with it for the first time.
pub(super) struct WindowSink<F> {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    take: F,
    tally: WindowTally,
    collected: Collected,
}

impl<F> WindowSink<F> {
    pub(super) fn new(probe: Box<dyn SinkProbe>, take: F, collected: Collected) -> WindowSink<F> {
        WindowSink {
            probe,
            tags: Vec::new(),
            take,
            tally: WindowTally::default(),
            collected,
        }
    }
}

impl<T, F: FnMut(&mut WindowTally, T) -> u64 + Send> Sink<T> for WindowSink<F> {
    fn write(
        &mut self,
        rows: Rows<'_, T>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        TagRun::of_rows(&rows, &mut self.tags);
        self.probe.arrived(context.now_ns(), &self.tags);
        let mut merged = 0;
        for row in rows {
            merged += (self.take)(&mut self.tally, row.value).saturating_sub(1);
        }
        if merged > 0 {
            self.probe.merged(merged);
        }
        Ok(())
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.collected.leave(&std::mem::take(&mut self.tally));
        Ok(())
    }
}
