//! `trade_off.csv`: what other settings would have made of the same records. Unlike the other
//! tables it does not grow during a run: it is written whole when the run is over, and runs
//! without windows have none.

use std::path::Path;

use super::line_file::publish;
use super::table::{Row as _, Table, row};
use super::{RecordError, writer};

row! {
    /// One setting of a sweep over watermark delays and allowed latenesses, simulated over the
    /// records that the run admitted. Results are pairs of a key and a window.
    TradeOffRow in Table::TradeOff;
    /// How far the watermark stays behind the highest event time, milliseconds.
    delay_ms: u64,
    /// How long after its end a window takes late records, milliseconds.
    lateness_ms: u64,
    /// Whether the run had this setting.
    configured: bool,
    /// Records looked at.
    records: u64,
    /// Records that were late for all their windows.
    late: u64,
    /// Results that there are records for; the sum of the next four.
    results: u64,
    /// Complete when the window first fired.
    right_at_first: u64,
    /// Not complete at first, and complete after refinements.
    refined: u64,
    /// Fired, and never complete.
    incomplete: u64,
    /// Never fired: all records were late.
    missing: u64,
    /// Median time from the end of the window to its first firing, on the stream's own clock,
    /// milliseconds; `None` if nothing fired.
    first_delay_p50_ms: Option<i64>,
    /// 99th percentile of the same.
    first_delay_p99_ms: Option<i64>,
}

/// Writes `trade_off.csv`: temporary file, fsync, rename.
///
/// # Errors
/// If the file cannot be written; a temporary file is removed again.
pub fn publish_trade_off(directory: &Path, rows: &[TradeOffRow]) -> Result<(), RecordError> {
    let mut lines = writer::header(Table::TradeOff);
    rows.iter().for_each(|row| row.write(&mut lines));
    publish(&directory.join(Table::TradeOff.file_name()), &lines)
}
