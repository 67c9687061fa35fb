//! The operator that makes watermarks for rows from sources that make none.
//!
//! It sees a subtask's rows, not the splits that they came from: with several splits per subtask one
//! that is ahead of the others makes their rows late. Sources that know their splits do better with
//! [`SplitWatermarks`] of their own.

use crate::batch::{Batch, Rows, Signal};
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::event_time::splits::{SplitProgress, SplitWatermarkOptions, SplitWatermarks};
use crate::event_time::{FINAL_WATERMARK_MS, job_time_ns, processing_ms};
use crate::operator::{Operator, OperatorContext, OperatorError};

/// Puts a watermark behind each chunk. Watermarks from before are replaced, but for the final one,
/// as in Flink.
pub(crate) struct AssignWatermarks<G> {
    timestamp_ms: G,
    watermarks: SplitWatermarks,
    /// Whether it has been called: a job that was started again does not begin at 0.
    begun: bool,
    is_restored: bool,
}

/// The name of the one split in a checkpoint.
const PART: &str = "watermark";

impl<G> AssignWatermarks<G> {
    pub(crate) fn new(timestamp_ms: G, options: SplitWatermarkOptions) -> Self {
        AssignWatermarks {
            timestamp_ms,
            watermarks: SplitWatermarks::new(1, options, 0),
            begun: false,
            is_restored: false,
        }
    }

    fn begin(&mut self, now_ms: i64) {
        if !std::mem::replace(&mut self.begun, true) {
            self.watermarks.begin(now_ms);
        }
    }
}

impl<T, G: FnMut(&T) -> i64 + Send> Operator<T, T> for AssignWatermarks<G> {
    fn process(
        &mut self,
        rows: Rows<'_, T>,
        out: &mut Batch<T>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let now_ms = processing_ms(context.now_ns());
        self.begin(now_ms);
        for value in rows.values() {
            let timestamp_ms = (self.timestamp_ms)(value);
            self.watermarks.element(0, timestamp_ms, now_ms);
        }
        rows.append_to(out);
        self.watermarks.signal(now_ms, out);
        Ok(())
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        out: &mut Batch<T>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        if watermark_ms == FINAL_WATERMARK_MS {
            out.signal(Signal::Watermark(watermark_ms));
        }
        Ok(())
    }

    fn next_timer_ns(&self) -> Option<u64> {
        // At once after a restore: whoever comes behind has to hear where time stands.
        if self.is_restored && !self.begun {
            return Some(0);
        }
        let next_ms = self.watermarks.next_idle_ms()?;
        Some(if self.begun { job_time_ns(next_ms) } else { 0 })
    }

    fn timer(
        &mut self,
        now_ns: u64,
        out: &mut Batch<T>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let now_ms = processing_ms(now_ns);
        self.begin(now_ms);
        self.watermarks.signal(now_ms, out);
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value(PART, &self.watermarks.progress(0));
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        let parts: Vec<Option<SplitProgress>> = from.own_values(PART)?;
        let parts = parts.into_iter().flatten();
        if let Some(progress) = parts.reduce(SplitProgress::behind_both) {
            self.watermarks.restore(0, progress);
            self.is_restored = true;
        }
        Ok(())
    }
}
