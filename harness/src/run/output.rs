//! Where a run's record goes.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::RunError;

/// Runs of one scenario that may begin in the same second.
const MAX_SIBLINGS: u32 = 1_000;

/// An empty folder for a run's record.
pub struct RunDirectory {
    path: PathBuf,
    /// Whether it was not there before.
    made: bool,
}

impl RunDirectory {
    /// The folder given as `--out`: made if it is absent, refused if it holds anything.
    pub fn given(directory: &Path) -> Result<Self, RunError> {
        let shown = directory.display();
        let refused = |message: String| RunError::Output { message };
        let path = directory.to_owned();
        match fs::read_dir(directory) {
            Ok(mut entries) => match entries.next() {
                None => Ok(RunDirectory { path, made: false }),
                Some(_) => Err(refused(format!(
                    "{shown} is not empty; allowed: an empty or absent folder"
                ))),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(directory)
                .map(|()| RunDirectory { path, made: true })
                .map_err(|error| refused(format!("{shown} cannot be made: {error}"))),
            Err(error) => Err(refused(format!(
                "{shown} cannot be used as a folder: {error}"
            ))),
        }
    }

    /// Makes a new folder `results/<time>-<scenario>-<target>`, with a number if that is taken.
    pub fn by_default(now: Duration, scenario: &str, target: &str) -> Result<Self, RunError> {
        Self::named(&format!("{}-{scenario}-{target}", compact_utc(now)))
    }

    /// Makes a new folder `results/<time>-<command>-<scenario>`, likewise.
    pub fn of_command(now: Duration, command: &str, scenario: &str) -> Result<Self, RunError> {
        Self::named(&format!("{}-{command}-{scenario}", compact_utc(now)))
    }

    /// Makes a new folder `results/<time>-<command>` for a command that is not about one scenario, likewise.
    pub fn without_scenario(now: Duration, command: &str) -> Result<Self, RunError> {
        Self::named(&format!("{}-{command}", compact_utc(now)))
    }

    fn named(base: &str) -> Result<Self, RunError> {
        let refused = |path: &Path, error| RunError::Output {
            message: format!("{} cannot be made: {error}", path.display()),
        };
        let parent = Path::new("results");
        fs::create_dir_all(parent).map_err(|error| refused(parent, error))?;
        for sibling in 1..=MAX_SIBLINGS {
            let name = if sibling == 1 {
                base.to_owned()
            } else {
                format!("{base}-{sibling}")
            };
            let path = parent.join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(RunDirectory { path, made: true }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refused(&path, error)),
            }
        }
        Err(RunError::Output {
            message: format!("results/{base} exists {MAX_SIBLINGS} times already"),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it as it was found, for a run that was refused before it began. What cannot be removed does no harm.
    pub(crate) fn discard(self) {
        if self.made {
            let _ = fs::remove_dir_all(&self.path);
            // `results`, if nobody has put anything into it.
            if let Some(parent) = self.path.parent() {
                let _ = fs::remove_dir(parent);
            }
            return;
        }
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// `20261122T154500Z`.
fn compact_utc(now: Duration) -> String {
    rfc3339(now).replace(['-', ':'], "")
}

/// `2026-11-22T15:45:00Z`.
pub fn rfc3339(now: Duration) -> String {
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + now).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_sort_and_hold_no_separators() {
        assert_eq!(
            compact_utc(Duration::from_secs(1_795_362_300)),
            "20261122T154500Z"
        );
    }

    #[test]
    fn a_folder_that_holds_something_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| match RunDirectory::given(path) {
            Ok(_) => panic!("{} was taken", path.display()),
            Err(error) => error.to_string(),
        };
        assert!(RunDirectory::given(folder.path()).is_ok());
        assert!(RunDirectory::given(&folder.path().join("new/deep")).is_ok());
        fs::write(folder.path().join("x"), "").unwrap();
        let message = refused(folder.path());
        assert!(
            message.ends_with("is not empty; allowed: an empty or absent folder"),
            "{message}"
        );
        assert!(refused(&folder.path().join("x")).contains("cannot be used"));
    }

    #[test]
    fn a_run_that_is_refused_leaves_its_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("runs/new");
        for (path, is_left) in [(folder.path(), true), (absent.as_path(), false)] {
            let directory = RunDirectory::given(path).unwrap();
            fs::create_dir(path.join("checkpoints")).unwrap();
            directory.discard();
            assert_eq!(path.exists(), is_left);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
