//! The whole program on files of every shape, beside other tools: `cargo bench --bench whole`.
//!
//! `FIRSTFAULT_BENCH_BYTES` sets the size (default 256 MiB). `FIRSTFAULT_BENCH_FILES` names further files, with `:` between them, one
//! entry a line: what the program costs on exports that nobody tuned it to. Every line is the best of three runs: CPU seconds,
//! seconds on the clock, gigabytes per second of each, and peak memory. Peers are run where they are installed, on the same
//! files in the same run: `peers/mod.rs` has what they are asked. How often something was known is counted by the bench
//! `instructions`.

#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

#[allow(dead_code, reason = "the other benches use the other shapes")]
mod corpus;
mod peers;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
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

/// Entries in a hundred that fail: none, the usual share, a bad day.
const SHARES: [(&str, u64); 3] = [("healthy", 0), ("lines", 5), ("a third failing", 33)];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--measure") {
        return measure(&args[at + 1..]);
    }
    if let Some(at) = args.iter().position(|arg| arg == "--unpack") {
        return unpack(&args[at + 1]).expect("it can be unpacked");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let bytes = std::env::var("FIRSTFAULT_BENCH_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(BYTES);
    let corpora = Corpora::write(folder, bytes);
    println!("{:<40} {:>7} {:>7} {:>9} {:>9} {:>8}", "", "CPU s", "wall s", "GB/CPU-s", "GB/s", "MiB");
    for threads in [1, 2] {
        for (name, path) in corpora.shapes() {
            row(&format!("{name}, {threads} threads"), &program(threads, &path), bytes);
        }
        let from_stdin = program(threads, &format!("< '{}'", corpora.lines[1].display()));
        row(&format!("stdin, {threads} threads"), &from_stdin, bytes);
    }
    let this = std::env::current_exe().expect("it runs");
    for packed in [&corpora.gz, &corpora.zst] {
        let kind = packed.extension().unwrap_or_default().to_string_lossy();
        row(
            &format!("{kind}, unpacked and nothing else"),
            &format!("'{}' --unpack '{}'", this.display(), packed.display()),
            bytes,
        );
    }
    beside_peers(&corpora.lines[1], folder);
    let files = std::env::var("FIRSTFAULT_BENCH_FILES").unwrap_or_default();
    for file in files.split(':').filter(|file| !file.is_empty()) {
        println!("{file}");
        let bytes = fs::metadata(file).map_or(0, |file| file.len() as usize);
        for threads in [1, 2] {
            row(&format!("firstfault, {threads} threads"), &program(threads, file), bytes);
        }
        beside_peers(Path::new(file), folder);
    }
}

fn program(threads: usize, path: &str) -> String {
    format!("{} --threads {threads} --format json {path}", env!("CARGO_BIN_EXE_firstfault"))
}

fn beside_peers(file: &Path, folder: &Path) {
    let bytes = fs::metadata(file).map_or(0, |file| file.len() as usize);
    for peer in &peers::PEERS {
        let check = Command::new("sh").args(["-c", peer.check]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if check.is_ok_and(|status| status.success()) {
            row(peer.name, &peer.command(&file.to_string_lossy(), folder), bytes);
        } else {
            println!("{}: not installed", peer.name);
        }
    }
}

/// Unpacks a file with the library that the program uses, and drops what comes out.
fn unpack(path: &str) -> io::Result<()> {
    let packed = BufReader::with_capacity(128 << 10, File::open(path)?);
    let mut reader: Box<dyn io::Read> = if path.ends_with(".zst") {
        Box::new(zstd::Decoder::with_buffer(packed)?)
    } else {
        Box::new(flate2::bufread::MultiGzDecoder::new(packed))
    };
    let mut block = vec![0; 256 << 10];
    while reader.read(&mut block)? > 0 {}
    Ok(())
}

/// The same entries in every shape.
struct Corpora {
    /// One for each of the [`SHARES`]; the others are made of the second.
    lines: [PathBuf; 3],
    utf16: PathBuf,
    pretty: PathBuf,
    gz: PathBuf,
    zst: PathBuf,
    folder: PathBuf,
}

impl Corpora {
    fn write(folder: &Path, bytes: usize) -> Corpora {
        let at = |name: &str| folder.join(format!("bench-{bytes}-{name}"));
        let corpora = Corpora {
            lines: SHARES.map(|(_, share)| at(&format!("lines-{share}.ndjson"))),
            utf16: at("utf16.ndjson"),
            pretty: at("pretty.json"),
            gz: at("lines-5.ndjson.gz"),
            zst: at("lines-5.ndjson.zst"),
            folder: at("files"),
        };
        if !corpora.folder.exists() {
            corpora.fill(bytes).expect("the folder for benches takes them");
        }
        corpora
    }

    fn fill(&self, bytes: usize) -> std::io::Result<()> {
        for (path, (_, share)) in self.lines.iter().zip(SHARES) {
            let mut lines = BufWriter::new(File::create(path)?);
            for (piece, len) in pieces(bytes) {
                lines.write_all(corpus::lines_failing(len, piece, share).as_bytes())?;
            }
            lines.flush()?;
        }
        let mut gz = flate2::write::GzEncoder::new(File::create(&self.gz)?, flate2::Compression::default());
        let mut zst = zstd::Encoder::new(File::create(&self.zst)?, 3)?;
        let mut utf16 = BufWriter::new(File::create(&self.utf16)?);
        for (piece, len) in pieces(bytes) {
            let text = corpus::lines(len, piece);
            gz.write_all(text.as_bytes())?;
            zst.write_all(text.as_bytes())?;
            utf16.write_all(&corpus::utf16(&text))?;
        }
        utf16.flush()?;
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

    fn shapes(&self) -> Vec<(&'static str, String)> {
        let others = [("gcloud array", &self.pretty), ("gz", &self.gz), ("zst", &self.zst)];
        let others = others.into_iter().chain([("UTF-16", &self.utf16), ("64 files", &self.folder)]);
        let lines = SHARES.iter().zip(&self.lines).map(|((name, _), path)| (*name, path));
        lines.chain(others).map(|(name, path)| (name, format!("'{}'", path.display()))).collect()
    }
}

/// The seeds and sizes of the pieces that make so many bytes.
fn pieces(bytes: usize) -> impl Iterator<Item = (u64, usize)> {
    (0..bytes.div_ceil(PIECE)).map(move |piece| (piece as u64 + 1, PIECE.min(bytes - piece * PIECE)))
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
    println!("{name:<40} {cpu:>7.2} {wall:>7.2} {:>9.2} {:>9.2} {mib:>8.0}", gigabytes / cpu, gigabytes / wall);
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
