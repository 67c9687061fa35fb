//! From a dotted key to the line it stands on.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line (from 1) of `key`, or of its nearest ancestor that the text contains; `None` if none.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut parts = key.split('.');
    let (name, mut value) = document.get_ref().get_key_value(parts.next()?)?;
    let mut offset = name.span().start;
    for part in parts {
        let Some((start, next)) = step(value, part) else {
            break;
        };
        offset = start;
        value = next;
    }
    Some(line_at(text, offset))
}

/// The line (from 1) of a byte offset.
pub fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

fn step<'a, 'i>(
    value: &'a Spanned<DeValue<'i>>,
    part: &str,
) -> Option<(usize, &'a Spanned<DeValue<'i>>)> {
    match value.get_ref() {
        DeValue::Table(table) => table
            .get_key_value(part)
            .map(|(name, value)| (name.span().start, value)),
        DeValue::Array(elements) => elements
            .get(part.parse::<usize>().ok()?)
            .map(|value| (value.span().start, value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_on_its_line_and_a_missing_one_on_its_tables() {
        let text = "name = \"x\"\n[load]\nsplits = 1\nshape = { kind = \"max\" }\n[[fault]]\nat = \"1s\"\n";
        assert_eq!(line_of(text, "load.splits"), Some(3));
        assert_eq!(line_of(text, "load.shape.kind"), Some(4));
        assert_eq!(line_of(text, "load.rate"), Some(2));
        assert_eq!(line_of(text, "fault.0.at"), Some(6));
        assert_eq!(line_of(text, "job"), None);
    }
}
