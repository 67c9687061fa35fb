//! Sizes in bytes as people write them, such as `64MiB`.
//!
//! Only whole numbers of binary units, so that what is written out is exactly what was read. Decimal units (`MB`) are
//! refused rather than guessed at: half of the world means 1,000,000 by it, Flink 1,048,576.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// From the largest down, as they are tried for writing.
const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// A size in bytes; in text, a whole number of B, KiB, MiB or GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// A size from its text: digits and a unit, with or without a space between them.
    pub fn parse(text: &str) -> Option<Size> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
        let (digits, unit) = text.split_at(unit_at);
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
        digits.parse::<u64>().ok()?.checked_mul(*bytes).map(Size)
    }
}

/// In the largest unit that divides it.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = UNITS
            .iter()
            .find(|(_, bytes)| self.0 != 0 && self.0.is_multiple_of(*bytes))
            .unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0 / bytes)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = || format!("found {text:?}; allowed: a size in B, KiB, MiB or GiB");
        Size::parse(&text).ok_or_else(|| serde::de::Error::custom(refused()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_of_binary_units_are_sizes_and_nothing_else_is() {
        assert_eq!(Size::parse("64MiB"), Some(Size(64 << 20)));
        assert_eq!(Size::parse("4 KiB"), Some(Size(4096)));
        assert_eq!(Size::parse("0B"), Some(Size(0)));
        for refused in [
            "64",
            "64MB",
            "64mib",
            "1.5GiB",
            "-1B",
            "+1B",
            "MiB",
            "",
            "4  KiB",
            "é",
            "17179869184GiB",
        ] {
            assert_eq!(Size::parse(refused), None, "{refused}");
        }
    }

    #[test]
    fn sizes_are_written_in_the_largest_unit_that_divides_them() {
        assert_eq!(Size(64 << 20).to_string(), "64MiB");
        assert_eq!(Size((64 << 20) + 1).to_string(), "67108865B");
        assert_eq!(Size(1 << 40).to_string(), "1024GiB");
        assert_eq!(Size(0).to_string(), "0B");
    }

    proptest! {
        #[test]
        fn a_size_written_out_is_the_same_size(size in any::<u64>(), shift in 0u32..64) {
            for size in [Size(size), Size(size << shift)] {
                prop_assert_eq!(Size::parse(&size.to_string()), Some(size));
            }
        }
    }
}
