//! How late records are: the time between when they happened and when they were to be sent.

use super::spec::{LateDataSpec, Lateness, VeryLate};
use crate::draw::{Draw, FEMTO, Pareto, Purpose, exponential, mix};

/// The lateness of every record: a function of the seed and the record's number.
///
/// Bits b = draw k of the seed's lateness decide on the usual lateness of record k. It is very late beside that if the
/// lower half of mix(b) lies below a threshold, by an amount that mix(mix(b)) decides.
#[derive(Debug, Clone, Copy)]
pub struct LatenessModel {
    draw: Draw,
    law: Law,
    /// Of 32 uniform bits.
    threshold: u64,
    /// Bounds of the amount, both included, in nanoseconds.
    very_late_ns: (u64, u64),
}

#[derive(Debug, Clone, Copy)]
enum Law {
    None,
    /// So many nanoseconds earlier or later at most.
    Uniform(u64),
    Exponential {
        mean_ns: u64,
    },
    Pareto(Pareto),
}

/// What the Yahoo streaming benchmark does: +-50 ms, and one in 100,000 up to a minute late.
const YAHOO: (Lateness, VeryLate) = (
    Lateness::Uniform {
        max: std::time::Duration::from_millis(50),
    },
    VeryLate {
        share: 1e-5,
        min: std::time::Duration::ZERO,
        max: std::time::Duration::from_secs(60),
    },
);

/// What Beam's Nexmark does: one in ten between 1 ms and 3 s late.
const BEAM: (Lateness, VeryLate) = (
    Lateness::None {},
    VeryLate {
        share: 0.1,
        min: std::time::Duration::from_millis(1),
        max: std::time::Duration::from_secs(3),
    },
);

impl LatenessModel {
    /// The latenesses of a specification.
    pub fn new(spec: &LateDataSpec, seed: u64) -> LatenessModel {
        let (lateness, very_late) = match spec.lateness {
            Lateness::Yahoo {} => YAHOO,
            Lateness::Beam {} => BEAM,
            lateness => (lateness, spec.very_late),
        };
        let ns = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        LatenessModel {
            draw: Draw::new(seed, Purpose::Lateness),
            law: match lateness {
                Lateness::Uniform { max } => Law::Uniform(ns(max)),
                Lateness::Exponential { mean } => Law::Exponential { mean_ns: ns(mean) },
                Lateness::Pareto { shape, scale, cap } => {
                    let shape_micro = (shape * 1e6).round() as u32;
                    Law::Pareto(Pareto::new(shape_micro, ns(scale), ns(cap)))
                }
                Lateness::None {} | Lateness::Yahoo {} | Lateness::Beam {} => Law::None,
            },
            threshold: (very_late.share * 2f64.powi(32)).round() as u64,
            very_late_ns: (ns(very_late.min), ns(very_late.max)),
        }
    }

    /// By how much a record is late, in nanoseconds; negative if it comes before its time.
    #[inline]
    pub fn lateness_ns(&self, record: u64) -> i64 {
        let bits = self.draw.bits(record);
        let usual = match self.law {
            Law::None => 0,
            Law::Uniform(max_ns) => between(bits, 0, 2 * max_ns) as i64 - max_ns as i64,
            Law::Exponential { mean_ns } => {
                let variate = u128::from(exponential(bits));
                (u128::from(mean_ns) * variate / u128::from(FEMTO)) as i64
            }
            Law::Pareto(pareto) => pareto.pick(bits) as i64,
        };
        let choice = mix(bits);
        if choice & 0xffff_ffff >= self.threshold {
            return usual;
        }
        let (min_ns, max_ns) = self.very_late_ns;
        usual + between(mix(choice), min_ns, max_ns) as i64
    }
}

/// A uniform number from `min` to `max`, both included, from 64 uniform bits.
#[inline]
fn between(bits: u64, min: u64, max: u64) -> u64 {
    let numbers = u128::from(max - min) + 1;
    min + ((u128::from(bits) * numbers) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::spec;
    use super::*;

    const MS: f64 = 1e6;

    /// Mean, least, most and the share above 60 ms, of 200,000 records.
    fn figures(lateness: &str) -> (f64, i64, i64, f64) {
        let model = LatenessModel::new(&spec(lateness), 7);
        let all: Vec<i64> = (0..200_000)
            .map(|record| model.lateness_ns(record))
            .collect();
        let n = all.len() as f64;
        let above = all.iter().filter(|&&ns| ns > 60_000_000).count();
        let mean = all.iter().map(|&ns| ns as f64).sum::<f64>() / n / MS;
        let least = all.iter().min().copied().unwrap_or(0);
        (
            mean,
            least,
            all.iter().max().copied().unwrap_or(0),
            above as f64 / n,
        )
    }

    #[test]
    fn every_law_has_its_mean_and_its_bounds() {
        assert_eq!(figures("lateness = { kind = 'none' }"), (0.0, 0, 0, 0.0));
        let (mean, least, most, _) = figures("lateness = { kind = 'uniform', max = '20ms' }");
        assert!(mean.abs() < 0.1 && least >= -20_000_000 && most <= 20_000_000);
        assert!(least < -19_990_000 && most > 19_990_000);
        let (mean, least, _, _) = figures("lateness = { kind = 'exponential', mean = '20ms' }");
        assert!((mean - 20.0).abs() < 0.2 && least >= 0, "{mean}");
        // The mean of Lomax' form is scale / (shape - 1).
        let pareto = "lateness = { kind = 'pareto', shape = 3, scale = '20ms', cap = '5s' }";
        let (mean, least, most, _) = figures(pareto);
        assert!(
            (mean - 10.0).abs() < 0.3 && least >= 0 && most <= 5_000_000_000,
            "{mean}"
        );
    }

    #[test]
    fn the_presets_are_those_of_the_benchmarks() {
        let (_, least, most, above) = figures("lateness = { kind = 'yahoo' }");
        assert!(least >= -50_000_000 && most > 1_000_000_000 && most <= 60_050_000_000);
        assert!(above > 0.0 && above < 5e-5, "{above}");
        let (mean, least, most, above) = figures("lateness = { kind = 'beam' }");
        assert!(
            (mean - 150.0).abs() < 4.0 && least == 0 && most <= 3_000_000_000,
            "{mean}"
        );
        assert!((above - 0.098).abs() < 0.003, "{above}");
    }
}
