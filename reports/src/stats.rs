//! Statistics that conclusions rest on: one file per idea, plain functions of numbers. What a
//! number means for a run is said elsewhere.

mod autocorrelation;
mod averaged;
mod batch_means;
mod distributions;
mod least_squares;
mod median;
mod rank;
#[cfg(test)]
pub(crate) mod simulated;
mod slope;
mod thinned;
mod trend;
mod warm_up;

pub(crate) use averaged::Averaged;
pub(crate) use batch_means::BatchMeans;
pub(crate) use least_squares::LeastSquares;
pub(crate) use slope::{SlopeInterval, slope_interval, theil_sen_slope};
pub(crate) use thinned::Thinned;
pub(crate) use trend::MannKendall;
pub(crate) use warm_up::mser5;
