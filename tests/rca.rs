//! Labelled faults that write no error line: how often the true service is named, read from `FIRSTFAULT_CASES`.
//!
//! `FIRSTFAULT_CASES` is a folder with `truth.json` (name → `{system, service, fault, inject_time, file, baseline}`) and the
//! files it names. Without it there is nothing to measure, and the test says so.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use firstfault::cause::silent::{Healthy, Silent, Window, episode, suspects};
use firstfault::summary::traces::Traces;
use firstfault::time::Timestamp;
use firstfault::{entry, framing, source};

/// Share of faults whose service must be named first, and among the first three.
const GOAL: (f64, f64) = (0.90, 0.95);

#[test]
fn silent_faults_are_named() {
    let Some(folder) = std::env::var_os("FIRSTFAULT_CASES").map(PathBuf::from) else {
        println!("skipped: FIRSTFAULT_CASES names no folder of labelled faults");
        return;
    };
    let truth = std::fs::read_to_string(folder.join("truth.json")).expect("the folder holds truth.json");
    let cases: BTreeMap<String, serde_json::Value> = serde_json::from_str(&truth).expect("truth.json is an object");
    let mut baselines: BTreeMap<String, Traces> = BTreeMap::new();
    let mut scores = Scores::default();
    for (name, case) in &cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let baseline = baselines.entry(text("baseline")).or_insert_with(|| read(&folder.join(text("baseline"))));
        let traces = read(&folder.join(text("file")));
        let since = Timestamp::parse(&text("inject_time"));
        let begun = std::time::Instant::now();
        let found = suspects(&Window::new(&traces, since, None), &Healthy::new(&Window::new(baseline, None, None)));
        println!("{} traces of {}, {:?}", traces.len(), name, begun.elapsed());
        let rank = found.suspects.iter().position(|suspect| suspect.service == text("service")).map(|i| i + 1);
        scores.add(&text("system"), &text("fault"), rank);
        print_case(name, &text("service"), &text("fault"), rank, &found, since);
    }
    let (first, third) = scores.print();
    assert!(first >= GOAL.0 && third >= GOAL.1, "AS@1 {first:.3}, AS@3 {third:.3}, wanted {GOAL:?}");
}

#[test]
fn healthy_halves_raise_nothing() {
    let Some(folder) = std::env::var_os("FIRSTFAULT_SIM").map(PathBuf::from) else {
        println!("skipped: FIRSTFAULT_SIM names no folder of simulated exports");
        return;
    };
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.path()).collect();
    names.sort();
    let mut raised = Vec::new();
    for name in names {
        let truth = std::fs::read_to_string(name.join("truth.json")).expect("a case holds truth.json");
        let truth: serde_json::Value = serde_json::from_str(&truth).expect("truth.json is JSON");
        if truth["incidents"].as_array().is_some_and(|incidents| !incidents.is_empty()) {
            continue;
        }
        let traces = read(&export(&name));
        let mut starts: Vec<Timestamp> = traces.iter().map(|trace| trace.start()).collect();
        starts.sort();
        let middle = starts.get(starts.len() / 2).copied();
        let found = suspects(&Window::new(&traces, middle, None), &Healthy::new(&Window::new(&traces, None, middle)));
        print_case(&name.display().to_string(), "none", "none", None, &found, middle);
        if let Some(window) =
            episode(&Window::new(&traces, middle, None), &Healthy::new(&Window::new(&traces, None, middle)))
        {
            let found = suspects(&window, &Healthy::new(&Window::new(&traces, None, middle)));
            print_case("EPISODE", "none", "none", None, &found, middle);
        }
        println!("    {} traces, {} calls, not compared: {:?}", traces.len(), traces.calls().len(), found.uncompared);
        raised.extend(found.suspects.into_iter().map(|suspect| (name.clone(), suspect.text)));
    }
    assert!(raised.is_empty(), "{raised:#?}");
}

#[test]
fn onset_unknown() {
    let Some(folder) = std::env::var_os("FIRSTFAULT_CASES").map(PathBuf::from) else { return };
    let truth = std::fs::read_to_string(folder.join("truth.json")).expect("the folder holds truth.json");
    let cases: BTreeMap<String, serde_json::Value> = serde_json::from_str(&truth).expect("truth.json is an object");
    let (mut whole_scores, mut scores) = (Scores::default(), Scores::default());
    for (name, case) in &cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let baseline = read(&folder.join(text("baseline")));
        let baseline = Healthy::new(&Window::new(&baseline, None, None));
        let traces = read(&folder.join(text("file")));
        let since = Timestamp::parse(&text("inject_time"));
        let rank = |found: &Silent| found.suspects.iter().position(|s| s.service == text("service")).map(|i| i + 1);
        let before = suspects(&Window::new(&traces, None, since), &baseline);
        println!("BEFORE");
        print_case(name, &text("service"), &text("fault"), rank(&before), &before, since);
        let whole = Window::new(&traces, None, None);
        let found = suspects(&whole, &baseline);
        whole_scores.add(&text("system"), &text("fault"), rank(&found));
        let begun = std::time::Instant::now();
        let episode = episode(&whole, &baseline);
        println!("UNKNOWN {:?} traces of {}, {:?}", episode.as_ref().map(Window::len), whole.len(), begun.elapsed());
        let found = suspects(episode.as_ref().unwrap_or(&whole), &baseline);
        scores.add(&text("system"), &text("fault"), rank(&found));
        print_case(name, &text("service"), &text("fault"), rank(&found), &found, since);
    }
    println!("WHOLE");
    whole_scores.print();
    println!("EPISODE");
    scores.print();
}

fn print_case(name: &str, service: &str, fault: &str, rank: Option<usize>, found: &Silent, since: Option<Timestamp>) {
    println!("{name:22} {fault:16} true={service:30} rank={rank:?}");
    for suspect in found.suspects.iter().take(4) {
        let lag = since.map_or(0.0, |since| suspect.onset.seconds_since(since));
        println!(
            "    {:?} {:?} {:9.1} {:30} {}/{} onset {lag:+.0} s: {}",
            suspect.clarity,
            suspect.kind,
            suspect.score,
            suspect.service,
            suspect.n_affected,
            suspect.n_compared,
            suspect.text
        );
    }
}

/// Ranks by system and fault.
#[derive(Default)]
struct Scores(BTreeMap<(String, String), Vec<Option<usize>>>);

impl Scores {
    fn add(&mut self, system: &str, fault: &str, rank: Option<usize>) {
        for fault in [fault, "ALL"] {
            self.0.entry((system.to_owned(), fault.to_owned())).or_default().push(rank);
        }
        self.0.entry(("all".to_owned(), String::new())).or_default().push(rank);
    }

    /// Prints all shares; returns those of rank 1 and of ranks up to 3 over everything.
    fn print(&self) -> (f64, f64) {
        let mut last = (0.0, 0.0);
        for ((system, fault), ranks) in &self.0 {
            let share =
                |k| ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= k)).count() as f64 / ranks.len() as f64;
            println!(
                "{system:16} {fault:16} n {:3} AS@1 {:.3} AS@3 {:.3} AS@5 {:.3}",
                ranks.len(),
                share(1),
                share(3),
                share(5)
            );
            if system == "all" {
                last = (share(1), share(3));
            }
        }
        last
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
    let mut bytes = Vec::new();
    let mut input = source::open(&source::Source::File(path.to_owned())).expect("a case can be opened");
    input.read_to_end(&mut bytes).expect("a case can be read");
    let mut traces = Traces::default();
    for record in framing::records(0, &bytes) {
        entry::decode(record, &mut |entry| traces.observe(&entry, &component(&entry)));
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
