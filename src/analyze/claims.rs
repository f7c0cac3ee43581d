//! Which entries were already counted: the same log name, timestamp, insertId and text count once, whatever file or
//! worker sees them first.
//!
//! What is remembered of an entry is 58 bits of its hash, 16 of them or more by where they stand: six bytes a place, of which
//! at most four in five are taken. Odds: among ten million entries one pair shares its 58 bits once in 5,800 runs, and only
//! then is an entry taken for a copy that is none.
//!
//! The bound: a table grows by doubling up to half of what it may have; then it becomes the earlier one of two, and a new one
//! begins. So at least the newest entries that half of the bytes can hold are known, and what is forgotten is the oldest.
//! Which entries were the oldest depends on which worker was faster; below the bound nothing does.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::options::LEAST_MEMORY;
use super::read::UNPOISONED;
use crate::entry::Entry;

/// Sets that are locked apart, so that workers seldom wait for each other: the claims of a group hold one for half a
/// microsecond, every hundred of them.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 2;

/// Entries that are claimed together: where they stand is fetched from memory at the same time, which takes the time of one.
pub(super) const GROUP: usize = 32;

/// Bits of a hash that are remembered inside a shard.
const KEY_BITS: u32 = 56;

/// Places of a table that begins: 384 KiB in all, touched as they are needed.
const FIRST_BITS: u32 = 14;

/// Of the largest table: 12 GiB in all, more than anybody will pass.
const MOST_BITS: u32 = KEY_BITS / 2;

/// Bits of a place that hold the rest of the hash; those above tell how far from home it stands.
const REST_BITS: u32 = KEY_BITS - FIRST_BITS;

/// Farthest from home, from 1 for home itself: 6 bits. At four places in five taken, one table in some 25,000 needs more.
const FARTHEST: u64 = 63;

/// One place: nothing, or how far from home and the rest of the hash.
type TablePlace = [u8; 6];

/// Entries that were counted.
#[derive(Debug)]
pub(super) struct Claims {
    shards: Vec<Mutex<Shard>>,
    most_bits: u32,
    forgot: AtomicBool,
}

impl Claims {
    /// Claims that take what a run of at most `max_memory` bytes leaves them.
    pub(super) fn new(max_memory: u64) -> Claims {
        Claims::within(max_memory.saturating_sub(LEAST_MEMORY).try_into().unwrap_or(usize::MAX))
    }

    /// Claims that take at most `bytes`, but for a table that is just being doubled.
    fn within(bytes: usize) -> Claims {
        let places = bytes / (2 * SHARDS * size_of::<TablePlace>());
        Claims {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            most_bits: places.max(1).ilog2().clamp(FIRST_BITS, MOST_BITS),
            forgot: AtomicBool::new(false),
        }
    }

    /// True when the entry was not counted before.
    pub(super) fn claim(&self, entry: &Entry<'_>) -> bool {
        self.claim_group(&[Claim::of(entry)]) != 0
    }

    /// The entries that were not counted before, one bit each, of a [`GROUP`] at most.
    pub(super) fn claim_group(&self, group: &[Claim]) -> u64 {
        let never_copies = |bits: u64, (i, claim): (usize, &Claim)| bits | u64::from(claim.0.is_none()) << i;
        let mut new = group.iter().enumerate().fold(0, never_copies);
        for (number, shard) in self.shards.iter().enumerate() {
            let keys = || group.iter().enumerate().filter_map(|(i, claim)| Some((i, claim.key_in(number)?)));
            if keys().next().is_none() {
                continue;
            }
            let mut shard = shard.lock().expect(UNPOISONED);
            black_box(keys().fold(0, |sum: u8, (_, key)| sum.wrapping_add(shard.look_at_home(key))));
            for (i, key) in keys() {
                new |= u64::from(self.claim_key(&mut shard, key)) << i;
            }
        }
        new
    }

    fn claim_key(&self, shard: &mut Shard, key: u64) -> bool {
        if shard.holds(key) {
            return false;
        }
        if !shard.add(key, self.most_bits) {
            self.forgot.store(true, Ordering::Relaxed);
        }
        true
    }

    /// True when there were more entries than can be remembered: copies of the oldest may have been counted.
    pub(super) fn is_full(&self) -> bool {
        self.forgot.load(Ordering::Relaxed)
    }
}

/// What one entry claims; entries without an insertId claim nothing and are never copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim(Option<u64>);

impl Claim {
    pub(super) fn of(entry: &Entry<'_>) -> Claim {
        Claim((!entry.insert_id.is_empty()).then(|| hash(entry)))
    }

