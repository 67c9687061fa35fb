//! What a waiting person sees on standard error: one line that is rewritten on a terminal, a plain
//! line every few seconds elsewhere.

use std::io::{IsTerminal, Write as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::director::Phase;
use crate::live::{Pressure, Pulse};

/// Time between two rewritings of the line on a terminal.
const TERMINAL_NS: u64 = 200_000_000;
/// Time between two plain lines.
const PLAIN_NS: u64 = 5_000_000_000;

/// What is over within this time is not worth a line.
const PATIENCE_NS: u64 = 500_000_000;

/// A line before there is anything to be far with.
pub fn announce(line: &str) {
    // Nobody reads standard error any more: no reason to end the run.
    drop(writeln!(stderr(), "{line}"));
}

/// Shows how far the preparation of a job is. Nothing at first: most are over at once.
#[derive(Default)]
pub struct Waiting {
    bar: Option<ProgressBar>,
    next_ns: u64,
}

impl Waiting {
    /// Says how many entries of state are in place, if it is time to. Times are nanoseconds since the
    /// preparation began.
    pub fn show(&mut self, now_ns: u64, entries: u64) {
        if now_ns < self.next_ns.max(PATIENCE_NS) {
            return;
        }
        let line = format!(
            "preparing state: {} entries in place",
            reports::format::count(entries)
        );
        if stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(ProgressBar::new_spinner);
            bar.set_message(line);
            bar.tick();
            self.next_ns = now_ns + TERMINAL_NS;
        } else {
            announce(&line);
            self.next_ns = now_ns + PLAIN_NS;
        }
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => announce(line),
        }
    }

    /// Takes the rewritten line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows how far a run is. Times are nanoseconds of job time.
pub struct View {
    bar: Option<ProgressBar>,
    warmup_ns: u64,
    end_ns: u64,
    /// The warm-up may end sooner.
    is_open: bool,
    phase: Option<Phase>,
    next_ns: u64,
}

impl View {
    /// For a run whose measured phase lies between these times, or at most so late.
    pub fn new(warmup_ns: u64, end_ns: u64, is_open: bool) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:10} {wide_msg}");
            let bar = ProgressBar::new(end_ns.max(1));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            warmup_ns,
            end_ns,
            is_open,
            phase: None,
            next_ns: 0,
        }
    }

    /// The measured phase lies between these times.
    pub fn begin_at(&mut self, warmup_ns: u64, end_ns: u64) {
        (self.warmup_ns, self.end_ns, self.is_open) = (warmup_ns, end_ns, false);
        if let Some(bar) = &self.bar {
            bar.set_length(end_ns.max(1));
        }
    }

    /// Shows the state, if it is time to or the phase is new.
    pub fn show(&mut self, now_ns: u64, phase: Phase, pulse: impl FnOnce() -> Pulse) {
        if self.phase == Some(phase) && now_ns < self.next_ns {
            return;
        }
        self.phase = Some(phase);
        let line = format!("{}{}", self.position(now_ns, phase), digest(&pulse()));
        match &self.bar {
            Some(bar) => {
                bar.set_position(now_ns.min(self.end_ns));
                bar.set_message(line);
                self.next_ns = now_ns + TERMINAL_NS;
            }
            None => {
                self.say(&line);
                self.next_ns = now_ns + PLAIN_NS;
            }
        }
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => announce(line),
        }
    }

    /// Takes the rewritten line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn position(&self, now_ns: u64, phase: Phase) -> String {
        let of = |from_ns: u64, to_ns: u64| {
            let (elapsed, total) = (
                now_ns.saturating_sub(from_ns),
                to_ns.saturating_sub(from_ns),
            );
            format!(
                "{:.1} of {:.1} s",
                elapsed.min(total) as f64 / 1e9,
                total as f64 / 1e9
            )
        };
        match phase {
            Phase::Warmup if self.is_open => {
                let limit = self.warmup_ns as f64 / 1e9;
                format!("warm-up {:.1} s, at most {limit:.1} s", now_ns as f64 / 1e9)
            }
            Phase::Warmup => format!("warm-up {}", of(0, self.warmup_ns)),
            Phase::Measure => format!("measure {}", of(self.warmup_ns, self.end_ns)),
            Phase::Drain => "drain".to_owned(),
            Phase::Cancel => "stopping".to_owned(),
            Phase::Over => "done".to_owned(),
        }
    }
}

fn digest(pulse: &Pulse) -> String {
    if *pulse == Pulse::default() {
        return String::new();
    }
    let latency = match pulse.p99_ns {
        Some(ns) => format!(", p99 {}", short(ns)),
        None => String::new(),
    };
    let pressure = match &pulse.pressure {
        None => ", no backpressure".to_owned(),
        Some(Pressure {
            task,
            share,
            bottleneck,
        }) => {
            let behind = bottleneck.as_deref().unwrap_or("something");
            format!(", {behind} holds up {task} ({:.0} %)", share * 100.0)
        }
    };
    format!(", {}/s{latency}{pressure}", rate(pulse.rate_per_s))
}

fn rate(per_s: f64) -> String {
    match per_s {
        per_s if per_s >= 1e6 => format!("{:.2} M", per_s / 1e6),
        per_s if per_s >= 1e4 => format!("{:.1} k", per_s / 1e3),
        per_s => format!("{per_s:.0}"),
    }
}

/// A latency with three digits or so.
fn short(ns: u64) -> String {
    let time = Duration::from_nanos(ns);
    match ns {
        0..1_000_000 => format!("{} us", time.as_micros()),
        1_000_000..1_000_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_rate_latency_and_what_holds_up_whom() {
        let pressure = Pressure {
            task: "parse".into(),
            share: 0.934,
            bottleneck: Some("slow".into()),
        };
        let pulse = Pulse {
            rate_per_s: 12_345.6,
            p99_ns: Some(4_200_000),
            pressure: Some(pressure),
        };
        assert_eq!(
            digest(&pulse),
            ", 12.3 k/s, p99 4.2 ms, slow holds up parse (93 %)"
        );
        let calm = Pulse {
            rate_per_s: 900.0,
            p99_ns: None,
            pressure: None,
        };
        assert_eq!(digest(&calm), ", 900/s, no backpressure");
        let view = View::new(2_000_000_000, 12_000_000_000, false);
        assert_eq!(
            view.position(5_500_000_000, Phase::Measure),
            "measure 3.5 of 10.0 s"
        );
    }
}
