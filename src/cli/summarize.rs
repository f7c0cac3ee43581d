//! `firstfault summarize`: read, and keep the account in a file.

use super::args::SummarizeArgs;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{note, outputs, print_bytes, reading};
use crate::source;
use crate::summary::archive;

/// Reads, and writes the account.
pub(super) fn run(args: &SummarizeArgs) -> Result<ExitStatus, UsageError> {
    let catalogue = options::catalogue(&args.input.common.signatures)?;
    outputs::refuse_inputs(std::slice::from_ref(&args.output), &args.input.files, &args.input.common.signatures)?;
    let selection = options::selection(&args.input)?;
    reading::on_interrupt();
    let reading = reading::read(&args.input, &selection, &catalogue)?;
    let mut bytes = Vec::new();
    archive::write(&mut bytes, &reading).map_err(|error| UsageError::new(error.to_string()))?;
    if args.output.as_os_str() == "-" {
        print_bytes(&bytes)?;
    } else {
        source::write_private(&args.output, &bytes).map_err(|error| UsageError::new(error.to_string()))?;
    }
    for read in reading.sources.iter().filter(|_| !args.input.common.quiet) {
        if let Some(error) = &read.error {
            note(&format!("firstfault: {}: {error}", read.name));
        }
    }
    Ok(if reading::is_interrupted() { ExitStatus::Interrupted } else { ExitStatus::Done })
}
