//! What was typed becomes what the rooms need: times resolved, faces chosen, files read.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::{ColorWhen, InputArgs, OutputArgs, RedactionArgs, ReportFace};
use crate::analyze::{self, Bound};
use crate::check::redact::Redactor;
use crate::face::{Face, TerminalOptions};
use crate::pattern::Catalogue;
use crate::pattern::secrets::Classes;
use crate::source;
use crate::time::{SECOND, Timestamp};

/// Columns of a table that is not printed to a terminal.
pub(super) const PLAIN_WIDTH: usize = 80;

/// Wider tables are harder to read than to print.
const MAX_WIDTH: usize = 120;

/// What is wrong with what was typed.
#[derive(Debug)]
pub(super) struct UsageError(pub(super) String);

impl UsageError {
    pub(super) fn new(text: impl Into<String>) -> UsageError {
        UsageError(text.into())
    }
}

/// What to select from the input.
pub(super) fn selection(input: &InputArgs) -> Result<analyze::Selection, UsageError> {
    let since = input.since.as_deref().map(|text| bound("--since", text)).transpose()?;
    let until = input.until.as_deref().map(|text| bound("--until", text)).transpose()?;
    let is_reversed = match (since, until) {
        (Some(Bound::At(since)), Some(Bound::At(until))) => since > until,
        (Some(Bound::BeforeNewest(since)), Some(Bound::BeforeNewest(until))) => since < until,
        _ => false,
    };
    if is_reversed {
        return Err(UsageError::new("--since is later than --until: no entry can lie between them"));
    }
    Ok(analyze::Selection { since, until, services: input.service.clone(), min_severity: input.min_severity })
}

fn bound(option: &str, text: &str) -> Result<Bound, UsageError> {
    let whole_day = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    if let Some(at) = Timestamp::parse(text).or_else(whole_day) {
        return Ok(Bound::At(at));
    }
    let of_day = || clock_ns(text).map(Bound::OfDay);
    duration_ns(text).map(Bound::BeforeNewest).or_else(of_day).ok_or_else(|| {
        UsageError::new(format!(
            "{option} {text}: not a time; give RFC 3339 (2025-09-15T20:00:00Z), a date, a time of day (10:05), or a duration such as 30m, \
             2h, 1d"
        ))
    })
}

/// `10:05` or `10:05:30` as nanoseconds since midnight.
fn clock_ns(text: &str) -> Option<i64> {
    let whole = if text.len() == 5 { format!("{text}:00") } else { text.to_owned() };
    Timestamp::parse(&format!("1970-01-01T{whole}Z")).map(|at| at.0)
}

/// A length of time, `30m`.
pub(super) fn duration(option: &str, text: &str) -> Result<i64, UsageError> {
    duration_ns(text)
        .ok_or_else(|| UsageError::new(format!("{option} {text}: not a length of time such as 30s, 2m, 1h")))
}

/// A point in time, on the day of `newest` when only a time of day is given.
pub(super) fn time(option: &str, text: &str, newest: Timestamp) -> Result<Timestamp, UsageError> {
    Ok(match bound(option, text)? {
        Bound::At(at) => at,
        Bound::BeforeNewest(nanos) => newest.plus(-nanos),
        Bound::OfDay(nanos) => newest.plus(-(newest.0 - nanos).rem_euclid(86_400 * SECOND)),
    })
}

fn duration_ns(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let n: i64 = text[..digits].parse().ok()?;
    let seconds = match &text[digits..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    n.checked_mul(seconds)?.checked_mul(SECOND)
}

/// The catalogue: built in, extended, or none.
pub(super) fn catalogue(signatures: &[PathBuf]) -> Result<Catalogue, UsageError> {
    if signatures.iter().any(|path| path.as_os_str() == "none") {
        if signatures.len() > 1 {
            return Err(UsageError::new("--signatures none: no signatures at all, so no file beside it"));
        }
        return Ok(Catalogue::default());
    }
    let texts = signatures.iter().map(|path| text_file(path)).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Catalogue::with_files(&files).map_err(|error| UsageError::new(error.to_string()))
}

/// Name and content of a text file that was named on the command line.
pub(super) fn text_file(path: &Path) -> Result<(String, String), UsageError> {
    let name = path.display().to_string();
    match source::read_text(path) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(UsageError::new(error.to_string())),
    }
}

/// What takes secrets out of quotes, unless it was switched off.
pub(super) fn redactor(redaction: &RedactionArgs) -> Result<Option<Redactor>, UsageError> {
    if redaction.no_redact {
        return Ok(None);
    }
    let redactor = Redactor::new(classes(redaction), &redaction.redact);
    redactor.map(Some).map_err(|error| UsageError::new(format!("--redact: {error}")))
}

/// The classes that are redacted.
fn classes(redaction: &RedactionArgs) -> Classes {
    match redaction.redact_classes.as_slice() {
        _ if redaction.no_redact => Classes::NONE,
        [] => Classes::ALL,
        some => some.iter().fold(Classes::NONE, |classes, class| classes.with((*class).into())),
    }
}

/// What texts are masked of as they are read.
pub(super) fn masks(redaction: &RedactionArgs) -> Classes {
    classes(redaction).and(Classes::NEVER_KEPT)
}

/// Columns of standard output: `COLUMNS`, or those of the terminal.
pub(super) fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    let is_terminal = std::io::stdout().is_terminal();
    let own = is_terminal.then(|| usize::from(console::Term::stdout().size().1).min(MAX_WIDTH));
    asked.or(own).unwrap_or(PLAIN_WIDTH)
}

/// How standard output shows a report. Source of the variables: no-color.org, force-color.org.
pub(super) fn terminal(color: ColorWhen) -> TerminalOptions {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_terminal = std::io::stdout().is_terminal();
    let color = match color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => is_set("FORCE_COLOR") || is_terminal && !is_set("NO_COLOR"),
    };
    TerminalOptions { width: width(), color, links: color && is_terminal }
}

/// The face that a file's ending asks for.
pub(super) fn face_of(path: &Path) -> Result<Face, UsageError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Face::of_name(&name).ok_or_else(|| {
        UsageError::new(format!(
            "-o {}: cannot tell the format; use an ending of .json, .md, .html, .txt, .ticket.md or .slack.json",
            path.display()
        ))
    })
}

/// The face of standard output: as asked for, the first screen by default.
pub(super) fn stdout_face(output: &OutputArgs) -> Face {
    match output.format {
        None | Some(ReportFace::Table) if output.verbose || output.explain => Face::Verbose,
        None | Some(ReportFace::Table) => Face::Screen,
        Some(ReportFace::Json) => Face::Json,
        Some(ReportFace::Markdown) => Face::Markdown,
        Some(ReportFace::Html) => Face::Html,
        Some(ReportFace::Ticket) => Face::Ticket,
        Some(ReportFace::Slack) => Face::Slack,
        Some(ReportFace::Github) => Face::Github,
    }
}
