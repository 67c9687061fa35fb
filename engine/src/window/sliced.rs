//! Sliding windows that fire at their end, made of slices.
//!
//! One copy per window takes every element into `size / slide` states. Here an element goes into
//! one slice of its key, a piece of time as long as the greatest common divisor of size and slide,
//! and slices are merged when a window fires: about three merges per key and slide, however many
//! slices a window has (see [`KeySlices`]). Results are those of the copying form, given that
//! merging is what [`WindowAggregate`](crate::WindowAggregate) asks for.
//!
//! Gains are as large as there are elements per key and slide: every key with a slice in it is
//! visited at each firing, in either form. A late element that refines windows costs one merge per
//! slice of each such window.
//!
//! A watermark fires keys in the order in which they first came since they last had any slice. Only
//! slices with elements are held, and a key without slices is forgotten.

mod held;
mod key_slices;

use crate::data::{Key, Row};
use crate::event_time::{NO_WATERMARK_MS, span_ms};
use crate::window::assigner::{Sliding, Tumbling, WindowAssigner};
use crate::window::contents::WindowContents;
use crate::window::sliced::held::KeyedSlices;
use crate::window::sliced::key_slices::KeySlices;
use crate::window::standing::{Later, OwnsKey, WindowStateError};
use crate::window::table::KeyTable;
use crate::window::tumbling::emit;
use crate::window::{Firing, FiringTime, TimeWindow, WindowCore, WindowCounters, WindowOutput};

/// Sliding windows, sliced, with Flink's event-time trigger.
pub struct SlicedWindows<K, In, C: WindowContents<K, In>> {
    contents: C,
    horizon: Horizon,
    watermark_ms: i64,
    keys: KeyedSlices<K, C::State>,
    /// The end of the earliest window that has not fired and may have elements.
    next_end_ms: Option<i64>,
    /// No watermark below this one makes a slice useless.
    next_expiry_ms: i64,
    /// The slice of the last element, if it belongs to no window that has fired.
    last: Option<TimeWindow>,
    /// Restored, and not yet among the others.
    later: Later<KeyedSlices<K, C::State>>,
    counters: WindowCounters,
}

/// How windows and slices lie, and how long slices are of use.
#[derive(Clone, Copy, Debug)]
struct Horizon {
    windows: Sliding,
    slices: Tumbling,
    allowed_lateness_ms: i64,
}

impl Horizon {
    /// The end of the last window that a slice belongs to.
    fn last_end_ms(&self, slice_start_ms: i64) -> i64 {
        self.windows.latest(slice_start_ms).end_ms
    }

    /// The watermark from which on a slice is of no use.
    fn expiry_ms(&self, slice_start_ms: i64) -> i64 {
        let last = self.windows.latest(slice_start_ms);
        last.cleanup_ms(self.allowed_lateness_ms)
    }
}

impl<K: Key, In, C: WindowContents<K, In>> SlicedWindows<K, In, C> {
    /// Windows that are kept for `allowed_lateness_ms` after their end.
    pub fn new(assigner: Sliding, contents: C, allowed_lateness_ms: u64) -> Self {
        SlicedWindows {
            contents,
            horizon: Horizon {
                windows: assigner,
                slices: assigner.slices(),
                allowed_lateness_ms: span_ms(allowed_lateness_ms),
            },
            watermark_ms: NO_WATERMARK_MS,
            keys: KeyTable::new(),
            next_end_ms: None,
            next_expiry_ms: i64::MAX,
            last: None,
            later: Later::none(),
            counters: WindowCounters::default(),
        }
    }

    /// Looks at the windows of a slice before an element goes into it: plans the firing of those
    /// that have not fired. False if the element is too late for all of them.
    #[inline(never)]
    fn admit(&mut self, slice: TimeWindow) -> bool {
        let expiry_ms = self.horizon.expiry_ms(slice.start_ms);
        if expiry_ms <= self.watermark_ms {
            return false;
        }
        self.next_expiry_ms = self.next_expiry_ms.min(expiry_ms);
        let mut windows = self.horizon.windows.assign(slice.start_ms);
        let mut fired = 0;
        let unfired = windows.find(|window| {
            let waits = window.max_timestamp_ms() > self.watermark_ms;
            fired += usize::from(!waits);
            waits
        });
        if let Some(window) = unfired {
            let end_ms = self.next_end_ms.unwrap_or(i64::MAX).min(window.end_ms);
            self.next_end_ms = Some(end_ms);
        }
        self.last = (fired == 0).then_some(slice);
        true
    }

    /// Takes an element into a slice of which some windows have fired, fires them again.
    fn refine(
        &mut self,
        key: &K,
        slice: TimeWindow,
        row: Row<In>,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        let (watermark_ms, lateness_ms) = (self.watermark_ms, self.horizon.allowed_lateness_ms);
        let (slices, _) = self.keys.get_or_insert_with(key, KeySlices::new);
        let assigned = self.horizon.windows.assign(slice.start_ms);
        let refined: Vec<Firing> = assigned
            .take_while(|window| window.max_timestamp_ms() <= watermark_ms)
            .filter(|window| window.cleanup_ms(lateness_ms) > watermark_ms)
            .map(|window| Firing {
                window,
                time: if slices.any_in(&window) {
                    FiringTime::Late
                } else {
                    FiringTime::OnTime
                },
                watermark_ms,
            })
            .collect();
        let created = slices.add(&self.contents, slice.start_ms, row);
        self.counters.pending += u64::from(created);
        for firing in refined {
            if let Some(pane) = slices.fold(&self.contents, &firing.window) {
                self.counters.count_firing(firing.time);
                emit(&mut self.contents, key, &firing, &pane, out.results);
            }
        }
    }

