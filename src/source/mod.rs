//! Where bytes come from: standard input, files and folders, decompressed and turned into UTF-8.

mod ahead;
mod compression;
mod encoding;
mod given;
mod output;
mod path;
mod spill;
mod stop;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use ahead::Ahead;
pub use compression::Compression;
pub use encoding::Encoding;
pub use given::Given;
pub use output::{write_private, write_whole};
pub use path::{Expansion, expand, read_text};
pub use spill::Spill;
pub use stop::Stop;

/// One thing that is read from its first byte to its last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// Standard input, written `-`.
    Stdin,
    /// A file.
    File(PathBuf),
    /// Standard input that was kept in this file, so that it can be read twice.
    Kept(PathBuf),
    /// What another program opens.
    Given(Given),
}

impl Source {
    /// The name that reports print: the path as given, `-` for standard input.
    pub fn name(&self) -> String {
        match self {
            Source::Stdin | Source::Kept(_) => "-".to_owned(),
            Source::File(path) => path.display().to_string(),
            Source::Given(given) => given.name().to_owned(),
        }
    }
}

/// Where a record starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Index into the run's list of sources.
    pub source: u32,
    /// Byte offset in the source after decompression and conversion to UTF-8, a byte order mark not counted.
    pub offset: u64,
}

/// How a source is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most bytes that one compressed byte may become, once [`FREE_EXPANSION`] bytes have come out.
    pub max_expansion: u64,
    /// Ends reading early, also waiting for a pipe.
    pub stop: Stop,
    /// What is compressed or not UTF-8 is turned into text by a thread of its own, ahead of who reads it.
    pub ahead: bool,
}

/// Real exports compress 5 to 12 times, a log that repeats one line some 200 times; gzip cannot exceed 1032.
pub const MAX_EXPANSION: u64 = 400;

/// Bytes that any compressed source may become before its expansion is looked at: reading that much costs a second.
pub const FREE_EXPANSION: u64 = 1 << 30;

impl Default for Options {
    fn default() -> Options {
        Options { max_expansion: MAX_EXPANSION, stop: Stop::default(), ahead: false }
    }
}

/// Why a source could not be read.
#[derive(Debug)]
pub struct Error {
    /// The source's name.
    pub name: String,
    /// What the system said.
    pub error: io::Error,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.error)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Bytes that are read on whichever thread wants them.
pub type ByteStream = Box<dyn Read + Send>;

/// An open source: reads as UTF-8 text, decompressed, without a byte order mark.
///
/// Damage in a compressed stream is an error of `read` that comes after the last byte that is whole.
pub struct OpenSource {
    /// How the bytes were compressed.
    pub compression: Compression,
    /// How the text was encoded.
    pub encoding: Encoding,
    reader: ByteStream,
}

impl Read for OpenSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Opens a source and looks at its first bytes.
pub fn open(source: &Source, options: &Options) -> Result<OpenSource, Error> {
    let fail = |error| Error { name: source.name(), error };
    let raw: ByteStream = match source {
        Source::Stdin => Box::new(Ahead::new(|| Ok(io::stdin()), &options.stop).map_err(fail)?),
        Source::File(path) | Source::Kept(path) => open_file(path, options).map_err(fail)?,
        Source::Given(given) => given.open().map_err(fail)?,
    };
    decode(raw, options).map_err(fail)
}

/// Decodes any reader the way [`open`] does.
pub fn decode(raw: ByteStream, options: &Options) -> io::Result<OpenSource> {
    let (compression, plain) = compression::decompress(raw, options)?;
    let (encoding, mut reader) = encoding::to_utf8(plain)?;
    let is_work = compression != Compression::None || matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be);
    if options.ahead && is_work {
        reader = Box::new(Ahead::new(move || Ok(reader), &options.stop)?);
    }
    Ok(OpenSource { compression, encoding, reader })
}

/// A folder opens as a file on some systems and then fails to read: say it at once. Opening a pipe waits for its writer.
fn open_file(path: &std::path::Path, options: &Options) -> io::Result<ByteStream> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder"));
    }
    if metadata.is_file() {
        return Ok(Box::new(File::open(path)?));
    }
    let path = path.to_owned();
    Ok(Box::new(Ahead::new(move || File::open(path), &options.stop)?))
}

/// Reads until `buffer` is full or the input ends; returns the number of bytes. What was read before an error is lost
/// to the caller, so only the first bytes of a source are read this way.
fn read_head(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match reader.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if n > 0 => break,
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What comes out of a source, and the error at its end.
    fn drain(bytes: &[u8], ahead: bool) -> (Vec<u8>, Option<String>) {
        let options = Options { ahead, ..Options::default() };
        let mut source = decode(Box::new(io::Cursor::new(bytes.to_vec())), &options).expect("it opens");
        let (mut out, mut block) = (Vec::new(), vec![0; 10_000]);
        loop {
            match source.read(&mut block) {
                Ok(0) => return (out, None),
                Ok(n) => out.extend_from_slice(&block[..n]),
                Err(error) => return (out, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn what_is_unpacked_ahead_is_what_is_unpacked() {
        let text: String = (0..100_000u32).map(|n| format!("line {}\n", n.wrapping_mul(2_654_435_761))).collect();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text.as_bytes()).expect("memory is writable");
        let gz = gz.finish().expect("memory is writable");
        let zst = zstd::encode_all(text.as_bytes(), 1).expect("memory is writable");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for packed in [&gz[..], &gz[..gz.len() / 2], &zst, &zst[..zst.len() / 2], &utf16, text.as_bytes()] {
            let (expected, error) = drain(packed, false);
            assert!(expected.len() > 100_000 && text.as_bytes().starts_with(&expected));
            assert!(drain(packed, true) == (expected, error));
        }
    }
}
