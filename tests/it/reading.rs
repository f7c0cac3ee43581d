//! Sources become the same entries however they are packed, encoded, split and damaged.
#![allow(clippy::print_stderr, reason = "the list of what was read is the point of running with the cases")]

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

use crate::steps::Steps;
use firstfault::entry::{self, Entry};
use firstfault::framing::{Batch, ByteLedger, Cutter, Piece};
use firstfault::source;

/// What came out of an input.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reading {
    /// Offset and insert id of each entry.
    entries: Vec<(u64, String)>,
    messages: Vec<String>,
    /// Offset, length and reason of each malformed range.
    lost: Vec<(u64, u64, String)>,
    refused: usize,
    /// Records in which no entry was found.
    empty: usize,
    ledger: ByteLedger,
}

/// Reads a whole input in batches of about `batch_bytes`, its reader giving at most `step` bytes at a time.
fn read_with(bytes: &[u8], batch_bytes: usize, step: usize) -> Reading {
    let mut cutter = Cutter::with_batch_bytes(0, Steps { bytes, step }, batch_bytes);
    let (mut batch, mut reading) = (Batch::new(), Reading::default());
    while cutter.next(&mut batch).expect("memory is readable") {
        for piece in batch.pieces() {
            match piece {
                Piece::Malformed(lost) => reading.lost.push((lost.origin.offset, lost.len, lost.reason.clone())),
                Piece::Record(record) => {
                    let decoded = entry::decode(record, &mut |entry: Entry<'_>| {
                        reading.entries.push((entry.origin.offset, entry.insert_id.into_owned()));
                        reading.messages.push(entry.message.into_owned());
                    });
                    reading.refused += usize::from(decoded.refusal.is_some());
                    reading.empty += usize::from(decoded.entries == 0);
                }
            }
        }
    }
    reading.ledger = cutter.ledger();
    assert_eq!(reading.ledger.bytes(), bytes.len() as u64, "every byte is accounted for");
    reading
}

fn read(text: impl AsRef<[u8]>) -> Reading {
    read_with(text.as_ref(), 1 << 20, usize::MAX)
}

fn ids(reading: &Reading) -> Vec<&str> {
    reading.entries.iter().map(|(_, id)| id.as_str()).collect()
}

/// An entry on one line.
fn line(id: &str) -> String {
    format!(
        r#"{{"insertId":"{id}","logName":"projects/acme-prod/logs/run.googleapis.com%2Fstderr","resource":{{"labels":{{"service_name":"checkout"}},"type":"cloud_run_revision"}},"textPayload":"a {{ \"b\" ]","timestamp":"2025-09-16T00:42:59.910682Z"}}"#
    )
}

/// The same entry as gcloud prints it.
fn pretty(id: &str, indent: usize) -> String {
    let value: serde_json::Value = serde_json::from_str(&line(id)).expect("it is JSON");
    let text = serde_json::to_string_pretty(&value).expect("it can be written");
    text.lines().map(|l| format!("{}{l}", " ".repeat(indent))).collect::<Vec<_>>().join("\n")
}

/// The same entry as it is copied from the page of the Logs Explorer.
fn tree(id: &str) -> String {
    format!(
        "{{\ninsertId: \"{id}\"\nlabels: {{1}}\nlogName: \"projects/acme-prod/logs/run.googleapis.com%2Fstderr\"\nresource: {{\nlabels: {{\nservice_name: \"checkout\"\n}}\ntype: \"cloud_run_revision\"\n}}\ntextPayload: \"a {{ \"b\" ]\"\ntimestamp: \"2025-09-16T00:42:59.910682Z\"\n}}\n"
    )
}

fn gcloud_array(names: &[&str]) -> String {
    let elements: Vec<_> = names.iter().map(|id| pretty(id, 2)).collect();
    format!("[\n{}\n]\n", elements.join(",\n"))
}

