//! Where bytes come from: standard input, files and folders, decompressed and turned into UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

/// One thing that is read from its first byte to its last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Standard input, written `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The name that reports print: the path as given, `-` for standard input.
    pub fn name(&self) -> String {
        match self {
            Source::Stdin => "-".to_owned(),
            Source::File(path) => path.display().to_string(),
        }
    }
}

/// Where a record starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Index into the run's list of sources.
    pub source: u32,
    /// Byte offset in the source after decompression and conversion to UTF-8.
    pub offset: u64,
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

impl std::error::Error for Error {}

/// Opens a source: its bytes decompressed and in UTF-8.
pub fn open(source: &Source) -> Result<Box<dyn Read + Send>, Error> {
    let fail = |error| Error { name: source.name(), error };
    let mut raw: Box<dyn Read + Send> = match source {
        Source::Stdin => Box::new(io::stdin()),
        Source::File(path) => Box::new(File::open(path).map_err(fail)?),
    };
    let mut magic = [0; 2];
    let n = raw.read(&mut magic).map_err(fail)?;
    let head = io::Cursor::new(magic[..n].to_vec()).chain(raw);
    Ok(if magic == [0x1f, 0x8b] { Box::new(MultiGzDecoder::new(head)) } else { Box::new(head) })
}
