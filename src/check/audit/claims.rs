//! What a text claims: the log lines it quotes, the names, counts, times, durations, shares and codes it gives.

use std::ops::Range;

use regex::Regex;

use super::shapes::*;

/// Bytes of a line that are read; no sentence is longer, and a hostile line stays cheap.
const MAX_LINE: usize = 20_000;
/// Words before and after a figure that tell what it counts.
const CONTEXT_BYTES: usize = 60;
/// Letters of the longest literal piece of a quote at least; less is found everywhere.
const MIN_PIECE: usize = 4;
/// Fences whose content is no log: commands and drawings.
const NO_LOG: &[&str] =
    &["sh", "bash", "shell", "zsh", "mermaid", "sql", "hcl", "terraform", "dockerfile", "diff", "python", "go", "toml"];

/// Words that deny what follows.
const DENIALS: &[&str] =
    &["no", "not", "never", "without", "neither", "nor", "none", "zero", "didn't", "wasn't", "isn't"];
/// Words between a denial and what it denies.
const DENIED_WITHIN: usize = 3;

/// One claim of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TextClaim {
    /// Line, from 1.
    pub(super) line: usize,
    /// As it is written.
    pub(super) text: String,
    /// What it says.
    pub(super) what: Assertion,
    /// Lower-case words before it on its line.
    pub(super) before: String,
    /// Lower-case words after it on its line.
    pub(super) after: String,
}

/// What a claim says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Assertion {
    /// A log line: its literal pieces in order, what stands between them is left out or redacted.
    Quote(Vec<String>),
    /// The name of a resource.
    Name(String),
    /// `15 restarts`.
    Count { value: u64, noun: String },
    /// `951 of 982 requests`.
    Ratio { part: u64, whole: u64 },
    /// A time of day, with its date when it has one; `seconds` is false for `11:48`.
    Time { date: Option<String>, second_of_day: u32, seconds: bool },
    /// A length of time, and half of its last unit as tolerance.
    Duration { seconds: f64, tolerance: f64 },
    /// A share in percent, with its decimals.
    Share { percent: f64, decimals: usize },
    /// An HTTP status.
    Status(u16),
    /// An exit code.
    Exit(String),
}

/// Lines that an audit cannot judge, or not wholly; numbered from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unjudged {
    /// They say something without a figure, a quote or a name.
    pub bare: Vec<usize>,
    /// They are longer than 20,000 bytes: the rest was not read.
    pub cut: Vec<usize>,
}

impl TextClaim {
    /// True when the words before it deny it: "no 503s", "never exited with code 3".
    pub(super) fn is_denied(&self) -> bool {
        let clause = self.before.rsplit(['.', ';', ',', ':', '(']).next().unwrap_or_default();
        clause.split_whitespace().rev().take(DENIED_WITHIN).any(|word| DENIALS.contains(&word))
    }
}

/// Every claim of a text, line by line, in order, and the lines of which not all can be judged.
pub(super) fn claims(text: &str) -> (Vec<TextClaim>, Unjudged) {
    let mut found = Vec::new();
    let mut unjudged = Unjudged::default();
    let mut fence: Option<(String, bool)> = None;
    for (i, line) in text.lines().enumerate() {
        let whole = line;
        let line = &whole[..whole.floor_char_boundary(MAX_LINE)];
        if line.len() < whole.len() {
            unjudged.cut.push(i + 1);
        }
        let n_before = found.len();
        let trimmed = line.trim_start();
        match &fence {
            Some((mark, _)) if trimmed.starts_with(mark.as_str()) => fence = None,
            Some((_, true)) => fenced_line(i + 1, line, &mut found),
            Some((_, false)) => {}
            None => match opened_fence(trimmed) {
                Some(opened) => fence = Some(opened),
                None => {
                    prose_line(i + 1, line, &mut found);
                    if found.len() == n_before && is_statement(trimmed) {
                        unjudged.bare.push(i + 1);
                    }
                }
            },
        }
    }
    (found, unjudged)
}

/// True for a line that says something: no heading, no rule, no single word.
fn is_statement(line: &str) -> bool {
    !line.starts_with('#') && line.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count() >= 3
}

