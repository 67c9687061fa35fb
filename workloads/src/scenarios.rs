//! The built-in scenarios, embedded in whatever program uses this crate.

macro_rules! scenarios {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),+]
    };
}

/// Name and text of every built-in scenario; `flights` is the main one.
static BUILTIN: &[(&str, &str)] = scenarios![
    "flights",
    "flights-max",
    "flights-hourly",
    "flights-hourly-corrected",
    "slow-operator",
    "slow-cpu",
    "slow-async",
    "slow-subtask",
    "slow-network",
    "fan-out",
    "steps",
    "freeze",
    "hot-keys",
    "hot-keys-local",
    "hot-keys-two-phase",
    "zipf",
    "drifting-hot-key",
    "key-group-imbalance",
    "burst",
    "sine",
    "watermark-too-tight",
    "watermark-too-loose",
    "idle-split",
    "frequent-trigger",
    "fine-sliding",
    "fine-sliding-sliced",
    "state-growth",
    "state-growth-rocksdb",
    "state-ttl",
    "small-block-cache",
    "large-block-cache",
    "index-filter-cliff",
    "index-filter-one-shard",
    "index-filter-partitioned",
    "write-stalls",
    "state-hot",
    "state-hot-local",
    "unique-visitor",
    "checkpoint-pressure",
    "checkpoint-pressure-unaligned",
    "checkpoint-pressure-rocksdb",
    "recovery",
];

/// Name and text (TOML) of every built-in scenario.
pub fn builtin_scenarios() -> &'static [(&'static str, &'static str)] {
    BUILTIN
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Bounds, JobSpec, LoadSpec, NoProbes, WorkloadSpec, build};

    /// Only the tables of this crate; the harness checks the rest.
    #[test]
    fn every_scenario_builds_a_job_and_names_only_operators_that_exist() {
        for (name, text) in builtin_scenarios() {
            let scenario: toml::Table = text.parse().expect(name);
            assert_eq!(scenario["name"].as_str(), Some(*name));
            let table = |key: &str| scenario[key].as_table().expect(key).clone();
            let workload = WorkloadSpec::parse(table("workload")).expect(name);
            let load = LoadSpec::parse(table("load")).expect(name);
            let job = JobSpec::parse(table("job")).expect(name);
            let built = build(
                &workload,
                &load,
                &job,
                1,
                Bounds::default(),
                Arc::new(NoProbes),
            )
            .expect(name);
            let folder = tempfile::tempdir().expect("a temporary folder");
            let config = job.within(folder.path()).to_config();
            let deployed = built.graph.deploy(config).expect(name);
            let faults = scenario
                .get("fault")
                .and_then(toml::Value::as_array)
                .cloned()
                .unwrap_or_default();
            for fault in faults {
                // Some are done to the input.
                let Some(operator) = fault.get("operator").and_then(toml::Value::as_str) else {
                    continue;
                };
                let is_member = |task: &engine::TaskPlan| {
                    task.members.iter().any(|member| member.id == operator)
                };
                assert!(
                    deployed.plan().tasks.iter().any(is_member),
                    "{name}: {operator}"
                );
            }
        }
    }
}
