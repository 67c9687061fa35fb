//! Which compiler builds the peers, for the line that says where their numbers come from.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let version = version.unwrap_or_else(|_| "unknown rustc".to_owned());
    println!("cargo::rustc-env=PEERS_RUSTC={version}");
}
