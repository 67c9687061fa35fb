//! From text and overrides to a checked [`Scenario`].

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use workloads::spec::{Kind, Parameter, check, read};
use workloads::{JobSpec, LoadSpec, ShapeSpec, SpecError, WorkloadSpec};

use super::fault::FAULT;
use super::locate::{line_at, line_of};
use super::objectives::SLO;
use super::parameters::{self, MAX_PHASE, SHORTEST_FAULT};
use super::variant::{self, BASE, VARIANTS, Variant};
use super::{Fault, Measure, Scenario, ScenarioError, overrides};

/// The keys of the top level, in the order they are written.
const KNOWN_KEYS: [&str; 9] = [
    "name", "seed", "workload", "load", "job", "slo", "measure", "fault", "variant",
];
/// Longest scenario name in bytes.
const MAX_NAME: usize = 64;
/// Most faults in one run.
const MAX_FAULTS: usize = 1_000;

/// The one number at the top level.
#[derive(Deserialize)]
struct Seed {
    seed: u64,
}

/// One checked fault.
#[derive(Deserialize)]
struct One {
    fault: Fault,
}

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
        Self {
            file: file.to_owned(),
            default_name: default_name.to_owned(),
            text,
            assignments: Vec::new(),
        }
    }

    /// Applies the overrides in their order and parses the result.
    pub fn parse(&mut self, set: &[String]) -> Result<Scenario, ScenarioError> {
        let mut table = self.table(set)?;
        let variants = self.variants_in(&table)?;
        // A document that `compare` would refuse is refused by all; but overrides are for this run, which has no
        // variants, and need not suit them.
        for variant in variants.iter().filter(|_| set.is_empty()) {
            self.variant(&table, variant)?;
        }
        table.remove(VARIANTS);
        self.scenario(table)
    }

    /// The scenario itself under the name `base`, and each of its variants: those of the document, then the given ones.
    ///
    /// # Errors
    /// A variant that is not a scenario, or two of one name.
    pub fn parse_variants(
        &mut self,
        set: &[String],
        given: &[Variant],
    ) -> Result<Vec<(String, Scenario)>, ScenarioError> {
        let table = self.table(set)?;
        let mut variants = vec![Variant::base()];
        variants.extend(self.variants_in(&table)?);
        for variant in given {
            match variants.iter_mut().find(|it| it.name == variant.name) {
                Some(known) if known.name == BASE || !known.is_given => {
                    return Err(ScenarioError::Variant {
                        name: variant.name.clone(),
                        message: "this name is taken".to_owned(),
                    });
                }
                Some(known) => known.sets.extend(variant.sets.iter().cloned()),
                None => variants.push(variant.clone()),
            }
        }
        let variants = variants.iter();
        let parsed =
            variants.map(|variant| Ok((variant.name.clone(), self.variant(&table, variant)?)));
        parsed.collect()
    }

    fn table(&mut self, set: &[String]) -> Result<Table, ScenarioError> {
        let mut table: Table = toml::from_str(&self.text).map_err(|error| self.syntax(&error))?;
        for assignment in set {
            let key = overrides::apply(&mut table, assignment).map_err(|message| {
                ScenarioError::Override {
                    assignment: assignment.clone(),
                    message,
                }
            })?;
            self.assignments.push((key, assignment.clone()));
        }
        Ok(table)
    }

    fn variants_in(&self, table: &Table) -> Result<Vec<Variant>, ScenarioError> {
        let Some(tables) = table.get(VARIANTS) else {
            return Ok(Vec::new());
        };
        let variants = variant::read(tables);
        variants.map_err(|(below, message)| self.invalid(&under(VARIANTS, &below), message))
    }

    /// What a variant makes of the scenario.
    fn variant(&self, base: &Table, variant: &Variant) -> Result<Scenario, ScenarioError> {
        let refused = |message: String| ScenarioError::Variant {
            name: variant.name.clone(),
            message,
        };
        let mut table = base.clone();
        table.remove(VARIANTS);
        for (key, value) in &variant.sets {
            overrides::set(&mut table, key, value.clone()).map_err(refused)?;
        }
        let parsed = self.scenario(table);
        parsed.map_err(|error| match variant.sets.is_empty() {
            true => error,
            false => refused(error.to_string()),
        })
    }

    /// An error at `key`, with the place that set it.
    pub fn invalid(&self, key: &str, message: String) -> ScenarioError {
        ScenarioError::Invalid {
            place: self.place(key),
            key: key.to_owned(),
            message: one_line(&message),
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> ScenarioError {
        let place = match error.span() {
            Some(span) => format!("{}:{}", self.file, line_at(&self.text, span.start)),
            None => self.file.clone(),
        };
        ScenarioError::Syntax {
            place,
            message: one_line(error.message()),
        }
    }

    fn place(&self, key: &str) -> String {
        let set_by = self
            .assignments
            .iter()
            .rev()
            .find(|(set, _)| is_within(key, set) || is_within(set, key));
        match (set_by, line_of(&self.text, key)) {
            (Some((_, assignment)), _) => format!("{} (--set {assignment})", self.file),
            (None, Some(line)) => format!("{}:{line}", self.file),
            (None, None) => self.file.clone(),
        }
    }

    fn scenario(&self, mut table: Table) -> Result<Scenario, ScenarioError> {
        if let Some(unknown) = table.keys().find(|key| !KNOWN_KEYS.contains(&key.as_str())) {
            return Err(self.invalid(
                unknown,
                format!("unknown key; known: {}", KNOWN_KEYS.join(", ")),
            ));
        }
        let Seed { seed } =
            self.declared("", parameters::SEED, Value::Table(take(&mut table, "seed")))?;
        let workload = self.section(&mut table, "workload", WorkloadSpec::parse)?;
        let mut own = |key: &str| table.remove(key).unwrap_or(Value::Table(Table::new()));
        let (slo, measure) = (own("slo"), own("measure"));
        let scenario = Scenario {
            name: self.name(table.remove("name"))?,
            seed,
            load: self.section(&mut table, "load", LoadSpec::parse)?,
            job: self.section(&mut table, "job", JobSpec::parse)?,
            slo: self.declared("slo", SLO, slo)?,
            measure: self.declared("measure", parameters::MEASURE, measure)?,
            faults: self.faults(table.remove("fault"))?,
            workload,
        };
        self.check(&scenario)?;
        Ok(scenario)
    }

    fn name(&self, value: Option<Value>) -> Result<String, ScenarioError> {
        let name = match value {
            Some(Value::String(name)) => name,
            Some(other) => return Err(self.invalid("name", not_one_of(&other, "a string"))),
            None => self.default_name.clone(),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty()
            || name.len() > MAX_NAME
            || name.starts_with('.')
            || !name.chars().all(allowed)
        {
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
                return Err(self.invalid(key, not_one_of(&other, "a table")));
            }
        };
        parse(section).map_err(|error| self.refused(key, error))
    }

    fn faults(&self, value: Option<Value>) -> Result<Vec<Fault>, ScenarioError> {
        let tables = match value {
            None => return Ok(Vec::new()),
            Some(Value::Array(tables)) if tables.len() <= MAX_FAULTS => tables,
            Some(other) => {
                return Err(self.invalid(
                    "fault",
                    not_one_of(&other, &format!("up to {MAX_FAULTS} tables [[fault]]")),
                ));
            }
        };
        let tables = tables.into_iter().enumerate();
        tables
            .map(|(index, table)| self.fault(index, table))
            .collect()
    }

    /// The declaration is of a key `fault`; here it is a table in a list.
    fn fault(&self, index: usize, table: Value) -> Result<Fault, ScenarioError> {
        let place = format!("fault.{index}");
        if !table.is_table() {
            return Err(self.invalid(&place, not_one_of(&table, "a table")));
        }
        let wrapped = Table::from_iter([("fault".to_owned(), table)]);
        let checked = check(&[FAULT], wrapped).and_then(read);
        let One { fault } = checked.map_err(|error: SpecError| {
            let below = error.key.strip_prefix("fault").unwrap_or(&error.key);
            self.invalid(&format!("{place}{below}"), error.message)
        })?;
        Ok(fault)
    }

    /// Rules that join several keys.
    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let Measure {
            duration, interval, ..
        } = scenario.measure;
        self.in_range("measure.duration", duration, interval, MAX_PHASE)?;
        let is_closed = matches!(scenario.load.shape, ShapeSpec::Max);
        if let Some(key) = scenario.slo.first_of_latency().filter(|_| is_closed) {
            let message = "found with load.shape.kind = \"max\", which has no intended times and so no response times; allowed: with any other shape";
            return Err(self.invalid(&format!("slo.{key}"), message.to_owned()));
        }
        let operators = scenario.workload.family().operators;
        for (index, fault) in scenario.faults.iter().enumerate() {
            let key = |below: &str| format!("fault.{index}.{below}");
            let unknown = fault
                .operator()
                .filter(|operator| !operators.contains(operator));
            if let Some(operator) = unknown {
                let allowed = Kind::Choice(operators);
                let message = format!("found {operator:?} (string); allowed: {allowed}");
                return Err(self.invalid(&key("operator"), message));
            }
            if fault.disturbs_input() && scenario.measure.planned_warmup().is_none() {
                let message = format!(
                    "found {:?} with measure.warmup = \"auto\"; allowed: with a warm-up of known length, as the schedule of the input is fixed before the run",
                    fault.label()
                );
                return Err(self.invalid(&key("kind"), message));
            }
            self.in_range(&key("at"), fault.at(), Duration::ZERO, duration)?;
            if let Some(lasting) = fault.lasting() {
                let left = duration - fault.at();
                self.in_range(&key("for"), lasting, SHORTEST_FAULT, left)?;
            }
        }
        Ok(())
    }

    fn in_range(
        &self,
        key: &str,
        found: Duration,
        min: Duration,
        max: Duration,
    ) -> Result<(), ScenarioError> {
        if (min..=max).contains(&found) {
            return Ok(());
        }
        let show = humantime::format_duration;
        let allowed = if max < min {
            format!(
                "the measured phase ends before (measure.duration leaves {})",
                show(max)
            )
        } else {
            format!("allowed: {} to {}", show(min), show(max))
        };
        Err(self.invalid(key, format!("found {}; {allowed}", show(found))))
    }

    /// A table of this crate's own, checked against its declaration.
    fn declared<T: DeserializeOwned>(
        &self,
        key: &str,
        parameters: &[Parameter],
        value: Value,
    ) -> Result<T, ScenarioError> {
        match value {
            Value::Table(table) => check(parameters, table)
                .and_then(read)
                .map_err(|error| self.refused(key, error)),
            other => Err(self.invalid(key, not_one_of(&other, "a table"))),
        }
    }

    fn refused(&self, table: &str, error: SpecError) -> ScenarioError {
        // `steps[0].for` becomes `steps.0.for`, the form that `--set` takes.
        let below = error.key.replace('[', ".").replace(']', "");
        self.invalid(&under(table, &below), error.message)
    }
}

fn not_one_of(found: &Value, allowed: &str) -> String {
    format!(
        "found a value of type {}; allowed: {allowed}",
        found.type_str()
    )
}

/// The part of `table` that holds only `key`, if it is there.
fn take(table: &mut Table, key: &str) -> Table {
    table.remove_entry(key).into_iter().collect()
}

fn under(key: &str, below: &str) -> String {
    match (key, below) {
        (key, "") => key.to_owned(),
        ("", below) => below.to_owned(),
        (key, below) => format!("{key}.{below}"),
    }
}

fn is_within(key: &str, ancestor: &str) -> bool {
    key.strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
