//! When samples are taken: fixed before the run, never drifting.
//!
//! Ticks lie at whole intervals from the start of the measured phase, so that one falls on its
//! start and one on its end exactly; after the end they go on until the job has drained.

use std::time::Duration;

/// The sampling times of one run, in nanoseconds of job time.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    warmup_ns: u64,
    end_ns: u64,
    interval_ns: u64,
}

impl Ticks {
    /// Samples every `interval`, aligned to the end of the warm-up.
    pub fn new(warmup: Duration, duration: Duration, interval: Duration) -> Self {
        let warmup_ns = nanoseconds(warmup);
        let end_ns = warmup_ns.saturating_add(nanoseconds(duration));
        Self {
            warmup_ns,
            end_ns,
            interval_ns: nanoseconds(interval).max(1),
        }
    }

    /// Whether the measured phase begins or ends with this tick.
    pub fn is_boundary(&self, due_ns: u64) -> bool {
        due_ns == self.warmup_ns || due_ns == self.end_ns
    }

    /// The first tick after `now_ns`.
    pub fn after(&self, now_ns: u64) -> u64 {
        let phase = self.warmup_ns % self.interval_ns;
        let next = if now_ns < phase {
            phase
        } else {
            phase + ((now_ns - phase) / self.interval_ns + 1) * self.interval_ns
        };
        if now_ns < self.end_ns {
            next.min(self.end_ns)
        } else {
            next
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticks_advance_by_at_most_an_interval_and_hit_both_ends_of_the_measured_phase(
            warmup_ms in 0u64..100, duration_ms in 1u64..200, interval_ms in 1u64..50,
        ) {
            let ms = Duration::from_millis;
            let ticks = Ticks::new(ms(warmup_ms), ms(duration_ms), ms(interval_ms));
            let (mut now, mut seen) = (0, vec![0]);
            while now < (warmup_ms + duration_ms + 100) * 1_000_000 {
                let next = ticks.after(now);
                prop_assert!(next > now && next - now <= interval_ms * 1_000_000);
                seen.push(next);
                now = next;
            }
            prop_assert!(seen.contains(&(warmup_ms * 1_000_000)));
            prop_assert!(seen.contains(&((warmup_ms + duration_ms) * 1_000_000)));
        }
    }
}
