//! The machine, as far as it explains numbers: no names, no addresses.

use procfs::Current;

/// Processor, cores that this process may use, compiler.
pub fn describe() -> String {
    let cpu = procfs::CpuInfo::current().ok();
    let model = cpu.as_ref().and_then(|cpu| cpu.model_name(0));
    let model = model.unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism()
        .map_or("an unknown number of".to_owned(), |cores| cores.to_string());
    format!("{model}, {cores} cores, {}", env!("PEERS_RUSTC"))
}