/// Every shape that holds the entries a, b and c, and nothing that is lost.
fn shapes() -> Vec<(&'static str, String)> {
    let (a, b, c) = (line("a"), line("b"), line("c"));
    let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    vec![
        ("lines", format!("{a}\n{b}\n{c}\n")),
        ("lines without a last line end", format!("{a}\n{b}\n{c}")),
        ("lines with CRLF and blanks", format!("{a}\r\n\r\n  {b}\r\n{c}  \r\n")),
        ("gcloud's array", gcloud_array(&["a", "b", "c"])),
        ("gcloud's array with CRLF", gcloud_array(&["a", "b", "c"]).replace('\n', "\r\n")),
        ("a compact array", format!("[{a},{b},{c}]")),
        ("an array of lines", format!("[\n{a},\n{b},\n{c}\n]\n")),
        ("pretty objects", format!("{}\n\n{}\n{}", pretty("a", 0), pretty("b", 0), pretty("c", 0))),
        ("several arrays", format!("{}{}[]\n[\n{}\n]\n", gcloud_array(&["a"]), gcloud_array(&["b"]), pretty("c", 2))),
        ("a response page", format!("{{\"entries\":[{a},{b},{c}],\"nextPageToken\":\"x\"}}")),
        (
            "a pretty page",
            format!("{{\n  \"entries\": [\n{},\n{},\n{}\n  ]\n}}", pretty("a", 4), pretty("b", 4), pretty("c", 4)),
        ),
        (
            "entries by severity",
            format!("{{\"meta\":{{\"n\":3}},\"logs_by_severity\":{{\"ERROR\":[{a}],\"INFO\":[{b},{c}]}}}}"),
        ),
        (
            "pull envelopes",
            format!(
                "[{{\"ackId\":\"1\",\"message\":{{\"data\":\"{}\"}}}},{{\"ackId\":\"2\",\"message\":{{\"data\":{b}}}}},{{\"message\":{{\"data\":{}}}}}]",
                base64(&a),
                quoted(&c)
            ),
        ),
        ("trees copied from a page", format!("{}\n{}{}\n", tree("a"), tree("b"), tree("c").trim_end_matches("}\n"))),
        (
            "strings in events",
            format!(
                "{{\"event\":{{\"message\":{}}}}}\n[{}]\n\"{}\"",
                quoted(&a),
                quoted(&b),
                &quoted(&c)[1..quoted(&c).len() - 1]
            ),
        ),
    ]
}

#[test]
fn every_shape_gives_its_entries_and_loses_nothing() {
    for (name, text) in shapes() {
        let reading = read(&text);
        assert_eq!(ids(&reading), ["a", "b", "c"], "{name}");
        assert!(reading.lost.is_empty() && reading.refused == 0, "{name}: {reading:?}");
        assert_eq!(reading.messages, vec!["a { \"b\" ]"; 3], "{name}");
        assert_eq!(reading.ledger.unclosed, 0, "{name}");
    }
}

#[test]
fn origins_point_at_the_entries() {
    for (name, text) in shapes().into_iter().take(11) {
        for (offset, id) in read(&text).entries {
            let rest = &text[offset as usize..];
            assert!(rest.starts_with('{'), "{name}");
            let id_at = rest.find("\"insertId\"").expect("it has one");
            assert!(
                rest[id_at..].starts_with(&format!("\"insertId\":\"{id}\""))
                    || rest[id_at..].starts_with(&format!("\"insertId\": \"{id}\"")),
                "{name}"
            );
        }
    }
}

#[test]
fn entries_among_other_text_are_found() {
    let text = format!(
        "# saved by hand\nuser@shell:~ (acme-prod)$ gcloud logging read x\n{}\nDEFAULT 2025-09-16T00:42:59.910682Z [start]\n  {}\n/* {{ */ done {{1}} [x] \"y\n{}\n",
        gcloud_array(&["a"]),
        pretty("b", 2).trim_start(),
        line("c")
    );
    let reading = read(&text);
    assert_eq!(ids(&reading), ["a", "b", "c"]);
    assert!(!reading.lost.is_empty());
}

