//! What else the machine did during a run.

use serde::{Deserialize, Serialize};

/// The machine beside the run, over the measured phase; null is "the system does not say".
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// How long one fixed piece of work took, over the whole run.
    pub calibration_ns: Option<Calibration>,
    /// Cores that other processes used, in the mean.
    pub others_cpu: Option<f64>,
    /// Processor time that a hypervisor took away, over that of all cores, 0..1.
    pub stolen_cpu: Option<f64>,
    /// Share of time in which some process, perhaps of the run itself, waited for memory.
    pub memory_stall: Option<f64>,
    /// Share of time in which some process, perhaps of the run itself, waited for storage.
    pub io_stall: Option<f64>,
    /// The job kept state or checkpoints in files, so that `io_stall` may be its own doing.
    pub own_io: bool,
}

/// Nanoseconds of the calibration loop, which is as long as the machine is slow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Before the job began.
    pub first: u64,
    /// Of all, the first and the last among them.
    pub median: u64,
    /// When the job had ended.
    pub last: u64,
}
