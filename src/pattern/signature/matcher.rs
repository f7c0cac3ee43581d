//! One way to recognise a signature: every condition that must hold, and what to take from the entry when it does.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex_automata::PatternID;
use regex_automata::meta;

use crate::entry::{Audit, Component, ComponentKind, Entry, Path, Severity, Text};
use crate::pattern::needle::{self, Needle};

/// Bound on a compiled regex, in bytes. The largest built-in one needs a tenth.
const REGEX_SIZE: usize = 1 << 20;

/// Bound on what a regex remembers of its own search, in bytes; each worker has one of each regex. A larger one is filled by
/// long messages and is no faster.
const DFA_SIZE: usize = 256 << 10;

/// A regex looks at the first and the last so many bytes of a text: where people and runtimes put what matters.
/// The search is linear, but a message can have gigabytes.
const REGEX_REACH: usize = 64 << 10;

/// Matches of one regex in one text that are looked at: the first ones hold the headline and the driver's own words.
const MAX_FOUND: usize = 8;

/// Shorter runs of letters stand in every text.
const MIN_NEEDLE: usize = 4;

/// Longest captured text that is kept, in bytes: names are shorter, and a missing quote must not copy a whole message.
const MAX_VALUE: usize = 256;

/// What must hold; all of it. Empty lists ask nothing.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    /// Index of its signature.
    pub(super) signature: usize,
    /// Where it stands in its file.
    pub(super) line: usize,
    pub(super) any: Vec<String>,
    pub(super) all: Vec<String>,
    pub(super) none: Vec<String>,
    /// The same literals as indexes into the gate.
    pub(super) any_idx: Vec<u16>,
    pub(super) all_idx: Vec<u16>,
    pub(super) none_idx: Vec<u16>,
    /// Must match one of the texts.
    pub(super) regex: Option<LazyRegex>,
    /// Need not match: only takes values.
    pub(super) take: Option<LazyRegex>,
    pub(super) logs: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) statuses: Vec<StatusPattern>,
    pub(super) methods: Vec<String>,
    /// Parts of the caller's user agent: `update-traffic` tells what `ReplaceService` was for.
    pub(super) agents: Vec<String>,
    pub(super) refused: Option<bool>,
    pub(super) severity: Option<Severity>,
    pub(super) field: Option<FieldTest>,
    pub(super) events: Vec<String>,
    pub(super) captures: Vec<Capture>,
}

/// A status code or a class of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum StatusPattern {
    Code(u16),
    Class(u16),
}

/// A scalar field of the payload, or a detail of an audit entry, with one of these values.
#[derive(Clone, Debug)]
pub(super) struct FieldTest {
    pub(super) name: String,
    pub(super) any: Vec<String>,
}

/// What names the culprit: a regex group or a value of the entry.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub(super) name: String,
    pub(super) source: ValueSource,
    pub(super) kind: ComponentKind,
}

/// Where a captured value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueSource {
    Group,
    Field,
    Label,
    Audit,
    Event,
}

impl Capture {
    /// `address`, `@field:host`, `@label:revision_name`, `@audit:image`, `@event:object`.
    ///
    /// Of an audit entry, `resource` is the last part of its resource name, `/instances` the part after `instances/`.
    pub(super) fn parse(key: &str, kind: ComponentKind) -> Option<Capture> {
        let (source, name) = match key.strip_prefix('@') {
            None => (ValueSource::Group, key),
            Some(rest) => {
                let (source, name) = rest.split_once(':')?;
                let source = match source {
                    "field" => ValueSource::Field,
                    "label" => ValueSource::Label,
                    "audit" => ValueSource::Audit,
                    "event" => ValueSource::Event,
                    _ => return None,
                };
                (source, name)
            }
        };
        (!name.is_empty()).then(|| Capture { name: name.to_owned(), source, kind })
    }

    /// The value in the entry, for all but regex groups.
    fn value<'e>(&self, entry: &'e Entry<'_>) -> Option<&'e str> {
        match self.source {
            ValueSource::Group => None,
            ValueSource::Field => field(entry, &self.name),
            ValueSource::Label => entry.labels.get(&self.name).or_else(|| entry.resource.labels.get(&self.name)),
            ValueSource::Audit => {
                let audit = entry.audit.as_ref()?;
                match self.name.as_str() {
                    "resource" => Some(last_segment(&audit.resource_name, b'/')),
                    name if name.starts_with('/') => after_segment(&audit.resource_name, &name[1..]),
                    "principal" => Some(audit.principal.as_ref()),
                    "service" => Some(audit.service.as_ref()),
                    name => detail(audit, name),
                }
            }
            ValueSource::Event => {
                let event = entry.kube_event.as_ref()?;
                match self.name.as_str() {
                    "object" => Some(event.object_name.as_ref()),
                    "namespace" => Some(event.namespace.as_ref()),
                    _ => None,
                }
            }
        }
    }
}

