//! Rows that a checkpoint caught on their way to an operator: its subtasks work them off before any
//! others.
//!
//! They are kept by the channels of the job that took the checkpoint. Where the operator's state has
//! been shared out anew, a subtask goes through the channels of all old subtasks whose state it has a
//! part of, and picks the rows of its own keys. Old subtasks may have come to different points of event
//! time: so it is always the one that is furthest behind which goes on, and time stands where that one
//! is. A row then meets the watermark that it would have met, and a window fires when it would have.
//!
//! Where event time ends up depends on who sends. All subtasks of a keyed operator hear the same senders;
//! one may only have heard earlier of idle ones, and what it has said of its keys stands: time ends with
//! the furthest. Elsewhere each may have had senders of its own, whose splits may come from anywhere now:
//! time stops where the one that was behind all others will have come, until the new senders tell.

use std::collections::VecDeque;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::batch::codec::Codec;
use crate::batch::{Batch, Mark, Part, Signal};
use crate::event_time::NO_WATERMARK_MS;
use crate::operator::OperatorError;
use crate::valve::Valve;

/// Under which name a task keeps what it had not worked off of its input.
pub(crate) const INPUT: &str = "engine/in-flight/input";

/// Whether an encoded [`InputImage`] holds rows; one that cannot be read may.
pub(crate) fn holds_rows(image: &[u8]) -> bool {
    InputImage::try_from_slice(image).map_or(true, |image| image.ways().next().is_some())
}

/// What a checkpoint holds of the input of one subtask.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct InputImage {
    /// How far event time had come at the gate.
    pub(super) emitted_ms: i64,
    /// What the chain's first operator had been told of that.
    pub(super) told_ms: i64,
    /// Rows that the chain had been given and had not worked off, and by which input they came.
    pub(super) pending: Vec<u8>,
    pub(super) pending_input: u32,
    pub(super) channels: Vec<ChannelImage>,
}

impl InputImage {
    /// The inputs by which there are rows.
    pub(super) fn ways(&self) -> impl Iterator<Item = usize> {
        let pending = (!self.pending.is_empty()).then_some(self.pending_input as usize);
        let channels = self.channels.iter();
        let with_rows = channels.filter(|channel| !channel.rows.is_empty());
        with_rows
            .map(|channel| channel.input as usize)
            .chain(pending)
    }
}

/// One channel.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct ChannelImage {
    pub(super) input: u32,
    pub(super) sender: u32,
    pub(super) watermark_ms: i64,
    pub(super) is_idle: bool,
    /// Rows that had been sent and not been given to the chain.
    pub(super) rows: Vec<u8>,
}

/// Rows to be worked off before any others.
pub(super) struct Replay<T> {
    receivers: Vec<OldReceiver<T>>,
    /// Where event time stops; `None` where it ends as far as the furthest old receiver had come.
    stops_ms: Option<i64>,
    /// Its inputs are the old receivers, and where event time stops.
    reached: Valve,
    /// Where event time stands to begin with.
    opening: Option<Signal>,
}

/// A subtask of the job that took the checkpoint.
struct OldReceiver<T> {
    /// Pieces that have passed its gate; their signals are those of all channels together.
    pending: VecDeque<Piece<T>>,
    channels: Vec<OldChannel<T>>,
    valve: Valve,
    reached_ms: i64,
}

struct OldChannel<T> {
    pieces: VecDeque<Piece<T>>,
    watermark_ms: i64,
}

/// Rows, and at most one signal behind them.
pub(super) struct Piece<T> {
    pub(super) input: usize,
    pub(super) batch: Batch<T>,
}

impl<T> Replay<T> {
    pub(super) fn new() -> Self {
        Replay {
            receivers: Vec::new(),
            stops_ms: None,
            reached: Valve::new(0),
            opening: None,
        }
    }

