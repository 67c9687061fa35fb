//! Reads the compact extract of the flight data. Its format is described in `workloads/data/README.md`.

use sha2::{Digest, Sha256};

/// The extract that the project carries.
pub(super) static EMBEDDED: &[u8] = include_bytes!("../../data/flights.bin");

/// SHA-256 of [`EMBEDDED`].
pub(super) const SHA_256: &str = "a767c2e0084906df30f5a34c27c1159687da663f42962f67f5ce610ebf6023ec";

/// The rows of an extract, in the order of the original data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// Carrier codes.
    pub carriers: Vec<[u8; 2]>,
    /// Destination airport codes.
    pub destinations: Vec<[u8; 3]>,
    /// Flights.
    pub rows: Vec<Row>,
}

/// One flight as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Day of the scheduled departure, days since 2013-01-01.
    pub day: u16,
    /// Scheduled departure, local time, hours times 100 plus minutes.
    pub departure_hhmm: u16,
    /// Scheduled arrival, local time, hours times 100 plus minutes.
    pub arrival_hhmm: u16,
    /// Minutes after the scheduled arrival; negative if early; `None` if the flight did not arrive as planned.
    pub delay_minutes: Option<i16>,
    /// Index into [`Extract::carriers`].
    pub carrier: u8,
    /// Index into [`Extract::destinations`].
    pub destination: u8,
}

/// Why bytes are not an extract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// Another checksum than expected.
    #[error("SHA-256 is {found}, expected {SHA_256}")]
    Checksum {
        /// Checksum of the bytes.
        found: String,
    },
    /// It does not begin with the format's name.
    #[error("does not begin with BWFLT01")]
    Magic,
    /// It ends early, or goes on after its last row.
    #[error("{found} bytes, expected {expected}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes the header promises.
        expected: usize,
    },
    /// A row with a time or code that does not exist.
    #[error("row {row} is not a flight")]
    Row {
        /// Its number, from 0.
        row: usize,
    },
}

const MAGIC: &[u8; 8] = b"BWFLT01\n";
const HEADER: usize = 16;
const ROW: usize = 10;

impl Extract {
    /// The extract that the project carries, after checking its checksum.
    ///
    /// # Errors
    /// If the bytes were changed.
    pub fn embedded() -> Result<Extract, ExtractError> {
        let found = crate::hexadecimal(&Sha256::digest(EMBEDDED));
        if found == SHA_256 {
            Extract::parse(EMBEDDED)
        } else {
            Err(ExtractError::Checksum { found })
        }
    }

    /// Reads an extract from its bytes.
    ///
    /// # Errors
    /// If they are not exactly one.
    pub fn parse(bytes: &[u8]) -> Result<Extract, ExtractError> {
        let wrong_length = |expected| ExtractError::Length {
            found: bytes.len(),
            expected,
        };
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(wrong_length(HEADER))?;
        if !header.starts_with(MAGIC) {
            return Err(ExtractError::Magic);
        }
        let rows = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let carriers = usize::from(u16::from_le_bytes([header[12], header[13]]));
        let destinations = usize::from(u16::from_le_bytes([header[14], header[15]]));
        let names = 2 * carriers + 3 * destinations;
        let expected = HEADER + names + ROW * rows;
        if bytes.len() != expected {
            return Err(wrong_length(expected));
        }
        let (names, rows) = rest.split_at(names);
        let (carrier_names, destination_names) = names.split_at(2 * carriers);
        Ok(Extract {
            carriers: carrier_names
                .chunks_exact(2)
                .map(|name| [name[0], name[1]])
                .collect(),
            destinations: destination_names
                .chunks_exact(3)
                .map(|name| [name[0], name[1], name[2]])
                .collect(),
            rows: rows
                .chunks_exact(ROW)
                .enumerate()
                .map(|(row, bytes)| {
                    parse_row(bytes, carriers, destinations).ok_or(ExtractError::Row { row })
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

fn parse_row(bytes: &[u8], carriers: usize, destinations: usize) -> Option<Row> {
    let field = |at: usize| [bytes[at], bytes[at + 1]];
    let delay = i16::from_le_bytes(field(6));
    let row = Row {
        day: u16::from_le_bytes(field(0)),
        departure_hhmm: u16::from_le_bytes(field(2)),
        arrival_hhmm: u16::from_le_bytes(field(4)),
        delay_minutes: (delay != i16::MIN).then_some(delay),
        carrier: bytes[8],
        destination: bytes[9],
    };
    let is_time = |hhmm: u16| hhmm <= 2400 && hhmm % 100 < 60;
    let known = usize::from(row.carrier) < carriers && usize::from(row.destination) < destinations;
    (row.day < 365 && is_time(row.departure_hhmm) && is_time(row.arrival_hhmm) && known)
        .then_some(row)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_embedded_extract_is_the_one_that_was_made_from_the_package() {
        let extract = Extract::embedded().expect("unchanged");
        let with_delay = extract
            .rows
            .iter()
            .filter(|row| row.delay_minutes.is_some())
            .count();
        assert_eq!((extract.rows.len(), with_delay), (336_776, 327_346));
        assert_eq!(
            (extract.carriers.len(), extract.destinations.len()),
            (16, 105)
        );
    }

    /// A small extract of four rows.
    fn small() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([4, 0, 0, 0, 1, 0, 1, 0]);
        bytes.extend(b"UAIAH");
        for delay in [-5i16, 0, 700, i16::MIN] {
            for field in [3u16, 515, 819] {
                bytes.extend(field.to_le_bytes());
            }
            bytes.extend(delay.to_le_bytes());
            bytes.extend([0, 0]);
        }
        bytes
    }

    #[test]
    fn an_extract_cut_anywhere_is_refused() {
        let whole = small();
        assert_eq!(Extract::parse(&whole).expect("whole").rows.len(), 4);
        for length in 0..whole.len() {
            assert!(Extract::parse(&whole[..length]).is_err(), "cut at {length}");
        }
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(position in 0usize..61, byte: u8) {
            let mut bytes = small();
            bytes[position] = byte;
            let _ = Extract::parse(&bytes);
        }
    }
}
