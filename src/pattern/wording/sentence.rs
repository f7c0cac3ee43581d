//! One line of a text: which of its words fail, and what stands around them.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::words::{
    CLASSES, COMPOUNDS, CONDITIONS, DENIALS, FAILED_THINGS, FAILED_VALUES, Failing, NOT_FINE, NOTHINGS, OCCASIONS,
    OUTCOME_KEYS, SQLSTATES, STATUSES, UNITS,
};
use super::{FAILING, FINE, Layer, Mode, Normally, Unit, Weight, automaton};

/// How a sentence names a status of HTTP that fails: two more digits follow a 5.
pub(super) const STATUS_TEXTS: [&str; 16] = [
    "http 5",
    "status code 5",
    "status code: 5",
    "status: 5",
    "status=5",
    "status 5",
    "http 429",
    "status code 429",
    "status code: 429",
    "status=429",
    // Lines of access logs.
    "http/1.0\" 5",
    "http/1.1\" 5",
    "http/2\" 5",
    "http/2.0\" 5",
    "http/1.1 5",
    "http/2 5",
];

/// A failing phrase that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) weight: Weight,
    pub(super) mode: Mode,
    pub(super) normally: Normally,
    pub(super) unit: Unit,
    pub(super) layer: Option<Layer>,
}

impl Hit {
    fn of(failing: &Failing) -> Hit {
        let Failing { weight, mode, normally, unit, layer, .. } = *failing;
        Hit { weight, mode, normally, unit, layer }
    }

    fn of_status(status: u16, unit: Unit) -> Option<Hit> {
        let (_, mode, normally) = STATUSES.iter().find(|(codes, ..)| codes.contains(&status))?;
        Some(Hit { weight: Weight::Plain, mode: *mode, normally: *normally, unit, layer: None })
    }

    /// What a request that was answered so says; `None` when its server did not fail it.
    pub(super) fn of_answer(status: u16) -> Option<Hit> {
        Hit::of_status(status, Unit::Request).filter(|_| status >= 500)
    }
}

/// What was found in a line.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Failing phrases that count, in order.
    pub(super) hits: Vec<Hit>,
    /// Whether one is denied: `0 errors`.
    pub(super) denied: bool,
}

/// A line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence<'t> {
    line: &'t str,
}

/// What a phrase in its place is.
enum Sense {
    /// No event: a name, a setting, a possibility.
    Nothing,
    /// Its denial.
    Denied,
    /// A failure.
    Counts(Hit),
}

impl<'t> Sentence<'t> {
    pub(super) fn new(line: &'t str) -> Sentence<'t> {
        Sentence { line }
    }

    /// The status with which a request was answered, in a line of an access log: `"GET / HTTP/1.1" 200`.
    pub(super) fn answered(&self) -> Option<u16> {
        let rest = &self.line[self.line.find("HTTP/")? + "HTTP/".len()..];
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let rest = rest.strip_prefix('"').unwrap_or(rest);
        let digits = rest.strip_prefix(' ')?.get(..3)?;
        digits.parse().ok().filter(|status| (100..600).contains(status))
    }

    /// The unit that the line says went well.
    pub(super) fn fine(&self) -> Option<Unit> {
        static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| automaton(FINE.iter().map(|(text, _)| *text)));
        let places = WORDS.find_overlapping_iter(self.line);
        let fine = places.filter(|found| {
            let place = found.range();
            self.is_whole(&place) && !self.before(place.start).take(3).any(|word| is_one_of(word, NOT_FINE))
        });
        fine.map(|found| FINE[found.pattern().as_usize()].1).max()
    }

    /// The failing phrases that count.
    pub(super) fn hits(&self) -> Found {
        static WORDS: LazyLock<AhoCorasick> =
            LazyLock::new(|| automaton(FAILING.iter().map(|failing| failing.text).chain(STATUS_TEXTS)));
        let (mut found, mut counted) = (Found::default(), Vec::new());
        for place in WORDS.find_overlapping_iter(self.line) {
            let sense = match FAILING.get(place.pattern().as_usize()) {
                Some(failing) => self.sense(failing, place.range()),
                None => self.status(place.range()).map_or(Sense::Nothing, Sense::Counts),
            };
            match sense {
                Sense::Nothing => {}
                Sense::Denied => found.denied = true,
                Sense::Counts(hit) => counted.push((place.range(), hit)),
            }
        }
        // `deadline exceeded` says more than `exceeded`.
        let is_within = |inner: &Range<usize>, outer: &Range<usize>| {
            outer.len() > inner.len() && outer.start <= inner.start && inner.end <= outer.end
        };
        let longest = counted.iter().filter(|(place, _)| !counted.iter().any(|(other, _)| is_within(place, other)));
        found.hits.extend(longest.map(|(_, hit)| *hit));
        found.hits.extend(self.sqlstate());
        found
    }

