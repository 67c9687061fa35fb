//! The variants that the built-in scenarios come with.

use harness::run::{RunDirectory, prepare};
use harness::scenario::{self, Document, Scenario};
use harness::target::Embedded;

use crate::backwater::Folder;

/// A built-in scenario as it is, and its variants, which fail the test if they are no scenarios.
fn parsed(name: &str) -> (Document, Vec<(String, Scenario)>) {
    let mut document = scenario::find(name).unwrap();
    let variants = document.parse_variants(&[], &[]);
    let variants = variants.unwrap_or_else(|error| panic!("{name}: {error}"));
    (document, variants)
}

#[test]
fn every_variant_of_a_built_in_scenario_is_a_job_other_than_the_scenario_and_its_other_variants() {
    let mut compared = 0;
    for (name, _) in workloads::builtin_scenarios() {
        let (document, variants) = parsed(name);
        for (index, (variant, scenario)) in variants.iter().enumerate().skip(1) {
            let others = &variants[..index];
            assert!(
                others.iter().all(|(_, other)| other != scenario),
                "{name}: {variant} is nothing new"
            );
            let folder = Folder::new();
            let out = RunDirectory::given(&folder.path().join("out"))
                .ok()
                .unwrap();
            let prepared = prepare(&document, scenario.clone(), &Embedded, out, None);
            if let Err(error) = prepared {
                panic!("{name}: {variant}: {error}");
            }
            compared += 1;
        }
    }
    assert!(compared > 0, "no scenario has a variant");
}

#[test]
fn overrides_of_a_run_need_not_suit_the_variants_which_it_does_not_have() {
    // An asynchronous call takes 20 ms at least.
    let text = |mean: &str| {
        format!(
            r#"
[workload]
kind = "slow-operator"
cost = {{ kind = "blocking", mean = "{mean}" }}
[[variant]]
name = "async"
set = {{ "workload.cost.kind" = "async" }}
"#
        )
    };
    let document = |mean| Document::new("calls.toml", "calls", text(mean));
    let set = ["workload.cost.mean=1ms".to_owned()];
    let refused = |result: Result<_, scenario::ScenarioError>| match result {
        Ok(()) => panic!("a variant that is no scenario was accepted"),
        Err(error) => assert!(error.to_string().starts_with("variant async: "), "{error}"),
    };
    refused(document("1ms").parse(&[]).map(drop));
    refused(document("30ms").parse_variants(&set, &[]).map(drop));
    assert!(document("30ms").parse(&set).is_ok());
    assert!(document("30ms").parse_variants(&[], &[]).is_ok());
}
