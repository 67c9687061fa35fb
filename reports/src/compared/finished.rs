//! Finished runs, given by hand, put side by side as if they were a comparison. They were not
//! interleaved, and everything that is shown of them says so.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::settings::{Settings, sets, settings};
use super::{Compared, ComparedBlock, ComparedError, ComparedRun, ComparedVariant};
use crate::comparison::Plan;
use crate::conclude::open_run;
use crate::format::shortened;
use crate::record::Run;

/// Longest name that is made of settings.
const MAX_NAME: usize = 48;
/// Draws of random numbers differ between repetitions; that makes no other variant.
const SEED: &str = "seed";

/// Runs of one scenario on one target.
struct Group {
    settings: Settings,
    target: String,
    started_at: String,
    name: String,
    runs: Vec<ComparedRun>,
}

impl Compared {
    /// A comparison of finished runs, to be kept in `directory`. Each scenario and target is a variant,
    /// the first run's the baseline; runs that differ in nothing but the seed are its repetitions, and
    /// the n-th of each makes the n-th block. If all are alike, each run is a variant of its own. Ratios
    /// within the share `margin` of 1 are equivalent.
    ///
    /// # Errors
    /// If there are fewer than two, or one is not a run directory.
    pub fn of_finished(
        directory: &Path,
        runs: &[PathBuf],
        margin: f64,
    ) -> Result<Compared, ComparedError> {
        let opened = runs.iter().map(|path| Ok((path, open_run(path)?)));
        let opened: Vec<(&PathBuf, Run)> = opened.collect::<Result<_, ComparedError>>()?;
        if opened.len() < 2 {
            return Err(ComparedError::TooFewRuns);
        }
        let mut groups: Vec<Group> = Vec::new();
        for (path, run) in &opened {
            add(&mut groups, group(directory, path, run));
        }
        if groups.len() == 1 {
            let alone = opened.iter().map(|(path, run)| Group {
                name: last_name(path),
                ..group(directory, path, run)
            });
            groups = alone.collect();
        }
        let mut compared = side_by_side(&opened[0].1.name, groups, margin);
        compared.notes.extend(machines(&opened));
        Ok(compared)
    }
}

/// What is not the same of the machines and programs that made the runs.
fn machines(opened: &[(&PathBuf, Run)]) -> Option<String> {
    let hosts = || opened.iter().map(|(_, run)| &run.host);
    let keys: BTreeSet<&String> = hosts().flat_map(|host| host.keys()).collect();
    let differs = |key: &&&String| {
        let mut values = hosts().map(|host| host.get(**key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let differing: Vec<&str> = keys
        .iter()
        .filter(differs)
        .map(|key| key.as_str())
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "the machines or programs of the runs differ in {}: a difference may be theirs",
            differing.join(", ")
        )
    })
}

fn group(directory: &Path, path: &Path, run: &Run) -> Group {
    let mut settings = settings(&run.scenario);
    settings.remove(SEED);
    let target = format!("{} {}", run.target.kind, run.target.version);
    Group {
        settings,
        target: target.trim().to_owned(),
        started_at: run.started_at.clone(),
        name: run.name.clone(),
        runs: vec![ComparedRun::named(path, &relative(directory, path))],
    }
}

fn add(groups: &mut Vec<Group>, new: Group) {
    let is_same = |group: &&mut Group| group.settings == new.settings && group.target == new.target;
    match groups.iter_mut().find(is_same) {
        Some(group) => group.runs.extend(new.runs),
        None => groups.push(new),
    }
}

fn side_by_side(name: &str, groups: Vec<Group>, margin: f64) -> Compared {
    let blocks = groups.iter().map(|group| group.runs.len()).max();
    let blocks = blocks.unwrap_or(0);
    let looked_at = u32::try_from(blocks).unwrap_or(u32::MAX);
    // They are looked at once.
    let plan = Plan {
        blocks: looked_at,
        most_blocks: looked_at,
        margin,
        ..Plan::default()
    };
    let started = groups.iter().map(|group| group.started_at.as_str());
    let started_at = started.min().unwrap_or_default();
    let mut compared = Compared::new(name, started_at, plan, variants(&groups));
    compared.interleaved = false;
    compared.finished = true;
    let block = |at: usize| ComparedBlock {
        order: Vec::new(),
        runs: groups
            .iter()
            .map(|group| group.runs.get(at).cloned())
            .collect(),
    };
    compared.blocks = (0..blocks).map(block).collect();
    compared.conclude();
    compared
}

/// Named as their scenarios are; those that share a name, by what they set otherwise than the first.
fn variants(groups: &[Group]) -> Vec<ComparedVariant> {
    let mut variants: Vec<ComparedVariant> = Vec::new();
    for group in groups {
        let sets = sets(&groups[0].settings, &group.settings);
        let is_shared = groups.iter().filter(|it| it.name == group.name).count() > 1;
        let name = match is_shared {
            true if !variants.is_empty() => named_by_settings(group, &sets),
            _ => group.name.clone(),
        };
        let taken = |name: &str| variants.iter().any(|it| it.name == name);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let name = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or(name);
        variants.push(ComparedVariant {
            name,
            target: group.target.clone(),
            sets,
        });
    }
    variants
}

fn named_by_settings(group: &Group, sets: &[(String, String)]) -> String {
    if sets.is_empty() {
        return format!("{} on {}", group.name, group.target);
    }
    let sets = sets.iter().filter(|(key, _)| key != "name");
    // Tables only make names longer: the whole key is shown where variants are compared.
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let sets = sets.map(|(key, value)| format!("{} = {value}", last(key)));
    let sets: Vec<String> = sets.collect();
    shortened(&sets.join(", "), MAX_NAME)
}

fn last_name(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    full.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The way from one directory, which may not exist yet, to another, with `/` between its parts.
fn relative(from: &Path, to: &Path) -> String {
    let (from, to) = (real(from), real(to));
    let (from, to): (Vec<Component>, Vec<Component>) =
        (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other);
    let common = common.count();
    let up = from[common..].iter().map(|_| "..".to_owned());
    let down = to[common..]
        .iter()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Without links as far as it exists: `..` behind a link leads elsewhere.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find(|it| it.exists());
    let Some((existing, real)) = existing.and_then(|it| Some((it, it.canonicalize().ok()?))) else {
        return path;
    };
    let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
    real.join(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_a_directory_that_does_not_exist_yet() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("results/one");
        std::fs::create_dir_all(&run).unwrap();
        assert_eq!(relative(&root.path().join("results/new"), &run), "../one");
        assert_eq!(
            relative(&root.path().join("a/b"), &run),
            "../../results/one"
        );
        assert_eq!(relative(root.path(), &run), "results/one");
    }
}
