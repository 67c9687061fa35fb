//! Keys whose order survives encoding: what a map state is sorted by on every backend.
//!
//! On disk entries lie in the order of their bytes. The usual encoding does not keep the order of
//! values (its integers begin with the lowest byte, its texts with their length), so map keys have
//! one of their own. It is also free of prefixes, so that encodings can follow each other: nothing
//! that is written behind one changes its place among the others.
//!
//! Left out are floating-point numbers, which have no total order, and collections other than bytes.

use crate::data::Key;

/// A key with an encoding that sorts as the key itself does.
///
/// For all `a` and `b` of one type: the encodings compare byte by byte as `a.cmp(&b)`, none is a
/// prefix of another's, and decoding gives the value back.
pub trait OrderedKey: Key + Ord {
    /// Appends the encoding to `bytes`.
    fn encode_ordered(&self, bytes: &mut Vec<u8>);

    /// Takes one encoding off the front of `bytes`; `None` if there is none.
    fn decode_ordered(bytes: &mut &[u8]) -> Option<Self>;
}

/// Highest byte first: bytes then compare as the numbers do.
macro_rules! unsigned {
    ($($number:ty),*) => {$(
        impl OrderedKey for $number {
            #[inline]
            fn encode_ordered(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_be_bytes());
            }

            #[inline]
            fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_be_bytes(*number))
            }
        }
    )*};
}

/// As its distance from the smallest number, which is unsigned.
macro_rules! signed {
    ($($number:ty => $unsigned:ty),*) => {$(
        impl OrderedKey for $number {
            #[inline]
            fn encode_ordered(&self, bytes: &mut Vec<u8>) {
                let distance = self.wrapping_sub(Self::MIN).cast_unsigned();
                distance.encode_ordered(bytes);
            }

            #[inline]
            fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
                let distance = <$unsigned>::decode_ordered(bytes)?;
                Some(distance.cast_signed().wrapping_add(Self::MIN))
            }
        }
    )*};
}

unsigned!(u8, u16, u32, u64);
signed!(i8 => u8, i16 => u16, i32 => u32, i64 => u64);

impl OrderedKey for bool {
    fn encode_ordered(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).encode_ordered(bytes);
    }

    fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
        match u8::decode_ordered(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// Marks what follows it: the end, or that it was a zero of the value itself. The end is the lower
/// of both, so that a value comes before all that begin with it.
const ZERO: u8 = 0;
const END: u8 = 1;
const ZERO_ITSELF: u8 = 2;

impl OrderedKey for Vec<u8> {
    fn encode_ordered(&self, bytes: &mut Vec<u8>) {
        encode_bytes(self, bytes);
    }

    fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
        decode_bytes(bytes)
    }
}

impl OrderedKey for String {
    fn encode_ordered(&self, bytes: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), bytes);
    }

    fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
        String::from_utf8(decode_bytes(bytes)?).ok()
    }
}

fn encode_bytes(value: &[u8], bytes: &mut Vec<u8>) {
    bytes.reserve(value.len() + 2);
    let mut parts = value.split(|&byte| byte == ZERO);
    bytes.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        bytes.extend_from_slice(&[ZERO, ZERO_ITSELF]);
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&[ZERO, END]);
}

fn decode_bytes(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    loop {
        let zero = bytes.iter().position(|&byte| byte == ZERO)?;
        value.extend_from_slice(&bytes[..zero]);
        let marked = *bytes.get(zero + 1)?;
        *bytes = &bytes[zero + 2..];
        match marked {
            END => return Some(value),
            ZERO_ITSELF => value.push(ZERO),
            _ => return None,
        }
    }
}

impl<A: OrderedKey, B: OrderedKey> OrderedKey for (A, B) {
    #[inline]
    fn encode_ordered(&self, bytes: &mut Vec<u8>) {
        self.0.encode_ordered(bytes);
        self.1.encode_ordered(bytes);
    }

    #[inline]
    fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::decode_ordered(bytes)?, B::decode_ordered(bytes)?))
    }
}

impl<A: OrderedKey, B: OrderedKey, C: OrderedKey> OrderedKey for (A, B, C) {
    #[inline]
    fn encode_ordered(&self, bytes: &mut Vec<u8>) {
        self.0.encode_ordered(bytes);
        self.1.encode_ordered(bytes);
        self.2.encode_ordered(bytes);
    }

    #[inline]
    fn decode_ordered(bytes: &mut &[u8]) -> Option<Self> {
        let first = A::decode_ordered(bytes)?;
        Some((first, B::decode_ordered(bytes)?, C::decode_ordered(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    fn encoded<T: OrderedKey>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.encode_ordered(&mut bytes);
        bytes
    }

    /// What the trait promises of any two values of one type.
    fn check<T: OrderedKey>(a: &T, b: &T) -> Result<(), TestCaseError> {
        let (bytes_a, bytes_b) = (encoded(a), encoded(b));
        prop_assert_eq!(bytes_a.cmp(&bytes_b), a.cmp(b));
        prop_assert_eq!(bytes_a.starts_with(&bytes_b), a == b);
        let both = [bytes_a, bytes_b].concat();
        let mut rest = both.as_slice();
        let read = (T::decode_ordered(&mut rest), T::decode_ordered(&mut rest));
        prop_assert_eq!((read.0.as_ref(), read.1.as_ref()), (Some(a), Some(b)));
        prop_assert!(rest.is_empty());
        Ok(())
    }

    /// Short, and of few different bytes: many values begin like others, and hold what is marked.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![0u8..4, Just(0xff), any::<u8>()];
        prop::collection::vec(byte, 0..6)
    }

    fn text() -> impl Strategy<Value = String> {
        "[\u{0}\u{1}ab\u{ff}\u{10ffff}]{0,6}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn encodings_of_numbers_sort_as_the_numbers_do(
            a: (u8, u16, u32), b: (u8, u16, u32), c: (i8, i16, i32), d: (i8, i16, i32),
            e: (u64, i64, bool), f: (u64, i64, bool),
        ) {
            check(&a, &b)?;
            check(&c, &d)?;
            check(&e, &f)?;
            // Values of one type that are near to each other, as those of a tuple never are.
            check(&c.1, &d.1)?;
            check(&e.1, &f.1)?;
            check(&e.1, &e.1.wrapping_add(1))?;
        }

        #[test]
        fn encodings_of_bytes_sort_as_the_bytes_do_and_may_follow_each_other(
            a in (bytes(), bytes()), b in (bytes(), bytes()), c in (text(), any::<i8>(), bytes()),
            d in (text(), any::<i8>(), bytes()),
        ) {
            check(&a.0, &b.0)?;
            check(&a, &b)?;
            check(&c, &d)?;
        }

        #[test]
        fn no_bytes_make_decoding_panic(bytes: Vec<u8>) {
            let _ = <(bool, String, i64)>::decode_ordered(&mut bytes.as_slice());
            let _ = <(Vec<u8>, u16)>::decode_ordered(&mut bytes.as_slice());
        }
    }
}
