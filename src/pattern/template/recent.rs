//! Messages seen a moment ago: half of all messages repeat one word for word, and need no second scan.
//!
//! Only where a message is counted is remembered, never what it adds: an example and a column do not change when a message
//! comes again, so nothing here can be seen in the result.

use super::hash::{MULTIPLIER, fold};

/// Messages that are remembered: enough for the lines of one loop of a program, small enough to stay in the cache.
const SLOTS: usize = 256;

/// Bytes of the longest message that is remembered.
const MAX_BYTES: usize = 512;

/// The last messages, one per slot.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    slots: Vec<RecentMessage>,
    generation: u64,
}

#[derive(Clone, Debug, Default)]
struct RecentMessage {
    hash: u64,
    /// Slots of another generation are empty; that of an empty slot is 0.
    generation: u64,
    shelf: usize,
    place: usize,
    message: String,
}

impl Default for Recent {
    fn default() -> Self {
        Recent { slots: Vec::new(), generation: 1 }
    }
}

impl Recent {
    /// Where the message is counted, if it is remembered. The hash is [`hash`]'s.
    #[inline]
    pub(super) fn find(&self, hash: u64, shelf: usize, message: &str) -> Option<usize> {
        let slot = self.slots.get(slot(hash))?;
        let is_same = slot.hash == hash && slot.shelf == shelf && slot.generation == self.generation;
        (is_same && slot.message == message).then_some(slot.place)
    }

    /// Remembers where a message is counted.
    #[inline]
    pub(super) fn keep(&mut self, hash: u64, shelf: usize, place: usize, message: &str) {
        if message.len() > MAX_BYTES {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, RecentMessage::default());
        }
        let slot = &mut self.slots[slot(hash)];
        (slot.hash, slot.generation, slot.shelf, slot.place) = (hash, self.generation, shelf, place);
        slot.message.clear();
        slot.message.push_str(message);
    }

    /// Forgets everything: entries have moved.
    pub(super) fn clear(&mut self) {
        self.generation += 1;
    }
}

fn slot(hash: u64) -> usize {
    (hash >> 56) as usize
}

/// A hash of a whole message.
#[inline]
pub(super) fn hash(message: &str) -> u64 {
    let (blocks, rest) = message.as_bytes().as_chunks::<16>();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    let start = message.len() as u64 ^ MULTIPLIER;
    blocks.iter().chain([&last]).fold(start, |hash, block| {
        let block = u128::from_le_bytes(*block);
        fold(hash ^ block as u64, MULTIPLIER ^ (block >> 64) as u64)
    })
}
