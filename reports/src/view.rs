//! A conclusion in words and formatted tables, the same for the terminal and the page.

mod answer;
mod checkpoints;
mod environment;
mod event_time;
mod hurts;
mod objectives;
mod state;
mod tables;
mod trade_off;

use serde::Serialize;

pub(crate) use answer::{
    answer_subject, load_table, probe_table, scores, search_headlines, search_meaning,
    search_notes, search_sentences, sweep_headlines, sweep_meaning,
};
use checkpoints::checkpoints;
use environment::environment;
use event_time::event_time;
pub(crate) use hurts::where_it_hurts;
use objectives::objectives;
use state::memory;
pub(crate) use state::{rocksdb_table, state_table};
pub(crate) use tables::{
    Table, cost_table, key_table, latency_table, operator_table, subtask_table, summary_table,
};
pub(crate) use trade_off::trade_off_table;

use crate::format::{NOT_AVAILABLE, count, duration_ns, or_na, rate, share};
use crate::record::{Correctness, Evidence, Level, Mode, Operator, Phase, Run, Verdict};
use crate::steady::State;

/// One of the three numbers that a busy reader wants.
#[derive(Serialize)]
pub(crate) struct Headline {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) detail: String,
}

/// Which run this is, as far as that is known.
pub(crate) fn subject(run: &Run) -> String {
    let target = format!("{} {}", run.target.kind, run.target.version);
    let parts = [run.name.as_str(), target.trim(), run.started_at.as_str()];
    let known = parts.into_iter().filter(|part| !part.is_empty());
    known.collect::<Vec<_>>().join(" · ")
}

/// What the verdict means for a reader, and what to do about it.
pub(crate) fn meaning(run: &Run) -> String {
    let text = match run.verdict {
        Verdict::Failed => {
            return format!(
                "the run ended by an error: {}",
                run.failure.as_deref().unwrap_or("no reason is recorded")
            );
        }
        Verdict::Aborted => "the run ended early; the numbers cover what there is of it",
        Verdict::Wrong => "results differ from what they must be: do not use the numbers",
        Verdict::GeneratorLimited => {
            "the load driver was the limit, not the engine: lower the rate or give the driver more CPU"
        }
        Verdict::Overloaded => {
            "more load than the engine takes: the throughput is its capacity here, latencies grow with the run's length"
        }
        Verdict::Degrading => {
            "the longer it runs the worse it gets: measure longer, or look for what grows"
        }
        Verdict::Drifting => {
            "load, throughput or response time change over the run: no one number describes it"
        }
        Verdict::Insufficient => {
            "too few samples after warm-up and faults to judge whether the run was steady: measure longer"
        }
        Verdict::Noisy if !varies(&run.evidence) => {
            "the machine was not quiet, so that other runs need not come out the same: quieten it and measure again"
        }
        Verdict::Noisy => {
            "the throughput varies so much that its mean says little: measure longer or quieten the machine"
        }
        Verdict::Steady => {
            "no fault was found; load, throughput and response time kept their level"
        }
        Verdict::Unjudged => "no fault was found; whether the run was steady is not judged",
    };
    text.to_owned()
}

/// Whether it is the throughput that makes a run noisy.
fn varies(evidence: &Evidence) -> bool {
    let throughput = evidence.throughput;
    throughput.is_some_and(|it| it.state == State::Noisy)
}

/// Label and sentence: objectives, the machine, event time, checkpoints, failures and memory, where they matter.
pub(crate) fn sentences(run: &Run) -> Vec<(&'static str, String)> {
    let objectives = objectives(run).map(|sentence| ("objectives", sentence));
    let machine = environment(run).map(|sentence| ("machine", sentence));
    let sentences = [event_time(run), checkpoints(run)].into_iter().flatten();
    let sentences = objectives.into_iter().chain(machine).chain(sentences);
    sentences.chain(memory(run)).collect()
}

/// Throughput, tail latency, worst backpressure.
pub(crate) fn headlines(run: &Run) -> [Headline; 3] {
    [throughput(run), tail(run), worst_backpressure(run)]
}

fn throughput(run: &Run) -> Headline {
    let summary = &run.summary;
    let ceiling = run.ceiling.map(|ceiling| {
        format!(
            "harness ceiling {}: generation takes {} of the sources' time",
            rate(ceiling.generated_per_s),
            or_na(ceiling.generation_share, share)
        )
    });
    let offered = match summary.offered_per_s {
        Some(offered) => format!("of {} offered", rate(offered)),
        None if summary.throughput_per_s.is_some() => "as fast as possible".to_owned(),
        None => String::new(),
    };
    let detail = [Some(offered), ceiling]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty());
    Headline {
        label: "throughput",
        value: or_na(summary.throughput_per_s, rate),
        detail: detail.collect::<Vec<_>>().join(", "),
    }
}

