//! The command line: what was typed becomes options, what was found becomes output and an exit status.

mod absent;
mod analysis;
mod args;
mod check;
mod classify;
mod compare;
mod context;
mod exit;
mod export_command;
mod options;
mod outputs;
mod patterns;
mod progress;
mod reading;
mod show;
mod signatures;
mod summarize;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::{face, report};

use args::{Cli, Command, SummaryCommand};
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
            // What was not there may only not have been read yet.
            if reading::is_interrupted() { ExitStatus::Interrupted } else { ExitStatus::Failed }.into()
        }
    }
}

fn run(cli: Cli) -> Result<ExitStatus, UsageError> {
    match cli.command {
        None => analysis::run(&cli.analyze),
        Some(Command::Analyze(args)) => analysis::run(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Patterns(args)) => patterns::run(&args),
        Some(Command::Classify(args)) => classify::run(&args),
        Some(Command::Summarize(args)) => summarize::run(&args),
        Some(Command::Merge(args)) => summarize::run_merge(&args),
        Some(Command::Summary(SummaryCommand::Show { file })) => summarize::run_show(&file),
        Some(Command::Report(args)) => analysis::run_report(&args),
        Some(Command::Watch(args)) => watch::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Verify(args)) => check::run_verify(&args),
        Some(Command::Audit(args)) => check::run_audit(&args),
        Some(Command::Export(args)) => export_command::run(&args),
        Some(Command::Profile(command)) => context::run_profile(&command),
        Some(Command::Signatures(command)) => signatures::run(&command),
        Some(Command::AgentGuide) => print(include_str!("agent-guide.md")),
        Some(Command::Schema) => {
            let schema = serde_json::to_string_pretty(&report::schema()).unwrap_or_default();
            print(&format!("{schema}\n"))
        }
        Some(Command::Completions { shell }) => completions(shell),
        Some(Command::Man) => manual(),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<ExitStatus, UsageError> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "firstfault", &mut text);
    print_bytes(&text)
}

/// The manual page of the program; `help COMMAND` tells the rest.
fn manual() -> Result<ExitStatus, UsageError> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(Cli::command());
    page.render(&mut text).map_err(|error| UsageError::new(error.to_string()))?;
    print_bytes(&text)
}

/// Writes to standard output. A reader that has gone away is no error: it has seen enough.
fn print(text: &str) -> Result<ExitStatus, UsageError> {
    print_bytes(text.as_bytes())
}

/// The same for what is no text.
fn print_bytes(bytes: &[u8]) -> Result<ExitStatus, UsageError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(ExitStatus::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitStatus::Done),
        Err(error) => Err(UsageError::new(format!("standard output: {error}"))),
    }
}

/// Writes to standard output; what is longer than a terminal goes through a pager (`PAGER`, or `less` where it is there).
fn paged(text: &str) -> Result<ExitStatus, UsageError> {
    let height = console::Term::stdout().size_checked().map_or(0, |(rows, _)| usize::from(rows));
    if !io::stdout().is_terminal() || text.lines().count() < height {
        return print(text);
    }
    let asked = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let mut words = asked.split_whitespace();
    let Some(program) = words.next() else { return print(text) };
    let pager = std::process::Command::new(program)
        .args(words)
        .env("LESS", std::env::var("LESS").unwrap_or_else(|_| "FRX".to_owned()))
        .stdin(std::process::Stdio::piped())
        .spawn();
    let Ok(mut pager) = pager else { return print(text) };
    if let Some(mut input) = pager.stdin.take() {
        // A reader who leaves early has seen enough.
        let _ = input.write_all(text.as_bytes());
    }
    let _ = pager.wait();
    Ok(ExitStatus::Done)
}

/// Writes a line to standard error.
fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", face::escape::terminal(text));
}