#[test]
fn a_cut_array_keeps_what_is_whole() {
    let whole = gcloud_array(&["a", "b", "c"]);
    let third = whole.rfind("\n  {").expect("it has three");
    for cut in third + 5..whole.len() - 5 {
        let reading = read(&whole[..cut]);
        assert_eq!(ids(&reading), ["a", "b"], "cut at {cut}");
        assert_eq!(reading.lost.iter().map(|l| l.1).sum::<u64>(), (cut - third - 3) as u64);
        assert_eq!(reading.ledger.unclosed, 1);
    }
    let page = format!("{{\"entries\":[{},{},{}", line("a"), line("b"), &line("c")[..40]);
    assert_eq!(ids(&read(&page)), ["a", "b"]);
}

#[test]
fn damage_costs_only_the_entry_it_is_in() {
    for damage in ["\"x\":1,}}", "{", "}", "\"", "\n\"", "\u{0}", "]", ",{", "<html>"] {
        for (name, shape) in [
            ("array", gcloud_array(&["a", "b", "c"])),
            ("lines", format!("{}\n{}\n{}\n", line("a"), line("b"), line("c"))),
            ("array of lines", format!("[\n{},\n{},\n{}\n]", line("a"), line("b"), line("c"))),
        ] {
            let middle = shape.find("\"b\"").expect("b is there") + 4;
            let text = format!("{}{damage}{}", &shape[..middle], &shape[middle..]);
            let reading = read(&text);
            let found = ids(&reading);
            assert!(
                found.contains(&"a") && found.contains(&"c"),
                "{name} with {damage:?}: {found:?} {:?}",
                reading.lost
            );
        }
    }
}

#[test]
fn a_cut_line_does_not_take_the_next_ones_along() {
    let b = line("b");
    for cut in 1..b.len() {
        let text = format!("{}\n{}\n{}\n{}\n", line("a"), &b[..cut], line("c"), line("d"));
        let reading = read(&text);
        let found = ids(&reading);
        assert!(
            found.contains(&"a") && found.contains(&"c") && found.contains(&"d"),
            "cut at {cut}: {found:?} {:?}",
            reading.lost
        );
    }
}

#[test]
fn block_sizes_never_show() {
    let mut inputs: Vec<String> = shapes().into_iter().map(|(_, text)| text).collect();
    let all: String = inputs.join("\n");
    inputs.push(all);
    inputs.push(
        "text {\"a\" [ {\"b\": } \"{\\\"insertId\\\":\\\"q\\\",\\\"textPayload\\\":\\\"\\\"}\" \n\n   {\n  \"x\": {\n"
            .repeat(3),
    );
    inputs.push("---\ninsertId: a\ntextPayload: |-\n  x\n  y\n---\ninsertId: b\ntextPayload: 'z'\n--- \ninsertId: [\n---\nseverity: INFO\nlogName: c\n".to_owned());
    for text in inputs {
        let whole = read(&text);
        for (batch, step) in [(1, 1), (1, 7), (3, 64), (17, 1 << 20), (64, 64), (501, 1 << 20), (4096, 1000)] {
            assert_eq!(read_with(text.as_bytes(), batch, step), whole, "batches of {batch}, reads of {step}: {text}");
        }
    }
}

#[test]
fn block_sizes_never_show_in_damaged_input() {
    let mut random = Random(7);
    let shapes = shapes();
    for round in 0..400 {
        let (_, text) = &shapes[round % shapes.len()];
        let mut bytes = text.clone().into_bytes();
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes.truncate(at + 1),
                1 => bytes[at] = b"{}[]\",:\\\n x\xff"[random.below(12)],
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"{}[]\",:\\\n x\xff"[random.below(12)]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let whole = read(&bytes);
        for (batch, step) in [(1, 1), (29, 13), (300, 1 << 20)] {
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(read_with(&bytes, batch, step), whole, "batches of {batch}, reads of {step}: {text}");
        }
    }
}

#[test]
fn a_wrapper_larger_than_any_record_is_streamed() {
    let one = line("x");
    let n = (20 << 20) / one.len();
    let text = format!("{{\"info\":{{\"a\":[1,2]}},\"raw_logs\":[{}],\"end\":true}}", vec![one; n].join(","));
    let reading = read(&text);
    assert_eq!(reading.entries.len(), n);
    assert!(reading.lost.is_empty(), "{:?}", reading.lost);
}

