//! The two jobs of `state-growth`.

use engine::{CsvRecord, JobGraph, Stream};

use super::event::{ProfileEvents, VisitEvents};
use super::outcome::{Outcome, Said, SumSink};
use super::profile::Content;
use super::profiles::{Answer, Profiles};
use super::spec::StateGrowthSpec;
use super::verify::ProfileVerifier;
use super::visits::verify::VisitVerifier;
use super::visits::{Calendar, FirstVisits};
use crate::jobs::{Built, Wiring};
use crate::load::Events;
use crate::slow_operator::{Parse, Record};
use crate::stamped::{ParseStamped, StampedRecord};
use crate::verify::{Left, Verifier};

/// Names of the operators; `profile` is that of the job `profiles`, `first-visit` that of `unique-visitor`.
pub const OPERATORS: &[&str] = &["source", "parse", "profile", "first-visit", "sink"];

/// The job `profiles`, with its sources and its verifier.
pub fn build_profiles(spec: &StateGrowthSpec, wiring: Wiring<ProfileEvents>) -> Built {
    build_profiles_with(spec, wiring, |records| records)
}

/// As [`build_profiles`], with further operators behind `parse`. Whatever they do, the verifier expects that they hand
/// every record on once: so a test can show that it notices one which does not.
pub fn build_profiles_with(
    spec: &StateGrowthSpec,
    wiring: Wiring<ProfileEvents>,
    between: impl FnOnce(Stream<Record>) -> Stream<Record>,
) -> Built {
    let graph = JobGraph::new("state-growth");
    profiles(graph, spec, wiring, between, |answers| answers)
}

/// As [`build_profiles`], with further operators behind `profile`, which hand every answer on once.
pub(crate) fn build_profiles_behind(
    spec: &StateGrowthSpec,
    wiring: Wiring<ProfileEvents>,
    behind: impl FnOnce(Stream<Answer>) -> Stream<Answer>,
) -> Built {
    let graph = JobGraph::new("checkpoint-pressure");
    profiles(graph, spec, wiring, |records| records, behind)
}

fn profiles(
    graph: JobGraph,
    spec: &StateGrowthSpec,
    wiring: Wiring<ProfileEvents>,
    between: impl FnOnce(Stream<Record>) -> Stream<Record>,
    behind: impl FnOnce(Stream<Answer>) -> Stream<Answer>,
) -> Built {
    let parsed = between(wiring.source(&graph).operator("parse", |_| Parse));
    let (ttl, left, entries) = (spec.ttl, Left::default(), Left::default());
    let content = Content::new(spec, wiring.seed());
    let (population, leave) = (wiring.events().population().clone(), entries.clone());
    let answers = parsed
        .key_by(|record: &Record| record.key)
        .process("profile", move |context| {
            let place = leave.of(context.index);
            Profiles::new(content, population.clone(), ttl, place)
        });
    add_sink(behind(answers), spec, &wiring, &left);
    finished(graph, wiring, |wiring| {
        Box::new(ProfileVerifier::new(wiring, ttl, left, entries))
    })
}

/// The job `unique-visitor`, with its sources and its verifier.
pub fn build_visits(spec: &StateGrowthSpec, wiring: Wiring<VisitEvents>) -> Built {
    build_visits_with(spec, wiring, |visits| visits)
}

/// As [`build_visits`], with further operators behind `parse`, which hand every visit on once.
pub fn build_visits_with(
    spec: &StateGrowthSpec,
    wiring: Wiring<VisitEvents>,
    between: impl FnOnce(Stream<StampedRecord>) -> Stream<StampedRecord>,
) -> Built {
    let graph = JobGraph::new("state-growth");
    let parsed = between(wiring.source(&graph).operator("parse", |_| ParseStamped));
    let (ttl, left) = (spec.ttl, Left::default());
    let (calendar, population) = (Calendar::new(spec), wiring.events().population().clone());
    let first = parsed
        .key_by(|visit: &StampedRecord| visit.record.key)
        .process("first-visit", move |_| {
            FirstVisits::new(calendar, population.clone(), ttl)
        });
    add_sink(first, spec, &wiring, &left);
    finished(graph, wiring, |wiring| {
        Box::new(VisitVerifier::new(wiring, calendar, ttl, left))
    })
}

fn add_sink<R: Said + CsvRecord, E: Events>(
    rows: Stream<R>,
    spec: &StateGrowthSpec,
    wiring: &Wiring<E>,
    left: &Left<Outcome<R>>,
) {
    let (probes, leave) = (wiring.probes(), left.clone());
    let keeps_histories = spec.ttl.is_some();
    wiring.sink(rows, "sink", move |context| {
        let place = leave.of(context.index);
        SumSink::new(probes.sink(context.index), keeps_histories, place)
    });
}

fn finished<E: Events>(
    graph: JobGraph,
    wiring: Wiring<E>,
    verifier: impl FnOnce(Wiring<E>) -> Box<dyn Verifier>,
) -> Built {
    Built {
        graph,
        progress: wiring.progress(),
        alone: wiring.alone(),
        verifier: verifier(wiring),
    }
}
