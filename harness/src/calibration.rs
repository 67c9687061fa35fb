//! A fixed piece of work, timed now and then, that shows when the machine itself changes speed.
//!
//! The loop is a chain of dependent multiplications, so its length in cycles does not depend on
//! caches or on what runs beside it; only frequency, stolen time and contention for the core move
//! it. Short and long loops are normalised to the same number of iterations so that they compare.
//! What a difference means is for `reports` to say.

use std::hint::black_box;

use crate::clock::monotonic_ns;

/// Iterations of the full loop: about 1 ms at 3 GHz (4 cycles each).
const FULL_ITERATIONS: u64 = 750_000;
/// The loop used during a run is this many times shorter: about 100 us.
const BRIEF_DIVISOR: u64 = 10;

/// The full loop is timed so often.
const REPETITIONS: usize = 3;

/// Nanoseconds of the full loop, after a short untimed one that wakes the core up. The shortest of three: one switch
/// to another thread is no other speed.
pub fn calibrate() -> u64 {
    spin(FULL_ITERATIONS / BRIEF_DIVISOR);
    let times = [(); REPETITIONS].map(|()| time(FULL_ITERATIONS));
    times.into_iter().fold(u64::MAX, u64::min)
}

/// As [`calibrate`] at a tenth of its cost, scaled to the full loop.
pub fn calibrate_briefly() -> u64 {
    time(FULL_ITERATIONS / BRIEF_DIVISOR) * BRIEF_DIVISOR
}

fn time(iterations: u64) -> u64 {
    let begin = monotonic_ns();
    spin(iterations);
    monotonic_ns().saturating_sub(begin)
}

fn spin(iterations: u64) {
    let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..iterations {
        state = black_box(state.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1));
    }
    black_box(state);
}
