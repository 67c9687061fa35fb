//! How a job runs on timely dataflow: one worker thread per degree of parallelism.

use std::sync::Arc;

use ::timely::Config;
use ::timely::worker::Worker;
use anyhow::anyhow;

use crate::input::Input;
use crate::lap::{Lap, Run};

/// Lets every worker do `work`, which builds the dataflow, feeds it, and steps until all is done.
pub fn run(
    input: &Input,
    parallelism: usize,
    work: fn(&mut Worker, &Input, &Lap),
) -> anyhow::Result<Run> {
    let config = match parallelism {
        1 => Config::thread(),
        more => Config::process(more),
    };
    let (input, lap) = (input.clone(), Arc::new(Lap::new()));
    let shared = Arc::clone(&lap);
    let workers = ::timely::execute(config, move |worker| work(worker, &input, &shared));
    for worker in workers.map_err(|error| anyhow!("timely: {error}"))?.join() {
        worker.map_err(|error| anyhow!("timely: {error}"))?;
    }
    Ok(lap.run())
}
