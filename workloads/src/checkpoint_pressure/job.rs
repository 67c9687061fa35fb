//! The job of `checkpoint-pressure`: that of `state-growth`, with an operator between the state and the sink.

use engine::{Batch, Operator, OperatorContext, OperatorError, Rows, Stream};

use super::spec::CheckpointPressureSpec;
use crate::jobs::{Built, Wiring};
use crate::slow_operator::{CostKind, SerialCost};
use crate::state_growth::{Answer, ProfileEvents, build_profiles_behind};

/// Names of the operators.
pub const OPERATORS: &[&str] = &["source", "parse", "profile", "deliver", "sink"];

/// The job with its sources and its verifier.
pub fn build(spec: &CheckpointPressureSpec, wiring: Wiring<ProfileEvents>) -> Built {
    let (cost, seed) = (spec.cost.clone(), wiring.seed());
    build_profiles_behind(&spec.state(), wiring, move |answers: Stream<Answer>| {
        let is_blocking = cost.kind == CostKind::Blocking;
        let deliver = move |_: &_| Deliver(SerialCost::new(&cost, seed));
        let delivered = answers.rebalance().operator("deliver", deliver);
        match is_blocking {
            true => delivered.blocking(),
            false => delivered,
        }
    })
}

/// The operator `deliver`: hands answers on, at a cost for each. Its accounts with the clock begin anew when the job
/// does: what it had overspent or had still to wait is no result.
struct Deliver(SerialCost);

impl Operator<Answer, Answer> for Deliver {
    fn process(
        &mut self,
        rows: Rows<'_, Answer>,
        out: &mut Batch<Answer>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.0.charge(row.value.id, context);
            out.push(row);
        }
        Ok(())
    }
}
