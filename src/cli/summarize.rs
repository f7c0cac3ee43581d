//! `firstfault summarize` and `firstfault merge`: read, and keep the account in a file; join such files.

use std::path::Path;

use super::args::{MergeArgs, SummarizeArgs};
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{note, outputs, print, print_bytes, reading};
use crate::analyze::Reading;
use crate::face::escape::terminal;
use crate::report::wording::count;
use crate::source;
use crate::summary::archive;

/// Reads, and writes the account.
pub(super) fn run(args: &SummarizeArgs) -> Result<ExitStatus, UsageError> {
    let catalogue = options::catalogue(&args.input.common.signatures)?;
    outputs::refuse_inputs(std::slice::from_ref(&args.output), &args.input.files, &args.input.common.signatures)?;
    let selection = options::selection(&args.input)?;
    if selection.counts_back() {
        return Err(UsageError::new(
            "--since and --until of a part must be points in time: its newest entry is not that of the whole",
        ));
    }
    reading::on_interrupt();
    let reading = match args.allow_empty {
        true => reading::read_any(&args.input, &selection, &catalogue)?,
        false => reading::read(&args.input, &selection, &catalogue)?,
    };
    if args.strict && reading::note_faults(&reading) {
        return Ok(ExitStatus::Incomplete);
    }
    write(&args.output, &reading)?;
    for read in reading.sources.iter().filter(|_| !args.input.common.quiet && !args.strict) {
        if let Some(error) = &read.error {
            note(&format!("firstfault: {}: {error}", read.name));
        }
    }
    Ok(if reading::is_interrupted() { ExitStatus::Interrupted } else { ExitStatus::Done })
}

/// Joins summaries.
pub(super) fn run_merge(args: &MergeArgs) -> Result<ExitStatus, UsageError> {
    outputs::refuse_inputs(std::slice::from_ref(&args.output), &args.files, &[])?;
    write(&args.output, &reading::read_archives(&args.files, args.files_from.as_deref())?)?;
    Ok(ExitStatus::Done)
}

/// Sources that are listed.
const LISTED: usize = 20;

/// Says what a summary holds.
pub(super) fn run_show(path: &Path) -> Result<ExitStatus, UsageError> {
    let reading = reading::read_archive(path)?;
    let (summary, ledger) = (&reading.summary, reading.summary.ledger);
    let mut lines = vec![format!("summary of version {}", archive::VERSION)];
    for maker in &reading.makers {
        let selection = if maker.selection.is_empty() { "every entry" } else { &maker.selection };
        lines
            .push(format!("made by firstfault {}, signatures {:016x}, of {selection}", maker.version, maker.catalogue));
    }
    let span = summary.extent();
    lines.push(match ledger.entries() {
        0 => "no entries".to_owned(),
        n => format!("{} entries, {} to {}", count(n), span.start, span.end),
    });
    lines.push(format!(
        "{} matched, {} mined, {} benign, {} unreadable, {} duplicates, {} outside",
        count(ledger.matched),
        count(ledger.mined),
        count(ledger.benign),
        count(ledger.unreadable),
        count(ledger.duplicates),
        count(ledger.outside)
    ));
    lines.push(format!(
        "{} components, {} series of signatures, {} keys of templates, {} changes, {} records of traces",
        count(summary.components.len() as u64),
        count(summary.known.len() as u64),
        count(summary.mined.crowd() as u64),
        count(summary.changes.len() as u64),
        count(summary.traces.n_records() as u64)
    ));
    lines.push(format!("{} sources", count(reading.sources.len() as u64)));
    lines.extend(reading.sources.iter().take(LISTED).map(|read| {
        format!("  {}: {} entries, {} bytes, {}", read.name, count(read.entries), count(read.bytes), read.digest)
    }));
    lines.extend(reading.faults());
    print(&lines.iter().map(|line| terminal(line).into_owned() + "\n").collect::<String>())
}

fn write(path: &Path, reading: &Reading) -> Result<(), UsageError> {
    let mut bytes = Vec::new();
    archive::write(&mut bytes, reading).map_err(|error| UsageError::new(error.to_string()))?;
    if path.as_os_str() == "-" {
        return print_bytes(&bytes).map(drop);
    }
    source::write_private(path, &bytes).map_err(|error| UsageError::new(error.to_string()))
}
