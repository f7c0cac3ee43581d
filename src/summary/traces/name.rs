//! Names that stay equal from request to request: operations without ids, messages without values, hashes of both.

use super::SpanKind;

/// Characters of a template that count. A time, a level, a class with its line and two ids take up to 60 of them.
const TEMPLATE_LEN: usize = 100;

/// Segments of a path that count; deeper ones are under the same route.
const PATH_SEGMENTS: usize = 8;

/// A longer path segment or word is an id or a text, not a name.
const SEGMENT_LEN: usize = 40;

/// How programs say that another service was not there. Source: the usual texts of Linux, the JVM, Go, Node, gRPC,
/// Envoy and client-side discovery.
const UNREACHABLE: [&str; 15] = [
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

/// 64 bits of a text, the same on every machine: FNV-1a with a final mix, since its low bits alone spread badly.
pub(super) fn hash(text: &str) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
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
    let head = cut(message, 4 * TEMPLATE_LEN).to_ascii_lowercase();
    UNREACHABLE.iter().any(|phrase| head.contains(phrase))
}

/// The first `len` bytes, less if that would cut a character.
pub(super) fn cut(text: &str, len: usize) -> &str {
    &text[..text.floor_char_boundary(len)]
}

/// `GET /orders/*`: method and route. The host stays for a client, which may call two.
pub(super) fn operation(method: &str, url: &str, kind: SpanKind) -> String {
    let url = url.split(['?', ';', ',']).next().unwrap_or_default();
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or((rest, "/"), |at| rest.split_at(at)),
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
    for (n, segment) in path.split('/').enumerate() {
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
    let hex = segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    segment.len() > SEGMENT_LEN
        || segment.contains(['@', '%', '='])
        || n_digits > 0
            && (hex && (segment.len() >= 8 || n_digits == segment.len()) || n_digits * 2 > segment.len())
            && !(segment.starts_with('v') && n_digits + 1 == segment.len())
}

/// The first line of a message with numbers, ids, values of `key=value` and quoted texts masked as `*`.
///
/// A line number behind a class or file name (`Class#34`, `store.go:86`) says which statement it was, and stays.
pub(super) fn template(message: &str) -> String {
    let line = message.trim_start().lines().next().unwrap_or_default();
    let bytes = line.as_bytes();
    let mut out = String::with_capacity(TEMPLATE_LEN + 16);
    let mut i = 0;
    while i < bytes.len() && out.len() < TEMPLATE_LEN {
        let rest = &line[i..];
        let c = rest.chars().next().unwrap_or(' ');
        let len = if c.is_alphanumeric() || c == '_' {
            let word = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
            if is_uuid(&rest[..cut(rest, 36).len()]) {
                mask(&mut out);
                36
            } else {
                push_word(&mut out, word, is_location(&line[..i]));
                word.len()
            }
        } else if c == '=' && !matches!(bytes.get(i + 1), None | Some(b'=' | b' ' | b'>')) {
            out.push(c);
            mask(&mut out);
            1 + value_len(&rest[1..])
        } else if let Some(len) = quoted_len(rest) {
            mask(&mut out);
            len
        } else {
            if !(c == ' ' && out.ends_with(' ')) {
                out.push(c);
            }
            c.len_utf8()
        };
        i += len;
    }
    out.truncate(out.floor_char_boundary(TEMPLATE_LEN));
    out
}

/// Adds a word; one with digits only as far as it is a name.
fn push_word(out: &mut String, word: &str, location: bool) {
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    if word.len() > SEGMENT_LEN
        || has_digit && word.len() >= 4 && word.bytes().all(|b| b.is_ascii_hexdigit()) && !location
    {
        return mask(out);
    }
    if !has_digit || location && word.len() <= 5 {
        return out.push_str(word);
    }
    for c in word.chars() {
        if c.is_ascii_digit() { mask(out) } else { out.push(c) }
    }
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
    let word = |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    match before.as_bytes().last() {
        Some(b'#') => word(&before[..before.len() - 1]),
        Some(b':') => {
            let name = before[..before.len() - 1].rsplit([' ', '(', '[', '/']).next().unwrap_or_default();
            name.rsplit_once('.').is_some_and(|(stem, ext)| {
                word(stem) && (1..=5).contains(&ext.len()) && ext.bytes().all(|b| b.is_ascii_lowercase())
            })
        }
        _ => false,
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Length of a value that ends at a space or a closing sign.
fn value_len(text: &str) -> usize {
    quoted_len(text).unwrap_or_else(|| text.find([' ', ',', ';', ')', ']', '}', '&', '|']).unwrap_or(text.len()))
}

/// Length of a quoted text on this line, quotes included.
fn quoted_len(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    text[1..].find(quote).map(|at| at + 2)
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
    fn a_missing_id_is_none() {
        assert_eq!((id(""), id("0000000000000000")), (0, 0));
        assert_ne!(id("00000000000000a0"), 0);
    }
}
