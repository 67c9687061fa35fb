//! How much of a series is warm-up.

use super::least_squares::LeastSquares;

/// Values per batch.
const BATCH: usize = 5;
/// A warm-up lies at least so many standard errors off. Proposed, not published.
const SEEN: f64 = 3.0;

/// The first values of `series` that are better left out, by MSER-5 (White 1997, Simulation 69; White,
/// Cobb and Spratt 2000, WSC): of batches of five, as many that the standard error of the mean of the
/// rest is smallest, and at most half of all.
///
/// Two things are different, because a trend is judged afterwards. The error is that around the rest's
/// straight line: around its mean the rule takes a drift for a warm-up that never ends, and leaves out
/// half of it. And what is left out must differ from that line by [`SEEN`] standard errors: in noise
/// whose neighbours are alike the rule finds some stretch to leave out more often than not; that makes
/// no mean wrong, but every trend of the rest less certain.
pub(crate) fn mser5(series: &[f64]) -> Truncation {
    let batches: Vec<f64> = series
        .chunks_exact(BATCH)
        .map(|batch| batch.iter().sum::<f64>() / BATCH as f64)
        .collect();
    let most = batches.len() / 2;
    let mut rest = LeastSquares::default();
    let (mut least, mut cut, mut line) = (f64::INFINITY, 0, rest);
    for (at, value) in batches.iter().enumerate().rev() {
        rest.push((at as f64, *value));
        let kept = (batches.len() - at) as f64;
        let error = rest.residual_squares() / (kept * kept);
        // Of equals the one that keeps more.
        if at <= most && error <= least {
            (least, cut, line) = (error, at, rest);
        }
    }
    if cut == 0 || !differs(&batches, cut, &line) {
        return Truncation {
            values: 0,
            is_settled: true,
        };
    }
    Truncation {
        values: cut * BATCH,
        is_settled: cut < most,
    }
}

/// Whether the mean of the first `cut` values lies off the line of the rest.
fn differs(values: &[f64], cut: usize, line: &LeastSquares) -> bool {
    let Some((slope, (mean_x, mean_y))) = line.slope().zip(line.means()) else {
        return false;
    };
    let off = |at: usize| values[at] - mean_y - slope * (at as f64 - mean_x);
    let kept = (values.len() - cut) as f64;
    let residuals: Vec<f64> = (cut..values.len()).map(off).collect();
    let variance = long_run_variance(&residuals);
    let first = cut as f64;
    let reach = ((first - 1.0) / 2.0 - mean_x).powi(2) * 12.0 / kept.powi(3);
    let error = (variance * (1.0 / first + 1.0 / kept + reach)).sqrt();
    let mean_off = (0..cut).map(off).sum::<f64>() / first;
    mean_off.abs() > SEEN * error
}

/// Of the mean times the number of values: from the first autocorrelation, as of an AR(1) series.
fn long_run_variance(residuals: &[f64]) -> f64 {
    let squares: f64 = residuals.iter().map(|it| it * it).sum();
    let together: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let n = residuals.len() as f64;
    let correlation = ((n * together / squares + 2.0) / (n - 4.0).max(1.0)).clamp(0.0, 0.9);
    squares / n * (1.0 + correlation) / (1.0 - correlation)
}

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truncation {
    /// As many values from the start.
    pub(crate) values: usize,
    /// False if the rule left out all that it may: the warm-up may go on.
    pub(crate) is_settled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::{Series, rng};

    #[test]
    fn a_step_is_cut_where_it_ends_and_a_level_series_is_kept() {
        let step: Vec<f64> = (0..200).map(|at| if at < 40 { 9.0 } else { 1.0 }).collect();
        assert_eq!(
            mser5(&step),
            Truncation {
                values: 40,
                is_settled: true
            }
        );
        for level in [&[][..], &[1.0; 4], &[1.0; 5], &[1.0; 203]] {
            assert_eq!(mser5(level).values, 0);
        }
    }

    #[test]
    fn a_warm_up_that_does_not_end_in_the_first_half_is_not_settled() {
        let falling: Vec<f64> = (0..200).map(|at| 1.0 / (1.0 + f64::from(at))).collect();
        assert!(mser5(&falling).values <= 100);
        let kinked: Vec<f64> = (0..200).map(|at| f64::from(120.min(at))).collect();
        assert!(!mser5(&kinked).is_settled);
    }

    #[test]
    fn a_transient_in_noise_is_cut_when_it_no_longer_shows() {
        let mut rng = rng(3);
        let series = Series {
            transient: 0.5,
            decay: 8.0,
            ..Series::default()
        };
        let mut cuts: Vec<usize> = (0..500)
            .map(|_| mser5(&series.draw(&mut rng)).values)
            .collect();
        cuts.sort_unstable();
        println!(
            "cut of 200: {} to {}, median {}",
            cuts[25], cuts[475], cuts[250]
        );
        // After 15 values it is 8 %, after 30 it is 1 %, a third of the noise.
        assert!(cuts[25] >= 15 && (15..=35).contains(&cuts[250]));
    }
}
