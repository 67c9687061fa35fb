//! Whatever the topology, a job that drains delivers every row once, a job that is cancelled can
//! say where every row is, and tags stay with their rows.

#[path = "support/collected.rs"]
mod collected;
#[path = "support/numbers.rs"]
mod numbers;

use std::time::Duration;

use collected::Collected;
use engine::{
    Aggregate, AsyncOptions, Chaining, ChannelConfig, Job, JobConfig, JobGraph, NetworkConfig,
    Outcome, Remote, Side, Stream,
};
use numbers::Numbers;
use proptest::prelude::*;

/// Far beyond any run of these jobs: a hang fails the test and not the suite.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum Link {
    Map,
    KeepEven,
    Triple,
    Call {
        ordered: bool,
        capacity: usize,
    },
    /// Every third value takes a way of its own for a while.
    PartAndUnite,
}

#[derive(Clone, Debug)]
enum By {
    Default,
    Rebalance,
    Rescale,
    Key,
}

#[derive(Clone, Debug)]
struct Topology {
    source_parallelism: usize,
    links: Vec<(Link, By, usize)>,
    chaining: bool,
    channels: ChannelConfig,
    /// Over which all exchanges go.
    network: Option<NetworkConfig>,
}

fn topology() -> impl Strategy<Value = Topology> {
    let link = prop_oneof![
        Just(Link::Map),
        Just(Link::KeepEven),
        Just(Link::Triple),
        (any::<bool>(), 1usize..5).prop_map(|(ordered, capacity)| Link::Call { ordered, capacity }),
        Just(Link::PartAndUnite),
    ];
    let by = prop_oneof![
        Just(By::Default),
        Just(By::Rebalance),
        Just(By::Rescale),
        Just(By::Key)
    ];
    let channels = (1usize..40, 1usize..3, 0usize..4, 0u64..3).prop_map(
        |(batch, exclusive, floating, flush)| {
            let flush_timeout = Duration::from_millis(flush);
            ChannelConfig {
                batch,
                exclusive,
                floating,
                flush_timeout,
            }
        },
    );
    let network = (prop::option::of(1u64 << 22..1 << 30), 0u64..100).prop_map(
        |(bandwidth_per_s, latency_us)| NetworkConfig {
            bandwidth_per_s,
            latency: Duration::from_micros(latency_us),
        },
    );
    (
        1usize..4,
        prop::collection::vec((link, by, 1usize..5), 1..5),
        any::<bool>(),
        channels,
        prop::option::weighted(0.3, network),
    )
        .prop_map(
            |(source_parallelism, links, chaining, channels, network)| Topology {
                source_parallelism,
                links,
                chaining,
                channels,
                network,
            },
        )
}

/// Passes every value through, so that a keyed exchange can stand in front of it.
#[derive(Clone)]
struct Last;
impl Aggregate<u64, u64> for Last {
    type Accumulator = u64;
    type Out = u64;
    fn create(&self) -> u64 {
        0
    }
    fn add(&self, accumulator: &mut u64, value: u64) {
        *accumulator = value;
    }
    fn result(&self, _key: &u64, accumulator: &u64) -> u64 {
        *accumulator
    }
}

fn add_link(
    stream: Stream<u64>,
    index: usize,
    link: &Link,
    by: &By,
    parallelism: usize,
) -> Stream<u64> {
    let stream = match by {
        By::Default => stream,
        By::Rebalance => stream.rebalance(),
        By::Rescale => stream.rescale(),
        By::Key => stream
            .key_by(|value| value % 13)
            .aggregate(&format!("last-{index}"), Last)
            .parallelism(parallelism),
    };
    let name = format!("link-{index}");
    let stream = match *link {
        Link::Map => stream.map(&name, |value| value),
        Link::KeepEven => stream.filter(&name, |value| value % 2 == 0),
        Link::Triple => stream.flat_map(&name, |value, out| (0..3).for_each(|_| out.emit(value))),
        Link::PartAndUnite => {
            let side = |value: u64| match value % 3 {
                0 => Side::Right(value),
                _ => Side::Left(value),
            };
            let (left, right) = stream.map(&name, side).split();
            left.union(right.map(&format!("aside-{index}"), |value| value))
        }
        Link::Call { ordered, capacity } => {
            stream.async_io(&name, AsyncOptions { capacity, ordered }, |_| {
                |value: u64| async move {
                    if value.is_multiple_of(50) {
                        tokio::task::yield_now().await;
                    }
                    value
                }
            })
        }
    };
    stream.parallelism(parallelism)
}

