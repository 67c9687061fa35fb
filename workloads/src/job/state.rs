//! `[job] state`: where keyed state is kept, on the heap or in RocksDB, and RocksDB's options.
//!
//! The options have the names and the defaults of Apache Flink's `state.backend.rocksdb.*`. A profile is a set of
//! defaults, as in Flink: whatever is written beside it wins, and written out again a scenario states every option.
//! Which options contradict each other is the engine's to say ([`engine::RocksDbConfig::check`]); here are only the
//! contradictions between keys that the engine's configuration cannot even express.

mod parameters;
mod rocksdb;

use engine::StateBackend;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::spec::{Kind, SpecError, Variant, read, write};

use rocksdb::Options;
pub use rocksdb::RocksDbSpec;

/// Where keyed state is kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum StateSpec {
    /// In the memory of the process.
    #[default]
    Heap,
    /// In RocksDB.
    RocksDb(Box<RocksDbSpec>),
}

/// The layout that serde sees.
#[derive(Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "lowercase")]
enum Layout {
    Heap,
    RocksDb(Box<Options>),
}

/// What `[job] state` may be.
pub(super) const KIND: Kind = Kind::Tagged {
    tag: "backend",
    variants: &[
        Variant {
            kind: "heap",
            help: "in the memory of the process: fast, and all of it has to fit (state.backend.type: hashmap)",
            parameters: &[],
        },
        Variant {
            kind: "rocksdb",
            help: "in files, through RocksDB's caches (state.backend.type: rocksdb)",
            parameters: parameters::ROCKSDB,
        },
    ],
};

