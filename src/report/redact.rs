//! Secrets and people taken out of a report: credentials, e-mail addresses and client addresses become placeholders.
//!
//! A placeholder is `[redacted KIND-N]`. The same value has the same number everywhere in one report, and the numbers
//! follow the sorted values, so no order of processing shows. Numbers instead of hashes: the four billion addresses of
//! IPv4 are hashed in a second, so a hash of one hides nothing.
//!
//! What names a culprit stays: service accounts, private addresses, servers by their port, names of secrets.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use aho_corasick::AhoCorasick;
use regex::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Report;
use crate::entry::ComponentKind;
use crate::pattern::Expression;

/// Ports from here on are given to clients by Linux (`ip_local_port_range`); a public address with a lower port is a
/// server and may be the culprit.
const FIRST_CLIENT_PORT: u32 = 32_768;

/// Texts from here on may have been cut, quotes at 600 characters, so that their last word can be half of an address.
const CUT_BYTES: usize = 500;

/// Characters at which quotes are cut.
const QUOTE_CHARS: usize = 600;

/// Fields that point at evidence, name a file that the analyst gave, or name the contract; they are never changed.
const POINTERS: &[&str] =
    &["schema", "tool_version", "insert_id", "sources", "source", "digest", "fingerprint", "log_name"];

/// Values after `password:` and its like that say something about a credential and are none.
const NO_SECRETS: &[&str] = &[
    "absent",
    "authentication",
    "bad",
    "denied",
    "does",
    "empty",
    "error",
    "expected",
    "expired",
    "failed",
    "failure",
    "false",
    "for",
    "has",
    "identifier",
    "in",
    "incorrect",
    "invalid",
    "is",
    "malformed",
    "manager",
    "mismatch",
    "missing",
    "must",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "redacted",
    "of",
    "or",
    "rejected",
    "required",
    "revoked",
    "string",
    "true",
    "type",
    "undefined",
    "unexpected",
    "unknown",
    "unset",
    "version",
    "was",
    "wrong",
    "yes",
];

/// Kind of what a user's own pattern finds.
const CUSTOM: &str = "custom";

