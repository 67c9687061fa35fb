//! What every counter of a record has in common: it may not be measured, it only grows within an
//! attempt of its subtask, and it begins anew with the next.

use std::collections::HashMap;
use std::marker::PhantomData;

/// Values of the `N` counters that `C` names, or differences of them; `None` where one is not
/// measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts<C, const N: usize> {
    pub(super) values: [Option<u64>; N],
    names: PhantomData<C>,
}

impl<C, const N: usize> Default for Counts<C, N> {
    fn default() -> Self {
        Counts::new([None; N])
    }
}

impl<C, const N: usize> Counts<C, N> {
    pub(super) fn new(values: [Option<u64>; N]) -> Self {
        Counts {
            values,
            names: PhantomData,
        }
    }

    /// A counter that went back within an attempt (a damaged file) counts as standing still.
    fn since(&self, earlier: &Self) -> Self {
        let pairs: [_; N] = std::array::from_fn(|at| self.values[at].zip(earlier.values[at]));
        Counts::new(pairs.map(|pair| pair.map(|(now, then)| now.saturating_sub(then))))
    }

    /// Adds what is measured; a counter stays `None` only if it is in both.
    pub(crate) fn add(&mut self, more: &Self) {
        for (total, more) in self.values.iter_mut().zip(more.values) {
            if let Some(more) = more {
                *total = Some(total.unwrap_or(0).saturating_add(more));
            }
        }
    }
}

/// Where and when counters were read.
pub(super) struct Place<'a> {
    pub(super) task: &'a str,
    pub(super) subtask: u32,
    pub(super) attempt: u32,
    pub(super) t_ms: u64,
}

/// What was counted between two consecutive samples of one attempt of a subtask.
pub(super) struct Counted<C, const N: usize> {
    /// Position of the task's name, in the order of first appearance.
    pub(super) task: usize,
    pub(super) from_ms: u64,
    pub(super) counts: Counts<C, N>,
}

/// The last sample of every subtask.
pub(super) struct Samples<C, const N: usize> {
    tasks: HashMap<String, usize>,
    previous: HashMap<(usize, u32), Sample<C, N>>,
}

#[derive(Clone, Copy)]
struct Sample<C, const N: usize> {
    t_ms: u64,
    attempt: u32,
    counts: Counts<C, N>,
}

impl<C, const N: usize> Default for Samples<C, N> {
    fn default() -> Self {
        Samples {
            tasks: HashMap::new(),
            previous: HashMap::new(),
        }
    }
}

impl<C: Copy, const N: usize> Samples<C, N> {
    /// Names are known beforehand where a plan is.
    pub(super) fn new<'a>(tasks: impl Iterator<Item = &'a str>) -> Self {
        let tasks = tasks
            .enumerate()
            .map(|(at, name)| (name.to_owned(), at))
            .collect();
        Samples {
            tasks,
            previous: HashMap::new(),
        }
    }

    /// The difference to the subtask's previous sample; `None` for the first of an attempt and for
    /// those that are out of order.
    pub(super) fn feed(
        &mut self,
        place: &Place<'_>,
        counts: Counts<C, N>,
    ) -> Option<Counted<C, N>> {
        let task = self.position(place.task);
        let now = Sample {
            t_ms: place.t_ms,
            attempt: place.attempt,
            counts,
        };
        let before = self.previous.insert((task, place.subtask), now)?;
        let comparable = before.attempt == now.attempt && before.t_ms <= now.t_ms;
        comparable.then(|| Counted {
            task,
            from_ms: before.t_ms,
            counts: now.counts.since(&before.counts),
        })
    }

    /// Names of all tasks seen or known, by position.
    pub(super) fn into_task_names(self) -> Vec<String> {
        let mut names = vec![String::new(); self.tasks.len()];
        for (name, at) in self.tasks {
            names[at] = name;
        }
        names
    }

    /// Position of a task's name, which is known from then on.
    pub(super) fn position(&mut self, task: &str) -> usize {
        if let Some(&at) = self.tasks.get(task) {
            return at;
        }
        let at = self.tasks.len();
        self.tasks.insert(task.to_owned(), at);
        at
    }
}
