//! Renoir, which is under the LGPL, as a process of its own: never linked to anything here.
//!
//! Keys go to it through a file, which it reads before it begins. Its program is `benches/renoir`,
//! with its own copy of the few functions that all contestants share: the digest holds them together.

use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, ensure};
use tempfile::NamedTempFile;

use crate::contest::{Contestant, Who};
use crate::input::Input;
use crate::lap::Run;

/// The contestant that starts `program` for each run, with the name of a job.
pub fn contestant(program: &Path, job: &'static str) -> Contestant {
    let (program, files) = (program.to_owned(), RefCell::new(KeyFiles::default()));
    Contestant {
        who: Who::Renoir,
        run: Box::new(move |input, parallelism| {
            run(&program, job, files.borrow_mut().of(input)?, parallelism)
        }),
    }
}

fn run(program: &Path, job: &str, keys: &Path, parallelism: usize) -> anyhow::Result<Run> {
    let output = Command::new(program)
        .args([job, &parallelism.to_string()])
        .arg(keys)
        .output()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "it ended with {}: {error}",
        output.status
    );
    let line = String::from_utf8_lossy(&output.stdout);
    answer(&line).with_context(|| format!("it printed {line:?}, not nanoseconds and a digest"))
}

/// `123456789 0123456789abcdef`: nanoseconds from the first record to the last result, and the digest.
fn answer(line: &str) -> Option<Run> {
    let (elapsed, digest) = line.trim_end().split_once(' ')?;
    Some(Run {
        elapsed_ns: elapsed.parse().ok()?,
        digest: u64::from_str_radix(digest, 16).ok()?,
    })
}

/// The keys of each input as a file, eight bytes each, little-endian. Gone with this.
#[derive(Default)]
struct KeyFiles(Vec<(Arc<Vec<u64>>, NamedTempFile)>);

impl KeyFiles {
    fn of(&mut self, input: &Input) -> anyhow::Result<&Path> {
        let known = self
            .0
            .iter()
            .position(|(keys, _)| Arc::ptr_eq(keys, &input.keys));
        let position = match known {
            Some(position) => position,
            None => {
                let file = write(&input.keys).context("the keys cannot be written to a file")?;
                self.0.push((Arc::clone(&input.keys), file));
                self.0.len() - 1
            }
        };
        Ok(self.0[position].1.path())
    }
}

fn write(keys: &[u64]) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let mut writer = BufWriter::new(&mut file);
    for key in keys {
        writer.write_all(&key.to_le_bytes())?;
    }
    writer.flush()?;
    drop(writer);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_two_numbers() {
        let run = answer("12 ff\n").unwrap();
        assert_eq!((run.elapsed_ns, run.digest), (12, 255));
        assert!(
            ["", "12", "x ff", "12 fg"]
                .into_iter()
                .all(|line| answer(line).is_none())
        );
    }
}
