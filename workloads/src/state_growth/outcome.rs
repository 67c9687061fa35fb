//! What a run of `state-growth` leaves behind to be judged, and the sink that leaves it.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{Data, OperatorContext, OperatorError, Restored, Rows, Sink, Snapshot};

use super::buckets::Buckets;
use crate::draw::mix;
use crate::probes::{SinkProbe, TagRun};
use crate::verify::Place;

/// A row that reaches the sink.
pub(super) trait Said: Data + Copy {
    /// Its key.
    fn key(&self) -> u32;

    /// Adds it to the sums.
    fn add_to(&self, buckets: &mut Buckets);
}

/// Sums over all rows and entries, and with a time to live every row of some of the keys.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
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

impl<R: Clone> Outcome<R> {
    /// Takes another subtask's in.
    pub(super) fn merge(&mut self, other: &Outcome<R>) {
        self.buckets.merge(&other.buckets);
        self.histories.extend_from_slice(&other.histories);
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
    place: Place<Outcome<R>>,
}

impl<R> SumSink<R> {
    pub(super) fn new(
        probe: Box<dyn SinkProbe>,
        keeps_histories: bool,
        place: Place<Outcome<R>>,
    ) -> SumSink<R> {
        SumSink {
            probe,
            tags: Vec::new(),
            keeps_histories,
            outcome: Outcome::default(),
            place,
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

    fn takes_back(&self) -> bool {
        true
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.place.leave(self.outcome.clone());
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("outcome", &self.outcome);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for outcome in from.own_values("outcome")? {
            self.outcome.merge(&outcome);
        }
        Ok(())
    }
}
