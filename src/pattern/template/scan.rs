//! One message becomes tokens, a key and a rank, in one table-driven scan.
//!
//! A token is a maximal run without white space or separators; separators are tokens of their own. What looks like a
//! value (it holds a digit, is a path, a URL, a host name, …) is a variable, and neighbouring variables, units and dates
//! join it, so that formatting variants share a key. Nothing is allocated once the buffers have grown.

use super::classes::{CLASS, DIGIT, DOT, END, MAX_BYTES, MarkMap, SEPARATOR, SLASH, UPPER, WHITE};
use super::hash::{MAX_TOKENS, MULTIPLIER, SEEDS, fold, load};
use super::route::{is_id, is_route};
use super::values::{is_date_word, is_host, is_path, is_size_unit, is_unit, number};

/// Bytes before and after the message in the buffer, so that eight can be read at once anywhere near it.
const PAD: usize = 16;

/// Bytes of the buffer: a power of two, so that masking an index replaces the check of its bound.
const BUFFER: usize = 4096;
const _: () =
    assert!(PAD + MAX_BYTES + 64 + PAD <= BUFFER, "the message, the rest of its last chunk, and both pads fit");

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Text that stays as it is.
    Word,
    /// A separator or a run of closing punctuation.
    Separator,
    /// A value.
    Variable,
}

/// A token and where it lies in the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// First byte.
    pub(super) start: u16,
    /// One past the last byte.
    pub(super) end: u16,
    /// What it is.
    pub(super) kind: TokenKind,
    /// White space stands before it.
    pub(super) spaced: bool,
}

impl Token {
    /// The token's text in the message it came from; empty if that is another message.
    pub(super) fn text<'m>(&self, message: &'m str) -> &'m str {
        message.get(usize::from(self.start)..usize::from(self.end)).unwrap_or("")
    }
}

/// A scanner with its buffers, to be reused for every message.
#[derive(Clone)]
pub(super) struct Scanner {
    buffer: Box<[u8; BUFFER]>,
    map: MarkMap,
    len: usize,
    /// The tokens of the last message.
    pub(super) tokens: Vec<Token>,
    /// Hash of the words, separators and places of variables of the last message: equal for equal templates.
    pub(super) key: u64,
    /// Hash of the values of the last message. It orders the messages of a key without regard to time, so that in any
    /// order of arrival the smallest changes only a few times.
    pub(super) rank: u64,
}

impl Default for Scanner {
    fn default() -> Self {
        let buffer = Box::new([0; BUFFER]);
        let tokens = Vec::with_capacity(MAX_TOKENS + 1);
        Scanner { buffer, map: MarkMap::default(), len: 0, tokens, key: 0, rank: 0 }
    }
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").finish_non_exhaustive()
    }
}

/// The part of a message that is looked at: its first [`MAX_BYTES`] bytes, cut between characters.
pub(super) fn head(message: &str) -> &str {
    if message.len() <= MAX_BYTES { message } else { &message[..message.floor_char_boundary(MAX_BYTES)] }
}

impl Scanner {
    /// Reads a message; its tokens, key and rank are then in the fields.
    pub(super) fn read(&mut self, message: &str) {
        let head = head(message);
        let old_len = self.len;
        self.len = head.len();
        self.buffer[PAD..PAD + head.len()].copy_from_slice(head.as_bytes());
        if old_len > self.len {
            self.buffer[PAD + self.len..PAD + old_len].fill(0);
        }
        // Up to and with the white space behind the end.
        let blocks = self.buffer[PAD..].as_chunks::<16>().0;
        self.map.fill(&blocks[..=self.len / 16]);
        self.tokens.clear();
        let stopped = if is_route(head) { self.tokenize_route(head) } else { self.tokenize() };
        // A cut message must read the same when it is read again from its kept head.
        if stopped < self.len || self.len > MAX_BYTES - 4 {
            self.cover_tail(stopped);
        }
        self.hash();
    }

    /// Hash of what the messages of a group have in common: kinds, separators and the first word.
    pub(super) fn group(&self) -> u64 {
        self.outline(true)
    }

