//! One state of the whole: job, writers, coordinator, and what is left to happen.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::Mutation;
use super::cut::{Cut, Part};
use super::job::{Job, Token, Tokens};
use crate::checkpoint::alignment::Alignment;
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::config::{CheckpointConfig, CheckpointMode};
use crate::checkpoint::coordinator::Coordinator;

/// After this long a checkpoint is given up. No other time passes.
pub(super) const TIMEOUT_NS: u64 = 1_000;
/// Whether a barrier that may overtake rows from some time on already does so is up to whoever meets it:
/// to one it is early, to another late, in any order. Real clocks leave less freedom.
pub(super) const EARLY_NS: u64 = 0;
pub(super) const LATE_NS: u64 = u64::MAX;

/// What is searched.
pub(super) struct Model {
    pub(super) job: Job,
    pub(super) mode: CheckpointMode,
    pub(super) budget: Budget,
    pub(super) mutation: Option<Mutation>,
}

/// How often what need not happen may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Checkpoints, beside the final one.
    pub(super) checkpoints: u8,
    /// Checkpoints that fail: by a timeout, by a subtask that cannot write, by the manifest.
    pub(super) failures: u8,
    /// Crashes of the whole job.
    pub(super) crashes: u8,
    /// Checkpoints after a crash, beside the final one.
    pub(super) checkpoints_after_crash: u8,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) subtasks: Vec<Subtask>,
    pub(super) channels: Vec<VecDeque<Parcel>>,
    pub(super) coordinator: Coordinator,
    pub(super) supervisor: Supervisor,
    pub(super) budget: Budget,
    pub(super) now_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Parcel {
    Token(Token),
    Barrier(Barrier),
    End,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subtask {
    /// Of a source: its next token.
    pub(super) next: Token,
    pub(super) seen: Tokens,
    pub(super) alignment: Alignment,
    /// What lies before its operator, with its input: it has been taken, its credit is not released.
    pub(super) current: Option<(usize, Token)>,
    /// What waits for credit, with its channel; barriers may lie behind it.
    pub(super) unsent: VecDeque<(usize, Parcel)>,
    /// Orders of the coordinator that it has not yet heard.
    pub(super) orders: VecDeque<Order>,
    /// Of a source: a barrier that it is to send.
    pub(super) ordered: Option<Barrier>,
    /// A snapshot that is not handed in.
    pub(super) open: Option<Open>,
    /// Snapshots that are being written.
    pub(super) writing: VecDeque<Write>,
    /// How many of its inputs have ended.
    pub(super) ended_inputs: usize,
    pub(super) has_finished: bool,
}

/// A snapshot that has been taken, and to which tokens may still be added.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Open {
    pub(super) part: Part,
    pub(super) barrier: Barrier,
    /// Nothing that still comes is part of it.
    pub(super) is_whole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Order {
    Trigger(Barrier),
    Abort(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Write {
    pub(super) part: Part,
    pub(super) is_final: bool,
}

/// What the supervisor keeps beside the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Supervisor {
    pub(super) next_id: u64,
    pub(super) pending: Option<Pending>,
    /// What subtasks that have finished have stored.
    pub(super) finals: Vec<Option<Part>>,
    pub(super) publishing: Option<Publishing>,
    /// The latest complete checkpoint.
    pub(super) complete: Option<Rc<Cut>>,
    pub(super) writers_idle: bool,
    pub(super) is_over: bool,
}

/// The manifest that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Publishing {
    pub(super) checkpoint: u64,
    pub(super) cut: Rc<Cut>,
}

/// The pending checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pending {
    pub(super) checkpoint: u64,
    /// What subtasks have stored of it.
    pub(super) parts: Vec<Option<Part>>,
}

impl Model {
    pub(super) fn breaks(&self, rule: Mutation) -> bool {
        self.mutation == Some(rule)
    }

    /// A job that begins, from a checkpoint or from nothing.
    pub(super) fn deployed(&self, budget: Budget, from: Option<Rc<Cut>>, next_id: u64) -> World {
        let subtasks = (0..self.job.subtasks.len()).map(|index| {
            let plan = &self.job.subtasks[index];
            let part = from.as_ref().map(|cut| &cut[index]);
            Subtask {
                next: part.map_or(plan.tokens.start, |part| part.next),
                seen: part.map_or(0, |part| part.seen),
                alignment: Alignment::new(plan.inputs.len()),
                current: None,
                unsent: VecDeque::new(),
                orders: VecDeque::new(),
                ordered: None,
                open: None,
                writing: VecDeque::new(),
                ended_inputs: 0,
                has_finished: false,
            }
        });
        let channels = (0..self.job.channels.len()).map(|channel| match &from {
            Some(cut) => self.restored_channel(cut, channel),
            None => VecDeque::new(),
        });
        let config = CheckpointConfig {
            timeout: Duration::from_nanos(TIMEOUT_NS),
            tolerable_failures: u32::MAX,
            ..CheckpointConfig::new("unused".into())
        };
        let sources = (0..self.job.subtasks.len()).map(|subtask| self.job.is_source(subtask));
        World {
            subtasks: subtasks.collect(),
            channels: channels.collect(),
            coordinator: Coordinator::new(&config, sources.collect(), next_id, 0),
            supervisor: Supervisor {
                next_id,
                pending: None,
                finals: vec![None; self.job.subtasks.len()],
                publishing: None,
                complete: from,
                writers_idle: true,
                is_over: false,
            },
            budget,
            now_ns: 0,
        }
    }

    fn restored_channel(&self, cut: &Cut, channel: usize) -> VecDeque<Parcel> {
        let mut tokens = super::cut::in_flight(&self.job, cut, channel);
        if self.breaks(Mutation::RestoreUnsentFirst) {
            let ends = &self.job.channels[channel];
            tokens.rotate_left(cut[ends.to].untaken[ends.input].len());
        }
        tokens.into_iter().map(Parcel::Token).collect()
    }

    /// Whether a token may be sent.
    pub(super) fn has_credit(&self, world: &World, channel: usize) -> bool {
        let ends = &self.job.channels[channel];
        let lying = world.channels[channel].iter();
        let lying = lying.filter(|parcel| matches!(parcel, Parcel::Token(_)));
        let current = world.subtasks[ends.to].current;
        let current = current.filter(|(input, _)| *input == ends.input);
        lying.count() + current.iter().len() < self.job.credits
    }
}

impl World {
    /// The barriers that lie on a channel.
    pub(super) fn barriers(&self, channel: usize) -> impl Iterator<Item = Barrier> {
        let parcels = self.channels[channel].iter();
        parcels.filter_map(|parcel| match parcel {
            Parcel::Barrier(barrier) => Some(*barrier),
            _ => None,
        })
    }

    /// Whether anything is still being written for a checkpoint that is not pending.
    pub(super) fn writes_for_nothing(&self) -> bool {
        let pending = self.supervisor.pending.as_ref();
        let pending = pending.map(|pending| pending.checkpoint);
        let mut writes = self.subtasks.iter().flat_map(|subtask| &subtask.writing);
        writes.any(|write| !write.is_final && Some(write.part.checkpoint) != pending)
    }
}
