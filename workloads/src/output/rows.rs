//! The columns of every kind of row that reaches a sink.

use std::fmt::Debug;

use engine::{CsvRecord, CsvRow, FiringTime, Key};

use crate::flights::windows::WindowDelays;
use crate::flights::{Delays, Flight, Totals};
use crate::hot_keys::{RunningTotal, Sums, WindowTotal};
use crate::late_data::WindowResult;
use crate::slow_operator::RunningSum;
use crate::stamped::StampedRecord;
use crate::state_growth::{Answer, FirstVisit};

impl CsvRecord for RunningSum {
    fn header() -> &'static [&'static str] {
        &["key", "count", "sum", "fingerprint"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.key)
            .field(self.count)
            .field(self.sum)
            .field(self.fingerprint);
    }
}

fn write_sums(sums: &Sums, row: &mut CsvRow) {
    row.field(sums.count)
        .field(sums.sum)
        .field(sums.fingerprint);
}

impl CsvRecord for RunningTotal {
    fn header() -> &'static [&'static str] {
        &["key", "updates", "added", "count", "sum", "fingerprint"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.key).field(self.updates).field(self.added);
        write_sums(&self.sums, row);
    }
}

impl CsvRecord for WindowTotal {
    fn header() -> &'static [&'static str] {
        &["key", "start_ms", "count", "sum", "fingerprint"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.key).field(self.start_ms);
        write_sums(&self.sums, row);
    }
}

impl CsvRecord for WindowResult {
    fn header() -> &'static [&'static str] {
        &[
            "key",
            "start_ms",
            "end_ms",
            "time",
            "watermark_ms",
            "count",
            "sum",
            "fingerprint",
        ]
    }

    fn write(&self, row: &mut CsvRow) {
        let time = match self.time {
            FiringTime::Early => "early",
            FiringTime::OnTime => "on-time",
            FiringTime::Late => "late",
        };
        row.field(self.key)
            .field(self.window.start_ms)
            .field(self.window.end_ms)
            .field(time)
            .field(self.watermark_ms);
        write_sums(&self.sums, row);
    }
}

/// Late records.
impl CsvRecord for StampedRecord {
    fn header() -> &'static [&'static str] {
        &["record", "event_time_ms", "key", "value"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.record.id)
            .field(self.event_time_ms)
            .field(self.record.key)
            .field(self.record.value);
    }
}

impl CsvRecord for Answer {
    fn header() -> &'static [&'static str] {
        &["record", "key", "version", "updates", "now_ms", "sound"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.id)
            .field(self.key)
            .field(self.version)
            .field(self.updates)
            .field(self.now_ms)
            .field(self.is_sound);
    }
}

impl CsvRecord for FirstVisit {
    fn header() -> &'static [&'static str] {
        &["record", "device", "day", "at_ms", "now_ms"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.id)
            .field(self.device)
            .field(self.day)
            .field(self.at_ms)
            .field(self.now_ms);
    }
}

fn write_totals(totals: &Totals, row: &mut CsvRow) {
    row.field(totals.count)
        .field(totals.sum_minutes)
        .field(totals.max_minutes)
        .field(totals.fingerprint);
}

impl<K: Key + Debug> CsvRecord for Delays<K> {
    fn header() -> &'static [&'static str] {
        &["key", "count", "sum_minutes", "max_minutes", "fingerprint"]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(format_args!("{:?}", self.key));
        write_totals(&self.totals, row);
    }
}

impl CsvRecord for WindowDelays {
    fn header() -> &'static [&'static str] {
        &[
            "destination",
            "start_ms",
            "refined",
            "watermark_ms",
            "count",
            "sum_minutes",
            "max_minutes",
            "fingerprint",
        ]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(format_args!("{:?}", self.destination))
            .field(self.start_ms)
            .field(self.refined)
            .field(self.watermark_ms);
        write_totals(&self.totals, row);
    }
}

/// Flights that were too late for their window.
impl CsvRecord for Flight {
    fn header() -> &'static [&'static str] {
        &[
            "record",
            "event_time_ms",
            "destination",
            "carrier",
            "delay_minutes",
        ]
    }

    fn write(&self, row: &mut CsvRow) {
        row.field(self.record)
            .field(self.event_time_ms)
            .field(String::from_utf8_lossy(&self.destination))
            .field(String::from_utf8_lossy(&self.carrier))
            .field(self.delay_minutes);
    }
}
