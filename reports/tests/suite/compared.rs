//! The record of a comparison, its answer and its page.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use reports::compared::{
    Compared, ComparedBlock, ComparedRun, ComparedVariant, metrics, publish, read, render, summary,
};
use reports::comparison::{Next, Plan};
use reports::record::{Verdict, publish_run};
use reports::{Style, render as render_run};

use crate::simulated::Simulation;

/// Capacities of the runs wobble by up to 1 % around their variant's.
fn run(root: &Path, block: u64, variant: usize, length_ms: u64) -> String {
    let wobble = 1.0 + ((block * 7 + variant as u64 * 3) % 10) as f64 / 450.0;
    let (name, capacity, settings) = [
        ("base", 16_000.0, "local_aggregation = 0\n"),
        (
            "local-aggregation",
            21_000.0,
            "local_aggregation = 10_000\n",
        ),
        ("again", 16_000.0, "local_aggregation = 0\n"),
    ][variant];
    let directory = format!("runs/{:03}-{name}", block + 1);
    Simulation {
        length_ms,
        offered_per_s: Some(25_000),
        freeze_ms: None,
        capacity_per_s: (capacity * wobble) as u64,
        settings,
        calibration_ns: Some(1_000_000 + block * 20_000),
        ..Simulation::default()
    }
    .finish(&root.join(&directory));
    directory
}

fn variants() -> Vec<ComparedVariant> {
    let variant = |name: &str, sets: &[(&str, &str)]| ComparedVariant {
        name: name.to_owned(),
        target: "embedded 0.1.0".to_owned(),
        sets: sets
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    };
    vec![
        variant("base", &[]),
        variant(
            "local-aggregation",
            &[("workload.local_aggregation", "10_000")],
        ),
        variant("again", &[]),
    ]
}

/// Blocks of runs that were really made.
fn compared(root: &Path, blocks: u64, length_ms: u64) -> Compared {
    let plan = Plan {
        resamples: 1_000,
        ..Plan::default()
    };
    let mut compared = Compared::new("hot-keys", "2026-11-14T22:13:20Z", plan, variants());
    for block in 0..blocks {
        let order = plan.order(block as u32, 3);
        let mut made = ComparedBlock {
            runs: vec![None; 3],
            order: order.clone(),
        };
        for variant in order {
            let directory = run(root, block, variant, length_ms);
            made.runs[variant] = Some(ComparedRun::of(root, &directory));
        }
        compared.blocks.push(made);
    }
    compared
}

/// Logarithms differ in their last bits from one platform's library to the next.
fn rounded(csv: &str) -> String {
    let cell = |cell: &str| match cell.parse::<f64>() {
        Ok(number) if cell.contains('.') => format!("{number:.5}"),
        _ => cell.to_owned(),
    };
    let line = |line: &str| line.split(',').map(cell).collect::<Vec<_>>().join(",");
    csv.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_finished_comparison_answers_in_words_first() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 12, 3_000);
    compared.finished = true;
    compared.conclude();
    insta::assert_snapshot!(summary(&compared, Style::Plain));
    publish(root.path(), &compared).unwrap();
    let file = |name: &str| fs::read_to_string(root.path().join(name)).unwrap();
    insta::assert_snapshot!(rounded(&file("comparison.csv")));
    let blocks = file("blocks.csv");
    assert_eq!(blocks.lines().count(), 1 + 12 * 3);
    let first_block = blocks.lines().take(4).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(rounded(&first_block));
    assert_eq!(read(root.path()).unwrap(), compared);
    render(root.path()).unwrap();
    insta::assert_snapshot!(file("charts/forest.svg"));
}

#[test]
fn rendering_again_gives_the_same_bytes_and_asks_the_network_for_nothing() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 2, 2_000);
    compared.conclude();
    publish(root.path(), &compared).unwrap();
    render_run(&root.path().join("runs/001-base")).unwrap();
    let page = render(root.path()).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    let shown = html.replace("&#x2f;", "/");
    assert_eq!(
        html,
        fs::read_to_string(render(root.path()).unwrap()).unwrap()
    );
    for chart in ["forest", "throughput", "p99", "percentiles"] {
        let svg = fs::read_to_string(root.path().join(format!("charts/{chart}.svg"))).unwrap();
        assert!(html.contains(&svg) && svg.contains("verdicts: "), "{chart}");
    }
    // The only report there is, is the only one that is linked.
    assert_eq!(html.matches("href=").count(), 1);
    assert!(shown.contains("href=\"runs/001-base/report.html\""));
    assert!(html.contains("Not finished"));
    let own = html
        .replace("http://www.w3.org/2000/svg", "")
        .replace("https://github.com/leeoniya/uPlot", "");
    for reference in ["http:", "https:", "src=", "url(", "@import"] {
        assert!(!own.contains(reference), "the page contains {reference}");
    }
}

