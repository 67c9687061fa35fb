//! Whether a series of measurements has one level that a mean describes: warm-up, trend, precision.
//! What that means for a run is `verdict`'s part.
//!
//! Fixed warm-ups are often wrong (Traini et al., EMSE 2023), so MSER-5 finds what to leave out. A
//! series drifts if Mann and Kendall's test says so, corrected for autocorrelation (Hamed and Rao
//! 1998), **and** the drift is at least [`DRIFT_BOUND`]: with enough samples any drift is significant.

use serde::{Deserialize, Serialize};

use crate::stats::{Averaged, BatchMeans, MannKendall, SlopeInterval, mser5, slope_interval};

/// A drift over the measured time counts from this share of the mean on.
pub const DRIFT_BOUND: f64 = 0.05;
/// Significance of a trend, two-sided.
pub const TREND_ALPHA: f64 = 0.05;
/// Half of the 95 % interval of a mean may be this share of it; beyond, a mean cannot show that
/// it differs from another by what counts as a drift. Proposed, not published.
pub const PRECISION_BOUND: f64 = 0.05;
/// Samples that must be left after the warm-up: ten of MSER-5's batches, and more than two in each of
/// the batches for the interval. Proposed, not published.
pub const LEAST_SAMPLES: usize = 50;

/// What a series says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steadiness {
    /// Samples there are.
    pub samples: usize,
    /// Of these, left out at the start as warm-up: at most half.
    pub warm_up: usize,
    /// Samples after the warm-up count as so many independent ones (batch means).
    pub effective: Option<f64>,
    /// Mean after the warm-up.
    pub mean: Option<f64>,
    /// Half of the width of its 95 % interval (20 batch means).
    pub half_width: Option<f64>,
    /// By how much the straight line through what is left changes in the time of the whole series,
    /// over the mean (Theil-Sen).
    pub drift: Option<f64>,
    /// 95 % interval of `drift`, corrected for autocorrelation; null where there is no bound.
    pub drift_low: Option<f64>,
    /// Its upper end.
    pub drift_high: Option<f64>,
    /// Two-sided p of a trend (Mann-Kendall, Hamed-Rao).
    pub trend_p: Option<f64>,
    /// The judgement.
    pub state: State,
}

/// The judgement of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A mean describes it.
    Steady,
    /// It goes up or down: see `drift`.
    Drifting,
    /// Too few samples after the warm-up, or the warm-up does not end.
    Insufficient,
    /// The mean is known worse than [`PRECISION_BOUND`]: see `half_width`.
    Noisy,
}

impl Steadiness {
    /// Whether the series goes up or down by as much as counts, and that at this significance:
    /// [`TREND_ALPHA`] alone, less beside other series.
    pub fn drifts_at(&self, alpha: f64) -> bool {
        let counts = self.drift.is_some_and(|drift| drift.abs() >= DRIFT_BOUND);
        self.state != State::Insufficient && counts && self.trend_p.is_some_and(|p| p <= alpha)
    }
}

/// Judges a series of equally spaced samples, the warm-up among them or not. Of more than 600 samples
/// neighbours are averaged first. Samples that are no numbers are left out.
pub fn judge_series(samples: &[f64]) -> Steadiness {
    let mut averaged = Averaged::default();
    let finite = samples.iter().filter(|sample| sample.is_finite());
    finite.for_each(|&sample| averaged.push(sample));
    judge_averaged(&averaged)
}

/// The same of a series that was averaged while it was read.
pub(crate) fn judge_averaged(averaged: &Averaged) -> Steadiness {
    let series = averaged.values();
    let in_samples = |means: usize| means * averaged.per_mean() as usize;
    let cut = mser5(series);
    let kept = &series[cut.values..];
    let judged = Steadiness {
        samples: in_samples(series.len()),
        warm_up: in_samples(cut.values),
        effective: None,
        mean: None,
        half_width: None,
        drift: None,
        drift_low: None,
        drift_high: None,
        trend_p: None,
        state: State::Insufficient,
    };
    let known = BatchMeans::of(kept).zip(trend(kept));
    let Some((means, (line, trend_p))) = known.filter(|_| kept.len() >= LEAST_SAMPLES) else {
        return judged;
    };
    let over_mean = |change: f64| (means.mean != 0.0).then(|| change / means.mean.abs());
    let drift = |slope: f64| over_mean(slope * series.len() as f64).filter(|it| it.is_finite());
    let mut judged = Steadiness {
        effective: Some(means.effective * f64::from(averaged.per_mean())),
        mean: Some(means.mean),
        half_width: Some(means.half_width),
        drift: drift(line.slope),
        drift_low: drift(line.low),
        drift_high: drift(line.high),
        trend_p: Some(trend_p),
        state: State::Steady,
        ..judged
    };
    judged.state = if judged.drifts_at(TREND_ALPHA) {
        State::Drifting
    } else if !cut.is_settled {
        State::Insufficient
    } else if over_mean(means.half_width).is_some_and(|share| share > PRECISION_BOUND) {
        State::Noisy
    } else {
        State::Steady
    };
    judged
}

