//! The operator `aggregate`: running sums per key, at a cost for every row.

use std::marker::PhantomData;

use engine::{
    Batch, KeyedProcess, KeyedState, OperatorContext, OperatorError, Row, Rows, StateContext,
    ValueState,
};

use super::sums::{Contribution, RunningTotal};
use crate::slow_operator::{CostSpec, SerialCost};

/// Running sums per key. The cost belongs to the operator itself, so that the subtask of a hot key shows as busy.
#[derive(Debug)]
pub struct CostlyAggregate<T> {
    cost: SerialCost,
    totals: Option<ValueState<u32, RunningTotal>>,
    marker: PhantomData<fn(T)>,
}

impl<T> CostlyAggregate<T> {
    /// One subtask; each row costs what `cost` says, by the row's number.
    pub fn new(cost: &CostSpec, seed: u64) -> CostlyAggregate<T> {
        CostlyAggregate {
            cost: SerialCost::new(cost, seed),
            totals: None,
            marker: PhantomData,
        }
    }
}

impl<T: Contribution> KeyedProcess<u32, T, RunningTotal> for CostlyAggregate<T> {
    fn open(&mut self, state: &mut StateContext) {
        self.totals = Some(state.value("total"));
    }

    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState)) {
        self.totals.iter_mut().for_each(|totals| visit(totals));
    }

    #[inline]
    fn process(
        &mut self,
        &key: &u32,
        row: Row<T>,
        out: &mut Batch<RunningTotal>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.cost.charge(row.value.number(), context);
        let sums = row.value.sums();
        let totals = self.totals.as_mut().expect("opened before the first row");
        let value = totals.update(
            &key,
            || RunningTotal::none(key),
            |total| {
                total.update(&sums);
                *total
            },
        )?;
        out.push(Row {
            tag: row.tag,
            value,
        });
        Ok(())
    }

    fn process_run(
        &mut self,
        _key: &mut impl FnMut(&T) -> u32,
        rows: Rows<'_, T>,
        out: &mut Batch<RunningTotal>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let totals = self.totals.as_mut().expect("opened before the first row");
        totals.prefetch(rows.values().iter().map(T::key))?;
        for row in rows {
            self.process(&row.value.key(), row, out, context)?;
        }
        Ok(())
    }
}
