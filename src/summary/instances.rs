//! What happened on one instance, in order: the failures before each exit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::pattern::Merge;
use crate::time::Timestamp;

/// Events kept per instance, the earliest: enough for a dozen boots of a loop inside one pod.
const EVENTS: usize = 256;

/// One thing that happened on an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Effect time.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: EventKind,
    /// Which series it belongs to.
    pub series: u64,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventKind {
    /// The process started.
    Start,
    /// Something failed.
    Failure,
    /// The process ended.
    Exit,
}

/// The earliest events of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Name of its component.
    pub component: String,
    /// In order of time.
    pub events: BTreeSet<Event>,
}

impl Instance {
    /// Adds an event of a component.
    pub fn add(&mut self, component: &str, event: Event) {
        if self.component.as_str() < component {
            self.component = component.to_owned();
        }
        self.events.insert(event);
        while self.events.len() > EVENTS {
            self.events.pop_last();
        }
    }
}

impl Merge for Instance {
    fn merge(&mut self, other: Instance) {
        for event in other.events {
            self.add(&other.component, event);
        }
        if self.component < other.component {
            self.component = other.component;
        }
    }
}
