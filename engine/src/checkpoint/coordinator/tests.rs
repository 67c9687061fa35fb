//! Rules one by one, and all of them together under random events in simulated time.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// A coordinator of a source (0) and a sink (1), and everything it has said.
struct Bench {
    coordinator: Coordinator,
    actions: Vec<Action>,
}

impl Bench {
    /// From an interval, a pause and a timeout in nanoseconds.
    fn new(interval_ns: Option<u64>, min_pause_ns: u64, timeout_ns: u64) -> Self {
        let config = config(interval_ns, min_pause_ns, timeout_ns, 1);
        Bench {
            coordinator: Coordinator::new(&config, vec![true, false], 7, 0),
            actions: Vec::new(),
        }
    }

    /// What an event at this time leads to.
    fn feed(&mut self, now_ns: u64, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.coordinator.feed(event, now_ns, &mut actions);
        self.actions.extend(actions.iter().cloned());
        actions
    }

    fn tick(&mut self, now_ns: u64) -> Vec<Action> {
        self.feed(now_ns, Event::Tick)
    }

    /// Both subtasks store, and the manifest is written.
    fn complete(&mut self, now_ns: u64, checkpoint: u64) {
        for subtask in 0..2 {
            self.feed(now_ns, stored(checkpoint, subtask));
        }
        let completed = self.feed(now_ns, Event::Published { checkpoint });
        assert_eq!(completed, [complete(checkpoint)]);
    }

    fn finish_all(&mut self, now_ns: u64) -> Vec<Action> {
        self.feed(now_ns, Event::SubtaskFinished { subtask: 0 });
        self.feed(now_ns, Event::SubtaskFinished { subtask: 1 })
    }
}

fn config(
    interval_ns: Option<u64>,
    min_pause_ns: u64,
    timeout_ns: u64,
    tolerable: u32,
) -> CheckpointConfig {
    CheckpointConfig {
        interval: interval_ns.map(Duration::from_nanos),
        min_pause: Duration::from_nanos(min_pause_ns),
        timeout: Duration::from_nanos(timeout_ns),
        tolerable_failures: tolerable,
        ..CheckpointConfig::new("unused".into())
    }
}

fn trigger(checkpoint: u64) -> Action {
    Action::Trigger { checkpoint }
}

fn publish(checkpoint: u64) -> Action {
    let is_final = false;
    Action::Publish {
        checkpoint,
        is_final,
    }
}

fn publish_final(checkpoint: u64) -> Action {
    let is_final = true;
    Action::Publish {
        checkpoint,
        is_final,
    }
}

fn complete(checkpoint: u64) -> Action {
    let is_final = false;
    Action::Complete {
        checkpoint,
        is_final,
    }
}

fn stored(checkpoint: u64, subtask: usize) -> Event {
    Event::Stored {
        checkpoint,
        subtask,
    }
}

fn declined(checkpoint: u64) -> Event {
    let (subtask, reason) = (1, "no".to_owned());
    Event::Declined {
        checkpoint,
        subtask,
        reason,
    }
}

fn publish_failed(checkpoint: u64) -> Event {
    let reason = "disk full".to_owned();
    Event::PublishFailed { checkpoint, reason }
}

#[test]
fn a_checkpoint_begins_an_interval_after_the_one_before_began() {
    let mut bench = Bench::new(Some(100), 0, 1_000);
    assert_eq!(bench.coordinator.wake_at_ns(), Some(100));
    assert_eq!(bench.tick(99), []);
    assert_eq!(bench.tick(100), [trigger(7)]);
    bench.complete(130, 7);
    assert_eq!(bench.coordinator.wake_at_ns(), Some(200));
    assert_eq!(bench.tick(205), [trigger(8)]);
    bench.complete(210, 8);
    assert_eq!(bench.coordinator.wake_at_ns(), Some(305));
}

#[test]
fn one_that_is_due_while_another_is_pending_begins_after_it_and_the_pause() {
    let mut bench = Bench::new(Some(100), 40, 1_000);
    bench.tick(100);
    assert_eq!(bench.tick(250), []);
    bench.complete(260, 7);
    assert_eq!(bench.coordinator.wake_at_ns(), Some(300));
    assert_eq!(
        (bench.tick(299), bench.tick(300)),
        (vec![], vec![trigger(8)])
    );
}

