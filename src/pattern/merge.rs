//! The one algebra of the line: what can be observed apart and merged in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

/// More entries than any log has. Counts that an archive states are less, so that no sum of them overflows.
const MAX_COUNT: u64 = 1 << 48;

/// A commutative monoid: [`Default`] is the identity, `merge` is associative and commutative and cannot fail.
pub trait Merge: Default {
    /// Adds everything `other` has seen.
    fn merge(&mut self, other: Self);
}

impl Merge for u64 {
    fn merge(&mut self, other: u64) {
        *self += other;
    }
}

/// What holds counts.
pub trait Counts {
    /// The largest of them.
    fn largest(&self) -> u64;
}

impl Counts for u64 {
    fn largest(&self) -> u64 {
        *self
    }
}

impl<const N: usize> Counts for [u64; N] {
    fn largest(&self) -> u64 {
        self.iter().copied().max().unwrap_or(0)
    }
}

impl<K> Counts for Vec<(K, u64)> {
    fn largest(&self) -> u64 {
        self.iter().map(|(_, n)| *n).max().unwrap_or(0)
    }
}

impl<K> Counts for BTreeMap<K, u64> {
    fn largest(&self) -> u64 {
        self.values().copied().max().unwrap_or(0)
    }
}

/// Reads counts that somebody else may have written.
///
/// # Errors
/// When one is larger than any count can be.
pub fn counted<'de, T: Deserialize<'de> + Counts, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let counts = T::deserialize(deserializer)?;
    if counts.largest() < MAX_COUNT {
        return Ok(counts);
    }
    Err(de::Error::custom(format!("a count of {}", counts.largest())))
}
