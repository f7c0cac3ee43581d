//! `firstfault summarize` and `firstfault merge`: read, and keep the account in a file; join such files.

use std::path::Path;

use super::args::{MergeArgs, SummarizeArgs};
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{note, outputs, print_bytes, reading};
use crate::analyze::Reading;
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

fn write(path: &Path, reading: &Reading) -> Result<(), UsageError> {
    let mut bytes = Vec::new();
    archive::write(&mut bytes, reading).map_err(|error| UsageError::new(error.to_string()))?;
    if path.as_os_str() == "-" {
        return print_bytes(&bytes).map(drop);
    }
    source::write_private(path, &bytes).map_err(|error| UsageError::new(error.to_string()))
}
