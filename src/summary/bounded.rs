//! A map that keeps a bounded number of keys, exactly: the keys with the smallest hashes, whatever the order of arrival.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::pattern::{Counts, Merge};

/// At most `N` keys with a value each; further keys go by the order of their hash, and are counted.
///
/// Law: bottom-N of a union is bottom-N of the bottom-Ns. A key that is kept at the end was never dropped on the way,
/// so its value is exact; `overflow` is true exactly when more than `N` keys were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredMap<K, V>", into = "StoredMap<K, V>")]
#[serde(bound(
    serialize = "K: Serialize + Clone + Ord + Hash, V: Serialize + Clone + Merge",
    deserialize = "K: Deserialize<'de> + Ord + Hash, V: Deserialize<'de> + Merge"
))]
pub struct Bounded<K: Ord, V, const N: usize> {
    kept: BTreeMap<Hashed<K>, V>,
    overflow: bool,
    /// The hash beyond which another map, that takes this one in, would keep no key.
    limit: Option<u64>,
}

/// A key behind its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hashed<K> {
    hash: u64,
    key: K,
}

/// Keys are searched by their hashes alone, whose order theirs refines.
impl<K> Borrow<u64> for Hashed<K> {
    fn borrow(&self) -> &u64 {
        &self.hash
    }
}

/// What stands for a key of a [`Bounded`] and has the same hash, so that a key that is there need not be made to be found.
pub(super) trait Like<K>: Hash + Copy {
    /// True for the key it stands for.
    fn is(self, key: &K) -> bool;

    /// That key.
    fn key(self) -> K;
}

impl Like<String> for &str {
    fn is(self, key: &String) -> bool {
        key == self
    }

    fn key(self) -> String {
        self.to_owned()
    }
}

impl<K: Clone + PartialEq + Hash> Like<K> for &K {
    fn is(self, key: &K) -> bool {
        key == self
    }

    fn key(self) -> K {
        self.clone()
    }
}

impl<K, L, A: Like<K>, B: Like<L>> Like<(K, L)> for (A, B) {
    fn is(self, (a, b): &(K, L)) -> bool {
        self.0.is(a) && self.1.is(b)
    }

    fn key(self) -> (K, L) {
        (self.0.key(), self.1.key())
    }
}

impl<K: Ord, V, const N: usize> Default for Bounded<K, V, N> {
    fn default() -> Self {
        Bounded { kept: BTreeMap::new(), overflow: false, limit: None }
    }
}

impl<K: Ord + Hash, V: Merge, const N: usize> Bounded<K, V, N> {
    /// The value of `key`, to add to; `None` when the key is beyond the bound.
    pub fn entry(&mut self, key: K) -> Option<&mut V> {
        let key = Hashed { hash: stable_hash(&key), key };
        if self.is_beyond(key.hash) {
            self.overflow = true;
            return None;
        }
        if self.kept.len() >= N && !self.kept.contains_key(&key) {
            self.overflow = true;
            let (last, _) = self.kept.last_key_value()?;
            if *last < key {
                return None;
            }
            self.kept.pop_last();
        }
        Some(self.kept.entry(key).or_default())
    }

    /// The same for a key that mostly is there.
    pub(super) fn at(&mut self, key: impl Like<K>) -> Option<&mut V> {
        let hash = stable_hash(&key);
        if self.kept.get_key_value(&hash).is_some_and(|(kept, _)| key.is(&kept.key)) {
            return self.kept.get_mut(&hash);
        }
        if self.is_beyond(hash) {
            self.overflow = true;
            return None;
        }
        self.entry(key.key())
    }

    /// True when `key` is kept.
    pub(super) fn holds(&self, key: impl Like<K>) -> bool {
        self.kept.get_key_value(&stable_hash(&key)).is_some_and(|(kept, _)| key.is(&kept.key))
    }

    /// True when a key with this hash would not be kept, now or in the end.
    fn is_beyond(&self, hash: u64) -> bool {
        self.limit.is_some_and(|limit| limit < hash)
            || self.kept.len() >= N && self.kept.last_key_value().is_some_and(|(last, _)| last.hash < hash)
    }

