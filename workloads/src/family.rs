//! The workload families: what `[workload] kind = ".."` may say.

use std::time::Duration;

use crate::checkpoint_pressure::{self, CheckpointPressureSpec};
use crate::flights::{self, FlightsSpec};
use crate::hot_keys::{self, HotKeysSpec};
use crate::late_data::{self, LateDataSpec, WindowSpec};
use crate::slow_operator::{self, SlowOperatorSpec};
use crate::spec::{Parameter, SpecError, check, read, serde_through_table, write};
use crate::state_growth::{self, StateGrowthSpec};

/// A family of workloads.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Value of `kind` in the `[workload]` table.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// The job's shape in one line.
    pub shape: &'static str,
    /// Names of the job's operators, in order: what `job.chaining` and faults may name.
    pub operators: &'static [&'static str],
    /// Parameters beside `kind`.
    pub parameters: &'static [Parameter],
}

static FAMILIES: &[Family] = &[
    Family {
        name: "slow-operator",
        summary: "one operator in the middle takes long for each record",
        shape: "source -> parse -> slow -> (fan-out) -> key_by -> sum -> sink",
        operators: slow_operator::OPERATORS,
        parameters: slow_operator::PARAMETERS,
    },
    Family {
        name: "flights",
        summary: "327,346 real flights of 2013: delays per destination and per carrier",
        shape: "source -> parse -> key_by -> by-destination -> destinations, and -> key_by -> by-carrier -> carriers; or \
                source -> parse -> key_by -> windows -> results, and -> late",
        operators: flights::OPERATORS,
        parameters: flights::PARAMETERS,
    },
    Family {
        name: "hot-keys",
        summary: "some keys are more frequent than others, and a running aggregate per key pays for it",
        shape: "source -> parse -> (local, or salted) -> key_by -> aggregate -> sink",
        operators: hot_keys::OPERATORS,
        parameters: hot_keys::PARAMETERS,
    },
    Family {
        name: "late-data",
        summary: "records come in another order than they happened in, and windows close on a guess",
        shape: "source -> parse -> key_by -> window -> (deliver) -> sink, and late records -> late-sink",
        operators: late_data::OPERATORS,
        parameters: late_data::PARAMETERS,
    },
    Family {
        name: "state-growth",
        summary: "an operator keeps state per key, and there are ever more keys",
        shape: "source -> parse -> key_by -> profile (or first-visit) -> sink",
        operators: state_growth::OPERATORS,
        parameters: state_growth::PARAMETERS,
    },
    Family {
        name: "checkpoint-pressure",
        summary: "checkpoints of a large state, while a slow operator behind it holds everything up",
        shape: "source -> parse -> key_by -> profile -> deliver -> sink",
        operators: checkpoint_pressure::OPERATORS,
        parameters: checkpoint_pressure::PARAMETERS,
    },
];

/// All families.
pub fn families() -> &'static [Family] {
    FAMILIES
}

/// A `[workload]` table: a family and its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkloadSpec {
    /// See [`slow_operator`].
    SlowOperator(SlowOperatorSpec),
    /// See [`flights`].
    Flights(FlightsSpec),
    /// See [`hot_keys`].
    HotKeys(HotKeysSpec),
    /// See [`late_data`].
    LateData(LateDataSpec),
    /// See [`state_growth`].
    StateGrowth(StateGrowthSpec),
    /// See [`checkpoint_pressure`].
    CheckpointPressure(CheckpointPressureSpec),
}

impl WorkloadSpec {
    /// Reads a `[workload]` table.
    ///
    /// # Errors
    /// If `kind` is missing or not one of [`families`], or for anything that the family's parameters do not allow.
    pub fn parse(mut table: toml::Table) -> Result<WorkloadSpec, SpecError> {
        let known = || {
            FAMILIES
                .iter()
                .map(|family| family.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let family = match table.remove("kind") {
            None => {
                return Err(SpecError::new(
                    "kind",
                    format!("missing; known workloads: {}", known()),
                ));
            }
            Some(kind) => FAMILIES
                .iter()
                .find(|family| kind.as_str() == Some(family.name))
                .ok_or_else(|| {
                    let found: String = kind.to_string().chars().take(60).collect();
                    SpecError::new(
                        "kind",
                        format!("found {found}; known workloads: {}", known()),
                    )
                })?,
        };
        let table = check(family.parameters, table)?;
        let spec = match family.name {
            "flights" => WorkloadSpec::Flights(read::<FlightsSpec>(table)?.with_defaults()),
            "hot-keys" => WorkloadSpec::HotKeys(read(table)?),
            "late-data" => WorkloadSpec::LateData(read(table)?),
            "state-growth" => {
                WorkloadSpec::StateGrowth(read::<StateGrowthSpec>(table)?.with_defaults())
            }
            "checkpoint-pressure" => WorkloadSpec::CheckpointPressure(read(table)?),
            _ => WorkloadSpec::SlowOperator(read(table)?),
        };
        spec.validate()?;
        Ok(spec)
    }

    /// Checks what joins several parameters; a parsed specification has passed.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), SpecError> {
        match self {
            WorkloadSpec::SlowOperator(spec) => spec.validate(),
            WorkloadSpec::Flights(spec) => spec.validate(),
            WorkloadSpec::HotKeys(spec) => spec.validate(),
            WorkloadSpec::LateData(spec) => spec.validate(),
            WorkloadSpec::StateGrowth(spec) => spec.validate(),
            WorkloadSpec::CheckpointPressure(spec) => spec.validate(),
        }
    }

    /// The length of the job's windows, if it has any whose event time goes on as job time does: what it does
    /// repeats no sooner.
    pub fn window(&self) -> Option<Duration> {
        match self {
            WorkloadSpec::LateData(spec) => match spec.window {
                WindowSpec::Tumbling { size } | WindowSpec::Sliding { size, .. } => Some(size),
                WindowSpec::Session { gap } => Some(gap),
                WindowSpec::Global {} => None,
            },
            WorkloadSpec::HotKeys(spec) => spec.window,
            // Windows of flights are of recorded time.
            WorkloadSpec::SlowOperator(_)
            | WorkloadSpec::Flights(_)
            | WorkloadSpec::StateGrowth(_)
            | WorkloadSpec::CheckpointPressure(_) => None,
        }
    }

    /// The table again, with every default filled in.
    pub fn to_table(&self) -> toml::Table {
        let parameters = match self {
            WorkloadSpec::SlowOperator(spec) => write(spec),
            WorkloadSpec::Flights(spec) => write(spec),
            WorkloadSpec::HotKeys(spec) => write(spec),
            WorkloadSpec::LateData(spec) => write(spec),
            WorkloadSpec::StateGrowth(spec) => write(spec),
            WorkloadSpec::CheckpointPressure(spec) => write(spec),
        };
        [("kind".to_owned(), self.kind().into())]
            .into_iter()
            .chain(parameters)
            .collect()
    }

    /// Name of the family.
    pub fn kind(&self) -> &'static str {
        self.family().name
    }

