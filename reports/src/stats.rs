//! Statistics that conclusions rest on: one file per idea, plain functions of numbers. What a
//! number means for a run is said elsewhere.

mod autocorrelation;
mod averaged;
mod batch_means;
mod bootstrap;
mod distributions;
mod least_squares;
mod median;
mod multiple;
mod paired;
mod rank;
#[cfg(test)]
pub(crate) mod simulated;
mod slope;
mod spending;
mod thinned;
mod trend;
mod warm_up;

pub(crate) use averaged::Averaged;
pub(crate) use batch_means::BatchMeans;
pub(crate) use bootstrap::Bootstrap;
pub(crate) use distributions::{normal_p, normal_quantile};
pub(crate) use least_squares::LeastSquares;
pub(crate) use median::median_of;
pub(crate) use multiple::{benjamini_hochberg, holm};
pub(crate) use paired::{SignedRank, hodges_lehmann, rank_sum_above};
pub(crate) use slope::{SlopeInterval, slope_interval, theil_sen_slope};
pub(crate) use spending::obrien_fleming;
pub(crate) use thinned::Thinned;
pub(crate) use trend::MannKendall;
pub(crate) use warm_up::mser5;
