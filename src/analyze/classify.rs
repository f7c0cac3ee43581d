//! Every entry with its pattern: learnt from the whole input first, then told in the order of the input.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;

use super::claims::Claims;
use super::options::Options;
use super::read::{Reading, on_every_core};
use super::window::{Window, newest};
use super::worker::{Heavy, Part, Shared, entries};
use crate::entry::{Component, Entry, Severity, Text};
use crate::framing::{Batch, Cutter, Piece};
use crate::pattern::template::{Finder, Settled, Templates};
use crate::pattern::{Catalogue, Class, Gravity, Merge, Observation, mining_text, observe};
use crate::source::{self, Origin, Source};
use crate::summary::{Joined, Mined, Summary};
use crate::time::Timestamp;

/// Batches that are worked on at once, per thread: enough that no core waits, few enough to stay in memory.
const BATCHES_PER_THREAD: usize = 4;

/// What an entry's pattern is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signature of the catalogue.
    Signature,
    /// The template of a failure that no signature knows.
    Template,
    /// A request that failed, by its route.
    Request,
    /// A change that no signature knows.
    Change,
    /// Nothing failed.
    Benign,
    /// An entry without a time, which no report counts.
    Undated,
}

impl Kind {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Signature => "signature",
            Kind::Template => "template",
            Kind::Request => "request",
            Kind::Change => "change",
            Kind::Benign => "benign",
            Kind::Undated => "undated",
        }
    }
}

/// One entry and its pattern.
#[derive(Clone, Debug)]
pub struct Classified<'e> {
    /// `insertId`.
    pub insert_id: &'e str,
    /// `timestamp` as recorded.
    pub timestamp: Option<Timestamp>,
    /// Where its record starts.
    pub origin: Origin,
    /// What wrote it.
    pub component: Component,
    /// The signature, when one knows it.
    pub signature: Option<&'e str>,
    /// Id of its template.
    pub template_id: String,
    /// What its pattern is.
    pub kind: Kind,
    /// Its template, values as `<*>`.
    pub template: &'e str,
    /// Severity as recorded.
    pub severity: Option<Severity>,
    /// Severity read from the text, where the recorded one says nothing.
    pub severity_inferred: Option<Severity>,
    /// Values its signature extracted.
    pub values: Cow<'e, [(Text<'e>, Text<'e>)]>,
}

/// Entries that are in no report's templates: what does not fail and what a signature knows. Apart from failures, so that the ids of
/// those are the ids of reports.
type Others = Templates<OtherScope, u64>;

/// Component, how grave, and whether a signature knows it.
type OtherScope = (Component, Gravity, Side);

/// Which part of the others: templates of what fails are not mixed with templates of what does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Side {
    Known,
    Change,
    Benign,
}

/// Patterns of an input.
#[derive(Debug)]
pub struct Learnt {
    failures: Mined,
    others: Settled<OtherScope, u64>,
    /// Whole entries by where their parts stand.
    wholes: Vec<Joined>,
    parts: BTreeMap<Origin, usize>,
}

impl Learnt {
    /// Learns the patterns of all entries that are selected.
    pub fn read(sources: &[Source], catalogue: &Catalogue, options: &Options<'_>) -> (Learnt, Reading) {
        let window = Window::resolve(options.selection, || newest(sources, options));
        let claims = Claims::new(options.max_memory);
        let heavy = Heavy::new(options.threads());
        let parts = on_every_core(sources, options, |(part, others): &mut (Part, Others), batch| {
            part.take(batch, Shared { catalogue, window: &window, claims: &claims });
            heavy.relieve(part);
            mine_others(batch, catalogue, &window, others);
        });
        let mut others = Others::default();
        let mut reading = Reading { interrupted: options.is_stopped(), ..Reading::default() };
        reading.sources = parts.reads;
        (reading.summary, reading.apart) = heavy.into_inner();
        for (part, mined) in parts.parts {
            others.merge(mined);
            part.add_to(&mut reading);
        }
        // Every entry has a pattern, whenever it happened.
        reading.summary.merge(std::mem::take(&mut reading.apart));
        let learnt = Learnt::new(std::mem::take(&mut reading.summary), others, catalogue);
        (learnt, reading)
    }

