//! What people meet on every recorded case: how long the first screen is, whether its commands can be run, and whether `verify` and
//! `audit` accept what the program itself wrote. `cargo test --test it screens -- --nocapture` prints the counts.

#![allow(clippy::print_stderr, reason = "the counts are to be read")]

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::binary::{Folder, run};

/// Lines of one incident on the first screen, and of each further one.
const FIRST_SCREEN: (usize, usize) = (24, 10);

/// Folders of recorded exports, and of simulated ones of which one in so many is taken.
const FOLDERS: [(&str, usize); 4] = [("real", 1), ("real2", 1), ("public", 1), ("sim", 12)];

/// Every recorded export that can be read; `None` when the cases are not there.
fn exports() -> Option<Vec<PathBuf>> {
    let Some(cases) = std::env::var_os("FIRSTFAULT_CASES") else {
        eprintln!("skipped: FIRSTFAULT_CASES names no folder of recorded cases");
        return None;
    };
    let mut exports = Vec::new();
    for (folder, every) in FOLDERS {
        let Ok(listing) = std::fs::read_dir(Path::new(&cases).join(folder)) else { continue };
        let mut paths: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.retain(|path| !["README.md", "truth.json"].iter().any(|name| path.ends_with(name)));
        exports.extend(paths.into_iter().step_by(every).map(|path| match path.is_dir() {
            true => path.join("log.ndjson.gz"),
            false => path,
        }));
    }
    exports.retain(|path| path.is_file());
    Some(exports)
}

/// Words that stand for a name which was not filled in.
fn has_placeholder(command: &str) -> bool {
    let words = command.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = [
        "SERVICE",
        "REGION",
        "PROJECT",
        "REVISION",
        "INSTANCE",
        "NAMESPACE",
        "CONNECTOR",
        "BACKEND",
        "POD",
        "SECRET",
        "ZONE",
    ];
    words.into_iter().any(|word| names.contains(&word))
}

#[derive(Debug, Default)]
struct Counts {
    exports: usize,
    incidents: usize,
    lines: Vec<usize>,
    too_long: Vec<String>,
    first_actions: usize,
    runnable: usize,
    placeholders: Vec<String>,
    chains: usize,
    root_first: usize,
    unverified: Vec<String>,
    contradicted: Vec<String>,
}

#[test]
fn every_recorded_case_has_a_first_screen_that_can_be_acted_on() {
    let Some(exports) = exports() else { return };
    let folder = Folder::new("screens");
    let mut counts = Counts::default();
    for export in exports {
        let name = export.display().to_string();
        let screen = run(&[&name, "--quiet"]);
        // Some files hold nothing that is an entry.
        if screen.code != Some(0) {
            continue;
        }
        let (json, markdown) = (folder.file("r.json", ""), folder.file("r.md", ""));
        run(&[&name, "--quiet", "-o", &json, "-o", &markdown]).ends_with(0);
        let report: Value = serde_json::from_str(&folder.read("r.json")).expect("a report is JSON");
        counts.exports += 1;
        count(&report, &screen.out, &name, &mut counts);
        if run(&["verify", &json, &name, "--quiet"]).code != Some(0) {
            counts.unverified.push(name.clone());
        }
        let audit = run(&["audit", &markdown, &name, "--quiet"]);
        if audit.code != Some(0) {
            let first = audit.out.lines().take(2).collect::<Vec<_>>().join(" ");
            counts.contradicted.push(format!("{name}: {first}"));
        }
    }
    counts.lines.sort_unstable();
    let median = counts.lines.get(counts.lines.len() / 2).copied().unwrap_or(0);
    eprintln!(
        "{} exports, {} incidents; lines of a first screen: median {median}, most {}; {} first actions, {} can be run; root first in {} of {} chains",
        counts.exports,
        counts.incidents,
        counts.lines.last().copied().unwrap_or(0),
        counts.first_actions,
        counts.runnable,
        counts.root_first,
        counts.chains,
    );
    eprintln!("verify refuses {:?}; audit refuses {:#?}", counts.unverified, counts.contradicted);
    assert!(counts.too_long.is_empty(), "{:#?}", counts.too_long);
    assert!(counts.placeholders.is_empty(), "{:#?}", counts.placeholders);
    assert!(counts.unverified.is_empty(), "{:#?}", counts.unverified);
    assert!(counts.contradicted.is_empty(), "{:#?}", counts.contradicted);
    assert_eq!(counts.root_first, counts.chains, "every chain begins with its cause");
}

fn count(report: &Value, screen: &str, name: &str, counts: &mut Counts) {
    let incidents = report["incidents"].as_array().expect("a list");
    let lines = screen.lines().count();
    let (first, further) = FIRST_SCREEN;
    if lines > first + further * incidents.len().saturating_sub(1) {
        counts.too_long.push(format!("{name}: {lines} lines, {} incidents", incidents.len()));
    }
    if !incidents.is_empty() {
        counts.lines.push(lines);
    }
    for incident in incidents {
        counts.incidents += 1;
        let cause = &incident["causes"][0];
        if let Some(link) = incident["chain"].get(0) {
            counts.chains += 1;
            counts.root_first += usize::from(link["component"] == cause["component"]);
        }
        let actions: Vec<&Value> = cause["actions"].as_array().into_iter().flatten().collect();
        counts.first_actions += usize::from(!actions.is_empty());
        // The screen shows the first that can be run at once.
        let at_once = |action: &&&Value| action["priority"] == actions[0]["priority"] && action["command"].is_string();
        counts.runnable += usize::from(actions.iter().find(at_once).is_some());
        let commands = actions.iter().filter_map(|action| action["command"].as_str());
        counts.placeholders.extend(commands.filter(|c| has_placeholder(c)).map(|c| format!("{name}: {c}")));
    }
}
