//! The machine a run happened on, as far as it explains numbers: no names, no addresses.

use std::collections::BTreeMap;

use procfs::Current;
use serde_json::Value;

/// Facts about this machine, by the keys of `run.json`'s `host`; what cannot be read is null.
pub fn describe() -> BTreeMap<String, Value> {
    let cpu = procfs::CpuInfo::current().ok();
    let memory = procfs::Meminfo::current().ok();
    let kernel = procfs::sys::kernel::Version::current().ok();
    let facts = [
        ("os", Value::from(std::env::consts::OS)),
        ("arch", Value::from(std::env::consts::ARCH)),
        (
            "kernel",
            Value::from(kernel.map(|v| format!("{}.{}.{}", v.major, v.minor, v.patch))),
        ),
        (
            "cpu_model",
            Value::from(
                cpu.as_ref()
                    .and_then(|cpu| cpu.model_name(0))
                    .map(str::to_owned),
            ),
        ),
        ("cores", Value::from(cores())),
        (
            "memory_bytes",
            Value::from(memory.map(|memory| memory.mem_total)),
        ),
        ("backwater_version", Value::from(env!("CARGO_PKG_VERSION"))),
        ("debug_assertions", Value::from(cfg!(debug_assertions))),
    ];
    facts
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// By which of the facts runs of this process are no repetitions of those made with `earlier`, if any.
pub fn other_than_this(earlier: &BTreeMap<String, Value>) -> Option<&'static str> {
    let telling = [
        "arch",
        "cpu_model",
        "cores",
        "backwater_version",
        "debug_assertions",
    ];
    let now = describe();
    let differs = |key: &&str| earlier.get(*key) != now.get(*key);
    let mut telling = telling.into_iter();
    telling.find(|key| !earlier.is_empty() && differs(key))
}

/// Cores this process may use.
fn cores() -> Option<u64> {
    std::thread::available_parallelism()
        .ok()
        .map(|cores| cores.get() as u64)
}
