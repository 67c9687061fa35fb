//! Whole run directories, written, read, concluded and rendered.

mod answers;
mod allocation;
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
