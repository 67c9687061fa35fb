//! A disk on trial: it stops at any operation, as it does when the process is killed, and then loses
//! whatever was not made to last, as it may when the power fails.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::checkpoint::storage::disk::Change;

#[derive(Debug, Default)]
pub(in crate::checkpoint::storage) struct Trial(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    operations: u64,
    stop_at: Option<u64>,
    unlinkable: Option<PathBuf>,
    /// Files whose contents last.
    synced: HashSet<u64>,
    /// Changes to names that do not last yet, and how the disk may forget them.
    forgettable: Vec<Forgettable>,
}

#[derive(Debug)]
struct Forgettable {
    folder: PathBuf,
    undo: Undo,
}

#[derive(Debug)]
enum Undo {
    Remove(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
    Restore(PathBuf, Vec<u8>),
}

impl Trial {
    /// The operation with this number, from 1, does not happen, and none behind it.
    pub(in crate::checkpoint::storage) fn stop_at(&self, operation: u64) {
        self.0.lock().unwrap().stop_at = Some(operation);
    }

    pub(super) fn operations(&self) -> u64 {
        self.0.lock().unwrap().operations
    }

    /// As if this folder were on another file system.
    pub(super) fn refuse_links_from(&self, folder: &Path) {
        self.0.lock().unwrap().unlinkable = Some(folder.to_owned());
    }

    pub(in crate::checkpoint::storage) fn permit(&self, change: &Change<'_>) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.operations += 1;
        let stop_at = state.stop_at.unwrap_or(u64::MAX);
        if state.operations == stop_at && change.doing == "remove" {
            remove_one_of(change.path);
        }
        if state.operations >= stop_at {
            return Err(io::Error::other("the process was killed"));
        }
        let refused = state.unlinkable.as_deref();
        if let (Some(refused), "link", Some(from)) = (refused, change.doing, change.from)
            && from.starts_with(refused)
        {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        state.note(change);
        Ok(())
    }

    /// The power fails: forgets all that does not last, but for the names that were changed last: a disk
    /// need not keep to the order.
    pub(super) fn lose(&self, directory: &Path, kept: usize) {
        let mut state = self.0.lock().unwrap();
        let forgotten = state.forgettable.len().saturating_sub(kept);
        state.forgettable.truncate(forgotten);
        while let Some(forgettable) = state.forgettable.pop() {
            // What the process never came to do cannot be undone.
            let _ = match forgettable.undo {
                Undo::Remove(path) if path.is_dir() => fs::remove_dir_all(path),
                Undo::Remove(path) => fs::remove_file(path),
                Undo::Rename { from, to } => fs::rename(to, from),
                Undo::Restore(path, bytes) => fs::write(&path, bytes).map(|()| {
                    state.synced.insert(inode(&path));
                }),
            };
        }
        halve_all_but(&state.synced, directory);
    }
}

impl State {
    fn note(&mut self, change: &Change<'_>) {
        let path = change.path;
        let undo = match change.doing {
            "make" if path.exists() => return,
            "make" | "create" => Undo::Remove(path.to_owned()),
            "link" => {
                let from = change.from.unwrap();
                if !from.exists() {
                    return;
                }
                Undo::Remove(path.to_owned())
            }
            "rename" => {
                let (from, to) = (change.from.unwrap().to_owned(), path.to_owned());
                Undo::Rename { from, to }
            }
            "remove" if path.is_file() => Undo::Restore(path.to_owned(), fs::read(path).unwrap()),
            "write" => {
                self.synced.remove(&inode(path));
                return;
            }
            "sync" if path.is_dir() => {
                self.forgettable.retain(|change| change.folder != path);
                return;
            }
            "sync" => {
                self.synced.insert(inode(path));
                return;
            }
            _ => return,
        };
        let folder = path.parent().unwrap().to_owned();
        self.forgettable.push(Forgettable { folder, undo });
    }
}

fn inode(path: &Path) -> u64 {
    path.metadata().unwrap().ino()
}

/// Removing a folder takes many steps; this is the first, in its innermost folder.
fn remove_one_of(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.is_dir());
    match (folders.first(), files.first()) {
        (Some(folder), _) => remove_one_of(folder),
        (None, Some(file)) => fs::remove_file(file).unwrap(),
        (None, None) => {}
    }
}

fn halve_all_but(synced: &HashSet<u64>, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            halve_all_but(synced, &path);
        } else if !synced.contains(&inode(&path)) {
            let length = path.metadata().unwrap().len();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_len(length / 2).unwrap();
        }
    }
}
