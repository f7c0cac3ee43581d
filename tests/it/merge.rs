//! Accounts of parts add up to the account of the whole, in any order and by any tree; what is missing is told.

use std::fs;

use crate::binary::{Folder, run};

/// Six parts of one outage, and the folder they lie in.
fn parts(name: &str) -> (Folder, Vec<String>) {
    let folder = Folder::new(name);
    let line = |n: usize| {
        let (severity, text) =
            if n.is_multiple_of(5) { ("ERROR", "connection refused to db 10.0.19.3:5432") } else { ("INFO", "served") };
        format!(
            r#"{{"insertId":"i{n}","timestamp":"2026-02-03T10:{:02}:{:02}Z","severity":"{severity}","logName":"projects/acme/logs/stderr","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"s{}"}}}},"textPayload":"{text}"}}"#,
            n / 60 % 60,
            n % 60,
            n % 3
        ) + "\n"
    };
    // A path and the name that it begins sort differently.
    let names = ["app", "app.log", "app-dir/b.json", "b", "b.json", "c"];
    fs::create_dir_all(folder.path().join("in/app-dir")).expect("it is ours");
    let parts = names.iter().enumerate().map(|(i, name)| {
        let text: String = (0..300).filter(|n| n % names.len() == i).map(line).collect();
        let path = folder.path().join("in").join(name);
        fs::write(&path, text).expect("it is ours");
        path.display().to_string()
    });
    let parts = parts.collect();
    (folder, parts)
}

#[test]
fn any_tree_of_merges_gives_the_bytes_of_any_other() {
    let (folder, parts) = parts("merge-0");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let accounts: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(i, part)| {
            run(&["summarize", part, "--strict", "-o", &at(&format!("{i}.sum"))]).ends_with(0);
            at(&format!("{i}.sum"))
        })
        .collect();
    let merge = |inputs: &[&str], name: &str| {
        let output = at(name);
        run(&[&["merge"], inputs, &["-o", &output]].concat()).ends_with(0);
        output
    };
    let a: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let flat = merge(&a, "flat.sum");
    let reversed = merge(&[a[5], a[3], a[4], a[1], a[0], a[2]], "reversed.sum");
    let left = (1..6).fold(a[0].to_owned(), |left, i| merge(&[&left, a[i]], &format!("left-{i}.sum")));
    let pairs = [merge(&[a[4], a[0]], "p0"), merge(&[a[1], a[5]], "p1"), merge(&[a[3], a[2]], "p2")];
    let tree = merge(&[&pairs[2], &merge(&[&pairs[1], &pairs[0]], "p01")], "tree.sum");
    let bytes = |path: &str| fs::read(path).expect("it was written");
    for other in [&reversed, &left, &tree] {
        assert!(bytes(other) == bytes(&flat), "{other}");
    }
    assert!(bytes(&merge(&[&flat], "again.sum")) == bytes(&flat), "the merge of one is that one");

    folder.file("list", a.join("\n"));
    run(&["merge", "--files-from", &at("list"), "-o", &at("listed.sum")]).ends_with(0);
    assert!(bytes(&at("listed.sum")) == bytes(&flat));

    let direct = run(&[&at("in"), "--format", "json"]).ends_with(0).out;
    assert_eq!(run(&["report", &flat, "--format", "json"]).ends_with(0).out, direct);
    assert_eq!(run(&[&["report", "--format", "json"], a.as_slice()].concat()).ends_with(0).out, direct);
}

#[test]
fn an_empty_part_changes_no_count_and_is_only_kept_on_demand() {
    let (folder, parts) = parts("merge-1");
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (name, content) in [("array", "[]"), ("nothing", ""), ("object", "{}"), ("blank", "\n\n")] {
        let empty = folder.file(name, content);
        let account = at("empty.sum");
        run(&["summarize", &empty, "-o", &account, "--allow-empty", "--strict"]).ends_with(0);
        run(&["summarize", &parts[0], "-o", &at("a.sum")]).ends_with(0);
        let alone = run(&["report", &at("a.sum"), "--format", "json"]).ends_with(0).json();
        let both = run(&["report", &account, &at("a.sum"), "--format", "json"]).ends_with(0).json();
        assert_eq!(alone["incidents"], both["incidents"], "{name}");
        assert_eq!(alone["coverage"]["entries"], both["coverage"]["entries"], "{name}");
    }
}

