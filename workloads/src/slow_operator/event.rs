//! The records of `slow-operator`: lines of text with fixed columns, so that `parse` has something to parse and
//! nothing is allocated.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::draw::{Draw, Purpose, below};
use crate::load::Events;

/// A line as it comes from outside: lower-case hexadecimal digits, most significant first, without separators:
/// 16 of the record's number, 8 of its key, 8 of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Line(pub [u8; 32]);

/// A parsed line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Record {
    /// Number of the record in the whole stream; after a fan-out, the copies are numbered through.
    pub id: u64,
    /// What it is summed by.
    pub key: u32,
    /// What is summed.
    pub value: u32,
}

/// A line that is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unreadable line {0:?}")]
pub struct UnreadableLine(Line);

impl Line {
    /// The line of a record.
    #[inline]
    pub fn of(record: Record) -> Line {
        let mut line = [0; 32];
        let words = [
            (record.id >> 32) as u32,
            record.id as u32,
            record.key,
            record.value,
        ];
        for (digits, word) in line.chunks_exact_mut(8).zip(words) {
            digits.copy_from_slice(&to_digits(word).to_be_bytes());
        }
        Line(line)
    }

    /// The record of a line.
    ///
    /// # Errors
    /// If it is not one that [`Line::of`] makes.
    #[inline]
    pub fn parse(&self) -> Result<Record, UnreadableLine> {
        let mut words = [0; 4];
        for (word, digits) in words.iter_mut().zip(self.0.chunks_exact(8)) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(digits);
            *word = from_digits(u64::from_be_bytes(bytes));
        }
        let record = Record {
            id: u64::from(words[0]) << 32 | u64::from(words[1]),
            key: words[2],
            value: words[3],
        };
        // Writing it again is the whole check: exact, and without a branch per digit.
        if Line::of(record) == *self {
            Ok(record)
        } else {
            Err(UnreadableLine(*self))
        }
    }
}

/// The same byte eight times.
const fn bytes(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Eight hexadecimal digits, the first in the highest byte: all at once, as fields of one integer.
#[inline]
fn to_digits(word: u32) -> u64 {
    let mut nibbles = u64::from(word);
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & bytes(0x0f);
    let letters = ((nibbles + bytes(6)) >> 4) & bytes(1);
    nibbles + bytes(b'0') + letters * u64::from(b'a' - b'0' - 10)
}

#[inline]
fn from_digits(digits: u64) -> u32 {
    let letters = (digits >> 6) & bytes(1);
    let mut nibbles = (digits & bytes(0x0f)).wrapping_add(letters.wrapping_mul(9));
    nibbles = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles >> 8) & 0x0000_ffff_0000_ffff;
    (nibbles | nibbles >> 16) as u32
}

/// Record k has uniform bits b = draw k of the seed's events; its key is the upper half of b scaled to the number of
/// keys, its value the lower half.
#[derive(Debug, Clone, Copy)]
pub struct LineEvents {
    draw: Draw,
    keys: u32,
}

impl LineEvents {
    /// The lines of a seed, spread evenly over `keys` keys.
    pub fn new(seed: u64, keys: u32) -> LineEvents {
        LineEvents {
            draw: Draw::new(seed, Purpose::Event),
            keys,
        }
    }

    /// Record k as it will be parsed.
    #[inline]
    pub fn record(&self, id: u64) -> Record {
        let bits = self.draw.bits(id);
        Record {
            id,
            key: below(bits, self.keys),
            value: bits as u32,
        }
    }
}

impl Events for LineEvents {
    type Out = Line;

    #[inline]
    fn event(&self, record: u64) -> Line {
        Line::of(self.record(record))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_what_people_would_write() {
        let record = Record {
            id: 0x1234_5678_9abc_def0,
            key: 9,
            value: 0xa0ff_0010,
        };
        assert_eq!(&Line::of(record).0, b"123456789abcdef000000009a0ff0010");
    }

    proptest! {
        #[test]
        fn every_record_survives_its_line(id: u64, key: u32, value: u32) {
            let record = Record { id, key, value };
            prop_assert_eq!(Line::of(record).parse(), Ok(record));
        }

        #[test]
        fn a_line_with_any_other_byte_is_refused(id: u64, position in 0usize..32, byte: u8) {
            let mut line = Line::of(Record { id, key: 0, value: 1 });
            line.0[position] = byte;
            let digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            prop_assert_eq!(line.parse().is_ok(), digit);
        }
    }
}
