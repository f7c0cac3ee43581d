//! Examples and near misses: every signature proves what it says.

use std::fmt;

use super::read::{Error, Example};
use super::{Catalogue, matcher::Matcher};
use crate::entry::{Severity, decode};
use crate::framing::Record;
use crate::source::Origin;

/// An example that does not do what it should, or a matcher that could be better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The file's name.
    pub file: String,
    /// Line of the example or the matcher.
    pub line: usize,
    /// Id of the signature.
    pub signature: String,
    /// What is wrong.
    pub what: String,
    /// It works, but costs time: no reason to refuse a file.
    pub only_a_warning: bool,
}

impl fmt::Display for ExampleFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: signature \"{}\": {}", self.file, self.line, self.signature, self.what)
    }
}

impl From<Error> for ExampleFailure {
    fn from(error: Error) -> ExampleFailure {
        let Error { file, line, signature, what, .. } = error;
        ExampleFailure { file, line, signature: signature.unwrap_or_default(), what, only_a_warning: false }
    }
}

/// Runs the examples of one signature, and looks at how its matchers are gated.
pub(super) fn check(catalogue: &Catalogue, idx: usize, examples: &[Example]) -> Vec<ExampleFailure> {
    let signature = &catalogue.signatures[idx];
    let failure = |line: usize, what: String, only_a_warning: bool| ExampleFailure {
        file: signature.file.clone(),
        line,
        signature: signature.id.clone(),
        what,
        only_a_warning,
    };
    let mut failures = Vec::new();
    if !examples.iter().any(|e| e.matches) {
        failures.push(failure(signature.line, "has no [[signature.example]]".to_owned(), false));
    }
    if !examples.iter().any(|e| !e.matches) {
        failures.push(failure(signature.line, "has no [[signature.near_miss]]".to_owned(), false));
    }
    let wrong = examples.iter().filter_map(|e| Some(failure(e.line, run(catalogue, idx, e)?, false)));
    failures.extend(wrong);
    let slow = catalogue.matchers.iter().filter(|m| m.signature == idx && is_ungated(m));
    let what = "no literal gates this matcher: it is tried on every entry; add any or all";
    failures.extend(slow.map(|m| failure(m.line, what.to_owned(), true)));
    failures
}

fn is_ungated(matcher: &Matcher) -> bool {
    !matcher.has_literal() && !matcher.has_structure()
}

/// What is wrong with an example; `None` when it does what it should.
fn run(catalogue: &Catalogue, idx: usize, example: &Example) -> Option<String> {
    let record = Record { origin: Origin::default(), bytes: example.entry.as_bytes() };
    let mut wrong = None;
    let n_entries = decode(record, &mut |entry| {
        let severity = entry.severity.unwrap_or(Severity::Info);
        wrong = if example.matches {
            let found = catalogue.find(&entry, severity);
            not_won(catalogue, idx, found.as_ref(), example)
        } else {
            let touched = catalogue.matches(&entry, severity, idx);
            touched.then(|| format!("near miss matches: {}", entry.message))
        };
    });
    if n_entries.entries == 1 { wrong } else { Some("the example is not one JSON log entry".to_owned()) }
}

fn not_won(
    catalogue: &Catalogue,
    idx: usize,
    found: Option<&crate::pattern::Match<'_>>,
    example: &Example,
) -> Option<String> {
    let Some(found) = found else { return Some("example matches nothing".to_owned()) };
    if found.signature != idx {
        let winner = &catalogue.signatures[found.signature];
        return Some(format!("example is won by \"{}\" (specificity {})", winner.id, winner.specificity));
    }
    example.values.iter().find_map(|(name, wanted)| {
        let value = found.values.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_ref());
        (value != Some(wanted)).then(|| format!("example: {name} should be \"{wanted}\" and is {value:?}"))
    })
}
