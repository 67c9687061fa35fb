//! A comparison in sentences: what was found of each variant, and what to do next.

use super::figures::{percent, plural, ratio_with_interval};
use super::notes::{counted, is_load_bound};
use super::quantities::THROUGHPUT;
use super::{Compared, notes};
use crate::comparison::{Estimate, Metric, Next, Role, Verdict};

/// The answer for one variant.
pub(super) struct Answer {
    pub(super) variant: String,
    pub(super) tone: Tone,
    /// What was found of the metric that decides.
    pub(super) claim: String,
    /// What else is claimed.
    pub(super) besides: Option<String>,
    /// What to do.
    pub(super) next: String,
}

/// A verdict as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Same,
    Open,
}

impl Tone {
    pub(crate) fn of(verdict: Verdict) -> Tone {
        match verdict {
            Verdict::Better => Tone::Good,
            Verdict::Worse => Tone::Bad,
            Verdict::Equivalent => Tone::Same,
            Verdict::Inconclusive { .. } => Tone::Open,
        }
    }

    /// The name of its style on the page.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Tone::Good => "better",
            Tone::Bad => "worse",
            Tone::Same => "equivalent",
            Tone::Open => "inconclusive",
        }
    }
}

/// One per variant but the baseline.
pub(super) fn answers(compared: &Compared) -> Vec<Answer> {
    let variants = compared.variants.iter().enumerate().skip(1);
    let answer = |(at, variant): (usize, &super::ComparedVariant)| {
        let estimates = compared.estimates.get(at - 1);
        let estimates = estimates.map_or(&[][..], Vec::as_slice);
        match decisive(compared, estimates) {
            Some((metric, estimate)) => Answer {
                variant: variant.name.clone(),
                tone: Tone::of(estimate.verdict),
                claim: claim(compared, metric, estimate),
                besides: besides(compared, estimates),
                next: next(compared, estimates, estimate),
            },
            None => Answer {
                variant: variant.name.clone(),
                tone: Tone::Open,
                claim: "no block is complete: nothing is known".to_owned(),
                besides: None,
                next: unfinished(compared).unwrap_or_else(|| "run it".to_owned()),
            },
        }
    };
    variants.map(answer).collect()
}

/// The metric that decides.
fn decisive<'a>(
    compared: &'a Compared,
    estimates: &'a [Estimate],
) -> Option<(&'a Metric, &'a Estimate)> {
    let gate = |metric: &&Metric| metric.role == Role::Gate;
    let metrics = compared.metrics.iter();
    let metric = metrics.clone().find(gate).or(compared.metrics.first())?;
    let estimate = estimates.iter().find(|it| it.metric == metric.name)?;
    Some((metric, estimate))
}

/// `throughput better, 1.42x (1.31 to 1.55), 8 blocks`.
fn claim(compared: &Compared, metric: &Metric, estimate: &Estimate) -> String {
    let pairs = match (compared.interleaved, estimate.pairs) {
        (true, 1) => "1 block".to_owned(),
        (true, pairs) => format!("{pairs} blocks"),
        (false, 1) => "1 pair of runs, not interleaved".to_owned(),
        (false, pairs) => format!("{pairs} pairs of runs, not interleaved"),
    };
    let word = match estimate.verdict {
        // What to do says how many more blocks.
        Verdict::Inconclusive { .. } => word(estimate.verdict).to_owned(),
        _ => verdict(compared, metric, estimate),
    };
    let ratio = ratio_with_interval(estimate);
    format!("{} {word}, {ratio}, {pairs}", metric.name)
}

/// The verdict in words, with what it means.
pub(super) fn verdict(compared: &Compared, metric: &Metric, estimate: &Estimate) -> String {
    match estimate.verdict {
        Verdict::Better | Verdict::Worse if !estimate.beyond_floor => format!(
            "{}, perhaps by less than the {} by which identical variants differ",
            word(estimate.verdict),
            percent(metric.floor)
        ),
        Verdict::Equivalent => format!("equivalent within {}", percent(compared.plan.margin)),
        verdict => in_short(verdict),
    }
}

/// The verdict, and how many more blocks would decide what is open.
pub(super) fn in_short(verdict: Verdict) -> String {
    match verdict {
        Verdict::Inconclusive {
            more_blocks: Some(more),
        } => format!("inconclusive, about {more} more"),
        verdict => word(verdict).to_owned(),
    }
}

pub(super) fn word(verdict: Verdict) -> &'static str {
    Tone::of(verdict).as_str()
}

/// Differences that are claimed of the other metrics.
fn besides(compared: &Compared, estimates: &[Estimate]) -> Option<String> {
    let of = |tone: Tone| {
        let claimed = reported(compared, estimates, tone);
        let texts = claimed.map(|it| format!("{} {}", it.metric, ratio_with_interval(it)));
        let texts: Vec<String> = texts.collect();
        let word = tone.as_str();
        (!texts.is_empty()).then(|| format!("{word}: {}", texts.join(", ")))
    };
    let parts: Vec<String> = [of(Tone::Good), of(Tone::Bad)]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| format!("also {}", parts.join("; ")))
}

