//! What one entry says: which pattern it shows, how bad it is, what it is about and whom it blames.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::secrets::{self, Classes};
use super::wording::{self, Verdict};
use super::{Catalogue, Layer, Match, Role, Unit, entity, template, traceback};
use crate::entry::{Component, Entry, Payload, Severity, Text};
use crate::time::Timestamp;

/// What an entry is for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It shows that something failed.
    Failure,
    /// It tells of a change.
    Change,
    /// Nothing failed.
    Benign,
}

/// How grave a failure is that no signature knows. Templates never merge across it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Gravity {
    /// A request that its client got wrong (4xx): scanners, expired logins. Never an incident by itself.
    Client,
    /// A warning.
    Warning,
    /// An error or worse, or a request that the server failed.
    #[default]
    Grave,
}

/// What one entry says. Borrows from the entry.
#[derive(Clone, Debug)]
pub struct Observation<'e> {
    /// Effect time.
    pub at: Timestamp,
    /// Recorded severity, or what the text says where that is absent or the log's default.
    pub severity: Option<Severity>,
    /// True when the severity comes from the text.
    pub inferred: bool,
    /// Failure, change or benign.
    pub class: Class,
    /// How grave, when it fails.
    pub gravity: Gravity,
    /// The signature that matched, as an index into the catalogue.
    pub signature: Option<usize>,
    /// What it is about.
    pub component: Component,
    /// Revision that wrote it.
    pub revision: Option<&'e str>,
    /// Instance that wrote it.
    pub instance: Option<&'e str>,
    /// Values the signature extracted.
    pub values: Cow<'e, [(Text<'e>, Text<'e>)]>,
    /// Things it blames.
    pub blames: Cow<'e, [Component]>,
    /// Names in it that may turn out to be components.
    pub mentions: Cow<'e, [Text<'e>]>,
    /// How much it counts: 1, or 0 for a repeat that is told elsewhere.
    pub weight: u64,
    /// What its texts are masked of before anything is cut or kept: what is left of a secret could not be known as one.
    pub masks: Classes,
}

impl Observation<'_> {
    /// The text that stands for the entry, masked: its message, else `METHOD … url … status`, else the first fields of its payload.
    pub fn text<'t>(&self, entry: &'t Entry<'_>) -> Cow<'t, str> {
        self.masked(raw_text(entry))
    }

    /// A text of the entry without what no account keeps.
    pub fn masked<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        match secrets::masked(&text, self.masks) {
            Cow::Owned(masked) => Cow::Owned(masked),
            Cow::Borrowed(_) => text,
        }
    }
}

/// As [`Observation::text`], as recorded.
pub(crate) fn raw_text<'t>(entry: &'t Entry<'_>) -> Cow<'t, str> {
    match &entry.http {
        Some(http) if entry.message.is_empty() => {
            // Three fields of the entry, not one text: what is left out between them is marked as such.
            let why = WHY.iter().filter_map(|field| entry.fields.get(field)).filter(|why| !why.is_empty());
            let request = format!("{} … {} … {}", http.method, http.url, http.status);
            Cow::Owned(why.fold(request, |told, why| told + " … " + why))
        }
        _ => match &entry.audit {
            Some(audit) if entry.message.is_empty() => {
                Cow::Owned(format!("{} … {}", audit.method, audit.resource_name))
            }
            None if entry.message.is_empty() => Cow::Owned(entry.text_of_fields()),
            _ => Cow::Borrowed(entry.message.as_ref()),
        },
    }
}

/// Fields in which proxies and load balancers say why a request failed.
const WHY: [&str; 4] = ["statusDetails", "response_code_details", "response_flags", "failureReason"];

/// The text by which a failure that no signature knows is mined: a traceback by its innermost cause, a request without
/// text by its route, everything else by its message.
pub fn mining_text<'t>(entry: &'t Entry<'_>, observation: &Observation<'_>) -> Cow<'t, str> {
    match &entry.http {
        Some(http) if entry.message.is_empty() => Cow::Owned(template::route(&http.method, &http.url, http.status)),
        _ => match traceback::read(&entry.message) {
            Some(traceback) => observation.masked(Cow::Owned(traceback.key())),
            None => observation.text(entry),
        },
    }
}

/// The values without what is masked.
fn without<'e>(mut values: Vec<(Text<'e>, Text<'e>)>, masks: Classes) -> Vec<(Text<'e>, Text<'e>)> {
    for (_, value) in &mut values {
        if let Cow::Owned(masked) = secrets::masked(value, masks) {
            *value = Text::Owned(masked);
        }
    }
    values
}

