//! The whole program on files of every shape, beside other tools: `cargo bench --bench whole`.
//!
//! `FIRSTFAULT_BENCH_BYTES` sets the size (default 256 MiB). Every line is the best of three runs: CPU seconds, seconds on the
//! clock, gigabytes per second of each, and peak memory. Peers are run where they are installed; see
//! `README.md` beside this file for what they are asked to do.

#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

#[allow(dead_code, reason = "the other benches use the other shapes")]
mod corpus;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

/// Size without being told otherwise.
const BYTES: usize = 256 << 20;

/// Entries are generated in pieces of this size, each from a seed of its own.
const PIECE: usize = 32 << 20;

/// Files that the many-files shape is cut into.
const FILES: usize = 64;

/// Runs of which the best counts.
const RUNS: usize = 3;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--measure") {
        return measure(&args[at + 1..]);
    }
    let bytes = std::env::var("FIRSTFAULT_BENCH_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(BYTES);
    let corpora = Corpora::write(Path::new(env!("CARGO_TARGET_TMPDIR")), bytes);
    println!("{:<34} {:>7} {:>7} {:>9} {:>9} {:>8}", "", "CPU s", "wall s", "GB/CPU-s", "GB/s", "MiB");
    let program = env!("CARGO_BIN_EXE_firstfault");
    let lines = corpora.lines.to_string_lossy().into_owned();
    for threads in ["1", "2"] {
        for (name, path) in corpora.shapes() {
            let command = format!("{program} --threads {threads} --format json {path}");
            row(&format!("firstfault, {name}, {threads} threads"), &command, bytes);
        }
        row(
            &format!("firstfault, stdin, {threads} threads"),
            &format!("{program} --threads {threads} --format json < {lines}"),
            bytes,
        );
    }
    for (tool, command) in PEERS {
        let is_there = Command::new("sh").args(["-c", &format!("command -v {tool}")]).stdout(Stdio::null()).status();
        if is_there.is_ok_and(|status| status.success()) {
            row(tool, &command.replace("FILE", &lines), bytes);
        } else {
            println!("{tool}: not installed");
        }
    }
}

/// Tools of the field and what they are asked: far less than a report.
const PEERS: [(&str, &str); 4] = [
    ("wc", "wc -l FILE"),
    ("rg", "rg -c -i 'timed? ?out|refused|exit\\(|no healthy upstream|out of memory|unreachable|denied' FILE"),
    (
        "duckdb",
        "duckdb -c \"SELECT severity, resource.type, count(*) FROM read_json('FILE', format='newline_delimited', \
         columns={severity:'VARCHAR',resource:'STRUCT(type VARCHAR)',textPayload:'VARCHAR'}) GROUP BY ALL\"",
    ),
    ("jq", "jq -r .severity FILE"),
];

/// The same entries in every shape.
struct Corpora {
    lines: PathBuf,
    pretty: PathBuf,
    gz: PathBuf,
    zst: PathBuf,
    folder: PathBuf,
}

impl Corpora {
    fn write(folder: &Path, bytes: usize) -> Corpora {
        let at = |name: &str| folder.join(format!("bench-{bytes}-{name}"));
        let corpora = Corpora {
            lines: at("lines.ndjson"),
            pretty: at("pretty.json"),
            gz: at("lines.ndjson.gz"),
            zst: at("lines.ndjson.zst"),
            folder: at("files"),
        };
        if !corpora.folder.exists() {
            corpora.fill(bytes).expect("the folder for benches takes them");
        }
        corpora
    }

    fn fill(&self, bytes: usize) -> std::io::Result<()> {
        let mut lines = BufWriter::new(File::create(&self.lines)?);
        let mut gz = flate2::write::GzEncoder::new(File::create(&self.gz)?, flate2::Compression::default());
        let mut zst = zstd::Encoder::new(File::create(&self.zst)?, 3)?;
        let n_pieces = bytes.div_ceil(PIECE);
        for piece in 0..n_pieces {
            let text = corpus::lines(PIECE.min(bytes - piece * PIECE), piece as u64 + 1);
            lines.write_all(text.as_bytes())?;
            gz.write_all(text.as_bytes())?;
            zst.write_all(text.as_bytes())?;
        }
        lines.flush()?;
        gz.finish()?;
        zst.finish()?;
        fs::write(&self.pretty, corpus::pretty(bytes, 1))?;
        fs::create_dir_all(&self.folder)?;
        for file in 0..FILES {
            let text = corpus::lines(bytes / FILES, file as u64 + 1);
            fs::write(self.folder.join(format!("{file:02}.ndjson")), text)?;
        }
        Ok(())
    }

    fn shapes(&self) -> [(&'static str, String); 5] {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("lines", text(&self.lines)),
            ("gcloud array", text(&self.pretty)),
            ("gz", text(&self.gz)),
            ("zst", text(&self.zst)),
            ("64 files", text(&self.folder)),
        ]
    }
}

/// Prints what a command costs.
fn row(name: &str, command: &str, bytes: usize) {
    let this = std::env::current_exe().expect("it runs");
    let run = || {
        let output = Command::new(&this).args(["--measure", command]).output().expect("it runs again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        [figures[0], figures[1], figures[2]]
    };
    let best = (0..RUNS).map(|_| run()).min_by(|a, b| a[0].total_cmp(&b[0])).expect("there are runs");
    let [cpu, wall, mib] = best;
    let gigabytes = bytes as f64 / 1e9;
    println!("{name:<34} {cpu:>7.2} {wall:>7.2} {:>9.2} {:>9.2} {mib:>8.0}", gigabytes / cpu, gigabytes / wall);
}

/// Runs one command in a process of its own, so that its peak memory is its own: CPU seconds, seconds, MiB.
fn measure(command: &[String]) {
    let start = Instant::now();
    let status = Command::new("sh").arg("-c").args(command).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let wall = start.elapsed().as_secs_f64();
    assert!(status.is_ok(), "{command:?} cannot be run");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel counts");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    println!("{cpu} {wall} {}", usage.max_rss() as f64 / 1024.0);
}
