//! `firstfault classify`: every entry as one line of JSON with its pattern.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::RwLock;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::args::{ClassifyArgs, LineFace};
use super::exit::ExitStatus;
use super::note;
use super::options::{self, UsageError};
use super::reading::{self, Input, Passes};
use crate::analyze::{self, Classified, Learnt, Selection};
use crate::check::redact::Redactor;
use crate::face;
use crate::pattern::Catalogue;

/// Redacted texts remembered: templates repeat, and looking for secrets costs a thousand times what a look-up does.
const REMEMBERED: usize = 50_000;

/// Bytes of output that are written at once.
const OUT_BYTES: usize = 1 << 16;

/// A line of output.
#[derive(Serialize)]
struct Line<'l> {
    insert_id: &'l str,
    timestamp: Option<crate::time::Timestamp>,
    component: &'l str,
    /// Signature id or `template:…`; none for an entry without a time.
    pattern: Option<String>,
    kind: &'l str,
    template: &'l str,
    /// `DEFAULT` where none is recorded.
    severity: &'l str,
    /// What the text says, where the recorded severity says nothing.
    severity_inferred: Option<&'l str>,
    values: BTreeMap<&'l str, String>,
    source: &'l str,
    offset: u64,
}

/// The columns of a line as comma-separated values.
const COLUMNS: [&str; 11] = [
    "timestamp",
    "component",
    "severity",
    "severity_inferred",
    "kind",
    "pattern",
    "template",
    "values",
    "insert_id",
    "source",
    "offset",
];

impl Line<'_> {
    fn csv(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        face::patterns::csv_row(&[
            self.timestamp.map_or(String::new(), |at| at.to_string()),
            self.component.to_owned(),
            self.severity.to_owned(),
            self.severity_inferred.unwrap_or_default().to_owned(),
            self.kind.to_owned(),
            self.pattern.clone().unwrap_or_default(),
            self.template.to_owned(),
            values.join(" "),
            self.insert_id.to_owned(),
            self.source.to_owned(),
            self.offset.to_string(),
        ])
    }
}

/// Learns, then prints.
pub(super) fn run(args: &ClassifyArgs) -> Result<ExitStatus, UsageError> {
    let catalogue = options::catalogue(&args.input.common.signatures)?.masking(options::masks(&args.redaction));
    let selection = options::selection(&args.input)?;
    let secrets = Secrets::new(options::redactor(&args.redaction)?);
    reading::on_interrupt();
    let passes = if args.patterns.is_some() { Passes::One } else { Passes::Several };
    let input = Input::open(&args.input.common, &args.input.files, &selection, passes)?;
    let learnt = match &args.patterns {
        Some(path) => Learnt::kept(reading::read_archive(path)?, &catalogue),
        None => learn(&input, &selection, &catalogue)?,
    };
    let names: Vec<String> = input.sources.iter().map(|source| source.name()).collect();
    let write = |entry: &Classified<'_>, out: &mut Vec<u8>| secrets.write(entry, &names, args.format, out);
    let mut out = io::BufWriter::with_capacity(OUT_BYTES, io::stdout().lock());
    if args.format == LineFace::Csv {
        out.write_all(face::patterns::csv_row(&COLUMNS.map(str::to_owned)).as_bytes())
            .map_err(|error| UsageError::new(format!("standard output: {error}")))?;
    }
    let told = input.pass(&selection, |options| {
        analyze::classify(&input.sources, &catalogue, &learnt, options, &write, &mut |lines| out.write_all(lines))
    });
    match told.and_then(|errors| out.flush().map(|()| errors)) {
        Ok(errors) => end(&errors),
        // A reader that has gone away has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitStatus::Done),
        Err(error) => Err(UsageError::new(format!("standard output: {error}"))),
    }
}

fn learn(input: &Input, selection: &Selection, catalogue: &Catalogue) -> Result<Learnt, UsageError> {
    let (learnt, reading) = input.pass(selection, |options| Learnt::read(&input.sources, catalogue, options));
    reading::refuse_nothing(&reading, selection)?;
    Ok(learnt)
}

/// What could not be read is said at the end, beside what could.
fn end(errors: &[String]) -> Result<ExitStatus, UsageError> {
    errors.iter().for_each(|error| note(&format!("firstfault: {error}")));
    Ok(if reading::is_interrupted() { ExitStatus::Interrupted } else { ExitStatus::Done })
}

/// Takes secrets out of lines.
struct Secrets {
    redactor: Option<Redactor>,
    known: RwLock<FxHashMap<String, String>>,
}

impl Secrets {
    fn new(redactor: Option<Redactor>) -> Secrets {
        Secrets { redactor, known: RwLock::default() }
    }

    fn write(&self, entry: &Classified<'_>, names: &[String], format: LineFace, out: &mut Vec<u8>) {
        let template = self.without(entry.template);
        let component = self.without(&entry.component.name);
        let values = entry.values.iter().map(|(name, value)| (name.as_ref(), self.without(value))).collect();
        let line = Line {
            insert_id: entry.insert_id,
            timestamp: entry.timestamp,
            component: &component,
            pattern: pattern(entry),
            kind: entry.kind.name(),
            template: &template,
            severity: entry.severity.map_or("DEFAULT", |severity| severity.name()),
            severity_inferred: entry.severity_inferred.map(|severity| severity.name()),
            values,
            source: names.get(entry.origin.source as usize).map_or("", String::as_str),
            offset: entry.origin.offset,
        };
        match format {
            LineFace::Csv => out.extend_from_slice(line.csv().as_bytes()),
            LineFace::Json => out.extend_from_slice(face::json::line(&line).as_bytes()),
        }
    }

    fn without(&self, text: &str) -> String {
        let Some(redactor) = &self.redactor else { return text.to_owned() };
        if let Some(known) = self.known.read().ok().and_then(|known| known.get(text).cloned()) {
            return known;
        }
        let redacted = redactor.redact_text(text);
        if let Ok(mut known) = self.known.write()
            && known.len() < REMEMBERED
        {
            known.insert(text.to_owned(), redacted.clone());
        }
        redacted
    }
}

fn pattern(entry: &Classified<'_>) -> Option<String> {
    match entry.signature {
        Some(id) => Some(id.to_owned()),
        None if entry.template_id.is_empty() => None,
        None => Some(format!("template:{}", entry.template_id)),
    }
}
