//! A level word in one of the places where loggers put it.

use super::{is_capital, letter, of_value};
use crate::entry::severity::{Severity, level};

/// A level word in one of the places where loggers put it.
pub(super) fn level_word(head: &str) -> Option<Severity> {
    let mut place = Place { in_prefix: true, after_separator: false };
    // Set between brackets that were opened in the prefix: what follows them belongs to it again.
    let mut in_brackets = false;
    let mut next = token(head, 0);
    let mut is_first = true;
    while let Some(this) = next {
        next = token(head, this.end());
        // Behind the prefix most tokens are words, which tell nothing: neither a key nor all in capitals.
        if !place.in_prefix && !in_brackets && this.seen & (LOWER | KEY) == LOWER {
            place.after_separator = false;
            continue;
        }
        let following = next.map_or("", |next| next.text);
        if let Some(severity) = place.level_of(head, this, following) {
            return Some(severity);
        }
        let token = this.text;
        if place.in_prefix {
            // MySQL's word for an information, and the letters of MongoDB before a component in capitals.
            if token == "[Note]" {
                return Some(Severity::Info);
            }
            let is_letter = !is_first && token.len() == 1 && following.len() > 1 && is_capital(following);
            if let Some(level) = is_letter.then(|| letter(token.as_bytes()[0])).flatten() {
                return Some(level);
            }
        }
        let opens = place.in_prefix && token.starts_with('[') && this.seen & CLOSE == 0;
        let closes = in_brackets && token.ends_with(']');
        in_brackets = opens || in_brackets && !closes;
        place.in_prefix = closes || place.in_prefix && is_prefix(token);
        place.after_separator = is_separator(token);
        is_first = false;
    }
    None
}

/// Where in a line a token stands.
#[derive(Clone, Copy)]
struct Place {
    in_prefix: bool,
    after_separator: bool,
}

impl Place {
    /// The level that a token at this place tells, by itself or as it stands beside others.
    fn level_of(self, head: &str, token: Token<'_>, next: &str) -> Option<Severity> {
        let Place { in_prefix, after_separator } = self;
        let Token { at, text, seen } = token;
        if seen & (LOWER | UPPER) == 0 {
            return None;
        }
        if seen & KEY != 0
            && let Some(severity) = keyed(text)
        {
            return Some(severity);
        }
        if in_prefix
            && seen & (KEY | CLOSE | BETWEEN) != 0
            && let Some(severity) = compound(text)
        {
            return Some(severity);
        }
        let word = without(text, b"[]():|,<>\"-");
        let is_upper = is_capital(word);
        // Past the prefix only words in capitals count; most are none.
        let level = (in_prefix || is_upper).then(|| level(word)).flatten()?;
        let closes = text.trim_end_matches(':').ends_with([']', ')']) || next == "]";
        let is_bracketed = text.starts_with(['[', '(']) && closes;
        let is_separated = after_separator && (text.ends_with([':', '|', '-']) || is_separator(next));
        let is_padded = text.ends_with(':') && head.contains(&format!("{text}  "));
        let is_column = head[..at].ends_with('\t') && head[token.end()..].starts_with('\t');
        let is_there = (in_prefix && (is_bracketed || is_upper || text.ends_with(':') || is_column))
            || (is_upper && (is_separated || is_padded || is_bracketed));
        is_there.then_some(level)
    }
}

/// What stands between blanks, where, and what is in it.
#[derive(Clone, Copy)]
struct Token<'h> {
    at: usize,
    text: &'h str,
    seen: u8,
}

/// What is in a token: letters, what stands behind a key, a bracket that closes, and what stands between a level and something else.
const LOWER: u8 = 1;
const UPPER: u8 = 1 << 1;
const KEY: u8 = 1 << 2;
const CLOSE: u8 = 1 << 3;
const BETWEEN: u8 = 1 << 4;

/// What ends a token.
const BLANK: u8 = 1 << 7;

const SEEN: [u8; 256] = {
    let mut seen = [0; 256];
    let mut letter = 0;
    while letter < 26 {
        seen[b'a' as usize + letter] = LOWER;
        seen[b'A' as usize + letter] = UPPER;
        letter += 1;
    }
    (seen[b'=' as usize], seen[b':' as usize]) = (KEY, KEY);
    (seen[b'|' as usize], seen[b'/' as usize]) = (BETWEEN, BETWEEN);
    seen[b']' as usize] = CLOSE;
    (seen[b' ' as usize], seen[b'\t' as usize]) = (BLANK, BLANK);
    seen
};

impl Token<'_> {
    fn end(self) -> usize {
        self.at + self.text.len()
    }
}

/// The first token from `at` on.
fn token(head: &str, mut at: usize) -> Option<Token<'_>> {
    let bytes = head.as_bytes();
    while SEEN[usize::from(*bytes.get(at)?)] == BLANK {
        at += 1;
    }
    let (mut end, mut seen) = (at, 0);
    while let Some(b) = bytes.get(end)
        && SEEN[usize::from(*b)] != BLANK
    {
        seen |= SEEN[usize::from(*b)];
        end += 1;
    }
    Some(Token { at, text: &head[at..end], seen })
}

