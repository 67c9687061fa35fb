//! What builds the chain link of each kind of operator, once its task is built.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::async_io::{AsyncOptions, AsyncStage};
use crate::data::Data;
use crate::edge::{Build, Consumer, OperatorId, Outputs};
use crate::operator::{Operator, Sink, SubtaskContext};
use crate::stage::{OperatorStage, SinkStage, Stage};

pub(super) type MakeOperator<T, U> =
    Box<dyn Fn(&Build<'_>) -> Box<dyn Operator<T, U>> + Send + Sync>;

pub(super) struct OperatorConsumer<T, U> {
    pub(super) operator: OperatorId,
    pub(super) make: MakeOperator<T, U>,
    pub(super) outputs: Arc<Outputs<U>>,
}

impl<T: Data, U: Data> Consumer<T> for OperatorConsumer<T, U> {
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        let next = self.outputs.next_stage(build);
        Box::new(OperatorStage::new(
            (self.make)(build),
            next,
            build.counters_of(self.operator),
        ))
    }
}

pub(super) struct AsyncConsumer<U, M, C> {
    pub(super) operator: OperatorId,
    pub(super) options: AsyncOptions,
    pub(super) make: M,
    pub(super) outputs: Arc<Outputs<U>>,
    pub(super) marker: PhantomData<fn() -> C>,
}

impl<T, U, M, C, F> Consumer<T> for AsyncConsumer<U, M, C>
where
    T: Data,
    U: Data,
    M: Fn(&SubtaskContext) -> C + Send + Sync,
    C: FnMut(T) -> F + Send + 'static,
    F: Future<Output = U> + Send + 'static,
{
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        let mut call = (self.make)(&build.context);
        let start = Box::new(move |value| Box::pin(call(value)) as _);
        let next = self.outputs.next_stage(build);
        Box::new(AsyncStage::new(
            start,
            self.options,
            next,
            build.counters_of(self.operator),
        ))
    }
}

pub(super) struct SinkConsumer<M, S> {
    pub(super) operator: OperatorId,
    pub(super) make: M,
    pub(super) marker: PhantomData<fn() -> S>,
}

impl<T, M, S> Consumer<T> for SinkConsumer<M, S>
where
    T: Data,
    M: Fn(&SubtaskContext) -> S + Send + Sync,
    S: Sink<T> + 'static,
{
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        let sink = (self.make)(&build.context);
        if !sink.takes_back() {
            let uid = build.uid_of(self.operator);
            build.keeps_output.borrow_mut().push(uid);
        }
        Box::new(SinkStage::new(
            Box::new(sink),
            build.counters_of(self.operator),
        ))
    }
}
