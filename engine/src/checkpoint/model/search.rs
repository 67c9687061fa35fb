//! Goes through all states that can be reached, depth first, each once.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::moves::Move;
use super::world::{Model, World};

/// What a search has gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) states: usize,
    pub(super) moves: usize,
    /// Among the moves: checkpoints that became complete, and those that held rows in flight.
    pub(super) complete: usize,
    pub(super) complete_with_rows: usize,
    /// Ends of the whole.
    pub(super) ends: usize,
}

struct Frame {
    world: World,
    moves: Vec<Move>,
    /// The first that has not been tried.
    next: usize,
}

/// All states, or the way to one that must not be.
pub(super) fn search(model: &Model) -> Result<Found, String> {
    let mut found = Found::default();
    let mut known = HashSet::new();
    let mut way = Vec::new();
    enter(
        model,
        model.deployed(model.budget, None, 1),
        &mut known,
        &mut way,
        &mut found,
    )?;
    while let Some(frame) = way.last_mut() {
        let Some(&next) = frame.moves.get(frame.next) else {
            way.pop();
            continue;
        };
        frame.next += 1;
        found.moves += 1;
        found.note(&frame.world, next);
        let mut world = frame.world.clone();
        let outcome = model.apply(&mut world, next);
        let entered = outcome.and_then(|()| enter(model, world, &mut known, &mut way, &mut found));
        entered.map_err(|violation| describe(&way, violation))?;
    }
    Ok(found)
}

/// Goes on from a state unless it is known.
fn enter(
    model: &Model,
    world: World,
    known: &mut HashSet<u64>,
    way: &mut Vec<Frame>,
    found: &mut Found,
) -> Result<(), String> {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    if !known.insert(hasher.finish()) {
        return Ok(());
    }
    found.states += 1;
    model.check(&world)?;
    let mut moves = Vec::new();
    model.moves(&world, &mut moves);
    if moves.is_empty() {
        found.ends += 1;
        return model.check_end(&world);
    }
    way.push(Frame {
        world,
        moves,
        next: 0,
    });
    Ok(())
}

fn describe(way: &[Frame], violation: String) -> String {
    let moves = way.iter().map(|frame| frame.moves[frame.next - 1]);
    let moves: Vec<Move> = moves.collect();
    format!("{violation}, after {moves:?}")
}

impl Found {
    fn note(&mut self, world: &World, next: Move) {
        if let (Move::Published, Some(publishing)) = (next, &world.supervisor.publishing) {
            self.complete += 1;
            let mut parts = publishing.cut.iter();
            let with_rows = parts.any(|part| {
                !part.unsent.is_empty() || part.untaken.iter().any(|tokens| !tokens.is_empty())
            });
            self.complete_with_rows += usize::from(with_rows);
        }
    }
}
