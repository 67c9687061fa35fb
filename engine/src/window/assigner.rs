//! Which windows an element belongs to.

use crate::window::{TimeWindow, WindowError, positive};

/// Assigns windows to timestamps.
pub trait WindowAssigner: Clone + Send {
    /// Whether windows of one key that meet become one.
    const MERGES: bool;

    /// The windows of an element, earliest first.
    fn assign(&self, timestamp_ms: i64) -> AssignedWindows;
}

/// The windows of one element: of one size, evenly spaced, earliest first.
#[derive(Clone, Copy, Debug)]
pub struct AssignedWindows {
    next: TimeWindow,
    step_ms: i64,
    left: u64,
}

impl AssignedWindows {
    fn one(window: TimeWindow) -> Self {
        AssignedWindows {
            next: window,
            step_ms: 0,
            left: 1,
        }
    }
}

impl Iterator for AssignedWindows {
    type Item = TimeWindow;

    #[inline]
    fn next(&mut self) -> Option<TimeWindow> {
        self.left = self.left.checked_sub(1)?;
        let window = self.next;
        self.next.start_ms = window.start_ms.saturating_add(self.step_ms);
        self.next.end_ms = window.end_ms.saturating_add(self.step_ms);
        Some(window)
    }
}

/// Windows of one size, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tumbling {
    size_ms: i64,
    offset_ms: i64,
}

impl Tumbling {
    /// Windows of `size_ms`, of which one begins at 0.
    pub fn new(size_ms: i64) -> Result<Self, WindowError> {
        Self::with_offset(size_ms, 0)
    }

    /// Windows of `size_ms`, of which one begins at `offset_ms`. Any offset will do; Flink wants it
    /// smaller than the size.
    pub fn with_offset(size_ms: i64, offset_ms: i64) -> Result<Self, WindowError> {
        let size_ms = positive("size", size_ms)?;
        Ok(Tumbling {
            size_ms,
            offset_ms: offset_ms.rem_euclid(size_ms),
        })
    }

    /// The one window of a timestamp.
    #[inline]
    pub fn window(&self, timestamp_ms: i64) -> TimeWindow {
        let start_ms = floor_ms(timestamp_ms, self.size_ms, self.offset_ms);
        TimeWindow {
            start_ms,
            end_ms: start_ms.saturating_add(self.size_ms),
        }
    }
}

impl WindowAssigner for Tumbling {
    const MERGES: bool = false;

    #[inline]
    fn assign(&self, timestamp_ms: i64) -> AssignedWindows {
        AssignedWindows::one(self.window(timestamp_ms))
    }
}

/// Overlapping windows of one size: a new one begins with every slide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    size_ms: i64,
    slide_ms: i64,
    offset_ms: i64,
}

impl Sliding {
    /// Windows of `size_ms` that begin every `slide_ms`, one of them at 0.
    pub fn new(size_ms: i64, slide_ms: i64) -> Result<Self, WindowError> {
        Self::with_offset(size_ms, slide_ms, 0)
    }

    /// Windows of `size_ms` that begin every `slide_ms`, one of them at `offset_ms`.
    pub fn with_offset(size_ms: i64, slide_ms: i64, offset_ms: i64) -> Result<Self, WindowError> {
        let size_ms = positive("size", size_ms)?;
        let slide_ms = positive("slide", slide_ms)?;
        if slide_ms > size_ms {
            return Err(WindowError::Gaps { size_ms, slide_ms });
        }
        Ok(Sliding {
            size_ms,
            slide_ms,
            offset_ms: offset_ms.rem_euclid(slide_ms),
        })
    }

    /// How long each window is.
    pub fn size_ms(&self) -> i64 {
        self.size_ms
    }

    /// How far apart they begin.
    pub fn slide_ms(&self) -> i64 {
        self.slide_ms
    }

    /// The longest pieces of time that all windows are made of: of the greatest common divisor of
    /// size and slide.
    pub(crate) fn slices(&self) -> Tumbling {
        let (mut a, mut b) = (self.size_ms, self.slide_ms);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Tumbling {
            size_ms: a,
            offset_ms: self.offset_ms % a,
        }
    }