    /// Hash of what messages of the same build have in common: kinds and separators.
    pub(super) fn build(&self) -> u64 {
        self.outline(false)
    }

    fn outline(&self, mut with_word: bool) -> u64 {
        let mut sum = 0u64;
        for (token, seed) in self.tokens.iter().zip(&SEEDS) {
            let whole = match token.kind {
                TokenKind::Variable => false,
                TokenKind::Separator => true,
                TokenKind::Word => std::mem::take(&mut with_word),
            };
            let text = if whole { self.word(token) } else { 0 };
            sum = sum.wrapping_add(fold(text ^ seed.0, (token.kind as u64 + 1) ^ seed.1));
        }
        sum
    }

    /// Cuts the message into tokens and returns where it stopped: its length, or less at the limit of tokens.
    fn tokenize(&mut self) -> usize {
        let mut at = 0;
        let mut after = 0;
        loop {
            let mut class = self.class(at);
            while class & WHITE != 0 {
                if at >= self.len {
                    return self.len;
                }
                at += 1;
                class = self.class(at);
            }
            if self.tokens.len() >= MAX_TOKENS {
                return at;
            }
            let spaced = at > after;
            at = if class & SEPARATOR != 0 { self.separator(at, spaced) } else { self.run(at, spaced) };
            after = at;
        }
    }

    /// Cuts `METHOD /path STATUS` at its slashes; segments that are ids are variables.
    fn tokenize_route(&mut self, route: &str) -> usize {
        let method = route.find(' ').unwrap_or(route.len());
        self.push(0, method, TokenKind::Word, false);
        let (mut start, mut spaced) = (method + 1, true);
        for segment in route[start..].split_inclusive(['/', ' ']) {
            if self.tokens.len() + 2 > MAX_TOKENS {
                return start;
            }
            let name = segment.trim_end_matches(['/', ' ']);
            if !name.is_empty() {
                let kind = if name == "<*>" || is_id(name) && !spaced { TokenKind::Variable } else { TokenKind::Word };
                self.push(start, start + name.len(), kind, spaced);
            }
            let end = start + segment.len();
            if segment.ends_with('/') {
                self.push(end - 1, end, TokenKind::Separator, spaced && name.is_empty());
            }
            (start, spaced) = (end, segment.ends_with(' '));
        }
        self.len
    }

    #[inline]
    fn class(&self, at: usize) -> u8 {
        CLASS[usize::from(self.byte(at))]
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.buffer[(PAD + at) % BUFFER]
    }

    fn bytes(&self, start: usize, end: usize) -> &[u8] {
        &self.buffer[PAD + start..PAD + end]
    }

    /// A run of bytes that are neither white space nor separators, from `start`; returns where reading goes on.
    #[inline]
    fn run(&mut self, start: usize, spaced: bool) -> usize {
        let end = self.map.next_end(start + 1);
        let (has_digit, has_mark) = self.map.digit_and_mark(start, end);
        if has_mark || self.may_be_address(start, end) {
            return self.intricate_run(start, end, has_digit, spaced);
        }
        // Most words hold nothing but letters, and most values a digit.
        if has_digit {
            self.push_variable(start, end, spaced);
        } else {
            self.push_word(start, end, spaced);
        }
        end
    }

    /// True before a colon that may be one of a MAC or IPv6 address.
    #[inline]
    fn may_be_address(&self, start: usize, end: usize) -> bool {
        self.byte(end) == b':'
            && end - start <= 4
            && (self.byte(end + 1).is_ascii_hexdigit() || self.byte(end + 1) == b':')
    }

