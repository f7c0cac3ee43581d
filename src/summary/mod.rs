//! The mergeable account of everything that was observed.
//!
//! `summarize(xs ⊎ ys) = summarize(xs) ⊕ summarize(ys)`, exactly: integers, minima, maxima and bounded sorted maps.

pub mod activity;
pub mod archive;
mod bounded;
mod changes;
pub mod delays;
mod exemplars;
mod fragments;
mod frequent;
pub mod instances;
pub mod sample;
mod severities;
mod strays;
mod tally;
mod timeline;
pub mod traces;
mod uneventful;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::entry::{Component, ComponentKind, Entry, HttpRequest};
use crate::pattern::template::{self, Settled, Templates};
use crate::pattern::{Catalogue, Class, Gravity, Merge, Observation, Outcome, Role, Unit, mining_text, observe};

use crate::source::Origin;
use crate::time::{Span, Timestamp};

use activity::{Activity, RouteKind};
pub use bounded::{Bounded, stable_hash};
pub use changes::{Change, ChangeKey};
pub use exemplars::Exemplar;
use fragments::{Fragment, Fragments, Whole};
pub use frequent::Frequent;
use instances::{Event, EventKind, Instance};
use sample::Unsampled;
pub use severities::SeverityCounts;
pub use strays::{Stray, Strays, is_stray};
pub use tally::{Seen, Tally};
pub use timeline::Timeline;
use traces::Traces;
pub use uneventful::Places;

/// Log names told apart.
const LOGS: usize = 4096;

/// Projects and regions told apart.
const PLACES: usize = 4096;

/// Components told apart.
const COMPONENTS: usize = 8192;

/// Series of known signatures kept.
const KNOWN: usize = 8192;

/// Instances whose events are kept.
const INSTANCES: usize = 4096;

/// Changes kept.
const CHANGES: usize = 2048;

/// Pairs of a component and a thing it uses.
const USES: usize = 8192;

/// Streams and split entries whose parts are kept.
const WHOLES: usize = 1024;

/// One entry in so many is enough for strays to be no strays.
const MANY_STRAYS: u64 = 10;

/// A stray is at most one entry in this many.
const STRAY_SHARE: u64 = 500;

/// Entries from which one can be told to be a stray.
const STRAY_LEAST: u64 = 20;

/// A stray is farther from all others than this part of the whole span.
const STRAY_GAP: i64 = 4;

/// Segments of a path that tell routes apart.
const ROUTE_PARTS: usize = 12;

/// A mined pattern's scope: templates never merge across component or severity class.
pub type Scope = (Component, Gravity);

/// Mined failures with their final templates.
pub type Mined = Settled<Scope, Tally>;

/// The account of a set of entries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Entries by what became of them.
    pub ledger: Ledger,
    /// Entries over time, by timestamp: the span of the export. Effect times reach past it, up to the end of a socket.
    pub volume: Timeline,
    /// Their number, and the earliest and the latest timestamp, to the nanosecond.
    #[serde(default)]
    dated: Seen,
    /// Entries by recorded severity.
    pub severities: SeverityCounts,
    /// Entries whose severity was read from their text.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub inferred: u64,
    /// Entries by log id.
    pub logs: Bounded<String, Seen, LOGS>,
    /// Entries by project and region.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub places: Bounded<(String, String), u64, PLACES>,
    /// What each component does.
    pub components: Bounded<Component, Activity, COMPONENTS>,
    /// Series of known signatures: component, signature id.
    pub known: Bounded<(Component, String), Tally, KNOWN>,
    /// Failures no signature knows, by scope.
    pub mined: Templates<Scope, Tally>,
    /// What happened on each instance.
    pub instances: Bounded<String, Instance, INSTANCES>,
    /// Who altered what.
    pub changes: Bounded<ChangeKey, Change, CHANGES>,
    /// A sample of whole traces.
    pub traces: Traces,
    /// Parts that are joined at the end.
    fragments: Bounded<Whole, Fragments, WHOLES>,
    /// Entries whose times cannot be right, when they are kept apart in this account.
    #[serde(default)]
    pub strays: Strays,
    /// Bounds outside of the account that were reached.
    limits: BTreeSet<String>,
    /// Which component uses which thing, told by entries that do not fail: component, thing.
    pub uses: Bounded<(Component, Component), Seen, USES>,
}

