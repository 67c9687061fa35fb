//! Watermarks for elements that are out of order by a bounded time.

use crate::event_time::{NO_WATERMARK_MS, span_ms};

/// A watermark that follows the highest timestamp at a fixed distance.
///
/// As in Flink, the watermark is `highest timestamp - delay - 1`: an element exactly `delay` behind
/// the highest is not late.
#[derive(Clone, Copy, Debug)]
pub struct BoundedOutOfOrderness {
    delay_ms: i64,
    highest_ms: Option<i64>,
}

impl BoundedOutOfOrderness {
    /// For elements at most `delay_ms` milliseconds behind the highest timestamp before them.
    pub fn new(delay_ms: u64) -> Self {
        BoundedOutOfOrderness {
            delay_ms: span_ms(delay_ms),
            highest_ms: None,
        }
    }

    /// Takes note of an element.
    #[inline]
    pub fn element(&mut self, timestamp_ms: i64) {
        if self.highest_ms.is_none_or(|highest| timestamp_ms > highest) {
            self.highest_ms = Some(timestamp_ms);
        }
    }

    /// The highest timestamp so far, if there was any.
    pub fn highest_ms(&self) -> Option<i64> {
        self.highest_ms
    }

    /// The watermark after the elements so far; [`NO_WATERMARK_MS`] before the first.
    #[inline]
    pub fn watermark_ms(&self) -> i64 {
        self.highest_ms.map_or(NO_WATERMARK_MS, |highest| {
            highest.saturating_sub(self.delay_ms).saturating_sub(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_exactly_the_delay_behind_is_not_late() {
        let mut watermark = BoundedOutOfOrderness::new(10);
        assert_eq!(watermark.watermark_ms(), NO_WATERMARK_MS);
        watermark.element(100);
        watermark.element(50);
        assert_eq!(watermark.watermark_ms(), 89);
        watermark.element(i64::MIN);
        assert_eq!(watermark.watermark_ms(), 89);
    }
}
