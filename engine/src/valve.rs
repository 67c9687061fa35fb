//! How far event time has come over several inputs: the minimum of their watermarks.
//!
//! The rules are those of Apache Flink's `StatusWatermarkValve`: idle inputs are not waited for; an
//! input that wakes up behind what has been emitted is not waited for before it has caught up; when
//! the input that held the minimum is the last one to fall idle, event time goes on to the furthest
//! any input has come. Watermarks that leave only ever grow.
//!
//! In one point they are stricter: the final watermark leaves when all inputs have ended. Where some have
//! and the others are idle, event time goes on to the furthest any input had come; in Flink it goes on to
//! the end, and all that the others still bring is late.

use crate::batch::Signal;
use crate::event_time::FINAL_WATERMARK_MS;

/// The inputs of one subtask.
#[derive(Clone, Debug)]
pub(crate) struct Valve {
    inputs: Vec<Input>,
    emitted_ms: i64,
    idle: bool,
}

#[derive(Clone, Debug)]
struct Input {
    /// The last one before the final one.
    watermark_ms: i64,
    /// It has had the final one.
    ended: bool,
    idle: bool,
    /// Counts for the minimum: not idle, and not behind what has been emitted.
    aligned: bool,
}

impl Valve {
    pub(crate) fn new(inputs: usize) -> Self {
        let input = Input {
            watermark_ms: i64::MIN,
            ended: false,
            idle: false,
            aligned: true,
        };
        Valve {
            inputs: vec![input; inputs],
            emitted_ms: i64::MIN,
            idle: false,
        }
    }

    /// Inputs that have come this far each, and may be idle, where `emitted_ms` has been said of them.
    pub(crate) fn restored(inputs: impl Iterator<Item = (i64, bool)>, emitted_ms: i64) -> Self {
        let inputs = inputs.map(|(watermark_ms, idle)| {
            let ended = watermark_ms == FINAL_WATERMARK_MS;
            Input {
                watermark_ms: if ended { i64::MIN } else { watermark_ms },
                ended,
                idle,
                aligned: !idle && watermark_ms >= emitted_ms,
            }
        });
        let inputs: Vec<Input> = inputs.collect();
        Valve {
            idle: !inputs.is_empty() && inputs.iter().all(|input| input.idle),
            inputs,
            emitted_ms,
        }
    }

    /// How far each input has come, and whether it is idle.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (i64, bool)> {
        self.inputs
            .iter()
            .map(|input| (input.come_ms(), input.idle))
    }

    /// How far event time has come.
    pub(crate) fn emitted_ms(&self) -> i64 {
        self.emitted_ms
    }

    /// Takes a signal of one input; emits what follows for all of them.
    pub(crate) fn feed(&mut self, input: usize, signal: Signal, mut emit: impl FnMut(Signal)) {
        match signal {
            Signal::Watermark(at_ms) => self.advance(input, at_ms, &mut emit),
            Signal::Idle => self.rest(input, &mut emit),
        }
    }

    fn advance(&mut self, input: usize, at_ms: i64, emit: &mut impl FnMut(Signal)) {
        let state = &mut self.inputs[input];
        let was_ahead = state.aligned && state.come_ms() > self.emitted_ms;
        match at_ms {
            FINAL_WATERMARK_MS => state.ended = true,
            at_ms => state.watermark_ms = state.watermark_ms.max(at_ms),
        }
        state.idle = false;
        state.aligned = state.come_ms() >= self.emitted_ms;
        if std::mem::take(&mut self.idle) {
            // Tells what comes behind that there is somebody to wait for again.
            emit(Signal::Watermark(self.emitted_ms));
        }
        // An input that was ahead of the minimum did not hold it back, so it cannot have moved it.
        if !was_ahead || at_ms == FINAL_WATERMARK_MS {
            self.emit_minimum(emit);
        }
    }

    fn rest(&mut self, input: usize, emit: &mut impl FnMut(Signal)) {
        let state = &mut self.inputs[input];
        if state.idle {
            return;
        }
        state.idle = true;
        state.aligned = false;
        let held_minimum = state.come_ms() == self.emitted_ms;
        if !self.inputs.iter().all(|input| input.idle) {
            return self.emit_minimum(emit);
        }
        if held_minimum {
            self.emit_if_later(self.furthest_ms(), emit);
        }
        self.idle = true;
        emit(Signal::Idle);
    }

    fn emit_minimum(&mut self, emit: &mut impl FnMut(Signal)) {
        let aligned = self.inputs.iter().filter(|input| input.aligned);
        let minimum = aligned.map(Input::come_ms).min();
        let minimum = match minimum {
            Some(FINAL_WATERMARK_MS) => self.minimum_of_ended(),
            minimum => minimum,
        };
        self.emit_if_later(minimum, emit);
    }

    /// How far event time comes where all inputs that count have ended.
    fn minimum_of_ended(&self) -> Option<i64> {
        if self.inputs.iter().all(|input| input.ended) {
            return Some(FINAL_WATERMARK_MS);
        }
        // One that is neither ended nor idle is catching up.
        let rest = |input: &Input| input.ended || input.idle;
        let all_rest = self.inputs.iter().all(rest);
        all_rest.then(|| self.furthest_ms())?
    }

    /// How far any input has come, ends apart.
    fn furthest_ms(&self) -> Option<i64> {
        self.inputs.iter().map(|input| input.watermark_ms).max()
    }

    fn emit_if_later(&mut self, at_ms: Option<i64>, emit: &mut impl FnMut(Signal)) {
        if let Some(at_ms) = at_ms.filter(|&at| at > self.emitted_ms) {
            self.emitted_ms = at_ms;
            emit(Signal::Watermark(at_ms));
        }
    }
}

