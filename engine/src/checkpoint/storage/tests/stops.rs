//! A job that is killed, loses power, or finds the disk full at any moment.

use super::*;

/// Three checkpoints, each with one before it to remove. Gives the last that was reported complete.
fn run_until_it_stops(job: &SmallJob, storage: &Storage) -> Option<u64> {
    let mut complete = None;
    for checkpoint in 1..=3 {
        if job.take(storage, checkpoint).is_err() {
            break;
        }
        complete = Some(checkpoint);
        if storage.retain().is_err() {
            break;
        }
    }
    complete
}

/// What the next process finds, and that it can go on.
fn check_what_is_left(job: &SmallJob, folder: &Path, complete: Option<u64>) {
    let storage = Storage::open(folder, 1).unwrap();
    let found = latest(&storage).map(|chosen| {
        assert!(chosen.passed_over.0.is_empty(), "{}", chosen.passed_over);
        let number = chosen.loaded.head.checkpoint;
        assert_eq!(contents(&chosen.loaded), job.expected(number));
        number
    });
    for older in storage.candidates().unwrap() {
        let loaded = load(&storage.folder(older)).unwrap();
        assert_eq!(contents(&loaded), job.expected(older), "removed by halves");
    }
    // Complete, and killed before anybody could be told.
    let not_told = complete.map_or(1, |complete| complete + 1);
    assert!(found == complete || found == Some(not_told), "{found:?}");
    let next = storage.next_id();
    job.take(&storage, next).unwrap();
    storage.retain().unwrap();
    assert_eq!(names(folder), [format!("chk-{next}"), "in-use".to_owned()]);
}

fn stop_at_every_operation(power_fails_but_keeps: Option<usize>) {
    let mut stopped = 0;
    for operation in 1.. {
        let job = SmallJob::new(20);
        let folder = folder();
        let storage = Storage::open(folder.path(), 1).unwrap();
        let disk = storage.disk().clone();
        disk.trial().stop_at(operation);
        let complete = run_until_it_stops(&job, &storage);
        drop(storage);
        if let Some(kept) = power_fails_but_keeps {
            disk.trial().lose(folder.path(), kept);
        }
        check_what_is_left(&job, folder.path(), complete);
        if disk.trial().operations() < operation {
            break;
        }
        stopped = operation;
    }
    assert!(stopped > 100, "{stopped} operations are too few to tell");
}

#[test]
fn a_job_killed_between_any_two_operations_leaves_its_newest_checkpoint_intact() {
    stop_at_every_operation(None);
}

#[test]
fn power_that_fails_between_any_two_operations_takes_nothing_from_a_complete_checkpoint() {
    for kept in 0..4 {
        stop_at_every_operation(Some(kept));
    }
}

#[test]
fn a_disk_that_is_full_after_any_number_of_bytes_fails_the_checkpoint_and_leaves_the_one_before() {
    let (job, folder) = (SmallJob::new(20), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    // Copies also take room.
    storage.disk().trial().refuse_links_from(job.state.path());
    job.take(&storage, 1).unwrap();
    let mut full = 0;
    for room in 0.. {
        let checkpoint = storage.next_id();
        storage.disk().set_room(Some(room));
        let taken = job.take(&storage, checkpoint);
        let Err(error) = taken else {
            break;
        };
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert!(error.to_string().contains("No space left"), "{error}");
        storage.discard(checkpoint);
        assert_eq!(names(folder.path()), ["chk-1", "in-use"]);
        full += 1;
    }
    assert!(full > 300, "{full} bytes are too few to tell");
    let newest = latest(&storage).unwrap().loaded;
    let number = newest.head.checkpoint;
    assert_eq!(contents(&newest), job.expected(number));
}
