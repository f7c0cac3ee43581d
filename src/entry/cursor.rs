//! A cursor over the text of a record: strings, values and members, without a tree and without recursion.

use std::num::NonZero;

use wide::u8x16;

use super::Text;

/// A record cannot be read on; the cursor knows where and why. Empty, so that results stay in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// A position in JSON text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'b> {
    pub(super) text: &'b str,
    pub(super) at: usize,
    /// Set when something is broken at `at`.
    pub(super) reason: &'static str,
}

/// Bytes looked at together; most strings are shorter.
const WINDOW: usize = 32;

/// Bytes of numbers and words.
const IN_SCALAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0u8;
    while b < 128 {
        table[b as usize] = matches!(b, b'-' | b'+' | b'.') || b.is_ascii_alphanumeric();
        b += 1;
    }
    table
};

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'b> {
    pub(super) text: &'b str,
    pub(super) is_escaped: bool,
}

impl<'b> Raw<'b> {
    /// The text that is meant.
    pub(super) fn text(self) -> Text<'b> {
        if self.is_escaped { Text::Owned(unescape(self.text)) } else { Text::Borrowed(self.text) }
    }
}

impl<'b> Cursor<'b> {
    pub(super) fn new(text: &'b str) -> Cursor<'b> {
        Cursor { text, at: 0, reason: "" }
    }

    #[cold]
    fn broken<T>(&mut self, reason: &'static str) -> Result<T, Broken> {
        self.reason = reason;
        Err(Broken)
    }

    /// The next byte that is no white space, 0 at the end.
    #[inline]
    pub(super) fn token(&mut self) -> u8 {
        match self.text.as_bytes().get(self.at) {
            Some(&b) if b > b' ' => b,
            Some(_) => self.token_after_space(),
            None => 0,
        }
    }

    fn token_after_space(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        self.at += 1;
        // Indentation comes in runs: eight spaces at a time.
        while let Some(run) = bytes.get(self.at..self.at + 8)
            && run == b"        "
        {
            self.at += 8;
        }
        while let Some(&b) = bytes.get(self.at) {
            if b > b' ' {
                return b;
            }
            self.at += 1;
        }
        0
    }

    /// The string that starts here. Inlined wherever it stands: a call costs more than finding the end.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Raw<'b>, Broken> {
        let start = self.at + 1;
        match plain_end(self.text.as_bytes(), start) {
            Some(end) => {
                self.at = end + 1;
                Ok(Raw { text: self.text.get(start..end).unwrap_or_default(), is_escaped: false })
            }
            None => self.any_string(start),
        }
    }

    /// The string from `start` on, whatever it holds.
    #[inline(never)]
    fn any_string(&mut self, start: usize) -> Result<Raw<'b>, Broken> {
        let end = self.end_from(start);
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Raw { text: self.text.get(start..end).unwrap_or_default(), is_escaped: false })
            }
            Some(_) => self.escaped_string(start, end),
            None => self.broken("unterminated string"),
        }
    }

    /// The string from `start` on, whose first backslash is known.
    #[inline(never)]
    fn escaped_string(&mut self, start: usize, backslash: usize) -> Result<Raw<'b>, Broken> {
        let mut from = backslash + 2;
        loop {
            let end = self.end_from(from);
            match self.text.as_bytes().get(end) {
                Some(b'"') => {
                    self.at = end + 1;
                    return Ok(Raw { text: self.text.get(start..end).unwrap_or_default(), is_escaped: true });
                }
                Some(_) => from = end + 2,
                None => return self.broken("unterminated string"),
            }
        }
    }

    /// Index of the first quote or backslash from `from` on; the length of the text or more when there is none.
    fn end_from(&self, mut from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let (windows, last) = rest.as_chunks();
        for window in windows {
            let ends = ends(window);
            if ends != 0 {
                return from + ends.trailing_zeros() as usize;
            }
            from += WINDOW;
        }
        let end = last.iter().position(|b| matches!(b, b'"' | b'\\'));
        from + end.unwrap_or(last.len())
    }

    /// Passes over any value.
    pub(super) fn skip(&mut self) -> Result<(), Broken> {
        match self.token() {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.skip_container(),
            _ => self.scalar().map(|_| ()),
        }
    }

    fn skip_container(&mut self) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        let mut depth = 0usize;
        while let Some(&b) = bytes.get(self.at) {
            match b {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.broken("not closed")
    }

    /// The number or word that starts here.
    pub(super) fn scalar(&mut self) -> Result<&'b str, Broken> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| IN_SCALAR[usize::from(*b)]) {
            self.at += 1;
        }
        if self.at == start { self.broken("a value is missing") } else { Ok(&self.text[start..self.at]) }
    }

    /// Text of any value, as it stands there.
    pub(super) fn raw_value(&mut self) -> Result<&'b str, Broken> {
        self.token();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// A scalar as text: numbers and words as they stand, `None` for null, objects and arrays.
    #[inline]
    pub(super) fn text_value(&mut self) -> Result<Option<Text<'b>>, Broken> {
        match self.token() {
            b'"' => Ok(Some(self.string()?.text())),
            b'{' | b'[' => self.skip_container().map(|()| None),
            _ => Ok(Some(self.scalar()?).filter(|word| *word != "null").map(Text::Borrowed)),
        }
    }

    /// Calls `member` before the value of each member of the object that starts here; it must pass over the value.
    #[inline]
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Cursor<'b>, Raw<'b>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.at += 1;
        let mut token = self.token();
        loop {
            match token {
                b'"' => {}
                // Also after a comma: people leave one behind the last member.
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.broken("a key is missing"),
            }
            let key = self.string()?;
            if self.token() != b':' {
                return self.broken("a colon is missing");
            }
            self.at += 1;
            member(self, key)?;
            match self.token() {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.broken("a comma is missing"),
            }
            token = self.token();
        }
    }

    /// Calls `item` at each item of the array that starts here; it must pass over the item.
    pub(super) fn items(&mut self, mut item: impl FnMut(&mut Cursor<'b>) -> Result<(), Broken>) -> Result<(), Broken> {
        self.at += 1;
        loop {
            match self.token() {
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                b',' => self.at += 1,
                0 => return self.broken("not closed"),
                _ => item(self)?,
            }
        }
    }
}

