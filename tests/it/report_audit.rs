//! Written postmortems held against an export: what is planted is found, what is true is left in peace.

use crate::report_example;
use firstfault::check::audit::{ClaimKind, Fact, Finding, TextAudit, Unjudged, Verdict, audit, is_refuted, render};
use firstfault::face::{self, Face};
use firstfault::report::{Evidence, Report};

/// Entries of the export: those that the example quotes, each as it stands there.
fn facts(report: &Report) -> Vec<(Evidence, u16)> {
    let incident = &report.incidents[0];
    let causes = incident.causes.iter().flat_map(|cause| &cause.evidence);
    let moments = incident.moments.iter().filter_map(|moment| moment.evidence.as_ref());
    let changes = incident.changes.iter().map(|change| &change.evidence);
    let ruled_out = incident.ruled_out.iter().flat_map(|ruled_out| &ruled_out.evidence);
    let status =
        |evidence: &Evidence| evidence.message.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
    causes.chain(moments).chain(changes).chain(ruled_out).map(|evidence| (evidence.clone(), status(evidence))).collect()
}

fn check(text: &str) -> Vec<Finding> {
    let report = report_example::report();
    let facts = facts(&report);
    let names: Vec<[&str; 2]> = facts.iter().map(|(e, _)| [e.component.as_str(), e.log_name.as_str()]).collect();
    let fact = |((evidence, status), names): (&'static (Evidence, u16), &'static [&str; 2])| Fact {
        message: &evidence.message,
        names,
        time: Some(evidence.effect_time),
        status: (*status >= 100).then_some(*status),
        source: &evidence.source,
        offset: evidence.offset,
        insert_id: &evidence.insert_id,
    };
    let (facts, names) = (facts.clone().leak(), leak_names(&names));
    audit(text, &report, facts.iter().zip(names).map(fact))
}

/// Tests keep their entries for good: the auditor only borrows them.
fn leak_names(names: &[[&str; 2]]) -> &'static [[&'static str; 2]] {
    let keep = |name: &str| -> &'static str { name.to_owned().leak() };
    names.iter().map(|[a, b]| [keep(a), keep(b)]).collect::<Vec<_>>().leak()
}

/// One planted error: its line of text, and what the auditor must say of the claim in it.
fn planted(line: &str, claim: &str, verdict: Verdict, note: &str) {
    let findings = check(line);
    let found = findings.iter().find(|finding| finding.claim.contains(claim));
    let found = found.unwrap_or_else(|| panic!("{claim:?} was not read from {line:?}: {findings:#?}"));
    assert_eq!(found.verdict, verdict, "{found:?}");
    assert!(found.note.contains(note), "{found:?}");
}

#[test]
fn every_planted_error_is_found() {
    use Verdict::{Absent, Contradicted};
    planted("It logged `dial tcp 10.20.0.3:5432: connection refused`.", "refused", Absent, "no entry holds");
    planted(
        "```\n2026-03-02T11:48:02Z ERROR too many clients already\n```",
        "too many clients",
        Absent,
        "no entry holds",
    );
    planted("> FATAL: remaining connection slots are reserved", "slots", Absent, "no entry holds");
    planted("The logs say \"the pool of connections is exhausted now\".", "pool", Absent, "no entry holds");
    planted(
        "`Container called exit(3).` at 11:52:10",
        "11:52:10",
        Contradicted,
        "the quoted entry is of 2026-03-02 11:48:03",
    );
    planted("Failures began at 11:45 UTC.", "11:45", Contradicted, "the onset is at 11:48:02");
    planted(
        "The last failure was long before; it recovered at 11:59:30.",
        "11:59:30",
        Contradicted,
        "the last failure is at 12:21:40",
    );
    planted(
        "At 14:30 the pager rang.",
        "14:30",
        Absent,
        "the export covers 2026-03-02 11:30:04 to 2026-03-02 12:21:40",
    );
    planted("There were 17 restarts.", "17 restarts", Contradicted, "the export gives 15");
    planted("13 of 15 boots began with it", "13 of 15", Contradicted, "14 of 15");
    planted("950 of 982 requests failed", "950 of 982", Contradicted, "951 of 982");
    planted("1,250 failing entries were written", "1,250", Contradicted, "1,260");
    planted("Of 4,800 entries in all", "4,800", Contradicted, "4,812");
    planted("99.2 % of requests failed", "99.2 %", Contradicted, "97.7 %");
    planted("connections timed out after 30 s", "30 s", Contradicted, "20 s");
    planted("it restarted every 5 minutes", "5 minutes", Contradicted, "2 min 12 s");
    planted("the outage lasted 45 minutes", "45 minutes", Contradicted, "33 min 38 s");
    planted("Clients were answered 502.", "answered 502", Contradicted, "503 (1)");
    planted("the container exited with code 137", "137", Contradicted, "3 (15)");
    planted("The service `payments-api` was down.", "payments-api", Absent, "no entry names it");
    planted("in revision checkout-00043-xyz of it", "checkout-00043-xyz", Absent, "no entry names it");
}

