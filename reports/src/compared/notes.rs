//! What a reader must know before using a comparison's numbers.

use std::collections::BTreeMap;

use super::quantities::{RESPONSE, THROUGHPUT, is_usable};
use super::{Compared, ComparedRun};
use crate::record::Verdict;

/// The machine changed if the same work took longer than this times what it did otherwise.
const CALIBRATION_BOUND: f64 = 1.10;
/// With at least this share of the offered load admitted, the load and not the engine was the limit.
const KEPT_UP: f64 = 0.995;

pub(super) fn notes(compared: &Compared) -> Vec<String> {
    let mut notes = Vec::new();
    if !compared.interleaved {
        notes.push(NOT_INTERLEAVED.to_owned());
    }
    notes.extend(between_looks(compared));
    notes.extend(calibrations(compared));
    for variant in 0..compared.variants.len() {
        notes.extend(left_out(compared, variant));
        notes.extend(unsteady(compared, variant));
    }
    if is_load_bound(compared) {
        notes.push(
            "every run admitted all of the load that it was offered: the throughput says that all \
             variants keep up, not how much more each could take"
                .to_owned(),
        );
    }
    if has_overload(compared) {
        notes.push(format!(
            "{RESPONSE} times of overloaded runs grow with the run's length: their ratios hold for \
             runs of this length only"
        ));
    }
    notes
}

/// Whoever looks when it suits him finds a difference sooner or later.
fn between_looks(compared: &Compared) -> Option<String> {
    let blocks = u32::try_from(compared.counted().count()).unwrap_or(u32::MAX);
    let looks = compared.plan.looks();
    let next = *looks.iter().find(|look| **look > blocks)?;
    let is_between = compared.interleaved && blocks > 0 && !looks.contains(&blocks);
    is_between.then(|| {
        format!(
            "it was to be looked at after {next} blocks, and there are {blocks}: nothing is claimed of them"
        )
    })
}

/// What finished runs cannot show.
pub(super) const NOT_INTERLEAVED: &str = "the runs were not interleaved: whatever changed on the machine between \
     them looks like a difference between the variants, and intervals and p do not know of it";

/// Whether the throughput is the offered load in every run that counts.
pub(super) fn is_load_bound(compared: &Compared) -> bool {
    let metrics = compared.metrics.iter();
    let Some(throughput) = metrics.clone().position(|it| it.name == THROUGHPUT) else {
        return false;
    };
    let mut shares = usable(compared).map(|run| {
        let admitted = run.values.get(throughput).copied().flatten()?;
        Some(admitted / run.offered_per_s?)
    });
    let any = usable(compared).next().is_some();
    any && shares.all(|share| share.is_some_and(|share| share >= KEPT_UP))
}

fn has_overload(compared: &Compared) -> bool {
    let has_response = |run: &ComparedRun| {
        let metrics = compared.metrics.iter().zip(&run.values);
        let mut responses = metrics.filter(|(metric, _)| metric.name.starts_with(RESPONSE));
        responses.any(|(_, value)| value.is_some())
    };
    usable(compared).any(|run| run.verdict == Verdict::Overloaded && has_response(run))
}

fn usable(compared: &Compared) -> impl Iterator<Item = &ComparedRun> {
    let runs = (0..compared.variants.len()).flat_map(|variant| compared.runs(variant));
    runs.map(|(_, run)| run)
        .filter(|run| is_usable(run.verdict))
}

