//! Keyed state in RocksDB: one database per operator subtask, one column family per state.
//!
//! A key is its key group (two bytes, big endian) before its encoding, so that the state of a range
//! of key groups is a range of keys, and rescaling copies ranges. Nothing is written ahead: what
//! makes state durable are checkpoints. Reads and writes of a run of rows are done together, see
//! [`overlay`].

pub(crate) mod calls;
pub(crate) mod config;
pub(crate) mod database;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod meter;
pub(crate) mod overlay;
pub(crate) mod page;
pub(crate) mod probe;
pub(crate) mod shared;
pub(crate) mod store;
pub(crate) mod table;
