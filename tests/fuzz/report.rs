//! Reports that a stranger wrote: every face shows only text, and every reader of reports copes.

use std::sync::OnceLock;

use firstfault::check::audit::{self, Fact, audit};
use firstfault::check::redact::Redactor;
use firstfault::check::{history, verify};
use firstfault::face::{DocumentOptions, Face, Options, TerminalOptions, json, render};
use firstfault::pattern::secrets::Classes;
use firstfault::report::Report;

use crate::edits::{Document, assert_plain};
use crate::report_example;

/// What a stranger writes into a report to become markup; see `edits`.
const MARKUP: &str = "<fuzz";

/// An even first byte: the rest is a report's JSON. An odd one: the rest edits a good report.
pub(crate) fn run(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else { return };
    let text =
        if pick % 2 == 0 { String::from_utf8_lossy(bytes).into_owned() } else { document().edited(bytes).to_string() };
    let _ = history::parse(&text);
    if let Ok(report) = json::parse(&text) {
        let written = json::render(&report);
        assert_plain("the JSON", &written);
        assert_eq!(json::parse(&written).expect("what was written is read"), report);
        shows_only_text(&report);
        is_itself(&report);
        is_read_by_others(report);
    }
}

fn shows_only_text(report: &Report) {
    let wide = Options {
        terminal: TerminalOptions { width: 200, ..Default::default() },
        document: DocumentOptions { explain: true, top: 9 },
    };
    let faces = [Face::Verbose, Face::Screen, Face::Ticket, Face::Slack, Face::Markdown, Face::Html, Face::Github];
    for (face, options) in faces.into_iter().flat_map(|face| [(face, wide), (face, Options::default())]) {
        let text = render(report, face, &options);
        assert_plain("a face", &text);
        assert!(face != Face::Html || !text.contains(MARKUP), "the page holds markup of the report");
    }
}

/// Held against itself, a report differs in nothing but its quotes, and nothing is new.
fn is_itself(report: &Report) {
    let quotes_nothing = |_: &str, _: u64| Vec::new();
    let found = verify::verify(report, report, quotes_nothing).expect("its numbers were read from JSON");
    for mismatch in &found {
        assert!(mismatch.found == "no entry there", "{mismatch:?}");
        assert_plain("a mismatch", &mismatch.to_string());
    }
    verify::verify(report, good(), quotes_nothing).expect("its numbers were read from JSON");
    let comparison = history::compare(report, report);
    assert!(!comparison.is_worse(), "{comparison:?}");
    for (a, b) in [(report, good()), (good(), report)] {
        assert_plain("a comparison", &history::compare(a, b).render());
    }
}

/// History, audit and redaction.
fn is_read_by_others(mut report: Report) {
    let fingerprints = history::fingerprints(&report);
    for fingerprint in &fingerprints {
        let text = history::render(fingerprint);
        assert_eq!(history::parse(&text).expect("what was written is read"), *fingerprint);
    }
    history::recall(&mut report, &fingerprints);
    history::recall(&mut good().clone(), &fingerprints);
    let claims = render(&report, Face::Markdown, &Options::default());
    let fact = Fact {
        message: &report.verdict,
        names: &[],
        time: report.coverage.first,
        status: Some(503),
        source: "export.json",
        offset: 0,
        insert_id: "a",
    };
    let findings = audit(&claims, &report, [fact]);
    assert_plain("the findings", &audit::render(&findings, audit::TextAudit::new(&claims).unjudged()));
    redactor().redact_report(report.clone()).expect("a report has a JSON form");
}

fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    REDACTOR.get_or_init(|| Redactor::new(Classes::ALL, &[]).expect("no pattern of one's own"))
}

fn good() -> &'static Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    REPORT.get_or_init(report_example::report)
}

fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| Document::new(serde_json::to_value(good()).expect("a report has a JSON form")))
}

/// Edits that no reader would take test only the reader.
#[test]
fn many_edits_are_taken() {
    let mut made = crate::corpus::Made::new(crate::corpus::kept("report"));
    let taken = (0..200).filter(|_| {
        let edited = document().edited(made.next().get(1..).unwrap_or_default());
        serde_json::from_value::<Report>(edited).is_ok()
    });
    let n = taken.count();
    assert!(n > 60, "{n} of 200");
}
