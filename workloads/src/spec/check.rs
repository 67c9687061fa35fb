//! Checks a table against its declaration and fills in the defaults.
//!
//! Works on any input: whatever TOML can express gives a checked table or one error with its key path.

use serde::{Serialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::{Default, Kind, Parameter, Size, SpecError, Variant, kinds, names};

/// The table with every default filled in and numbers and times in their canonical form.
///
/// # Errors
/// The first unknown key (with the list of known ones), wrong type, value out of range, or missing key.
pub fn check(parameters: &[Parameter], table: Table) -> Result<Table, SpecError> {
    check_table(parameters, None, table, "")
}

/// A checked table as its Rust struct.
///
/// # Errors
/// None in practice: a declaration that allows more than its struct is a mistake in this crate, and found by tests.
pub fn read<T: DeserializeOwned>(table: Table) -> Result<T, SpecError> {
    table
        .try_into()
        .map_err(|error: toml::de::Error| SpecError::new("", error.message()))
}

/// A specification as a table again.
pub fn write<T: Serialize>(spec: &T) -> Table {
    Table::try_from(spec).expect("specifications are structs of plain values with string keys")
}

/// `tag` is the key that told this form of the table apart, and its value.
fn check_table(
    parameters: &[Parameter],
    tag: Option<(&str, &str)>,
    mut table: Table,
    path: &str,
) -> Result<Table, SpecError> {
    let mut checked = Table::new();
    if let Some((tag, form)) = tag {
        table.remove(tag);
        checked.insert(tag.into(), form.into());
    }
    for parameter in parameters {
        let key = join(path, parameter.name);
        let value = match (table.remove(parameter.name), parameter.default) {
            (Some(value), _) => value,
            (None, Default::Value(text)) => default_value(text),
            (None, Default::Absent(_)) => continue,
            (None, Default::Required) => {
                return Err(SpecError::new(
                    key,
                    format!("missing; allowed: {}", parameter.kind),
                ));
            }
        };
        checked.insert(
            parameter.name.into(),
            check_value(&parameter.kind, value, &key)?,
        );
    }
    match table.keys().next() {
        None => Ok(checked),
        Some(unknown) => {
            let tag = tag.map_or(String::new(), |(tag, _)| format!("{tag}, "));
            let known = format!("{tag}{}", names(parameters));
            let message = format!("unknown key; known: {}", known.trim_end_matches(", "));
            Err(SpecError::new(join(path, unknown), message))
        }
    }
}

fn check_value(kind: &Kind, value: Value, key: &str) -> Result<Value, SpecError> {
    let refused =
        |value: &Value| SpecError::new(key, format!("found {}; allowed: {kind}", shown(value)));
    match (kind, value) {
        (Kind::Integer { min, max }, Value::Integer(n)) if (min..=max).contains(&&n) => {
            Ok(Value::Integer(n))
        }
        (Kind::Number { min, max }, Value::Float(x)) if (min..=max).contains(&&x) => {
            Ok(Value::Float(x))
        }
        (Kind::Number { min, max }, Value::Integer(n)) if (min..=max).contains(&&(n as f64)) => {
            Ok(Value::Float(n as f64))
        }
        (Kind::SpanOr { word, .. }, Value::String(text)) if text == *word => {
            Ok(Value::String(text))
        }
        (Kind::Span { min, max } | Kind::SpanOr { min, max, .. }, Value::String(text)) => {
            match humantime::parse_duration(&text) {
                Ok(span) if (min..=max).contains(&&span) => {
                    Ok(humantime::format_duration(span).to_string().into())
                }
                _ => Err(refused(&Value::String(text))),
            }
        }
        (Kind::Size { min, max }, Value::String(text)) => match Size::parse(&text) {
            Some(size) if (min..=max).contains(&&size.0) => Ok(size.to_string().into()),
            _ => Err(refused(&Value::String(text))),
        },
        (Kind::Flag | Kind::FlagOrNames, Value::Boolean(flag)) => Ok(Value::Boolean(flag)),
        (Kind::Choice([]), Value::String(text)) => Ok(Value::String(text)),
        (Kind::FlagOrNames, Value::Array(names)) if names.iter().all(Value::is_str) => {
            Ok(Value::Array(names))
        }
        (Kind::Choice(words), Value::String(word)) if words.contains(&word.as_str()) => {
            Ok(Value::String(word))
        }
        (Kind::Table(parameters), Value::Table(table)) => {
            check_table(parameters, None, table, key).map(Value::Table)
        }
        (Kind::Variants(variants), Value::Table(table)) => {
            check_variant("kind", variants, table, key).map(Value::Table)
        }
        (Kind::Tagged { tag, variants }, Value::Table(table)) => {
            check_variant(tag, variants, table, key).map(Value::Table)
        }
        (Kind::Tables(parameters), Value::Array(items)) if !items.is_empty() => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                check_value(&Kind::Table(parameters), item, &format!("{key}[{index}]"))
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        (_, value) => Err(refused(&value)),
    }
}

fn check_variant(
    tag: &str,
    variants: &[Variant],
    table: Table,
    path: &str,
) -> Result<Table, SpecError> {
    let key = join(path, tag);
    let allowed = kinds(variants);
    let found = match table.get(tag) {
        None => return Err(SpecError::new(key, format!("missing; allowed: {allowed}"))),
        Some(Value::String(kind)) => variants.iter().find(|variant| variant.kind == kind),
        Some(_) => None,
    };
    match found {
        Some(variant) => {
            let tag = Some((tag, variant.kind));
            check_table(variant.parameters, tag, table, path)
        }
        None => {
            let found = table.get(tag).map(shown).unwrap_or_default();
            let message = format!("found {found}; allowed: {allowed}");
            Err(SpecError::new(key, message))
        }
    }
}

/// Longest piece of a refused value that an error repeats, in characters.
const SHOWN: usize = 60;

/// A value as an error shows it: cut, and named by its type.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(SHOWN).collect();
    let dots = if cut.len() < text.len() { ".." } else { "" };
    format!("{cut}{dots} ({})", value.type_str())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn default_value(text: &str) -> Value {
    text.parse()
        .expect("declared defaults are TOML values, checked by a test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const PARAMETERS: &[Parameter] = &[
        Parameter {
            name: "keys",
            kind: Kind::Integer { min: 1, max: 10 },
            default: Default::Value("3"),
            help: "",
        },
        Parameter {
            name: "wait",
            kind: Kind::Span {
                min: Duration::ZERO,
                max: Duration::from_secs(1),
            },
            default: Default::Absent("none"),
            help: "",
        },
        Parameter {
            name: "shape",
            kind: Kind::Variants(&[
                Variant {
                    kind: "flat",
                    help: "",
                    parameters: &[],
                },
                Variant {
                    kind: "steps",
                    help: "",
                    parameters: &[Parameter {
                        name: "steps",
                        kind: Kind::Tables(&[Parameter {
                            name: "rate",
                            kind: Kind::Number { min: 0.5, max: 9.0 },
                            default: Default::Required,
                            help: "",
                        }]),
                        default: Default::Required,
                        help: "",
                    }],
                },
            ]),
            default: Default::Value("{ kind = \"flat\" }"),
            help: "",
        },
        Parameter {
            name: "breaks",
            kind: Kind::FlagOrNames,
            default: Default::Value("true"),
            help: "",
        },
        Parameter {
            name: "room",
            kind: Kind::Size { min: 1, max: 4096 },
            default: Default::Value("\"1KiB\""),
            help: "",
        },
        Parameter {
            name: "store",
            kind: Kind::Tagged {
                tag: "where",
                variants: &[Variant {
                    kind: "here",
                    help: "",
                    parameters: &[],
                }],
            },
            default: Default::Absent("nowhere"),
            help: "",
        },
        Parameter {
            name: "mode",
            kind: Kind::Choice(&["a", "b"]),
            default: Default::Value("\"a\""),
            help: "",
        },
    ];

    fn checked(text: &str) -> Result<String, String> {
        let table = text.parse::<Table>().map_err(|error| error.to_string())?;
        check(PARAMETERS, table)
            .map(|table| Value::Table(table).to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_table_becomes_the_defaults() {
        let table = check(PARAMETERS, Table::new()).expect("defaults");
        assert_eq!(table["keys"].as_integer(), Some(3));
        assert_eq!(table["shape"]["kind"].as_str(), Some("flat"));
        assert!(!table.contains_key("wait"));
    }

    #[test]
    fn errors_name_the_key_what_was_found_and_what_is_allowed() {
        let error = |text: &str| checked(text).expect_err("refused");
        assert_eq!(
            error("key = 1"),
            "key: unknown key; known: keys, wait, shape, breaks, room, store, mode"
        );
        assert_eq!(
            error("keys = 0"),
            "keys: found 0 (integer); allowed: an integer from 1 to 10"
        );
        assert_eq!(
            error("keys = 'x'"),
            "keys: found \"x\" (string); allowed: an integer from 1 to 10"
        );
        assert_eq!(
            error("wait = '2s'"),
            "wait: found \"2s\" (string); allowed: a time with its unit from \"0s\" to \"1s\""
        );
        assert_eq!(
            error("mode = 'c'"),
            "mode: found \"c\" (string); allowed: \"a\" or \"b\""
        );
        assert_eq!(
            error("shape = {}"),
            "shape.kind: missing; allowed: \"flat\" or \"steps\""
        );
        assert_eq!(
            error("shape = { kind = 'flat', x = 1 }"),
            "shape.x: unknown key; known: kind"
        );
        assert_eq!(
            error("shape = { kind = 'steps', steps = [{ rate = 1 }, { rate = inf }] }"),
            "shape.steps[1].rate: found inf (float); allowed: a number from 0.5 to 9"
        );
        assert_eq!(
            error("breaks = [1]"),
            "breaks: found [1] (array); allowed: true, false or a list of operator names"
        );
        assert_eq!(
            error("room = '1MiB'"),
            "room: found \"1MiB\" (string); allowed: a size in B, KiB, MiB or GiB from \"1B\" to \"4KiB\""
        );
        assert_eq!(
            error("store = { kind = 'here' }"),
            "store.where: missing; allowed: \"here\""
        );
        assert_eq!(
            error("store = { where = 'here', kind = 'here' }"),
            "store.kind: unknown key; known: where"
        );
    }

    /// Any small TOML value, with the declared names turning up often.
    fn value() -> impl Strategy<Value = Value> {
        let key = prop::sample::select(vec![
            "keys", "wait", "shape", "kind", "steps", "rate", "breaks", "room", "store", "where",
            "mode", "?",
        ]);
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::Integer),
            (0i64..12).prop_map(Value::Integer),
            any::<f64>().prop_map(Value::Float),
            any::<bool>().prop_map(Value::Boolean),
            prop::sample::select(vec![
                "flat",
                "steps",
                "here",
                "a",
                "1ms",
                "1024B",
                "4KiB",
                "é",
                "9999999999999y"
            ])
            .prop_map(|text| Value::String(text.into())),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::vec((key.clone(), inner), 0..4).prop_map(|items| Value::Table(
                    items.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
                )),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn any_table_is_refused_or_checked_to_a_fixed_point(value in value()) {
            let Value::Table(table) = value else { return Ok(()) };
            if let Ok(once) = check(PARAMETERS, table) {
                prop_assert_eq!(check(PARAMETERS, once.clone()), Ok(once));
            }
        }
    }
}
