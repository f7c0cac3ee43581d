//! What nobody writes on purpose: mutated bytes, odd values, bombs. The slow reader is the referee.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::time::{Duration, Instant};

use crate::referee;
use crate::referee::Facts;
use firstfault::entry::{self, Decoded, Entry, Severity};
use firstfault::framing::{Batch, Cutter, Piece, Record};
use firstfault::source::Origin;
use serde_json::{Value, json};

fn decode(bytes: &[u8], mut each: impl FnMut(&Entry<'_>)) -> Decoded {
    entry::decode(Record { origin: Origin::default(), bytes }, &mut |entry| each(&entry))
}

fn facts(bytes: &[u8]) -> (Vec<Facts>, Decoded) {
    let mut all = Vec::new();
    let decoded = decode(bytes, |entry| all.push(referee::facts(entry)));
    (all, decoded)
}

/// The one entry in `text`, seen through `see`.
fn one<T>(text: &str, see: impl Fn(&Entry<'_>) -> T) -> T {
    let mut seen = Vec::new();
    let decoded = decode(text.as_bytes(), |entry| seen.push(see(entry)));
    assert_eq!((decoded.entries, decoded.refusal), (1, None), "{text}");
    seen.pop().expect("there is one")
}

/// A small random generator, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn pick<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }

    /// A scalar of any kind, often one that fits `fitting`.
    fn scalar(&mut self, fitting: &Value) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 => json!(self.below(1000)),
            2 => json!("é \u{1F329} \"q\" \\ \n\t"),
            3 => json!(true),
            4 => json!({"nested": [1, {"a": "}"}]}),
            _ => fitting.clone(),
        }
    }

    fn entry(&mut self) -> Value {
        let mut entry = serde_json::Map::new();
        let fields: [(&str, Value); 14] = [
            ("insertId", json!("abc-1")),
            ("logName", json!("projects/acme-prod/logs/run.googleapis.com%2Fstderr")),
            (
                "timestamp",
                json!(*self.pick(&[
                    "2025-09-16T00:42:59.910682Z",
                    "2025-09-16T02:42:59+02:00",
                    "1.757983379910682E9",
                    "never"
                ])),
            ),
            ("receiveTimestamp", json!("2025-09-16T00:43:00.123456789Z")),
            ("severity", json!(*self.pick(&["ERROR", "warning", "500", "DEFAULT", "odd"]))),
            (
                "resource",
                json!({"type": "cloud_run_revision", "labels": {"service_name": "checkout", "n": 7, "x": null}}),
            ),
            ("labels", json!({"instanceId": "00ab", "é": "ü\n"})),
            ("textPayload", json!(*self.pick(&["plain", "two\nlines", "a \"quote\" and \u{e9} ", ""]))),
            ("jsonPayload", json!({"message": "m", "level": "info"})),
            (
                "protoPayload",
                json!({"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "run.googleapis.com", "methodName": "m", "resourceName": "r", "status": {"code": 7, "message": "no"}, "authenticationInfo": {"principalEmail": "a@acme.example"}}),
            ),
            (
                "httpRequest",
                json!({"requestMethod": "GET", "requestUrl": "https://acme.example/", "status": "503", "latency": "1.250s", "remoteIp": "10.0.0.1", "userAgent": "ua", "protocol": "HTTP/1.1"}),
            ),
            ("trace", json!("projects/acme-prod/traces/1")),
            ("operation", json!({"id": "op", "first": true})),
            ("split", json!({"uid": "u", "index": 1, "totalSplits": "3"})),
        ];
        for (key, value) in fields {
            if self.below(3) > 0 {
                let value = self.scalar(&value);
                entry.insert(key.to_owned(), value);
            }
        }
        Value::Object(entry)
    }
}

#[test]
fn generated_entries_read_as_the_referee_reads_them() {
    let mut random = Random(1);
    let mut n_entries = 0;
    for _ in 0..20_000 {
        let value = random.entry();
        let text = if random.below(2) == 0 {
            value.to_string()
        } else {
            serde_json::to_string_pretty(&value).expect("it can be written")
        };
        let (found, decoded) = facts(text.as_bytes());
        let expected: Vec<_> = referee::read(&value).into_iter().collect();
        n_entries += expected.len();
        assert_eq!(found, expected, "{text}");
        assert_eq!(decoded.refusal, None, "{text}");
    }
    assert!(n_entries > 15_000);
}

#[test]
fn mutated_bytes_read_as_the_referee_reads_them_or_are_refused() {
    let mut random = Random(2);
    let (mut n_same, mut n_refused) = (0, 0);
    for _ in 0..60_000 {
        let mut bytes = random.entry().to_string().into_bytes();
        for _ in 0..=random.below(3) {
            if bytes.is_empty() {
                break;
            }
            let at = random.below(bytes.len());
            match random.below(5) {
                // Not the bit of upper and lower case: BigQuery's names are read in any.
                0 => bytes[at] ^= random.pick(&[1, 2, 4, 8, 16, 64, 128]),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, *random.pick(b"{}[]\",:\\ \n0")),
                3 => bytes[at] = *random.pick(b"{}[]\",:\\ \n0\xff"),
                _ => bytes.truncate(at + 1),
            }
        }
        let (found, decoded) = facts(&bytes);
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(value @ Value::Object(_)) => {
                if let Some(expected) = referee::read(&value) {
                    let found: Vec<_> = found.into_iter().map(|facts| facts.without_escapes(&expected)).collect();
                    assert_eq!(found, [expected], "{}", String::from_utf8_lossy(&bytes));
                    n_same += 1;
                }
            }
            _ => n_refused += usize::from(decoded.refusal.is_some()),
        }
    }
    assert!(n_same > 3000 && n_refused > 10_000, "{n_same} {n_refused}");
}

