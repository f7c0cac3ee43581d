//! The shapes of secrets and contacts, and what tells a hit from an ordinary word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Texts from here on may have been cut, quotes at 600 characters, so that their last word can be half of an address.
pub(super) const CUT_BYTES: usize = 500;

/// Ports from here on are given to clients by Linux (`ip_local_port_range`); a public address with a lower port is a
/// server and may be the culprit.
pub(super) const FIRST_CLIENT_PORT: u32 = 32_768;

/// Values after `password:` and its like that say something about a credential and are none.
pub(super) const NO_SECRETS: &[&str] = &[
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
pub(super) const CUSTOM: &str = "custom";

/// Shapes of credentials: kind, what stands in every text that holds one (any of these, case aside), and a pattern whose first
/// group is what must go. Earlier ones win where two overlap.
///
/// Prefixes and lengths are those that the issuers document (and secret scanners use).
pub(super) const SHAPES: &[(&str, &[&str], &str)] = &[
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

/// True for short words and for times, which fill most of a report and hold no secret of a known shape.
pub(super) fn is_plain(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'-' | b'_' | b'/');
    let is_time = |b: u8| b.is_ascii_digit() || matches!(b, b'T' | b'Z' | b':' | b'-' | b'.');
    let starts_as_time = text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
    text.len() < 16 && text.bytes().all(is_word) || text.len() <= 30 && starts_as_time && text.bytes().all(is_time)
}

/// The part of a hit that must go, `None` when it names a culprit or is no secret.
pub(super) fn judge(kind: &str, text: &str, hit: Range<usize>) -> Option<Range<usize>> {
    match kind {
        "secret" => judge_secret(text, hit),
        "email" => judge_email(text, &hit).then_some(hit),
        "ip" => judge_address(text, &hit).then_some(hit),
        _ => Some(hit),
    }
}

pub(super) fn judge_secret(text: &str, hit: Range<usize>) -> Option<Range<usize>> {
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
pub(super) fn is_sentence(text: &str, hit: &Range<usize>, inner: &str) -> bool {
    let mut letters = inner.chars();
    let capitalised = letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.all(|c| c.is_ascii_lowercase());
    let mut after = text[hit.end..].chars();
    let goes_on = after.next() == Some(' ') && after.next().is_some_and(|c| c.is_ascii_lowercase());
    capitalised && goes_on && text[..hit.start].ends_with(": ")
}

/// A service account names a culprit; `//user@host` is the address of a server.
pub(super) fn judge_email(text: &str, hit: &Range<usize>) -> bool {
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

pub(super) fn judge_address(text: &str, hit: &Range<usize>) -> bool {
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
pub(super) fn server_port(after: &str) -> bool {
    let Some(digits) = after.trim_start_matches(']').strip_prefix(':') else { return false };
    let n_digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits[..n_digits].parse::<u32>().is_ok_and(|port| port < FIRST_CLIENT_PORT)
}

pub(super) fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b); // RFC 6598, used inside Google's networks
    let special = a == 0 || a >= 224 || address.is_loopback() || address.is_link_local() || address.is_documentation();
    // Addresses for documentation never belong to a client, but look like one: they are treated as one.
    !address.is_private() && !shared && (!special || address.is_documentation())
}

/// Global unicast is `2000::/3` (RFC 4291); all else is local.
pub(super) fn is_public_v6(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

/// Joins hits that overlap into one, of the kind that was found first.
pub(super) fn without_overlap(mut found: Vec<(Range<usize>, &'static str)>) -> Vec<(Range<usize>, &'static str)> {
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
