//! Places tasks in layers by the longest way from a source (Sugiyama, Tagawa and Toda 1981,
//! without their last step: a job's graph is small). An edge over several layers gets a place in
//! each, so that it passes between the tasks and not behind them.

use std::collections::HashMap;

use crate::record::Graph;

/// Places as (layer, row).
pub(super) struct Layout {
    pub(super) layers: usize,
    /// Of the layer with the most.
    pub(super) rows: usize,
    /// Of every task, in the graph's order.
    pub(super) tasks: Vec<(usize, f64)>,
    /// The way of every edge, from task to task; `None` if an end is unknown or the edge does not
    /// lead to a later layer (a damaged file may say so).
    pub(super) edges: Vec<Option<Vec<(usize, f64)>>>,
}

/// What has a place in a layer: a task or the passage of an edge.
#[derive(Clone, Copy, PartialEq)]
enum Item {
    Task(usize),
    Passage(usize),
}

/// More passages than this are not worth the room.
const MAX_PASSAGES: usize = 256;

pub(super) fn layout(graph: &Graph) -> Layout {
    let ends = ends(graph);
    let layer_of = layers(graph, &ends);
    let count = layer_of.iter().max().map_or(1, |last| last + 1);
    let mut layers: Vec<Vec<Item>> = vec![Vec::new(); count];
    for (task, &layer) in layer_of.iter().enumerate() {
        layers[layer].push(Item::Task(task));
    }
    let mut passages = 0;
    for (edge, &end) in ends.iter().enumerate() {
        let Some((from, to)) = end else { continue };
        let between = layers.iter_mut().take(layer_of[to]);
        for layer in between.skip(layer_of[from] + 1) {
            if passages < MAX_PASSAGES {
                layer.push(Item::Passage(edge));
                passages += 1;
            }
        }
    }
    order(&mut layers, &ends, &layer_of);
    let rows = layers.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let place = |layer: usize, item: Item| {
        let items = &layers[layer];
        // Shorter layers stand in the middle.
        let shift = (rows - items.len()) as f64 / 2.0;
        let at = items.iter().position(|&other| other == item);
        at.map(|at| (layer, at as f64 + shift))
    };
    let tasks: Vec<(usize, f64)> = layer_of
        .iter()
        .enumerate()
        .map(|(task, &layer)| place(layer, Item::Task(task)).unwrap_or((layer, 0.0)))
        .collect();
    let route = |(edge, end): (usize, &Option<(usize, usize)>)| {
        let (from, to) = (*end)?;
        let between = layer_of[from] + 1..layer_of[to];
        let passages = between.filter_map(|layer| place(layer, Item::Passage(edge)));
        let leads_on = layer_of[to] > layer_of[from];
        leads_on.then(|| {
            let ends = (tasks[from], tasks[to]);
            [ends.0]
                .into_iter()
                .chain(passages)
                .chain([ends.1])
                .collect()
        })
    };
    Layout {
        layers: count,
        rows,
        edges: ends.iter().enumerate().map(route).collect(),
        tasks,
    }
}

/// Positions of the tasks at the ends of every edge.
fn ends(graph: &Graph) -> Vec<Option<(usize, usize)>> {
    let tasks = graph.tasks.iter().enumerate();
    let positions: HashMap<&str, usize> = tasks.map(|(at, task)| (task.id.as_str(), at)).collect();
    let position = |id: &str| positions.get(id).copied();
    let edges = graph.edges.iter();
    edges
        .map(|edge| position(&edge.from).zip(position(&edge.to)))
        .collect()
}

/// The longest way from a source to each task, in edges.
fn layers(graph: &Graph, ends: &[Option<(usize, usize)>]) -> Vec<usize> {
    let order = graph.topological_order();
    let mut rank = vec![0; order.len()];
    for (at, &task) in order.iter().enumerate() {
        rank[task] = at;
    }
    // Only forward edges count: what is left of a cycle must not push its tasks out for ever.
    let mut inputs = vec![Vec::new(); order.len()];
    for &(from, to) in ends.iter().flatten() {
        if rank[from] < rank[to] {
            inputs[to].push(from);
        }
    }
    let mut layers = vec![0; order.len()];
    for &task in &order {
        let before = inputs[task].iter().map(|&from: &usize| layers[from] + 1);
        layers[task] = before.max().unwrap_or(0);
    }
    layers
}

/// Sorts each layer by the mean place of what leads into it, which keeps most lines from crossing.
fn order(layers: &mut [Vec<Item>], ends: &[Option<(usize, usize)>], layer_of: &[usize]) {
    for layer in 1..layers.len() {
        let (before, here) = layers.split_at_mut(layer);
        let before = &before[layer - 1];
        let place = |item: Item| before.iter().position(|&other| other == item);
        let center = |item: &Item| -> f64 {
            let enters = |(edge, end): (usize, &Option<(usize, usize)>)| {
                let (from, to) = (*end)?;
                let is_this = match *item {
                    Item::Task(task) => task == to,
                    Item::Passage(passage) => passage == edge,
                };
                let came_by = if layer_of[from] + 1 == layer {
                    Item::Task(from)
                } else {
                    Item::Passage(edge)
                };
                is_this.then(|| place(came_by)).flatten()
            };
            let places: Vec<usize> = ends.iter().enumerate().filter_map(enters).collect();
            places.iter().sum::<usize>() as f64 / places.len().max(1) as f64
        };
        let mut placed: Vec<(f64, Item)> =
            here[0].iter().map(|item| (center(item), *item)).collect();
        placed.sort_by(|one, other| one.0.total_cmp(&other.0));
        here[0] = placed.into_iter().map(|(_, item)| item).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Edge, Task};

    fn graph(tasks: &[&str], edges: &[(&str, &str)]) -> Graph {
        let task = |id: &&str| Task {
            id: (*id).to_owned(),
            name: (*id).to_owned(),
            members: Vec::new(),
            parallelism: 1,
        };
        let edge = |(from, to): &(&str, &str)| Edge {
            id: format!("{from}-{to}"),
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            exchange: "hash".to_owned(),
            remote: false,
        };
        Graph {
            tasks: tasks.iter().map(task).collect(),
            edges: edges.iter().map(edge).collect(),
        }
    }

    #[test]
    fn an_edge_over_a_layer_passes_beside_the_tasks_in_it() {
        let job = graph(&["a", "b", "c"], &[("a", "b"), ("b", "c"), ("a", "c")]);
        let layout = layout(&job);
        assert_eq!((layout.layers, layout.rows), (3, 2));
        assert_eq!(layout.tasks, [(0, 0.5), (1, 0.0), (2, 0.5)]);
        assert_eq!(layout.edges[2], Some(vec![(0, 0.5), (1, 1.0), (2, 0.5)]));
    }

    #[test]
    fn a_cycle_is_laid_out_and_its_way_back_is_not_drawn() {
        let job = graph(&["a", "b"], &[("a", "b"), ("b", "a"), ("a", "nowhere")]);
        let layout = layout(&job);
        assert_eq!(layout.layers, 2);
        assert_eq!(layout.edges.iter().flatten().count(), 1);
    }
}
