//! What a run goes on from: a checkpoint that an earlier run left, found by the path of that run's directory or by its
//! own.
//!
//! A resumed run goes on with the folders of the run before: its checkpoints follow those that are there, and what its
//! sinks write follows what they have written. So only one of the two can run at a time, and what was visible is not
//! shown twice. Which records a job gets must be the same, or what the checkpoint says of them is false; how it is
//! laid out and how long it is measured may differ.

use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::{Table, Value};
use workloads::OutputSpec;

use crate::scenario::{Document, Scenario, disturbances};

/// Name of the file in a checkpoint's folder that says that it is complete.
const MANIFEST: &str = "MANIFEST";

/// A checkpoint to go on from.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The folder that holds the checkpoint, with others of its job.
    pub checkpoints: PathBuf,
    /// What its sinks have written.
    output: OutputSpec,
    /// The one that was named; otherwise the latest that can be read.
    pub named: Option<PathBuf>,
    /// Whether the job may go back behind what sinks were given that cannot take it back.
    pub allow_rollback: bool,
    /// What ran.
    before: Scenario,
    /// Where that is written.
    written_in: PathBuf,
}

/// Why a run cannot go on from a path.
#[derive(Debug, Error)]
pub enum ResumeError {
    /// Neither a run directory nor a checkpoint in one.
    #[error(
        "{}: neither a run directory with a scenario.toml nor a checkpoint chk-N in the folder checkpoints of one",
        path.display()
    )]
    NotARun {
        /// What was given.
        path: PathBuf,
    },
    /// What ran cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It took no checkpoints, or none was complete.
    #[error("{}: the run left no complete checkpoint here", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// The scenario is of other records.
    #[error(
        "{key}: found {found}; the run in {} had {before}, and only with the same records can a job go on from its checkpoint (job, measure and faults on operators may differ)",
        written_in.display()
    )]
    OtherRecords {
        /// Path of the key.
        key: String,
        /// What it is now.
        found: String,
        /// What it was.
        before: String,
        /// Where that is written.
        written_in: PathBuf,
    },
}

impl Resume {
    /// Looks for what is at `path`: a run directory, or a checkpoint in one.
    pub fn find(path: &Path, allow_rollback: bool) -> Result<Resume, ResumeError> {
        let not_a_run = || ResumeError::NotARun {
            path: path.to_owned(),
        };
        let path = fs::canonicalize(path).map_err(|_| not_a_run())?;
        let (run, named) = if path.join(reports::record::SCENARIO_FILE).is_file() {
            (path.as_path(), None)
        } else {
            let run = path.parent().and_then(Path::parent);
            (run.ok_or_else(not_a_run)?, Some(path.clone()))
        };
        let written_in = run.join(reports::record::SCENARIO_FILE);
        let before = read(&written_in, not_a_run)?;
        let placed = before.job.within(run);
        let directory = placed
            .checkpoint
            .and_then(|checkpoint| checkpoint.directory);
        let checkpoints = directory.ok_or_else(|| ResumeError::Nothing {
            path: run.to_owned(),
        })?;
        if !named.as_ref().map_or_else(
            || holds_one(&checkpoints),
            |path| path.join(MANIFEST).is_file(),
        ) {
            let path = named.unwrap_or(checkpoints);
            return Err(ResumeError::Nothing { path });
        }
        Ok(Resume {
            checkpoints,
            output: placed.output,
            named,
            allow_rollback,
            before,
            written_in,
        })
    }

    /// The scenario with the folders of the run before, unless it gives others.
    ///
    /// # Errors
    /// If it is of other records.
    pub fn apply(&self, scenario: &mut Scenario) -> Result<(), ResumeError> {
        if let Some((key, found, before)) = self.difference(scenario) {
            return Err(ResumeError::OtherRecords {
                key,
                found,
                before,
                written_in: self.written_in.clone(),
            });
        }
        if let Some(checkpoint) = &mut scenario.job.checkpoint {
            checkpoint
                .directory
                .get_or_insert_with(|| self.checkpoints.clone());
        }
        if let OutputSpec::Files { directory: None } = scenario.job.output {
            scenario.job.output = self.output.clone();
        }
        Ok(())
    }

    /// The first key that decides on the records and is not what it was, what it is and what it was.
    fn difference(&self, scenario: &Scenario) -> Option<(String, String, String)> {
        let table = |it: &Scenario| {
            Table::from_iter([
                (
                    "seed".to_owned(),
                    i64::try_from(it.seed).unwrap_or(i64::MAX).into(),
                ),
                ("workload".to_owned(), it.workload.to_table().into()),
                ("load".to_owned(), it.load.to_table().into()),
            ])
        };
        let disturbed = |it: &Scenario| disturbances(&it.faults, it.measure.longest_warmup());
        let differs = first_difference("", &table(scenario).into(), &table(&self.before).into());
        differs.or_else(|| {
            let (found, before) = (disturbed(scenario), disturbed(&self.before));
            (found != before).then(|| {
                let shown = |it| format!("{it:?}");
                ("fault".to_owned(), shown(found), shown(before))
            })
        })
    }
}

