//! `firstfault analyze` and `firstfault report`: conclude and report, from exports or from what `summarize` kept.

use std::collections::BTreeSet;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use super::args::{AnalyzeArgs, ContextArgs, OutputArgs, ReportArgs};
use super::context::Context;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{outputs, paged, print, reading};
use crate::analyze::{self, Maker, Reading};
use crate::check::redact::Redactor;
use crate::face::{self, Face};
use crate::incident::Baseline;
use crate::pattern::Catalogue;
use crate::report::{Report, Warning};
use crate::source;

/// Reads exports, concludes and reports.
pub(super) fn run(args: &AnalyzeArgs) -> Result<ExitStatus, UsageError> {
    let ready = Ready::new(&args.input.common.signatures, &args.context, &args.output)?;
    outputs::refuse_inputs(&args.output.output, &args.input.files, &args.context.baseline.baseline)?;
    let selection = options::selection(&args.input)?;
    reading::on_interrupt();
    let baseline = reading::baseline(&args.context.baseline, &args.input.common, &ready.catalogue)?;
    let reading = reading::read(&args.input, &selection, &ready.catalogue)?;
    let is_incomplete = args.strict && reading::note_faults(&reading);
    let status = ready.finish(reading, baseline, Vec::new())?;
    Ok(if is_incomplete && status == ExitStatus::Done { ExitStatus::Incomplete } else { status })
}

/// Concludes and reports from summaries.
pub(super) fn run_report(args: &ReportArgs) -> Result<ExitStatus, UsageError> {
    let ready = Ready::new(&args.common.signatures, &args.context, &args.output)?;
    outputs::refuse_inputs(&args.output.output, &args.files, &args.context.baseline.baseline)?;
    let baseline = reading::baseline(&args.context.baseline, &args.common, &ready.catalogue)?;
    let reading = reading::read_archives(&args.files, args.files_from.as_deref())?;
    let mut warnings = copies(&reading);
    warnings.extend(other_makers(&reading, &ready.catalogue));
    ready.finish(reading, baseline, warnings)
}

/// Everything that can be wrong in what was typed was looked at before the first byte is read.
pub(super) struct Ready<'a> {
    pub(super) catalogue: Catalogue,
    context: Context<'a>,
    redactor: Option<Redactor>,
    faces: Vec<(&'a PathBuf, Face)>,
    output: &'a OutputArgs,
}

impl<'a> Ready<'a> {
    pub(super) fn new(
        signatures: &[PathBuf],
        context: &'a ContextArgs,
        output: &'a OutputArgs,
    ) -> Result<Ready<'a>, UsageError> {
        let faces = output.output.iter().map(|path| Ok((path, options::face_of(path)?)));
        Ok(Ready {
            faces: faces.collect::<Result<_, UsageError>>()?,
            redactor: options::redactor(&output.redaction)?,
            catalogue: options::catalogue(signatures)?.masking(options::masks(&output.redaction)),
            context: Context::new(context)?,
            output,
        })
    }

    /// The report without what must not be shown.
    pub(super) fn redacted(&self, report: Report) -> Result<Report, UsageError> {
        let Some(redactor) = &self.redactor else { return Ok(report) };
        redactor.redact_report(report).map_err(|error| UsageError::new(error.to_string()))
    }

    /// How standard output shows a report.
    pub(super) fn terminal(&self) -> face::TerminalOptions {
        options::terminal(self.output.color)
    }

    pub(super) fn finish(
        self,
        reading: Reading,
        baseline: Option<Baseline>,
        warnings: Vec<Warning>,
    ) -> Result<ExitStatus, UsageError> {
        // The program ends soon: giving back a million small texts one by one would cost more than the report.
        let (ready, mut reading) = (ManuallyDrop::new(self), ManuallyDrop::new(reading));
        let mut report = analyze::conclude_once(&mut reading, &ready.catalogue, baseline.as_ref());
        report.coverage.warnings.extend(warnings);
        report = ready.redacted(report)?;
        // After redaction: what is remembered is fit for git, and what a profile says is the team's own.
        ready.context.add_to(&mut report)?;
        write(&report, ready.output, &ready.faces)?;
        Ok(status(&report, ready.output))
    }
}

/// Accounts that were made differently, or with another catalogue than concludes now, do not add up to those of one run.
fn other_makers(reading: &Reading, catalogue: &Catalogue) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |text: &str| {
        warnings.push(Warning { code: "summaries_differ".to_owned(), text: text.to_owned() });
    };
    let has_several = |of: fn(&Maker) -> String| reading.makers.iter().map(of).collect::<BTreeSet<_>>().len() > 1;
    if reading.makers.iter().any(|maker| maker.catalogue != catalogue.digest()) {
        warn("summaries were made with other signatures than report them; give the same --signatures to both");
    }
    if has_several(|maker| maker.version.clone()) {
        warn("summaries were made by several versions of this program; make them again with one");
    }
    if has_several(|maker| maker.selection.clone()) {
        warn("summaries were made with several selections of entries, so counts of one do not compare with another's");
    }
    warnings
}

/// Two runs that read the same bytes counted them twice, and neither could know.
fn copies(reading: &Reading) -> Vec<Warning> {
    let warning = |(first, again): (&str, &str)| Warning {
        code: "source_counted_twice".to_owned(),
        text: format!("{again} holds the same bytes as {first}: its entries count twice; leave one summary out"),
    };
    reading.copies().into_iter().map(warning).collect()
}

/// Writes the files, and then to standard output: what was asked for, or the verdict when only files were.
fn write(report: &Report, output: &OutputArgs, faces: &[(&PathBuf, Face)]) -> Result<(), UsageError> {
    let document = face::DocumentOptions { explain: output.explain, top: output.top };
    for (path, face) in faces {
        let text = face::render(report, *face, &face::Options { document, ..Default::default() });
        source::write_whole(path, &text).map_err(|error| UsageError::new(error.to_string()))?;
    }
    if output.format.is_none() && !faces.is_empty() {
        let paths: Vec<String> = faces.iter().map(|(path, _)| path.display().to_string()).collect();
        let lines = [report.verdict.clone(), format!("wrote {}", paths.join(", "))];
        print(&lines.map(|line| format!("{}\n", face::escape::terminal(&line))).concat())?;
        return Ok(());
    }
    let options = face::Options { terminal: options::terminal(output.color), document };
    let face = options::stdout_face(output);
    if face == Face::Github {
        add_summary(&face::render(report, Face::Markdown, &options))?;
    }
    let text = face::render(report, face, &options);
    paged(&text)?;
    Ok(())
}

/// Adds to the summary of a workflow's job, where there is one: the file that `GITHUB_STEP_SUMMARY` names.
fn add_summary(text: &str) -> Result<(), UsageError> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| UsageError::new(format!("GITHUB_STEP_SUMMARY {}: {error}", path.display())))
}

fn status(report: &Report, output: &OutputArgs) -> ExitStatus {
    if reading::is_interrupted() {
        return ExitStatus::Interrupted;
    }
    let found = |least| report.incidents.iter().any(|incident| incident.priority.reaches(least));
    if output.fail_on.is_some_and(found) { ExitStatus::Found } else { ExitStatus::Done }
}
