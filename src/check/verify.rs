//! A report held against a second one from the same export: every count, time, text and quote.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::check::redact::agrees;
use crate::face::escape::cut;
use crate::report::wording::{self, count};
use crate::report::{Evidence, Report};

/// The analyst's word for a file, which no export tells.
const GIVEN: &str = "given";
/// Fields that come from the history of earlier incidents.
const FROM_HISTORY: &[&str] = &["regression", "earlier_known"];
/// Fields that name a file; only its last part must agree, as an export may be given by another path.
const FILE_NAMES: &[&str] = &["source", "name"];
/// Characters of a value that are shown; a traceback's first lines tell which it is.
const SHOWN_CHARS: usize = 300;
/// Mismatches listed at most; one is enough to fail, and a hostile report could have millions.
const MAX_MISMATCHES: usize = 1000;

/// A place where a report and its export disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// `incidents[0].causes[0].count`.
    pub place: String,
    /// What the report says.
    pub said: String,
    /// What the export gives.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (said, found) = (cut(&self.said, SHOWN_CHARS), cut(&self.found, SHOWN_CHARS));
        let line = format!("{}: the report says {said}, the export gives {found}", self.place);
        f.write_str(&crate::face::escape::terminal(&line))
    }
}

/// Where `report` disagrees with `again`, the report that the export gives now, and with the entries that it quotes.
///
/// `quotes_at` gives the unredacted messages of the record at a source and an offset: several when a record holds several entries, none
/// when there is no record.
///
/// # Errors
/// When a number of a report is not finite, and so has no JSON form.
pub fn verify(
    report: &Report,
    again: &Report,
    quotes_at: impl Fn(&str, u64) -> Vec<String>,
) -> Result<Vec<Mismatch>, serde_json::Error> {
    let mut found = Vec::new();
    if is_foreign(report, again) {
        let names =
            |report: &Report| report.coverage.sources.iter().map(|source| source.name.clone()).collect::<Vec<_>>();
        let (said, derived) = (wording::list(&names(report)), wording::list(&names(again)));
        return Ok(vec![Mismatch { place: "another export".to_owned(), said, found: derived }]);
    }
    let left_out = if again.earlier_known.is_none() { FROM_HISTORY } else { &[] };
    compare("", &serde_json::to_value(report)?, &serde_json::to_value(again)?, left_out, &mut found);
    let mut quotes = Vec::new();
    all_evidence(report, &mut |place, evidence| quotes.extend(check_quote(place, evidence, &quotes_at)));
    found.extend(quotes);
    found.truncate(MAX_MISMATCHES);
    Ok(found)
}

/// Fields of `report` that cannot be compared with `again`, since they come from a history that `again` was not given.
pub fn unchecked(report: &Report, again: &Report) -> &'static [&'static str] {
    let is_recalled = report.earlier_known.is_some() || report.incidents.iter().any(|one| one.regression.is_some());
    if is_recalled && again.earlier_known.is_none() { FROM_HISTORY } else { &[] }
}

/// True when none of the sources of a report was read again: not a figure needs to be compared then.
fn is_foreign(report: &Report, again: &Report) -> bool {
    let digests = |report: &Report| -> BTreeSet<String> {
        report.coverage.sources.iter().map(|source| source.digest.clone()).collect()
    };
    let (said, derived) = (digests(report), digests(again));
    !said.is_empty()
        && !derived.is_empty()
        && said.is_disjoint(&derived)
        && report.coverage.entries != again.coverage.entries
}

/// Where the entries stand that a report quotes: source and offset.
pub fn quoted(report: &Report) -> BTreeSet<(String, u64)> {
    let mut places = BTreeSet::new();
    all_evidence(report, &mut |_, evidence| {
        places.insert((evidence.source.clone(), evidence.offset));
    });
    places
}

fn compare(place: &str, said: &Value, derived: &Value, left_out: &[&str], found: &mut Vec<Mismatch>) {
    if found.len() >= MAX_MISMATCHES {
        return;
    }
    match (said, derived) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names.into_iter().filter(|name| *name != GIVEN && !left_out.contains(&name.as_str())) {
                let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                let (x, y) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
                if !(FILE_NAMES.contains(&name.as_str()) && same_file(x, y)) {
                    compare(&inner, x, y, left_out, found);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                let items = |n: usize| format!("{} items", count(n as u64));
                found.push(Mismatch { place: place.to_owned(), said: items(a.len()), found: items(b.len()) });
            }
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}[{i}]"), x, y, left_out, found);
            }
        }
        _ if said == derived => {}
        _ => found.push(Mismatch { place: place.to_owned(), said: said.to_string(), found: derived.to_string() }),
    }
}

fn same_file(a: &Value, b: &Value) -> bool {
    let last = |value: &Value| value.as_str().map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned());
    last(a).is_some() && last(a) == last(b)
}

fn check_quote(place: String, evidence: &Evidence, quotes_at: &impl Fn(&str, u64) -> Vec<String>) -> Option<Mismatch> {
    let originals = quotes_at(&evidence.source, evidence.offset);
    match originals.first() {
        Some(_) if originals.iter().any(|original| agrees(&evidence.message, original)) => None,
        Some(original) => {
            Some(Mismatch { place, said: format!("{:?}", evidence.message), found: format!("{original:?}") })
        }
        None => {
            let said = format!("an entry at byte {} of {}", evidence.offset, evidence.source);
            Some(Mismatch { place, said, found: "no entry there".to_owned() })
        }
    }
}

/// Every quote of a report with its place.
fn all_evidence<'r>(report: &'r Report, each: &mut impl FnMut(String, &'r Evidence)) {
    for (i, incident) in report.incidents.iter().enumerate() {
        for (j, cause) in incident.causes.iter().enumerate() {
            let place = format!("incidents[{i}].causes[{j}]");
            cause.trigger.iter().for_each(|trigger| each(format!("{place}.trigger.evidence"), &trigger.evidence));
            cause
                .evidence
                .iter()
                .enumerate()
                .for_each(|(k, evidence)| each(format!("{place}.evidence[{k}]"), evidence));
        }
        for (j, ruled_out) in incident.ruled_out.iter().enumerate() {
            let evidence = ruled_out.evidence.iter().enumerate();
            evidence.for_each(|(k, evidence)| each(format!("incidents[{i}].ruled_out[{j}].evidence[{k}]"), evidence));
        }
        let changes = incident.changes.iter().enumerate();
        changes.for_each(|(j, change)| each(format!("incidents[{i}].changes[{j}].evidence"), &change.evidence));
        for (j, moment) in incident.moments.iter().enumerate() {
            moment.evidence.iter().for_each(|evidence| each(format!("incidents[{i}].moments[{j}].evidence"), evidence));
        }
    }
}
