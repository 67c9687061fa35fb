//! Runs the binary in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A small run that ends within a second.
pub const SMALL: &str = r#"
name = "small"
[workload]
kind = "slow-operator"
cost = { kind = "cpu", mean = "1us" }
[load]
shape = { kind = "constant", rate_per_s = 5_000 }
[measure]
warmup = "100ms"
duration = "400ms"
interval = "50ms"
"#;

/// A folder to run in.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and returns its name, which is relative to the folder as the commands are.
    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path().join(name), text).expect("the folder can be written to");
        name.to_owned()
    }

    /// The binary, to be run in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backwater"));
        command.current_dir(self.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// The only run directory below `results`.
    pub fn only_result(&self) -> PathBuf {
        let found: Vec<_> = fs::read_dir(self.path().join("results"))
            .expect("there are results")
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found
            .into_iter()
            .next()
            .expect("just counted")
            .expect("readable")
            .path()
    }
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn run_json(directory: &Path) -> Value {
    let text = fs::read_to_string(directory.join("run.json")).expect("a finished run has run.json");
    serde_json::from_str(&text).expect("run.json is JSON")
}