    /// A run that may be a path, a host or an address, or that ends in punctuation.
    fn intricate_run(&mut self, start: usize, end: usize, has_digit: bool, spaced: bool) -> usize {
        if has_digit && self.is_plain_value(start, end) {
            let stop = self.without_punctuation(start, end);
            self.push_variable(start, stop, spaced);
            if stop < end {
                self.push(stop, end, TokenKind::Separator, false);
            }
            return end;
        }
        if self.is_last_word(start, end, has_digit) {
            self.push_word(start, end - 1, spaced);
            self.push(end - 1, end, TokenKind::Separator, false);
            return end;
        }
        let (flags, end) = self.flags(start, end);
        let stop = self.without_punctuation(start, end);
        if stop > start {
            match self.value_end(start, stop, end, flags) {
                None => self.push_word(start, stop, spaced),
                Some(value_end) => {
                    self.push_variable(start, value_end, spaced);
                    if value_end > stop {
                        return value_end;
                    }
                }
            }
        }
        if stop < end {
            self.push(stop, end, TokenKind::Separator, spaced && stop == start);
        }
        end
    }

    /// True for numbers with dots, paths and names that hold a digit: all that is a value and does not go on behind the run.
    fn is_plain_value(&self, start: usize, end: usize) -> bool {
        let goes_on =
            self.may_be_address(start, end) || self.bytes(start, end).iter().any(|b| matches!(b, b'?' | b'&'));
        !goes_on && !self.map.has_three_marks(start, end)
    }

    /// True for a word of letters with a full stop or the like.
    fn is_last_word(&self, start: usize, end: usize, has_digit: bool) -> bool {
        !has_digit
            && end - start > 1
            && matches!(self.byte(end - 1), b'.' | b'!' | b'?')
            && self.byte(end) != b':'
            && self.map.only_mark_is_last(start, end)
    }

    /// Where the closing punctuation of a run starts.
    fn without_punctuation(&self, start: usize, end: usize) -> usize {
        let last = self.bytes(start, end).iter().rposition(|b| !matches!(b, b'.' | b'!' | b'?'));
        last.map_or(start, |last| start + last + 1)
    }

    /// The classes in a run, and its end: behind the dots that lead from a word to its value, as in `size......12`.
    fn flags(&self, start: usize, end: usize) -> (u8, usize) {
        if !self.map.has_three_marks(start, end) {
            let flags = self.bytes(start, end).iter().fold(0, |flags, &byte| flags | CLASS[usize::from(byte)]);
            return (flags, end);
        }
        let (mut flags, mut n_dots) = (0, 0);
        for (at, &byte) in self.bytes(start, end).iter().enumerate() {
            let class = CLASS[usize::from(byte)];
            if class == DOT {
                n_dots += 1;
            } else if n_dots >= 3 {
                return (flags, start + at);
            } else {
                n_dots = 0;
            }
            flags |= class;
        }
        (flags, end)
    }

    /// Where the value that starts here ends, if it is one: the end of the run, or further for addresses and URLs.
    fn value_end(&self, start: usize, stop: usize, end: usize, flags: u8) -> Option<usize> {
        let token = self.bytes(start, stop);
        if flags & SLASH != 0 && is_path(token) {
            let query = token.contains(&b'?') || token.contains(&b'&') || (stop < end && self.byte(stop) == b'?');
            return Some(if query { self.url_end(start) } else { stop });
        }
        if self.byte(end) == b':' && stop == end && token.len() <= 4 {
            let address_end = self.address_end(start);
            if address_end.is_some() {
                return address_end;
            }
        }
        let port_follows = self.byte(end) == b':' && self.byte(end + 1).is_ascii_digit();
        let is_value = flags & DIGIT != 0
            || (flags & SLASH != 0 && token.contains(&b'@') && token.contains(&b'.'))
            || (flags & (DOT | UPPER | SLASH) == DOT && is_host(token, port_follows));
        is_value.then_some(stop)
    }

    /// Where the URL from `start` ends: at white space, a quote, a closing bracket, `<`, `,` or `;`.
    fn url_end(&self, start: usize) -> usize {
        let mut end = start;
        while self.class(end) & WHITE == 0
            && !matches!(self.byte(end), b'"' | b'\'' | b')' | b']' | b'}' | b'>' | b'<' | b',' | b';')
        {
            end += 1;
        }
        while end > start + 1 && matches!(self.byte(end - 1), b'.' | b'!' | b'?' | b':') {
            end -= 1;
        }
        end
    }

