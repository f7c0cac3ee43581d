//! Names that stay equal from request to request: operations without ids, messages without values, hashes of both.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::{memchr, memchr3};

use super::SpanKind;
use crate::summary::{after_scheme, segments};

/// Characters of a template that count. A time, a level, a class with its line and two ids take up to 60 of them.
const TEMPLATE_LEN: usize = 100;

/// Bytes of a message that are looked at for its template: masked values are dropped, but not without an end.
const LINE_LEN: usize = 1_000;

/// Characters of a UUID.
const UUID_LEN: usize = 36;

/// Segments of a path that count; deeper ones are under the same route.
const PATH_SEGMENTS: usize = 8;

/// A longer path segment or word is an id or a text, not a name.
const SEGMENT_LEN: usize = 40;

/// Bytes of a message in which that phrase is looked for: the head says what failed, a stack trace does not.
const UNREACHABLE_LEN: usize = 400;

/// How programs say that another service was not there. Source: the usual texts of Linux, the JVM, Go, Node, gRPC,
/// Envoy and client-side discovery.
const UNREACHABLE_PHRASES: [&str; 15] = [
    "no instances available for",
    "no servers available for",
    "connection refused",
    "connect econnrefused",
    "unknownhostexception",
    "unknown host",
    "no such host",
    "name or service not known",
    "temporary failure in name resolution",
    "getaddrinfo enotfound",
    "no healthy upstream",
    "no route to host",
    "upstream connect error",
    "load balancer does not contain an instance",
    "code = unavailable",
];

/// All the phrases in one scan; `None` could only come of phrases too long to build one from.
static UNREACHABLE: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(UNREACHABLE_PHRASES).ok());

/// 64 bits of a text, the same on every machine: eight bytes at a time, multiplied and rotated, with a final mix since the
/// low bits alone spread badly.
pub(super) fn hash(text: &str) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut h = text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        h = (h.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(PRIME);
        h ^= h >> 29;
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

/// Hash of a span id; 0 for none, which exports write as nothing or as zeros.
pub(super) fn id(text: &str) -> u64 {
    if text.bytes().all(|b| b == b'0') { 0 } else { hash(text) }
}

/// Whether a message says that another service was not there.
pub(super) fn says_unreachable(message: &str) -> bool {
    UNREACHABLE.as_ref().is_some_and(|phrases| phrases.is_match(cut(message, UNREACHABLE_LEN)))
}

/// The first `len` bytes, less if that would cut a character.
pub(super) fn cut(text: &str, len: usize) -> &str {
    &text[..text.floor_char_boundary(len)]
}

/// `GET /orders/*`: method and route. The host stays for a client, which may call two.
pub(super) fn operation(method: &str, url: &str, kind: SpanKind) -> String {
    let url = &url[..memchr3(b'?', b';', b',', url.as_bytes()).unwrap_or(url.len())];
    let (host, path) = match after_scheme(url) {
        Some(rest) => memchr(b'/', rest.as_bytes()).map_or((rest, "/"), |at| rest.split_at(at)),
        None => ("", url),
    };
    let mut out = String::with_capacity(64);
    out.push_str(cut(method, 16));
    if !out.is_empty() {
        out.push(' ');
    }
    if kind == SpanKind::Client {
        out.push_str(cut(host, 100));
    }
    for (n, segment) in segments(path).enumerate() {
        if n > 0 {
            out.push('/');
        }
        if n > PATH_SEGMENTS {
            out.push('…');
            break;
        }
        out.push_str(if is_value(segment) { "*" } else { segment });
    }
    out
}

/// Whether a path segment is a value: a number, an id, an address; `v1` and `travel2service` are names.
fn is_value(segment: &str) -> bool {
    let n_digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let hex = || segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    segment.len() > SEGMENT_LEN
        || segment.bytes().any(|b| matches!(b, b'@' | b'%' | b'='))
        || n_digits > 0
            && (hex() && (segment.len() >= 8 || n_digits == segment.len()) || n_digits * 2 > segment.len())
            && !(segment.starts_with('v') && n_digits + 1 == segment.len())
}

/// The first line of a message with numbers, ids, values of `key=value` and quoted texts masked as `*`.
///
/// A line number behind a class or file name (`Class#34`, `store.go:86`) says which statement it was, and stays.
pub(super) fn template(message: &str) -> String {
    let line = cut(message.trim_start(), LINE_LEN).lines().next().unwrap_or_default();
    let bytes = line.as_bytes();
    let mut out = String::with_capacity(TEMPLATE_LEN + SEGMENT_LEN);
    let mut i = 0;
    while i < bytes.len() && out.len() < TEMPLATE_LEN {
        // Words end at an ASCII byte, and so does everything else that is taken: no cut can fall into a character.
        i += match bytes[i] {
            b if is_word(b) => push_word(&mut out, line, i),
            b'=' if !matches!(bytes.get(i + 1), None | Some(b'=' | b' ' | b'>')) => {
                out.push('=');
                mask(&mut out);
                1 + value_len(&line[i + 1..])
            }
            b @ (b'"' | b'\'' | b'`') => match memchr(b, &bytes[i + 1..]) {
                Some(len) => {
                    mask(&mut out);
                    len + 2
                }
                None => push(&mut out, b),
            },
            b => push(&mut out, b),
        };
    }
    out.truncate(out.floor_char_boundary(TEMPLATE_LEN));
    out
}

/// Adds a sign, spaces once.
fn push(out: &mut String, byte: u8) -> usize {
    if byte != b' ' || !out.ends_with(' ') {
        out.push(char::from(byte));
    }
    1
}

/// Adds the word that starts at `i`, one with digits only as far as it is a name; returns its length.
fn push_word(out: &mut String, line: &str, i: usize) -> usize {
    let bytes = &line.as_bytes()[i..];
    let len = bytes.iter().position(|b| !is_word(*b)).unwrap_or(bytes.len());
    let word = &line[i..i + len];
    let n_digits = word.bytes().filter(u8::is_ascii_digit).count();
    if len == 8 && is_uuid(bytes) {
        mask(out);
        return UUID_LEN;
    }
    if len > SEGMENT_LEN {
        mask(out);
    } else if n_digits == 0 || len <= 5 && is_location(&line[..i]) {
        out.push_str(word);
    } else if len >= 4 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        mask(out);
    } else {
        for c in word.chars() {
            if c.is_ascii_digit() { mask(out) } else { out.push(c) }
        }
    }
    len
}

