//! Bytes become records: whole JSON objects, wherever the export put them.
//!
//! What is a record depends on the bytes alone, never on how they arrive: the same input gives the same records and the
//! same malformed ranges for any block size.

mod cut;
mod foreign;
mod json;
mod scan;
mod tree;
mod yaml;

use serde::{Deserialize, Serialize};

use crate::source::Origin;

pub use cut::{BATCH_BYTES, Batch, Cutter};
pub use foreign::Foreign;
pub use scan::MAX_RECORD;

/// The bytes of one record and where they start.
#[derive(Clone, Copy, Debug)]
pub struct Record<'b> {
    /// Where the record starts.
    pub origin: Origin,
    /// One JSON value: an object (rarely several on one line), or a string that holds one.
    pub bytes: &'b [u8],
}

/// A range of input that is no record and no white space between records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Malformed {
    /// Where the range starts.
    pub origin: Origin,
    /// Its length in bytes.
    pub len: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What a batch is made of, in the order of the input.
#[derive(Clone, Debug)]
pub enum Piece<'b> {
    /// A whole record.
    Record(Record<'b>),
    /// Bytes that are lost, with the reason. They may lie before the batch.
    Malformed(&'b Malformed),
}

/// Where the bytes of an input went: the three byte counts add up to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteLedger {
    /// Records found.
    pub records: u64,
    /// Bytes of records.
    pub record_bytes: u64,
    /// White space, punctuation of arrays, and keys and scalars of wrapper objects.
    pub residue_bytes: u64,
    /// Malformed ranges found.
    pub malformed: u64,
    /// Bytes in malformed ranges.
    pub malformed_bytes: u64,
    /// Arrays and wrapper objects that were never closed: the export was cut off.
    pub unclosed: u64,
}

impl ByteLedger {
    /// Adds the counts of another part of the input.
    pub fn add(&mut self, other: &ByteLedger) {
        self.records += other.records;
        self.record_bytes += other.record_bytes;
        self.residue_bytes += other.residue_bytes;
        self.malformed += other.malformed;
        self.malformed_bytes += other.malformed_bytes;
        self.unclosed += other.unclosed;
    }

    /// Bytes accounted for.
    pub fn bytes(&self) -> u64 {
        self.record_bytes + self.residue_bytes + self.malformed_bytes
    }
}
