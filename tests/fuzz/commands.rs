//! Commands of a report: a name that is more than a word stands in none of them.

use firstfault::analyze;
use firstfault::face::json;
use serde_json::{Value, json};

use crate::observe::catalogue;
use crate::pipeline::read;

/// Characters that no shell, filter or option parser acts on, besides letters and digits: those of names of resources.
const HARMLESS: &str = "._:@/-";

/// The input is the name of everything in an outage that has a name.
pub(crate) fn run(input: &[u8]) {
    let name = String::from_utf8_lossy(input);
    let report = analyze::conclude(read(outage(&name).as_bytes()), catalogue(), None);
    let report: Value = serde_json::from_str(&json::render(&report)).expect("what was written is read");
    let mut commands = Vec::new();
    collect(&report, &mut commands);
    assert!(!commands.is_empty(), "an outage has something to do");
    let is_word = !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || HARMLESS.contains(c));
    // A short text may stand in any command by chance.
    if !is_word && name.trim().len() > 4 {
        for command in &commands {
            // Between the quotes of a filter, which stand between those of the shell, what follows no quote and no backslash is text.
            let is_quoted = command.contains(&format!("\"{name}\"")) && !name.contains(['"', '\\', '\'', '\n']);
            assert!(is_quoted || !command.contains(&*name), "{name:?} stands in {command}");
        }
    }
    for command in commands {
        assert!(!command.contains(['\n', '\r', '\0', '\u{1b}', '\u{202e}']), "{command:?} acts on a terminal");
        assert!(command.matches('\'').count().is_multiple_of(2), "{command} leaves a quote open");
    }
}

/// A service that is killed, cannot find a setting and does not reach a server, all of the same name.
fn outage(name: &str) -> String {
    let texts = [
        "Memory limit of 512 MiB exceeded with 530 MiB used. Consider increasing the memory limit".to_owned(),
        format!("java.lang.IllegalArgumentException: Could not resolve placeholder '{name}' in value \"x\""),
        format!("connection to {name} failed: could not connect to instance {name}: Connection refused"),
        "started".to_owned(),
    ];
    let labels = json!({"project_id": name, "location": name, "service_name": name, "revision_name": name});
    let entry = |i: usize| {
        json!({
            "insertId": format!("i{i}"),
            "timestamp": format!("2026-02-03T10:{:02}:{:02}Z", i / 4, i % 4 * 15),
            "severity": if i % 4 == 3 { "INFO" } else { "ERROR" },
            "logName": "projects/acme/logs/run.googleapis.com%2Fstderr",
            "resource": {"type": "cloud_run_revision", "labels": labels},
            "textPayload": texts[i % 4],
        })
    };
    (0..40).map(|i| format!("{}\n", entry(i))).collect()
}

fn collect(report: &Value, commands: &mut Vec<String>) {
    match report {
        Value::Object(fields) => {
            commands.extend(fields.get("command").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, commands));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, commands)),
        _ => {}
    }
}
