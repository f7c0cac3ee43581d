//! TOML → signatures: what a file says, checked, with errors that name file, line and signature.

mod plain;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::matcher::{Capture, FieldTest, LazyRegex, Matcher, StatusPattern, ValueSource};
use super::meaning::{Accused, Act, Meaning, Mode, Normally, Outcome, Unit};
use super::{Effect, Remedy, Signature, Strength, gate};
use crate::entry::{ComponentKind, Severity};
use crate::pattern::{Layer, Role};

/// What is wrong with a signature file, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The file's name as given.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Id of the signature, when it is known.
    pub signature: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(id) = &self.signature {
            write!(f, "signature \"{id}\": ")?;
        }
        write!(f, "{}", self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

impl std::error::Error for Error {}

/// A signature as read, with everything that matching and checking need.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) signature: Signature,
    pub(super) matchers: Vec<Matcher>,
    pub(super) examples: Vec<Example>,
}

/// An entry that must match its signature, or must not.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) line: usize,
    pub(super) entry: String,
    pub(super) values: BTreeMap<String, String>,
    pub(super) matches: bool,
}

/// Specificity of a signature that names none.
const USUAL_SPECIFICITY: u32 = 50;

/// Highest specificity: leaves room above every built-in one for a user's own.
const MAX_SPECIFICITY: u32 = 1000;

/// Who wrote a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// Somebody: everything is checked while reading.
    Stranger,
    /// This program's authors. Only `check` needs the examples, and tests have compiled the regexes, which takes twenty times
    /// the rest.
    House,
}

