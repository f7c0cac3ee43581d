//! The shapes of claims: how texts write times, lengths, shares, counts, codes and names.

use std::sync::LazyLock;

use regex::Regex;

pub(super) static NUMBER: &str =
    r"\d{1,3}(?:,\d{3})+|\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty";

pub(super) static QUOTED: LazyLock<Regex> = LazyLock::new(|| regex(r#""([^"]{12,})"|“([^”]{12,})”"#));
pub(super) static LINK: LazyLock<Regex> = LazyLock::new(|| regex(r"\]\(<?[^)\s]*>?\)|https?://\S+"));
pub(super) static DATED: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\b(?:(\d{4}-\d{2}-\d{2})[T ,]+(?:at )?)?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?:[.,]\d+)?(?:Z|\b)")
});
pub(super) static DATE: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d{4}-\d{2}-\d{2}\b"));
pub(super) static RATIO: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"(?i)\b({NUMBER})\s+(?:out of|of|/)\s+(?:the\s+|all\s+)?({NUMBER})\b")));
pub(super) static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    let unit = r"milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|min|m|hours?|hrs?|h|days?|d";
    regex(&format!(r"\b(\d+(?:\.\d+)?)[\s-]?({unit})\b(?:,?\s+(?:and\s+)?(\d+(?:\.\d+)?)[\s-]?({unit})\b)?"))
});
pub(super) static SHARE: LazyLock<Regex> = LazyLock::new(|| regex(r"(\d+(?:\.(\d+))?)\s?(?:%|percent\b|per cent\b)"));
/// `95 % interval` names a method, not a share of anything.
pub(super) static LEVEL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b\d+(?:\.\d+)?\s?% (?:confidence|interval|ci\b)"));
pub(super) static EXIT: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)\bexit\((\d{1,3})\)|\bexit(?:s|ed|ing)?[\s_]+(?:(?:with|code|status|was|of)\s*)+[:=]?\s*(\d{1,3})\b")
});
pub(super) static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:(?:http|status|answer(?:s|ed)?|return(?:s|ed|ing)?|respond(?:s|ed)?|response|error)(?:\s+(?:with|code|status|http|a|an|errors?))*\s*[:=]?\s*([1-5]\d\d)s?\b|([1-5]\d\d)s\b|([1-5]\d\d)\s+(?:errors?|responses?|service unavailable|bad gateway|gateway timeout|internal server))",
    )
});
/// `503s` are answers; after "in", "for" or "took" they are seconds.
pub(super) static STATUSES: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)(?:^|\b(?:the|with|of|and|more|many|all|returned|answered|saw|were|are)\s+)\b([45]\d\d)s\b")
});
pub(super) static COUNT: LazyLock<Regex> = LazyLock::new(|| {
    let noun = r"entries|entry|errors?|failures?|requests?|restarts?|exits?|crash(?:es)?|boots?|starts?|instances?|timeouts?|warnings?|duplicates?|lines?|occurrences?|times|bytes|probes?|services?|upgrades?|connections?";
    regex(&format!(r"(?i)\b({NUMBER})\s+((?:[a-z][a-z-]*\s+){{0,3}}?(?:{noun}))\b"))
});
pub(super) static NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\b(?:projects/[\w./-]+|[a-z][a-z0-9-]+:[a-z]+-[a-z]+\d:[a-z0-9-]+|[a-z][a-z0-9-]*-\d{5}-[a-z]{3})\b")
});
/// What stands before the message in a pasted line: time, severity, a service in brackets or before a colon.
pub(super) static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:[-*>|\s]+|\[?\d{4}-\d{2}-\d{2}[T ][\d:.,]+(?:Z|[+-]\d{2}:?\d{2})?\]?\s*|\[?\d{2}:\d{2}:\d{2}(?:[.,]\d+)?Z?\]?\s*|\[?(?:DEFAULT|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|ALERT|EMERGENCY)\]?:?\s+)+",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this file compile, as its tests show")
}
