//! The slow, obvious reader of an entry in gcloud's own spelling: serde_json's tree, one field after another.
#![allow(dead_code, reason = "not every test asks it everything")]

use std::collections::BTreeMap;

use firstfault::entry::{Entry, Labels, Payload, Severity};
use firstfault::time::Timestamp;
use serde_json::Value;

/// Method, URL, status, latency, agent, address, protocol.
type Request = (String, String, u16, Option<i64>, String, String, String);

/// What both readers must agree on.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Facts {
    insert_id: String,
    log_name: String,
    timestamp: Option<Timestamp>,
    receive_timestamp: Option<Timestamp>,
    severity: Option<Severity>,
    resource: (String, BTreeMap<String, String>),
    labels: BTreeMap<String, String>,
    trace: String,
    span_id: String,
    operation_id: String,
    split: Option<(String, u32, u32)>,
    http: Option<Request>,
    audit: Option<(String, String, String, String, i32)>,
    /// Only of text payloads: what a JSON payload says is tested by example.
    text: String,
}

impl Facts {
    /// What cleaning of the text may change is tested by example.
    pub(crate) fn without_escapes(mut self, other: &Facts) -> Facts {
        if other.text.contains(['\\', '<', '\u{1b}']) {
            self.text.clone_from(&other.text);
        }
        self
    }
}

/// Names that gcloud spells this way and other dialects otherwise.
pub(crate) const NAMES: [&str; 18] = [
    "insertId",
    "logName",
    "timestamp",
    "receiveTimestamp",
    "severity",
    "textPayload",
    "jsonPayload",
    "protoPayload",
    "rawPayload",
    "httpRequest",
    "spanId",
    "requestMethod",
    "requestUrl",
    "userAgent",
    "remoteIp",
    "totalSplits",
    "method",
    "url",
];

/// True when this reader knows every spelling in the entry: gcloud's own, no object as a string, no App Engine request.
pub(crate) fn is_plain(entry: &Value) -> bool {
    let folded = |key: &str| key.replace('_', "").to_lowercase();
    let is_own = |key: &String| !NAMES[..15].iter().any(|name| folded(key) == folded(name) && key != name);
    let is_typed = |key: &String| folded(key).contains("payload") && !NAMES[5..9].contains(&key.as_str());
    let holds_json = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('{'));
    let spells = |map: &serde_json::Map<String, Value>| map.keys().all(|key| is_own(key) && !is_typed(key));
    let Value::Object(map) = entry else { return false };
    let other = ["method", "url", "rawPayload"];
    spells(map)
        && map.iter().all(|(key, value)| key == "textPayload" || !holds_json(value))
        // An access line is read as the request it tells of.
        && !entry.to_string().contains("HTTP/")
        && map
            .get("httpRequest")
            .and_then(Value::as_object)
            .is_none_or(|http| spells(http) && !other.iter().any(|key| http.contains_key(*key)))
        && !map.contains_key("rawPayload")
        && entry["resource"].as_object().is_none_or(|resource| resource.values().all(|value| !holds_json(value)))
        && is_plain_audit(&entry["protoPayload"])
        && (handed_out_as_json(&entry["jsonPayload"]).is_none() || is_plain_audit(&entry["jsonPayload"]))
        // Protocol buffers write the type first, and there it is looked for.
        && entry["jsonPayload"].as_object().and_then(|map| map.keys().position(|key| key == "@type")).unwrap_or(0) == 0
}

/// True when it is no App Engine request, and every name of it is the API's.
fn is_plain_audit(payload: &Value) -> bool {
    let Value::Object(map) = payload else { return true };
    let folded = |key: &str| key.replace('_', "").to_lowercase();
    let names = [
        "serviceName",
        "methodName",
        "resourceName",
        "authenticationInfo",
        "status",
        "principalEmail",
        "principalSubject",
    ];
    let others = ["line", "requestlog", "auditlog", "type", "resource", "method", "traceid"];
    let is_own = |key: &String| names.contains(&key.as_str()) || !names.iter().any(|name| folded(key) == folded(name));
    let holds_json = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('{'));
    let who = payload["authenticationInfo"].as_object();
    who.is_none_or(|who| who.keys().all(is_own))
        && map.iter().all(|(key, value)| is_own(key) && !others.contains(&folded(key).as_str()) && !holds_json(value))
        && !payload["@type"].to_string().contains("RequestLog")
}

/// The facts of a value that is an entry, `None` for anything else.
pub(crate) fn read(value: &Value) -> Option<Facts> {
    let has = |key: &str| value.get(key).is_some();
    let has_payload = has("textPayload") || has("jsonPayload") || has("protoPayload");
    let n_own = ["insertId", "logName", "receiveTimestamp", "httpRequest"].iter().filter(|key| has(key)).count();
    let n_other = ["resource", "timestamp", "severity"].iter().filter(|key| has(key)).count();
    let is_entry = has_payload || n_own > 1 || (n_own == 1 && n_other > 0) || (has("resource") && has("timestamp"));
    is_entry.then(|| Facts {
        insert_id: text(&value["insertId"]),
        log_name: text(&value["logName"]),
        timestamp: time(&value["timestamp"]),
        receive_timestamp: time(&value["receiveTimestamp"]),
        severity: Severity::parse(&text(&value["severity"])),
        resource: (text(&value["resource"]["type"]), map(&value["resource"]["labels"])),
        labels: map(&value["labels"]),
        trace: text(&value["trace"]),
        span_id: text(&value["spanId"]),
        operation_id: text(&value["operation"]["id"]),
        split: split(&value["split"]),
        http: http(&value["httpRequest"]),
        audit: audit(&value["protoPayload"]).or_else(|| handed_out_as_json(&value["jsonPayload"])),
        text: if value["protoPayload"].is_object() || value["jsonPayload"].is_object() {
            String::new()
        } else {
            text(&value["textPayload"]).trim_end().to_owned()
        },
    })
}

