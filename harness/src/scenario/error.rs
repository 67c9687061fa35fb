//! What can be wrong with a scenario: always one line that names the file, the key, what was found
//! and what is allowed.

use thiserror::Error;

/// Why a scenario was refused.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file exists but cannot be read.
    #[error("{file}: cannot read the scenario: {source}")]
    Unreadable {
        /// The path as given.
        file: String,
        /// The cause.
        source: std::io::Error,
    },
    /// Neither a file nor a built-in name.
    #[error(
        "{name}: no such file, and no built-in scenario of that name{nearest}; built in: {known}"
    )]
    Unknown {
        /// What was given.
        name: String,
        /// A suggestion, with its lead-in, or empty.
        nearest: String,
        /// Every built-in name.
        known: String,
    },
    /// The file is not TOML.
    #[error("{place}: not a TOML file: {message}")]
    Syntax {
        /// File and line.
        place: String,
        /// What the parser expected.
        message: String,
    },
    /// A key is unknown, missing, of the wrong type or out of its range.
    #[error("{place}: {key}: {message}")]
    Invalid {
        /// File and line, or the override that set the value.
        place: String,
        /// Full dotted path.
        key: String,
        /// What was found and what is allowed.
        message: String,
    },
    /// A variant cannot be made of the scenario.
    #[error("variant {name}: {message}")]
    Variant {
        /// Its name.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// An override is not `KEY=VALUE`, or its key cannot be reached.
    #[error("--set {assignment}: {message}")]
    Override {
        /// The argument as given.
        assignment: String,
        /// What is wrong with it.
        message: String,
    },
}
