//! Workloads: loads, events, jobs and their expected answers.

pub mod draw;
pub mod load;
pub mod spec;
pub mod tag;

/// Bytes in lower-case hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