/// What a matcher takes from an entry.
pub(super) type Taken<'a> = (Vec<(Text<'a>, Text<'a>)>, Vec<Component>);

impl Matcher {
    /// Whether it has a condition that can fail for an ordinary entry.
    pub(super) fn says_anything(&self) -> bool {
        self.has_literal() || self.regex.is_some() || self.has_structure()
    }

    /// Whether a literal must occur: the gate then decides whether it is looked at.
    pub(super) fn has_literal(&self) -> bool {
        !self.any.is_empty() || !self.all.is_empty()
    }

    /// Whether a structured field decides whether it is looked at.
    pub(super) fn has_structure(&self) -> bool {
        !self.statuses.is_empty() || self.is_audit() || !self.events.is_empty() || self.field.is_some()
    }

    /// Whether only audit entries can match.
    pub(super) fn is_audit(&self) -> bool {
        !self.methods.is_empty() || !self.agents.is_empty() || self.refused.is_some()
    }

    /// Whether it takes values from elsewhere than the texts of an entry.
    pub(super) fn takes_more_than_text(&self) -> bool {
        self.captures.iter().any(|capture| capture.source != ValueSource::Group)
    }

    /// Whether a regex group has this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        let named = [format!("<{name}>"), format!("<{name}_")];
        let regexes = [&self.regex, &self.take];
        regexes.into_iter().flatten().any(|r| named.iter().any(|name| r.source.contains(name)))
    }

    /// What it takes from the entry, if all conditions hold. `texts` are those of the entry; `seen` tells which literals
    /// occur in them.
    pub(super) fn confirm<'a>(
        &'a self,
        entry: &'a Entry<'_>,
        texts: &[&'a str],
        severity: Severity,
        seen: impl Fn(u16) -> bool,
    ) -> Option<Taken<'a>> {
        let holds = self.severity.is_none_or(|least| severity >= least)
            && (self.any_idx.is_empty() || self.any_idx.iter().any(|l| seen(*l)))
            && self.all_idx.iter().all(|l| seen(*l))
            && !self.none_idx.iter().any(|l| seen(*l))
            && self.structure_holds(entry);
        if !holds {
            return None;
        }
        let mut values = Vec::new();
        if let Some(regex) = &self.regex {
            let mut found = false;
            for text in texts {
                found |= regex.collect(text, &mut values);
            }
            if !found {
                return None;
            }
        }
        if let Some(regex) = &self.take {
            texts.iter().for_each(|text| _ = regex.collect(text, &mut values));
        }
        Some(self.with_entry_values(entry, values))
    }

    fn structure_holds(&self, entry: &Entry<'_>) -> bool {
        let one_of = |list: &[String], text: &str| list.is_empty() || list.iter().any(|l| l == text);
        one_of(&self.resources, &entry.resource.kind)
            && self.status_holds(entry)
            && self.audit_holds(entry)
            && self.field.as_ref().is_none_or(|f| f.holds(entry))
            && (self.events.is_empty() || entry.kube_event.as_ref().is_some_and(|e| one_of(&self.events, &e.reason)))
            && self.log_holds(entry)
    }

    fn status_holds(&self, entry: &Entry<'_>) -> bool {
        let holds = |code: u16| {
            self.statuses.iter().any(|s| match s {
                StatusPattern::Code(c) => *c == code,
                StatusPattern::Class(c) => *c == code / 100,
            })
        };
        self.statuses.is_empty() || entry.http.as_ref().is_some_and(|h| holds(h.status))
    }

    fn audit_holds(&self, entry: &Entry<'_>) -> bool {
        let Some(audit) = &entry.audit else { return !self.is_audit() };
        self.refused.is_none_or(|refused| refused == (audit.status_code != 0))
            && (self.methods.is_empty() || self.methods.iter().any(|m| ends_in_name(&audit.method, m)))
            && (self.agents.is_empty() || self.agents.iter().any(|a| audit.user_agent.contains(a.as_str())))
    }

    fn log_holds(&self, entry: &Entry<'_>) -> bool {
        if self.logs.is_empty() {
            return true;
        }
        let id = entry.log_id();
        self.logs.iter().any(|log| {
            id == log.as_str()
                || id.strip_suffix(log.as_str()).is_some_and(|rest| rest.ends_with('/'))
                || id.strip_prefix(log.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    }

    fn with_entry_values<'a>(&'a self, entry: &'a Entry<'_>, mut values: Vec<(Text<'a>, Text<'a>)>) -> Taken<'a> {
        for capture in &self.captures {
            let value = capture.value(entry).map(clean).filter(|v| !v.is_empty());
            if let Some(value) = value
                && !values.iter().any(|(name, _)| *name == capture.name)
            {
                values.push((Text::Borrowed(&capture.name), Text::Borrowed(value)));
            }
        }
        let mut blames = Vec::new();
        for capture in &self.captures {
            if let Some((_, value)) = values.iter().find(|(name, _)| *name == capture.name) {
                let blamed = Component::new(capture.kind, value.as_ref());
                if !blames.contains(&blamed) {
                    blames.push(blamed);
                }
            }
        }
        (values, blames)
    }
}

