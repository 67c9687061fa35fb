//! Where it hurts, in one sentence for a busy reader. It says what was measured; why an operator
//! is slow is not concluded here.

use super::milliseconds;
use crate::format::share;
use crate::record::{Level, Operator, Run};

/// The operators before it wait for most of the time, and it is busy for most of it: then an
/// operator is said to limit the job. Otherwise the numbers stand for themselves.
const LIMITING_BUSY: f64 = 0.8;
/// A skew factor below this is not worth a busy reader's time.
const NOTABLE_SKEW: f64 = 1.5;
/// Operators that are named at most.
const MAX_NAMED: usize = 3;

/// Who waits for whom; `None` if no operator's time was measured.
pub(crate) fn where_it_hurts(run: &Run) -> Option<String> {
    sentence(&run.operators)
}

fn sentence(operators: &[Operator]) -> Option<String> {
    let is_waiting = |operator: &Operator| {
        let level = worst(operator, |it| it.backpressured).map(Level::of);
        level.is_some_and(|level| level > Level::Ok)
    };
    let Some(last) = operators.iter().rposition(is_waiting) else {
        let busiest = busiest(operators)?;
        return Some(format!(
            "{}; the busiest is {}",
            passing(operators),
            described(busiest)
        ));
    };
    let waiting: Vec<&Operator> = operators[..=last]
        .iter()
        .filter(|operator| is_waiting(operator))
        .collect();
    let severe = waiting.iter().any(|operator| waiting_share(operator) > 0.5);
    Some(match busiest(&operators[last + 1..]) {
        Some(limit) if severe && busy_share(limit) >= LIMITING_BUSY => {
            format!(
                "{} limits the job: {}; before it {}",
                quoted(limit),
                busy(limit),
                waits(&waiting)
            )
        }
        Some(after) => {
            let them = if waiting.len() == 1 { "it" } else { "them" };
            let (waits, described) = (waits(&waiting), described(after));
            format!("{waits}; after {them} the busiest is {described}")
        }
        None => waits(&waiting),
    })
}

/// No operator waits for long, but one may have waited for a while.
fn passing(operators: &[Operator]) -> String {
    let longest = |operator: &Operator| operator.activity.backpressure.longest_ms.unwrap_or(0);
    let worst = operators.iter().max_by_key(|operator| longest(operator));
    match worst.filter(|operator| longest(operator) > 0) {
        Some(operator) => format!(
            "{} was backpressured for up to {} at a time, {} in all",
            quoted(operator),
            milliseconds(longest(operator)),
            share(waiting_share(operator))
        ),
        None => "no operator is backpressured".to_owned(),
    }
}

/// `parse` is backpressured 95 % of the time. Among equals the one closest to the sinks first.
fn waits(waiting: &[&Operator]) -> String {
    let mut most: Vec<&&Operator> = waiting.iter().rev().collect();
    most.sort_by(|one, other| waiting_share(other).total_cmp(&waiting_share(one)));
    let named = most.iter().take(MAX_NAMED).enumerate();
    let named: Vec<String> = named
        .map(|(at, operator)| {
            let verb = if at == 0 { " is backpressured" } else { "" };
            let time = if at == 0 { " of the time" } else { "" };
            let waiting = share(waiting_share(operator));
            format!("{}{verb} {waiting}{time}", quoted(operator))
        })
        .collect();
    named.join(", ")
}

fn described(operator: &Operator) -> String {
    format!("{}, {}", quoted(operator), busy(operator))
}