    /// The latest window that a timestamp belongs to.
    #[inline]
    pub(crate) fn latest(&self, timestamp_ms: i64) -> TimeWindow {
        let start_ms = floor_ms(timestamp_ms, self.slide_ms, self.offset_ms);
        TimeWindow {
            start_ms,
            end_ms: start_ms.saturating_add(self.size_ms),
        }
    }
}

impl WindowAssigner for Sliding {
    const MERGES: bool = false;

    #[inline]
    fn assign(&self, timestamp_ms: i64) -> AssignedWindows {
        let latest = self.latest(timestamp_ms);
        // Between a slide before the latest start, and the last start that still reaches here.
        let into_ms = timestamp_ms.saturating_sub(latest.start_ms);
        let earlier = (self.size_ms - 1 - into_ms).max(0) / self.slide_ms;
        let back_ms = earlier * self.slide_ms;
        AssignedWindows {
            next: TimeWindow {
                start_ms: latest.start_ms.saturating_sub(back_ms),
                end_ms: latest.end_ms.saturating_sub(back_ms),
            },
            step_ms: self.slide_ms,
            left: earlier.unsigned_abs() + 1,
        }
    }
}

/// Windows that last as long as elements of a key keep coming within a gap of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    gap_ms: i64,
}

impl Session {
    /// Sessions that end `gap_ms` after their last element. Elements exactly the gap apart are in
    /// one session, as in Flink.
    pub fn new(gap_ms: i64) -> Result<Self, WindowError> {
        let gap_ms = positive("gap", gap_ms)?;
        Ok(Session { gap_ms })
    }
}

impl WindowAssigner for Session {
    const MERGES: bool = true;

    #[inline]
    fn assign(&self, timestamp_ms: i64) -> AssignedWindows {
        AssignedWindows::one(TimeWindow {
            start_ms: timestamp_ms,
            end_ms: timestamp_ms.saturating_add(self.gap_ms),
        })
    }
}

/// One window for everything. Only a trigger makes it fire before the final watermark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Global;

impl WindowAssigner for Global {
    const MERGES: bool = false;

    #[inline]
    fn assign(&self, _timestamp_ms: i64) -> AssignedWindows {
        AssignedWindows::one(TimeWindow::GLOBAL)
    }
}

/// The last point of the grid `offset + n * step` at or before a timestamp.
#[inline]
fn floor_ms(timestamp_ms: i64, step_ms: i64, offset_ms: i64) -> i64 {
    let mut into_ms = timestamp_ms.rem_euclid(step_ms) - offset_ms;
    if into_ms < 0 {
        into_ms += step_ms;
    }
    timestamp_ms.saturating_sub(into_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_are_all_those_on_the_grid_that_contain_the_timestamp(
            timestamp in -1_000i64..1_000, size in 1i64..60, slide in 1i64..60, offset in -70i64..70,
        ) {
            let slide = slide.min(size);
            let assigned: Vec<_> =
                Sliding::with_offset(size, slide, offset).unwrap().assign(timestamp).collect();
            let expected: Vec<_> = (timestamp - size + 1..=timestamp)
                .filter(|start| (start - offset).rem_euclid(slide) == 0)
                .map(|start| TimeWindow { start_ms: start, end_ms: start + size })
                .collect();
            prop_assert_eq!(&assigned, &expected);
            let slices = Sliding::with_offset(size, slide, offset).unwrap().slices();
            let slice = slices.window(timestamp);
            prop_assert!(slice.contains(timestamp));
            for window in assigned {
                prop_assert!(window.start_ms <= slice.start_ms && slice.end_ms <= window.end_ms);
                prop_assert_eq!(slices.window(window.start_ms).start_ms, window.start_ms);
            }
        }

        #[test]
        fn no_timestamp_panics(timestamp in any::<i64>(), size in 1i64.., slide in 1i64..) {
            let slide = slide.min(size);
            let windows = Sliding::new(size, slide).unwrap().assign(timestamp);
            prop_assert!(windows.take(3).count() >= 1);
            Tumbling::with_offset(size, -slide).unwrap().window(timestamp);
            Session::new(size).unwrap().assign(timestamp);
        }
    }

    #[test]
    fn windows_that_cannot_be_are_refused() {
        assert!(Tumbling::new(0).is_err());
        assert!(Session::new(-1).is_err());
        assert_eq!(
            Sliding::new(1, 2),
            Err(WindowError::Gaps {
                size_ms: 1,
                slide_ms: 2
            })
        );
    }
}
