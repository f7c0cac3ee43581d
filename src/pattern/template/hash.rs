//! Hashes that are the same on every machine.

/// Tokens of a message that are looked at; the rest is one variable. 128 was the 95th percentile in a public survey.
pub(super) const MAX_TOKENS: usize = 192;

/// Eight bytes at a place as a number; 0 where there are not so many.
#[inline]
pub(super) fn load(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8) {
        Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or([0; 8])),
        None => 0,
    }
}

/// An odd number without pattern: the golden ratio in 64 bits.
pub(super) const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Two numbers per place in a message, so that the same word counts differently at each. They are fixed, so that keys
/// mean the same on every machine. One more than [`MAX_TOKENS`] for the tail.
pub(super) const SEEDS: [(u64, u64); MAX_TOKENS + 1] = seeds();

const fn seeds() -> [(u64, u64); MAX_TOKENS + 1] {
    let mut table = [(0, 0); MAX_TOKENS + 1];
    let mut at = 0;
    while at < table.len() {
        table[at] = (split_mix(2 * at as u64), split_mix(2 * at as u64 + 1) | 1);
        at += 1;
    }
    table
}

/// SplitMix64, the usual seeding function.
const fn split_mix(step: u64) -> u64 {
    let mut z = MULTIPLIER.wrapping_mul(step + 1);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Both halves of the 128-bit product.
#[inline]
pub(super) const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    product as u64 ^ (product >> 64) as u64
}