/// Differences of the machine itself: between the runs of one block they are noise of its ratios,
/// over the comparison they say that the machine was not one.
fn calibrations(compared: &Compared) -> Vec<String> {
    let spread = |runs: &mut dyn Iterator<Item = &ComparedRun>| -> Option<f64> {
        let medians = runs.filter_map(|run| Some(run.calibration_ns?.median));
        let ends = medians.filter(|it| *it > 0.0).map(|it| (it, it));
        let (low, high) = ends.reduce(|(low, high), (it, _)| (low.min(it), high.max(it)))?;
        Some(high / low)
    };
    let of_blocks = compared
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(at, block)| {
            let spread = spread(&mut block.runs.iter().flatten())?;
            (spread > CALIBRATION_BOUND).then_some((at + 1, spread))
        });
    let of_blocks: Vec<(usize, f64)> = of_blocks.collect();
    let mut notes = Vec::new();
    if let Some(most) = of_blocks.iter().map(|(_, spread)| *spread).reduce(f64::max) {
        let blocks: Vec<usize> = of_blocks.iter().map(|(block, _)| *block).collect();
        notes.push(format!(
            "within {} the machine's speed differed by up to {} between the runs: their ratios hold \
             that difference too",
            numbered("block", &blocks),
            percent(most)
        ));
    }
    let all = spread(
        &mut compared
            .blocks
            .iter()
            .flat_map(|block| block.runs.iter().flatten()),
    );
    if let Some(all) = all.filter(|all| *all > CALIBRATION_BOUND) {
        let means = if compared.interleaved {
            "interleaving keeps that out of the ratios, but medians and curves hold it"
        } else {
            "the ratios hold that difference too"
        };
        notes.push(format!(
            "over the comparison the machine's speed differed by up to {}: {means}",
            percent(all)
        ));
    }
    notes
}

/// Runs whose numbers are not used, and why.
fn left_out(compared: &Compared, variant: usize) -> Vec<String> {
    let mut blocks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (block, run) in compared.runs(variant) {
        if !is_usable(run.verdict) {
            blocks.entry(run.verdict.as_str()).or_default().push(block);
        }
    }
    let name = &compared.variants[variant].name;
    let note = |(verdict, blocks): (&str, Vec<usize>)| {
        let of = compared.runs(variant).count();
        let runs = blocks.len();
        let in_blocks = numbered("block", &blocks);
        format!("{name}: {runs} of {of} runs left out, as {verdict} ({in_blocks})")
    };
    blocks.into_iter().map(note).collect()
}

/// Runs that count although one number hardly describes them.
fn unsteady(compared: &Compared, variant: usize) -> Option<String> {
    let is_doubtful = |verdict| match verdict {
        Verdict::Degrading | Verdict::Drifting | Verdict::Insufficient | Verdict::Noisy => true,
        Verdict::Failed
        | Verdict::Aborted
        | Verdict::Wrong
        | Verdict::GeneratorLimited
        | Verdict::Overloaded
        | Verdict::Steady
        | Verdict::Unjudged => false,
    };
    let verdicts = compared.runs(variant).map(|(_, run)| run.verdict);
    let doubtful: Vec<Verdict> = verdicts.filter(|&it| is_doubtful(it)).collect();
    let name = &compared.variants[variant].name;
    (!doubtful.is_empty()).then(|| {
        format!(
            "{name}: of {} runs {}; they count, but longer runs would say more",
            compared.runs(variant).count(),
            counted(doubtful.into_iter())
        )
    })
}

/// How many there are of each verdict: `6 steady, 2 noisy`.
pub(super) fn counted(verdicts: impl Iterator<Item = Verdict>) -> String {
    let mut counts: Vec<(Verdict, usize)> = Vec::new();
    for verdict in verdicts {
        match counts.iter_mut().find(|(it, _)| *it == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    counts.sort_by(|(one, few), (other, many)| {
        many.cmp(few).then_with(|| one.as_str().cmp(other.as_str()))
    });
    let counts = counts.iter().map(|(it, count)| format!("{count} {it}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// `block 3`, `blocks 1, 2 and 7`.
fn numbered(noun: &str, numbers: &[usize]) -> String {
    let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match texts.as_slice() {
        [] => format!("no {noun}"),
        [one] => format!("{noun} {one}"),
        [first @ .., last] => format!("{noun}s {} and {last}", first.join(", ")),
    }
}

fn percent(ratio: f64) -> String {
    format!("{:.0} %", (ratio - 1.0) * 100.0)
}