/// Estimates with such a verdict of metrics that are reported beside the one that decides. A difference that identical
/// variants may show, too, is in the tables only.
fn reported<'a>(
    compared: &'a Compared,
    estimates: &'a [Estimate],
    tone: Tone,
) -> impl Iterator<Item = &'a Estimate> {
    let of = estimates.iter().zip(&compared.metrics);
    of.filter(move |(it, metric)| metric.role == Role::Report && Tone::of(it.verdict) == tone)
        .map(|(it, _)| it)
        .filter(|it| it.beyond_floor)
}

fn next(compared: &Compared, estimates: &[Estimate], decisive: &Estimate) -> String {
    let worse: Vec<&str> = reported(compared, estimates, Tone::Bad)
        .map(|it| it.metric.as_str())
        .collect();
    let advice = match decisive.verdict {
        _ if is_load_bound(compared) && decisive.metric == THROUGHPUT => {
            "all variants keep up with the offered load, so this throughput says nothing of their \
             capacity: judge by the other metrics, or raise the rate (shape = max) to compare capacity"
                .to_owned()
        }
        Verdict::Better | Verdict::Worse if !decisive.beyond_floor => {
            "so small a difference may be none that matters: choose by the other metrics or by what is simpler"
                .to_owned()
        }
        Verdict::Better if worse.is_empty() => {
            "use it for a load like this one: nothing else that was measured is clearly worse"
                .to_owned()
        }
        Verdict::Better => format!("weigh the gain against what got worse: {}", worse.join(", ")),
        Verdict::Worse => "keep the baseline, unless another metric matters more".to_owned(),
        Verdict::Equivalent => {
            "the throughput does not decide: choose by the other metrics or by what is simpler"
                .to_owned()
        }
        Verdict::Inconclusive { more_blocks } => return undecided(compared, decisive, more_blocks),
    };
    let mut parts = vec![advice];
    if !compared.interleaved {
        parts.push(INTERLEAVE.to_owned());
    }
    parts.extend(unfinished(compared));
    parts.join("; ")
}

/// What to do about finished runs.
const INTERLEAVE: &str = "confirm it with interleaved blocks (backwater compare SCENARIO)";
/// With fewer pairs no two-sided p of Wilcoxon's test is below 0.05.
const LEAST_PAIRS: u32 = 6;

fn undecided(compared: &Compared, estimate: &Estimate, more_blocks: Option<u32>) -> String {
    if let Some(unfinished) = unfinished(compared) {
        return unfinished;
    }
    let unit = if compared.interleaved {
        "blocks"
    } else {
        "pairs of runs"
    };
    let more = match more_blocks {
        _ if estimate.pairs == 0 => {
            "without a pair of usable runs nothing can be said: see the notes".to_owned()
        }
        Some(more) => format!(
            "about {more} more {unit} would decide it, if what was seen so far is the truth"
        ),
        None if estimate.pairs < LEAST_PAIRS => {
            format!("fewer than {LEAST_PAIRS} {unit} can never show a difference: run more")
        }
        None => format!(
            "too noisy for any number of {unit} that anybody would run: make the runs longer or the machine quieter"
        ),
    };
    match compared.interleaved {
        true => more,
        false => format!("{more}; {INTERLEAVE}"),
    }
}

/// Of a comparison that goes on.
fn unfinished(compared: &Compared) -> Option<String> {
    if compared.finished || !compared.interleaved {
        return None;
    }
    if compared.failure.is_some() {
        return Some(
            "it ended early: mend that and compare again; if it was of the moment, the same command with \
             --out goes on"
                .to_owned(),
        );
    }
    match compared.next() {
        Next::MoreBlocks(1) => Some("1 more block is to run before the next look".to_owned()),
        Next::MoreBlocks(more) => Some(format!(
            "{more} more blocks are to run before the next look"
        )),
        Next::Stop => None,
    }
}

/// Verdicts of a variant's runs: what all of its numbers are worth.
pub(super) fn worth(compared: &Compared, variant: usize) -> String {
    counted(compared.runs(variant).map(|(_, run)| run.verdict))
}

/// Verdicts of all runs.
pub(super) fn worth_of_all(compared: &Compared) -> String {
    let variants = 0..compared.variants.len();
    let runs = variants.flat_map(|variant| compared.runs(variant));
    counted(runs.map(|(_, run)| run.verdict))
}

/// What was compared, in one line.
pub(super) fn subject(compared: &Compared) -> String {
    let mut targets: Vec<&str> = Vec::new();
    for variant in &compared.variants {
        if !targets.contains(&variant.target.as_str()) {
            targets.push(&variant.target);
        }
    }
    let blocks = compared.counted().count();
    let design = match compared.interleaved {
        true => format!(
            "{blocks} interleaved {} of {} variants",
            plural(blocks, "block"),
            compared.variants.len()
        ),
        false => format!(
            "finished runs of {} variants, not interleaved",
            compared.variants.len()
        ),
    };
    let targets = targets.join(", ");
    let parts = [
        compared.name.as_str(),
        &targets,
        &compared.started_at,
        &design,
    ];
    let known = parts.into_iter().filter(|part| !part.is_empty());
    known.collect::<Vec<_>>().join(" · ")
}

/// Notes that stand above the answer, and the others.
pub(super) fn banner(compared: &Compared) -> Option<&'static str> {
    (!compared.interleaved).then_some(notes::NOT_INTERLEAVED)
}
