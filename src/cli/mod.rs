//! The command line: what was typed becomes options, what was found becomes output and an exit status.

mod analysis;
mod args;
mod exit;
mod options;
mod progress;
mod signatures;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::report;

use args::{Cli, Command};
use exit::ExitStatus;
use options::UsageError;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let status = if error.use_stderr() { ExitStatus::Failed } else { ExitStatus::Done };
            let _ = error.print();
            return status.into();
        }
    };
    match run(cli) {
        Ok(status) => status.into(),
        Err(UsageError(text)) => {
            note(&format!("firstfault: {text}"));
            ExitStatus::Failed.into()
        }
    }
}

fn run(cli: Cli) -> Result<ExitStatus, UsageError> {
    match cli.command {
        None => analysis::run(&cli.analyze),
        Some(Command::Analyze(args)) => analysis::run(&args),
        Some(Command::Signatures(command)) => signatures::run(&command),
        Some(Command::Schema) => {
            let schema = serde_json::to_string_pretty(&report::schema()).unwrap_or_default();
            print(&format!("{schema}\n"))
        }
    }
}

/// Writes to standard output. A reader that has gone away is no error: it has seen enough.
fn print(text: &str) -> Result<ExitStatus, UsageError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ExitStatus::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitStatus::Done),
        Err(error) => Err(UsageError::new(format!("standard output: {error}"))),
    }
}

/// Writes a line to standard error.
fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", report::escape::terminal(text));
}
