//! `firstfault show`: the entries themselves, so that nobody has to leave the tool to read them.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::args::{InputArgs, ShowArgs};
use super::check::Export;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{paged, print};
use crate::check::redact::Redactor;
use crate::entry::Entry;
use crate::face;
use crate::face::entries::{Shown, lines};
use crate::pattern::{Class, Observation};
use crate::report::wording::counted;
use crate::report::{Cause, Evidence, Incident, Report};
use crate::time::{SECOND, Span, Timestamp};

/// Around a quote this much of its component's log is shown.
const AROUND_NS: i64 = 15 * SECOND;

/// What to show, as it was typed.
enum What {
    Incident(usize),
    Cause(usize),
    Quote(usize),
    Around,
}

/// Prints the entries that were asked for.
pub(super) fn run(args: &ShowArgs) -> Result<ExitStatus, UsageError> {
    let (what, files) = what(args)?;
    let input = InputArgs { files, ..copied(&args.input) };
    let redactor = options::redactor(&args.redaction)?;
    let mut export = Export::open(&input, &args.baseline)?;
    export.catalogue.masks = options::masks(&args.redaction);
    let (report, _) = export.conclude()?;
    let choice = choice(&what, args, &report)?;
    let mut shown: Vec<Shown> = Vec::new();
    let mut n_all = 0u64;
    export.visit(&mut |entry, observation, raw| {
        if !choice.takes(entry, observation, &export) {
            return;
        }
        n_all += 1;
        shown.push(choice.shown(entry, observation, raw, &export));
        // The earliest are kept, in whatever order they come.
        if shown.len() >= 2 * args.limit.max(1) {
            shown.sort();
            shown.truncate(args.limit);
        }
    });
    shown.sort();
    shown.truncate(args.limit);
    if shown.is_empty() {
        return Err(UsageError::new("no entry is there: choose a longer time with --for, or another --service"));
    }
    if let Some(redactor) = &redactor {
        shown.iter_mut().for_each(|entry| redact(redactor, entry));
    }
    let left_out = match n_all - shown.len() as u64 {
        0 => String::new(),
        n => format!("{} left out: --limit {n_all} shows all\n", counted(n, "later entry", "later entries")),
    };
    if args.json {
        let text: String = shown.iter().map(|entry| format!("{}\n", entry.raw)).collect();
        return print(&text);
    }
    let mut terminal = options::terminal(args.color);
    // What goes to another program, or to a file, is not cut.
    if !std::io::stdout().is_terminal() {
        terminal.width = usize::MAX;
    }
    paged(&format!("{}{left_out}", lines(&shown, &terminal)))
}

fn redact(redactor: &Redactor, entry: &mut Shown) {
    entry.message = redactor.redact_text(&entry.message);
    entry.raw = redactor.redact_text(&entry.raw);
}

/// The first word, when it names something of the report, and the files.
fn what(args: &ShowArgs) -> Result<(What, Vec<PathBuf>), UsageError> {
    if args.around.is_some() {
        return Ok((What::Around, args.input.files.clone()));
    }
    let (first, rest) = args.input.files.split_first().ok_or_else(asked_for_nothing)?;
    let text = first.to_string_lossy();
    let number = || text.get(1..).and_then(|digits| digits.parse::<usize>().ok()).filter(|n| *n > 0).map(|n| n - 1);
    let what = match (text.chars().next(), number()) {
        (Some('I' | 'i'), Some(n)) => What::Incident(n),
        (Some('C' | 'c'), Some(n)) => What::Cause(n),
        (Some('E' | 'e'), Some(n)) => What::Quote(n),
        _ => return Err(asked_for_nothing()),
    };
    Ok((what, rest.to_vec()))
}

fn asked_for_nothing() -> UsageError {
    UsageError::new(
        "say what to show: I1 for an incident, C2 for its second cause, E12 for a quote, or --around TIME; then the files",
    )
}

fn copied(input: &InputArgs) -> InputArgs {
    InputArgs {
        files_from: None,
        files: Vec::new(),
        since: input.since.clone(),
        until: input.until.clone(),
        service: input.service.clone(),
        min_severity: input.min_severity,
        common: super::args::CommonArgs {
            signatures: input.common.signatures.clone(),
            max_expansion: input.common.max_expansion,
            max_memory: input.common.max_memory,
            threads: input.common.threads,
            quiet: input.common.quiet,
        },
    }
}

/// Which entries are shown, and which of them show the cause.
struct Choice {
    span: Span,
    /// No component: those of all.
    components: Vec<String>,
    /// The signature of a cause: its entries alone.
    signature: Option<String>,
    failing_only: bool,
    /// Entries that show the cause.
    cause: Vec<(String, u64)>,
    cause_signature: Option<String>,
}

