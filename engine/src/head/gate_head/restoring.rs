//! Which rows of a checkpoint a subtask has to work off.

use super::super::replay::{InputImage, Replay};
use super::{GateHead, Input};
use crate::checkpoint::taking::RestoredTask;
use crate::exchange::Exchange;
use crate::operator::OperatorError;
use crate::output::InFlight;

impl<T: Send> GateHead<T> {
    /// Rows on their way over an input that is not there any more have nowhere to go; of a broadcast
    /// each old subtask has its own copies, which cannot be shared out anew.
    fn refuse_lost(
        &self,
        images: &[(usize, InputImage)],
        sent: &[Vec<(usize, InFlight)>],
        parallelism: usize,
    ) -> Result<(), OperatorError> {
        let ways = images.iter().flat_map(|(_, image)| image.ways());
        let kept: Vec<usize> = ways.collect();
        if kept.iter().any(|input| *input >= self.inputs.len()) {
            let text = "it holds rows of an input that the operator does not have any more";
            return Err(text.into());
        }
        let is_broadcast = |input: usize| self.inputs[input].edge.exchange == Exchange::Broadcast;
        let unsent = (0..sent.len()).filter(|input| !sent[*input].is_empty());
        let mut under_way = kept.into_iter().chain(unsent);
        if images.len() != parallelism && under_way.any(is_broadcast) {
            let text = "it holds rows of a broadcast on their way: the parallelism has to stay";
            return Err(text.into());
        }
        Ok(())
    }

    /// What this subtask has to work off of what lay before the old subtasks of its task.
    pub(super) fn replay_of(
        &mut self,
        images: Vec<(usize, InputImage)>,
        from: &RestoredTask<'_>,
    ) -> Result<Replay<T>, OperatorError> {
        let mut sent: Vec<Vec<(usize, InFlight)>> = Vec::new();
        for Input { edge, .. } in &self.inputs {
            sent.push(from.all(&edge.sender, &edge.sent_name)?);
        }
        self.refuse_lost(&images, &sent, from.subtask.parallelism)?;
        let is_keyed = |input: &Input<T>| input.edge.exchange == Exchange::Hash;
        let is_keyed = self.inputs.iter().any(is_keyed);
        let mut replay = Replay::new();
        let old_parallelism = images.len();
        let concerns = |old: usize| match is_keyed {
            true => from.shares_groups_with(old, old_parallelism),
            false => old % from.subtask.parallelism == from.subtask.index,
        };
        for (old, image) in &images {
            // Of others without keys it counts how far they had come.
            if is_keyed && !concerns(*old) {
                continue;
            }
            let sent = |input: usize, sender: u32| {
                let of_input = sent.get(input).into_iter().flatten();
                let mut of_sender = of_input.filter(|(index, _)| *index == sender as usize);
                let rows = of_sender.next().into_iter().flat_map(|(_, rows)| rows);
                let mut rows = rows.filter(|(receiver, _)| *receiver as usize == *old);
                rows.next().map_or(Vec::new(), |(_, rows)| rows.clone())
            };
            let own = from.subtask.index;
            let inputs = &mut self.inputs;
            let keep = |input: usize, value: &T| match inputs.get_mut(input) {
                Some(input) => input.edge.router.owner(value).is_none_or(|it| it == own),
                None => false,
            };
            replay.add(image, &self.codec, sent, keep)?;
        }
        if !is_keyed {
            replay.stop_behind(|at| concerns(images[at].0));
        }
        replay.begin();
        Ok(replay)
    }
}