#[test]
fn a_true_text_stands() {
    let text = r#"
# Outage of checkout

From 11:48:02 UTC on `checkout` could not reach `acme-prod:europe-west1:orders-db` and exited with code 3.
Connections timed out after 20.0 s; there were 15 restarts, about every 2 minutes.

- 11:48:03 `Container called exit(3).`
- 11:48:02: `sqlalchemy.exc.OperationalError: … port 5432 failed: timeout expired after 20.0 s`

951 of 982 requests (96.8 %) failed, answered 503. 14 of 15 boots agree. It lasted 33 minutes until 12:21.
The export holds 4,812 entries, of which 1,260 failing entries.
"#;
    let findings = check(text);
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.verdict != Verdict::Found).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(findings.len() >= 16 && !is_refuted(&findings), "{} claims", findings.len());
    let exit = findings.iter().find(|finding| finding.claim == "Container called exit(3).").expect("the quote");
    let place = exit.place.as_ref().expect("its entry");
    assert_eq!((exit.line, place.insert_id.as_str(), place.offset), (7, "sys-0001", 1_811_900));
}

#[test]
fn the_own_postmortem_stands() {
    let findings = check(&face::render(&report_example::report(), Face::Markdown, &face::Options::default()));
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.verdict == Verdict::Contradicted).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let absent: Vec<&Finding> = findings
        .iter()
        .filter(|f| f.verdict == Verdict::Absent && matches!(f.kind, ClaimKind::Quote | ClaimKind::Name))
        .collect();
    assert!(absent.is_empty(), "{absent:#?}");
}

#[test]
fn the_order_of_entries_does_not_show() {
    let report = report_example::report();
    let facts = facts(&report);
    let fact = |(evidence, _): &'static (Evidence, u16)| Fact {
        message: &evidence.message,
        names: &[],
        time: Some(evidence.effect_time),
        status: None,
        source: &evidence.source,
        offset: evidence.offset,
        insert_id: &evidence.insert_id,
    };
    let facts: &'static [_] = facts.leak();
    let text = "`dial tcp 10.20.0.3:5432: i/o timeout` at 12:04:31, `checkout` exited with code 3";
    assert_eq!(audit(text, &report, facts.iter().map(fact)), audit(text, &report, facts.iter().rev().map(fact)));
}

#[test]
fn the_rendering_names_line_claim_and_truth() {
    let text = render(&check("\nThere were 17 restarts.\nand 15 exits"), &Unjudged::default());
    assert!(text.contains("line 2: contradicted: 17 restarts\n    the export gives 15"), "{text}");
    assert!(text.ends_with("2 claims: 1 found, 1 contradicted, 0 not in the export\n"), "{text}");
}

/// What an audit cannot judge is said, and refutes nothing.
#[test]
fn what_is_not_judged_is_named() {
    let text = "# What happened\n\nThe team was paged and looked at the wrong service.\nThere were no 418s, and it never exited with code 77.\n";
    let findings = check(text);
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Unjudged), "{findings:#?}");
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(!is_refuted(&findings));
    let long = format!("{text}{}\n", "word ".repeat(5_000));
    let told = render(&findings, TextAudit::new(&long).unjudged());
    for needed in ["not judged: 2 denials", "not judged: 2 lines without", "not judged: 1 lines beyond", "(line 3, 5)"]
    {
        assert!(told.contains(needed), "{told}");
    }
}
