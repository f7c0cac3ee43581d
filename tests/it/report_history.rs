//! Incidents that come back, and reports that are compared.

use crate::report_example;
use firstfault::check::history::{self, DifferenceKind, compare, fingerprints, match_earlier};
use firstfault::report::Report;
use firstfault::time::SECOND;

const DAY: i64 = 86_400 * SECOND;

/// The example some days before, with every time of the incident moved.
fn days_before(days: i64) -> Report {
    let mut report = report_example::report();
    let incident = &mut report.incidents[0];
    incident.start = incident.start.plus(-days * DAY);
    for episode in &mut incident.episodes {
        (episode.start, episode.end) = (episode.start.plus(-days * DAY), episode.end.plus(-days * DAY));
    }
    report
}

#[test]
fn the_same_chain_is_known_again() {
    let earlier = fingerprints(&days_before(3));
    let mut report = report_example::report();
    report.incidents[0].chain.remove(5);
    history::recall(&mut report, &earlier);
    let regression = report.incidents[0].regression.clone().expect("a regression");
    assert_eq!((regression.links_equal, regression.links), (6, 6));
    assert_eq!(
        regression.text,
        "same chain as 2026-02-27-checkout-3fa9c27b (ongoing), 6 of 6 links; differs: 1 link of the earlier chain missing; \
         regression after 2 d 23 h"
    );
    assert_eq!(report.earlier_known, Some(1));
}

#[test]
fn the_order_of_the_chain_does_not_matter() {
    let earlier = fingerprints(&days_before(3));
    let mut incident = report_example::report().incidents.remove(0);
    incident.chain[1..].reverse();
    let links = match_earlier(&incident, &earlier).map(|regression| (regression.links_equal, regression.links));
    assert_eq!(links, Some((7, 7)));
}

#[test]
fn the_same_cause_with_the_same_value_is_known_by_itself() {
    let named = |mut report: Report| {
        report.incidents[0].title = "checkout: A required setting is missing: DB_HOST".into();
        report
    };
    let earlier = fingerprints(&named(days_before(3)));
    let mut incident = named(report_example::report()).incidents.remove(0);
    incident.chain.truncate(1);
    assert!(match_earlier(&incident, &earlier).is_some());
    incident.title = "checkout: A required setting is missing: API_KEY".into();
    assert_eq!(match_earlier(&incident, &earlier), None);
}

#[test]
fn the_same_symptoms_of_another_cause_are_not_the_same() {
    let earlier = fingerprints(&days_before(3));
    let mut incident = report_example::report().incidents.remove(0);
    incident.chain[0].signature = "python.missing-module".into();
    assert_eq!(match_earlier(&incident, &earlier), None);
}

#[test]
fn an_incident_is_not_its_own_regression() {
    let report = report_example::report();
    assert_eq!(match_earlier(&report.incidents[0], &fingerprints(&report)), None);
}

#[test]
fn the_latest_of_equal_matches_is_named() {
    let earlier: Vec<_> = [9, 3, 5].iter().flat_map(|days| fingerprints(&days_before(*days))).collect();
    let incident = &report_example::report().incidents[0];
    assert!(match_earlier(incident, &earlier).expect("a regression").of.starts_with("2026-02-27"));
}

#[test]
fn a_fingerprint_is_small_and_reads_back() {
    let fingerprint = fingerprints(&report_example::report()).remove(0);
    let text = history::render(&fingerprint);
    assert!(text.len() < 4096, "{} bytes", text.len());
    assert_eq!(history::parse(&text).expect("reads back"), fingerprint);
}

#[test]
fn a_comparison_tells_new_gone_and_grown() {
    let before = report_example::report();
    let mut after = report_example::report();
    after.patterns.remove(6);
    after.patterns[0].count *= 3;
    after.patterns[1].component = "chat".into();
    let comparison = compare(&before, &after);
    let kinds: Vec<(DifferenceKind, &str)> = comparison.patterns.iter().map(|d| (d.kind, d.title.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (DifferenceKind::New, "WebSocket upgrades fail"),
            (DifferenceKind::Grown, "requests answered 503"),
            (DifferenceKind::Gone, "WebSocket upgrades fail"),
            (DifferenceKind::Gone, "container exits with code 3"),
        ]
    );
    assert!(comparison.is_worse() && comparison.incidents.is_empty());
    let text = comparison.render();
    assert!(
        text.contains(
            "grown   pattern   requests answered 503 at checkout: 741 → 2,223 entries, 861.5 → 2584.5 an hour"
        ),
        "{text}"
    );
}

#[test]
fn the_same_report_shows_no_difference() {
    let report = report_example::report();
    let comparison = compare(&report, &report);
    assert!(!comparison.is_worse());
    assert!(comparison.render().ends_with("nothing is new, gone or grown\n"));
}
