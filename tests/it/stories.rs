//! Outages with a known cause, through the real binary: `fixtures/<story>/` holds the entries, the report that is right
//! for them, and `story.toml` with what must be true of it. `UPDATE=1 cargo test --test it stories` writes the reports anew;
//! the difference is then read by a person.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::binary::{self, Folder, fixtures, run, run_in};
use crate::contract::Contract;
use firstfault::source::{self, Source};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// What must be true of the report on a story.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// How many incidents there are.
    incidents: usize,
    /// The component of the first cause of the first incident.
    component: Option<String>,
    /// The layer it may be seen in.
    #[serde(default)]
    layer: Vec<String>,
    /// Components that must each be the first cause of some incident, when there are several.
    #[serde(default)]
    also: Vec<String>,
    /// Warnings that the report must give.
    #[serde(default)]
    warnings: Vec<String>,
}

fn stories() -> Vec<PathBuf> {
    let listing = fs::read_dir(fixtures()).expect("fixtures/ is part of the repository");
    let mut stories: Vec<PathBuf> =
        listing.flatten().map(|entry| entry.path()).filter(|path| path.join("story.toml").is_file()).collect();
    stories.sort();
    assert!(stories.len() >= 10, "only {} stories", stories.len());
    stories
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a story has a name").to_string_lossy().into_owned()
}

/// The files with entries, in order.
fn entries(folder: &Path) -> Vec<String> {
    let listing = fs::read_dir(folder).expect("a story is a folder").flatten();
    let mut files: Vec<String> = listing.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    files.retain(|file| file.starts_with("entries"));
    files.sort();
    files
}

fn analyze(folder: &Path, more: &[&str]) -> binary::Run {
    let files = entries(folder);
    let arguments: Vec<&str> =
        files.iter().map(String::as_str).chain(["--quiet"]).chain(more.iter().copied()).collect();
    run_in(folder, &arguments).ends_with(0)
}

#[test]
fn every_report_is_the_one_that_was_reviewed() {
    let update = std::env::var_os("UPDATE").is_some();
    let work = Folder::new("stories");
    let mut changed = Vec::new();
    for folder in stories() {
        let written: Vec<String> = ["report.json", "report.md"].iter().map(|face| work.file(face, "")).collect();
        analyze(&folder, &["-o", &written[0], "-o", &written[1]]);
        for face in ["report.json", "report.md"] {
            let (path, found) = (folder.join(face), work.read(face));
            let wanted = fs::read_to_string(&path).unwrap_or_default();
            if update {
                fs::write(&path, found).expect("fixtures/ is writable");
            } else if found != wanted {
                changed.push(format!("{}: {}", path.display(), first_difference(&wanted, &found)));
            }
        }
    }
    assert!(changed.is_empty(), "UPDATE=1 writes them anew\n{}", changed.join("\n"));
}

/// Lines of a report that the README shows.
const README_LINES: usize = 24;

/// The run in the README, between its marks.
#[test]
fn the_readme_shows_a_run_that_is_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("there is a README");
    let (head, rest) = readme.split_once("<!-- run -->\n").expect("a mark before the run");
    let (shown, tail) = rest.split_once("<!-- /run -->").expect("a mark behind the run");
    let file = "fixtures/out-of-memory/entries.json.gz";
    let whole = run_in(root, &[file]).ends_with(0).out;
    let first: String = whole.split_inclusive('\n').take(README_LINES).collect();
    let run = format!("```text\n$ firstfault {file} | head -n {README_LINES}\n{first}```\n");
    if std::env::var_os("UPDATE").is_some() {
        let readme = format!("{head}<!-- run -->\n{run}<!-- /run -->{tail}");
        fs::write(root.join("README.md"), readme).expect("README.md is writable");
    } else {
        assert!(shown == run, "README.md: {}", first_difference(shown, &run));
    }
}

fn first_difference(wanted: &str, found: &str) -> String {
    let mut lines = wanted.lines().zip(found.lines()).enumerate();
    match lines.find(|(_, (wanted, found))| wanted != found) {
        Some((i, (wanted, found))) => format!("line {}\n  wanted {wanted}\n  found  {found}", i + 1),
        None => format!("{} lines wanted, {} found", wanted.lines().count(), found.lines().count()),
    }
}

