//! What all databases of a job share: the folder, the block cache, and the budget of their memory.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tempfile::TempDir;

use rocksdb::{Cache, LruCacheOptions, WriteBufferManager};

use super::config::{RocksDbConfig, RocksDbMemory};
use super::folder::StateFolder;
use crate::plan::DeployError;
use crate::state::StateBackend;

/// What all databases of a job share.
pub(crate) struct SharedResources {
    pub(crate) config: RocksDbConfig,
    pub(crate) block_cache: Cache,
    pub(crate) write_buffers: Option<WriteBufferManager>,
    /// Removed when the last database is gone.
    folder: StateFolder,
    stores: AtomicU64,
}

impl SharedResources {
    /// What the backend of a job shares; nothing if state is on the heap.
    pub(crate) fn of(backend: &StateBackend) -> Result<Option<Arc<Self>>, DeployError> {
        let StateBackend::RocksDb(config) = backend else {
            return Ok(None);
        };
        config.check().map_err(DeployError::RocksDb)?;
        let directory = config.directory.clone();
        let shared = SharedResources::new(config.clone());
        let shared = shared.map_err(|error| DeployError::StateDirectory { directory, error })?;
        Ok(Some(shared))
    }

    /// Makes the job's folder and its caches.
    pub(crate) fn new(config: RocksDbConfig) -> io::Result<Arc<Self>> {
        let folder = StateFolder::new(&config.directory)?;
        let block_cache = block_cache(&config.memory);
        let write_buffers = config.memory.write_buffers().map(|bytes| {
            // Never stalls: RocksDB flushes early instead, as it does under Flink.
            let stall = false;
            let cache = block_cache.clone();
            WriteBufferManager::new_write_buffer_manager_with_cache(size(bytes), stall, cache)
        });
        Ok(Arc::new(SharedResources {
            config,
            block_cache,
            write_buffers,
            folder,
            stores: AtomicU64::new(0),
        }))
    }

    /// A folder for one more database, which does not exist yet.
    pub(crate) fn add_store(&self) -> std::path::PathBuf {
        let number = self.stores.fetch_add(1, Relaxed);
        self.folder.join(&format!("store-{number}"))
    }

    /// What tells a store's folder from those of all jobs: their names are random.
    pub(crate) fn name_of(&self, store: &Path) -> String {
        let name = |path: &Path| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        [self.folder.path(), store]
            .map(|path| name(path).unwrap_or_default())
            .join("/")
    }

    /// An empty folder for files of a database that are needed for a while.
    pub(crate) fn staging_folder(&self) -> io::Result<TempDir> {
        self.folder.temporary()
    }

    /// One store's part of the write-back cache. All stores are added before any of them works.
    pub(crate) fn write_back_share(&self) -> usize {
        size(self.config.write_back_cache / self.stores.load(Relaxed).max(1))
    }
}

fn block_cache(memory: &RocksDbMemory) -> Cache {
    let mut options = LruCacheOptions::default();
    options.set_capacity(size(memory.block_cache()));
    if let Some(bits) = memory.shard_bits() {
        options.set_num_shard_bits(i32::try_from(bits).unwrap_or(i32::MAX));
    }
    Cache::new_lru_cache_opts(&options)
}

/// Bytes as the machine counts them.
pub(crate) fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
