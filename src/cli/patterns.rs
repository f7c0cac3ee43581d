//! `firstfault patterns`: the table of all failing patterns.

use super::args::{ListFace, Only, PatternsArgs};
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{print, reading};
use crate::analyze;
use crate::face;
use crate::report::patterns::{Novelty, Patterns};

/// Prints the patterns that were asked for.
pub(super) fn run(args: &PatternsArgs) -> Result<ExitStatus, UsageError> {
    let redactor = options::redactor(&args.redaction)?;
    let catalogue = options::catalogue(&args.input.common.signatures)?.masking(options::masks(&args.redaction));
    let selection = options::selection(&args.input)?;
    reading::on_interrupt();
    let baseline = reading::baseline(&args.baseline, &args.input.common, &catalogue)?;
    let reading = reading::read(&args.input, &selection, &catalogue)?;
    let mut patterns: Patterns = analyze::patterns(reading, &catalogue, baseline.as_ref());
    patterns.patterns.retain(|pattern| is_wanted(args.only, pattern.novelty));
    if let Some(redactor) = redactor {
        patterns = redactor.redact(&patterns).map_err(|error| UsageError::new(error.to_string()))?;
    }
    print(&match args.format {
        ListFace::Table => face::patterns::table(&patterns, options::width()),
        ListFace::Json => face::patterns::json(&patterns),
        ListFace::Csv => face::patterns::csv(&patterns),
    })?;
    Ok(if reading::is_interrupted() { ExitStatus::Interrupted } else { ExitStatus::Done })
}

fn is_wanted(only: Option<Only>, novelty: Novelty) -> bool {
    match only {
        None => true,
        Some(Only::New) => matches!(novelty, Novelty::New | Novelty::Risen),
        Some(Only::Failing) => novelty != Novelty::Noise,
        Some(Only::Noise) => novelty == Novelty::Noise,
    }
}
