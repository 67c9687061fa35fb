//! From a record and a few facts to `run.json`: everything over the measured phase, as differences
//! of cumulative counters. Pure: reads the run directory and nothing else, and writes nothing.

mod activity;
mod checkpoints;
mod course;
mod disturbances;
mod environment;
mod event_time;
mod keys;
mod latency;
pub(crate) mod recovery;
mod state;
mod timeline;

use std::collections::BTreeMap;
use std::path::Path;

use hdrhistogram::Histogram;
use serde_json::Value;

use crate::objectives::Objectives;
use crate::record::{
    Ceiling, Correctness, EventRow, Evidence, Graph, MemberCost, Memory, Operator, Phase,
    RecordError, Run, RunDir, SCHEMA, Subtask, Summary, Target, TimelineRow, event_kind,
};
use crate::verdict::{self, OWN_LAG_P99_BOUND_NS};
use activity::{Activities, TaskActivity};
use keys::TopKeys;
use state::{Beside, States};
use timeline::Totals;

/// Above this share of its ceiling a run says much of the harness and little of the engine.
const GENERATION_BOUND: f64 = 0.5;

/// What `run.json` needs and the tables do not say.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The scenario's name.
    pub name: String,
    /// The engine under test.
    pub target: Target,
    /// How the run ended.
    pub termination: Termination,
    /// Wall-clock start, RFC 3339.
    pub started_at: String,
    /// The machine.
    pub host: BTreeMap<String, Value>,
    /// The seed of every random draw.
    pub seed: Option<u64>,
    /// The measured phase. Samples taken at its begin and end make the numbers exact; otherwise an
    /// interval counts if its middle lies in the phase.
    pub measured: Phase,
    /// Records delivered again after restarts.
    pub records_replayed: u64,
    /// The checkpoint of an earlier run that this one went on from.
    pub restored_from: Option<String>,
    /// The verifier's answer.
    pub correctness: Correctness,
    /// Of records that never came out: how long they had waited, from their intended time to the
    /// end of the phase. `None` if that is not known.
    pub censored: Option<Histogram<u64>>,
    /// Mean nanoseconds per record, by operator id.
    pub member_costs_ns: BTreeMap<String, f64>,
    /// Records per second of the same sources without an engine, if that was measured.
    pub ceiling_per_s: Option<f64>,
    /// What was asked of the run.
    pub objectives: Objectives,
    /// What else a reader should know.
    pub notes: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Termination {
    /// As planned.
    Completed,
    /// Early, by the user or by a crash of the harness.
    Aborted,
    /// By an error.
    Failed {
        /// Which.
        reason: String,
    },
}

/// Concludes a record whose tables are complete. The harness then publishes the result with
/// [`publish_run`](crate::record::publish_run).
///
/// # Errors
/// If `directory` is not a run directory. Missing and damaged files become notes.
pub fn conclude(directory: &Path, facts: &Facts) -> Result<Run, RecordError> {
    Ok(conclude_record(&RunDir::open(directory)?, facts))
}

/// The conclusion of a run directory: what `run.json` says, or what can be said without it.
///
/// # Errors
/// If `directory` is not a run directory.
pub fn open_run(directory: &Path) -> Result<Run, RecordError> {
    Ok(conclusion(&RunDir::open(directory)?))
}

pub(crate) fn conclusion(record: &RunDir) -> Run {
    record
        .run()
        .cloned()
        .unwrap_or_else(|| conclude_unfinished(record))
}

