//! A postmortem by a person or a model, held against the export: every quote, count, time, length, code and name in it.
//!
//! The text is read first, then the entries stream by once, so that memory grows with the text and not with the export.

mod claims;
mod figures;

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;

use self::claims::{Assertion, TextClaim, claims, one_line};
use self::figures::{Figures, nearest};
use super::Report;
use super::escape::terminal;
use super::wording::{count, duration, percent};
use crate::time::{SECOND, Timestamp};

/// Seconds at which a quote was seen that are kept, the earliest ones.
const MAX_SECONDS: usize = 4096;
/// Words that tell what a time is said to be.
const ABOUT_TIMES: &[(&str, &[&str])] = &[
    ("onset", &["since", "began", "begin", "started", "onset", "first fail", "first error", "broke"]),
    ("end", &["until", "ended", "recovered", "resolved", "last fail", "last error", "restored"]),
];
/// Words that tell what a length of time is said to be.
const ABOUT_LENGTHS: &[(&str, &[&str])] = &[
    ("timeout", &["timeout", "timed out", "time out", "times out"]),
    ("period", &["every", "period", "apart"]),
    ("outage", &["lasted", "outage", "duration", "took", "downtime"]),
    ("lag", &["later"]),
    ("lead", &["before the onset", "earlier"]),
];
/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// What one entry of the export says.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'e> {
    /// Its message, unredacted.
    pub message: &'e str,
    /// Other texts of it in which a name may stand: component, revision, log name, labels, route.
    pub names: &'e [&'e str],
    /// When it could be known.
    pub time: Option<Timestamp>,
    /// Status of its HTTP request.
    pub status: Option<u16>,
    /// Where it stands.
    pub source: &'e str,
    /// Byte offset there.
    pub offset: u64,
    /// `insertId`.
    pub insert_id: &'e str,
}

/// An entry that bears a claim out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// When.
    pub time: Option<Timestamp>,
    /// Source name.
    pub source: String,
    /// Byte offset.
    pub offset: u64,
    /// `insertId`.
    pub insert_id: String,
}

/// How a claim stands against the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The export says otherwise.
    Contradicted,
    /// The export does not say so.
    Absent,
    /// The export says so.
    Found,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// A log line.
    Quote,
    /// A resource.
    Name,
    /// A number of things.
    Count,
    /// A time of day.
    Time,
    /// A length of time.
    Duration,
    /// A percentage.
    Share,
    /// An HTTP status.
    Status,
    /// An exit code.
    ExitCode,
}

/// One claim and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is claimed.
    pub kind: ClaimKind,
    /// As it is written.
    pub claim: String,
    /// How it stands.
    pub verdict: Verdict,
    /// The true figure, or what was found.
    pub note: String,
    /// The entry, when one bears it out.
    pub place: Option<Sighting>,
}

/// A text under audit.
#[derive(Debug)]
pub struct TextAudit {
    claims: Vec<TextClaim>,
    /// Literal that stands for each needle, found in one scan of a message.
    scanner: Option<AhoCorasick>,
    /// Claim of each literal of the scanner.
    owners: Vec<usize>,
    seen: Vec<Sightings>,
    /// Claims of a time by (day, whether to the second, second or minute of the day).
    clock: BTreeMap<(Option<i64>, bool, i64), Vec<usize>>,
    statuses: BTreeMap<u16, u64>,
}

/// What the entries told about a claim.
#[derive(Clone, Debug, Default)]
struct Sightings {
    count: u64,
    first: Option<Sighting>,
    seconds: BTreeSet<i64>,
}

/// Audits a text against the entries of an export and the report made of it.
pub fn audit<'e>(text: &str, report: &Report, entries: impl IntoIterator<Item = Fact<'e>>) -> Vec<Finding> {
    let mut audit = TextAudit::new(text);
    entries.into_iter().for_each(|fact| audit.observe(&fact));
    audit.conclude(report)
}

/// True when the text must not stand: something is contradicted, or a quote is not in the export.
pub fn is_refuted(findings: &[Finding]) -> bool {
    let refutes = |finding: &Finding| match finding.verdict {
        Verdict::Contradicted => true,
        Verdict::Absent => finding.kind == ClaimKind::Quote,
        Verdict::Found => false,
    };
    findings.iter().any(refutes)
}

