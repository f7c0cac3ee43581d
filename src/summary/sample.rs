//! A sample of the requests of a component: what tells those that failed apart from the others.

use serde::{Deserialize, Serialize};

use super::activity::RequestOutcome;
use super::bounded::{Bounded, Like};
use crate::entry::HttpRequest;
use crate::pattern::Merge;
use crate::time::Timestamp;

/// Requests of one outcome that are kept for a component.
const REQUESTS: usize = 256;

/// Requests of one outcome that are kept for all components together, some 200 bytes each.
const REQUESTS_IN_ALL: usize = 1 << 15;

/// What tells requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Address of the client.
    Client,
    /// Program of the client.
    Agent,
    /// Revision that answered.
    Revision,
    /// Method and path, with numbers and ids left out.
    Route,
}

impl Dimension {
    /// All of them, in their order.
    pub const ALL: [Dimension; 4] = [Dimension::Client, Dimension::Agent, Dimension::Revision, Dimension::Route];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Client => "client",
            Dimension::Agent => "user agent",
            Dimension::Revision => "revision",
            Dimension::Route => "route",
        }
    }
}

/// A request that is kept. What is not known is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sampled {
    /// When it ended.
    pub at: Timestamp,
    client: String,
    agent: String,
    revision: String,
    route: String,
}

impl Sampled {
    /// Its value of a dimension, when it is known.
    pub fn value(&self, dimension: Dimension) -> Option<&str> {
        let value = match dimension {
            Dimension::Client => &self.client,
            Dimension::Agent => &self.agent,
            Dimension::Revision => &self.revision,
            Dimension::Route => &self.route,
        };
        (!value.is_empty()).then_some(value)
    }
}

/// A request that may be kept.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Unsampled<'e> {
    at: Timestamp,
    client: &'e str,
    agent: &'e str,
    revision: &'e str,
    route: &'e str,
}

impl<'e> Unsampled<'e> {
    /// The request of an entry.
    pub(super) fn new(at: Timestamp, http: &'e HttpRequest<'_>, revision: Option<&'e str>, route: &'e str) -> Self {
        Unsampled { at, client: &http.remote_ip, agent: &http.user_agent, revision: revision.unwrap_or(""), route }
    }
}

impl Like<Sampled> for Unsampled<'_> {
    fn is(self, key: &Sampled) -> bool {
        self.at == key.at
            && self.client == key.client
            && self.agent == key.agent
            && self.revision == key.revision
            && self.route == key.route
    }

    fn key(self) -> Sampled {
        Sampled {
            at: self.at,
            client: self.client.to_owned(),
            agent: self.agent.to_owned(),
            revision: self.revision.to_owned(),
            route: self.route.to_owned(),
        }
    }
}

/// Requests of one outcome, those of the smallest hashes: a sample that is the same for any order, and that merges. Of requests
/// that are equal in everything the number is kept.
pub(super) type Kept = Bounded<Sampled, u64, REQUESTS>;

/// A sample of the requests of a component for each outcome, so that a few that failed among many are all there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    failed: Kept,
    refused: Kept,
    others: Kept,
}

impl Samples {
    /// Requests of one outcome with their numbers, in order of time.
    pub fn of(&self, outcome: RequestOutcome) -> impl Iterator<Item = (&Sampled, u64)> {
        let kept = match outcome {
            RequestOutcome::Failed => &self.failed,
            RequestOutcome::Refused => &self.refused,
            RequestOutcome::Neither => &self.others,
        };
        kept.iter().map(|(request, n)| (request, *n))
    }

    pub(super) fn add(&mut self, outcome: RequestOutcome, request: Unsampled<'_>) {
        let kept = match outcome {
            RequestOutcome::Failed => &mut self.failed,
            RequestOutcome::Refused => &mut self.refused,
            RequestOutcome::Neither => &mut self.others,
        };
        if let Some(n) = kept.at(request) {
            *n += 1;
        }
    }

    /// Takes in requests that neither failed nor were refused.
    pub(super) fn take_others(&mut self, others: Kept) {
        self.others.merge(others);
    }

    /// Keeps fewer for each, the more components there are.
    pub(super) fn fit(&mut self, n_components: usize) {
        let most = (REQUESTS_IN_ALL / n_components.max(1)).clamp(4, REQUESTS);
        [&mut self.failed, &mut self.refused, &mut self.others].into_iter().for_each(|kept| kept.fit_to(most));
    }
}

impl Merge for Samples {
    fn merge(&mut self, other: Samples) {
        self.failed.merge(other.failed);
        self.refused.merge(other.refused);
        self.others.merge(other.others);
    }
}
