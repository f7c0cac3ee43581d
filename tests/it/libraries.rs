//! What logging libraries, servers and proxies write is read as they mean it: message, level, logger, request. One line of
//! `fixtures/libraries/lines.ndjson` for each form, with its source.

use std::collections::BTreeSet;

use firstfault::entry::{self, Entry, Resources, Shapes, decode};
use firstfault::framing::Record;
use firstfault::pattern::{Catalogue, observe};
use firstfault::source::Origin;
use serde::Deserialize;
use serde_json::{Value, json};

/// One line of a library as it comes out of a container, and what it means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    library: String,
    source: String,
    line: Value,
    severity: String,
    /// Where it is not the line itself.
    message: Option<String>,
    /// Name and value of the field that names the logger.
    logger: Option<(String, String)>,
    /// Method, URL, status and latency in nanoseconds.
    http: Option<(String, String, u16, Option<i64>)>,
    /// Name and value of another field.
    field: Option<(String, String)>,
    /// The text that stands for an entry without a message.
    text: Option<String>,
    /// The log, where it is no standard stream.
    log: Option<String>,
    /// What the collector records, where it is not the default of both standard streams.
    recorded: Option<Vec<Option<String>>>,
}

impl Case {
    /// The line on each stream, as the collector of GKE hands it on.
    fn entries(&self) -> Vec<String> {
        let both = || vec![Some("ERROR".to_owned()), Some("INFO".to_owned()), None];
        let recorded = self.recorded.clone().unwrap_or_else(both);
        recorded.iter().map(|severity| self.entry(severity.as_deref()).to_string()).collect()
    }

    fn entry(&self, severity: Option<&str>) -> Value {
        let stream = if severity == Some("ERROR") { "stderr" } else { "stdout" };
        let log = self.log.as_deref().unwrap_or(stream);
        let payload = if self.line.is_object() { "jsonPayload" } else { "textPayload" };
        let mut entry = json!({
            "insertId": "a",
            "logName": format!("projects/acme-prod/logs/{log}"),
            "timestamp": "2025-11-24T08:00:00.5Z",
            "resource": {"type": "k8s_container", "labels": {"container_name": "shop"}},
            payload: self.line,
        });
        if let Some(severity) = severity {
            entry["severity"] = severity.into();
        }
        entry
    }

    fn message(&self) -> &str {
        self.message.as_deref().or(self.line.as_str()).expect("a line without a text has a message")
    }
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string("fixtures/libraries/lines.ndjson").expect("it is there");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn read(text: &str, each: &mut dyn FnMut(Entry<'_>)) {
    let record = Record { origin: Origin { source: 0, offset: 0 }, bytes: text.as_bytes() };
    assert_eq!(decode(record, each).entries, 1, "{text}");
}

#[test]
fn what_libraries_write_is_read_as_they_mean_it() {
    let catalogue = Catalogue::builtin();
    let mut wrong = Vec::new();
    for case in cases() {
        for text in case.entries() {
            read(&text, &mut |entry| {
                let mut differ = |what: &str, found: String, expected: String| {
                    if found != expected {
                        wrong.push(format!("{}, {what}: {found}\n  expected: {expected}\n  {text}", case.library));
                    }
                };
                let observation = observe(&catalogue, &entry).expect("it has a time");
                let severity = observation.severity.map_or("DEFAULT", |severity| severity.name());
                differ("severity", severity.to_owned(), case.severity.clone());
                differ("message", entry.message.to_string(), case.message().to_owned());
                for (name, value) in case.logger.iter().chain(&case.field) {
                    differ(name, entry.fields.get(name).unwrap_or("").to_owned(), value.clone());
                }
                let http = entry
                    .http
                    .as_ref()
                    .map(|http| (http.method.to_string(), http.url.to_string(), http.status, http.latency_ns));
                differ("request", format!("{http:?}"), format!("{:?}", case.http));
                if let Some(text) = &case.text {
                    differ("text", observation.text(&entry).into_owned(), text.clone());
                }
                // Written when the request has ended, unlike an entry of a load balancer.
                differ("time", format!("{:?}", entry.effect_time()), format!("{:?}", entry.timestamp));
            });
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_glance_reads_them_alike() {
    let mut shapes = [Shapes::default(), Shapes::default()];
    for case in cases() {
        for text in case.entries() {
            let record = Record { origin: Origin { source: 0, offset: 0 }, bytes: text.as_bytes() };
            let known = Resources::default();
            // The second time its shape is known.
            for is_wanted in [false, true, false, true] {
                let glance = entry::glance(record, &known, &mut shapes[usize::from(is_wanted)], &|_| is_wanted);
                let glance = glance.unwrap_or_else(|| panic!("{} is a plain entry", case.library));
                let found = format!("{:?}", glance.whole().expect("it can be read"));
                read(&text, &mut |entry| assert_eq!(found, format!("{entry:?}"), "{}", case.library));
            }
        }
    }
}

#[test]
fn every_line_has_a_source_and_the_libraries_are_many() {
    let cases = cases();
    assert!(cases.iter().all(|case| case.source.starts_with("https://")), "a source is a page");
    let libraries: BTreeSet<&str> = cases.iter().filter_map(|case| case.library.split(',').next()).collect();
    assert!(libraries.len() >= 50, "{libraries:?}");
}

#[test]
fn products_that_log_requests_themselves_are_not_counted_twice() {
    let line = r#"{"logName":"projects/acme-prod/logs/run.googleapis.com%2Fstdout","timestamp":"2025-11-24T08:00:00Z","textPayload":"INFO:     10.8.0.1:33804 - \"POST /orders HTTP/1.1\" 500 Internal Server Error"}"#;
    read(line, &mut |entry| {
        assert!(entry.http.is_none() && entry.message.ends_with("500 Internal Server Error"), "{entry:?}");
    });
}

#[test]
fn an_entry_without_any_text_is_no_failure() {
    let catalogue = Catalogue::builtin();
    let line = r#"{"insertId":"a","logName":"projects/acme-prod/logs/stderr","timestamp":"2025-11-24T08:00:00Z","severity":"ERROR"}"#;
    read(line, &mut |entry| {
        let observation = observe(&catalogue, &entry).expect("it has a time");
        assert_eq!(observation.class, firstfault::pattern::Class::Benign);
    });
}
