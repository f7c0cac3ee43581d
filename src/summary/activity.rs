//! What a component does, failing or not: its entries, revisions and requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bounded::Bounded;
use super::delays::Delays;
use super::sample::Samples;
use super::tally::Seen;
use super::timeline::{MAX_SLOTS, Timeline};
use crate::pattern::{Merge, Unit};
use crate::time::Timestamp;

/// Routes told apart of a component when there are few components.
const ROUTES: usize = 128;

/// Revisions told apart of a component, likewise.
const REVISIONS: usize = 256;

/// Status codes told apart of a component, likewise.
const STATUSES: usize = 64;

/// Hosts that requests to a component name, likewise.
const HOSTS: usize = 64;

/// Routes, and revisions, of all components together.
const ROUTES_IN_ALL: usize = 64 << 9;
const REVISIONS_IN_ALL: usize = 32 << 9;

/// Status codes, and hosts, of all components together.
const STATUSES_IN_ALL: usize = 64 << 9;
const HOSTS_IN_ALL: usize = 8 << 13;

/// Everything a component was seen doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// All its entries.
    pub seen: Seen,
    /// Entries that do not fail.
    pub benign: Timeline,
    /// Revisions that wrote anything.
    pub revisions: Bounded<String, Seen, REVISIONS>,
    /// Requests it answered.
    pub requests: Requests,
    /// Units of work that went well, by kind; requests are counted apart.
    #[serde(default)]
    pub fine: BTreeMap<Unit, Timeline>,
    /// Some of the requests it answered, with what tells them apart.
    #[serde(default)]
    pub samples: Samples,
    /// Host names that its requests were sent to.
    pub hosts: Bounded<String, Seen, HOSTS>,
    /// How long after their time its entries are received.
    #[serde(default)]
    pub delays: Delays,
}

/// Slots of timelines of all components together, 16 bytes each. Up to a third of a thousand components have all of theirs.
const SLOTS_IN_ALL: usize = 1 << 20;

/// The same for the timelines of all routes. Up to 16 components with 128 routes each have all of theirs: a report counts the
/// requests of a route inside an incident by them.
const ROUTE_SLOTS_IN_ALL: usize = 1 << 22;

impl Activity {
    /// The more components there are, the less is kept of each: coarser times, fewer routes. A function of their number alone,
    /// which only grows.
    pub(super) fn fit(&mut self, n_components: usize) {
        let n_components = n_components.max(1);
        let most = |all: usize| (all / n_components).clamp(8, MAX_SLOTS);
        self.benign.fit_to(most(SLOTS_IN_ALL / 3));
        self.requests.all.fit_to(most(SLOTS_IN_ALL / 3));
        self.requests.failed.fit_to(most(SLOTS_IN_ALL / 3));
        self.requests.refused.fit_to(most(SLOTS_IN_ALL / 3));
        self.fine.values_mut().for_each(|fine| fine.fit_to(most(SLOTS_IN_ALL / 3)));
        let part = |in_all: usize, most: usize| (in_all / n_components).clamp(4, most);
        let n_routes = part(ROUTES_IN_ALL, ROUTES);
        self.requests.routes.fit_to(n_routes);
        self.requests.statuses.fit_to(part(STATUSES_IN_ALL, STATUSES));
        self.revisions.fit_to(part(REVISIONS_IN_ALL, REVISIONS));
        self.hosts.fit_to(part(HOSTS_IN_ALL, HOSTS));
        self.samples.fit(n_components);
        for route in self.requests.routes.values_mut() {
            route.all.fit_to(most(ROUTE_SLOTS_IN_ALL / (2 * n_routes)));
            route.failed.fit_to(most(ROUTE_SLOTS_IN_ALL / (2 * n_routes)));
            route.refused.fit_to(most(ROUTE_SLOTS_IN_ALL / (2 * n_routes)));
        }
    }
}

