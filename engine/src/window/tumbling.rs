//! Tumbling windows that fire at their end: the common case, made cheap.
//!
//! State lies per window: each open window has one table of its keys, so one record costs one hash
//! look-up, there is no timer per key, firing is a scan and forgetting a window is one step. The
//! window of the last element is tried first. Tables of forgotten windows are used again.
//!
//! A watermark fires keys in the order in which they first came in the window. Late elements, as
//! long as they are allowed, fire their key at once.

mod held;

use crate::batch::{Ahead, Batch, Rows};
use crate::data::{Key, Row};
use crate::event_time::{NO_WATERMARK_MS, span_ms};
use crate::window::assigner::Tumbling;
use crate::window::contents::WindowContents;
use crate::window::standing::{Later, OwnsKey, WindowStateError};
use crate::window::table::{Guess, KeyTable};
use crate::window::tumbling::held::{OpenWindow, OpenWindows};
use crate::window::{Firing, FiringTime, Pane, WindowCore, WindowCounters, WindowOutput};

/// Elements that are looked up together: their slots are fetched before the first of them is needed,
/// which is a third faster than one after the other where a table is larger than the processor's
/// first cache. Half or twice as many make no difference (bench `peers`).
const TILE: usize = 32;

/// Tumbling windows with Flink's event-time trigger.
pub struct TumblingWindows<K, In, C: WindowContents<K, In>> {
    assigner: Tumbling,
    contents: C,
    allowed_lateness_ms: i64,
    watermark_ms: i64,
    /// In order of time. Those that have fired come first.
    open: OpenWindows<K, C::State>,
    /// Which of them took the last element.
    last: usize,
    /// No watermark below this one fires or forgets anything.
    next_change_ms: i64,
    spare: Vec<KeyTable<K, Pane<C::State>>>,
    /// Those of a tile, while it is taken.
    guesses: Vec<Guess<K>>,
    /// Restored, and not yet among the open ones.
    later: Later<OpenWindows<K, C::State>>,
    counters: WindowCounters,
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
            guesses: Vec::with_capacity(TILE),
            later: Later::none(),
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
        self.next_change_ms = changes.min().unwrap_or(i64::MAX).min(self.later.next_ms());
    }

    /// Takes rows tile by tile as long as they belong into a window that has not fired, the others one
    /// by one.
    fn take(
        &mut self,
        mut rows: impl Ahead<In>,
        mut key: impl FnMut(&In) -> K,
        mut timestamp_ms: impl FnMut(&In) -> i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        loop {
            while self.later.is_empty() && self.fill(&mut rows, &mut key, &mut timestamp_ms) == TILE
            {
            }
            let Some(row) = rows.next() else { return };
            let (key, timestamp_ms) = (key(&row.value), timestamp_ms(&row.value));
            self.element(&key, timestamp_ms, row, now_ms, out);
        }
    }

    /// Takes a tile of rows into the last window, or less if others come before or it has fired;
    /// gives their number.
    #[inline]
    fn fill(
        &mut self,
        rows: &mut impl Ahead<In>,
        key: impl FnMut(&In) -> K,
        mut timestamp_ms: impl FnMut(&In) -> i64,
    ) -> usize {
        let in_last = self.open.get_mut(self.last);
        let Some(OpenWindow { window, panes, .. }) = in_last.filter(|open| !open.fired) else {
            return 0;
        };
        let ahead = rows.ahead();
        let tile = &ahead[..ahead.len().min(TILE)];
        let fits = |value: &&In| window.contains(timestamp_ms(value));
        let tile = &tile[..tile.iter().take_while(fits).count()];
        let (taken, contents) = (tile.len(), &self.contents);
        panes.guess(tile.iter().map(key), &mut self.guesses);
        let create = || Pane {
            tag: 0,
            state: contents.create(),
        };
        panes.update_guessed(&self.guesses, rows, create, |pane, row| {
            pane.tag = pane.tag.max(row.tag);
            contents.add(&mut pane.state, row.value);
        });
        self.guesses.clear();
        self.counters.accepted += taken as u64;
        taken
    }

    /// Fires what a watermark completes, forgets what it makes final.
    fn advance(&mut self, watermark_ms: i64, out: &mut WindowOutput<'_, C::Out, In>) {
        self.watermark_ms = self.watermark_ms.max(watermark_ms);
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
    }

    /// Makes what another core held at the watermark its own.
    fn absorb(&mut self, held: OpenWindows<K, C::State>) {
        for OpenWindow { window, panes, .. } in held {
            let at = self.open.partition_point(|o| o.window < window);
            match self.open.get_mut(at).filter(|o| o.window == window) {
                Some(open) => open.panes.absorb(panes),
                None => {
                    let fired = window.max_timestamp_ms() <= self.watermark_ms;
                    let opened = OpenWindow {
                        window,
                        fired,
                        panes,
                    };
                    self.open.insert(at, opened);
                }
            }
        }
        self.last = 0;
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
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        if !self.later.is_empty()
            && let Some(watermark_ms) = self.later.watermark_of(key)
        {
            self.watermark(watermark_ms, now_ms, out);
        }
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
        rows: Rows<'_, In>,
        key: impl FnMut(&In) -> K,
        timestamp_ms: impl FnMut(&In) -> i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        match rows.into_shared() {
            Ok(rows) => self.take(rows, key, timestamp_ms, now_ms, out),
            Err(rows) => self.take(rows, key, timestamp_ms, now_ms, out),
        }
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        _now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        if watermark_ms < self.next_change_ms {
            self.watermark_ms = self.watermark_ms.max(watermark_ms);
            return;
        }
        while let Some(standing) = self.later.take_reached(watermark_ms) {
            self.advance(standing.watermark_ms, out);
            self.absorb(standing.held);
        }
        self.advance(watermark_ms, out);
        self.plan();
    }

    fn counters(&self) -> WindowCounters {
        let open = self.open.iter().chain(self.later.held().flatten());
        WindowCounters {
            pending: open.map(|open| open.panes.len() as u64).sum(),
            ..self.counters
        }
    }

    fn snapshot(&self, bytes: &mut Vec<u8>) {
        self.later.save_behind(self.watermark_ms, &self.open, bytes);
    }

    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError> {
        let (lowest_ms, later) = Later::load(parts, owns)?;
        let lies_otherwise = |open: &OpenWindow<K, C::State>| {
            open.window != self.assigner.window(open.window.start_ms)
        };
        if later.held().flatten().any(lies_otherwise) {
            return Err(WindowStateError::OtherWindows);
        }
        (self.watermark_ms, self.later) = (lowest_ms, later);
        while let Some(standing) = self.later.take_reached(lowest_ms) {
            self.absorb(standing.held);
        }
        self.plan();
        Ok(())
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
