//! Bytes become records: whole JSON objects, wherever the export put them.

use memchr::memchr2;

use crate::source::Origin;

/// The bytes of one record and where they start.
#[derive(Clone, Copy, Debug)]
pub struct Record<'b> {
    /// Where the record starts.
    pub origin: Origin,
    /// One whole JSON object.
    pub bytes: &'b [u8],
}

/// A range of input that is no record and no white space between records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where the range starts.
    pub origin: Origin,
    /// Its length in bytes.
    pub len: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Every whole top-level object in `bytes`, whatever stands between them.
pub fn records(source: u32, bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += bytes[at..].iter().position(|b| *b == b'{')?;
        let len = object_len(&bytes[at..])?;
        let record = Record { origin: Origin { source, offset: at as u64 }, bytes: &bytes[at..at + len] };
        at += len;
        Some(record)
    })
}

/// Length of the object that `bytes` starts with, `None` when it does not end.
fn object_len(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            b'"' => i = string_end(bytes, i)?,
            _ => {}
        }
        i += 1;
    }
    None
}

/// Index of the quote that closes the string opened at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut i = start + 1;
    loop {
        i += memchr2(b'"', b'\\', bytes.get(i..)?)?;
        if bytes[i] == b'"' {
            return Some(i);
        }
        i += 2;
    }
}
