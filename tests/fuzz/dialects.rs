//! Dialects: an entry says the same in a Pub/Sub message, in a table of BigQuery and in a client library's spelling.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::entry::decode;
use crate::referee;

/// Fields of a LogEntry that hold objects: columns that BigQuery may hand out as strings.
const OBJECTS: [&str; 7] = ["resource", "labels", "jsonPayload", "protoPayload", "httpRequest", "operation", "split"];

/// The first byte picks a dialect; the rest is an entry in gcloud's spelling.
pub(crate) fn run(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else { return };
    let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes) else { return };
    if referee::read(&value).is_none() || !referee::is_plain(&value) {
        return;
    }
    let (expected, _) = decode(value.to_string().as_bytes());
    let text = spoken(usize::from(*pick), &value).to_string();
    let (found, decoded) = decode(text.as_bytes());
    assert_eq!(decoded.refusal, None, "{text}");
    assert_eq!(found, expected, "{text}");
}

/// The entry in one of the dialects.
fn spoken(pick: usize, entry: &Value) -> Value {
    let text = entry.to_string();
    match pick % 11 {
        0 => json!([entry]),
        1 => json!({"ackId": "1", "message": {"data": STANDARD.encode(&text), "messageId": "2"}}),
        2 => json!({"message": {"data": URL_SAFE_NO_PAD.encode(&text), "attributes": {"a": "b"}}, "subscription": "s"}),
        3 => json!({"message": {"data": text}}),
        4 => json!({"message": {"data": entry}}),
        5 => json!({"event": {"message": text}}),
        6 => json!({"event": {"original": json!({"message": {"data": text}}).to_string()}}),
        7 => json!({"logs_by_severity": {"ERROR": [entry]}}),
        8 => respelt(entry, &snake),
        9 => respelt(entry, &str::to_lowercase),
        _ => columns(entry),
    }
}

/// The entry with its own field names, and those of its request, spelt otherwise.
fn respelt(entry: &Value, spell: &dyn Fn(&str) -> String) -> Value {
    let Value::Object(map) = entry else { return entry.clone() };
    let spelt = map.iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("httpRequest" | "split", Value::Object(inner)) => {
                Value::Object(inner.iter().map(|(key, value)| (respelt_key(key, spell), value.clone())).collect())
            }
            _ => value.clone(),
        };
        (respelt_key(key, spell), value)
    });
    Value::Object(spelt.collect::<Map<_, _>>())
}

/// Only names that every dialect has are spelt otherwise.
fn respelt_key(key: &str, spell: &dyn Fn(&str) -> String) -> String {
    if referee::NAMES.contains(&key) { spell(key) } else { key.to_owned() }
}

fn snake(name: &str) -> String {
    name.chars()
        .flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]))
        .collect()
}

/// The entry with its objects as strings that hold them.
fn columns(entry: &Value) -> Value {
    let Value::Object(map) = entry else { return entry.clone() };
    let told = map.iter().map(|(key, value)| {
        let is_column = OBJECTS.contains(&key.as_str()) && value.is_object();
        (key.clone(), if is_column { Value::String(value.to_string()) } else { value.clone() })
    });
    Value::Object(told.collect::<Map<_, _>>())
}

/// Every field of an entry with a value that fits it.
fn whole() -> Value {
    let audit = json!({
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "run.googleapis.com", "methodName": "m",
        "resourceName": "r", "status": {"code": 7, "message": "no"}, "authenticationInfo": {"principalEmail": "a@acme.example"},
    });
    json!({
        "insertId": "abc-1", "logName": "projects/acme-prod/logs/run.googleapis.com%2Fstderr",
        "timestamp": "2026-03-02T11:48:02.910682Z", "receiveTimestamp": "2026-03-02T11:48:03.123456789+01:00",
        "severity": "ERROR", "textPayload": "a \"quote\"\nand é",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "checkout", "n": 7, "x": null}},
        "labels": {"instanceId": "00ab", "é": "ü\n"}, "jsonPayload": {"message": "m", "level": "info"}, "protoPayload": audit,
        "httpRequest": {
            "requestMethod": "GET", "requestUrl": "https://acme.example/", "status": 503, "latency": "1.250s",
            "remoteIp": "10.0.0.1", "userAgent": "ua", "protocol": "HTTP/1.1",
        },
        "trace": "projects/acme-prod/traces/1", "spanId": "0a", "operation": {"id": "op", "first": true},
        "split": {"uid": "u", "index": 1, "totalSplits": "3"},
    })
}

/// A field as it should be, missing, null, and of another type.
fn states(fitting: &Value) -> [Option<Value>; 4] {
    let other = if fitting.is_string() { json!({"a": ["b"]}) } else { json!("text") };
    [Some(fitting.clone()), None, Some(Value::Null), Some(other)]
}

/// Any two fields in any two states, beside all others or next to none, in one dialect after the other.
#[test]
fn every_pair_of_fields_in_every_state_reads_as_the_referee_reads_it() {
    let whole = whole();
    let fields: Vec<(&String, &Value)> = whole.as_object().expect("it is one").iter().collect();
    let bare: Map<String, Value> =
        ["insertId", "timestamp", "resource"].iter().map(|key| ((*key).to_owned(), whole[*key].clone())).collect();
    let (mut n, mut n_entries) = (0, 0);
    for (i, (first, fitting)) in fields.iter().enumerate() {
        for (second, other) in &fields[i + 1..] {
            for (a, b) in states(fitting).iter().flat_map(|a| states(other).map(|b| (a.clone(), b))) {
                let around = if n % 2 == 0 { whole.as_object().expect("it is one") } else { &bare };
                let mut entry = around.clone();
                for (key, state) in [(*first, &a), (*second, &b)] {
                    match state {
                        Some(value) => drop(entry.insert(key.clone(), value.clone())),
                        None => drop(entry.remove(key)),
                    }
                }
                let mut input = vec![n as u8];
                input.extend(Value::Object(entry).to_string().into_bytes());
                crate::entry::run(&input[1..]);
                run(&input);
                n += 1;
                n_entries += usize::from(!decode(&input[1..]).0.is_empty());
            }
        }
    }
    assert!(n == 105 * 16 && n_entries * 10 > n * 9, "{n_entries} entries in {n} values");
}