impl Input {
    fn come_ms(&self) -> i64 {
        match self.ended {
            true => FINAL_WATERMARK_MS,
            false => self.watermark_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the valve emits for a sequence of (input, signal).
    fn emitted(inputs: usize, signals: &[(usize, Signal)]) -> Vec<Signal> {
        let mut valve = Valve::new(inputs);
        let mut out = Vec::new();
        for &(input, signal) in signals {
            valve.feed(input, signal, |signal| out.push(signal));
        }
        out
    }

    #[test]
    fn the_slowest_input_that_is_not_idle_sets_the_time() {
        use Signal::{Idle, Watermark};
        let signals = [
            (0, Watermark(5)),
            (1, Watermark(3)),
            (1, Idle),
            (1, Watermark(4)),
            (0, Watermark(7)),
            (1, Watermark(6)),
        ];
        let expected = [Watermark(3), Watermark(5), Watermark(7)];
        assert_eq!(emitted(2, &signals), expected);
    }

    #[test]
    fn when_the_last_active_input_falls_idle_time_goes_on_to_the_furthest() {
        use Signal::{Idle, Watermark};
        let signals = [
            (0, Watermark(9)),
            (0, Idle),
            (1, Watermark(2)),
            (1, Idle),
            (0, Watermark(9)),
        ];
        let expected = [Watermark(2), Watermark(9), Idle, Watermark(9)];
        assert_eq!(emitted(2, &signals), expected);
    }

    #[test]
    fn an_input_that_was_idle_from_the_beginning_moves_time_when_it_wakes() {
        use Signal::{Idle, Watermark};
        let signals = [(0, Idle), (0, Watermark(10)), (0, Watermark(20))];
        let expected = [Idle, Watermark(i64::MIN), Watermark(10), Watermark(20)];
        assert_eq!(emitted(1, &signals), expected);
    }

    #[test]
    fn an_input_that_only_rests_still_has_its_records_before_the_end() {
        use Signal::{Idle, Watermark};
        let end = Watermark(FINAL_WATERMARK_MS);
        let signals = [
            (0, Watermark(5)),
            (1, Watermark(3)),
            (1, Idle),
            (0, end),
            (1, Watermark(7)),
            (1, Idle),
            (1, end),
        ];
        let expected = [Watermark(3), Watermark(5), Watermark(7), end];
        assert_eq!(emitted(2, &signals), expected);
    }

    proptest! {
        /// Whoever is idle and wakes: time is never behind the slowest active input.
        #[test]
        fn time_keeps_up_with_the_slowest_active_input(
            signals in prop::collection::vec((0usize..3, 0i64..50, any::<bool>()), 0..100),
        ) {
            let mut valve = Valve::new(3);
            let mut inputs = [(i64::MIN, true); 3];
            for (input, at_ms, idle) in signals {
                let signal = if idle { Signal::Idle } else { Signal::Watermark(at_ms) };
                inputs[input].1 = !idle;
                if !idle {
                    inputs[input].0 = inputs[input].0.max(at_ms);
                }
                valve.feed(input, signal, |_| ());
                let active = inputs.iter().filter(|(_, active)| *active);
                if let Some(slowest) = active.map(|&(at_ms, _)| at_ms).min() {
                    prop_assert!(valve.emitted_ms >= slowest);
                }
            }
        }

        /// Watermarks grow, never pass an input that is active and was never idle, and reach the
        /// minimum of all inputs if none ever is.
        #[test]
        fn time_never_runs_ahead_of_an_input_that_is_always_active(
            signals in prop::collection::vec((0usize..4, 0i64..50, prop::bool::weighted(0.2)), 0..200),
            restless in 0usize..4,
        ) {
            let mut valve = Valve::new(4);
            let mut latest = [i64::MIN; 4];
            let (mut last, mut ever_idle) = (i64::MIN, false);
            for (input, at_ms, idle) in signals {
                let idle = idle && input != restless;
                ever_idle |= idle;
                let signal = if idle { Signal::Idle } else { Signal::Watermark(at_ms) };
                if !idle {
                    latest[input] = latest[input].max(at_ms);
                }
                let mut grew = true;
                valve.feed(input, signal, |out| if let Signal::Watermark(at) = out {
                    grew &= at > last;
                    last = at;
                });
                prop_assert!(grew);
                prop_assert!(last <= latest[restless]);
                if !ever_idle {
                    prop_assert_eq!(last, latest.into_iter().min().unwrap());
                }
            }
        }
    }
}