fn start(topology: &Topology, records: u64) -> (Job, Collected<u64>) {
    let graph = JobGraph::new("conservation");
    let mut stream = graph
        .source("numbers", move |context| {
            (Numbers::share(records, context), None)
        })
        .parallelism(topology.source_parallelism);
    for (index, (link, by, parallelism)) in topology.links.iter().enumerate() {
        stream = add_link(stream, index, link, by, *parallelism);
    }
    let collected = Collected::default();
    let sink = collected.clone();
    stream.sink("collect", move |_| sink.clone());
    let config = JobConfig {
        slots: 2,
        chaining: if topology.chaining {
            Chaining::On
        } else {
            Chaining::Off
        },
        channels: topology.channels.clone(),
        remote: match topology.network {
            Some(_) => Remote::All,
            None => Remote::None,
        },
        network: topology.network.clone().unwrap_or_default(),
        ..JobConfig::default()
    };
    (
        graph
            .deploy(config)
            .expect("a valid job")
            .start()
            .expect("threads"),
        collected,
    )
}

/// What a single-threaded reading of the same links gives.
fn expected(topology: &Topology, records: u64) -> Vec<u64> {
    let mut values: Vec<u64> = (0..records).collect();
    for (link, ..) in &topology.links {
        values = match link {
            Link::Map | Link::Call { .. } | Link::PartAndUnite => values,
            Link::KeepEven => values.into_iter().filter(|value| value % 2 == 0).collect(),
            Link::Triple => values.into_iter().flat_map(|value| [value; 3]).collect(),
        };
    }
    values.sort_unstable();
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 90, ..ProptestConfig::default() })]

    #[test]
    fn a_drained_job_delivers_every_row_once_with_its_tag(topology in topology(), records in 0u64..3_000) {
        // Batches of one row each wait for a latency.
        let records = if topology.network.is_some() { records / 20 } else { records };
        let (job, collected) = start(&topology, records);
        prop_assert!(job.wait(PATIENCE), "hangs");
        let report = job.join();
        prop_assert_eq!(report.outcome, Outcome::Finished);
        for edge in &report.edges {
            prop_assert_eq!(edge.in_flight, 0);
            prop_assert_eq!(edge.emitted, edge.received);
        }
        for channel in &report.snapshot.channels {
            prop_assert_eq!(channel.enqueued, channel.dequeued);
            let is_sent = (channel.bytes.is_some(), channel.on_link.is_some());
            prop_assert_eq!(is_sent, (topology.network.is_some(), topology.network.is_some()));
        }
        let rows = collected.take();
        prop_assert!(rows.iter().all(|row| row.tag == row.value + 1));
        let mut values: Vec<u64> = rows.into_iter().map(|row| row.value).collect();
        values.sort_unstable();
        prop_assert_eq!(values, expected(&topology, records));
    }

    #[test]
    fn a_cancelled_job_knows_where_every_row_is(topology in topology(), after_us in 0u64..3_000) {
        let (job, _collected) = start(&topology, u64::MAX / 8);
        std::thread::sleep(Duration::from_micros(after_us));
        job.cancel();
        prop_assert!(job.wait(PATIENCE), "hangs");
        let report = job.join();
        prop_assert_eq!(report.outcome, Outcome::Cancelled);
        for edge in &report.edges {
            prop_assert_eq!(edge.emitted, edge.received + edge.in_flight);
        }
    }

    #[test]
    fn a_stopped_job_drains_what_its_sources_emitted(topology in topology(), after_us in 0u64..3_000) {
        let (job, collected) = start(&topology, u64::MAX / 8);
        std::thread::sleep(Duration::from_micros(after_us));
        job.drain();
        prop_assert!(job.wait(PATIENCE), "hangs");
        let report = job.join();
        prop_assert_eq!(report.outcome, Outcome::Finished);
        prop_assert!(report.edges.iter().all(|edge| edge.in_flight == 0 && edge.emitted == edge.received));
        let sink = report.snapshot.subtasks.iter().map(|subtask| subtask.task).max();
        let written: u64 = report.snapshot.subtasks.iter()
            .filter(|subtask| Some(subtask.task) == sink).map(|subtask| subtask.records_out).sum();
        prop_assert_eq!(written, collected.take().len() as u64);
    }
}
