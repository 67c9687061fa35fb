//! What a checkpoint holds, and when it is a consistent cut: every token that its source has emitted is
//! either in the state of all subtasks of its way, or has been seen by the first of them and lies on the
//! channel behind these, once; and what lies on a channel is in order.

use super::job::{Job, Token, Tokens, only};

/// What one subtask keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) checkpoint: u64,
    /// Of a source: its next token.
    pub(super) next: Token,
    pub(super) seen: Tokens,
    /// Per input: tokens that were not worked off and belong before its barrier.
    pub(super) untaken: Vec<Vec<Token>>,
    /// What waited for credit, with its channel.
    pub(super) unsent: Vec<(usize, Token)>,
}

/// Per subtask.
pub(super) type Cut = Vec<Part>;

/// What lies on a channel.
pub(super) fn in_flight(job: &Job, cut: &Cut, channel: usize) -> Vec<Token> {
    let ends = &job.channels[channel];
    let mut tokens = cut[ends.to].untaken[ends.input].clone();
    let unsent = cut[ends.from].unsent.iter();
    let unsent = unsent.filter(|(of, _)| *of == channel);
    tokens.extend(unsent.map(|&(_, token)| token));
    tokens
}

pub(super) fn check(job: &Job, cut: &Cut) -> Result<(), String> {
    let channels: Vec<Vec<Token>> = (0..job.channels.len())
        .map(|channel| in_flight(job, cut, channel))
        .collect();
    for token in job.tokens() {
        let mut expected_here = token < cut[job.source_of(token)].next;
        let mut lies_on = Vec::new();
        for channel in job.way(token) {
            let seen = cut[job.channels[channel].to].seen & only(token) != 0;
            if expected_here && !seen {
                lies_on.push(channel);
            } else if seen && !expected_here {
                return Err(format!(
                    "token {token} was seen behind where it can be: {cut:?}"
                ));
            }
            expected_here = seen;
        }
        for (channel, tokens) in channels.iter().enumerate() {
            let count = tokens.iter().filter(|&&other| other == token).count();
            let expected = usize::from(lies_on.contains(&channel));
            if count != expected {
                return Err(format!(
                    "token {token} lies {count} times on channel {channel}, not {expected}: {cut:?}"
                ));
            }
        }
    }
    channels
        .iter()
        .try_for_each(|tokens| check_order(job, tokens))
}

fn check_order(job: &Job, tokens: &[Token]) -> Result<(), String> {
    for (index, &later) in tokens.iter().enumerate() {
        let of_same = |&&earlier: &&Token| job.source_of(earlier) == job.source_of(later);
        if let Some(earlier) = tokens[..index].iter().filter(of_same).find(|&&t| t > later) {
            return Err(format!("token {later} lies behind {earlier}"));
        }
    }
    Ok(())
}