    /// Adds what an old subtask had not worked off: `image` is its own part, `sent` tells what each
    /// input's old senders had not sent to it; `keep` says of a row of an input whether it is to be
    /// worked off here.
    pub(super) fn add(
        &mut self,
        image: &InputImage,
        codec: &Codec<T>,
        sent: impl Fn(usize, u32) -> Vec<u8>,
        mut keep: impl FnMut(usize, &T) -> bool,
    ) -> Result<(), OperatorError> {
        let pending_input = image.pending_input as usize;
        let pending = pieces(&image.pending, pending_input, codec, &mut keep)?;
        let mut channels = Vec::new();
        for channel in &image.channels {
            let input = channel.input as usize;
            let mut rows = pieces(&channel.rows, input, codec, &mut keep)?;
            rows.extend(pieces(
                &sent(input, channel.sender),
                input,
                codec,
                &mut keep,
            )?);
            channels.push(OldChannel {
                pieces: rows,
                watermark_ms: channel.watermark_ms,
            });
        }
        let stood = image.channels.iter();
        let stood = stood.map(|channel| (channel.watermark_ms, channel.is_idle));
        self.receivers.push(OldReceiver {
            valve: Valve::restored(stood, image.emitted_ms),
            reached_ms: image.told_ms,
            pending,
            channels,
        });
        Ok(())
    }

    /// Event time is to stop where the one that was behind all other old subtasks will have come. All of them
    /// have been added; only those that are `concerned` are gone on with.
    pub(super) fn stop_behind(&mut self, concerned: impl Fn(usize) -> bool) {
        self.stops_ms = self.receivers.iter().map(OldReceiver::ends_ms).min();
        let mut places = 0..;
        self.receivers
            .retain(|_| places.next().is_some_and(&concerned));
    }

    /// Everything has been added.
    pub(super) fn begin(&mut self) {
        let receivers = self.receivers.iter();
        let stood = receivers.map(|receiver| receiver.reached_ms);
        let stood: Vec<i64> = stood.chain(self.stops_ms).collect();
        self.reached = Valve::new(stood.len());
        for (index, at_ms) in stood.into_iter().enumerate() {
            let opening = &mut self.opening;
            self.reached
                .feed(index, Signal::Watermark(at_ms), |signal| {
                    *opening = Some(signal);
                });
        }
    }

    /// Where event time stands once nothing is left.
    pub(super) fn reached_ms(&self) -> i64 {
        let receivers = self.receivers.iter();
        let furthest = receivers.map(|receiver| receiver.valve.emitted_ms()).max();
        self.stops_ms.or(furthest).unwrap_or(NO_WATERMARK_MS)
    }

    /// What the channels from the gates go on with, of which there are so many, once nothing is left: all from
    /// where event time stands. How far each had come is not to be relied on: its sender may have another
    /// one's splits now, and tells anew where it stands, and whether it is idle.
    pub(super) fn valve(&self, channels: usize) -> Valve {
        let reached_ms = self.reached_ms();
        let stood = std::iter::repeat_n((reached_ms, false), channels);
        Valve::restored(stood, reached_ms)
    }

    /// Pieces that are left, each with its input.
    pub(super) fn next(&mut self) -> Option<Piece<T>> {
        if let Some(signal) = self.opening.take() {
            let mut batch = Batch::default();
            batch.signal(signal);
            return Some(Piece { input: 0, batch });
        }
        let left = self.receivers.iter().enumerate();
        let left = left.filter(|(_, receiver)| !receiver.is_done());
        let Some((index, _)) = left.min_by_key(|(_, receiver)| receiver.reached_ms) else {
            return self.closing();
        };
        let receiver = &mut self.receivers[index];
        let mut piece = receiver.next()?;
        let marks = std::mem::take(&mut piece.batch.marks);
        let batch = &mut piece.batch;
        let mut tell = |after_rows, signal| {
            self.reached.feed(index, signal, |signal| {
                batch.signal_after(after_rows, signal);
            });
        };
        for Mark { after_rows, signal } in marks {
            tell(after_rows, signal);
        }
        if receiver.is_done() {
            let rows = piece.batch.len();
            let batch = &mut piece.batch;
            let signal = Signal::Watermark(receiver.valve.emitted_ms());
            self.reached
                .feed(index, signal, |signal| batch.signal_after(rows, signal));
        }
        Some(piece)
    }

    /// Tells where event time stands once nothing is left, unless it stands there.
    fn closing(&mut self) -> Option<Piece<T>> {
        let signal = Signal::Watermark(self.reached_ms());
        let mut batch = Batch::default();
        for index in 0..self.receivers.len() {
            self.reached
                .feed(index, signal, |signal| batch.signal(signal));
        }
        (!batch.is_empty()).then_some(Piece { input: 0, batch })
    }
}

