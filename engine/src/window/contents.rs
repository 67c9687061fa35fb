//! What a window keeps of its elements, and what it says of them when it fires.

use std::iter::Once;
use std::marker::PhantomData;

use crate::data::Data;
use crate::keyed::Aggregate;
use crate::window::Firing;

/// An [`Aggregate`] whose accumulators can be merged: over sessions that become one, and over the
/// slices of a sliding window.
///
/// Merging must give what adding the elements one by one would have given, in any order: elements
/// are not sorted by time, and slices are merged in whatever grouping costs least.
pub trait WindowAggregate<K, In>: Aggregate<K, In> {
    /// Takes what `other` has seen into `into`.
    fn merge(&self, into: &mut Self::Accumulator, other: &Self::Accumulator);
}

/// What a window keeps, and what it says.
pub trait WindowContents<K, In>: Send {
    /// What is kept per key and window.
    type State: Data;
    /// What is said.
    type Out;
    /// All that is said at one firing.
    type Fired: IntoIterator<Item = Self::Out>;

    /// The state of a window without elements.
    fn create(&self) -> Self::State;
    /// Takes one element in.
    fn add(&self, state: &mut Self::State, value: In);
    /// Takes in what another window or slice of the same key has seen.
    fn merge(&self, into: &mut Self::State, other: &Self::State);
    /// What the window says of what it has seen.
    fn fire(&mut self, key: &K, firing: &Firing, state: &Self::State) -> Self::Fired;
}

/// An aggregate: its result is what the window says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aggregated<A>(pub A);

impl<K, In, A: WindowAggregate<K, In>> WindowContents<K, In> for Aggregated<A> {
    type State = A::Accumulator;
    type Out = A::Out;
    type Fired = Once<A::Out>;

    fn create(&self) -> A::Accumulator {
        self.0.create()
    }

    #[inline]
    fn add(&self, state: &mut A::Accumulator, value: In) {
        self.0.add(state, value);
    }

    fn merge(&self, into: &mut A::Accumulator, other: &A::Accumulator) {
        self.0.merge(into, other);
    }

    fn fire(&mut self, key: &K, _firing: &Firing, state: &A::Accumulator) -> Once<A::Out> {
        std::iter::once(self.0.result(key, state))
    }
}

/// An aggregate and a window function that sees its result beside the key and the window.
#[derive(Clone, Copy, Debug)]
pub struct AggregatedThen<A, F> {
    aggregate: A,
    function: F,
}

impl<A, F> AggregatedThen<A, F> {
    /// `function` makes any number of records of a key, a firing and the aggregate's result.
    pub fn new(aggregate: A, function: F) -> Self {
        AggregatedThen {
            aggregate,
            function,
        }
    }
}

impl<K, In, A, F, Fired> WindowContents<K, In> for AggregatedThen<A, F>
where
    A: WindowAggregate<K, In>,
    F: FnMut(&K, &Firing, A::Out) -> Fired + Send,
    Fired: IntoIterator,
{
    type State = A::Accumulator;
    type Out = Fired::Item;
    type Fired = Fired;

    fn create(&self) -> A::Accumulator {
        self.aggregate.create()
    }

    #[inline]
    fn add(&self, state: &mut A::Accumulator, value: In) {
        self.aggregate.add(state, value);
    }

    fn merge(&self, into: &mut A::Accumulator, other: &A::Accumulator) {
        self.aggregate.merge(into, other);
    }

    fn fire(&mut self, key: &K, firing: &Firing, state: &A::Accumulator) -> Fired {
        (self.function)(key, firing, self.aggregate.result(key, state))
    }
}

/// All elements, in the order in which they came, and a window function that sees them.
#[derive(Clone, Copy, Debug)]
pub struct AllElements<F, In> {
    function: F,
    element: PhantomData<fn(In)>,
}

impl<F, In> AllElements<F, In> {
    /// `function` makes any number of records of a key, a firing and the elements.
    pub fn new(function: F) -> Self {
        AllElements {
            function,
            element: PhantomData,
        }
    }
}

impl<K, In, F, Fired> WindowContents<K, In> for AllElements<F, In>
where
    In: Data + Clone,
    F: FnMut(&K, &Firing, &[In]) -> Fired + Send,
    Fired: IntoIterator,
{
    type State = Vec<In>;
    type Out = Fired::Item;
    type Fired = Fired;

    fn create(&self) -> Vec<In> {
        Vec::new()
    }

    #[inline]
    fn add(&self, state: &mut Vec<In>, value: In) {
        state.push(value);
    }

    fn merge(&self, into: &mut Vec<In>, other: &Vec<In>) {
        into.extend_from_slice(other);
    }

    fn fire(&mut self, key: &K, firing: &Firing, state: &Vec<In>) -> Fired {
        (self.function)(key, firing, state)
    }
}
