//! What the README promises of odd clocks, damaged input, interruption and sameness, through the binary.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binary::{self, Folder, Run, binary, run, run_on, start};
use serde_json::Value;

/// An entry that was received a fifth of a second after its time, `second` seconds after ten.
fn entry(id: usize, second: usize, service: &str, severity: &str, text: &str) -> String {
    let at = format!("2026-02-03T10:{:02}:{:02}", second / 60, second % 60);
    dated(id, &format!("{at}.100Z"), &format!("{at}.300Z"), service, severity, text)
}

fn dated(id: usize, at: &str, received: &str, service: &str, severity: &str, text: &str) -> String {
    let place = format!(
        r#""resource":{{"type":"cloud_run_revision","labels":{{"project_id":"acme-prod","service_name":"{service}"}}}}"#
    );
    let log = r#""logName":"projects/acme-prod/logs/run.googleapis.com%2Fstderr""#;
    let received = if received.is_empty() { String::new() } else { format!(r#""receiveTimestamp":"{received}","#) };
    format!(
        r#"{{"insertId":"i{id}","timestamp":"{at}",{received}"severity":"{severity}",{log},{place},"textPayload":"{text}"}}"#
    )
}

const REFUSED: &str = r#"connection to server at \"10.1.2.3\", port 5432 failed: Connection refused"#;

/// Half an hour: healthy lines of two services, then a database that refuses one of them.
fn outage() -> Vec<String> {
    let line = |id: usize| match id {
        400.. if id.is_multiple_of(2) => entry(id, id * 3, "checkout", "ERROR", REFUSED),
        _ => entry(id, id * 3, ["checkout", "storefront"][id % 2], "INFO", "order priced"),
    };
    (0..600).map(line).collect()
}

fn report(lines: &[String]) -> Value {
    run_on(lines.join("\n").as_bytes(), &["--format", "json"]).ends_with(0).json()
}

/// All that is concluded, without what tells how much was read and where it stands.
fn conclusions(mut report: Value) -> Value {
    let coverage = report["coverage"].take();
    report["coverage"] = serde_json::json!({"first": coverage["first"], "last": coverage["last"]});
    strip(&mut report, &["source", "offset", "ruled_out"]);
    report
}

fn warnings(report: &Value) -> Vec<&str> {
    report["coverage"]["warnings"].as_array().expect("a list").iter().filter_map(|w| w["code"].as_str()).collect()
}

fn ledger_adds_up(report: &Value) {
    let ledger = report["coverage"]["ledger"].as_object().expect("an object");
    let sum: u64 = ledger.values().filter_map(Value::as_u64).sum();
    assert_eq!(report["coverage"]["entries"], sum, "{ledger:?}");
}

/// A failure of the same database that is there all the time.
const TRICKLE: &str = r#"connection to server at \"10.1.2.3\", port 5432 failed: timeout expired"#;

#[test]
fn what_trickles_before_and_after_tells_neither_beginning_nor_end() {
    let line = |id: usize| match id {
        300..360 if id.is_multiple_of(2) => entry(id, id * 3, "checkout", "ERROR", REFUSED),
        _ if id % 100 == 50 => entry(id, id * 3, "checkout", "ERROR", TRICKLE),
        _ => entry(id, id * 3, ["checkout", "storefront"][id % 2], "INFO", "order priced"),
    };
    let incident = report(&(0..600).map(line).collect::<Vec<_>>())["incidents"][0].clone();
    assert_eq!(incident["status"], "resolved", "{incident:#}");
    assert_eq!(incident["start"].as_str().and_then(|at| at.get(11..16)), Some("10:15"));
    assert_eq!(incident["end"].as_str().and_then(|at| at.get(11..16)), Some("10:17"));
}

#[test]
fn one_stray_neither_widens_nor_coarsens_an_incident() {
    let clean = outage();
    let expected = conclusions(report(&clean));
    for (at, received) in [
        ("1970-01-01T00:00:00Z", "2026-02-03T10:20:00.3Z"),
        ("9999-12-31T23:59:59.999999999Z", "2026-02-03T10:20:00.3Z"),
        ("2026-02-03T19:20:00+02:00", "2026-02-03T10:20:00.3Z"),
        ("2026-02-03T08:20:00Z", "2026-02-03T10:20:00.3Z"),
        ("1970-01-01T00:00:00Z", ""),
    ] {
        let mut lines = clean.clone();
        lines.insert(300, dated(9000, at, received, "checkout", "ERROR", REFUSED));
        let with_stray = report(&lines);
        ledger_adds_up(&with_stray);
        assert_eq!(with_stray["coverage"]["ledger"]["strays"], 1, "{at}");
        let shown = &with_stray["coverage"]["strays"]["examples"][0];
        let offset: usize = lines[..300].iter().map(|line| line.len() + 1).sum();
        assert_eq!((&shown["source"], &shown["offset"]), (&"-".into(), &offset.into()), "{at}");
        assert!(warnings(&with_stray).contains(&"stray_entries"), "{at}");
        assert!(conclusions(with_stray) == expected, "{at} received {received}");
    }
}

#[test]
fn a_request_of_thirty_years_is_a_stray() {
    let clean = outage();
    let mut lines = clean.clone();
    let http =
        r#""httpRequest":{"requestMethod":"GET","requestUrl":"/x","status":503,"latency":"946080000s"},"insertId""#;
    lines.insert(7, dated(9000, "2026-02-03T10:20:00Z", "", "checkout", "ERROR", "").replace(r#""insertId""#, http));
    let with_stray = report(&lines);
    assert_eq!(with_stray["coverage"]["ledger"]["strays"], 1);
    assert!(conclusions(with_stray) == conclusions(report(&clean)));
}

#[test]
fn the_newest_entry_is_no_stray() {
    let mut lines = outage();
    lines.push(dated(9000, "2031-02-03T10:20:00Z", "2026-02-03T10:20:00.3Z", "checkout", "ERROR", REFUSED));
    let told = run_on(lines.join("\n").as_bytes(), &["--since", "10m", "--format", "json"]).ends_with(0).json();
    assert_eq!(told["coverage"]["ledger"]["outside"], 399, "ten minutes count from the last entry with a right time");
}

#[test]
fn an_import_is_an_export_like_any_other() {
    let late: Vec<String> = outage()
        .into_iter()
        .map(|line| line.replace(r#""receiveTimestamp":"2026-02-03"#, r#""receiveTimestamp":"2026-03-03"#))
        .collect();
    let imported = report(&late);
    assert!(imported["coverage"]["ledger"].get("strays").is_none() && imported["coverage"].get("strays").is_none());
    assert!(conclusions(imported)["incidents"] == conclusions(report(&outage()))["incidents"]);
}

#[test]
fn a_clock_that_is_ahead_is_told_and_one_that_is_right_is_not() {
    assert!(!warnings(&report(&outage())).contains(&"clock_skew"));
    let ahead = |line: String, by: &str| {
        if line.contains("storefront") { line.replace(".300Z", by) } else { line }
    };
    let skewed: Vec<String> = outage().into_iter().map(|line| ahead(line, ".300+00:01")).collect();
    let told = report(&skewed);
    let all = told["coverage"]["warnings"].as_array().expect("a list");
    let clocks: Vec<&str> =
        all.iter().filter(|w| w["code"] == "clock_skew").filter_map(|w| w["text"].as_str()).collect();
    assert!(clocks.len() == 1 && clocks[0].contains("storefront") && clocks[0].contains("ahead"), "{clocks:?}");
    let behind: Vec<String> = outage().into_iter().map(|line| ahead(line, ".300-00:10")).collect();
    let text = report(&behind)["coverage"]["warnings"].to_string();
    assert!(text.contains("clock_skew") && text.contains("behind"), "{text}");
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory is writable");
    encoder.finish().expect("memory is writable")
}

/// Text that does not compress to nothing, so that damage in the middle is in the middle.
fn much() -> Vec<u8> {
    let line = |i: usize| {
        let noise = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        entry(i, i / 8, "checkout", "INFO", &format!("order {noise:016x} priced")) + "\n"
    };
    (0..12_000).map(line).collect::<String>().into_bytes()
}

#[test]
fn what_is_whole_in_a_damaged_archive_is_counted_and_the_damage_named() {
    let folder = Folder::new("damaged");
    let text = much();
    let (first, second) = text.split_at(text.len() / 2);
    let mut cut = [gz(first), gz(second)].concat();
    cut.truncate(cut.len() - cut.len() / 10);
    let mut late = gz(&text);
    let middle = late.len() / 2;
    late[middle..middle + 64].fill(0xff);
    let mut frame = zstd::encode_all(&text[..], 3).expect("memory is writable");
    frame.truncate(frame.len() * 3 / 4);
    for (name, bytes, least) in [("cut.gz", cut, 7000), ("late.gz", late, 3000), ("cut.zst", frame, 3000)] {
        let size = bytes.len() as u64;
        let file = folder.file(name, bytes);
        let report = run(&[&file, "--format", "json"]).ends_with(0).json();
        let (coverage, source) = (&report["coverage"], &report["coverage"]["sources"][0]);
        assert!(source["entries"].as_u64().is_some_and(|n| n >= least && n < 12_000), "{name}: {source}");
        let error = source["error"].as_str().expect("the damage is told");
        let offset = error.split(' ').find_map(|word| word.parse::<u64>().ok()).expect("with a place");
        assert!(error.contains("after byte") && offset > size / 4 && offset <= size, "{name}: {error}");
        ledger_adds_up(&report);
        if name == "late.gz" {
            // What follows the damage in the same block may be read as anything.
            continue;
        }
        let lost = coverage["malformed_bytes"].as_u64().expect("a number");
        let n = source["entries"].as_u64().expect("a number") as usize;
        let whole: usize = text.split_inclusive(|b| *b == b'\n').take(n).map(<[u8]>::len).sum();
        assert_eq!(coverage["bytes"], whole as u64 + lost, "{name}: every byte is somewhere");
    }
}

#[test]
fn what_is_compressed_twice_is_said() {
    let folder = Folder::new("twice-packed");
    let file = folder.file("a.gz.gz", gz(&gz(&much())));
    let run = run(&[&file]).ends_with(2);
    assert!(run.one_line().contains("a.gz.gz: it is compressed twice"), "{}", run.err);
}

#[test]
fn a_cut_array_says_where() {
    let lines = outage();
    let whole = format!("[{}]", lines.join(",\n"));
    let cut = &whole[..whole.len() - 200];
    let report = run_on(cut.as_bytes(), &["--format", "json"]).ends_with(0).json();
    let lost = &report["coverage"]["malformed"][0];
    let (offset, len) = (lost["offset"].as_u64().expect("a place"), lost["len"].as_u64().expect("a length"));
    assert_eq!((report["coverage"]["entries"].as_u64(), offset + len), (Some(599), cut.len() as u64));
    assert!(cut[offset as usize..].starts_with(r#"{"insertId":"i599""#));
    assert!(warnings(&report).contains(&"cut_off"));
    assert_eq!(report["coverage"]["bytes"], cut.len() as u64);
}

#[test]
fn nul_bytes_cost_only_themselves() {
    let lines = outage();
    let text = format!("{}\n{}\n{}\n", lines[0], "\0".repeat(3 << 20), lines[1]);
    let report = run_on(text.as_bytes(), &["--format", "json"]).ends_with(0).json();
    assert_eq!(
        (&report["coverage"]["entries"], &report["coverage"]["bytes"]),
        (&2.into(), &(text.len() as u64).into())
    );
    // The line's end goes with what is lost on it.
    assert!(report["coverage"]["malformed_bytes"].as_u64().is_some_and(|n| (3 << 20..=(3 << 20) + 2).contains(&n)));
}

/// A run that waits for more on standard input.
fn waiting(arguments: &[&str], input: &str) -> (Child, std::process::ChildStdin) {
    let (child, mut stdin) = start(arguments);
    stdin.write_all(input.as_bytes()).expect("it reads");
    // Long enough to start, to read, and to wait.
    std::thread::sleep(Duration::from_millis(1500));
    (child, stdin)
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_wait_and_reports_what_was_read() {
    let folder = Folder::new("interrupt");
    let kept = folder.path().join("r.md");
    let input = outage().join("\n") + "\n";
    let (child, stdin) = waiting(&["--format", "json", "-o", kept.to_str().expect("UTF-8")], &input);
    interrupt(&child);
    let start = Instant::now();
    let run: Run = binary::finish(child.wait_with_output());
    assert!(start.elapsed() < Duration::from_secs(8), "it does not wait for more");
    drop(stdin);
    let report = run.ends_with(130).json();
    assert_eq!(report["coverage"]["entries"], 600);
    assert_eq!(warnings(&report)[0], "interrupted");
    assert!(folder.read("r.md").contains("stopped before the end"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_before_anything_was_read_is_no_usage_error() {
    let (child, stdin) = waiting(&["--since", "10m"], "[");
    interrupt(&child);
    let run = binary::finish(child.wait_with_output());
    drop(stdin);
    assert!(run.ends_with(130).out.contains("stopped before the end"));
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_a_clear_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let folder = Folder::new("full");
    let file = folder.file("a.ndjson", outage().join("\n"));
    for arguments in
        [vec![file.as_str()], vec!["summarize", &file, "-o", "-"], vec!["classify", &file], vec!["patterns", &file]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("it opens");
        let run = binary::finish(binary(&arguments).stdout(full).output());
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.one_line().contains("standard output: No space left"), "{arguments:?}: {}", run.err);
    }
    let kept = folder.path().join("r.json");
    std::os::unix::fs::symlink("/dev/full", &kept).expect("links can be made");
    let run = run(&[&file, "-o", kept.to_str().expect("UTF-8")]).ends_with(2);
    assert!(run.one_line().contains("r.json: No space left"), "{}", run.err);
}

#[test]
fn neither_files_nor_home_nor_clock_show() {
    let folder = Folder::new("same");
    let file = folder.file("a.ndjson", outage().join("\n"));
    for face in ["table", "json", "markdown", "html"] {
        let first = run(&[&file, "--format", face]).ends_with(0).out;
        let elsewhere = [
            ("HOME", "/nonexistent"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("TZ", "America/St_Johns"),
            ("SOURCE_DATE_EPOCH", "0"),
            ("RAYON_NUM_THREADS", "5"),
            ("TMPDIR", "/nonexistent"),
        ];
        let again = binary::finish(binary(&[&file, "--format", face]).envs(elsewhere).output());
        assert!(again.code == Some(0) && again.out == first, "the machine shows in the {face}");
    }
    // No date of the run anywhere: the only years are those of the export.
    let html = run(&[&file, "--format", "html"]).out;
    let this_year = fs::metadata(&file).and_then(|m| m.modified()).expect("it has a time");
    let days = this_year.duration_since(std::time::UNIX_EPOCH).expect("after the epoch").as_secs() / 86_400;
    let year = 1970 + days * 400 / 146_097;
    assert!(year == 2026 || !html.contains(&year.to_string()), "the year of the run is in the report");
}

#[test]
fn files_and_their_chunks_do_not_show() {
    let folder = Folder::new("chunks");
    let lines = outage();
    let whole = folder.file("whole/a.ndjson", lines.join("\n"));
    let counts =
        |report: Value| (report["verdict"].clone(), report["patterns"].clone(), report["coverage"]["ledger"].clone());
    let mut one = run(&[&whole, "--format", "json"]).ends_with(0).json();
    strip(&mut one, &["source", "offset"]);
    let expected = counts(one);
    for (n, size) in [7, 50, 333].into_iter().enumerate() {
        for (i, part) in lines.chunks(size).enumerate() {
            let bytes = if i % 2 == 0 { gz(part.join("\n").as_bytes()) } else { part.join("\n").into_bytes() };
            folder.file(&format!("parts{n}/{i:03}"), bytes);
        }
        let path = folder.path().join(format!("parts{n}"));
        for threads in ["1", "4"] {
            let arguments = [path.to_str().expect("UTF-8"), "--format", "json", "--threads", threads];
            let mut found = run(&arguments).ends_with(0).json();
            strip(&mut found, &["source", "offset"]);
            assert_eq!(counts(found), expected, "parts of {size} on {threads} threads");
        }
    }
}

fn strip(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            names.iter().for_each(|name| drop(fields.remove(*name)));
            fields.values_mut().for_each(|value| strip(value, names));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| strip(value, names)),
        _ => {}
    }
}

#[test]
fn memory_can_be_asked_for_and_too_little_is_refused() {
    let folder = Folder::new("memory");
    let file = folder.file("a.ndjson", outage().join("\n"));
    let usual = run(&[&file, "--format", "json"]).ends_with(0).out;
    for size in ["320M", "1G", "2GiB", "536870912"] {
        assert_eq!(run(&[&file, "--format", "json", "--max-memory", size]).ends_with(0).out, usual, "{size}");
    }
    for (size, said) in [("64M", "less than the 320M"), ("much", "not a size"), ("99999999999G", "not a size")] {
        let run = run(&[&file, "--max-memory", size]).ends_with(2);
        assert!(run.err.contains(said), "{size}: {}", run.err);
    }
}

/// Peak resident memory in bytes of the children that have ended so far: the largest.
#[cfg(target_os = "linux")]
fn peak_of(arguments: &[&str], input: Vec<u8>) -> u64 {
    let mut child = binary(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(&input).expect("it reads");
    // It waits for more: what it holds now it has held.
    std::thread::sleep(Duration::from_millis(400));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it is there");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    drop(stdin);
    child.wait().expect("it ends");
    kib << 10
}

/// Each was without a bound once; the sizes at which it showed are in the history of this test.
#[cfg(target_os = "linux")]
#[test]
fn names_of_hostile_length_and_number_stay_small() {
    let long = "v".repeat(200_000);
    let names: String = (0..150).map(|i| entry(i, 1, &format!("{i}-{long}"), "ERROR", "order failed") + "\n").collect();
    let peak = peak_of(&["--format", "json"], names.into_bytes());
    assert!(peak < 64 << 20, "{peak} bytes for long names");
}
