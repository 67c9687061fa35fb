//! Tumbling windows that fire at their end: the common case, made cheap.
//!
//! State lies per window: each open window has one table of its keys, so one record costs one hash
//! look-up, there is no timer per key, firing is a scan and forgetting a window is one step. The
//! window of the last element is tried first. Tables of forgotten windows are used again.
//!
//! A watermark fires keys in the order in which they first came in the window. Late elements, as
//! long as they are allowed, fire their key at once.

use crate::batch::Batch;
use crate::data::{Key, Row};
use crate::event_time::{NO_WATERMARK_MS, span_ms};
use crate::window::assigner::Tumbling;
use crate::window::contents::WindowContents;
use crate::window::table::KeyTable;
use crate::window::{
    Firing, FiringTime, Pane, TimeWindow, WindowCore, WindowCounters, WindowOutput,
};

/// Tumbling windows with Flink's event-time trigger.
pub struct TumblingWindows<K, In, C: WindowContents<K, In>> {
    assigner: Tumbling,
    contents: C,
    allowed_lateness_ms: i64,
    watermark_ms: i64,
    /// In order of time. Those that have fired come first.
    open: Vec<OpenWindow<K, C::State>>,
    /// Which of them took the last element.
    last: usize,
    /// No watermark below this one fires or forgets anything.
    next_change_ms: i64,
    spare: Vec<KeyTable<K, Pane<C::State>>>,
    counters: WindowCounters,
}

struct OpenWindow<K, S> {
    window: TimeWindow,
    fired: bool,
    panes: KeyTable<K, Pane<S>>,
}

impl<K: Key, In: Send, C: WindowContents<K, In>> TumblingWindows<K, In, C> {
    /// Windows that are kept for `allowed_lateness_ms` after their end.
    pub fn new(assigner: Tumbling, contents: C, allowed_lateness_ms: u64) -> Self {
        TumblingWindows {
            assigner,
            contents,
            allowed_lateness_ms: span_ms(allowed_lateness_ms),
            watermark_ms: NO_WATERMARK_MS,
            open: Vec::new(),
            last: 0,
            next_change_ms: i64::MAX,
            spare: Vec::new(),
            counters: WindowCounters::default(),
        }
    }

    /// Makes the window of a timestamp the last one; opens it if it is not too late. Otherwise there
    /// is no last one.
    #[inline(never)]
    fn find(&mut self, timestamp_ms: i64) {
        let window = self.assigner.window(timestamp_ms);
        let at = self.open.partition_point(|o| o.window < window);
        if self.open.get(at).is_none_or(|o| o.window != window) {
            if window.cleanup_ms(self.allowed_lateness_ms) <= self.watermark_ms {
                self.last = usize::MAX;
                return;
            }
            let opened = OpenWindow {
                window,
                fired: window.max_timestamp_ms() <= self.watermark_ms,
                panes: self.spare.pop().unwrap_or_else(KeyTable::new),
            };
            self.open.insert(at, opened);
            self.plan();
        }
        self.last = at;
    }

    /// Computes when the next watermark matters.
    fn plan(&mut self) {
        let changes = self.open.iter().map(|open| {
            if open.fired {
                open.window.cleanup_ms(self.allowed_lateness_ms)
            } else {
                open.window.max_timestamp_ms()
            }
        });
        self.next_change_ms = changes.min().unwrap_or(i64::MAX);
    }

    fn forget_final(&mut self) {
        let (watermark_ms, lateness_ms) = (self.watermark_ms, self.allowed_lateness_ms);
        let is_final =
            |open: &OpenWindow<K, C::State>| open.window.cleanup_ms(lateness_ms) <= watermark_ms;
        let count = self.open.partition_point(is_final);
        for open in self.open.drain(..count) {
            let mut panes = open.panes;
            panes.clear();
            self.spare.push(panes);
        }
        self.last = 0;
    }
}

