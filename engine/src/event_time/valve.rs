//! One watermark out of those of several input channels.
//!
//! The rules are those of Flink's `StatusWatermarkValve`: the minimum over channels that are active
//! and aligned. A channel that comes back from idleness behind the emitted watermark is unaligned:
//! it does not count until it has caught up, so the output never goes back and never stalls.

use crate::event_time::{NO_WATERMARK_MS, WatermarkStatus, WatermarkUpdate};

/// Combines the watermarks of an operator's input channels.
#[derive(Clone, Debug)]
pub struct WatermarkValve {
    channels: Vec<Channel>,
    emitted_ms: i64,
    status: WatermarkStatus,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    watermark_ms: i64,
    status: WatermarkStatus,
    aligned: bool,
}

impl WatermarkValve {
    /// For channels `0..channels`, all active and without a watermark.
    pub fn new(channels: usize) -> Self {
        let channel = Channel {
            watermark_ms: NO_WATERMARK_MS,
            status: WatermarkStatus::Active,
            aligned: true,
        };
        WatermarkValve {
            channels: vec![channel; channels],
            emitted_ms: NO_WATERMARK_MS,
            status: WatermarkStatus::Active,
        }
    }

    /// The watermark so far.
    pub fn watermark_ms(&self) -> i64 {
        self.emitted_ms
    }

    /// The combined status.
    pub fn status(&self) -> WatermarkStatus {
        self.status
    }

    /// Takes a watermark of `channel`; gives the combined one if it rises. Ignored where it does
    /// not exceed the channel's last, and from idle channels, as in Flink.
    pub fn watermark(&mut self, channel: usize, watermark_ms: i64) -> Option<i64> {
        let emitted_ms = self.emitted_ms;
        let state = self.channels.get_mut(channel)?;
        if state.status == WatermarkStatus::Idle || watermark_ms <= state.watermark_ms {
            return None;
        }
        let held_back = state.aligned && state.watermark_ms == emitted_ms;
        let caught_up = !state.aligned && watermark_ms >= emitted_ms;
        state.watermark_ms = watermark_ms;
        state.aligned |= caught_up;
        // Aligned channels are never behind the emitted watermark, and the lowest is exactly there:
        // only that one, or one that joins, can move the minimum.
        if held_back || caught_up {
            self.raise_to_lowest()
        } else {
            None
        }
    }

    /// Takes a change of `channel`'s status; gives what changes of the whole.
    ///
    /// A channel that comes back ahead of the emitted watermark may raise it at once; Flink waits
    /// for its next watermark.
    /// As in Flink, when the last active channel falls idle, the highest watermark of all channels
    /// is emitted first if this channel was the one that held it back.
    pub fn set_status(&mut self, channel: usize, status: WatermarkStatus) -> WatermarkUpdate {
        let mut update = WatermarkUpdate::default();
        let Some(state) = self.channels.get_mut(channel) else {
            return update;
        };
        if state.status == status {
            return update;
        }
        state.status = status;
        let channel_ms = state.watermark_ms;
        state.aligned = status == WatermarkStatus::Active && channel_ms >= self.emitted_ms;
        if status == WatermarkStatus::Active {
            update.status = (self.status == WatermarkStatus::Idle).then_some(status);
            self.status = status;
            update.watermark_ms = self.raise_to_lowest();
            return update;
        }
        let any_active = self
            .channels
            .iter()
            .any(|c| c.status == WatermarkStatus::Active);
        if channel_ms == self.emitted_ms {
            update.watermark_ms = if any_active {
                self.raise_to_lowest()
            } else {
                let highest_ms = self.channels.iter().map(|c| c.watermark_ms).max();
                highest_ms.and_then(|highest_ms| self.raise(highest_ms))
            };
        }
        if !any_active {
            self.status = WatermarkStatus::Idle;
            update.status = Some(WatermarkStatus::Idle);
        }
        update
    }

    fn raise_to_lowest(&mut self) -> Option<i64> {
        let aligned = self.channels.iter().filter(|c| c.aligned);
        let lowest_ms = aligned.map(|c| c.watermark_ms).min()?;
        self.raise(lowest_ms)
    }

    fn raise(&mut self, watermark_ms: i64) -> Option<i64> {
        (watermark_ms > self.emitted_ms).then(|| {
            self.emitted_ms = watermark_ms;
            watermark_ms
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WatermarkStatus::{Active, Idle};
    use proptest::prelude::*;

    #[test]
    fn an_idle_channel_no_longer_holds_the_others_back() {
        let mut valve = WatermarkValve::new(2);
        assert_eq!(valve.watermark(0, 10), None);
        assert_eq!(valve.set_status(1, Idle).watermark_ms, Some(10));
        assert_eq!(valve.watermark(0, 20), Some(20));
        // Back, but behind: does not count until it has caught up.
        assert!(valve.set_status(1, Active).is_empty());
        assert_eq!(valve.watermark(1, 15), None);
        assert_eq!(valve.watermark(0, 30), Some(30));
        assert_eq!(valve.watermark(1, 30), None);
        assert_eq!(valve.watermark(0, 40), None);
        assert_eq!(valve.watermark(1, 35), Some(35));
    }

    #[test]
    fn the_last_channel_to_fall_idle_lets_the_highest_watermark_through() {
        let mut valve = WatermarkValve::new(2);
        valve.watermark(0, 10);
        valve.watermark(1, 5);
        assert!(valve.set_status(0, Idle).is_empty());
        let update = valve.set_status(1, Idle);
        assert_eq!((update.watermark_ms, update.status), (Some(10), Some(Idle)));
        assert_eq!(valve.set_status(0, Active).status, Some(Active));
        assert_eq!(valve.status(), Active);
    }

    proptest! {
        #[test]
        fn output_only_rises_and_without_idleness_is_the_minimum(
            steps in prop::collection::vec((0usize..3, 0i64..100, 0u8..8), 0..100),
            with_idle in any::<bool>(),
        ) {
            let mut valve = WatermarkValve::new(3);
            let (mut last, mut highest) = (NO_WATERMARK_MS, [NO_WATERMARK_MS; 3]);
            for (channel, value, choice) in steps {
                let raised = if with_idle && choice < 2 {
                    valve.set_status(channel, if choice == 0 { Idle } else { Active }).watermark_ms
                } else {
                    highest[channel] = highest[channel].max(value);
                    valve.watermark(channel, value)
                };
                if let Some(raised) = raised {
                    prop_assert!(raised > last);
                    last = raised;
                }
                prop_assert_eq!(valve.watermark_ms(), last);
                prop_assert!(highest.iter().any(|&h| h >= last));
                if !with_idle {
                    prop_assert_eq!(last, *highest.iter().min().unwrap());
                }
            }
        }
    }
}
