//! A service profile on a whole report: what it adds to each face, marked as given.

use std::collections::{BTreeMap, BTreeSet};

use crate::report_example;
use firstfault::check::profile::Profile;
use firstfault::face::{Face, Options, json, render};
use firstfault::report::{Report, Status};

const PROFILE: &str = r#"
[tracker]
labels = ["incident"]
links = ["https://git.example/acme/runbooks"]

[services.checkout]
team = "payments"
tier = 1
slo = 99.9
depends_on = ["orders-db"]
impact = "Nobody can pay."
labels = ["payments"]
repository = "https://git.example/acme/checkout"

[services.storefront]
team = "web"
tier = 2
depends_on = ["checkout"]

[services.invoices]
depends_on = ["checkout"]

[journeys]
"browse → pay" = ["storefront", "checkout"]
"read mail" = ["mailer"]
"browse" = ["storefront"]

[[assign]]
layer = "network"
priority = "P1"
to = ["net-oncall"]
labels = ["network"]

[[assign]]
layer = "database"
to = ["dba"]

[owners]
network = "net-oncall"

[review]
P0 = "30m"
"#;

fn report() -> Report {
    let mut report = report_example::report();
    Profile::parse("firstfault.toml", PROFILE).expect("a valid profile").apply(&mut report);
    report
}

#[test]
fn the_ticket_is_ready_for_a_tracker() {
    let given = report().given.expect("given");
    let ticket = &given.tickets[0];
    assert_eq!(ticket.title, "[P0] checkout cannot start: connections to Cloud SQL time out");
    assert_eq!(ticket.labels, ["incident", "payments", "network"]);
    assert_eq!(ticket.assign, ["net-oncall"]);
    assert_eq!(ticket.services, ["checkout: team payments, tier 1", "storefront: team web, tier 2"]);
    assert_eq!(ticket.dependents, ["invoices"]);
    assert_eq!(ticket.next_review, Some(report_example::at("12:51:40.551")));
    assert_eq!(ticket.slos.len(), 1);
    assert_eq!(ticket.business_impact, ["Nobody can pay."]);
}

#[test]
fn journeys_through_a_dead_service_are_blocked() {
    let given = report().given.expect("given");
    let states: Vec<(&str, &str)> =
        given.tickets[0].journeys.iter().map(|journey| (journey.name.as_str(), journey.state.as_str())).collect();
    assert_eq!(states, [("browse", "DEGRADED"), ("browse → pay", "BLOCKED")]);
}

#[test]
fn nothing_is_reviewed_or_blocked_once_it_is_over() {
    let mut report = report_example::report();
    report.incidents[0].status = Status::Resolved;
    Profile::parse("firstfault.toml", PROFILE).expect("a valid profile").apply(&mut report);
    let ticket = &report.given.expect("given").tickets[0];
    assert_eq!((ticket.next_review, ticket.journeys[1].state.as_str()), (None, "was BLOCKED"));
}

#[test]
fn every_face_marks_it_as_given() {
    let report = report();
    let markdown = render(&report, Face::Markdown, &Options::default());
    assert!(
        markdown.contains("Given by `firstfault.toml`, not observed") && markdown.contains("BLOCKED"),
        "{markdown}"
    );
    assert!(render(&report, Face::Html, &Options::default()).contains("not observed"));
    let screen = render(&report, Face::Screen, &Options::default());
    assert!(screen.contains("browse → pay: BLOCKED since 11:48:02"), "{screen}");
    let whole = render(&report, Face::Verbose, &Options::default());
    assert!(whole.contains("net-oncall (given)"), "{whole}");
    let back = json::parse(&json::render(&report)).expect("reads back");
    assert_eq!(back, report);
}

#[test]
fn the_template_is_a_profile() {
    let services = BTreeMap::from([("shop \"x\"".to_owned(), BTreeSet::from(["orders-db".to_owned()]))]);
    let text = Profile::template(&services);
    let profile = Profile::parse("new.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(profile.check(), [""; 0], "{text}");
    let uncommented: String = text.lines().map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
    assert!(uncommented.contains("team = ") && text.contains("depends_on = [\"orders-db\"]"));
}
