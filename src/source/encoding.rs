//! UTF-8 with and without a byte order mark, UTF-16 turned into UTF-8 block by block.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::{ByteStream, read_head};

/// How the text of a source is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8 without a mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-8 behind a byte order mark.
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// UTF-16, low byte first: what a PowerShell redirect writes.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

impl Encoding {
    /// As reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf8Bom => "UTF-8 with mark",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
        }
    }
}

/// Bytes of UTF-16 that are turned at once; the output is at most half as large again.
const UTF16_BLOCK: usize = 128 << 10;

/// Looks at the first bytes of `raw`, which is unpacked, and turns them into UTF-8 without a mark.
pub(super) fn to_utf8(mut raw: ByteStream) -> io::Result<(Encoding, ByteStream)> {
    let mut head = [0; 4];
    let n = read_head(&mut raw, &mut head)?;
    if n == 4 && (head[..2] == [0x1f, 0x8b] || head == [0x28, 0xb5, 0x2f, 0xfd]) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is compressed twice: unpack it once"));
    }
    let (encoding, mark_len) = match &head[..n] {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8Bom, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        // Without a mark, a NUL beside an ASCII byte can only be UTF-16: JSON and text hold none.
        [1..=0x7f, 0, 1..=0x7f, 0] => (Encoding::Utf16Le, 0),
        [0, 1..=0x7f, 0, 1..=0x7f] => (Encoding::Utf16Be, 0),
        _ => (Encoding::Utf8, 0),
    };
    let rest = io::Cursor::new(head[mark_len..n].to_vec()).chain(raw);
    Ok(match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom => (encoding, Box::new(rest)),
        _ => (encoding, Box::new(Utf16::new(Box::new(rest), encoding == Encoding::Utf16Be))),
    })
}

/// UTF-16 that reads as UTF-8. Lone surrogates and a last odd byte become U+FFFD.
struct Utf16 {
    inner: ByteStream,
    big_endian: bool,
    block: Vec<u8>,
    /// Bytes at the start of `block` that wait for the rest of their character.
    n_waiting: usize,
    text: Vec<u8>,
    /// How much of `text` was handed out.
    at: usize,
    ended: bool,
}

impl Utf16 {
    fn new(inner: ByteStream, big_endian: bool) -> Utf16 {
        Utf16 { inner, big_endian, block: vec![0; UTF16_BLOCK], n_waiting: 0, text: Vec::new(), at: 0, ended: false }
    }

    /// Reads one block and turns the whole characters in it.
    fn refill(&mut self) -> io::Result<()> {
        let n = self.inner.read(&mut self.block[self.n_waiting..])?;
        self.ended = n == 0;
        let n_ready = self.n_waiting + n;
        self.text.clear();
        self.at = 0;
        let n_used = transcode(&self.block[..n_ready], self.big_endian, self.ended, &mut self.text);
        self.block.copy_within(n_used..n_ready, 0);
        self.n_waiting = n_ready - n_used;
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if self.ended || buffer.is_empty() {
                return Ok(0);
            }
            self.refill()?;
        }
        let n = buffer.len().min(self.text.len() - self.at);
        buffer[..n].copy_from_slice(&self.text[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Appends `block` as UTF-8 to `text` and returns how many bytes were used: all but a character that is cut by the
/// block's end, and really all when the input has `ended`.
fn transcode(block: &[u8], big_endian: bool, ended: bool, text: &mut Vec<u8>) -> usize {
    text.reserve(block.len() / 2 + 4);
    let unit = |i: usize| unit_of([block[i], block[i + 1]], big_endian);
    let mut i = 0;
    while i + 1 < block.len() {
        if let Some(ascii) = block[i..].first_chunk().and_then(|units| ascii_of(*units, big_endian)) {
            text.extend_from_slice(&ascii);
            i += 8;
            continue;
        }
        let first = unit(i);
        match first {
            0xd800..=0xdbff if i + 3 < block.len() => {
                let second = unit(i + 2);
                if let 0xdc00..=0xdfff = second {
                    push(0x10000 + ((u32::from(first) - 0xd800) << 10) + (u32::from(second) - 0xdc00), text);
                    i += 2;
                } else {
                    push(u32::from(first), text);
                }
            }
            0xd800..=0xdbff if !ended => return i,
            // A mark in the middle comes from files that were joined.
            0xfeff => {}
            _ => push(u32::from(first), text),
        }
        i += 2;
    }
    if ended && i < block.len() {
        push(0xfffd, text);
        return block.len();
    }
    i
}

fn unit_of(pair: [u8; 2], big_endian: bool) -> u16 {
    if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
}

/// Four units that are all ASCII, as exports are for the most part.
#[inline]
fn ascii_of(units: [u8; 8], big_endian: bool) -> Option<[u8; 4]> {
    let word = u64::from_le_bytes(units);
    // The other byte of each unit is moved to where a letter stands in the low byte order.
    let word =
        if big_endian { (word >> 8) & 0x00ff_00ff_00ff_00ff | (word << 8) & 0xff00_ff00_ff00_ff00 } else { word };
    if word & 0xff80_ff80_ff80_ff80 != 0 {
        return None;
    }
    let pairs = (word | word >> 8) & 0x0000_ffff_0000_ffff;
    Some(((pairs | pairs >> 16) as u32).to_le_bytes())
}

/// Appends a character; what is none becomes U+FFFD.
fn push(code: u32, text: &mut Vec<u8>) {
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out `n` bytes at a time.
    struct Drip(Vec<u8>, usize);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(buffer.len()).min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    fn check(bytes: &[u8], encoding: Encoding, expected: &str) {
        for step in [1, 2, 3, 7, 1000] {
            let (found, mut reader) = to_utf8(Box::new(Drip(bytes.to_vec(), step))).expect("memory is readable");
            let mut text = Vec::new();
            reader.read_to_end(&mut text).expect("memory is readable");
            assert_eq!((found, String::from_utf8_lossy(&text).as_ref()), (encoding, expected));
        }
    }

    fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn every_mark_is_understood_at_any_read_size() {
        let text = "[{\"a\":\"é 🌩 x\"}]\r\n";
        check(text.as_bytes(), Encoding::Utf8, text);
        check(&[&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(), Encoding::Utf8Bom, text);
        check(&utf16(text, true, false), Encoding::Utf16Le, text);
        check(&utf16(text, true, true), Encoding::Utf16Be, text);
        check(&utf16(text, false, false), Encoding::Utf16Le, text);
        check(&utf16(text, false, true), Encoding::Utf16Be, text);
        check(b"", Encoding::Utf8, "");
    }

    #[test]
    fn half_characters_are_replaced_not_lost() {
        check(b"\xff\xfea\0\x00\xd8b\0\x3d\xd8", Encoding::Utf16Le, "a\u{fffd}b\u{fffd}");
        check(b"\xff\xfea\0b", Encoding::Utf16Le, "a\u{fffd}");
    }
}
