//! Bytes a second of each stage of reading. Run one with `cargo bench --bench throughput NAME`.

mod corpus;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use firstfault::entry::{self, Resources};
use firstfault::framing::{Batch, Cutter, Piece};
use firstfault::source::{self, Options};
use serde::Deserialize;

/// Larger than the last level cache, small enough to generate in a second.
const CORPUS_BYTES: usize = 64 << 20;

static LINES: LazyLock<String> = LazyLock::new(|| corpus::lines(CORPUS_BYTES, 1));
static PRETTY: LazyLock<String> = LazyLock::new(|| corpus::pretty(CORPUS_BYTES, 1));
static COMPACT: LazyLock<String> = LazyLock::new(|| format!("[{}]", LINES.trim_end().replace('\n', ",")));

fn main() {
    divan::main();
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
fn glance(batch: &Batch, known: &mut Resources) {
    for piece in batch.pieces() {
        let Piece::Record(record) = piece else { continue };
        let Some(glance) = entry::glance(record, known, &|_| false) else {
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

fn bench(bencher: Bencher<'_, '_>, text: &str, run: impl Fn(&str)) {
    bencher.counter(BytesCount::of_str(text)).bench_local(|| run(black_box(text)));
}

/// The floor: counting line ends.
#[divan::bench(sample_count = 10)]
fn newlines(bencher: Bencher<'_, '_>) {
    bench(bencher, &LINES, |text| {
        black_box(memchr::memchr_iter(b'\n', text.as_bytes()).count());
    });
}

#[divan::bench(sample_count = 10)]
fn cut_lines(bencher: Bencher<'_, '_>) {
    bench(bencher, &LINES, |text| cut(text.as_bytes(), |_| {}));
}

#[divan::bench(sample_count = 10)]
fn cut_pretty(bencher: Bencher<'_, '_>) {
    bench(bencher, &PRETTY, |text| cut(text.as_bytes(), |_| {}));
}

#[divan::bench(sample_count = 10)]
fn cut_compact_array(bencher: Bencher<'_, '_>) {
    bench(bencher, &COMPACT, |text| cut(text.as_bytes(), |_| {}));
}

#[divan::bench(sample_count = 10)]
fn decode_lines(bencher: Bencher<'_, '_>) {
    bench(bencher, &LINES, |text| cut(text.as_bytes(), decode));
}

#[divan::bench(sample_count = 10)]
fn glance_lines(bencher: Bencher<'_, '_>) {
    bench(bencher, &LINES, |text| {
        let mut known = Resources::default();
        cut(text.as_bytes(), |batch| glance(batch, &mut known));
    });
}

#[divan::bench(sample_count = 10)]
fn decode_pretty(bencher: Bencher<'_, '_>) {
    bench(bencher, &PRETTY, |text| cut(text.as_bytes(), decode));
}

/// The slow reader, for the ratio.
#[divan::bench(sample_count = 3)]
fn serde_json_value(bencher: Bencher<'_, '_>) {
    bench(bencher, &LINES, |text| {
        for line in text.lines() {
            black_box(serde_json::from_str::<serde_json::Value>(line).expect("it is JSON"));
        }
    });
}

/// What a reader by serde would take.
#[divan::bench(sample_count = 5)]
fn serde_json_typed(bencher: Bencher<'_, '_>) {
    bench(bencher, &LINES, |text| {
        for line in text.lines() {
            black_box(serde_json::from_str::<Typed<'_>>(line).expect("it is an entry"));
        }
    });
}

/// Reads a packed source to its end; counted in bytes of text.
fn unpack(bencher: Bencher<'_, '_>, packed: Vec<u8>) {
    bencher.counter(BytesCount::of_str(&**LINES)).bench_local(|| {
        let reader = source::decode(Box::new(Cursor::new(packed.clone())), &Options::default()).expect("it opens");
        cut(reader, |_| {});
    });
}

#[divan::bench(sample_count = 5)]
fn cut_gz(bencher: Bencher<'_, '_>) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(LINES.as_bytes()).expect("memory is writable");
    unpack(bencher, encoder.finish().expect("memory is writable"));
}

#[divan::bench(sample_count = 5)]
fn cut_zst(bencher: Bencher<'_, '_>) {
    unpack(bencher, zstd::encode_all(LINES.as_bytes(), 3).expect("memory is writable"));
}

#[divan::bench(sample_count = 5)]
fn cut_utf16(bencher: Bencher<'_, '_>) {
    unpack(bencher, corpus::utf16(&LINES));
}