/// Concludes what there is of a record that was left without `run.json`: an aborted run.
fn conclude_unfinished(record: &RunDir) -> Run {
    let last_ms = record
        .rows::<TimelineRow>()
        .last()
        .map_or(u64::MAX, |row| row.t_ms);
    let begin = record
        .rows::<EventRow>()
        .find(|event| event.kind == event_kind::MEASURE);
    let facts = Facts {
        name: String::new(),
        target: Target {
            kind: "unknown target".to_owned(),
            version: String::new(),
        },
        termination: Termination::Aborted,
        started_at: String::new(),
        host: BTreeMap::new(),
        seed: None,
        measured: Phase {
            from_ms: begin.map_or(0, |event| event.t_ms),
            to_ms: last_ms,
        },
        records_replayed: 0,
        restored_from: None,
        correctness: Correctness::default(),
        censored: None,
        member_costs_ns: BTreeMap::new(),
        ceiling_per_s: None,
        objectives: Objectives::default(),
        notes: vec!["the run did not finish; this is concluded from what it left".to_owned()],
    };
    conclude_record(record, &facts)
}

fn conclude_record(record: &RunDir, facts: &Facts) -> Run {
    let mut notes = facts.notes.clone();
    notes.extend(
        record
            .notes()
            .iter()
            .filter(|note| !note.starts_with(crate::record::RUN_FILE))
            .cloned(),
    );
    let totals = timeline::totals(record, facts.measured, &mut notes);
    let activities = activity::activities(record, facts.measured, &mut notes);
    let top_keys = keys::top_keys(record, facts.measured, &mut notes);
    let states = state::states(record, facts.measured, &mut notes);
    let latency_ns = latency::latencies(record, facts, totals.closed_loop, &mut notes);
    let evidence = Evidence {
        own_lag_p99_ns: latency_ns.own_lag.as_ref().and_then(|lag| lag.p99),
        own_lag_p99_bound_ns: OWN_LAG_P99_BOUND_NS,
        offered: totals.offered,
        admitted_share: totals.admitted_share(),
        held_share: activities.held_share(record.graph()),
        backlog_slope: totals.backlog_slope,
        disturbed_intervals: totals.course.disturbed,
        still_behind: totals.course.still_behind,
        offered_rate: totals.course.offered,
        throughput: totals.course.throughput,
        response_p50: totals.course.response_p50,
        response_p99: totals.course.response_p99,
        state_bytes: states.course(),
    };
    let late = activities.late();
    let ceiling = ceiling(facts, &totals, &mut notes);
    let checkpoints = checkpoints::checkpoints(record, facts.measured, &mut notes);
    let own_io = checkpoints.is_some() || states.any_in_files();
    let environment = totals.surroundings.concluded(cores(facts), own_io);
    let scenario = scenario(record, &mut notes);
    let summary = Summary {
        late,
        latency_ns,
        ..summary(&totals, &states)
    };
    Run {
        schema: SCHEMA,
        name: name(facts, &scenario),
        target: facts.target.clone(),
        verdict: verdict::judge(
            &facts.termination,
            &facts.correctness,
            &evidence,
            &environment,
        ),
        started_at: facts.started_at.clone(),
        host: facts.host.clone(),
        scenario,
        records_replayed: facts.records_replayed,
        attempts: attempts(record),
        restored_from: facts.restored_from.clone(),
        checkpoints,
        recoveries: recovery::recoveries(record),
        measured: totals.phase.or(activities.phase()),
        operators: operators(
            record.graph(),
            activities,
            &facts.member_costs_ns,
            (&top_keys, &states),
        ),
        slo: facts.objectives.judge(&summary),
        summary,
        correctness: facts.correctness,
        seed: facts.seed,
        failure: match &facts.termination {
            Termination::Failed { reason } => Some(reason.clone()),
            Termination::Completed | Termination::Aborted => None,
        },
        censored: facts.censored.as_ref().map(Histogram::len),
        evidence,
        ceiling,
        environment: Some(environment),
        notes,
    }
}

/// As the harness has described the machine.
fn cores(facts: &Facts) -> Option<f64> {
    facts.host.get("cores").and_then(Value::as_f64)
}

/// The first, and one for each restart.
fn attempts(record: &RunDir) -> u32 {
    let events = record.rows::<EventRow>();
    let restarts = events.filter(|event| event.kind == event_kind::RESTART);
    u32::try_from(restarts.count()).map_or(u32::MAX, |restarts| restarts.saturating_add(1))
}

