//! The folder of a search or a sweep: begun, found again, and never mixed up with another.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reports::record::{Heading, RESULT_FILE, SCENARIO_FILE};

use super::LoadsError;
use crate::host;
use crate::lock::{self, Lock};
use crate::run::{RunDirectory, rfc3339};
use crate::scenario::Scenario;

/// Runs are in this folder below it.
const RUNS: &str = "runs";

/// A folder with `scenario.toml`, `result.json`, a table and `runs/`.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    /// The folder given as `--out`: made if it is absent or empty, and gone on with if it is one of this command
    /// and scenario. By default a new one, `results/<time>-<command>-<scenario>`.
    pub fn begin(
        given: Option<&Path>,
        now: Duration,
        command: &str,
        scenario: &Scenario,
    ) -> Result<Folder, LoadsError> {
        let text = scenario.to_toml();
        let path = match given {
            Some(given) if given.join(SCENARIO_FILE).exists() => {
                check(given, command, &text)?;
                given.to_owned()
            }
            Some(given) => RunDirectory::given(given)
                .map_err(refused)?
                .path()
                .to_owned(),
            None => {
                let made = RunDirectory::of_command(now, command, &scenario.name);
                made.map_err(refused)?.path().to_owned()
            }
        };
        let lock = Lock::take(&path).map_err(|source| LoadsError::Io {
            action: format!("cannot lock {}", path.display()),
            source,
        })?;
        let lock = lock.ok_or_else(|| LoadsError::Refused(lock::taken(&path)))?;
        let folder = Folder { path, _lock: lock };
        let file = folder.path.join(SCENARIO_FILE);
        if !file.exists() {
            let begun = fs::create_dir_all(folder.path.join(RUNS));
            let begun = begun.and_then(|()| fs::write(&file, text));
            begun.map_err(|source| LoadsError::Io {
                action: format!("cannot write {}", file.display()),
                source,
            })?;
        }
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where runs go.
    pub fn runs(&self) -> PathBuf {
        self.path.join(RUNS)
    }

    /// The head of a result that begins now.
    pub fn heading(command: &str, scenario: &Scenario, now: Duration) -> Heading {
        Heading {
            host: host::describe(),
            ..Heading::new(command, &scenario.name, rfc3339(now))
        }
    }
}

/// `01-1234.5`: sorts by number, and holds what a path and a link can hold.
pub fn number_name(number: u32, rate_per_s: f64) -> String {
    format!("{number:02}-{rate_per_s}")
}

fn refused(error: crate::run::RunError) -> LoadsError {
    LoadsError::Refused(error.to_string())
}

/// Whether the folder is an unfinished one of this command and scenario.
fn check(path: &Path, command: &str, scenario: &str) -> Result<(), LoadsError> {
    let shown = path.display();
    let refused = |message: String| Err(LoadsError::Refused(format!("--out: {shown} {message}")));
    let is_same = fs::read_to_string(path.join(SCENARIO_FILE)).is_ok_and(|it| it == scenario);
    if !is_same {
        return refused(format!(
            "is of another scenario; allowed: an empty or absent folder, or an unfinished {command} of this one"
        ));
    }
    let Ok(result) = fs::read(path.join(RESULT_FILE)) else {
        // It was ended before its first step; or it is a run, of this scenario.
        return match path.join(RUNS).is_dir() {
            true => Ok(()),
            false => refused(format!("is not a {command}")),
        };
    };
    let result = serde_json::from_slice::<serde_json::Value>(&result).unwrap_or_default();
    let heading = &result["heading"];
    let host = serde_json::from_value(heading["host"].clone()).unwrap_or_default();
    if let Some(differing) = host::other_than_this(&host) {
        return refused(format!(
            "has runs of another machine or program: {differing} differs"
        ));
    }
    match (heading["command"].as_str(), heading["finished"].as_bool()) {
        (Some(found), _) if found != command => refused(format!("is a {found}")),
        (_, Some(true)) => refused(format!(
            "is a finished {command}; allowed: an empty or absent folder, or an unfinished one"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Document;

    fn scenario(seed: u64) -> Scenario {
        let text = format!("seed = {seed}\n[workload]\nkind = 'slow-operator'\n");
        let shape = "load.shape={ kind = \"max\" }".to_owned();
        let mut document = Document::new("t", "t", text);
        document.parse(&[shape]).unwrap()
    }

    #[test]
    fn a_folder_is_gone_on_with_only_by_the_same_command_and_scenario_and_until_it_is_finished() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new");
        let begin = |command, seed| {
            let begun = Folder::begin(Some(&path), Duration::ZERO, command, &scenario(seed));
            begun.map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(begin("search", 1), Ok(()));
        assert_eq!(begin("search", 1), Ok(()));
        assert!(begin("search", 2).unwrap_err().contains("another scenario"));
        let publish = |finished| {
            let mut heading = Folder::heading("search", &scenario(1), Duration::ZERO);
            heading.finished = finished;
            let result = serde_json::json!({ "heading": heading });
            reports::record::publish_result(&path, &result).unwrap();
        };
        publish(false);
        assert_eq!(begin("search", 1), Ok(()));
        assert!(begin("sweep", 1).unwrap_err().contains("is a search"));
        publish(true);
        assert!(
            begin("search", 1)
                .unwrap_err()
                .contains("is a finished search")
        );
    }
}
