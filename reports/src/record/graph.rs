//! `graph.json`: the deployed plan, as far as a reader of the record needs it.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

/// Tasks and the edges between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// One entry per task; a chain of operators is one task.
    pub tasks: Vec<Task>,
    /// One entry per exchange between two tasks.
    pub edges: Vec<Edge>,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Id of the chain's first operator.
    pub id: String,
    /// Names of the chained operators joined by " -> ".
    pub name: String,
    /// The chained operators, in order.
    pub members: Vec<Member>,
    /// Number of subtasks.
    pub parallelism: u32,
}

/// One operator of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The operator's id.
    pub id: String,
    /// The operator's name.
    pub name: String,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The edge's id.
    pub id: String,
    /// Id of the sending task.
    pub from: String,
    /// Id of the receiving task.
    pub to: String,
    /// forward, hash, rebalance, rescale or broadcast.
    pub exchange: String,
    /// Whether batches are serialised on the way.
    pub remote: bool,
}

impl Graph {
    /// Whether nothing flows into the task.
    pub fn is_source(&self, task: &str) -> bool {
        !self.edges.iter().any(|edge| edge.to == task)
    }

    /// Positions in `tasks` from sources to sinks; among equals, the order of `tasks`. Tasks on a
    /// cycle (which no engine makes, but a damaged file may hold) come last.
    pub fn topological_order(&self) -> Vec<usize> {
        let positions: HashMap<&str, usize> = self
            .tasks
            .iter()
            .enumerate()
            .map(|(at, task)| (task.id.as_str(), at))
            .collect();
        let mut outputs = vec![Vec::new(); self.tasks.len()];
        let mut open_inputs = vec![0usize; self.tasks.len()];
        for edge in &self.edges {
            let ends = positions
                .get(edge.from.as_str())
                .zip(positions.get(edge.to.as_str()));
            if let Some((&from, &to)) = ends {
                outputs[from].push(to);
                open_inputs[to] += 1;
            }
        }
        let mut ready: BTreeSet<usize> = (0..self.tasks.len())
            .filter(|&at| open_inputs[at] == 0)
            .collect();
        let mut order = Vec::with_capacity(self.tasks.len());
        while let Some(at) = ready.pop_first() {
            order.push(at);
            for &to in &outputs[at] {
                open_inputs[to] -= 1;
                if open_inputs[to] == 0 {
                    ready.insert(to);
                }
            }
        }
        order.extend((0..self.tasks.len()).filter(|&at| open_inputs[at] > 0));
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_ordered_from_sources_to_sinks_and_a_cycle_comes_last() {
        let task = |id: &str| Task {
            id: id.into(),
            name: id.into(),
            members: Vec::new(),
            parallelism: 1,
        };
        let edge = |from: &str, to: &str| Edge {
            id: format!("{from}-{to}"),
            from: from.into(),
            to: to.into(),
            exchange: "hash".into(),
            remote: false,
        };
        let graph = Graph {
            tasks: ["loop", "sink", "left", "right", "source"]
                .map(task)
                .to_vec(),
            edges: vec![
                edge("source", "left"),
                edge("source", "right"),
                edge("left", "sink"),
                edge("right", "sink"),
                edge("loop", "loop"),
                edge("nowhere", "sink"),
            ],
        };
        assert_eq!(graph.topological_order(), [4, 2, 3, 1, 0]);
        assert!(graph.is_source("source") && !graph.is_source("sink"));
    }
}
