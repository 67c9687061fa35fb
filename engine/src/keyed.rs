//! Operators on keyed streams: user-written processes with state, and running aggregates.

pub(crate) mod timed;
pub(crate) mod timer_service;

use crate::batch::{Batch, Loop, Rows};
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::data::{Data, Key, Row};
use crate::operator::{Operator, OperatorContext, OperatorError};
use crate::prepare::PrepareContext;
use crate::state::backend::KeyedBackend;
use crate::state::saved::KeyedState;
use crate::state::value::ValueState;
use crate::state::{StateContext, StateError};
use crate::top_keys::KeySketch;

/// A user-written operator on a keyed stream. All rows of one key reach the same subtask.
pub trait KeyedProcess<K, In, Out>: Send {
    /// Opens the states it needs; called once, before anything else.
    fn open(&mut self, state: &mut StateContext);

    /// Shows every state that it opened, once each: this is how they get into a checkpoint, and out
    /// of it. Asked for at any time after [`open`](Self::open).
    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState));

    /// Before the job's time begins: may fill its states with what they are to begin with.
    fn prepare(&mut self, _context: &PrepareContext) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Takes one row, appends what comes of it to `out`.
    fn process(
        &mut self,
        key: &K,
        row: Row<In>,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError>;

    /// Takes a run of rows, whose keys `key` tells. Where one by one is not fast enough, a process
    /// may override this to touch its state once per run.
    #[inline]
    fn process_run(
        &mut self,
        key: &mut impl FnMut(&In) -> K,
        rows: Rows<'_, In>,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.process(&key(&row.value), row, out, context)?;
        }
        Ok(())
    }

    /// The input has ended: appends what is still owed to `out`.
    fn finish(
        &mut self,
        _out: &mut Batch<Out>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// A fold over the rows of a key.
pub trait Aggregate<K, In>: Send {
    /// What is kept per key.
    type Accumulator: Data;
    /// What it says after each row.
    type Out: Data;

    /// The accumulator of a key without rows.
    fn create(&self) -> Self::Accumulator;
    /// Takes one value in.
    fn add(&self, accumulator: &mut Self::Accumulator, value: In);
    /// The result so far.
    fn result(&self, key: &K, accumulator: &Self::Accumulator) -> Self::Out;
}

/// Calls a process with each row's key, and keeps a sketch of which keys weigh most.
pub(crate) struct KeyedOperator<K, F, P> {
    key: F,
    process: P,
    backend: KeyedBackend,
    sketch: KeySketch<K>,
}

impl<K, F, P> KeyedOperator<K, F, P> {
    pub(crate) fn new(key: F, process: P, backend: KeyedBackend, sketch: KeySketch<K>) -> Self {
        KeyedOperator {
            key,
            process,
            backend,
            sketch,
        }
    }
}

impl<K, In, Out, F, P> Operator<In, Out> for KeyedOperator<K, F, P>
where
    K: Key,
    F: FnMut(&In) -> K + Send,
    P: KeyedProcess<K, In, Out>,
{
    fn prepare(&mut self, context: &PrepareContext) -> Result<(), OperatorError> {
        self.process.prepare(context)?;
        Ok(self.backend.settle()?)
    }

    fn process(
        &mut self,
        rows: Rows<'_, In>,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.sketch.observe(rows.values(), &mut self.key);
        let count = rows.values().len();
        let run = self.backend.begin(context.slice)?;
        self.process
            .process_run(&mut self.key, rows, out, context)?;
        Ok(self.backend.end(run, count, context.slice)?)
    }

    fn next_timer_ns(&self) -> Option<u64> {
        self.backend.due_ns()
    }

    fn timer(
        &mut self,
        _now_ns: u64,
        _out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let run = self.backend.begin(context.slice)?;
        Ok(self.backend.end(run, 0, context.slice)?)
    }

    fn finish(
        &mut self,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let run = self.backend.begin(context.slice)?;
        self.process.finish(out, context)?;
        Ok(self.backend.end(run, 0, context.slice)?)
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        let process = &mut self.process;
        let show = &mut |visit: &mut dyn FnMut(&mut dyn KeyedState)| process.states(visit);
        Ok(self.backend.snapshot(show, into)?)
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        let process = &mut self.process;
        let show = &mut |visit: &mut dyn FnMut(&mut dyn KeyedState)| process.states(visit);
        self.backend.restore(show, from)?;
        Ok(self.backend.settle()?)
    }
}

/// A running aggregate: one result per row, with that row's tag.
pub(crate) struct RunningAggregate<K, In, A: Aggregate<K, In>> {
    aggregate: A,
    state: Option<ValueState<K, A::Accumulator>>,
}

impl<K, In, A: Aggregate<K, In>> RunningAggregate<K, In, A> {
    pub(crate) fn new(aggregate: A) -> Self {
        RunningAggregate {
            aggregate,
            state: None,
        }
    }

    fn parts(&mut self) -> (&A, &mut ValueState<K, A::Accumulator>) {
        let state = self.state.as_mut();
        (&self.aggregate, state.expect("opened before the first row"))
    }
}

impl<K: Key, In, A: Aggregate<K, In>> KeyedProcess<K, In, A::Out> for RunningAggregate<K, In, A> {
    fn open(&mut self, state: &mut StateContext) {
        self.state = Some(state.value("accumulator"));
    }

    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState)) {
        visit(self.parts().1);
    }

    fn process(
        &mut self,
        key: &K,
        row: Row<In>,
        out: &mut Batch<A::Out>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let Row { tag, value } = row;
        let (aggregate, state) = self.parts();
        let create = || aggregate.create();
        let value = state.update(key, create, |accumulator| {
            aggregate.add(accumulator, value);
            aggregate.result(key, accumulator)
        })?;
        out.push(Row { tag, value });
        Ok(())
    }

    #[inline]
    fn process_run(
        &mut self,
        key: &mut impl FnMut(&In) -> K,
        rows: Rows<'_, In>,
        out: &mut Batch<A::Out>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let (aggregate, state) = self.parts();
        let fold = Fold {
            aggregate,
            state,
            key,
        };
        Ok(rows.transform(out, fold)?)
    }
}

/// A running aggregate's loop over a run of rows.
struct Fold<'a, K, A, V, F> {
    aggregate: &'a A,
    state: &'a mut ValueState<K, V>,
    key: &'a mut F,
}

impl<K, In, A, F> Loop<In, A::Out> for Fold<'_, K, A, A::Accumulator, F>
where
    K: Key,
    A: Aggregate<K, In>,
    F: FnMut(&In) -> K,
{
    type Result = Result<(), StateError>;

    #[inline]
    fn run(
        self,
        values: impl Iterator<Item = In>,
        out: &mut impl Extend<A::Out>,
    ) -> Result<(), StateError> {
        let (aggregate, key) = (self.aggregate, self.key);
        let create = || aggregate.create();
        let change = |key: &K, accumulator: &mut A::Accumulator, value| {
            aggregate.add(accumulator, value);
            aggregate.result(key, accumulator)
        };
        let keyed = values.map(|value| (key(&value), value));
        self.state.update_each(keyed, create, change, out)
    }
}
