//! `firstfault watch`: an endless stream, and a word when its verdict changes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::analysis::Ready;
use super::args::WatchArgs;
use super::exit::ExitStatus;
use super::options::{self, UsageError};
use super::{print, reading};
use crate::analyze::{self, Watch};
use crate::face::{self, Face};
use crate::framing::{Batch, Cutter};
use crate::incident::Baseline;
use crate::report::{Incident, Priority, Report, Status};
use crate::source::Source;
use crate::time::Timestamp;

/// Batches that wait while a verdict is made: what is read faster waits in the pipe.
const WAITING: usize = 16;

/// How long Ctrl-C waits at most, and a verdict after the last entry.
const TICK: Duration = Duration::from_millis(200);

/// What became of an incident since the last verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum News {
    /// It was not there before.
    New,
    /// Its first cause is another.
    Changed,
    /// It went on before and is over.
    Ended,
}

/// An incident as it was told last.
struct Told {
    start: Timestamp,
    end: Option<Timestamp>,
    cause: String,
    status: Status,
}

/// A line for machines.
#[derive(Serialize)]
struct Event<'r> {
    news: News,
    /// Effect time of the newest entry.
    at: Option<Timestamp>,
    fingerprint: &'r str,
    title: &'r str,
    status: Status,
    priority: Priority,
    start: Timestamp,
    end: Option<Timestamp>,
    component: Option<&'r str>,
    cause: Option<&'r str>,
    confidence: Option<f64>,
}

/// Reads standard input until it ends or Ctrl-C, tells what is new, and then reports all that is known.
pub(super) fn run(args: &WatchArgs) -> Result<ExitStatus, UsageError> {
    let ready = Ready::new(&args.common.signatures, &args.context, &args.output)?;
    let baseline = reading::baseline(&args.context.baseline, &args.common, &ready.catalogue)?;
    let window = options::duration("--window", &args.window)?;
    let every = Duration::from_nanos(options::duration("--every", &args.every)?.unsigned_abs());
    reading::on_interrupt();
    let batches = read(io::stdin());
    let mut watch = Watch::new(&Source::Stdin.name(), window.max(1), &ready.catalogue);
    let mut desk = Desk { ready: &ready, baseline: baseline.as_ref(), is_for_machines: args.jsonl, told: Vec::new() };
    let mut last = Instant::now();
    let mut has_more = false;
    loop {
        match batches.recv_timeout(TICK) {
            Ok(batch) => {
                watch.take(&batch?);
                has_more = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if reading::is_interrupted() {
            break;
        }
        if has_more && last.elapsed() >= every {
            desk.tell(&watch)?;
            (last, has_more) = (Instant::now(), false);
        }
    }
    if has_more {
        desk.tell(&watch)?;
    }
    let mut all = watch.reading();
    all.interrupted = reading::is_interrupted();
    reading::refuse_nothing(&all, &analyze::Selection::default())?;
    if watch.n_late() > 0 {
        super::note(&format!(
            "firstfault: {} entries came when their time was already forgotten; a longer --window keeps them",
            watch.n_late()
        ));
    }
    if args.jsonl && args.output.format.is_none() && args.output.output.is_empty() {
        return Ok(if all.interrupted { ExitStatus::Interrupted } else { ExitStatus::Done });
    }
    ready.finish(all, baseline, Vec::new())
}

/// Reads in a thread of its own, so that a silent stream holds nobody up.
fn read(input: impl Read + Send + 'static) -> Receiver<Result<Batch, UsageError>> {
    let (send, receive) = sync_channel(WAITING);
    thread::spawn(move || {
        let mut cutter = Cutter::eager(0, input);
        loop {
            let mut batch = Batch::new();
            let next = match cutter.next(&mut batch) {
                Ok(true) => Ok(batch),
                Ok(false) => return,
                Err(error) => Err(UsageError::new(format!("standard input: {error}"))),
            };
            // Nobody listens any more once the report is written.
            if next.is_err() | send.send(next).is_err() {
                return;
            }
        }
    });
    receive
}

/// Who tells what is new.
struct Desk<'d> {
    ready: &'d Ready<'d>,
    baseline: Option<&'d Baseline>,
    is_for_machines: bool,
    told: Vec<Told>,
}

impl Desk<'_> {
    fn tell(&mut self, watch: &Watch<'_>) -> Result<(), UsageError> {
        let report = analyze::conclude(watch.reading(), &self.ready.catalogue, self.baseline);
        let report = self.ready.redacted(report)?;
        for incident in &report.incidents {
            if let Some(news) = take_in(Told::of(incident), &mut self.told) {
                print(&self.block(&report, incident, news, watch.newest()))?;
            }
        }
        // What is forgotten cannot come again.
        let first = report.coverage.first.unwrap_or(Timestamp::MIN);
        self.told.retain(|told| told.end.is_none_or(|end| end >= first));
        Ok(())
    }

    fn block(&self, report: &Report, incident: &Incident, news: News, at: Option<Timestamp>) -> String {
        let cause = incident.causes.first();
        if self.is_for_machines {
            return face::json::line(&Event {
                news,
                at,
                fingerprint: &incident.fingerprint,
                title: &incident.title,
                status: incident.status,
                priority: incident.priority,
                start: incident.start,
                end: incident.end,
                component: cause.map(|cause| cause.component.as_str()),
                cause: cause.map(|cause| cause.title.as_str()),
                confidence: cause.map(|cause| cause.confidence),
            });
        }
        let word = match news {
            News::New => "new incident",
            News::Changed => "another first cause",
            News::Ended => "over",
        };
        let alone = Report { incidents: vec![incident.clone()], ..report.clone() };
        let options = face::Options { terminal: self.ready.terminal(), ..Default::default() };
        let at = at.map_or(String::new(), |at| format!("{at} "));
        format!("--- {at}{word}\n{}\n", face::render(&alone, Face::Screen, &options))
    }
}

