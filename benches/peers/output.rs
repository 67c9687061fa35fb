//! The folder for the results.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};

/// The folder that was asked for, new or empty; otherwise a new one in `results`, named by the time.
pub fn directory(asked_for: Option<&Path>, now: Duration) -> anyhow::Result<PathBuf> {
    let directory = match asked_for {
        Some(directory) => directory.to_owned(),
        None => Path::new("results").join(format!("peers-{}", compact_utc(now))),
    };
    let shown = directory.display();
    match fs::read_dir(&directory) {
        Ok(mut entries) => ensure!(
            entries.next().is_none(),
            "{shown} is not empty; allowed: an empty or absent folder"
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(&directory).with_context(|| format!("{shown} cannot be made"))?;
        }
        Err(error) => return Err(error).with_context(|| format!("{shown} is no folder")),
    }
    Ok(directory)
}

/// `20261122T154500Z`.
fn compact_utc(now: Duration) -> String {
    let time = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + now);
    time.to_string().replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_never_go_where_something_is() {
        let parent = tempfile::tempdir().unwrap();
        let new = parent.path().join("a/b");
        assert_eq!(directory(Some(&new), Duration::ZERO).unwrap(), new);
        assert!(directory(Some(&new), Duration::ZERO).is_ok());
        fs::write(new.join("peers.csv"), "").unwrap();
        assert!(directory(Some(&new), Duration::ZERO).is_err());
        assert_eq!(
            compact_utc(Duration::from_secs(1_795_362_300)),
            "20261122T154500Z"
        );
    }
}