/// Shapes of credentials: kind, what stands in every text that holds one (any of these, case aside), and a pattern whose first
/// group is what must go. Earlier ones win where two overlap.
///
/// Prefixes and lengths are those that the issuers document (and secret scanners use).
const SHAPES: &[(&str, &[&str], &str)] = &[
    (
        "private-key",
        &["-----begin"],
        r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
    ),
    ("jwt", &["eyj"], r"\b(eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*)"),
    ("cookie", &["cookie"], r#"(?i)\b(?:set-)?cookie["']?\s*[:=]\s*["']?([^\s=;"']+=[^\r\n"']+)"#),
    (
        "token",
        &["authorization"],
        r#"(?i)\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|digest|token|negotiate|apikey)\s+)([^\s"',;]+)"#,
    ),
    ("token", &["bearer"], r#"(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{16,})"#),
    ("token", &["basic"], r#"\bBasic\s+([A-Za-z0-9+/=]{16,})"#),
    ("key", &["aiza"], r"(AIza[0-9A-Za-z_-]{30,})"),
    (
        "token",
        &["ya29.", "1//0", "gocspx-"],
        r"\b(ya29\.[0-9A-Za-z_-]{10,}|1//0[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,})",
    ),
    ("key", &["akia", "asia", "abia", "acca"], r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b"),
    (
        "token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"],
        r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[0-9A-Za-z_-]{20,})",
    ),
    ("token", &["xox", "xapp-"], r"\b(xox[a-z]-[0-9A-Za-z-]{10,}|xapp-[0-9A-Za-z-]{10,})"),
    ("token", &["hooks.slack.com"], r"hooks\.slack\.com/services/([A-Za-z0-9/_-]+)"),
    (
        "key",
        &["_live_", "_test_", "whsec_"],
        r"\b((?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})",
    ),
    (
        "key",
        &["sk-", "hf_", "npm_", "pypi-", "dop_v1_"],
        r"\b(sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|dop_v1_[0-9a-f]{40,})",
    ),
    (
        "key",
        &["sg.", "sk", "key-"],
        r"\b(SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|SK[0-9a-f]{32}|key-[0-9a-f]{32})\b",
    ),
    ("token", &[":aa"], r"\b([0-9]{8,10}:AA[A-Za-z0-9_-]{32,})"),
    ("password", &["://"], r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/"'<>?#]+)@"#),
    ("password", &["@tcp(", "@unix(", "@cloudsql("], r#"\b[\w.-]+:([^\s@:/"']+)@(?:tcp|unix|cloudsql)\("#),
    ("password", &["jdbc:oracle:"], r#"(?i)\bjdbc:oracle:[a-z]+:[^\s/@]+/([^\s@"']+)@"#),
    (
        "key",
        &["signature=", "sig=", "key=", "credential=", "code="],
        r#"(?i)[?&](?:x-goog-|x-amz-)?(?:signature|sig|key|credential|code)=([^&\s"']{8,})"#,
    ),
    (
        "secret",
        &["password", "passwd", "passphrase", "pwd", "secret", "key", "token", "credential", "session", "sessid"],
        r#"(?i)\b[\w.-]*(?:password|passwd|passphrase|\bpwd|_pwd|secret|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|auth[_-]?key|encryption[_-]?key|signing[_-]?key|token|credentials?|session[_-]?id|sessid)\\?["']?\s*(?:=>|=|:)\s*(\\?"(?:[^"\\]|\\[^"])+\\?"|'[^']+'|[^\s,;&"'(){}\[\]<>\\]+)"#,
    ),
    ("secret", &["key=", "pwd=", "pass="], r#"(?i)(?:^|[\s,;&?{(])(?:key|pwd|pass)=([^\s,;&"'(){}\[\]<>]{6,})"#),
    ("email", &["@"], r"([A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)"),
    ("ip", &["."], r"((?:[0-9]{1,3}\.){3}[0-9]{1,3})"),
    ("ip", &[":"], r"((?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:]{2,}(?:[0-9A-Fa-f]|::))"),
];

/// Finds what must not be shown. Made once, used for a whole report.
#[derive(Debug)]
pub struct Redactor {
    custom: Vec<Regex>,
    /// One scan for what stands in texts that hold a credential.
    signs: AhoCorasick,
    /// Which shape each sign belongs to.
    shape_of: Vec<usize>,
    /// Compiled when a text first has one of its signs: most never are.
    shapes: Vec<Expression>,
}

impl Redactor {
    /// A redactor for the known shapes and for `extra` patterns (their first group, or the whole match without one).
    ///
    /// # Errors
    /// When an extra pattern is not a regular expression.
    pub fn new(extra: &[String]) -> Result<Redactor, regex::Error> {
        let signs = SHAPES.iter().enumerate().flat_map(|(shape, (_, signs, _))| signs.iter().map(move |s| (shape, *s)));
        let (shape_of, signs): (Vec<usize>, Vec<&str>) = signs.unzip();
        Ok(Redactor {
            custom: extra.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?,
            signs: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(signs)
                .expect("the signs are few and short"),
            shape_of,
            shapes: SHAPES.iter().map(|(_, _, pattern)| Expression::new(pattern)).collect(),
        })
    }

    /// What the patterns find in a text: kind and place, in order of precedence.
    fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (&'static str, Range<usize>)> {
        let whole_or_group = |regex: &Regex| {
            let found = regex.captures_iter(text).filter_map(|c| c.get(1).or(c.get(0)));
            found.map(|hit| (CUSTOM, hit.range())).collect::<Vec<_>>()
        };
        let wanted = self.signs_in(text);
        let known = SHAPES.iter().zip(&self.shapes).enumerate().filter(move |(shape, _)| wanted >> shape & 1 != 0);
        let known = known.flat_map(|(_, ((kind, ..), shape))| shape.find_iter(text).map(move |hit| (*kind, hit)));
        self.custom.iter().flat_map(whole_or_group).chain(known)
    }

    /// The shapes that a text can hold, one bit each.
    fn signs_in(&self, text: &str) -> u64 {
        if is_plain(text) {
            return 0;
        }
        // Two letters outside of ASCII are, in another case, letters of signs: the long s and the sign of Kelvin.
        if text.contains(['\u{17f}', '\u{212a}']) {
            return u64::MAX;
        }
        self.signs
            .find_overlapping_iter(text)
            .fold(0, |shapes, sign| shapes | 1 << self.shape_of[sign.pattern().as_usize()])
    }

    /// The report with every secret in every text of it replaced, except in pointers to evidence. The address of a client that is
    /// itself the first cause stays: it is the answer.
    ///
    /// # Errors
    /// When a number of the report is not finite, and so has no JSON form.
    pub fn redact_report(&self, report: &Report) -> Result<Report, serde_json::Error> {
        let first = report.incidents.iter().filter_map(|incident| incident.causes.first());
        let clients = first.filter(|cause| cause.component_kind == ComponentKind::Client);
        self.redact_but(report, &clients.map(|cause| cause.component.as_str()).collect())
    }

    /// Anything that has a JSON form, treated like a report.
    ///
    /// # Errors
    /// When a number of it is not finite, and so has no JSON form.
    pub fn redact<T: Serialize + DeserializeOwned>(&self, whole: &T) -> Result<T, serde_json::Error> {
        self.redact_but(whole, &BTreeSet::new())
    }

    fn redact_but<T: Serialize + DeserializeOwned>(
        &self,
        whole: &T,
        answers: &BTreeSet<&str>,
    ) -> Result<T, serde_json::Error> {
        // Through JSON, so that no text is forgotten when a field is added.
        let mut value = serde_json::to_value(whole)?;
        let mut secrets = BTreeSet::new();
        visit(&value, &mut |text| {
            let found = self.find(text).into_iter().map(|(range, kind)| (kind, &text[range]));
            secrets.extend(
                found.filter(|(_, secret)| !answers.contains(secret)).map(|(kind, secret)| (kind, secret.to_owned())),
            )
        });
        if secrets.is_empty() {
            return serde_json::from_value(value);
        }
        let mut names = pseudonyms(secrets);
        names.extend(answers.iter().map(|answer| (("ip", (*answer).to_owned()), (*answer).to_owned())));
        rewrite(&mut value, &|text| self.replace(text, &names));
        serde_json::from_value(value)
    }

    /// One text on its own, its secrets numbered within it.
    pub fn redact_text(&self, text: &str) -> String {
        let found = self.find(text).into_iter().map(|(range, kind)| (kind, text[range].to_owned()));
        self.replace(text, &pseudonyms(found.collect()))
    }

    /// Where a text holds what must not be shown, in order and without overlap.
    pub fn find(&self, text: &str) -> Vec<(Range<usize>, &'static str)> {
        let placeholders = LazyCell::new(|| placeholders(text));
        let is_done = |at: usize| {
            let next = placeholders.partition_point(|range| range.end <= at);
            placeholders.get(next).is_some_and(|range| range.contains(&at))
        };
        let hits = self.hits(text).filter(|(_, hit)| !hit.is_empty() && !is_done(hit.start));
        without_overlap(hits.filter_map(|(kind, hit)| Some((judge(kind, text, hit)?, kind))).collect())
    }

    fn replace(&self, text: &str, names: &BTreeMap<(&'static str, String), String>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (range, kind) in self.find(text) {
            out.push_str(&text[done..range.start]);
            match names.get(&(kind, text[range.clone()].to_owned())) {
                Some(name) => out.push_str(name),
                None => out.push_str(&format!("[redacted {kind}]")),
            }
            done = range.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// True when `quote`, with its placeholders, can be the redacted and cut form of `original`.
pub fn agrees(quote: &str, original: &str) -> bool {
    let (quote, is_cut) = match quote.strip_suffix('…') {
        Some(start) => (start, true),
        None => (quote, quote.chars().count() >= QUOTE_CHARS),
    };
    let mut rest = original;
    let pieces = literal_pieces(quote);
    let last = pieces.len() - 1;
    for (i, piece) in pieces.iter().enumerate() {
        let tail_fits = i == last && !is_cut && i > 0;
        let found = match i {
            0 => rest.starts_with(piece).then_some(0),
            _ if tail_fits => rest.ends_with(piece).then(|| rest.len() - piece.len()),
            _ => rest.find(piece),
        };
        match found {
            Some(start) => rest = &rest[start + piece.len()..],
            None => return false,
        }
    }
    is_cut || last > 0 || rest.is_empty()
}

/// What stands between the placeholders of a quote and the `…` where its middle was left out; at least one piece.
fn literal_pieces(quote: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for range in placeholders(quote) {
        pieces.extend(quote[done..range.start].split('…'));
        done = range.end;
    }
    pieces.extend(quote[done..].split('…'));
    pieces
}

/// Where a text was redacted before.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("[redacted ").map(|start| from + start) {
        let name = &text[start + "[redacted ".len()..];
        let len = name.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-').count();
        let end = start + "[redacted ".len() + len;
        from = end;
        if len > 0 && text[end..].starts_with(']') {
            found.push(start..end + 1);
        }
    }
    found
}

/// True for short words and for times, which fill most of a report and hold no secret of a known shape.
fn is_plain(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'-' | b'_' | b'/');
    let is_time = |b: u8| b.is_ascii_digit() || matches!(b, b'T' | b'Z' | b':' | b'-' | b'.');
    let starts_as_time = text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
    text.len() < 16 && text.bytes().all(is_word) || text.len() <= 30 && starts_as_time && text.bytes().all(is_time)
}

/// The part of a hit that must go, `None` when it names a culprit or is no secret.
fn judge(kind: &str, text: &str, hit: Range<usize>) -> Option<Range<usize>> {
    match kind {
        "secret" => judge_secret(text, hit),
        "email" => judge_email(text, &hit).then_some(hit),
        "ip" => judge_address(text, &hit).then_some(hit),
        _ => Some(hit),
    }
}

fn judge_secret(text: &str, hit: Range<usize>) -> Option<Range<usize>> {
    let value = &text[hit.clone()];
    let inner = value.trim_matches(['"', '\'', '\\']);
    let start = hit.start + value.find(inner)?;
    let word = inner.to_ascii_lowercase();
    let word = word.trim_end_matches(['.', '!', '?', ':']);
    let first = word.split_whitespace().next().unwrap_or("");
    // A path or version names the secret; asterisks and placeholders hide it already.
    let names_it = inner.starts_with("projects/") || inner.starts_with('/') || inner.starts_with('$');
    let hidden = inner.is_empty() || inner.chars().all(|c| "*.xX-".contains(c)) || inner.starts_with("[redacted");
    let told = names_it || hidden || is_sentence(text, &hit, inner);
    (!told && !NO_SECRETS.contains(&first)).then_some(start..start + inner.len())
}

/// `signing-key: A service may not …` is a sentence about a key, not a key: a capitalised word of letters after a colon,
/// followed by a word in small letters.
fn is_sentence(text: &str, hit: &Range<usize>, inner: &str) -> bool {
    let mut letters = inner.chars();
    let capitalised = letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.all(|c| c.is_ascii_lowercase());
    let mut after = text[hit.end..].chars();
    let goes_on = after.next() == Some(' ') && after.next().is_some_and(|c| c.is_ascii_lowercase());
    capitalised && goes_on && text[..hit.start].ends_with(": ")
}

/// A service account names a culprit; `//user@host` is the address of a server.
fn judge_email(text: &str, hit: &Range<usize>) -> bool {
    let address = text[hit.clone()].to_ascii_lowercase();
    let is_machine =
        address.ends_with("gserviceaccount.com") || address.ends_with(".iam") || address.starts_with("git@");
    let is_cut = hit.end == text.len() && text.len() >= CUT_BYTES || text[hit.end..].starts_with('…');
    let domain = address.rsplit('@').next().unwrap_or_default();
    // A name without a dot is that of an own machine; `pkg@1.2.3` is a version.
    let is_public = match domain.rsplit_once('.') {
        Some((_, last)) => last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()),
        None => false,
    };
    !is_machine && (is_public || is_cut) && !text[..hit.start].ends_with("//")
}

fn judge_address(text: &str, hit: &Range<usize>) -> bool {
    let (before, after) = (&text[..hit.start], &text[hit.end..]);
    let mut back = before.chars().rev();
    let glued = match back.next() {
        Some('/') => back.next().is_some_and(|c| c.is_alphanumeric()), // `Chrome/120.0.0.0`
        Some(c) => c.is_alphanumeric() || matches!(c, '.' | '_' | '-'),
        None => false,
    };
    let mut forward = after.chars();
    let runs_on = match forward.next() {
        Some('.') => forward.next().is_some_and(|c| c.is_ascii_digit()),
        Some('-') => forward.next().is_some_and(|c| c.is_ascii_alphanumeric()), // `1.2.3.4-beta`
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    };
    if glued || runs_on || server_port(after) {
        return false;
    }
    match text[hit.clone()].parse() {
        Ok(IpAddr::V4(address)) => is_public_v4(address),
        Ok(IpAddr::V6(address)) => is_public_v6(address),
        Err(_) => false,
    }
}

/// True for `:5432` and `]:443`, the address of a server.
fn server_port(after: &str) -> bool {
    let Some(digits) = after.trim_start_matches(']').strip_prefix(':') else { return false };
    let n_digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits[..n_digits].parse::<u32>().is_ok_and(|port| port < FIRST_CLIENT_PORT)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b); // RFC 6598, used inside Google's networks
    let special = a == 0 || a >= 224 || address.is_loopback() || address.is_link_local() || address.is_documentation();
    // Addresses for documentation never belong to a client, but look like one: they are treated as one.
    !address.is_private() && !shared && (!special || address.is_documentation())
}

/// Global unicast is `2000::/3` (RFC 4291); all else is local.
fn is_public_v6(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

/// Joins hits that overlap into one, of the kind that was found first.
fn without_overlap(mut found: Vec<(Range<usize>, &'static str)>) -> Vec<(Range<usize>, &'static str)> {
    found.sort_by_key(|(range, _)| range.start); // stable: the order of SHAPES decides among equals
    let mut apart: Vec<(Range<usize>, &'static str)> = Vec::with_capacity(found.len());
    for (range, kind) in found {
        match apart.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push((range, kind)),
        }
    }
    apart
}

/// `[redacted KIND-N]` for each secret, numbered per kind in the order of the values.
fn pseudonyms(secrets: BTreeSet<(&'static str, String)>) -> BTreeMap<(&'static str, String), String> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let name = |(kind, value): (&'static str, String)| {
        let number = numbers.entry(kind).or_default();
        *number += 1;
        let name = format!("[redacted {kind}-{number}]");
        ((kind, value), name)
    };
    secrets.into_iter().map(name).collect()
}

fn visit(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, each)),
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| !is_pointer(name)) {
                each(name);
                visit(field, each);
            }
        }
        _ => {}
    }
}

fn rewrite(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, change)),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (name, mut field) in old {
                if is_pointer(&name) {
                    fields.insert(name, field);
                } else {
                    rewrite(&mut field, change);
                    fields.insert(change(&name), field);
                }
            }
        }
        _ => {}
    }
}

