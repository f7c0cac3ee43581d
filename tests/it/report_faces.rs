//! Every face of a whole example report: what it holds, and that nothing in it acts.

use std::path::Path;

use crate::contract::Contract;
use crate::report_example;
use firstfault::face::{DocumentOptions, Face, Options, TerminalOptions, escape, json, render};
use firstfault::report::{Incident, Priority, Report, Status, schema};

fn shown(report: &Report, face: Face) -> String {
    render(report, face, &Options::default())
}

/// The faces of the example as files, to be looked at.
fn keep(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faces");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    std::fs::write(folder.join(name), text).expect("the target folder can be written");
}

fn contract() -> Contract {
    Contract::new(schema()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn the_json_is_what_the_schema_says_and_reads_back() {
    let report = report_example::report();
    let text = json::render(&report);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(contract().breaches(&value), [""; 0]);
    assert_eq!(json::parse(&text).expect("reads back"), report);
    assert!(text.ends_with("}\n"));
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let mut value = serde_json::to_value(report_example::report()).expect("JSON");
    value["schema"] = "firstfault.report/2".into();
    assert_eq!(contract().breaches(&value).len(), 1);
    let mut value = serde_json::to_value(report_example::report()).expect("JSON");
    value["incidents"][0]["priority"] = "P9".into();
    assert_eq!(contract().breaches(&value).len(), 1);
}

#[test]
fn the_postmortem_has_its_sections_in_order() {
    let text = shown(&report_example::report(), Face::Markdown);
    keep("example.md", &text);
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        headings,
        [
            "# Postmortem: checkout cannot start: connections to Cloud SQL time out",
            "## Summary",
            "## Impact",
            "## Root cause",
            "## Trigger",
            "## Resolution",
            "## Detection",
            "## Action items",
            "## Timeline",
            "## Lessons",
        ]
    );
    for needed in
        ["20.0 s", "exit code 3 (15 times)", "2 min 12 s between exits", "951 of 982", "E1", "tmo-0001", "1803441"]
    {
        assert!(text.contains(needed), "{needed} is missing");
    }
    let folded = text.find("<details>").expect("what only some readers open is folded");
    assert!(text[folded..].contains("insertId `tmo-0001`") && !text[..folded].contains("insertId `"));
}

/// Lines of a terminal that one incident may take on the first screen.
const FIRST_SCREEN: usize = 24;

/// Lines that each further one may add.
const FURTHER: usize = 10;

#[test]
fn the_first_screen_fits_and_tells_the_first_things_first() {
    let mut report = report_example::report();
    for width in [60, 80, 120] {
        let terminal = TerminalOptions { width, ..Default::default() };
        for face in [Face::Screen, Face::Verbose] {
            let text = render(&report, face, &Options { terminal, ..Default::default() });
            keep(&format!("example-{face:?}-{width}.txt"), &text);
            for line in text.lines().filter(|line| !line.contains("gcloud") && !line.starts_with("            ")) {
                let columns = unicode_width::UnicodeWidthStr::width(line);
                assert!(columns <= width, "{columns} > {width}: {line}");
            }
        }
    }
    let text = shown(&report, Face::Screen);
    assert!(text.lines().count() <= FIRST_SCREEN, "{text}");
    let mut at = 0;
    for needed in
        ["P0 ONGOING", "11:48:02", "why", "very likely (0.91)", "│", "change", "do", "$ gcloud", "hit", "chain", "more"]
    {
        at += text[at..].find(needed).unwrap_or_else(|| panic!("{needed} is missing, or too early:\n{text}"));
    }
    assert!(!text.contains('\u{1b}'), "colours were not asked for");
    let terminal = TerminalOptions { color: true, ..Default::default() };
    let document = DocumentOptions { explain: true, ..Default::default() };
    let color = render(&report, Face::Verbose, &Options { terminal, document });
    assert!(color.contains('\u{1b}') && color.contains("+1.940 = 0.970 × +2.000"), "{color}");
    report.incidents.push(Incident { id: "I2".into(), ..report.incidents[0].clone() });
    let two = shown(&report, Face::Screen);
    assert!(two.lines().count() <= FIRST_SCREEN + FURTHER, "{two}");
}

#[test]
fn a_ticket_fits_a_comment_and_a_message_is_block_kit() {
    let report = report_example::report();
    let ticket = shown(&report, Face::Ticket);
    keep("example.ticket.md", &ticket);
    assert!(ticket.lines().count() <= 40 && ticket.starts_with("## checkout cannot start"), "{ticket}");
    let message: serde_json::Value = serde_json::from_str(&shown(&report, Face::Slack)).expect("JSON");
    let blocks = message["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50 && message["text"].as_str().is_some_and(|text| text.starts_with("P0 ONGOING")));
    for block in blocks {
        assert_eq!((&block["type"], &block["text"]["type"]), (&"section".into(), &"mrkdwn".into()));
        assert!(block["text"]["text"].as_str().is_some_and(|text| !text.is_empty() && text.len() <= 3000));
    }
}

#[test]
fn the_page_stands_alone_and_leads_with_the_verdict() {
    let page = render(&report_example::report(), Face::Html, &Options::default());
    keep("example.html", &page);
    for outside in ["<script", "<link", "<img", "@import", "url(", "src=", "http://"] {
        assert!(!page.contains(outside), "{outside} reaches out of the page");
    }
    let place = |needed: &str| page.find(needed).unwrap_or_else(|| panic!("{needed} is missing"));
    assert!(place("class=\"verdict\"") < place("<h1>") && place("<h1>") < place("<svg"), "the verdict is not first");
    for needed in ["prefers-color-scheme: dark", "@media print", "max-width: 40rem", "name=\"viewport\"", "<nav>"] {
        place(needed);
    }
    assert!(place("<blockquote>") < place("<details>"), "the quotes are folded");
    balanced(&page);
}

/// Every element that is opened is closed in order.
fn balanced(page: &str) {
    const VOID: &[&str] = &["meta", "br", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        let name = tag.split_whitespace().next().unwrap_or_default().trim_end_matches('/');
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "closing {name}"),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

/// Messages that try to act: on terminals, in Markdown, HTML, Mermaid, spreadsheets.
const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{202e}\n# evil\n```\n<script>alert(1)</script> <img src=x onerror=alert(1)> | | [a](javascript:x) \"]; x --> y; \
     %%{init:{}}%% =1+1 ' \u{9b}31m",
    "\u{1b}]8;;http://evil.example\u{7}click\u{1b}]8;;\u{7}",
    "\n\n# evil\n\n- item\n\n1. one\n\n> quote\n\n---\n\n    code",
    "```\nfence\n`````\n~~~",
    "`a`` b```",
    "<!-- comment",
    "<https://evil.example> http://evil.example www.evil.example evil@evil.example",
    "![image](https://evil.example/x.png) [link][ref]\n[ref]: https://evil.example",
    "</code></pre></details></section><iframe src=//evil.example>",
    "\" onmouseover=\"alert(1)\" x='",
    "| a | b |\n|---|---|\n| c | d |",
    "**bold** _it_ ~~gone~~ $x^2$ &lt;b&gt; &#60;b&#62;",
    "=HYPERLINK(\"http://evil.example\")",
    "\\",
    "\\`",
    "*",
    "-",
    "+ plus",
    "#",
    "\t",
    "",
    "\u{feff}\u{200b}\u{2066}\u{2028}",
];

#[test]
fn a_hostile_report_acts_in_no_face() {
    for (i, evil) in HOSTILE.iter().enumerate() {
        let report = hostile_report(evil);
        let markdown = render(&report, Face::Markdown, &Options::default());
        let table = render(&report, Face::Verbose, &Options::default());
        let screen = shown(&report, Face::Screen);
        let ticket = shown(&report, Face::Ticket);
        let html = render(&report, Face::Html, &Options::default());
        if i == 0 {
            keep("hostile.md", &markdown);
            keep("hostile.txt", &table);
            keep("hostile.html", &html);
        }
        for (face, text) in [
            ("markdown", &markdown),
            ("table", &table),
            ("screen", &screen),
            ("ticket", &ticket),
            ("html", &html),
            ("json", &json::render(&report)),
        ] {
            let acting = text.chars().find(|c| *c != '\n' && escape::is_unsafe(*c));
            assert_eq!(acting, None, "{face} of {evil:?}");
        }
        for markup in ["<script", "<img", "<iframe", "<!--", "javascript:x\"", "href=\"http:", "evil.example\""] {
            assert!(!html.contains(markup), "{markup} in the page of {evil:?}");
        }
        balanced(&html);
        let harmless = skeleton(&render(&hostile_report("harmless"), Face::Markdown, &Options::default()));
        let difference = skeleton(&markdown).into_iter().zip(harmless).enumerate().find(|(_, (a, b))| a != b);
        assert_eq!(difference, None, "markup of {evil:?}");
    }
}

/// The structure of a Markdown document: every element that opens or closes, without texts.
fn skeleton(markdown: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    let name = |event: Event<'_>| match event {
        Event::Text(_) | Event::Code(_) | Event::SoftBreak => None,
        Event::Start(Tag::CodeBlock(_)) => Some("code block".to_owned()),
        other => Some(format!("{other:?}")),
    };
    Parser::new_ext(markdown, Options::all()).filter_map(name).collect()
}

#[test]
fn an_empty_report_has_every_face() {
    let report = Report { incidents: vec![], verdict: "No incident.".into(), ..report_example::report() };
    assert!(render(&report, Face::Markdown, &Options::default()).contains("No incident was found"));
    assert!(render(&report, Face::Verbose, &Options::default()).contains("No incident"));
    assert!(render(&report, Face::Html, &Options::default()).contains("No incident"));
}

#[test]
fn several_incidents_and_bare_ones_have_every_face() {
    let mut report = report_example::report();
    report.incidents.push(bare_incident());
    report.earlier_known = Some(7);
    report.incidents[0].affected[0].component =
        "acme-prod/europe-west1/namespaces/checkout-backend-with-a-very-long-name-00042-abc".into();
    let markdown = render(&report, Face::Markdown, &Options::default());
    keep("two.md", &markdown);
    assert!(markdown.contains("# I1: checkout cannot start") && markdown.contains("# I2: mailer is slow"));
    assert!(markdown.contains("### Root cause") && markdown.contains("The log does not say why."));
    assert!(markdown.contains("Never seen before, in 7 earlier incidents."));
    let table = shown(&report, Face::Screen);
    keep("two.txt", &table);
    assert!(table.contains("P3 RESOLVED") && table.contains("never seen in 7 incidents"), "{table}");
    let page = render(&report, Face::Html, &Options::default());
    keep("two.html", &page);
    balanced(&page);
    assert!(page.contains("href=\"#s1\"") && page.contains("id=\"s1\""));
}

/// An incident of which the export tells next to nothing.
fn bare_incident() -> Incident {
    Incident {
        id: "I2".into(),
        title: "mailer is slow".into(),
        status: Status::Resolved,
        priority: Priority::P3,
        priority_rule: "P3: errors that no request was seen to suffer from".into(),
        end: Some(report_example::at("12:00:00")),
        failure_entries: 3,
        episodes: vec![],
        affected: vec![],
        causes: vec![],
        chain: vec![],
        ruled_out: vec![],
        timeline: vec![],
        changes: vec![],
        moments: vec![],
        restarts: None,
        ..report_example::report().incidents.remove(0)
    }
}

/// The example with every text from logs replaced by an attack, through JSON so that none is forgotten.
fn hostile_report(evil: &str) -> Report {
    let mut value = serde_json::to_value(report_example::report()).expect("JSON");
    poison(&mut value, evil);
    serde_json::from_value(value).expect("still a report")
}

/// Fields of closed types, which no log can fill.
const CLOSED: &[&str] = &[
    "schema",
    "status",
    "priority",
    "start",
    "end",
    "first",
    "last",
    "at",
    "kind",
    "component_kind",
    "layer",
    "first_seen",
    "timestamp",
    "effect_time",
    "basis",
    "part",
];

fn poison(value: &mut serde_json::Value, evil: &str) {
    match value {
        serde_json::Value::String(text) => *text = evil.into(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| poison(item, evil)),
        serde_json::Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if !CLOSED.contains(&name.as_str()) {
                    poison(field, evil);
                }
            }
        }
        _ => {}
    }
}

/// The job summary is appended to, and the annotations are one line an incident.
#[test]
fn a_workflow_gets_annotations_and_a_summary() {
    let folder = crate::binary::Folder::new("github");
    let summary = folder.file("summary.md", "before\n");
    let export = crate::binary::fixtures().join("out-of-memory/entries.json.gz").display().to_string();
    let output = crate::binary::binary(&[&export, "--format", "github", "--fail-on", "P3"])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output();
    let run = crate::binary::finish(output).ends_with(1);
    assert!(run.out.lines().all(|line| line.starts_with("::")), "{}", run.out);
    assert!(run.out.contains("first cause"), "{}", run.out);
    let text = folder.read("summary.md");
    assert!(text.starts_with("before\n") && text.contains("## Root cause"), "{text}");
}
