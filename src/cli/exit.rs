//! Exit statuses, with the reason for each.

use std::process::ExitCode;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExitStatus {
    /// Done, whatever was found.
    Done,
    /// Something that the caller asked to fail on was found.
    Found,
    /// Usage error, or nothing could be read.
    Failed,
    /// Done, but not everything was read, and that was asked for.
    Incomplete,
    /// Ended by Ctrl-C, as shells expect it: 128 + SIGINT.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        ExitCode::from(match status {
            ExitStatus::Done => 0,
            ExitStatus::Found => 1,
            ExitStatus::Failed => 2,
            ExitStatus::Incomplete => 3,
            ExitStatus::Interrupted => 130,
        })
    }
}