#[test]
fn names_are_text_and_never_markup_or_formulas_of_a_terminal() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 1, 2_000);
    let name = "</script><i>&\"'\u{1b}[2J\n";
    compared.name = name.to_owned();
    compared.variants[1].name = name.to_owned();
    compared.conclude();
    publish(root.path(), &compared).unwrap();
    let html = fs::read_to_string(render(root.path()).unwrap()).unwrap();
    assert!(!html.contains("<i>"));
    assert_eq!(
        html.matches("<script").count(),
        html.matches("</script>").count()
    );
    let text = summary(&compared, Style::Plain);
    assert!(!text.contains('\u{1b}'));
    let csv = fs::read_to_string(root.path().join("comparison.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * metrics().len());
}

#[test]
fn an_interrupted_block_does_not_count_until_it_is_complete() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 3, 2_000);
    compared.conclude();
    let whole = compared.estimates.clone();
    assert_eq!(compared.next(), Next::MoreBlocks(5));
    let mut cut = compared.blocks[0].clone();
    cut.runs[2] = None;
    compared.blocks.push(cut);
    compared.conclude();
    assert_eq!(compared.estimates, whole);
    assert_eq!(compared.next(), Next::MoreBlocks(5));
}

#[test]
fn runs_that_must_not_count_are_left_out_and_named() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 3, 2_000);
    let gone = ComparedRun::of(root.path(), "runs/nothing-there");
    assert_eq!((gone.verdict, gone.values.len()), (Verdict::Failed, 0));
    compared.blocks[1].runs[1] = Some(gone);
    compared.conclude();
    assert_eq!(compared.estimates[0][0].pairs, 2);
    assert_eq!(compared.estimates[1][0].pairs, 3);
    let note = "local-aggregation: 1 of 3 runs left out, as failed (block 2)";
    assert!(
        compared.notes.iter().any(|it| it == note),
        "{:?}",
        compared.notes
    );
}

#[test]
fn a_variant_of_no_use_is_named_and_so_is_what_ended_the_comparison() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 4, 2_000);
    assert_eq!(compared.useless(3), None);
    for block in &mut compared.blocks[1..] {
        block.runs[1].as_mut().unwrap().verdict = Verdict::GeneratorLimited;
    }
    let useless = "local-aggregation: the last 3 runs were 3 generator-limited, and such numbers cannot be used";
    assert_eq!(compared.useless(3).as_deref(), Some(useless));
    assert_eq!(compared.useless(4), None);
    compared.failure = compared.useless(3);
    compared.conclude();
    publish(root.path(), &compared).unwrap();
    let html = fs::read_to_string(render(root.path()).unwrap()).unwrap();
    let text = summary(&compared, Style::Plain);
    assert!(html.contains("Ended early") && html.contains(useless) && text.contains(useless));
    assert!(!html.contains("Not finished"));
}

#[test]
fn a_variant_that_is_the_baseline_once_more_says_what_noise_is() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 4, 2_000);
    for block in &mut compared.blocks {
        block.runs[2].as_mut().unwrap().values[0] = Some(17_000.0);
    }
    compared.variants[2].sets = vec![("seed".to_owned(), "2".to_owned())];
    compared.conclude();
    assert!(compared.metrics.iter().all(|it| it.floor == 0.02));
    compared.variants[2].sets.clear();
    compared.conclude();
    let ratio = compared.estimates[1][0].ratio.unwrap();
    assert!(ratio > 1.03 && compared.metrics[0].floor == ratio - 1.0);
    assert_eq!(compared.metrics[1].floor, 0.02);
}

#[test]
fn a_machine_that_changed_its_speed_is_reported() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 2, 2_000);
    compared.conclude();
    let told =
        |compared: &Compared, start: &str| compared.notes.iter().any(|it| it.starts_with(start));
    assert!(!told(&compared, "within block") && !told(&compared, "over the comparison"));
    let slower = compared.blocks[1].runs[2].as_mut().unwrap();
    slower.calibration_ns.as_mut().unwrap().median *= 1.2;
    compared.conclude();
    assert!(told(
        &compared,
        "within block 2 the machine's speed differed by up to 20 %"
    ));
    assert!(told(&compared, "over the comparison"));
}