impl Told {
    fn of(incident: &Incident) -> Told {
        let cause = incident.causes.first();
        Told {
            start: incident.start,
            end: incident.end,
            cause: cause.map_or(String::new(), |cause| format!("{} {}", cause.component, cause.title)),
            status: incident.status,
        }
    }

    /// True when both have a time in common.
    fn overlaps(&self, other: &Told) -> bool {
        let ends = |told: &Told| told.end.unwrap_or(Timestamp::MAX);
        self.start <= ends(other) && other.start <= ends(self)
    }
}

/// What is new about an incident, which is then known as it is now.
fn take_in(now: Told, known: &mut Vec<Told>) -> Option<News> {
    let same = |told: &Told| told.overlaps(&now);
    let of_its_cause = known.iter().position(|told| same(told) && told.cause == now.cause);
    let Some(at) = of_its_cause.or_else(|| known.iter().position(same)) else {
        known.push(now);
        return Some(News::New);
    };
    let before = std::mem::replace(&mut known[at], now);
    let now = &mut known[at];
    // What was seen of its beginning may be forgotten since.
    now.start = now.start.min(before.start);
    if before.cause != now.cause {
        return Some(News::Changed);
    }
    match (before.status, now.status) {
        (Status::Ongoing, Status::Resolved) => Some(News::Ended),
        (Status::Resolved, Status::Ongoing) => Some(News::New),
        // Told once that it is over, it is over.
        (Status::Resolved, Status::Unknown) => {
            now.status = Status::Resolved;
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn told(seconds: (i64, Option<i64>), cause: &str, status: Status) -> Told {
        let at = |second: i64| Timestamp(second * SECOND);
        Told { start: at(seconds.0), end: seconds.1.map(at), cause: cause.to_owned(), status }
    }

    #[test]
    fn an_incident_is_told_when_it_begins_when_its_cause_changes_and_when_it_ends() {
        use Status::{Ongoing, Resolved};
        let mut known = Vec::new();
        let mut take = |told| take_in(told, &mut known);
        assert_eq!(take(told((10, None), "a", Ongoing)), Some(News::New));
        assert_eq!(take(told((10, None), "a", Ongoing)), None);
        assert_eq!(take(told((9, None), "b", Ongoing)), Some(News::Changed));
        assert_eq!(take(told((500, None), "c", Ongoing)), Some(News::Changed), "both go on");
        assert_eq!(take(told((500, Some(600)), "c", Resolved)), Some(News::Ended));
        assert_eq!(take(told((550, Some(600)), "c", Resolved)), None, "its beginning is forgotten");
        assert_eq!(take(told((700, Some(710)), "c", Resolved)), Some(News::New));
    }
}
