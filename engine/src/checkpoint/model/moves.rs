//! Everything that can happen next.

use super::Mutation;
use super::world::{LATE_NS, Model, Parcel, Subtask, TIMEOUT_NS, World};
use crate::checkpoint::alignment::Next;
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::coordinator::Event;

/// Something that happens, mostly to a subtask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// A source emits its next token.
    Emit(usize),
    /// A source has none left and ends.
    EndSource(usize),
    /// A source sends the barrier that was ordered.
    SendBarrier(usize),
    /// The next order is heard.
    Hear(usize),
    /// The next parcel of an input is taken.
    Take(usize, usize),
    /// The token before the operator is worked off.
    Work(usize),
    /// What waited for credit is sent.
    Send(usize),
    /// A barrier that lies on a channel, or waits for others, passes what lies before it.
    Pass(usize, Barrier),
    /// A barrier that lies behind what waits for credit passes that.
    PassUnsent(usize),
    /// The oldest snapshot of a subtask has been written.
    Stored(usize),
    /// It could not be.
    Declined(usize),
    /// Somebody wants a checkpoint.
    Request,
    /// The coordinator had asked for time.
    Tick,
    /// A checkpoint takes too long.
    Timeout,
    /// The manifest stands.
    Published,
    /// It could not be written.
    PublishFailed,
    /// The job fails, and is restored from the latest complete checkpoint.
    Crash,
    /// The same, after a manifest was written and before anybody heard of it.
    CrashWithManifest,
}

impl Model {
    /// Everything that can happen next.
    pub(super) fn moves(&self, world: &World, moves: &mut Vec<Move>) {
        moves.clear();
        if world.supervisor.is_over {
            return;
        }
        for (index, subtask) in world.subtasks.iter().enumerate() {
            self.moves_of(world, index, subtask, moves);
        }
        self.moves_of_supervisor(world, moves);
    }

    fn moves_of(&self, world: &World, index: usize, subtask: &Subtask, moves: &mut Vec<Move>) {
        if !subtask.orders.is_empty() {
            moves.push(Move::Hear(index));
        }
        if let Some(write) = subtask.writing.front() {
            moves.push(Move::Stored(index));
            if !write.is_final && world.budget.failures > 0 {
                moves.push(Move::Declined(index));
            }
        }
        if let Some(&(channel, _)) = subtask.unsent.front()
            && self.has_credit(world, channel)
        {
            moves.push(Move::Send(index));
        }
        if let Some(open) = &subtask.open
            && open.is_whole
            && open.barrier.passes(LATE_NS)
        {
            moves.push(Move::PassUnsent(index));
        }
        if self.job.is_source(index) {
            self.moves_of_source(index, subtask, moves);
        } else {
            self.moves_of_receiver(world, index, subtask, moves);
        }
    }

    fn moves_of_source(&self, index: usize, subtask: &Subtask, moves: &mut Vec<Move>) {
        if subtask.has_finished {
            return;
        }
        if subtask.ordered.is_some() {
            moves.push(Move::SendBarrier(index));
        }
        if subtask.unsent.is_empty() {
            let is_last = subtask.next == self.job.subtasks[index].tokens.end;
            let next = if is_last { Move::EndSource } else { Move::Emit };
            moves.push(next(index));
        }
    }

    fn moves_of_receiver(
        &self,
        world: &World,
        index: usize,
        subtask: &Subtask,
        moves: &mut Vec<Move>,
    ) {
        let nothing_waits = subtask.unsent.is_empty();
        if subtask.current.is_some() && nothing_waits {
            moves.push(Move::Work(index));
        }
        let waiting = subtask.alignment.waiting();
        let mut barriers: Vec<Barrier> = waiting.into_iter().collect();
        for (input, &channel) in self.job.subtasks[index].inputs.iter().enumerate() {
            let holds = subtask.alignment.holds(input) && !self.breaks(Mutation::HoldNothingBack);
            let may_take = match world.channels[channel].front() {
                Some(Parcel::Token(_) | Parcel::End) => nothing_waits,
                // Rows in batches that are not full keep nobody from taking a barrier.
                Some(Parcel::Barrier(_)) => true,
                None => false,
            };
            if may_take && subtask.current.is_none() && !holds {
                moves.push(Move::Take(index, input));
            }
            barriers.extend(world.barriers(channel));
        }
        barriers.sort_unstable_by_key(|barrier| barrier.checkpoint);
        barriers.dedup();
        for barrier in barriers {
            let mut alignment = subtask.alignment.clone();
            if barrier.passes(LATE_NS) && alignment.passes(barrier) != Next::Nothing {
                moves.push(Move::Pass(index, barrier));
            }
        }
    }

    fn moves_of_supervisor(&self, world: &World, moves: &mut Vec<Move>) {
        let (budget, supervisor) = (&world.budget, &world.supervisor);
        if budget.checkpoints > 0 {
            moves.push(Move::Request);
        }
        let wake_at_ns = world.coordinator.wake_at_ns();
        if wake_at_ns.is_some_and(|at_ns| at_ns <= world.now_ns) {
            moves.push(Move::Tick);
        }
        let collects = supervisor.pending.is_some() && supervisor.publishing.is_none();
        if collects && budget.failures > 0 {
            moves.push(Move::Timeout);
        }
        if supervisor.publishing.is_some() {
            moves.push(Move::Published);
            if budget.failures > 0 {
                moves.push(Move::PublishFailed);
            }
        }
        if budget.crashes > 0 {
            moves.push(Move::Crash);
            if supervisor.publishing.is_some() {
                moves.push(Move::CrashWithManifest);
            }
        }
    }

    /// Makes it happen; what is wrong with what follows, if anything is.
    pub(super) fn apply(&self, world: &mut World, next: Move) -> Result<(), String> {
        match next {
            Move::Emit(index) => self.emit_next(world, index),
            Move::EndSource(index) => self.finish(world, index),
            Move::SendBarrier(index) => self.send_ordered(world, index),
            Move::Hear(index) => self.hear(world, index),
            Move::Take(index, input) => self.take(world, index, input),
            Move::Work(index) => self.work(world, index)?,
            Move::Send(index) => self.send_unsent(world, index),
            Move::Pass(index, barrier) => self.pass(world, index, barrier),
            Move::PassUnsent(index) => self.pass_unsent(world, index),
            Move::Stored(index) => self.stored(world, index)?,
            Move::Declined(index) => {
                world.budget.failures -= 1;
                self.declined(world, index)?;
            }
            Move::Request => {
                world.budget.checkpoints -= 1;
                self.feed(world, Event::Requested)?;
            }
            Move::Tick => self.feed(world, Event::Tick)?,
            Move::Timeout => {
                world.budget.failures -= 1;
                world.now_ns += TIMEOUT_NS;
                self.feed(world, Event::Tick)?;
            }
            Move::Published => self.published(world)?,
            Move::PublishFailed => {
                world.budget.failures -= 1;
                self.publish_failed(world)?;
            }
            Move::Crash => self.crash(world, false),
            Move::CrashWithManifest => self.crash(world, true),
        }
        self.tell_whether_writers_are_idle(world)
    }
}
