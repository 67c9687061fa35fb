//! What access to a database has cost: counts, wall time, and the processor's part of it.

use rocksdb::perf::{PerfContext, PerfMetric, PerfStatsLevel, set_perf_stats};

use super::calls::UnbookedCalls;
use crate::clock::thread_cpu_ns;

/// One in this many single accesses has its CPU time read: a system call, where the access itself may
/// take little more.
const CPU_SAMPLE: u64 = 64;

/// Cumulative costs of one store. Times are nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    /// Accesses of the operator, wherever they were answered.
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Accesses that reached the database, and what they took, each or in groups.
    pub(crate) read_samples: u64,
    pub(crate) read_ns: u64,
    pub(crate) write_samples: u64,
    pub(crate) write_ns: u64,
    /// What it took to write and link files for checkpoints, and to open the database anew.
    pub(crate) kept_ns: u64,
    /// CPU time of all of them.
    pub(crate) cpu_ns: u64,
    /// Blocks that reads of this store needed: found in the block cache, or read from files.
    pub(crate) block_cache_hits: u64,
    pub(crate) block_reads: u64,
    pub(crate) block_read_bytes: u64,
}

impl Meter {
    pub(crate) fn wall_ns(&self) -> u64 {
        self.read_ns + self.write_ns + self.kept_ns
    }

    pub(crate) fn has_read(&mut self, keys: usize, spent: Spent) {
        self.read_samples += keys as u64;
        self.read_ns += spent.wall_ns;
        self.cpu_ns += spent.cpu_ns;
    }

    pub(crate) fn has_written(&mut self, keys: usize, spent: Spent) {
        self.write_samples += keys as u64;
        self.write_ns += spent.wall_ns;
        self.cpu_ns += spent.cpu_ns;
    }

    /// Work for the database as a whole.
    pub(crate) fn has_kept(&mut self, spent: Spent) {
        self.kept_ns += spent.wall_ns;
        self.cpu_ns += spent.cpu_ns;
    }
}

/// What some work took, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    wall_ns: u64,
    cpu_ns: u64,
}

/// Work under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began {
    cpu_ns: Option<u64>,
    /// One of many: stands for those whose CPU time is not read.
    is_sample: bool,
}

/// Times work in the database. CPU time is read for groups, and for one in 64 single accesses; the
/// others are given the share of their wall time that those had.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    calls: UnbookedCalls,
    singles: u64,
    /// What single accesses whose CPU time was read have taken.
    sampled: Spent,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let nothing = Spent {
            wall_ns: 0,
            cpu_ns: 0,
        };
        Stopwatch {
            calls: UnbookedCalls::new(),
            singles: 0,
            sampled: nothing,
        }
    }

    /// The calls that it times, as far as nobody has booked them.
    pub(crate) fn calls(&self) -> &UnbookedCalls {
        &self.calls
    }

    pub(crate) fn group_begins(&self) -> Began {
        self.calls.begins();
        Began {
            cpu_ns: Some(thread_cpu_ns()),
            is_sample: false,
        }
    }

    pub(crate) fn single_begins(&mut self) -> Began {
        self.singles += 1;
        match self.singles % CPU_SAMPLE {
            1 => Began {
                is_sample: true,
                ..self.group_begins()
            },
            _ => {
                self.calls.begins();
                Began {
                    cpu_ns: None,
                    is_sample: false,
                }
            }
        }
    }

    pub(crate) fn ends(&mut self, began: Began) -> Spent {
        let cpu_ended_ns = began.cpu_ns.map(|_| thread_cpu_ns());
        let wall_ns = self.calls.returns();
        let (Some(cpu_began_ns), Some(cpu_ended_ns)) = (began.cpu_ns, cpu_ended_ns) else {
            let share = self.sampled.cpu_ns as f64 / self.sampled.wall_ns.max(1) as f64;
            let cpu_ns = (wall_ns as f64 * share) as u64;
            return Spent { wall_ns, cpu_ns };
        };
        // Two clocks: they differ by the time between reading one and the other.
        let cpu_ns = (cpu_ended_ns - cpu_began_ns).min(wall_ns);
        if began.is_sample {
            self.sampled.wall_ns += wall_ns;
            self.sampled.cpu_ns += cpu_ns;
        }
        Spent { wall_ns, cpu_ns }
    }
}

/// RocksDB's counters of this thread, from here on. Belongs to the thread: not to be kept over a wait.
pub(crate) struct BlockCounts {
    context: PerfContext,
    before: [u64; 3],
}

impl BlockCounts {
    pub(crate) fn begin() -> Self {
        set_perf_stats(PerfStatsLevel::EnableCount);
        let context = PerfContext::default();
        BlockCounts {
            before: Self::read(&context),
            context,
        }
    }

    pub(crate) fn add_to(self, meter: &mut Meter) {
        let now = Self::read(&self.context);
        meter.block_cache_hits += now[0] - self.before[0];
        meter.block_reads += now[1] - self.before[1];
        meter.block_read_bytes += now[2] - self.before[2];
    }

    fn read(context: &PerfContext) -> [u64; 3] {
        [
            PerfMetric::BlockCacheHitCount,
            PerfMetric::BlockReadCount,
            PerfMetric::BlockReadByte,
        ]
        .map(|metric| context.metric(metric))
    }
}
