//! How a typed row becomes one line of CSV and comes back.
//!
//! One row is one line: line breaks inside a text are written as spaces, so that a file that was
//! cut anywhere is a readable prefix up to its last line break. The macro `row!` is the one place
//! where a struct's fields and a table's columns are the same list.

use std::io::Write as _;

/// The CSV tables of a run directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `timeline.csv`: one row per interval.
    Timeline,
    /// `subtasks.csv`: one row per interval and subtask.
    Subtasks,
    /// `channels.csv`: one row per interval and channel.
    Channels,
    /// `checkpoints.csv`: one row per checkpoint and subtask.
    Checkpoints,
    /// `checkpoint_outcomes.csv`: one row per checkpoint.
    Outcomes,
    /// `events.csv`: one row per thing that happened.
    Events,
    /// `keys.csv`: the most frequent keys of keyed operators, about once per second.
    Keys,
    /// `state.csv`: one row per interval and subtask with keyed state.
    State,
    /// `trade_off.csv`: what other settings would have given; written at the end, if at all.
    TradeOff,
    /// `search.csv`: one row per probe of a search; of a folder of its own.
    Search,
    /// `sweep.csv`: one row per load of a sweep; of a folder of its own.
    Sweep,
    /// `selftest.csv`: one row per finding of a self-test; of a folder of its own.
    SelfTest,
}

impl Table {
    /// Every table that grows during a run, in the order in which the writer creates them.
    pub const ALL: [Table; 8] = [
        Table::Timeline,
        Table::Subtasks,
        Table::Channels,
        Table::Checkpoints,
        Table::Outcomes,
        Table::Events,
        Table::Keys,
        Table::State,
    ];

    /// The file's name inside a run directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Table::Timeline => "timeline.csv",
            Table::Subtasks => "subtasks.csv",
            Table::Channels => "channels.csv",
            Table::Checkpoints => "checkpoints.csv",
            Table::Outcomes => "checkpoint_outcomes.csv",
            Table::Events => "events.csv",
            Table::Keys => "keys.csv",
            Table::State => "state.csv",
            Table::TradeOff => "trade_off.csv",
            Table::Search => "search.csv",
            Table::Sweep => "sweep.csv",
            Table::SelfTest => "selftest.csv",
        }
    }
}

/// One row type of a run directory.
pub trait Row: Sized {
    /// The table that these rows belong to.
    const TABLE: Table;
    /// Column names, in the order in which they are written.
    const COLUMNS: &'static [&'static str];

    /// Appends the row as one line of CSV, line break included.
    fn write(&self, line: &mut Vec<u8>);

    /// Reads a row; each call of `cell` gives the text below the next of `COLUMNS`, empty if the
    /// file has no such column. `None` if a cell does not hold what its column promises.
    fn read<'a>(cell: impl FnMut() -> &'a [u8]) -> Option<Self>;
}

/// A value that fits into one CSV cell. An absent value is an empty cell.
pub trait Cell: Sized {
    /// Appends the value's text, quoted where CSV asks for it.
    fn write(&self, line: &mut Vec<u8>);
    /// The value of a cell's (unquoted) text.
    fn read(cell: &[u8]) -> Option<Self>;
}

macro_rules! unsigned_cell {
    ($($integer:ty),*) => {$(
        impl Cell for $integer {
            fn write(&self, line: &mut Vec<u8>) {
                push_digits(u64::from(*self), line);
            }
            fn read(cell: &[u8]) -> Option<Self> {
                std::str::from_utf8(cell).ok()?.parse().ok()
            }
        }
    )*};
}
unsigned_cell!(u32, u64);

impl Cell for bool {
    fn write(&self, line: &mut Vec<u8>) {
        line.push(if *self { b'1' } else { b'0' });
    }

    fn read(cell: &[u8]) -> Option<Self> {
        match cell {
            b"0" => Some(false),
            b"1" => Some(true),
            _ => None,
        }
    }
}

impl Cell for i64 {
    fn write(&self, line: &mut Vec<u8>) {
        if *self < 0 {
            line.push(b'-');
        }
        push_digits(self.unsigned_abs(), line);
    }

    fn read(cell: &[u8]) -> Option<Self> {
        std::str::from_utf8(cell).ok()?.parse().ok()
    }
}

/// Nearly every cell of a record is a counter, and the formatting machinery of `std` costs several
/// times what the digits do.
fn push_digits(number: u64, line: &mut Vec<u8>) {
    /// Digits of the largest `u64`.
    const LONGEST: usize = 20;
    let mut digits = [b'0'; LONGEST];
    let mut first = LONGEST;
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}

impl Cell for f64 {
    /// Not-a-number and infinities have no place in a record: they become an empty cell.
    fn write(&self, line: &mut Vec<u8>) {
        // Whole numbers are frequent (capacities), and their digits the same.
        if *self >= 1.0 && *self < 1e15 && self.fract() == 0.0 {
            push_digits(*self as u64, line);
        } else if self.is_finite() {
            write!(line, "{self}").expect("writing to a Vec cannot fail");
        }
    }

    fn read(cell: &[u8]) -> Option<Self> {
        let value: f64 = std::str::from_utf8(cell).ok()?.parse().ok()?;
        value.is_finite().then_some(value)
    }
}

impl Cell for String {
    fn write(&self, line: &mut Vec<u8>) {
        let quoted = self
            .bytes()
            .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
        if !quoted {
            line.extend_from_slice(self.as_bytes());
            return;
        }
        line.push(b'"');
        for byte in self.bytes() {
            match byte {
                b'\n' | b'\r' => line.push(b' '),
                b'"' => line.extend_from_slice(b"\"\""),
                other => line.push(other),
            }
        }
        line.push(b'"');
    }

    fn read(cell: &[u8]) -> Option<Self> {
        std::str::from_utf8(cell).ok().map(str::to_owned)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, line: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(line);
        }
    }

    fn read(cell: &[u8]) -> Option<Self> {
        if cell.is_empty() {
            Some(None)
        } else {
            T::read(cell).map(Some)
        }
    }
}

/// Defines a row struct whose fields are the table's columns, in order.
macro_rules! row {
    (
        $(#[$about:meta])*
        $name:ident in $table:expr;
        $($(#[$field_about:meta])* $field:ident: $type:ty,)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $crate::record::Row for $name {
            const TABLE: $crate::record::Table = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn write(&self, line: &mut Vec<u8>) {
                $(
                    $crate::record::Cell::write(&self.$field, line);
                    line.push(b',');
                )*
                line.pop();
                line.push(b'\n');
            }

            fn read<'a>(mut cell: impl FnMut() -> &'a [u8]) -> Option<Self> {
                Some($name { $($field: $crate::record::Cell::read(cell())?,)* })
            }
        }
    };
}
pub(super) use row;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(cell: &impl Cell) -> String {
        let mut line = Vec::new();
        cell.write(&mut line);
        String::from_utf8(line).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_everywhere_in_rust(
            any: u64, bits in 0u32..64, signed: i64, whole in 0u64..2_000_000_000_000_000, real: f64,
        ) {
            for unsigned in [any, any >> bits, 0, u64::MAX] {
                prop_assert_eq!(written(&unsigned), unsigned.to_string());
            }
            for signed in [signed, i64::MIN] {
                prop_assert_eq!(written(&signed), signed.to_string());
            }
            for real in [real, whole as f64, whole as f64 / 4.0, -(whole as f64), 0.0, -0.0] {
                let expected = if real.is_finite() { real.to_string() } else { String::new() };
                prop_assert_eq!(written(&real), expected);
            }
        }
    }
}
