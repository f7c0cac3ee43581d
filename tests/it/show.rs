//! `show`, the lists as CSV, times of day, and the profile that is written for a team to fill in.

use std::path::Path;

use crate::binary::{Folder, fixtures, run};

fn export() -> String {
    fixtures().join("out-of-memory/entries.json.gz").display().to_string()
}

fn clocks(out: &str) -> Vec<&str> {
    out.lines().filter_map(|line| line.split_whitespace().find(|word| word.contains(':'))).collect()
}

#[test]
fn an_incident_is_shown_as_its_failing_entries_in_order() {
    let out = run(&["show", "I1", &export()]).ends_with(0).out;
    assert!(out.lines().count() > 100);
    let causes: Vec<&str> = out.lines().filter(|line| line.starts_with('▶')).collect();
    assert!(causes.len() >= 14 && causes.iter().any(|line| line.contains("Memory limit of 512 MiB exceeded")), "{out}");
    let times = clocks(&out);
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "they are in order of time");
    assert!(!out.contains("order 50421 priced"), "what does not fail is left out");
}

#[test]
fn a_quote_is_shown_among_its_neighbours() {
    let out = run(&["show", "E1", &export()]).ends_with(0).out;
    assert!(out.lines().any(|line| line.starts_with("▶ 07:40:00")), "{out}");
    assert!(out.lines().any(|line| line.starts_with("  ")), "ordinary entries stand around it: {out}");
}

#[test]
fn entries_around_a_time_are_shown_and_told_apart_by_service() {
    let export = export();
    let all = run(&["show", "--around", "07:41", "--for", "1m", &export]).ends_with(0).out;
    let one = run(&["show", "--around", "07:41", "--for", "1m", "--service", "storefront", &export]).ends_with(0).out;
    assert!(all.contains("thumbnails") && all.contains("storefront"));
    assert!(!one.is_empty() && one.lines().all(|line| line.contains("storefront")), "{one}");
    let few = run(&["show", "--around", "07:41", "--for", "1m", "--limit", "3", &export]).ends_with(0).out;
    assert_eq!(few.lines().count(), 4);
    assert!(few.lines().last().is_some_and(|line| line.contains("left out: --limit")), "{few}");
}

#[test]
fn raw_entries_are_json_and_those_that_were_logged() {
    let out = run(&["show", "C1", "--json", &export()]).ends_with(0).out;
    for line in out.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(entry["insertId"].is_string() && entry["timestamp"].is_string(), "{line}");
    }
    assert!(out.lines().count() >= 14);
}

#[test]
fn what_is_not_there_is_an_error_that_names_what_is() {
    for (arguments, needed) in [
        (vec!["show", "I9"], "there is only I1"),
        (vec!["show", "C9"], "there are C1 to C"),
        (vec!["show"], "say what to show"),
        (vec!["show", "--around", "soon"], "not a time"),
        (vec!["show", "--around", "03:00"], "no entry is there"),
    ] {
        let export = export();
        let run = run(&arguments.into_iter().chain([export.as_str()]).collect::<Vec<_>>()).ends_with(2);
        assert!(run.err.contains(needed), "{}", run.err);
    }
}

#[test]
fn a_time_of_day_is_that_of_the_last_day() {
    let export = export();
    let report = |arguments: &[&str]| {
        let all: Vec<&str> = arguments.iter().copied().chain([export.as_str(), "--format", "json"]).collect();
        run(&all).ends_with(0).json()
    };
    let clock = report(&["--since", "07:40", "--until", "08:00:30"]);
    let whole = report(&["--since", "2026-03-09T07:40:00Z", "--until", "2026-03-09T08:00:30Z"]);
    assert_eq!(clock, whole);
    assert_ne!(clock["coverage"]["ledger"]["outside"], 0);
}

#[test]
fn lists_are_csv_too() {
    let export = export();
    let quoted = regex::Regex::new("\"(?:[^\"]|\"\")*\"").expect("a pattern");
    for (command, columns) in [("patterns", 9), ("classify", 11)] {
        let out = run(&[command, "--format", "csv", &export]).ends_with(0).out;
        for line in out.lines() {
            assert_eq!(quoted.replace_all(line, "Q").split(',').count(), columns, "{line}");
        }
        assert!(out.lines().count() > 3, "{out}");
    }
}

#[test]
fn a_new_profile_names_the_services_and_is_accepted() {
    let folder = Folder::new("profile-init");
    let text = run(&["profile", "init", &export()]).ends_with(0).out;
    assert!(text.contains("[services.\"storefront\"]") && text.contains("[services.\"thumbnails\"]"), "{text}");
    let path = folder.file("firstfault.toml", text);
    let checked = run(&["profile", "check", &path]).ends_with(0);
    assert!(checked.out.contains("good"), "{checked:?}");
    run(&[&export(), "--profile", &path]).ends_with(0);
}

#[test]
fn a_report_of_another_export_is_told_in_one_line() {
    let other = fixtures().join("expired-certificate");
    let report = other.join("report.json").display().to_string();
    let run = run(&["verify", &report, &export()]).ends_with(1);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert!(run.out.contains("another export") && Path::new(&report).is_file());
}

#[test]
fn five_hundreds_are_answers_and_not_seconds() {
    let folder = Folder::new("answers");
    let text = folder.file("text.md", "Users saw many 503s; all 503s came from `thumbnails`.\n");
    let audit = run(&["audit", &text, &export()]);
    assert!(!audit.out.contains("503 s") && audit.out.contains("2 found") || audit.code == Some(0), "{}", audit.out);
}