#[test]
fn a_manifest_is_written_once_everybody_has_stored_and_only_then() {
    let mut bench = Bench::new(Some(100), 0, 1_000);
    bench.tick(100);
    for event in [stored(7, 1), stored(7, 1), stored(6, 0), stored(8, 0)] {
        assert_eq!(bench.feed(110, event), []);
    }
    assert_eq!(bench.feed(120, stored(7, 0)), [publish(7)]);
    let published = Event::Published { checkpoint: 7 };
    assert_eq!(bench.feed(130, published), [complete(7)]);
}

#[test]
fn who_asks_is_served_whatever_the_pause_and_only_by_one_that_begins_later() {
    let mut bench = Bench::new(None, 1_000, 1_000);
    assert_eq!(bench.coordinator.wake_at_ns(), None);
    assert_eq!(bench.feed(5, Event::Requested), [trigger(7)]);
    assert_eq!(bench.feed(6, Event::Requested), []);
    assert_eq!(bench.feed(7, Event::Requested), []);
    bench.complete(8, 7);
    assert_eq!(bench.tick(8), [trigger(8)]);
    bench.complete(9, 8);
    assert_eq!(
        (bench.tick(9), bench.coordinator.wake_at_ns()),
        (vec![], None)
    );
}

#[test]
fn one_that_takes_too_long_is_given_up_and_what_comes_late_of_it_is_ignored() {
    let mut bench = Bench::new(Some(100), 0, 50);
    bench.tick(100);
    assert_eq!(bench.coordinator.wake_at_ns(), Some(150));
    bench.feed(120, stored(7, 0));
    let [
        Action::Abort {
            checkpoint: 7,
            reason,
        },
    ] = &bench.tick(150)[..]
    else {
        panic!("given up");
    };
    assert_eq!(
        reason,
        "it took too long: 1 of 2 subtasks had not stored it"
    );
    for late in [
        stored(7, 1),
        Event::Published { checkpoint: 7 },
        declined(7),
        publish_failed(7),
    ] {
        assert_eq!(bench.feed(160, late), []);
    }
}

#[test]
fn while_a_manifest_is_written_time_gives_nothing_up() {
    let mut bench = Bench::new(Some(100), 0, 50);
    bench.tick(100);
    bench.feed(120, stored(7, 0));
    bench.feed(120, stored(7, 1));
    assert_eq!(
        (bench.tick(500), bench.coordinator.wake_at_ns()),
        (vec![], None)
    );
    let published = Event::Published { checkpoint: 7 };
    assert_eq!(bench.feed(600, published), [complete(7)]);
}

#[test]
fn no_new_one_begins_while_writers_are_busy_with_one_given_up() {
    let mut bench = Bench::new(Some(100), 0, 150);
    bench.tick(100);
    // Overdue at once; but whoever is told of the abort can say first that writers are busy.
    assert!(matches!(bench.tick(250)[..], [Action::Abort { .. }]));
    assert_eq!(bench.feed(250, Event::WritersIdle(false)), []);
    assert_eq!(bench.coordinator.wake_at_ns(), None);
    assert_eq!(bench.feed(300, Event::Requested), []);
    assert_eq!(bench.feed(400, Event::WritersIdle(true)), [trigger(8)]);
}

#[test]
fn more_failures_in_a_row_than_tolerable_fail_the_job_and_a_complete_one_resets_them() {
    let mut bench = Bench::new(Some(100), 0, 1_000);
    bench.tick(100);
    assert!(matches!(
        bench.feed(100, declined(7))[..],
        [Action::Abort { .. }]
    ));
    bench.tick(200);
    bench.complete(200, 8);
    bench.tick(300);
    bench.feed(300, stored(9, 0));
    bench.feed(300, stored(9, 1));
    assert!(matches!(
        bench.feed(300, publish_failed(9))[..],
        [Action::Abort { .. }]
    ));
    bench.tick(400);
    let actions = bench.feed(400, declined(10));
    let [Action::Abort { .. }, Action::Fail { reason }] = &actions[..] else {
        panic!("{actions:?}");
    };
    let expected =
        "checkpoint 10 failed, and 1 may fail one after the other: subtask 1 declined it: no";
    assert_eq!(reason, expected);
    assert_eq!(
        (bench.tick(10_000), bench.coordinator.wake_at_ns()),
        (vec![], None)
    );
}

