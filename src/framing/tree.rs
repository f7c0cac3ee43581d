//! Entries as people copy them from the Logs Explorer page, `insertId: "…"` line by line, become JSON objects.
//!
//! Keys and strings stand there without escapes, strings may go over lines, `{3}` stands for an object that was not unfolded,
//! and the last brace is often left behind.

use memchr::memchr;

use super::yaml::{FIRST_KEYS, is_json_scalar, quote};

/// Longest tree; an entry has at most 512 KiB, escapes of its strings aside.
const MAX_TREE: usize = 1 << 20;

/// White space between the brace and the first field, and bytes of that field's name.
const BEGINS_WITHIN: usize = 64;

/// Nesting that a tree may have; entries have a dozen levels.
const MAX_DEPTH: usize = 128;

/// Longest name of a field.
const MAX_KEY: usize = 256;

/// Whether the brace at the start of a line at `at` begins a tree; `None` asks for more bytes.
pub(super) fn begins(bytes: &[u8], at: usize, ended: bool) -> Option<bool> {
    let rest = &bytes[at + 1..];
    let head = &rest[..rest.len().min(BEGINS_WITHIN)];
    let Some(start) = head.iter().position(|b| !b.is_ascii_whitespace()) else {
        return if head.len() == BEGINS_WITHIN || ended { Some(false) } else { None };
    };
    // JSON goes on with a quote.
    if !head[start].is_ascii_lowercase() || memchr(b'\n', &head[..start]).is_none() {
        return Some(false);
    }
    match memchr(b':', &head[start..]) {
        Some(len) => Some(std::str::from_utf8(&head[start..start + len]).is_ok_and(|key| FIRST_KEYS.contains(&key))),
        None if head.len() == BEGINS_WITHIN || ended => Some(false),
        None => None,
    }
}

/// Appends the tree that begins with `bytes` as one line of JSON, and returns its length. `None` asks for more bytes.
pub(super) fn to_json(bytes: &[u8], ended: bool, out: &mut Vec<u8>) -> Option<usize> {
    let ended = ended || bytes.len() >= MAX_TREE;
    let window = &bytes[..bytes.len().min(MAX_TREE)];
    let mut lines = Lines { bytes: window, at: memchr(b'\n', window).map_or(window.len(), |len| len + 1), ended };
    let mut tree = Tree { json: String::from("{"), open: vec![b'}'], is_first: true };
    // The last line that belongs to the tree.
    let mut end = 1;
    while let Some(line) = lines.next()? {
        match tree.line(&line, &mut lines)? {
            Read::On => end = lines.at,
            Read::Blank => {}
            Read::Closed => {
                end = line.start + line.text.len();
                break;
            }
            Read::Other => break,
        }
    }
    tree.close_all();
    out.extend_from_slice(tree.json.as_bytes());
    Some(end.min(window.len()))
}

/// What a line was.
enum Read {
    /// A part of the tree.
    On,
    Blank,
    /// Its last brace.
    Closed,
    /// No part of it: a brace was left behind.
    Other,
}

/// A line without the white space around it, and where it starts.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t [u8],
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// True for a line that cannot be the inside of a string.
    fn is_structure(&self) -> bool {
        matches!(self.text, b"}" | b"]" | b"{") || self.field().is_some_and(|(_, value)| is_value(value))
    }

    /// Name and value of a field.
    fn field(&self) -> Option<(&str, &[u8])> {
        let len = memchr(b':', &self.text[..self.text.len().min(MAX_KEY)])?;
        // Kinds of types hold colons, but no field of an entry is named so.
        let key = std::str::from_utf8(&self.text[..len]).ok()?;
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'{' | b'}'));
        let value = &self.text[len + 1..];
        (is_key && (value.is_empty() || value[0] == b' ')).then(|| (key, value.trim_ascii()))
    }
}

fn is_value(value: &[u8]) -> bool {
    matches!(value.first(), Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9'))
        || matches!(value, b"true" | b"false" | b"null")
}

/// The lines of a tree from one place on.
struct Lines<'t> {
    bytes: &'t [u8],
    at: usize,
    ended: bool,
}

impl<'t> Lines<'t> {
    /// The next line, `Some(None)` behind the last; `None` asks for more bytes.
    #[allow(clippy::option_option, reason = "the two kinds of nothing are what it tells")]
    fn next(&mut self) -> Option<Option<Line<'t>>> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return self.ended.then_some(None);
        }
        let len = match memchr(b'\n', rest) {
            Some(len) => len,
            None if self.ended => rest.len(),
            None => return None,
        };
        let text = rest[..len].trim_ascii_start();
        let start = self.at + len - text.len();
        self.at += (len + 1).min(rest.len());
        Some(Some(Line { start, text: text.trim_ascii_end() }))
    }

    /// Whether the next line that is not blank belongs to the structure; so does the end.
    fn structure_follows(&self) -> Option<bool> {
        let mut lines = Lines { ..*self };
        while let Some(line) = lines.next()? {
            if !line.is_blank() {
                return Some(line.is_structure());
            }
        }
        Some(true)
    }

    /// Where the string ends whose first line was just read, as the index of its last quote: at the first quote at the end of
    /// a line behind which the structure goes on; behind it the lines go on. Never beyond the next tree.
    fn string_end(&mut self, first: Line<'t>) -> Option<usize> {
        let mut fallback = None;
        let mut line = first;
        let mut is_first = true;
        loop {
            let n_least = if is_first { 2 } else { 1 };
            let value = if is_first { line.field().map_or(line.text, |(_, value)| value) } else { line.text };
            if value.len() >= n_least && value.ends_with(b"\"") {
                let end = line.start + line.text.len() - 1;
                if self.structure_follows()? {
                    return Some(end);
                }
                fallback = fallback.or(Some((end, self.at)));
            }
            is_first = false;
            let before = self.at;
            match self.next()? {
                Some(next) if next.text != b"{" => line = next,
                _ => {
                    // Nothing ends it: it is that line, or all up to here.
                    let (end, at) = fallback.unwrap_or((before, before));
                    self.at = at;
                    return Some(end);
                }
            }
        }
    }
}