impl FieldTest {
    fn holds(&self, entry: &Entry<'_>) -> bool {
        let mut details = entry.audit.iter().flat_map(|audit| &audit.details.0);
        let wanted = |value: &str| self.any.iter().any(|any| any.eq_ignore_ascii_case(value));
        entry.fields.iter().any(|(path, value)| path_ends_in_name(path, &self.name) && wanted(value))
            || details.any(|(key, value)| ends_in_name(key, &self.name) && wanted(value))
    }
}

/// A regex that is compiled when its gate first opens: most never do.
#[derive(Debug)]
pub(super) struct LazyRegex {
    pub(super) source: String,
    compiled: OnceLock<Option<Compiled>>,
}

/// A regex and letters that every match of it holds.
#[derive(Debug)]
struct Compiled {
    regex: meta::Regex,
    needle: Option<Needle>,
    /// Names of its groups, without numbers.
    names: Vec<String>,
}

impl From<String> for LazyRegex {
    fn from(source: String) -> LazyRegex {
        LazyRegex { source, compiled: OnceLock::new() }
    }
}

impl LazyRegex {
    /// Why it cannot be compiled, if so.
    pub(super) fn check(&self) -> Result<(), String> {
        compile(&self.source).map(|_| ()).map_err(|e| last_line(&e.to_string()))
    }

    /// Adds the named groups of its matches in `text`, cleaned; the first text of a name stays. Whether it matches.
    fn collect<'a>(&'a self, text: &'a str, values: &mut Vec<(Text<'a>, Text<'a>)>) -> bool {
        let Some(Compiled { regex, needle, names }) = self.get() else { return false };
        // Most texts that a gate lets through do not match; nearly all of them lack the needle. `is_match` allocates nothing.
        if needle.as_ref().is_some_and(|needle| !needle.is_in(text.as_bytes())) || !regex.is_match(text.as_bytes()) {
            return false;
        }
        // Once every name has its value, further matches tell nothing.
        let has_all =
            |values: &[(Text<'_>, Text<'_>)]| names.iter().all(|name| values.iter().any(|(known, _)| known == name));
        if has_all(values) {
            return true;
        }
        for groups in regex.captures_iter(text.as_bytes()).take(MAX_FOUND) {
            let named = regex.group_info().pattern_names(PatternID::ZERO).zip(groups.iter());
            for (name, group) in named.filter_map(|(name, group)| Some((name?, group?))) {
                let name = without_number(name);
                // A group of bytes can end inside a character; what is no text is no value.
                let value = clean(text.get(group.range()).unwrap_or_default());
                if !value.is_empty() && !values.iter().any(|(known, _)| *known == name) {
                    values.push((Text::Borrowed(name), Text::Borrowed(value)));
                }
            }
            if has_all(values) {
                break;
            }
        }
        true
    }

    /// `None` when it cannot be compiled, which reading has ruled out.
    fn get(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| Compiled::new(&self.source)).as_ref()
    }
}

impl Compiled {
    /// As [`compile`], without the searches for literals that a needle makes superfluous: they are half of the compilation.
    fn new(source: &str) -> Option<Compiled> {
        let structure = needle::parse(source)?;
        let config = meta::Config::new()
            .auto_prefilter(false)
            .utf8_empty(false)
            .nfa_size_limit(Some(REGEX_SIZE))
            .hybrid_cache_capacity(DFA_SIZE);
        let regex = meta::Builder::new().configure(config).build_from_hir(&structure).ok()?;
        let names = regex.group_info().pattern_names(PatternID::ZERO).flatten();
        let names = names.map(|name| without_number(name).to_owned()).collect();
        Some(Compiled { needle: Needle::of(&structure, MIN_NEEDLE), names, regex })
    }
}

/// The same regex with what its author needs to know when it is none.
fn compile(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .unicode(false)
        .case_insensitive(true)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(DFA_SIZE)
        .build()
}

/// The texts of an entry that literals and regexes look at: the message, then the error fields of its payload.
pub(super) fn texts<'e>(entry: &'e Entry<'_>) -> impl Iterator<Item = &'e str> {
    whole_texts(entry).flat_map(|text| {
        let (head, tail) = ends(text);
        std::iter::once(head).chain(tail)
    })
}

