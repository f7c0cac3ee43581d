//! A stream that is watched: what is told while it goes on, and that its report is that of a file with the same entries.

use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;

use crate::binary::{Folder, binary, run};

/// Minutes of a service that works, then cannot reach its database, then works again; an entry a second.
fn stream(minutes: std::ops::Range<usize>) -> String {
    let line = |second: usize| {
        let is_failing = (10..15).contains(&(second / 60));
        let (severity, text) = if is_failing {
            ("ERROR", "connection refused to db 10.0.19.3:5432")
        } else {
            ("INFO", "served a request")
        };
        format!(
            r#"{{"insertId":"i{second}","timestamp":"2026-02-03T{:02}:{:02}:{:02}Z","severity":"{severity}","logName":"projects/acme/logs/run.googleapis.com%2Fstderr","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"checkout"}}}},"textPayload":"{text}"}}"#,
            10 + second / 3600,
            second / 60 % 60,
            second % 60,
        ) + "\n"
    };
    (minutes.start * 60..minutes.end * 60).map(line).collect()
}

/// What does not depend on where the entries stood.
fn essence(report: &str) -> Value {
    let mut report: Value = serde_json::from_str(report).expect("a report");
    report["coverage"]["sources"] = Value::Null;
    let text = report.to_string().replace("\"-\"", "\"export\"");
    serde_json::from_str(&text).expect("a report")
}

#[test]
fn a_stream_gives_the_report_of_a_file_with_the_same_entries() {
    let folder = Folder::new("watch-same");
    let file = folder.file("stream.ndjson", stream(0..20));
    let stream = std::fs::read(&file).expect("it was written");
    let direct = essence(&run(&[&file, "--format", "json"]).ends_with(0).out).to_string().replace(&file, "export");
    let watched =
        crate::binary::run_on(&stream, &["watch", "--jsonl", "--every", "0s", "--format", "json"]).ends_with(0);
    let (events, report): (Vec<&str>, Vec<&str>) = watched.out.lines().partition(|line| line.starts_with("{\"news\""));
    assert_eq!(essence(&report.join("\n")).to_string(), direct);
    let news: Vec<Value> = events.iter().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert!(news.iter().all(|event| event["component"] == "10.0.19.3" || event["component"] == "checkout"), "{news:?}");
    assert_eq!(news.first().map(|event| &event["news"]), Some(&Value::from("new")), "{news:?}");
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let stream = stream(0..50);
    let run =
        crate::binary::run_on(stream.as_bytes(), &["watch", "--window", "12m", "--every", "0s", "--format", "json"]);
    let run = run.ends_with(0);
    let report = run.out.rfind("{\n  \"schema\"").map(|at| essence(&run.out[at..])).expect("a report");
    assert_eq!(report["incidents"].as_array().map(Vec::len), Some(0), "{}", report["verdict"]);
    let entries = report["coverage"]["entries"].as_u64().expect("a count");
    assert!((12 * 60..=13 * 60).contains(&entries), "{entries}");
    assert!(run.out.contains("new incident"), "it was told while it lasted: {}", run.out);
}

#[test]
fn a_silent_stream_is_told_of_and_ctrl_c_gives_the_report() {
    let mut child = binary(&["watch", "--every", "0s"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    input.write_all(stream(0..14).as_bytes()).expect("it reads");
    input.flush().expect("it reads");
    let mut line = String::new();
    while !line.contains("new incident") {
        line.clear();
        assert!(output.read_line(&mut line).expect("text") > 0, "it ended without a word");
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("ONGOING") && rest.contains("stopped before the end"), "{rest}");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(input);
}
