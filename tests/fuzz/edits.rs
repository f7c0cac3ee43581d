//! A JSON document, edited the way the bytes of an input say: most edits keep it a document of its kind.

use firstfault::face::escape;
use firstfault::time::Timestamp;
use serde_json::{Value, json};

/// Edits of one input at most.
const MAX_EDITS: usize = 24;

/// Items that copying may add to one document.
const MAX_COPIES: usize = 300;

/// Texts that try to act where they are shown.
const TEXTS: [&str; 25] = [
    "",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "<fuzz onload=x>",
    "</script><fuzz>",
    "`` ` ``` \n```\n# x",
    "[x](javascript:fuzz)",
    "| a | b |\n|--|--|",
    "=cmd|'/C x'!A0",
    "\u{202e}txt.exe\u{2066}",
    "a\u{0}b\r\nc",
    "https://acme.example/\"onclick=fuzz",
    "javascript:fuzz",
    "é\u{301}\u{1F329}\u{FE0F}",
    "checkout",
    "template:x <*> y",
    "projects/acme-prod/logs/run.googleapis.com%2Fstderr",
    "P0",
    "network",
    "error",
    "logs/export.json",
    "9223372036.9s",
    "-9223372037s",
    "18446744073709551616s",
    "9223372036854775807",
    "Back-off restarting failed container",
];

/// Times at and past the ends of the calendar.
const TIMES: [&str; 8] = [
    "0001-01-01T00:00:00Z",
    "1677-09-21T00:12:43.145224192Z",
    "1970-01-01T00:00:00Z",
    "2025-09-16T00:42:59.910682Z",
    "2026-03-02T11:48:02Z",
    "2262-04-11T23:47:16.854775807Z",
    "9999-12-31T23:59:59.999999999+14:00",
    "never",
];

/// Numbers at the ends of their types.
const NUMBERS: [i128; 14] = [
    0,
    1,
    -1,
    2,
    19,
    255,
    65_535,
    u32::MAX as i128,
    i32::MIN as i128,
    1 << 53,
    i64::MAX as i128,
    i64::MIN as i128,
    u64::MAX as i128,
    u64::MAX as i128 - 1,
];

/// A document that edits start from.
pub(crate) struct Document {
    value: Value,
    /// JSON pointers of everything in it.
    places: Vec<String>,
}

impl Document {
    /// Of a value that its reader takes.
    pub(crate) fn new(value: Value) -> Document {
        let mut places = Vec::new();
        list(&value, String::new(), &mut places);
        Document { value, places }
    }

    /// The document after the edits in `input`: of three bytes that name a place and a change, and what the change takes.
    pub(crate) fn edited(&self, mut input: &[u8]) -> Value {
        let mut value = self.value.clone();
        let mut n_copies = 0;
        for _ in 0..MAX_EDITS {
            let [high, low, what, tail @ ..] = input else { break };
            input = tail;
            let place = self.place(*high, *low);
            match what {
                // What no reader should take: another type, or nothing at all.
                248.. => put(&mut value, place, wild(&mut input)),
                240.. => remove(&mut value, place),
                200.. => n_copies += copy(&mut value, place, byte(&mut input).min(MAX_COPIES - n_copies)),
                _ => {
                    if let Some(old) = value.pointer_mut(place) {
                        *old = fitting(old, &mut input);
                    }
                }
            }
        }
        value
    }

    fn place(&self, high: u8, low: u8) -> &str {
        &self.places[usize::from(u16::from_be_bytes([high, low])) % self.places.len()]
    }
}

/// Asserts that a text for people holds nothing that acts on a terminal or reorders what it shows.
pub(crate) fn assert_plain(face: &str, text: &str) {
    if let Some(at) = text.find(|c| escape::is_unsafe(c) && c != '\n') {
        let from = text[..at].char_indices().rev().nth(60).map_or(0, |(from, _)| from);
        panic!("{face} shows {:?}", &text[from..at + text[at..].chars().next().map_or(0, char::len_utf8)]);
    }
}

fn list(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            list(value, format!("{place}/{key}"), places);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| list(value, format!("{place}/{i}"), places));
        }
        _ => {}
    }
    places.push(place);
}

fn byte(input: &mut &[u8]) -> usize {
    let Some((first, tail)) = input.split_first() else { return 0 };
    *input = tail;
    usize::from(*first)
}

/// The bytes behind their number.
fn take<'i>(input: &mut &'i [u8]) -> &'i [u8] {
    let n = byte(input).min(input.len());
    let (taken, tail) = input.split_at(n);
    *input = tail;
    taken
}

/// Another value of the same kind.
fn fitting(old: &Value, input: &mut &[u8]) -> Value {
    let pick = byte(input);
    match old {
        Value::String(old) if Timestamp::parse(old).is_some() => json!(TIMES[pick % (TIMES.len() - 1)]),
        // The name of a variant, most likely.
        Value::String(old) if old.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => json!(old),
        Value::String(_) if pick < 128 => json!(TEXTS[pick % TEXTS.len()]),
        Value::String(_) => json!(String::from_utf8_lossy(take(input))),
        Value::Number(old) if old.is_f64() => json!([1e308, -1e308, 1e-320, 0.5, -0.0, 1.0][pick % 6]),
        Value::Number(_) if pick < 128 => number(NUMBERS[pick % NUMBERS.len()]),
        Value::Number(_) => number(take(input).iter().take(8).fold(0, |n: i128, b| n << 8 | i128::from(*b))),
        Value::Bool(old) => json!(!old),
        Value::Array(items) => json!(items[items.len().min(pick)..]),
        Value::Object(_) | Value::Null => old.clone(),
    }
}

/// A value of any kind.
fn wild(input: &mut &[u8]) -> Value {
    match byte(input) % 6 {
        0 => Value::Null,
        1 => json!(TEXTS[byte(input) % TEXTS.len()]),
        2 => number(NUMBERS[byte(input) % NUMBERS.len()]),
        3 => json!(TIMES[byte(input) % TIMES.len()]),
        4 => json!([]),
        _ => json!({}),
    }
}

fn number(n: i128) -> Value {
    u64::try_from(n).map_or_else(|_| json!(n as i64), |n| json!(n))
}

fn put(value: &mut Value, place: &str, new: Value) {
    if let Some(old) = value.pointer_mut(place) {
        *old = new;
    }
}

fn remove(value: &mut Value, place: &str) {
    let Some((parent, name)) = place.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => {
            if let Some(i) = name.parse().ok().filter(|i| *i < items.len()) {
                items.remove(i);
            }
        }
        _ => {}
    }
}

/// Repeats an item of an array `n` times; returns how many were added.
fn copy(value: &mut Value, place: &str, n: usize) -> usize {
    let Some((parent, name)) = place.rsplit_once('/') else { return 0 };
    let Some(Value::Array(items)) = value.pointer_mut(parent) else { return 0 };
    let Some(item) = name.parse::<usize>().ok().and_then(|i| items.get(i)).cloned() else { return 0 };
    items.extend(std::iter::repeat_n(item, n));
    n
}
