//! What a subtask does with rows, barriers and orders: how the engine drives an alignment, in small.
//!
//! What a snapshot that is not whole has to keep is kept when it is sent; that the engine looks later
//! changes only when the snapshot is whole, and a snapshot may be stored late anyway.

use super::Mutation;
use super::cut::Part;
use super::job::{Token, only};
use super::world::{EARLY_NS, Model, Open, Order, Parcel, World, Write};
use crate::checkpoint::alignment::Next;
use crate::checkpoint::barrier::Barrier;

/// Rows.
impl Model {
    pub(super) fn emit_next(&self, world: &mut World, index: usize) {
        let token = world.subtasks[index].next;
        world.subtasks[index].next += 1;
        self.emit(world, index, token);
    }

    fn emit(&self, world: &mut World, index: usize, token: Token) {
        let Some(channel) = self.job.route(index, token) else {
            return;
        };
        let parcel = Parcel::Token(token);
        if self.has_credit(world, channel) {
            self.send(world, channel, parcel);
        } else {
            world.subtasks[index].unsent.push_back((channel, parcel));
        }
    }

    fn send(&self, world: &mut World, channel: usize, parcel: Parcel) {
        let ends = &self.job.channels[channel];
        if !self.breaks(Mutation::ForgetRecorded) {
            self.record(world, ends.to, ends.input, &[parcel]);
        }
        world.channels[channel].push_back(parcel);
    }

    /// Sends what waited for a credit that is there now, and barriers behind it.
    pub(super) fn send_unsent(&self, world: &mut World, index: usize) {
        let mut next = world.subtasks[index].unsent.pop_front();
        while let Some((channel, parcel)) = next {
            self.send(world, channel, parcel);
            let unsent = &mut world.subtasks[index].unsent;
            next = unsent.pop_front_if(|(_, parcel)| matches!(parcel, Parcel::Barrier(_)));
        }
        self.hand_in_if_whole(world, index);
    }

    /// Takes a parcel in its turn.
    pub(super) fn take(&self, world: &mut World, index: usize, input: usize) {
        let channel = self.job.subtasks[index].inputs[input];
        match world.channels[channel].pop_front() {
            Some(Parcel::Token(token)) => world.subtasks[index].current = Some((input, token)),
            Some(Parcel::Barrier(barrier)) => self.arrive(world, index, input, barrier),
            Some(Parcel::End) => self.end_input(world, index, input),
            None => {}
        }
    }

    fn end_input(&self, world: &mut World, index: usize, input: usize) {
        if !self.breaks(Mutation::IgnoreEnds) {
            let next = world.subtasks[index].alignment.ended(input);
            self.follow(world, index, next, false);
        }
        let subtask = &mut world.subtasks[index];
        subtask.ended_inputs += 1;
        if subtask.ended_inputs == self.job.subtasks[index].inputs.len() {
            self.finish(world, index);
        }
    }

    /// Works off what lies before the operator.
    pub(super) fn work(&self, world: &mut World, index: usize) -> Result<(), String> {
        let Some((input, token)) = world.subtasks[index].current.take() else {
            return Ok(());
        };
        let seen = world.subtasks[index].seen;
        if seen & only(token) != 0 {
            return Err(format!("subtask {index} sees token {token} twice"));
        }
        let source = self.job.source_of(token);
        let channel = self.job.subtasks[index].inputs[input];
        let mut later = token + 1..self.job.subtasks[source].tokens.end;
        if later.any(|later| seen & only(later) != 0 && self.job.way(later).contains(&channel)) {
            return Err(format!("subtask {index} sees token {token} too late"));
        }
        world.subtasks[index].seen |= only(token);
        self.emit(world, index, token);
        Ok(())
    }

    /// Nothing comes any more, and nothing waits.
    pub(super) fn finish(&self, world: &mut World, index: usize) {
        let part = self.part(world, index, 0);
        let subtask = &mut world.subtasks[index];
        subtask.has_finished = true;
        subtask.ordered = None;
        subtask.open = None;
        subtask.orders.clear();
        let is_final = true;
        subtask.writing.push_back(Write { part, is_final });
        for &channel in &self.job.subtasks[index].outputs {
            self.send(world, channel, Parcel::End);
        }
    }
}

