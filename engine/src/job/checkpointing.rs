//! Carries out what the coordinator decides about the checkpoints of one attempt, and tells it what
//! happens.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::output::Outputs;
use super::supervisor::Telling;
use crate::attempt::Attempt;
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::config::CheckpointConfig;
use crate::checkpoint::coordinator::{Action, Coordinator, Event};
use crate::checkpoint::hand_in::{Message, Written};
use crate::checkpoint::report::{CheckpointOutcome, CheckpointReport, SubtaskCheckpoint};
use crate::checkpoint::restore::backend_name;
use crate::checkpoint::storage::{ManifestHead, Storage, StoredSubtask};
use crate::checkpoint::writers::Writers;
use crate::clock::Clock;
use crate::config::JobConfig;

pub(super) struct Checkpointing {
    config: CheckpointConfig,
    coordinator: Coordinator,
    storage: Storage,
    attempt: Arc<Attempt>,
    clock: Clock,
    inbox: Sender<Message>,
    writers: Writers,
    max_parallelism: usize,
    backend: &'static str,
    subtasks: Vec<Subtask>,
    pending: Option<Pending>,
    is_final: bool,
}

/// What is known of a subtask.
#[derive(Default)]
struct Subtask {
    /// Snapshots that it has taken and that are being written.
    underway: usize,
    /// What it held at its end, once all before it is written: else that could be taken in the place of
    /// an earlier snapshot.
    last: Option<(StoredSubtask, SubtaskCheckpoint)>,
    waiting: Option<(StoredSubtask, SubtaskCheckpoint)>,
}

/// The checkpoint under way.
struct Pending {
    checkpoint: u64,
    triggered_ns: u64,
    is_final: bool,
    stored: Vec<Option<(StoredSubtask, SubtaskCheckpoint)>>,
    /// Once all is there: transactions of its sinks.
    output: Vec<(String, Vec<u8>)>,
}

impl Checkpointing {
    /// Of a job that takes checkpoints.
    pub(super) fn of(
        config: &JobConfig,
        storage: Option<&Storage>,
        attempt: &Arc<Attempt>,
        clock: Clock,
        inbox: &Sender<Message>,
        writers: &Writers,
    ) -> Option<Self> {
        let (checkpoints, storage) = config.checkpoints.as_ref().zip(storage)?;
        let sources = attempt.sources();
        let subtasks = sources.iter().map(|_| Subtask::default()).collect();
        let (next_id, now_ns) = (storage.next_id(), clock.now());
        Some(Checkpointing {
            config: checkpoints.clone(),
            coordinator: Coordinator::new(checkpoints, sources, next_id, now_ns),
            storage: storage.clone(),
            attempt: Arc::clone(attempt),
            clock,
            inbox: inbox.clone(),
            writers: writers.clone(),
            max_parallelism: config.max_parallelism,
            backend: backend_name(&config.state_backend),
            subtasks,
            pending: None,
            is_final: false,
        })
    }

    /// Whether a checkpoint is complete that holds the end of the job.
    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// When to look again at the latest, in job time.
    pub(super) fn wake_at_ns(&self) -> Option<u64> {
        self.coordinator.wake_at_ns()
    }

    /// Something has been said, or time has passed.
    pub(super) fn take(
        &mut self,
        message: Option<Message>,
        now_ns: u64,
        outputs: &Outputs,
        telling: &Telling,
    ) {
        let event = message.and_then(|message| self.event_of(message));
        self.feed(event.unwrap_or(Event::Tick), now_ns, outputs, telling);
        let idle = Event::WritersIdle(self.storage.is_idle());
        self.feed(idle, now_ns, outputs, telling);
    }

    fn feed(&mut self, event: Event, now_ns: u64, outputs: &Outputs, telling: &Telling) {
        let mut actions = Vec::new();
        self.coordinator.feed(event, now_ns, &mut actions);
        for action in actions {
            self.act(action, now_ns, outputs, telling);
        }
    }

    /// What a message means to the coordinator, if it is of this attempt.
    fn event_of(&mut self, message: Message) -> Option<Event> {
        let own = self.attempt.number;
        match message {
            Message::LookAgain | Message::SlowDisk(_) => None,
            Message::CheckpointNow => Some(Event::Requested),
            Message::HandedIn { attempt, subtask } => {
                if attempt == own {
                    self.subtasks[subtask].underway += 1;
                }
                None
            }
            Message::Stored {
                attempt,
                checkpoint,
                subtask,
                written,
            } => {
                if attempt != own {
                    return None;
                }
                self.subtasks[subtask].underway -= 1;
                let event = self.stored(checkpoint, subtask, written);
                if self.subtasks[subtask].underway == 0
                    && let Some(last) = self.subtasks[subtask].waiting.take()
                {
                    self.subtasks[subtask].last = Some(last);
                    // The coordinator hears of one thing at a time.
                    let finished = Message::LastIsKnown { attempt, subtask };
                    let _ = self.inbox.send(finished);
                }
                Some(event)
            }
            Message::LastIsKnown { attempt, subtask } => {
                (attempt == own).then_some(Event::SubtaskFinished { subtask })
            }
            Message::Finished {
                attempt,
                subtask,
                written,
            } => {
                if attempt != own {
                    return None;
                }
                self.finished(subtask, written)
            }
            Message::Published {
                attempt,
                checkpoint,
                published,
            } => (attempt == own).then(|| match published {
                Ok(()) => Event::Published { checkpoint },
                Err(error) => Event::PublishFailed {
                    checkpoint,
                    reason: error.to_string(),
                },
            }),
        }
    }