#[test]
fn a_subtask_that_has_finished_counts_as_stored_for_the_pending_one_and_all_later() {
    let mut bench = Bench::new(Some(100), 0, 1_000);
    bench.tick(100);
    bench.feed(100, stored(7, 0));
    // A sink cannot end before its source does; for the coordinator that makes no difference.
    let finished = Event::SubtaskFinished { subtask: 1 };
    assert_eq!(bench.feed(110, finished), [publish(7)]);
    bench.feed(110, Event::Published { checkpoint: 7 });
    assert_eq!(bench.tick(200), [trigger(8)]);
    assert_eq!(bench.feed(210, stored(8, 0)), [publish(8)]);
}

#[test]
fn without_a_running_source_none_begins_until_the_final_one() {
    let mut bench = Bench::new(Some(100), 0, 1_000);
    bench.feed(50, Event::SubtaskFinished { subtask: 0 });
    assert_eq!(
        (bench.tick(100), bench.coordinator.wake_at_ns()),
        (vec![], None)
    );
    assert_eq!(bench.feed(150, Event::Requested), []);
    let finished = Event::SubtaskFinished { subtask: 1 };
    assert_eq!(bench.feed(200, finished), [publish_final(7)]);
    let (checkpoint, is_final) = (7, true);
    let completed = Action::Complete {
        checkpoint,
        is_final,
    };
    assert_eq!(
        bench.feed(210, Event::Published { checkpoint }),
        [completed]
    );
    assert_eq!(
        (bench.tick(999), bench.coordinator.wake_at_ns()),
        (vec![], None)
    );
}

#[test]
fn one_that_is_pending_when_all_have_finished_completes_before_the_final_one() {
    let mut bench = Bench::new(Some(100), 1_000, 1_000);
    bench.tick(100);
    bench.feed(110, stored(7, 0));
    assert_eq!(bench.finish_all(120), [publish(7)]);
    let published = Event::Published { checkpoint: 7 };
    assert_eq!(bench.feed(130, published), [complete(7)]);
    assert_eq!(bench.tick(130), [publish_final(8)]);
}

#[test]
fn a_final_manifest_that_could_not_be_written_is_tried_again_in_its_time_if_tolerable() {
    let mut bench = Bench::new(Some(100), 40, 1_000);
    assert_eq!(bench.finish_all(80), [publish_final(7)]);
    assert!(matches!(
        bench.feed(170, publish_failed(7))[..],
        [Action::Abort { .. }]
    ));
    assert_eq!(bench.coordinator.wake_at_ns(), Some(210));
    assert_eq!(bench.tick(210), [publish_final(8)]);
    let failed = bench.feed(220, publish_failed(8));
    assert!(matches!(
        failed[..],
        [Action::Abort { .. }, Action::Fail { .. }]
    ));
}

/// An arbitrary world: it may claim anything, also of checkpoints that are not pending.
fn anything() -> impl Strategy<Value = Event> {
    let checkpoint = 1u64..12;
    let reason = String::new;
    prop_oneof![
        4 => Just(Event::Tick),
        1 => Just(Event::Requested),
        30 => (checkpoint.clone(), 0usize..4)
            .prop_map(|(checkpoint, subtask)| stored(checkpoint, subtask)),
        1 => (checkpoint.clone(), 0usize..4).prop_map(move |(checkpoint, subtask)| {
            Event::Declined { checkpoint, subtask, reason: reason() }
        }),
        1 => (0usize..4).prop_map(|subtask| Event::SubtaskFinished { subtask }),
        10 => checkpoint.clone().prop_map(|checkpoint| Event::Published { checkpoint }),
        1 => checkpoint.prop_map(publish_failed),
        2 => any::<bool>().prop_map(Event::WritersIdle),
    ]
}

/// What an observer knows of a job with three subtasks.
#[derive(Default)]
struct Observer {
    last_id: u64,
    pending: Option<(u64, u64)>,
    stored: [bool; 3],
    finished: [bool; 3],
    publishing: bool,
    failures: u32,
    began_ns: u64,
    paused_until_ns: u64,
    writers_busy: bool,
    asked: bool,
    over: bool,
}

impl Observer {
    fn hear(&mut self, event: &Event) {
        match *event {
            Event::Stored {
                checkpoint,
                subtask,
            } if subtask < 3 => {
                let pending = self.pending.map(|(pending, _)| pending);
                self.stored[subtask] |= pending == Some(checkpoint);
            }
            Event::SubtaskFinished { subtask } if subtask < 3 => self.finished[subtask] = true,
            Event::WritersIdle(idle) => self.writers_busy = !idle,
            Event::Requested => self.asked = true,
            _ => {}
        }
    }

