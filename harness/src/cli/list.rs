//! `backwater list`: workloads, their parameters, and the built-in scenarios.
//!
//! Everything shown comes from the declarations that the parser checks against.

use std::fmt::Write as _;

use workloads::Family;
use workloads::spec::{Kind, Parameter, Variant};

use super::{Failure, USAGE, print};
use crate::scenario;

/// What has no defaults and no parameters of its own: the keys are those of all other tables.
const VARIANT: &str = r#"
[[variant]]            what `backwater compare` runs beside the scenario; may be repeated
  name                 what it is called in the answer, e.g. "wide"
  set                  keys that it has otherwise, and their values, e.g. { "job.parallelism" = 4 }
"#;

/// Lists everything, or explains one workload or scenario.
pub fn list(name: Option<&str>) -> Result<u8, Failure> {
    match name {
        None => print::answer(&overview()),
        Some(name) => print::answer(&explain(name).ok_or_else(|| unknown(name))?),
    }
    Ok(0)
}

fn overview() -> String {
    let mut text = String::from("Workloads (workload.kind):\n");
    for family in workloads::families() {
        line(&mut text, 2, family.name, family.summary);
    }
    text.push_str("\nBuilt-in scenarios (backwater run NAME):\n");
    for (name, text_of_it) in workloads::builtin_scenarios() {
        line(&mut text, 2, name, first_comment(text_of_it));
    }
    text.push_str("\nbackwater list NAME shows a workload's parameters or a scenario's text.\n");
    text
}

/// The comment on a scenario's first line says what it is for.
fn first_comment(scenario: &str) -> &str {
    scenario
        .lines()
        .next()
        .and_then(|line| line.strip_prefix('#'))
        .unwrap_or("")
        .trim()
}

/// A scenario may bear its workload's name: then both are shown.
fn explain(name: &str) -> Option<String> {
    let family = workloads::families()
        .iter()
        .find(|family| family.name == name)
        .map(explain_family);
    let scenario = workloads::builtin_scenarios()
        .iter()
        .find(|(known, _)| *known == name);
    let scenario = scenario.map(|(_, text)| format!("Built-in scenario {name}:\n\n{text}"));
    match (family, scenario) {
        (Some(family), Some(scenario)) => Some(format!("{family}\n{scenario}")),
        (family, scenario) => family.or(scenario),
    }
}

fn explain_family(family: &Family) -> String {
    let mut text = format!(
        "{}: {}\n\njob: {}\n",
        family.name, family.summary, family.shape
    );
    for (table, parameters) in [
        ("[workload]", family.parameters),
        ("[load]", workloads::parameters_of_load()),
        ("[job]", workloads::parameters_of_job()),
        ("[slo]", scenario::PARAMETERS_OF_SLO),
        ("[measure]", scenario::PARAMETERS_OF_MEASURE),
        ("[[fault]]", &[scenario::PARAMETER_FAULT]),
    ] {
        let _ = write!(text, "\n{table}\n");
        for parameter in parameters {
            explain_parameter(&mut text, 2, parameter);
        }
    }
    text.push_str(VARIANT);
    text
}

fn explain_parameter(text: &mut String, indent: usize, parameter: &Parameter) {
    let Parameter {
        name,
        kind,
        default,
        help,
    } = parameter;
    line(text, indent, name, help);
    let _ = writeln!(text, "{:indent$}  default: {default}; allowed: {kind}", "");
    match kind {
        Kind::Table(parameters) | Kind::Tables(parameters) => {
            for parameter in *parameters {
                explain_parameter(text, indent + 4, parameter);
            }
        }
        Kind::Variants(variants) => explain_variants(text, indent + 4, "kind", variants),
        Kind::Tagged { tag, variants } => explain_variants(text, indent + 4, tag, variants),
        Kind::Integer { .. }
        | Kind::Number { .. }
        | Kind::Span { .. }
        | Kind::SpanOr { .. }
        | Kind::Size { .. }
        | Kind::Flag
        | Kind::FlagOrNames
        | Kind::Choice(_) => {}
    }
}

fn explain_variants(text: &mut String, indent: usize, tag: &str, variants: &[Variant]) {
    for Variant {
        kind,
        help,
        parameters,
    } in variants
    {
        line(text, indent, &format!("{tag} = \"{kind}\""), help);
        for parameter in *parameters {
            explain_parameter(text, indent + 4, parameter);
        }
    }
}

/// Columns that line up as long as names are of ordinary length.
fn line(text: &mut String, indent: usize, name: &str, help: &str) {
    let _ = writeln!(text, "{:indent$}{name:20} {help}", "");
}

fn unknown(name: &str) -> Failure {
    let workloads = workloads::families().iter().map(|family| family.name);
    let scenarios = workloads::builtin_scenarios().iter().map(|(name, _)| *name);
    let mut known: Vec<&str> = workloads.chain(scenarios).collect();
    known.sort_unstable();
    known.dedup();
    let nearest = match scenario::nearest(name, &known) {
        Some(near) => format!(" (did you mean {near}?)"),
        None => String::new(),
    };
    let known = known.join(", ");
    Failure {
        status: USAGE,
        message: format!("{name}: no such workload or scenario{nearest}; there are: {known}"),
    }
}
