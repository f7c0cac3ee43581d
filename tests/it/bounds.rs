//! What is kept when there is more than can be kept: what is frequent stays, and each bound that was reached is named.

use serde_json::Value;

use crate::binary::run_on;

/// A service that works, then fails 2,000 times for one server, among failures for `n_others` other ones, once each.
fn export(culprit: &str, n_others: usize) -> String {
    let line = |id: String, minute: usize, n: usize, severity: &str, text: String| {
        format!(
            r#"{{"insertId":"{id}","timestamp":"2026-02-03T10:{minute:02}:{:02}.{:06}Z","severity":"{severity}","logName":"projects/acme/logs/run.googleapis.com%2Fstderr","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"checkout"}}}},"textPayload":"{text}"}}"#,
            n % 60,
            n % 999_983,
        ) + "\n"
    };
    let healthy = (0..600).map(|n| line(format!("h{n}"), n / 60, n, "INFO", "ok".to_owned()));
    let failing = (0..2000).map(|n| {
        let text = format!("connection refused to db {culprit}:5432");
        line(format!("c{n}"), 10 + n / 400, n * 7, "ERROR", text)
    });
    let others = (0..n_others).map(|n| {
        let text = format!("connection refused to db 10.9.{}.{}:5432", n / 250, n % 250);
        line(format!("o{n}"), 10 + n * 5 / n_others, n * 11, "ERROR", text)
    });
    healthy.chain(failing).chain(others).collect()
}

fn report(culprit: &str, n_others: usize) -> Value {
    let run = run_on(export(culprit, n_others).as_bytes(), &["--format", "json"]).ends_with(0);
    serde_json::from_str(&run.out).expect("a report")
}

#[test]
fn a_culprit_is_found_among_any_number_of_other_names() {
    for n_others in [300, 1_500, 6_000] {
        for culprit in ["10.0.19.3", "10.0.7.77", "10.1.2.3"] {
            let report = report(culprit, n_others);
            assert_eq!(report["incidents"][0]["causes"][0]["component"], culprit, "{culprit} among {n_others}");
            let limits = report["coverage"]["limits_reached"].as_array().expect("a list");
            let is_named = limits.iter().any(|limit| limit == "things blamed by a series");
            assert_eq!(is_named, n_others > 512, "{limits:?}");
        }
    }
}
