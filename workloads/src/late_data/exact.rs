//! The oracle for exact comparison: all windows as one plain loop over the records in their order.
//!
//! It knows of a watermark after every record and of windows that fire by event time, and shares no code with the
//! engine's windows. Every open window of every key lies in one ordered map, and every record looks at all of its
//! windows: slow, and easy to see through.

use std::collections::BTreeMap;

use engine::{FiringTime, TimeWindow};
use rustc_hash::FxHashMap;

use super::layout::Span;
use super::results::{Pane, Said, WindowResult};
use super::sinks::Pieces;
use super::spec::{LateDataSpec, WindowSpec};
use super::windows::ms;
use crate::hot_keys::Sums;
use crate::stamped::StampedRecord;

/// What every window has to say, and what is late.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) said: FxHashMap<Pane, Said>,
    pub(super) late: Pieces,
}

/// What is known of a key in a window.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    sums: Sums,
    /// Whether it has said something since the watermark reached its end.
    complete: bool,
}

struct Oracle<'a> {
    spec: &'a LateDataSpec,
    watermark_ms: i64,
    /// By the end of the window, then by key and start.
    open: BTreeMap<(i64, u32, i64), Open>,
    expected: Expected,
}

/// Expects what `records` have to give, in their order.
pub(super) fn expected(
    spec: &LateDataSpec,
    records: impl Iterator<Item = StampedRecord>,
) -> Expected {
    let mut oracle = Oracle {
        spec,
        watermark_ms: i64::MIN,
        open: BTreeMap::new(),
        expected: Expected::default(),
    };
    for stamped in records {
        oracle.take(&stamped);
        let watermark_ms = stamped.event_time_ms - ms(spec.watermark.delay) - 1;
        oracle.advance(watermark_ms);
    }
    oracle.advance(i64::MAX);
    oracle.expected
}

/// The watermark that completes a window.
fn complete_at_ms(end_ms: i64) -> i64 {
    if end_ms == i64::MAX {
        i64::MAX
    } else {
        end_ms - 1
    }
}

impl Oracle<'_> {
    fn is_late(&self, end_ms: i64) -> bool {
        let lateness_ms = ms(self.spec.allowed_lateness);
        complete_at_ms(end_ms).saturating_add(lateness_ms) <= self.watermark_ms
    }

    fn take(&mut self, stamped: &StampedRecord) {
        let (key, at_ms) = (stamped.record.key, stamped.event_time_ms);
        let windows = match (self.spec.layout(), self.spec.window) {
            (Some(layout), _) => {
                let windows = layout.windows(at_ms);
                windows
                    .filter(|&(_, end_ms)| !self.is_late(end_ms))
                    .collect()
            }
            (None, WindowSpec::Session { gap }) => self.session(key, at_ms, at_ms + ms(gap)),
            (None, _) => vec![(i64::MIN, i64::MAX)],
        };
        let sums = Sums::of(&stamped.record);
        if windows.is_empty() {
            let piece = (key, self.spec.piece_ms(at_ms));
            self.expected.late.entry(piece).or_default().add(&sums);
        }
        for (start_ms, end_ms) in windows {
            let open = self.open.entry((end_ms, key, start_ms)).or_default();
            open.sums.add(&sums);
            if complete_at_ms(end_ms) <= self.watermark_ms {
                self.say(end_ms, key, start_ms);
            }
        }
    }

    /// The session that a record makes with all that it meets, put in their place; none if even that is late.
    fn session(&mut self, key: u32, start_ms: i64, end_ms: i64) -> Vec<Span> {
        let meets =
            |&&(end, of, start): &&(i64, u32, i64)| of == key && start <= end_ms && start_ms <= end;
        // All that ends before cannot meet it; of other keys there may be many.
        let later = self.open.range((start_ms, 0, i64::MIN)..);
        let met: Vec<_> = later
            .map(|(place, _)| place)
            .filter(meets)
            .copied()
            .collect();
        let start_ms = met.iter().map(|place| place.2).fold(start_ms, i64::min);
        let end_ms = met.iter().map(|place| place.0).fold(end_ms, i64::max);
        if self.is_late(end_ms) {
            return Vec::new();
        }
        let mut merged = Open::default();
        for place in met {
            if let Some(open) = self.open.remove(&place) {
                merged.sums.add(&open.sums);
                merged.complete |= open.complete && place.0 == end_ms;
            }
        }
        self.open.insert((end_ms, key, start_ms), merged);
        vec![(start_ms, end_ms)]
    }

    fn advance(&mut self, watermark_ms: i64) {
        if watermark_ms <= self.watermark_ms {
            return;
        }
        let before_ms = std::mem::replace(&mut self.watermark_ms, watermark_ms);
        let from = (before_ms.saturating_add(1), 0, i64::MIN);
        let due: Vec<_> = self
            .open
            .range(from..)
            .take_while(|((end_ms, ..), _)| complete_at_ms(*end_ms) <= watermark_ms)
            .filter(|((end_ms, ..), open)| {
                complete_at_ms(*end_ms) > before_ms && open.sums.count > 0
            })
            .map(|(place, _)| *place)
            .collect();
        for (end_ms, key, start_ms) in due {
            self.say(end_ms, key, start_ms);
        }
        while let Some((&(end_ms, ..), _)) = self.open.first_key_value()
            && self.is_late(end_ms)
        {
            self.open.pop_first();
        }
    }

    fn say(&mut self, end_ms: i64, key: u32, start_ms: i64) {
        let Some(open) = self.open.get_mut(&(end_ms, key, start_ms)) else {
            return;
        };
        let result = WindowResult {
            key,
            window: TimeWindow { start_ms, end_ms },
            time: if open.complete {
                FiringTime::Late
            } else {
                FiringTime::OnTime
            },
            watermark_ms: self.watermark_ms,
            sums: open.sums,
        };
        open.complete = true;
        if self.spec.purging {
            open.sums = Sums::default();
        }
        let said = self.expected.said.entry((key, start_ms, end_ms));
        said.or_default().add(&result);
    }
}