#[test]
fn a_record_that_is_too_long_is_passed_over_and_reported() {
    let long = format!("{{\"insertId\":\"l\",\"logName\":\"x\",\"textPayload\":\"{}\"}}", "y".repeat(17 << 20));
    let reading = read(format!("{}\n{long}\n{}\n", line("a"), line("b")));
    assert_eq!(ids(&reading), ["a", "b"]);
    assert_eq!(
        reading.lost.iter().map(|(_, len, reason)| (*len, reason.as_str())).collect::<Vec<_>>(),
        [(long.len() as u64, "longer than 16 MiB")]
    );
}

#[test]
fn yaml_documents_are_entries() {
    let text = "---\ninsertId: a\nlogName: projects/acme-prod/logs/x\nresource:\n  labels:\n    service_name: checkout\n  type: cloud_run_revision\nseverity: ERROR\ntextPayload: |-\n  one\n    two: [\n---\ninsertId: b\nlabels: {}\ntextPayload: 'it''s\n  folded'\ntimestamp: '2025-09-16T00:42:59Z'\n";
    let reading = read(text);
    assert_eq!(ids(&reading), ["a", "b"]);
    assert_eq!(reading.messages, ["one\n  two: [", "it's folded"]);
    assert_eq!(reading.entries[1].0 as usize, text.rfind("---").expect("two documents"));
}

#[test]
fn packing_and_encoding_never_show() {
    let text = gcloud_array(&["a", "b", "c"]);
    let plain = read(&text);
    let mut gz = Vec::new();
    for part in text.as_bytes().chunks(400) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).expect("memory is writable");
        gz.extend(encoder.finish().expect("memory is writable"));
    }
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let zst = zstd::encode_all(&utf16[..], 3).expect("memory is writable");
    for packed in [gz, utf16, zst, [b"\xef\xbb\xbf", text.as_bytes()].concat()] {
        let mut decoded = source::decode(Box::new(Cursor::new(packed)), &source::Options::default()).expect("it opens");
        let mut bytes = Vec::new();
        decoded.read_to_end(&mut bytes).expect("it is whole");
        assert_eq!(read(&bytes), plain);
    }
}

#[test]
fn a_damaged_source_gives_what_is_whole_and_then_the_error() {
    let text: String = (0..4000).map(|i| line(&format!("id-{i}-{}", i * 7919 % 10_007)) + "\n").collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory is writable");
    let mut gz = encoder.finish().expect("memory is writable");
    gz.truncate(gz.len() / 2);
    let reader = source::decode(Box::new(Cursor::new(gz)), &source::Options::default()).expect("it opens");
    let (mut cutter, mut batch, mut n_records) = (Cutter::new(0, reader), Batch::new(), 0);
    let error = loop {
        match cutter.next(&mut batch) {
            Ok(true) => n_records += batch.ledger().records,
            Ok(false) => panic!("the damage must be said"),
            Err(error) => break error,
        }
    };
    assert!(n_records > 1000, "{n_records}");
    assert!(error.to_string().contains("damaged compressed data"), "{error}");
    assert!(!cutter.next(&mut batch).expect("it is said once"));
}

