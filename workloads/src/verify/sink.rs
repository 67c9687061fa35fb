//! The sink of every job: it tells its probe of arrivals and keeps a tally of the results.
//!
//! The tally is part of every checkpoint, so that it counts what has arrived exactly once however often the job was
//! started again.

use engine::{OperatorContext, OperatorError, Restored, Rows, Sink, Snapshot};

use super::left::{Left, Place};
use super::{KeyedResult, Tally};
use crate::probes::{SinkProbe, TagRun};

/// Where the sink subtasks of one job leave their tallies when their input has ended.
pub type Collected<R> = Left<Tally<R>>;

impl<R: KeyedResult> Collected<R> {
    /// All that has been left here so far.
    pub fn total(&self) -> Tally<R> {
        self.together(Tally::merge)
    }
}

/// One sink subtask.
pub struct TallySink<R: KeyedResult> {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    tally: Tally<R>,
    place: Place<Tally<R>>,
}

impl<R: KeyedResult> TallySink<R> {
    /// A sink that leaves its tally in `place`.
    pub fn new(probe: Box<dyn SinkProbe>, place: Place<Tally<R>>) -> TallySink<R> {
        TallySink {
            probe,
            tags: Vec::new(),
            tally: Tally::default(),
            place,
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
