//! Observation and account: known and mined failures counted alike however the entries are split.

use std::sync::OnceLock;

use firstfault::entry::decode;
use firstfault::framing::Record;
use firstfault::pattern::{Catalogue, Merge, observe};
use firstfault::source::Origin;
use firstfault::summary::Summary;
use serde_json::{Value, json};

/// The catalogue, read once.
pub(crate) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(Catalogue::builtin)
}

/// The first byte picks the split; every further line says what an entry is like and what it says.
pub(crate) fn run(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let records: Vec<String> = text.split('\n').enumerate().map(|(i, line)| record(i, line)).collect();
    let (left, right) = records.split_at(usize::from(*pick) % (records.len() + 1));
    let (a, b, whole) = (summarize(0, left), summarize(left.len(), right), summarize(0, &records));
    assert_eq!(value(&merged(a.clone(), b.clone())), value(&whole), "a split shows");
    assert_eq!(value(&merged(b, a)), value(&whole), "the order of a merge shows");
    let ledger = whole.ledger;
    assert_eq!(ledger.entries(), records.len() as u64);
    settles(whole);
}

/// Every entry ends in one class.
fn settles(mut whole: Summary) {
    let mined = whole.settle(catalogue());
    let ledger = whole.ledger;
    assert_eq!(ledger.matched + ledger.mined + ledger.benign, ledger.entries(), "{ledger:?}");
    assert!(mined.templates.iter().map(|mined| mined.count).sum::<u64>() <= ledger.mined, "{ledger:?}");
}

/// An entry as the first three characters of a line say, with the rest as its message.
fn record(i: usize, line: &str) -> String {
    let (head, message) = line.split_at(line.char_indices().nth(3).map_or(line.len(), |(at, _)| at));
    let picks: Vec<usize> = head.bytes().chain([0; 3]).map(usize::from).collect();
    let severity = ["ERROR", "INFO", "WARNING", "CRITICAL", "DEFAULT", "NOTICE"][picks[0] % 6];
    let service = ["checkout", "storefront", "mailer"][picks[1] % 3];
    let at = format!("2026-03-02T11:{:02}:{:02}.{i:06}Z", picks[0] % 60, picks[1] % 60);
    let mut entry = json!({
        "insertId": format!("i{i}"), "timestamp": at, "severity": severity,
        "logName": "projects/acme-prod/logs/run.googleapis.com%2Fstderr",
        "resource": {"type": "cloud_run_revision", "labels": {"project_id": "acme-prod", "service_name": service, "revision_name": format!("{service}-00001")}},
        "labels": {"instanceId": format!("00f{}", picks[2] % 2)},
        "trace": format!("projects/acme-prod/traces/{:032x}", picks[1]),
        "spanId": format!("{i:016x}"),
    });
    let log = |name: &str| json!(format!("projects/acme-prod/logs/{name}"));
    match picks[2] % 7 {
        0 => entry["jsonPayload"] = json!({"message": message, "level": "error"}),
        1 => {
            entry["logName"] = log("run.googleapis.com%2Frequests");
            entry["httpRequest"] =
                json!({"requestMethod": "GET", "requestUrl": message, "status": 500 + picks[0] % 5, "latency": "1.5s"});
        }
        2 => {
            entry["logName"] = log("cloudaudit.googleapis.com%2Factivity");
            entry["protoPayload"] = json!({"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "methodName": message, "serviceName": "run.googleapis.com", "resourceName": format!("namespaces/acme-prod/services/{service}"), "status": {"code": picks[0] % 3, "message": message}});
        }
        3 => {
            entry["split"] = json!({"uid": format!("u{}", picks[0] % 2), "index": picks[1] % 3, "totalSplits": 3});
            entry["textPayload"] = json!(message);
        }
        4 => {
            entry["jsonPayload"] = json!({"involvedObject": {"kind": "Pod", "name": message}, "reason": message, "message": message, "type": "Warning", "count": picks[0]})
        }
        _ => entry["textPayload"] = json!(message.replace('\u{b}', "\n")),
    }
    entry.to_string()
}

fn summarize(first: usize, records: &[String]) -> Summary {
    let mut summary = Summary::default();
    for (i, record) in records.iter().enumerate() {
        let origin = Origin { source: 0, offset: (first + i) as u64 * 10_000 };
        decode(Record { origin, bytes: record.as_bytes() }, &mut |entry| {
            let observation = observe(catalogue(), &entry).expect("it has a time");
            summary.observe(catalogue(), &entry, &observation);
        });
    }
    summary
}

fn merged(mut a: Summary, b: Summary) -> Summary {
    a.merge(b);
    a
}

fn value(summary: &Summary) -> Value {
    serde_json::to_value(summary).expect("an account can be written")
}
