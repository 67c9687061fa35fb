//! What barriers do at a gate: which rows they hold back or pass, and what of the input is part of a
//! snapshot.

use super::super::replay::{ChannelImage, INPUT, InputImage};
use super::{GateHead, Input};
use crate::batch::codec::Codec;
use crate::checkpoint::alignment::{Alignment, Next};
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::taking::Taking;
use crate::gate::{Encoded, Parcel, Payload};
use crate::head::Head;
use crate::operator::OperatorError;
use crate::stage::{Stage, earliest};
use crate::subtask::Slice;

impl<T: Send> GateHead<T> {
    /// A barrier has come, or is about to pass what lies before it.
    pub(super) fn note_barrier(&mut self, barrier: &Barrier, now_ns: u64) {
        let known = self.alignment.waiting().or(self.alignment.recording());
        let is_newer = |known: Barrier| known.checkpoint < barrier.checkpoint;
        if known.is_none_or(is_newer) {
            self.first_barrier_ns = now_ns;
        }
        // Another one is under way: that one has been given up, and what it held back goes first.
        if let Some(known) = known.filter(|known| is_newer(*known)) {
            self.give_up(known.checkpoint);
        }
    }

    pub(super) fn act(&mut self, next: Next, now_ns: u64) {
        match next {
            Next::Nothing => {}
            Next::Snapshot { barrier, is_whole } => {
                let first_ns = self.first_barrier_ns;
                self.underway.due(barrier, is_whole, first_ns, now_ns);
                self.let_go();
            }
            Next::Whole => self.is_whole(now_ns),
        }
    }

    /// No channel has to wait any more.
    pub(super) fn let_go(&mut self) {
        for Input { taken, held, .. } in &mut self.inputs {
            held.append(taken);
            std::mem::swap(held, taken);
        }
    }

    /// Looks for barriers that may pass what lies before them, wherever they lie. While rows of a
    /// checkpoint are worked off there is no hurry: those are not to be kept a second time.
    pub(super) fn let_barriers_pass(&mut self, now_ns: u64) {
        if self.replay.is_some() {
            return;
        }
        if let Some(barrier) = self.alignment.waiting().filter(|it| it.passes(now_ns)) {
            let next = self.alignment.passes(barrier);
            self.act(next, now_ns);
        }
        if self.next_urgent_ns().is_none_or(|at_ns| at_ns > now_ns) {
            return;
        }
        for input in 0..self.inputs.len() {
            self.take(input, now_ns);
        }
        self.urgent_from_ns = None;
        let lie = self.inputs.iter().flat_map(|input| &input.taken);
        let barriers = lie.filter_map(|parcel| match parcel.payload {
            Payload::Barrier(barrier) => Some(barrier),
            _ => None,
        });
        let barriers: Vec<Barrier> = barriers.collect();
        for barrier in barriers {
            match barrier.passes_from_ns() {
                Some(from_ns) if from_ns > now_ns => {
                    self.urgent_from_ns = earliest(self.urgent_from_ns, Some(from_ns));
                }
                Some(_) => {
                    self.note_barrier(&barrier, now_ns);
                    let next = self.alignment.passes(barrier);
                    self.act(next, now_ns);
                }
                None => {}
            }
        }
    }

    pub(super) fn next_urgent_ns(&self) -> Option<u64> {
        let inputs = self.inputs.iter();
        inputs
            .map(|input| input.edge.gate.urgent_from_ns())
            .fold(self.urgent_from_ns, earliest)
    }

