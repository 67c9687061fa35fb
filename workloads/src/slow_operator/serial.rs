//! What an operator of another family spends on one row after another, by computing or by waiting.

use engine::OperatorContext;

use super::cost::CostModel;
use super::operator::{BlockingCost, CpuCost};
use super::spec::{CostKind, CostSpec};

/// A cost that an operator pays itself, so that it shows as busy.
#[derive(Debug)]
pub enum SerialCost {
    /// By computing.
    Cpu(CpuCost),
    /// By waiting.
    Blocking(BlockingCost),
}

impl SerialCost {
    /// Costs as `spec` says, by the number of the row that they are for.
    pub fn new(spec: &CostSpec, seed: u64) -> SerialCost {
        let model = CostModel::new(spec, 1.0, seed);
        match spec.kind {
            CostKind::Blocking => SerialCost::Blocking(BlockingCost::new(model)),
            // The families that use this do not allow asynchronous calls: nothing is to overtake anything there.
            CostKind::Cpu | CostKind::Async => SerialCost::Cpu(CpuCost::new(model)),
        }
    }

    /// Spends what row `number` costs.
    #[inline]
    pub fn charge(&mut self, number: u64, context: &mut OperatorContext<'_, '_>) {
        match self {
            SerialCost::Cpu(cost) => cost.charge(number, context),
            SerialCost::Blocking(cost) => cost.charge(number, context),
        }
    }
}