/// Where the string ends whose inside starts at `start`; `None` when it has an escape, and near the end of the text.
#[inline(always)]
pub(super) fn plain_end(text: &[u8], start: usize) -> Option<usize> {
    let mut from = start;
    loop {
        let window = text.get(from..)?.first_chunk()?;
        if let Some(ends) = NonZero::new(ends(window)) {
            let end = from + ends.trailing_zeros() as usize;
            return (text.get(end) == Some(&b'"')).then_some(end);
        }
        from += WINDOW;
    }
}

/// The quotes and backslashes of a window, one bit for each byte, the first byte lowest.
#[inline(always)]
fn ends(window: &[u8; WINDOW]) -> u32 {
    let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
    let (halves, _) = window.as_chunks::<16>();
    let ends = |half: [u8; 16]| {
        let bytes = u8x16::from(half);
        (bytes.simd_eq(quote) | bytes.simd_eq(backslash)).to_bitmask()
    };
    ends(halves[0]) | ends(halves[1]) << 16
}

/// Where the first backslash stands; mostly near the one before.
#[inline]
fn first_backslash(text: &[u8]) -> Option<usize> {
    let Some((near, far)) = text.split_first_chunk::<16>() else { return text.iter().position(|b| *b == b'\\') };
    match u8x16::from(*near).simd_eq(u8x16::splat(b'\\')).to_bitmask() {
        0 => memchr::memchr(b'\\', far).map(|at| at + near.len()),
        hits => Some(hits.trailing_zeros() as usize),
    }
}

/// Undoes JSON's escapes. Lone surrogates become U+FFFD; an unknown escape stands for its own letter.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = first_backslash(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else { break };
        rest = &rest[letter.len_utf8()..];
        match letter {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => rest = code_point(rest, &mut out),
            other => out.push(other),
        }
    }
    out.push_str(rest);
    out
}

/// Reads the four digits after `\u`, and the second half of a surrogate pair; returns what follows.
fn code_point<'b>(rest: &'b str, out: &mut String) -> &'b str {
    let Some(first) = hex(rest) else {
        out.push(char::REPLACEMENT_CHARACTER);
        return rest;
    };
    let after = &rest[4..];
    if let (0xd800..=0xdbff, Some(second)) = (first, after.strip_prefix("\\u").and_then(hex))
        && let 0xdc00..=0xdfff = second
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return &after[6..];
    }
    out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        for (raw, expected) in [
            (r#"a\n\t\"\\\/"#, "a\n\t\"\\/"),
            (r"\u00e9\ud83c\udf29", "é🌩"),
            (r"\ud800x\udc00", "\u{fffd}x\u{fffd}"),
            (r"\ud800\u0041", "\u{fffd}A"),
            (r"\u12", "\u{fffd}12"),
            (r"\q", "q"),
            ("\\", ""),
        ] {
            assert_eq!(unescape(raw), expected, "{raw}");
        }
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_blocks_end() {
        for len in 0..200 {
            for (inner, is_escaped) in [("", false), ("\\\"", true), ("\\\\", true), ("é", false)] {
                let content = format!("{}{inner}", "x".repeat(len));
                for before in [0, 1, 31, 62, 63, 64, 65] {
                    let text = format!("{}\"{content}\",\"next\"", " ".repeat(before));
                    let mut cursor = Cursor { at: before, ..Cursor::new(&text) };
                    let string = cursor.string().expect("it is closed");
                    assert_eq!((string.text, string.is_escaped), (content.as_str(), is_escaped));
                    assert_eq!(&text[cursor.at..], ",\"next\"");
                    let mut cut = Cursor { at: before, ..Cursor::new(&text[..before + 1 + content.len()]) };
                    assert!(cut.string().is_err(), "{content}");
                }
            }
        }
    }

    #[test]
    fn a_value_is_passed_over_whatever_it_holds() {
        for text in [r#"{"a":["}",{"b":"\""}]} tail"#, r#""x\\" tail"#, "-1.5e9 tail", "null tail", "[[],{}] tail"] {
            let mut cursor = Cursor::new(text);
            cursor.skip().expect("it is whole");
            assert_eq!(&text[cursor.at..], " tail");
        }
        for text in ["{\"a\":", "[1", "\"x", "\"x\\\"", ""] {
            assert!(Cursor::new(text).skip().is_err(), "{text}");
        }
    }
}
