//! Looking at the same data again and again without claiming more by chance.

use super::distributions::{normal_cdf, normal_quantile};

/// Steps of the grid over which the joint distribution of the looks is integrated.
const GRID: usize = 241;
/// Beyond this many standard deviations there is nothing.
const WIDEST: f64 = 8.0;
/// A look that spends less than this spends nothing.
const NEGLIGIBLE: f64 = 1e-15;

/// Two-sided bounds for the looks at a growing sample, in standard deviations, so that all of them
/// together pass any with probability `alpha` if there is nothing to find: Lan and DeMets (1983,
/// Biometrika 70) with their approximation of O'Brien and Fleming's boundary, half of `alpha` on
/// either side. `information` is the share of the largest sample at each look, ascending in 0..=1.
///
/// The looks are normal and one look's sum is the last one's and an independent rest (Armitage,
/// McPherson and Rowe 1969, JRSS A 132); integrated by the trapezoidal rule.
pub(crate) fn obrien_fleming(alpha: f64, information: &[f64]) -> Vec<f64> {
    let mut bounds = Vec::with_capacity(information.len());
    let mut density: Option<Density> = None;
    let (mut spent, mut before) = (0.0, 0.0);
    for &now in information {
        let may = spending(alpha / 2.0, now);
        let increment = may - spent;
        let passed = |sum: f64| match &density {
            None => normal_cdf(-sum / now.sqrt()),
            Some(density) => density.passed(sum, now - before),
        };
        let sum = if increment < NEGLIGIBLE {
            WIDEST * now.sqrt()
        } else {
            where_it_falls_to(increment, WIDEST * now.sqrt(), passed)
        };
        bounds.push(sum / now.sqrt());
        density = Some(match &density {
            None => Density::first(sum, now),
            Some(last) => last.next(sum, now - before),
        });
        (spent, before) = (may, now);
    }
    bounds
}

/// What may be spent on one side up to this share of the information.
fn spending(one_side: f64, information: f64) -> f64 {
    let z = normal_quantile(1.0 - one_side / 2.0);
    2.0 * normal_cdf(-z / information.min(1.0).sqrt())
}

/// Bisection of a falling function of a sum from zero on.
fn where_it_falls_to(level: f64, highest: f64, passed: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, highest);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if passed(middle) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Of the sum at one look, where no look has passed its bound yet: symmetrical around zero.
struct Density {
    bound: f64,
    step: f64,
    at: Vec<f64>,
}

impl Density {
    fn first(bound: f64, variance: f64) -> Density {
        Density::over(bound, |sum| normal_density(sum, variance))
    }

    fn next(&self, bound: f64, variance: f64) -> Density {
        Density::over(bound, |sum| {
            self.integrate(|last| normal_density(sum - last, variance))
        })
    }

    fn over(bound: f64, density: impl Fn(f64) -> f64) -> Density {
        let step = 2.0 * bound / (GRID - 1) as f64;
        let at = (0..GRID).map(|index| density(index as f64 * step - bound));
        Density {
            bound,
            step,
            at: at.collect(),
        }
    }

    /// Probability that the next sum lies above `sum`.
    fn passed(&self, sum: f64, variance: f64) -> f64 {
        self.integrate(|last| normal_cdf((last - sum) / variance.sqrt()))
    }

    fn integrate(&self, weight: impl Fn(f64) -> f64) -> f64 {
        let terms = self.at.iter().enumerate().map(|(index, density)| {
            let end = if index == 0 || index == GRID - 1 {
                0.5
            } else {
                1.0
            };
            end * density * weight(index as f64 * self.step - self.bound)
        });
        terms.sum::<f64>() * self.step
    }
}

fn normal_density(sum: f64, variance: f64) -> f64 {
    (-sum * sum / (2.0 * variance)).exp() / (std::f64::consts::TAU * variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_published_ones() {
        // Lan and DeMets' five equal looks at a two-sided 0.05, as in R's ldbounds.
        let bounds = obrien_fleming(0.05, &[0.2, 0.4, 0.6, 0.8, 1.0]);
        for (found, expected) in bounds.iter().zip([4.8769, 3.3569, 2.6803, 2.2898, 2.0310]) {
            assert!((found - expected).abs() < 2e-3, "{bounds:?}");
        }
        let one = obrien_fleming(0.05, &[1.0]);
        assert!((one[0] - 1.959_964).abs() < 1e-6);
    }
}
