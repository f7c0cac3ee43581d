//! An account as bytes, and back: what `summarize` keeps and `report` reads.
//!
//! `firstfault summary`, a space, the version in digits and a newline; then one Zstandard frame with a checksum that holds
//! MessagePack with the names of fields: read with a third fewer instructions than JSON, an eighth smaller, and still readable by any
//! tool of that format: `tail -n +2 FILE | zstd -dc`. `firstfault summary show FILE` tells what is in it.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of archives that this version writes and reads. It grows whenever the account changes its shape.
pub const VERSION: u32 = 6;

/// The first bytes of every archive.
pub const MAGIC: &str = "firstfault summary ";

/// The first line is never longer: the magic words and ten digits.
const HEAD_BYTES: u64 = 32;

/// Level 3 is zstd's default: accounts shrink eightfold, at disk speed.
const LEVEL: i32 = 3;

/// The fullest account that the bounds allow stays below this; more is no archive of ours.
const MAX_BYTES: u64 = 4 << 30;

/// Most bytes of content that one byte of an archive may become, once [`FREE_BYTES`] have come out: accounts shrink eightfold.
const MAX_EXPANSION: u64 = 200;

/// Bytes of content that any archive may become before its expansion is looked at. Read into maps they take a few times as much.
const FREE_BYTES: u64 = 64 << 20;

/// Why an archive cannot be read or written.
#[derive(Debug)]
pub enum Error {
    /// The bytes do not begin as an archive does.
    NotAnArchive,
    /// It was written by another version.
    Version(String),
    /// It ends too early.
    Truncated,
    /// Its content is not what this version writes.
    Damaged(String),
    /// The system failed.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotAnArchive => write!(f, "not a summary; make one with: firstfault summarize EXPORT… -o x.summary"),
            Error::Version(found) => {
                write!(
                    f,
                    "a summary of version {found}; this firstfault reads version {VERSION}: summarize the export again"
                )
            }
            Error::Truncated => write!(f, "the summary is cut off"),
            Error::Damaged(reason) => write!(f, "the summary is damaged: {reason}"),
            Error::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Writes an account with all that travels with it.
///
/// # Errors
/// When `out` fails.
pub fn write(out: &mut dyn Write, content: &impl Serialize) -> Result<(), Error> {
    writeln!(out, "{MAGIC}{VERSION}").map_err(Error::Io)?;
    let mut encoder = zstd::stream::write::Encoder::new(out, LEVEL).map_err(Error::Io)?;
    encoder.include_checksum(true).map_err(Error::Io)?;
    rmp_serde::encode::write_named(&mut encoder, content).map_err(|error| Error::Io(io::Error::other(error)))?;
    encoder.finish().and_then(|out| out.flush()).map_err(Error::Io)
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// When it is no archive, of another version, cut off or damaged.
pub fn read<T: DeserializeOwned>(input: impl Read) -> Result<T, Error> {
    let mut input = BufReader::new(input);
    let mut head = Vec::new();
    input.by_ref().take(HEAD_BYTES).read_until(b'\n', &mut head).map_err(Error::Io)?;
    let version = head.strip_prefix(MAGIC.as_bytes()).ok_or(Error::NotAnArchive)?;
    let Some(version) = version.strip_suffix(b"\n") else { return Err(Error::Truncated) };
    if version != VERSION.to_string().as_bytes() {
        return Err(Error::Version(String::from_utf8_lossy(version).into_owned()));
    }
    if input.fill_buf().map_err(Error::Io)?.is_empty() {
        return Err(Error::Truncated);
    }
    let decoder = zstd::stream::read::Decoder::with_buffer(Metered { input, n: 0 }).map_err(Error::Io)?;
    let mut content = BufReader::new(Expanding { decoder, n: 0 }.take(MAX_BYTES));
    let read = rmp_serde::decode::from_read(&mut content).map_err(reason)?;
    // The checksum stands behind the end.
    match content.read(&mut [0]) {
        Ok(0) => Ok(read),
        Ok(_) => Err(Error::Damaged("more follows its end".to_owned())),
        Err(error) => Err(cut_or_damaged(error)),
    }
}

/// Counts what is taken from an archive.
struct Metered<R> {
    input: R,
    n: u64,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.n += n as u64;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.n += n as u64;
        self.input.consume(n);
    }
}

/// What comes out of an archive, as long as it is in proportion to what goes in.
struct Expanding<R: BufRead> {
    decoder: zstd::stream::read::Decoder<'static, Metered<R>>,
    n: u64,
}

impl<R: BufRead> Read for Expanding<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        self.n += n as u64;
        if self.n > FREE_BYTES && self.n / MAX_EXPANSION > self.decoder.get_ref().n {
            return Err(io::Error::other(format!("it expands more than {MAX_EXPANSION} times, as no account does")));
        }
        Ok(n)
    }
}

fn reason(error: rmp_serde::decode::Error) -> Error {
    use rmp_serde::decode::Error::{InvalidDataRead, InvalidMarkerRead};
    match error {
        InvalidMarkerRead(error) | InvalidDataRead(error) => cut_or_damaged(error),
        error => Error::Damaged(error.to_string()),
    }
}

fn cut_or_damaged(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Truncated,
        _ => Error::Damaged(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Summary;

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, &Summary::default()).expect("memory takes everything");
        bytes
    }

    fn refusal(bytes: &[u8]) -> String {
        read::<Summary>(bytes).expect_err("it is no whole archive").to_string()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = written();
        let summary: Summary = read(&bytes[..]).expect("it was just written");
        let mut again = Vec::new();
        write(&mut again, &summary).expect("memory takes everything");
        assert_eq!(bytes, again);
    }

    #[test]
    fn a_cut_is_told_from_another_version_and_another_file() {
        let bytes = written();
        let head = MAGIC.len() + 2;
        for end in [MAGIC.len() + 1, head, head + 1, head + 9, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(refusal(&bytes[..end]), "the summary is cut off", "{end} of {}", bytes.len());
        }
        assert!(refusal(b"firstfault summary 7\n...").starts_with("a summary of version 7;"));
        assert!(refusal(b"[{\"insertId\":\"a\"}]").starts_with("not a summary"));
        assert!(refusal(b"").starts_with("not a summary"));
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_the_memory() {
        let mut bytes = format!("{MAGIC}{VERSION}\n").into_bytes();
        let mut encoder = zstd::stream::write::Encoder::new(&mut bytes, LEVEL).expect("memory takes everything");
        // A text of four gigabytes is announced.
        encoder.write_all(b"\xdb\xff\xff\xff\xff").expect("memory takes everything");
        let blanks = [b' '; 1 << 16];
        for _ in 0..=FREE_BYTES / blanks.len() as u64 {
            encoder.write_all(&blanks).expect("memory takes everything");
        }
        encoder.write_all(b"{}").and_then(|()| encoder.finish().map(drop)).expect("memory takes everything");
        assert!(refusal(&bytes).contains("expands more than 200 times"), "{} bytes", bytes.len());
    }

    #[test]
    fn a_flipped_bit_never_changes_what_is_read() {
        let bytes = written();
        for at in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            // A few bits of the frame's head only say how it is laid out.
            if let Ok(summary) = read::<Summary>(&damaged[..]) {
                let mut again = Vec::new();
                write(&mut again, &summary).expect("memory takes everything");
                assert_eq!(again, bytes, "bit {at}");
            }
        }
    }
}
