//! What is tortured.

/// A workload on a state backend in a checkpoint mode.
#[derive(Clone, Debug)]
pub struct Combination {
    what: &'static str,
    pub workload: String,
    pub splits: u32,
    pub arrivals: &'static str,
    pub backend: Backend,
    pub mode: Mode,
    pub files: Option<Files>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Heap,
    RocksDb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Aligned,
    Unaligned,
}

/// What is known of the rows in the files of every sink.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// No two have the same in all these columns.
    pub unique: &'static [&'static str],
    /// They stand for so many times the records, together.
    pub total: Option<(Weight, u64)>,
}

/// How many records a row stands for.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    One,
    Column(&'static str),
}

impl Combination {
    fn new(what: &'static str, workload: &str) -> Combination {
        Combination {
            what,
            workload: workload.to_owned(),
            splits: 5,
            arrivals: "uniform",
            backend: Backend::Heap,
            mode: Mode::Aligned,
            files: None,
        }
    }

    fn of_splits(self, splits: u32) -> Combination {
        Combination { splits, ..self }
    }

    fn at_random(self) -> Combination {
        let arrivals = "poisson";
        Combination { arrivals, ..self }
    }

    fn on(self, backend: Backend) -> Combination {
        Combination { backend, ..self }
    }

    /// Its rows go to files, too.
    fn into_files(
        self,
        unique: &'static [&'static str],
        total: Option<(Weight, u64)>,
    ) -> Combination {
        let files = Some(Files { unique, total });
        Combination { files, ..self }
    }

    /// As the test is called.
    pub fn name(&self) -> String {
        let backend = match self.backend {
            Backend::Heap => "heap",
            Backend::RocksDb => "rocksdb",
        };
        let mode = match self.mode {
            Mode::Aligned => "aligned",
            Mode::Unaligned => "unaligned",
        };
        format!("{}/{backend}/{mode}", self.what)
    }
}

/// All of them.
pub fn combinations() -> Vec<Combination> {
    let workloads = [
        slow_operators(),
        aggregates(),
        windows(),
        late_data(),
        states(),
    ];
    let workloads = workloads.into_iter().flatten();
    let in_mode = |combination: Combination| {
        [Mode::Aligned, Mode::Unaligned].map(|mode| Combination {
            mode,
            ..combination.clone()
        })
    };
    workloads.flat_map(in_mode).collect()
}

fn slow_operators() -> Vec<Combination> {
    let slow = |what, cost: &str| {
        let text = format!("kind = 'slow-operator'\n{cost}");
        Combination::new(what, &text)
    };
    vec![
        slow(
            "slow-operator-fan-out",
            "cost = { kind = 'cpu', mean = '2us' }\nfan_out = 2",
        )
        .into_files(&["key", "count"], Some((Weight::One, 2))),
        slow(
            "slow-operator-blocking",
            "cost = { kind = 'blocking', mean = '5us' }",
        )
        .into_files(&["key", "count"], Some((Weight::One, 1))),
        slow(
            "slow-operator-async",
            "cost = { kind = 'async', mean = '20ms' }\nasync = { capacity = 2_000 }",
        ),
    ]
}

const HOT_KEYS: &str = "kind = 'hot-keys'\nkeys = 300\ncost = { mean = '0s' }";

fn aggregates() -> Vec<Combination> {
    vec![
        Combination::new("flights", "kind = 'flights'")
            .of_splits(3)
            .into_files(&["key", "count"], Some((Weight::One, 1))),
        Combination::new("hot-keys", HOT_KEYS)
            .of_splits(7)
            .at_random()
            .into_files(&["key", "updates"], Some((Weight::Column("added"), 1))),
        Combination::new(
            "hot-keys-local-aggregation",
            &format!("{HOT_KEYS}\nlocal_aggregation = 100"),
        )
        .of_splits(7)
        .into_files(&["key", "updates"], Some((Weight::Column("added"), 1))),
    ]
}