impl<T> OldReceiver<T> {
    /// How far event time will have come at its gate once nothing is left.
    fn ends_ms(&self) -> i64 {
        let mut valve = self.valve.clone();
        for (index, channel) in self.channels.iter().enumerate() {
            let batches = channel.pieces.iter().map(|piece| &piece.batch);
            for mark in batches.flat_map(|batch| &batch.marks) {
                valve.feed(index, mark.signal, |_| {});
            }
        }
        valve.emitted_ms()
    }

    fn is_done(&self) -> bool {
        let mut channels = self.channels.iter();
        self.pending.is_empty() && channels.all(|channel| channel.pieces.is_empty())
    }

    /// The next piece, with signals of all channels together.
    fn next(&mut self) -> Option<Piece<T>> {
        let piece = match self.pending.pop_front() {
            Some(piece) => piece,
            None => self.next_of_channels()?,
        };
        if let Some(at_ms) = piece.batch.last_watermark_ms() {
            self.reached_ms = self.reached_ms.max(at_ms);
        } else if self.pending.is_empty() {
            self.reached_ms = self.reached_ms.max(self.valve.emitted_ms());
        }
        Some(piece)
    }

    fn next_of_channels(&mut self) -> Option<Piece<T>> {
        let left = self.channels.iter_mut().enumerate();
        let left = left.filter(|(_, channel)| !channel.pieces.is_empty());
        let (index, channel) = left.min_by_key(|(_, channel)| channel.watermark_ms)?;
        let mut piece = channel.pieces.pop_front()?;
        channel.watermark_ms = piece
            .batch
            .last_watermark_ms()
            .unwrap_or(channel.watermark_ms);
        let (marks, batch) = (std::mem::take(&mut piece.batch.marks), &mut piece.batch);
        for Mark { after_rows, signal } in marks {
            self.valve.feed(index, signal, |signal| {
                batch.signal_after(after_rows, signal);
            });
        }
        Some(piece)
    }
}

/// The batches in `bytes`, cut behind each signal, without the rows that are not to be kept.
fn pieces<T>(
    bytes: &[u8],
    input: usize,
    codec: &Codec<T>,
    keep: &mut impl FnMut(usize, &T) -> bool,
) -> Result<VecDeque<Piece<T>>, OperatorError> {
    let mut cut = VecDeque::new();
    for mut batch in codec.decode_all(bytes)? {
        let (rows, mut piece) = (batch.len(), Batch::default());
        batch.work_off(rows, |part| {
            match part {
                Part::Rows(rows) => piece.extend(rows.filter(|row| keep(input, &row.value))),
                Part::Signal(signal) => {
                    piece.signal(signal);
                    let batch = std::mem::take(&mut piece);
                    cut.push_back(Piece { input, batch });
                }
            }
            Ok::<(), OperatorError>(())
        })?;
        if !piece.is_empty() {
            cut.push_back(Piece {
                input,
                batch: piece,
            });
        }
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told in turn, and where time ends, after old subtasks that had come to 100 and 60.
    fn told(stops_behind: Option<fn(usize) -> bool>) -> (Vec<Option<i64>>, i64) {
        let codec = Codec::<u64>::new();
        let mut replay = Replay::new();
        for emitted_ms in [100, 60] {
            let image = InputImage {
                emitted_ms,
                told_ms: emitted_ms,
                ..InputImage::default()
            };
            let nothing = |_, _| Vec::new();
            let added = replay.add(&image, &codec, nothing, |_, _| true);
            added.expect("nothing to decode");
        }
        if let Some(concerned) = stops_behind {
            replay.stop_behind(concerned);
        }
        replay.begin();
        let told = std::iter::from_fn(|| replay.next());
        let told = told.map(|piece| piece.batch.last_watermark_ms()).collect();
        (told, replay.reached_ms())
    }

    #[test]
    fn time_ends_where_the_furthest_old_subtask_stood() {
        assert_eq!(told(None), (vec![Some(60), Some(100)], 100));
    }

    #[test]
    fn where_subtasks_had_senders_of_their_own_time_stops_where_the_last_of_all_stood() {
        for concerned in [|_| true, |old| old == 0, |old| old == 1, |_| false] {
            assert_eq!(told(Some(concerned)), (vec![Some(60)], 60));
        }
    }
}
