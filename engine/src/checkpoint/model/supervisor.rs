//! What becomes of snapshots that were taken: how the engine's supervisor and writers drive the
//! coordinator, in small.

use std::rc::Rc;

use super::Mutation;
use super::cut::{self, Cut};
use super::job::only;
use super::world::{Budget, Model, Order, Pending, Publishing, World};
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::coordinator::{Action, Event};

impl Model {
    pub(super) fn feed(&self, world: &mut World, event: Event) -> Result<(), String> {
        let mut actions = Vec::new();
        world.coordinator.feed(event, world.now_ns, &mut actions);
        actions
            .into_iter()
            .try_for_each(|action| self.act(world, action))
    }

    fn act(&self, world: &mut World, action: Action) -> Result<(), String> {
        match action {
            Action::Trigger { checkpoint } => self.trigger(world, checkpoint),
            Action::Publish {
                checkpoint,
                is_final,
            } => self.publish(world, checkpoint, is_final),
            Action::Complete { is_final, .. } => {
                let published = world.supervisor.publishing.take();
                let published = published.ok_or("complete without a manifest")?;
                world.supervisor.complete = Some(published.cut);
                world.supervisor.pending = None;
                world.supervisor.is_over = is_final;
                Ok(())
            }
            Action::Abort { checkpoint, .. } => {
                world.supervisor.pending = None;
                world.supervisor.publishing = None;
                let running = world.subtasks.iter_mut().filter(|s| !s.has_finished);
                for subtask in running.filter(|_| !self.breaks(Mutation::LoseAborts)) {
                    subtask.orders.push_back(Order::Abort(checkpoint));
                }
                Ok(())
            }
            Action::Fail { reason } => Err(reason),
        }
    }

    fn trigger(&self, world: &mut World, checkpoint: u64) -> Result<(), String> {
        if world.supervisor.pending.is_some() || world.writes_for_nothing() {
            return Err(format!("checkpoint {checkpoint} begins too early"));
        }
        world.supervisor.next_id = checkpoint + 1;
        world.supervisor.pending = Some(Pending {
            checkpoint,
            parts: vec![None; world.subtasks.len()],
        });
        let barrier = Barrier::new(checkpoint, world.now_ns, self.mode);
        for (index, subtask) in world.subtasks.iter_mut().enumerate() {
            if self.job.is_source(index) && !subtask.has_finished {
                subtask.orders.push_back(Order::Trigger(barrier));
            }
        }
        Ok(())
    }

    /// From here on the manifest may stand: what it holds must be right.
    fn publish(&self, world: &mut World, checkpoint: u64, is_final: bool) -> Result<(), String> {
        let supervisor = &mut world.supervisor;
        supervisor.next_id = supervisor.next_id.max(checkpoint + 1);
        let stored = supervisor.pending.as_ref().filter(|_| !is_final);
        let parts = supervisor.finals.iter().enumerate().map(|(index, last)| {
            let stored = stored.and_then(|pending| pending.parts[index].as_ref());
            stored.or(last.as_ref()).cloned()
        });
        let cut: Option<Cut> = parts.collect();
        let cut = cut.ok_or_else(|| format!("parts of checkpoint {checkpoint} are missing"))?;
        cut::check(&self.job, &cut)?;
        supervisor.publishing = Some(Publishing {
            checkpoint,
            cut: Rc::new(cut),
        });
        Ok(())
    }

    pub(super) fn published(&self, world: &mut World) -> Result<(), String> {
        let publishing = world.supervisor.publishing.as_ref();
        let checkpoint = publishing.ok_or("nothing is published")?.checkpoint;
        self.feed(world, Event::Published { checkpoint })
    }

    pub(super) fn publish_failed(&self, world: &mut World) -> Result<(), String> {
        let publishing = world.supervisor.publishing.as_ref();
        let checkpoint = publishing.ok_or("nothing is published")?.checkpoint;
        let reason = String::new();
        self.feed(world, Event::PublishFailed { checkpoint, reason })
    }

