//! `latency.hlog`: one histogram per interval and series, as HdrHistogram interval log V2.
//!
//! Tags name the series. The log can be read by HdrHistogram's Java tools, whose readers disagree
//! with other ports on three points, so all three are written out: both `StartTime` and `BaseTime`
//! stand in the header (without a base time the Java reader guesses whether time stamps are
//! absolute), time stamps and lengths are seconds, and the maximum is in milliseconds (values are
//! nanoseconds; Java divides by 1,000,000 by default).
//!
//! Reading is done here and not by `hdrhistogram`'s deserializer, which trusts the lengths in the
//! file: a flipped bit could make it reserve 4 GiB.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};

/// Values below are told apart only by order of magnitude: 1 us.
const LOWEST_NS: u64 = 1_000;
/// Values above are counted as this: 1 h.
const HIGHEST_NS: u64 = 3_600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

const V2_COOKIE: u32 = 0x1c84_9313;
const V2_COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// Cookie, payload length, normalising offset, digits, lowest, highest, ratio.
const V2_HEADER_BYTES: usize = 40;
/// A full histogram of this project encodes to at most 9 bytes for each of its 23,552 buckets.
const MAX_ENCODED_BYTES: u64 = 1 << 20;

/// What is measured of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// From the intended time to the arrival at a sink.
    Response,
    /// From being sent to the arrival at a sink.
    Service,
    /// From the intended time to being sent.
    ScheduleLag,
    /// The part of the schedule lag that the engine caused.
    EngineLag,
    /// The rest of it: the driver was late by itself.
    OwnLag,
}

impl Series {
    /// Every series, in the order of `run.json`.
    pub const ALL: [Series; 5] = [
        Series::Response,
        Series::Service,
        Series::ScheduleLag,
        Series::EngineLag,
        Series::OwnLag,
    ];

    /// The tag in the log.
    pub fn tag(self) -> &'static str {
        match self {
            Series::Response => "response",
            Series::Service => "service",
            Series::ScheduleLag => "schedule_lag",
            Series::EngineLag => "engine_lag",
            Series::OwnLag => "own_lag",
        }
    }
}

/// An empty histogram with the bounds and precision that every record uses: nanoseconds, 1 us to
/// 1 h, three significant digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS)
        .expect("the bounds are constants that the histogram accepts")
}

/// The log's head. `started_unix_ms` is the wall-clock time of job time 0.
pub(super) fn header(started_unix_ms: u64) -> Vec<u8> {
    let seconds = started_unix_ms as f64 / 1e3;
    format!(
        "#[Histogram log format version 1.3]\n\
         #[Values are nanoseconds, Interval_Max is milliseconds]\n\
         #[StartTime: {seconds:.3} (seconds since epoch)]\n\
         #[BaseTime: {seconds:.3} (seconds since epoch)]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
    )
    .into_bytes()
}

/// Turns histograms into lines of the log. The compressor is kept: a new one for every interval, as
/// `V2DeflateSerializer` makes it, costs more than the compressing.
pub(super) struct Encoder {
    serializer: V2Serializer,
    compress: Compress,
    plain: Vec<u8>,
    binary: Vec<u8>,
    text: String,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Encoder {
            serializer: V2Serializer::new(),
            compress: Compress::new(Compression::fast(), true),
            plain: Vec::new(),
            binary: Vec::new(),
            text: String::new(),
        }
    }

    /// Appends one interval. False if the histogram cannot be encoded (a count above `i64::MAX`).
    pub(super) fn write(
        &mut self,
        interval: (Series, u64, u64),
        histogram: &Histogram<u64>,
        line: &mut Vec<u8>,
    ) -> bool {
        let (series, from_ms, to_ms) = interval;
        self.plain.clear();
        if self
            .serializer
            .serialize(histogram, &mut self.plain)
            .is_err()
            || !self.deflate()
        {
            return false;
        }
        self.text.clear();
        BASE64.encode_string(&self.binary, &mut self.text);
        writeln!(
            line,
            "Tag={},{:.3},{:.3},{:.3},{}",
            series.tag(),
            from_ms as f64 / 1e3,
            to_ms.saturating_sub(from_ms) as f64 / 1e3,
            histogram.max() as f64 / 1e6,
            self.text
        )
        .expect("writing to a Vec cannot fail");
        true
    }

    /// Compresses `plain` into `binary`, with the head that says so.
    fn deflate(&mut self) -> bool {
        self.binary.clear();
        self.binary.extend(V2_COMPRESSED_COOKIE.to_be_bytes());
        self.binary.extend([0; 4]);
        // What cannot be compressed grows by less than this (RFC 1950, 1951: five bytes per block).
        self.binary
            .reserve(self.plain.len() + self.plain.len() / 64 + 128);
        self.compress.reset();
        let finish = FlushCompress::Finish;
        let status = self
            .compress
            .compress_vec(&self.plain, &mut self.binary, finish);
        let length = u32::try_from(self.binary.len() - 8);
        if let (Ok(Status::StreamEnd), Ok(length)) = (status, length) {
            self.binary[4..8].copy_from_slice(&length.to_be_bytes());
            return true;
        }
        false
    }
}

