//! Timers of keyed processes, in event time and in processing time.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{
    Batch, ChannelConfig, Due, JobConfig, JobGraph, KeyedState, OperatorError, Row, TimeDomain,
    TimedProcess, Timers,
};

use crate::collected::Collected;
use crate::event_time::{Element, Step};
use crate::{element, finish, script, sorted};

/// Says an element again 5 ms of event time later, unless another of its key came before that.
struct Echo(BTreeMap<u8, i64>);

impl TimedProcess<u8, Element, (u8, i64)> for Echo {
    fn states(&mut self, _: &mut dyn FnMut(&mut dyn KeyedState)) {}

    fn process(
        &mut self,
        key: &u8,
        row: Row<Element>,
        timers: &mut Timers<'_, u8>,
        _: &mut Batch<(u8, i64)>,
    ) -> Result<(), OperatorError> {
        let at_ms = row.value.time_ms + 5;
        if let Some(before_ms) = self.0.insert(*key, at_ms) {
            timers.delete(TimeDomain::Event, before_ms)?;
        }
        timers.register(TimeDomain::Event, at_ms)?;
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: &u8,
        due: Due,
        _: &mut Timers<'_, u8>,
        out: &mut Batch<(u8, i64)>,
    ) -> Result<(), OperatorError> {
        out.push(Row {
            tag: 0,
            value: (*key, due.at_ms),
        });
        Ok(())
    }
}

#[test]
fn timers_of_a_keyed_process_fire_when_the_watermark_comes() {
    let graph = JobGraph::new("timers");
    let said = Collected::default();
    let sink = said.clone();
    let steps = vec![
        element(1, 0, 0),
        element(2, 1, 1),
        Step::Watermark(5),
        element(2, 3, 2),
        element(1, 10, 3),
    ];
    script(&graph, "script", steps)
        .key_by(|element| element.key)
        .process_with_timers("echo", |_| Echo(BTreeMap::new()))
        .sink("said", move |_| sink.clone());
    let report = finish(&graph, JobConfig::default());
    let said = said.take().into_iter().map(|row| row.value).collect();
    assert_eq!(sorted(said), [(1, 5), (1, 15), (2, 8)]);
    let counters = report
        .snapshot
        .subtasks
        .iter()
        .filter_map(|subtask| subtask.windows);
    let counters: Vec<_> = counters
        .map(|c| (c.timers_fired, c.timers_pending))
        .collect();
    assert_eq!(counters.iter().map(|c| c.0).sum::<u64>(), 3);
    assert!(counters.iter().all(|c| c.1 == 0));
}

/// Wants to be called again all the time, and takes longer than that for each call.
struct Restless;

impl TimedProcess<u8, Element, u64> for Restless {
    fn states(&mut self, _: &mut dyn FnMut(&mut dyn KeyedState)) {}

    fn process(
        &mut self,
        _: &u8,
        row: Row<Element>,
        timers: &mut Timers<'_, u8>,
        out: &mut Batch<u64>,
    ) -> Result<(), OperatorError> {
        timers.register(TimeDomain::Processing, timers.now_ms() + 1)?;
        std::thread::sleep(Duration::from_millis(2));
        out.push(row.map(|element| element.id));
        Ok(())
    }

    fn on_timer(
        &mut self,
        _: &u8,
        _: Due,
        timers: &mut Timers<'_, u8>,
        _: &mut Batch<u64>,
    ) -> Result<(), OperatorError> {
        std::thread::sleep(Duration::from_millis(3));
        timers.register(TimeDomain::Processing, timers.now_ms() + 1)?;
        Ok(())
    }
}

#[test]
fn timers_that_are_always_due_leave_turns_for_rows() {
    let graph = JobGraph::new("restless");
    let said = Collected::default();
    let sink = said.clone();
    let steps = (0..50).map(|id| element(1, 0, id)).collect();
    script(&graph, "script", steps)
        .key_by(|element| element.key)
        .process_with_timers("restless", |_| Restless)
        .sink("said", move |_| sink.clone());
    let config = JobConfig {
        channels: ChannelConfig {
            batch: 1,
            ..ChannelConfig::default()
        },
        ..JobConfig::default()
    };
    finish(&graph, config);
    assert_eq!(said.take().len(), 50);
}