/// A tree while it is written as JSON.
struct Tree {
    json: String,
    /// Closing brackets of what is open, the outermost first.
    open: Vec<u8>,
    /// True before the first member of what was opened last.
    is_first: bool,
}

impl Tree {
    fn line<'t>(&mut self, line: &Line<'t>, lines: &mut Lines<'t>) -> Option<Read> {
        Some(match line.text {
            b"" => Read::Blank,
            b"}" | b"]" => {
                self.close();
                if self.open.is_empty() { Read::Closed } else { Read::On }
            }
            _ => match line.field() {
                Some((key, value)) if self.open.len() < MAX_DEPTH && is_value(value) => {
                    self.member(key, value, *line, lines)?;
                    Read::On
                }
                _ => Read::Other,
            },
        })
    }

    fn member<'t>(&mut self, key: &str, value: &[u8], line: Line<'t>, lines: &mut Lines<'t>) -> Option<()> {
        match value {
            b"{" | b"[" => {
                self.name(key);
                self.json.push(if value == b"{" { '{' } else { '[' });
                self.open.push(if value == b"{" { b'}' } else { b']' });
                self.is_first = true;
            }
            // Not unfolded: nothing is known of it.
            [b'{' | b'[', ..] => {}
            [b'"', ..] => {
                let start = line.start + line.text.len() - value.len() + 1;
                let end = lines.string_end(line)?;
                self.name(key);
                quote(&String::from_utf8_lossy(&lines.bytes[start..end.max(start)]), &mut self.json);
            }
            _ => {
                self.name(key);
                let text = String::from_utf8_lossy(value);
                if is_json_scalar(&text) { self.json.push_str(&text) } else { quote(&text, &mut self.json) }
            }
        }
        Some(())
    }

    /// Writes what stands before a value. The items of a list are numbered in the tree.
    fn name(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.json.push(',');
        }
        if self.open.last() != Some(&b']') {
            quote(key, &mut self.json);
            self.json.push(':');
        }
    }

    fn close(&mut self) {
        self.is_first = false;
        self.json.extend(self.open.pop().map(char::from));
    }

    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tree: &str, expected: &str, rest: &str) {
        let mut out = Vec::new();
        let len = to_json(tree.as_bytes(), true, &mut out).expect("nothing follows");
        assert_eq!((String::from_utf8_lossy(&out).as_ref(), &tree[len..]), (expected, rest), "{tree}");
    }

    #[test]
    fn a_tree_becomes_json() {
        check(
            "{\ninsertId: \"a\"\nlabels: {1}\nresource: {\nlabels: {\nk8s-pod/app: \"x\"\n}\ntype: \"gae_app\"\n}\nn: 7\nok: true\n}\nmore",
            r#"{"insertId":"a","resource":{"labels":{"k8s-pod/app":"x"},"type":"gae_app"},"n":7,"ok":true}"#,
            "\nmore",
        );
        check("{\n  list: [\n    0: \"a\"\n    1: {\n      b: 2\n    }\n  ]\n}", r#"{"list":["a",{"b":2}]}"#, "");
    }

    #[test]
    fn strings_hold_quotes_and_lines() {
        check("{\ntextPayload: \"a {b:\"c\"} d\"\nx: 1\n}", r#"{"textPayload":"a {b:\"c\"} d","x":1}"#, "");
        check(
            "{\ntextPayload: \"Traceback:\n  File \"x\"\n\nValueError: y\"\nseverity: \"ERROR\"\n}",
            r#"{"textPayload":"Traceback:\n  File \"x\"\n\nValueError: y","severity":"ERROR"}"#,
            "",
        );
    }

    #[test]
    fn a_brace_left_behind_ends_it_where_something_else_follows() {
        check("{\ninsertId: \"a\"\n\n{\ninsertId: \"b\"\n}", r#"{"insertId":"a"}"#, "\n{\ninsertId: \"b\"\n}");
        check("{\ninsertId: \"a\"\nThe end.", r#"{"insertId":"a"}"#, "The end.");
        check("{\ninsertId: \"a", r#"{"insertId":"a"}"#, "");
        check("{\ninsertId: \"a\nb\n{\ninsertId: \"c\"", r#"{"insertId":"a\nb\n"}"#, "{\ninsertId: \"c\"");
    }

    #[test]
    fn json_and_code_are_no_tree() {
        for text in ["{\n\"insertId\": 1}", "{ insertId: 1 }", "{\nreturn x;\n}", "{", "{}", "{\n  name: \"x\"\n}"] {
            assert_eq!(begins(text.as_bytes(), 0, true), Some(false), "{text}");
        }
        assert_eq!(begins(b"{\ninsertId: \"", 0, false), Some(true));
        assert_eq!(begins(b"{\ninse", 0, false), None);
    }
}