/// Barriers.
impl Model {
    /// Of a source.
    pub(super) fn send_ordered(&self, world: &mut World, index: usize) {
        if let Some(barrier) = world.subtasks[index].ordered.take() {
            let is_whole = true;
            let next = Next::Snapshot { barrier, is_whole };
            self.follow(world, index, next, barrier.passes(EARLY_NS));
        }
    }

    /// A barrier has come in its turn.
    fn arrive(&self, world: &mut World, index: usize, input: usize, barrier: Barrier) {
        self.forget_earlier(world, index, barrier);
        let too_early = self.breaks(Mutation::SnapshotAtFirstBarrier);
        let overtakes = barrier.passes(EARLY_NS);
        let alignment = &mut world.subtasks[index].alignment;
        let next = match alignment.arrived(input, barrier, overtakes || too_early) {
            Next::Snapshot { barrier, .. } if too_early => Next::Snapshot {
                barrier,
                is_whole: true,
            },
            next => next,
        };
        self.follow(world, index, next, overtakes);
    }

    /// A barrier passes what lies before it.
    pub(super) fn pass(&self, world: &mut World, index: usize, barrier: Barrier) {
        self.forget_earlier(world, index, barrier);
        let next = world.subtasks[index].alignment.passes(barrier);
        self.follow(world, index, next, true);
    }

    /// Another checkpoint that is under way has been given up; of that the subtask may hear later.
    fn forget_earlier(&self, world: &mut World, index: usize, barrier: Barrier) {
        let alignment = &world.subtasks[index].alignment;
        let known = alignment.waiting().or(alignment.recording());
        if let Some(known) = known.filter(|known| known.checkpoint < barrier.checkpoint) {
            self.forget(world, index, known.checkpoint);
        }
    }

    /// Does what an alignment says.
    fn follow(&self, world: &mut World, index: usize, next: Next, overtakes: bool) {
        match next {
            Next::Nothing => {}
            Next::Snapshot { barrier, is_whole } => {
                self.snapshot(world, index, barrier, overtakes);
                self.set_whole(world, index, is_whole);
                if !is_whole && !self.breaks(Mutation::ForgetOvertaken) {
                    self.record_what_lies(world, index);
                }
            }
            Next::Whole => self.set_whole(world, index, true),
        }
        self.hand_in_if_whole(world, index);
    }

    fn set_whole(&self, world: &mut World, index: usize, is_whole: bool) {
        if let Some(open) = &mut world.subtasks[index].open {
            open.is_whole |= is_whole;
        }
    }

    fn record_what_lies(&self, world: &mut World, index: usize) {
        for (input, &channel) in self.job.subtasks[index].inputs.iter().enumerate() {
            let parcels: Vec<Parcel> = world.channels[channel].iter().copied().collect();
            self.record(world, index, input, &parcels);
        }
    }

    /// Keeps tokens that lie before the barrier of their channel and are not worked off before a snapshot
    /// was taken.
    fn record(&self, world: &mut World, index: usize, input: usize, parcels: &[Parcel]) {
        let subtask = &mut world.subtasks[index];
        let Some(barrier) = subtask.alignment.recording() else {
            return;
        };
        for parcel in parcels {
            let beyond = self.breaks(Mutation::RecordBeyondBarriers);
            if !subtask.alignment.records(input) && !beyond {
                return;
            }
            let is_earlier = |other: Barrier| other.checkpoint != barrier.checkpoint;
            match parcel {
                Parcel::Token(token) => {
                    if let Some(open) = &mut subtask.open {
                        open.part.untaken[input].push(*token);
                    }
                }
                Parcel::Barrier(other)
                    if is_earlier(*other) && !self.breaks(Mutation::TakeOldBarriersForNew) => {}
                Parcel::End if self.breaks(Mutation::IgnoreEnds) => {}
                // An end stands for the barrier.
                Parcel::Barrier(_) | Parcel::End => {
                    let next = subtask.alignment.arrived(input, barrier, true);
                    self.follow(world, index, next, true);
                    return;
                }
            }
        }
    }

