//! Redaction of a whole report: nothing secret is left in any text, and every pointer to evidence still points.

use crate::report_example;
use firstfault::check::redact::{Redactor, agrees};
use firstfault::face::{Face, Options, json, render};
use firstfault::pattern::secrets::Classes;
use firstfault::report::Report;

/// The example with secrets in many places.
fn leaky() -> Report {
    let mut report = report_example::report();
    report.verdict = "login of bob@acme.example failed from 8.8.4.4".into();
    let incident = &mut report.incidents[0];
    incident.title = "password=hunter2 refused".into();
    incident.causes[0].evidence[0].message = "postgres://app:hunter2@10.20.0.3/orders for alice@acme.example".into();
    incident.causes[0].trigger.as_mut().expect("a trigger").actor = Some("alice@acme.example".into());
    incident.chain[0].title = "token: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".into();
    incident.causes[0].evidence[0].insert_id = "alice@acme.example".into();
    report.patterns[0].values.insert("client".into(), [("8.8.4.4".to_owned(), 3), ("9.9.9.9".to_owned(), 2)].into());
    report.gaps[0].command = Some("curl -H 'Authorization: Bearer abcdefghijklmnop1234'".into());
    report
}

#[test]
fn no_face_of_a_redacted_report_holds_a_secret() {
    let redactor = Redactor::new(Classes::ALL, &[]).expect("the shapes compile");
    let mut report = redactor.redact_report(leaky()).expect("finite numbers");
    assert_eq!(report.incidents[0].causes[0].evidence[0].insert_id, "alice@acme.example", "a pointer was broken");
    report.incidents[0].causes[0].evidence[0].insert_id = "x".into();
    let faces = [
        json::render(&report),
        render(&report, Face::Markdown, &Options::default()),
        render(&report, Face::Html, &Options::default()),
        render(&report, Face::Verbose, &Options::default()),
    ];
    for face in faces {
        for secret in ["bob@", "alice@", "hunter2", "eyJ", "8.8.4.4", "9.9.9.9", "abcdefghijklmnop1234"] {
            assert!(!face.contains(secret), "{secret} in {face}");
        }
        assert!(face.contains("10.20.0.3"), "a private address was hidden");
    }
}

#[test]
fn one_value_has_one_name_in_the_whole_report() {
    let redactor = Redactor::new(Classes::ALL, &[]).expect("the shapes compile");
    let report = redactor.redact_report(leaky()).expect("finite numbers");
    assert_eq!(report.verdict, "login of [redacted email-2] failed from [redacted ip-1]");
    let cause = &report.incidents[0].causes[0];
    assert_eq!(cause.trigger.as_ref().expect("a trigger").actor.as_deref(), Some("[redacted email-1]"));
    assert_eq!(report.patterns[0].values["client"]["[redacted ip-1]"], 3);
    assert_eq!(report.patterns[0].values["client"]["[redacted ip-2]"], 2);
    assert_eq!(redactor.redact_report(report.clone()).expect("finite numbers"), report, "redacting again changed it");
}

/// Pieces of credentials, and of what looks like one.
const PIECES: &[&str] = &[
    "a",
    "1",
    "12",
    " ",
    "\n",
    "\"",
    "'",
    ":",
    "://",
    "@",
    ".",
    "=",
    "password",
    "token",
    "secret",
    "key",
    "eyJ",
    "Bearer ",
    "Basic ",
    "cookie: ",
    "https",
    "sk_live_",
    "AKIA",
    "abcdefghij1234567890",
    "10.0.0.1",
    "8.8.8.8",
    "2a00::1",
    ":5432",
    "…",
    "[redacted ",
    "]",
    "[redacted ip-1]",
    "-----BEGIN PRIVATE KEY-----",
    "{",
    "}",
    "é",
    "日",
    "/",
    "?",
    "&",
    "\\",
];

#[test]
fn any_redacted_text_agrees_with_its_entry() {
    let redactor = Redactor::new(Classes::ALL, &[]).expect("the shapes compile");
    let mut state = 0x9e37_79b9_7f4a_7c15u64; // a fixed seed, so that a failure can be repeated
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..5_000 {
        let text: String = (0..next() % 20).map(|_| PIECES[next() % PIECES.len()]).collect();
        let once = redactor.redact_text(&text);
        assert!(agrees(&once, &text), "{text:?} became {once:?}");
        let twice = redactor.redact_text(&once);
        assert!(agrees(&twice, &text), "{text:?} became {twice:?}");
    }
}

#[test]
fn a_report_without_secrets_is_left_alone() {
    let redactor = Redactor::new(Classes::ALL, &[]).expect("the shapes compile");
    assert_eq!(redactor.redact_report(report_example::report()).expect("finite numbers"), report_example::report());
}
