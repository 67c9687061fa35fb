//! Checkpoints that were changed behind the job's back.

use proptest::prelude::*;

use super::*;

/// One complete checkpoint, and all files in it.
struct Victim {
    job: SmallJob,
    folder: tempfile::TempDir,
    storage: Storage,
}

impl Victim {
    fn new(part_bytes: usize) -> Self {
        let (job, folder) = (SmallJob::new(part_bytes), folder());
        let storage = Storage::open(folder.path(), 2).unwrap();
        job.take(&storage, 1).unwrap();
        Victim {
            job,
            folder,
            storage,
        }
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.path().join("chk-1")
    }

    fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                match entry.path().is_dir() {
                    true => walk(&entry.path(), files),
                    false => files.push(entry.path()),
                }
            }
        }
        let mut files = Vec::new();
        walk(&self.checkpoint(), &mut files);
        files.sort();
        files
    }

    /// With these bytes in place of a file's own, the checkpoint is refused with a message that names
    /// the file. Then the file is as before.
    fn refuses(&self, path: &Path, bytes: Option<&[u8]>) {
        let before = fs::read(path).unwrap();
        match bytes {
            // Not into the file itself, which the job's state shares.
            Some(bytes) => {
                fs::remove_file(path).unwrap();
                fs::write(path, bytes).unwrap();
            }
            None => fs::remove_file(path).unwrap(),
        }
        let error = load(&self.checkpoint()).unwrap_err();
        let name = path.strip_prefix(self.checkpoint()).unwrap();
        assert!(
            error.to_string().contains(name.to_str().unwrap()),
            "{error}"
        );
        assert!(!matches!(error, StorageError::Io { .. }), "{error}");
        fs::write(path, before).unwrap();
    }

    fn is_intact(&self) {
        let loaded = load(&self.checkpoint()).unwrap();
        assert_eq!(contents(&loaded), self.job.expected(1));
    }
}

#[test]
fn every_cut_and_every_flipped_byte_in_a_small_checkpoint_is_refused() {
    let victim = Victim::new(12);
    let files = victim.files();
    assert_eq!(files.len(), 1 + 4 + 2 * 3);
    for path in &files {
        let bytes = fs::read(path).unwrap();
        victim.refuses(path, None);
        for length in 0..bytes.len() {
            victim.refuses(path, Some(&bytes[..length]));
            for mask in [1 << (length % 8), 0xff] {
                let mut flipped = bytes.clone();
                flipped[length] ^= mask;
                victim.refuses(path, Some(&flipped));
            }
        }
        let mut longer = bytes;
        longer.push(0);
        victim.refuses(path, Some(&longer));
    }
    victim.is_intact();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn cuts_and_flipped_bytes_in_a_big_checkpoint_are_refused(
        places in proptest::collection::vec((0usize..11, 0.0f64..1.0, 1u8..), 10),
    ) {
        let victim = Victim::new(300_000);
        let files = victim.files();
        for (file, place, mask) in places {
            let path = &files[file % files.len()];
            let mut bytes = fs::read(path).unwrap();
            let place = (bytes.len() as f64 * place) as usize;
            victim.refuses(path, Some(&bytes[..place]));
            bytes[place] ^= mask;
            victim.refuses(path, Some(&bytes));
        }
        victim.is_intact();
    }

    /// As somebody may write it who knows the format: the checksum is right.
    #[test]
    fn a_manifest_of_nonsense_with_a_right_checksum_ends_in_an_error_at_worst(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let victim = Victim::new(12);
        let path = victim.checkpoint().join(MANIFEST);
        for (place, value) in &changes {
            let mut bytes = fs::read(&path).unwrap();
            let (prefix, checksum) = (20, bytes.len() - 4);
            bytes[prefix + place.index(checksum - prefix)] = *value;
            let right = crc32fast::hash(&bytes[..checksum]);
            bytes[checksum..].copy_from_slice(&right.to_le_bytes());
            fs::write(&path, bytes).unwrap();
            let _ = load(&victim.checkpoint());
        }
    }
}

#[test]
fn the_one_before_is_taken_for_a_damaged_latest_and_never_for_a_damaged_named_one() {
    let victim = Victim::new(12);
    let Victim {
        job,
        folder,
        storage,
    } = &victim;
    job.take(storage, 2).unwrap();
    let second = folder.path().join("chk-2");
    fs::write(second.join("numbers-1/state"), "").unwrap();
    let refused = storage.choose(&named(second.clone()));
    let reason = refused.unwrap_err().to_string();
    assert!(reason.ends_with("chk-2/numbers-1/state is damaged: it has 0 bytes in place of 24"));
    let chosen = latest(storage).unwrap();
    assert_eq!(contents(&chosen.loaded), job.expected(1));
    let passed_over = chosen.passed_over.to_string();
    assert_eq!(passed_over, format!("checkpoint 2: {reason}"));

    fs::remove_dir_all(folder.path().join("chk-1/numbers-0")).unwrap();
    let none = storage.choose(&RestoreFrom::Latest).unwrap_err();
    assert!(matches!(none, StorageError::NoneUsable(_)), "{none}");
    let nothing_there = named(folder.path().join("chk-9"));
    assert!(storage.choose(&nothing_there).is_err());
}

#[test]
fn a_checkpoint_under_the_number_of_another_is_passed_over() {
    let Victim {
        folder, storage, ..
    } = Victim::new(12);
    drop(storage);
    fs::rename(folder.path().join("chk-1"), folder.path().join("chk-8")).unwrap();
    let storage = Storage::open(folder.path(), 2).unwrap();
    let error = storage.choose(&RestoreFrom::Latest).unwrap_err();
    assert!(
        error.to_string().ends_with("it holds checkpoint 1"),
        "{error}"
    );
}
