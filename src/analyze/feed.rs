//! Batches for the workers: many files go to one worker each, few files are shared.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::read::UNPOISONED;
use crate::framing::{Batch, Cutter, Foreign};
use crate::source::{self, OpenSource, Source};

/// What is known of a source once it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceRead {
    /// Its name.
    pub name: String,
    /// What its bytes are.
    pub format: String,
    /// Entries found in it.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub entries: u64,
    /// Entries of them that the run knew for copies.
    #[serde(default, deserialize_with = "crate::pattern::counted")]
    pub copies: u64,
    /// Bytes after decompression.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub bytes: u64,
    /// XXH3-64 of its text after decompression and conversion to UTF-8.
    pub digest: String,
    /// Why it, or the rest of it, could not be read.
    pub error: Option<String>,
    /// Arrays that were never closed: the export was cut off.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub unclosed: u64,
    /// What it is, when it is no export of Cloud Logging.
    pub foreign: Option<String>,
}

impl SourceRead {
    /// Why not all of it was read; `None` when it was, also when there is nothing in it.
    pub fn fault(&self) -> Option<String> {
        let is_foreign = |advice: &&String| self.entries == 0 && **advice != Foreign::Empty.advice();
        let cut = (self.unclosed > 0).then_some("the array is not closed: the export was interrupted");
        let reason = self.error.as_deref().or(self.foreign.as_ref().filter(is_foreign).map(String::as_str)).or(cut)?;
        Some(format!("{}: {reason}", self.name))
    }
}

/// Hands out batches of all sources.
pub(super) struct Feed<'f> {
    sources: &'f [Source],
    options: source::Options,
    next: AtomicUsize,
    slots: Vec<Mutex<Option<Open>>>,
    done: Mutex<Vec<(usize, SourceRead)>>,
}

/// A source that is being read.
struct Open {
    index: usize,
    cutter: Cutter<Digesting>,
    hash: Arc<Mutex<Xxh3>>,
    read: SourceRead,
}

/// Hashes what is read.
struct Digesting {
    inner: OpenSource,
    hash: Arc<Mutex<Xxh3>>,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.lock().expect(UNPOISONED).update(&buffer[..n]);
        Ok(n)
    }
}

impl<'f> Feed<'f> {
    /// Feeds `n_workers` from `sources`.
    pub(super) fn new(sources: &'f [Source], options: &source::Options, n_workers: usize) -> Feed<'f> {
        Feed {
            sources,
            // Workers who share a source wait for each other while one of them unpacks.
            options: source::Options { ahead: sources.len() < n_workers, ..options.clone() },
            next: AtomicUsize::new(0),
            slots: (0..n_workers.max(1)).map(|_| Mutex::new(None)).collect(),
            done: Mutex::default(),
        }
    }

    /// Fills `batch` for a worker: from its own source, else from one that another worker reads; `false` when nothing is left.
    pub(super) fn next(&self, worker: usize, batch: &mut Batch) -> bool {
        let n = self.slots.len();
        (0..n).any(|i| self.next_of((worker + i) % n, i == 0, batch))
    }

    /// What was read, in the order of the sources. For the end.
    pub(super) fn into_reads(self) -> Vec<SourceRead> {
        let mut done = self.done.into_inner().expect(UNPOISONED);
        // A run that was stopped leaves sources open.
        for slot in self.slots {
            if let Some(open) = slot.into_inner().expect(UNPOISONED) {
                done.push((open.index, open.finished(Some("not read to its end".to_owned()))));
            }
        }
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, read)| read).collect()
    }

    fn next_of(&self, slot: usize, may_open: bool, batch: &mut Batch) -> bool {
        let mut slot = self.slots[slot].lock().expect(UNPOISONED);
        loop {
            let Some(open) = slot.as_mut() else {
                match may_open.then(|| self.open_next()).flatten() {
                    Some(open) => *slot = Some(open),
                    None => return false,
                }
                continue;
            };
            let error = match open.cutter.next(batch) {
                Ok(true) => return true,
                Ok(false) => None,
                Err(error) => Some(error.to_string()),
            };
            if let Some(open) = slot.take() {
                self.finish(open.index, open.finished(error));
            }
        }
    }

    /// Opens the next source that can be opened.
    fn open_next(&self) -> Option<Open> {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let source = self.sources.get(index)?;
            match source::open(source, &self.options) {
                Ok(decoded) => return Some(Open::new(index, source, decoded)),
                Err(error) => self.finish(
                    index,
                    SourceRead { name: source.name(), error: Some(error.error.to_string()), ..SourceRead::default() },
                ),
            }
        }
    }

    fn finish(&self, index: usize, read: SourceRead) {
        self.done.lock().expect(UNPOISONED).push((index, read));
    }
}

impl Open {
    fn new(index: usize, source: &Source, decoded: OpenSource) -> Open {
        let format = format!("{}{}", decoded.encoding.name(), decoded.compression.suffix());
        let hash = Arc::new(Mutex::new(Xxh3::new()));
        let cutter = Cutter::new(index as u32, Digesting { inner: decoded, hash: Arc::clone(&hash) });
        let read = SourceRead { name: source.name(), format, ..SourceRead::default() };
        Open { index, cutter, hash, read }
    }

    fn finished(mut self, error: Option<String>) -> SourceRead {
        let ledger = self.cutter.ledger();
        self.read.bytes = ledger.bytes();
        self.read.unclosed = ledger.unclosed;
        self.read.foreign = self.cutter.foreign().map(|foreign| foreign.advice());
        self.read.digest = format!("xxh3:{:016x}", self.hash.lock().expect(UNPOISONED).digest());
        self.read.error = error;
        self.read
    }
}
