//! Record → entry: only the wanted fields, every spelling of them.

use serde_json::Value;

use super::{Audit, Entry, HttpRequest, KubeEvent, Labels, Payload, Resource, Severity, Split, Text};
use crate::framing::Record;
use crate::time::{SECOND, Timestamp};

/// Decodes a record and hands every entry in it to `each`; returns how many there were.
pub fn decode(record: Record<'_>, each: &mut dyn FnMut(Entry<'_>)) -> usize {
    match serde_json::from_slice::<Value>(record.bytes) {
        Ok(value) => walk(&value, record, each),
        Err(_) => 0,
    }
}

fn walk(value: &Value, record: Record<'_>, each: &mut dyn FnMut(Entry<'_>)) -> usize {
    match value {
        Value::Object(map) => {
            let known = [
                "logName",
                "insertId",
                "timestamp",
                "resource",
                "textPayload",
                "jsonPayload",
                "protoPayload",
                "httpRequest",
                "severity",
            ];
            if known.iter().filter(|k| map.contains_key(**k)).count() >= 2 {
                each(entry(value, record));
                return 1;
            }
            map.values().map(|v| walk(v, record, each)).sum()
        }
        Value::Array(items) => items.iter().map(|v| walk(v, record, each)).sum(),
        _ => 0,
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Text<'v> {
    match &value[key] {
        Value::String(s) => Text::Borrowed(s.as_str()),
        Value::Null => Text::Borrowed(""),
        Value::Object(_) | Value::Array(_) => Text::Borrowed(""),
        other => Text::Owned(other.to_string()),
    }
}

fn labels(value: &Value) -> Labels<'_> {
    let Value::Object(map) = value else { return Labels::default() };
    Labels(map.iter().map(|(k, _)| (Text::Borrowed(k.as_str()), text(value, k))).collect())
}