#[test]
fn the_first_cause_is_the_true_one() {
    let mut wrong = Vec::new();
    for folder in stories() {
        let text = fs::read_to_string(folder.join("story.toml")).expect("every story says what is true of it");
        let story: Story = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let report = analyze(&folder, &["--format", "json"]).json();
        wrong.extend(judge(&story, &report).into_iter().map(|fault| format!("{}: {fault}", name(&folder))));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is not as it should be.
fn judge(story: &Story, report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let incidents = report["incidents"].as_array().expect("a list");
    if incidents.len() != story.incidents {
        wrong.push(format!("{} incidents, wanted {}: {}", incidents.len(), story.incidents, report["verdict"]));
    }
    let first_causes: Vec<&Value> = incidents.iter().map(|incident| &incident["causes"][0]).collect();
    let is = |cause: &Value, pattern: &str| {
        let pattern = Regex::new(pattern).expect("a regular expression");
        cause["component"].as_str().is_some_and(|component| pattern.is_match(component))
    };
    if let (Some(pattern), Some(cause)) = (&story.component, first_causes.first()) {
        let layer = cause["layer"].as_str().unwrap_or("");
        if !is(cause, pattern) || !story.layer.iter().any(|wanted| wanted == layer) {
            wrong.push(format!("first is {} in {layer}, wanted {pattern} in {:?}", cause["component"], story.layer));
        }
    }
    for pattern in story.also.iter().filter(|pattern| !first_causes.iter().any(|cause| is(cause, pattern))) {
        wrong.push(format!("no incident has {pattern} as its first cause"));
    }
    let given: Vec<&str> =
        report["coverage"]["warnings"].as_array().into_iter().flatten().filter_map(|w| w["code"].as_str()).collect();
    for warning in story.warnings.iter().filter(|warning| !given.contains(&warning.as_str())) {
        wrong.push(format!("no warning {warning}, only {given:?}"));
    }
    wrong
}

#[test]
fn every_story_says_in_three_lines_what_happened() {
    for folder in stories() {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        assert!(readme.starts_with("# ") && readme.lines().count() == 3, "{}/README.md", name(&folder));
    }
}

#[test]
fn every_report_keeps_the_contract() {
    let schema = run(&["schema"]).ends_with(0).json();
    let contract = Contract::new(schema).unwrap_or_else(|faults| panic!("{faults:#?}"));
    for folder in stories() {
        let report = analyze(&folder, &["--format", "json"]).json();
        assert_eq!(contract.breaches(&report), [""; 0], "{}", name(&folder));
    }
}

#[test]
fn every_report_is_true_of_its_entries() {
    for folder in stories() {
        let files = entries(&folder);
        let arguments =
            ["verify", "report.json"].into_iter().chain(files.iter().map(String::as_str)).chain(["--quiet"]);
        run_in(&folder, &arguments.collect::<Vec<_>>()).ends_with(0);
    }
}

#[test]
fn the_ledger_adds_up() {
    for folder in stories() {
        let coverage = &analyze(&folder, &["--format", "json"]).json()["coverage"];
        let ledger: BTreeMap<String, u64> = serde_json::from_value(coverage["ledger"].clone()).expect("counts");
        let by_source: u64 = coverage["sources"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|source| source["entries"].as_u64())
            .sum();
        assert_eq!(Some(ledger.values().sum()), coverage["entries"].as_u64(), "{}: {ledger:?}", name(&folder));
        assert_eq!(Some(by_source), coverage["entries"].as_u64(), "{}", name(&folder));
    }
}

#[test]
fn every_quote_is_an_entry_at_its_place() {
    let mut n = 0;
    for folder in stories() {
        let report = analyze(&folder, &["--format", "json", "--no-redact"]).json();
        let mut quotes = Vec::new();
        collect_quotes(&report, &mut quotes);
        let mut inputs = BTreeMap::new();
        for quote in &quotes {
            let source = quote["source"].as_str().expect("a name");
            let input = inputs.entry(source.to_owned()).or_insert_with(|| decoded(&folder.join(source)));
            let fault = misquoted(quote, input);
            assert!(fault.is_none(), "{}: {}\n{quote:#}", name(&folder), fault.unwrap_or_default());
        }
        n += quotes.len();
    }
    assert!(n > 100, "only {n} quotes in all stories");
}

/// Every object that points into a source.
fn collect_quotes<'r>(value: &'r Value, quotes: &mut Vec<&'r Value>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("insert_id") && fields.contains_key("offset") {
                quotes.push(value);
            }
            fields.values().for_each(|value| collect_quotes(value, quotes));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_quotes(value, quotes)),
        _ => {}
    }
}

/// A source as offsets count it: decompressed, in UTF-8.
fn decoded(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = source::open(&Source::File(path.to_owned()), &source::Options::default()).expect("it opens");
    reader.read_to_end(&mut bytes).expect("it is whole");
    bytes
}

/// Why a quote is not what stands at its place.
fn misquoted(quote: &Value, input: &[u8]) -> Option<String> {
    let offset = quote["offset"].as_u64().expect("a number") as usize;
    let record = serde_json::Deserializer::from_slice(input.get(offset..)?).into_iter::<Value>().next();
    let Some(Ok(record)) = record else { return Some(format!("no record at {offset}")) };
    if record["insertId"] != quote["insert_id"] || record["logName"] != quote["log_name"] {
        return Some(format!("{} stands there", record["insertId"]));
    }
    let mut texts = String::new();
    collect_texts(&record, &mut texts);
    let message = quote["message"].as_str().expect("a text");
    // An event of Kubernetes is quoted with its reason in front.
    let reason = record["jsonPayload"]["reason"].as_str().unwrap_or_default();
    let message = message.strip_prefix(reason).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message);
    let is_request = record.get("textPayload").or(record.get("jsonPayload")).is_none();
    let parts: Vec<&str> = match is_request {
        true => message.split([' ', '…']).collect(),
        false => message.lines().flat_map(|line| line.split('…')).map(str::trim).collect(),
    };
    parts.into_iter().find(|part| !texts.contains(part)).map(|part| format!("not in the record: {part}"))
}

fn collect_texts(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => texts.push_str(text),
        Value::Number(number) => texts.push_str(&number.to_string()),
        Value::Object(fields) => fields.values().for_each(|value| collect_texts(value, texts)),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
    texts.push('\n');
}
