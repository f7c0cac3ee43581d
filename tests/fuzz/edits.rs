//! A JSON document, edited the way the bytes of an input say: most edits keep it a document of its kind.

use firstfault::report::escape;
use serde_json::{Value, json};

/// Edits of one input at most.
const MAX_EDITS: usize = 24;

/// Items that copying may add to one document.
const MAX_COPIES: usize = 300;

/// Texts that try to act where they are shown.
const TEXTS: [&str; 20] = [
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

    /// The document after the edits in `input`.
    pub(crate) fn edited(&self, mut input: &[u8]) -> Value {
        let mut value = self.value.clone();
        let mut n_copies = 0;
        for _ in 0..MAX_EDITS {
            let [high, low, what, tail @ ..] = input else { break };
            input = tail;
            let place = self.place(*high, *low);
            match what % 12 {
                0 => put(&mut value, place, json!(String::from_utf8_lossy(take(&mut input)))),
                1 => put(&mut value, place, json!(TEXTS[byte(&mut input) % TEXTS.len()])),
                2 => put(&mut value, place, number(NUMBERS[byte(&mut input) % NUMBERS.len()])),
                3 => put(&mut value, place, json!(TIMES[byte(&mut input) % TIMES.len()])),
                4 => put(&mut value, place, Value::Null),
                5 => remove(&mut value, place),
                6 => n_copies += copy(&mut value, place, byte(&mut input).min(MAX_COPIES - n_copies)),
                7 => {
                    let from = self.place(byte(&mut input) as u8, byte(&mut input) as u8);
                    let other = value.pointer(from).cloned().unwrap_or_default();
                    // A document that holds itself doubles with every edit.
                    if !place.starts_with(from) || !(other.is_object() || other.is_array()) {
                        put(&mut value, place, other);
                    }
                }
                8 => put(&mut value, place, json!([1e308, -1e308, 1e-320, 0.5, -0.0][byte(&mut input) % 5])),
                9 => put(
                    &mut value,
                    place,
                    number(take(&mut input).iter().fold(0, |n: i64, b| n << 8 | i64::from(*b)).into()),
                ),
                10 => put(&mut value, place, if byte(&mut input) % 2 == 0 { json!([]) } else { json!({}) }),
                _ => put(&mut value, place, json!(byte(&mut input) % 2 == 0)),
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
