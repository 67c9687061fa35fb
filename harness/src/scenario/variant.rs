//! `[[variant]]` and `--variant`: a scenario with other values for some of its keys, which `compare` runs beside it.

use toml::{Table, Value};

use super::overrides;

/// The key of the tables.
pub(super) const VARIANTS: &str = "variant";
/// The name of the scenario itself, without any variant.
pub(super) const BASE: &str = "base";
/// Most variants of one scenario.
const MAX_VARIANTS: usize = 16;
/// Longest name in bytes.
const MAX_NAME: usize = 32;

/// Other values for some keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What it is called, in reports and in the names of run directories.
    pub name: String,
    /// Dotted keys and their values.
    pub(super) sets: Vec<(String, Value)>,
    /// On the command line.
    pub(super) is_given: bool,
}

impl Variant {
    pub(super) fn base() -> Self {
        Variant {
            name: BASE.to_owned(),
            sets: Vec::new(),
            is_given: false,
        }
    }

    /// Reads `NAME:KEY=VALUE`, or `NAME` alone: the scenario once more, for the noise of the comparison itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Variant, String> {
        let (name, assignment) = match text.split_once(':') {
            Some((name, assignment)) => (name, Some(assignment)),
            None => (text, None),
        };
        check_name(name)?;
        let set = assignment.map(overrides::read).transpose()?;
        Ok(Variant {
            name: name.to_owned(),
            sets: set.into_iter().collect(),
            is_given: true,
        })
    }
}

/// Reads the tables of a document; an error says where below `variant`.
pub(super) fn read(tables: &Value) -> Result<Vec<Variant>, (String, String)> {
    let tables = match tables {
        Value::Array(tables) if tables.len() <= MAX_VARIANTS => tables,
        _ => {
            let message = format!("expected up to {MAX_VARIANTS} tables [[variant]]");
            return Err((String::new(), message));
        }
    };
    let mut variants: Vec<Variant> = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let at = |below: &str| format!("{index}{below}");
        let table = table.as_table();
        let table = table.ok_or_else(|| (at(""), "expected a table".to_owned()))?;
        let variant = one(table).map_err(|(below, message)| (at(below), message))?;
        let is_taken = |it: &Variant| it.name == variant.name;
        if variant.name == BASE || variants.iter().any(is_taken) {
            let message = format!("found {:?}; this name is taken", variant.name);
            return Err((at(".name"), message));
        }
        variants.push(variant);
    }
    Ok(variants)
}

fn one(table: &Table) -> Result<Variant, (&'static str, String)> {
    if let Some(unknown) = table
        .keys()
        .find(|key| !["name", "set"].contains(&key.as_str()))
    {
        let message = format!("unknown key {unknown:?}; known: name, set");
        return Err(("", message));
    }
    let name = table.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| (".name", "missing; expected a string".to_owned()))?;
    check_name(name).map_err(|message| (".name", message))?;
    let set = table.get("set").and_then(Value::as_table);
    let set = set.filter(|set| !set.is_empty()).ok_or_else(|| {
        let message =
            "missing; expected a table of keys and values, e.g. { \"job.parallelism\" = 4 }";
        (".set", message.to_owned())
    })?;
    let sets = set.iter().map(|(key, value)| (key.clone(), value.clone()));
    Ok(Variant {
        name: name.to_owned(),
        sets: sets.collect(),
        is_given: false,
    })
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    Err(format!(
        "found {shown:?}; allowed: 1 to {MAX_NAME} letters, digits, '-', '_' or '.', not beginning with '.'"
    ))
}