impl Merge for Activity {
    fn merge(&mut self, other: Activity) {
        self.seen.merge(other.seen);
        self.benign.merge(other.benign);
        self.revisions.merge(other.revisions);
        self.requests.merge(other.requests);
        self.samples.merge(other.samples);
        for (unit, fine) in other.fine {
            self.fine.entry(unit).or_default().merge(fine);
        }
        self.hosts.merge(other.hosts);
        self.delays.merge(other.delays);
    }
}

/// Requests by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// All with a status.
    pub all: Timeline,
    /// Those that the server failed: see [`fails`].
    pub failed: Timeline,
    /// Those that the server refused as the client's mistake, status 4xx, and that did not fail.
    #[serde(default)]
    pub refused: Timeline,
    /// Requests by (status, kind of route).
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub statuses: Bounded<u16, u64, STATUSES>,
    /// Requests by route.
    pub routes: Bounded<(RouteKind, String), RouteTally, ROUTES>,
}

/// What a route is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RouteKind {
    /// Ordinary requests.
    #[default]
    Http,
    /// WebSocket upgrades.
    WebSocket,
    /// Health endpoints.
    Health,
}

/// Requests of one route or value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTally {
    /// All.
    pub all: Timeline,
    /// Those that failed: see [`fails`].
    pub failed: Timeline,
    /// Those that were refused as mistakes of the client.
    #[serde(default)]
    pub refused: Timeline,
}

impl RouteTally {
    /// Counts a request.
    pub fn add(&mut self, at: Timestamp, outcome: RequestOutcome) {
        self.all.add(at, 1);
        match outcome {
            RequestOutcome::Failed => self.failed.add(at, 1),
            RequestOutcome::Refused => self.refused.add(at, 1),
            RequestOutcome::Neither => {}
        }
    }
}

impl Merge for RouteTally {
    fn merge(&mut self, other: RouteTally) {
        self.all.merge(other.all);
        self.failed.merge(other.failed);
        self.refused.merge(other.refused);
    }
}

/// What became of a request that did not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The server failed it.
    Failed,
    /// The server refused it as a mistake of the client.
    Refused,
    /// It went well, or its client gave it up.
    Neither,
}

/// What became of a request, by its status and what it was for: see [`fails`].
pub fn outcome(status: u16, kind: RouteKind) -> RequestOutcome {
    match status {
        _ if fails(status, kind) => RequestOutcome::Failed,
        400..500 if status != CLIENT_GAVE_UP => RequestOutcome::Refused,
        _ => RequestOutcome::Neither,
    }
}

/// Whether a request failed, by its status: the server erred (5xx) or had no room for it (429), or a WebSocket was not opened.
/// A request that its client gave up on (499) is none of these.
pub fn fails(status: u16, kind: RouteKind) -> bool {
    let turned_away = status == 429 || kind == RouteKind::WebSocket && (400..500).contains(&status);
    status >= 500 || turned_away && status != CLIENT_GAVE_UP
}

/// What nginx and Google's load balancers write when the client hung up first.
const CLIENT_GAVE_UP: u16 = 499;

impl Requests {
    /// Counts a request that ended at `at`.
    pub fn add(&mut self, at: Timestamp, status: u16, kind: RouteKind, route: &str) {
        let outcome = outcome(status, kind);
        self.all.add(at, 1);
        match outcome {
            RequestOutcome::Failed => self.failed.add(at, 1),
            RequestOutcome::Refused => self.refused.add(at, 1),
            RequestOutcome::Neither => {}
        }
        if let Some(n) = self.statuses.entry(status) {
            *n += 1;
        }
        if let Some(tally) = self.routes.at((&kind, route)) {
            tally.add(at, outcome);
        }
    }
}

impl Merge for Requests {
    fn merge(&mut self, other: Requests) {
        self.all.merge(other.all);
        self.failed.merge(other.failed);
        self.refused.merge(other.refused);
        self.statuses.merge(other.statuses);
        self.routes.merge(other.routes);
    }
}
