//! Entries become observations: what one entry says, as a known signature or a mined template.

mod entity;
mod expression;
mod merge;
mod names;
mod needle;
mod observation;
mod sayings;
pub mod secrets;
pub mod signature;
pub mod template;
pub mod traceback;
pub mod wording;

use serde::{Deserialize, Serialize};

use crate::entry::{Component, Text};

pub use entity::component as named_component;
pub use expression::Expression;
pub use merge::{Counts, Merge, counted};
pub(crate) use observation::raw_text;
pub use observation::{Class, Gravity, Observation, Uneventful, mined_layer, mining_text, observe, uneventful};
pub use sayings::{Saying, Sayings};
pub use signature::{Accused, Act, Catalogue, Meaning, Mode, Normally, Outcome, Unit};

/// Where in the stack a fault lies. The order is the layer prior of causality: earlier layers break later ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Somebody changed something: deploy, configuration, permission, secret.
    Change,
    /// Connector, firewall, route, name resolution, TLS.
    Network,
    /// Cloud Run, Kubernetes, nodes, quotas, scheduling.
    Platform,
    /// A database or its instance.
    Database,
    /// Cache, third party, another API.
    Dependency,
    /// Code, configuration and packaging of one's own.
    #[default]
    Application,
    /// The caller.
    Client,
}

/// What part a pattern can play in a cascade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It can begin a cascade.
    Cause,
    /// It is caused by something else and can cause more.
    #[default]
    Either,
    /// It only shows that something else failed: exits, probes, 5xx, restarts, closed sockets.
    Effect,
    /// A change: a cause only with a path to what failed.
    Change,
    /// A point on the timeline that is no failure: start of an instance, end of a deploy.
    Marker,
    /// Known to be harmless.
    Noise,
}

/// A signature's hit on an entry.
#[derive(Clone, Debug)]
pub struct Match<'a> {
    /// Index of the signature in its catalogue.
    pub signature: usize,
    /// Values it extracted: capture name and text (`exit_code`, `timeout_s`, `module`, …).
    pub values: Vec<(Text<'a>, Text<'a>)>,
    /// Things the message blames, from the signature's captures.
    pub blames: Vec<Component>,
}
