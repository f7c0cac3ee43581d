//! `firstfault analyze`: read, conclude, report.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::{AnalyzeArgs, Face, InputArgs, OutputArgs};
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::progress::Progress;
use super::{note, print};
use crate::analyze::{self, Reading, Selection};
use crate::incident::Baseline;
use crate::pattern::Catalogue;
use crate::report::{self, Report, redact::Redactor};
use crate::source::{self, Source};

/// Columns of a table that is not printed to a terminal.
const WIDTH: usize = 80;

/// Wider tables are harder to read than to print.
const MAX_WIDTH: usize = 120;

/// Set by the first Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Reads, concludes and reports.
pub(super) fn run(args: &AnalyzeArgs) -> Result<ExitStatus, UsageError> {
    let faces = args.output.output.iter().map(|path| Ok((path, options::face_of(path)?)));
    let faces: Vec<(&PathBuf, Face)> = faces.collect::<Result<_, UsageError>>()?;
    let redactor = redactor(&args.output)?;
    let catalogue = options::catalogue(&args.input.signatures)?;
    let selection = options::selection(&args.input)?;
    on_interrupt();
    let baseline = baseline(&args.input, &catalogue)?;
    let reading = read(&args.input, &args.input.files, &selection, &catalogue)?;
    if let Some(reason) = nothing_read(&reading) {
        return Err(UsageError::new(reason));
    }
    let mut report = analyze::conclude(reading, &catalogue, baseline.as_ref(), selection.since.is_some());
    if let Some(redactor) = redactor {
        report = redactor.redact_report(&report).map_err(|error| UsageError::new(error.to_string()))?;
    }
    write(&report, &args.output, &faces)?;
    Ok(status(&report, &args.output))
}

fn redactor(output: &OutputArgs) -> Result<Option<Redactor>, UsageError> {
    if output.no_redact {
        return Ok(None);
    }
    Redactor::new(&output.redact).map(Some).map_err(|error| UsageError::new(format!("--redact: {error}")))
}

/// Reads sources with a bar, and notes what could not be read.
pub(super) fn read(
    input: &InputArgs,
    files: &[PathBuf],
    selection: &Selection,
    catalogue: &Catalogue,
) -> Result<Reading, UsageError> {
    let expansion = source::expand(files);
    for error in &expansion.errors {
        note(&format!("firstfault: {error}"));
    }
    let sources = sources(expansion.sources)?;
    if sources.is_empty() {
        return Err(UsageError::new("nothing to read: no file could be opened"));
    }
    let progress = Progress::new(&sources, input.quiet);
    let options = analyze::Options {
        selection,
        threads: input.threads.unwrap_or(0),
        source: source::Options::default(),
        progress: &|bytes| progress.add(bytes),
        stop: &STOP,
    };
    let reading = analyze::read(&sources, catalogue, options);
    progress.finish();
    Ok(reading)
}

/// The sources in an order that does not depend on how they were typed, each once.
fn sources(mut sources: Vec<Source>) -> Result<Vec<Source>, UsageError> {
    use std::io::stdin;
    sources.sort();
    sources.dedup();
    if sources == [Source::Stdin] && stdin().is_terminal() {
        let text = "no input: give files, or pipe an export in\n\
                    gcloud logging read 'resource.type=\"cloud_run_revision\"' --freshness=1h --format=json | firstfault";
        return Err(UsageError::new(text));
    }
    Ok(sources)
}

fn baseline(input: &InputArgs, catalogue: &Catalogue) -> Result<Option<Baseline>, UsageError> {
    if input.baseline.is_empty() {
        return Ok(None);
    }
    let reading = read(input, &input.baseline, &Selection::default(), catalogue)?;
    match nothing_read(&reading) {
        Some(reason) => Err(UsageError::new(format!("--baseline: {reason}"))),
        None => Ok(Some(analyze::baseline(reading, catalogue))),
    }
}

/// Why there is nothing to conclude from; an export without entries is an answer, not an error.
fn nothing_read(reading: &Reading) -> Option<String> {
    if reading.sources.iter().any(|read| read.entries > 0) {
        return None;
    }
    let reasons: Vec<String> = reading
        .sources
        .iter()
        .filter_map(|read| {
            let reason = read.error.as_ref().or(read.foreign.as_ref())?;
            Some(format!("{}: {reason}", read.name))
        })
        .collect();
    if reasons.is_empty() && reading.sources.iter().any(|read| read.bytes > 0) {
        return Some("no log entries found; export them with: gcloud logging read FILTER --format=json".to_owned());
    }
    (!reasons.is_empty()).then(|| reasons.join("\nfirstfault: "))
}

fn write(report: &Report, output: &OutputArgs, faces: &[(&PathBuf, Face)]) -> Result<(), UsageError> {
    for (path, face) in faces {
        let text = render(report, *face, output, WIDTH, false);
        source::write_whole(path, &text).map_err(|error| UsageError::new(error.to_string()))?;
    }
    if let Some(face) = options::stdout_face(output) {
        let terminal = std::io::stdout().is_terminal();
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = if terminal { usize::from(console::Term::stdout().size().1).min(MAX_WIDTH) } else { WIDTH };
        print(&render(report, face, output, width, color))?;
    }
    Ok(())
}

fn render(report: &Report, face: Face, output: &OutputArgs, width: usize, color: bool) -> String {
    match face {
        Face::Json => report::json::render(report),
        Face::Markdown => report::markdown::render(report),
        Face::Html => report::html::render(report),
        Face::Table => {
            let options = report::table::Options { width, color, explain: output.explain, top: output.top };
            report::table::render(report, &options)
        }
    }
}

fn status(report: &Report, output: &OutputArgs) -> ExitStatus {
    if STOP.load(Ordering::Relaxed) {
        return ExitStatus::Interrupted;
    }
    let found = |least| report.incidents.iter().any(|incident| incident.priority <= least);
    if output.fail_on.is_some_and(found) { ExitStatus::Found } else { ExitStatus::Done }
}

/// The first Ctrl-C ends reading, and what was read is reported; the second ends at once.
fn on_interrupt() {
    // Without a handler Ctrl-C simply ends the program.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            #[allow(clippy::exit, reason = "the second Ctrl-C asks for exactly this")]
            std::process::exit(130);
        }
    });
}
