//! YAML documents, the default format of gcloud, become JSON objects.

use std::fmt::Write as _;

use memchr::memmem;
use saphyr_parser::{Event, Parser, ScalarStyle};

use super::scan::MAX_RECORD;

/// Nesting that a document may have; entries have a dozen levels.
const MAX_DEPTH: usize = 128;

/// Fields of a LogEntry that start a line of the first document.
pub(super) const FIRST_KEYS: [&str; 14] = [
    "errorGroups",
    "httpRequest",
    "insertId",
    "jsonPayload",
    "labels",
    "logName",
    "operation",
    "protoPayload",
    "receiveTimestamp",
    "resource",
    "severity",
    "sourceLocation",
    "textPayload",
    "timestamp",
];

/// True when the input starts like gcloud's YAML: comments, then `---` or a field of an entry.
pub(super) fn is_yaml(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().map(str::trim_end).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let Some(first) = lines.next() else { return false };
    let is_field = |line: &str| {
        let line = line.strip_prefix("- ").unwrap_or(line);
        line.split_once(':')
            .is_some_and(|(key, rest)| FIRST_KEYS.contains(&key) && (rest.is_empty() || rest.starts_with(' ')))
    };
    if first == "---" { lines.next().is_some_and(is_field) } else { is_field(first) }
}

/// Where the document that starts at `at` ends: before the next `---` line. `None` asks for more bytes.
pub(super) fn document_end(bytes: &[u8], at: usize, ended: bool) -> Option<usize> {
    let mut from = at;
    while let Some(found) = memmem::find(&bytes[from..], b"\n---") {
        let start = from + found + 1;
        match bytes.get(start + 3) {
            Some(b'\n' | b'\r' | b' ') => return Some(start),
            None if !ended => return None,
            None => return Some(start),
            Some(_) => from = start,
        }
    }
    (ended || bytes.len() - at >= MAX_RECORD).then_some(bytes.len())
}

/// Appends the document as one line of JSON; `false` when it is empty.
pub(super) fn to_json(document: &[u8], out: &mut Vec<u8>) -> Result<bool, String> {
    if document.len() >= MAX_RECORD {
        return Err("a YAML document longer than 16 MiB".to_owned());
    }
    let text = String::from_utf8_lossy(document);
    let mut writer = Writer { out: String::new(), open: Vec::new() };
    for event in Parser::new_from_str(&text) {
        let (event, _) = event.map_err(|e| format!("not YAML: {e}"))?;
        writer.event(event)?;
    }
    let is_record = writer.out.starts_with(['{', '[']);
    if is_record {
        out.extend_from_slice(writer.out.as_bytes());
    } else if !writer.out.is_empty() && writer.out != "null" {
        return Err("a YAML document without fields".to_owned());
    }
    Ok(is_record)
}

/// Writes events as JSON.
struct Writer {
    out: String,
    open: Vec<Container>,
}

/// An open mapping (with the number of nodes seen in it) or sequence.
enum Container {
    Mapping(usize),
    Sequence(usize),
}

impl Writer {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, _, _) => {
                self.separate();
                let is_key = matches!(self.open.last(), Some(Container::Mapping(n)) if n % 2 == 1);
                if !is_key && style == ScalarStyle::Plain && is_json_scalar(&text) {
                    self.out.push_str(&text);
                } else if !is_key && style == ScalarStyle::Plain && matches!(&*text, "" | "~") {
                    self.out.push_str("null");
                } else {
                    quote(&text, &mut self.out);
                }
            }
            Event::MappingStart(..) => self.open_container('{', Container::Mapping(0))?,
            Event::SequenceStart(..) => self.open_container('[', Container::Sequence(0))?,
            Event::MappingEnd => self.close_container('}'),
            Event::SequenceEnd => self.close_container(']'),
            // Nothing that gcloud writes; expanding aliases is how small documents become huge.
            Event::Alias(_) => return Err("a YAML alias".to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn open_container(&mut self, bracket: char, container: Container) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("YAML nested more than {MAX_DEPTH} levels deep"));
        }
        if matches!(self.open.last(), Some(Container::Mapping(n)) if n % 2 == 0) {
            return Err("a YAML key that is not text".to_owned());
        }
        self.separate();
        self.out.push(bracket);
        self.open.push(container);
        Ok(())
    }

    fn close_container(&mut self, bracket: char) {
        self.open.pop();
        self.out.push(bracket);
    }

    /// Writes what stands before the next node and counts it.
    fn separate(&mut self) {
        match self.open.last_mut() {
            Some(Container::Mapping(n)) => {
                match *n {
                    0 => {}
                    n if n % 2 == 1 => self.out.push(':'),
                    _ => self.out.push(','),
                }
                *n += 1;
            }
            Some(Container::Sequence(n)) => {
                if *n > 0 {
                    self.out.push(',');
                }
                *n += 1;
            }
            None => {}
        }
    }
}

pub(super) fn is_json_scalar(text: &str) -> bool {
    matches!(text, "true" | "false" | "null")
        || (text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && serde_json::from_str::<f64>(text).is_ok())
}

/// Appends `text` as a JSON string.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => write!(out, "\\u{:04x}", c as u32).expect("a string takes everything"),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expected: Result<Option<&str>, &str>) {
        let mut out = Vec::new();
        let found = to_json(yaml.as_bytes(), &mut out);
        let text = String::from_utf8(out).expect("JSON is UTF-8");
        match expected {
            Ok(json) => assert_eq!((found, text.as_str()), (Ok(json.is_some()), json.unwrap_or("")), "{yaml}"),
            Err(reason) => assert!(found.as_ref().is_err_and(|e| e.contains(reason)), "{yaml}: {found:?}"),
        }
    }

    #[test]
    fn what_gcloud_writes_becomes_json() {
        check(
            "---\ninsertId: abc\nlabels: {}\nn: 7\nid: '0042'\n",
            Ok(Some(r#"{"insertId":"abc","labels":{},"n":7,"id":"0042"}"#)),
        );
        check("---\na:\n- b: 1\n- c\nd: null\n", Ok(Some(r#"{"a":[{"b":1},"c"],"d":null}"#)));
        check("textPayload: |-\n  one \"two\"\n    three\n", Ok(Some(r#"{"textPayload":"one \"two\"\n  three"}"#)));
        check(
            "textPayload: 'a long\n  line: it''s folded\n\n  twice'\n",
            Ok(Some(r#"{"textPayload":"a long line: it's folded\ntwice"}"#)),
        );
        check("---\n", Ok(None));
    }

    #[test]
    fn what_it_never_writes_is_refused() {
        check("a: &x [1]\nb: *x\n", Err("alias"));
        check(&format!("a: {}1{}", "[".repeat(200), "]".repeat(200)), Err(""));
        check("a: 'open\n", Err("not YAML"));
    }

    #[test]
    fn yaml_is_told_from_other_text() {
        assert!(is_yaml(b"# saved\n---\nhttpRequest:\n  latency: 0.1s\n"));
        assert!(is_yaml(b"insertId: x\n"));
        assert!(!is_yaml(b"---\ntitle: a blog post\n"));
        assert!(!is_yaml(b"[\n  {\n    \"insertId\": \"x\""));
    }
}
