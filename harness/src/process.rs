//! What this process uses: memory, and the CPU time of the harness's own threads.
//!
//! The instrument reports its own cost: each of its threads adds its CPU time here, and the record
//! shows the sum beside the whole process's.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::thread_cpu_ns;

/// Threads whose cost is counted: control, sampler, writer.
const THREADS: usize = 3;

/// One of the harness's own threads.
#[derive(Clone, Copy, Debug)]
pub enum OwnThread {
    /// The thread that drives the phases.
    Control,
    /// The thread that takes the samples.
    Sampler,
    /// The thread that writes the record.
    Writer,
}

/// CPU time of the harness's own threads in nanoseconds, each reported by the thread itself.
#[derive(Debug, Default)]
pub struct OwnCpu {
    threads_ns: [AtomicU64; THREADS],
}

impl OwnCpu {
    /// Publishes the calling thread's CPU time so far; called from that thread, now and then.
    pub fn publish(&self, thread: OwnThread) {
        self.threads_ns[thread as usize].store(thread_cpu_ns(), Ordering::Relaxed);
    }

    /// The sum over the threads, as of what each last published.
    pub fn total_ns(&self) -> u64 {
        self.threads_ns
            .iter()
            .map(|cell| cell.load(Ordering::Relaxed))
            .sum()
    }
}

/// Resident memory of this process in bytes, `None` where procfs cannot be read.
pub fn resident_bytes() -> Option<u64> {
    // `procfs::process::Process` would look at half a dozen files first, once per sample.
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * procfs::page_size())
}