    pub(super) fn stored(&self, world: &mut World, index: usize) -> Result<(), String> {
        let writing = &mut world.subtasks[index].writing;
        let write = match self.breaks(Mutation::StoreLastFirst) {
            true => writing.pop_back(),
            false => writing.pop_front(),
        };
        let write = write.ok_or("nothing is written")?;
        let subtask = index;
        if write.is_final {
            if self.breaks(Mutation::ForgetFinals) {
                return Ok(());
            }
            world.supervisor.finals[index] = Some(write.part);
            return self.feed(world, Event::SubtaskFinished { subtask });
        }
        let mut checkpoint = write.part.checkpoint;
        if let Some(pending) = &mut world.supervisor.pending {
            if self.breaks(Mutation::CountEveryAck) {
                checkpoint = pending.checkpoint;
            }
            if pending.checkpoint == checkpoint {
                pending.parts[index] = Some(write.part);
            }
        }
        self.feed(
            world,
            Event::Stored {
                checkpoint,
                subtask,
            },
        )
    }

    pub(super) fn declined(&self, world: &mut World, index: usize) -> Result<(), String> {
        let write = world.subtasks[index].writing.pop_front();
        let checkpoint = write.ok_or("nothing is written")?.part.checkpoint;
        let (subtask, reason) = (index, String::new());
        self.feed(
            world,
            Event::Declined {
                checkpoint,
                subtask,
                reason,
            },
        )
    }

    pub(super) fn tell_whether_writers_are_idle(&self, world: &mut World) -> Result<(), String> {
        let idle = !world.writes_for_nothing();
        if idle == world.supervisor.writers_idle || self.breaks(Mutation::HideBusyWriters) {
            return Ok(());
        }
        world.supervisor.writers_idle = idle;
        self.feed(world, Event::WritersIdle(idle))
    }

    /// The job goes back to its latest complete checkpoint, which may be the one whose manifest is
    /// being written.
    pub(super) fn crash(&self, world: &mut World, with_manifest: bool) {
        let supervisor = &mut world.supervisor;
        let publishing = supervisor.publishing.take().filter(|_| with_manifest);
        let manifest = publishing.map(|publishing| publishing.cut);
        let from = manifest.or_else(|| supervisor.complete.take());
        let budget = Budget {
            checkpoints: world.budget.checkpoints_after_crash,
            failures: 0,
            crashes: world.budget.crashes - 1,
            checkpoints_after_crash: 0,
        };
        *world = self.deployed(budget, from, supervisor.next_id);
    }

    /// What has to be true everywhere: a subtask that waits, or keeps what it takes, does so for a
    /// checkpoint that is pending, or will hear that it is not.
    pub(super) fn check(&self, world: &World) -> Result<(), String> {
        let pending = world.supervisor.pending.as_ref();
        let pending = pending.map(|pending| pending.checkpoint);
        for (index, subtask) in world.subtasks.iter().enumerate() {
            let waiting = subtask.alignment.waiting();
            let open = subtask.open.as_ref().map(|open| open.part.checkpoint);
            for checkpoint in [waiting.map(|barrier| barrier.checkpoint), open] {
                let Some(checkpoint) = checkpoint.filter(|_| checkpoint != pending) else {
                    continue;
                };
                if !subtask.orders.contains(&Order::Abort(checkpoint)) {
                    return Err(format!("subtask {index} waits in vain for {checkpoint}"));
                }
            }
        }
        Ok(())
    }

    /// What has to be true where nothing happens any more: as if nothing ever had.
    pub(super) fn check_end(&self, world: &World) -> Result<(), String> {
        if !world.supervisor.is_over {
            return Err("nothing can happen, and the job is not over".to_owned());
        }
        for token in self.job.tokens() {
            for channel in self.job.way(token) {
                let receiver = self.job.channels[channel].to;
                if world.subtasks[receiver].seen & only(token) == 0 {
                    return Err(format!("subtask {receiver} has not seen token {token}"));
                }
            }
        }
        let is_empty = world.channels.iter().all(|channel| channel.is_empty());
        let mut subtasks = world.subtasks.iter();
        let have_finished =
            subtasks.all(|s| s.has_finished && s.open.is_none() && s.unsent.is_empty());
        match is_empty && have_finished {
            true => Ok(()),
            false => Err("the job is over, and something is left".to_owned()),
        }
    }
}
