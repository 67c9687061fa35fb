//! Printing that does not mind a reader who has gone: a closed pipe ends the output, not the
//! program.

use std::io::{Write as _, stderr, stdout};

/// Answers go to standard output.
pub fn answer(text: &str) {
    let mut out = stdout().lock();
    // Nobody reads it any more: that is not an error of ours, and there is nobody to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prose goes to standard error.
pub fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// What went wrong.
pub fn error(message: &str) {
    say(&format!("error: {message}"));
}
