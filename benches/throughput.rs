//! Bytes a second of each stage of reading. Run one with `cargo bench --bench throughput NAME`.

#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

mod corpus;
mod stopwatch;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;

use firstfault::entry::{self, Resources, Shapes};
use firstfault::framing::{Batch, Cutter, Piece};
use firstfault::source::{self, Options};
use serde::Deserialize;
use stopwatch::Stopwatch;

/// Larger than the last level cache, small enough to generate in a second.
const CORPUS_BYTES: usize = 64 << 20;

static LINES: LazyLock<String> = LazyLock::new(|| corpus::lines(CORPUS_BYTES, 1));
static PRETTY: LazyLock<String> = LazyLock::new(|| corpus::pretty(CORPUS_BYTES, 1));
static COMPACT: LazyLock<String> = LazyLock::new(|| format!("[{}]", LINES.trim_end().replace('\n', ",")));

fn main() {
    let watch = Stopwatch::new();
    let lines = || (LINES.as_str(), LINES.len());
    let pretty = || (PRETTY.as_str(), PRETTY.len());
    // The floor: counting line ends.
    watch.stage("newlines", 10, lines, |text| memchr::memchr_iter(b'\n', text.as_bytes()).count());
    watch.stage("cut_lines", 10, lines, |text| cut(text.as_bytes(), |_| {}));
    watch.stage("cut_pretty", 10, pretty, |text| cut(text.as_bytes(), |_| {}));
    watch.stage("cut_compact_array", 10, || (COMPACT.as_str(), COMPACT.len()), |text| cut(text.as_bytes(), |_| {}));
    watch.stage("decode_lines", 10, lines, |text| cut(text.as_bytes(), decode));
    watch.stage("glance_lines", 10, lines, |text| {
        let (mut known, mut shapes) = (Resources::default(), Shapes::default());
        cut(text.as_bytes(), |batch| glance(batch, &mut known, &mut shapes));
    });
    watch.stage("decode_pretty", 10, pretty, |text| cut(text.as_bytes(), decode));
    // The slow reader, for the ratio.
    watch.stage("serde_json_value", 3, lines, |text| {
        for line in text.lines() {
            black_box(serde_json::from_str::<serde_json::Value>(line).expect("it is JSON"));
        }
    });
    // What a reader by serde would take.
    watch.stage("serde_json_typed", 5, lines, |text| {
        for line in text.lines() {
            black_box(serde_json::from_str::<Typed<'_>>(line).expect("it is an entry"));
        }
    });
    // Packed sources are counted in bytes of their text.
    watch.stage("cut_gz", 5, || (gz(LINES.as_bytes()), LINES.len()), |packed| unpack(packed));
    let zst = || (zstd::encode_all(LINES.as_bytes(), 3).expect("memory is writable"), LINES.len());
    watch.stage("cut_zst", 5, zst, |packed| unpack(packed));
    watch.stage("cut_utf16", 5, || (corpus::utf16(&LINES), LINES.len()), |packed| unpack(packed));
}

/// Cuts a text and hands every batch to `each`.
fn cut(reader: impl Read, mut each: impl FnMut(&Batch)) {
    let (mut cutter, mut batch) = (Cutter::new(0, reader), Batch::new());
    while cutter.next(&mut batch).expect("memory is readable") {
        each(&batch);
    }
}

fn decode(batch: &Batch) {
    for piece in batch.pieces() {
        if let Piece::Record(record) = piece {
            entry::decode(record, &mut |entry| drop(black_box(entry)));
        }
    }
}

/// As a whole analysis reads: most entries at a glance, known resources by their bytes, the others whole.
fn glance(batch: &Batch, known: &mut Resources, shapes: &mut Shapes) {
    for piece in batch.pieces() {
        let Piece::Record(record) = piece else { continue };
        let Some(glance) = entry::glance(record, known, shapes, &|_| false) else {
            entry::decode(record, &mut |entry| drop(black_box(entry)));
            continue;
        };
        let resource = glance.unread.resource;
        if glance.unread.number.is_none() && known.number(resource).is_none() {
            known.add(resource);
        }
        drop(black_box(glance));
    }
}

/// The same fields for serde_json, borrowed where it can.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only reading it is measured")]
struct Typed<'t> {
    #[serde(borrow, default)]
    insert_id: Cow<'t, str>,
    #[serde(borrow, default)]
    log_name: Cow<'t, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'t, str>,
    #[serde(borrow, default)]
    receive_timestamp: Cow<'t, str>,
    #[serde(borrow, default)]
    severity: Cow<'t, str>,
    #[serde(borrow, default)]
    text_payload: Cow<'t, str>,
    #[serde(borrow, default)]
    trace: Cow<'t, str>,
    #[serde(borrow, default)]
    span_id: Cow<'t, str>,
    #[serde(borrow)]
    resource: Option<TypedResource<'t>>,
    #[serde(borrow)]
    http_request: Option<TypedRequest<'t>>,
    #[serde(borrow)]
    json_payload: Option<TypedPayload<'t>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading it is measured")]
struct TypedResource<'t> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'t, str>,
    #[serde(borrow, default)]
    labels: BTreeMap<Cow<'t, str>, Cow<'t, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only reading it is measured")]
struct TypedRequest<'t> {
    #[serde(borrow, default)]
    request_method: Cow<'t, str>,
    #[serde(borrow, default)]
    request_url: Cow<'t, str>,
    #[serde(default)]
    status: u16,
    #[serde(borrow, default)]
    latency: Cow<'t, str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only reading it is measured")]
struct TypedPayload<'t> {
    #[serde(borrow, default)]
    message: Cow<'t, str>,
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).expect("memory is writable");
    encoder.finish().expect("memory is writable")
}

/// Reads a packed source to its end.
fn unpack(packed: &[u8]) {
    let reader = source::decode(Box::new(Cursor::new(packed.to_vec())), &Options::default()).expect("it opens");
    cut(reader, |_| {});
}
