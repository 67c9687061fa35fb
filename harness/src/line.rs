//! How far a run is, for who waits for it.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How far a run is, on a terminal; elsewhere its begin and end are enough.
pub struct Line {
    bar: Option<ProgressBar>,
}

impl Line {
    pub fn new(run: &str, length: Duration) -> Line {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:10} {wide_msg}");
            let most = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
            let bar = ProgressBar::new(most);
            bar.set_message(format!("run {run}"));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Line { bar }
    }

    pub fn show(&self, now_ns: u64) {
        if let Some(bar) = &self.bar {
            let most = bar.length().unwrap_or(u64::MAX);
            bar.set_position((now_ns / 1_000_000).min(most));
        }
    }

    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
