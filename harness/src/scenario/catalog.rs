//! Which scenario is meant: a file, or one of those built into the binary.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::{Document, ScenarioError};

/// Largest scenario file read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads `name` as a path if such a file exists, and as the name of a built-in scenario otherwise.
pub fn find(name: &str) -> Result<Document, ScenarioError> {
    let path = Path::new(name);
    let builtin = workloads::builtin_scenarios();
    let known = builtin.iter().find(|(known, _)| *known == name);
    match known {
        // A folder of that name does not hide it.
        Some((_, text)) if !path.exists() || path.is_dir() => {
            let file = format!("built-in scenario {name}");
            Ok(Document::new(&file, name, (*text).to_owned()))
        }
        None if !path.exists() => Err(unknown(name, builtin.iter().map(|(known, _)| *known))),
        _ => {
            let text = read(path).map_err(|source| ScenarioError::Unreadable {
                file: name.to_owned(),
                source,
            })?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            Ok(Document::new(name, &stem, text))
        }
    }
}

/// Reads a file that may be a device or a pipe and so have any length.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("more than {MAX_BYTES} bytes, which no scenario has");
        return Err(io::Error::other(message));
    }
    Ok(text)
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> ScenarioError {
    let known: Vec<&str> = known.collect();
    let nearest = match nearest(name, &known) {
        Some(near) => format!(" (did you mean {near}?)"),
        None => String::new(),
    };
    ScenarioError::Unknown {
        name: name.to_owned(),
        nearest,
        known: known.join(", "),
    }
}

/// The known name closest to `name`, if it is close enough to be a slip of the finger.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let tolerance = name.chars().take(64).count() / 3;
    known
        .iter()
        .map(|candidate| (edit_distance(name, candidate), *candidate))
        .min()
        .filter(|(distance, _)| *distance <= tolerance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over the first 64 characters of each.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name_and_nonsense_finds_none() {
        let known = ["flights", "slow-operator"];
        assert_eq!(nearest("flihgts", &known), Some("flights"));
        assert_eq!(nearest("slow_operator", &known), Some("slow-operator"));
        assert_eq!(nearest("kafka", &known), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
