//! Whether the machine was quiet while a run was measured: the bounds, and what passes them.
//!
//! Each is proposed, not published. They are not corrected for: a run on a machine that did something else is
//! measured again, not repaired.

use crate::record::{Calibration, Environment};

/// Other processes may use this many cores.
pub const OTHERS_BOUND: f64 = 0.25;
/// Calibrations of one run may differ by this share of the shortest.
pub const CALIBRATION_BOUND: f64 = 0.10;
/// A hypervisor may take this share of the processors' time.
pub const STOLEN_BOUND: f64 = 0.02;
/// Processes may wait for memory, or for storage, for this share of time.
pub const STALL_BOUND: f64 = 0.05;

/// What a machine did beside a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Other processes used its cores.
    Others,
    /// It was not equally fast all the time.
    Speed,
    /// A hypervisor took processors away.
    Stolen,
    /// Processes waited for memory.
    Memory,
    /// Processes waited for storage, and not because of the job.
    Storage,
}

/// Everything that passes its bound, with how far it went. What is not known disturbs nothing.
pub fn disturbances(environment: &Environment) -> Vec<(Disturbance, f64)> {
    let speed = environment.calibration_ns.map(|it| spread(&it));
    let storage = environment.io_stall.filter(|_| !environment.own_io);
    let known = [
        (Disturbance::Others, environment.others_cpu, OTHERS_BOUND),
        (Disturbance::Speed, speed, CALIBRATION_BOUND),
        (Disturbance::Stolen, environment.stolen_cpu, STOLEN_BOUND),
        (Disturbance::Memory, environment.memory_stall, STALL_BOUND),
        (Disturbance::Storage, storage, STALL_BOUND),
    ];
    let beyond = known.into_iter().filter_map(|(what, found, bound)| {
        let found = found.filter(|found| *found > bound)?;
        Some((what, found))
    });
    beyond.collect()
}

/// By how much the longest of the three is longer than the shortest, as a share of it. The median stands for
/// all that were taken during the run: each alone is so short that one switch to another thread multiplies it.
pub fn spread(calibration: &Calibration) -> f64 {
    let Calibration {
        first,
        median,
        last,
    } = *calibration;
    let (shortest, longest) = (first.min(median).min(last), first.max(median).max(last));
    match shortest {
        0 => 0.0,
        shortest => (longest - shortest) as f64 / shortest as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Environment = Environment {
        calibration_ns: Some(Calibration {
            first: 1_000_000,
            median: 1_100_000,
            last: 1_050_000,
        }),
        others_cpu: Some(0.25),
        stolen_cpu: Some(0.02),
        memory_stall: Some(0.05),
        io_stall: Some(0.05),
        own_io: false,
    };

    #[test]
    fn a_machine_is_quiet_up_to_each_bound_and_not_beyond() {
        assert_eq!(disturbances(&QUIET), []);
        assert_eq!(disturbances(&Environment::default()), []);
        let beyond = |change: fn(&mut Environment)| {
            let mut environment = QUIET;
            change(&mut environment);
            let found = disturbances(&environment);
            found.into_iter().map(|(what, _)| what).collect::<Vec<_>>()
        };
        assert_eq!(
            beyond(|it| it.others_cpu = Some(0.26)),
            [Disturbance::Others]
        );
        assert_eq!(
            beyond(|it| it.stolen_cpu = Some(0.021)),
            [Disturbance::Stolen]
        );
        assert_eq!(
            beyond(|it| it.memory_stall = Some(0.051)),
            [Disturbance::Memory]
        );
        assert_eq!(
            beyond(|it| it.io_stall = Some(0.051)),
            [Disturbance::Storage]
        );
        let calibrations = [
            (999_000, 1_100_000, 1_050_000),
            (1_000_000, 1_000_000, 880_000),
        ];
        for (first, median, last) in calibrations {
            let calibration_ns = Some(Calibration {
                first,
                median,
                last,
            });
            let environment = Environment {
                calibration_ns,
                ..QUIET
            };
            assert_eq!(disturbances(&environment)[0].0, Disturbance::Speed);
        }
    }

    #[test]
    fn a_job_that_works_with_files_may_wait_for_them() {
        let waits = Environment {
            io_stall: Some(0.8),
            own_io: true,
            ..QUIET
        };
        assert_eq!(disturbances(&waits), []);
    }
}