    /// Where the MAC or IPv6 address from `start` ends: groups of up to four hex digits with two colons and a digit.
    fn address_end(&self, start: usize) -> Option<usize> {
        let (mut end, mut colons, mut group, mut digit) = (start, 0, 0, false);
        loop {
            match self.byte(end) {
                b'0'..=b'9' => (group, digit) = (group + 1, true),
                b'a'..=b'f' | b'A'..=b'F' => group += 1,
                b':' if self.byte(end + 1).is_ascii_hexdigit() || self.byte(end + 1) == b':' => {
                    (colons, group) = (colons + 1, 0);
                }
                _ => break,
            }
            // Eight groups have seven colons.
            if group > 4 || colons > 7 {
                return None;
            }
            end += 1;
        }
        let bounded = self.class(end) & (END | DOT | SLASH) != 0 || self.byte(end) == b'%';
        (colons >= 2 && digit && bounded && end > start).then_some(end)
    }

    fn separator(&mut self, at: usize, spaced: bool) -> usize {
        let byte = self.byte(at);
        if byte == b':' && self.byte(at + 1) == b'/' && self.byte(at + 2) == b'/' && !spaced {
            if let Some(scheme) = self.tokens.pop_if(|t| t.kind == TokenKind::Word) {
                let end = self.url_end(at + 3);
                self.push_variable(usize::from(scheme.start), end, scheme.spaced);
                return end;
            }
        } else if byte == b')' && self.close_parenthesis(at) {
            return at + 1;
        }
        self.push(at, at + 1, TokenKind::Separator, spaced);
        at + 1
    }

    /// ` ()` reads as ` (<*>)`, and a size in parentheses after a value or the word `bytes` says the same again.
    ///
    /// True when the closing parenthesis is done with.
    fn close_parenthesis(&mut self, at: usize) -> bool {
        match self.tokens.as_slice() {
            [.., open] if self.is_separator(open, b'(') && open.spaced => {
                self.push(at, at, TokenKind::Variable, false);
                false
            }
            [.., before, open, size]
                if size.kind == TokenKind::Variable
                    && self.is_separator(open, b'(')
                    && self.ends_with_size_unit(size)
                    && (before.kind == TokenKind::Variable || self.text(before) == b"bytes") =>
            {
                let kept = self.tokens.len() - 2;
                self.tokens.truncate(kept);
                true
            }
            _ => false,
        }
    }

    fn ends_with_size_unit(&self, token: &Token) -> bool {
        let text = self.text(token);
        let unit = text.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
        (1..=3).contains(&unit) && unit < text.len() && is_size_unit(number(&text[text.len() - unit..]))
    }

    fn is_separator(&self, token: &Token, byte: u8) -> bool {
        token.kind == TokenKind::Separator && self.byte(usize::from(token.start)) == byte
    }

    fn text(&self, token: &Token) -> &[u8] {
        self.bytes(usize::from(token.start), usize::from(token.end))
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize, kind: TokenKind, spaced: bool) {
        self.tokens.push(Token { start: start as u16, end: end as u16, kind, spaced });
    }

    #[inline]
    fn push_word(&mut self, start: usize, end: usize, spaced: bool) {
        if self.tokens.last().is_some_and(|t| t.kind == TokenKind::Variable) && self.joins_as_unit(start, end) {
            return;
        }
        self.push(start, end, TokenKind::Word, spaced);
    }

    /// Joins a unit to the value before; false if the word is none.
    #[inline(never)]
    fn joins_as_unit(&mut self, start: usize, end: usize) -> bool {
        // The longest unit has four letters.
        let joins = end - start <= 4 && is_unit(self.short(start, end));
        if joins {
            self.extend_last(end, 0);
        }
        joins
    }