    /// Fires what a watermark completes, forgets what it makes final.
    fn advance(&mut self, watermark_ms: i64, out: &mut WindowOutput<'_, C::Out, In>) {
        if watermark_ms <= self.watermark_ms {
            return;
        }
        self.watermark_ms = watermark_ms;
        while let Some(end_ms) = self.next_end_ms {
            let last_ms = if end_ms == i64::MAX {
                end_ms
            } else {
                end_ms - 1
            };
            if last_ms > watermark_ms {
                break;
            }
            self.last = None;
            self.fire(end_ms, out);
        }
        if watermark_ms >= self.next_expiry_ms {
            self.last = None;
            self.expire(i64::MAX);
        }
    }

    /// Fires the window that ends at `end_ms`, forgets what only it needed.
    fn fire(&mut self, end_ms: i64, out: &mut WindowOutput<'_, C::Out, In>) {
        let windows = self.horizon.windows;
        let window = TimeWindow {
            start_ms: end_ms.saturating_sub(windows.size_ms()),
            end_ms,
        };
        let firing = Firing {
            window,
            time: FiringTime::OnTime,
            watermark_ms: self.watermark_ms,
        };
        let next_start_ms = window.start_ms.saturating_add(windows.slide_ms());
        let mut earliest_ms: Option<i64> = None;
        let (contents, counters) = (&mut self.contents, &mut self.counters);
        self.keys.visit(|key, slices| {
            if let Some(pane) = slices.close(contents, &window) {
                counters.fired_on_time += 1;
                emit(contents, key, &firing, &pane, out.results);
            }
            if let Some(start_ms) = slices.first_from(next_start_ms) {
                earliest_ms = Some(earliest_ms.map_or(start_ms, |e| e.min(start_ms)));
            }
        });
        self.next_end_ms = earliest_ms.and_then(|start_ms| {
            let first = windows.assign(start_ms).next()?;
            let next_ms = end_ms.saturating_add(windows.slide_ms());
            let end_ms = first.end_ms.max(next_ms);
            (end_ms > window.end_ms).then_some(end_ms)
        });
        self.expire(end_ms);
    }

    /// Makes what another core held at the watermark its own: as if it had admitted each slice.
    fn absorb(&mut self, held: KeyedSlices<K, C::State>) {
        for (_, slices) in held.iter() {
            for start_ms in slices.starts() {
                self.admit(self.horizon.slices.window(start_ms));
            }
        }
        self.last = None;
        self.keys.absorb(held);
    }

    /// Forgets slices whose windows have all fired, up to the one that ends at `fired_end_ms`, and
    /// are final.
    fn expire(&mut self, fired_end_ms: i64) {
        let (horizon, watermark_ms) = (self.horizon, self.watermark_ms);
        let mut next_expiry_ms = i64::MAX;
        let counters = &mut self.counters;
        self.keys.retain(|_, slices| {
            let dropped = slices.drop_first_while(|start_ms| {
                horizon.last_end_ms(start_ms) <= fired_end_ms
                    && horizon.expiry_ms(start_ms) <= watermark_ms
            });
            counters.pending -= dropped as u64;
            let first_ms = slices.first_from(i64::MIN);
            if let Some(first_ms) = first_ms {
                next_expiry_ms = next_expiry_ms.min(horizon.expiry_ms(first_ms));
            }
            first_ms.is_some()
        });
        self.next_expiry_ms = next_expiry_ms;
    }
}

impl<K: Key, In, C: WindowContents<K, In>> WindowCore<K, In> for SlicedWindows<K, In, C> {
    type Out = C::Out;

    #[inline]
    fn element(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<In>,
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        if !self.later.is_empty()
            && let Some(watermark_ms) = self.later.watermark_of(key)
        {
            self.watermark(watermark_ms, now_ms, out);
        }
        let slice = match self.last {
            Some(last) if last.contains(timestamp_ms) => last,
            _ => {
                let slice = self.horizon.slices.window(timestamp_ms);
                if !self.admit(slice) {
                    return self.counters.reject(row, out);
                }
                if self.last.is_none() {
                    self.counters.accepted += 1;
                    return self.refine(key, slice, row, out);
                }
                slice
            }
        };
        self.counters.accepted += 1;
        let (slices, _) = self.keys.get_or_insert_with(key, KeySlices::new);
        let created = slices.add(&self.contents, slice.start_ms, row);
        self.counters.pending += u64::from(created);
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        _now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        while let Some(standing) = self.later.take_reached(watermark_ms) {
            self.advance(standing.watermark_ms, out);
            self.absorb(standing.held);
        }
        self.advance(watermark_ms, out);
    }

    fn counters(&self) -> WindowCounters {
        self.counters
    }

    fn snapshot(&self, bytes: &mut Vec<u8>) {
        self.later.save_behind(self.watermark_ms, &self.keys, bytes);
    }

    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError> {
        let (lowest_ms, later) = Later::<KeyedSlices<K, C::State>>::load(parts, owns)?;
        let grid = self.horizon.slices;
        for (_, slices) in later.held().flat_map(KeyTable::iter) {
            if slices
                .starts()
                .any(|start_ms| grid.window(start_ms).start_ms != start_ms)
            {
                return Err(WindowStateError::OtherWindows);
            }
            self.counters.pending += slices.starts().len() as u64;
        }
        (self.watermark_ms, self.later) = (lowest_ms, later);
        while let Some(standing) = self.later.take_reached(lowest_ms) {
            self.absorb(standing.held);
        }
        Ok(())
    }
}
