//! The command line as its callers see it: statuses, streams, files, selections, and what is said when something is wrong.

#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::binary::{self, Folder, Run, binary, fixtures, run, run_in, run_on};
use crate::contract::Contract;

/// One entry as a line.
fn entry(id: usize, minute: usize, service: &str, severity: &str, text: &str) -> String {
    let place = format!(
        r#""resource":{{"type":"cloud_run_revision","labels":{{"project_id":"acme-prod","service_name":"{service}"}}}}"#
    );
    let log = r#""logName":"projects/acme-prod/logs/run.googleapis.com%2Fstderr""#;
    let at = format!("2026-02-03T10:{minute:02}:{:02}.{:03}Z", id % 60, id % 1000);
    format!(r#"{{"insertId":"i{id}","timestamp":"{at}","severity":"{severity}",{log},{place},"textPayload":"{text}"}}"#)
}

/// Half an hour: healthy lines, then a database that refuses.
fn outage() -> String {
    let refused = r#"connection to server at \"10.1.2.3\", port 5432 failed: Connection refused"#;
    let lines = (0..600).map(|id| match id {
        400.. if id % 2 == 0 => entry(id, id / 20, "checkout", "ERROR", refused),
        _ => entry(id, id / 20, ["checkout", "storefront"][id % 2], "INFO", "order priced"),
    });
    lines.map(|line| line + "\n").collect()
}

fn entries_of(run: &Run) -> u64 {
    run.json()["coverage"]["entries"].as_u64().expect("a count")
}

#[test]
fn the_status_tells_whether_what_was_asked_for_was_found() {
    let folder = Folder::new("status");
    let bad = folder.file("bad.ndjson", outage());
    let good = folder.file("good.ndjson", entry(1, 1, "checkout", "INFO", "order priced"));
    run(&[&bad]).ends_with(0);
    run(&[&bad, "--fail-on", "P3"]).ends_with(1);
    run(&[&good, "--fail-on", "P3"]).ends_with(0);
    let story = fixtures().join("healthy");
    run_in(&story, &["entries.json.gz", "--fail-on", "P3"]).ends_with(0);
}

#[test]
fn usage_errors_end_with_2_and_say_why() {
    let folder = Folder::new("usage");
    let file = folder.file("a.ndjson", outage());
    for (arguments, said) in [
        (vec!["--no-such-option"], "--no-such-option"),
        (vec![&file, "--since", "yesterday-ish"], "not a time"),
        (vec![&file, "--min-severity", "LOUD"], "not a severity"),
        (vec![&file, "--fail-on", "P7"], "not a priority"),
        (vec![&file, "-o", "report.docx"], "cannot tell the format"),
        (vec![&file, "--signatures", "/no/such/file.toml"], "/no/such/file.toml"),
        (vec![&file, "--redact", "("], "--redact"),
        (vec![&file, "--baseline", "/no/such/file"], "/no/such/file"),
        (vec!["/no/such/file"], "/no/such/file"),
        (vec!["signatures", "show", "no-such-id"], "no-such-id"),
    ] {
        let run = run(&arguments).ends_with(2);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
        assert!(run.out.is_empty() && !run.err.contains("panicked"), "{arguments:?}: {}", run.err);
    }
    assert!(!Path::new("report.docx").exists());
}

#[test]
fn standard_input_is_read_with_and_without_a_dash() {
    let bare = run_on(outage().as_bytes(), &["--format", "json"]).ends_with(0);
    let dash = run_on(outage().as_bytes(), &["-", "--format", "json"]).ends_with(0);
    assert_eq!(entries_of(&bare), 600);
    assert_eq!(bare.out, dash.out);
    assert_eq!(bare.json()["coverage"]["sources"][0]["name"], "-");
}

#[test]
fn an_empty_array_is_an_answer_and_nothing_at_all_is_none() {
    let empty = run_on(b"[]\n", &["--format", "json"]);
    assert!(matches!(empty.code, Some(0 | 2)), "{empty:?}");
    let nothing = run_on(b"", &["--format", "json"]);
    assert!(matches!(nothing.code, Some(0 | 2)) && !nothing.err.contains("panicked"), "{nothing:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new("pipe");
    let file = folder.file("a.ndjson", outage());
    for arguments in [
        vec![file.as_str(), "--format", "json"],
        vec!["summarize", &file, "-o", "-"],
        vec!["schema"],
        vec!["signatures", "list"],
    ] {
        let mut child =
            binary(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_pipe_gets_no_escapes_and_80_columns() {
    let folder = Folder::new("escapes");
    let evil = entry(900, 29, "checkout", "ERROR", r"\u001b[31mred\u001b[0m \u0007 bell \u009b2J panic");
    let file = folder.file("a.ndjson", outage() + &evil);
    for arguments in [vec![file.as_str()], vec![&file, "--explain"], vec![&file, "--format", "markdown"]] {
        let run = run(&arguments).ends_with(0);
        assert!(!run.out.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{arguments:?}");
    }
    // A command to copy stands on one line, whatever its length.
    let mut in_command = false;
    for line in run(&[&file]).ends_with(0).out.lines() {
        let command = in_command || line.contains("$ ");
        in_command = command && line.ends_with('\\');
        assert!(command || line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn no_color_and_terminal_settings_change_nothing_in_a_pipe() {
    let folder = Folder::new("colors");
    let file = folder.file("a.ndjson", outage());
    let plain = run(&[&file]).ends_with(0).out;
    for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm-256color")] {
        let other = binary::finish(binary(&[&file]).env(name, value).output());
        assert_eq!(other.out, plain, "{name}");
    }
}

#[test]
fn width_and_colour_are_as_asked_for() {
    let folder = Folder::new("asked");
    let file = folder.file("a.ndjson", outage());
    let plain = run(&[&file]).ends_with(0).out;
    let wide = binary::finish(binary(&[&file]).env("COLUMNS", "200").output()).out;
    let longest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(longest(&plain) <= 80 && longest(&wide) > 80 && longest(&wide) <= 200, "{wide}");
    for (arguments, variable, coloured) in [
        (["--color", "always"], ("NO_COLOR", "1"), true),
        (["--color", "never"], ("FORCE_COLOR", "1"), false),
        (["--color", "auto"], ("FORCE_COLOR", "1"), true),
        (["--color", "auto"], ("NO_COLOR", "1"), false),
    ] {
        let run = binary(&[&file, arguments[0], arguments[1]]).env(variable.0, variable.1).output();
        assert_eq!(binary::finish(run).out.contains('\u{1b}'), coloured, "{arguments:?} {variable:?}");
    }
}

#[test]
fn the_clock_and_the_language_of_the_machine_do_not_matter() {
    let folder = Folder::new("locale");
    let file = folder.file("a.ndjson", outage());
    for face in ["table", "json", "markdown", "html"] {
        let first = run(&[&file, "--format", face]).ends_with(0).out;
        let elsewhere = [("TZ", "Pacific/Auckland"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "ar_EG.UTF-8")];
        let again = binary::finish(binary(&[&file, "--format", face]).envs(elsewhere).output());
        assert_eq!(again.out, first, "{face}");
    }
}

#[test]
fn threads_do_not_show() {
    let folder = Folder::new("threads");
    let file = folder.file("a.ndjson", outage());
    let one = run(&[&file, "--format", "json", "--threads", "1"]).ends_with(0).out;
    for threads in ["2", "3", "8"] {
        assert_eq!(run(&[&file, "--format", "json", "--threads", threads]).ends_with(0).out, one, "{threads}");
    }
}

#[test]
fn outputs_are_written_side_by_side_and_standard_output_tells_the_verdict() {
    let folder = Folder::new("outputs");
    let file = folder.file("a.ndjson", outage());
    let names = ["r.json", "r.md", "r.html", "r.txt"].map(|name| folder.file(name, "old"));
    let mut arguments = vec![file.as_str()];
    names.iter().for_each(|name| arguments.extend(["-o", name]));
    let told = run(&arguments).ends_with(0);
    assert!(told.err.is_empty() && told.out.lines().count() == 2, "{told:?}");
    assert!(told.out.contains("; cause (") && told.out.contains("wrote ") && told.out.contains("r.html"), "{told:?}");
    for (name, face) in [("r.json", "json"), ("r.md", "md"), ("r.html", "html")] {
        assert_eq!(folder.read(name), run(&[&file, "--format", face]).out, "{name}");
    }
    assert_eq!(folder.read("r.txt"), run(&[&file, "-v"]).out);
    let leftover = fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(leftover, 5, "nothing but the input and the reports");
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let folder = Folder::new("unwritable");
    let file = folder.file("a.ndjson", outage());
    let run = run(&[&file, "-o", "/no/such/folder/r.json"]).ends_with(2);
    assert!(run.one_line().contains("/no/such/folder/r.json"), "{}", run.err);
}

#[test]
fn one_missing_file_does_not_stop_the_rest() {
    let folder = Folder::new("missing");
    let file = folder.file("a.ndjson", outage());
    let run = run(&[&file, "/no/such/file.json", "--format", "json"]).ends_with(0);
    assert!(run.one_line().contains("/no/such/file.json"), "{}", run.err);
    assert_eq!(entries_of(&run), 600);
}

#[test]
fn a_folder_is_read_whole_and_the_order_of_arguments_does_not_matter() {
    let folder = Folder::new("folder");
    let text = outage();
    let lines: Vec<&str> = text.lines().collect();
    let name = |part: usize| format!("run.googleapis.com/stderr/2026/02/03/1{part}-00-00_S0.json");
    let files: Vec<String> =
        lines.chunks(200).enumerate().map(|(part, lines)| folder.file(&name(part), lines.join("\n"))).collect();
    let whole = run(&[folder.path().to_str().expect("UTF-8"), "--format", "json"]).ends_with(0);
    assert_eq!(entries_of(&whole), 600);
    let backwards: Vec<&str> = files.iter().rev().map(String::as_str).chain(["--format", "json"]).collect();
    assert_eq!(run(&backwards).ends_with(0).out, whole.out);
}

#[test]
fn a_file_that_is_given_twice_counts_once() {
    let folder = Folder::new("twice");
    let (a, b) = (folder.file("a.ndjson", outage()), folder.file("b.ndjson", outage()));
    assert_eq!(entries_of(&run(&[&a, &a, "--format", "json"])), 600);
    let copies = run(&[&a, &b, "--format", "json"]).ends_with(0).json();
    assert_eq!(copies["coverage"]["ledger"]["duplicates"], 600);
    let once = run(&[&a, "--format", "json"]).json();
    assert_eq!(copies["incidents"][0]["failure_entries"], once["incidents"][0]["failure_entries"]);
}

#[test]
fn what_is_not_asked_for_is_counted_as_outside() {
    let folder = Folder::new("selection");
    let file = folder.file("a.ndjson", outage());
    for (selection, inside) in [
        (vec!["--since", "2026-02-03T10:10:00Z"], 400),
        (vec!["--until", "2026-02-03T10:09:59.999Z"], 200),
        (vec!["--since", "1d"], 600),
        (vec!["--service", "storefront"], 300),
        (vec!["--service", "storefront", "--service", "checkout"], 600),
        (vec!["--min-severity", "ERROR"], 100),
    ] {
        let arguments: Vec<&str> =
            [&file, "--format", "json"].into_iter().map(|a| a as &str).chain(selection.clone()).collect();
        let coverage = &run(&arguments).ends_with(0).json()["coverage"];
        assert_eq!(coverage["entries"], 600, "{selection:?}");
        assert_eq!(coverage["ledger"]["outside"], 600 - inside, "{selection:?}");
    }
}

#[test]
fn a_service_that_is_not_there_is_no_answer() {
    let folder = Folder::new("unknown-service");
    let file = folder.file("a.ndjson", outage());
    for command in ["analyze", "patterns", "classify"] {
        for more in [vec![], vec!["--service", "storefront"]] {
            let arguments: Vec<&str> = [command, &file, "--service", "checkut"].into_iter().chain(more).collect();
            let run = run(&arguments).ends_with(2);
            assert!(run.out.is_empty(), "{}", run.out);
            assert!(run.one_line().contains("--service checkut"), "{}", run.err);
            assert!(run.err.contains("checkout, storefront"), "the nearest first: {}", run.err);
        }
    }
    let piped = run_on(outage().as_bytes(), &["--service", "checkut"]).ends_with(2);
    assert!(piped.one_line().contains("checkout"), "{}", piped.err);
}

#[test]
fn a_window_without_entries_is_no_answer() {
    let folder = Folder::new("empty-window");
    let file = folder.file("a.ndjson", outage());
    for window in [
        vec!["--since", "2026-02-04"],
        vec!["--until", "2026-02-02"],
        vec!["--since", "2026-02-04", "--service", "checkout"],
        vec!["--since", "2026-02-04", "--min-severity", "ERROR"],
    ] {
        let arguments: Vec<&str> = [file.as_str()].into_iter().chain(window).collect();
        let run = run(&arguments).ends_with(2);
        assert!(run.out.is_empty() && !run.err.contains("1970"), "{run:?}");
        for time in ["2026-02-03T10:00:00Z", "2026-02-03T10:29:59"] {
            assert!(run.one_line().contains(time), "{}", run.err);
        }
    }
    for (since, until) in [("2026-02-04", "2026-02-03"), ("10m", "20m")] {
        let run = run(&[&file, "--since", since, "--until", until]).ends_with(2);
        assert!(run.one_line().contains("later"), "{}", run.err);
    }
}

#[test]
fn that_nothing_is_severe_is_an_answer() {
    let folder = Folder::new("mild");
    let file = folder.file("a.ndjson", outage());
    for more in [vec![], vec!["--service", "storefront"], vec!["--since", "2026-02-03T10:20:00Z"]] {
        let arguments: Vec<&str> =
            [&file, "--min-severity", "ALERT"].into_iter().map(|a| a as &str).chain(more).collect();
        let table = run(&arguments).ends_with(0);
        assert!(!table.out.contains("1970") && table.out.contains("600 entries"), "{}", table.out);
        for face in ["json", "markdown", "html"] {
            let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", face]).collect();
            assert!(!run(&arguments).ends_with(0).out.contains("1970"), "{face}");
        }
    }
}

#[test]
fn no_output_replaces_what_is_read() {
    let folder = Folder::new("overwrite");
    let text = outage();
    let export = folder.file("logs/export.json", &text);
    let logs = folder.path().join("logs").to_str().expect("UTF-8").to_owned();
    let roundabout = format!("{logs}/../logs/export.json");
    let baseline = folder.file("healthy.json", entry(1, 1, "checkout", "INFO", "order priced"));
    let refused = [
        vec![export.as_str(), "-o", &export],
        vec![&export, "-o", &roundabout],
        vec![&logs, "-o", &export],
        vec![&export, "--baseline", &baseline, "-o", &baseline],
        vec!["summarize", &export, "-o", &export],
        vec!["report", &export, "-o", &export],
    ];
    for arguments in refused {
        let run = run(&arguments).ends_with(2);
        assert!(run.one_line().contains("which is read"), "{}", run.err);
        assert_eq!(folder.read("logs/export.json"), text, "{arguments:?}");
    }
    let other = format!("{logs}/report.json");
    run(&[&export, "-o", &other]).ends_with(0);
    run(&[&export, "-o", &other]).ends_with(0);
}

#[cfg(unix)]
#[test]
fn links_and_redirections_are_seen_through_before_anything_is_written() {
    let folder = Folder::new("overwrite-links");
    let text = outage();
    let export = folder.file("export.ndjson", &text);
    let (soft, hard) = (folder.path().join("soft.json"), folder.path().join("hard.json"));
    std::os::unix::fs::symlink(&export, &soft).expect("links can be made");
    fs::hard_link(&export, &hard).expect("links can be made");
    for link in [&soft, &hard] {
        let link = link.to_str().expect("UTF-8");
        run(&[&export, "-o", link]).ends_with(2);
        let redirected = fs::File::open(&export).expect("it is there");
        binary::finish(binary(&["-o", link]).stdin(redirected).output()).ends_with(2);
        assert_eq!(fs::read_to_string(link).expect("it is there"), text);
    }
    assert!(soft.is_symlink() && folder.read("export.ndjson") == text);
}

#[test]
fn what_fails_in_the_baseline_too_is_no_incident() {
    let folder = Folder::new("baseline");
    let file = folder.file("a.ndjson", outage());
    let found = run(&[&file, "--format", "json"]).ends_with(0).json();
    assert_eq!(found["incidents"].as_array().map(Vec::len), Some(1), "{}", found["verdict"]);
    let compared = run(&[&file, "--baseline", &file, "--format", "json"]).ends_with(0).json();
    assert_eq!(compared["coverage"]["entries"], 600, "a baseline is not part of the export");
    assert!(compared["incidents"].as_array().is_some_and(Vec::is_empty), "{}", compared["verdict"]);
}

#[test]
fn the_catalogue_can_be_listed_shown_and_extended() {
    let list = run(&["signatures", "list"]).ends_with(0).out;
    assert!(list.lines().count() >= 150, "{} signatures", list.lines().count());
    let id = list.split_whitespace().next().expect("a first signature");
    let shown = run(&["signatures", "show", id]).ends_with(0).out;
    assert!(shown.contains(id) && shown.contains("source"), "{shown}");
    let folder = Folder::new("signatures");
    let missing = folder.file("bad.toml", "# Mine.\n[[signature]]\nid = \"mine\"\n");
    assert!(run(&["signatures", "test", &missing]).ends_with(2).err.contains("bad.toml"));
    let builtin = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pattern/catalogue/redis.toml");
    let tested = run(&["signatures", "test", builtin]).ends_with(0).out;
    assert!(tested.contains(" 0 failures"), "{tested}");
    let file = folder.file("a.ndjson", outage());
    let bare = run(&[&file, "--signatures", "none", "--format", "json"]).ends_with(0).json();
    assert_eq!(
        (&bare["coverage"]["ledger"]["matched"], &bare["coverage"]["ledger"]["mined"]),
        (&0.into(), &100.into())
    );
}

#[test]
fn the_signature_that_shows_how_passes_its_examples() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pattern/catalogue/README.md");
    let readme = fs::read_to_string(page).expect("there is a page about the catalogue");
    let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a TOML block");
    let folder = Folder::new("readme");
    let tested = run(&["signatures", "test", &folder.file("mine.toml", block)]).ends_with(0).out;
    assert_eq!(tested, "1 signatures, 0 failures\n");
}

#[test]
fn the_schema_is_a_schema_and_names_its_version() {
    let schema = run(&["schema"]).ends_with(0).json();
    assert_eq!(schema["properties"]["schema"]["const"], "firstfault.report/1");
    assert_eq!(Contract::new(schema).map(|_| ()), Ok(()));
}

#[test]
fn a_foreign_input_is_answered_by_one_clear_line() {
    let folder = Folder::new("foreign");
    for (name, content, said) in [
        (
            "a.csv",
            "timestamp,severity,message\n2026-01-01T00:00:00Z,ERROR,boom\n2026-01-01T00:00:01Z,ERROR,boom\n",
            "CSV",
        ),
        ("a.txt", "2026-01-01 00:00:00 ERROR boom\n2026-01-01 00:00:01 ERROR boom\n", "gcloud logging read"),
        ("a.html", "<!DOCTYPE html><html><body>Sign in</body></html>\n", "gcloud logging read"),
    ] {
        let run = run(&[&folder.file(name, content)]).ends_with(2);
        assert!(run.one_line().contains(said) && run.err.contains(name), "{name}: {}", run.err);
    }
    let binary = run(&[&folder.file("a.bin", (0..=255u8).cycle().take(5000).collect::<Vec<u8>>())]).ends_with(2);
    assert!(!binary.one_line().contains("panicked"));
}

#[test]
fn help_names_every_option_and_the_statuses() {
    let help = run(&["--help"]).ends_with(0).out;
    for word in [
        "--format",
        "--output",
        "--since",
        "--until",
        "--service",
        "--min-severity",
        "--baseline",
        "--signatures",
        "--threads",
        "--top",
        "--explain",
        "--fail-on",
        "--no-redact",
        "--redact",
        "--quiet",
        "--version",
        "--profile",
        "--history",
        "--remember",
        "--max-memory",
        "analyze",
        "patterns",
        "classify",
        "summarize",
        "report",
        "compare",
        "verify",
        "audit",
        "profile",
        "signatures",
        "completions",
        "man",
        "schema",
        "Exit status",
        "gcloud logging read",
    ] {
        assert!(help.contains(word), "{word} is not in the help:\n{help}");
    }
    assert!(run(&["--version"]).ends_with(0).out.starts_with("firstfault "));
}

#[test]
fn two_runs_are_the_same_bytes() {
    let story = fixtures().join("two-causes");
    for face in ["table", "json", "markdown", "html"] {
        let once = run_in(&story, &["entries.ndjson.gz", "--format", face]).ends_with(0).out;
        assert_eq!(run_in(&story, &["entries.ndjson.gz", "--format", face]).out, once, "{face}");
    }
}

#[test]
fn credentials_are_not_quoted_unless_asked_for() {
    let folder = Folder::new("redaction");
    let leak = entry(901, 29, "checkout", "ERROR", "login failed for postgres://app:hunter2secret@10.1.2.3/orders");
    let leaks: String = (0..40).map(|i| leak.replace("i901", &format!("l{i}")) + "\n").collect();
    let file = folder.file("a.ndjson", outage() + &leaks);
    assert!(!run(&[&file, "--format", "json"]).ends_with(0).out.contains("hunter2secret"));
    assert!(run(&[&file, "--format", "json", "--no-redact"]).ends_with(0).out.contains("hunter2secret"));
}

/// Recorded exports that may not be redistributed: `FIRSTFAULT_CASES` is the folder that holds them in `real/`.
#[test]
fn every_recorded_export_gives_a_report_or_one_clear_line() {
    let folder = std::env::var_os("FIRSTFAULT_CASES").map(|cases| Path::new(&cases).join("real"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        eprintln!("skipped: FIRSTFAULT_CASES names no folder with real/");
        return;
    };
    let mut files: Vec<_> = fs::read_dir(folder).expect("it is readable").flatten().map(|file| file.path()).collect();
    files.sort();
    for file in files.iter().filter(|file| !file.ends_with("truth.json")) {
        let run = run(&[file.to_str().expect("UTF-8"), "--format", "json", "--quiet"]);
        match run.code {
            Some(0) => assert_eq!(run.json()["schema"], "firstfault.report/1"),
            Some(2) => assert!(run.one_line().len() < 400, "{}: {}", file.display(), run.err),
            _ => panic!("{}: {run:?}", file.display()),
        }
    }
}
