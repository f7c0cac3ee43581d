//! What was typed becomes what the rooms need: times resolved, faces chosen, files read.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::{Face, InputArgs, OutputArgs, RedactionArgs};
use crate::analyze::{self, Bound};
use crate::pattern::Catalogue;
use crate::report::redact::Redactor;
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
    duration_ns(text).map(Bound::BeforeNewest).ok_or_else(|| {
        UsageError::new(format!(
            "{option} {text}: not a time; give RFC 3339 (2025-09-15T20:00:00Z), a date, or a duration such as 30m, 2h, 1d"
        ))
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
    Redactor::new(&redaction.redact).map(Some).map_err(|error| UsageError::new(format!("--redact: {error}")))
}

/// Columns of standard output.
pub(super) fn width() -> usize {
    if std::io::stdout().is_terminal() {
        usize::from(console::Term::stdout().size().1).min(MAX_WIDTH)
    } else {
        PLAIN_WIDTH
    }
}

/// The face that a file's ending asks for.
pub(super) fn face_of(path: &Path) -> Result<Face, UsageError> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    Ok(match ending.as_str() {
        "json" => Face::Json,
        "md" | "markdown" => Face::Markdown,
        "html" | "htm" => Face::Html,
        "txt" | "text" => Face::Table,
        _ => {
            let text =
                format!("-o {}: cannot tell the format; use an ending of .json, .md, .html or .txt", path.display());
            return Err(UsageError::new(text));
        }
    })
}

/// The face of standard output: as asked for, the table by default, nothing when files are written and none was asked for.
pub(super) fn stdout_face(output: &OutputArgs) -> Option<Face> {
    match output.format {
        Some(face) => Some(face),
        None if output.output.is_empty() => Some(Face::Table),
        None => None,
    }
}
