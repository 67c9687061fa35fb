//! The sending end of an exchange over a network: batches become bytes and pass the subtask's link.

use crate::batch::Batch;
use crate::batch::codec::Codec;
use crate::gate::{Credit, Encoded};
use crate::link::{Passage, SharedLink};
use crate::output::ChannelTo;

pub(crate) struct Wire<T> {
    codec: Codec<T>,
    link: SharedLink,
    /// Bytes of the last batch: the next will hardly be much longer.
    last_bytes: usize,
}

impl<T> Wire<T> {
    pub(crate) fn new(codec: Codec<T>, link: SharedLink) -> Self {
        Wire {
            codec,
            link,
            last_bytes: 0,
        }
    }

    /// Sends a batch for which a credit was taken; gives it back, emptied.
    pub(super) fn send(
        &mut self,
        to: &ChannelTo<T>,
        credit: Credit,
        mut batch: Batch<T>,
        now_ns: u64,
    ) -> Batch<T> {
        let rows = batch.len();
        let mut bytes = Vec::with_capacity(self.last_bytes);
        self.codec.encode(&batch, &mut bytes);
        self.last_bytes = bytes.len();
        batch.clear();
        let passage = self.link.lock().send(bytes.len() as u64, now_ns);
        let encoded = Encoded {
            bytes,
            rows,
            credit,
        };
        to.gate.send_encoded(to.index, encoded, passage, now_ns);
        batch
    }

    /// Sends something that is too small to count.
    pub(super) fn send_note(&self, now_ns: u64) -> Passage {
        self.link.lock().send(0, now_ns)
    }
}
