//! What hostile inputs cost, beside an ordinary one of the same run: `cargo bench --bench hostile`.
//!
//! Every line is one run on one thread: megabytes, CPU seconds, the cost of a byte as a multiple of that of an ordinary export, and
//! peak memory. The last line names the worst of each.

#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

#[allow(dead_code, reason = "the other benches use the other shapes")]
mod corpus;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};

/// Bytes of the ordinary export, and about those of the large hostile ones.
const BYTES: usize = 64 << 20;

/// One input and what it is.
struct Input {
    name: String,
    path: PathBuf,
    bytes: usize,
}

/// What a run cost.
struct Cost {
    cpu_s: f64,
    peak_mib: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--measure") {
        return measure(Path::new(&args[at + 1]));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).expect("the folder for benches takes them");
    let mut inputs = vec![file(&folder, "an ordinary export", corpus::lines(BYTES, 1))];
    inputs.extend([100, 1_000, 10_000].map(|n| file(&folder, &format!("{n} services that name each other"), mesh(n))));
    inputs.push(file(&folder, "100,000 services", each(|n| entry(n, n % 100_000, "INFO", "served"))));
    inputs.push(file(
        &folder,
        "10,000 services, all failing",
        each(|n| entry(n, n % 10_000, "ERROR", "boom happened")),
    ));
    inputs.push(file(
        &folder,
        "distinct failing messages",
        each(|n| entry(n, 1, "ERROR", &format!("{} failed at {} in {}", word(n), word(n / 7), word(n * 31)))),
    ));
    inputs.push(file(
        &folder,
        "one message, distinct names blamed",
        each(|n| entry(n, 1, "ERROR", &format!("connection refused to db host-{n}.internal:5432"))),
    ));
    inputs.push(file(
        &folder,
        "distinct request paths",
        each(|n| request(n, &format!("https://a.example/{}/{}", word(n), word(n * 13)))),
    ));
    inputs.push(file(
        &folder,
        "secrets in every message",
        each(|n| entry(n, 1, "ERROR", &format!("login failed, password={}", word(n)))),
    ));
    inputs.push(file(&folder, "broken lines", each(|n| entry(n, 1, "ERROR", "cut \" off"))));
    inputs.push(file(&folder, "brackets", "[".repeat(BYTES)));
    inputs.push(file(&folder, "one long line without JSON", "x".repeat(BYTES)));
    inputs.push(small_files(&folder, 20_000));

    println!("{:<44} {:>8} {:>8} {:>10} {:>8}", "", "MB", "CPU s", "per byte", "MiB");
    let costs: Vec<Cost> = inputs.iter().map(|input| run(&input.path)).collect();
    let per_byte = |i: usize| costs[i].cpu_s / inputs[i].bytes as f64;
    for (i, (input, cost)) in inputs.iter().zip(&costs).enumerate() {
        let (megabytes, multiple) = (input.bytes as f64 / 1e6, per_byte(i) / per_byte(0));
        println!("{:<44} {megabytes:>8.1} {:>8.2} {multiple:>9.1}× {:>8.0}", input.name, cost.cpu_s, cost.peak_mib);
    }
    let worst =
        |by: &dyn Fn(usize) -> f64| (1..inputs.len()).max_by(|a, b| by(*a).total_cmp(&by(*b))).expect("several");
    let (slowest, largest) = (worst(&per_byte), worst(&|i| costs[i].peak_mib));
    println!("worst: {} for a byte, {} for memory", inputs[slowest].name, inputs[largest].name);
}

fn file(folder: &Path, name: &str, text: String) -> Input {
    let path = folder.join(format!("{}.ndjson", name.replace([' ', ','], "-")));
    fs::write(&path, &text).expect("the folder for benches takes it");
    Input { name: name.to_owned(), path, bytes: text.len() }
}

fn small_files(folder: &Path, n_files: usize) -> Input {
    let path = folder.join("small-files");
    fs::create_dir_all(&path).expect("the folder for benches takes it");
    let mut bytes = 0;
    for n in 0..n_files {
        let text = entry(n, 1, "INFO", "served");
        bytes += text.len();
        fs::write(path.join(format!("{n:06}.json")), text).expect("the folder for benches takes it");
    }
    Input { name: format!("{n_files} files of one entry"), path, bytes }
}

/// Entries up to the size of an export.
fn each(entry: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(BYTES + 1024);
    for n in 0.. {
        if text.len() >= BYTES {
            break;
        }
        text.push_str(&entry(n));
    }
    text
}

/// Five entries of each of `n_services`, which call each other.
fn mesh(n_services: usize) -> String {
    let call = |n: usize| (n * 31 + n / n_services) % n_services;
    let entries = (0..5 * n_services).map(|n| {
        let text = format!("failed to call https://s{}-abc.a.run.app/x: connection refused", call(n));
        entry(n, n % n_services, "ERROR", &text)
    });
    entries.collect()
}

fn entry(n: usize, service: usize, severity: &str, text: &str) -> String {
    let mut line = String::with_capacity(400);
    write!(
        line,
        r#"{{"insertId":"i{n}","timestamp":"{}","severity":"{severity}","logName":"projects/p/logs/run.googleapis.com%2Fstderr","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"s{service}","revision_name":"s{service}-00001-abc","project_id":"p","location":"europe-west1"}}}},"textPayload":"{text}"}}"#,
        time(n),
    )
    .expect("a string takes everything");
    line + "\n"
}

fn request(n: usize, url: &str) -> String {
    format!(
        r#"{{"insertId":"i{n}","timestamp":"{}","severity":"ERROR","logName":"projects/p/logs/run.googleapis.com%2Frequests","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"a","project_id":"p"}}}},"httpRequest":{{"requestMethod":"GET","requestUrl":"{url}","status":503,"latency":"0.2s"}}}}"#,
        time(n),
    ) + "\n"
}

/// A time within one hour.
fn time(n: usize) -> String {
    let milliseconds = n * 7 % 3_600_000;
    format!("2026-03-02T10:{:02}:{:02}.{:03}Z", milliseconds / 60_000, milliseconds / 1000 % 60, milliseconds % 1000)
}

/// A word of its own for each number.
fn word(n: usize) -> String {
    let mut n = n.wrapping_mul(0x9e37_79b9).wrapping_add(1) % 0xffff_ffff;
    let mut word = String::new();
    for _ in 0..7 {
        word.push(char::from(b'a' + (n % 26) as u8));
        n /= 26;
    }
    word
}

/// Starts this program again, so that the peak of one run is not that of another.
fn run(path: &Path) -> Cost {
    let this = std::env::current_exe().expect("it runs");
    let output = Command::new(this).arg("--measure").arg(path).output().expect("it runs again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(|number| number.parse().expect("measure prints numbers"));
    Cost { cpu_s: numbers.next().expect("seconds"), peak_mib: numbers.next().expect("mebibytes") }
}

fn measure(path: &Path) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_firstfault"));
    program.args(["--threads", "1", "--quiet", "--format", "json"]).arg(path);
    // A status of 2 says that nothing was found in it, which is the right answer to some.
    program.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the program runs");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system tells");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    println!("{} {}", seconds(usage.user_time()) + seconds(usage.system_time()), usage.max_rss() as f64 / 1024.0);
}