    fn stored(&mut self, checkpoint: u64, subtask: usize, written: Written) -> Event {
        match written {
            Ok(written) => {
                let pending = self.pending.as_mut();
                if let Some(pending) = pending.filter(|it| it.checkpoint == checkpoint) {
                    pending.stored[subtask] = Some(written);
                }
                Event::Stored {
                    checkpoint,
                    subtask,
                }
            }
            Err(error) => Event::Declined {
                checkpoint,
                subtask,
                reason: error.to_string(),
            },
        }
    }

    fn finished(&mut self, subtask: usize, written: Written) -> Option<Event> {
        match written {
            Ok(written) if self.subtasks[subtask].underway > 0 => {
                self.subtasks[subtask].waiting = Some(written);
                None
            }
            Ok(written) => {
                self.subtasks[subtask].last = Some(written);
                Some(Event::SubtaskFinished { subtask })
            }
            Err(error) => {
                // Without it the job can have no end.
                self.attempt
                    .fail(format!("what a subtask held at its end is lost: {error}"));
                None
            }
        }
    }

    fn act(&mut self, action: Action, now_ns: u64, outputs: &Outputs, telling: &Telling) {
        match action {
            Action::Trigger { checkpoint } => {
                self.begin(checkpoint, now_ns);
                let barrier = Barrier::new(checkpoint, now_ns, self.config.mode);
                self.attempt.begin_checkpoint(barrier);
            }
            Action::Publish {
                checkpoint,
                is_final,
            } => self.publish(checkpoint, is_final, now_ns),
            Action::Complete {
                checkpoint,
                is_final,
            } => self.complete(checkpoint, is_final, outputs, telling),
            Action::Abort { checkpoint, reason } => {
                self.storage.discard(checkpoint);
                self.attempt.give_up_checkpoint(checkpoint);
                self.report(CheckpointOutcome::Failed(reason), telling);
            }
            Action::Fail { reason } => self.attempt.fail(reason),
        }
    }

    fn begin(&mut self, checkpoint: u64, now_ns: u64) {
        self.pending = Some(Pending {
            checkpoint,
            triggered_ns: now_ns,
            is_final: false,
            stored: self.subtasks.iter().map(|_| None).collect(),
            output: Vec::new(),
        });
    }

    /// Lets a thread write the manifest.
    fn publish(&mut self, checkpoint: u64, is_final: bool, now_ns: u64) {
        if self.pending.is_none() {
            self.begin(checkpoint, now_ns);
        }
        let Some(pending) = &mut self.pending else {
            return;
        };
        pending.is_final = is_final;
        for (stored, subtask) in pending.stored.iter_mut().zip(&self.subtasks) {
            if stored.is_none() {
                stored.clone_from(&subtask.last);
            }
        }
        let stored = pending.stored.iter().flatten();
        let stored: Vec<StoredSubtask> = stored.map(|(stored, _)| stored.clone()).collect();
        let output = stored.iter().flat_map(StoredSubtask::pending_output);
        pending.output = output.cloned().collect();
        let head = ManifestHead {
            checkpoint,
            is_final,
            at_ns: now_ns,
            max_parallelism: self.max_parallelism,
            backend: self.backend.to_owned(),
            attempt: self.attempt.number,
        };
        let (storage, inbox) = (self.storage.clone(), self.inbox.clone());
        let (attempt, writing) = (self.attempt.number, self.writers.begin());
        let write = move || {
            let published = storage.publish(&head, stored);
            drop(storage);
            let _ = inbox.send(Message::Published {
                attempt,
                checkpoint,
                published,
            });
            drop(writing);
        };
        let thread = std::thread::Builder::new().name("checkpoint-publisher".into());
        if let Err(error) = thread.spawn(write) {
            self.attempt
                .fail(format!("no thread to publish a checkpoint: {error}"));
        }
    }

    fn complete(&mut self, checkpoint: u64, is_final: bool, outputs: &Outputs, telling: &Telling) {
        let output = self
            .pending
            .as_mut()
            .map(|it| std::mem::take(&mut it.output));
        if let Err(error) = outputs.commit(checkpoint, &output.unwrap_or_default()) {
            // The next attempt begins with committing it again.
            let text = format!("the output of checkpoint {checkpoint} was not committed: {error}");
            self.report(CheckpointOutcome::Complete { is_final }, telling);
            return self.attempt.fail(text);
        }
        // What cannot be removed is tried again with the next.
        let _ = self.storage.retain();
        self.is_final = is_final;
        self.report(CheckpointOutcome::Complete { is_final }, telling);
    }

    /// The attempt is over: what is under way comes to nothing.
    pub(super) fn give_up(&mut self, telling: &Telling) {
        self.attempt.give_up();
        let Some(pending) = &self.pending else {
            return;
        };
        let (checkpoint, is_final) = (pending.checkpoint, pending.is_final);
        let outcome = match self.storage.discard(checkpoint) {
            true => CheckpointOutcome::Failed("the job ended meanwhile".to_owned()),
            // It stands already. What goes on from it begins with showing its output.
            false => CheckpointOutcome::Complete { is_final },
        };
        self.report(outcome, telling);
    }

    fn report(&mut self, outcome: CheckpointOutcome, telling: &Telling) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let subtasks = pending.stored.into_iter().flatten();
        telling.report(CheckpointReport {
            checkpoint: pending.checkpoint,
            attempt: self.attempt.number,
            triggered_ns: pending.triggered_ns,
            ended_ns: self.clock.now(),
            outcome,
            subtasks: subtasks.map(|(_, report)| report).collect(),
        });
    }
}
