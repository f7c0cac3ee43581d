//! `firstfault export-command`: the command that exports what an analysis needs. It is printed, never run.

use super::args::ExportCommandArgs;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{note, print};
use crate::report::{Export, LogPart};
use crate::time::{SECOND, Timestamp};

/// Deploys act within minutes, keys and quotas within the hour.
const BEFORE_NS: i64 = 3600 * SECOND;

/// What follows tells whether it ended.
const AFTER_NS: i64 = 1800 * SECOND;

/// Prints the command, and what it costs on standard error.
pub(super) fn run(args: &ExportCommandArgs) -> Result<ExitStatus, UsageError> {
    let at = |option: &str, text: &str| match Timestamp::parse(text) {
        Some(at) => Ok(at),
        None => options::time(option, text, Timestamp(0)).and_then(|at| match at.0 < BEFORE_NS * 24 {
            true => Err(UsageError::new(format!("{option} {text}: not a point in time; write 2026-03-02T10:05:00Z"))),
            false => Ok(at),
        }),
    };
    let (since, until) = match (&args.around, &args.since, &args.until) {
        (Some(around), ..) => {
            let around = at("--around", around)?;
            (around.plus(-BEFORE_NS), around.plus(AFTER_NS))
        }
        (None, Some(since), Some(until)) => (at("--since", since)?, at("--until", until)?),
        _ => return Err(UsageError::new("give --around TIME, or --since TIME and --until TIME")),
    };
    if since > until {
        return Err(UsageError::new("--since is later than --until: no entry lies between them"));
    }
    let parts: Vec<LogPart> = match args.what.as_slice() {
        [] => LogPart::ALL.to_vec(),
        some => some.iter().map(|part| (*part).into()).collect(),
    };
    let export = Export::of_services(&args.service, &parts, (since, until), args.project.as_deref());
    let export = export.map_err(|name| UsageError::new(format!("{name:?}: no service or project is called so")))?;
    let export = export.at_most(args.limit.max(1));
    if let Some(cost) = export.cost() {
        note(&format!("firstfault: it costs {cost}"));
    }
    print(&(export.command("export.json") + "\n"))
}
