//! Entries that say nothing but that they happened: counted by the place they come from, in front of the summary.
//!
//! Most entries of an export are such entries, from few places. A place is found by the bytes of its resource, so an entry
//! costs no label, no name and no allocation; the summary is told once for each place. That is exact because the
//! summary is a monoid: what is folded into it later is what would have been added before.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHasher};

use super::activity::{RouteKind, RouteTally};
use super::delays::{self, Delays};
use super::sample::{Kept, Unsampled};
use super::{Seen, SeverityCounts, Summary, Timeline, host, used, write_route};
use crate::entry::{Component, Entry, Glance, HttpRequest, Resources, Text};
use crate::pattern::{Merge, Uneventful};

/// Places and routes that are held before the summary is told: enough for nearly every export, and with times as scattered as
/// can be some 16 MiB.
const MAX_PLACES: usize = 512;
const MAX_ROUTES: usize = 1024;

/// Places of which the hash is remembered once an entry came from there, so that a place that never comes again, one of a hundred
/// thousand services, is not set up for one entry.
const MET_ONCE: usize = 4096;

/// Hosts of one place, likewise.
const MAX_HOSTS: usize = 32;

/// Places and what happened there since the summary was told.
#[derive(Debug, Default)]
pub struct Places {
    places: Vec<Place>,
    by_hash: FxHashMap<u64, u32>,
    resources: Resources,
    counts: Totals,
    n_routes: usize,
    has_many_hosts: bool,
    /// The name of a route while it is looked up.
    route: String,
    /// Hashes of places and resources by which one entry came.
    met: Vec<u64>,
}

/// What is counted without regard to the place.
#[derive(Debug, Default)]
struct Totals {
    volume: Timeline,
    dated: Seen,
    severities: SeverityCounts,
    inferred: u64,
    entries: u64,
}

/// Where entries come from, and how many.
#[derive(Debug)]
struct Place {
    /// Number of its resource.
    resource: u32,
    log_name: String,
    /// Its telling labels and their values.
    telling: Vec<String>,
    /// Where in its resource the type stands.
    kind: Range<usize>,
    component: Component,
    revision: Option<String>,
    project_and_region: Option<(String, String)>,
    log_id: String,
    uses: Vec<Component>,
    /// Entries since the summary was told.
    seen: Seen,
    over_time: Timeline,
    delays: Delays,
    /// Step of the last delay and how many came one after another: nearly all delays of a place are alike.
    last_delays: (i8, u64),
    requests: PlaceRequests,
}

#[derive(Debug, Default)]
struct PlaceRequests {
    all: Timeline,
    statuses: Vec<(u16, u64)>,
    hosts: Vec<(String, Seen)>,
    routes: Vec<Route>,
    by_hash: FxHashMap<u64, u32>,
    sample: Kept,
}

#[derive(Debug)]
struct Route {
    kind: RouteKind,
    name: String,
    over_time: Timeline,
}

impl Places {
    /// Resources met, for [`crate::entry::glance`].
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The place of an entry; `None` when it cannot be told at a glance, or nothing came from there before. The entry gets the type
    /// of its resource.
    pub fn find(&mut self, glance: &mut Glance<'_>) -> Option<usize> {
        let resource = match glance.unread.number {
            Some(resource) => resource,
            None => self.resource(glance)?,
        };
        let mut hasher = FxHasher::default();
        hasher.write_u32(resource);
        hasher.write(glance.entry.log_name.as_bytes());
        glance.unread.telling().for_each(|part| hasher.write(part.as_bytes()));
        let hash = hasher.finish();
        let place = match self.by_hash.get(&hash).map(|place| *place as usize) {
            // Another place of the same hash: rare beyond measure, and then read as any other entry.
            Some(place) if !self.places[place].is_that_of(glance, resource) => return None,
            Some(place) => place,
            None if self.is_new(hash) => return None,
            None => self.add(glance, resource, hash)?,
        };
        glance.entry.resource.kind = Text::Borrowed(glance.unread.resource.get(self.places[place].kind.clone())?);
        Some(place)
    }