    fn status(&self, place: Range<usize>) -> Option<Hit> {
        let start = place.start + self.line[place].rfind(|c: char| !c.is_ascii_digit())? + 1;
        let digits = self.line.get(start..start + 3)?;
        let ends = !self.line[start + 3..].starts_with(|c: char| c.is_ascii_alphanumeric());
        Hit::of_status(digits.parse().ok().filter(|_| ends)?, Unit::Call)
    }

    /// The code of a database's error, where a driver prints it.
    fn sqlstate(&self) -> Option<Hit> {
        let at = self.line.find("SQLSTATE").map(|at| at + "SQLSTATE".len())?;
        let rest = self.line[at..].trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let code = rest.get(..5).filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        let (_, mode, normally) = SQLSTATES.iter().find(|(start, ..)| code.starts_with(start))?;
        let layer = Some(Layer::Database);
        Some(Hit { weight: Weight::Told, mode: *mode, normally: *normally, unit: Unit::None, layer })
    }

    fn sense(&self, failing: &Failing, place: Range<usize>) -> Sense {
        let is_shouted = failing.text.starts_with(|c: char| c.is_ascii_uppercase());
        if is_shouted && self.line[place.clone()] != *failing.text {
            return Sense::Nothing;
        }
        if !self.is_whole(&place) {
            return self.exception(failing, &place).map_or(Sense::Nothing, Sense::Counts);
        }
        let mut hit = Hit::of(failing);
        if let Some(sense) = self.by_value(failing, &place, hit) {
            return sense;
        }
        if self.is_denied(place.start) {
            return Sense::Denied;
        }
        if self.is_no_event(failing, &place) {
            return Sense::Nothing;
        }
        if let Some(unit) = self.unit_before(failing, place.start) {
            hit.weight = hit.weight.max(Weight::Told);
            hit.unit = if hit.unit == Unit::None { unit } else { hit.unit };
        } else if failing.is_error() && self.begins(place.start) && self.after(place.end).next().is_some_and(is_gerund)
        {
            hit.weight = Weight::Plain;
        }
        if hit.weight == Weight::Plain && self.has_reason(place.end) {
            hit.weight = Weight::Told;
        }
        Sense::Counts(hit)
    }

    /// What the value beside a phrase says: `errors: 0`, `error="refused"`, `3 failed`, `status: 'error'`, `exit code 1`.
    fn by_value(&self, failing: &Failing, place: &Range<usize>, hit: Hit) -> Option<Sense> {
        let counts = |weight: Weight| Some(Sense::Counts(Hit { weight: hit.weight.max(weight), ..hit }));
        if failing.is_outcome() && self.key_before(place.start).is_some_and(|key| is_one_of(key, OUTCOME_KEYS)) {
            return counts(Weight::Told);
        }
        let value = self.value_after(place.end);
        if failing.is_exit() {
            let code = value.or_else(|| self.after(place.end).next())?;
            return match code.trim_end_matches('.').parse::<i64>() {
                Ok(0) => Some(Sense::Denied),
                Ok(_) => counts(Weight::Told),
                Err(_) => Some(Sense::Nothing),
            };
        }
        let number = |word: &str| word.trim_end_matches('%').parse::<f64>().ok();
        if failing.is_delay() {
            let set = value.or_else(|| self.after(place.end).next()).unwrap_or("");
            return set.starts_with(|c: char| c.is_ascii_digit()).then_some(Sense::Nothing);
        }
        if !failing.is_countable() {
            return None;
        }
        if let Some(value) = value {
            return match number(value) {
                Some(_) if self.is_occasion(place.start) => Some(Sense::Nothing),
                Some(0.0) => Some(Sense::Denied),
                _ if NOTHINGS.iter().any(|nothing| nothing.eq_ignore_ascii_case(value)) => Some(Sense::Denied),
                Some(_) if failing.is_error() => counts(Weight::Plain),
                Some(_) => counts(Weight::Told),
                None if value.len() > 1 && !self.is_occasion(place.start) => counts(Weight::Told),
                None => None,
            };
        }
        match number(self.before(place.start).next()?) {
            Some(0.0) => Some(Sense::Denied),
            Some(_) if failing.text.ends_with('s') || failing.text == "failed" => counts(Weight::Plain),
            _ => None,
        }
    }