#[test]
fn the_last_of_two_equal_keys_wins() {
    one(r#"{"insertId":"a","insertId":"b","textPayload":"x","textPayload":"y","labels":{"k":"1","k":"2"}}"#, |entry| {
        assert_eq!((entry.insert_id.as_ref(), entry.message.as_ref()), ("b", "y"));
        assert_eq!(entry.labels.get("k"), Some("2"));
    });
}

#[test]
fn escaped_keys_and_lone_surrogates_are_read() {
    one(r#"{"sever\u0069ty":"ERROR","text\u0050ayload":"a\ud800b","log\u004eame":"l"}"#, |entry| {
        assert_eq!((entry.severity, entry.message.as_ref()), (Some(Severity::Error), "a\u{fffd}b"));
    });
}

#[test]
fn odd_values_never_lose_the_entry() {
    for value in ["1e400", "null", "{}", "[]", "\"\"", "-0", "99999999999999999999999", "true", "[[[1]]]", "{\"a\":{}}"]
    {
        for key in
            ["timestamp", "severity", "resource", "labels", "httpRequest", "split", "operation", "trace", "jsonPayload"]
        {
            one(&format!("{{\"insertId\":\"a\",\"logName\":\"l\",\"{key}\":{value}}}"), |entry| {
                assert_eq!(entry.insert_id, "a");
            });
        }
    }
    one(r#"{"insertId":"a","logName":"l","httpRequest":{"status":"abc","latency":"soon"}}"#, |entry| {
        let http = entry.http.as_ref().expect("there is one");
        assert_eq!((http.status, http.latency_ns), (0, None));
    });
}

#[test]
fn invalid_utf8_is_replaced() {
    let decoded = decode(b"{\"insertId\":\"a\",\"textPayload\":\"x\xff\xfey\"}", |entry| {
        assert_eq!(entry.message, "x\u{fffd}\u{fffd}y")
    });
    assert_eq!(decoded.entries, 1);
}

