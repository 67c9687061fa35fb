//! The operators of `slow-operator` that are more than a function.
//!
//! Injected costs are exact on average: a sleep overshoots by a quarter at 300 us, and a spin ends a little late, so
//! what was spent too much on one record is taken from the next.

use std::vec::Drain;

use engine::{Operator, OperatorContext, OperatorError, Row, thread_cpu_ns};

use super::cost::CostModel;
use super::event::{Line, Record};

/// Parses lines; an unreadable one fails the job.
#[derive(Debug, Clone, Copy)]
pub struct Parse;

impl Operator<Line, Record> for Parse {
    fn process(
        &mut self,
        rows: Drain<'_, Row<Line>>,
        out: &mut Vec<Row<Record>>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            out.push(Row {
                tag: row.tag,
                value: row.value.parse()?,
            });
        }
        Ok(())
    }
}

/// Spends CPU time on each record, measured on the thread's own CPU clock: a subtask that waits for a core does not
/// get cheaper.
#[derive(Debug)]
pub struct CpuCost {
    model: CostModel,
    overspent_ns: u64,
}

impl CpuCost {
    /// Costs as in `model`.
    pub fn new(model: CostModel) -> CpuCost {
        CpuCost {
            model,
            overspent_ns: 0,
        }
    }

    fn spend(&mut self, cost_ns: u64, cancelled: impl Fn() -> bool) {
        let Some(due_ns) = cost_ns.checked_sub(self.overspent_ns) else {
            self.overspent_ns -= cost_ns;
            return;
        };
        self.overspent_ns = 0;
        if due_ns == 0 {
            return;
        }
        let begin_ns = thread_cpu_ns();
        loop {
            let spent_ns = thread_cpu_ns() - begin_ns;
            if spent_ns >= due_ns || cancelled() {
                self.overspent_ns = spent_ns.saturating_sub(due_ns);
                return;
            }
            std::hint::spin_loop();
        }
    }
}

impl Operator<Record, Record> for CpuCost {
    fn process(
        &mut self,
        rows: Drain<'_, Row<Record>>,
        out: &mut Vec<Row<Record>>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.spend(self.model.cost_ns(row.value.id), || context.cancelled());
            out.push(row);
        }
        Ok(())
    }
}

/// Waits for one external call per record, as a virtual server: a record leaves at
/// max(arrival, departure of the one before) + cost, and the wait ends when that time has come.
#[derive(Debug)]
pub struct BlockingCost {
    model: CostModel,
    free_ns: u64,
}

impl BlockingCost {
    /// Costs as in `model`.
    pub fn new(model: CostModel) -> BlockingCost {
        BlockingCost { model, free_ns: 0 }
    }
}

impl Operator<Record, Record> for BlockingCost {
    fn process(
        &mut self,
        rows: Drain<'_, Row<Record>>,
        out: &mut Vec<Row<Record>>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            let cost_ns = self.model.cost_ns(row.value.id);
            if cost_ns > 0 {
                self.free_ns = self
                    .free_ns
                    .max(context.arrived_ns())
                    .saturating_add(cost_ns);
                // Once cancelled nothing waits any more, but every record is still handed on: none may vanish.
                context.block_until(self.free_ns);
            }
            out.push(row);
        }
        Ok(())
    }
}
