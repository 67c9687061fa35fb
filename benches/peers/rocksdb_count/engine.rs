//! The job on the embedded engine, with its state in RocksDB.

use engine::StateBackend;

use super::config;
use crate::embedded;
use crate::input::Input;
use crate::lap::Run;
use crate::running_count;

pub fn run(input: &Input, parallelism: usize, write_back_cache: u64) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let state = StateBackend::RocksDb(config(folder.path(), write_back_cache));
    embedded::run(input, parallelism, state, running_count::engine::build)
}
