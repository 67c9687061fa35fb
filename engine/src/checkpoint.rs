//! Checkpoints: what a job holds at one consistent moment, written so that it can go on from there,
//! at the same or another parallelism.
//!
//! - `config` is what a user chooses; `coordinator` decides when a checkpoint begins, is complete, or
//!   is given up; `alignment` decides what a barrier means to a subtask with several channels. Both
//!   are plain machines, fed with events and time, and so is `restart`, which says whether and when a
//!   failed job starts again.
//! - `parts` is what operators write and read; `storage` is the folder on disk.
//!
//! A checkpoint is complete once its manifest stands under its own name. Until then nothing in its
//! folder counts.

pub(crate) mod alignment;
pub(crate) mod barrier;
pub(crate) mod config;
pub(crate) mod coordinator;
pub(crate) mod hand_in;
#[cfg(test)]
mod model;
pub(crate) mod parts;
pub(crate) mod report;
pub(crate) mod restart;
pub(crate) mod restore;
pub(crate) mod spares;
pub(crate) mod storage;
pub(crate) mod taking;
pub(crate) mod underway;
pub(crate) mod writers;
