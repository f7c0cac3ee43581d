//! Access lines of web servers and proxies: a request each, written as text when it has ended.
//!
//! Read are the common and the combined format of Apache and nginx with what ingress-nginx and Traefik add, Envoy's default
//! format with what Istio adds, uvicorn's and lograge's.

use memchr::memchr;

use super::values::parse_duration;
use super::{HttpRequest, Severity, Text};

/// Bytes before the request: address, user, date.
const PREFIX_BYTES: usize = 160;

/// Methods of HTTP.
const METHODS: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];

/// Logs of products that write an entry for every request themselves: an access line there is a second account of it.
const TOLD_ELSEWHERE: [&str; 3] = ["run.googleapis.com", "appengine.googleapis.com", "cloudfunctions.googleapis.com"];

/// One access line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct AccessLine<'m> {
    method: &'m str,
    url: &'m str,
    protocol: &'m str,
    pub(super) status: u16,
    latency_ns: Option<i64>,
    user_agent: &'m str,
    remote_ip: &'m str,
    /// What Envoy says of a request that did not go the usual way, as it stands: `UF upstream_reset_before_response_started`.
    pub(super) said: &'m str,
    /// Envoy's response flags: `UF,URX`; empty when there are none.
    pub(super) flags: &'m str,
    /// Envoy's cluster behind the proxy, of a request with flags.
    pub(super) upstream: &'m str,
}

/// Whether the requests of this log are told by entries of their own.
pub(super) fn is_told_elsewhere(log_name: &str) -> bool {
    TOLD_ELSEWHERE.iter().any(|product| log_name.contains(product))
}

/// Reads `message` as an access line.
pub(super) fn read(message: &str) -> Option<AccessLine<'_>> {
    if let Some(line) = lograge(message) {
        return Some(line);
    }
    let bytes = message.as_bytes();
    let quote = memchr(b'"', &bytes[..bytes.len().min(PREFIX_BYTES)])?;
    // Most lines with a quote end here.
    let rest = &message[quote + 1..];
    let method = METHODS.iter().find(|method| rest.starts_with(**method) && rest[method.len()..].starts_with(' '))?;
    let (request, rest) = rest.split_once("\" ")?;
    let (url, protocol) = request[method.len() + 1..].rsplit_once(' ')?;
    let mut parts = Parts { rest };
    let status = parts.next()?;
    if !protocol.starts_with("HTTP/") || !matches!(status.len(), 1 | 3) {
        return None;
    }
    let line = AccessLine { method, url, protocol, status: status.parse().ok()?, ..AccessLine::default() };
    let prefix = message[..quote].trim_end();
    if prefix.starts_with('[') && prefix.ends_with(']') {
        return Some(envoy(line, parts));
    }
    if prefix.ends_with(']') {
        return Some(combined(AccessLine { remote_ip: client(prefix), ..line }, parts));
    }
    // Only the reason of the status may follow here: other text quotes a request.
    let address = prefix.strip_suffix(" -")?.trim_start_matches("INFO:").trim();
    let is_line = !address.contains(' ') && rest.len() < 40 && !rest.contains('"');
    let remote_ip = address.rsplit_once(':').map_or(address, |(ip, _)| ip);
    is_line.then_some(AccessLine { remote_ip, ..line })
}

impl AccessLine<'_> {
    /// What a collector of requests would have recorded.
    pub(super) fn severity(&self) -> Severity {
        severity_of(self.status)
    }

    pub(super) fn request<'b>(&self) -> HttpRequest<'b> {
        let text = |text: &str| Text::Owned(text.to_owned());
        HttpRequest {
            method: text(self.method),
            url: text(self.url),
            status: self.status,
            latency_ns: self.latency_ns,
            user_agent: text(self.user_agent),
            remote_ip: text(self.remote_ip),
            protocol: text(self.protocol),
            is_access_line: true,
        }
    }
}

/// The severity of a request: what load balancers and Cloud Run record.
pub(super) fn severity_of(status: u16) -> Severity {
    match status {
        500.. => Severity::Error,
        400..500 => Severity::Warning,
        _ => Severity::Info,
    }
}

/// `method=GET path=/orders … controller=… status=200 duration=5.0`, bare or behind what Ruby's logger puts before.
fn lograge(message: &str) -> Option<AccessLine<'_>> {
    let is_logger = matches!(message.as_bytes(), [b'A'..=b'Z', b',', b' ', b'[', ..]);
    let at = if is_logger { message.find("method=")? } else { 0 };
    let line = message[at..].strip_prefix("method=").map(|_| &message[at..])?;
    let named = |name: &str| line.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    named("controller")?;
    Some(AccessLine {
        method: named("method")?,
        url: named("path")?,
        status: named("status")?.parse().ok()?,
        latency_ns: named("duration").and_then(seconds).map(|ns| ns / 1000),
        ..AccessLine::default()
    })
}

