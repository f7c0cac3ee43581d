//! `firstfault compare`: what changed between two reports.

use std::path::Path;

use super::args::CompareArgs;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::print;
use crate::check::history;
use crate::face;
use crate::report::{self, Report};

/// Prints what changed; the status says whether it got worse.
pub(super) fn run(args: &CompareArgs) -> Result<ExitStatus, UsageError> {
    let comparison = history::compare(&report_of(&args.before)?, &report_of(&args.after)?);
    print(&comparison.render())?;
    Ok(if comparison.is_worse() { ExitStatus::Found } else { ExitStatus::Done })
}

/// Reads a JSON report.
pub(super) fn report_of(path: &Path) -> Result<Report, UsageError> {
    let (name, text) = options::text_file(path)?;
    let report = face::json::parse(&text)
        .map_err(|error| UsageError::new(format!("{name}: not a JSON report (-o report.json makes one): {error}")))?;
    if report.schema != report::SCHEMA {
        let text = format!("{name}: a report of schema {}; this firstfault reads {}", report.schema, report::SCHEMA);
        return Err(UsageError::new(text));
    }
    Ok(report)
}