fn is_pointer(name: &str) -> bool {
    POINTERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(text: &str) -> String {
        Redactor::new(&[]).expect("the shapes compile").redact_text(text)
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text), expected, "{text}");
    }

    #[test]
    fn signs_and_forms_for_ascii_leave_no_credential_out() {
        let redactor = Redactor::new(&[]).expect("the signs are few");
        let shapes: Vec<Regex> =
            SHAPES.iter().map(|(_, _, pattern)| Regex::new(pattern).expect("every shape compiles")).collect();
        for (text, _) in credentials() {
            let foreign =
                [format!("schön: {text}…"), text.replace(['s', 'S'], "ſ"), text.replace(['k', 'K'], "\u{212a}")];
            for text in [text.to_ascii_lowercase(), text.to_ascii_uppercase(), text].into_iter().chain(foreign) {
                let wanted = redactor.signs_in(&text);
                for (shape, regex) in shapes.iter().enumerate() {
                    let place = |found: regex::Captures<'_>| found.get(1).map(|group| group.range());
                    let expected: Vec<_> = regex.captures_iter(&text).map(place).collect();
                    let found: Vec<_> = redactor.shapes[shape].find_iter(&text).map(Some).collect();
                    assert_eq!(found, expected, "{} in {text}", SHAPES[shape].2);
                    assert!(wanted >> shape & 1 != 0 || expected.is_empty(), "{} in {text}", SHAPES[shape].2);
                }
            }
        }
    }

    /// Credential shapes with the part that must be gone. None was ever valid.
    fn credentials() -> Vec<(String, String)> {
        let filler = |n: usize| "a1B2c3D4e5".chars().cycle().take(n).collect::<String>();
        let secret = |prefix: &str, n: usize| format!("{prefix}{}", filler(n));
        let bare = [
            secret("AIza", 35),
            secret("ya29.", 60),
            secret("1//0", 40),
            secret("GOCSPX-", 28),
            format!("AKIA{}", "ABCDEFGH12345678"),
            format!("ASIA{}", "ABCDEFGH12345678"),
            secret("ghp_", 36),
            secret("gho_", 36),
            secret("ghs_", 36),
            secret("github_pat_", 60),
            secret("glpat-", 20),
            secret("xoxb-", 40),
            secret("xoxp-", 40),
            secret("xapp-", 40),
            secret("sk_live_", 24),
            secret("rk_live_", 24),
            secret("sk_test_", 24),
            secret("whsec_", 32),
            secret("sk-", 48),
            secret("sk-ant-", 48),
            secret("hf_", 34),
            secret("npm_", 36),
            secret("pypi-", 60),
            format!("dop_v1_{}", "0123456789abcdef".repeat(4)),
            format!("SG.{}.{}", filler(22), filler(43)),
            format!("key-{}", "0123456789abcdef".repeat(2)),
            format!("123456789:AA{}", filler(33)),
            format!("eyJ{}.eyJ{}.{}", filler(20), filler(40), filler(43)),
            format!("eyJ{}.eyJ{}.", filler(20), filler(40)),
        ];
        let inside = [
            ("Authorization: Bearer {}", secret("", 32)),
            ("authorization=Basic {}", "dXNlcjpwYXNzd29yZA==".to_owned()),
            ("\"Authorization\":\"Bearer {}\"", secret("", 32)),
            ("curl -H 'Authorization: token {}'", secret("", 12)),
            ("got bearer {} from caller", secret("", 20)),
            ("https://hooks.slack.com/services/{}", "T000/B000/XXXXyyyyZZZZ".to_owned()),
            ("postgres://app:{}@10.0.0.3:5432/orders", "s3cr3t!".to_owned()),
            ("postgresql+psycopg2://app:{}@/orders?host=/cloudsql/a:b:c", "p%40ss".to_owned()),
            ("amqps://user:{}@mq.acme.example/v", "p@ss".to_owned()),
            ("redis://:{}@10.0.0.4:6379/0", "hunter2".to_owned()),
            ("mongodb+srv://app:{}@cluster0.acme.example/x", "Tr0ub4dor".to_owned()),
            ("app:{}@tcp(10.0.0.3:3306)/orders", "hunter2".to_owned()),
            ("jdbc:oracle:thin:scott/{}@db:1521/x", "tiger".to_owned()),
            ("jdbc:postgresql://db/orders?user=app&password={}&ssl=true", "hunter2".to_owned()),
            ("host=10.0.0.3 user=app password={} dbname=orders", "hunter2".to_owned()),
            ("password='{}' host=x", "two words".to_owned()),
            ("Server=db;Uid=app;Pwd={};", "hunter2".to_owned()),
            ("DefaultEndpointsProtocol=https;AccountKey={};", "abc123+/==".to_owned()),
            ("DB_PASSWORD={}", "hunter2".to_owned()),
            ("{\"password\": \"{}\"}", "hunter2".to_owned()),
            ("{\\\"client_secret\\\":\\\"{}\\\"}", "hunter2".to_owned()),
            ("'api_key': '{}'", "hunter2".to_owned()),
            ("x-api-key: {}", "hunter2".to_owned()),
            ("refresh_token={}&grant_type=x", "hunter2".to_owned()),
            ("GET /v1/x?key={}&q=1", "abcdef0123".to_owned()),
            ("https://storage.example/o?X-Goog-Signature={}&x=1", "0a1b2c3d4e5f".to_owned()),
            ("https://blob.example/o?sv=1&sig={}", "abc%2Fdef%3D".to_owned()),
            ("key=hello token={}", "hunter2".to_owned()),
            ("secret: {}", "hunter2".to_owned()),
            ("passphrase: {}", "correcthorse".to_owned()),
            ("PHPSESSID={}", "0123456789".to_owned()),
            ("Cookie: {}", "sid=abc; csrf=def".to_owned()),
            ("Set-Cookie: {}", "sid=abc; Path=/; HttpOnly".to_owned()),
            ("\"cookie\": \"{}\"", "sid=abc".to_owned()),
        ];
        let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", filler(64));
        let cut_key = format!("-----BEGIN PRIVATE KEY-----\\n{}", filler(64));
        let bare = bare.into_iter().chain([key, cut_key]).map(|s| (format!("rejected: {s}"), s));
        bare.chain(inside.into_iter().map(|(text, s)| (text.replace("{}", &s), s))).collect()
    }

    #[test]
    fn every_known_credential_shape_is_gone() {
        let missed: Vec<_> =
            credentials().into_iter().filter(|(text, secret)| redact(text).contains(secret.as_str())).collect();
        assert!(missed.is_empty(), "{} of {} missed: {missed:#?}", missed.len(), credentials().len());
    }

    #[test]
    fn what_stands_around_a_secret_stays() {
        check(
            "postgres://app:hunter2@10.0.0.3:5432/orders",
            "postgres://app:[redacted password-1]@10.0.0.3:5432/orders",
        );
        check("login of alice@acme.example failed", "login of [redacted email-1] failed");
        check(
            "client 8.8.8.8 and 9.9.9.9 and 8.8.8.8",
            "client [redacted ip-1] and [redacted ip-2] and [redacted ip-1]",
        );
        check("{\"password\": \"a b\", \"n\": 1}", "{\"password\": \"[redacted secret-1]\", \"n\": 1}");
        check("from 203.0.113.9:54321", "from [redacted ip-1]:54321");
        check("from [2a00:1450:4001:81b::200e]:54321", "from [[redacted ip-1]]:54321");
    }

    #[test]
    fn what_names_a_culprit_stays() {
        for text in [
            "permission denied for builder@acme-prod.iam.gserviceaccount.com",
            "password authentication failed for user \"app\"",
            "FATAL: password authentication failed for user \"svc@acme-prod.iam\"",
            "Access denied for user 'app'@'10.1.2.3' (using password: YES)",
            "dial tcp 10.20.0.3:5432: i/o timeout",
            "dial tcp 34.76.1.2:3307: i/o timeout",
            "connect to 172.16.4.4 and 192.168.1.7, 127.0.0.1, 169.254.169.254, 100.64.0.9",
            "secret: projects/123/secrets/db-password/versions/7 was not found",
            "Secret projects/123/secrets/token/versions/latest not found",
            "token: expired",
            "Unexpected token: <EOF>",
            "password=",
            "password=None",
            "max_tokens: 4096",
            "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
            "release 1.2.3.4-beta of v10.0.0.1",
            "europe-docker.pkg.dev/acme/app@sha256:0123456789abcdef",
            "postgres://app@db.acme.example:5432/orders",
            "at 11:48:02 in std::collections, mac aa:bb:cc:dd:ee:ff",
            "root@localhost",
            "basic authentication is off, bearer authentication too",
            "key=3",
            "acme-prod:europe-west1:orders-db",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn numbers_follow_the_values_and_not_the_order() {
        check("b@acme.example a@acme.example", "[redacted email-2] [redacted email-1]");
        check("a@acme.example b@acme.example", "[redacted email-1] [redacted email-2]");
    }

    #[test]
    fn extra_patterns_are_taken_first() {
        let redactor = Redactor::new(&[r"order-(\d+)".to_owned()]).expect("a regex");
        assert_eq!(redactor.redact_text("order-4711"), "order-[redacted custom-1]");
        assert!(Redactor::new(&["(".to_owned()]).is_err());
    }

    #[test]
    fn redacting_again_changes_nothing() {
        for (text, _) in credentials() {
            let once = redact(&text);
            assert_eq!(redact(&once), once, "{text}");
        }
    }

    #[test]
    fn a_redacted_quote_agrees_with_its_entry_and_no_other() {
        assert!(agrees("login of [redacted email-1] failed", "login of alice@acme.example failed"));
        assert!(!agrees("login of [redacted email-1] failed", "login of alice@acme.example worked"));
        assert!(!agrees("login of [redacted email-1] failed", "logout of alice@acme.example failed"));
        assert!(agrees("exit(3)", "exit(3)") && !agrees("exit(3)", "exit(3)!") && !agrees("exit(3)", "exit(1)"));
        assert!(agrees("a long mess…", "a long message"));
        assert!(agrees("a … end", "a very long end") && !agrees("a … end", "a very long tail"));
        assert!(agrees("[redacted ip-1] [redacted ip-1]", "8.8.8.8 8.8.8.8"));
    }
}
