//! A bar on standard error for long work; nothing in pipes, nothing when asked to be quiet.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::source::Source;

/// Shorter work shows no bar at all.
const PATIENCE: Duration = Duration::from_millis(600);

/// A bar that counts bytes; of files against their size on disk, of compressed ones and streams without an end.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    start: std::time::Instant,
}

impl Progress {
    /// A bar for these sources, hidden unless standard error is a terminal.
    pub(super) fn new(sources: &[Source], quiet: bool) -> Progress {
        let start = std::time::Instant::now();
        if quiet || !std::io::stderr().is_terminal() {
            return Progress { bar: None, start };
        }
        let bar = ProgressBar::hidden();
        let style = ProgressStyle::with_template("{spinner} {bytes} of {msg} read, {bytes_per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(match sources {
            [one] => one.name(),
            many => format!("{} sources", many.len()),
        });
        Progress { bar: Some(bar), start }
    }

    /// Counts bytes.
    pub(super) fn add(&self, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        if bar.is_hidden() && self.start.elapsed() > PATIENCE {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        bar.inc(bytes);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