/// Slope per sample, and p of there being a trend.
fn trend(series: &[f64]) -> Option<(SlopeInterval, f64)> {
    let points = points(series);
    let line = slope_interval(&points, 0.95)?;
    let residuals: Vec<f64> = points.iter().map(|(x, y)| y - line.slope * x).collect();
    Some((line, MannKendall::of(series, &residuals).p()))
}

fn points(series: &[f64]) -> Vec<(f64, f64)> {
    (0u32..)
        .map(f64::from)
        .zip(series.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::{Series, rng};

    /// Shares of simulated series that are judged in each way.
    fn shares(series: Series, runs: u32) -> [f64; 4] {
        let mut rng = rng(11);
        let mut counts = [0u32; 4];
        for _ in 0..runs {
            counts[judge_series(&series.draw(&mut rng)).state as usize] += 1;
        }
        counts.map(|count| f64::from(count) / f64::from(runs))
    }

    /// Of series with noise of 3 %, without and with a transient (after which 200 samples are left) and
    /// with a drift up and down, the mean share of those judged as `state`.
    fn found(drift: f64, state: State, autocorrelation: f64) -> f64 {
        let series = Series {
            autocorrelation,
            ..Series::default()
        };
        let warming = Series {
            length: 250,
            transient: 0.5,
            decay: 6.0,
            ..series
        };
        let mut all = 0.0;
        for series in [series, warming] {
            for drift in [drift, -drift] {
                let share = shares(Series { drift, ..series }, 500)[state as usize];
                let transient = series.transient;
                println!(
                    "AR(1) {autocorrelation}, transient {transient}, drift {drift}: {share:.3} {state:?}"
                );
                all += share / 4.0;
            }
        }
        println!("AR(1) {autocorrelation}, drift {drift}, all: {all:.3} {state:?}");
        all
    }

    #[test]
    fn a_drift_of_8_percent_is_found_in_95_of_100_series() {
        for autocorrelation in [0.0, 0.3, 0.6] {
            assert!(found(0.08, State::Drifting, autocorrelation) >= 0.95);
        }
    }

    #[test]
    fn a_level_series_is_rejected_in_at_most_5_of_100_cases() {
        for autocorrelation in [0.0, 0.3, 0.6] {
            assert!(found(0.0, State::Steady, autocorrelation) >= 0.95);
        }
    }

    #[test]
    fn a_small_drift_is_none_however_sure_it_is() {
        let small = Series {
            length: 2_000,
            drift: 0.03,
            ..Series::default()
        };
        let judged = judge_series(&small.draw(&mut rng(1)));
        assert!(judged.trend_p.unwrap() < 1e-6);
        assert_eq!(judged.state, State::Steady);
        // The noise of the mean of 2,000 samples is 0.07 %.
        let (mean, half_width) = (judged.mean.unwrap(), judged.half_width.unwrap());
        assert!((mean - 1.0).abs() < 0.01 && half_width < 0.01);
    }

    #[test]
    fn few_samples_are_insufficient_and_wild_ones_noisy() {
        let short = Series {
            length: LEAST_SAMPLES - 1,
            ..Series::default()
        };
        assert_eq!(
            judge_series(&short.draw(&mut rng(1))).state,
            State::Insufficient
        );
        let wild = Series {
            cv: 1.0,
            ..Series::default()
        };
        assert_eq!(judge_series(&wild.draw(&mut rng(1))).state, State::Noisy);
    }

    #[test]
    fn any_samples_are_judged() {
        let huge = [1e308, -1e308].repeat(100);
        for samples in [&[][..], &[f64::NAN; 100], &[0.0; 100], &[7.0; 100], &huge] {
            judge_series(samples);
        }
        let equal = judge_series(&[7.0; 100]);
        assert_eq!((equal.state, equal.drift), (State::Steady, Some(0.0)));
        assert_eq!(judge_series(&[0.0; 100]).drift, None);
    }
}