/// The same, each in one piece.
pub(super) fn whole_texts<'e>(entry: &'e Entry<'_>) -> impl Iterator<Item = &'e str> {
    let fields = entry.fields.iter().filter(|(path, value)| is_text_field(*path) && **value != entry.message);
    std::iter::once(entry.message.as_ref()).chain(fields.map(|(_, value)| value.as_ref()))
}

/// Fields of a JSON payload whose text is read like the message itself: where loggers put the error. A `message` only below
/// another field.
pub(super) const TEXT_FIELDS: [&str; 13] = [
    "err",
    "error",
    "exception",
    "cause",
    "detail",
    "details",
    "reason",
    "stderr",
    "statusDetails",
    "error_message",
    "errorMessage",
    "exc_info",
    "message",
];

/// True for one of [`TEXT_FIELDS`], by the last segment of its path.
fn is_text_field(path: Path<'_>) -> bool {
    let last = path.last();
    TEXT_FIELDS.contains(&last) && (last != "message" || last.len() < path.object.len() + path.key.len())
}

/// The first and, when it is longer, the last [`REGEX_REACH`] bytes of a text.
fn ends(text: &str) -> (&str, Option<&str>) {
    if text.len() <= REGEX_REACH {
        return (text, None);
    }
    let tail = text.len() - REGEX_REACH;
    (&text[..text.floor_char_boundary(REGEX_REACH)], Some(&text[text.ceil_char_boundary(tail)..]))
}

/// `host_2` and `host_3` are `host`: a regex may not use one name in two alternatives.
fn without_number(name: &str) -> &str {
    match name.as_bytes() {
        [.., b'_', b'2'..=b'9'] => &name[..name.len() - 2],
        _ => name,
    }
}

/// Without the quotes, brackets and punctuation around a captured name, and not overlong.
fn clean(value: &str) -> &str {
    let value = value.trim_matches(|c: char| c.is_whitespace() || "\"'`“”‘’,;".contains(c));
    let value = value.trim_end_matches(['.', ':', '!', '?']);
    let value = if value.contains('(') { value } else { value.trim_end_matches(')') };
    let value = if value.contains('[') { value } else { value.trim_end_matches(']') };
    &value[..value.floor_char_boundary(MAX_VALUE)]
}

/// Whether `text` is `name` or ends in it after a dot or a slash: `google.cloud.run.v1.Services.ReplaceService` ends in
/// `Services.ReplaceService` and in `ReplaceService`.
pub(super) fn ends_in_name(text: &str, name: &str) -> bool {
    let Some(start) = text.len().checked_sub(name.len()) else { return false };
    // Most names differ in their last letter already.
    let last = |text: &str| text.as_bytes().last().map(u8::to_ascii_lowercase);
    last(text) == last(name)
        && text.as_bytes()[start..].eq_ignore_ascii_case(name.as_bytes())
        && (start == 0 || matches!(text.as_bytes()[start - 1], b'.' | b'/'))
}

/// The same of a field's path.
fn path_ends_in_name(path: Path<'_>, name: &str) -> bool {
    match name.len().checked_sub(path.key.len()) {
        None | Some(0) => ends_in_name(path.key, name),
        Some(before) => {
            let (object, key) = name.as_bytes().split_at(before);
            path.key.as_bytes().eq_ignore_ascii_case(key)
                && std::str::from_utf8(object).is_ok_and(|object| ends_in_name(path.object, object))
        }
    }
}

fn detail<'e>(audit: &'e Audit<'_>, name: &str) -> Option<&'e str> {
    let mut details = audit.details.0.iter();
    details.find(|(key, value)| !value.is_empty() && ends_in_name(key, name)).map(|(_, value)| value.as_ref())
}

fn field<'e>(entry: &'e Entry<'_>, name: &str) -> Option<&'e str> {
    let mut fields = entry.fields.iter();
    fields.find(|(path, value)| !value.is_empty() && path_ends_in_name(*path, name)).map(|(_, value)| value.as_ref())
}

/// What follows the path segment `name`: `orders` after `instances` in `projects/p/instances/orders/users/app`.
fn after_segment<'t>(path: &'t str, name: &str) -> Option<&'t str> {
    let mut segments = path.split('/');
    segments.by_ref().find(|segment| *segment == name)?;
    segments.next()
}

/// What follows the last `separator`, an ASCII character.
pub(super) fn last_segment(text: &str, separator: u8) -> &str {
    memchr::memrchr(separator, text.as_bytes()).map_or(text, |at| &text[at + 1..])
}

/// A regex error draws the pattern over several lines; its last says what is wrong.
fn last_line(error: &str) -> String {
    let last = error.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or(error);
    format!("regex: {}", last.trim().trim_start_matches("error: "))
}
