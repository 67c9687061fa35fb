//! The two sinks of the job: they tell their probe of arrivals and keep a tally, which is part of every checkpoint.

use engine::{OperatorContext, OperatorError, Restored, Rows, Sink, Snapshot};

use super::tally::WindowTally;
use crate::probes::{SinkProbe, TagRun};
use crate::verify::Place;

/// One sink subtask. `take` puts a row into the tally and gives how many records arrive with it for the first time.
pub(super) struct WindowSink<F> {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    take: F,
    tally: WindowTally,
    place: Place<WindowTally>,
}

impl<F> WindowSink<F> {
    pub(super) fn new(
        probe: Box<dyn SinkProbe>,
        take: F,
        place: Place<WindowTally>,
    ) -> WindowSink<F> {
        WindowSink {
            probe,
            tags: Vec::new(),
            take,
            tally: WindowTally::default(),
            place,
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

    fn takes_back(&self) -> bool {
        true
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.place.leave(self.tally.clone());
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("tally", &self.tally);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for tally in from.own_values("tally")? {
            self.tally.merge(&tally);
        }
        Ok(())
    }
}
