//! The operators of `slow-operator` that are more than a function.
//!
//! Injected costs are exact on average: a sleep overshoots by a quarter at 300 us, and a spin ends a little late, so
//! what was spent too much on one record is taken from the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::{Batch, Clock, Operator, OperatorContext, OperatorError, Row, Rows, thread_cpu_ns};

use super::cost::CostModel;
use super::event::{Line, Record};

/// Parses lines; an unreadable one fails the job.
#[derive(Debug, Clone, Copy)]
pub struct Parse;

impl Operator<Line, Record> for Parse {
    fn process(
        &mut self,
        rows: Rows<'_, Line>,
        out: &mut Batch<Record>,
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

    /// Spends what a record costs.
    pub fn charge(&mut self, record: u64, context: &OperatorContext<'_, '_>) {
        self.spend(self.model.cost_ns(record), || context.cancelled());
    }

    /// As [`CpuCost::charge`], where nobody can say that the job is being cancelled.
    pub(crate) fn compute(&mut self, record: u64) {
        self.spend(self.model.cost_ns(record), || false);
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
        rows: Rows<'_, Record>,
        out: &mut Batch<Record>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.charge(row.value.id, context);
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

    /// Waits as long as a record costs. Once cancelled nothing waits any more.
    pub fn charge(&mut self, record: u64, context: &mut OperatorContext<'_, '_>) {
        let cost_ns = self.model.cost_ns(record);
        if cost_ns > 0 {
            self.free_ns = self
                .free_ns
                .max(context.arrived_ns())
                .saturating_add(cost_ns);
            context.block_until(self.free_ns);
        }
    }
}

impl Operator<Record, Record> for BlockingCost {
    fn process(
        &mut self,
        rows: Rows<'_, Record>,
        out: &mut Batch<Record>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            // Cancelled or not, every record is handed on: none may vanish.
            self.charge(row.value.id, context);
            out.push(row);
        }
        Ok(())
    }
}

/// Makes external calls of which several may be under way.
#[derive(Debug)]
pub struct AsyncCost {
    model: CostModel,
    clock: Clock,
    /// Nanoseconds by which earlier calls took longer than they should have.
    overspent_ns: Arc<AtomicU64>,
}

/// More of a call's lateness is not made up for: the timer rounds up to whole milliseconds and its thread has to wake
/// up, but whatever lies beyond is the subtask that did not look, and a real call would not be faster next time.
const LONGEST_OVERSHOOT_NS: u64 = 2_500_000;

impl AsyncCost {
    /// Costs as in `model`.
    pub fn new(model: CostModel) -> AsyncCost {
        AsyncCost {
            model,
            clock: Clock::start(),
            overspent_ns: Arc::default(),
        }
    }

    /// A call that returns its record when its cost has passed.
    pub fn call(&self, record: Record) -> impl Future<Output = Record> + Send + use<> {
        let (cost_ns, clock) = (self.model.cost_ns(record.id), self.clock);
        let overspent = Arc::clone(&self.overspent_ns);
        async move {
            // All calls of a subtask run in its own thread of control, so nothing comes between load and store.
            let begin_ns = clock.now();
            let made_up_ns = overspent.load(Ordering::Relaxed).min(cost_ns);
            overspent.fetch_sub(made_up_ns, Ordering::Relaxed);
            let due_ns = cost_ns - made_up_ns;
            tokio::time::sleep(Duration::from_nanos(due_ns)).await;
            let late_ns = (clock.now() - begin_ns).saturating_sub(due_ns);
            overspent.fetch_add(late_ns.min(LONGEST_OVERSHOOT_NS), Ordering::Relaxed);
            record
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::{CostKind, CostSpec, Distribution};
    use super::*;

    #[test]
    fn the_cpu_time_spent_is_the_cost_on_average() {
        let distribution = Distribution::Exponential;
        let mean = Duration::from_micros(20);
        let model = CostModel::new(
            &CostSpec {
                kind: CostKind::Cpu,
                mean,
                distribution,
            },
            1.0,
            1,
        );
        let due_ns: u64 = (0..1_000).map(|record| model.cost_ns(record)).sum();
        let mut cost = CpuCost::new(model);
        let begin_ns = thread_cpu_ns();
        (0..1_000).for_each(|record| cost.spend(model.cost_ns(record), || false));
        let spent_ns = thread_cpu_ns() - begin_ns;
        assert!(
            spent_ns >= due_ns && spent_ns < due_ns + due_ns / 20,
            "{spent_ns} of {due_ns}"
        );
    }
}