/// Reads one file. Every signature is checked as far as it can be without the others.
pub(super) fn read(file: &str, text: &str, author: Author) -> Result<Vec<Read>, Error> {
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    let place = SignatureFile { file, text, lines, author };
    let plain = if author == Author::House { plain::read(text) } else { None };
    let raw = match plain {
        Some(raw) => raw,
        None => toml::from_str(text).map_err(|e| place.syntax(&e))?,
    };
    raw.signature.into_iter().map(|raw| place.signature(raw)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    signature: Vec<RawSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    id: Spanned<String>,
    title: String,
    layer: Layer,
    role: Role,
    specificity: Option<u32>,
    owner: String,
    source: String,
    #[serde(default)]
    mode: Mode,
    blames: Option<Accused>,
    #[serde(default)]
    normally: Normally,
    #[serde(default)]
    shows: Unit,
    #[serde(default)]
    outcome: Outcome,
    #[serde(default)]
    acts: Act,
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default, rename = "match")]
    matchers: Vec<Spanned<RawMatch>>,
    #[serde(default)]
    captures: BTreeMap<Spanned<String>, ComponentKind>,
    #[serde(default)]
    effect: Vec<RawEffect>,
    #[serde(default)]
    remedy: Vec<RawRemedy>,
    #[serde(default)]
    example: Vec<Spanned<RawExample>>,
    #[serde(default)]
    near_miss: Vec<Spanned<RawNearMiss>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMatch {
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
    regex: Option<Spanned<String>>,
    take: Option<Spanned<String>>,
    #[serde(default)]
    log: Vec<String>,
    #[serde(default)]
    resource: Vec<String>,
    #[serde(default)]
    status: Vec<RawStatus>,
    #[serde(default)]
    method: Vec<String>,
    #[serde(default)]
    agent: Vec<String>,
    refused: Option<bool>,
    severity: Option<String>,
    field: Option<RawField>,
    #[serde(default)]
    event: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawStatus {
    Code(u16),
    Class(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    name: String,
    any: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEffect {
    id: Spanned<String>,
    lag: (f64, f64),
    #[serde(default)]
    strength: Strength,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRemedy {
    tier: String,
    text: String,
    command: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExample {
    entry: String,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNearMiss {
    entry: String,
}

/// A file being read: turns spans into lines.
struct SignatureFile<'t> {
    file: &'t str,
    text: &'t str,
    /// Where each line ends.
    lines: Vec<usize>,
    author: Author,
}

impl SignatureFile<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.lines.partition_point(|end| *end < at)
    }

    fn error(&self, at: usize, id: &str, what: impl Into<String>, advice: &str) -> Error {
        Error {
            file: self.file.to_owned(),
            line: self.line(at),
            signature: Some(id.to_owned()),
            what: what.into(),
            advice: advice.to_owned(),
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> Error {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().trim_end().replace('\n', ", ");
        let advice = if what.starts_with("unknown field") {
            "remove the key or correct its spelling"
        } else if what.starts_with("missing field") {
            "add the key to the signature that starts on this line"
        } else {
            ""
        };
        let signature = self.id_around(at);
        Error { file: self.file.to_owned(), line: self.line(at), signature, what, advice: advice.to_owned() }
    }

    /// The id written last before `at`, inside the same signature; or first after it.
    fn id_around(&self, at: usize) -> Option<String> {
        let at = at.min(self.text.len());
        let before = self.text.get(..at)?;
        let start = before.rfind("[[signature]]").or_else(|| self.text.find("[[signature]]"))?;
        let block = &self.text[start + 1..];
        let block = block.find("[[signature]]").map_or(block, |end| &block[..end]);
        let line = block.lines().find(|l| l.starts_with("id ") || l.starts_with("id="))?;
        Some(line.split('"').nth(1)?.to_owned())
    }

    fn signature(&self, raw: RawSignature) -> Result<Read, Error> {
        let (at, id) = (raw.id.span().start, raw.id.into_inner());
        self.check_head(at, &id, &raw.title, &raw.owner, raw.specificity)?;
        let captures = captures(&raw.captures).map_err(|(span, what)| {
            self.error(span.start, &id, what, "use a group's name, @field:, @label:, @audit: or @event:")
        })?;
        if raw.matchers.is_empty() {
            return Err(self.error(at, &id, "has no [[signature.match]]", "add one, or the signature can never match"));
        }
        let mut matchers = Vec::new();
        for matcher in raw.matchers {
            matchers.push(self.matcher(&id, matcher, &captures)?);
        }
        self.check_groups(at, &id, &captures, &matchers)?;
        if raw.remedy.is_empty() {
            return Err(self.error(at, &id, "has no [[signature.remedy]]", "say at least one thing to do"));
        }
        let example = |e: Spanned<RawExample>| {
            let line = self.line(e.span().start);
            let e = e.into_inner();
            Example { line, entry: e.entry, values: e.values, matches: true }
        };
        let near_miss = |e: Spanned<RawNearMiss>| Example {
            line: self.line(e.span().start),
            entry: e.into_inner().entry,
            values: BTreeMap::new(),
            matches: false,
        };
        let examples = raw.example.into_iter().map(example).chain(raw.near_miss.into_iter().map(near_miss)).collect();
        let mut effects = Vec::new();
        for effect in raw.effect {
            effects.push(self.effect(&id, effect)?);
        }
        let mut remedies = Vec::new();
        for remedy in raw.remedy {
            if !["now", "next", "later"].contains(&remedy.tier.as_str()) {
                let what = format!("remedy tier \"{}\" is unknown", remedy.tier);
                return Err(self.error(at, &id, what, "use now, next or later"));
            }
            remedies.push(Remedy { tier: remedy.tier, text: remedy.text, command: remedy.command });
        }
        if captures.is_empty() && raw.blames == Some(Accused::Named) {
            let advice = "capture what the text names, or blame `kind:` with a kind of component";
            return Err(self.error(at, &id, "blames what it names, and captures nothing", advice));
        }
        // A text that names something rather speaks of that than of who wrote it.
        let accused = if captures.is_empty() { Accused::Itself } else { Accused::Named };
        let meaning = Meaning {
            mode: raw.mode,
            accused: raw.blames.unwrap_or(accused),
            normally: raw.normally,
            shows: raw.shows,
            outcome: raw.outcome,
            acts: raw.acts,
        };
        Ok(Read {
            signature: Signature {
                file: self.file.to_owned(),
                line: self.line(at),
                id,
                title: raw.title,
                layer: raw.layer,
                role: raw.role,
                specificity: raw.specificity.unwrap_or(USUAL_SPECIFICITY),
                owner: raw.owner,
                source: raw.source,
                meaning,
                effects,
                checks: raw.checks,
                remedies,
                captures: captures.into_iter().map(|c| (c.name, c.kind)).collect(),
            },
            matchers,
            examples,
        })
    }

    fn check_head(&self, at: usize, id: &str, title: &str, owner: &str, specificity: Option<u32>) -> Result<(), Error> {
        let kebab = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !kebab {
            return Err(self.error(at, id, "id is not in kebab-case", "use small letters, digits and hyphens"));
        }
        if title.trim().is_empty() {
            return Err(self.error(at, id, "title is empty", "say in plain words what is wrong"));
        }
        const OWNERS: [&str; 6] = ["app", "platform", "database", "network", "security", "vendor"];
        if !OWNERS.contains(&owner) {
            let advice = "use app, platform, database, network, security or vendor";
            return Err(self.error(at, id, format!("owner \"{owner}\" is unknown"), advice));
        }
        if specificity.is_some_and(|s| s > MAX_SPECIFICITY) {
            return Err(self.error(at, id, "specificity is too high", "use 0 to 1000; 50 is usual"));
        }
        Ok(())
    }

    fn effect(&self, id: &str, raw: RawEffect) -> Result<Effect, Error> {
        let (least, most) = raw.lag;
        if !(least.is_finite() && most.is_finite() && least <= most) {
            let advice = "write [at least, at most] in seconds";
            return Err(self.error(raw.id.span().start, id, format!("lag [{least}, {most}] is no range"), advice));
        }
        let line = self.line(raw.id.span().start);
        Ok(Effect { id: raw.id.into_inner(), lag_s: raw.lag, strength: raw.strength, line })
    }

    fn matcher(&self, id: &str, raw: Spanned<RawMatch>, captures: &[Capture]) -> Result<Matcher, Error> {
        let at = raw.span().start;
        let raw = raw.into_inner();
        for literal in raw.any.iter().chain(&raw.all).chain(&raw.none) {
            if literal.len() < gate::WINDOW {
                let what = format!("literal \"{literal}\" is too short");
                return Err(self.error(at, id, what, "use at least 4 bytes, with a blank or more context"));
            }
            if literal.len() > MAX_LITERAL {
                let what = format!("a literal has {} bytes", literal.len());
                return Err(self.error(at, id, what, "use at most 200"));
            }
        }
        let mut statuses = Vec::new();
        for status in &raw.status {
            statuses.push(
                parse_status(status).ok_or_else(|| {
                    self.error(at, id, "status is neither a code nor a class", "write 503 or \"5xx\"")
                })?,
            );
        }
        let severity = match &raw.severity {
            None => None,
            Some(name) => Some(Severity::parse(name).ok_or_else(|| {
                self.error(at, id, format!("severity \"{name}\" is unknown"), "use a LogSeverity, such as WARNING")
            })?),
        };
        let to_check = [&raw.regex, &raw.take].into_iter().flatten().filter(|_| self.author == Author::Stranger);
        for regex in to_check {
            LazyRegex::from(regex.get_ref().clone())
                .check()
                .map_err(|e| self.error(regex.span().start, id, e, "see the syntax of the Rust regex crate"))?;
        }
        let matcher = Matcher {
            line: self.line(at),
            any: raw.any,
            all: raw.all,
            none: raw.none,
            regex: raw.regex.map(|r| r.into_inner().into()),
            take: raw.take.map(|r| r.into_inner().into()),
            logs: raw.log,
            resources: raw.resource,
            statuses,
            methods: raw.method,
            agents: raw.agent,
            refused: raw.refused,
            severity,
            field: raw.field.map(|f| FieldTest { name: f.name, any: f.any }),
            events: raw.event,
            captures: captures.to_vec(),
            ..Matcher::default()
        };
        if !matcher.says_anything() {
            let advice = "give it a literal, a regex, a status, a method, a field or an event";
            return Err(self.error(at, id, "a matcher would match every entry", advice));
        }
        Ok(matcher)
    }

    fn check_groups(&self, at: usize, id: &str, captures: &[Capture], matchers: &[Matcher]) -> Result<(), Error> {
        for capture in captures {
            let known = capture.source != ValueSource::Group || matchers.iter().any(|m| m.has_group(&capture.name));
            if !known {
                let what = format!("captures name \"{}\", which is a group of no regex", capture.name);
                return Err(self.error(at, id, what, "name a group (?P<name>…) of one of its matchers"));
            }
        }
        Ok(())
    }
}

/// Longest literal: windows hold offsets of 16 bits, and nobody writes longer ones.
const MAX_LITERAL: usize = 200;

fn parse_status(raw: &RawStatus) -> Option<StatusPattern> {
    match raw {
        RawStatus::Code(code) if *code < 1000 => Some(StatusPattern::Code(*code)),
        RawStatus::Code(_) => None,
        RawStatus::Class(text) => match text.as_bytes() {
            [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => Some(StatusPattern::Class(u16::from(class - b'0'))),
            _ => text.parse().ok().filter(|code| *code < 1000).map(StatusPattern::Code),
        },
    }
}

fn captures(raw: &BTreeMap<Spanned<String>, ComponentKind>) -> Result<Vec<Capture>, (Range<usize>, String)> {
    let mut captures = Vec::new();
    for (key, kind) in raw {
        let Some(capture) = Capture::parse(key.get_ref(), *kind) else {
            return Err((key.span(), format!("capture \"{}\" is unknown", key.get_ref())));
        };
        captures.push(capture);
    }
    Ok(captures)
}

#[cfg(test)]
mod tests {
    use super::super::builtin;
    use super::*;

    /// As [`Author::House`] and as [`Author::Stranger`] would have it, without the examples.
    fn both_ways(text: &str) -> [String; 2] {
        let place = SignatureFile {
            file: "x",
            text,
            lines: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
            author: Author::House,
        };
        let shown = |raw: RawFile| -> String {
            let reads = raw.signature.into_iter().map(|raw| place.signature(raw).map(|r| (r.signature, r.matchers)));
            format!("{:?}", reads.collect::<Vec<_>>())
        };
        let whole = toml::from_str(text).map_or_else(|e| format!("{e}"), shown);
        [plain::read(text).map_or_else(|| whole.clone(), shown), whole]
    }

    #[test]
    fn every_builtin_file_is_plain_and_read_as_toml_reads_it() {
        for (name, text) in builtin::FILES {
            assert!(plain::read(text).is_some(), "{name}");
            let [plain, whole] = both_ways(text);
            assert!(plain == whole, "{name}");
        }
    }
}