/// One interval of one series, not yet decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyInterval {
    /// The series.
    pub series: Series,
    /// Job time at which the interval began, milliseconds.
    pub from_ms: u64,
    /// Job time at which it ended, milliseconds.
    pub to_ms: u64,
    encoded: String,
}

impl LatencyInterval {
    /// Reads one line. `None` for comments, the legend, unknown tags and damaged lines.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (tag, rest) = line.strip_prefix("Tag=")?.split_once(',')?;
        let series = Series::ALL.into_iter().find(|series| series.tag() == tag)?;
        let mut cells = rest.splitn(4, ',');
        let from_ms = milliseconds(cells.next()?)?;
        let length_ms = milliseconds(cells.next()?)?;
        let _maximum = cells.next()?;
        let encoded = cells.next()?.trim_end().to_owned();
        Some(LatencyInterval {
            series,
            from_ms,
            to_ms: from_ms.checked_add(length_ms)?,
            encoded,
        })
    }

    /// Adds the interval's counts to `total`. `None`, with `total` unchanged, if the encoded
    /// histogram is damaged.
    pub fn add_to(&self, total: &mut Histogram<u64>) -> Option<()> {
        let counts = decode(&self.encoded)?;
        for (value_ns, count) in counts {
            total.saturating_record_n(value_ns, count);
        }
        Some(())
    }
}

fn milliseconds(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    // 2^53 ms: beyond it a float no longer holds every millisecond.
    let in_range = (0.0..=9.0e12).contains(&seconds);
    in_range.then(|| (seconds * 1e3).round() as u64)
}

/// Non-empty buckets of a V2 histogram, deflated and in base64: (lowest value, count).
fn decode(encoded: &str) -> Option<Vec<(u64, u64)>> {
    let compressed = BASE64.decode(encoded).ok()?;
    let (cookie, rest) = split_u32(&compressed)?;
    let (length, body) = split_u32(rest)?;
    if cookie != V2_COMPRESSED_COOKIE || length as usize != body.len() {
        return None;
    }
    let mut plain = Vec::new();
    ZlibDecoder::new(body)
        .take(MAX_ENCODED_BYTES)
        .read_to_end(&mut plain)
        .ok()?;
    decode_plain(&plain)
}

fn decode_plain(plain: &[u8]) -> Option<Vec<(u64, u64)>> {
    let (header, payload) = plain.split_at_checked(V2_HEADER_BYTES)?;
    let (cookie, rest) = split_u32(header)?;
    let (length, rest) = split_u32(rest)?;
    let (_normalising_offset, rest) = split_u32(rest)?;
    let (digits, rest) = split_u32(rest)?;
    let lowest = u64::from_be_bytes(*rest.first_chunk()?);
    if cookie != V2_COOKIE || length as usize != payload.len() || !(1..=5).contains(&digits) {
        return None;
    }
    let layout = Layout::new(lowest.max(1), digits);
    let mut counts = Vec::new();
    let mut bucket: u64 = 0;
    let mut bytes = payload.iter().copied();
    while let Some(first) = bytes.next() {
        let number = zig_zag(first, &mut bytes)?;
        // A negative number is a run of empty buckets.
        if number < 0 {
            bucket = bucket.checked_add(number.unsigned_abs())?;
            continue;
        }
        if number > 0 {
            counts.push((layout.lowest_value(bucket)?, number.unsigned_abs()));
        }
        bucket = bucket.checked_add(1)?;
    }
    Some(counts)
}

