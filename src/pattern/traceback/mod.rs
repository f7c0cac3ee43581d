//! Tracebacks: which exception of a chain began it, and where in one's own code.
//!
//! Read are Python (chains and exception groups), Java and Kotlin, Node, .NET, Go, Rust, Ruby and PHP, as their runtimes
//! print them. Messages come without terminal escapes and markup.

mod at;
mod join;
mod panic;
mod python;
mod script;

use std::borrow::Cow;

pub use join::{is_continuation, is_head, is_line, spans};

/// Frames of one's own that are part of a traceback's key. More would split one failure by its callers.
const KEY_FRAMES: usize = 2;

/// Lines that are looked at; the longest real entry has a few hundred.
const MAX_LINES: usize = 4_000;

/// Characters of an exception's message that are looked at; longer ones are dumps.
const MAX_TEXT: usize = 400;

/// Whose runtime printed a traceback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Python.
    Python,
    /// Java, Kotlin, Scala.
    Jvm,
    /// JavaScript in Node.
    Node,
    /// C# and the like.
    Dotnet,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
}

/// One exception, error or panic of a traceback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thrown<'m> {
    /// Its type as printed: `psycopg2.OperationalError`, `panic`.
    pub kind: &'m str,
    /// The first line of its message; empty if it has none.
    pub text: &'m str,
    /// The whole line, as printed but for what introduces it (`Caused by:`).
    pub line: &'m str,
}

/// A place in code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'m> {
    /// File without folders and extension, or class without package.
    pub place: &'m str,
    /// Function or method; empty if there is none.
    pub function: &'m str,
}

/// What a traceback says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceback<'m> {
    /// Whose runtime printed it.
    pub language: Language,
    /// The innermost cause: the exception that was thrown first.
    pub cause: Thrown<'m>,
    /// The exception that came out in the end; the same as `cause` without a chain.
    pub outermost: Thrown<'m>,
    /// The frames of one's own code nearest to where it was thrown, innermost first, without those of libraries.
    pub frames: Vec<Frame<'m>>,
}

impl Traceback<'_> {
    /// The text that stands for the traceback when messages are mined: `Type: message @ place.function`.
    ///
    /// Two tracebacks of one failure have the same key whatever their callers and library frames.
    pub fn key(&self) -> String {
        let mut key = self.cause.kind.to_owned();
        if !self.cause.text.is_empty() {
            key.push_str(": ");
            key.push_str(self.cause.text);
        }
        for (n, frame) in self.frames.iter().take(KEY_FRAMES).enumerate() {
            key.push_str(if n == 0 { " @ " } else { " < " });
            key.push_str(frame.place);
            if !frame.function.is_empty() && !frame.place.is_empty() {
                key.push('.');
            }
            key.push_str(frame.function);
        }
        key
    }
}

/// Reads a message as a traceback; `None` if it is none.
pub fn read(message: &str) -> Option<Traceback<'_>> {
    let text = lines(message)?;
    python::read(&text).or_else(|| panic::read(&text)).or_else(|| script::read(&text)).or_else(|| at::read(&text))
}

/// The one line of a message that a person should read: of a traceback its innermost exception, else the first line that
/// is not empty.
pub fn headline(message: &str) -> Cow<'_, str> {
    match read(message) {
        Some(traceback) if traceback.cause.line.is_empty() => Cow::Owned(traceback.key()),
        Some(traceback) => Cow::Borrowed(traceback.cause.line),
        None => Cow::Borrowed(message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")),
    }
}

/// The lines of a message that can be a traceback. Some loggers print line breaks as two characters.
fn lines(message: &str) -> Option<Vec<&str>> {
    if message.contains('\n') {
        return Some(message.lines().take(MAX_LINES).collect());
    }
    if message.contains("\\n")
        && [" File \\\"", " File \"", "\\n    at ", "\\tat ", "goroutine "].iter().any(|f| message.contains(f))
    {
        return Some(message.split("\\n").take(MAX_LINES).collect());
    }
    is_head(message).then(|| vec![message])
}

/// Reads `Type: message`; the type must look like one: a dotted name whose last part starts with a capital letter.
fn thrown(line: &str) -> Option<Thrown<'_>> {
    let line = clip(line.trim());
    let end = line.find(|c: char| !(c.is_alphanumeric() || "_.$\\:`".contains(c))).unwrap_or(line.len());
    // Ruby's `::` and the separating colon look alike until the end of the name.
    let kind = line[..end].trim_end_matches(':');
    let rest = &line[kind.len()..];
    is_type(kind).then_some(())?;
    let rest = rest.strip_prefix(|c| c == ' ').filter(|r| r.starts_with(['(', '['])).map_or(rest, after_bracket);
    let text = match rest.strip_prefix(':') {
        Some(text) => text.trim(),
        None if rest.is_empty() => "",
        None => return None,
    };
    Some(Thrown { kind, text, line })
}

/// What follows a short bracketed code: .NET and Node print `SocketException (111): …` and `Error [ERR_X]: …`.
fn after_bracket(rest: &str) -> &str {
    rest.find([')', ']']).filter(|&at| at < 64).map_or(rest, |at| &rest[at + 1..])
}

/// Reads an exception anywhere in a line of a log: the first name that ends as exceptions do.
fn thrown_within(line: &str) -> Option<Thrown<'_>> {
    let line = clip(line);
    thrown(line).or_else(|| {
        let starts = line.match_indices(' ').map(|(at, _)| at + 1);
        starts.map(|at| &line[at..]).find_map(|rest| thrown(rest).filter(|t| has_exception_ending(t.kind)))
    })
}

fn is_type(kind: &str) -> bool {
    let last = kind.rsplit(['.', '\\', ':', '$']).next().unwrap_or("");
    let head_is_name = kind.starts_with(|c: char| c.is_alphabetic() || c == '_');
    head_is_name && (last.starts_with(char::is_uppercase) || has_exception_ending(last)) && last.len() >= 3
}

fn has_exception_ending(kind: &str) -> bool {
    ["Error", "Exception", "Throwable", "Failure", "Fault", "Interrupt", "Exit", "Warning", "Timeout", "error"]
        .iter()
        .any(|ending| kind.ends_with(ending))
}

/// The beginning of a line, cut between characters.
fn clip(line: &str) -> &str {
    &line[..line.floor_char_boundary(MAX_TEXT)]
}

/// A file's name without folders and extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

#[cfg(test)]
mod tests;