/// The mark that closes a fence, and whether it holds log lines.
fn opened_fence(line: &str) -> Option<(String, bool)> {
    let mark: String = line.chars().take_while(|c| *c == '`' || *c == '~').collect();
    let language = line[mark.len()..].trim().to_ascii_lowercase();
    (mark.len() >= 3 && !language.contains('`')).then(|| (mark, !NO_LOG.contains(&language.as_str())))
}

fn fenced_line(line: usize, text: &str, found: &mut Vec<TextClaim>) {
    let mut rest = Masked::new(line, text);
    let is_command = ["$ ", "gcloud ", "kubectl ", "curl "].iter().any(|start| text.trim_start().starts_with(start));
    if !is_command && text.trim().len() >= 8 {
        if let Some(time) = DATED.captures(text) {
            rest.take_time(&time, found);
        }
        rest.claim(0..text.len(), text.trim(), quote(text), found);
    }
}

fn prose_line(line: usize, text: &str, found: &mut Vec<TextClaim>) {
    let mut rest = Masked::new(line, text);
    let spans = code_spans(text);
    let has_code = !spans.is_empty();
    for (all, inner) in spans {
        let inner = &text[inner];
        rest.claim(all, inner, code_span(inner.trim()), found);
    }
    rest.mask(&LINK);
    if text.trim_start().starts_with('>') && !has_code && !text.contains("**") {
        rest.claim(0..text.len(), text.trim_start_matches(['>', ' ']), quote(text), found);
        return;
    }
    rest.each(&QUOTED, found, |hit| {
        let inner = hit.get(1).or(hit.get(2))?.as_str();
        (inner.split_whitespace().count() >= 4).then(|| quote(inner)).flatten()
    });
    figures(&mut rest, found);
}

/// Code spans of a line, whole and inside: as in Markdown a run of backticks is closed by the next run of the same length.
fn code_spans(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let run = |from: usize| text[from..].bytes().take_while(|b| *b == b'`').count();
    let next = |from: usize| text[from..].find('`').map(|at| from + at);
    let mut spans = Vec::new();
    let mut at = next(0);
    while let Some(start) = at {
        let n = run(start);
        let mut close = next(start + n);
        while let Some(end) = close.filter(|end| run(*end) != n) {
            close = next(end + run(end));
        }
        at = match close {
            Some(end) => {
                spans.push((start..end + n, start + n..end));
                next(end + n)
            }
            None => next(start + n),
        };
    }
    spans
}

fn figures(rest: &mut Masked<'_>, found: &mut Vec<TextClaim>) {
    let times: Vec<regex::Captures<'_>> = DATED.captures_iter(rest.original).collect();
    for time in &times {
        rest.take_time(time, found);
    }
    rest.mask(&DATE);
    rest.mask(&LEVEL);
    rest.each(&NAME, found, |hit| Some(Assertion::Name(hit[0].to_owned())));
    rest.each(&STATUSES, found, |hit| Some(Assertion::Status(hit[1].parse().ok()?)));
    rest.each(&SHARE, found, |hit| {
        Some(Assertion::Share {
            percent: hit[1].parse().ok()?,
            decimals: hit.get(2).map_or(0, |decimals| decimals.len()),
        })
    });
    rest.each(&RATIO, found, |hit| Some(Assertion::Ratio { part: number(&hit[1])?, whole: number(&hit[2])? }));
    rest.each(&DURATION, found, |hit| {
        let (mut seconds, mut tolerance) = length(&hit[1], &hit[2])?;
        if let (Some(n), Some(unit)) = (hit.get(3), hit.get(4)) {
            let (more, finer) = length(n.as_str(), unit.as_str())?;
            (seconds, tolerance) = (seconds + more, finer);
        }
        Some(Assertion::Duration { seconds, tolerance })
    });
    rest.each(&EXIT, found, |hit| Some(Assertion::Exit(hit.get(1).or(hit.get(2))?.as_str().to_owned())));
    rest.each(&STATUS, found, |hit| {
        Some(Assertion::Status(hit.get(1).or(hit.get(2)).or(hit.get(3))?.as_str().parse().ok()?))
    });
    rest.each(&COUNT, found, |hit| {
        Some(Assertion::Count { value: number(&hit[1])?, noun: hit[2].to_ascii_lowercase() })
    });
}

