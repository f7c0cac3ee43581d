//! Two programs that use the crate from outside: one embeds the analysis, one brings a signature and a source of its own.

use firstfault::Analysis;
use firstfault::pattern::Catalogue;
use firstfault::source::{Given, Source, Stop};

/// What a service would do after an export landed in its folder: conclude, and tell the first cause.
fn first_cause(export: &str) -> Result<Option<(String, String)>, firstfault::AnalysisError> {
    let report = Analysis::new().threads(2).read([export])?.conclude();
    let first = report.incidents.first().and_then(|incident| incident.causes.first());
    Ok(first.map(|cause| (cause.component.clone(), cause.title.clone())))
}

#[test]
fn a_program_embeds_the_analysis() {
    let found = first_cause("fixtures/expired-certificate/entries.json").expect("the fixture is there");
    let (_, title) = found.expect("there is an incident");
    assert!(title.contains("certificate has expired"), "{title}");
    assert_eq!(first_cause("fixtures/healthy/entries.json.gz").expect("the fixture is there"), None);
}

#[test]
fn what_cannot_be_read_is_an_error_that_names_it() {
    let error = first_cause("no/such/export.json").expect_err("there is no such file");
    assert!(error.to_string().starts_with("no/such/export.json: "), "{error}");
    let system = std::error::Error::source(&error).and_then(std::error::Error::source).expect("the system said why");
    assert!(system.is::<std::io::Error>());
    let none: [&str; 0] = [];
    assert!(Analysis::new().read(none).is_err());
}

#[test]
fn a_healthy_export_is_a_baseline() {
    let export = "fixtures/expired-certificate/entries.json";
    let same = Analysis::new().read([export]).expect("the fixture is there").into_baseline();
    let report = Analysis::new().baseline(same).read([export]).expect("the fixture is there").conclude();
    assert!(report.incidents.is_empty(), "nothing is new against itself: {:?}", report.incidents);
}

/// Words of a product that the catalogue does not know.
const OWN_SIGNATURE: &str = r#"
[[signature]]
id = "acme-ledger-frozen"
title = "The ledger is frozen"
layer = "application"
role = "cause"
specificity = 70
owner = "app"
source = "runbook of the ledger"
mode = "locked"
normally = "never"

[[signature.match]]
any = ["LEDGER_FROZEN"]

[[signature.remedy]]
tier = "now"
text = "Unfreeze the ledger."

[[signature.example]]
entry = '''{"severity":"ERROR","resource":{"type":"k8s_container"},"logName":"projects/acme-prod/logs/stderr","textPayload":"E17 LEDGER_FROZEN by operator"}'''

[[signature.near_miss]]
entry = '''{"severity":"INFO","resource":{"type":"k8s_container"},"logName":"projects/acme-prod/logs/stderr","textPayload":"ledger open"}'''
"#;

/// An export that never was a file.
fn ledger() -> Vec<u8> {
    let line = |second: u32, text: &str, severity: &str| {
        format!(
            r#"{{"timestamp":"2026-05-04T10:00:{second:02}Z","insertId":"{second}","severity":"{severity}","textPayload":"{text}","logName":"projects/acme-prod/logs/run.googleapis.com%2Fstderr","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"ledger","project_id":"acme-prod","location":"europe-west1"}}}}}}"#
        )
    };
    let lines = (0..20).map(|second| line(second, "posting accepted", "INFO"));
    let failing = (20..40).map(|second| line(second, "E17 LEDGER_FROZEN by operator", "ERROR"));
    lines.chain(failing).collect::<Vec<_>>().join("\n").into_bytes()
}

#[test]
fn a_program_brings_a_signature_and_a_source_of_its_own() {
    let catalogue = Catalogue::with_files(&[("own.toml", OWN_SIGNATURE)]).expect("the file is well formed");
    assert!(catalogue.check().is_empty(), "its examples hold");
    let source = Source::Given(Given::bytes("memory", ledger()));
    let report = Analysis::new().catalogue(catalogue).read_sources(vec![source]).expect("there is one").conclude();
    let cause = &report.incidents.first().expect("it is an incident").causes[0];
    assert_eq!((cause.component.as_str(), cause.signature.as_str()), ("ledger", "acme-ledger-frozen"));
    assert_eq!(report.coverage.sources[0].name, "memory");
}

#[test]
fn a_stop_ends_reading_and_is_told() {
    let stop = Stop::default();
    stop.set();
    let source = Source::Given(Given::bytes("memory", ledger()));
    let report = Analysis::new().stop(stop).read_sources(vec![source]).expect("there is one").conclude();
    assert_eq!(report.coverage.warnings[0].code, "interrupted");
}