    /// The class of an exception that ends in the phrase: `asyncpg.exceptions.UniqueViolationError: …`.
    fn exception(&self, failing: &Failing, place: &Range<usize>) -> Option<Hit> {
        let word = self.word_around(place);
        let is_class = matches!(failing.text, "error" | "exception")
            && word.end == place.end
            && self.line.as_bytes()[place.start].is_ascii_uppercase();
        let class = is_class.then(|| &self.line[word.clone()])?;
        let last = class.rsplit(['.', '/', '\\', '$']).next()?;
        let rest = &self.line[word.end..];
        let is_thrown = last.starts_with(|c: char| c.is_ascii_uppercase())
            && (rest.starts_with(": ")
                || rest.starts_with(" (")
                || rest.starts_with(" [")
                || self.line.trim() == class);
        let mode = CLASSES.iter().find(|(part, _)| last.contains(part)).map_or(Mode::Crashed, |(_, mode)| *mode);
        is_thrown.then_some(Hit { weight: Weight::Told, mode, ..Hit::of(failing) })
    }

    fn is_denied(&self, at: usize) -> bool {
        let mut before = self.before(at);
        let first = before.next().unwrap_or("");
        let second = before.next().unwrap_or("");
        is_one_of(first, DENIALS)
            || is_one_of(
                first,
                &["been", "have", "had", "any", "more", "new", "further", "known", "a", "an", "single", "critical"],
            ) && is_one_of(second, DENIALS)
    }

    /// Whether a phrase names a setting, a rule, a possibility, or what failed earlier.
    fn is_no_event(&self, failing: &Failing, place: &Range<usize>) -> bool {
        let next = self.after(place.end).next().unwrap_or("");
        let is_noun = !failing.text.contains(' ') && failing.is_noun();
        let is_part = is_noun && is_one_of(next, COMPOUNDS) && !(is_gerund(next) && self.has_reason(place.end));
        let is_old = failing.is_adjective() && is_one_of(next, FAILED_THINGS);
        let is_name = is_noun && self.line[place.end..].starts_with(['(', '=']) && self.line[place.end..].len() < 3;
        is_part
            || is_old
            || is_name
            || is_noun && self.is_occasion(place.start)
            || self.before(place.start).take(5).any(|word| is_one_of(word, CONDITIONS))
    }

    fn is_occasion(&self, at: usize) -> bool {
        self.before(at).next().is_some_and(|word| is_one_of(word, OCCASIONS))
    }