fn choice(what: &What, args: &ShowArgs, report: &Report) -> Result<Choice, UsageError> {
    let places = |evidence: &[Evidence]| evidence.iter().map(|e| (e.source.clone(), e.offset)).collect();
    let first_cause = |incident: &Incident| incident.causes.first().cloned();
    match what {
        What::Incident(n) => {
            let incident = nth(&report.incidents, *n, "incident", 'I')?;
            let cause = first_cause(incident);
            let mut components: Vec<String> = incident.affected.iter().map(|a| a.component.clone()).collect();
            components.extend(incident.causes.iter().map(|cause| cause.component.clone()));
            Ok(Choice {
                span: span_of(incident, report),
                components,
                signature: None,
                failing_only: true,
                cause: cause.as_ref().map_or(Vec::new(), |cause| places(&cause.evidence)),
                cause_signature: cause.map(|cause| cause.signature),
            })
        }
        What::Cause(n) => {
            let incident = nth(&report.incidents, 0, "incident", 'I')?;
            let cause: &Cause = nth(&incident.causes, *n, "cause", 'C')?;
            Ok(Choice {
                span: span_of(incident, report),
                components: Vec::new(),
                signature: Some(cause.signature.clone()),
                failing_only: true,
                cause: places(&cause.evidence),
                cause_signature: Some(cause.signature.clone()),
            })
        }
        What::Quote(n) => {
            let cited = face::cited(report);
            let quote: &Evidence = nth(&cited, *n, "quote", 'E')?;
            Ok(Choice {
                span: around(quote.effect_time, 2 * AROUND_NS),
                components: vec![quote.component.clone()],
                signature: None,
                failing_only: false,
                cause: vec![(quote.source.clone(), quote.offset)],
                cause_signature: None,
            })
        }
        What::Around => {
            let newest = report.coverage.last.unwrap_or_default();
            let at = options::time("--around", args.around.as_deref().unwrap_or_default(), newest)?;
            let cause = report.incidents.first().and_then(first_cause);
            Ok(Choice {
                span: around(at, options::duration("--for", &args.length)?),
                components: Vec::new(),
                signature: None,
                failing_only: false,
                cause: cause.as_ref().map_or(Vec::new(), |cause| places(&cause.evidence)),
                cause_signature: cause.map(|cause| cause.signature),
            })
        }
    }
}

fn nth<'a, T>(items: &'a [T], n: usize, what: &str, letter: char) -> Result<&'a T, UsageError> {
    items.get(n).ok_or_else(|| {
        let there = match items.len() {
            0 => format!("there is no {what}"),
            1 => format!("there is only {letter}1"),
            many => format!("there are {letter}1 to {letter}{many}"),
        };
        UsageError::new(format!("no {what} {letter}{}: {there}", n + 1))
    })
}

fn span_of(incident: &Incident, report: &Report) -> Span {
    let last = incident.episodes.iter().map(|episode| episode.end).max();
    let end = incident.end.or(last).or(report.coverage.last).unwrap_or(incident.start);
    Span { start: incident.start.plus(-AROUND_NS), end: end.plus(SECOND) }
}

fn around(at: Timestamp, length: i64) -> Span {
    Span { start: at.plus(-length / 2), end: at.plus(length / 2) }
}

impl Choice {
    fn takes(&self, entry: &Entry<'_>, observation: &Observation<'_>, export: &Export) -> bool {
        let component = &observation.component.name;
        let of_signature =
            |wanted: &String| self.is_cause(entry, export) || signature(observation, export) == Some(wanted);
        (self.span.start..=self.span.end).contains(&observation.at)
            && (self.components.is_empty() || self.components.contains(component))
            && !(self.failing_only && observation.class == Class::Benign)
            && self.signature.as_ref().is_none_or(of_signature)
    }

    fn is_cause(&self, entry: &Entry<'_>, export: &Export) -> bool {
        let source = export.names.get(entry.origin.source as usize).map_or("", String::as_str);
        self.cause.iter().any(|(name, offset)| *offset == entry.origin.offset && name == source)
    }

    fn shown(&self, entry: &Entry<'_>, observation: &Observation<'_>, raw: &[u8], export: &Export) -> Shown {
        let by_signature = self.cause_signature.as_deref().is_some_and(|id| signature(observation, export) == Some(id));
        Shown {
            at: observation.at,
            place: (entry.origin.source, entry.origin.offset),
            component: observation.component.name.clone(),
            severity: observation.severity.map_or("DEFAULT", |severity| severity.name()).to_owned(),
            instance: observation.instance.unwrap_or_default().to_owned(),
            message: observation.text(entry).into_owned(),
            is_cause: by_signature || self.is_cause(entry, export),
            fails: observation.class == Class::Failure,
            link: link(entry),
            raw: own_object(raw, &entry.insert_id),
        }
    }
}

/// Logs Explorer address of an entry.
fn link(entry: &Entry<'_>) -> Option<String> {
    crate::report::link(&entry.log_name, &entry.insert_id, entry.timestamp?)
}

fn signature<'e>(observation: &Observation<'_>, export: &'e Export) -> Option<&'e str> {
    observation.signature.map(|index| export.catalogue.signatures[index].id.as_str())
}

/// The entry of a record as one line of JSON: a record can be a page of several.
fn own_object(raw: &[u8], insert_id: &str) -> String {
    let whole: serde_json::Value = match serde_json::from_slice(raw) {
        Ok(whole) => whole,
        Err(_) => serde_json::Value::String(String::from_utf8_lossy(raw).into_owned()),
    };
    let pages = whole.get("entries").and_then(|entries| entries.as_array());
    let own = pages.and_then(|entries| entries.iter().find(|entry| entry["insertId"] == insert_id));
    own.unwrap_or(&whole).to_string()
}