/// The same facts of a decoded entry.
pub(crate) fn facts(entry: &Entry<'_>) -> Facts {
    let pairs = |labels: &Labels<'_>| labels.0.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    Facts {
        insert_id: entry.insert_id.to_string(),
        log_name: entry.log_name.to_string(),
        timestamp: entry.timestamp,
        receive_timestamp: entry.receive_timestamp,
        severity: entry.severity,
        resource: (entry.resource.kind.to_string(), pairs(&entry.resource.labels)),
        labels: pairs(&entry.labels),
        trace: entry.trace.to_string(),
        span_id: entry.span_id.to_string(),
        operation_id: entry.operation_id.to_string(),
        split: entry.split.as_ref().map(|s| (s.uid.to_string(), s.index, s.total)),
        http: entry.http.as_ref().map(|h| {
            let [method, url, agent, ip, protocol] =
                [&h.method, &h.url, &h.user_agent, &h.remote_ip, &h.protocol].map(ToString::to_string);
            (method, url, h.status, h.latency_ns, agent, ip, protocol)
        }),
        audit: entry.audit.as_ref().map(|a| {
            let [service, method, resource, principal] =
                [&a.service, &a.method, &a.resource_name, &a.principal].map(ToString::to_string);
            (service, method, resource, principal, a.status_code)
        }),
        text: if entry.payload == Payload::Text { entry.message.to_string() } else { String::new() },
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => String::new(),
    }
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let Value::Object(map) = value else { return BTreeMap::new() };
    map.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

fn integer(value: &Value) -> Option<i64> {
    let text = text(value);
    let text = text.trim();
    let finite = || text.parse::<f64>().ok().filter(|number| number.is_finite());
    text.parse().ok().or_else(|| finite().map(|number| number as i64))
}

fn split(value: &Value) -> Option<(String, u32, u32)> {
    let small = |key: &str| integer(&value[key]).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    Some((text(&value["uid"]), small("index"), small("totalSplits"))).filter(|(uid, ..)| !uid.is_empty())
}

fn http(value: &Value) -> Option<Request> {
    value.as_object()?;
    Some((
        text(&value["requestMethod"]) + &text(&value["method"]),
        text(&value["requestUrl"]) + &text(&value["url"]),
        integer(&value["status"]).and_then(|n| u16::try_from(n).ok()).unwrap_or(0),
        duration(&value["latency"]),
        text(&value["userAgent"]),
        text(&value["remoteIp"]),
        text(&value["protocol"]),
    ))
}

/// A timestamp as text, or in the API's own parts.
fn time(value: &Value) -> Option<Timestamp> {
    if value.is_object() { parts(value).map(Timestamp) } else { Timestamp::parse(&text(value)) }
}

fn duration(value: &Value) -> Option<i64> {
    if value.is_object() { parts(value) } else { latency(&text(value)) }
}

/// `{"seconds": 1, "nanos": 5}` in nanoseconds: the seconds alone that fit, then the rest.
fn parts(value: &Value) -> Option<i64> {
    let whole = integer(&value["seconds"])?.saturating_mul(1_000_000_000);
    Some(whole.saturating_add(integer(&value["nanos"]).unwrap_or(0)))
}

/// `1.25s` in nanoseconds, by the digits.
fn latency(text: &str) -> Option<i64> {
    let number = text.trim();
    let number = number.strip_suffix('s').unwrap_or(number);
    let (sign, digits) = number.strip_prefix('-').map_or((1, number), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !(whole.to_owned() + fraction).bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}")[..9].parse().expect("nine digits");
    let seconds = whole.parse::<i128>().unwrap_or(i128::MAX).min(i64::MAX.into());
    let most = i128::from(i64::MAX);
    Some((sign * ((seconds * 1_000_000_000).min(most) + nanos).min(most)) as i64)
}

/// Client libraries hand audit entries out as JSON payloads.
fn handed_out_as_json(value: &Value) -> Option<(String, String, String, String, i32)> {
    let is_audit = value["@type"].as_str().is_some_and(|kind| kind.ends_with("google.cloud.audit.AuditLog"));
    audit(value).filter(|_| is_audit)
}

/// Whose call it was; federated identities have no address.
fn principal(value: &Value) -> String {
    let email = text(&value["principalEmail"]);
    if email.is_empty() { text(&value["principalSubject"]) } else { email }
}

fn audit(value: &Value) -> Option<(String, String, String, String, i32)> {
    value.as_object()?;
    Some((
        text(&value["serviceName"]),
        text(&value["methodName"]),
        text(&value["resourceName"]),
        principal(&value["authenticationInfo"]),
        integer(&value["status"]["code"]).and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
    ))
}