fn summary(totals: &Totals, states: &States) -> Summary {
    Summary {
        offered_per_s: totals.per_second(totals.offered),
        throughput_per_s: totals.per_second(totals.admitted),
        records_in: totals.admitted,
        records_out: totals.completed,
        backlog_end: totals.backlog_end,
        harness_cpu: totals.harness_cpu_share,
        cpu_per_record_ns: totals.cpu_per_record_ns(),
        memory: Memory {
            rss_max: totals.rss_max,
            rss_growth_per_s: totals.rss_growth_per_s,
            configured: states.configured_bytes(),
        },
        ..Summary::default()
    }
}

/// With a note if the harness took so much of the time that it hides the engine.
fn ceiling(facts: &Facts, totals: &Totals, notes: &mut Vec<String>) -> Option<Ceiling> {
    let generated_per_s = facts.ceiling_per_s.filter(|rate| *rate > 0.0)?;
    let throughput_per_s = totals.per_second(totals.admitted);
    let generation_share = throughput_per_s.map(|throughput| throughput / generated_per_s);
    if generation_share.is_some_and(|share| share > GENERATION_BOUND) {
        notes.push(
            "the harness itself takes much of the time: the throughput is above half of its ceiling, \
             and differences between engines look smaller than they are"
                .to_owned(),
        );
    }
    Some(Ceiling {
        generated_per_s,
        generation_share,
    })
}

fn operators(
    graph: &Graph,
    mut activities: Activities,
    costs_ns: &BTreeMap<String, f64>,
    tables: (&TopKeys, &States),
) -> Vec<Operator> {
    let planned = graph.topological_order().into_iter().map(|at| {
        let task = &graph.tasks[at];
        let cost = |id: &String| costs_ns.get(id).copied().filter(|cost| cost.is_finite());
        let members = task.members.iter();
        let members = members.map(|member| MemberCost {
            id: member.id.clone(),
            name: member.name.clone(),
            cost_ns: cost(&member.id),
        });
        let activity = activities.take(&task.id, Some(task.parallelism));
        operator(&task.id, &task.name, members.collect(), activity, tables)
    });
    let mut operators: Vec<Operator> = planned.collect();
    // Without graph.json the tables still say which tasks there were.
    for id in activities.remaining() {
        let activity = activities.take(&id, None);
        operators.push(operator(&id, &id, Vec::new(), activity, tables));
    }
    operators
}

fn operator(
    id: &str,
    name: &str,
    members: Vec<MemberCost>,
    activity: TaskActivity,
    (top_keys, states): (&TopKeys, &States),
) -> Operator {
    let skew_factor = activity.skew_factor();
    let beside = Beside {
        records_in: activity.total.records_in,
        state_ns: activity.state_ns,
        wall_ns: activity.wall_ns,
    };
    let top_keys = top_keys.of(id, activity.total.records_in);
    let subtasks = activity.subtasks.into_iter();
    Operator {
        id: id.to_owned(),
        name: name.to_owned(),
        members,
        parallelism: activity.parallelism,
        activity: activity.total,
        skew_factor,
        event_time: activity.event_time,
        state_backend: states.of(id, beside),
        top_keys,
        subtasks: subtasks
            .map(|(subtask, activity)| Subtask { subtask, activity })
            .collect(),
    }
}

fn scenario(record: &RunDir, notes: &mut Vec<String>) -> Value {
    let Some(text) = record.scenario_toml() else {
        return Value::Null;
    };
    scenario_value(text).unwrap_or_else(|| {
        notes.push("scenario.toml cannot be parsed".to_owned());
        Value::Null
    })
}

/// What `scenario.toml` says; `None` if that is not TOML.
pub(crate) fn scenario_value(text: &str) -> Option<Value> {
    let table = toml::from_str::<toml::Table>(text).ok()?;
    serde_json::to_value(table).ok()
}

fn name(facts: &Facts, scenario: &Value) -> String {
    match facts.name.as_str() {
        "" => scenario
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or("unnamed")
            .to_owned(),
        name => name.to_owned(),
    }
}
