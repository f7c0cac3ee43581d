//! The few forms of TOML that the built-in files are written in, read in one pass.
//!
//! Reading all of TOML takes most of a start: a tree of 2,500 tables is built and taken apart. The built-in files need one key on a
//! line, four kinds of strings, numbers, and lists; whatever else stands in one makes it a file for the whole reader, and a test
//! compares what both read.

use std::ops::Range;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use toml::Spanned;

use super::{RawEffect, RawField, RawFile, RawMatch, RawRemedy, RawSignature, RawStatus};

/// The signatures of a file, without their examples; `None` when it is not plain.
pub(super) fn read(text: &str) -> Option<RawFile> {
    let mut plain = Plain { text, at: 0, next_table: Finder::new("\n[[signature") };
    let mut file = RawFile { signature: Vec::new() };
    while let Some((at, table)) = plain.header() {
        if table == "[[signature]]" {
            file.signature.push(plain.signature()?);
            continue;
        }
        let signature = file.signature.last_mut()?;
        match table {
            "[[signature.match]]" => signature.matchers.push(Spanned::new(at, plain.matcher()?)),
            "[signature.captures]" => plain.captures(signature)?,
            "[[signature.effect]]" => signature.effect.push(plain.effect()?),
            "[[signature.remedy]]" => signature.remedy.push(plain.remedy()?),
            "[[signature.example]]" | "[[signature.near_miss]]" => plain.skip_table(),
            _ => return None,
        }
    }
    plain.rest().is_empty().then_some(file)
}

/// A text and how far it is read.
struct Plain<'t> {
    text: &'t str,
    at: usize,
    /// Where the next table of a signature starts, whatever stands before it.
    next_table: Finder<'static>,
}

/// The tables, key by key.
impl Plain<'_> {
    fn signature(&mut self) -> Option<RawSignature> {
        let mut id = None;
        let mut raw = RawSignature {
            id: Spanned::new(0..0, String::new()),
            title: String::new(),
            layer: Default::default(),
            role: Default::default(),
            specificity: None,
            owner: String::new(),
            source: String::new(),
            mode: Default::default(),
            blames: None,
            normally: Default::default(),
            shows: Default::default(),
            outcome: Default::default(),
            acts: Default::default(),
            checks: Vec::new(),
            matchers: Vec::new(),
            captures: Default::default(),
            effect: Vec::new(),
            remedy: Vec::new(),
            example: Vec::new(),
            near_miss: Vec::new(),
        };
        while let Some(key) = self.key() {
            match key {
                "id" => id = Some(self.placed()?),
                "title" => raw.title = self.string()?,
                "layer" => raw.layer = self.named()?,
                "role" => raw.role = self.named()?,
                "specificity" => raw.specificity = Some(self.scalar()?),
                "owner" => raw.owner = self.string()?,
                "source" => raw.source = self.string()?,
                "mode" => raw.mode = self.named()?,
                "blames" => raw.blames = Some(self.named()?),
                "normally" => raw.normally = self.named()?,
                "shows" => raw.shows = self.named()?,
                "outcome" => raw.outcome = self.named()?,
                "acts" => raw.acts = self.named()?,
                "checks" => raw.checks = self.strings()?,
                _ => return None,
            }
            self.expect("\n")?;
        }
        Some(RawSignature { id: id?, ..raw })
    }

    fn matcher(&mut self) -> Option<RawMatch> {
        let mut raw = RawMatch::default();
        while let Some(key) = self.key() {
            match key {
                "any" => raw.any = self.strings()?,
                "all" => raw.all = self.strings()?,
                "none" => raw.none = self.strings()?,
                "regex" => raw.regex = Some(self.placed()?),
                "take" => raw.take = Some(self.placed()?),
                "log" => raw.log = self.strings()?,
                "resource" => raw.resource = self.strings()?,
                "status" => raw.status = self.list(Plain::status)?,
                "method" => raw.method = self.strings()?,
                "agent" => raw.agent = self.strings()?,
                "refused" => raw.refused = Some(self.scalar()?),
                "severity" => raw.severity = Some(self.string()?),
                "field" => raw.field = Some(self.field()?),
                "event" => raw.event = self.strings()?,
                _ => return None,
            }
            self.expect("\n")?;
        }
        Some(raw)
    }

    fn captures(&mut self, signature: &mut RawSignature) -> Option<()> {
        while let Some(key) = self.key() {
            // Only where a key stands is said in an error, and a test has found none.
            signature.captures.insert(Spanned::new(0..0, key.trim_matches('"').to_owned()), self.named()?);
            self.expect("\n")?;
        }
        Some(())
    }

    fn effect(&mut self) -> Option<RawEffect> {
        let (mut id, mut lag, mut strength) = (None, None, None);
        while let Some(key) = self.key() {
            match key {
                "id" => id = Some(self.placed()?),
                "lag" => lag = <[f64; 2]>::try_from(self.list(Plain::scalar)?).ok(),
                "strength" => strength = Some(self.named()?),
                _ => return None,
            }
            self.expect("\n")?;
        }
        Some(RawEffect { id: id?, lag: lag?.into(), strength: strength.unwrap_or_default() })
    }

    fn remedy(&mut self) -> Option<RawRemedy> {
        let (mut tier, mut text, mut command) = (None, None, None);
        while let Some(key) = self.key() {
            match key {
                "tier" => tier = Some(self.string()?),
                "text" => text = Some(self.string()?),
                "command" => command = Some(self.string()?),
                _ => return None,
            }
            self.expect("\n")?;
        }
        Some(RawRemedy { tier: tier?, text: text?, command })
    }
}

