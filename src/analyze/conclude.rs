//! Concluding: from an account to a report, to a baseline, to a table of patterns.

use super::read::Reading;
use crate::cause;
use crate::incident::{self, Baseline};
use crate::pattern::Catalogue;
use crate::report::patterns::Patterns;
use crate::report::{Findings, LostRange, Report, SourceCoverage, Warning, compose};

/// What a healthy export leads to expect.
pub fn baseline(mut reading: Reading, catalogue: &Catalogue) -> Baseline {
    let mined = reading.settle(catalogue);
    Baseline::new(&reading.summary, &mined, catalogue)
}

/// The table of all failing patterns.
pub fn patterns(mut reading: Reading, catalogue: &Catalogue, baseline: Option<&Baseline>) -> Patterns {
    let mined = reading.settle(catalogue);
    let scene = incident::detect(&reading.summary, &mined, catalogue, baseline);
    Patterns::new(&scene, baseline)
}

/// Concludes: pure, from the account alone.
pub fn conclude(mut reading: Reading, catalogue: &Catalogue, baseline: Option<&Baseline>) -> Report {
    conclude_once(&mut reading, catalogue, baseline)
}

/// The same for a program that ends soon after: it need not give back a million small texts one by one. The account is of no use
/// afterwards, since the failures that no signature knows are taken out of it.
pub(crate) fn conclude_once(reading: &mut Reading, catalogue: &Catalogue, baseline: Option<&Baseline>) -> Report {
    let mined = reading.settle(catalogue);
    let scene = incident::detect(&reading.summary, &mined, catalogue, baseline);
    let found = cause::conclude(&scene, &reading.summary, catalogue, baseline, reading.told);
    let sources: Vec<String> = reading.sources.iter().map(|read| read.name.clone()).collect();
    let mut report =
        compose(Findings { summary: &reading.summary, catalogue, scene: &scene, found: &found, sources: &sources });
    add_reading(&mut report, reading, &sources);
    report
}

/// Adds what only the reader knows: sources, lost ranges, whether it was stopped.
fn add_reading(report: &mut Report, reading: &Reading, sources: &[String]) {
    let coverage = &mut report.coverage;
    coverage.bytes = reading.sources.iter().map(|read| read.bytes).sum();
    coverage.malformed_bytes = reading.malformed_bytes;
    coverage.malformed = reading
        .malformed
        .iter()
        .map(|lost| LostRange {
            source: sources.get(lost.origin.source as usize).cloned().unwrap_or_default(),
            offset: lost.origin.offset,
            len: lost.len,
            reason: lost.reason.clone(),
        })
        .collect();
    for read in &reading.sources {
        let foreign = read.foreign.as_ref().filter(|_| read.entries == 0);
        let mut warn = |code: &str, text: String| coverage.warnings.push(Warning { code: code.to_owned(), text });
        if let Some(advice) = foreign {
            warn("not_an_export", format!("{}: {advice}", read.name));
        }
        if let Some(error) = &read.error {
            warn("source_error", format!("{}: {error}", read.name));
        }
        if read.unclosed > 0 {
            warn("cut_off", format!("{}: the array is not closed: the export was interrupted", read.name));
        }
        coverage.sources.push(SourceCoverage {
            name: read.name.clone(),
            format: read.format.clone(),
            entries: read.entries,
            bytes: read.bytes,
            digest: read.digest.clone(),
            error: read.error.clone(),
        });
    }
    if reading.interrupted {
        let text = "stopped before the end: what follows is true of the part that was read";
        coverage.warnings.insert(0, Warning { code: "interrupted".to_owned(), text: text.to_owned() });
    }
}
