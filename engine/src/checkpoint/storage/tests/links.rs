//! Files that checkpoints share.

use std::os::unix::fs::MetadataExt;

use super::*;

fn inode(path: &Path) -> u64 {
    path.metadata().unwrap().ino()
}

/// The file of subtask 0 that stays.
fn staying(folder: &Path, checkpoint: u64) -> PathBuf {
    let folder = folder.join(format!("chk-{checkpoint}"));
    folder.join("count____out_put-0/database-0/000001.sst")
}

#[test]
fn files_that_a_database_keeps_are_written_once_and_shared() {
    let (job, folder) = (SmallJob::new(1_000), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    // Parts: 2 x 2 and 2 x 1; files: 2 x 3, of which 2 stay.
    assert_eq!(job.take(&storage, 1).unwrap(), 12_000);
    assert_eq!(job.take(&storage, 2).unwrap(), 10_000);
    let own = job.state.path().join("0-000001.sst");
    assert_eq!(inode(&staying(folder.path(), 1)), inode(&own));
    assert_eq!(inode(&staying(folder.path(), 2)), inode(&own));
    storage.retain().unwrap();
    drop(storage);
    // The next process knows them too, and each checkpoint stands on its own.
    let storage = Storage::open(folder.path(), 1).unwrap();
    assert_eq!(job.take(&storage, 3).unwrap(), 10_000);
    fs::remove_dir_all(folder.path().join("chk-2")).unwrap();
    assert_eq!(contents(&latest(&storage).unwrap().loaded), job.expected(3));
}

#[test]
fn where_links_to_the_state_are_impossible_only_new_files_are_copied() {
    let (job, folder) = (SmallJob::new(1_000), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    storage.disk().trial().refuse_links_from(job.state.path());
    assert_eq!(job.take(&storage, 1).unwrap(), 12_000);
    assert_eq!(job.take(&storage, 2).unwrap(), 10_000);
    let own = job.state.path().join("0-000001.sst");
    let (first, second) = (staying(folder.path(), 1), staying(folder.path(), 2));
    assert_ne!(inode(&first), inode(&own));
    assert_eq!(inode(&first), inode(&second));
    storage.retain().unwrap();
    assert_eq!(contents(&latest(&storage).unwrap().loaded), job.expected(2));
}

#[test]
fn what_a_finished_subtask_left_is_part_of_every_later_checkpoint_and_then_goes() {
    let (job, folder) = (SmallJob::new(100), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    let given_up = AtomicBool::new(false);
    let finished: Vec<StoredSubtask> = SmallJob::subtasks()
        .map(|(task, subtask)| {
            let parts = job.parts(task, subtask, 1);
            storage
                .store_finished(task, subtask, parts, &given_up)
                .unwrap()
        })
        .collect();
    for checkpoint in 1..=2 {
        let head = SmallJob::head(checkpoint);
        storage.publish(&head, finished.clone()).unwrap();
        storage.retain().unwrap();
        let chosen = latest(&storage).unwrap();
        assert_eq!(chosen.loaded.head, head);
        assert_eq!(contents(&chosen.loaded), job.expected(1));
    }
    drop(finished);
    assert_eq!(names(folder.path()), ["chk-2", "in-use"]);
    assert_eq!(contents(&latest(&storage).unwrap().loaded), job.expected(1));
}
