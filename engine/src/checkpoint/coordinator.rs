//! Decides when a checkpoint begins, when it is complete, and when it is given up: for one attempt of
//! a job, from its deployment to its end or failure.
//!
//! A plain machine: it is told what happened and when, and says what to do. It knows neither channels
//! nor files; what a barrier means to a subtask is `alignment`'s, what a checkpoint holds is
//! `storage`'s. The rules are those of Apache Flink's `CheckpointCoordinator` and
//! `CheckpointRequestDecider`, with one checkpoint at a time, and with final checkpoints in place of
//! its waiting for the last one (FLIP-147).

use crate::checkpoint::config::CheckpointConfig;
use crate::clock::nanos;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Time has passed.
    Tick,
    /// Somebody wants a checkpoint now, whatever interval and pause say. One that is pending does not
    /// serve: what was done since its beginning would not be in it.
    Requested,
    /// The subtask's snapshot is durable. The events of a subtask come in the order in which it took
    /// its snapshots: were its final one known before an earlier one that it also took, it would be
    /// counted in its place, and what was sent in between would be lost.
    Stored { checkpoint: u64, subtask: usize },
    /// The subtask's snapshot could not be taken or written.
    Declined {
        checkpoint: u64,
        subtask: usize,
        reason: String,
    },
    /// The subtask has ended and its final snapshot is durable: it counts for every checkpoint for
    /// which the subtask has stored no other.
    SubtaskFinished { subtask: usize },
    /// The manifest stands.
    Published { checkpoint: u64 },
    /// It could not be written, and does not stand.
    PublishFailed { checkpoint: u64, reason: String },
    /// Whether nothing is being written any more for checkpoints that were given up. Until then no new
    /// one begins, so that a slow disk does not fill the memory.
    WritersIdle(bool),
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Order all sources that have not finished to send barriers.
    Trigger { checkpoint: u64 },
    /// All subtasks have stored theirs: write the manifest, and say how that went.
    Publish { checkpoint: u64, is_final: bool },
    /// Tell committers and everybody.
    Complete { checkpoint: u64, is_final: bool },
    /// Tell all subtasks to forget it.
    Abort { checkpoint: u64, reason: String },
    /// More failed one after the other than are tolerable: fail the job.
    Fail { reason: String },
}

