//! Fills a state before the job's time begins.

use engine::{PrepareContext, StateError};

use super::population::Population;

/// Keys between two looks at who waits for this.
const LOOK: u64 = 1024;

/// Calls `put` with every preloaded key that the subtask owns; ends early if it is cancelled.
pub(super) fn preload(
    population: &Population,
    context: &PrepareContext,
    mut put: impl FnMut(u32) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut unsaid = 0;
    for key in 0..population.preloaded() {
        if !context.owns(&key) {
            continue;
        }
        put(key)?;
        unsaid += 1;
        if unsaid == LOOK {
            context.done(std::mem::take(&mut unsaid));
            if context.cancelled() {
                return Ok(());
            }
        }
    }
    context.done(unsaid);
    Ok(())
}