/// HdrHistogram's ZigZag LEB128: seven bits a byte, but all eight of the ninth.
fn zig_zag(first: u8, rest: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let mut number = u64::from(first & 0x7f);
    let mut more = first & 0x80 != 0;
    for position in 1..9u32 {
        if !more {
            break;
        }
        let byte = rest.next()?;
        let (bits, follows) = if position == 8 {
            (byte, false)
        } else {
            (byte & 0x7f, byte & 0x80 != 0)
        };
        number |= u64::from(bits) << (7 * position);
        more = follows;
    }
    Some(((number >> 1) as i64) ^ -((number & 1) as i64))
}

/// How an HdrHistogram lays values out in buckets (Tene, HdrHistogram, `AbstractHistogram`).
struct Layout {
    unit_magnitude: u32,
    half_count_magnitude: u32,
}

impl Layout {
    fn new(lowest: u64, digits: u32) -> Self {
        let largest_with_single_unit = 2 * 10u64.pow(digits);
        let sub_bucket_magnitude = largest_with_single_unit.next_power_of_two().ilog2();
        Layout {
            unit_magnitude: lowest.ilog2(),
            half_count_magnitude: sub_bucket_magnitude - 1,
        }
    }

    /// `None` if the bucket lies above every 64-bit value.
    fn lowest_value(&self, bucket: u64) -> Option<u64> {
        let half_count = 1u64 << self.half_count_magnitude;
        let doubling = bucket >> self.half_count_magnitude;
        let (sub_bucket, shift) = match doubling.checked_sub(1) {
            None => (bucket, 0),
            Some(exponent) => ((bucket & (half_count - 1)) + half_count, exponent),
        };
        let shift = u32::try_from(shift)
            .ok()?
            .checked_add(self.unit_magnitude)?;
        let value = u128::from(sub_bucket)
            .checked_shl(shift)
            .filter(|_| shift < 64)?;
        u64::try_from(value).ok()
    }
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*first), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line_of(histogram: &Histogram<u64>) -> String {
        let mut line = Vec::new();
        assert!(Encoder::new().write((Series::OwnLag, 1_500, 1_750), histogram, &mut line));
        String::from_utf8(line).unwrap()
    }

    proptest! {
        #[test]
        fn an_interval_read_back_has_the_same_counts(
            values in prop::collection::vec((0u64..4_000_000_000_000, 1u64..1_000_000), 0..50)
        ) {
            let mut written = histogram();
            for (value, count) in values {
                written.saturating_record_n(value, count);
            }
            let interval = LatencyInterval::parse(&line_of(&written)).unwrap();
            prop_assert_eq!((interval.series, interval.from_ms, interval.to_ms), (Series::OwnLag, 1_500, 1_750));
            let mut read = histogram();
            interval.add_to(&mut read).unwrap();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn a_damaged_line_is_refused_and_never_panics(
            values in prop::collection::vec(0u64..10_000_000_000, 1..50), at in any::<prop::sample::Index>(), to in any::<u8>()
        ) {
            let mut written = histogram();
            for value in values {
                written.saturating_record(value);
            }
            let mut line = line_of(&written).into_bytes();
            let at = at.index(line.len());
            line[at] = to;
            if let Some(interval) = LatencyInterval::parse(&String::from_utf8_lossy(&line)) {
                let mut read = histogram();
                if interval.add_to(&mut read).is_none() {
                    prop_assert!(read.is_empty());
                }
            }
        }

        #[test]
        fn any_bytes_for_a_histogram_are_refused_or_read(
            head in any::<[u8; 24]>(), payload in prop::collection::vec(any::<u8>(), 0..200)
        ) {
            let mut plain = Vec::new();
            plain.extend(V2_COOKIE.to_be_bytes());
            plain.extend((payload.len() as u32).to_be_bytes());
            plain.extend([0; 4]);
            plain.extend((u32::from(head[0]) % 7).to_be_bytes());
            plain.extend(head);
            plain.extend(payload);
            decode_plain(&plain);
        }
    }
}
