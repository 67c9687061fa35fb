//! What differs between scenarios, key by key.

use std::collections::BTreeMap;

use serde_json::Value;

/// Dotted keys and their values as text.
pub(super) type Settings = BTreeMap<String, String>;

/// What one key is in each of several scenarios; `None` where it is not set.
pub(super) struct Difference {
    pub(super) key: String,
    pub(super) values: Vec<Option<String>>,
}

/// Every key of a scenario with its value; tables are walked into, lists are one value.
pub(super) fn settings(scenario: &Value) -> Settings {
    let mut settings = Settings::new();
    collect(scenario, String::new(), &mut settings);
    settings
}

/// The keys that are not the same in all, in alphabetical order.
pub(super) fn differences(scenarios: &[Settings]) -> Vec<Difference> {
    let mut keys: Vec<&String> = scenarios.iter().flat_map(BTreeMap::keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let difference = |key: &String| {
        let values: Vec<Option<String>> = scenarios.iter().map(|it| it.get(key).cloned()).collect();
        let differs = values.windows(2).any(|two| two[0] != two[1]);
        differs.then(|| Difference {
            key: key.clone(),
            values,
        })
    };
    keys.into_iter().filter_map(difference).collect()
}

/// What a scenario sets otherwise than the one it is compared with.
pub(super) fn sets(base: &Settings, other: &Settings) -> Vec<(String, String)> {
    let differing = differences(&[base.clone(), other.clone()]).into_iter();
    let set = differing.filter_map(|mut it| {
        let value = it.values.pop()?.unwrap_or_else(|| "(not set)".to_owned());
        Some((it.key, value))
    });
    set.collect()
}

fn collect(value: &Value, key: String, settings: &mut Settings) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                let below = match key.as_str() {
                    "" => name.clone(),
                    key => format!("{key}.{name}"),
                };
                collect(value, below, settings);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            settings.insert(key, text.clone());
        }
        other => {
            settings.insert(key, other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_named_and_what_is_not_set_is_missing() {
        let one = serde_json::json!({"name": "a", "job": {"parallelism": 2, "state": {"backend": "heap"}}});
        let other = serde_json::json!({"name": "a", "job": {"parallelism": 2, "chaining": false}});
        let found = differences(&[settings(&one), settings(&other)]);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.key.as_str(), it.values.clone()))
            .collect();
        assert_eq!(
            found,
            [
                ("job.chaining", vec![None, Some("false".to_owned())]),
                ("job.state.backend", vec![Some("heap".to_owned()), None]),
            ]
        );
    }
}
