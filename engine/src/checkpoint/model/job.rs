//! The jobs that are searched: subtasks, channels, and the way of each token.

/// A row. Those of a source are numbered in the order in which it emits them.
pub(super) type Token = u8;

/// A set of tokens, by bits.
pub(super) type Tokens = u16;

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) subtasks: Vec<Subtask>,
    pub(super) channels: Vec<Channel>,
    /// So many tokens may be under way on a channel.
    pub(super) credits: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Subtask {
    /// What it emits: none for one that is no source, which has inputs.
    pub(super) tokens: std::ops::Range<Token>,
    /// Its channels.
    pub(super) inputs: Vec<usize>,
    pub(super) outputs: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Its number among the inputs of its receiver.
    pub(super) input: usize,
}

impl Job {
    /// The first subtasks are sources, which emit so many tokens; channels are (from, to).
    fn new(
        name: &'static str,
        credits: usize,
        sources: &[Token],
        channels: &[(usize, usize)],
    ) -> Self {
        let last = channels.iter().map(|&(_, to)| to).max();
        let count = last.expect("a job has channels") + 1;
        let mut first = 0;
        let mut subtasks: Vec<Subtask> = (0..count)
            .map(|index| {
                let end = first + sources.get(index).copied().unwrap_or(0);
                let tokens = std::mem::replace(&mut first, end)..end;
                Subtask {
                    tokens,
                    inputs: Vec::new(),
                    outputs: Vec::new(),
                }
            })
            .collect();
        let channels = channels.iter().enumerate().map(|(channel, &(from, to))| {
            subtasks[from].outputs.push(channel);
            let input = subtasks[to].inputs.len();
            subtasks[to].inputs.push(channel);
            Channel { from, to, input }
        });
        Job {
            name,
            credits,
            channels: channels.collect(),
            subtasks,
        }
    }

    /// One after the other: what waits for credit, and what lies before an operator.
    pub(super) fn line(tokens: Token) -> Self {
        Job::new("line", 1, &[tokens], &[(0, 1), (1, 2)])
    }

    /// Two inputs, one of which may end long before the other.
    pub(super) fn union(tokens: [Token; 2]) -> Self {
        Job::new("union", 2, &tokens, &[(0, 2), (1, 2)])
    }

    /// A short way and a long one to the same subtask.
    pub(super) fn detour(tokens: Token) -> Self {
        Job::new("detour", 1, &[tokens], &[(0, 1), (0, 2), (1, 2)])
    }

    /// An exchange in the middle, and a sink.
    pub(super) fn exchange(tokens: [Token; 2]) -> Self {
        let channels = [(0, 2), (0, 3), (1, 2), (1, 3), (2, 4), (3, 4)];
        Job::new("exchange", 1, &tokens, &channels)
    }

    pub(super) fn is_source(&self, subtask: usize) -> bool {
        self.subtasks[subtask].inputs.is_empty()
    }

    /// The channel over which a token leaves a subtask: a source deals them out in turn.
    pub(super) fn route(&self, subtask: usize, token: Token) -> Option<usize> {
        let outputs = &self.subtasks[subtask].outputs;
        let turn = token as usize % outputs.len().max(1);
        outputs.get(turn).copied()
    }

    pub(super) fn source_of(&self, token: Token) -> usize {
        let mut sources = self.subtasks.iter();
        sources
            .position(|subtask| subtask.tokens.contains(&token))
            .expect("every token has a source")
    }

    /// The channels of its whole way.
    pub(super) fn way(&self, token: Token) -> Vec<usize> {
        let mut at = self.source_of(token);
        let mut way = Vec::new();
        while let Some(channel) = self.route(at, token) {
            way.push(channel);
            at = self.channels[channel].to;
        }
        way
    }

    /// All tokens.
    pub(super) fn tokens(&self) -> std::ops::Range<Token> {
        let end = self.subtasks.iter().map(|subtask| subtask.tokens.end).max();
        0..end.unwrap_or(0)
    }
}

/// The set of one.
pub(super) fn only(token: Token) -> Tokens {
    1 << token
}
