//! Any text whatsoever is either a scenario or refused with a message; a scenario written out is
//! the same scenario again.

use harness::scenario::{Document, Scenario};
use proptest::prelude::*;

fn parse(text: &str, set: &[String]) -> Result<Scenario, String> {
    Document::new("test.toml", "test", text.to_owned())
        .parse(set)
        .map_err(|error| error.to_string())
}

fn duration_ms(range: std::ops::Range<u64>) -> impl Strategy<Value = String> {
    range.prop_map(|ms| format!("{ms}ms"))
}

/// Scenarios that are right, with every table present or absent.
fn scenario() -> impl Strategy<Value = String> {
    let name = prop::option::of("[a-zA-Z0-9_-]{1,20}")
        .prop_map(|name| name.map(|name| format!("name = \"{name}\"\n")));
    let seed =
        prop::option::of(0..i64::MAX).prop_map(|seed| seed.map(|seed| format!("seed = {seed}\n")));
    let workload = prop_oneof![
        (1u32..1000, 0u64..50).prop_map(|(keys, us)| format!(
            "[workload]\nkind = 'slow-operator'\nkeys = {keys}\ncost = {{ kind = 'cpu', mean = '{us}us' }}\n"
        )),
        (1u32..5).prop_map(|repeat| format!("[workload]\nkind = 'flights'\nrepeat = {repeat}\n")),
        (10u32..1000, 0.01f64..0.99).prop_map(|(keys, share)| format!(
            "[workload]\nkind = 'hot-keys'\nkeys = {keys}\ndistribution = {{ kind = 'hot', share = {share:?} }}\n"
        )),
    ];
    let load = prop::option::of(prop_oneof![
        Just("[load]\nshape = { kind = 'max' }\n".to_owned()),
        (0.001f64..1e8, 1u32..1000).prop_map(|(rate, splits)| format!(
            "[load]\nshape = {{ kind = 'constant', rate_per_s = {rate:?} }}\narrivals = 'poisson'\nsplits = {splits}\n"
        )),
        (1u32..100, 1u32..100).prop_map(|(a, b)| format!(
            "[load]\nshape = {{ kind = 'steps', steps = [{{ rate_per_s = {a}, for = '1s' }}, {{ rate_per_s = {b} }}] }}\n"
        )),
    ]);
    let state = prop_oneof![
        Just("{ backend = 'heap' }".to_owned()),
        (64u32..100_000, prop::bool::ANY, 1i32..1000).prop_map(|(kib, bloom, files)| format!(
            "{{ backend = 'rocksdb', block_cache = '{kib}KiB', bloom_filter = {bloom}, max_open_files = {files} }}"
        )),
        (1u32..64, 0.1f64..0.9).prop_map(|(mib, ratio)| format!(
            "{{ backend = 'rocksdb', profile = 'flash', managed_memory = '{}MiB', write_buffer_ratio = {ratio:?} }}",
            mib * 64
        )),
    ];
    let job = prop::option::of((1u32..8, prop::bool::ANY, state).prop_map(
        |(parallelism, chaining, state)| {
            format!("[job]\nparallelism = {parallelism}\nchaining = {chaining}\nstate = {state}\n")
        },
    ));
    let warmup = prop_oneof![9 => duration_ms(0..10_000), 1 => Just("auto".to_owned())];
    let measure = prop::option::of((warmup, duration_ms(10_000..50_000), duration_ms(10..10_000)).prop_map(
        |(warmup, duration, interval)| {
            format!("[measure]\nwarmup = '{warmup}'\nduration = '{duration}'\ninterval = '{interval}'\n")
        },
    ));
    let slo = prop::option::of(
        (duration_ms(1..10_000), prop::option::of(0.5f64..1e9)).prop_map(|(p99, least)| {
            let least = least.map_or(String::new(), |it| {
                format!("min_throughput_per_s = {it:?}\n")
            });
            format!("[slo]\np99 = '{p99}'\n{least}")
        }),
    );
    let fault = prop::collection::vec((0u64..5_000, 1u64..5_000, 0..7), 0..3).prop_map(|faults| {
        let fault = |(at, lasting, kind)| {
            let span = format!("at = '{at}ms'\nfor = '{lasting}ms'\n");
            let body = match kind {
                0 => format!("kind = 'freeze'\noperator = 'source'\n{span}"),
                1 => format!(
                    "kind = 'slow-subtask'\noperator = 'source'\nsubtask = 0\nextra = '1ms'\n{span}"
                ),
                2 => format!("kind = 'pause-split'\nsplit = 0\n{span}"),
                3 => format!(
                    "kind = 'slow-state'\noperator = 'source'\nsubtask = 0\nextra = '1us'\n{span}"
                ),
                4 => format!("kind = 'throttle-disk'\nrate_per_s = '5MiB'\nsync = '10ms'\n{span}"),
                5 => format!(
                    "kind = 'throttle-network'\noperator = 'source'\nbandwidth_per_s = '1MiB'\nlatency = '2ms'\n{span}"
                ),
                _ => format!("kind = 'skew-shift'\nat = '{at}ms'\n"),
            };
            format!("[[fault]]\n{body}")
        };
        faults.into_iter().map(fault).collect::<String>()
    });
    (name, seed, workload, load, job, slo, measure, fault).prop_map(
        |(name, seed, workload, load, job, slo, measure, fault)| {
            // Without intended times, as by default, there is no response time to ask for.
            let is_closed = load.as_ref().is_none_or(|load| load.contains("'max'"));
            let slo = slo.filter(|_| !is_closed);
            // Nor a known time at which the input could be disturbed.
            let is_open = measure.as_ref().is_some_and(|it| it.contains("'auto'"));
            let fault = if is_open { String::new() } else { fault };
            [
                name,
                seed,
                Some(workload),
                load,
                job,
                slo,
                measure,
                Some(fault),
            ]
            .into_iter()
            .flatten()
            .collect()
        },
    )
}

/// A few seconds' worth; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(20_000),
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_scenario_written_out_with_its_defaults_is_the_same_scenario(text in scenario()) {
        let parsed = parse(&text, &[]).unwrap();
        prop_assert_eq!(parse(&parsed.to_toml(), &[]), Ok(parsed));
    }

    #[test]
    fn a_mutated_scenario_is_parsed_or_refused_in_one_line(
        text in scenario(), at in any::<prop::sample::Index>(), cut in 0usize..20, put in "[ -~\\n]{0,8}",
    ) {
        let mut text: Vec<char> = text.chars().collect();
        let at = at.index(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, put.chars());
        if let Err(message) = parse(&text.into_iter().collect::<String>(), &[]) {
            prop_assert_eq!(message.lines().count(), 1, "{}", message);
        }
    }

    #[test]
    fn any_text_and_any_override_is_parsed_or_refused(text in "\\PC{0,200}", key in "\\PC{0,20}", value in "\\PC{0,20}") {
        let _ = parse(&text, &[]);
        let _ = parse("[workload]\nkind = 'slow-operator'", &[format!("{key}={value}")]);
        let _ = parse(&text, &[key, value]);
    }

    #[test]
    fn an_override_is_as_if_the_file_said_so(text in scenario(), seed in 0..i64::MAX) {
        let mut expected = parse(&text, &[]).unwrap();
        expected.seed = seed as u64;
        prop_assert_eq!(parse(&text, &[format!("seed={seed}")]), Ok(expected));
    }
}
