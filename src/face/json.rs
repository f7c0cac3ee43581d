//! The report as JSON: pretty, in the order of the types, stable from run to run.

use serde::Serialize;

use super::escape::is_unsafe;
use crate::report::Report;

/// The report as a JSON document that ends with a newline.
///
/// Characters that could act on a terminal or reorder text are written as `\u` escapes: the value is the same.
pub fn render(report: &Report) -> String {
    document(report)
}

/// Any value of a report's kind, in the same way.
pub(super) fn document(value: &impl Serialize) -> String {
    safe(&serde_json::to_string_pretty(value).expect("every map of a report has text keys"))
}

/// Any value whose maps have text keys on one line that ends with a newline, in the same way.
pub fn line(value: &impl Serialize) -> String {
    safe(&serde_json::to_string(value).expect("every map has text keys"))
}

/// JSON with `\u` escapes for characters that act, and a newline at its end.
fn safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            '\n' => safe.push(c),
            // Outside of its strings JSON is ASCII, so what is met here stands inside one.
            c if is_unsafe(c) => push_escape(&mut safe, c),
            c => safe.push(c),
        }
    }
    safe.push('\n');
    safe
}

/// Reads a report that [`render`] wrote.
///
/// # Errors
/// When the text is no JSON or not of this schema.
pub fn parse(text: &str) -> Result<Report, serde_json::Error> {
    serde_json::from_str(text)
}

fn push_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}