    /// Takes the snapshot of a settled chain. Where barriers have passed rows, those that lie before the
    /// barrier of their channel are part of it; those that still come are added later.
    pub(super) fn take_snapshot(&mut self, slice: &mut Slice<'_>) -> Result<(), OperatorError> {
        let now_ns = slice.now_ns;
        for input in 0..self.inputs.len() {
            let Input { edge, taken, .. } = &mut self.inputs[input];
            let urgent_from_ns = edge.gate.take(now_ns, taken);
            self.urgent_from_ns = earliest(self.urgent_from_ns, urgent_from_ns);
        }
        self.image = self.empty_image();
        let (image, codec) = (&mut self.image, &self.codec);
        let save = |first: &mut dyn Stage<T>, unaligned, _: &mut Taking<'_>| {
            if unaligned {
                first.save_input(codec, &mut image.pending);
            }
            if !image.pending.is_empty() {
                image.told_ms = first.told_ms();
            }
            Ok(())
        };
        self.underway.take(&mut *self.first, slice, save)?;
        let mut next = Next::Whole;
        if let Some(barrier) = self.alignment.recording() {
            next = Next::Nothing;
            for Input {
                taken,
                first_channel,
                ..
            } in &self.inputs
            {
                let record = Record {
                    barrier,
                    alignment: &mut self.alignment,
                    image: &mut self.image,
                    codec: &self.codec,
                };
                if record.parcels(taken.range(..), *first_channel) == Next::Whole {
                    next = Next::Whole;
                }
            }
        }
        match next {
            Next::Whole => self.is_whole(now_ns),
            _ => self.underway.is_to_be_continued(),
        }
        self.inputs.iter_mut().for_each(Input::sort_by_arrival);
        Ok(())
    }

    pub(super) fn empty_image(&self) -> InputImage {
        let mut channels = Vec::new();
        let mut stand = self.valve.inputs();
        for (number, input) in self.inputs.iter().enumerate() {
            input.edge.gate.each_sender(|sender| {
                let (watermark_ms, is_idle) = stand.next().unwrap_or((i64::MIN, false));
                channels.push(ChannelImage {
                    input: number as u32,
                    sender: sender as u32,
                    watermark_ms,
                    is_idle,
                    rows: Vec::new(),
                });
            });
        }
        InputImage {
            emitted_ms: self.valve.emitted_ms(),
            told_ms: self.valve.emitted_ms(),
            pending: Vec::new(),
            pending_input: self.current.as_ref().map_or(0, |it| it.input as u32),
            channels,
        }
    }

    /// The snapshot under way holds all that belongs to it.
    pub(super) fn is_whole(&mut self, now_ns: u64) {
        let image = std::mem::take(&mut self.image);
        let operator = &self.operator;
        self.underway.has_become_whole(now_ns, |parts| {
            parts.put(operator, INPUT, &image);
        });
    }
}

/// Adds parcels that barriers have passed to a snapshot.
pub(super) struct Record<'a, T> {
    pub(super) barrier: Barrier,
    pub(super) alignment: &'a mut Alignment,
    pub(super) image: &'a mut InputImage,
    pub(super) codec: &'a Codec<T>,
}

impl<T> Record<'_, T> {
    pub(super) fn parcels<'p>(
        self,
        parcels: impl Iterator<Item = &'p Parcel<T>>,
        first_channel: usize,
    ) -> Next
    where
        T: 'p,
    {
        let mut last = Next::Nothing;
        for parcel in parcels {
            let channel = first_channel + parcel.channel;
            if !self.alignment.records(channel) {
                continue;
            }
            match &parcel.payload {
                Payload::Batch { batch, .. } => {
                    let rows = &mut self.image.channels[channel].rows;
                    self.codec.encode(batch, rows);
                }
                Payload::Encoded(Encoded { bytes, .. }) => {
                    self.image.channels[channel].rows.extend_from_slice(bytes);
                }
                // One of a checkpoint before: it was acted on when it came, and lies here still.
                Payload::Barrier(other) if other.checkpoint != self.barrier.checkpoint => {}
                // An end stands for the barrier.
                Payload::Barrier(_) | Payload::EndOfInput => {
                    last = self.alignment.arrived(channel, self.barrier, true);
                }
            }
        }
        last
    }
}
