//! `[job] output`: where what reaches the sinks goes, apart from being judged.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::spec::{Default as Absent, Kind, Parameter, SpecError, Variant, read, write};

/// Where files go unless the scenario says so, below the directory of the run.
const DIRECTORY: &str = "output";

/// Where what reaches the sinks goes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum OutputSpec {
    /// Nowhere: it is only judged.
    #[default]
    None,
    /// Into CSV files, a folder for each sink.
    Files {
        /// Where these folders are; without it, in the directory of the run.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        directory: Option<PathBuf>,
    },
}

/// What `[job] output` may be.
pub(super) const KIND: Kind = Kind::Variants(&[
    Variant {
        kind: "none",
        help: "nowhere: results are only judged",
        parameters: &[],
    },
    Variant {
        kind: "files",
        help: "into CSV files, each row exactly once; they become visible with checkpoints, which the job has to take",
        parameters: &[Parameter {
            name: "directory",
            kind: Kind::Choice(&[]),
            default: Absent::Absent("output in the run directory"),
            help: "where the folders of the sinks are",
        }],
    },
]);

impl OutputSpec {
    /// Reads a checked table of a job that takes checkpoints or does not.
    ///
    /// # Errors
    /// Files without checkpoints.
    pub(super) fn complete(table: Table, has_checkpoints: bool) -> Result<OutputSpec, SpecError> {
        match read(table)? {
            OutputSpec::Files { .. } if !has_checkpoints => {
                let message = "found \"files\"; they become visible with checkpoints: allowed with checkpoint";
                Err(SpecError::new("output.kind", message))
            }
            output => Ok(output),
        }
    }

    /// The table again.
    pub(super) fn to_table(&self) -> Table {
        write(self)
    }

    /// The same with a directory, below that of the run unless it had one.
    pub(super) fn within(&self, run: &Path) -> OutputSpec {
        match self {
            OutputSpec::None => OutputSpec::None,
            OutputSpec::Files { directory } => OutputSpec::Files {
                directory: Some(directory.clone().unwrap_or_else(|| run.join(DIRECTORY))),
            },
        }
    }

    /// Where the folders of the sinks are, if there are files.
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        match self {
            OutputSpec::None => None,
            OutputSpec::Files { directory } => {
                Some(directory.clone().unwrap_or_else(|| DIRECTORY.into()))
            }
        }
    }
}
