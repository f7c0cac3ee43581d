//! Lines of one traceback that became entries of their own are found again.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{has_exception_ending, thrown, thrown_within};
use crate::entry::{Entry, Payload};

/// Phrases that stand between the parts of a traceback.
const LINKS: [&str; 16] = [
    "Caused by: ",
    "Suppressed: ",
    "During handling of the above exception",
    "The above exception was the direct cause",
    "Stack trace:",
    "stack backtrace:",
    "goroutine ",
    "created by ",
    "[signal ",
    "note: run with `RUST_BACKTRACE",
    "exit status 2",
    "--- End of ",
    "---> ",
    "Next ",
    "[stacktrace]",
    "... ",
];

/// What heads a traceback wherever it stands in a line.
static PYTHON: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Traceback (most recent call last):"));
static PHP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("PHP Fatal error:  Uncaught "));
static RUST: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("panicked at "));

/// True for one line of a traceback that was written line by line.
pub fn is_line(entry: &Entry<'_>) -> bool {
    let message = &entry.message;
    entry.payload == Payload::Text
        && (entry.log_name.ends_with("stdout") || entry.log_name.ends_with("stderr"))
        && memchr::memchr(b'\n', message.trim_end().as_bytes()).is_none()
        && (is_head(message) || is_continuation(message))
}

/// True when a line begins a traceback: a line of its head, or an exception with its message.
pub fn is_head(line: &str) -> bool {
    let line = line.trim_end();
    if line.starts_with([' ', '\t']) {
        return false;
    }
    PYTHON.find(line.as_bytes()).is_some()
        || ["panic: ", "fatal error: ", "Exception in thread \"", "Unhandled exception. ", "Uncaught "]
            .iter()
            .any(|head| line.starts_with(head))
        || PHP.find(line.as_bytes()).is_some()
        || (RUST.find(line.as_bytes()).is_some() && line.contains("thread '"))
        || thrown(line).is_some_and(|t| has_exception_ending(t.kind))
}

/// True when a line belongs to the traceback of the lines before it: a frame, a line of code, or what links a cause.
pub fn is_continuation(line: &str) -> bool {
    let inner = line.trim();
    if inner.is_empty() {
        return false;
    }
    let is_indented = line.starts_with('\t') || line.starts_with("  ");
    is_indented
        || LINKS.iter().any(|link| inner.starts_with(link))
        || inner.starts_with("at ") && (inner.ends_with(')') || inner.contains(":line "))
        || inner.starts_with("File \"") && inner.contains(", line ")
        || inner.starts_with('#') && inner[1..].starts_with(|c: char| c.is_ascii_digit())
        || inner.starts_with("from ") && inner.contains(":in ")
        || matches!(inner, "}" | "]" | "{" | "}," | "]," | ")")
}

/// The tracebacks among lines that were written one after another by one process: each range is one, with its head.
///
/// A head may be the line before the first frame if it names no exception. Ranges of one line are not reported.
pub fn spans(lines: &[&str]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let end = span_end(lines, at);
        if end > at + 1 {
            spans.push(at..end);
        }
        at = end;
    }
    spans
}

/// Where the traceback that starts at `start` ends; the next line if none does.
fn span_end(lines: &[&str], start: usize) -> usize {
    let begins = is_head(lines[start])
        || thrown_within(lines[start]).is_some()
        || lines.get(start + 1).is_some_and(|next| is_frame(next));
    if !begins || (is_continuation(lines[start]) && !is_frame(lines[start])) {
        return start + 1;
    }
    let mut is_python = lines[start].contains("Traceback (most recent call last):");
    let mut end = start + 1;
    while let Some(line) = lines.get(end) {
        let next_head = line.contains("Traceback (most recent call last):");
        if is_continuation(line) || (line.trim().is_empty() && lines.get(end + 1).is_some_and(|l| is_continuation(l))) {
            end += 1;
        } else if next_head && end > start && is_link(lines[end - 1]) {
            (is_python, end) = (true, end + 1);
        } else if next_head && end == start + 1 && !is_python {
            // `Exception in ASGI application`, then the traceback.
            (is_python, end) = (true, end + 1);
        } else if is_python && thrown(line).is_some() {
            // The exception of Python ends its frames; a link may follow.
            (is_python, end) = (false, end + 1);
        } else {
            break;
        }
    }
    end
}

fn is_link(line: &str) -> bool {
    line.starts_with("During handling") || line.starts_with("The above exception")
}

fn is_frame(line: &str) -> bool {
    let inner = line.trim_start();
    inner.len() < line.len() && (inner.starts_with("at ") || inner.starts_with("File \""))
}