impl StateSpec {
    /// Reads a checked table.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub(super) fn complete(table: Table) -> Result<StateSpec, SpecError> {
        match read(table)? {
            Layout::Heap => Ok(StateSpec::Heap),
            Layout::RocksDb(options) => Ok(StateSpec::RocksDb(Box::new(options.complete()?))),
        }
    }

    /// The table again, every option stated.
    pub(super) fn to_table(&self) -> Table {
        write(&match self {
            StateSpec::Heap => Layout::Heap,
            StateSpec::RocksDb(spec) => Layout::RocksDb(Box::new(Options::from(&**spec))),
        })
    }

    /// What the embedded engine is deployed with.
    pub(super) fn to_backend(&self) -> StateBackend {
        match self {
            StateSpec::Heap => StateBackend::Heap,
            StateSpec::RocksDb(spec) => StateBackend::RocksDb(spec.config.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::{Profile, RocksDbConfig, RocksDbMemory};
    use toml::Value;

    use super::*;
    use crate::spec::Kind;
    use crate::{JobSpec, SpecError};

    fn parse(options: &str) -> Result<StateSpec, SpecError> {
        let text = format!("state = {{ backend = 'rocksdb', {options} }}");
        JobSpec::parse(text.parse().expect("TOML")).map(|job| job.state)
    }

    fn config(options: &str) -> RocksDbConfig {
        match parse(options).expect("allowed") {
            StateSpec::RocksDb(spec) => spec.config,
            StateSpec::Heap => panic!("RocksDB was asked for"),
        }
    }

    #[test]
    fn absent_state_is_on_the_heap() {
        assert_eq!(JobSpec::default().state, StateSpec::Heap);
        assert_eq!(
            JobSpec::default().to_table()["state"].to_string(),
            "{ backend = \"heap\" }"
        );
    }

    #[test]
    fn state_written_out_is_the_same_state_with_every_option_stated() {
        for options in [
            "",
            "profile = 'spinning-disk-high-memory'",
            "profile = 'spinning-disk-high-memory', bloom_filter = false, max_open_files = 100",
            "managed_memory = '256MiB', block_cache_shard_bits = 0, write_buffer_ratio = 0.3",
            "block_cache = '1048577B', bloom_filter = true, bloom_bits_per_key = 9.9, directory = '/tmp/é'",
            "compression = 'zstd', timers = 'heap', rate_limit_per_s = '20MiB', write_back_cache = '1GiB'",
        ] {
            let state = parse(options).expect(options);
            let table = state.to_table();
            let only_if_given = [
                "managed_memory",
                "write_buffer_ratio",
                "block_cache",
                "block_cache_shard_bits",
                "bloom_bits_per_key",
                "rate_limit_per_s",
                "directory",
            ];
            for parameter in parameters::ROCKSDB {
                assert!(
                    table.contains_key(parameter.name) || only_if_given.contains(&parameter.name),
                    "{} of {table}",
                    parameter.name
                );
            }
            let again = Table::from_iter([("state".to_owned(), Value::Table(table))]);
            assert_eq!(JobSpec::parse(again).map(|job| job.state), Ok(state));
        }
    }

    #[test]
    fn every_word_that_is_allowed_means_something_of_its_own() {
        for parameter in parameters::ROCKSDB {
            let Kind::Choice(words) = parameter.kind else {
                continue;
            };
            for word in words {
                let state = parse(&format!("{} = '{word}'", parameter.name)).expect(word);
                assert_eq!(state.to_table()[parameter.name].as_str(), Some(*word));
            }
        }
    }

    #[test]
    fn the_list_of_options_tells_what_each_profile_makes_of_them() {
        let shown = |value: &Value| match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let table = |profile: &str| {
            parse(&format!("profile = '{profile}'"))
                .expect(profile)
                .to_table()
        };
        let plain = table("default");
        for parameter in &parameters::ROCKSDB[1..] {
            let Some(value) = plain.get(parameter.name) else {
                continue;
            };
            let told = parameter.default.to_string();
            if parameter.name != "directory" {
                assert_eq!(
                    told.split(", ").next(),
                    Some(&*shown(value)),
                    "{}",
                    parameter.name
                );
            }
            for profile in ["spinning-disk", "spinning-disk-high-memory", "flash"] {
                let other = &table(profile)[parameter.name];
                let differs = format!(", {profile}: {}", shown(other));
                assert_eq!(
                    told.contains(&differs),
                    other != value,
                    "{} of {profile}",
                    parameter.name
                );
            }
        }
    }

    #[test]
    fn what_is_given_wins_over_the_profile() {
        let flash = RocksDbConfig::of_profile(Profile::Flash, std::env::temp_dir());
        assert_eq!(config("profile = 'flash'"), flash);
        let changed = RocksDbConfig {
            background_threads: 1,
            bloom_bits_per_key: Some(10.0),
            ..flash
        };
        assert_eq!(
            config("profile = 'flash', background_threads = 1, bloom_filter = true"),
            changed
        );
        // A profile's block cache is no contradiction to managed memory.
        let managed = config("profile = 'spinning-disk-high-memory', managed_memory = '1GiB'");
        assert!(
            matches!(managed.memory, RocksDbMemory::Managed { budget, .. } if budget == 1 << 30)
        );
        assert!(managed.cache_index_and_filter_blocks);
    }

    #[test]
    fn contradictions_are_refused_with_the_key_and_the_reason() {
        let refused = |options: &str| parse(options).expect_err(options).to_string();
        assert_eq!(
            refused("managed_memory = '256MiB', block_cache = '8MiB'"),
            "state.block_cache: found \"8MiB\" beside managed_memory, of which the block cache is a part; give one of them"
        );
        assert_eq!(
            refused("write_buffer_ratio = 0.4"),
            "state.write_buffer_ratio: found 0.4; it is a share of managed_memory, which is not given"
        );
        assert_eq!(
            refused("managed_memory = '256MiB', cache_index_and_filter_blocks = false"),
            "state.cache_index_and_filter_blocks: found false; beside the block cache they would be outside of managed_memory"
        );
        assert_eq!(
            refused("bloom_bits_per_key = 10"),
            "state.bloom_bits_per_key: found 10 without a bloom filter; add bloom_filter = true"
        );
        assert_eq!(
            refused("rate_limit_per_s = '0B'"),
            "state.rate_limit_per_s: found \"0B\" (string); allowed: a size in B, KiB, MiB or GiB from \"1KiB\" to \"1024GiB\""
        );
        assert_eq!(
            refused("max_open_files = 0"),
            "state.max_open_files: found 0; no limit is -1"
        );
        // The engine's own rules, under the scenario's key.
        assert!(
            refused("write_buffers_to_merge = 2").starts_with("state.write_buffers_to_merge: ")
        );
    }
}
