//! The manifest of a checkpoint: what it holds, where, and how to know that it is still that.
//!
//! In the file: magic, format version and length of the body (u32 and u64, little-endian), the body in
//! borsh, CRC-32 of all before. Checksums are CRC-32 everywhere: it finds every change of up to 32
//! neighbouring bits for certain and others but for one in 2^32, and `crc32fast` computes it faster
//! than a disk delivers. It is no protection against somebody who changes files on purpose.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};

use super::error::StorageError;

/// Its name in the folder of a checkpoint.
pub(super) const MANIFEST: &str = "MANIFEST";
/// Its name while it is written.
pub(super) const UNFINISHED: &str = "MANIFEST.part";

const MAGIC: [u8; 8] = *b"BWCHKPT\n";
const FORMAT: u32 = 1;
const PREFIX_BYTES: usize = 8 + 4 + 8;
const CHECKSUM_BYTES: usize = 4;

/// What a checkpoint says of itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct ManifestHead {
    pub(crate) checkpoint: u64,
    /// All input had ended.
    pub(crate) is_final: bool,
    /// Job time at which all its parts were stored, in nanoseconds: no part has seen a later one, so a job that goes on
    /// from here goes back in time for none of them.
    pub(crate) at_ns: u64,
    pub(crate) max_parallelism: usize,
    /// The kind of state backend.
    pub(crate) backend: String,
    /// The attempt of the job that took it, from 0.
    pub(crate) attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Manifest {
    pub(super) head: ManifestHead,
    pub(super) subtasks: Vec<SubtaskEntry>,
    /// By operator.
    pub(super) pending_output: Vec<(String, Vec<u8>)>,
}

/// Where the parts of a subtask are: one behind the other in its state file, and a folder for each of
/// its databases.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct SubtaskEntry {
    pub(super) task: String,
    pub(super) subtask: usize,
    /// Name of its folder.
    pub(super) folder: String,
    pub(super) parts: Vec<PartEntry>,
    pub(super) databases: Vec<DatabaseEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct PartEntry {
    pub(super) operator: String,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) checksum: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct DatabaseEntry {
    pub(super) operator: String,
    /// Name of its folder in that of the subtask.
    pub(super) folder: String,
    pub(super) files: Vec<FileEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct FileEntry {
    pub(super) name: String,
    pub(super) identity: Option<String>,
    pub(super) bytes: u64,
    pub(super) checksum: u32,
}

impl Manifest {
    /// The whole file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let body = borsh::to_vec(self).expect("memory takes every write");
        let mut file = Vec::with_capacity(PREFIX_BYTES + body.len() + CHECKSUM_BYTES);
        file.extend_from_slice(&MAGIC);
        file.extend_from_slice(&FORMAT.to_le_bytes());
        file.extend_from_slice(&(body.len() as u64).to_le_bytes());
        file.extend_from_slice(&body);
        let checksum = crc32fast::hash(&file);
        file.extend_from_slice(&checksum.to_le_bytes());
        file
    }

    /// Reads the file at `path`. Believes no length before the file has it.
    pub(super) fn read(path: &Path) -> Result<Self, StorageError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StorageError::damaged(path, "it is too short"),
            io::ErrorKind::NotFound => {
                StorageError::damaged(path, "it is missing, so there is no complete checkpoint")
            }
            _ => StorageError::io("read", path)(error),
        };
        let mut file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut bytes = vec![0; PREFIX_BYTES];
        file.read_exact(&mut bytes).map_err(failed)?;
        let body_bytes = Self::check_prefix(path, &bytes, length)?;
        bytes.resize(PREFIX_BYTES + body_bytes + CHECKSUM_BYTES, 0);
        file.read_exact(&mut bytes[PREFIX_BYTES..])
            .map_err(failed)?;
        let (content, checksum) = bytes.split_at(PREFIX_BYTES + body_bytes);
        if crc32fast::hash(content).to_le_bytes() != checksum {
            return Err(StorageError::damaged(path, "its checksum is another"));
        }
        Manifest::try_from_slice(&content[PREFIX_BYTES..])
            .map_err(|error| StorageError::damaged(path, format!("it cannot be read: {error}")))
    }

    /// The length of the body, if the file is of this format and as long as it says.
    fn check_prefix(path: &Path, prefix: &[u8], length: u64) -> Result<usize, StorageError> {
        let (magic, rest) = prefix.split_at(MAGIC.len());
        let (format, body) = rest.split_at(4);
        if magic != MAGIC {
            return Err(StorageError::damaged(path, "it is no manifest"));
        }
        let format = format.iter().rev().fold(0, |n, &b| n << 8 | u32::from(b));
        if format != FORMAT {
            let path = path.to_owned();
            let found = format;
            return Err(StorageError::Format { path, found });
        }
        let body = body.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        let around = (PREFIX_BYTES + CHECKSUM_BYTES) as u64;
        if body.checked_add(around) != Some(length) {
            let reason = format!("it has {length} bytes, and says {body} and {around}");
            return Err(StorageError::damaged(path, reason));
        }
        usize::try_from(body).map_err(|_| StorageError::damaged(path, "it is too long"))
    }
}