#[test]
fn what_was_not_read_ends_a_strict_run_with_a_status_of_its_own() {
    let (folder, parts) = parts("merge-2");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let whole = fs::read(&parts[0]).expect("it was written");
    let cut = folder.file("cut.json", [b"[", &whole[..200]].concat());
    let gz = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&whole).expect("memory is writable");
        let bytes = encoder.finish().expect("memory is writable");
        folder.file("cut.gz", &bytes[..bytes.len() / 2])
    };
    let missing = at("missing.json");
    for bad in [&cut, &gz, &missing] {
        let output = at("strict.sum");
        let run_strict = run(&["summarize", &parts[1], bad, "--strict", "-o", &output]).ends_with(3);
        assert!(run_strict.err.contains(bad.as_str()), "{}", run_strict.err);
        assert!(!folder.path().join("strict.sum").exists(), "a part of an account is no account");
        assert!(run(&[&parts[1], bad, "--strict"]).ends_with(3).out.contains("firstfault"));
        run(&["summarize", &parts[1], bad, "-o", &at("loose.sum")]).ends_with(0);
        let report = run(&["report", &at("loose.sum"), "--format", "json"]).ends_with(0).json();
        let told = report["coverage"]["sources"].as_array().expect("a list").iter().any(|s| s["name"] == bad.as_str());
        assert!(told, "{bad} stands in the report");
    }
    let summary = at("loose.sum");
    let mistaken = run(&["summarize", &summary, "-o", &at("x.sum")]).ends_with(2);
    assert!(mistaken.err.contains("firstfault merge"), "{}", mistaken.err);
    let mistaken = run(&[&parts[0], &summary, "--strict"]).ends_with(3);
    assert!(mistaken.err.contains("is a summary, not an export"), "{}", mistaken.err);
    let relative = run(&["summarize", &parts[0], "--since", "30m", "-o", &at("x.sum")]).ends_with(2);
    assert!(relative.err.contains("points in time"), "{}", relative.err);
}

#[test]
fn accounts_of_other_signatures_are_told() {
    let (folder, parts) = parts("merge-3");
    let at = |name: &str| folder.path().join(name).display().to_string();
    run(&["summarize", &parts[0], "--signatures", "none", "-o", &at("a.sum")]).ends_with(0);
    let warned = run(&["report", &at("a.sum"), "--format", "json"]).ends_with(0).json();
    assert!(warned["coverage"]["warnings"].to_string().contains("other signatures"), "{}", warned["coverage"]);
    let same = run(&["report", &at("a.sum"), "--signatures", "none", "--format", "json"]).ends_with(0).json();
    assert!(!same["coverage"]["warnings"].to_string().contains("other signatures"));
}

#[test]
fn only_entries_that_count_twice_are_told_to() {
    let (folder, parts) = parts("merge-4");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let copy = folder.file("copy.json", fs::read(&parts[0]).expect("it was written"));
    run(&["summarize", &parts[0], &copy, "-o", &at("one-run.sum")]).ends_with(0);
    let known = run(&["report", &at("one-run.sum"), "--format", "json"]).ends_with(0).json();
    assert!(!known["coverage"]["warnings"].to_string().contains("source_counted_twice"));
    run(&["summarize", &parts[0], "-o", &at("a.sum")]).ends_with(0);
    run(&["summarize", &copy, "-o", &at("b.sum")]).ends_with(0);
    let twice = run(&["report", &at("a.sum"), &at("b.sum"), "--format", "json"]).ends_with(0).json();
    assert!(twice["coverage"]["warnings"].to_string().contains("source_counted_twice"));
}

#[test]
fn a_summary_tells_what_it_holds() {
    let (folder, parts) = parts("merge-5");
    let at = |name: &str| folder.path().join(name).display().to_string();
    run(&["summarize", &parts[0], &parts[3], "-o", &at("a.sum")]).ends_with(0);
    let shown = run(&["summary", "show", &at("a.sum")]).ends_with(0).out;
    for needed in [
        "100 entries, 2026-02-03T10:00:00Z",
        "made by firstfault",
        "of every entry",
        "1 components",
        "2 sources",
        &parts[3],
    ] {
        assert!(shown.contains(needed), "{needed}: {shown}");
    }
    let old = folder.file("old.sum", "firstfault summary 4\n...");
    assert!(run(&["summary", "show", &old]).ends_with(2).err.contains("a summary of version 4"));
}

#[test]
fn a_listed_file_is_quoted_by_its_other_name() {
    let (folder, parts) = parts("merge-6");
    let list = folder.file("list", format!("{}\tgs://logs/a.json\n{}\n", parts[0], parts[1]));
    let report = run(&["--files-from", &list, "--format", "json"]).ends_with(0).json();
    let names: Vec<&str> = report["coverage"]["sources"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|source| source["name"].as_str())
        .collect();
    assert_eq!(names, [parts[1].as_str(), "gs://logs/a.json"]);
}
