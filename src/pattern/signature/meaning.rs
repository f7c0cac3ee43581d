//! What a signature means, beyond its text: what is wrong, whom it accuses, how usual that is, and which unit it shows.
//!
//! `incident`, `cause` and `report` read these keys, never an id or a title, so that a user's file says all that a built-in one can.

use serde::Deserialize;

use crate::entry::ComponentKind;

/// The keys of a signature that say what it means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// What is wrong.
    pub mode: Mode,
    /// Whom the text accuses.
    pub accused: Accused,
    /// How often a healthy system writes it.
    pub normally: Normally,
    /// The unit of work whose outcome it tells.
    pub shows: Unit,
    /// What became of that unit.
    pub outcome: Outcome,
    /// What a change can do.
    pub acts: Act,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Something failed, and the text does not say in which of the ways below.
    #[default]
    FailedRequest,
    /// It does not run.
    Down,
    /// It cannot be reached: refused, no route, no answer to a connection.
    Unreachable,
    /// It answers late, or too late.
    Slow,
    /// A password, token or key is refused.
    RefusesCredentials,
    /// Who calls is known and may not.
    RefusesPermission,
    /// A thing that is needed does not exist: a module, file, table, image, secret, route.
    Missing,
    /// A setting is wrong or absent.
    Misconfigured,
    /// A program ended by an error, or a bug showed.
    Crashed,
    /// No memory left.
    OutOfMemory,
    /// No processor time left.
    OutOfCpu,
    /// No disk space left.
    OutOfDisk,
    /// No connection, port, thread or file handle of a fixed number is left.
    Exhausted,
    /// Work waits for a lock, or locks exclude each other.
    Locked,
    /// A quota or rate is used up.
    Limited,
    /// A certificate, token or key is past its time.
    Expired,
    /// A name cannot be resolved.
    Unresolved,
    /// More work arrives than is done.
    Saturated,
    /// The platform took its place away: preempted, evicted, drained.
    Evicted,
    /// It runs, and does not serve yet or any more: a probe fails.
    NotReady,
    /// The other side ended the connection.
    Closed,
    /// Somebody changed it.
    Changed,
    /// It was taken out of service on purpose.
    Retired,
}

/// Whom a text accuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Accused {
    /// The component that writes it.
    #[default]
    Itself,
    /// The thing that a capture names.
    Named,
    /// A thing of this kind, also when the text does not name it.
    Kind(ComponentKind),
    /// Who called.
    Caller,
    /// Nobody: it only tells that something failed.
    Nobody,
}

impl TryFrom<String> for Accused {
    type Error = String;

    fn try_from(text: String) -> Result<Accused, String> {
        match text.as_str() {
            "itself" => Ok(Accused::Itself),
            "named" => Ok(Accused::Named),
            "caller" => Ok(Accused::Caller),
            "nobody" => Ok(Accused::Nobody),
            _ => {
                let kind = text.strip_prefix("kind:").and_then(|kind| {
                    let kind = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(kind);
                    ComponentKind::deserialize(kind).ok()
                });
                kind.map(Accused::Kind).ok_or_else(|| {
                    format!(
                        "`{text}` is none of `itself`, `named`, `caller`, `nobody`, `kind:` with a kind of component"
                    )
                })
            }
        }
    }
}

/// How often a healthy system writes a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normally {
    /// Every day: mistakes of clients, deadlocks that are retried, peers that hang up.
    Background,
    /// Now and then, without harm.
    #[default]
    Rarely,
    /// Never: one occurrence is an incident of its component.
    Never,
}

/// A unit of work that succeeds or fails as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// None, or not told.
    #[default]
    None,
    /// A request that a component answers.
    Request,
    /// A start of a process, container or revision, until it is ready.
    Start,
    /// A process that ended although it should run.
    Exit,
    /// A run of a job, task or build.
    Job,
    /// A call to something else.
    Call,
    /// A health check.
    Probe,
}

/// What became of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It failed.
    #[default]
    Failed,
    /// It did what it should.
    Ok,
}

/// What a change can do to those who use what it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Nothing that could break anybody: a backup, a label, an alert policy, a read.
    #[default]
    Nothing,
    /// Removes, disables or forbids something that may be in use.
    TakesAway,
    /// Brings other code or another configuration.
    ReplacesCode,
    /// Sends requests elsewhere.
    MovesTraffic,
    /// Gives more or less of something: memory, machines, connections.
    Resizes,
    /// Restarts or moves a running thing.
    Restarts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accused_kind_is_one_that_components_have() {
        let read = |text: &str| Accused::try_from(text.to_owned());
        assert_eq!(read("kind:database"), Ok(Accused::Kind(ComponentKind::Database)));
        assert_eq!(read("named"), Ok(Accused::Named));
        assert!(read("kind:cellar").is_err_and(|e| e.contains("kind:cellar")));
        assert!(read("").is_err());
    }
}
