//! The two sinks of `late-data`: results, and records that came too late.

use borsh::BorshDeserialize;
use engine::{OperatorContext, OperatorError, Restored, Rows, Sink, Snapshot};
use rustc_hash::FxHashMap;

use super::results::{ResultTally, WindowResult};
use crate::hot_keys::Sums;
use crate::probes::{SinkProbe, TagRun};
use crate::stamped::StampedRecord;
use crate::verify::Place;

/// Takes results.
pub(super) struct ResultSink {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    watermark_ms: i64,
    tally: ResultTally,
    place: Place<ResultTally>,
}

impl ResultSink {
    pub(super) fn new(probe: Box<dyn SinkProbe>, place: Place<ResultTally>) -> ResultSink {
        ResultSink {
            probe,
            tags: Vec::new(),
            watermark_ms: i64::MIN,
            tally: ResultTally::default(),
            place,
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

    /// What was said of a key goes to where the key's next results come: which of them is the last is told by order.
    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for (subtask, bytes) in from.all("tally") {
            let mut tally = ResultTally::try_from_slice(bytes)?;
            tally.retain(|key| from.owns_key(&key.to_le_bytes()));
            if subtask % from.subtask().parallelism != from.subtask().index {
                tally.out_of_time = 0;
            }
            self.tally.merge(&tally);
        }
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
    place: Place<Pieces>,
}

impl<F> LateSink<F> {
    pub(super) fn new(piece: F, place: Place<Pieces>) -> LateSink<F> {
        LateSink {
            piece,
            pieces: Pieces::default(),
            place,
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

    fn takes_back(&self) -> bool {
        true
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.place.leave(self.pieces.clone());
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("late", &self.pieces);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for late in from.own_values("late")? {
            add_pieces(&mut self.pieces, &late);
        }
        Ok(())
    }
}
