//! Whatever is wrong with the input gets one line that names the file, the key, what was found and
//! what is allowed; exit status 2; and nothing is written.

use std::fmt::Write as _;
use std::fs;

use crate::backwater::{Folder, SMALL, stderr, stdout};

/// A scenario file with one thing wrong, or arguments that are.
const CASES: &[(&str, &str, &[&str])] = &[
    ("not TOML", "name = \n", &[]),
    (
        "unknown table",
        "[workload]\nkind = 'slow-operator'\n[laod]\n",
        &[],
    ),
    (
        "unknown key",
        "[workload]\nkind = 'slow-operator'\n[load]\nsplit = 3\n",
        &[],
    ),
    (
        "unknown key in an array",
        "[workload]\nkind = 'slow-operator'\n\
         [[fault]]\nkind = 'freeze'\noperator = 'slow'\nat = '1s'\nfor = '1s'\nwhen = '1s'\n",
        &[],
    ),
    ("no workload", "name = 'x'\n", &[]),
    (
        "unknown workload",
        "[workload]\nkind = 'slow-opertor'\n",
        &[],
    ),
    ("a table that is none", "workload = 3\n", &[]),
    (
        "wrong type",
        "[workload]\nkind = 'slow-operator'\n[measure]\nduration = 5\n",
        &[],
    ),
    (
        "wrong type, nested",
        "[workload]\nkind = 'slow-operator'\n[load]\nshape = { kind = 'constant', rate_per_s = 'fast' }\n",
        &[],
    ),
    (
        "wrong type of the seed",
        "seed = -1\n[workload]\nkind = 'slow-operator'\n",
        &[],
    ),
    (
        "interval too short",
        "[workload]\nkind = 'slow-operator'\n[measure]\ninterval = '1ms'\n",
        &[],
    ),
    (
        "interval too long",
        "[workload]\nkind = 'slow-operator'\n[measure]\ninterval = '11s'\n",
        &[],
    ),
    (
        "no duration",
        "[workload]\nkind = 'slow-operator'\n[measure]\nduration = '0s'\n",
        &[],
    ),
    (
        "not a duration",
        "[workload]\nkind = 'slow-operator'\n[measure]\nwarmup = 'soon'\n",
        &[],
    ),
    (
        "a name that leaves the folder",
        "name = '../x'\n[workload]\nkind = 'slow-operator'\n",
        &[],
    ),
    (
        "a fault after the end",
        "[workload]\nkind = 'slow-operator'\n[measure]\nduration = '5s'\n\
         [[fault]]\nkind = 'freeze'\noperator = 'slow'\nat = '6s'\nfor = '1s'\n",
        &[],
    ),
    (
        "a fault that outlasts the run",
        "[workload]\nkind = 'slow-operator'\n[measure]\nduration = '5s'\n\
         [[fault]]\nkind = 'freeze'\noperator = 'slow'\nat = '4s'\nfor = '2s'\n",
        &[],
    ),
    (
        "a fault on no operator",
        "[workload]\nkind = 'slow-operator'\n[[fault]]\nkind = 'freeze'\noperator = 'slwo'\nat = '1s'\nfor = '1s'\n",
        &[],
    ),
    (
        "a fault on no subtask",
        "[workload]\nkind = 'slow-operator'\n[job]\nparallelism = 2\n\
         [[fault]]\nkind = 'slow-subtask'\noperator = 'slow'\nsubtask = 2\nextra = '1ms'\nat = '1s'\nfor = '1s'\n",
        &[],
    ),
    (
        "slow state of no subtask",
        "[workload]\nkind = 'slow-operator'\n[job]\nparallelism = 2\n\
         [[fault]]\nkind = 'slow-state'\noperator = 'sum'\nsubtask = 2\nextra = '1ms'\nat = '1s'\nfor = '1s'\n",
        &[],
    ),
    (
        "a disk of no speed",
        "[workload]\nkind = 'slow-operator'\n\
         [[fault]]\nkind = 'throttle-disk'\nrate_per_s = '5 MB/s'\nat = '1s'\nfor = '1s'\n",
        &[],
    ),
    (
        "a network without bandwidth",
        "[workload]\nkind = 'slow-operator'\n[job]\nremote = true\nnetwork = { bandwidth_per_s = '0B' }\n",
        &[],
    ),
    (
        "a remote exchange into no operator",
        "[workload]\nkind = 'slow-operator'\n[job]\nremote = ['slow', 'smu']\n",
        &[],
    ),
    (
        "state in a folder that cannot be",
        "[workload]\nkind = 'hot-keys'\n[job]\nstate = { backend = 'rocksdb', directory = 'scenario.toml' }\n",
        &[],
    ),
    (
        "a fault of no known kind",
        "[workload]\nkind = 'slow-operator'\n[[fault]]\nkind = 'melt'\nat = '1s'\n",
        &[],
    ),
    (
        "a shift of keys that are not hot",
        "[workload]\nkind = 'slow-operator'\n[load]\nshape = { kind = 'constant', rate_per_s = 100 }\n\
         [[fault]]\nkind = 'skew-shift'\nat = '1s'\n",
        &[],
    ),
    (
        "a pause of a split that is not there",
        "[workload]\nkind = 'slow-operator'\n[load]\nshape = { kind = 'constant', rate_per_s = 100 }\nsplits = 4\n\
         [[fault]]\nkind = 'pause-split'\nsplit = 4\nat = '1s'\nfor = '1s'\n",
        &[],
    ),
    (
        "a fault without operators",
        "[workload]\nkind = 'slow-operator'\n[[fault]]\nkind = 'freeze'\noperator = 'slow'\nat = '1s'\nfor = '1s'\n",
        &["--target", "null"],
    ),
    (
        "a chain broken at no operator",
        "[workload]\nkind = 'slow-operator'\n[job]\nchaining = ['slwo']\n",
        &[],
    ),
    (
        "a state backend that is not there",
        "[workload]\nkind = 'slow-operator'\n[job]\nstate = { backend = 'rockdb' }\n",
        &[],
    ),
    (
        "an option of RocksDB for state on the heap",
        "[workload]\nkind = 'slow-operator'\n[job]\nstate = { backend = 'heap', block_cache = '8MiB' }\n",
        &[],
    ),
    (
        "a size in units of uncertain meaning",
        "[workload]\nkind = 'slow-operator'\n[job.state]\nbackend = 'rocksdb'\nblock_cache = '8MB'\n",
        &[],
    ),
    (
        "a budget beside one of its parts",
        "[workload]\nkind = 'slow-operator'\n[job.state]\nbackend = 'rocksdb'\n\
         managed_memory = '256MiB'\nblock_cache = '8MiB'\n",
        &[],
    ),
    (
        "a budget that holds no write buffer",
        "[workload]\nkind = 'slow-operator'\n[job.state]\nbackend = 'rocksdb'\nmanaged_memory = '2MiB'\n",
        &[],
    ),
    (
        "a block cache in more parts than it has blocks",
        "[workload]\nkind = 'slow-operator'\n[job.state]\nbackend = 'rocksdb'\n\
         block_cache = '1MiB'\nblock_cache_shard_bits = 10\n",
        &[],
    ),
    (
        "more write buffers to merge than there are",
        "[workload]\nkind = 'slow-operator'\n[job.state]\nbackend = 'rocksdb'\nwrite_buffers_to_merge = 2\n",
        &[],
    ),
    (
        "the size of a bloom filter that is off",
        "[workload]\nkind = 'slow-operator'\n[job.state]\nbackend = 'rocksdb'\n\
         profile = 'spinning-disk-high-memory'\nbloom_filter = false\nbloom_bits_per_key = 8\n",
        &[],
    ),
    (
        "recorded times that are not there",
        "[workload]\nkind = 'slow-operator'\n[load]\nshape = { kind = 'replay' }\n",
        &[],
    ),
    (
        "an objective of response times that there are none of",
        "[workload]\nkind = 'slow-operator'\n[load]\nshape = { kind = 'max' }\n[slo]\np999 = '5ms'\n",
        &[],
    ),
    (
        "an objective of nothing known",
        "[workload]\nkind = 'slow-operator'\n[slo]\np95 = '5ms'\n",
        &[],
    ),
    (
        "a warm-up in a word that is none",
        "[workload]\nkind = 'slow-operator'\n[measure]\nwarmup = 'automatic'\n",
        &[],
    ),
    (
        "an input that is disturbed after an unknown warm-up",
        "[workload]\nkind = 'slow-operator'\n[measure]\nwarmup = 'auto'\n\
         [[fault]]\nkind = 'pause-split'\nsplit = 0\nat = '1s'\nfor = '1s'\n",
        &[],
    ),
    (
        "an override without a value",
        SMALL,
        &["--set", "load.splits"],
    ),
    (
        "an override of nothing",
        SMALL,
        &["--set", "measure..interval=1s"],
    ),
    (
        "an override below a value",
        SMALL,
        &["--set", "name.first=x"],
    ),
    (
        "an override out of range",
        SMALL,
        &["--set", "load.splits=0"],
    ),
    (
        "an override of the wrong type",
        SMALL,
        &["--set", "measure.interval=[1"],
    ),
    (
        "an unknown override",
        SMALL,
        &["--set", "measure.intervall=1s"],
    ),
    ("a folder that is not empty", SMALL, &["--out", "."]),
    (
        "a folder that is a file",
        SMALL,
        &["--out", "scenario.toml"],
    ),
    (
        "a folder below a file",
        SMALL,
        &["--out", "scenario.toml/run"],
    ),
];