    /// Adds a value, or joins it to the value before.
    fn push_variable(&mut self, mut start: usize, end: usize, mut spaced: bool) {
        while let Some(last) = self.tokens.last() {
            match last.kind {
                TokenKind::Variable => return self.extend_last(end, 0),
                TokenKind::Separator => {
                    let joiners = self.joiners(last, spaced);
                    if joiners > 0 {
                        return self.extend_last(end, joiners);
                    }
                    if spaced || !self.is_separator(last, b'<') || self.byte(end) == b'>' {
                        break;
                    }
                }
                TokenKind::Word if last.end - last.start == 3 && is_date_word(self.word(last)) => {}
                TokenKind::Word => break,
            }
            (start, spaced) = (usize::from(last.start), last.spaced);
            self.tokens.pop();
        }
        self.push(start, end, TokenKind::Variable, spaced);
    }

    /// How many separators at the end only join a value to the next one: `,` or a tight `:`, `#`, `;`, `|`, `##`.
    fn joiners(&self, last: &Token, spaced: bool) -> usize {
        let [.., before, _] = self.tokens.as_slice() else { return 0 };
        let tight = !spaced && !last.spaced;
        match self.byte(usize::from(last.start)) {
            b',' if before.kind == TokenKind::Variable => 1,
            b':' | b'#' | b';' | b'|' if tight && before.kind == TokenKind::Variable => 1,
            b'#' if tight && !before.spaced && self.is_separator(before, b'#') => match self.tokens.as_slice() {
                [.., value, _, _] if value.kind == TokenKind::Variable => 2,
                _ => 0,
            },
            _ => 0,
        }
    }

    fn extend_last(&mut self, end: usize, joiners: usize) {
        let kept = self.tokens.len() - joiners;
        self.tokens.truncate(kept);
        if let Some(last) = self.tokens.last_mut() {
            last.end = end as u16;
        }
    }

    /// Makes the rest of a message that is too long one variable, with the word that the cut went through.
    fn cover_tail(&mut self, from: usize) {
        let cut = self.tokens.pop_if(|t| usize::from(t.end) == self.len);
        let (start, spaced) = cut.map_or((from, true), |t| (usize::from(t.start), t.spaced));
        self.push_variable(start, self.len, spaced);
    }

    fn hash(&mut self) {
        let (mut key, mut rank) = (0u64, 0u64);
        for (token, seed) in self.tokens.iter().zip(&SEEDS) {
            if token.kind == TokenKind::Variable {
                key = key.wrapping_add(fold(seed.0, seed.1));
                // The first and last eight bytes tell nearly all values apart; ties are settled by the text.
                let ends =
                    self.load(usize::from(token.start)) ^ self.load_before(usize::from(token.end)).rotate_left(29);
                rank = (rank.rotate_left(5) ^ ends).wrapping_mul(MULTIPLIER);
            } else {
                let size = u64::from(token.end - token.start) << 2 | (token.kind as u64 + 1);
                key = key.wrapping_add(fold(self.word(token) ^ seed.0, size ^ seed.1));
            }
        }
        (self.key, self.rank) = (key, rank);
    }

    /// The bytes of a token as a number: themselves up to eight, a hash beyond.
    #[inline]
    fn word(&self, token: &Token) -> u64 {
        let (start, end) = (usize::from(token.start), usize::from(token.end));
        let len = end - start;
        if len <= 8 {
            return self.short(start, end);
        }
        let mut hash = self.load_before(end);
        let mut at = start;
        while at + 8 < end {
            hash = fold(hash ^ self.load(at), MULTIPLIER);
            at += 8;
        }
        hash
    }

    /// One to eight bytes as a number, as [`number`] makes it.
    #[inline]
    fn short(&self, start: usize, end: usize) -> u64 {
        self.load(start) & (u64::MAX >> (64usize.wrapping_sub(8 * (end - start)) % 64))
    }

    #[inline]
    fn load(&self, at: usize) -> u64 {
        load(self.buffer.as_slice(), PAD + at)
    }

    #[inline]
    fn load_before(&self, end: usize) -> u64 {
        load(self.buffer.as_slice(), PAD + end - 8)
    }
}