    /// What the entries of a place are about.
    pub fn component(&self, place: usize) -> &Component {
        &self.places[place].component
    }

    /// True when it is time to tell the summary.
    pub fn is_full(&self) -> bool {
        self.places.len() > MAX_PLACES
            || self.resources.len() > MAX_PLACES
            || self.n_routes > MAX_ROUTES
            || self.has_many_hosts
    }

    /// Counts an uneventful entry of a place.
    #[inline]
    pub fn count(&mut self, place: usize, entry: &Entry<'_>, said: &Uneventful) {
        self.counts.entries += 1;
        self.counts.volume.add(entry.timestamp.unwrap_or(said.at), 1);
        self.counts.dated.add(entry.timestamp.unwrap_or(said.at), 1);
        self.counts.severities.add(entry.severity);
        self.counts.inferred += u64::from(said.inferred);
        let place = &mut self.places[place];
        place.seen.add(said.at, 1);
        place.over_time.add(said.at, 1);
        if let Some(received) = entry.receive_timestamp {
            place.delay(delays::step(received.since(said.at)));
        }
        if let Some(http) = entry.http.as_ref().filter(|http| http.status > 0) {
            self.n_routes += usize::from(place.requests.add(http, said, &mut self.route));
            let request = Unsampled::new(said.at, http, place.revision.as_deref(), &self.route);
            if let Some(n) = place.requests.sample.at(request) {
                *n += 1;
            }
            self.has_many_hosts |= place.requests.hosts.len() > MAX_HOSTS;
        }
    }

    /// Tells the summary everything that was counted, and starts anew.
    pub fn fold_into(&mut self, summary: &mut Summary) {
        let counts = std::mem::take(&mut self.counts);
        summary.ledger.benign += counts.entries;
        summary.volume.merge(counts.volume);
        summary.dated.merge(counts.dated);
        summary.severities.merge(counts.severities);
        summary.inferred += counts.inferred;
        for place in self.places.drain(..).filter(|place| place.seen.count > 0) {
            place.fold_into(summary);
        }
        self.by_hash.clear();
        self.resources.clear();
        (self.n_routes, self.has_many_hosts) = (0, false);
    }

    /// The number of a resource that was passed over, once it is known to be whole.
    fn resource(&mut self, glance: &Glance<'_>) -> Option<u32> {
        let text = glance.unread.resource;
        if let Some(known) = self.resources.number(text) {
            return Some(known);
        }
        if self.is_new(FxBuildHasher.hash_one(text)) {
            return None;
        }
        glance.place()?;
        self.resources.add(text);
        self.resources.number(text)
    }

    /// True the first time, as far as is remembered.
    fn is_new(&mut self, hash: u64) -> bool {
        self.met.resize(MET_ONCE, 0);
        // Hashes of this kind vary in their high bits.
        let met = &mut self.met[(hash >> 52) as usize % MET_ONCE];
        std::mem::replace(met, hash) != hash
    }

    fn add(&mut self, glance: &Glance<'_>, resource: u32, hash: u64) -> Option<usize> {
        let place = Place::new(glance, resource)?;
        self.by_hash.insert(hash, self.places.len() as u32);
        self.places.push(place);
        Some(self.places.len() - 1)
    }
}

impl Place {
    fn is_that_of(&self, glance: &Glance<'_>, resource: u32) -> bool {
        self.resource == resource
            && self.log_name == glance.entry.log_name
            && glance.unread.telling().eq(self.telling.iter().map(String::as_str))
    }