    /// The unit whose outcome a phrase tells: `step #3 failed`, `migration failed`.
    fn unit_before(&self, failing: &Failing, at: usize) -> Option<Unit> {
        let words = self.before(at).take(3).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '#'));
        let mut units = words.filter_map(|word| UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)));
        failing.ends_unit().then(|| units.next().map(|(_, unit)| *unit))?
    }

    /// Whether a reason stands behind a phrase, after a colon.
    fn has_reason(&self, end: usize) -> bool {
        self.line[end..].find(": ").is_some_and(|at| self.line[end + at + 2..].trim().len() > 3)
    }

    /// Whether the line says nothing in front of a phrase but who says it: a time, a level, a name in brackets.
    fn begins(&self, at: usize) -> bool {
        let before = self.line[..at].trim_end();
        before.is_empty()
            || before.ends_with([']', ':', '|', '-', ')', '>', '!'])
            || !before.bytes().any(|b| b.is_ascii_alphabetic())
    }

    /// Whether a phrase is made of whole words, and no part of an identifier, a path or a host.
    fn is_whole(&self, place: &Range<usize>) -> bool {
        let word = self.word_around(place);
        (word.start, word.end) == (place.start, place.end) && !self.line[..place.start].ends_with("::")
    }

    /// The word or identifier around a place.
    fn word_around(&self, place: &Range<usize>) -> Range<usize> {
        let bytes = self.line.as_bytes();
        let mut start = place.start;
        while start > 0 && is_word(bytes[start - 1]) {
            start -= 1;
        }
        let mut end = place.end;
        while end < bytes.len() && is_word(bytes[end]) {
            end += 1;
        }
        while end > place.end && matches!(bytes[end - 1], b'.' | b'-' | b'/') {
            end -= 1;
        }
        while start < place.start && matches!(bytes[start], b'.' | b'-' | b'#' | b'~') {
            start += 1;
        }
        start..end
    }

    /// The words in front of a place in its clause, the nearest first.
    fn before(&self, at: usize) -> impl Iterator<Item = &'t str> {
        let mut ended = false;
        self.line[..at].rsplit([' ', '\t']).skip_while(|word| word.is_empty()).map_while(move |word| {
            let was = ended;
            ended = word.starts_with(['(', '[', '"']);
            let ends_clause = word.ends_with([',', ';', ':', '.', '!', '?', ')', ']']) || word.is_empty();
            (!was && !ends_clause).then(|| strip(word))
        })
    }

    /// The words behind a place in its clause.
    fn after(&self, end: usize) -> impl Iterator<Item = &'t str> {
        let rest = &self.line[end..];
        let clause = &rest[..rest.find([',', ';', ':', '(']).unwrap_or(rest.len())];
        clause.split_ascii_whitespace().map(strip)
    }

    /// What stands behind a phrase and `:` or `=`, up to a blank or a comma.
    fn value_after(&self, end: usize) -> Option<&'t str> {
        let rest = self.line[end..].trim_start_matches(['"', '\'', '`']);
        let rest = rest.trim_start();
        let rest = ["count", "total", "rate", "code"].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
        let rest = rest.strip_prefix([':', '='])?.trim_start();
        let len = rest.find([' ', ',', ';', ')']).unwrap_or(rest.len());
        let value = &rest[..len];
        let bare = value.trim_matches(['"', '\'', '}', '.', '`', ']', '[', '{']);
        if bare.is_empty() {
            (!value.is_empty()).then_some(if value.len() > 2 { "[]" } else { value })
        } else {
            Some(bare)
        }
    }

    /// The key whose value starts at a place: `status: 'error'`, `state=failed`.
    fn key_before(&self, at: usize) -> Option<&'t str> {
        let before = self.line[..at].trim_end_matches(['"', '\'', '`', ' ']);
        let before = before.strip_suffix([':', '='])?.trim_end_matches(['"', '\'', '`', ' ']);
        let start = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        Some(&before[start..])
    }
}

impl Failing {
    /// Whether a sentence can fail by this phrase.
    pub(super) fn opens(&self) -> bool {
        self.weight > Weight::Weak || self.is_exit() || self.is_countable() || self.is_outcome()
    }

    fn is_error(&self) -> bool {
        matches!(self.text, "error" | "err")
    }

    fn is_countable(&self) -> bool {
        matches!(
            self.text,
            "error"
                | "errors"
                | "err"
                | "failed"
                | "failure"
                | "failures"
                | "exception"
                | "fatal"
                | "panic"
                | "timeouts"
        )
    }

    fn is_noun(&self) -> bool {
        self.is_countable() && self.text != "failed"
            || matches!(self.text, "timeout" | "quota" | "crashed" | "deadlock")
    }

    fn is_adjective(&self) -> bool {
        matches!(
            self.text,
            "failed" | "rejected" | "expired" | "invalid" | "missing" | "unsuccessful" | "aborted" | "evicted"
        )
    }

    fn is_delay(&self) -> bool {
        matches!(self.text, "timeout" | "request timeout" | "timeouts" | "rate limit" | "quota")
    }

    fn is_exit(&self) -> bool {
        matches!(self.text, "exited with code" | "exited with status" | "exit code" | "exit status")
    }

    fn is_outcome(&self) -> bool {
        FAILED_VALUES.contains(&self.text)
    }

    /// Whether the phrase can be what became of a unit.
    fn ends_unit(&self) -> bool {
        matches!(
            self.text,
            "failed"
                | "failure"
                | "fails"
                | "timed out"
                | "aborted"
                | "crashed"
                | "unhealthy"
                | "unsuccessful"
                | "with error"
                | "with errors"
        )
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'@' | b'$' | b'#' | b'%' | b'+' | b'\\' | b'~')
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// A word without what surrounds it.
fn strip(word: &str) -> &str {
    word.trim_matches(|c: char| !(c.is_alphanumeric() || matches!(c, '#' | '%')))
}

fn is_gerund(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ing")
}
