//! The catalogue: failure signatures as data, the edges between them, and the matcher that finds them.

use crate::entry::Entry;

use super::{Layer, Match, Role};

/// How strongly a cause is known to bring about an effect. Source: the basis column of the causality facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Seen or plausible, often wrong.
    Weak,
    /// Usual.
    #[default]
    Medium,
    /// Follows from how the thing works.
    Strong,
    /// The effect is the same event seen from elsewhere; never counted twice.
    Identity,
}

/// A signature can bring about another one.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Id of the effect's signature.
    pub id: String,
    /// Seconds from cause to effect: at least, at most.
    pub lag_s: (f64, f64),
    /// How sure that is.
    pub strength: Strength,
}

/// What to do about a signature.
#[derive(Clone, Debug)]
pub struct Remedy {
    /// `now`, `next` or `later`.
    pub tier: String,
    /// What to do, in a sentence.
    pub text: String,
    /// A command that does or checks it; `SVC`, `R`, `P`, `REV`, `INST` stand for service, region, project, revision, instance.
    pub command: Option<String>,
}

/// One failure signature.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// Stable id: `sql-dial-timeout`.
    pub id: String,
    /// What it means, for a headline.
    pub title: String,
    /// Where in the stack it lies.
    pub layer: Layer,
    /// What part it can play.
    pub role: Role,
    /// How specific it is; the higher of two matches wins. 50 unless said otherwise.
    pub specificity: u32,
    /// Who mends it: `app`, `platform`, `database`, `network`, `security`, `vendor`.
    pub owner: String,
    /// Where the text was seen or documented.
    pub source: String,
    /// What it can bring about.
    pub effects: Vec<Effect>,
    /// First checks, one sentence each.
    pub checks: Vec<String>,
    /// What to do.
    pub remedies: Vec<Remedy>,
}

/// All signatures of a run, ready to match.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Every signature, in a fixed order.
    pub signatures: Vec<Signature>,
}

impl Catalogue {
    /// The built-in catalogue.
    pub fn builtin() -> Catalogue {
        Catalogue::default()
    }

    /// The most specific signature that matches the entry.
    pub fn find<'e>(&self, _entry: &'e Entry<'_>, _severity: Option<crate::entry::Severity>) -> Option<Match<'e>> {
        None
    }

    /// The signature with this id.
    pub fn get(&self, id: &str) -> Option<&Signature> {
        self.signatures.iter().find(|s| s.id == id)
    }

    /// True when the first can bring about the second, directly or over at most three further effects.
    pub fn breaks(&self, cause: &str, effect: &str) -> bool {
        let mut reached = vec![cause.to_owned()];
        for _ in 0..4 {
            let next: Vec<String> = reached.iter().filter_map(|id| self.get(id)).flat_map(|s| s.effects.iter().map(|e| e.id.clone())).collect();
            if next.iter().any(|id| id == effect) {
                return true;
            }
            reached = next;
        }
        false
    }
}
