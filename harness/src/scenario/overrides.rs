//! `--set KEY=VALUE`, and `set` of a variant: a dotted path and a TOML value, applied to the table before it is parsed.
//!
//! A value that is not TOML is taken as a bare string (`--set measure.duration=5s`). Missing tables
//! on the way are created; elements of arrays are reached by number (`fault.0.at`). Whether the key
//! exists is the parser's business, so that `--set` and the file obey the same rules.

use toml::{Table, Value};

/// Most segments of a key: deeper than any scenario, shallow enough for recursive code.
const MAX_SEGMENTS: usize = 16;

/// Applies one assignment and returns the dotted key it set.
pub fn apply(table: &mut Table, assignment: &str) -> Result<String, String> {
    let (key, value) = read(assignment)?;
    set(table, &key, value)?;
    Ok(key)
}

/// The dotted key and the value of an assignment.
pub fn read(assignment: &str) -> Result<(String, Value), String> {
    let (key, text) = assignment.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.trim().to_owned(), value_of(text)))
}

/// Gives a dotted key a value.
pub fn set(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let path: Vec<&str> = key.split('.').collect();
    if path.len() > MAX_SEGMENTS {
        return Err(format!(
            "the key has {} parts, at most {MAX_SEGMENTS} are allowed",
            path.len()
        ));
    }
    if let Some(part) = path.iter().find(|part| !is_bare_key(part)) {
        return Err(format!(
            "{part:?} in the key: expected letters, digits, '-' or '_', parts joined by '.'"
        ));
    }
    let (last, parents) = path.split_last().expect("split yields at least one part");
    let Some((first, rest)) = parents.split_first() else {
        table.insert(key.to_owned(), value);
        return Ok(());
    };
    let mut at = table
        .entry(*first)
        .or_insert_with(|| Value::Table(Table::new()));
    let mut walked = (*first).to_owned();
    for part in rest {
        at = child(at, part, &walked)?;
        walked = format!("{walked}.{part}");
    }
    *child(at, last, &walked)? = value;
    Ok(())
}

/// The element `part` of `parent`, created if `parent` is a table without it.
fn child<'a>(parent: &'a mut Value, part: &str, walked: &str) -> Result<&'a mut Value, String> {
    match parent {
        Value::Table(table) => Ok(table
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()))),
        Value::Array(elements) => {
            let count = elements.len();
            part.parse::<usize>()
                .ok()
                .and_then(|index| elements.get_mut(index))
                .ok_or_else(|| {
                    format!("{walked} is an array of {count} elements; {part:?} is not one of them")
                })
        }
        other => Err(format!(
            "{walked} is a {}, it has no key {part:?}",
            other.type_str()
        )),
    }
}

fn value_of(text: &str) -> Value {
    text.trim()
        .parse()
        .unwrap_or_else(|_| Value::String(text.trim().to_owned()))
}

fn is_bare_key(part: &str) -> bool {
    !part.is_empty()
        && part
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, assignment: &str) -> Result<Table, String> {
        let mut table: Table = text.parse().unwrap();
        apply(&mut table, assignment)?;
        Ok(table)
    }

    #[test]
    fn a_value_is_toml_or_else_a_bare_string() {
        assert_eq!(after("", "seed=7").unwrap()["seed"], Value::Integer(7));
        assert_eq!(
            after("", "measure.duration=5s").unwrap()["measure"]["duration"],
            Value::String("5s".into())
        );
        let shape = after("", "load.shape={ kind = \"max\" }").unwrap();
        assert_eq!(shape["load"]["shape"]["kind"], Value::String("max".into()));
        assert_eq!(
            after("", "name=a=b").unwrap()["name"],
            Value::String("a=b".into())
        );
    }

    #[test]
    fn array_elements_are_reached_by_number_and_no_further() {
        let text = "[[fault]]\nat = \"1s\"";
        assert_eq!(
            after(text, "fault.0.at=2s").unwrap()["fault"][0]["at"],
            Value::String("2s".into())
        );
        assert!(
            after(text, "fault.1.at=2s")
                .unwrap_err()
                .contains("array of 1 elements")
        );
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_the_reason() {
        assert_eq!(after("", "seed").unwrap_err(), "expected KEY=VALUE");
        assert!(after("", "a..b=1").unwrap_err().contains("\"\" in the key"));
        assert!(
            after("seed = 1", "seed.low=1")
                .unwrap_err()
                .contains("seed is a integer")
        );
        assert!(
            after("", &format!("{}=1", vec!["a"; 17].join(".")))
                .unwrap_err()
                .contains("17 parts")
        );
    }
}
