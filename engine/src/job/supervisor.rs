//! Sees a job through its attempts: drives the checkpoints of each, and after a failure builds the
//! next one from the latest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::time::Duration;

use super::Shared;
use super::checkpointing::Checkpointing;
use super::output::Outputs;
use super::told::{JobEvent, Outcome};
use crate::attempt::{Attempt, Surroundings};
use crate::checkpoint::config::RestoreFrom;
use crate::checkpoint::hand_in::{HandIn, Message, SlowDisk};
use crate::checkpoint::report::CheckpointReport;
use crate::checkpoint::restart::Restarts;
use crate::checkpoint::restore::Start;
use crate::checkpoint::storage::Storage;
use crate::checkpoint::writers::Writers;
use crate::clock::Clock;
use crate::config::JobConfig;
use crate::deploy::{Deployed, Ready};
use crate::graph::JobGraph;
use crate::plan::DeployError;
use crate::prepare::Preparation;
use crate::stage::earliest;

/// Longest time without looking at what others want.
const LOOK: Duration = Duration::from_secs(3600);
/// Longest wait for those who write what nobody wants any more.
const WRITERS: Duration = Duration::from_secs(10);

pub(super) struct Supervisor {
    graph: JobGraph,
    config: JobConfig,
    storage: Option<Storage>,
    preparation: Preparation,
    outputs: Outputs,
    writers: Writers,
    restarts: Restarts,
    clock: Clock,
    inbox: Sender<Message>,
    messages: Receiver<Message>,
    telling: Telling,
    attempt: Arc<Attempt>,
    slow_disk: Option<SlowDisk>,
}

/// Those who are told what happens.
#[derive(Clone)]
pub(super) struct Telling {
    events: SyncSender<JobEvent>,
    reports: SyncSender<CheckpointReport>,
    dropped: Arc<AtomicU64>,
}

impl Telling {
    /// Something has happened to the job as a whole.
    pub(super) fn event(&self, kind: &'static str, at_ns: u64, attempt: u32, text: String) {
        let event = JobEvent {
            at_ns,
            kind,
            attempt,
            task: None,
            subtask: None,
            text,
        };
        if self.events.try_send(event).is_err() {
            self.dropped.fetch_add(1, SeqCst);
        }
    }

    fn surroundings(
        &self,
        number: u32,
        clock: Clock,
        inbox: &Sender<Message>,
        snapshots: Option<HandIn>,
    ) -> Surroundings {
        Surroundings {
            number,
            clock,
            events: self.events.clone(),
            events_dropped: Arc::clone(&self.dropped),
            inbox: inbox.clone(),
            snapshots,
        }
    }

    pub(super) fn report(&self, report: CheckpointReport) {
        if self.reports.try_send(report).is_err() {
            self.dropped.fetch_add(1, SeqCst);
        }
    }
}

/// How an attempt ended.
enum End {
    /// With the job.
    Over(Outcome),
    Failed(Outcome),
}

