//! A store that goes on from a checkpoint. A subtask with the key groups of one that was takes its files
//! over; any other reads its own key groups out of the databases of all that had some of them.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rocksdb::WriteBatch;

use super::Store;
use super::checkpoint::FILES;
use crate::checkpoint::parts::Restored;
use crate::data::Decode;
use crate::operator::OperatorError;
use crate::state::StateError;
use crate::state::rocksdb::database::{Merging, OldDatabase};
use crate::state::rocksdb::files;

/// Bytes that are written together.
const BATCH_BYTES: usize = 1 << 20;

/// What a store has become by a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenOver {
    /// What it was: empty.
    Nothing,
    /// What one store was.
    Whole,
    /// What several stores held of some key groups, or one store of some of its own.
    Gathered,
}

type OldFiles<'a> = (usize, &'a Path, &'a [String]);

impl Store {
    /// Before the first run: takes over what a checkpoint holds of this subtask's key groups.
    pub(crate) fn restore(&mut self, from: &Restored<'_>) -> Result<TakenOver, StateError> {
        let old = from.databases().filter(|(old, ..)| from.overlaps(*old));
        let old: Vec<OldFiles<'_>> = old.collect();
        if old.len() != from.overlapping(FILES).count() {
            let missing = "the checkpoint names files of a database that it does not have";
            return Err(StateError::new("all", missing));
        }
        match old.as_slice() {
            [] => Ok(TakenOver::Nothing),
            [one] if from.old_groups(one.0) == from.own_groups() => {
                self.timed(|store| store.adopt(one, from))?;
                Ok(TakenOver::Whole)
            }
            several => {
                self.timed(|store| store.gather(several, &from.own_groups()))?;
                Ok(TakenOver::Gathered)
            }
        }
    }

    /// Replaces the database by the one in a checkpoint.
    fn adopt(
        &mut self,
        &(old, folder, names): &OldFiles<'_>,
        from: &Restored<'_>,
    ) -> Result<(), OperatorError> {
        if let Some(empty) = self.database.take() {
            self.probe.close(empty);
        }
        fs::remove_dir_all(&self.path)?;
        files::link(folder, names, &self.path)?;
        let known = from.all(FILES).find(|(index, _)| *index == old);
        let (_, known) = known.ok_or("the names of its files are missing")?;
        self.files.take_over(Vec::try_from_slice(known)?);
        Ok(self.open()?)
    }

    /// Copies the entries of key groups out of other databases.
    fn gather(&mut self, old: &[OldFiles<'_>], groups: &Range<usize>) -> Result<(), OperatorError> {
        let mut numbers = vec![0; self.columns.len()];
        for (_, folder, names) in old {
            // Opened where nothing is written but there: reading a database leaves a log.
            let place = self.shared.staging_folder()?;
            files::link(folder, names, place.path())?;
            let old = OldDatabase::open(place.path())?;
            for (column, numbers) in numbers.iter_mut().enumerate() {
                self.copy(&old, column, groups, numbers)?;
            }
        }
        Ok(())
    }

    /// Copies a state's entries. `numbers`: the first that no earlier database has used.
    fn copy(
        &self,
        old: &OldDatabase,
        column: usize,
        groups: &Range<usize>,
        numbers: &mut u64,
    ) -> Result<(), OperatorError> {
        let merging = self.columns[column].merging;
        if merging == Merging::LeftOut {
            return Ok(());
        }
        let Some(mut entries) = old.entries(&self.columns[column].name, groups) else {
            return Ok(());
        };
        let database = Arc::clone(self.database());
        let family = database.column(column);
        let mut batch = WriteBatch::default();
        let base = *numbers;
        while let Some((key, value)) = entries.item() {
            if merging == Merging::Renumbered {
                let number = renumbered(value, base).ok_or("a timer without its number")?;
                *numbers = (*numbers).max(number + 1);
                batch.put_cf(family, key, number.to_be_bytes());
            } else {
                batch.put_cf(family, key, value);
            }
            if batch.size_in_bytes() >= BATCH_BYTES {
                let full = std::mem::take(&mut batch);
                database.db.write_opt(full, &self.write_options)?;
            }
            entries.next();
        }
        entries.status()?;
        database.db.write_opt(batch, &self.write_options)?;
        Ok(())
    }
}

/// A number as it stands in a value, behind `base`. Another can follow it.
fn renumbered(value: &[u8], base: u64) -> Option<u64> {
    let number = u64::from_be_bytes(value.try_into().ok()?);
    base.checked_add(number).filter(|number| *number < u64::MAX)
}
