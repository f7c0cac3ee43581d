//! The guide for agents and the command that exports: what they name exists, and what they print runs as it stands.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use regex::Regex;

use crate::binary::{Folder, fixtures, run};

#[test]
fn the_guide_names_only_what_exists() {
    let guide = run(&["agent-guide"]).ends_with(0).out;
    assert!(guide.lines().count() <= 120);
    let examples: Vec<&str> = guide.lines().filter_map(|line| line.strip_prefix("    firstfault ")).collect();
    assert!(examples.len() > 10);
    let folder = Folder::new("guide");
    let export = folder.path().join("export.json");
    let story = fs::read(fixtures().join("out-of-memory/entries.json.gz")).expect("a fixture");
    fs::write(&export, &story).expect("it is ours");
    fs::write(folder.path().join("healthy.json"), "[]").expect("it is ours");
    let report = crate::binary::run_in(folder.path(), &["export.json", "--format", "json"]).ends_with(0).out;
    fs::write(folder.path().join("report.json"), report).expect("it is ours");
    let text = crate::binary::run_in(folder.path(), &["export.json", "--format", "markdown"]).ends_with(0).out;
    fs::write(folder.path().join("postmortem.md"), text).expect("it is ours");
    for example in examples {
        let words = example.split(" # ").next().expect("a command").split_whitespace();
        let ran = crate::binary::run_in(folder.path(), &words.collect::<Vec<_>>());
        // The baseline of the example holds nothing, and nothing happened at its time: both are said.
        let is_answered = ran.err.contains("healthy.json") || ran.err.contains("no entry is there");
        assert!(matches!(ran.code, Some(0)) || is_answered, "{example}: {}", ran.err);
    }
    let named = Regex::new(r"`firstfault ([a-z-]+)").expect("a regex");
    let commands: BTreeSet<&str> =
        named.captures_iter(&guide).map(|found| found.get(1).expect("a group").as_str()).collect();
    for command in commands {
        run(&[command, "--help"]).ends_with(0);
    }
}

#[test]
fn the_command_that_exports_is_one_command_with_all_that_was_asked_for() {
    let folder = Folder::new("export-command");
    let gcloud = folder.file("gcloud", "#!/bin/sh\nprintf '%s\\n' \"$@\" >&2\necho '[]'\n");
    fs::set_permissions(&gcloud, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let printed = run(&[
        "export-command",
        "--service",
        "checkout",
        "--service",
        "cart",
        "--around",
        "2026-03-02T10:05:00Z",
        "--project",
        "acme-prod",
        "--limit",
        "2500",
    ])
    .ends_with(0);
    assert!(printed.err.contains("at most 3 reads of 1000 entries"), "{}", printed.err);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let ran = Command::new("bash").args(["-c", &printed.out]).current_dir(folder.path()).env("PATH", path).output();
    let ran = ran.expect("there is a bash");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let words: Vec<&str> = said.lines().collect();
    assert_eq!(words[..2], ["logging", "read"], "{said}");
    for needed in [
        "(\"checkout\" OR \"cart\")",
        "cloudaudit.googleapis.com/activity",
        "cloudsql_database",
        "timestamp>=\"2026-03-02T09:05:00Z\"",
        "timestamp<=\"2026-03-02T10:35:00Z\"",
    ] {
        assert!(words[2].contains(needed), "{needed}: {}", words[2]);
    }
    assert_eq!(words[3..], ["--project", "acme-prod", "--limit=2500", "--order=asc", "--format=json"]);
    assert_eq!(folder.read("export.json"), "[]\n");
    for bad in ["$(id)", "x'y", "--quiet"] {
        let refused = run(&[
            "export-command",
            &format!("--service={bad}"),
            "--around",
            "2026-03-02T10:05:00Z",
            "--what",
            "requests",
        ]);
        assert!(
            refused.code == Some(2) || !refused.out.is_empty() && refused.out.contains("\"$(id)\""),
            "{bad}: {}",
            refused.out
        );
    }
}