/// `token` without these ASCII characters at its ends.
fn without<'t>(token: &'t str, ends: &[u8]) -> &'t str {
    let bytes = token.as_bytes();
    let Some(start) = bytes.iter().position(|b| !ends.contains(b)) else { return "" };
    let end = bytes.iter().rposition(|b| !ends.contains(b)).map_or(start, |last| last + 1);
    &token[start..end]
}

/// `level=error`, `severity="WARNING"`, `"level":"error"`.
fn keyed(token: &str) -> Option<Severity> {
    let at = token.bytes().position(|b| matches!(b, b'=' | b':'))?;
    let key = without(&token[..at], b"\"{,'");
    if !matches!(key, "level" | "lvl" | "severity" | "loglevel" | "levelname" | "level_name" | "@l" | "log.level") {
        return None;
    }
    of_value(token[at + 1..].trim_matches(['"', '\'', ',', '}', ']']))
}

/// A level beside something else: `08:00:00.123|ERROR|shop|…` of NLog, `[core:error]` of Apache, `12.345][7][error][upstream]` of Envoy, `shop.ERROR:` of Monolog,
/// `ERROR/MainProcess]` of Celery.
fn compound(token: &str) -> Option<Severity> {
    if token.as_bytes()[0].is_ascii_digit() && token.contains('|') {
        return token.split('|').find(|part| is_capital(part) && !part.is_empty()).and_then(level);
    }
    if memchr::memchr(b']', token.as_bytes()).is_some_and(|at| token[at + 1..].starts_with('[')) {
        return token.split("][").find_map(|part| level(without(part, b"[]")));
    }
    if let Some(name) = token.strip_suffix(':') {
        let (_, word) = name.rsplit_once('.')?;
        return is_capital(word).then(|| level(word)).flatten();
    }
    let name = token.strip_suffix(']')?;
    if let Some((_, word)) = name.strip_prefix('[').and_then(|name| name.split_once(':')) {
        return level(word);
    }
    let (word, _) = name.split_once('/')?;
    is_capital(word).then(|| level(word)).flatten()
}

/// What stands between the fields of a line.
fn is_separator(token: &str) -> bool {
    matches!(token, "-" | "|" | "¦" | "--" | "---" | ":" | "::")
}

/// Dates, times, numbers, threads, logger names and `key=value`: what a level word may follow.
fn is_prefix(token: &str) -> bool {
    let first = token.as_bytes()[0];
    is_separator(token)
        || first.is_ascii_digit()
        || token.starts_with(['[', '(', '+', '-', '#'])
        || token.ends_with([']', ')'])
        || matches!(token, "UTC" | "GMT" | "AM" | "PM" | "I," | "W," | "E," | "F," | "D,")
        || token.contains("::")
        || (token.contains('.') && !token.ends_with('.'))
        || (token.contains('=') && !token.contains('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every token looked at, wherever it stands and whatever is in it.
    fn level_word_of_all_tokens(head: &str) -> Option<Severity> {
        let tokens: Vec<Token<'_>> = std::iter::successors(token(head, 0), |last| token(head, last.end()))
            .map(|it| Token { seen: 0xff, ..it })
            .collect();
        let (mut place, mut in_brackets) = (Place { in_prefix: true, after_separator: false }, false);
        for (i, this) in tokens.iter().enumerate() {
            let (next, token) = (tokens.get(i + 1).map_or("", |next| next.text), this.text);
            let is_letter = place.in_prefix && i > 0 && token.len() == 1 && next.len() > 1 && is_capital(next);
            let found = place
                .level_of(head, *this, next)
                .or((place.in_prefix && token == "[Note]").then_some(Severity::Info))
                .or_else(|| is_letter.then(|| letter(token.as_bytes()[0])).flatten());
            if found.is_some() {
                return found;
            }
            let opens = place.in_prefix && token.starts_with('[') && !token.contains(']');
            let closes = in_brackets && token.ends_with(']');
            in_brackets = opens || in_brackets && !closes;
            place.in_prefix = closes || place.in_prefix && is_prefix(token);
            place.after_separator = is_separator(token);
        }
        None
    }

    const TOKENS: [&str; 30] = [
        "ERROR",
        "error",
        "WARN:",
        "[info]",
        "[",
        "]",
        "[main",
        "thread]",
        "-",
        "|",
        "::",
        "10:22:33",
        "E",
        "COMMAND",
        "failed",
        "level=warn",
        "\"severity\":\"ERROR\"",
        "key=value",
        "app.health",
        "a:",
        "FATAL:",
        "größe",
        "É",
        "[Note]",
        "x|ERROR|y",
        "shop.ERROR:",
        "(node:7)",
        "NOTICE,",
        "...",
        "log.level=error",
    ];

    proptest::proptest! {
        #[test]
        fn words_that_are_passed_over_tell_nothing(parts in proptest::collection::vec((0..TOKENS.len(), 0..4usize), 0..12)) {
            let head: String = parts.iter().map(|(token, blank)| TOKENS[*token].to_owned() + [" ", "  ", "\t", " \t "][*blank]).collect();
            for head in [head.as_str(), head.trim_end()] {
                proptest::prop_assert_eq!(level_word(head), level_word_of_all_tokens(head), "{:?}", head);
            }
        }
    }
}
