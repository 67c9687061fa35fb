//! The bytes of a state on the heap in a checkpoint: the number of keys, then each key with what is
//! kept for it. What one key has several of stands behind a 1 each, with a 0 behind the last.
//!
//! Every entry but one takes a byte at least, so that no damage makes reading longer than the bytes are.

use std::hint::black_box;
use std::io::{self, Error, ErrorKind, Write};

use crate::data::{Decode, Encode, Key, encode};

/// Keys whose size says how much room the next will need.
const FIRST: usize = 64;
/// So many times as many follow before that is estimated again: a few that are out of the ordinary make
/// nobody ask for more memory than there is.
const STEP: usize = 15;

/// Keys whose values are fetched from memory together.
const AHEAD: usize = 32;
/// Of each value only the beginning is fetched: the processor notices what follows by itself.
const FETCHED_BYTES: usize = 256;
const LINE_BYTES: usize = 64;

/// Appends the number of keys and each of them with what is kept for it. Room is made for many at a time:
/// letting the bytes grow as they come takes a tenth longer (bench `checkpoint`).
///
/// `fetch` shows what will be written for a key, or the beginning of it: values lie scattered in memory,
/// and come from there much faster if many are asked for at once.
pub(crate) fn write_keys<E: Copy>(
    mut keys: impl ExactSizeIterator<Item = E>,
    bytes: &mut Vec<u8>,
    fetch: impl Fn(E, &mut Fetched),
    mut write: impl FnMut(E, &mut Vec<u8>),
) {
    encode(&(keys.len() as u64), bytes);
    let begin = bytes.len();
    let mut ahead = Vec::with_capacity(AHEAD);
    let (mut written, mut next) = (0, FIRST);
    while keys.len() > 0 {
        let mut these = keys.by_ref().take(next);
        while these.len() > 0 {
            ahead.extend(these.by_ref().take(AHEAD));
            let mut fetched = Fetched(0);
            ahead.iter().for_each(|key| fetch(*key, &mut fetched));
            black_box(fetched);
            ahead.drain(..).for_each(|key| write(key, bytes));
        }
        written += next;
        next = keys.len().min(written.saturating_mul(STEP));
        let each = (bytes.len() - begin).div_ceil(written);
        bytes.reserve(each.saturating_mul(next));
    }
}

/// Reads a byte of every line of memory that a value would be written from.
pub(crate) struct Fetched(u8);

impl Fetched {
    pub(crate) fn value(&mut self, value: &impl Encode) {
        // It takes every write.
        let _ = value.serialize(self);
    }
}

impl Write for Fetched {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let beginning = &bytes[..bytes.len().min(FETCHED_BYTES)];
        for line in beginning.chunks(LINE_BYTES) {
            self.0 ^= line[0];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says that another of a key's entries follows, or none.
pub(crate) fn write_more(more: bool, bytes: &mut Vec<u8>) {
    bytes.push(u8::from(more));
}

/// Reads what was saved.
pub(crate) struct Saved<'a> {
    rest: &'a [u8],
    keys_left: u64,
    owns: &'a dyn Fn(&[u8]) -> bool,
}

impl<'a> Saved<'a> {
    /// `owns` says of encoded keys whether they are wanted.
    pub(crate) fn open(mut saved: &'a [u8], owns: &'a dyn Fn(&[u8]) -> bool) -> io::Result<Self> {
        let keys_left = u64::deserialize(&mut saved)?;
        if keys_left > saved.len().max(1) as u64 {
            return Err(damaged("more keys than bytes"));
        }
        Ok(Saved {
            rest: saved,
            keys_left,
            owns,
        })
    }

    /// For how many entries of this type it is worth making room: no more than fit into the memory
    /// that the bytes take.
    pub(crate) fn room<T>(&self) -> usize {
        let most = self.rest.len() / size_of::<T>().max(1);
        usize::try_from(self.keys_left).map_or(most, |left| left.min(most))
    }

    /// The next key, and whether it is wanted; what is kept for it follows. `None` behind the last,
    /// where nothing may follow.
    pub(crate) fn next_key<K: Key>(&mut self) -> io::Result<Option<(K, bool)>> {
        if self.keys_left == 0 {
            return match self.rest {
                [] => Ok(None),
                _ => Err(damaged("bytes behind the last key")),
            };
        }
        self.keys_left -= 1;
        let from_key = self.rest;
        let key = K::deserialize(&mut self.rest)?;
        let encoded = &from_key[..from_key.len() - self.rest.len()];
        Ok(Some((key, (self.owns)(encoded))))
    }

    pub(crate) fn value<T: Decode>(&mut self) -> io::Result<T> {
        T::deserialize(&mut self.rest)
    }

    /// Whether another entry of the key follows.
    pub(crate) fn more(&mut self) -> io::Result<bool> {
        self.value()
    }
}

fn damaged(how: &str) -> Error {
    Error::new(ErrorKind::InvalidData, how)
}