/// What follows the status in Envoy's format: flags, details, bytes, duration in milliseconds. Django's development server has
/// a date in brackets too, and one number.
fn envoy<'m>(line: AccessLine<'m>, parts: Parts<'m>) -> AccessLine<'m> {
    let all: Vec<&str> = parts.clone().collect();
    let is_number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let Some(flags) = all.first().filter(|flags| !is_number(flags)) else { return line };
    // Bytes received, bytes sent, duration.
    let Some(at) = all.windows(3).position(|three| three.iter().all(is_number)) else { return line };
    let latency_ns = all[at + 2].parse().ok().map(|ms: i64| ms.saturating_mul(1_000_000));
    let quoted =
        |n: usize| all.iter().skip(at + 3).filter_map(|part| part.strip_prefix('"')).nth(n).map_or("", unquoted);
    let line = AccessLine { latency_ns, remote_ip: first_word(quoted(0)), user_agent: quoted(1), ..line };
    if *flags == "-" {
        return line;
    }
    // Flags, details and the failure of the transport, as far as they say something.
    let n_said = all[..at].iter().rposition(|part| !matches!(*part, "-" | "\"-\"")).map_or(1, |last| last + 1);
    let said = parts.rest.trim_start();
    let end = all[..n_said].last().map_or(0, |last| last.as_ptr() as usize + last.len() - said.as_ptr() as usize);
    let upstream = all.iter().find(|part| part.contains("||")).copied().unwrap_or("");
    AccessLine { said: &said[..end], flags, upstream, ..line }
}

/// What follows the status in the combined format: bytes, referer, user agent, and what servers add.
fn combined<'m>(line: AccessLine<'m>, parts: Parts<'m>) -> AccessLine<'m> {
    let all: Vec<&str> = parts.collect();
    let user_agent = all.iter().filter_map(|part| part.strip_prefix('"')).nth(1).map_or("", unquoted);
    // ingress-nginx: length and time of the request, then the upstream in brackets.
    let timed = all.windows(2).find(|two| two[1].starts_with('[')).and_then(|two| seconds(two[0]));
    let named = |part: &&str| part.strip_prefix("rt=").or_else(|| part.strip_prefix("request_time=")).and_then(seconds);
    let traefik = || all.last()?.strip_suffix("ms").and_then(seconds).map(|ns| ns / 1000);
    let latency_ns = timed.or_else(|| all.iter().find_map(named)).or_else(traefik);
    AccessLine { user_agent, latency_ns, ..line }
}

/// Nanoseconds of `0.005`, seconds with or without a fraction.
fn seconds(text: &str) -> Option<i64> {
    parse_duration(text).filter(|ns| *ns >= 0)
}

/// The address before `- user [date]`.
fn client(prefix: &str) -> &str {
    let before = prefix.rsplit_once('[').map_or(prefix, |(before, _)| before);
    before.split_whitespace().rev().nth(2).unwrap_or("")
}

fn first_word(text: &str) -> &str {
    text.split([' ', ',']).next().unwrap_or("")
}

/// The text after an opening quote.
fn unquoted(part: &str) -> &str {
    let text = part.strip_suffix('"').unwrap_or(part);
    if text == "-" { "" } else { text }
}

/// What stands between blanks; quotes hold blanks.
#[derive(Clone)]
struct Parts<'m> {
    rest: &'m str,
}

impl<'m> Iterator for Parts<'m> {
    type Item = &'m str;

    fn next(&mut self) -> Option<&'m str> {
        let text = self.rest.trim_start_matches(' ');
        let quoted = text.strip_prefix('"').map(|inner| inner.find('"').map_or(text.len(), |at| at + 2));
        let from = quoted.unwrap_or(0);
        let end = text[from..].find(' ').map_or(text.len(), |at| from + at);
        self.rest = &text[end..];
        (!text.is_empty()).then_some(&text[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: AccessLine<'_>) {
        assert_eq!(read(message), Some(expected), "{message}");
    }

    #[test]
    fn servers_and_proxies_are_read() {
        let get =
            AccessLine { method: "GET", url: "/a?b=c", protocol: "HTTP/1.1", status: 200, ..AccessLine::default() };
        check(
            "10.8.0.1 - bob [24/Nov/2025:08:00:00 +0000] \"GET /a?b=c HTTP/1.1\" 200 612 \"-\" \"curl/8 (x)\"",
            AccessLine { user_agent: "curl/8 (x)", remote_ip: "10.8.0.1", ..get },
        );
        check(
            "10.8.0.1 - - [24/Nov/2025 08:00:00] \"GET /a?b=c HTTP/1.1\" 200 -",
            AccessLine { remote_ip: "10.8.0.1", ..get },
        );
    }

    #[test]
    fn a_quoted_request_in_other_text_is_no_access_line() {
        for message in [
            "said \"GET /a HTTP/1.1\" 200 times",
            "retrying - \"GET /a HTTP/1.1\" 500 \"x\"",
            "10.0.0.1 - - [x] \"GET /a\" 200",
            "10.0.0.1 - - [x] \"GET /a HTTP/1.1\" done",
            "\"GET",
            "",
        ] {
            assert_eq!(read(message), None, "{message}");
        }
    }
}
