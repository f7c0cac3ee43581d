//! The commands beside analyze, through the binary: what they print, what they refuse, how they end.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A fresh folder that goes at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("firstfault-commands-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary folder is writable");
        Folder(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), text).expect("the temporary folder is writable");
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(args: &[&str]) -> Output {
    run_with(args, b"")
}

fn run_with(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_firstfault"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built");
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Standard output of a run that must end well.
fn stdout(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Standard error of a run that must end with `status`.
fn stderr(args: &[&str], status: i32) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An entry of a service at a second after noon.
fn entry(service: &str, id: usize, second: usize, severity: &str, message: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"{{"insertId":"{service}-{id}","logName":"projects/acme-prod/logs/run.googleapis.com%2Frequests-app","severity":"{severity}","resource":{{"type":"cloud_run_revision","labels":{{"project_id":"acme-prod","service_name":"{service}","revision_name":"{service}-00042-abc"}}}},"timestamp":"2026-03-02T12:{minute:02}:{second:02}Z","textPayload":"{message}"}}"#
    )
}

/// Half an hour in which a service works, and fails from the given second on.
fn export(service: &str, fails_from: usize) -> String {
    let mut lines = Vec::new();
    for i in 0..180 {
        lines.push(entry(service, i, i * 10, "INFO", &format!("order {i} placed by user u{i}")));
    }
    for i in 0..40 {
        let second = fails_from + i * 12;
        lines.push(entry(service, 1000 + i, second, "ERROR", &format!("ledger {i} refused to settle batch {}", i * 7)));
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_entry_is_told_in_the_order_of_the_input_with_its_pattern() {
    let folder = Folder::new("classify");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let lines: Vec<Value> = stdout(&["classify", &file]).lines().map(json).collect();
    assert_eq!(lines.len(), 220);
    let ids: Vec<&str> = lines.iter().filter_map(|line| line["insert_id"].as_str()).collect();
    assert_eq!(
        (ids[0], ids[179], ids[180], ids[219]),
        ("checkout-0", "checkout-179", "checkout-1000", "checkout-1039")
    );
    let (benign, failing) = (&lines[3], &lines[200]);
    assert_eq!((&benign["kind"], &failing["kind"]), (&json("\"benign\""), &json("\"template\"")));
    assert_eq!(benign["template"], "order <*> placed by user <*>");
    assert_eq!(failing["template"], "ledger <*> refused to settle batch <*>");
    assert_eq!((failing["component"].as_str(), failing["severity"].as_str()), (Some("checkout"), Some("ERROR")));
    assert!(lines[..180].iter().all(|line| line["pattern"] == benign["pattern"]), "benign entries share a template");
    assert!(lines[180..].iter().all(|line| line["pattern"] == failing["pattern"]), "failures share a template");
    let offset = usize::try_from(failing["offset"].as_u64().expect("a number")).expect("it fits");
    assert!(export("checkout", 900)[offset..].starts_with(r#"{"insertId":"checkout-1020""#));
}

#[test]
fn classify_patterns_and_reports_call_a_pattern_by_the_same_id() {
    let folder = Folder::new("ids");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let last = stdout(&["classify", &file]);
    let id = json(last.lines().last().expect("a line"))["pattern"].clone();
    assert_eq!(json(&stdout(&["patterns", &file, "--format", "json"]))["patterns"][0]["pattern"], id);
    assert_eq!(json(&stdout(&[&file, "--format", "json"]))["patterns"][0]["signature"], id);
}

#[test]
fn classify_is_the_same_on_any_number_of_threads_and_from_standard_input() {
    let folder = Folder::new("threads");
    let text = export("checkout", 900);
    let file = folder.file("a.ndjson", &text);
    let one = stdout(&["classify", &file, "--threads", "1"]);
    assert_eq!(one, stdout(&["classify", &file, "--threads", "4"]));
    let piped = run_with(&["classify"], text.as_bytes());
    let named = format!("\"source\":{}", serde_json::to_string(&file).expect("text"));
    assert_eq!(one.replace(&named, "\"source\":\"-\""), self::text(&piped.stdout));
}

#[test]
fn patterns_of_an_earlier_run_serve_a_stream() {
    let folder = Folder::new("kept");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let summary = folder.path("a.summary");
    stdout(&["summarize", &file, "-o", &summary]);
    let learnt = json(stdout(&["classify", &file]).lines().last().expect("a line"));
    let new = entry("checkout", 5000, 5, "ERROR", "ledger 99 refused to settle batch 41");
    let output = run_with(&["classify", "--patterns", &summary], new.as_bytes());
    let line = json(&text(&output.stdout));
    assert_eq!(line["pattern"], learnt["pattern"]);
}

#[test]
fn a_traceback_written_line_by_line_is_one_pattern() {
    let folder = Folder::new("parts");
    let line = |i: usize, text: &str| {
        entry("checkout", i, 7, "ERROR", text)
            .replace("run.googleapis.com%2Frequests-app", "run.googleapis.com%2Fstderr")
    };
    let lines = [
        line(1, "Traceback (most recent call last):"),
        line(2, "  File \\\"/app/shop.py\\\", line 7, in <module>"),
        line(3, "    main()"),
        line(4, "ledger.NoSuchBatchError: batch 12 is gone"),
    ];
    let file = folder.file("a.ndjson", lines.join("\n"));
    let told: Vec<Value> = stdout(&["classify", &file, "--signatures", "none"]).lines().map(json).collect();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|line| line["pattern"] == told[0]["pattern"]), "{told:#?}");
}

#[test]
fn secrets_do_not_leave_through_classify_or_patterns() {
    let folder = Folder::new("secrets");
    let line = entry("checkout", 1, 1, "ERROR", "no such user ann.lee@example.org in ledger");
    let file = folder.file("a.ndjson", line);
    for command in ["classify", "patterns"] {
        assert!(!stdout(&[command, &file]).contains("ann.lee"), "{command}");
    }
    assert!(stdout(&["patterns", &file]).contains("redacted"));
    assert!(stdout(&["patterns", &file, "--no-redact"]).contains("ann.lee"));
}

#[test]
fn patterns_tell_what_is_new_and_what_is_noise() {
    let folder = Folder::new("patterns");
    let mut usual = export("checkout", 900);
    for i in 0..60 {
        usual.push_str(&(entry("checkout", 3000 + i, i * 30, "ERROR", &format!("cache miss storm {i}")) + "\n"));
    }
    let now = usual.replace("ledger", "clearing house");
    let (before, after) = (folder.file("before.ndjson", usual), folder.file("after.ndjson", now));
    let list = |only: &str| {
        let all = json(&stdout(&["patterns", &after, "--baseline", &before, "--format", "json", "--only", only]));
        let titles = all["patterns"].as_array().expect("a list").iter();
        titles.map(|pattern| pattern["title"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let (new, noise, failing) = (list("new"), list("noise"), list("failing"));
    assert!(new.len() == 1 && new[0].starts_with("clearing house"), "{new:?}");
    assert!(noise.len() == 1 && noise[0].starts_with("cache miss storm"), "{noise:?}");
    assert_eq!(new, failing);
    let table = stdout(&["patterns", &after, "--baseline", &before]);
    assert!(table.contains("noise") && table.contains("2 patterns, 100 failing entries"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn summaries_of_parts_report_what_the_whole_does() {
    let folder = Folder::new("halves");
    let files = [folder.file("a.ndjson", export("checkout", 900)), folder.file("b.ndjson", export("ledger", 700))];
    let kept = [folder.path("1.summary"), folder.path("2.summary")];
    stdout(&["summarize", &files[1], "-o", &kept[0]]);
    stdout(&["summarize", &files[0], "-o", &kept[1]]);
    for face in ["json", "markdown", "table", "html"] {
        let whole = stdout(&[&files[0], &files[1], "--format", face]);
        assert_eq!(whole, stdout(&["report", &kept[0], &kept[1], "--format", face]), "{face}");
    }
    let both = folder.path("both.summary");
    stdout(&["summarize", &files[0], &files[1], "-o", &both]);
    let whole = stdout(&[&files[0], &files[1], "--format", "json"]);
    assert_eq!(whole, stdout(&["report", &both, "--format", "json"]));
}

#[test]
fn the_same_bytes_in_two_summaries_are_warned_of() {
    let folder = Folder::new("twice");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let kept = [folder.path("1.summary"), folder.path("2.summary")];
    kept.iter().for_each(|path| drop(stdout(&["summarize", &file, "-o", path])));
    let report = stdout(&["report", &kept[0], &kept[1], "--format", "json"]);
    assert!(report.contains("source_counted_twice"));
    assert!(!stdout(&["report", &kept[0], "--format", "json"]).contains("source_counted_twice"));
}

#[test]
fn what_is_no_summary_is_refused_by_name() {
    let folder = Folder::new("refused");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let kept = folder.path("a.summary");
    stdout(&["summarize", &file, "-o", &kept]);
    let bytes = fs::read(&kept).expect("it was written");
    let cut = folder.file("cut.summary", &bytes[..bytes.len() / 2]);
    let next = folder.file("next.summary", "firstfault summary 999\n");
    assert!(stderr(&["report", &file], 2).contains("a.ndjson: not a summary"));
    assert!(stderr(&["report", &cut], 2).contains("cut.summary: the summary is cut off"));
    assert!(stderr(&["report", &next], 2).contains("a summary of version 999"));
    assert!(stderr(&["report", &folder.path("none")], 2).contains("none"));
}

#[test]
fn a_relative_time_works_on_standard_input() {
    let text = export("checkout", 900);
    let output = run_with(&["--since", "10m", "--format", "json"], text.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", self::text(&output.stderr));
    let ledger = json(&self::text(&output.stdout))["coverage"]["ledger"].clone();
    let outside = ledger["outside"].as_u64().expect("a number");
    assert!(outside > 100 && outside < 200, "{ledger}");
}

#[test]
fn a_profile_names_teams_and_is_checked() {
    let folder = Folder::new("profile");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let good = folder.file("good.toml", "[services.checkout]\nteam = \"payments\"\n");
    let bad = folder.file("bad.toml", "[services.checkout]\nteams = \"payments\"\n");
    assert!(stdout(&["profile", "check", &good]).contains("good"));
    assert!(stderr(&["profile", "check", &good, &bad], 1).contains("bad.toml:2: unknown field"));
    assert!(stdout(&[&file, "--profile", &good, "--format", "json"]).contains("payments"));
    assert!(stderr(&[&file, "--profile", &bad], 2).contains("bad.toml:2"));
}

#[test]
fn an_incident_is_remembered_and_known_again() {
    let folder = Folder::new("history");
    let day = |n: usize| export("checkout", 900).replace("2026-03-02", &format!("2026-03-{n:02}"));
    let (first, again) = (folder.file("1.ndjson", day(2)), folder.file("2.ndjson", day(5)));
    let history = folder.path("history");
    assert!(stderr(&[&first, "--history", &history], 2).contains("--history"));
    stdout(&[&first, "--history", &history, "--remember"]);
    stdout(&[&first, "--history", &history, "--remember"]);
    let kept: Vec<_> = fs::read_dir(&history).expect("it was made").collect();
    assert_eq!(kept.len(), 1, "the same incident is remembered once");
    let report = json(&stdout(&[&again, "--history", &history, "--format", "json"]));
    let of = report["incidents"][0]["regression"]["of"].as_str().expect("a regression");
    assert!(of.starts_with("2026-03-02-checkout-"), "{of}");
    assert_eq!(fs::read_dir(&history).expect("it is there").count(), 1, "only --remember writes");
}

#[test]
fn a_comparison_says_what_is_new_and_fails_when_it_is_worse() {
    let folder = Folder::new("compare");
    let report = |name: &str, text: String| {
        let (file, report) = (folder.file(&format!("{name}.ndjson"), text), folder.path(&format!("{name}.json")));
        stdout(&[&file, "-o", &report]);
        report
    };
    let (before, after) = (
        report("before", export("checkout", 900)),
        report("after", export("checkout", 900).replace("ledger", "vault")),
    );
    let output = run(&["compare", &before, &after]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("new     pattern   vault") && said.contains("gone"), "{said}");
    assert!(stdout(&["compare", &before, &before]).contains("nothing is new"));
    let export = folder.path("before.ndjson");
    assert!(stderr(&["compare", &before, &export], 2).contains("before.ndjson: not a JSON report"));
}

#[test]
fn a_report_is_verified_against_its_export() {
    let folder = Folder::new("verify");
    let (file, report) = (folder.file("a.ndjson", export("checkout", 900)), folder.path("r.json"));
    stdout(&[&file, "-o", &report]);
    assert!(stdout(&["verify", &report, &file]).contains("agrees"));
    let wrong = fs::read_to_string(&report)
        .expect("it was written")
        .replace("\"failure_entries\": 40", "\"failure_entries\": 41");
    let wrong = folder.file("wrong.json", wrong);
    let output = run(&["verify", &wrong, &file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("failure_entries: the report says 41, the export gives 40"));
    let other = folder.file("a2.ndjson", export("checkout", 600));
    assert_eq!(run(&["verify", &report, &other]).status.code(), Some(1));
    assert_eq!(run(&["verify", &file, &file]).status.code(), Some(2));
    assert_eq!(run(&["verify", &report, &folder.path("none")]).status.code(), Some(2));
}

#[test]
fn a_written_text_is_audited() {
    let folder = Folder::new("audit");
    let file = folder.file("a.ndjson", export("checkout", 900));
    let good = folder.file("good.md", "checkout logged `ledger 3 refused to settle batch 21`.\n");
    let bad = folder.file("bad.md", "checkout logged `ledger 3 refused to settle batch 22`.\n");
    assert!(stdout(&["audit", &good, &file]).contains("0 contradicted, 0 not in the export"));
    let output = run(&["audit", &bad, &file]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("line 1"), "{}", text(&output.stdout));
}

#[test]
fn the_shell_and_the_manual_know_every_command() {
    let (bash, manual) = (stdout(&["completions", "bash"]), stdout(&["man"]));
    for command in
        ["analyze", "patterns", "classify", "summarize", "report", "compare", "verify", "audit", "signatures"]
    {
        assert!(bash.contains(command), "{command}");
        assert!(manual.contains(command), "{command}");
    }
    assert_eq!(run(&["completions", "tcsh"]).status.code(), Some(2));
}
