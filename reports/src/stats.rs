//! Statistics that conclusions rest on: one file per idea, plain functions of numbers. What a
//! number means for a run is said elsewhere.

mod autocorrelation;
mod distributions;
mod least_squares;
mod median;
mod rank;
#[cfg(test)]
mod simulated;
mod slope;
mod thinned;
mod trend;

pub(crate) use least_squares::LeastSquares;
pub(crate) use slope::{SlopeInterval, slope_interval, theil_sen_slope};
pub(crate) use thinned::Thinned;