    fn new(glance: &Glance<'_>, resource: u32) -> Option<Place> {
        let entry = glance.place()?;
        let project_and_region = entry.project().zip(entry.region());
        // Absent when it is escaped. Wherever else these bytes stand, they are the same.
        let kind = glance.unread.resource.find(&*entry.resource.kind)?;
        let kind = kind..kind + entry.resource.kind.len();
        Some(Place {
            resource,
            log_name: glance.entry.log_name.to_string(),
            telling: glance.unread.telling().map(str::to_owned).collect(),
            kind,
            component: entry.component(),
            revision: entry.revision().map(str::to_owned),
            project_and_region: project_and_region.map(|(project, region)| (project.to_owned(), region.to_owned())),
            log_id: entry.log_id().into_owned(),
            uses: used(&entry).collect(),
            seen: Seen::default(),
            over_time: Timeline::default(),
            delays: Delays::default(),
            last_delays: (0, 0),
            requests: PlaceRequests::default(),
        })
    }

    fn delay(&mut self, step: i8) {
        if self.last_delays.0 != step {
            self.end_delays();
            self.last_delays.0 = step;
        }
        self.last_delays.1 += 1;
    }

    fn end_delays(&mut self) {
        let (step, n) = std::mem::take(&mut self.last_delays);
        if n > 0 {
            self.delays.add_step(step, n);
        }
    }

    fn fold_into(mut self, summary: &mut Summary) {
        self.end_delays();
        let seen = self.seen;
        if let Some(n) = self.project_and_region.and_then(|place| summary.places.entry(place)) {
            *n += seen.count;
        }
        if let Some(log) = summary.logs.entry(self.log_id) {
            log.merge(seen);
        }
        for thing in self.uses {
            if let Some(used) = summary.uses.entry((self.component.clone(), thing)) {
                used.merge(seen);
            }
        }
        let Some(activity) = summary.components.entry(self.component) else { return };
        activity.seen.merge(seen);
        activity.benign.merge(self.over_time);
        activity.delays.merge(self.delays);
        if let Some(revision) = self.revision.and_then(|revision| activity.revisions.entry(revision)) {
            revision.merge(seen);
        }
        for (name, seen) in self.requests.hosts {
            if let Some(host) = activity.hosts.entry(name) {
                host.merge(seen);
            }
        }
        activity.requests.all.merge(self.requests.all);
        for (status, n) in self.requests.statuses {
            if let Some(count) = activity.requests.statuses.entry(status) {
                *count += n;
            }
        }
        activity.samples.take_others(self.requests.sample);
        for route in self.requests.routes {
            if let Some(tally) = activity.requests.routes.entry((route.kind, route.name)) {
                tally.merge(RouteTally { all: route.over_time, ..RouteTally::default() });
            }
        }
    }
}

impl PlaceRequests {
    /// Counts a request that did not fail; true when its route is new.
    fn add(&mut self, http: &HttpRequest<'_>, said: &Uneventful, name: &mut String) -> bool {
        self.all.add(said.at, 1);
        match self.statuses.iter_mut().find(|(status, _)| *status == http.status) {
            Some((_, n)) => *n += 1,
            None => self.statuses.push((http.status, 1)),
        }
        if let Some(host) = host(&http.url) {
            let known = self.hosts.iter().position(|(name, _)| name == host);
            let at = known.unwrap_or(self.hosts.len());
            if known.is_none() {
                self.hosts.push((host.to_owned(), Seen::default()));
            }
            self.hosts[at].1.add(said.at, 1);
        }
        let kind = write_route(name, http);
        let n_before = self.routes.len();
        self.route(kind, name).over_time.add(said.at, 1);
        self.routes.len() > n_before
    }

    fn route(&mut self, kind: RouteKind, name: &str) -> &mut Route {
        let mut hash = FxBuildHasher.hash_one(name).wrapping_add(kind as u64);
        loop {
            let at = *self.by_hash.entry(hash).or_insert(self.routes.len() as u32) as usize;
            if at == self.routes.len() {
                self.routes.push(Route { kind, name: name.to_owned(), over_time: Timeline::default() });
            }
            if self.routes[at].kind == kind && self.routes[at].name == name {
                return &mut self.routes[at];
            }
            hash = hash.wrapping_add(RouteKind::Health as u64 + 1);
        }
    }
}