fn windows() -> Vec<Combination> {
    let hot = format!("{HOT_KEYS}\nwindow = '10ms'\nevent_rate_per_s = 50_000");
    let flights =
        "kind = 'flights'\nwindow = '1h'\nwatermark_delay = '30m'\nallowed_lateness = '60m'";
    let once = (&["key", "start_ms"], Some((Weight::Column("count"), 1)));
    vec![
        Combination::new("hot-keys-windows", &hot)
            .of_splits(6)
            .into_files(once.0, once.1),
        Combination::new("hot-keys-two-phases", &format!("{hot}\nsalt = 16"))
            .of_splits(6)
            .at_random()
            .into_files(once.0, once.1),
        Combination::new("flights-windows-one-split", flights).of_splits(1),
        Combination::new("flights-windows", flights).of_splits(4),
    ]
}

/// With one split and a watermark behind every record each firing has one right answer; otherwise what is late depends
/// on who was faster.
fn late_data() -> Vec<Combination> {
    let late = "kind = 'late-data'\nevent_rate_per_s = 50_000\nlateness = { kind = 'exponential', mean = '20ms' }\nvery_late = { share = 0.02, max = '300ms' }";
    let exact = |what, rest: &str| {
        let watermark = "watermark = { delay = '20ms', every_record = true }";
        let text = format!("{late}\n{watermark}\nallowed_lateness = '40ms'\n{rest}");
        Combination::new(what, &text).of_splits(1)
    };
    let racing = |what, rest: &str| {
        let watermark = "watermark = { delay = '20ms', idle_timeout = '5ms' }";
        let text = format!("{late}\n{watermark}\nallowed_lateness = '10ms'\n{rest}");
        Combination::new(what, &text)
    };
    let tumbling = "keys = 7\nwindow = { kind = 'tumbling', size = '30ms' }";
    let sliding = "keys = 7\nwindow = { kind = 'sliding', size = '50ms', slide = '20ms' }";
    let copies = "keys = 7\nwindow = { kind = 'sliding', size = '50ms', slide = '20ms', form = 'copies' }\npurging = true";
    let sessions = "keys = 300\nwindow = { kind = 'session', gap = '5ms' }";
    let triggered = |trigger: &str| {
        let window = "keys = 7\nwindow = { kind = 'tumbling', size = '50ms' }";
        format!("{window}\ntrigger = {trigger}")
    };
    vec![
        exact("late-data-tumbling-exact", tumbling),
        exact("late-data-sliced-exact", sliding),
        exact("late-data-copies-exact", copies),
        exact("late-data-sessions-exact", sessions),
        racing("late-data-tumbling", tumbling),
        racing("late-data-sliced", &format!("{sliding}\nlate = 'drop'")),
        racing("late-data-sessions", sessions),
        racing(
            "late-data-early",
            &triggered("{ kind = 'early-interval', interval = '10ms' }"),
        ),
        racing(
            "late-data-count",
            &triggered("{ kind = 'count', count = 3 }"),
        ),
    ]
}

fn states() -> Vec<Combination> {
    let profiles = "kind = 'state-growth'\npreloaded = 3000\nnew_key_share = 0.01\nmix = { read = 3, update = 3, write = 2, delete = 2 }\nvalue_bytes = 10\nvalue_bytes_max = 300";
    let visits = "kind = 'state-growth'\njob = 'unique-visitor'\npreloaded = 300\nday = '20ms'\ndisorder = '5ms'";
    let aging = "kind = 'state-growth'\npreloaded = 100\nttl = { after = '30ms', refresh = 'on-read-and-write' }";
    let pressed =
        "kind = 'checkpoint-pressure'\nkeys = 2000\nvalue_bytes = 100\ncost = { mean = '40us' }";
    let record = (&["record"], Some((Weight::One, 1)));
    let workloads = [
        Combination::new("state-growth", profiles)
            .of_splits(7)
            .into_files(record.0, record.1),
        Combination::new("state-growth-visits", visits)
            .of_splits(7)
            .at_random()
            .into_files(&["record"], None),
        Combination::new("state-growth-ttl", aging)
            .of_splits(7)
            .into_files(record.0, record.1),
        Combination::new("checkpoint-pressure", pressed)
            .of_splits(3)
            .into_files(record.0, record.1),
    ];
    let on_both = |combination: Combination| {
        [Backend::Heap, Backend::RocksDb].map(|backend| combination.clone().on(backend))
    };
    workloads.into_iter().flat_map(on_both).collect()
}
