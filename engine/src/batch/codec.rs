//! Batches as bytes: for what a checkpoint holds of them, and for what leaves the machine.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Batch, Mark, Signal};
use crate::data::{Data, Row};

/// How batches of a type become bytes. A value, so that what carries batches need not know that their
/// rows can be encoded.
pub(crate) struct Codec<T> {
    encode: fn(&Batch<T>, &mut Vec<u8>),
    decode: fn(&mut &[u8], &mut Batch<T>) -> io::Result<()>,
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T: Data> Codec<T> {
    pub(crate) fn new() -> Self {
        Codec { encode, decode }
    }
}

impl<T> Codec<T> {
    /// Appends rows and signals of `batch`.
    pub(crate) fn encode(&self, batch: &Batch<T>, bytes: &mut Vec<u8>) {
        (self.encode)(batch, bytes);
    }

    /// Takes a batch from the front of `bytes`.
    pub(crate) fn decode(&self, bytes: &mut &[u8]) -> io::Result<Batch<T>> {
        let mut batch = Batch::default();
        (self.decode)(bytes, &mut batch)?;
        Ok(batch)
    }

    /// The same into an empty batch, whose memory is used.
    pub(crate) fn decode_into(&self, bytes: &mut &[u8], batch: &mut Batch<T>) -> io::Result<()> {
        (self.decode)(bytes, batch)
    }

    /// Takes all batches.
    pub(crate) fn decode_all(&self, mut bytes: &[u8]) -> io::Result<Vec<Batch<T>>> {
        let mut batches = Vec::new();
        while !bytes.is_empty() {
            batches.push(self.decode(&mut bytes)?);
        }
        Ok(batches)
    }
}

/// The signals of a batch, each behind so many of its rows: a watermark, or idleness.
type Marks = Vec<(u32, Option<i64>)>;

fn encode<T: Data>(batch: &Batch<T>, bytes: &mut Vec<u8>) {
    let marks = batch.marks.iter().map(|mark| {
        let watermark_ms = match mark.signal {
            Signal::Watermark(at_ms) => Some(at_ms),
            Signal::Idle => None,
        };
        (mark.after_rows as u32, watermark_ms)
    });
    let marks: Marks = marks.collect();
    let head = (batch.len() as u32, marks, batch.shared_tag());
    // Memory takes every write, and what a batch holds has an encoding.
    let in_memory = "memory takes every write";
    head.serialize(bytes).expect(in_memory);
    if batch.shared_tag().is_none() {
        batch
            .tags()
            .for_each(|tag| tag.serialize(bytes).expect(in_memory));
    }
    for value in batch.values() {
        value.serialize(bytes).expect(in_memory);
    }
}

fn decode<T: Data>(bytes: &mut &[u8], batch: &mut Batch<T>) -> io::Result<()> {
    let (rows, marks, shared_tag) = <(u32, Marks, Option<u64>)>::deserialize(bytes)?;
    let mut tags = Vec::new();
    for _ in 0..rows {
        tags.push(match shared_tag {
            Some(tag) => tag,
            None => u64::deserialize(bytes)?,
        });
    }
    for tag in tags {
        let value = T::deserialize(bytes)?;
        batch.push(Row { tag, value });
    }
    let mut before = 0;
    for (after_rows, watermark_ms) in marks {
        let after_rows = after_rows as usize;
        if after_rows < before || after_rows > batch.len() {
            let text = "a signal that lies outside of its batch";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        before = after_rows;
        let signal = watermark_ms.map_or(Signal::Idle, Signal::Watermark);
        batch.marks.push(Mark { after_rows, signal });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_batch_comes_back_as_it_was_and_a_cut_one_is_refused(
            items in prop::collection::vec((0u8..4, any::<u64>()), 0..40), same_tag: bool, cut in 0usize..400,
        ) {
            let mut batch: Batch<u64> = Batch::default();
            for (kind, value) in items {
                match kind {
                    0 => batch.signal(Signal::Watermark(value as i64)),
                    1 => batch.signal(Signal::Idle),
                    _ => batch.push(Row { tag: if same_tag { 7 } else { value % 3 }, value }),
                }
            }
            let codec = Codec::new();
            let mut bytes = Vec::new();
            codec.encode(&batch, &mut bytes);
            codec.encode(&batch, &mut bytes);
            let back = codec.decode_all(&bytes).unwrap();
            prop_assert_eq!(back.len(), 2);
            for other in back {
                prop_assert_eq!(other.to_rows(), batch.to_rows());
                prop_assert_eq!(other.marks, batch.marks.clone());
            }
            let half = bytes.len() / 2;
            let cut = cut % half;
            prop_assert!(codec.decode(&mut &bytes[..cut]).is_err());
        }
    }
}
