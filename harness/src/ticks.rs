//! When samples are taken: at fixed times that never drift.
//!
//! Ticks lie at whole intervals from the start of the measured phase, so that one falls on its
//! start and one on its end exactly; after the end they go on until the job has drained. Where the
//! phase begins once the warm-up is found to be over, it begins at a tick.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// No measured phase has been decided on.
const UNDECIDED: u64 = u64::MAX;

/// The sampling times of one run, in nanoseconds of job time. Clones share when the measured phase begins.
#[derive(Clone, Debug)]
pub struct Ticks {
    begin_ns: Arc<AtomicU64>,
    duration_ns: u64,
    interval_ns: u64,
    /// Before this there is one tick, at it.
    first_ns: u64,
}

impl Ticks {
    /// Samples every `interval`, aligned to the end of the warm-up if that is known.
    pub fn new(warmup: Option<Duration>, duration: Duration, interval: Duration) -> Self {
        let interval_ns = nanoseconds(interval).max(1);
        let warmup_ns = warmup.map(nanoseconds);
        Self {
            begin_ns: Arc::new(AtomicU64::new(warmup_ns.unwrap_or(UNDECIDED))),
            duration_ns: nanoseconds(duration),
            interval_ns,
            first_ns: warmup_ns.unwrap_or(0) % interval_ns,
        }
    }

    /// When the measured phase begins, as soon as that is known.
    pub fn begin_ns(&self) -> Option<u64> {
        let begin_ns = self.begin_ns.load(Ordering::Acquire);
        (begin_ns != UNDECIDED).then_some(begin_ns)
    }

    /// Lets the measured phase begin at a tick: not the next, for which the sampler may be on its way already.
    pub fn begin_soon(&self, now_ns: u64) -> u64 {
        let begin_ns = self.soon(now_ns);
        self.begin_ns.store(begin_ns, Ordering::Release);
        begin_ns
    }

    /// When it would begin.
    pub fn soon(&self, now_ns: u64) -> u64 {
        self.after(self.after(now_ns))
    }

    /// Whether the measured phase begins or ends with this tick.
    pub fn is_boundary(&self, due_ns: u64) -> bool {
        let ends = |begin_ns: u64| [begin_ns, begin_ns.saturating_add(self.duration_ns)];
        self.begin_ns()
            .is_some_and(|begin_ns| ends(begin_ns).contains(&due_ns))
    }

    /// The first tick after `now_ns`.
    pub fn after(&self, now_ns: u64) -> u64 {
        let first_ns = self.first_ns;
        let next = if now_ns < first_ns {
            first_ns
        } else {
            first_ns + ((now_ns - first_ns) / self.interval_ns + 1) * self.interval_ns
        };
        let end_ns = self
            .begin_ns()
            .map(|begin_ns| begin_ns.saturating_add(self.duration_ns));
        match end_ns {
            Some(end_ns) if now_ns < end_ns => next.min(end_ns),
            _ => next,
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

    const MS: u64 = 1_000_000;

    proptest! {
        #[test]
        fn ticks_advance_by_at_most_an_interval_and_hit_both_ends_of_the_measured_phase(
            warmup_ms in 0u64..100, is_known: bool, duration_ms in 1u64..200, interval_ms in 1u64..50,
        ) {
            let ms = Duration::from_millis;
            let ticks = Ticks::new(is_known.then(|| ms(warmup_ms)), ms(duration_ms), ms(interval_ms));
            let (mut now, mut boundaries) = (0, Vec::new());
            boundaries.extend(ticks.is_boundary(0).then_some(0));
            let over = (warmup_ms + duration_ms + 200) * MS;
            while now < over {
                if ticks.begin_ns().is_none() && now >= warmup_ms * MS {
                    ticks.clone().begin_soon(now);
                }
                let next = ticks.after(now);
                prop_assert!(next > now && next - now <= interval_ms * MS);
                boundaries.extend(ticks.is_boundary(next).then_some(next));
                now = next;
            }
            let begin = ticks.begin_ns().unwrap();
            prop_assert_eq!(boundaries, vec![begin, begin + duration_ms * MS]);
            prop_assert!(begin >= warmup_ms * MS && begin <= (warmup_ms + 3 * interval_ms) * MS);
        }
    }
}
