//! A store in a checkpoint: what lies in memory is written to files, and these are linked into a folder
//! of their own, where they stay what they are while the database goes on.

use super::Store;
use crate::checkpoint::parts::Snapshot;
use crate::data::encode;
use crate::operator::OperatorError;
use crate::state::StateError;

/// The part that says what table files are known as.
pub(super) const FILES: &str = "files";

impl Store {
    /// Between two runs: keeps everything. What lies in memory stays there as well.
    pub(crate) fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), StateError> {
        let began_ns = self.meter.wall_ns();
        self.flush()?;
        self.timed(|store| Ok(store.database().flush()?))?;
        let flushed_ns = self.meter.wall_ns();
        let (folder, files) = self.timed(|store| {
            let folder = store.shared.staging_folder()?;
            store.database().link_into(folder.path())?;
            let files = store.files.list(folder.path())?;
            Ok((folder, files))
        })?;
        let linked_ns = self.meter.wall_ns();
        into.took(flushed_ns - began_ns, linked_ns - flushed_ns);
        let known = files.iter().filter_map(|file| {
            let known_as = file.identity.as_ref()?;
            Some((file.name.as_str(), known_as.as_str()))
        });
        let known: Vec<_> = known.collect();
        into.put(FILES, |bytes| encode(&known, bytes));
        into.put_files(folder, self.shared.clone(), files);
        Ok(())
    }

    /// Does something with the database that is no access of the operator. The time that it takes is
    /// time in state all the same.
    pub(super) fn timed<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, OperatorError>,
    ) -> Result<R, StateError> {
        let began = self.stopwatch.group_begins();
        let done = work(self);
        let spent = self.stopwatch.ends(began);
        self.meter.has_kept(spent);
        done.map_err(|error| StateError::new("all", error))
    }
}