#[test]
fn invalid_utf8_moves_no_offset() {
    let text =
        b"[\"\xff\xff\",{\"textPayload\":\"\xff\xff\xff\"},{\"textPayload\":\"\xe2\x82\"},{\"textPayload\":\"c\"} {\"a\" 1}";
    let mut offsets = Vec::new();
    let decoded = decode(text, |entry| offsets.push(entry.origin.offset as usize));
    let braces: Vec<usize> = memchr::memchr_iter(b'{', text).collect();
    assert_eq!(offsets, braces[..3]);
    assert_eq!(decoded.refusal.map(|refusal| refusal.origin.offset as usize), Some(text.len() - 2));
}

#[test]
fn broken_records_are_refused_with_the_place() {
    let decoded = decode(br#"{"insertId":"a","logName":"l" "x":1}"#, |_| panic!("it is broken"));
    let refusal = decoded.refusal.expect("it is refused");
    assert_eq!((refusal.origin.offset, refusal.reason), (30, "a comma is missing"));
}

/// Reads a whole input and returns how many entries it holds.
fn entries_in(bytes: &[u8]) -> usize {
    let (mut cutter, mut batch, mut n) = (Cutter::new(0, bytes), Batch::new(), 0);
    while cutter.next(&mut batch).expect("memory is readable") {
        for piece in batch.pieces() {
            if let Piece::Record(record) = piece {
                n += entry::decode(record, &mut |_| {}).entries;
            }
        }
    }
    assert_eq!(cutter.ledger().bytes(), bytes.len() as u64);
    n
}

#[test]
fn no_input_is_slower_than_linear() {
    let seeds = [
        "{",
        "[",
        "\"",
        "{\"",
        "{\"a\":",
        "[{",
        "{\"a\":[",
        "{\n",
        "{\n  {\n",
        "\\",
        "\"{\\\"",
        "{\"insertId\":\"\",\"logName\":[\n",
        "}",
        "[[{\"a\":1},",
        "{\"a\":{}}",
        "\n  {\n  }",
        "{\"data\":\"eyJ",
        "- a\n",
        "---\ninsertId: x\n",
        "{\"logName\":\"\",\"resource\":{\"a\":\"\n",
        "<",
        "\u{1b}[",
        "   ",
        "{\"a\":\n",
        "\n {\n\n  {\n\n   {\n",
        "{\"message\":\"{\\\"message\\\":\\\"",
        "{\"timestamp\":1,\"resource\":{\"labels\":\"{",
    ];
    for seed in seeds {
        let text = seed.repeat((3 << 20) / seed.len());
        let start = Instant::now();
        entries_in(text.as_bytes());
        let took = start.elapsed();
        assert!(took < Duration::from_secs(6), "{seed:?} took {took:?} for 3 MiB");
    }
}

#[test]
fn a_depth_bomb_beside_an_entry_costs_neither() {
    for depth in [127, 2000, 1_000_000] {
        let bomb = format!(
            "{{\"insertId\":\"a\",\"jsonPayload\":{{\"message\":\"m\",\"x\":{}1{}}},\"logName\":\"l\"}}",
            "[".repeat(depth),
            "]".repeat(depth)
        );
        one(&bomb, |entry| assert_eq!(entry.message, "m"));
        let open = "[".repeat(depth) + "\n{\"insertId\":\"a\",\"logName\":\"l\"}\n";
        assert_eq!(entries_in(open.as_bytes()), 1, "{depth}");
        assert_eq!(entries_in("{\"a\":".repeat(depth).as_bytes()), 0, "{depth}");
    }
}

#[test]
fn every_dialect_reads_as_the_same_entry() {
    let check = |text: &str| {
        one(text, |entry| {
            let http = entry.http.as_ref().expect("there is one");
            assert_eq!(entry.insert_id, "a", "{text}");
            assert_eq!(
                entry.timestamp.map(|t| t.to_string()).as_deref(),
                Some("2025-09-16T00:42:59.910682Z"),
                "{text}"
            );
            assert_eq!(
                (http.status, http.latency_ns, http.method.as_ref()),
                (503, Some(1_250_000_000), "GET"),
                "{text}"
            );
            assert_eq!(entry.component().name, "checkout", "{text}");
            assert_eq!(entry.message, "no route", "{text}");
        });
    };
    check(
        r#"{"insertId":"a","timestamp":"2025-09-16T00:42:59.910682Z","httpRequest":{"requestMethod":"GET","status":503,"latency":"1.25s"},"resource":{"type":"cloud_run_revision","labels":{"service_name":"checkout"}},"textPayload":"no route"}"#,
    );
    check(
        r#"{"insert_id":"a","timestamp":"2025-09-16T02:42:59.910682+02:00","http_request":{"method":"GET","status":503,"latency":"1.25s"},"resource":{"type":"cloud_run_revision","labels":{"service_name":"checkout"}},"text_payload":null,"json_payload":{"message":"no route"}}"#,
    );
    check(
        r#"{"insertid":"a","timestamp":"2025-09-16 00:42:59.910682 UTC","httprequest":{"requestmethod":"GET","status":"503","latency":"1.25"},"resource":{"type":"cloud_run_revision","labels":{"service_name":"checkout"}},"jsonpayload_v1_error":{"message":"no route"}}"#,
    );
    check(
        r#"{"insert_id":"a","timestamp":"1.757983379910682E9","http_request":"{\"request_method\":\"GET\",\"status\":\"503\",\"latency\":{\"seconds\":\"1\",\"nanos\":250000000}}","resource":{"type":"cloud_run_revision","labels":"{\"service_name\":\"checkout\"}"},"json_payload":"{\"message\":\"no route\"}"}"#,
    );
    check(
        r#"{"insert_id":"a","timestamp":{"seconds":"1757983379","nanos":910682000},"http_request":{"method":"GET","status":503,"latency":"1.25s"},"resource":{"type":"cloud_run_revision","labels":{"service_name":"checkout"}},"raw_payload":"no route"}"#,
    );
}

#[test]
fn audit_entries_read_the_same_in_every_dialect() {
    let check = |text: &str| {
        one(text, |entry| {
            let audit = entry.audit.as_ref().expect("there is one");
            assert_eq!(
                (audit.service.as_ref(), audit.status_code, audit.principal.as_ref()),
                ("run.googleapis.com", 7, "a@acme.example"),
                "{text}"
            );
            assert_eq!(audit.details.get("spec.image"), Some("gcr.io/acme/x"), "{text}");
            assert_eq!(entry.message, "denied", "{text}");
        });
    };
    check(
        r#"{"insertId":"a","protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"run.googleapis.com","status":{"code":7,"message":"denied"},"authenticationInfo":{"principalEmail":"a@acme.example"},"request":{"spec":{"image":"gcr.io/acme/x"}}}}"#,
    );
    check(
        r#"{"insertId":"a","protopayload_auditlog":{"serviceName":"run.googleapis.com","status":{"code":"7","message":"denied"},"authenticationInfo":{"principalEmail":"a@acme.example"},"requestJson":"{\"spec\":{\"image\":\"gcr.io/acme/x\"}}"}}"#,
    );
    check(
        r#"{"insert_id":"a","proto_payload":{"type":"type.googleapis.com/google.cloud.audit.AuditLog","audit_log":{"service_name":"run.googleapis.com","status":{"code":7,"message":"denied"},"authentication_info":{"principal_email":"a@acme.example"},"request":{"spec":{"image":"gcr.io/acme/x"}}}}}"#,
    );
    check(
        r#"{"insert_id":"a","json_payload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"run.googleapis.com","status":{"code":7,"message":"denied"},"authenticationInfo":{"principalEmail":"a@acme.example"},"request":{"spec":{"image":"gcr.io/acme/x"}}}}"#,
    );
}

#[test]
fn an_app_engine_request_yields_its_lines() {
    let text = r#"{"insertId":"r","logName":"projects/acme-prod/logs/appengine.googleapis.com%2Frequest_log","timestamp":"2025-09-16T00:42:59Z","resource":{"type":"gae_app","labels":{"module_id":"shop","version_id":"v1"}},"protoPayload":{"@type":"type.googleapis.com/google.appengine.logging.v1.RequestLog","method":"GET","resource":"/pay","status":500,"latency":"2.5s","traceId":"t","line":[{"time":"2025-09-16T00:43:00Z","severity":"ERROR","logMessage":"no route"},{"time":"2025-09-16T00:43:01Z","severity":"INFO","logMessage":"x"}]}}"#;
    let mut seen = Vec::new();
    let decoded = decode(text.as_bytes(), |e| {
        let status = e.http.as_ref().map(|http| http.status);
        seen.push((
            e.insert_id.to_string(),
            e.component().name,
            e.severity,
            status,
            e.message.to_string(),
            e.trace.to_string(),
        ));
    });
    let entry = |id: &str, severity, status, message: &str| {
        (id.to_owned(), "shop".to_owned(), severity, status, message.to_owned(), "t".to_owned())
    };
    assert_eq!(decoded.entries, 3);
    assert_eq!(
        seen,
        [
            entry("r", None, Some(500), ""),
            entry("r#0", Some(Severity::Error), None, "no route"),
            entry("r#1", Some(Severity::Info), None, "x"),
        ]
    );
}

#[test]
fn json_payloads_say_what_a_person_would_read() {
    let check = |payload: &str, message: &str, field: (&str, Option<&str>)| {
        one(&format!("{{\"insertId\":\"a\",\"jsonPayload\":{payload}}}"), |entry| {
            assert_eq!(entry.message, message, "{payload}");
            assert_eq!(entry.fields.get(field.0), field.1, "{payload}");
        });
    };
    check(r#"{"level":"info","msg":"done","n":3}"#, "done", ("n", Some("3")));
    check(
        r#"{"event":"boot","message":"started","error":{"message":"Missing field"}}"#,
        "started",
        ("error.message", Some("Missing field")),
    );
    check(
        r#"{"msg":"failed","err":{"message":"ECONNREFUSED","stack":"Error: ECONNREFUSED\n    at x"}}"#,
        "failed\nError: ECONNREFUSED\n    at x",
        ("err.message", Some("ECONNREFUSED")),
    );
    check(r#"{"msg":"dial","error":"i/o timeout"}"#, "dial\ni/o timeout", ("error", Some("i/o timeout")));
    check(r#"{"error":{"message":"only this"}}"#, "only this", ("error.message", Some("only this")));
    check(
        r#"{"message":"boom","exc_info":"Traceback (most recent call last):\nE: x"}"#,
        "boom\nTraceback (most recent call last):\nE: x",
        ("exc_info", None),
    );
    check(
        r#"{"MESSAGE":"I1119 22:48:13.914655 1675 x.go:1] up","PRIORITY":"6"}"#,
        "I1119 22:48:13.914655 1675 x.go:1] up",
        ("PRIORITY", Some("6")),
    );
    check(
        r#"{"@type":"x.LoadBalancerLogEntry","statusDetails":"failed_to_connect_to_backend"}"#,
        "failed_to_connect_to_backend",
        ("statusDetails", Some("failed_to_connect_to_backend")),
    );
    check(
        r#"{"healthCheckProbeResult":{"healthState":"UNHEALTHY","detailedHealthState":"TIMEOUT","probeResultText":"HTTP response: , Error: Timeout"}}"#,
        "health check: UNHEALTHY: TIMEOUT: HTTP response: , Error: Timeout",
        ("healthCheckProbeResult.healthState", Some("UNHEALTHY")),
    );
    check(
        r#"{"errors":[{"message":"first"},{"message":"second"}],"message":"many"}"#,
        "many",
        ("errors.message", Some("first")),
    );
}

#[test]
fn a_kubernetes_event_is_about_its_object() {
    let text = r#"{"insertId":"a","resource":{"type":"k8s_pod","labels":{"pod_name":"x"}},"jsonPayload":{"involvedObject":{"kind":"Pod","name":"checkout-7d9f8b6c5d-x2k4j","namespace":"shop"},"reason":"BackOff","message":"Back-off restarting failed container","type":"Warning","count":7,"kind":"Event"}}"#;
    one(text, |entry| {
        let event = entry.kube_event.as_ref().expect("there is one");
        assert_eq!(
            (event.kind.as_ref(), event.reason.as_ref(), event.object_kind.as_ref(), event.count),
            ("Warning", "BackOff", "Pod", 7)
        );
        assert_eq!(entry.message, "BackOff: Back-off restarting failed container");
        assert_eq!(entry.component().name, "checkout");
    });
}

#[test]
fn other_clouds_hold_no_entries() {
    for text in [
        r#"{"timestamp":"2025-09-16T00:42:59Z","message":"x","severity":"error","attributes":{"level":"error"},"tags":{"serviceId":"s","deploymentId":"d"}}"#,
        r#"{"id":"1","message":"x","timestamp":1757983379910,"source":"lambda","projectId":"p","deploymentId":"d","level":"error","proxy":{"method":"GET","statusCode":500}}"#,
        r#"{"events":[{"timestamp":1757983379910,"message":"x","ingestionTime":1757983379911}]}"#,
    ] {
        assert_eq!(entries_in(text.as_bytes()), 0, "{text}");
    }
}

/// The facts of every entry below a value that wraps them.
fn below(value: &Value, facts: &mut Vec<Facts>) {
    match value {
        Value::Object(map) => match referee::read(value) {
            Some(entry) => facts.push(entry),
            None => map.values().for_each(|value| below(value, facts)),
        },
        Value::Array(items) => items.iter().for_each(|value| below(value, facts)),
        _ => {}
    }
}

/// Every real export in gcloud's spelling reads as the referee reads it. Set FIRSTFAULT_CASES to a folder with `real/`.
#[test]
fn real_exports_read_as_the_referee_reads_them() {
    let Some(cases) = std::env::var_os("FIRSTFAULT_CASES").map(std::path::PathBuf::from) else {
        eprintln!("skipped: FIRSTFAULT_CASES is not set");
        return;
    };
    let mut n_entries = 0;
    for source in firstfault::source::expand(&[cases.join("real")]).sources {
        let mut reader = firstfault::source::open(&source, &Default::default()).expect("it can be read");
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut text).expect("it is whole");
        let Ok(value) = serde_json::from_slice::<Value>(&text) else { continue };
        // Client libraries' spellings are not the referee's.
        if [&b"insert_id"[..], b"\"data\": \"ey", b"\\\"insertId"]
            .iter()
            .any(|other| memchr::memmem::find(&text, other).is_some())
        {
            continue;
        }
        let mut expected = Vec::new();
        below(&value, &mut expected);
        let mut found = Vec::new();
        let (mut cutter, mut batch) = (Cutter::new(0, &text[..]), Batch::new());
        while cutter.next(&mut batch).expect("memory is readable") {
            for piece in batch.pieces() {
                if let Piece::Record(record) = piece {
                    entry::decode(record, &mut |entry| found.push(referee::facts(&entry)));
                }
            }
        }
        assert_eq!(found.len(), expected.len(), "{}", source.name());
        for (found, expected) in found.into_iter().zip(expected) {
            assert_eq!(found.without_escapes(&expected), expected, "{}", source.name());
            n_entries += 1;
        }
    }
    assert!(n_entries > 1000, "{n_entries}");
}
