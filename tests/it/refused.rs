//! What is refused, and in which words: a number that means nothing, a mistyped command, a file of another format.

use crate::binary::{Folder, fixtures, run, run_on};

fn export() -> String {
    fixtures().join("out-of-memory/entries.json.gz").display().to_string()
}

#[test]
fn options_that_cannot_be_meant_are_refused_at_once() {
    let export = export();
    for (arguments, needed) in [
        (vec!["--threads", "100000"], "not a number from 1 to 256"),
        (vec!["--threads", "0"], "not a number from 1 to 256"),
        (vec!["--top", "0"], "not a number from 1 to"),
        (vec!["--signatures", "none", "--signatures", "mine.toml"], "no signatures at all"),
        (vec!["--since", "2026-03-09T08:00:00Z", "--until", "2026-03-09T07:00:00Z"], "--since is later than --until"),
    ] {
        let run = run(&arguments.into_iter().chain([export.as_str()]).collect::<Vec<_>>()).ends_with(2);
        assert!(run.err.contains(needed), "{}", run.err);
    }
}

#[test]
fn a_mistyped_command_is_told_from_a_file() {
    let run = run(&["anlyze", &export()]);
    assert!(run.err.contains("did you mean the command `analyze`?"), "{}", run.err);
    let run = crate::binary::run(&["nothing-like-it.json", &export()]);
    assert!(!run.err.contains("did you mean"), "{}", run.err);
}

#[test]
fn other_formats_are_named_with_what_to_do() {
    let folder = Folder::new("formats");
    for (bytes, name, advice) in [
        (&b"\xfd7zXZ\0abc"[..], "xz", "xz -dc"),
        (b"BZh91AY&SY", "bzip2", "bzip2 -dc"),
        (b"PK\x03\x04abc", "zip", "unzip -p"),
        (b"PAR1\x15\x04", "Parquet", "bq extract"),
        (b"Obj\x01\x04", "Avro", "bq extract"),
        (b"ORC\x0a", "ORC", "bq extract"),
        (b"ARROW1\0\0", "Arrow", "bq extract"),
        (b"\xff\xfe\0\0{\0\0\0\"\0\0\0", "UTF-32", "iconv -f UTF-32"),
        (b"\0\0\xfe\xff\0\0\0{", "UTF-32", "iconv -f UTF-32"),
    ] {
        let file = folder.file("export.json", bytes);
        let run = run(&[&file]).ends_with(2);
        assert!(run.err.contains(name) && run.err.contains(advice), "{name}: {}", run.err);
    }
}

/// Thirty failures of one time, in two orders.
fn same_time(reversed: bool) -> String {
    let line = |n: usize| {
        format!(
            r#"{{"insertId":"i{n:02}","timestamp":"2026-02-03T10:00:00Z","severity":"ERROR","logName":"projects/acme/logs/run.googleapis.com%2Fstderr","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"checkout"}}}},"textPayload":"connection refused by 10.0.0.{}"}}"#,
            n % 3
        ) + "\n"
    };
    let mut lines: Vec<String> = (0..30).map(line).collect();
    if reversed {
        lines.reverse();
    }
    lines.concat()
}

#[test]
fn entries_of_one_time_are_quoted_by_content_and_not_by_place() {
    let quotes = |reversed| {
        let report = run_on(same_time(reversed).as_bytes(), &["--format", "json"]).ends_with(0).json();
        let evidence = report["incidents"][0]["causes"][0]["evidence"].as_array().expect("a list").clone();
        evidence.iter().map(|e| e["insert_id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(quotes(false), quotes(true));
    assert_eq!(quotes(false)[0], "i00");
}

#[test]
fn the_span_of_a_month_is_exact() {
    let line = |minute: usize| {
        let (day, hour) = (1 + minute / 1440, minute / 60 % 24);
        format!(
            r#"{{"insertId":"i{minute}","timestamp":"2026-01-{day:02}T{hour:02}:{:02}:00.123Z","severity":"INFO","logName":"projects/acme/logs/x","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"checkout"}}}},"textPayload":"priced"}}"#,
            minute % 60
        ) + "\n"
    };
    let text: String = (0..30 * 1440).step_by(61).map(line).collect();
    let coverage = run_on(text.as_bytes(), &["--format", "json"]).ends_with(0).json()["coverage"].clone();
    assert_eq!(coverage["first"], "2026-01-01T00:00:00.123Z");
    assert_eq!(coverage["last"], "2026-01-30T23:48:00.123Z");
}

#[test]
fn what_a_folder_holds_besides_exports_is_named() {
    let folder = Folder::new("left-out");
    folder.file("a.json", b"{\"insertId\":\"1\",\"timestamp\":\"2026-02-03T10:00:00Z\",\"severity\":\"ERROR\",\"textPayload\":\"x failed\"}");
    folder.file(".b.json", b"{}");
    let path = folder.path().display().to_string();
    let run = run(&[&path]).ends_with(0);
    assert!(run.err.contains(".b.json; name a file to read it"), "{}", run.err);
}

#[test]
fn lines_of_classify_cannot_deceive() {
    let entry = "{\"insertId\":\"1\",\"timestamp\":\"2026-02-03T10:00:00Z\",\"severity\":\"ERROR\",\"resource\":{\"type\":\"cloud_run_revision\",\"labels\":{\"service_name\":\"ada@example.com\"}},\"textPayload\":\"open \u{202e}gnp.exe failed\"}";
    let folder = Folder::new("classify-bidi");
    let file = folder.file("a.json", entry.as_bytes());
    let run = run(&["classify", &file]).ends_with(0);
    assert!(run.out.contains("open \\u202egnp.exe") && !run.out.contains('\u{202e}'), "{}", run.out);
    assert!(!run.out.contains("ada@example.com"), "{}", run.out);
}
