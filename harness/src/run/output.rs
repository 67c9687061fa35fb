//! Where a run's record goes.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::RunError;

/// Runs of one scenario that may begin in the same second.
const MAX_SIBLINGS: u32 = 1_000;

/// The folder given as `--out`: made if it is absent, refused if it holds anything.
pub fn given_directory(directory: &Path) -> Result<PathBuf, RunError> {
    let shown = directory.display();
    let refused = |message: String| RunError::Output { message };
    match fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(directory.to_owned()),
            Some(_) => Err(refused(format!(
                "{shown} is not empty; allowed: an empty or absent folder"
            ))),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(directory)
            .map(|()| directory.to_owned())
            .map_err(|error| refused(format!("{shown} cannot be made: {error}"))),
        Err(error) => Err(refused(format!(
            "{shown} cannot be used as a folder: {error}"
        ))),
    }
}

/// Makes a new folder `results/<time>-<scenario>-<target>`, with a number if that is taken.
pub fn default_directory(now: Duration, scenario: &str, target: &str) -> Result<PathBuf, RunError> {
    let refused = |path: &Path, error| RunError::Output {
        message: format!("{} cannot be made: {error}", path.display()),
    };
    let parent = Path::new("results");
    fs::create_dir_all(parent).map_err(|error| refused(parent, error))?;
    let base = format!("{}-{scenario}-{target}", compact_utc(now));
    for sibling in 1..=MAX_SIBLINGS {
        let name = if sibling == 1 {
            base.clone()
        } else {
            format!("{base}-{sibling}")
        };
        let path = parent.join(name);
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(&path, error)),
        }
    }
    Err(RunError::Output {
        message: format!("results/{base} exists {MAX_SIBLINGS} times already"),
    })
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
        assert!(given_directory(folder.path()).is_ok());
        assert!(given_directory(&folder.path().join("new/deep")).is_ok());
        fs::write(folder.path().join("x"), "").unwrap();
        let message = given_directory(folder.path()).unwrap_err().to_string();
        assert!(
            message.ends_with("is not empty; allowed: an empty or absent folder"),
            "{message}"
        );
        assert!(
            given_directory(&folder.path().join("x"))
                .unwrap_err()
                .to_string()
                .contains("cannot be used")
        );
    }
}