    fn key_in(self, shard: usize) -> Option<u64> {
        let hash = self.0.filter(|hash| hash >> (u64::BITS - SHARD_BITS) == shard as u64)?;
        Some(hash << SHARD_BITS >> (u64::BITS - KEY_BITS))
    }
}

/// The text belongs to the key so that it does not matter which of two copies comes first.
fn hash(entry: &Entry<'_>) -> u64 {
    let timestamp = entry.timestamp.map_or(u64::MAX, |at| at.0 as u64);
    let status = entry.http.as_ref().map_or(0, |http| u64::from(http.status));
    let parts = [xxh3_64(entry.insert_id.as_bytes()), timestamp, xxh3_64(entry.log_name.as_bytes()), status];
    parts.into_iter().fold(xxh3_64(entry.message.as_bytes()), folded)
}

/// Both halves of the product, so that the high bits, which are what is remembered, depend on all.
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ (product >> 64) as u64
}

/// The newer keys and those before them.
#[derive(Debug, Default)]
struct Shard {
    newer: Table,
    older: Table,
}

impl Shard {
    fn holds(&self, key: u64) -> bool {
        self.newer.holds(key) || self.older.holds(key)
    }

    /// Some byte of where a key would stand: asked for early, it is there when it is needed.
    fn look_at_home(&self, key: u64) -> u8 {
        self.newer.look_at_home(key) ^ self.older.look_at_home(key)
    }

    /// False when a key was forgotten for it, or it was not remembered itself.
    fn add(&mut self, key: u64, most_bits: u32) -> bool {
        let mut kept_all = true;
        if self.newer.is_full() {
            if self.newer.bits() < most_bits {
                kept_all = self.newer.grow();
            } else {
                kept_all = self.older.len == 0;
                self.older = std::mem::take(&mut self.newer);
                self.newer.grow();
            }
        }
        if self.newer.put(key) {
            return kept_all;
        }
        // Bad luck, which a larger table ends; or hashes that were made to meet, for which no table is large enough.
        let is_luck = self.newer.len * 4 > self.newer.places.len() && self.newer.bits() < most_bits;
        is_luck && self.newer.grow() && self.newer.put(key) && kept_all
    }
}

/// Keys near their home, the place that their first bits name; a key that stands farther from home than the one it meets
/// takes its place (Robin Hood), so that a search ends early.
#[derive(Debug, Default)]
struct Table {
    places: Vec<TablePlace>,
    len: usize,
}

impl Table {
    fn bits(&self) -> u32 {
        self.places.len().checked_ilog2().unwrap_or(0)
    }

    /// Four places in five are taken: a search looks at two to five places.
    fn is_full(&self) -> bool {
        self.len * 5 >= self.places.len() * 4
    }

    fn holds(&self, key: u64) -> bool {
        !self.places.is_empty() && self.find(key).is_ok()
    }

    fn look_at_home(&self, key: u64) -> u8 {
        if self.places.is_empty() { 0 } else { self.places[self.home(key).0][0] }
    }

    /// Where a key stands, else where it would.
    fn find(&self, key: u64) -> Result<usize, (usize, u64)> {
        let (mut at, mut taken) = self.home(key);
        loop {
            let there = self.at(at);
            if there == taken {
                return Ok(at);
            }
            if there >> REST_BITS < taken >> REST_BITS {
                return Err((at, taken));
            }
            at = self.next(at);
            taken += 1 << REST_BITS;
        }
    }

    /// Adds a key that is not there; false when some key would come to stand too far from home.
    fn put(&mut self, key: u64) -> bool {
        let Err((at, taken)) = self.find(key) else { return true };
        let mut end = at;
        let mut is_far = taken >> REST_BITS > FARTHEST;
        while self.at(end) != 0 {
            is_far |= self.at(end) >> REST_BITS == FARTHEST;
            end = self.next(end);
        }
        if is_far {
            return false;
        }
        while end != at {
            let before = self.before(end);
            self.set(end, self.at(before) + (1 << REST_BITS));
            end = before;
        }
        self.set(at, taken);
        self.len += 1;
        true
    }

    /// Doubles. False when a key found no place near its new home.
    fn grow(&mut self) -> bool {
        let bits = (self.bits() + 1).max(FIRST_BITS);
        let larger = Table { places: vec![TablePlace::default(); 1 << bits], len: 0 };
        let old = std::mem::replace(self, larger);
        let mut put_all = true;
        for key in (0..old.places.len()).filter_map(|at| old.key(at)) {
            put_all &= self.put(key);
        }
        put_all
    }

