//! What an operator mostly did, in one word and one colour, wherever it is drawn.

use plotters::style::RGBColor;

use super::data::Shares;
use super::style::{IDLE, SKY, VERMILLION};
use crate::record::Operator;

/// What an operator mostly did.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    Busy,
    Backpressured,
    Idle,
}

impl State {
    pub(super) const ALL: [State; 3] = [State::Busy, State::Backpressured, State::Idle];

    /// The largest share; among equals the one that hurts more.
    pub(super) fn dominant(shares: Shares) -> (State, f64) {
        State::largest([shares.idle(), shares.busy(), shares.backpressured()])
    }

    /// The same over the measured phase; a share of 0 if nothing is known.
    pub(super) fn of(operator: &Operator) -> (State, f64) {
        let activity = &operator.activity;
        let shares = [activity.idle, activity.busy, activity.backpressured];
        State::largest(shares.map(Option::unwrap_or_default))
    }

    fn largest([idle, busy, backpressured]: [f64; 3]) -> (State, f64) {
        let candidates = [
            (State::Idle, idle),
            (State::Busy, busy),
            (State::Backpressured, backpressured),
        ];
        candidates
            .into_iter()
            .fold((State::Idle, 0.0), |best, next| {
                if next.1 >= best.1 { next } else { best }
            })
    }

    pub(super) fn color(self) -> RGBColor {
        match self {
            State::Busy => SKY,
            State::Backpressured => VERMILLION,
            State::Idle => IDLE,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            State::Busy => "busy",
            State::Backpressured => "backpressured",
            State::Idle => "idle",
        }
    }
}