    /// Keeps nothing that `all`, which will take this map in, would not keep. Exact: once keys went, those that stay are the
    /// smallest, and only become smaller.
    pub(super) fn limit_by(&mut self, all: &Self) {
        if all.overflow && all.kept.len() >= N {
            self.limit = all.kept.last_key_value().map(|(last, _)| last.hash);
        }
    }

    /// Keeps no more than the `most` keys of the smallest hashes. Fewer for more: when it is done to the smaller of two numbers
    /// at last, it does not matter whether it was done to the larger before.
    pub(super) fn fit_to(&mut self, most: usize) {
        while self.kept.len() > most {
            self.overflow = true;
            self.kept.pop_last();
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: &K) -> Option<&V>
    where
        K: Clone,
    {
        self.kept.get(&Hashed { hash: stable_hash(key), key: key.clone() })
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut pairs: Vec<(&K, &V)> = self.kept.iter().map(|(kept, value)| (&kept.key, value)).collect();
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        pairs.into_iter()
    }

    /// Values, in no order that means anything; for sums.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.kept.values()
    }

    /// Values to change, in no order that means anything.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.kept.values_mut()
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// True when no key was seen.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// True when more than `N` keys were seen.
    pub fn overflow(&self) -> bool {
        self.overflow
    }
}

impl<K: Ord + Hash, V: Merge, const N: usize> Merge for Bounded<K, V, N> {
    fn merge(&mut self, other: Self) {
        self.overflow |= other.overflow;
        for (kept, value) in other.kept {
            if let Some(mine) = self.entry(kept.key) {
                mine.merge(value);
            }
        }
    }
}

impl<K: Ord, const N: usize> Counts for Bounded<K, u64, N> {
    fn largest(&self) -> u64 {
        self.kept.values().copied().max().unwrap_or(0)
    }
}

/// How a map is written: a list of pairs, since keys need not be strings.
#[derive(Serialize, Deserialize)]
struct StoredMap<K, V> {
    pairs: Vec<(K, V)>,
    overflow: bool,
}

impl<K: Ord + Hash, V: Merge, const N: usize> From<StoredMap<K, V>> for Bounded<K, V, N> {
    fn from(stored: StoredMap<K, V>) -> Self {
        let mut map = Self { kept: BTreeMap::new(), overflow: stored.overflow, limit: None };
        for (key, value) in stored.pairs {
            if let Some(mine) = map.entry(key) {
                mine.merge(value);
            }
        }
        map
    }
}

impl<K: Ord, V, const N: usize> From<Bounded<K, V, N>> for StoredMap<K, V> {
    fn from(map: Bounded<K, V, N>) -> Self {
        StoredMap {
            pairs: map.kept.into_iter().map(|(kept, value)| (kept.key, value)).collect(),
            overflow: map.overflow,
        }
    }
}

/// A 64-bit hash that is the same on every machine and in every run.
pub fn stable_hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish()
}

/// FNV-1a over little-endian words, with a final mix so that its high bits are usable for ordering.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word) ^ ((chunk.len() as u64) << 56));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn finish(&self) -> u64 {
        let h = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        h ^ (h >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Seen;
    use crate::time::Timestamp;

    type Map = Bounded<String, Seen, 8>;

    fn add(map: &mut Map, n: u64) {
        let key = format!("key {}", n * n % 41);
        if let Some(seen) = map.at(key.as_str()) {
            seen.add(Timestamp(n as i64), 1);
        }
    }

    #[test]
    fn what_workers_hand_over_is_what_one_of_them_would_hold() {
        let mut whole = Map::default();
        (0..400).for_each(|n| add(&mut whole, n));
        assert!(whole.overflow() && whole.len() == 8);
        for n_workers in 1..5 {
            let mut all = Map::default();
            let mut parts: Vec<Map> = (0..n_workers).map(|_| Map::default()).collect();
            for n in 0..400 {
                let part = &mut parts[(n % n_workers) as usize];
                add(part, n);
                if n % 13 == 0 {
                    all.merge(std::mem::take(part));
                    part.limit_by(&all);
                }
            }
            parts.into_iter().for_each(|part| all.merge(part));
            assert_eq!(all, whole, "{n_workers} workers");
        }
    }
}
