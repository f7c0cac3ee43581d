//! Blocks of text become batches that end on a record.

use std::io::{self, Read};

use super::foreign::Foreign;
use super::scan::{Found, FoundPiece, RecordScanner};
use super::yaml;
use super::{ByteLedger, Malformed, Piece, Record};
use crate::source::Origin;

/// Bytes of a batch: large enough that handing it to a worker costs nothing, small enough to stay in the second level
/// cache from the read to the last look (reads of 128 KiB to 256 KiB measured cheapest).
pub const BATCH_BYTES: usize = 256 << 10;

/// A batch that had to grow beyond this, for one long record, is not kept as large: every worker has one.
const LARGE_BATCH: usize = 4 * BATCH_BYTES;

/// Bytes that are looked at to tell YAML and other clouds' logs from JSON.
const HEAD_BYTES: usize = 4 << 10;

/// A run of whole records. Made once and filled again and again.
#[derive(Debug, Default)]
pub struct Batch {
    source: u32,
    /// Offset of the first byte in the source.
    base: u64,
    /// What was read stands in the first `len` bytes; the rest is kept so that it need not be cleared again.
    bytes: Vec<u8>,
    len: usize,
    found: Found,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// What the batch is made of, in the order of the input.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.found.spans.iter().map(|span| match *span {
            FoundPiece::Record(start, end) => self.record(start, &self.bytes[start..end]),
            FoundPiece::Document(at, start, end) => self.record(at, &self.found.converted[start..end]),
            FoundPiece::Malformed(i) => Piece::Malformed(&self.found.malformed[i]),
        })
    }

    /// Where the bytes went that this batch settles.
    pub fn ledger(&self) -> ByteLedger {
        self.found.ledger
    }

    /// Index of the source it comes from.
    pub fn source(&self) -> u32 {
        self.source
    }

    fn record<'b>(&self, at: usize, bytes: &'b [u8]) -> Piece<'b> {
        Piece::Record(Record { origin: Origin { source: self.source, offset: self.base + at as u64 }, bytes })
    }

    /// Starts with the bytes that the last batch left over.
    fn take(&mut self, carry: &mut Vec<u8>) {
        if self.bytes.len() < carry.len() {
            self.bytes.resize(carry.len(), 0);
        }
        self.bytes[..carry.len()].copy_from_slice(carry);
        self.len = carry.len();
        carry.clear();
        carry.shrink_to(LARGE_BATCH);
    }

    fn clear(&mut self) {
        self.len = 0;
        if self.bytes.len() > LARGE_BATCH {
            self.bytes = Vec::new();
        }
        self.found.spans.shrink_to(LARGE_BATCH / 64);
        self.found.converted.shrink_to(LARGE_BATCH);
        self.found.spans.clear();
        self.found.malformed.clear();
        self.found.ledger = ByteLedger::default();
        self.found.converted.clear();
    }
}

/// Cuts the text of one source into batches.
///
/// Cutting is a small part of the work, so several workers share one cutter behind a lock: each fills a batch of its
/// own, lets go, and decodes it. Decompression runs under the lock too and so overlaps with the decoding of others.
pub struct Cutter<R> {
    reader: R,
    source: u32,
    batch_bytes: usize,
    /// Whether a batch takes what is there instead of waiting until it is full.
    is_eager: bool,
    scanner: RecordScanner,
    /// Set after the first bytes were looked at.
    head: Option<Head>,
    /// Bytes that were read but not settled.
    carry: Vec<u8>,
    offset: u64,
    ended: bool,
    failure: Option<io::Error>,
    ledger: ByteLedger,
}

/// What the first bytes say.
#[derive(Clone, Copy)]
struct Head {
    is_yaml: bool,
    foreign: Option<Foreign>,
}

impl<R: Read> Cutter<R> {
    /// Cuts what `reader` gives; `source` is the index that origins carry.
    pub fn new(source: u32, reader: R) -> Cutter<R> {
        Cutter::with_batch_bytes(source, reader, BATCH_BYTES)
    }

    /// The same for a stream that may fall silent: a batch holds the records that one read of it completes.
    pub fn eager(source: u32, reader: R) -> Cutter<R> {
        Cutter { is_eager: true, ..Cutter::new(source, reader) }
    }