#[test]
fn a_throughput_that_is_the_offered_load_is_called_that() {
    let root = tempfile::tempdir().unwrap();
    let mut compared = compared(root.path(), 2, 2_000);
    for run in compared
        .blocks
        .iter_mut()
        .flat_map(|block| block.runs.iter_mut().flatten())
    {
        run.offered_per_s = run.values[0];
    }
    compared.finished = true;
    compared.conclude();
    let text = summary(&compared, Style::Plain);
    assert!(text.contains("says nothing of their capacity"), "{text}");
}

#[test]
fn finished_runs_are_put_side_by_side_and_said_to_be_not_interleaved() {
    let root = tempfile::tempdir().unwrap();
    let runs: Vec<_> = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)]
        .map(|(block, variant)| root.path().join(run(root.path(), block, variant, 2_000)))
        .to_vec();
    let out = root.path().join("compared");
    let compared = Compared::of_finished(&out, &runs, 0.05).unwrap();
    let names: Vec<&str> = compared
        .variants
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["simulated", "local_aggregation = 10000"]);
    let pairs: Vec<u32> = compared.estimates.iter().map(|it| it[0].pairs).collect();
    assert_eq!((compared.blocks.len(), pairs), (3, vec![2]));
    assert_eq!(compared.next(), Next::Stop);
    fs::create_dir_all(&out).unwrap();
    publish(&out, &compared).unwrap();
    let html = fs::read_to_string(render(&out).unwrap()).unwrap();
    assert!(html.contains("Not interleaved"));
    assert!(html.replace("&#x2f;", "/").contains("../runs/001-base"));
    insta::assert_snapshot!(summary(&compared, Style::Plain));
    assert!(Compared::of_finished(&out, &runs[..1], 0.05).is_err());
    // Another machine is no variant, but said.
    let mut moved = reports::open_run(&runs[2]).unwrap();
    moved.host.insert("cores".to_owned(), 64.into());
    publish_run(&runs[2], &moved).unwrap();
    let elsewhere = Compared::of_finished(&out, &runs, 0.05).unwrap();
    assert!(
        elsewhere
            .notes
            .iter()
            .any(|note| note.contains("differ in cores"))
    );
    // Two runs of one scenario: each is a variant.
    let same = Compared::of_finished(&out, &runs[..2], 0.05).unwrap();
    let names: Vec<&str> = same.variants.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["001-base", "002-base"]);
}

#[test]
fn what_is_no_record_of_a_comparison_is_refused() {
    let root = tempfile::tempdir().unwrap();
    assert!(read(root.path()).is_err());
    fs::write(root.path().join("result.json"), "{\"schema\": 1}").unwrap();
    let message = read(root.path()).unwrap_err().to_string();
    assert!(
        message.contains("is not the record of a comparison"),
        "{message}"
    );
    let mut newer = Compared::new("a", "", Plan::default(), Vec::new());
    newer.schema = 99;
    publish(root.path(), &newer).unwrap();
    let message = read(root.path()).unwrap_err().to_string();
    assert!(
        message.ends_with("has schema 99; this program knows schema 1"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn any_record_has_an_answer_and_a_page(
        blocks in prop::collection::vec(
            (
                prop::collection::vec(0usize..5, 0..4),
                prop::collection::vec(
                    prop::option::of(prop::collection::vec(prop::option::of(any::<f64>()), 0..10)), 0..5
                ),
            ),
            0..4,
        ),
        variants in 0usize..4, interleaved: bool, finished: bool, estimates in 0usize..9,
    ) {
        let plan = Plan { resamples: 20, ..Plan::default() };
        let named = |at: usize| ComparedVariant {
            name: format!("v{at}"), target: String::new(), sets: vec![("a".to_owned(), "1".to_owned())],
        };
        let mut compared = Compared::new("any", "", plan, (0..variants).map(named).collect());
        let made = |values: Vec<Option<f64>>| ComparedRun {
            directory: "../nowhere".to_owned(), verdict: Verdict::Overloaded, values,
            offered_per_s: Some(0.0), calibration_ns: None,
        };
        compared.blocks = blocks.into_iter().map(|(order, runs)| ComparedBlock {
            order, runs: runs.into_iter().map(|run| run.map(made)).collect(),
        }).collect();
        (compared.interleaved, compared.finished) = (interleaved, finished);
        compared.conclude();
        // Not even what was written by hand leads to a panic.
        compared.estimates.truncate(estimates);
        compared.estimates.iter_mut().for_each(|it| it.truncate(estimates));
        let root = tempfile::tempdir().unwrap();
        publish(root.path(), &compared).unwrap();
        prop_assert!(render(root.path()).is_ok());
        prop_assert!(!summary(&compared, Style::Colored).is_empty());
    }
}