/// Every entry in exactly one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ledger {
    /// Failing entries or changes that a signature knows.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub matched: u64,
    /// Failing entries that became a template.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub mined: u64,
    /// Entries that do not fail.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub benign: u64,
    /// Records that are JSON but no entry, or entries without a time.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub unreadable: u64,
    /// Second copies.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub duplicates: u64,
    /// Entries outside the window or filter that was asked for.
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub outside: u64,
    /// Entries with a time that cannot be right.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "crate::pattern::counted")]
    pub strays: u64,
    /// Parts that wait to be joined; none once that is done, which is before there is a report.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "crate::pattern::counted")]
    #[cfg_attr(test, schemars(skip))]
    pub parts: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Ledger {
    /// Entries of all classes together.
    pub fn entries(&self) -> u64 {
        let failing = self.matched + self.mined;
        failing + self.benign + self.unreadable + self.duplicates + self.outside + self.strays + self.parts
    }
}

impl Merge for Ledger {
    fn merge(&mut self, other: Ledger) {
        self.matched += other.matched;
        self.mined += other.mined;
        self.benign += other.benign;
        self.unreadable += other.unreadable;
        self.duplicates += other.duplicates;
        self.outside += other.outside;
        self.strays += other.strays;
        self.parts += other.parts;
    }
}

impl Summary {
    /// Joins what was split, then takes the mined failures out and finds their final templates; once, after all merging.
    pub fn settle(&mut self, catalogue: &Catalogue) -> Mined {
        self.join(catalogue);
        self.fit();
        if self.mined.is_capped() {
            self.note_limit("templates");
        }
        self.limits.extend(self.mined.values_mut().flat_map(|tally| tally.limits()).map(str::to_owned));
        std::mem::take(&mut self.mined).settle()
    }

    fn join(&mut self, catalogue: &Catalogue) {
        let fragments = std::mem::take(&mut self.fragments);
        each_whole(&fragments, catalogue, &mut |parts, entry, observation| {
            let n = parts.len() as u64;
            self.ledger.parts = self.ledger.parts.saturating_sub(n);
            self.classify(observation, n);
            self.tell(catalogue, entry, observation);
        });
        if self.ledger.parts > 0 {
            self.note_limit("parts of split entries");
            self.ledger.mined += std::mem::take(&mut self.ledger.parts);
        }
    }

    /// What the parts that wait to be joined will make; before [`Summary::settle`], which joins them.
    pub fn wholes(&self, catalogue: &Catalogue) -> Vec<Joined> {
        let mut wholes = Vec::new();
        each_whole(&self.fragments, catalogue, &mut |parts, entry, observation| {
            wholes.push(Joined {
                parts: parts.iter().map(|part| part.origin).collect(),
                class: observation.class,
                signature: observation.signature,
                scope: (observation.component.clone(), observation.gravity),
                text: mining_text(entry, observation).into_owned(),
                message: entry.message.to_string(),
            });
        });
        wholes
    }

    /// Gives every source another number, for accounts that meet under one list of sources. `number` must keep the order
    /// of the sources of this account.
    pub fn renumber_sources(&mut self, number: &dyn Fn(u32) -> u32) {
        let tallies = self.known.values_mut().chain(self.mined.values_mut());
        tallies.for_each(|tally| tally.exemplars.renumber(number));
        let changes = self.changes.values_mut().filter_map(|change| change.exemplar.as_mut());
        changes.for_each(|exemplar| exemplar.renumber(number));
        self.fragments.values_mut().for_each(|parts| parts.renumber(number));
        self.strays.renumber(number);
        self.traces.renumber(number);
    }

    /// The more keys there are, the less is kept of each, so that all of them stay within their bounds together. What is kept
    /// depends on the numbers of keys alone: done at any time and once more at last, no order and no split shows.
    pub fn fit(&mut self) {
        let n_components = self.components.len();
        self.components.values_mut().for_each(|activity| activity.fit(n_components));
        let n_series = self.known.len() + self.mined.crowd();
        self.known.values_mut().chain(self.mined.values_mut()).for_each(|tally| tally.fit(n_series));
        let n_wholes = self.fragments.len();
        self.fragments.values_mut().for_each(|parts| parts.fit(n_wholes));
        self.traces.shrink();
    }