/// The findings as lines of text: what is wrong first, then what is missing, then the count of what was found.
pub fn render(findings: &[Finding]) -> String {
    let mut out = String::new();
    for (verdict, name) in [(Verdict::Contradicted, "contradicted"), (Verdict::Absent, "not in the export")] {
        for finding in findings.iter().filter(|finding| finding.verdict == verdict) {
            let (claim, note) = (terminal(&finding.claim), terminal(&finding.note));
            out.push_str(&format!("line {}: {name}: {claim}\n    {note}\n", finding.line));
        }
    }
    let of = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count() as u64;
    out.push_str(&format!(
        "{} claims: {} found, {} contradicted, {} not in the export\n",
        count(findings.len() as u64),
        count(of(Verdict::Found)),
        count(of(Verdict::Contradicted)),
        count(of(Verdict::Absent))
    ));
    out
}

impl TextAudit {
    /// Reads the claims of a text.
    pub fn new(text: &str) -> TextAudit {
        let claims = claims(text);
        let mut literals = Vec::new();
        let mut owners = Vec::new();
        let mut clock: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (i, claim) in claims.iter().enumerate() {
            for literal in needles(claim) {
                literals.push(literal);
                owners.push(i);
            }
            if let Some(key) = clock_key(claim) {
                clock.entry(key).or_default().push(i);
            }
        }
        // A text so large that no automaton can be built is audited without its quotes: they stay "not in the export".
        let scanner = AhoCorasick::new(&literals).ok().filter(|_| !literals.is_empty());
        let seen = vec![Sightings::default(); claims.len()];
        TextAudit { claims, scanner, owners, seen, clock, statuses: BTreeMap::new() }
    }

    /// Holds one entry against every claim. The order of entries does not matter.
    pub fn observe(&mut self, fact: &Fact<'_>) {
        if let Some(status) = fact.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        let mut hit: BTreeSet<usize> = BTreeSet::new();
        let message = one_line_if_needed(fact.message);
        self.scan(&message, true, &mut hit);
        fact.names.iter().for_each(|name| self.scan(name, false, &mut hit));
        hit.extend(self.at_time(fact.time));
        for claim in hit {
            self.seen[claim].add(fact);
        }
    }

    /// How every claim stands, in the order of the text.
    pub fn conclude(self, report: &Report) -> Vec<Finding> {
        let figures = Figures::of(report);
        let judge = |i: usize| self.judge(i, &figures, report);
        (0..self.claims.len()).map(judge).collect()
    }

    /// Claims whose needle stands in a text; a quote must stand in the message as a whole.
    fn scan(&self, text: &str, is_message: bool, hit: &mut BTreeSet<usize>) {
        let Some(scanner) = &self.scanner else { return };
        for found in scanner.find_overlapping_iter(text) {
            let claim = self.owners[found.pattern().as_usize()];
            let confirmed = match &self.claims[claim].what {
                Assertion::Quote(pieces) => is_message && in_order(text, pieces),
                Assertion::Duration { .. } => whole_word(text, found.range()),
                _ => true,
            };
            if confirmed {
                hit.insert(claim);
            }
        }
    }

    fn at_time(&self, time: Option<Timestamp>) -> Vec<usize> {
        let Some(time) = time else { return Vec::new() };
        let second = time.0.div_euclid(SECOND);
        let (day, of_day) = (second.div_euclid(DAY_S), second.rem_euclid(DAY_S));
        let keys = [None, Some(day)].into_iter().flat_map(|day| [(day, true, of_day), (day, false, of_day / 60)]);
        keys.filter_map(|key| self.clock.get(&key)).flatten().copied().collect()
    }

    fn judge(&self, i: usize, figures: &Figures, report: &Report) -> Finding {
        let claim = &self.claims[i];
        let seen = &self.seen[i];
        let (kind, (verdict, note)) = match &claim.what {
            Assertion::Quote(pieces) => (ClaimKind::Quote, judge_quote(pieces, seen, figures)),
            Assertion::Name(name) => (ClaimKind::Name, judge_name(name, seen, figures)),
            Assertion::Count { value, noun } => (ClaimKind::Count, self.judge_count(claim, *value, noun, figures)),
            Assertion::Ratio { part, whole } => (ClaimKind::Count, judge_ratio(*part, *whole, figures)),
            Assertion::Time { .. } => (ClaimKind::Time, self.judge_time(claim, seen, figures, report)),
            Assertion::Duration { seconds, tolerance } => {
                (ClaimKind::Duration, judge_length(claim, *seconds, *tolerance, seen, figures))
            }
            Assertion::Share { percent, decimals } => (ClaimKind::Share, judge_share(*percent, *decimals, figures)),
            Assertion::Status(status) => (ClaimKind::Status, self.judge_status(*status)),
            Assertion::Exit(code) => (ClaimKind::ExitCode, judge_exit(code, figures)),
        };
        let place = seen.first.clone().filter(|_| verdict == Verdict::Found);
        Finding { line: claim.line, kind, claim: claim.text.clone(), verdict, note, place }
    }