    /// The place that a key's first bits name, and what would stand there.
    fn home(&self, key: u64) -> (usize, u64) {
        let rest_bits = KEY_BITS - self.bits();
        ((key >> rest_bits) as usize, 1 << REST_BITS | key & ((1 << rest_bits) - 1))
    }

    /// The key that stands at a place.
    fn key(&self, at: usize) -> Option<u64> {
        let there = self.at(at);
        let from_home = (there >> REST_BITS).checked_sub(1)?;
        let home = at.wrapping_sub(from_home as usize) & (self.places.len() - 1);
        Some((home as u64) << (KEY_BITS - self.bits()) | there & ((1 << REST_BITS) - 1))
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    fn before(&self, at: usize) -> usize {
        at.wrapping_sub(1) & (self.places.len() - 1)
    }

    fn at(&self, at: usize) -> u64 {
        let [a, b, c, d, e, f] = self.places[at];
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }

    fn set(&mut self, at: usize, there: u64) {
        let [a, b, c, d, e, f, ..] = there.to_le_bytes();
        self.places[at] = [a, b, c, d, e, f];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_new(claims: &Claims, hash: u64) -> bool {
        claims.claim_group(&[Claim(Some(hash))]) != 0
    }

    /// Hashes as good as random ones, all different.
    fn nth_hash(n: u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn bytes_of(claims: &Claims) -> usize {
        let shards = claims.shards.iter().map(|shard| shard.lock().expect("no test panics in a claim"));
        shards.map(|shard| (shard.newer.places.len() + shard.older.places.len()) * size_of::<TablePlace>()).sum()
    }

    #[test]
    fn a_key_is_counted_once_while_the_tables_grow() {
        let claims = Claims::within(64 << 20);
        for n in 0..200_000 {
            assert!(is_new(&claims, nth_hash(n)), "{n} is new");
            assert!(!is_new(&claims, nth_hash(n / 2)), "{} is known", n / 2);
        }
        assert!((0..200_000).all(|n| !is_new(&claims, nth_hash(n))));
        assert!(!claims.is_full());
    }

    #[test]
    fn the_bytes_are_few_for_few_entries_and_bounded_for_many() {
        let claims = Claims::within(2 << 20);
        assert!((0..1000).all(|n| is_new(&claims, nth_hash(n))));
        assert!(bytes_of(&claims) <= 400 << 10, "{}", bytes_of(&claims));
        for n in 1000..400_000 {
            is_new(&claims, nth_hash(n));
            assert!(n % 10_000 > 0 || bytes_of(&claims) <= 2 << 20, "{}", bytes_of(&claims));
        }
        assert!(claims.is_full());
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_newest_known() {
        let claims = Claims::within(2 << 20);
        (0..400_000).for_each(|n| assert!(is_new(&claims, nth_hash(n)), "{n}"));
        // A mebibyte has room for 131,072 keys at four in five places taken.
        assert!((300_000..400_000).all(|n| !is_new(&claims, nth_hash(n))));
        assert!((0..1000).all(|n| is_new(&claims, nth_hash(n))));
    }

    #[test]
    fn keys_that_were_made_to_meet_cost_neither_time_nor_memory() {
        let claims = Claims::within(256 << 20);
        let made = |n: u64| 0x1234_5678 << 32 | n << 6;
        (0..100_000).for_each(|n| assert!(is_new(&claims, made(n)), "{n} is new"));
        assert!(bytes_of(&claims) < 1 << 20, "{}", bytes_of(&claims));
        assert!(claims.is_full(), "that not all are remembered is said");
        assert!((0..60).all(|n| !is_new(&claims, made(n))));
    }

    #[test]
    fn every_part_of_the_key_tells_entries_apart() {
        let entry = |id: &'static str, at: i64, log: &'static str, text: &'static str| Entry {
            insert_id: id.into(),
            timestamp: Some(crate::time::Timestamp(at)),
            log_name: log.into(),
            message: text.into(),
            ..Entry::default()
        };
        let claims = Claims::within(1 << 20);
        let all = [
            entry("a", 1, "l", "t"),
            entry("b", 1, "l", "t"),
            entry("a", 2, "l", "t"),
            entry("a", 1, "m", "t"),
            entry("a", 1, "l", "u"),
            entry("l", 1, "a", "t"),
        ];
        assert!(all.iter().all(|entry| claims.claim(entry)));
        assert!(all.iter().all(|entry| !claims.claim(entry)));
        assert!((0..2).all(|_| claims.claim(&entry("", 1, "l", "t"))), "without an insertId nothing is a copy");
    }
}
