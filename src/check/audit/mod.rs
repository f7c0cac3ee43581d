//! A postmortem by a person or a model, held against the export: every quote, count, time, length, code and name in it.
//!
//! The text is read first, then the entries stream by once, so that memory grows with the text and not with the export.

mod claims;
mod figures;
mod judge;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;

pub use self::claims::Unjudged;
use self::claims::{Assertion, TextClaim, claims};
use self::figures::{Figures, nearest};
use self::judge::*;
use crate::face::escape::terminal;
use crate::report::Report;
use crate::report::wording::count;
use crate::time::{SECOND, Timestamp};

/// Seconds at which a quote was seen that are kept, the earliest ones.
const MAX_SECONDS: usize = 4096;
/// Words that tell what a time is said to be.
const ABOUT_TIMES: &[(&str, &[&str])] = &[
    ("onset", &["since", "began", "begin", "started", "onset", "first fail", "first error", "broke"]),
    ("end", &["until", "ended", "recovered", "resolved", "last fail", "last error", "restored"]),
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
    /// It is denied, and no entry can show that something is not.
    Unjudged,
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
    unjudged: Unjudged,
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
        Verdict::Found | Verdict::Unjudged => false,
    };
    findings.iter().any(refutes)
}

/// Lines that are listed of each kind that was not judged.
const LISTED: usize = 8;

/// The findings as lines of text: what is wrong first, then what is missing, then the count of what was found, then what no audit
/// can judge.
pub fn render(findings: &[Finding], unjudged: &Unjudged) -> String {
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
    let denied: Vec<usize> = findings.iter().filter(|f| f.verdict == Verdict::Unjudged).map(|f| f.line).collect();
    for (lines, what) in [
        (&denied, "denials: no entry shows that something is not"),
        (&unjudged.bare, "lines without a figure, a quote or a name"),
        (&unjudged.cut, "lines beyond their first 20,000 bytes"),
    ] {
        if !lines.is_empty() {
            let listed = lines.iter().take(LISTED).map(usize::to_string).collect::<Vec<_>>().join(", ");
            let more = if lines.len() > LISTED { ", …" } else { "" };
            out.push_str(&format!("not judged: {} {what} (line {listed}{more})\n", count(lines.len() as u64)));
        }
    }
    out
}

impl TextAudit {
    /// Reads the claims of a text.
    pub fn new(text: &str) -> TextAudit {
        let (claims, unjudged) = claims(text);
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
        TextAudit { claims, scanner, owners, seen, unjudged, clock, statuses: BTreeMap::new() }
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

    /// Lines that cannot be judged, or not wholly.
    pub fn unjudged(&self) -> &Unjudged {
        &self.unjudged
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
        let (verdict, note) = match verdict {
            // The report itself may be cited word for word.
            Verdict::Contradicted | Verdict::Absent if figures.has_phrase(&claim.text) => {
                (Verdict::Found, "a text of the report".to_owned())
            }
            // What is denied may be named, and happens at a time.
            _ if claim.is_denied() && !matches!(kind, ClaimKind::Time | ClaimKind::Name) => {
                (Verdict::Unjudged, "a denial".to_owned())
            }
            verdict => (verdict, note),
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