/// See the module. Times are nanoseconds of job time and do not go back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Coordinator {
    rules: Rules,
    subtasks: Vec<Subtask>,
    next_id: u64,
    phase: Phase,
    /// When the interval since the last beginning is over.
    due_ns: Option<u64>,
    requested: bool,
    last_end_ns: Option<u64>,
    /// One after the other, up to now.
    failures: u32,
    final_failed: bool,
    writers_idle: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Rules {
    interval_ns: Option<u64>,
    min_pause_ns: u64,
    timeout_ns: u64,
    tolerable_failures: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subtask {
    is_source: bool,
    has_finished: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// None is pending.
    Resting,
    /// Snapshots are being taken and written.
    Collecting {
        checkpoint: u64,
        deadline_ns: u64,
        /// By subtask. One that had finished before needs none.
        stored: Vec<bool>,
    },
    /// Knows no timeout: nobody could say whether the manifest stands.
    Publishing { checkpoint: u64, is_final: bool },
    /// The final one is complete, or the job fails: nothing happens any more.
    Over,
}

impl Coordinator {
    /// For subtasks of which `sources` says whether they are sources; the first checkpoint is
    /// `next_id`.
    pub(crate) fn new(
        config: &CheckpointConfig,
        sources: Vec<bool>,
        next_id: u64,
        now_ns: u64,
    ) -> Self {
        let rules = Rules {
            interval_ns: config.interval.map(nanos),
            min_pause_ns: nanos(config.min_pause),
            timeout_ns: nanos(config.timeout),
            tolerable_failures: config.tolerable_failures,
        };
        let subtasks = sources.into_iter().map(|is_source| Subtask {
            is_source,
            has_finished: false,
        });
        Coordinator {
            due_ns: rules.interval_ns.map(|ns| now_ns.saturating_add(ns)),
            rules,
            subtasks: subtasks.collect(),
            next_id,
            phase: Phase::Resting,
            requested: false,
            last_end_ns: None,
            failures: 0,
            final_failed: false,
            writers_idle: true,
        }
    }

    /// Takes an event, and appends what is to be done. A call that ends a checkpoint begins no other:
    /// whoever gives it up can say first that it is still being written.
    pub(crate) fn feed(&mut self, event: Event, now_ns: u64, actions: &mut Vec<Action>) {
        let before = actions.len();
        self.take(event, now_ns, actions);
        self.check_pending(now_ns, actions);
        if actions.len() == before {
            self.begin_if_due(now_ns, actions);
        }
    }

    /// When to feed a tick at the latest; it may lie in the past.
    pub(crate) fn wake_at_ns(&self) -> Option<u64> {
        match &self.phase {
            Phase::Resting => self.next_begin_ns(),
            Phase::Collecting { deadline_ns, .. } => Some(*deadline_ns),
            Phase::Publishing { .. } | Phase::Over => None,
        }
    }

    fn take(&mut self, event: Event, now_ns: u64, actions: &mut Vec<Action>) {
        match event {
            Event::Tick => {}
            Event::Requested => self.requested = true,
            Event::WritersIdle(idle) => self.writers_idle = idle,
            Event::Stored {
                checkpoint,
                subtask,
            } => self.note_stored(checkpoint, subtask),
            Event::SubtaskFinished { subtask } => {
                if let Some(subtask) = self.subtasks.get_mut(subtask) {
                    subtask.has_finished = true;
                }
            }
            Event::Declined {
                checkpoint,
                subtask,
                reason,
            } => {
                if matches!(self.phase, Phase::Collecting { checkpoint: of, .. } if of == checkpoint)
                {
                    let reason = format!("subtask {subtask} declined it: {reason}");
                    self.give_up(checkpoint, reason, now_ns, actions);
                }
            }
            Event::Published { checkpoint } => self.published(checkpoint, now_ns, actions),
            Event::PublishFailed { checkpoint, reason } => {
                if let Phase::Publishing {
                    checkpoint: of,
                    is_final,
                } = self.phase
                    && of == checkpoint
                {
                    self.final_failed |= is_final;
                    let reason = format!("its manifest could not be written: {reason}");
                    self.give_up(checkpoint, reason, now_ns, actions);
                }
            }
        }
    }

    fn note_stored(&mut self, of: u64, subtask: usize) {
        if let Phase::Collecting {
            checkpoint, stored, ..
        } = &mut self.phase
            && *checkpoint == of
            && let Some(stored) = stored.get_mut(subtask)
        {
            *stored = true;
        }
    }

    fn published(&mut self, of: u64, now_ns: u64, actions: &mut Vec<Action>) {
        let Phase::Publishing {
            checkpoint,
            is_final,
        } = self.phase
        else {
            return;
        };
        if checkpoint != of {
            return;
        }
        self.failures = 0;
        self.last_end_ns = Some(now_ns);
        self.phase = if is_final {
            Phase::Over
        } else {
            Phase::Resting
        };
        actions.push(Action::Complete {
            checkpoint,
            is_final,
        });
    }

    /// Publishes the pending one if everything is there, or gives it up if it took too long.
    fn check_pending(&mut self, now_ns: u64, actions: &mut Vec<Action>) {
        let Phase::Collecting {
            checkpoint,
            deadline_ns,
            stored,
        } = &self.phase
        else {
            return;
        };
        let (checkpoint, late) = (*checkpoint, now_ns >= *deadline_ns);
        let mut subtasks = stored.iter().zip(&self.subtasks);
        if subtasks.all(|(stored, subtask)| *stored || subtask.has_finished) {
            let is_final = false;
            self.publish(checkpoint, is_final, actions);
        } else if late {
            let missing = stored.iter().zip(&self.subtasks);
            let missing = missing.filter(|(stored, subtask)| !**stored && !subtask.has_finished);
            let (missing, all) = (missing.count(), stored.len());
            let reason = format!("it took too long: {missing} of {all} subtasks had not stored it");
            self.give_up(checkpoint, reason, now_ns, actions);
        }
    }

    fn publish(&mut self, checkpoint: u64, is_final: bool, actions: &mut Vec<Action>) {
        self.phase = Phase::Publishing {
            checkpoint,
            is_final,
        };
        actions.push(Action::Publish {
            checkpoint,
            is_final,
        });
    }

    fn give_up(&mut self, checkpoint: u64, reason: String, now_ns: u64, actions: &mut Vec<Action>) {
        self.failures = self.failures.saturating_add(1);
        self.last_end_ns = Some(now_ns);
        self.phase = Phase::Resting;
        let tolerable = self.rules.tolerable_failures;
        let failure = (self.failures > tolerable).then(|| Action::Fail {
            reason: format!(
                "checkpoint {checkpoint} failed, and {tolerable} may fail one after the other: {reason}"
            ),
        });
        actions.push(Action::Abort { checkpoint, reason });
        if let Some(failure) = failure {
            self.phase = Phase::Over;
            actions.push(failure);
        }
    }

    fn begin_if_due(&mut self, now_ns: u64, actions: &mut Vec<Action>) {
        let is_due = self.next_begin_ns().is_some_and(|at_ns| at_ns <= now_ns);
        if !is_due || !matches!(self.phase, Phase::Resting) {
            return;
        }
        let checkpoint = self.next_id;
        self.next_id += 1;
        self.requested = false;
        let interval_ns = self.rules.interval_ns;
        self.due_ns = interval_ns.map(|ns| now_ns.saturating_add(ns));
        if self.have_all_finished() {
            let is_final = true;
            return self.publish(checkpoint, is_final, actions);
        }
        self.phase = Phase::Collecting {
            checkpoint,
            deadline_ns: now_ns.saturating_add(self.rules.timeout_ns),
            stored: vec![false; self.subtasks.len()],
        };
        actions.push(Action::Trigger { checkpoint });
    }

    /// When the next one begins, were none pending; 0 is at once.
    fn next_begin_ns(&self) -> Option<u64> {
        const AT_ONCE: u64 = 0;
        let paused_until_ns = match self.last_end_ns {
            Some(ended_ns) => ended_ns.saturating_add(self.rules.min_pause_ns),
            None => AT_ONCE,
        };
        if self.have_all_finished() {
            let again_ns = paused_until_ns.max(self.due_ns.unwrap_or(AT_ONCE));
            return Some(if self.final_failed { again_ns } else { AT_ONCE });
        }
        // Once the sources have ended nobody can send barriers: soon all subtasks will have finished.
        let mut sources = self.subtasks.iter().filter(|subtask| subtask.is_source);
        if sources.all(|source| source.has_finished) || !self.writers_idle {
            return None;
        }
        if self.requested {
            return Some(AT_ONCE);
        }
        self.due_ns.map(|due_ns| due_ns.max(paused_until_ns))
    }

    fn have_all_finished(&self) -> bool {
        self.subtasks.iter().all(|subtask| subtask.has_finished)
    }
}

#[cfg(test)]
mod tests;