fn read(path: &Path, not_a_run: impl Fn() -> ResumeError) -> Result<Scenario, ResumeError> {
    let text = fs::read_to_string(path).map_err(|_| not_a_run())?;
    let mut document = Document::new(&path.display().to_string(), "unnamed", text);
    document
        .parse(&[])
        .map_err(|error| ResumeError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// Whether a folder of checkpoints holds a complete one.
fn holds_one(checkpoints: &Path) -> bool {
    let entries = fs::read_dir(checkpoints).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.path().join(MANIFEST).is_file())
}

fn first_difference(key: &str, found: &Value, before: &Value) -> Option<(String, String, String)> {
    match (found, before) {
        (Value::Table(found), Value::Table(before)) => {
            let keys = found.keys().chain(before.keys());
            keys.into_iter().find_map(|name| {
                let below = match key {
                    "" => name.clone(),
                    key => format!("{key}.{name}"),
                };
                let absent = Value::String("nothing".to_owned());
                let of = |table: &Table| table.get(name).cloned().unwrap_or_else(|| absent.clone());
                first_difference(&below, &of(found), &of(before))
            })
        }
        (found, before) => {
            (found != before).then(|| (key.to_owned(), found.to_string(), before.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str =
        "seed = 3\n[workload]\nkind = 'state-growth'\npreloaded = 5\n[job]\ncheckpoint = {}\n";

    fn parse(text: &str) -> Scenario {
        Document::new("test", "test", text.to_owned())
            .parse(&[])
            .unwrap()
    }

    /// A run directory with one complete checkpoint.
    fn left_behind() -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        let checkpoint = run.path().join("checkpoints/chk-7");
        fs::create_dir_all(&checkpoint).unwrap();
        fs::write(checkpoint.join(MANIFEST), "").unwrap();
        fs::write(run.path().join("scenario.toml"), parse(SCENARIO).to_toml()).unwrap();
        run
    }

    #[test]
    fn a_run_and_a_checkpoint_in_it_are_found_and_their_folder_is_gone_on_with() {
        let run = left_behind();
        let folder = fs::canonicalize(run.path()).unwrap().join("checkpoints");
        let latest = Resume::find(run.path(), false).unwrap();
        let named = Resume::find(&run.path().join("checkpoints/chk-7"), false).unwrap();
        assert_eq!((&latest.checkpoints, &latest.named), (&folder, &None));
        assert_eq!(named.named, Some(folder.join("chk-7")));
        let mut scenario = parse(SCENARIO);
        latest.apply(&mut scenario).unwrap();
        let checkpoint = scenario.job.checkpoint.unwrap();
        assert_eq!(checkpoint.directory, Some(folder));
    }

    #[test]
    fn other_records_are_refused_by_key_and_another_layout_is_not() {
        let run = left_behind();
        let resume = Resume::find(run.path(), false).unwrap();
        let apply = |from: &str, to: &str| {
            let applied = resume.apply(&mut parse(&SCENARIO.replace(from, to)));
            applied.err().map(|error| error.to_string())
        };
        for (from, to, key) in [
            ("seed = 3", "seed = 4", "seed: found 4"),
            ("= 5", "= 6", "workload.preloaded: found 6"),
            ("[job]", "[load]\nsplits = 3\n[job]", "load.splits: found 3"),
        ] {
            let message = apply(from, to).unwrap_or_default();
            assert!(message.starts_with(key), "{message}");
        }
        assert_eq!(apply("[job]", "[job]\nparallelism = 3"), None);
        assert_eq!(apply("[job]", "[measure]\nduration = '1s'\n[job]"), None);
    }

    #[test]
    fn what_is_no_run_or_has_no_complete_checkpoint_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        let refused = |path: &Path| Resume::find(path, false).unwrap_err().to_string();
        assert!(refused(empty.path()).contains("neither a run directory"));
        assert!(refused(&empty.path().join("absent")).contains("neither a run directory"));
        let run = left_behind();
        fs::remove_file(run.path().join("checkpoints/chk-7").join(MANIFEST)).unwrap();
        assert!(refused(run.path()).contains("no complete checkpoint"));
        let text = SCENARIO.replace("checkpoint = {}", "");
        fs::write(run.path().join("scenario.toml"), text).unwrap();
        assert!(refused(run.path()).contains("no complete checkpoint"));
    }
}
