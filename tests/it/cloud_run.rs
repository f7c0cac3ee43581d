//! The recipe of `tests/cloud-run`, with local folders in place of buckets: a sink of late shards and copies, tasks that die and that
//! run twice; the report is the same for any number of tasks.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::binary::{Folder, binary};

/// The environment of a task.
fn task(root: &Path, out: &str, index: usize, count: usize) -> Command {
    let mut task = Command::new("sh");
    task.arg(script("task.sh"))
        .env("IN", root.join("in"))
        .env("OUT", root.join(out))
        .env("BUCKET", "logs")
        .env("CLOUD_RUN_TASK_INDEX", index.to_string())
        .env("CLOUD_RUN_TASK_COUNT", count.to_string())
        .env("PATH", path());
    task
}

fn script(name: &str) -> String {
    format!("{}/tests/cloud-run/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The program first, then the tools of the system.
fn path() -> String {
    let program = binary(&[]).get_program().to_owned();
    format!("{}:/usr/bin:/bin", Path::new(&program).parent().expect("a folder").display())
}

fn merge(root: &Path, out: &str) -> Vec<u8> {
    let merged = Command::new("sh").arg(script("merge.sh")).env("OUT", root.join(out)).env("PATH", path()).output();
    let merged = merged.expect("there is a shell");
    assert!(merged.status.success(), "{}", String::from_utf8_lossy(&merged.stderr));
    fs::read(root.join(out).join("report.json")).expect("a report")
}

/// Three hours of two logs as a sink lays them out, with a late shard, and the copies that a retry of the sink leaves.
fn lay_out(root: &Path) {
    for log in ["run.googleapis.com%2Fstderr", "run.googleapis.com%2Frequests"] {
        for hour in 10..13 {
            let folder = root.join("in").join(log.replace("%2F", "/")).join("2026/02/03");
            fs::create_dir_all(&folder).expect("it is ours");
            let line = |n: usize| {
                let (severity, text) = if hour == 11 && n < 40 {
                    ("ERROR", "connection refused to db 10.0.19.3:5432")
                } else {
                    ("INFO", "served")
                };
                format!(
                    r#"{{"insertId":"{log}{hour}{n}","timestamp":"2026-02-03T{hour}:{:02}:{:02}Z","severity":"{severity}","logName":"projects/acme/logs/{log}","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"checkout"}}}},"textPayload":"{text}"}}"#,
                    n / 60,
                    n % 60
                ) + "\n"
            };
            let name = format!("{hour}:00:00_{hour}:59:59");
            let main: String = (0..120).map(line).collect();
            let late: String = (110..130).map(line).collect();
            fs::write(folder.join(format!("{name}_S0.json")), main).expect("it is ours");
            fs::write(folder.join(format!("{name}_A0:0.json")), late).expect("it is ours");
        }
    }
}

fn is_done(status: std::io::Result<ExitStatus>) -> bool {
    status.expect("there is a shell").success()
}

#[test]
fn any_number_of_tasks_gives_the_report_of_one() {
    let folder = Folder::new("cloud-run");
    let root = folder.path();
    lay_out(root);
    for out in ["one", "many"] {
        fs::create_dir_all(root.join(out)).expect("it is ours");
    }
    assert!(is_done(task(root, "one", 0, 1).status()));
    for index in 0..16 {
        assert!(is_done(task(root, "many", index, 16).status()));
    }
    // One is killed and started again, one runs twice.
    let mut killed = task(root, "many", 3, 16).stdout(Stdio::null()).spawn().expect("there is a shell");
    killed.kill().and_then(|()| killed.wait()).expect("it was running");
    assert!(is_done(task(root, "many", 3, 16).status()));
    assert!(is_done(task(root, "many", 0, 16).status()));
    let (one, many) = (merge(root, "one"), merge(root, "many"));
    let report: serde_json::Value = serde_json::from_slice(&one).expect("a report");
    assert_eq!(report["coverage"]["entries"], 6 * 140, "{}", report["coverage"]["ledger"]);
    assert_eq!(report["coverage"]["duplicates"], 6 * 10);
    assert!(String::from_utf8_lossy(&one).contains("gs://logs/run.googleapis.com/stderr/2026/02/03/11:00:00_"));
    assert!(one == many, "the report does not show how many tasks there were");
    // A damaged object fails its task, and leaves no account.
    let bad = root.join("in/run.googleapis.com/stderr/2026/02/03/14:00:00_14:59:59_S0.json");
    fs::write(&bad, "[{\"insertId\":\"x\",").expect("it is ours");
    fs::create_dir_all(root.join("bad")).expect("it is ours");
    let failed = (0..16).filter(|index| !is_done(task(root, "bad", *index, 16).stderr(Stdio::null()).status())).count();
    assert_eq!((failed, fs::read_dir(root.join("bad")).expect("it is ours").count()), (1, 6));
}