#[test]
fn bad_input_is_refused_in_one_line_that_says_what_is_allowed() {
    let mut transcript = String::new();
    for (what, text, arguments) in CASES {
        let folder = Folder::new();
        let scenario = folder.write("scenario.toml", text);
        let output = folder.run(&[&["run", &scenario], *arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{what}: {}", stderr(&output));
        let message = stderr(&output);
        assert_eq!(message.lines().count(), 1, "{what}: {message}");
        assert_eq!(stdout(&output), "", "{what}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "{what}: something was written"
        );
        write!(transcript, "{what}\n  {message}").unwrap();
    }
    insta::assert_snapshot!(transcript);
}

#[test]
fn a_missing_or_unreadable_scenario_is_refused_with_its_name() {
    let folder = Folder::new();
    let output = folder.run(&["run", "slow-operatr"]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(message.contains("slow-operatr: no such file"), "{message}");
    assert!(message.contains("did you mean slow-operator?"), "{message}");
    let output = folder.run(&["run", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("cannot read the scenario"),
        "{}",
        stderr(&output)
    );
    let output = folder.run(&["run", "/dev/zero"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("which no scenario has"),
        "{}",
        stderr(&output)
    );
    fs::write(folder.path().join("latin.toml"), b"name = \"\xe9\"").unwrap();
    let output = folder.run(&["run", "latin.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("latin.toml: cannot read the scenario"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn bad_usage_is_refused() {
    let folder = Folder::new();
    for arguments in [
        &["run"][..],
        &["run", "x", "--target", "spark"],
        &["report"],
        &["fly"],
    ] {
        assert_eq!(
            folder.run(arguments).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
    let output = folder.run(&["report", "nothing-here"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("nothing-here"),
        "{}",
        stderr(&output)
    );
    let output = folder.run(&["list", "flihgts"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("did you mean flights?"),
        "{}",
        stderr(&output)
    );
}