/// The values.
impl<'t> Plain<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expect(&mut self, what: &str) -> Option<()> {
        self.rest().starts_with(what).then(|| self.at += what.len())
    }

    /// Takes everything up to the next `end`, which is left.
    fn until(&mut self, end: u8) -> Option<&'t str> {
        let taken = &self.rest()[..memchr::memchr(end, self.rest().as_bytes())?];
        self.at += taken.len();
        Some(taken)
    }

    fn skip_blank(&mut self) {
        let blank = self.rest().bytes().take_while(|b| matches!(b, b' ' | b'\n')).count();
        self.at += blank;
    }

    /// The next line with a table's name and where it stands, after blank lines and comments.
    fn header(&mut self) -> Option<(Range<usize>, &'t str)> {
        self.skip_blank();
        while self.rest().starts_with('#') {
            self.until(b'\n')?;
            self.skip_blank();
        }
        let start = self.at;
        let line = self.rest().starts_with('[').then(|| self.until(b'\n'))??;
        Some((start..self.at, line))
    }

    /// The next key of a table, up to its value.
    fn key(&mut self) -> Option<&'t str> {
        self.skip_blank();
        if self.rest().starts_with(['[', '#']) {
            return None;
        }
        let key = self.until(b'=')?.strip_suffix(' ')?;
        self.expect("= ")?;
        Some(key)
    }

    fn skip_table(&mut self) {
        let next = self.next_table.find(self.rest().as_bytes());
        self.at = next.map_or(self.text.len(), |next| self.at + next);
    }

    /// `"…"`, `'…'` or `'''…'''` on one line; of the escapes only those of a quote and of a backslash.
    fn string(&mut self) -> Option<String> {
        let rest = self.rest();
        if let Some(rest) = rest.strip_prefix("'''") {
            let len = rest.find("'''")?;
            // As many as two quotes may stand before those that end it.
            let len = len + rest[len + 3..].bytes().take(2).take_while(|b| *b == b'\'').count();
            self.at += len + 6;
            return Some(rest[..len].to_owned());
        }
        self.at += 1;
        match rest.as_bytes().first()? {
            b'\'' => {
                let text = self.until(b'\'')?;
                self.at += 1;
                Some(text.to_owned())
            }
            b'"' if !rest.starts_with("\"\"\"") => self.escaped(),
            _ => None,
        }
    }

    /// What stands between two `"`, the first of which has been read.
    fn escaped(&mut self) -> Option<String> {
        let mut text: Option<String> = None;
        loop {
            let rest = self.rest();
            let len = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
            let piece = &rest[..len];
            // Nearly all are in one piece, and take the room they need.
            let mut whole = text.map_or_else(|| piece.to_owned(), |text| text + piece);
            self.at += len + 1;
            if rest.as_bytes()[len] == b'"' {
                return Some(whole);
            }
            let escaped = *rest.as_bytes().get(len + 1)?;
            whole.push(matches!(escaped, b'"' | b'\\').then_some(char::from(escaped))?);
            text = Some(whole);
            self.at += 1;
        }
    }

    /// A string and where it stands.
    fn placed(&mut self) -> Option<Spanned<String>> {
        let start = self.at;
        let text = self.string()?;
        Some(Spanned::new(start..self.at, text))
    }

    /// One of a few words.
    fn named<T: Deserialize<'static>>(&mut self) -> Option<T> {
        T::deserialize(StrDeserializer::<Error>::new(&self.string()?)).ok()
    }

    /// A number or a truth value, as Rust writes it too.
    fn scalar<T: std::str::FromStr>(&mut self) -> Option<T> {
        let len = self.rest().find([',', ']', '\n'])?;
        let value = self.rest()[..len].parse().ok()?;
        self.at += len;
        Some(value)
    }

    fn strings(&mut self) -> Option<Vec<String>> {
        self.list(Plain::string)
    }

    fn list<T>(&mut self, value: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut values = Vec::new();
        self.expect("[")?;
        self.skip_blank();
        while !self.rest().starts_with(']') {
            values.push(value(self)?);
            if self.expect(",").is_none() && !self.rest().starts_with([']', '\n']) {
                return None;
            }
            self.skip_blank();
        }
        self.expect("]")?;
        Some(values)
    }

    fn status(&mut self) -> Option<RawStatus> {
        if self.rest().starts_with('"') {
            self.string().map(RawStatus::Class)
        } else {
            self.scalar().map(RawStatus::Code)
        }
    }

    fn field(&mut self) -> Option<RawField> {
        self.expect("{ name = ")?;
        let name = self.string()?;
        self.expect(", any = ")?;
        let any = self.strings()?;
        self.expect(" }")?;
        Some(RawField { name, any })
    }
}
