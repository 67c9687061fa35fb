//! What does it cost to know when the next record is due?
//!
//! The time is that of one record of one split. Uniform arrivals of a constant rate step by a fixed
//! stride; whatever varies is computed from the exposure; Poisson arrivals draw a gap first.

use std::hint::black_box;
use std::time::Duration;

use benches::schedule;
use criterion::{Criterion, criterion_group, criterion_main};

const CONSTANT: &str = "shape = { kind = 'constant', rate_per_s = 1e6 }";
const RAMP: &str = "shape = { kind = 'ramp', from = 1e5, to = 1e6, over = '24h' }";
const SINE: &str = "shape = { kind = 'sine', mean = 1e6, amplitude = 5e5, period = '10s' }";

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("the next record is due:");
    for (name, load) in [
        ("uniform", CONSTANT.to_owned()),
        ("uniform, on a ramp", RAMP.to_owned()),
        ("uniform, on a sine", SINE.to_owned()),
        ("poisson", poisson(CONSTANT)),
        ("poisson, on a sine", poisson(SINE)),
    ] {
        group.bench_function(name, |bencher| {
            let (schedule, mut clock) = schedule(&load);
            bencher.iter(|| {
                clock.advance(&schedule);
                black_box(clock.peek())
            });
        });
    }
    group.finish();
}

fn poisson(shape: &str) -> String {
    format!("{shape}\narrivals = 'poisson'")
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = step
}
criterion_main!(benches);