    /// The patterns of failures that an earlier run kept. What does not fail gets a template of its own words.
    pub fn kept(mut reading: Reading, catalogue: &Catalogue) -> Learnt {
        reading.summary.merge(reading.apart);
        let mut learnt = Learnt::new(reading.summary, Others::default(), catalogue);
        // The places of its parts are places in other sources.
        learnt.parts.clear();
        learnt
    }

    fn new(mut summary: Summary, others: Others, catalogue: &Catalogue) -> Learnt {
        let wholes = summary.wholes(catalogue);
        let places = wholes.iter().enumerate().flat_map(|(i, whole)| whole.parts.iter().map(move |part| (*part, i)));
        let parts = places.collect();
        Learnt { failures: summary.settle(catalogue), others: others.settle(), wholes, parts }
    }
}

fn mine_others(batch: &Batch, catalogue: &Catalogue, window: &Window<'_>, others: &mut Others) {
    for piece in batch.pieces() {
        let Piece::Record(record) = piece else { continue };
        entries(record, &mut |entry| {
            let Some(observation) = observe(catalogue, &entry) else { return };
            if let Some(scope) = other_scope(&observation).filter(|_| window.holds(&observation)) {
                *others.observe(&scope, &mining_text(&entry, &observation)) += 1;
            }
        });
    }
}

fn other_scope(observation: &Observation<'_>) -> Option<OtherScope> {
    let class = match (observation.signature, observation.class) {
        (Some(_), _) => Side::Known,
        (None, Class::Failure) => return None,
        (None, Class::Change) => Side::Change,
        (None, Class::Benign) => Side::Benign,
    };
    Some((observation.component.clone(), observation.gravity, class))
}

/// Tells every selected entry, in the order of sources and entries. `write` turns an entry into bytes, on any core; `out` gets the
/// bytes in order.
///
/// # Errors
/// When `out` fails. Sources that cannot be read are told by name at the end of the list that comes back.
pub fn classify(
    sources: &[Source],
    catalogue: &Catalogue,
    learnt: &Learnt,
    options: &Options<'_>,
    write: &(dyn Fn(&Classified<'_>, &mut Vec<u8>) + Sync),
    out: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Vec<String>> {
    let window = Window::resolve(options.selection, || newest(sources, options));
    let teller = Teller { catalogue, learnt, window, write };
    let threads = options.threads();
    let mut errors = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let opened = source::open(source, &options.source).map_err(|error| error.to_string());
        let told = opened.map(|opened| tell_source(Cutter::new(index as u32, opened), &teller, threads, options, out));
        match told {
            Ok(told) => errors.extend(told?.map(|error| format!("{}: {error}", source.name()))),
            Err(error) => errors.push(error),
        }
    }
    Ok(errors)
}

/// Tells one source; gives the error that ended it early.
fn tell_source<R: io::Read>(
    mut cutter: Cutter<R>,
    teller: &Teller<'_>,
    threads: usize,
    options: &Options<'_>,
    out: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Option<io::Error>> {
    let mut batches: Vec<(Batch, Vec<u8>)> =
        (0..threads * BATCHES_PER_THREAD).map(|_| (Batch::new(), Vec::new())).collect();
    let mut error = None;
    loop {
        let mut n = 0;
        while n < batches.len() && !options.is_stopped() {
            match cutter.next(&mut batches[n].0) {
                Ok(true) => n += 1,
                Ok(false) => break,
                Err(failure) => {
                    error = Some(failure);
                    break;
                }
            }
        }
        if n == 0 {
            return Ok(error);
        }
        batches[..n].par_chunks_mut(n.div_ceil(threads)).for_each(|share| teller.tell_all(share));
        for (batch, lines) in &mut batches[..n] {
            out(lines)?;
            lines.clear();
            (options.progress)(batch.ledger().bytes());
        }
    }
}

/// What it takes to tell an entry.
struct Teller<'t> {
    catalogue: &'t Catalogue,
    learnt: &'t Learnt,
    window: Window<'t>,
    write: &'t (dyn Fn(&Classified<'_>, &mut Vec<u8>) + Sync),
}

