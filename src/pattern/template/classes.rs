//! What bytes are, one by one from a table and 64 at a time as bits.

/// Bytes of a message that are looked at: 192 tokens rarely need more, and an example stays small.
pub(super) const MAX_BYTES: usize = 2048;

pub(super) const WHITE: u8 = 1;
pub(super) const SEPARATOR: u8 = 2;
pub(super) const DIGIT: u8 = 4;
pub(super) const LOWER: u8 = 8;
pub(super) const UPPER: u8 = 16;
pub(super) const DOT: u8 = 32;
pub(super) const SLASH: u8 = 64;
pub(super) const OTHER: u8 = 128;

/// What ends a run.
pub(super) const END: u8 = WHITE | SEPARATOR;

/// The class of every byte. Bytes of multi-byte characters count as letters of either case.
pub(super) const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            0..=0x20 | 0x7f => WHITE,
            b'=' | b':' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'"' | b'\'' | b'|'
            | b'#' => SEPARATOR,
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            0x80.. => LOWER | UPPER,
            b'.' => DOT,
            b'/' | b'\\' | b'@' => SLASH,
            _ => OTHER,
        };
        byte += 1;
    }
    table
}

/// 64 bytes as bits, the first in the lowest.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    ends: u64,
    digits: u64,
    /// Dots, slashes and closing punctuation: what may be a path, a host or an address, or end a sentence.
    marks: u64,
}

impl Bits {
    /// Adds what 16 bytes are. The first loop compiles to vector instructions.
    #[inline]
    fn add(&mut self, at: usize, block: &[u8; 16]) {
        let mut answers = [0u8; 16];
        for (answer, &byte) in answers.iter_mut().zip(block) {
            *answer =
                u8::from(is_end(byte)) | u8::from(byte.wrapping_sub(b'0') < 10) << 1 | u8::from(is_mark(byte)) << 2;
        }
        for (half, eight) in answers.as_chunks::<8>().0.iter().enumerate() {
            let answers = u64::from_le_bytes(*eight);
            self.ends |= gather(answers) << (at + 8 * half);
            self.digits |= gather(answers >> 1) << (at + 8 * half);
            self.marks |= gather(answers >> 2) << (at + 8 * half);
        }
    }
}

/// The lowest bits of eight bytes, next to each other: the product moves each into the highest byte, in order.
#[inline]
const fn gather(bytes: u64) -> u64 {
    (bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Words of bits: a power of two, so that masking an index replaces the check of its bound.
const WORDS: usize = 64;
const _: () = assert!(MAX_BYTES / 64 < WORDS, "a word for every 64 bytes and one for the end");

/// Where the ends of runs, the digits and the marks of a message are.
#[derive(Clone, Debug)]
pub(super) struct MarkMap([Bits; WORDS]);

impl Default for MarkMap {
    fn default() -> Self {
        MarkMap([Bits::default(); WORDS])
    }
}

impl MarkMap {
    /// Maps a message in blocks of 16 bytes. The last block must hold white space behind its end.
    #[inline]
    pub(super) fn fill(&mut self, blocks: &[[u8; 16]]) {
        for (bits, blocks) in self.0.iter_mut().zip(blocks.chunks(4)) {
            *bits = Bits::default();
            for (at, block) in blocks.iter().enumerate() {
                bits.add(16 * at, block);
            }
        }
    }

    /// The first end of a run from `at` on.
    #[inline]
    pub(super) fn next_end(&self, at: usize) -> usize {
        let mut word = at / 64;
        let mut bits = self.0[word % WORDS].ends >> (at % 64);
        if bits != 0 {
            return at + bits.trailing_zeros() as usize;
        }
        while bits == 0 && word + 1 < WORDS {
            word += 1;
            bits = self.0[word].ends;
        }
        word * 64 + bits.trailing_zeros() as usize
    }

    /// True when the only mark in `start..end` is its last byte.
    #[inline]
    pub(super) fn only_mark_is_last(&self, start: usize, end: usize) -> bool {
        let marks = self.0[start / 64 % WORDS].marks >> (start % 64);
        start / 64 == (end - 1) / 64 && marks.trailing_zeros() as usize == end - 1 - start
    }

    /// True when three marks follow one another in `start..end`, or may do so across a border of 64 bytes.
    #[inline]
    pub(super) fn has_three_marks(&self, start: usize, end: usize) -> bool {
        if start / 64 != (end - 1) / 64 {
            return true;
        }
        let marks = self.0[start / 64 % WORDS].marks >> (start % 64) & (u64::MAX >> (64 - (end - start)));
        marks & marks >> 1 & marks >> 2 != 0
    }

    /// Whether a digit and a mark are in `start..end`, which is not empty.
    #[inline]
    pub(super) fn digit_and_mark(&self, start: usize, end: usize) -> (bool, bool) {
        let (first, last) = (self.0[start / 64 % WORDS], self.0[(end - 1) / 64 % WORDS]);
        let (from, to) = (u64::MAX << (start % 64), u64::MAX >> ((64 - end % 64) % 64));
        if start / 64 == (end - 1) / 64 {
            let here = from & to;
            return (first.digits & here != 0, first.marks & here != 0);
        }
        let (mut digits, mut marks) = (first.digits & from | last.digits & to, first.marks & from | last.marks & to);
        for bits in &self.0[start / 64 + 1..(end - 1) / 64] {
            digits |= bits.digits;
            marks |= bits.marks;
        }
        (digits != 0, marks != 0)
    }
}

#[inline]
fn is_end(b: u8) -> bool {
    let is_white = (b <= 0x20) | (b == 0x7f);
    let quote = (b & 0xfe == b'"') | (b.wrapping_sub(b'\'') < 3) | (b == b',');
    let colon = b.wrapping_sub(b':') < 5;
    // The bit of lower case makes brackets of braces, and a bar of the backslash.
    let bracket = ((b | 0x20).wrapping_sub(b'{') < 3) & (b != b'\\');
    is_white | quote | colon | bracket
}

#[inline]
fn is_mark(b: u8) -> bool {
    (b & 0xfe == b'.') | (b == b'\\') | (b == b'@') | (b == b'!') | (b == b'?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_say_what_the_table_says() {
        for byte in 0..=255u8 {
            let mut blocks = [[b'x'; 16], [b'x'; 16], [b'x'; 16], [b'x'; 16], [0; 16]];
            blocks[2][5] = byte;
            let mut map = MarkMap::default();
            map.fill(&blocks);
            let class = CLASS[usize::from(byte)];
            assert_eq!(map.next_end(3), if class & END != 0 { 37 } else { 64 }, "{byte}");
            let is_mark = class & (DOT | SLASH) != 0 || matches!(byte, b'!' | b'?');
            assert_eq!(map.digit_and_mark(0, 64), (class & DIGIT != 0, is_mark), "{byte}");
            assert_eq!(map.digit_and_mark(30, 70), (class & DIGIT != 0, is_mark), "{byte}");
            assert_eq!(map.digit_and_mark(38, 100), (false, false));
        }
    }
}
