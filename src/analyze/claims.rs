//! Which entries were already counted: the same log name, timestamp, insertId and text count once, whatever file or
//! worker sees them first.

use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxHashSet, FxHasher};

use crate::entry::Entry;

/// Sets that are locked apart, so that workers seldom wait for each other.
const SHARDS: usize = 64;

/// Entries remembered per shard: 16 million in all, some 256 MiB. Copies that come later still are not recognised.
const SHARD_LIMIT: usize = 1 << 18;

/// Entries that were counted.
#[derive(Debug)]
pub(super) struct Claims {
    shards: Vec<Mutex<FxHashSet<u64>>>,
    full: AtomicBool,
}

impl Default for Claims {
    fn default() -> Self {
        Claims { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), full: AtomicBool::new(false) }
    }
}

impl Claims {
    /// True when the entry was not counted before. Entries without an insertId are never copies.
    pub(super) fn claim(&self, entry: &Entry<'_>) -> bool {
        if entry.insert_id.is_empty() {
            return true;
        }
        let key = key(entry);
        let Ok(mut shard) = self.shards[(key >> 58) as usize % SHARDS].lock() else { return true };
        if shard.len() >= SHARD_LIMIT && !shard.contains(&key) {
            self.full.store(true, Ordering::Relaxed);
            return true;
        }
        shard.insert(key)
    }

    /// True when there were more entries than can be remembered.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }
}

/// The text belongs to the key so that it does not matter which of two copies comes first.
fn key(entry: &Entry<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    entry.insert_id.hash(&mut hasher);
    entry.timestamp.hash(&mut hasher);
    entry.log_name.hash(&mut hasher);
    entry.message.hash(&mut hasher);
    entry.http.as_ref().map(|http| http.status).hash(&mut hasher);
    let hash = hasher.finish();
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
