//! A report held against its export: it stands, and falls with a single digit.

use crate::report_example;
use firstfault::check::verify::{unchecked, verify};
use firstfault::face::json;
use firstfault::report::Report;

/// The message of a record of the export that the example quotes.
fn quotes_at(source: &str, offset: u64) -> Vec<String> {
    let report = report_example::report();
    let incident = &report.incidents[0];
    let causes =
        incident.causes.iter().flat_map(|cause| cause.evidence.iter().chain(cause.trigger.iter().map(|t| &t.evidence)));
    let ruled_out = incident.ruled_out.iter().flat_map(|ruled_out| &ruled_out.evidence);
    let changes = incident.changes.iter().map(|change| &change.evidence);
    let moments = incident.moments.iter().filter_map(|moment| moment.evidence.as_ref());
    let mut all = causes.chain(ruled_out).chain(changes).chain(moments);
    let found = all.find(|evidence| evidence.source == source && evidence.offset == offset);
    found.map(|evidence| evidence.message.clone()).into_iter().collect()
}

fn places(report: &Report) -> Vec<String> {
    let found = verify(report, &report_example::report(), quotes_at).expect("finite numbers");
    found.into_iter().map(|mismatch| mismatch.place).collect()
}

#[test]
fn a_true_report_stands() {
    assert_eq!(places(&report_example::report()), [""; 0]);
}

#[test]
fn one_changed_digit_is_found_wherever_it_is() {
    let text = json::render(&report_example::report());
    let mut tried = 0;
    for (i, line) in text.lines().enumerate() {
        let Some(digit) = line.find(|c: char| c.is_ascii_digit()) else { continue };
        let other = if &line[digit..=digit] == "1" { "2" } else { "1" };
        let changed = format!("{}{other}{}", &line[..digit], &line[digit + 1..]);
        let whole: Vec<&str> =
            text.lines().enumerate().map(|(j, old)| if i == j { changed.as_str() } else { old }).collect();
        let Ok(report) = json::parse(&whole.join("\n")) else { continue };
        assert!(!places(&report).is_empty(), "{changed} was not noticed");
        tried += 1;
    }
    assert!(tried > 300, "{tried}");
}

/// What comes from the history is compared when it was given again, and else is known for unchecked.
#[test]
fn earlier_incidents_are_compared_with_the_history() {
    let mut report = report_example::report();
    report.earlier_known = Some(3);
    let mut again = report.clone();
    let places = |report: &Report, again: &Report| {
        let found = verify(report, again, quotes_at).expect("finite numbers");
        found.into_iter().map(|mismatch| mismatch.place).collect::<Vec<_>>()
    };
    assert_eq!((places(&report, &again), unchecked(&report, &again)), (vec![], &[][..]));
    again.earlier_known = Some(2);
    assert_eq!(places(&report, &again), ["earlier_known"]);
    again.earlier_known = None;
    assert_eq!((places(&report, &again), unchecked(&report, &again)), (vec![], &["regression", "earlier_known"][..]));
}

#[test]
fn a_quote_that_is_not_there_is_named() {
    let mut report = report_example::report();
    report.incidents[0].causes[0].evidence[2].offset += 1;
    let found = verify(&report, &report, quotes_at).expect("finite numbers");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place, "incidents[0].causes[0].evidence[2]");
    assert!(found[0].to_string().contains("no entry there"), "{}", found[0]);
}

#[test]
fn a_redacted_quote_agrees_with_its_entry() {
    let mut report = report_example::report();
    report.incidents[0].causes[0].evidence[2].message = "dial tcp [redacted ip-1]: i/o timeout".into();
    assert!(verify(&report, &report, quotes_at).expect("finite numbers").is_empty());
    report.incidents[0].causes[0].evidence[2].message = "dial tcp [redacted ip-1]: refused".into();
    assert_eq!(verify(&report, &report, quotes_at).expect("finite numbers").len(), 1);
}

#[test]
fn the_export_may_lie_elsewhere() {
    let mut report = report_example::report();
    report.coverage.sources[0].name = "/archive/export.json".into();
    assert_eq!(places(&report), [""; 0]);
}
