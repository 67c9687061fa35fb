//! The slices of one key, and the merged state of the current window, kept up to date by two stacks.
//!
//! The window's slices are split in two. For the older ones, the *front*, the merge of each with
//! all younger ones in the front is kept, so the oldest can leave without anything being computed
//! again. The younger ones, the *back*, are merged into one state to which new slices are added.
//! The window is one of the front's states merged with the back. When the front has run out,
//! everything becomes front: one merge per slice, once per window length, so a slice is merged
//! about three times in its life.
//!
//! An element for a slice that is in the back already (it is out of order) is merged into the back
//! too; one for a slice in the front has the front computed anew at the next firing.
//!
//! A checkpoint keeps the slices alone: the next firing builds the stacks anew from them.

use std::collections::VecDeque;
use std::io;

use crate::data::{Data, Decode, Encode, Row, encode};
use crate::window::contents::WindowContents;
use crate::window::standing::damaged;
use crate::window::{Pane, TimeWindow};

#[derive(Debug)]
pub(super) struct KeySlices<S> {
    /// Slices with elements, in order of time.
    slices: VecDeque<Slice<S>>,
    /// Youngest first; each covers everything from its start to `front_until_ms`.
    front: Vec<Slice<S>>,
    front_until_ms: i64,
    front_stale: bool,
    /// Covers from `front_until_ms` to `back_until_ms`.
    back: Option<Pane<S>>,
    back_until_ms: i64,
}

#[derive(Debug, Encode, Decode)]
struct Slice<S> {
    start_ms: i64,
    pane: Pane<S>,
}

impl<S> KeySlices<S> {
    pub(super) fn new() -> Self {
        KeySlices {
            slices: VecDeque::new(),
            front: Vec::new(),
            front_until_ms: i64::MIN,
            front_stale: false,
            back: None,
            back_until_ms: i64::MIN,
        }
    }

    /// Appends the slices.
    pub(super) fn save(&self, bytes: &mut Vec<u8>)
    where
        S: Data,
    {
        encode(&(self.slices.len() as u64), bytes);
        for slice in &self.slices {
            encode(slice, bytes);
        }
    }

    /// Reads what [`save`](Self::save) wrote.
    pub(super) fn load(from: &mut &[u8]) -> io::Result<Self>
    where
        S: Data,
    {
        let mut loaded = Self::new();
        for _ in 0..u64::deserialize(from)? {
            let slice = Slice::deserialize(from)?;
            let before = loaded.slices.back();
            if before.is_some_and(|before: &Slice<S>| before.start_ms >= slice.start_ms) {
                return Err(damaged("slices are not in order"));
            }
            loaded.slices.push_back(slice);
        }
        Ok(loaded)
    }

    /// The starts of the slices, in order.
    pub(super) fn starts(&self) -> impl ExactSizeIterator<Item = i64> {
        self.slices.iter().map(|slice| slice.start_ms)
    }

    /// Takes an element into the slice that starts at `start_ms`; true if that is new.
    #[inline]
    pub(super) fn add<K, In, C>(&mut self, contents: &C, start_ms: i64, row: Row<In>) -> bool
    where
        C: WindowContents<K, In, State = S>,
    {
        if start_ms < self.back_until_ms {
            return self.amend(contents, start_ms, row);
        }
        let (slice, created) = slice_at(&mut self.slices, start_ms, || contents.create());
        slice.tag = slice.tag.max(row.tag);
        contents.add(&mut slice.state, row.value);
        created
    }

    /// Whether there are elements in `window`.
    pub(super) fn any_in(&self, window: &TimeWindow) -> bool {
        let first_ms = self.first_from(window.start_ms);
        first_ms.is_some_and(|start_ms| start_ms < window.end_ms)
    }

    /// The start of the first slice at or after `from_ms`.
    pub(super) fn first_from(&self, from_ms: i64) -> Option<i64> {
        let at = self.slices.partition_point(|s| s.start_ms < from_ms);
        Some(self.slices.get(at)?.start_ms)
    }

    /// Forgets slices from the first on as long as `useless` says so of their start; gives their
    /// number.
    pub(super) fn drop_first_while(&mut self, useless: impl Fn(i64) -> bool) -> usize {
        let mut dropped = 0;
        while self.slices.front().is_some_and(|s| useless(s.start_ms)) {
            self.slices.pop_front();
            dropped += 1;
        }
        dropped
    }