impl<K, In, C> WindowCore<K, In> for TumblingWindows<K, In, C>
where
    K: Key,
    In: Send,
    C: WindowContents<K, In>,
{
    type Out = C::Out;

    #[inline]
    fn element(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<In>,
        _now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        let in_last = self.open.get(self.last);
        if !in_last.is_some_and(|open| open.window.contains(timestamp_ms)) {
            self.find(timestamp_ms);
        }
        let Some(open) = self.open.get_mut(self.last) else {
            return self.counters.reject(row, out);
        };
        let contents = &mut self.contents;
        let (pane, created) = open.panes.get_or_insert_with(key, || Pane {
            tag: 0,
            state: contents.create(),
        });
        pane.tag = pane.tag.max(row.tag);
        contents.add(&mut pane.state, row.value);
        self.counters.accepted += 1;
        if open.fired {
            let firing = Firing {
                window: open.window,
                time: if created {
                    FiringTime::OnTime
                } else {
                    FiringTime::Late
                },
                watermark_ms: self.watermark_ms,
            };
            self.counters.count_firing(firing.time);
            emit(contents, key, &firing, pane, out.results);
        }
    }

    fn elements(
        &mut self,
        mut elements: impl Iterator<Item = (K, i64, Row<In>)>,
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        let mut odd = None;
        loop {
            if let Some(open) = self.open.get_mut(self.last).filter(|open| !open.fired) {
                odd = fill(
                    open,
                    &self.contents,
                    &mut self.counters.accepted,
                    &mut elements,
                );
            }
            let Some((key, timestamp_ms, row)) = odd.take().or_else(|| elements.next()) else {
                return;
            };
            self.element(&key, timestamp_ms, row, now_ms, out);
        }
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        _now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        self.watermark_ms = self.watermark_ms.max(watermark_ms);
        if watermark_ms < self.next_change_ms {
            return;
        }
        for open in self.open.iter_mut().filter(|open| !open.fired) {
            if open.window.max_timestamp_ms() > watermark_ms {
                break;
            }
            open.fired = true;
            let firing = Firing {
                window: open.window,
                time: FiringTime::OnTime,
                watermark_ms,
            };
            self.counters.fired_on_time += open.panes.len() as u64;
            for (key, pane) in open.panes.iter() {
                emit(&mut self.contents, key, &firing, pane, out.results);
            }
        }
        self.forget_final();
        self.plan();
    }

    fn counters(&self) -> WindowCounters {
        WindowCounters {
            pending: self.open.iter().map(|open| open.panes.len() as u64).sum(),
            ..self.counters
        }
    }
}

/// Elements that are looked up together: their slots are fetched before the first of them is needed,
/// which is 30 % faster than one after the other where a table is larger than the processor's first
/// cache (bench `windows`).
const TILE: usize = 16;

/// Takes elements as long as they belong into a window that has not fired; gives the first that
/// does not. Nothing else of the core is touched in between, so the table's whereabouts stay in
/// registers; that is a quarter of the time per element.
fn fill<K: Key, In, C: WindowContents<K, In>>(
    open: &mut OpenWindow<K, C::State>,
    contents: &C,
    accepted: &mut u64,
    elements: &mut impl Iterator<Item = (K, i64, Row<In>)>,
) -> Option<(K, i64, Row<In>)> {
    let create = || Pane {
        tag: 0,
        state: contents.create(),
    };
    let (window, panes) = (open.window, &mut open.panes);
    let mut tile = Vec::with_capacity(TILE);
    loop {
        let mut odd = None;
        while tile.len() < TILE {
            let Some((key, timestamp_ms, row)) = elements.next() else {
                break;
            };
            if !window.contains(timestamp_ms) {
                odd = Some((key, timestamp_ms, row));
                break;
            }
            tile.push((panes.guess(&key), key, row));
        }
        let full = tile.len() == TILE;
        *accepted += tile.len() as u64;
        for (guess, key, row) in tile.drain(..) {
            let (pane, _) = panes.get_or_insert_at(guess, &key, create);
            pane.tag = pane.tag.max(row.tag);
            contents.add(&mut pane.state, row.value);
        }
        if !full {
            return odd;
        }
    }
}

/// Appends what a window says of one key.
#[inline]
pub(super) fn emit<K, In, C: WindowContents<K, In>>(
    contents: &mut C,
    key: &K,
    firing: &Firing,
    pane: &Pane<C::State>,
    results: &mut Batch<C::Out>,
) {
    let tag = pane.tag;
    let fired = contents.fire(key, firing, &pane.state);
    results.extend(fired.into_iter().map(|value| Row { tag, value }));
}