    fn begin(&mut self, checkpoint: u64, now_ns: u64) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.pending, None);
        prop_assert_eq!(checkpoint, self.last_id + 1);
        self.last_id = checkpoint;
        self.pending = Some((checkpoint, now_ns));
        self.stored = [false; 3];
        Ok(())
    }

    fn check(&mut self, action: &Action, now_ns: u64, rules: &Rules) -> Result<(), TestCaseError> {
        prop_assert!(!self.over);
        match *action {
            Action::Trigger { checkpoint } => {
                self.begin(checkpoint, now_ns)?;
                let paused = now_ns >= self.began_ns + rules.interval_ns.unwrap_or(u64::MAX / 2)
                    && now_ns >= self.paused_until_ns;
                prop_assert!(std::mem::take(&mut self.asked) || paused);
                prop_assert!(!self.writers_busy && !self.finished[0]);
                self.began_ns = now_ns;
            }
            Action::Publish {
                checkpoint,
                is_final,
            } => {
                if is_final {
                    self.begin(checkpoint, now_ns)?;
                    self.began_ns = now_ns;
                    prop_assert_eq!(self.finished, [true; 3]);
                }
                let mut subtasks = self.stored.iter().zip(&self.finished);
                prop_assert!(subtasks.all(|(stored, finished)| *stored || *finished));
                prop_assert_eq!(self.pending.map(|(pending, _)| pending), Some(checkpoint));
                prop_assert!(!std::mem::replace(&mut self.publishing, true));
            }
            Action::Complete {
                checkpoint,
                is_final,
            } => {
                prop_assert!(std::mem::take(&mut self.publishing));
                prop_assert_eq!(
                    self.pending.take().map(|(pending, _)| pending),
                    Some(checkpoint)
                );
                self.failures = 0;
                self.paused_until_ns = now_ns + rules.min_pause_ns;
                self.over = is_final;
            }
            Action::Abort { checkpoint, .. } => {
                prop_assert_eq!(
                    self.pending.take().map(|(pending, _)| pending),
                    Some(checkpoint)
                );
                self.publishing = false;
                self.failures += 1;
                self.paused_until_ns = now_ns + rules.min_pause_ns;
            }
            Action::Fail { .. } => {
                prop_assert_eq!(self.failures, rules.tolerable_failures + 1);
                self.over = true;
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Ticks come exactly when they were asked for, and between them anything happens.
    #[test]
    fn whatever_is_claimed_the_rules_hold(
        events in prop::collection::vec((0u64..40, anything()), 0..200),
        interval_ns in prop::option::of(1u64..100),
        (min_pause_ns, timeout_ns, tolerable) in (0u64..50, 1u64..100, 0u32..4),
    ) {
        let config = config(interval_ns, min_pause_ns, timeout_ns, tolerable);
        let mut coordinator = Coordinator::new(&config, vec![true, false, false], 1, 0);
        let rules = coordinator.rules.clone();
        let mut observer = Observer::default();
        let (mut now_ns, mut events) = (0, events.into_iter().peekable());
        while let Some((gap_ns, _)) = events.peek() {
            let next_ns = now_ns + gap_ns;
            let event = match coordinator.wake_at_ns().filter(|&at_ns| at_ns <= next_ns) {
                Some(at_ns) => {
                    events.peek_mut().unwrap().0 -= at_ns.saturating_sub(now_ns);
                    now_ns = now_ns.max(at_ns);
                    Event::Tick
                }
                None => {
                    now_ns = next_ns;
                    events.next().unwrap().1
                }
            };
            let was_due = coordinator.wake_at_ns().is_some_and(|at_ns| at_ns <= now_ns);
            let mut actions = Vec::new();
            observer.hear(&event);
            coordinator.feed(event.clone(), now_ns, &mut actions);
            if event == Event::Tick {
                prop_assert_eq!(was_due, !actions.is_empty());
            }
            for action in &actions {
                observer.check(action, now_ns, &rules)?;
            }
            prop_assert!(observer.over || observer.failures <= tolerable);
            if let (Some((_, began_ns)), false) = (observer.pending, observer.publishing) {
                prop_assert!(now_ns < began_ns + timeout_ns);
            }
        }
    }
}