fn tail(run: &Run) -> Headline {
    let response = run.summary.latency_ns.response.as_ref();
    let p99 = response.and_then(|response| response.p99);
    let detail = match (response, &run.summary.latency_ns.service) {
        (Some(response), _) if response.p99.is_none() => {
            format!("too few samples: {}", count(response.count))
        }
        (Some(response), _) => {
            format!(
                "median {}, max {}",
                or_na(response.p50, nanoseconds),
                or_na(response.max, nanoseconds)
            )
        }
        (None, Some(service)) => format!(
            "without a schedule; service time p99 {} (a batch's records share one send time)",
            or_na(service.p99, nanoseconds)
        ),
        (None, None) => String::new(),
    };
    Headline {
        label: "response p99",
        value: or_na(p99, nanoseconds),
        detail,
    }
}

fn worst_backpressure(run: &Run) -> Headline {
    let worst_share = |operator: &Operator| {
        operator
            .subtasks
            .iter()
            .filter_map(|subtask| subtask.activity.backpressured)
            .max_by(f64::total_cmp)
    };
    let measured = run
        .operators
        .iter()
        .filter_map(|operator| Some((operator, worst_share(operator)?)));
    // Among equals the one closest to the sinks: the bottleneck follows it.
    let worst = measured.max_by(|(_, one), (_, other)| one.total_cmp(other));
    let Some((operator, worst)) = worst else {
        return Headline {
            label: "backpressure",
            value: NOT_AVAILABLE.to_owned(),
            detail: String::new(),
        };
    };
    let backpressure = operator.activity.backpressure;
    let level = backpressure.level.unwrap_or(Level::of(worst));
    let detail = match level {
        Level::Ok => format!("at most {} of the time, at {}", share(worst), operator.name),
        Level::Low | Level::High => format!(
            "{} at {}, {} of the time; longest episode {}",
            plural(backpressure.episodes.unwrap_or(0), "episode"),
            operator.name,
            share(worst),
            or_na(backpressure.longest_ms, milliseconds)
        ),
    };
    Headline {
        label: "backpressure",
        value: level.as_str().to_owned(),
        detail,
    }
}

/// What the verdict rests on, in one sentence.
pub(crate) fn evidence(run: &Run) -> String {
    let evidence = &run.evidence;
    let parts = [
        evidence
            .admitted_share
            .map(|admitted| format!("{} of the offered records were admitted", share(admitted))),
        evidence
            .held_share
            .map(|held| format!("the engine held the source for {} of the time", share(held))),
        evidence
            .backlog_slope
            .map(|slope| format!("the backlog grew by {slope:.3} s of load per second")),
        evidence.own_lag_p99_ns.map(|lag| {
            let bound = nanoseconds(evidence.own_lag_p99_bound_ns);
            format!(
                "the driver's own lag was {} at p99 (bound {bound})",
                nanoseconds(lag)
            )
        }),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What was judged of the rates and latencies over time, in one sentence.
pub(crate) fn steadiness(run: &Run) -> String {
    let evidence = &run.evidence;
    let disturbed = evidence.disturbed_intervals;
    let left_out = (disturbed > 0).then(|| {
        let intervals = plural(disturbed, "interval");
        format!("{intervals} of faults, failures and catching up are left out")
    });
    let behind = evidence
        .still_behind
        .then(|| "the run ended before the last of them was caught up with".to_owned());
    let parts = [changes(evidence), left_out, behind];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// By how much each series changed over the measured phase, and how well its throughput is known.
fn changes(evidence: &Evidence) -> Option<String> {
    let series = [
        ("offered rate", evidence.offered_rate),
        ("throughput", evidence.throughput),
        ("response p50", evidence.response_p50),
        ("response p99", evidence.response_p99),
    ];
    let changed = series.iter().filter_map(|(name, series)| {
        let percent = series.as_ref()?.drift? * 100.0;
        Some(format!("{name} {percent:+.1} %"))
    });
    let changed: Vec<String> = changed.collect();
    let throughput = evidence.throughput?;
    let known = throughput.half_width? / throughput.mean.filter(|mean| *mean > 0.0)?;
    Some(format!(
        "over the measured phase {}; the mean throughput is known within {:.1} %",
        changed.join(", "),
        known * 100.0
    ))
}

/// Whether the results are right, in one sentence.
pub(crate) fn correctness(results: &Correctness) -> String {
    if !results.checked {
        return "not checked".to_owned();
    }
    let mode = match results.mode {
        Some(Mode::Exact) => "exact",
        Some(Mode::Invariants) => "invariants",
        None => "unknown mode",
    };
    let faults = [
        (results.missing, "missing"),
        (results.duplicated, "duplicated"),
        (results.wrong, "wrong"),
    ];
    let faults = faults.map(|(faults, name)| format!("{} {name}", or_na(faults, count)));
    format!(
        "checked ({mode}): {} expected, {}",
        or_na(results.expected, count),
        faults.join(", ")
    )
}

/// How long the measured phase was, and when it began.
pub(crate) fn measured(phase: Phase) -> String {
    let length_ms = phase.to_ms.saturating_sub(phase.from_ms);
    format!(
        "{} after {}",
        milliseconds(length_ms),
        milliseconds(phase.from_ms)
    )
}

fn nanoseconds(ns: u64) -> String {
    duration_ns(ns as f64)
}

fn milliseconds(ms: u64) -> String {
    duration_ns(ms as f64 * 1e6)
}

fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}
