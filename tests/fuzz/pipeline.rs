//! The whole line: any bytes, compressed or not, give a report, and every byte of it is accounted for.

use std::io::Cursor;
use std::sync::OnceLock;

use firstfault::analyze::{self, Reading, SourceRead};
use firstfault::entry::decode;
use firstfault::face::{Face, Options, json, render};
use firstfault::framing::{Batch, Cutter, Piece};
use firstfault::pattern::observe;
use firstfault::source;
use serde_json::Value;

use crate::edits::{Document, assert_plain};
use crate::observe::catalogue;

/// A small export: a database out of reach, an exit, failing requests, a change before it, parts of one entry, noise.
pub(crate) const OUTAGE: &str = include_str!("../../fixtures/fuzz/pipeline/outage.ndjson");

/// A first byte of 1: the rest edits the entries of the outage. Otherwise the input is a source.
pub(crate) fn run(input: &[u8]) {
    let reading = match input {
        [1, edits @ ..] => read(entries().edited(edits).to_string().as_bytes()),
        _ => read(input),
    };
    let report = analyze::conclude(reading, catalogue(), None);
    let text = json::render(&report);
    assert_eq!(json::parse(&text).expect("what was written is read"), report);
    for face in [Face::Verbose, Face::Markdown, Face::Html] {
        assert_plain("a face", &render(&report, face, &Options::default()));
    }
}

/// The entries of the outage as one array.
pub(crate) fn entries() -> &'static Document {
    static ENTRIES: OnceLock<Document> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let lines = OUTAGE.lines().map(|line| serde_json::from_str(line).expect("it is JSON"));
        Document::new(Value::Array(lines.collect()))
    })
}

/// What the reader makes of a source.
pub(crate) fn read(input: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut read = SourceRead { name: "export.json".to_owned(), ..SourceRead::default() };
    let raw = Box::new(Cursor::new(input.to_vec()));
    let Ok(decoded) = source::decode(raw, &source::Options::default()) else { return reading };
    let (mut cutter, mut batch) = (Cutter::new(0, decoded), Batch::new());
    loop {
        match cutter.next(&mut batch) {
            Ok(true) => take(&batch, &mut reading),
            Ok(false) => break,
            Err(error) => read.error = Some(error.to_string()),
        }
    }
    read.bytes = cutter.ledger().bytes();
    read.foreign = cutter.foreign().map(|foreign| foreign.advice());
    reading.sources.push(read);
    reading
}

fn take(batch: &Batch, reading: &mut Reading) {
    for piece in batch.pieces() {
        match piece {
            Piece::Malformed(lost) => reading.malformed.push(lost.clone()),
            Piece::Record(record) => {
                let decoded = decode(record, &mut |entry| match observe(catalogue(), &entry) {
                    Some(observation) => reading.summary.observe(catalogue(), &entry, &observation),
                    None => reading.summary.ledger.unreadable += 1,
                });
                if let Some(refusal) = decoded.refusal {
                    let end = record.origin.offset + record.bytes.len() as u64;
                    assert!(refusal.origin.offset <= end, "refused past its end");
                }
            }
        }
    }
}