    /// The family.
    pub fn family(&self) -> &'static Family {
        match self {
            WorkloadSpec::SlowOperator(_) => &FAMILIES[0],
            WorkloadSpec::Flights(_) => &FAMILIES[1],
            WorkloadSpec::HotKeys(_) => &FAMILIES[2],
            WorkloadSpec::LateData(_) => &FAMILIES[3],
            WorkloadSpec::StateGrowth(_) => &FAMILIES[4],
            WorkloadSpec::CheckpointPressure(_) => &FAMILIES[5],
        }
    }
}

serde_through_table!(WorkloadSpec);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WorkloadSpec, String> {
        WorkloadSpec::parse(text.parse().expect("TOML")).map_err(|error| error.to_string())
    }

    #[test]
    fn every_family_parses_from_its_name_alone_and_survives_a_round_trip() {
        for family in families() {
            let spec = parse(&format!("kind = '{}'", family.name)).expect("all defaults");
            assert_eq!(spec.kind(), family.name);
            let table = spec.to_table();
            for parameter in family.parameters {
                let absent = matches!(parameter.default, crate::spec::Default::Absent(_));
                assert!(
                    absent || table.contains_key(parameter.name),
                    "{}.{}",
                    family.name,
                    parameter.name
                );
            }
            assert_eq!(WorkloadSpec::parse(table), Ok(spec));
        }
    }

    #[test]
    fn every_form_of_a_cost_survives_a_round_trip() {
        for cost in [
            "{ kind = 'cpu', mean = '0s' }",
            "{ distribution = { kind = 'exponential' } }",
            "{ kind = 'async', mean = '25ms', distribution = { kind = 'bimodal', slow_share = 0.5 } }",
        ] {
            let text =
                format!("kind = 'slow-operator'\ncost = {cost}\nslow_subtask = {{ factor = 3 }}");
            let spec = parse(&text).expect("valid");
            assert_eq!(WorkloadSpec::parse(spec.to_table()), Ok(spec));
        }
    }

    #[test]
    fn bad_workloads_get_their_key_what_was_found_and_what_is_allowed() {
        let error = |text: &str| parse(text).expect_err(text);
        assert_eq!(
            error("keys = 1"),
            "kind: missing; known workloads: slow-operator, flights, hot-keys, late-data, state-growth, checkpoint-pressure"
        );
        assert_eq!(
            error("kind = 'slow'"),
            "kind: found \"slow\"; known workloads: slow-operator, flights, hot-keys, late-data, state-growth, checkpoint-pressure"
        );
        assert_eq!(
            error("kind = 'flights'\nkeys = 1"),
            "keys: unknown key; known: repeat, window, watermark_delay, allowed_lateness, watermarks"
        );
        assert_eq!(
            error("kind = 'slow-operator'\ncost = { kind = 'async' }"),
            "cost.mean: found \"1ms\"; allowed with kind = \"async\": from \"20ms\""
        );
        assert_eq!(
            error(
                "kind = 'slow-operator'\nslow_parallelism = 2\nslow_subtask = { index = 2, factor = 2 }"
            ),
            "slow_subtask.index: found 2; allowed: below slow_parallelism = 2"
        );
        assert_eq!(
            error("kind = 'hot-keys'\nkeys = 3\ndistribution = { kind = 'hot', hot_keys = 3 }"),
            "distribution.hot_keys: found 3; allowed: below keys = 3"
        );
        assert_eq!(
            error("kind = 'hot-keys'\ndistribution = { kind = 'drifting' }"),
            "distribution.period: give exactly one of period and period_records"
        );
        assert_eq!(
            error("kind = 'hot-keys'\nsalt = 4"),
            "salt: found 4; without window there are no phases"
        );
        assert_eq!(
            error("kind = 'hot-keys'\nwindow = '1s'\ncost = { kind = 'blocking' }"),
            "cost.kind: found \"blocking\"; windows do not wait; allowed with window: \"cpu\""
        );
        assert_eq!(
            error("kind = 'hot-keys'\ncost = { kind = 'async' }"),
            "cost.kind: found \"async\" (string); allowed: \"cpu\" or \"blocking\""
        );
        assert_eq!(
            error(
                "kind = 'checkpoint-pressure'\nkeys = 20_000_000\ndistribution = { kind = 'zipf' }"
            ),
            "keys: found 20000000; allowed with zipf: from 1 to 10000000"
        );
    }
}
