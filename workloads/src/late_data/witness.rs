//! A window core with a witness: it sees every record and watermark that the core sees, in the same order, and notes
//! which records came when which of their windows were over.
//!
//! What is late depends on who was faster, so nobody but this place knows it. With it the results of windows of fixed
//! size are known exactly: all records in them but those that came too late. A record on time costs one comparison.
//!
//! What it has seen is part of every checkpoint, beside what the core holds.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{
    FINAL_WATERMARK_MS, OwnsKey, Row, Rows, WindowCore, WindowCounters, WindowOutput,
    WindowStateError,
};

use super::layout::Layout;
use super::sinks::{Pieces, add_pieces};
use crate::hot_keys::Sums;
use crate::stamped::StampedRecord;
use crate::verify::Place;

/// What the cores of a job did, and what they should have done with late records.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Testimony {
    pub(super) counted: Counted,
    /// By key and start of a window: records that came when it was over.
    pub(super) missed: Pieces,
    /// By key and piece of time: records all of whose windows were over.
    pub(super) late: Pieces,
}

/// Records accepted, dropped and handed to the side output.
#[derive(Debug, Clone, Copy, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Counted {
    pub(super) accepted: u64,
    pub(super) late_dropped: u64,
    pub(super) late_side_output: u64,
}

impl Counted {
    fn add(&mut self, other: &Counted) {
        self.accepted += other.accepted;
        self.late_dropped += other.late_dropped;
        self.late_side_output += other.late_side_output;
    }
}

impl Testimony {
    pub(super) fn merge(&mut self, other: &Testimony) {
        self.counted.add(&other.counted);
        add_pieces(&mut self.missed, &other.missed);
        add_pieces(&mut self.late, &other.late);
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
    place: Place<Testimony>,
}

impl<W> Witnessed<W> {
    pub(super) fn new(
        core: W,
        layout: Option<Layout>,
        lateness_ms: i64,
        place: Place<Testimony>,
    ) -> Witnessed<W> {
        Witnessed {
            core,
            witness: Witness {
                layout,
                lateness_ms,
                watermark_ms: i64::MIN,
                seen: Testimony::default(),
            },
            place,
        }
    }

    /// Everything up to now: a core's counters begin anew with every start of the job.
    fn testimony<In>(&self) -> Testimony
    where
        W: WindowCore<u32, In>,
    {
        let WindowCounters {
            accepted,
            late_dropped,
            late_side_output,
            ..
        } = self.core.counters();
        let mut testimony = self.witness.seen.clone();
        testimony.counted.add(&Counted {
            accepted,
            late_dropped,
            late_side_output,
        });
        testimony
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
            self.place.leave(self.testimony());
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

    fn snapshot(&self, bytes: &mut Vec<u8>) {
        let note = Note {
            watermark_ms: self.witness.watermark_ms,
            testimony: self.testimony(),
        };
        let written = note.serialize(bytes);
        written.expect("memory takes every write");
        self.core.snapshot(bytes);
    }

    /// What was counted of records goes to whoever owns a key that no record has.
    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError> {
        let mut of_core = parts.to_vec();
        let mut lowest_ms = None;
        for part in &mut of_core {
            let mut note = Note::deserialize(part)?;
            let of_own = |(key, _): &(u32, i64)| owns(&key.to_le_bytes());
            note.testimony.missed.retain(|piece, _| of_own(piece));
            note.testimony.late.retain(|piece, _| of_own(piece));
            if !owns(&[]) {
                note.testimony.counted = Counted::default();
            }
            self.witness.seen.merge(&note.testimony);
            lowest_ms = Some(lowest_ms.unwrap_or(i64::MAX).min(note.watermark_ms));
        }
        self.witness.watermark_ms = lowest_ms.unwrap_or(i64::MIN);
        self.core.restore(&of_core, owns)
    }
}

/// What a witness keeps in a checkpoint, before what its core keeps.
#[derive(BorshSerialize, BorshDeserialize)]
struct Note {
    watermark_ms: i64,
    testimony: Testimony,
}
