//! The rows of `trade_off.csv` as people read them.

use super::tables::{Cell, Table};
use crate::format::duration_ms;
use crate::record::TradeOffRow;

/// Further settings are in the file only.
const MAX_ROWS: usize = 200;

/// One row per setting; empty without the file.
pub(crate) fn trade_off_table(rows: &[TradeOffRow]) -> Table {
    let shown = rows.iter().take(MAX_ROWS).map(|row| {
        let of =
            |whole: u64, part: u64| Cell::share((whole > 0).then(|| part as f64 / whole as f64));
        let setting = |ms: u64| Cell::number(Some(ms as f64), duration_ms);
        let delay = |ms: Option<i64>| Cell::number(ms.map(|ms| ms as f64), duration_ms);
        let in_the_end = row.right_at_first.saturating_add(row.refined);
        vec![
            setting(row.delay_ms),
            setting(row.lateness_ms),
            of(row.results, row.right_at_first),
            of(row.results, in_the_end),
            Cell::count(Some(row.incomplete)),
            Cell::count(Some(row.missing)),
            of(row.records, row.late),
            delay(row.first_delay_p50_ms),
            delay(row.first_delay_p99_ms),
            Cell::text(if row.configured { "this run" } else { "" }),
        ]
    });
    Table {
        title: "completeness against latency",
        header: vec![
            "watermark delay",
            "lateness",
            "right at first",
            "right in the end",
            "incomplete",
            "missing",
            "late records",
            "first result, median",
            "p99",
            "",
        ],
        rows: shown.collect(),
    }
}
