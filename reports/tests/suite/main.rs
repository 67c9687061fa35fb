//! Whole run directories, written, read, concluded and rendered.

mod charts;
mod golden;
mod large;
mod round_trip;
mod shares;
mod simulated;
mod truncation;
