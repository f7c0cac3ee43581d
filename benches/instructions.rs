//! Instructions a byte of the program by stage, counted by callgrind: they do not change with the machine's load, so they are
//! the guard against regressions. `cargo bench --bench instructions -- FILE…`; without a file it reads a corpus of its own.
//!
//! Needs `valgrind`. Counting takes fifty times as long as running; 10 to 64 MB a file are enough.

#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

#[allow(dead_code, reason = "the other benches use the other shapes")]
mod corpus;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Size of the corpus that is read without a file.
const BYTES: usize = 16 << 20;

/// A line of the table: functions whose instructions, callees included, are added, and those that are taken away again.
struct Stage {
    name: &'static str,
    plus: &'static [&'static str],
    minus: &'static [&'static str],
}

const fn stage(name: &'static str, plus: &'static [&'static str]) -> Stage {
    Stage { name, plus, minus: &[] }
}

/// The stages in the order of the data. A stage further in is part of the one above it.
const STAGES: [Stage; 16] = [
    stage("whole program", &["PROGRAM TOTALS"]),
    stage("  start", &["firstfault::cli::analysis::Ready::new"]),
    stage("  reading", &["firstfault::analyze::read::on_every_core::{{closure}}"]),
    stage("    read, cut, digest", &["firstfault::framing::cut::Cutter<R>::next"]),
    stage("    glance", &["firstfault::entry::glance::glance"]),
    stage("    labels, fields of a glance", &["entry::glance::Glance::whole", "entry::glance::Glance::labelled"]),
    Stage {
        name: "    decode (what no glance takes)",
        plus: &["firstfault::entry::decode::decode"],
        minus: &["firstfault::analyze::worker::entries::{{closure}}"],
    },
    stage("    places", &["summary::uneventful::Places::find", "summary::uneventful::Places::fold_into"]),
    stage("    uneventful", &["firstfault::pattern::observation::uneventful"]),
    stage(
        "    copies, counts of uneventful",
        &["worker::quick::<impl firstfault::analyze::worker::Part>::count_plain"],
    ),
    stage("    entries read further", &["firstfault::analyze::worker::Part::entry"]),
    stage("      observe", &["firstfault::pattern::observation::observe"]),
    stage("      account", &["firstfault::summary::Summary::observe"]),
    stage("  end", &["firstfault::cli::analysis::Ready::finish"]),
    stage("    conclude", &["firstfault::analyze::conclude::conclude_once"]),
    stage("    redact", &["firstfault::check::redact::Redactor::redact_report"]),
];

/// What is remembered: functions that are called for everything, and for what was not known.
const MEMOS: [(&str, &str, &str); 1] =
    [("shapes of records known", "entry::shapes::Shapes::follow", "entry::outline::Outline::read")];

fn main() {
    let files: Vec<PathBuf> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).map(PathBuf::from).collect();
    if !is_installed("valgrind") || !is_installed("callgrind_annotate") {
        println!("valgrind: not installed, nothing counted");
        return;
    }
    let files = if files.is_empty() { vec![own_corpus()] } else { files };
    let counted: Vec<(u64, Counts)> = files.iter().map(|file| (bytes_of(file), Counts::of(file))).collect();
    print!("{:<34}", "instructions a byte");
    files.iter().for_each(|file| print!(" {:>14}", file.file_name().unwrap_or_default().to_string_lossy()));
    println!();
    for stage in &STAGES {
        print!("{:<34}", stage.name);
        for (bytes, counts) in &counted {
            let n = counts.of_stage(stage);
            print!(" {:>6.2} {:>6}M", n as f64 / *bytes as f64, n / 1_000_000);
        }
        println!();
    }
    for (name, asked, unknown) in MEMOS {
        print!("{name:<34}");
        for (_, counts) in &counted {
            let (n, n_unknown) = (counts.calls_of(asked), counts.calls_of(unknown));
            print!(" {:>12.1} %", 100.0 * n.saturating_sub(n_unknown) as f64 / n.max(1) as f64);
        }
        println!();
    }
}

fn own_corpus() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions.ndjson");
    std::fs::write(&path, corpus::lines(BYTES, 1)).expect("the folder for benches takes it");
    path
}

fn bytes_of(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())).len().max(1)
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// What callgrind counted in one run.
struct Counts {
    /// Instructions of every function, callees included.
    functions: Vec<(u64, String)>,
    /// Calls of every function.
    calls: HashMap<String, u64>,
}

impl Counts {
    /// Runs the program on one thread under callgrind.
    fn of(file: &Path) -> Counts {
        let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{}", std::process::id()));
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "--dump-line=no", &format!("--callgrind-out-file={}", counts.display())])
            .arg(env!("CARGO_BIN_EXE_firstfault"))
            .args(["--quiet", "--threads", "1", "--format", "json"])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(run.is_ok_and(|status| status.success()), "{} cannot be read", file.display());
        let listed = Command::new("callgrind_annotate")
            .args(["--inclusive=yes", "--threshold=100"])
            .arg(&counts)
            .output()
            .expect("it is installed");
        let calls = calls(&std::fs::read_to_string(&counts).expect("it was written"));
        let _ = std::fs::remove_file(&counts);
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        Counts { functions: text.lines().filter_map(listed_function).collect(), calls }
    }

    fn of_stage(&self, stage: &Stage) -> u64 {
        let sum = |names: &[&str]| names.iter().map(|name| self.of_function(name)).sum::<u64>();
        sum(stage.plus).saturating_sub(sum(stage.minus))
    }

    fn of_function(&self, name: &str) -> u64 {
        let named = self.functions.iter().filter(|(_, function)| function.ends_with(name));
        named.map(|(n, _)| *n).max().unwrap_or(0)
    }

    fn calls_of(&self, name: &str) -> u64 {
        self.calls.iter().filter(|(function, _)| function.ends_with(name)).map(|(_, n)| n).sum()
    }
}

/// Calls of every function: `calls=N …` follows `cfn=(ID) NAME`, and the name is written the first time only.
fn calls(profile: &str) -> HashMap<String, u64> {
    let (mut names, mut calls, mut callee) = (HashMap::new(), HashMap::new(), "");
    for line in profile.lines() {
        if let Some((id, name)) =
            line.strip_prefix("fn=").or(line.strip_prefix("cfn=")).and_then(|it| it.split_once(')'))
        {
            if !name.is_empty() {
                names.insert(id, name.trim());
            }
            callee = names.get(id).copied().unwrap_or("");
        } else if let Some(n) = line.strip_prefix("calls=") {
            let n: u64 = n.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            *calls.entry(callee.to_owned()).or_default() += n;
        }
    }
    calls
}

/// `1,234 (5.6%)  file:function [object]`.
fn listed_function(line: &str) -> Option<(u64, String)> {
    let (count, rest) = line.trim_start().split_once(" (")?;
    let (_, function) = rest.split_once(") ")?;
    let n = count.replace(',', "").parse().ok()?;
    let function = function.rsplit_once(" [").map_or(function, |(function, _)| function);
    Some((n, function.trim().to_owned()))
}
