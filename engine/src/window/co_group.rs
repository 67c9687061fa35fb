//! Two streams that meet in windows: elements of either side of one key and window, together.
//!
//! As in Flink, a co-group is the union of both streams, each element marked with its side, in an
//! ordinary window; so every kind of window, trigger and lateness works here too.

use std::marker::PhantomData;

use crate::data::{Data, Decode, Encode};
use crate::side::Side;
use crate::window::Firing;
use crate::window::contents::WindowContents;

/// The elements of both sides, each in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BothSides<L, R> {
    left: Vec<L>,
    right: Vec<R>,
}

impl<L, R> BothSides<L, R> {
    fn new() -> Self {
        BothSides {
            left: Vec::new(),
            right: Vec::new(),
        }
    }

    fn add(&mut self, value: Side<L, R>) {
        match value {
            Side::Left(value) => self.left.push(value),
            Side::Right(value) => self.right.push(value),
        }
    }

    fn merge(&mut self, other: &Self)
    where
        L: Clone,
        R: Clone,
    {
        self.left.extend_from_slice(&other.left);
        self.right.extend_from_slice(&other.right);
    }
}

/// A function of all elements of both sides; called where at least one side has some.
#[derive(Clone, Copy, Debug)]
pub struct CoGroup<F> {
    function: F,
}

impl<F> CoGroup<F> {
    /// `function` makes any number of records of a key, a firing, and the elements of both sides.
    pub fn new(function: F) -> Self {
        CoGroup { function }
    }
}

impl<K, L, R, F, Fired> WindowContents<K, Side<L, R>> for CoGroup<F>
where
    L: Data + Clone,
    R: Data + Clone,
    F: FnMut(&K, &Firing, &[L], &[R]) -> Fired + Send,
    Fired: IntoIterator,
{
    type State = BothSides<L, R>;
    type Out = Fired::Item;
    type Fired = Fired;

    fn create(&self) -> Self::State {
        BothSides::new()
    }

    fn add(&self, state: &mut Self::State, value: Side<L, R>) {
        state.add(value);
    }

    fn merge(&self, into: &mut Self::State, other: &Self::State) {
        into.merge(other);
    }

    fn fire(&mut self, key: &K, firing: &Firing, state: &Self::State) -> Fired {
        (self.function)(key, firing, &state.left, &state.right)
    }
}

/// A function of every pair of elements, one of each side: the inner join of a window.
#[derive(Clone, Copy, Debug)]
pub struct WindowJoin<F, Out> {
    function: F,
    out: PhantomData<fn() -> Out>,
}

impl<F, Out> WindowJoin<F, Out> {
    /// `function` makes one record of a key, a left and a right element.
    pub fn new(function: F) -> Self {
        WindowJoin {
            function,
            out: PhantomData,
        }
    }
}

impl<K, L, R, Out, F> WindowContents<K, Side<L, R>> for WindowJoin<F, Out>
where
    L: Data + Clone,
    R: Data + Clone,
    F: FnMut(&K, &L, &R) -> Out + Send,
{
    type State = BothSides<L, R>;
    type Out = Out;
    type Fired = Vec<Out>;

    fn create(&self) -> Self::State {
        BothSides::new()
    }

    fn add(&self, state: &mut Self::State, value: Side<L, R>) {
        state.add(value);
    }

    fn merge(&self, into: &mut Self::State, other: &Self::State) {
        into.merge(other);
    }

    /// Pairs come left element by left element.
    fn fire(&mut self, key: &K, _firing: &Firing, state: &Self::State) -> Vec<Out> {
        let function = &mut self.function;
        let mut pairs = Vec::with_capacity(state.left.len().saturating_mul(state.right.len()));
        for left in &state.left {
            pairs.extend(state.right.iter().map(|right| function(key, left, right)));
        }
        pairs
    }
}
