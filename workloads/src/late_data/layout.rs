//! Where windows of fixed size lie. The engine has this, too; what checks the engine has its own.

/// Windows of one size that begin at regular times, one of them at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    size_ms: i64,
    slide_ms: i64,
    piece_ms: i64,
}

/// Start and end of a window, in milliseconds.
pub(super) type Span = (i64, i64);

impl Layout {
    /// Windows of `size_ms` that begin every `slide_ms`, which is at most the size.
    pub(super) fn new(size_ms: i64, slide_ms: i64) -> Layout {
        let (mut piece_ms, mut rest) = (size_ms.max(1), slide_ms.max(1));
        while rest != 0 {
            (piece_ms, rest) = (rest, piece_ms % rest);
        }
        Layout {
            size_ms: size_ms.max(1),
            slide_ms: slide_ms.max(1),
            piece_ms,
        }
    }

    /// The windows of a time, earliest first.
    pub(super) fn windows(self, at_ms: i64) -> impl Iterator<Item = Span> {
        let latest_ms = at_ms - at_ms.rem_euclid(self.slide_ms);
        let earlier = (self.size_ms - 1 - (at_ms - latest_ms)) / self.slide_ms;
        let starts = (0..=earlier)
            .rev()
            .map(move |n| latest_ms - n * self.slide_ms);
        starts.map(move |start_ms| (start_ms, start_ms + self.size_ms))
    }

    /// The start of the piece of time that a time lies in: the longest that all windows are made of.
    pub(super) fn piece(self, at_ms: i64) -> i64 {
        at_ms - at_ms.rem_euclid(self.piece_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_windows_of_a_time_are_all_that_contain_it(at in -99i64..99, size in 1i64..50, slide in 1i64..50) {
            let slide = slide.min(size);
            let layout = Layout::new(size, slide);
            let starts = (-200..200).filter(|start: &i64| start.rem_euclid(slide) == 0);
            let all: Vec<Span> = starts
                .map(|start| (start, start + size))
                .filter(|&(start, end)| start <= at && at < end)
                .collect();
            prop_assert_eq!(layout.windows(at).collect::<Vec<_>>(), all);
            prop_assert_eq!(layout.windows(layout.piece(at)).collect::<Vec<_>>(), layout.windows(at).collect::<Vec<_>>());
        }
    }
}
