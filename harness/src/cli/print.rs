//! Printing that does not mind a reader who has gone: a closed pipe ends the output, not the
//! program.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use reports::record::Run;
use reports::{Style, styled_summary};

/// Answers go to standard output.
pub fn answer(text: &str) {
    let mut out = stdout().lock();
    // Nobody reads it any more: that is not an error of ours, and there is nobody to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A run's summary as it goes to standard output: in colours for a person at a terminal who has
/// not declined them (<https://no-color.org>).
pub fn summary(run: &Run) -> String {
    styled_summary(run, style())
}

/// How answers look on standard output.
pub fn style() -> Style {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match stdout().is_terminal() && !declined {
        true => Style::Colored,
        false => Style::Plain,
    }
}

/// Prose goes to standard error.
pub fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// What went wrong.
pub fn error(message: &str) {
    say(&format!("error: {message}"));
}