    fn judge_count(&self, claim: &TextClaim, value: u64, noun: &str, figures: &Figures) -> (Verdict, String) {
        let quote = self.only_quote_of(claim.line).filter(|_| matches!(noun, "times" | "occurrences" | "occurrence"));
        if let Some(seen) = quote.filter(|seen| seen.count > 0 && seen.count != value && !figures.has(value)) {
            return (Verdict::Contradicted, format!("the line is in {} entries", count(seen.count)));
        }
        if quote.is_some_and(|seen| seen.count == value) {
            return (Verdict::Found, "as many entries hold the line".to_owned());
        }
        match figures.of_noun(noun) {
            _ if figures.has_text(&claim.text) => (Verdict::Found, "a text of the report".to_owned()),
            Some(counts) if counts.contains(&value) => (Verdict::Found, "a figure of the report".to_owned()),
            Some(counts) => {
                (Verdict::Contradicted, format!("the export gives {}", nearest(counts.iter().copied(), value)))
            }
            None if figures.has(value) => (Verdict::Found, "a figure of the report".to_owned()),
            None => (Verdict::Absent, "the export gives no such figure".to_owned()),
        }
    }

    /// What was seen of the quote of a line, when the line has exactly one that was found.
    fn only_quote_of(&self, line: usize) -> Option<&Sightings> {
        let of_line = |(claim, seen): (&TextClaim, &'_ Sightings)| {
            claim.line == line && matches!(claim.what, Assertion::Quote(_)) && seen.count > 0
        };
        let mut quotes = self.claims.iter().zip(&self.seen).filter(|(claim, seen)| of_line((claim, seen)));
        let first = quotes.next()?;
        quotes.next().is_none().then_some(first.1)
    }

    fn judge_time(&self, claim: &TextClaim, seen: &Sightings, figures: &Figures, report: &Report) -> (Verdict, String) {
        let times_of_line =
            self.claims.iter().filter(|other| other.line == claim.line && matches!(other.what, Assertion::Time { .. }));
        let quote = self.only_quote_of(claim.line).filter(|quote| !quote.seconds.is_empty());
        if let Some(quote) = quote.filter(|_| times_of_line.count() == 1) {
            return match quote.seconds.iter().any(|second| is_at(claim, Timestamp(second.saturating_mul(SECOND)))) {
                true => (Verdict::Found, "the time of the quoted entry".to_owned()),
                false => (Verdict::Contradicted, format!("the quoted entry is of {}", first_time(quote))),
            };
        }
        let known = figures.times.iter().any(|time| is_at(claim, *time));
        let truth = nearest_kind(claim, ABOUT_TIMES).map(|kind| match kind {
            "onset" => ("the onset is at", &figures.onsets),
            _ => ("the last failure is at", &figures.ends),
        });
        match truth.filter(|(_, times)| !times.is_empty() && !known) {
            Some((words, times)) => (Verdict::Contradicted, format!("{words} {}", clocks(times))),
            None if known || figures.slots.iter().any(|time| is_at(claim, *time)) => {
                (Verdict::Found, "a time of the report".to_owned())
            }
            None if seen.count > 0 => (Verdict::Found, format!("{} entries are of this time", count(seen.count))),
            None => (Verdict::Absent, outside(report)),
        }
    }

    fn judge_status(&self, status: u16) -> (Verdict, String) {
        match self.statuses.get(&status) {
            Some(n) => (Verdict::Found, format!("{} requests", count(*n))),
            None if self.statuses.is_empty() => (Verdict::Absent, "the export holds no request".to_owned()),
            None => {
                let seen: Vec<String> =
                    self.statuses.iter().map(|(status, n)| format!("{status} ({})", count(*n))).collect();
                (Verdict::Contradicted, format!("no request has it; the statuses are {}", seen.join(", ")))
            }
        }
    }
}

