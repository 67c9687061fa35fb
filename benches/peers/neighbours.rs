//! What other processes, and the machine below a virtual one, took meanwhile. A contestant with as
//! many threads as the machine has cores loses half its speed to one busy neighbour, one with a
//! single thread loses nothing: ratios between the two are then about the neighbour.

use procfs::{CurrentSI, KernelStats, process::Process};

/// Cores taken by others above which a run was disturbed.
const DISTURBING_CORES: f64 = 0.25;

/// Clock ticks since the start of the machine, summed over its cores.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    cores: usize,
    total: u64,
    busy: u64,
    own: u64,
}

impl Ticks {
    /// As of now; `None` where procfs cannot be read.
    pub fn now() -> Option<Ticks> {
        let own = Process::myself().ok()?.stat().ok()?;
        let machine = KernelStats::current().ok()?;
        let cpu = machine.total;
        let idle = cpu.idle + cpu.iowait.unwrap_or(0);
        let interrupts = cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0);
        let busy = cpu.user + cpu.nice + cpu.system + interrupts + cpu.steal.unwrap_or(0);
        // Processes that this one started and waited for are its own.
        let children = own.cutime.max(0).unsigned_abs() + own.cstime.max(0).unsigned_abs();
        Some(Ticks {
            cores: machine.cpu_time.len(),
            total: busy + idle,
            busy,
            own: own.utime + own.stime + children,
        })
    }

    /// Cores that others took since `before`, on average; `None` if no time has passed.
    pub fn cores_of_others_since(&self, before: &Ticks) -> Option<f64> {
        let total = self
            .total
            .checked_sub(before.total)
            .filter(|&total| total > 0)?;
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.own.saturating_sub(before.own));
        Some(others as f64 / total as f64 * self.cores as f64)
    }
}

/// How many of the runs were disturbed, in words.
pub fn sentence(cores_of_others: impl Iterator<Item = Option<f64>>) -> String {
    let known: Option<Vec<f64>> = cores_of_others.collect();
    match known {
        Some(known) if !known.is_empty() => {
            let disturbed = known
                .iter()
                .filter(|&&cores| cores > DISTURBING_CORES)
                .count();
            let percent = 100.0 * disturbed as f64 / known.len() as f64;
            format!("in {percent:.0} % of the runs others took over {DISTURBING_CORES} cores")
        }
        _ => "what others took is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_took_what_was_busy_and_not_ones_own() {
        let ticks = |total, busy, own| Ticks {
            cores: 2,
            total,
            busy,
            own,
        };
        let others = ticks(1_200, 650, 180).cores_of_others_since(&ticks(1_000, 500, 80));
        assert_eq!(others, Some(0.5));
        // Ticks of processes are counted elsewhere than those of cores.
        let others = ticks(1_200, 600, 190).cores_of_others_since(&ticks(1_000, 500, 80));
        assert_eq!(others, Some(0.0));
        let sentence = sentence([0.0, 0.3, 0.1, 1.0].map(Some).into_iter());
        assert_eq!(sentence, "in 50 % of the runs others took over 0.25 cores");
        assert_eq!(ticks(5, 1, 1).cores_of_others_since(&ticks(5, 1, 1)), None);
    }
}
