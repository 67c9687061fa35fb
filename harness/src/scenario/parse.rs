//! From text and overrides to a checked [`Scenario`].

use std::time::Duration;

use serde::de::DeserializeOwned;
use toml::{Table, Value};
use workloads::{JobSpec, LoadSpec, SpecError, WorkloadSpec};

use super::locate::{line_at, line_of};
use super::overrides;
use super::{MAX_FAULTS, MAX_INTERVAL, MAX_PHASE, MIN_INTERVAL, Measure, Scenario, ScenarioError};

/// The keys of the top level, in the order they are written.
const KNOWN_KEYS: [&str; 7] = ["name", "seed", "workload", "load", "job", "measure", "fault"];
/// Longest scenario name in bytes.
const MAX_NAME: usize = 64;

/// A scenario's text and where it came from, kept so that later checks can name file and line too.
#[derive(Clone, Debug)]
pub struct Document {
    file: String,
    default_name: String,
    text: String,
    /// Assignments of `--set` and the keys they set.
    assignments: Vec<(String, String)>,
}

impl Document {
    /// `file` is how messages call it; `default_name` names the scenario if the text does not.
    pub fn new(file: &str, default_name: &str, text: String) -> Self {
        Self { file: file.to_owned(), default_name: default_name.to_owned(), text, assignments: Vec::new() }
    }

    /// Applies the overrides in their order and parses the result.
    pub fn parse(&mut self, set: &[String]) -> Result<Scenario, ScenarioError> {
        let mut table: Table = toml::from_str(&self.text).map_err(|error| self.syntax(&error))?;
        for assignment in set {
            let key = overrides::apply(&mut table, assignment)
                .map_err(|message| ScenarioError::Override { assignment: assignment.clone(), message })?;
            self.assignments.push((key, assignment.clone()));
        }
        self.scenario(table)
    }

    /// An error at `key`, with the place that set it.
    pub fn invalid(&self, key: &str, message: String) -> ScenarioError {
        ScenarioError::Invalid { place: self.place(key), key: key.to_owned(), message: one_line(&message) }
    }

    fn syntax(&self, error: &toml::de::Error) -> ScenarioError {
        let place = match error.span() {
            Some(span) => format!("{}:{}", self.file, line_at(&self.text, span.start)),
            None => self.file.clone(),
        };
        ScenarioError::Syntax { place, message: one_line(error.message()) }
    }

    fn place(&self, key: &str) -> String {
        let set_by = self.assignments.iter().rev().find(|(set, _)| is_within(key, set) || is_within(set, key));
        match (set_by, line_of(&self.text, key)) {
            (Some((_, assignment)), _) => format!("{} (--set {assignment})", self.file),
            (None, Some(line)) => format!("{}:{line}", self.file),
            (None, None) => self.file.clone(),
        }
    }

    fn scenario(&self, mut table: Table) -> Result<Scenario, ScenarioError> {
        if let Some(unknown) = table.keys().find(|key| !KNOWN_KEYS.contains(&key.as_str())) {
            return Err(self.invalid(unknown, format!("unknown key; known: {}", KNOWN_KEYS.join(", "))));
        }
        let scenario = Scenario {
            name: self.name(table.remove("name"))?,
            seed: self.seed(table.remove("seed"))?,
            workload: self.section(&mut table, "workload", WorkloadSpec::parse)?,
            load: self.section(&mut table, "load", LoadSpec::parse)?,
            job: self.section(&mut table, "job", JobSpec::parse)?,
            measure: self.measure(table.remove("measure"))?,
            faults: self.read("fault", table.remove("fault").unwrap_or(Value::Array(Vec::new())))?,
        };
        self.check_faults(&scenario)?;
        Ok(scenario)
    }

    fn name(&self, value: Option<Value>) -> Result<String, ScenarioError> {
        let name = match value {
            Some(value) => self.read::<String>("name", value)?,
            None => self.default_name.clone(),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.chars().all(allowed) {
            let shown: String = name.chars().take(MAX_NAME).collect();
            return Err(self.invalid(
                "name",
                format!(
                    "found {shown:?}; allowed: 1 to {MAX_NAME} letters, digits, '-', '_' or '.', not beginning with '.'"
                ),
            ));
        }
        Ok(name)
    }

    fn seed(&self, value: Option<Value>) -> Result<u64, ScenarioError> {
        match value {
            Some(value) => self.read("seed", value),
            None => Ok(1),
        }
    }

    /// A table that `workloads` parses; an absent one is parsed as an empty one.
    fn section<T>(
        &self,
        table: &mut Table,
        key: &str,
        parse: impl FnOnce(Table) -> Result<T, SpecError>,
    ) -> Result<T, ScenarioError> {
        let section = match table.remove(key) {
            Some(Value::Table(section)) => section,
            None => Table::new(),
            Some(other) => {
                return Err(self.invalid(key, format!("found a {}; allowed: a table", other.type_str())));
            }
        };
        parse(section).map_err(|error| {
            // `steps[0].for` becomes `steps.0.for`, the form that `--set` takes.
            let below = error.key.replace('[', ".").replace(']', "");
            self.invalid(&under(key, &below), error.message)
        })
    }

    fn measure(&self, value: Option<Value>) -> Result<Measure, ScenarioError> {
        let Some(value) = value else { return Ok(Measure::default()) };
        let measure: Measure = self.read("measure", value)?;
        self.in_range("measure.interval", measure.interval, MIN_INTERVAL, MAX_INTERVAL)?;
        self.in_range("measure.duration", measure.duration, measure.interval, MAX_PHASE)?;
        self.in_range("measure.warmup", measure.warmup, Duration::ZERO, MAX_PHASE)?;
        Ok(measure)
    }

    fn check_faults(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        if scenario.faults.len() > MAX_FAULTS {
            return Err(self.invalid(
                "fault",
                format!("found {} faults; allowed: at most {MAX_FAULTS}", scenario.faults.len()),
            ));
        }
        let end = scenario.measure.duration;
        for (index, fault) in scenario.faults.iter().enumerate() {
            self.in_range(&format!("fault.{index}.at"), fault.at, Duration::ZERO, end)?;
            let left = end - fault.at;
            self.in_range(&format!("fault.{index}.for"), fault.lasting, Duration::from_millis(1), left)?;
        }
        Ok(())
    }

    fn in_range(&self, key: &str, found: Duration, min: Duration, max: Duration) -> Result<(), ScenarioError> {
        if (min..=max).contains(&found) {
            return Ok(());
        }
        let show = humantime::format_duration;
        let allowed = if max < min {
            format!("the measured phase ends before (measure.duration leaves {})", show(max))
        } else {
            format!("allowed: {} to {}", show(min), show(max))
        };
        Err(self.invalid(key, format!("found {}; {allowed}", show(found))))
    }

    /// Deserialises one of this crate's own values; errors carry the full path.
    fn read<T: DeserializeOwned>(&self, key: &str, value: Value) -> Result<T, ScenarioError> {
        let mut track = serde_path_to_error::Track::new();
        T::deserialize(serde_path_to_error::Deserializer::new(value, &mut track)).map_err(|error| {
            self.invalid(&under(key, &dotted(&track.path())), error.to_string())
        })
    }
}

/// `fault[0].at` as `fault.0.at`, the form that `--set` takes.
fn dotted(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let parts = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    parts.collect::<Vec<_>>().join(".")
}

fn under(key: &str, below: &str) -> String {
    if below.is_empty() { key.to_owned() } else { format!("{key}.{below}") }
}

fn is_within(key: &str, ancestor: &str) -> bool {
    key.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