/// How busy, with what, and which subtask if it stands out.
fn busy(operator: &Operator) -> String {
    let activity = &operator.activity;
    let mean = activity.busy.unwrap_or(0.0);
    let mut text = format!("busy {}", share(mean));
    let parts = [
        ("on cpu", activity.on_cpu),
        ("in state", activity.state),
        ("blocked", activity.blocked),
        ("starved", activity.starved),
    ];
    let largest = parts
        .into_iter()
        .filter_map(|(name, part)| Some((name, part?)))
        .max_by(|one, other| one.1.total_cmp(&other.1));
    if let Some((name, part)) = largest.filter(|(_, part)| *part > mean / 2.0) {
        text += &format!(", {name} {}", share(part));
    }
    let most = busy_share(operator);
    let subtasks = operator.subtasks.iter();
    let hottest = subtasks.clone().find(|it| it.activity.busy == Some(most));
    if let Some(hottest) = hottest.filter(|_| most > mean + 0.1) {
        text += &format!(", its subtask #{} {}", hottest.subtask, share(most));
    }
    if let Some(skew) = operator.skew_factor.filter(|&skew| skew >= NOTABLE_SKEW) {
        text += &format!(", one subtask takes in {skew:.2} times the mean");
    }
    text
}

fn busiest(operators: &[Operator]) -> Option<&Operator> {
    let measured = operators
        .iter()
        .filter(|operator| operator.activity.busy.is_some());
    measured.max_by(|one, other| busy_share(one).total_cmp(&busy_share(other)))
}

/// Of the busiest subtask.
fn busy_share(operator: &Operator) -> f64 {
    worst(operator, |it| it.busy).unwrap_or(0.0)
}

/// Of the subtask that waits most.
fn waiting_share(operator: &Operator) -> f64 {
    worst(operator, |it| it.backpressured).unwrap_or(0.0)
}

fn worst(
    operator: &Operator,
    part: impl Fn(&crate::record::Activity) -> Option<f64>,
) -> Option<f64> {
    let subtasks = operator.subtasks.iter();
    subtasks
        .filter_map(|subtask| part(&subtask.activity))
        .max_by(f64::total_cmp)
}

fn quoted(operator: &Operator) -> String {
    format!("`{}`", operator.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Activity, Subtask};

    fn operator(name: &str, subtasks: &[(f64, f64)]) -> Operator {
        let activity = |&(busy, backpressured): &(f64, f64)| Activity {
            busy: Some(busy),
            backpressured: Some(backpressured),
            ..Activity::default()
        };
        let count = subtasks.len() as f64;
        let mean = |part: fn(&(f64, f64)) -> f64| subtasks.iter().map(part).sum::<f64>() / count;
        let subtask = |(at, times): (usize, &(f64, f64))| Subtask {
            subtask: at as u32,
            activity: activity(times),
        };
        Operator {
            id: name.to_owned(),
            name: name.to_owned(),
            members: Vec::new(),
            parallelism: subtasks.len() as u32,
            activity: activity(&(mean(|it| it.0), mean(|it| it.1))),
            skew_factor: None,
            event_time: None,
            state_backend: None,
            top_keys: Vec::new(),
            subtasks: subtasks.iter().enumerate().map(subtask).collect(),
        }
    }

    #[test]
    fn a_busy_operator_behind_waiting_ones_limits_the_job() {
        let job = [
            operator("source", &[(0.02, 0.9)]),
            operator("parse", &[(0.04, 0.95)]),
            operator("slow", &[(0.3, 0.0), (0.99, 0.0)]),
            operator("sink", &[(0.1, 0.0)]),
        ];
        assert_eq!(
            sentence(&job).unwrap(),
            "`slow` limits the job: busy 64.5 %, its subtask #1 99.0 %; before it `parse` is \
             backpressured 95.0 % of the time, `source` 90.0 %"
        );
    }

    #[test]
    fn nothing_limits_a_job_in_which_nobody_waits() {
        let job = [
            operator("source", &[(0.5, 0.0)]),
            operator("sink", &[(0.1, 0.05)]),
        ];
        assert_eq!(
            sentence(&job).unwrap(),
            "no operator is backpressured; the busiest is `source`, busy 50.0 %"
        );
        assert_eq!(sentence(&[]), None);
    }
}