/// The finders of one thread.
struct Finders<'t> {
    failures: Finder<'t, crate::summary::Scope, crate::summary::Tally>,
    others: Finder<'t, OtherScope, u64>,
}

impl Teller<'_> {
    fn tell_all(&self, batches: &mut [(Batch, Vec<u8>)]) {
        let mut finders = Finders { failures: self.learnt.failures.finder(), others: self.learnt.others.finder() };
        for (batch, lines) in batches {
            for piece in batch.pieces() {
                let Piece::Record(record) = piece else { continue };
                entries(record, &mut |entry| self.tell(&entry, &mut finders, lines));
            }
        }
    }

    fn tell(&self, entry: &Entry<'_>, finders: &mut Finders<'_>, lines: &mut Vec<u8>) {
        let Some(observation) = observe(self.catalogue, entry) else {
            if self.window.selection.is_empty() {
                (self.write)(&undated(entry), lines);
            }
            return;
        };
        if !self.window.holds(&observation) {
            return;
        }
        let whole = self.learnt.parts.get(&entry.origin).map(|place| &self.learnt.wholes[*place]);
        let signature = whole.map_or(observation.signature, |whole| whole.signature);
        let class = whole.map_or(observation.class, |whole| whole.class);
        let found = match whole {
            Some(whole) if class == Class::Failure && signature.is_none() => finders
                .failures
                .find(&whole.scope, &whole.text)
                .map(|mined| (mined.id.as_str(), mined.template.as_str())),
            _ => finders.template(entry, &observation),
        };
        let alone;
        let (template_id, template) = match found {
            Some((id, template)) => (id.to_owned(), template),
            None => {
                alone = template_alone(&mining_text(entry, &observation));
                (alone.0.clone(), alone.1.as_str())
            }
        };
        let classified = Classified {
            insert_id: &entry.insert_id,
            timestamp: entry.timestamp,
            origin: entry.origin,
            component: observation.component.clone(),
            signature: signature.map(|index| self.catalogue.signatures[index].id.as_str()),
            template_id,
            kind: kind(entry, signature, class),
            template,
            severity: entry.severity,
            severity_inferred: observation.severity.filter(|_| observation.inferred),
            values: observation.values,
        };
        (self.write)(&classified, lines);
    }
}

impl<'t> Finders<'t> {
    fn template(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) -> Option<(&'t str, &'t str)> {
        let text = mining_text(entry, observation);
        match other_scope(observation) {
            Some(scope) => self.others.find(&scope, &text).map(|mined| (mined.id.as_str(), mined.template.as_str())),
            None => {
                let scope = (observation.component.clone(), observation.gravity);
                self.failures.find(&scope, &text).map(|mined| (mined.id.as_str(), mined.template.as_str()))
            }
        }
    }
}

/// The template of a message that was not learnt: its own words.
fn template_alone(text: &str) -> (String, String) {
    let mut templates: Templates<(), u64> = Templates::with_cap(1);
    *templates.observe(&(), text) += 1;
    let settled = templates.settle().templates.into_iter().next();
    settled.map(|mined| (mined.id, mined.template)).unwrap_or_default()
}

fn kind(entry: &Entry<'_>, signature: Option<usize>, class: Class) -> Kind {
    match (signature, class) {
        (Some(_), _) => Kind::Signature,
        (None, Class::Benign) => Kind::Benign,
        (None, Class::Change) => Kind::Change,
        (None, Class::Failure) if entry.message.is_empty() && entry.http.is_some() => Kind::Request,
        (None, Class::Failure) => Kind::Template,
    }
}

fn undated<'e>(entry: &'e Entry<'_>) -> Classified<'e> {
    Classified {
        insert_id: &entry.insert_id,
        timestamp: None,
        origin: entry.origin,
        component: entry.component(),
        signature: None,
        template_id: String::new(),
        kind: Kind::Undated,
        template: "",
        severity: entry.severity,
        severity_inferred: None,
        values: Cow::default(),
    }
}
