//! What disturbed the machine, in a sentence; nothing of a quiet one.

use crate::environment::{
    CALIBRATION_BOUND, Disturbance, OTHERS_BOUND, STALL_BOUND, STOLEN_BOUND, disturbances,
};
use crate::format::share;
use crate::record::Run;

/// What the machine did beyond its bounds.
pub(crate) fn environment(run: &Run) -> Option<String> {
    let found = disturbances(run.environment.as_ref()?);
    let found: Vec<String> = found.into_iter().map(described).collect();
    (!found.is_empty()).then(|| found.join("; "))
}

fn described((what, found): (Disturbance, f64)) -> String {
    let beyond = |text: String, bound: f64| format!("{text} (bound {})", share(bound));
    match what {
        Disturbance::Others => {
            format!("other processes used {found:.2} cores (bound {OTHERS_BOUND:.2})")
        }
        Disturbance::Speed => {
            let text = format!("the same work took up to {} longer", share(found));
            beyond(text, CALIBRATION_BOUND)
        }
        Disturbance::Stolen => {
            let text = format!("a hypervisor took {} of the processors' time", share(found));
            beyond(text, STOLEN_BOUND)
        }
        Disturbance::Memory => {
            let text = format!("processes waited for memory {} of the time", share(found));
            beyond(text, STALL_BOUND)
        }
        Disturbance::Storage => {
            let text = format!("processes waited for storage {} of the time", share(found));
            beyond(text, STALL_BOUND)
        }
    }
}