impl Sightings {
    fn add(&mut self, fact: &Fact<'_>) {
        self.count += 1;
        let place = Sighting {
            time: fact.time,
            source: fact.source.to_owned(),
            offset: fact.offset,
            insert_id: fact.insert_id.to_owned(),
        };
        let is_earlier = |first: &Sighting| (place.time.is_none(), &place) < (first.time.is_none(), first);
        if self.first.as_ref().is_none_or(is_earlier) {
            self.first = Some(place);
        }
        self.seconds.extend(fact.time.map(|time| time.0.div_euclid(SECOND)));
        if self.seconds.len() > MAX_SECONDS {
            self.seconds.pop_last();
        }
    }
}

/// What a figure is said to be, by the word right after it, or else the one that stands nearest before it.
fn nearest_kind(claim: &TextClaim, kinds: &[(&'static str, &[&str])]) -> Option<&'static str> {
    let follows = |words: &[&str]| words.iter().any(|word| claim.after.trim_start().starts_with(word));
    let after = kinds.iter().find(|(_, words)| follows(words)).map(|(kind, _)| *kind);
    let last = |words: &[&str]| words.iter().filter_map(|word| claim.before.rfind(word)).max();
    let before = || kinds.iter().filter_map(|(kind, words)| Some((last(words)?, *kind))).max();
    after.or_else(|| before().map(|(_, kind)| kind))
}

/// Literals one of which every text that bears the claim out must hold.
fn needles(claim: &TextClaim) -> Vec<String> {
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
fn spellings(text: &str) -> Vec<String> {
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
fn in_order(text: &str, pieces: &[String]) -> bool {
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
fn whole_word(text: &str, range: std::ops::Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    !before.is_some_and(|c| c.is_ascii_digit() || c == '.') && !after.is_some_and(char::is_alphanumeric)
}

fn one_line_if_needed(message: &str) -> std::borrow::Cow<'_, str> {
    let is_plain = !message.contains(['\n', '\t', '\r']) && !message.contains("  ");
    if is_plain { message.into() } else { one_line(message).into() }
}

fn clock_key(claim: &TextClaim) -> Option<(Option<i64>, bool, i64)> {
    let Assertion::Time { date, second_of_day, seconds } = &claim.what else { return None };
    let day = match date {
        Some(date) => Some(Timestamp::parse(&format!("{date}T00:00:00Z"))?.0.div_euclid(SECOND * DAY_S)),
        None => None,
    };
    let value = i64::from(if *seconds { *second_of_day } else { second_of_day / 60 });
    Some((day, *seconds, value))
}

/// True when a time is the claimed one, to the second or the minute as the claim is written.
fn is_at(claim: &TextClaim, time: Timestamp) -> bool {
    let Some((day, to_second, value)) = clock_key(claim) else { return false };
    let second = time.0.div_euclid(SECOND);
    let of_day = second.rem_euclid(DAY_S);
    let same_clock = value == if to_second { of_day } else { of_day / 60 };
    same_clock && day.is_none_or(|day| day == second.div_euclid(DAY_S))
}

fn judge_quote(pieces: &[String], seen: &Sightings, figures: &Figures) -> (Verdict, String) {
    if seen.count > 0 {
        return (Verdict::Found, format!("in {} entries", count(seen.count)));
    }
    match pieces {
        [only] if figures.has_text(only) => (Verdict::Found, "a text of the report".to_owned()),
        _ => (Verdict::Absent, "no entry holds this line".to_owned()),
    }
}

fn judge_name(name: &str, seen: &Sightings, figures: &Figures) -> (Verdict, String) {
    match seen.count {
        0 if figures.has_text(name) => (Verdict::Found, "a name of the report".to_owned()),
        0 => (Verdict::Absent, "no entry names it".to_owned()),
        n => (Verdict::Found, format!("named by {} entries", count(n))),
    }
}

fn judge_ratio(part: u64, whole: u64, figures: &Figures) -> (Verdict, String) {
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

fn judge_share(claimed: f64, decimals: usize, figures: &Figures) -> (Verdict, String) {
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

fn judge_length(
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

fn judge_exit(code: &str, figures: &Figures) -> (Verdict, String) {
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

fn first_time(seen: &Sightings) -> String {
    seen.seconds.first().map_or(String::new(), |second| Timestamp(second.saturating_mul(SECOND)).date_clock())
}

fn clocks(times: &BTreeSet<Timestamp>) -> String {
    times.iter().take(3).map(|time| time.clock()).collect::<Vec<_>>().join(", ")
}

fn outside(report: &Report) -> String {
    match (report.coverage.first, report.coverage.last) {
        (Some(first), Some(last)) => {
            format!("no entry is of this time; the export covers {} to {} UTC", first.date_clock(), last.date_clock())
        }
        _ => "the export holds no time".to_owned(),
    }
}