    /// Takes a snapshot, and sends its barrier ahead of what waits for credit if it overtakes rows, else
    /// behind that.
    fn snapshot(&self, world: &mut World, index: usize, barrier: Barrier, overtakes: bool) {
        let mut part = self.part(world, index, barrier.checkpoint);
        let subtask = &mut world.subtasks[index];
        if let Some((input, token)) = subtask.current
            && !self.breaks(Mutation::ForgetCurrent)
        {
            part.untaken[input].push(token);
        }
        let is_whole = false;
        subtask.open = Some(Open {
            part,
            barrier,
            is_whole,
        });
        if overtakes {
            return self.send_ahead(world, index);
        }
        let outputs = &self.job.subtasks[index].outputs;
        let barriers = outputs
            .iter()
            .map(|&channel| (channel, Parcel::Barrier(barrier)));
        let nothing_waits = subtask.unsent.is_empty();
        subtask.unsent.extend(barriers);
        if nothing_waits {
            self.send_unsent(world, index);
        }
    }

    pub(super) fn pass_unsent(&self, world: &mut World, index: usize) {
        self.send_ahead(world, index);
        self.hand_in_if_whole(world, index);
    }

    /// Sends the barrier of the open snapshot ahead of the tokens that wait for credit, and keeps these.
    fn send_ahead(&self, world: &mut World, index: usize) {
        let subtask = &mut world.subtasks[index];
        let Some(open) = &mut subtask.open else {
            return;
        };
        let barrier = open.barrier.passing_at_once();
        // Others are of checkpoints that were given up.
        let is_token = |(_, parcel): &(usize, Parcel)| matches!(parcel, Parcel::Token(_));
        subtask.unsent.retain(is_token);
        if !self.breaks(Mutation::ForgetUnsent) {
            let tokens = subtask.unsent.iter().filter_map(|&(channel, parcel)| {
                let Parcel::Token(token) = parcel else {
                    return None;
                };
                Some((channel, token))
            });
            open.part.unsent = tokens.collect();
        }
        if self.breaks(Mutation::BarrierBehindUnsent) && !subtask.unsent.is_empty() {
            self.send_unsent(world, index);
        }
        for &channel in &self.job.subtasks[index].outputs {
            self.send(world, channel, Parcel::Barrier(barrier));
        }
    }

    /// A whole snapshot is handed in once its barrier has left. One that never overtakes rows has its
    /// place among them: that is enough.
    fn hand_in_if_whole(&self, world: &mut World, index: usize) {
        let subtask = &mut world.subtasks[index];
        let mut unsent = subtask.unsent.iter();
        let holds_barrier = unsent.any(|(_, parcel)| matches!(parcel, Parcel::Barrier(_)));
        let is_ready = |open: &mut Open| {
            open.is_whole && !(holds_barrier && open.barrier.passes_from_ns().is_some())
        };
        if let Some(open) = subtask.open.take_if(is_ready) {
            subtask.writing.push_back(Write {
                part: open.part,
                is_final: false,
            });
        }
    }

    /// What a subtask keeps if nothing is overtaken.
    fn part(&self, world: &World, index: usize, checkpoint: u64) -> Part {
        let subtask = &world.subtasks[index];
        Part {
            checkpoint,
            next: subtask.next,
            seen: subtask.seen,
            untaken: vec![Vec::new(); self.job.subtasks[index].inputs.len()],
            unsent: Vec::new(),
        }
    }
}

/// Orders.
impl Model {
    pub(super) fn hear(&self, world: &mut World, index: usize) {
        match world.subtasks[index].orders.pop_front() {
            Some(Order::Trigger(barrier)) => world.subtasks[index].ordered = Some(barrier),
            Some(Order::Abort(checkpoint)) => self.forget(world, index, checkpoint),
            None => {}
        }
    }

    fn forget(&self, world: &mut World, index: usize, checkpoint: u64) {
        let subtask = &mut world.subtasks[index];
        if self.breaks(Mutation::DropHeld) {
            for (input, &channel) in self.job.subtasks[index].inputs.iter().enumerate() {
                if subtask.alignment.holds(input) {
                    world.channels[channel].retain(|p| !matches!(p, Parcel::Token(_)));
                }
            }
        }
        subtask.alignment.give_up(checkpoint);
        subtask
            .ordered
            .take_if(|barrier| barrier.checkpoint <= checkpoint);
        subtask
            .open
            .take_if(|open| open.part.checkpoint <= checkpoint);
    }
}