/// What `entry` says; `None` when it has no time and so no place in the account.
pub fn observe<'e>(catalogue: &'e Catalogue, entry: &'e Entry<'_>) -> Option<Observation<'e>> {
    let at = entry.effect_time()?;
    let (severity, inferred) = effective_severity(entry);
    let matched = catalogue.find(entry, severity.unwrap_or_else(|| worded_severity(entry)));
    let class = class(catalogue, entry, severity, matched.as_ref());
    let mut observation = Observation {
        at,
        severity,
        inferred,
        class,
        gravity: gravity(entry, severity, class, matched.is_none()),
        signature: matched.as_ref().map(|m| m.signature),
        component: entry.component(),
        revision: entry.revision(),
        instance: entry.instance(),
        values: Cow::default(),
        blames: Cow::default(),
        mentions: Cow::default(),
        weight: 1,
        masks: catalogue.masks,
    };
    if let Some(matched) = matched {
        observation.values = without(matched.values, catalogue.masks).into();
        observation.blames = matched.blames.into_iter().filter(entity::is_a_thing).collect();
    }
    match class {
        Class::Failure => add_names(&mut observation, entry),
        Class::Benign => observation.blames.to_mut().extend(entity::connector(&entry.message)),
        Class::Change => {}
    }
    Some(observation)
}

/// What an entry says that tells of no failure, no change and nobody, and is no part of another: only that it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uneventful {
    /// Effect time.
    pub at: Timestamp,
    /// As in [`Observation::severity`].
    pub severity: Option<Severity>,
    /// As in [`Observation::inferred`].
    pub inferred: bool,
}

/// Whether `entry` is uneventful. `None` when it is not, and where it takes [`observe`] to tell.
///
/// Looks at no label and at nothing of the resource but its type, so that these need not be read.
pub fn uneventful(catalogue: &Catalogue, entry: &Entry<'_>) -> Option<Uneventful> {
    if entry.audit.is_some() || entry.kube_event.is_some() || entry.split.is_some() {
        return None;
    }
    // Requests that were refused are counted apart from those that went well.
    if entry.http.as_ref().is_some_and(|http| http.status >= 400) {
        return None;
    }
    let at = entry.effect_time()?;
    let (severity, inferred) = effective_severity(entry);
    let matched = catalogue.find(entry, severity.unwrap_or_else(|| worded_severity(entry)));
    let is_silent = matched.as_ref().is_none_or(|m| catalogue.signatures[m.signature].role == Role::Noise);
    let is_benign = class(catalogue, entry, severity, matched.as_ref()) == Class::Benign;
    let says_nothing = is_silent && is_benign && entity::connector(&entry.message).is_none();
    (says_nothing && !traceback::is_line(entry)).then_some(Uneventful { at, severity, inferred })
}

/// True for a text that names a level and says nothing: what it belongs to says it.
fn is_only_a_level(message: &str) -> bool {
    let word = message.trim_matches(|c: char| !c.is_ascii_alphabetic());
    !word.is_empty() && word.len() <= MOST_OF_A_LEVEL && Severity::parse(word).is_some()
}

/// No name of a level is longer.
const MOST_OF_A_LEVEL: usize = 12;

/// What signatures take for the severity of an entry that has none: whether its words tell of a failure.
fn worded_severity(entry: &Entry<'_>) -> Severity {
    if wording::fails(&entry.message) { Severity::Error } else { Severity::Info }
}

/// Severity as recorded, unless the line states its own: agents stamp everything on stderr as ERROR and everything on stdout
/// as INFO, and whoever passes on the output of a program knows nothing of it.
fn effective_severity(entry: &Entry<'_>) -> (Option<Severity>, bool) {
    let recorded = entry.severity;
    match restated(entry) {
        Some(stated) if recorded != Some(stated) => (Some(stated), true),
        _ => (recorded, false),
    }
}

/// The level that the line states, where that counts before the one that was recorded.
fn restated(entry: &Entry<'_>) -> Option<Severity> {
    // What products write in these they record as they mean it.
    let is_own = entry.audit.is_some() || entry.kube_event.is_some() || entry.http.is_some();
    let is_stream = entry.log_name.ends_with("stdout") || entry.log_name.ends_with("stderr");
    match entry.severity {
        None => entry.stated_severity(),
        Some(_) if is_own => entry.level,
        // A structured line says what it means with the severity that the collector takes from it.
        Some(recorded) if is_stream && (entry.payload != Payload::Json || recorded < Severity::Warning) => {
            entry.stated_severity()
        }
        Some(recorded) if recorded <= Severity::Info && !is_stream => {
            entry.stated_severity().filter(|stated| entry.level.is_some() || *stated >= Severity::Error)
        }
        Some(_) => entry.level,
    }
}