    /// The same with batches of about `batch_bytes`. The records are the same for any size.
    pub fn with_batch_bytes(source: u32, reader: R, batch_bytes: usize) -> Cutter<R> {
        Cutter {
            reader,
            source,
            batch_bytes: batch_bytes.max(1),
            is_eager: false,
            scanner: RecordScanner::new(source),
            head: None,
            carry: Vec::new(),
            offset: 0,
            ended: false,
            failure: None,
            ledger: ByteLedger::default(),
        }
    }

    /// Fills `batch` with the next records; `false` when nothing is left.
    ///
    /// An error of the reader comes after the last whole record before it, once; then nothing is left.
    // Called once a batch: by its name a profile tells what reading costs.
    #[inline(never)]
    pub fn next(&mut self, batch: &mut Batch) -> io::Result<bool> {
        batch.clear();
        (batch.source, batch.base) = (self.source, self.offset);
        batch.take(&mut self.carry);
        if self.ended && batch.len == 0 {
            return self.failure.take().map_or(Ok(false), Err);
        }
        let mut target = self.batch_bytes.max(if self.head.is_none() { HEAD_BYTES } else { 1 });
        loop {
            // A record that did not fit asks for twice as much, so that looking again stays linear.
            self.fill(batch, target);
            let settled = self.cut(batch);
            if settled > 0 || self.ended {
                let bytes = &batch.bytes[..batch.len];
                self.carry.extend_from_slice(&bytes[settled..]);
                self.scanner.advance(bytes, settled);
                self.offset += settled as u64;
                self.ledger.add(&batch.found.ledger);
                return Ok(true);
            }
            target = batch.len * 2;
        }
    }

    /// What the first bytes look like when they are no export of Cloud Logging. Known after the first batch.
    pub fn foreign(&self) -> Option<Foreign> {
        self.head.and_then(|head| head.foreign)
    }

    /// Where all bytes went so far.
    pub fn ledger(&self) -> ByteLedger {
        self.ledger
    }

    /// Reads until the batch holds `target` bytes or the input ends.
    fn fill(&mut self, batch: &mut Batch, target: usize) {
        if batch.bytes.len() < target {
            batch.bytes.resize(target, 0);
        }
        while batch.len < target && !self.ended {
            match self.reader.read(&mut batch.bytes[batch.len..target]) {
                Ok(n) => {
                    batch.len += n;
                    self.ended = n == 0;
                    if self.is_eager {
                        return;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => (self.ended, self.failure) = (true, Some(e)),
            }
        }
    }

    /// Finds the pieces of the batch and returns how many of its bytes they settle.
    fn cut(&mut self, batch: &mut Batch) -> usize {
        let bytes = &batch.bytes[..batch.len];
        let head = *self.head.get_or_insert_with(|| Head {
            is_yaml: yaml::is_yaml(&bytes[..bytes.len().min(HEAD_BYTES)]),
            foreign: Foreign::recognise(&bytes[..bytes.len().min(HEAD_BYTES)]),
        });
        if !head.is_yaml {
            return self.scanner.scan(bytes, 0, self.ended, &mut batch.found);
        }
        self.cut_yaml(batch)
    }

    fn cut_yaml(&mut self, batch: &mut Batch) -> usize {
        let mut at = 0;
        let bytes = &batch.bytes[..batch.len];
        while let Some(end) = yaml::document_end(bytes, at, self.ended) {
            let document = &bytes[at..end];
            let start = batch.found.converted.len();
            let ledger = &mut batch.found.ledger;
            match yaml::to_json(document, &mut batch.found.converted) {
                Ok(true) => {
                    ledger.records += 1;
                    ledger.record_bytes += document.len() as u64;
                    batch.found.spans.push(FoundPiece::Document(at, start, batch.found.converted.len()));
                }
                Ok(false) => ledger.residue_bytes += document.len() as u64,
                Err(reason) => {
                    batch.found.converted.truncate(start);
                    ledger.malformed += 1;
                    ledger.malformed_bytes += document.len() as u64;
                    let origin = Origin { source: self.source, offset: self.offset + at as u64 };
                    batch.found.spans.push(FoundPiece::Malformed(batch.found.malformed.len()));
                    batch.found.malformed.push(Malformed { origin, len: document.len() as u64, reason });
                }
            }
            at = end;
            if at == bytes.len() {
                break;
            }
        }
        at
    }
}