/// A small random generator, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// Every real export gives entries or a clear answer. Set FIRSTFAULT_CASES to a folder with exports in `real/`.
#[test]
fn every_real_export_is_read_or_named() {
    let Some(cases) = std::env::var_os("FIRSTFAULT_CASES").map(PathBuf::from) else {
        eprintln!("skipped: FIRSTFAULT_CASES is not set");
        return;
    };
    let expansion = source::expand(&[cases.join("real")]);
    assert!(!expansion.sources.is_empty(), "no exports in {}", cases.display());
    let mut unanswered = Vec::new();
    for source in expansion.sources.iter().filter(|source| !source.name().ends_with("truth.json")) {
        let mut decoded = source::open(source, &source::Options::default()).expect("it can be read");
        let mut bytes = Vec::new();
        decoded.read_to_end(&mut bytes).expect("it is whole");
        let reading = read(&bytes);
        for (batch, step) in [(1000, 333), (1, 4096)] {
            assert_eq!(read_with(&bytes, batch, step), reading, "{}", source.name());
        }
        let mut cutter = Cutter::new(0, &bytes[..]);
        cutter.next(&mut Batch::new()).expect("memory is readable");
        let foreign = cutter.foreign();
        eprintln!(
            "{:>5} entries {:>3} lost ({:>7} bytes) {} refused {} empty {:?} {}",
            reading.entries.len(),
            reading.lost.len(),
            reading.ledger.malformed_bytes,
            reading.refused,
            reading.empty,
            foreign,
            source.name().rsplit('/').next().unwrap_or("")
        );
        if reading.entries.is_empty() && foreign.is_none() {
            unanswered.push(source.name());
        }
    }
    assert!(unanswered.is_empty(), "neither entries nor an answer: {unanswered:#?}");
}

/// Damage in one entry of a page that stands on one line costs that entry alone, whatever the page is called.
#[test]
fn a_page_on_one_line_loses_only_its_damaged_entry() {
    let entry = |n: usize, text: &str| {
        format!(
            r#"{{"insertId":"i{n}","timestamp":"2026-02-03T10:00:{n:02}Z","severity":"ERROR","textPayload":"{text}"}}"#
        )
    };
    let entries: Vec<String> =
        (0..10).map(|n| entry(n, if n == 5 { "connection ref\"used" } else { "refused" })).collect();
    for (before, after) in
        [(r#"{"entries":["#, r#"],"nextPageToken":"z"}"#), (r#"{"page":{"rows":["#, "]}}"), ("[", "]")]
    {
        let page = format!("{before}{}{after}\n", entries.join(","));
        let run = crate::binary::run_on(page.as_bytes(), &["--format", "json"]).ends_with(0);
        let report: serde_json::Value = serde_json::from_str(&run.out).expect("a report");
        assert_eq!(report["coverage"]["entries"], 9, "{before}: {}", report["coverage"]);
    }
}

/// A row of Log Analytics says what the entry says, whichever of its columns came as strings.
#[test]
fn rows_with_columns_as_strings_are_read_as_the_entry_is() {
    let audit = serde_json::json!({
        "service_name": "compute.googleapis.com", "method_name": "v1.compute.firewalls.insert",
        "resource_name": "projects/acme/global/firewalls/deny-db", "authentication_info": {"principal_email": "ada@example.com"},
    });
    let labels = serde_json::json!({"project_id": "acme"});
    let row = |proto: serde_json::Value, labels: serde_json::Value| {
        serde_json::json!({
            "insert_id": "a1", "timestamp": "2026-02-03T10:00:00Z", "severity": "NOTICE", "proto_payload": proto,
            "log_name": "projects/acme/logs/cloudaudit.googleapis.com%2Factivity",
            "resource": {"type": "gce_network", "labels": labels},
        })
    };
    let kind = "type.googleapis.com/google.cloud.audit.AuditLog";
    let text = |value: &serde_json::Value| serde_json::Value::from(value.to_string());
    let whole = serde_json::json!({"type": kind, "audit_log": audit});
    let half = serde_json::json!({"type": kind, "audit_log": audit.to_string()});
    let rows = [
        row(whole.clone(), labels.clone()),
        row(half.clone(), labels.clone()),
        row(text(&whole), labels.clone()),
        row(text(&half), text(&labels)),
    ];
    let told = rows.map(|row| {
        let run = crate::binary::run_on(format!("{row}\n").as_bytes(), &["classify", "-"]).ends_with(0);
        let mut told: serde_json::Value = serde_json::from_str(&run.out).expect("a line");
        told["offset"] = 0.into();
        told
    });
    assert_eq!(told[0]["pattern"], "change-firewall", "{}", told[0]);
    assert!(told.iter().all(|row| *row == told[0]), "{told:#?}");
}