    /// Leaves the account to `all`, and keeps nothing from here on that `all` would not keep.
    pub fn hand_over(&mut self, all: &mut Summary) {
        all.merge(std::mem::take(self));
        self.hand_over_samples(all);
        self.components.limit_by(&all.components);
        self.known.limit_by(&all.known);
        self.instances.limit_by(&all.instances);
        self.uses.limit_by(&all.uses);
    }

    /// The same for traces and changes alone, of which an account keeps a sample: the more that all know, the fewer are taken in.
    pub fn hand_over_samples(&mut self, all: &mut Summary) {
        self.traces.hand_over(&mut all.traces);
        all.changes.merge(std::mem::take(&mut self.changes));
        self.changes.limit_by(&all.changes);
    }

    /// What was added since it was empty, in bytes, by rule of thumb and rather too much: the keys that there are, and a slot
    /// in the timelines per entry.
    pub fn weight(&self) -> usize {
        let n_components = self.components.len();
        let n_series = self.known.len() + self.mined.crowd();
        let n_slots = (self.ledger.entries() as usize).min((n_components + n_series) * timeline::MAX_SLOTS);
        // A series has four quotes of a kilobyte, an example of two, and columns.
        12_288 * n_series
            + 4096 * (n_components + self.changes.len())
            + 2048 * (self.instances.len() + self.uses.len() + self.ledger.parts as usize)
            + 64 * n_slots
    }

    /// Notes a bound that was reached outside of the account.
    pub fn note_limit(&mut self, name: &str) {
        self.limits.insert(name.to_owned());
    }

    /// First to last timestamp to the nanosecond; where strays are left out, to the slot.
    pub fn extent(&self) -> Span {
        let span = self.span();
        let mut slots = self.volume.slots().map(|(start, width, _)| (start, start.plus(width)));
        let first = slots.next();
        let last = slots.last().or(first);
        Span {
            start: if first.is_some_and(|slot| slot.0 == span.start) { self.dated.first } else { span.start },
            end: if last.is_some_and(|slot| slot.1 == span.end) { self.dated.last } else { span.end },
        }
    }

