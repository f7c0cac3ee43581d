//! Tracebacks of Python, with chains and exception groups.

use super::{Frame, Language, Thrown, Traceback, stem, thrown};

const HEAD: &str = "Traceback (most recent call last):";

/// Exceptions that only steer: what was thrown next says more.
const STEERING: [&str; 8] = [
    "CancelledError",
    "StopIteration",
    "StopAsyncIteration",
    "GeneratorExit",
    "WouldBlock",
    "EndOfStream",
    "ExceptionGroup",
    "BaseExceptionGroup",
];

/// Parts of a path that only code of others has.
const FOREIGN: [&str; 6] = ["site-packages", "dist-packages", "/lib/python", "<frozen", "<string>", "/usr/local/bin/"];

/// One exception with its frames.
#[derive(Default)]
struct PythonException<'m> {
    /// Columns before its margin: members of a group stand further in.
    depth: usize,
    thrown: Thrown<'m>,
    frames: Vec<Frame<'m>>,
}

pub(super) fn read<'m>(lines: &[&'m str]) -> Option<Traceback<'m>> {
    let blocks = blocks(lines);
    let depth = blocks.iter().map(|b| b.depth).min()?;
    let outermost = blocks.iter().rev().find(|b| b.depth == depth)?.thrown;
    let steers = |b: &&PythonException| STEERING.contains(&b.thrown.kind.rsplit('.').next().unwrap_or(""));
    // A chain is printed from the first exception to the last, a group before its members.
    let cause = blocks.iter().find(|b| !steers(b)).or(blocks.last())?;
    let frames = if cause.frames.is_empty() {
        blocks.iter().find(|b| !b.frames.is_empty()).map(|b| b.frames.clone()).unwrap_or_default()
    } else {
        cause.frames.clone()
    };
    Some(Traceback { language: Language::Python, cause: cause.thrown, outermost, frames })
}

fn blocks<'m>(lines: &[&'m str]) -> Vec<PythonException<'m>> {
    let mut blocks = Vec::new();
    let mut open: Option<PythonException> = None;
    for (depth, line) in lines.iter().map(|line| without_gutter(line)) {
        if line.contains(HEAD) {
            open = Some(PythonException { depth, ..PythonException::default() });
            continue;
        }
        let Some(block) = &mut open else { continue };
        if let Some(frame) = frame(line) {
            block.frames.extend(frame);
        } else if let Some(thrown) = exception(line) {
            block.thrown = thrown;
            block.frames.reverse();
            blocks.extend(open.take());
        }
    }
    blocks
}

/// A line without the margin that exception groups are drawn with, and how far in the margin stands.
fn without_gutter(line: &str) -> (usize, &str) {
    let inner = line.trim_start();
    match inner.strip_prefix("| ").or_else(|| inner.strip_prefix("+ ")) {
        Some(rest) => (line.len() - inner.len(), rest),
        None => (0, line),
    }
}

/// The exception at the end of a block: the first line that is not indented. Its class may start with a small letter.
fn exception(line: &str) -> Option<Thrown<'_>> {
    let starts = line.starts_with(|c: char| !c.is_whitespace());
    starts.then_some(())?;
    let (kind, text) = line.split_once(": ").unwrap_or((line, ""));
    let is_name = kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
    let bare = || is_name.then_some(Thrown { kind, text: super::clip(text), line: super::clip(line) });
    thrown(line).or_else(bare)
}

/// A frame: `Some(None)` if it is one of a library.
fn frame(line: &str) -> Option<Option<Frame<'_>>> {
    let rest = line.trim_start().strip_prefix("File ")?.trim_start_matches(['"', '\\']);
    let (path, rest) = rest.split_once(['"', '\\'])?;
    let function = rest.split_once(", in ").map_or("", |(_, function)| function.trim());
    let function = if function == "<module>" { "" } else { function };
    let own = !FOREIGN.iter().any(|part| path.contains(part));
    Some(own.then_some(Frame { place: stem(path), function }))
}