/// A line whose claims are blanked out as they are taken, so that no figure is read twice.
struct Masked<'t> {
    line: usize,
    original: &'t str,
    rest: String,
}

impl<'t> Masked<'t> {
    fn new(line: usize, original: &'t str) -> Masked<'t> {
        Masked { line, original, rest: original.to_owned() }
    }

    /// Takes every hit of a pattern that `read` understands.
    fn each(
        &mut self,
        pattern: &Regex,
        found: &mut Vec<TextClaim>,
        read: impl Fn(&regex::Captures<'_>) -> Option<Assertion>,
    ) {
        let text = self.rest.clone();
        for hit in pattern.captures_iter(&text) {
            let Some(all) = hit.get(0) else { continue };
            if let Some(what) = read(&hit) {
                self.claim(all.range(), all.as_str(), Some(what), found);
            }
        }
    }

    fn take_time(&mut self, hit: &regex::Captures<'_>, found: &mut Vec<TextClaim>) {
        let Some(all) = hit.get(0).filter(|all| self.rest.get(all.range()) == Some(all.as_str())) else { return };
        // `14:02:11` inside a longer run of colons is no time (an address of hardware, IPv6).
        let neighbours = [self.original[..all.start()].chars().next_back(), self.original[all.end()..].chars().next()];
        let part = |i: usize| hit.get(i).and_then(|part| part.as_str().parse::<u32>().ok());
        let (Some(hour), Some(minute)) = (part(2), part(3)) else { return };
        let second_of_day = hour * 3600 + minute * 60 + part(4).unwrap_or(0);
        let date = hit.get(1).map(|date| date.as_str().to_owned());
        if !neighbours.contains(&Some(':')) {
            let what = Assertion::Time { date, second_of_day, seconds: hit.get(4).is_some() };
            self.claim(all.range(), all.as_str(), Some(what), found);
        }
    }

    fn claim(&mut self, at: std::ops::Range<usize>, text: &str, what: Option<Assertion>, found: &mut Vec<TextClaim>) {
        if let Some(what) = what {
            let start = self.original.floor_char_boundary(at.start.saturating_sub(CONTEXT_BYTES));
            let end = self.original.ceil_char_boundary((at.end + CONTEXT_BYTES).min(self.original.len()));
            let before = self.original[start..at.start].to_lowercase();
            let after = self.original[at.end..end].to_lowercase();
            found.push(TextClaim { line: self.line, text: text.to_owned(), what, before, after });
        }
        self.blank(at);
    }

    fn mask(&mut self, pattern: &Regex) {
        let hits: Vec<_> = pattern.find_iter(&self.rest).map(|hit| hit.range()).collect();
        hits.into_iter().for_each(|range| self.blank(range));
    }

    fn blank(&mut self, range: std::ops::Range<usize>) {
        // A mark that is no letter, digit or space, so that figures on both sides do not join.
        let blank = "\u{1}".repeat(range.len());
        self.rest.replace_range(range, &blank);
    }
}

/// A code span is a quote when it has words, else a name; a filter or a command is neither.
fn code_span(text: &str) -> Option<Assertion> {
    let is_filter = text.contains("=\"") || text.contains(">=") || text.contains(" AND ");
    let is_command = ["gcloud ", "kubectl ", "firstfault ", "git ", "curl ", "docker ", "--"]
        .iter()
        .any(|start| text.starts_with(start));
    if is_filter || is_command || text.len() < 2 {
        return None;
    }
    if text.contains(' ') {
        return if is_length(text) { None } else { quote(text) };
    }
    let has_letter = text.chars().any(char::is_alphabetic);
    has_letter.then(|| Assertion::Name(text.to_owned()))
}

/// `20.0 s` in a code span is a value, not a quote.
fn is_length(text: &str) -> bool {
    DURATION.find(text).is_some_and(|hit| hit.len() == text.len())
}

fn quote(text: &str) -> Option<Assertion> {
    let text = PREFIX.replace(text, "");
    let text = text.replace("\\|", "|").replace("...", "…");
    let mut pieces = Vec::new();
    for piece in text.split('…') {
        let mut rest = piece;
        while let Some((before, after)) = rest.split_once("[redacted ") {
            pieces.push(before);
            rest = after.split_once(']').map_or("", |(_, after)| after);
        }
        pieces.push(rest);
    }
    let pieces: Vec<String> = pieces.into_iter().map(one_line).filter(|piece| !piece.is_empty()).collect();
    let is_checkable = pieces.iter().any(|piece| piece.len() >= MIN_PIECE);
    is_checkable.then_some(Assertion::Quote(pieces))
}

/// The text with every run of white space as one space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number(text: &str) -> Option<u64> {
    const WORDS: &[(&str, u64)] = &[
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
        ("six", 6),
        ("seven", 7),
        ("eight", 8),
        ("nine", 9),
        ("ten", 10),
        ("eleven", 11),
        ("twelve", 12),
        ("fifteen", 15),
        ("twenty", 20),
    ];
    let word = text.to_ascii_lowercase();
    let of_word = WORDS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n);
    of_word.or_else(|| text.replace(',', "").parse().ok())
}

