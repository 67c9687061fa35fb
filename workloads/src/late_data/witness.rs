//! A window core with a witness: it sees every record and watermark that the core sees, in the same order, and notes
//! which records came when which of their windows were over.
//!
//! What is late depends on who was faster, so nobody but this place knows it. With it the results of windows of fixed
//! size are known exactly: all records in them but those that came too late. A record on time costs one comparison.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{FINAL_WATERMARK_MS, Row, Rows, WindowCore, WindowCounters, WindowOutput};

use super::layout::Layout;
use super::sinks::{Pieces, add_pieces};
use crate::hot_keys::Sums;
use crate::stamped::StampedRecord;

/// What the cores of a job did, and what they should have done with late records.
#[derive(Debug, Clone, Default)]
pub(super) struct Testimony {
    /// Records accepted, dropped and handed to the side output.
    pub(super) counters: WindowCounters,
    /// By key and start of a window: records that came when it was over.
    pub(super) missed: Pieces,
    /// By key and piece of time: records all of whose windows were over.
    pub(super) late: Pieces,
}

impl Testimony {
    fn merge(&mut self, other: &Testimony) {
        self.counters.accepted += other.counters.accepted;
        self.counters.late_dropped += other.counters.late_dropped;
        self.counters.late_side_output += other.counters.late_side_output;
        add_pieces(&mut self.missed, &other.missed);
        add_pieces(&mut self.late, &other.late);
    }
}

/// Where the witnesses of one job leave what they have seen when time has ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Testimony>>);

impl Heard {
    /// All of it together.
    pub(super) fn total(&self) -> Testimony {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Looks at records before the core takes them.
struct Witness {
    /// `None` where windows are not laid out beforehand.
    layout: Option<Layout>,
    lateness_ms: i64,
    watermark_ms: i64,
    seen: Testimony,
}

impl Witness {
    #[inline]
    fn look(&mut self, stamped: &StampedRecord) {
        // No window of a record ends before it.
        if stamped.event_time_ms.saturating_add(self.lateness_ms) <= self.watermark_ms {
            self.look_closely(stamped);
        }
    }

    #[inline(never)]
    fn look_closely(&mut self, stamped: &StampedRecord) {
        let Some(layout) = self.layout else { return };
        let (key, sums) = (stamped.record.key, Sums::of(&stamped.record));
        let mut in_time = false;
        for (start_ms, end_ms) in layout.windows(stamped.event_time_ms) {
            if (end_ms - 1).saturating_add(self.lateness_ms) > self.watermark_ms {
                in_time = true;
            } else {
                self.seen
                    .missed
                    .entry((key, start_ms))
                    .or_default()
                    .add(&sums);
            }
        }
        if !in_time {
            let piece = (key, layout.piece(stamped.event_time_ms));
            self.seen.late.entry(piece).or_default().add(&sums);
        }
    }
}

/// A core and its witness.
pub(super) struct Witnessed<W> {
    core: W,
    witness: Witness,
    heard: Heard,
}

impl<W> Witnessed<W> {
    pub(super) fn new(
        core: W,
        layout: Option<Layout>,
        lateness_ms: i64,
        heard: Heard,
    ) -> Witnessed<W> {
        Witnessed {
            core,
            witness: Witness {
                layout,
                lateness_ms,
                watermark_ms: i64::MIN,
                seen: Testimony::default(),
            },
            heard,
        }
    }
}

impl<W: WindowCore<u32, StampedRecord>> WindowCore<u32, StampedRecord> for Witnessed<W> {
    type Out = W::Out;

    #[inline]
    fn element(
        &mut self,
        key: &u32,
        timestamp_ms: i64,
        row: Row<StampedRecord>,
        now_ms: i64,
        out: &mut WindowOutput<'_, W::Out, StampedRecord>,
    ) {
        self.witness.look(&row.value);
        self.core.element(key, timestamp_ms, row, now_ms, out);
    }

    #[inline]
    fn elements(
        &mut self,
        rows: Rows<'_, StampedRecord>,
        key: impl FnMut(&StampedRecord) -> u32,
        timestamp_ms: impl FnMut(&StampedRecord) -> i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, W::Out, StampedRecord>,
    ) {
        for stamped in rows.values() {
            self.witness.look(stamped);
        }
        self.core.elements(rows, key, timestamp_ms, now_ms, out);
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, W::Out, StampedRecord>,
    ) {
        self.core.watermark(watermark_ms, now_ms, out);
        self.witness.watermark_ms = self.witness.watermark_ms.max(watermark_ms);
        if watermark_ms == FINAL_WATERMARK_MS {
            self.witness.seen.counters = self.core.counters();
            let mut heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            heard.merge(&std::mem::take(&mut self.witness.seen));
        }
    }

    fn processing_time(&mut self, now_ms: i64, out: &mut WindowOutput<'_, W::Out, StampedRecord>) {
        self.core.processing_time(now_ms, out);
    }

    fn next_processing_time_ms(&self) -> Option<i64> {
        self.core.next_processing_time_ms()
    }

    fn counters(&self) -> WindowCounters {
        self.core.counters()
    }
}
