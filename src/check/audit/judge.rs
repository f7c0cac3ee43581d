//! How a claim stands against the figures of a report and what entries showed of it.

use std::collections::BTreeSet;

use super::claims::{Assertion, TextClaim, one_line};
use super::figures::Figures;
use super::{DAY_S, Sightings, Verdict};
use crate::report::Report;
use crate::report::wording::{count, duration, percent};
use crate::time::{SECOND, Timestamp};

/// Words that tell what a length of time is said to be.
const ABOUT_LENGTHS: &[(&str, &[&str])] = &[
    ("timeout", &["timeout", "timed out", "time out", "times out"]),
    ("period", &["every", "period", "apart"]),
    ("outage", &["lasted", "outage", "duration", "took", "downtime"]),
    ("lag", &["later"]),
    ("lead", &["before the onset", "earlier"]),
];

/// What a figure is said to be, by the word right after it, or else the one that stands nearest before it.
pub(super) fn nearest_kind(claim: &TextClaim, kinds: &[(&'static str, &[&str])]) -> Option<&'static str> {
    let follows = |words: &[&str]| words.iter().any(|word| claim.after.trim_start().starts_with(word));
    let after = kinds.iter().find(|(_, words)| follows(words)).map(|(kind, _)| *kind);
    let last = |words: &[&str]| words.iter().filter_map(|word| claim.before.rfind(word)).max();
    let before = || kinds.iter().filter_map(|(kind, words)| Some((last(words)?, *kind))).max();
    after.or_else(|| before().map(|(_, kind)| kind))
}

/// Literals one of which every text that bears the claim out must hold.
pub(super) fn needles(claim: &TextClaim) -> Vec<String> {
    match &claim.what {
        Assertion::Quote(pieces) => pieces.iter().max_by_key(|piece| piece.len()).cloned().into_iter().collect(),
        Assertion::Name(name) => vec![name.clone()],
        Assertion::Exit(code) => {
            vec![format!("exit({code})"), format!("exit code {code}"), format!("exit status {code}")]
        }
        Assertion::Duration { .. } => spellings(&claim.text),
        _ => Vec::new(),
    }
}

/// `20.0 s` as logs write it: `20.0 s`, `20.0s`, `20s`, `20 seconds`.
pub(super) fn spellings(text: &str) -> Vec<String> {
    let n_number = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = text.split_at(n_number);
    let units: &[&str] = match unit.trim_start_matches([' ', '-']) {
        "s" | "sec" | "secs" | "second" | "seconds" => &["s", "sec", "seconds", "second"],
        "ms" | "millisecond" | "milliseconds" => &["ms", "milliseconds"],
        "m" | "min" | "mins" | "minute" | "minutes" => &["m", "min", "minutes"],
        _ => return vec![text.to_owned()],
    };
    let whole = number.trim_end_matches('0').trim_end_matches('.');
    let mut numbers = vec![number.to_owned()];
    if number.contains('.') {
        numbers.push(whole.to_owned());
    } else {
        numbers.push(format!("{number}.0"));
    }
    let pairs = numbers.iter().flat_map(|number| units.iter().map(move |unit| (number, unit)));
    pairs.flat_map(|(number, unit)| [format!("{number}{unit}"), format!("{number} {unit}")]).collect()
}

/// True when the pieces stand in the text one after the other.
pub(super) fn in_order(text: &str, pieces: &[String]) -> bool {
    let mut rest = text;
    pieces.iter().all(|piece| match rest.find(piece.as_str()) {
        Some(start) => {
            rest = &rest[start + piece.len()..];
            true
        }
        None => false,
    })
}

/// True when no digit, letter or dot goes on beyond the hit: `20s` is not in `120s`.
pub(super) fn whole_word(text: &str, range: std::ops::Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    !before.is_some_and(|c| c.is_ascii_digit() || c == '.') && !after.is_some_and(char::is_alphanumeric)
}

pub(super) fn one_line_if_needed(message: &str) -> std::borrow::Cow<'_, str> {
    let is_plain = !message.contains(['\n', '\t', '\r']) && !message.contains("  ");
    if is_plain { message.into() } else { one_line(message).into() }
}

pub(super) fn clock_key(claim: &TextClaim) -> Option<(Option<i64>, bool, i64)> {
    let Assertion::Time { date, second_of_day, seconds } = &claim.what else { return None };
    let day = match date {
        Some(date) => Some(Timestamp::parse(&format!("{date}T00:00:00Z"))?.0.div_euclid(SECOND * DAY_S)),
        None => None,
    };
    let value = i64::from(if *seconds { *second_of_day } else { second_of_day / 60 });
    Some((day, *seconds, value))
}

/// True when a time is the claimed one, to the second or the minute as the claim is written.
pub(super) fn is_at(claim: &TextClaim, time: Timestamp) -> bool {
    let Some((day, to_second, value)) = clock_key(claim) else { return false };
    let second = time.0.div_euclid(SECOND);
    let of_day = second.rem_euclid(DAY_S);
    let same_clock = value == if to_second { of_day } else { of_day / 60 };
    same_clock && day.is_none_or(|day| day == second.div_euclid(DAY_S))
}

pub(super) fn judge_quote(pieces: &[String], seen: &Sightings, figures: &Figures) -> (Verdict, String) {
    if seen.count > 0 {
        return (Verdict::Found, format!("in {} entries", count(seen.count)));
    }
    match pieces {
        [only] if figures.has_text(only) => (Verdict::Found, "a text of the report".to_owned()),
        _ => (Verdict::Absent, "no entry holds this line".to_owned()),
    }
}

pub(super) fn judge_name(name: &str, seen: &Sightings, figures: &Figures) -> (Verdict, String) {
    match seen.count {
        0 if figures.has_text(name) => (Verdict::Found, "a name of the report".to_owned()),
        0 => (Verdict::Absent, "no entry names it".to_owned()),
        n => (Verdict::Found, format!("named by {} entries", count(n))),
    }
}

pub(super) fn judge_ratio(part: u64, whole: u64, figures: &Figures) -> (Verdict, String) {
    if figures.ratios.contains(&(part, whole)) {
        return (Verdict::Found, "a figure of the report".to_owned());
    }
    let alike: Vec<&(u64, u64)> = figures.ratios.iter().filter(|(p, w)| *w == whole || *p == part).collect();
    let shown = if alike.is_empty() { figures.ratios.iter().collect() } else { alike };
    let shown: Vec<String> = shown.iter().take(3).map(|(p, w)| format!("{} of {}", count(*p), count(*w))).collect();
    match shown.is_empty() {
        true => (Verdict::Absent, "the export gives no such share".to_owned()),
        false => (Verdict::Contradicted, format!("the export gives {}", shown.join(", "))),
    }
}

pub(super) fn judge_share(claimed: f64, decimals: usize, figures: &Figures) -> (Verdict, String) {
    let tolerance = 0.5 * 0.1f64.powi(decimals.min(9) as i32) + 1e-9;
    let fits = |share: f64| (share * 100.0 - claimed).abs() <= tolerance;
    let mut shares: Vec<f64> = figures.shares().collect();
    if shares.iter().copied().any(fits) {
        return (Verdict::Found, "a share of the report".to_owned());
    }
    shares.sort_by(|a, b| (a * 100.0 - claimed).abs().total_cmp(&(b * 100.0 - claimed).abs()));
    shares.dedup();
    let shown: Vec<String> = shares.iter().take(3).map(|share| percent(*share)).collect();
    match shown.is_empty() {
        true => (Verdict::Absent, "the export gives no share".to_owned()),
        false => (Verdict::Contradicted, format!("the nearest shares are {}", shown.join(", "))),
    }
}

pub(super) fn judge_length(
    claim: &TextClaim,
    seconds: f64,
    tolerance: f64,
    seen: &Sightings,
    figures: &Figures,
) -> (Verdict, String) {
    // People cut as often as they round: 33 min 38 s are called 33 and 34 minutes.
    let fits = |length: f64| {
        (length - seconds).abs() <= tolerance + 1e-9 || (0.0..2.0 * tolerance).contains(&(length - seconds))
    };
    let kind = nearest_kind(claim, ABOUT_LENGTHS);
    let truth: Vec<f64> = kind.map(|kind| figures.lengths_of(kind).collect()).unwrap_or_default();
    if truth.iter().copied().any(fits) || truth.is_empty() && figures.lengths.iter().any(|(_, length)| fits(*length)) {
        return (Verdict::Found, "a length of the report".to_owned());
    }
    if seen.count > 0 {
        return (Verdict::Found, format!("in {} entries", count(seen.count)));
    }
    let mut truth = truth;
    truth.sort_by(f64::total_cmp);
    let mut shown: Vec<String> = truth.iter().map(|length| duration(*length)).collect();
    shown.dedup();
    match shown.is_empty() {
        true => (Verdict::Absent, "the export gives no such length".to_owned()),
        false => (Verdict::Contradicted, format!("the export gives {}", shown.join(", "))),
    }
}

pub(super) fn judge_exit(code: &str, figures: &Figures) -> (Verdict, String) {
    match figures.exit_codes.get(code) {
        Some(n) => (Verdict::Found, format!("{} exits", count(*n))),
        None if figures.exit_codes.is_empty() => (Verdict::Absent, "the export holds no exit code".to_owned()),
        None => {
            let seen: Vec<String> =
                figures.exit_codes.iter().map(|(code, n)| format!("{code} ({})", count(*n))).collect();
            (Verdict::Contradicted, format!("the exit codes are {}", seen.join(", ")))
        }
    }
}

pub(super) fn first_time(seen: &Sightings) -> String {
    seen.seconds.first().map_or(String::new(), |second| Timestamp(second.saturating_mul(SECOND)).date_clock())
}

pub(super) fn clocks(times: &BTreeSet<Timestamp>) -> String {
    times.iter().take(3).map(|time| time.clock()).collect::<Vec<_>>().join(", ")
}

pub(super) fn outside(report: &Report) -> String {
    match (report.coverage.first, report.coverage.last) {
        (Some(first), Some(last)) => {
            format!("no entry is of this time; the export covers {} to {} UTC", first.date_clock(), last.date_clock())
        }
        _ => "the export holds no time".to_owned(),
    }
}