    /// First to last timestamp in whole slots of the account, without a handful of strays far from all others.
    pub fn span(&self) -> Span {
        let slots: Vec<(Timestamp, i64, u64)> = self.volume.slots().collect();
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
            return Span { start: Timestamp(0), end: Timestamp(0) };
        };
        let total: u64 = slots.iter().map(|(_, _, n)| n).sum();
        let length = last.0.since(first.0);
        let (mut from, mut to) = (0, slots.len() - 1);
        // Of a few entries none is a stray: each may be all that is known of its time.
        let most = if total >= STRAY_LEAST { (total / STRAY_SHARE).max(1) } else { 0 };
        let stray = |n: u64, gap: i64| n <= most && gap > length / STRAY_GAP;
        let mut n = 0;
        for i in 0..slots.len() - 1 {
            n += slots[i].2;
            if stray(n, slots[i + 1].0.since(slots[i].0)) {
                from = i + 1;
            }
        }
        n = 0;
        for i in (from + 1..slots.len()).rev() {
            n += slots[i].2;
            if stray(n, slots[i].0.since(slots[i - 1].0)) {
                to = i - 1;
            }
        }
        Span { start: slots[from].0, end: slots[to].0.plus(slots[to].1) }
    }

    /// What there was more of than is kept.
    pub fn limits_reached(&self) -> Vec<String> {
        let activity = |reached: fn(&Activity) -> bool| self.components.values().any(reached);
        let bounds = [
            ("logs", self.logs.overflow()),
            ("places", self.places.overflow()),
            ("components", self.components.overflow()),
            ("series", self.known.overflow()),
            ("instances", self.instances.overflow()),
            ("changes", self.changes.overflow()),
            ("things used", self.uses.overflow()),
            ("revisions of a component", activity(|a| a.revisions.overflow())),
            ("hosts of a component", activity(|a| a.hosts.overflow())),
            ("statuses of a component", activity(|a| a.requests.statuses.overflow())),
            ("routes of a component", activity(|a| a.requests.routes.overflow())),
        ];
        let reached = bounds.iter().filter(|(_, reached)| *reached).map(|(name, _)| *name);
        let of_series = self.known.values().flat_map(Tally::limits);
        let all: BTreeSet<&'static str> = reached.chain(of_series).collect();
        all.into_iter().map(str::to_owned).chain(self.limits.iter().cloned()).collect()
    }

    /// True when [`Summary::follow`] would look at the labels of an entry.
    pub fn follows_labels_of(&self, entry: &Entry<'_>) -> bool {
        self.traces.keeps_span_of(entry)
    }

    /// Keeps what an entry, which [`Places`] counts, adds to the trace it belongs to.
    pub fn follow(&mut self, entry: &Entry<'_>, component: &Component) {
        self.traces.observe(entry, &component.name);
    }

    /// Adds what an entry says.
    pub fn observe(&mut self, catalogue: &Catalogue, entry: &Entry<'_>, observation: &Observation<'_>) {
        self.count(entry, observation);
        self.act(catalogue, entry, observation);
        self.note_labels(entry, observation);
        self.traces.observe(entry, &observation.component.name);
        if let Some(whole) = fragments::whole(entry, observation) {
            self.ledger.parts += 1;
            if let Some(parts) = self.fragments.entry(whole) {
                parts.add(Fragment::new(entry, observation));
            }
            return;
        }
        self.classify(observation, 1);
        self.tell(catalogue, entry, observation);
    }

    /// Notes an entry of this account as one whose time cannot be right.
    pub fn note_stray(&mut self, entry: &Entry<'_>, at: Timestamp) {
        self.strays.add(entry, at);
    }

    /// Takes in the account of strays: as entries like others where they are many, since then it is the receipt that is odd (logs
    /// that were imported), else as a number and a few examples.
    pub fn take_strays(&mut self, mut apart: Summary) {
        let n_strays = apart.ledger.entries();
        if n_strays * MANY_STRAYS >= self.ledger.entries() + n_strays {
            apart.strays = Strays::default();
            self.merge(apart);
        } else {
            self.ledger.strays += n_strays;
            self.strays.merge(apart.strays);
        }
    }

    /// Counts `n` entries in the class of an observation.
    fn classify(&mut self, observation: &Observation<'_>, n: u64) {
        match (observation.class, observation.signature) {
            (Class::Benign, _) => self.ledger.benign += n,
            (_, Some(_)) => self.ledger.matched += n,
            (_, None) => self.ledger.mined += n,
        }
    }

    fn tell(&mut self, catalogue: &Catalogue, entry: &Entry<'_>, observation: &Observation<'_>) {
        match observation.class {
            Class::Failure => self.fail(catalogue, entry, observation),
            Class::Change => self.change(catalogue, entry, observation),
            Class::Benign => self.pass(catalogue, observation),
        }
    }

    fn count(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        self.volume.add(entry.timestamp.unwrap_or(observation.at), 1);
        self.dated.add(entry.timestamp.unwrap_or(observation.at), 1);
        self.severities.add(entry.severity);
        self.inferred += u64::from(observation.inferred);
        if let (Some(project), Some(region)) = (entry.project(), entry.region())
            && let Some(n) = self.places.at((project, region))
        {
            *n += 1;
        }
        if let Some(seen) = self.logs.at(&*entry.log_id()) {
            seen.add(observation.at, 1);
        }
    }

    fn act(&mut self, catalogue: &Catalogue, entry: &Entry<'_>, observation: &Observation<'_>) {
        let at = observation.at;
        let Some(activity) = self.components.at(&observation.component) else { return };
        activity.seen.add(at, 1);
        if let Some(received) = entry.receive_timestamp {
            activity.delays.add(received.since(at));
        }
        if observation.class == Class::Benign {
            activity.benign.add(at, 1);
            let meaning = observation.signature.map(|index| catalogue.signatures[index].meaning);
            if let Some(meaning) = meaning.filter(|m| m.outcome == Outcome::Ok && m.shows != Unit::None) {
                activity.fine.entry(meaning.shows).or_default().add(at, 1);
            }
        }
        if let Some(seen) = observation.revision.and_then(|revision| activity.revisions.at(revision)) {
            seen.add(at, 1);
        }
        if let Some(http) = entry.http.as_ref().filter(|http| http.status > 0) {
            let mut route = String::with_capacity(64);
            let kind = write_route(&mut route, http);
            activity.requests.add(at, http.status, kind, &route);
            let outcome = activity::outcome(http.status, kind);
            activity.samples.add(outcome, Unsampled::new(at, http, observation.revision, &route));
            if let Some(seen) = host(&http.url).and_then(|host| activity.hosts.at(host)) {
                seen.add(at, 1);
            }
        }
    }

    fn fail(&mut self, catalogue: &Catalogue, entry: &Entry<'_>, observation: &Observation<'_>) {
        let (series, tally) = match observation.signature {
            Some(index) => {
                let key = (&observation.component, catalogue.signatures[index].id.as_str());
                (stable_hash(&key), self.known.at(key))
            }
            None => {
                let scope = (observation.component.clone(), observation.gravity);
                let text = mining_text(entry, observation);
                let id = stable_hash(&(&scope, template::key(&text)));
                let tally = self.mined.observe(&scope, &text);
                if let Some(n) = tally.keys.entry(id) {
                    *n += 1;
                }
                (id, Some(tally))
            }
        };
        if let Some(tally) = tally {
            tally.observe(entry, observation);
        }
        let kind = match observation.signature {
            Some(index) if catalogue.signatures[index].meaning.shows == Unit::Exit => EventKind::Exit,
            _ => EventKind::Failure,
        };
        self.happen(observation, Event { at: observation.at, kind, series });
    }

    fn happen(&mut self, observation: &Observation<'_>, event: Event) {
        let Some(instance) = observation.instance else { return };
        if let Some(kept) = self.instances.at(instance) {
            kept.add(&observation.component.name, event);
        }
    }

    fn change(&mut self, catalogue: &Catalogue, entry: &Entry<'_>, observation: &Observation<'_>) {
        let Some(audit) = &entry.audit else { return self.told_change(catalogue, entry, observation) };
        for (path, value) in &audit.details.0 {
            if path.ends_with("vpc-access-connector") || path.ends_with("vpcAccess.connector") {
                self.use_of(
                    observation,
                    &Component::new(ComponentKind::Network, value.rsplit('/').next().unwrap_or(value)),
                );
            } else if path.ends_with("cloudsql-instances") {
                value
                    .split(',')
                    .for_each(|name| self.use_of(observation, &Component::new(ComponentKind::Database, name)));
            }
        }
        let key = (observation.at, audit.method.to_string(), audit.resource_name.to_string());
        let Some(change) = self.changes.entry(key) else { return };
        change.merge(Change {
            exemplar: Some(Exemplar::new(entry, observation)),
            signature: observation.signature.map(|i| catalogue.signatures[i].id.clone()).unwrap_or_default(),
            method: audit.method.to_string(),
            resource: audit.resource_name.to_string(),
            actor: audit.principal.to_string(),
            target: observation.component.clone(),
            status_code: audit.status_code,
            details: changes::details(&audit.details, observation),
        });
    }

    /// A change that a program tells of in its own log: of itself, and by nobody that is known.
    fn told_change(&mut self, catalogue: &Catalogue, entry: &Entry<'_>, observation: &Observation<'_>) {
        let Some(signature) = observation.signature.map(|index| catalogue.signatures[index].id.clone()) else { return };
        let name = &observation.component.name;
        let key = (observation.at, signature.clone(), name.clone());
        let Some(change) = self.changes.entry(key) else { return };
        change.merge(Change {
            exemplar: Some(Exemplar::new(entry, observation)),
            method: signature.clone(),
            signature,
            resource: name.clone(),
            target: observation.component.clone(),
            ..Change::default()
        });
    }

    /// An entry that does not fail can still tell what its component uses.
    fn pass(&mut self, catalogue: &Catalogue, observation: &Observation<'_>) {
        if observation.signature.is_some_and(|i| catalogue.signatures[i].role != Role::Marker) {
            return;
        }
        for thing in observation.blames.iter() {
            self.use_of(observation, thing);
        }
    }

    fn use_of(&mut self, observation: &Observation<'_>, thing: &Component) {
        if let Some(seen) = self.uses.at((&observation.component, thing)) {
            seen.add(observation.at, 1);
        }
    }

    /// Notes what an entry's labels say its component goes through or runs on.
    fn note_labels(&mut self, entry: &Entry<'_>, observation: &Observation<'_>) {
        for thing in used(entry) {
            self.use_of(observation, &thing);
        }
    }
}

