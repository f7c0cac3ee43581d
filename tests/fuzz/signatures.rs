//! Signature files: read, or refused with the line; what is read can be checked and matched.

use firstfault::entry::{Severity, decode};
use firstfault::framing::Record;
use firstfault::pattern::Catalogue;
use firstfault::source::Origin;
use serde_json::json;

/// The input is a file; its text is also what an entry says.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let n_lines = text.matches('\n').count() + 1;
    match Catalogue::of_files(&[("mine.toml", &text)]) {
        Err(error) => {
            assert!(error.line <= n_lines, "line {} of {n_lines}: {error}", error.line);
            assert!(error.to_string().starts_with("mine.toml:"), "{error}");
        }
        Ok(catalogue) => matches(&catalogue, &text, n_lines),
    }
}

fn matches(catalogue: &Catalogue, text: &str, n_lines: usize) {
    for failure in catalogue.check() {
        assert!((1..=n_lines).contains(&failure.line), "line {} of {n_lines}: {failure}", failure.line);
    }
    assert!(catalogue.edges().all(|(cause, effect, _)| catalogue.reaches(cause, effect).is_some()));
    let entry = json!({"textPayload": text, "httpRequest": {"status": 503}, "severity": "ERROR"}).to_string();
    decode(Record { origin: Origin::default(), bytes: entry.as_bytes() }, &mut |entry| {
        if let Some(found) = catalogue.find(&entry, Severity::Error) {
            assert!(found.signature < catalogue.signatures.len());
        }
    });
}

#[test]
fn the_kept_signature_is_a_good_one() {
    let text = include_str!("../../fixtures/fuzz/signatures/mine.toml.txt");
    let catalogue = Catalogue::of_files(&[("mine.toml", text)]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(catalogue.check(), []);
}