fn entry(v: &Value, record: Record<'_>) -> Entry<'static> {
    let e = borrowed(v, record);
    own(e)
}

fn own(e: Entry<'_>) -> Entry<'static> {
    let t = |t: Text<'_>| Text::Owned(t.into_owned());
    let l = |l: Labels<'_>| {
        Labels(l.0.into_iter().map(|(k, v)| (Text::Owned(k.into_owned()), Text::Owned(v.into_owned()))).collect())
    };
    Entry {
        origin: e.origin,
        insert_id: t(e.insert_id),
        log_name: t(e.log_name),
        timestamp: e.timestamp,
        receive_timestamp: e.receive_timestamp,
        severity: e.severity,
        resource: Resource { kind: t(e.resource.kind), labels: l(e.resource.labels) },
        labels: l(e.labels),
        payload: e.payload,
        message: t(e.message),
        fields: l(e.fields),
        http: e.http.map(|h| HttpRequest {
            method: t(h.method),
            url: t(h.url),
            status: h.status,
            latency_ns: h.latency_ns,
            user_agent: t(h.user_agent),
            remote_ip: t(h.remote_ip),
            protocol: t(h.protocol),
        }),
        trace: t(e.trace),
        span_id: t(e.span_id),
        operation_id: t(e.operation_id),
        split: e.split.map(|s| Split { uid: t(s.uid), index: s.index, total: s.total }),
        audit: e.audit.map(|a| Audit {
            service: t(a.service),
            method: t(a.method),
            resource_name: t(a.resource_name),
            principal: t(a.principal),
            user_agent: t(a.user_agent),
            status_code: a.status_code,
            details: l(a.details),
        }),
        kube_event: e.kube_event.map(|k| KubeEvent {
            kind: t(k.kind),
            reason: t(k.reason),
            object_kind: t(k.object_kind),
            object_name: t(k.object_name),
            namespace: t(k.namespace),
            count: k.count,
        }),
    }
}

fn borrowed<'v>(v: &'v Value, record: Record<'_>) -> Entry<'v> {
    let mut e = Entry {
        origin: record.origin,
        insert_id: text(v, "insertId"),
        log_name: text(v, "logName"),
        timestamp: v["timestamp"].as_str().and_then(Timestamp::parse),
        receive_timestamp: v["receiveTimestamp"].as_str().and_then(Timestamp::parse),
        severity: Severity::parse(&text(v, "severity")),
        resource: Resource { kind: text(&v["resource"], "type"), labels: labels(&v["resource"]["labels"]) },
        labels: labels(&v["labels"]),
        trace: text(v, "trace"),
        span_id: text(v, "spanId"),
        operation_id: text(&v["operation"], "id"),
        ..Entry::default()
    };
    if let Value::Object(_) = &v["httpRequest"] {
        let h = &v["httpRequest"];
        e.http = Some(HttpRequest {
            method: text(h, "requestMethod"),
            url: text(h, "requestUrl"),
            status: text(h, "status").parse().unwrap_or(0),
            latency_ns: text(h, "latency")
                .strip_suffix('s')
                .and_then(|s| s.parse::<f64>().ok())
                .map(|s| (s * SECOND as f64) as i64),
            user_agent: text(h, "userAgent"),
            remote_ip: text(h, "remoteIp"),
            protocol: text(h, "protocol"),
        });
    }
    if let Value::Object(p) = &v["jsonPayload"] {
        e.payload = Payload::Json;
        let message = ["message", "msg", "event", "MESSAGE", "textPayload", "error"]
            .iter()
            .map(|k| text(&v["jsonPayload"], k))
            .find(|t| !t.is_empty())
            .unwrap_or_default();
        let mut message = message.into_owned();
        for (k, value) in p {
            match value {
                Value::Object(inner) => {
                    for k2 in inner.keys() {
                        let t = text(value, k2);
                        if ["stack", "stack_trace", "stacktrace"].contains(&k2.as_str()) {
                            message = format!("{message}\n{t}");
                        } else if !t.is_empty() {
                            e.fields.0.push((Text::Owned(format!("{k}.{k2}")), t));
                        }
                    }
                }
                _ => {
                    let t = text(&v["jsonPayload"], k);
                    if ["exc_info", "exception", "stack_trace", "stack", "stacktrace", "errorVerbose"]
                        .contains(&k.as_str())
                    {
                        message = format!("{message}\n{t}");
                    } else if !t.is_empty() {
                        e.fields.0.push((Text::Borrowed(k), t));
                    }
                }
            }
        }
        e.message = Text::Owned(message);
        let object = &v["jsonPayload"]["involvedObject"];
        if let Value::Object(_) = object {
            e.kube_event = Some(KubeEvent {
                kind: text(&v["jsonPayload"], "type"),
                reason: text(&v["jsonPayload"], "reason"),
                object_kind: text(object, "kind"),
                object_name: text(object, "name"),
                namespace: text(object, "namespace"),
                count: v["jsonPayload"]["count"].as_u64().unwrap_or(1),
            });
        }
    } else if let Value::Object(_) = &v["protoPayload"] {
        let p = &v["protoPayload"];
        e.payload = Payload::Proto;
        e.message = text(&p["status"], "message");
        let mut details = Labels::default();
        flatten("", &p["request"], &mut details);
        flatten("response", &p["response"], &mut details);
        flatten("metadata", &p["metadata"], &mut details);
        e.audit = Some(Audit {
            service: text(p, "serviceName"),
            method: text(p, "methodName"),
            resource_name: text(p, "resourceName"),
            principal: text(&p["authenticationInfo"], "principalEmail"),
            user_agent: text(&p["requestMetadata"], "callerSuppliedUserAgent"),
            status_code: p["status"]["code"].as_i64().unwrap_or(0) as i32,
            details,
        });
    } else if let Value::String(s) = &v["textPayload"] {
        e.payload = Payload::Text;
        e.message = Text::Borrowed(s);
    }
    e
}

fn flatten<'v>(path: &str, value: &'v Value, into: &mut Labels<'v>) {
    if into.0.len() >= 64 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (k, v) in map {
                flatten(&if path.is_empty() { k.clone() } else { format!("{path}.{k}") }, v, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|v| flatten(path, v, into)),
        Value::Null => {}
        Value::String(s) => into.0.push((Text::Owned(path.to_owned()), Text::Borrowed(s))),
        other => into.0.push((Text::Owned(path.to_owned()), Text::Owned(other.to_string()))),
    }
}