/// What the labels of an entry say its component runs on or goes through.
fn used(entry: &Entry<'_>) -> impl Iterator<Item = Component> {
    let node = entry.labels.get("compute.googleapis.com/resource_name");
    let connector = entry.labels.get("vpc-connector").map(|name| name.rsplit('/').next().unwrap_or(name));
    let node = node.map(|name| Component::new(ComponentKind::Node, name));
    node.into_iter().chain(connector.map(|name| Component::new(ComponentKind::Network, name)))
}

/// Parts that make one entry, and what it is.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Where the parts stand.
    pub parts: Vec<Origin>,
    /// What the whole is for the account.
    pub class: Class,
    /// The signature that knows it.
    pub signature: Option<usize>,
    /// Where its template lives.
    pub scope: Scope,
    /// The text its template is mined from.
    pub text: String,
    /// What it says, its parts joined.
    pub message: String,
}

/// Joins what was split and observes every whole.
fn each_whole(
    fragments: &Bounded<Whole, Fragments, WHOLES>,
    catalogue: &Catalogue,
    take: &mut dyn FnMut(&[&Fragment], &Entry<'_>, &Observation<'_>),
) {
    for (whole, parts) in fragments.iter() {
        for (parts, text) in parts.joined(whole) {
            let first = parts[0];
            let entry = first.entry(whole, &text);
            let Some(mut observation) = observe(catalogue, &entry) else { continue };
            observation.component = first.component.clone();
            observation.revision = first.revision.as_deref();
            if let Whole::Stream { instance, .. } = whole {
                observation.instance = Some(instance);
            }
            take(&parts, &entry, &observation);
        }
    }
}