impl Supervisor {
    /// Starts the first attempt.
    pub(super) fn start(
        deployed: Deployed,
        inbox: Sender<Message>,
        messages: Receiver<Message>,
        (events, reports, dropped): (
            SyncSender<JobEvent>,
            SyncSender<CheckpointReport>,
            Arc<AtomicU64>,
        ),
    ) -> Result<(Self, Arc<Attempt>), DeployError> {
        let Deployed {
            graph,
            config,
            storage,
            start,
            mut ready,
            preparation,
        } = deployed;
        let outputs = Outputs::of(&graph, storage.as_ref())?;
        let telling = Telling {
            events,
            reports,
            dropped,
        };
        let clock = match &start {
            Some(start) => {
                let at = (0, start.at_ns());
                outputs.go_back(start, storage.as_ref(), &telling, at)?;
                Clock::start_at(start.at_ns())
            }
            None => {
                ready.prepare(&config, &preparation)?;
                Clock::start()
            }
        };
        let writers = Writers::default();
        let snapshots = hand_in(0, clock, &ready, storage.as_ref(), &inbox, &writers);
        let around = telling.surroundings(0, clock, &inbox, snapshots);
        let attempt = Arc::new(Attempt::start(ready, around)?);
        let supervisor = Supervisor {
            graph,
            restarts: Restarts::new(config.restart.clone()),
            config,
            storage,
            preparation,
            outputs,
            writers,
            clock,
            inbox,
            messages,
            telling,
            attempt: Arc::clone(&attempt),
            slow_disk: None,
        };
        Ok((supervisor, attempt))
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Sees the job to its end.
    pub(super) fn run(&mut self, shared: &Shared) {
        let mut at_end = SayAtEnd {
            shared,
            outcome: Outcome::Failed {
                task: None,
                subtask: None,
                message: "the supervisor of the job panicked".to_owned(),
            },
        };
        at_end.outcome = loop {
            let failure = match self.see_through(shared) {
                End::Over(outcome) => break outcome,
                End::Failed(failure) => failure,
            };
            match self.begin_again(shared) {
                Ok(true) => {}
                Ok(false) if shared.wishes().cancel => break Outcome::Cancelled,
                Ok(false) => break failure,
                Err(error) => {
                    break Outcome::Failed {
                        task: None,
                        subtask: None,
                        message: format!("{error}; before that, {}", message_of(&failure)),
                    };
                }
            }
        };
        if let Some(storage) = &self.storage {
            storage.release();
        }
    }

    /// Drives an attempt to its end.
    fn see_through(&mut self, shared: &Shared) -> End {
        let mut checkpointing = Checkpointing::of(
            &self.config,
            self.storage.as_ref(),
            &self.attempt,
            self.clock,
            &self.inbox,
            &self.writers,
        );
        loop {
            if self.attempt.wait(Duration::ZERO) {
                let is_final = checkpointing.as_ref().is_none_or(Checkpointing::is_final);
                if let Some(end) = self.end_of(is_final, shared.wishes().cancel) {
                    if let Some(checkpointing) = &mut checkpointing {
                        checkpointing.give_up(&self.telling);
                    }
                    // What nobody wants any more ends soon.
                    self.writers.wait(WRITERS);
                    return end;
                }
            }
            let message = self.next_message(checkpointing.as_ref());
            self.tend_disk(message.as_ref());
            if let Some(checkpointing) = &mut checkpointing {
                let now_ns = self.clock.now();
                checkpointing.take(message, now_ns, &self.outputs, &self.telling);
            }
        }
    }

    /// How an attempt has ended whose subtasks all have; `None` while its last checkpoint is still to come.
    fn end_of(&self, is_final: bool, is_cancelled: bool) -> Option<End> {
        match self.attempt.outcome() {
            failed @ Outcome::Failed { .. } => Some(End::Failed(failed)),
            Outcome::Finished if is_final => Some(End::Over(Outcome::Finished)),
            Outcome::Finished if !is_cancelled => None,
            Outcome::Finished | Outcome::Cancelled => Some(End::Over(Outcome::Cancelled)),
        }
    }

    fn next_message(&self, checkpointing: Option<&Checkpointing>) -> Option<Message> {
        let wake_at_ns = checkpointing.and_then(Checkpointing::wake_at_ns);
        let fast_again_ns = self.slow_disk.map(|slow| slow.until_ns);
        let wake_at_ns = earliest(wake_at_ns, fast_again_ns);
        let wait = wake_at_ns.map_or(LOOK, |at_ns| {
            Duration::from_nanos(at_ns.saturating_sub(self.clock.now())).min(LOOK)
        });
        // The supervisor holds a sender itself: nothing can be wrong but the time.
        self.messages.recv_timeout(wait).ok()
    }

    /// Makes the disk of checkpoints slow if that is ordered, and fast again when its time is over.
    fn tend_disk(&mut self, message: Option<&Message>) {
        let Some(storage) = &self.storage else {
            return;
        };
        let (now_ns, attempt) = (self.clock.now(), self.attempt.number);
        if let Some(Message::SlowDisk(slow)) = message {
            storage.disk().limit(Some(slow.rate_per_s), slow.sync_ns);
            self.slow_disk = Some(*slow);
            let text = String::new();
            self.telling.event("throttle-disk", now_ns, attempt, text);
        }
        let is_over = |slow: &mut SlowDisk| slow.until_ns <= now_ns;
        if self.slow_disk.take_if(is_over).is_some() {
            storage.disk().limit(None, 0);
            let text = String::new();
            self.telling
                .event("throttle-disk-end", now_ns, attempt, text);
        }
    }

    /// After a failure: starts the next attempt, if there is to be one.
    fn begin_again(&mut self, shared: &Shared) -> Result<bool, DeployError> {
        let Some(at_ns) = self.restarts.failed(self.clock.now()) else {
            return Ok(false);
        };
        let mut is_wanted = false;
        while self.clock.now() < at_ns {
            if shared.wishes().cancel {
                return Ok(false);
            }
            let left_ns = at_ns.saturating_sub(self.clock.now());
            let wait = Duration::from_nanos(left_ns).min(LOOK);
            // What is left of the last attempt is of no interest; what others want is.
            let message = self.messages.recv_timeout(wait).ok();
            self.tend_disk(message.as_ref());
            is_wanted |= matches!(message, Some(Message::CheckpointNow));
        }
        let from = match &self.storage {
            Some(_) => RestoreFrom::Latest,
            None => self.config.restore.clone(),
        };
        let start = Start::choose(&from, self.storage.as_ref())?;
        let mut ready = self.graph.build(&self.config, start.as_ref())?;
        let number = self.attempt.number + 1;
        let now_ns = self.clock.now();
        match &start {
            Some(start) => {
                let storage = self.storage.as_ref();
                let at = (number, now_ns);
                self.outputs.go_back(start, storage, &self.telling, at)?;
            }
            None => {
                self.outputs.go_back_to_the_beginning()?;
                ready.prepare(&self.config, &self.preparation)?;
            }
        }
        let snapshots = hand_in(
            number,
            self.clock,
            &ready,
            self.storage.as_ref(),
            &self.inbox,
            &self.writers,
        );
        let telling = &self.telling;
        let around = telling.surroundings(number, self.clock, &self.inbox, snapshots);
        let from = start.map_or("its beginning".to_owned(), |start| {
            format!("checkpoint {}", start.checkpoint())
        });
        let attempt = Arc::new(Attempt::start(ready, around)?);
        self.telling.event(
            "restart",
            self.clock.now(),
            number,
            format!("attempt {number} goes on from {from}"),
        );
        self.attempt = Arc::clone(&attempt);
        *shared
            .attempt
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = attempt;
        // Whoever wanted something in between has said it to the attempt before.
        if let Some(slow) = self.slow_disk {
            let lasting = Duration::from_nanos(slow.until_ns.saturating_sub(self.clock.now()));
            let sync = Duration::from_nanos(slow.sync_ns);
            self.attempt.throttle_disk(slow.rate_per_s, sync, lasting);
        }
        if is_wanted {
            shared.tell(Message::CheckpointNow);
        }
        let wishes = shared.wishes();
        if wishes.cancel {
            self.attempt.cancel();
        } else if wishes.drain {
            self.attempt.drain();
        }
        Ok(true)
    }
}

/// Where the subtasks of an attempt hand in their snapshots; nowhere, in a job without checkpoints.
fn hand_in(
    attempt: u32,
    clock: Clock,
    ready: &Ready,
    storage: Option<&Storage>,
    inbox: &Sender<Message>,
    writers: &Writers,
) -> Option<HandIn> {
    Some(HandIn {
        attempt,
        storage: storage?.clone(),
        inbox: inbox.clone(),
        clock,
        tasks: ready
            .plan
            .tasks
            .iter()
            .map(|task| task.id.clone())
            .collect(),
        given_up: Arc::new(AtomicBool::new(false)),
        writers: writers.clone(),
    })
}

fn message_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { message, .. } => message,
        Outcome::Finished | Outcome::Cancelled => "it ended",
    }
}

/// Says how the job has ended, whatever happens to the supervisor.
struct SayAtEnd<'a> {
    shared: &'a Shared,
    outcome: Outcome,
}

impl Drop for SayAtEnd<'_> {
    fn drop(&mut self) {
        let failed = Outcome::Cancelled;
        let outcome = std::mem::replace(&mut self.outcome, failed);
        self.shared.wishes().outcome = Some(outcome);
        self.shared.ended.notify_all();
    }
}
