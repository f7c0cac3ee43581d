//! Labelled faults that write no error line: how often the true service is named, and whether healthy traces stay silent.
//!
//! `FIRSTFAULT_CASES` is a folder with `rca/`, in it `truth.json` (name → `{system, service, fault, inject_time, file,
//! baseline}`) and the files it names, and with `sim/`, in it simulated exports, each a folder with `truth.json`
//! (`incidents`) and a `log.*` file. Without them there is nothing to measure, and the tests say so.

#![allow(clippy::print_stdout, reason = "the figures are what these tests are for")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use firstfault::cause::silent::{Healthy, Silent, Window, episode, suspects};
use firstfault::framing::{Batch, Cutter, Piece};
use firstfault::summary::traces::Traces;
use firstfault::time::Timestamp;
use firstfault::{entry, source};

/// Share of faults whose service must be named first, and among the first three, when the onset is given.
const GOAL: (f64, f64) = (0.90, 0.95);

/// The same when nobody gives the onset. Published for one of the two systems: 0.80 to 0.84.
const GOAL_WITHOUT_ONSET: (f64, f64) = (0.80, 0.80);

#[test]
fn silent_faults_are_named() {
    let mut scores = Scores::default();
    for case in cases() {
        let found = suspects(&Window::new(&case.traces, case.since, None), &case.healthy());
        print(&case.name, &found, case.since);
        scores.add(&case, &found);
    }
    scores.reach(GOAL);
}

#[test]
fn silent_faults_are_named_without_an_onset() {
    let mut scores = Scores::default();
    for case in cases() {
        let whole = Window::new(&case.traces, None, None);
        let episode = episode(&whole, &case.healthy());
        let found = suspects(episode.as_ref().unwrap_or(&whole), &case.healthy());
        print(&case.name, &found, case.since);
        scores.add(&case, &found);
    }
    scores.reach(GOAL_WITHOUT_ONSET);
}

#[test]
fn healthy_halves_raise_nothing() {
    for folder in healthy_exports() {
        let traces = read(&export(&folder));
        let mut starts: Vec<Timestamp> = traces.iter().map(|trace| trace.start()).collect();
        starts.sort();
        let middle = starts.get(starts.len() / 2).copied();
        let healthy = Healthy::new(&Window::new(&traces, None, middle));
        let half = Window::new(&traces, middle, None);
        let found = suspects(&half, &healthy);
        print(&folder.display().to_string(), &found, middle);
        assert!(found.suspects.is_empty() && episode(&half, &healthy).is_none(), "{}", folder.display());
    }
}

/// A labelled fault.
struct Case {
    name: String,
    system: String,
    fault: String,
    service: String,
    since: Option<Timestamp>,
    traces: Traces,
    baseline: Traces,
}

impl Case {
    fn healthy(&self) -> Healthy<'_> {
        Healthy::new(&Window::new(&self.baseline, None, None))
    }
}

/// A folder of `FIRSTFAULT_CASES`; says so when there is none.
fn recorded(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FIRSTFAULT_CASES").map(|cases| Path::new(&cases).join(name));
    let folder = folder.filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: FIRSTFAULT_CASES names no folder with {name}/");
    }
    folder
}

/// Every labelled fault, in the order of their names.
fn cases() -> impl Iterator<Item = Case> {
    let folder = recorded("rca").unwrap_or_default();
    let truth: BTreeMap<String, serde_json::Value> = match std::fs::read(folder.join("truth.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).expect("truth.json is an object"),
        Err(_) => BTreeMap::new(),
    };
    truth.into_iter().map(move |(name, case)| {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        Case {
            name,
            system: text("system"),
            fault: text("fault"),
            service: text("service"),
            since: Timestamp::parse(&text("inject_time")),
            traces: read(&folder.join(text("file"))),
            baseline: read(&folder.join(text("baseline"))),
        }
    })
}

/// Simulated exports whose truth has no incident.
fn healthy_exports() -> Vec<PathBuf> {
    let Some(folder) = recorded("sim") else { return Vec::new() };
    let healthy = |folder: &PathBuf| {
        let truth = std::fs::read(folder.join("truth.json")).unwrap_or_default();
        let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap_or_default();
        truth["incidents"].as_array().is_some_and(Vec::is_empty)
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path()).collect();
    folders.retain(healthy);
    folders.sort();
    folders
}

fn print(name: &str, found: &Silent, since: Option<Timestamp>) {
    println!("{name}");
    for suspect in found.suspects.iter().take(4) {
        let lag_s = since.map_or(0.0, |since| suspect.onset.seconds_since(since));
        let counts = format!("{}/{} onset {lag_s:+.0} s", suspect.n_affected, suspect.n_compared);
        println!("    {:?} {:?} {:9.1} {counts}: {}", suspect.clarity, suspect.kind, suspect.score, suspect.text);
    }
}

/// Ranks of the true service by system and fault.
#[derive(Default)]
struct Scores(BTreeMap<(String, String), Vec<Option<usize>>>);

impl Scores {
    fn add(&mut self, case: &Case, found: &Silent) {
        let rank = found.suspects.iter().position(|suspect| suspect.service == case.service).map(|i| i + 1);
        for key in [(case.system.as_str(), case.fault.as_str()), (&case.system, "all"), ("all", "all")] {
            self.0.entry((key.0.to_owned(), key.1.to_owned())).or_default().push(rank);
        }
    }

    /// Prints AS@1, 3 and 5; fails when the first two over everything fall short of the goal.
    fn reach(&self, goal: (f64, f64)) {
        let share = |ranks: &[Option<usize>], k: usize| {
            ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= k)).count() as f64 / ranks.len() as f64
        };
        for ((system, fault), ranks) in &self.0 {
            let [one, three, five] = [1, 3, 5].map(|k| share(ranks, k));
            println!("{system:16} {fault:16} n {:3} AS@1 {one:.3} AS@3 {three:.3} AS@5 {five:.3}", ranks.len());
            let all = system == "all";
            assert!(!all || one >= goal.0 && three >= goal.1, "AS@1 {one:.3}, AS@3 {three:.3}, wanted {goal:?}");
        }
    }
}

/// The export among the files of a simulated case.
fn export(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log")));
    files.sort();
    files.swap_remove(0)
}

/// All traces of a file.
fn read(path: &Path) -> Traces {
    let source = source::Source::File(path.to_owned());
    let input = source::open(&source, &source::Options::default()).expect("a case can be opened");
    let (mut cutter, mut batch, mut traces) = (Cutter::new(0, input), Batch::new(), Traces::default());
    while cutter.next(&mut batch).expect("a case can be read") {
        for piece in batch.pieces() {
            if let Piece::Record(record) = piece {
                entry::decode(record, &mut |entry| traces.observe(&entry, &component(&entry)));
            }
        }
    }
    traces
}

/// Name of the workload that wrote an entry.
fn component(entry: &entry::Entry<'_>) -> String {
    let labels = [
        ("k8s-pod/app", &entry.labels),
        ("service_name", &entry.resource.labels),
        ("container_name", &entry.resource.labels),
    ];
    let named = labels.iter().find_map(|(key, labels)| labels.get(key));
    named.unwrap_or(&entry.resource.kind).to_owned()
}
