//! What no signature knows: messages that differ only in their values become one template with exact counts.
//!
//! Two stages. The first runs per message and merges exactly: one scan gives the key of a message (its words and
//! separators, values masked), and per key a count, an example and a column per value are kept. The second runs once,
//! after all merging: places where many different words stand become values too ([`Templates::settle`]).
//!
//! Keys are bounded by [`CAP`]: when there are too many, the keys of the groups with most of them are joined, by a rule that
//! depends only on the set of messages. So `mine(A ⊎ B) = mine(A) ⊕ mine(B)`, byte for byte, also at the cap.
//!
//! A traceback is mined by its [`key`](super::traceback::Traceback::key), a request by its [`route()`], anything else by its
//! message:
//!
//! ```
//! use firstfault::pattern::template::Templates;
//!
//! let mut templates: Templates<&str, u64> = Templates::default();
//! for n in 1..=20 {
//!     *templates.observe(&"checkout", &format!("order {n} failed: stock service answered 503")) += 1;
//! }
//! let settled = templates.settle();
//! assert_eq!(settled.templates[0].text, "order <*> failed: stock service answered 503");
//! assert_eq!(settled.templates[0].value, 20);
//! ```

mod classes;
mod cluster;
mod column;
mod hash;
mod recent;
mod render;
mod route;
mod scan;
mod settle;
mod shelf;
mod shelves;
mod values;

use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::Merge;

pub use route::route;
use scan::Scanner;
pub use settle::{Finder, Settled, Template};
use shelves::Shelves;

/// Keys that are told apart at most, of which one scope may have a quarter; half as many scopes. With 2 KiB per example and
/// 64 columns this bounds the state at about 40 MB however hostile the input; real logs stay below 5 MB.
pub const CAP: usize = 8_192;

/// Counts the templates of messages, per scope: messages of different scopes never share a template.
///
/// A commutative monoid, whenever `V` is one and what is done to the `V` of [`Templates::observe`] commutes with merging.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "S: Ord + Clone + Hash + Serialize, V: Serialize",
    deserialize = "S: Ord + Clone + Hash + Deserialize<'de>, V: Merge + Deserialize<'de>"
))]
pub struct Templates<S, V> {
    shelves: Shelves<S, V>,
    #[serde(skip)]
    scanner: Scanner,
}

impl<S: Ord + Clone + Hash, V: Merge> Default for Templates<S, V> {
    fn default() -> Self {
        Templates::with_cap(CAP)
    }
}

impl<S: Ord + Clone + Hash, V: Merge> Templates<S, V> {
    /// Templates that tell at most `cap` keys apart.
    pub fn with_cap(cap: usize) -> Templates<S, V> {
        Templates { shelves: Shelves::new(cap), scanner: Scanner::default() }
    }

    /// Counts one message and gives the tally of its template so far, to add to.
    ///
    /// Only the first 2,048 bytes and 192 tokens of a message are looked at.
    pub fn observe(&mut self, scope: &S, message: &str) -> &mut V {
        self.shelves.observe(scope, scan::head(message), &mut self.scanner)
    }

    /// The tallies so far, in no order that means anything.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.shelves.values_mut()
    }

    /// How many keys there were, up to the cap: a number that only grows, whatever was joined.
    pub fn crowd(&self) -> usize {
        self.shelves.crowd()
    }

    /// True when keys were joined because there were more than the cap, or scopes left out.
    pub fn is_capped(&self) -> bool {
        self.shelves.is_capped()
    }

    /// Finds the final templates. Costs a few milliseconds per thousand keys.
    pub fn settle(self) -> Settled<S, V> {
        Settled::new(self.shelves)
    }
}

impl<S: Ord + Clone + Hash, V: Merge> Merge for Templates<S, V> {
    fn merge(&mut self, other: Self) {
        self.shelves.merge(other.shelves, &mut self.scanner);
    }
}

/// Hash of the words, separators and places of values of a message: equal for messages of one template, before the
/// second stage. The same on every machine.
pub fn key(message: &str) -> u64 {
    let mut scanner = Scanner::default();
    scanner.read(message);
    scanner.key
}
