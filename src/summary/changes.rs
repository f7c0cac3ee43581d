//! Changes: who altered what, and whether it went through.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::exemplars::{Exemplar, shortened};
use crate::entry::{Component, Labels};
use crate::pattern::{Merge, Observation};
use crate::time::Timestamp;

/// One change. Two with the same key are the same change told twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The entry that tells it; the smallest of several.
    pub exemplar: Option<Exemplar>,
    /// Signature id of the change, empty when no signature knows the method.
    pub signature: String,
    /// `methodName`.
    pub method: String,
    /// `resourceName`.
    pub resource: String,
    /// Who did it; empty when the export does not tell.
    pub actor: String,
    /// What was changed.
    pub target: Component,
    /// `status.code`, 0 when it went through.
    pub status_code: i32,
    /// Selected details: image, connector, probe path, …
    pub details: Vec<(String, String)>,
}

/// What tells changes apart: time, method, resource.
pub type ChangeKey = (Timestamp, String, String);

/// Bytes kept of one detail: an image with its digest has 150, a list of instances some more.
const DETAIL_BYTES: usize = 512;

/// Bytes kept of all details of a change: 64 of them that are as long as usual.
const DETAILS_BYTES: usize = 4096;

/// The details of an audit entry, as many as may be kept.
pub(super) fn details(details: &Labels<'_>, observation: &Observation<'_>) -> Vec<(String, String)> {
    let mut room = DETAILS_BYTES;
    let fits = |(key, value): &(String, String)| {
        room = room.saturating_sub(key.len() + value.len());
        room > 0
    };
    let kept = |text: &str| shortened(&observation.masked(Cow::Borrowed(text)), DETAIL_BYTES);
    let mut all = Vec::with_capacity(details.0.len());
    all.extend(details.0.iter().map(|(key, value)| (kept(key), kept(value))).take_while(fits));
    all
}

impl Merge for Change {
    fn merge(&mut self, other: Change) {
        let older = |change: &Change| change.exemplar.clone().map(|e| (e.effect_time, e.origin));
        let other_first = match (older(self), older(&other)) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => theirs < mine,
        };
        if other_first {
            *self = other;
        }
    }
}