/// Seconds of `20.0`, `s`, and half of the last digit's worth.
fn length(number: &str, unit: &str) -> Option<(f64, f64)> {
    let factor = match unit {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        _ => match unit.chars().next()? {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            _ => 86_400.0,
        },
    };
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let value: f64 = number.parse().ok()?;
    Some((value * factor, factor * 0.5 * 0.1f64.powi(decimals.min(9) as i32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let name = |what: &Assertion| match what {
            Assertion::Quote(_) => "quote",
            Assertion::Name(_) => "name",
            Assertion::Count { .. } => "count",
            Assertion::Ratio { .. } => "ratio",
            Assertion::Time { .. } => "time",
            Assertion::Duration { .. } => "duration",
            Assertion::Share { .. } => "share",
            Assertion::Status(_) => "status",
            Assertion::Exit(_) => "exit",
        };
        let (found, _) = claims(text);
        let found: Vec<(&str, &str)> = found.iter().map(|claim| (name(&claim.what), claim.text.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn each_kind_of_claim_is_read() {
        check("At 11:48:02 it exited with code 3.", &[("time", "11:48:02"), ("exit", "exited with code 3")]);
        check("951 of 982 requests failed (96.8 %)", &[("share", "96.8 %"), ("ratio", "951 of 982")]);
        check("15 restarts, every 2 min 12 s", &[("duration", "2 min 12 s"), ("count", "15 restarts")]);
        check("1,260 failing entries answered 503", &[("status", "answered 503"), ("count", "1,260 failing entries")]);
        check(
            "the `checkout` service said `dial tcp: i/o timeout`",
            &[("name", "checkout"), ("quote", "dial tcp: i/o timeout")],
        );
        check("fifteen exits since 2026-03-02 11:48", &[("time", "2026-03-02 11:48"), ("count", "fifteen exits")]);
        check("It said \"connection to server failed again\".", &[("quote", "\"connection to server failed again\"")]);
        check(
            "in checkout-00042-abc of acme-prod:europe-west1:orders-db",
            &[("name", "checkout-00042-abc"), ("name", "acme-prod:europe-west1:orders-db")],
        );
    }

    #[test]
    fn pasted_log_lines_are_quotes_and_commands_are_not() {
        check(
            "```\n2026-03-02T11:48:02Z ERROR boom happened\n```",
            &[("time", "2026-03-02T11:48:02Z"), ("quote", "2026-03-02T11:48:02Z ERROR boom happened")],
        );
        check("```sh\ngcloud run services describe checkout\n```", &[]);
        check("```mermaid\nflowchart TD\n```", &[]);
        check("run `gcloud logging read` with `severity>=ERROR`", &[]);
        let quote = claims("```\n[ERROR] boom … happened [redacted ip-1] twice\n```").0.remove(0);
        assert_eq!(quote.what, Assertion::Quote(vec!["boom".into(), "happened".into(), "twice".into()]));
    }

    #[test]
    fn what_is_no_claim_is_left_alone() {
        for text in [
            "version 0.1.0",
            "see #12",
            "1. first",
            "aa:bb:cc:dd:ee:ff",
            "10.20.0.3:5432",
            "E1, E2",
            "## 5xx",
            "https://a.example/15-restarts 11",
        ] {
            check(text, &[]);
        }
    }
}
