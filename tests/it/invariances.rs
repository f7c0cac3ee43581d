//! What must not change the answer: names, severities, times, order, a neighbour, healthy hours before, half of the healthy entries.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use firstfault::source::{self, Source};
use serde_json::Value;

use crate::binary::{Folder, run};

/// What of a report must stay: the first cause's signature and component of the heaviest incident, and how many incidents there are.
#[derive(Debug, PartialEq)]
struct Answer {
    incidents: usize,
    component: String,
    signature: String,
}

fn answer(report: &Value) -> Answer {
    let incidents = report["incidents"].as_array().map_or(&[][..], Vec::as_slice);
    let heaviest = incidents.iter().max_by_key(|incident| incident["failure_entries"].as_u64());
    let text = |name: &str| heaviest.and_then(|i| i["causes"][0][name].as_str()).unwrap_or_default().to_owned();
    Answer { incidents: incidents.len(), component: text("component"), signature: text("signature") }
}

/// Every story with its entries as JSON values.
fn stories() -> Vec<(String, Vec<Value>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders =
        std::fs::read_dir(&root).expect("there are fixtures").map(|folder| folder.expect("it is there").path());
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.join("story.toml").exists()).collect();
    folders.sort();
    let name =
        |folder: &PathBuf| folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    folders.iter().filter_map(|folder| Some((name(folder), entries(folder)?))).collect()
}

/// The entries of a story that is an array or has one on each line; others are other shapes of the same.
fn entries(folder: &Path) -> Option<Vec<Value>> {
    let listing = std::fs::read_dir(folder).ok()?.flatten().map(|file| file.path());
    let mut files: Vec<PathBuf> = listing
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("entries")))
        .collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let mut reader = source::open(&Source::File(file), &source::Options::default()).ok()?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).ok()?;
        match serde_json::from_str::<Vec<Value>>(&text) {
            Ok(array) => all.extend(array),
            Err(_) => {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    all.push(serde_json::from_str(line).ok()?);
                }
            }
        }
    }
    all.iter().all(|entry| entry["logName"].is_string() && entry["timestamp"].is_string()).then_some(all)
}

fn report_of(entries: &[Value]) -> Value {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let folder = Folder::new(&format!("invariance-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
    let file = folder.file("export.ndjson", lines.join("\n"));
    run(&[&file, "--format", "json"]).ends_with(0).json()
}

/// Changes every string of an entry.
fn each_text(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| each_text(field, change)),
        _ => {}
    }
}

/// Checks every story against a transformation of its entries, but those in `except`, each with a reason. An exception that no longer
/// is one fails too.
fn holds(transform: impl Fn(&mut Vec<Value>), expected: impl Fn(Answer) -> Answer, except: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    let stories = stories();
    assert!(stories.len() >= 8, "too few stories can be transformed: {}", stories.len());
    for (story, entries) in stories {
        let mut changed = entries.clone();
        transform(&mut changed);
        let (before, after) = (expected(answer(&report_of(&entries))), answer(&report_of(&changed)));
        let is_exception = except.iter().any(|(name, _)| *name == story);
        if (before != after) != is_exception {
            wrong.push(format!("{story}: {before:?} became {after:?}, an exception: {is_exception}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn names_do_not_matter() {
    let rename = |text: &str| text.replace("acme", "umbra").replace("orders", "raven").replace("checkout", "willow");
    holds(
        |entries| entries.iter_mut().for_each(|entry| each_text(entry, &rename)),
        |answer| Answer { component: rename(&answer.component), ..answer },
        &[],
    );
}

#[test]
fn severities_do_not_matter() {
    let drop = |entry: &mut Value| drop(entry.as_object_mut().map(|fields| fields.remove("severity")));
    holds(
        |entries| entries.iter_mut().for_each(drop),
        |answer| answer,
        &[(
            "missing-table",
            "a line with an exception and no severity is weighed as less, so the failed task names the cause",
        )],
    );
}

#[test]
fn the_year_does_not_matter() {
    let later = |text: &str| text.replace("2026-", "2027-");
    holds(|entries| entries.iter_mut().for_each(|entry| each_text(entry, &later)), |answer| answer, &[]);
}

#[test]
fn the_order_does_not_matter() {
    holds(|entries| entries.reverse(), |answer| answer, &[]);
}

#[test]
fn a_healthy_neighbour_does_not_matter() {
    let (_, mut healthy) = stories().into_iter().find(|(name, _)| name == "healthy").expect("there is a healthy story");
    // A service is known by its name: one of the same name in another project would be the same component.
    let rename = |text: &str| {
        text.replace("acme", "neighbour")
            .replace("checkout", "harbour")
            .replace("storefront", "pier")
            .replace("invoices", "quay")
    };
    healthy.iter_mut().for_each(|entry| each_text(entry, &rename));
    holds(
        |entries| {
            // The neighbour lives at the same time.
            let day = entries[0]["timestamp"].as_str().unwrap_or_default()[..10].to_owned();
            for entry in &healthy {
                let mut entry = entry.clone();
                let own = entry["timestamp"].as_str().unwrap_or_default()[..10].to_owned();
                each_text(&mut entry, &|text| text.replace(&own, &day));
                entries.push(entry);
            }
        },
        |answer| answer,
        &[
            ("build-that-fails", "one failed job beside a system that goes on is a note"),
            ("missing-table", "one failed job beside a system that goes on is a note"),
        ],
    );
}

#[test]
fn every_second_healthy_entry_may_be_missing() {
    let thin = |entries: &mut Vec<Value>| {
        let mut n = 0;
        entries.retain(|entry| {
            let fine = entry["severity"] == "INFO";
            n += usize::from(fine);
            !fine || n.is_multiple_of(2)
        });
    };
    holds(thin, |answer| answer, &[]);
}

/// Stories whose cause can only be told from what was before the onset.
const NEED_WHAT_WAS_BEFORE: [(&str, &str); 3] = [
    ("dropped-column", "the migration ran before the first failure"),
    ("full-disk-of-a-node", "only healthy lines tell that the pods ran on the node"),
    ("one-loud-client", "that a client sends more than before"),
];

#[test]
fn an_export_that_begins_with_the_onset_has_the_same_cause() {
    let mut wrong = Vec::new();
    for (story, entries) in stories() {
        let report = report_of(&entries);
        let Some(start) = report["incidents"][0]["start"].as_str().map(str::to_owned) else { continue };
        let second = |at: &str| at.get(..19).map(str::to_owned);
        let inside = |entry: &&Value| entry["timestamp"].as_str().and_then(second) >= second(&start);
        let cut: Vec<Value> = entries.iter().filter(inside).cloned().collect();
        let (before, after) = (answer(&report), answer(&report_of(&cut)));
        let is_exception = NEED_WHAT_WAS_BEFORE.iter().any(|(name, _)| *name == story);
        assert!(after.incidents > 0, "{story}: something fails");
        if (before.component != after.component) != is_exception {
            wrong.push(format!("{story}: {before:?} became {after:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
