//! Framing: every byte is in a record, a lost range or between them, and how the bytes arrive never shows.

use firstfault::framing::{Batch, ByteLedger, Cutter, Malformed, Piece};

use crate::steps::Steps;

/// Batch bytes and read bytes; what they are never shows.
const STEPS: [(usize, usize); 6] = [(1, 1), (3, 64), (17, 5), (64, 1 << 20), (501, 7), (4096, 1000)];

/// What a cutter made of an input.
#[derive(Debug, Default, PartialEq)]
struct Reading {
    /// Offset and bytes.
    records: Vec<(u64, Vec<u8>)>,
    lost: Vec<Malformed>,
    ledger: ByteLedger,
    foreign: bool,
}

/// The first byte picks how the second reading arrives; the rest is the input.
pub(crate) fn run(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else { return };
    let whole = read(bytes, 1 << 14, usize::MAX);
    let (batch_bytes, step) = STEPS[usize::from(*pick) % STEPS.len()];
    assert_eq!(read(bytes, batch_bytes, step), whole, "batches of {batch_bytes}, reads of {step}");
    is_whole(&whole, bytes);
}

/// The ledger is the input, and what it counts is what came out.
fn is_whole(reading: &Reading, bytes: &[u8]) {
    let ledger = &reading.ledger;
    assert_eq!(ledger.bytes(), bytes.len() as u64, "every byte is accounted for");
    assert_eq!(ledger.records, reading.records.len() as u64);
    assert_eq!(ledger.malformed, reading.lost.len() as u64);
    assert_eq!(ledger.malformed_bytes, reading.lost.iter().map(|lost| lost.len).sum::<u64>());
    let mut ranges: Vec<(u64, u64)> = reading.lost.iter().map(|lost| (lost.origin.offset, lost.len)).collect();
    let is_json = ledger.record_bytes == reading.records.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
    for (offset, record) in reading.records.iter().filter(|_| is_json) {
        let at = *offset as usize;
        // A YAML document may happen to be as long as its JSON.
        if bytes.get(at..at + record.len()) == Some(record.as_slice()) {
            ranges.push((*offset, record.len() as u64));
        }
    }
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "no byte is in two pieces: {ranges:?}");
    assert!(ranges.last().is_none_or(|(at, len)| at + len <= bytes.len() as u64), "no piece reaches past the input");
}

fn read(bytes: &[u8], batch_bytes: usize, step: usize) -> Reading {
    let mut cutter = Cutter::with_batch_bytes(0, Steps { bytes, step }, batch_bytes);
    let (mut batch, mut reading) = (Batch::new(), Reading::default());
    while cutter.next(&mut batch).expect("memory is readable") {
        for piece in batch.pieces() {
            match piece {
                Piece::Record(record) => reading.records.push((record.origin.offset, record.bytes.to_vec())),
                Piece::Malformed(lost) => reading.lost.push(lost.clone()),
            }
        }
    }
    reading.ledger = cutter.ledger();
    reading.foreign = cutter.foreign().is_some();
    reading
}