    /// Any window, merged slice by slice.
    pub(super) fn fold<K, In, C>(&self, contents: &C, window: &TimeWindow) -> Option<Pane<S>>
    where
        C: WindowContents<K, In, State = S>,
    {
        let from = self
            .slices
            .partition_point(|s| s.start_ms < window.start_ms);
        let mut sum = None;
        for slice in self.slices.range(from..) {
            if slice.start_ms >= window.end_ms {
                break;
            }
            merge(contents, &mut sum, &slice.pane);
        }
        sum
    }

    /// The next window, which is later than all that were asked for here before.
    pub(super) fn close<K, In, C>(&mut self, contents: &C, window: &TimeWindow) -> Option<Pane<S>>
    where
        C: WindowContents<K, In, State = S>,
    {
        let gone = |slice: &Slice<S>| slice.start_ms < window.start_ms;
        while self.front.last().is_some_and(gone) {
            self.front.pop();
        }
        if window.start_ms > self.front_until_ms {
            self.back = None;
            self.front_until_ms = window.end_ms;
            self.build_front(contents, window.start_ms);
        } else {
            if self.front_stale {
                self.build_front(contents, window.start_ms);
            }
            self.extend_back(contents, window.end_ms);
        }
        self.back_until_ms = window.end_ms;

        let mut sum = None;
        if let Some(oldest) = self.front.last() {
            merge(contents, &mut sum, &oldest.pane);
        }
        if let Some(back) = &self.back {
            merge(contents, &mut sum, back);
        }
        sum
    }

    fn build_front<K, In, C>(&mut self, contents: &C, from_ms: i64)
    where
        C: WindowContents<K, In, State = S>,
    {
        self.front_stale = false;
        self.front.clear();
        let until = self
            .slices
            .partition_point(|s| s.start_ms < self.front_until_ms);
        for slice in self.slices.range(..until).rev() {
            if slice.start_ms < from_ms {
                break;
            }
            let mut sum = None;
            merge(contents, &mut sum, &slice.pane);
            if let Some(younger) = self.front.last() {
                merge(contents, &mut sum, &younger.pane);
            }
            self.front.extend(sum.map(|pane| Slice {
                start_ms: slice.start_ms,
                pane,
            }));
        }
    }

    fn extend_back<K, In, C>(&mut self, contents: &C, until_ms: i64)
    where
        C: WindowContents<K, In, State = S>,
    {
        let from = self
            .slices
            .partition_point(|s| s.start_ms < self.back_until_ms);
        for slice in self.slices.range(from..) {
            if slice.start_ms >= until_ms {
                break;
            }
            merge(contents, &mut self.back, &slice.pane);
        }
    }

    /// Takes an element into a slice that the stacks contain.
    fn amend<K, In, C>(&mut self, contents: &C, start_ms: i64, row: Row<In>) -> bool
    where
        C: WindowContents<K, In, State = S>,
    {
        let mut single = Pane {
            tag: row.tag,
            state: contents.create(),
        };
        contents.add(&mut single.state, row.value);
        if start_ms < self.front_until_ms {
            self.front_stale = true;
        } else {
            merge(contents, &mut self.back, &single);
        }
        let (slice, created) = slice_at(&mut self.slices, start_ms, || contents.create());
        slice.tag = slice.tag.max(single.tag);
        contents.merge(&mut slice.state, &single.state);
        created
    }
}

/// The slice that starts at `start_ms`, and whether it was created for that.
#[inline]
fn slice_at<S>(
    slices: &mut VecDeque<Slice<S>>,
    start_ms: i64,
    create: impl FnOnce() -> S,
) -> (&mut Pane<S>, bool) {
    let at = match slices.back() {
        Some(last) if last.start_ms == start_ms => slices.len() - 1,
        Some(last) if last.start_ms > start_ms => slices.partition_point(|s| s.start_ms < start_ms),
        _ => slices.len(),
    };
    let known = slices.get(at).is_some_and(|s| s.start_ms == start_ms);
    if !known {
        let pane = Pane {
            tag: 0,
            state: create(),
        };
        slices.insert(at, Slice { start_ms, pane });
    }
    (&mut slices[at].pane, !known)
}

fn merge<K, In, C: WindowContents<K, In>>(
    contents: &C,
    into: &mut Option<Pane<C::State>>,
    other: &Pane<C::State>,
) {
    let into = into.get_or_insert_with(|| Pane {
        tag: 0,
        state: contents.create(),
    });
    into.tag = into.tag.max(other.tag);
    contents.merge(&mut into.state, &other.state);
}