/// Letters, digits and whatever is not ASCII.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Adds a `*`, once for a date or an address with its dots and colons.
fn mask(out: &mut String) {
    let joined = out.trim_end_matches([':', '.', '-', '/', ',']);
    if joined.ends_with('*') {
        out.truncate(joined.len());
    } else {
        out.push('*');
    }
}

/// Whether a number after `before` is a line number: `Class#34`, `store.go:86`.
fn is_location(before: &str) -> bool {
    let named = |text: &str| text.bytes().last().is_some_and(is_word);
    match before.as_bytes() {
        [.., b'#'] => named(&before[..before.len() - 1]),
        [.., b':'] => {
            let name = before[..before.len() - 1].rsplit([' ', '(', '[', '/']).next().unwrap_or_default();
            name.rsplit_once('.').is_some_and(|(stem, ext)| {
                named(stem) && (1..=5).contains(&ext.len()) && ext.bytes().all(|b| b.is_ascii_lowercase())
            })
        }
        _ => false,
    }
}

/// Whether a text starts with 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &[u8]) -> bool {
    text.len() >= UUID_LEN
        && text[..UUID_LEN].iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Length of a value: to its closing quote, or to a space or a closing sign.
fn value_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let quoted = match bytes.first() {
        Some(quote @ (b'"' | b'\'' | b'`')) => memchr(*quote, &bytes[1..]).map(|len| len + 2),
        _ => None,
    };
    let end = |b: &u8| matches!(b, b' ' | b',' | b';' | b')' | b']' | b'}' | b'&' | b'|');
    quoted.unwrap_or_else(|| bytes.iter().position(end).unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_template(message: &str, expected: &str) {
        assert_eq!(template(message), expected, "{message}");
    }

    #[test]
    fn values_are_masked_and_statements_stay() {
        check_template(
            "12:03:55.100 INFO o.OrderService#34 order 1234 ready",
            "* INFO o.OrderService#34 order * ready",
        );
        check_template("main.go:86 took=13ms user='anna' ok", "main.go:86 took=* user=* ok");
        check_template("GET 084837bb-53c8-4438-87c8-0321a4d09917 from 10.1.2.3:80", "GET * from *");
        check_template("no\nsecond line", "no");
        check_template("ключ=значение и 5", "ключ=* и *");
    }

    #[test]
    fn any_bytes_of_text_make_a_template() {
        for text in ["", "=", "a=", "\"", "'x", "é'é'é=é", "#", ":", "日本語:12", "a.b:1"] {
            assert!(template(text).len() <= TEMPLATE_LEN);
        }
        assert!(template(&"é1 ".repeat(500)).len() <= TEMPLATE_LEN);
    }

    fn check_operation(url: &str, kind: SpanKind, expected: &str) {
        assert_eq!(operation("GET", url, kind), expected, "{url}");
    }

    #[test]
    fn a_route_has_no_ids() {
        check_operation("https://shop.example.com/v1/orders/8123?x=1", SpanKind::Server, "GET /v1/orders/*");
        check_operation("http://cart:8080/api/v2/cart/0a1b2c3d4e", SpanKind::Client, "GET cart:8080/api/v2/cart/*");
        check_operation("/travel2service/trips/left", SpanKind::Server, "GET /travel2service/trips/left");
        check_operation("shop.Cart/GetCart", SpanKind::Server, "GET shop.Cart/GetCart");
    }

    #[test]
    fn an_absent_neighbour_is_heard() {
        for message in ["java.net.ConnectException: Connection refused", "[x] No instances available for cart"] {
            assert!(says_unreachable(message), "{message}");
        }
        for message in ["connection established", "order refused", ""] {
            assert!(!says_unreachable(message), "{message}");
        }
    }

    #[test]
    fn a_missing_id_is_none() {
        assert_eq!((id(""), id("0000000000000000")), (0, 0));
        assert_ne!(id("00000000000000a0"), 0);
    }
}
