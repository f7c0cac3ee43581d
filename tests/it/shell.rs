//! Commands of a report are for pasting: whatever a log says, a shell runs them and nothing else.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::{Strategy, any, prop};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::binary::{self, Folder, run, run_in};

/// What creates this file in the folder where a command runs has broken out.
const CANARY: &str = "CANARY";

/// Programs that remedies name; here each writes down what it was given.
const PROGRAMS: [&str; 6] = ["gcloud", "kubectl", "psql", "mysql", "nc", "docker"];

/// Texts that act when a shell, a filter or an option parser reads them.
const ATTACKS: [&str; 16] = [
    "x'; touch CANARY; echo '",
    "x\"; touch CANARY; echo \"",
    "x\\'; touch CANARY; echo \\'",
    "$(touch CANARY)",
    "`touch CANARY`",
    "x; touch CANARY",
    "x && touch CANARY #",
    "x | tee CANARY",
    "x > CANARY",
    "x\ntouch CANARY\n",
    "x\u{2028}touch CANARY",
    "--quiet",
    "-x",
    "\" OR severity>=DEFAULT OR \"",
    "${IFS}touch${IFS}CANARY",
    "x' '--format=value(insertId)' '",
];

/// Half an hour of a service that is killed, and cannot find a setting: the report proposes commands that name it. A round
/// number of entries, so that it also proposes how to get those before.
fn export(name: &str) -> String {
    let killed = "Memory limit of 512 MiB exceeded with 530 MiB used. Consider increasing the memory limit";
    let unset = format!("java.lang.IllegalArgumentException: Could not resolve placeholder '{name}' in value \"x\"");
    let refused = format!("connection to {name} failed: could not connect to instance {name}: Connection refused");
    let texts = [killed, &unset, &refused, "started"];
    let labels = json!({"project_id": name, "location": name, "service_name": name, "revision_name": name});
    let entry = |i: usize| {
        json!({
            "insertId": format!("i{i}"),
            "timestamp": format!("2026-02-03T10:{:02}:{:02}Z", i / 4, i % 4 * 15),
            "severity": if i % 4 == 3 { "INFO" } else { "ERROR" },
            "logName": "projects/acme/logs/run.googleapis.com%2Fstderr",
            "resource": {"type": "cloud_run_revision", "labels": labels},
            "textPayload": texts[i % 4],
        })
    };
    (0..100).map(|i| format!("{}\n", entry(i))).collect()
}

/// Every command of a JSON report.
fn commands(report: &Value) -> Vec<String> {
    match report {
        Value::Object(fields) => {
            let own = fields.get("command").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(commands)).collect()
        }
        Value::Array(values) => values.iter().flat_map(commands).collect(),
        _ => Vec::new(),
    }
}

/// The same of a table: what follows `$`, and the lines that its backslashes continue.
fn shown(table: &str) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    let mut continues = false;
    for line in table.lines() {
        let start = line.split_once(" $ ").map(|(_, command)| command);
        match (continues, start) {
            (true, _) => shown.last_mut().expect("it continues one").push_str(&format!("\n{line}")),
            (false, Some(command)) => shown.push(command.to_owned()),
            (false, None) => continue,
        }
        continues = line.ends_with('\\');
    }
    shown
}

/// A folder with stand-ins for the programs.
fn stand_ins() -> Folder {
    let folder = Folder::new("shell-programs");
    for program in PROGRAMS {
        let path = folder.file(program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    folder
}

/// Runs a command as somebody who pastes it would.
fn paste(command: &str, programs: &Path, folder: &Path) -> Output {
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let run = |arguments: &[&str]| {
        let mut bash = Command::new("bash");
        bash.args(arguments).arg(command).current_dir(folder).env_clear().env("PATH", &path);
        bash.output().expect("there is a bash")
    };
    let parsed = run(&["-n", "-c"]);
    assert!(parsed.status.success(), "{command}: {}", String::from_utf8_lossy(&parsed.stderr));
    run(&["-c"])
}

#[test]
fn no_name_of_a_log_becomes_shell() {
    let programs = stand_ins();
    let names =
        (select(&ATTACKS[..]), prop::option::of("[ -~]{1,12}"), any::<bool>()).prop_map(|(attack, more, first)| {
            let more = more.unwrap_or_default();
            if first { format!("{attack}{more}") } else { format!("{more}{attack}") }
        });
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let n_commands = Cell::new(0);
    let result = runner.run(&names, |name| {
        let folder = Folder::new("shell");
        let export = folder.file("export.ndjson", export(&name));
        let report = run(&[&export, "--format", "json", "--no-redact"]).ends_with(0).json();
        let mut commands = commands(&report);
        commands.extend(shown(&run(&[&export, "--no-redact"]).ends_with(0).out));
        for command in &commands {
            let output = paste(command, programs.path(), folder.path());
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(!folder.path().join(CANARY).exists(), "{name:?} broke out of: {command}");
            let is_option =
                said.lines().any(|word| word == "--quiet" || word == "-x" || word.contains("value(insertId)"));
            assert!(!is_option, "{name:?} became an option of: {command}");
        }
        n_commands.set(n_commands.get() + commands.len());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(n_commands.get() > 48 * 4, "{} commands were looked at", n_commands.get());
}

#[test]
fn an_honest_name_stands_in_the_commands() {
    let folder = Folder::new("shell-honest");
    let export = folder.file("export.ndjson", export("checkout"));
    let commands = commands(&run(&[&export, "--format", "json"]).ends_with(0).json());
    assert!(commands.iter().any(|command| command.contains("'\"checkout\" AND timestamp<")), "{commands:#?}");
    assert!(commands.iter().any(|command| command.contains(" checkout ")), "{commands:#?}");
}

#[test]
fn the_table_shows_the_commands_of_the_report() {
    let story = binary::fixtures().join("vpc-connector-outage");
    let file = fs::read_dir(&story).expect("a story").flatten().map(|file| file.file_name());
    let file =
        file.filter_map(|name| name.into_string().ok()).find(|name| name.starts_with("entries")).expect("entries");
    let known: Vec<String> = commands(&run_in(&story, &[&file, "--format", "json"]).ends_with(0).json());
    let shown = shown(&run_in(&story, &[&file]).ends_with(0).out);
    assert!(!shown.is_empty());
    for command in shown {
        let one_line = command.split("\\\n").map(str::trim).collect::<Vec<_>>().join(" ");
        assert!(known.contains(&one_line), "{one_line}\nis none of {known:#?}");
    }
}