impl Merge for Summary {
    fn merge(&mut self, other: Summary) {
        self.ledger.merge(other.ledger);
        self.volume.merge(other.volume);
        self.dated.merge(other.dated);
        self.severities.merge(other.severities);
        self.inferred += other.inferred;
        self.logs.merge(other.logs);
        self.places.merge(other.places);
        self.components.merge(other.components);
        self.known.merge(other.known);
        self.mined.merge(other.mined);
        self.instances.merge(other.instances);
        self.changes.merge(other.changes);
        self.uses.merge(other.uses);
        self.traces.merge(other.traces);
        self.fragments.merge(other.fragments);
        self.strays.merge(other.strays);
        self.limits.extend(other.limits);
        self.fit();
    }
}

/// What follows the scheme of a URL, if it has one.
fn after_scheme(url: &str) -> Option<&str> {
    let bytes = url.as_bytes();
    let at = memchr::memchr_iter(b':', bytes).find(|at| bytes[at + 1..].starts_with(b"//"))?;
    Some(&url[at + 3..])
}

fn path(url: &str) -> &str {
    let rest =
        after_scheme(url).map_or(url, |rest| memchr::memchr(b'/', rest.as_bytes()).map_or("/", |at| &rest[at..]));
    memchr::memchr2(b'?', b'#', rest.as_bytes()).map_or(rest, |at| &rest[..at])
}

fn host(url: &str) -> Option<&str> {
    let rest = after_scheme(url)?;
    let end = memchr::memchr3(b'/', b'?', b':', rest.as_bytes()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|host| !host.is_empty())
}

/// What stands between the slashes of a path; there is always one.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.bytes().position(|b| b == b'/');
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// Writes the name of a request's route, `GET /orders/<*>`, and tells what it is for.
fn write_route(name: &mut String, http: &HttpRequest<'_>) -> RouteKind {
    name.clear();
    name.push_str(&http.method);
    let mut is_socket = http.status == 101 || http.protocol == "websocket";
    let mut last = "";
    for (n, part) in segments(path(&http.url)).enumerate() {
        if n < ROUTE_PARTS {
            name.push(if n == 0 { ' ' } else { '/' });
            name.push_str(if part.bytes().any(|b| b.is_ascii_digit()) { "<*>" } else { part });
        }
        is_socket = is_socket || is_one_of(part, &["ws", "websocket", "socket.io"]);
        last = part;
    }
    let is_probe = || {
        ["GoogleHC", "kube-probe", "GoogleStackdriverMonitoring"].iter().any(|name| http.user_agent.starts_with(name))
    };
    if is_socket {
        RouteKind::WebSocket
    } else if is_one_of(last, &["health", "healthz", "livez", "readyz", "ready", "live", "ping", "_ah"]) || is_probe() {
        RouteKind::Health
    } else {
        RouteKind::Http
    }
}

/// True for one of the words in any case. All words that are asked for have at most nine letters.
fn is_one_of(part: &str, words: &[&str]) -> bool {
    part.len() <= 9 && words.iter().any(|word| word.eq_ignore_ascii_case(part))
}