fn class(catalogue: &Catalogue, entry: &Entry<'_>, severity: Option<Severity>, matched: Option<&Match<'_>>) -> Class {
    let role = matched.map(|m| catalogue.signatures[m.signature].role);
    match role {
        Some(Role::Cause | Role::Either | Role::Effect) => Class::Failure,
        Some(Role::Change) => Class::Change,
        Some(Role::Marker | Role::Noise) => Class::Benign,
        None if entry.is_change() => Class::Change,
        // There is nothing to tell of it.
        None if says_nothing(entry) => Class::Benign,
        None if entry.http.as_ref().is_some_and(|http| http.status >= 500) => Class::Failure,
        None if entry.audit.is_some() => Class::Benign,
        None if severity >= Some(Severity::Warning) && !is_stamped(entry) => Class::Failure,
        None if says_that_it_failed(entry, severity) => Class::Failure,
        None => Class::Benign,
    }
}

fn says_nothing(entry: &Entry<'_>) -> bool {
    let has_no_text = entry.message.is_empty() || is_only_a_level(&entry.message);
    has_no_text && entry.fields.is_empty() && entry.http.is_none() && entry.audit.is_none()
}

/// Whether a sentence of health only arrived as an error: collectors stamp all that comes from standard error so.
fn is_stamped(entry: &Entry<'_>) -> bool {
    entry.payload == Payload::Text
        && entry.log_name.ends_with("stderr")
        && entry.stated_severity().is_none()
        && wording::reading(&entry.message).verdict == Verdict::Fine
}

/// Whether the words of an entry without a grave level report a failure. One that states a low level itself must tell which unit
/// failed or why.
fn says_that_it_failed(entry: &Entry<'_>, severity: Option<Severity>) -> bool {
    let is_answered = entry.http.as_ref().is_some_and(|http| http.status > 0);
    if is_answered || entry.kube_event.is_some() || !wording::may_fail(&entry.message) {
        return false;
    }
    let reading = wording::reading(&entry.message);
    reading.verdict == Verdict::Fails
        && match severity.filter(|_| states_level(entry)) {
            None => true,
            Some(Severity::Debug) => reading.is_told && reading.meaning.shows != Unit::None,
            Some(_) => reading.is_told,
        }
}

/// Whether the program itself gave an entry its level, and not the collector.
fn states_level(entry: &Entry<'_>) -> bool {
    entry.stated_severity().is_some() || (entry.severity.is_some() && entry.payload != Payload::Text)
}

fn gravity(entry: &Entry<'_>, severity: Option<Severity>, class: Class, is_unknown: bool) -> Gravity {
    match entry.http.as_ref().map(|http| http.status) {
        Some(400..500) if entry.message.is_empty() => Gravity::Client,
        Some(500..) => Gravity::Grave,
        _ if severity >= Some(Severity::Error) => Gravity::Grave,
        _ if class == Class::Failure && is_unknown && severity < Some(Severity::Warning) && !states_level(entry) => {
            Gravity::Grave
        }
        _ => Gravity::Warning,
    }
}

fn add_names<'e>(observation: &mut Observation<'e>, entry: &'e Entry<'_>) {
    for named in entity::entities(&entry.message) {
        if !observation.blames.iter().any(|blamed| blamed.name == named.name) {
            observation.blames.to_mut().push(named);
        }
    }
    observation.mentions = entity::mentions(&entry.message).into_iter().map(Text::Borrowed).collect();
}

/// The layer a mined failure of `entry` most likely lies in: without a signature, that of who wrote it.
pub fn mined_layer(component: &Component) -> Layer {
    use crate::entry::ComponentKind as Kind;
    match component.kind {
        Kind::Database => Layer::Database,
        Kind::Cache | Kind::Queue | Kind::Api | Kind::Host => Layer::Dependency,
        Kind::Node | Kind::Cluster => Layer::Platform,
        Kind::LoadBalancer | Kind::Network | Kind::Firewall | Kind::Dns => Layer::Network,
        _ => Layer::Application,
    }
}
