//! Lines with the time at which they happened beside them, as message brokers keep it.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{Batch, Operator, OperatorContext, OperatorError, Row, Rows};

use crate::slow_operator::{Line, Record};

/// A line and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StampedLine {
    /// Milliseconds of job time; before the beginning of the job they are negative.
    pub event_time_ms: i64,
    /// As it comes from outside.
    pub line: Line,
}

/// A parsed line and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StampedRecord {
    /// Milliseconds of job time.
    pub event_time_ms: i64,
    /// What the line says.
    pub record: Record,
}

impl StampedRecord {
    /// The line that says so.
    #[inline]
    pub(crate) fn to_line(self) -> StampedLine {
        StampedLine {
            event_time_ms: self.event_time_ms,
            line: Line::of(self.record),
        }
    }
}

pub(crate) const NS_PER_MS: i64 = 1_000_000;

/// Where event time is when a record is to be sent: at its intended time, or without intended times at the record's
/// number times a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EventClock {
    Intended,
    /// Nanoseconds from one record to the next, in units of 2^-32.
    Step(u64),
}

impl EventClock {
    /// Of a load with intended times, or with so many records per second of event time.
    pub(crate) fn new(is_timed: bool, event_rate_per_s: f64) -> EventClock {
        if is_timed {
            EventClock::Intended
        } else {
            EventClock::Step((1e9 * 2f64.powi(32) / event_rate_per_s) as u64)
        }
    }

    /// Event time of record `id`, in nanoseconds.
    #[inline]
    pub(crate) fn ns(self, id: u64, intended_ns: u64) -> i64 {
        let ns = match self {
            EventClock::Intended => u128::from(intended_ns),
            EventClock::Step(step) => (u128::from(id) * u128::from(step)) >> 32,
        };
        // 73 years: so that nothing that is taken from it or added to it leaves the range.
        ns.min(1 << 61) as i64
    }
}

/// Parses lines and keeps their times; an unreadable one fails the job.
#[derive(Debug, Clone, Copy)]
pub struct ParseStamped;

impl Operator<StampedLine, StampedRecord> for ParseStamped {
    fn process(
        &mut self,
        rows: Rows<'_, StampedLine>,
        out: &mut Batch<StampedRecord>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            let StampedLine {
                event_time_ms,
                line,
            } = row.value;
            out.push(Row {
                tag: row.tag,
                value: StampedRecord {
                    event_time_ms,
                    record: line.parse()?,
                },
            });
        }
        Ok(())
    }
}
