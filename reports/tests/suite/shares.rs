//! Conservation: shares of time, and counters over restarts.

use proptest::collection::vec;
use proptest::prelude::*;
use reports::conclude;
use reports::record::{Activity, Level, Phase, Run, SubtaskRow, Writer};

use crate::simulated::Simulation;

const INTERVAL_MS: u64 = 100;

/// What a subtask does in one interval: weights of its six kinds of time, records, restart before.
type Step = ([u8; 6], u16, bool);

fn concluded(subtasks: &[Vec<Step>], phase: Phase) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let simulation = Simulation {
        parallelism: [subtasks.len() as u32, 1, 1, 1, 1],
        ..Simulation::default()
    };
    let mut writer = Writer::create(directory.path(), "", &simulation.graph(), 0).unwrap();
    let mut rows: Vec<SubtaskRow> = Vec::new();
    for (subtask, steps) in subtasks.iter().enumerate() {
        let mut row = SubtaskRow {
            task: "source".to_owned(),
            subtask: subtask as u32,
            ..restarted(&SubtaskRow::default())
        };
        rows.push(row.clone());
        for (weights, records, restart) in steps {
            if *restart {
                row = SubtaskRow {
                    attempt: row.attempt + 1,
                    ..restarted(&row)
                };
            }
            advance(&mut row, weights, *records);
            rows.push(row.clone());
        }
    }
    rows.sort_by_key(|row| row.t_ms);
    for row in &rows {
        writer.append(row).unwrap();
    }
    writer.close().unwrap();
    conclude(
        directory.path(),
        &reports::Facts {
            measured: phase,
            ..simulation.facts()
        },
    )
    .unwrap()
}

fn restarted(row: &SubtaskRow) -> SubtaskRow {
    SubtaskRow {
        records_in: Some(0),
        idle_ns: Some(0),
        on_cpu_ns: Some(0),
        state_ns: Some(0),
        blocked_ns: Some(0),
        starved_ns: Some(0),
        backpressured_ns: Some(0),
        ..row.clone()
    }
}

fn advance(row: &mut SubtaskRow, weights: &[u8; 6], records: u16) {
    row.t_ms += INTERVAL_MS;
    let total = weights
        .iter()
        .map(|&weight| u64::from(weight))
        .sum::<u64>()
        .max(1);
    let counters = [
        &mut row.idle_ns,
        &mut row.on_cpu_ns,
        &mut row.state_ns,
        &mut row.blocked_ns,
        &mut row.starved_ns,
        &mut row.backpressured_ns,
    ];
    for (counter, &weight) in counters.into_iter().zip(weights) {
        *counter = counter.map(|spent| spent + INTERVAL_MS * 1_000_000 * u64::from(weight) / total);
    }
    row.records_in = row.records_in.map(|before| before + u64::from(records));
}

fn sum_of_shares(activity: &Activity) -> f64 {
    [activity.busy, activity.idle, activity.backpressured]
        .into_iter()
        .flatten()
        .sum()
}

fn busy_parts(activity: &Activity) -> f64 {
    [
        activity.on_cpu,
        activity.state,
        activity.blocked,
        activity.starved,
    ]
    .into_iter()
    .flatten()
    .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shares_never_exceed_the_time_there_was_and_busy_is_the_sum_of_its_parts(
        subtasks in vec(vec(any::<Step>(), 3..40), 1..4), from in 0u64..10
    ) {
        let phase = Phase { from_ms: from * INTERVAL_MS / 2, to_ms: 10_000 };
        let run = concluded(&subtasks, phase);
        let operator = &run.operators[0];
        let all = operator.subtasks.iter().map(|subtask| &subtask.activity).chain([&operator.activity]);
        for activity in all {
            prop_assert!(sum_of_shares(activity) <= 1.0 + 1e-9, "{activity:?}");
            prop_assert!((busy_parts(activity) - activity.busy.unwrap_or(0.0)).abs() < 1e-9);
        }
        let worst = operator.subtasks.iter().filter_map(|subtask| subtask.activity.backpressured).fold(0.0, f64::max);
        if operator.activity.backpressured.is_some() {
            prop_assert_eq!(operator.activity.backpressure.level, Some(Level::of(worst)));
        }
    }

    #[test]
    fn records_are_counted_within_attempts_and_never_across(subtasks in vec(vec(any::<Step>(), 3..40), 1..4)) {
        let run = concluded(&subtasks, Phase { from_ms: 0, to_ms: 10_000 });
        // The interval in which a subtask restarts has no beginning that its counters know.
        let countable = subtasks.iter().flatten().filter(|(_, _, restart)| !restart);
        let expected: u64 = countable.map(|(_, records, _)| u64::from(*records)).sum();
        prop_assert_eq!(run.operators[0].activity.records_in.unwrap_or(0), expected);
    }
}

#[test]
fn an_episode_is_a_span_of_intervals_more_than_half_backpressured() {
    let idle = ([1, 0, 0, 0, 0, 0], 0, false);
    let held = ([1, 0, 0, 0, 0, 2], 0, false);
    let half = ([1, 0, 0, 0, 0, 1], 0, false);
    let one = vec![idle, held, held, idle, half, held, idle, idle];
    let other = vec![idle, idle, idle, held, idle, idle, idle, idle];
    let run = concluded(
        &[one, other],
        Phase {
            from_ms: 0,
            to_ms: 800,
        },
    );
    let operator = &run.operators[0];
    let episodes = |activity: &Activity| {
        (
            activity.backpressure.episodes,
            activity.backpressure.longest_ms,
        )
    };
    assert_eq!(
        episodes(&operator.subtasks[0].activity),
        (Some(2), Some(200))
    );
    assert_eq!(
        episodes(&operator.subtasks[1].activity),
        (Some(1), Some(100))
    );
    // Together they are backpressured without a break from 100 to 400 ms.
    assert_eq!(episodes(&operator.activity), (Some(2), Some(300)));
}
