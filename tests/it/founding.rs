//! The evening that the tool was made for: two roots in three exports, where the cases are. Real exports are not part of the package.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use serde_json::Value;

use crate::binary::run;

/// Exports of one evening, by their numbers among the cases: the database out of reach, then twice a module that is missing.
const EVENING: [&str; 3] = ["R1", "R3", "R4"];

fn evening() -> Option<Vec<String>> {
    let Some(cases) = std::env::var_os("FIRSTFAULT_CASES") else {
        eprintln!("skipped: FIRSTFAULT_CASES names no folder with the real exports");
        return None;
    };
    let folder = std::path::Path::new(&cases).join("real");
    let truth = std::fs::read_to_string(folder.join("truth.json")).expect("the folder has a truth.json");
    let truth: Vec<Value> = serde_json::from_str(&truth).expect("it is JSON");
    let file = |id: &str| {
        let case = truth.iter().find(|case| case["id"] == id).expect("the case is there");
        folder.join(case["file"].as_str().expect("it has a file")).display().to_string()
    };
    Some(EVENING.iter().map(|id| file(id)).collect())
}

fn titles(incident: &Value) -> impl Iterator<Item = &str> {
    incident["chain"].as_array().into_iter().flatten().filter_map(|link| link["title"].as_str())
}

#[test]
fn two_roots_in_one_evening_are_told_apart() {
    let Some(files) = evening() else { return };
    let arguments: Vec<&str> = files.iter().map(String::as_str).chain(["--format", "json"]).collect();
    let report = run(&arguments).ends_with(0).json();
    let incidents = report["incidents"].as_array().expect("a list");
    assert_eq!(incidents.len(), 2, "{}", report["verdict"]);
    let [database, module] = [&incidents[0], &incidents[1]];

    // The database: from 20:02 on, seen until its export ends, unknown after that.
    let cause = &database["causes"][0];
    assert!(cause["component"].as_str().is_some_and(|name| name.ends_with("staging-shared-postgres")), "{cause}");
    assert!(database["start"].as_str().is_some_and(|at| at.starts_with("2025-09-15T20:02")), "{}", database["start"]);
    assert_eq!(database["status"], "unknown");
    let unknown = &database["uncovered"][0];
    assert!(unknown["start"].as_str().is_some_and(|at| at.starts_with("2025-09-15T20:03")), "{unknown}");
    assert!(unknown["end"].as_str().is_some_and(|at| at.starts_with("2025-09-15T21:51")), "{unknown}");
    assert_eq!((&database["affected"][0]["requests"], &database["affected"][0]["failures"]), (&38.into(), &38.into()));
    let told: Vec<&str> = titles(database).collect();
    assert!(
        told[0].contains("socket was closed") && told.iter().any(|title| title.contains("did not answer during start")),
        "{told:?}"
    );
    assert!(!told.iter().any(|title| title.contains("module")), "nothing of the other root: {told:?}");
    assert!(database["restarts"].is_null(), "no exit of the other root: {}", database["restarts"]);

    // The module: from 22:47 on, the root first although exits are logged before its first line.
    let cause = &module["causes"][0];
    assert!(cause["title"].as_str().is_some_and(|title| title.starts_with("A Python module is missing")), "{cause}");
    assert!(module["start"].as_str().is_some_and(|at| at.starts_with("2025-09-15T22:47")), "{}", module["start"]);
    let told: Vec<&str> = titles(module).collect();
    assert!(told[0].starts_with("A Python module is missing"), "{told:?}");
    assert!(
        told.iter().any(|title| title.contains("exit(3)")) && !told.iter().any(|title| title.contains("socket")),
        "{told:?}"
    );
    let quotes = cause["evidence"].as_array().expect("a list");
    assert!(quotes.iter().all(|quote| quote["effect_time"].as_str() >= Some("2025-09-15T22:47")), "{quotes:?}");
    assert!(
        module["restarts"]["text"].as_str().is_some_and(|text| text.contains("module is missing")),
        "{}",
        module["restarts"]
    );

    // The exit before both is told, and not explained by either.
    let notes = report["notes"].as_array().expect("a list");
    let early =
        notes.iter().find(|note| note["first_seen"].as_str().is_some_and(|at| at.starts_with("2025-09-15T19:58:17")));
    assert!(
        early.is_some_and(|note| note["title"].as_str().is_some_and(|title| title.contains("exit(3)"))),
        "{notes:?}"
    );
}
