//! The two sinks of `late-data`: results, and records that came too late.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{OperatorContext, OperatorError, Rows, Sink};
use rustc_hash::FxHashMap;

use super::results::{ResultTally, WindowResult};
use crate::hot_keys::Sums;
use crate::probes::{SinkProbe, TagRun};
use crate::stamped::StampedRecord;

/// Where the subtasks of a sink leave what they have kept.
#[derive(Debug)]
pub(super) struct Left<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Left<T> {
    fn clone(&self) -> Self {
        Left(Arc::clone(&self.0))
    }
}

impl<T> Default for Left<T> {
    fn default() -> Self {
        Left(Arc::default())
    }
}

impl<T> Left<T> {
    fn leave(&self, kept: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(kept);
    }

    /// All of it together.
    pub(super) fn total<U: Default>(&self, mut merge: impl FnMut(&mut U, &T)) -> U {
        let mut total = U::default();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().for_each(|kept| merge(&mut total, kept));
        total
    }
}

/// Takes results.
pub(super) struct ResultSink {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    watermark_ms: i64,
    tally: ResultTally,
    left: Left<ResultTally>,
}

impl ResultSink {
    pub(super) fn new(probe: Box<dyn SinkProbe>, left: Left<ResultTally>) -> ResultSink {
        ResultSink {
            probe,
            tags: Vec::new(),
            watermark_ms: i64::MIN,
            tally: ResultTally::default(),
            left,
        }
    }
}

impl Sink<WindowResult> for ResultSink {
    fn write(
        &mut self,
        rows: Rows<'_, WindowResult>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        TagRun::of_rows(&rows, &mut self.tags);
        self.probe.arrived(context.now_ns(), &self.tags);
        rows.for_each(|row| self.tally.add(&row.value));
        Ok(())
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        if watermark_ms < self.watermark_ms {
            self.tally.note_watermark_back();
        }
        self.watermark_ms = watermark_ms;
        Ok(())
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.left.leave(std::mem::take(&mut self.tally));
        Ok(())
    }
}

/// Sums of records by key and by a piece of time that the caller names: by its start in milliseconds, for example.
pub(super) type Pieces = FxHashMap<(u32, i64), Sums>;

/// Adds the sums of others in.
pub(super) fn add_pieces(into: &mut Pieces, from: &Pieces) {
    for (piece, sums) in from {
        into.entry(*piece).or_default().add(sums);
    }
}

/// Takes late records, and adds them up by `piece`. They are no results: the probe does not see them.
pub(super) struct LateSink<F> {
    piece: F,
    pieces: Pieces,
    left: Left<Pieces>,
}

impl<F> LateSink<F> {
    pub(super) fn new(piece: F, left: Left<Pieces>) -> LateSink<F> {
        LateSink {
            piece,
            pieces: Pieces::default(),
            left,
        }
    }
}

impl<F: Fn(i64) -> i64 + Send> Sink<StampedRecord> for LateSink<F> {
    fn write(
        &mut self,
        rows: Rows<'_, StampedRecord>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            let StampedRecord {
                event_time_ms,
                record,
            } = row.value;
            let piece = (record.key, (self.piece)(event_time_ms));
            let sums = self.pieces.entry(piece).or_default();
            sums.add(&Sums::of(&record));
        }
        Ok(())
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.left.leave(std::mem::take(&mut self.pieces));
        Ok(())
    }
}
