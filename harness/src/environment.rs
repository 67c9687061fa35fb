//! What else the machine does during a run: other processes, a hypervisor that takes processors away, and memory or
//! storage that processes wait for. What it means for the run is for `reports` to say.

use procfs::{Current, CurrentSI, IoPressure, KernelStats, MemoryPressure};

use crate::clock;

/// Seconds since the machine began: only differences mean anything. `None` where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// CPU time of all processes but this one.
    pub others_cpu: Option<f64>,
    /// CPU time that a hypervisor took, over all processors.
    pub stolen_cpu: Option<f64>,
    /// Time in which some process waited for memory.
    pub memory_stall: Option<f64>,
    /// Time in which some process waited for storage.
    pub io_stall: Option<f64>,
}

impl Surroundings {
    /// Reads them now. About 50 us: for once a second, not for every sample.
    pub fn look() -> Self {
        let cpu = KernelStats::current().ok().map(|stats| stats.total);
        let busy = cpu.as_ref().map(|cpu| {
            let in_interrupts = [cpu.irq_duration(), cpu.softirq_duration()];
            let in_interrupts = in_interrupts.into_iter().flatten();
            let in_processes = [
                cpu.user_duration(),
                cpu.nice_duration(),
                cpu.system_duration(),
            ];
            let all = in_processes.into_iter().chain(in_interrupts);
            all.map(|time| time.as_secs_f64()).sum::<f64>()
        });
        let own = clock::process_cpu_ns() as f64 / 1e9;
        let stolen = cpu.as_ref().and_then(procfs::CpuTime::steal_duration);
        let memory = MemoryPressure::current().ok();
        let io = IoPressure::current().ok();
        Surroundings {
            others_cpu: busy.map(|busy| busy - own),
            stolen_cpu: stolen.map(|time| time.as_secs_f64()),
            memory_stall: memory.map(|memory| memory.some.total as f64 / 1e6),
            io_stall: io.map(|io| io.some.total as f64 / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Surroundings;

    #[test]
    fn what_the_machine_did_only_grows_and_holds_none_of_this_process() {
        let before = Surroundings::look();
        let mut own = 0u64;
        for n in 0..50_000_000u64 {
            own = std::hint::black_box(own.wrapping_add(n));
        }
        let after = Surroundings::look();
        let grew = |of: fn(&Surroundings) -> Option<f64>| Some(of(&after)? - of(&before)?);
        // Ticks of the processors' clocks are 10 ms long, and a reading of two clocks is none of one moment.
        assert!(grew(|it| it.others_cpu).is_none_or(|grew| grew > -0.1));
        for of in [
            |it: &Surroundings| it.stolen_cpu,
            |it: &Surroundings| it.memory_stall,
            |it: &Surroundings| it.io_stall,
        ] {
            assert!(grew(of).is_none_or(|grew| grew >= 0.0));
        }
    }
}
