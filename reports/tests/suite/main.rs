//! Whole run directories, written, read, concluded and rendered.

mod allocation;
mod answers;
mod charts;
mod checkpoints;
mod compared;
mod fuzz;
mod golden;
mod keyed_state;
mod large;
mod mutation;
mod round_trip;
mod searches;
mod shares;
mod simulated;
mod truncation;
