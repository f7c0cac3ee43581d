//! The first screen: what broke, since when, how bad, why, what to do. It fits 24 lines for one incident.

use super::document::{Block, Text, Tone, one_line, row};
use super::escape::cut;
use super::postmortem;
use crate::incident;
use crate::report::wording::{self, clock, count, counted, duration, kind};
use crate::report::{Action, Affected, Cause, Coverage, Evidence, Incident, Report, Status, Tier};

/// Characters of the error's own words: two lines of 80 columns.
const WORDS: usize = 110;

/// Components named as affected.
const HIT: usize = 3;

/// Characters beside a label on 80 columns.
const LINE: usize = 72;

/// Links of the chain.
const LINKS: usize = 4;

/// Characters of a link's title.
const LINK_CHARS: usize = 48;

/// The first screen of a report. Of incidents after the first only the main rows.
pub(super) fn blocks(report: &Report, top: usize) -> Vec<Block> {
    let mut blocks = vec![head(report)];
    if report.incidents.is_empty() {
        blocks.push(row("", Tone::Plain, Text::new().strong(report.verdict.clone())));
    }
    for (i, incident) in report.incidents.iter().enumerate() {
        match i {
            0 => blocks.extend(first(incident, report)),
            _ if i < top => blocks.extend(further(incident, report)),
            _ => blocks.push(banner(incident, report)),
        }
    }
    if report.incidents.is_empty() {
        blocks.extend(report.notes.iter().map(|note| row("note", Tone::Plain, postmortem::note(note))));
    }
    blocks.extend(cautions(report));
    blocks.push(more(report));
    blocks
}

fn head(report: &Report) -> Block {
    let coverage = &report.coverage;
    let mut head = counted(coverage.entries, "entry", "entries");
    if let (Some(first), Some(last)) = (coverage.first, coverage.last) {
        head.push_str(&format!(", {} to {} UTC", first.date_clock(), clock(last, first)));
    }
    let sources = counted(coverage.sources.len() as u64, "source", "sources");
    row("", Tone::Quiet, format!("firstfault {}: {head}, {sources}", report.tool_version))
}

fn first(incident: &Incident, report: &Report) -> Vec<Block> {
    let mut blocks = vec![banner(incident, report)];
    let Some(cause) = incident.causes.first() else { return blocks };
    blocks.push(why(cause));
    blocks.extend(quotes(cause, incident));
    blocks.extend(cause.against.first().map(|against| one_line("but", Tone::Warning, against.clone())));
    blocks.extend(change(cause, incident));
    blocks.extend(shared(incident));
    blocks.extend(action(cause));
    blocks.push(hit(incident));
    blocks.extend(chain(incident));
    blocks.extend(journeys(incident, report));
    blocks.extend(known(incident, report));
    blocks
}

/// User journeys that need what fails, as a profile names them.
fn journeys(incident: &Incident, report: &Report) -> Option<Block> {
    let tickets = report.given.iter().flat_map(|given| &given.tickets).filter(|ticket| ticket.incident == incident.id);
    let said: Vec<String> = tickets
        .flat_map(|ticket| &ticket.journeys)
        .map(|journey| format!("{}: {} since {}", journey.name, journey.state, journey.since.clock()))
        .collect();
    (!said.is_empty()).then(|| row("given", Tone::Failing, said.join(", ")))
}

fn further(incident: &Incident, report: &Report) -> Vec<Block> {
    let mut blocks = vec![banner(incident, report)];
    let Some(cause) = incident.causes.first() else { return blocks };
    blocks.push(why(cause));
    blocks.extend(quotes(cause, incident).into_iter().take(1));
    blocks.extend(action(cause));
    blocks
}

/// Priority, state, what users see, since when.
fn banner(incident: &Incident, report: &Report) -> Block {
    let state = wording::status(incident.status).to_uppercase();
    let left = format!("{} {state}  {}", wording::priority(incident.priority), wording::seen_by_users(incident));
    let first = report.coverage.first.unwrap_or(incident.start);
    let length = duration(wording::last_known(incident, &report.coverage).seconds_since(incident.start));
    let start = clock(incident.start, first);
    let right = match (incident.status, incident.end) {
        (Status::Ongoing, _) | (_, None) => format!("since {start} ({length})"),
        (Status::Resolved, Some(end)) => format!("{start} to {} ({length})", clock(end, incident.start)),
        (Status::Unknown, Some(_)) => format!("since {start} (at least {length})"),
    };
    Block::Banner { left, right, tone: Tone::Failing }
}

/// The cause in a line: what, or the error's own words, and where.
pub(super) fn why_text(cause: &Cause) -> Text {
    let what = match &cause.words {
        Some(words) => Text::new().code(cut(&essence(words), WORDS)),
        None => Text::from(cause.title.clone()),
    };
    if what.flat().contains(incident::short(&cause.component)) {
        return what;
    }
    what.plain(format!(" at {} ", kind(cause.component_kind))).code(cause.component.clone())
}

fn why(cause: &Cause) -> Block {
    let aside = format!("{} ({:.2})", wording::odds(cause.confidence), cause.confidence);
    Block::Row { label: "why", tone: Tone::Cause, text: why_text(cause), aside, lines: 2 }
}

/// The entry that shows the cause, with how often, and one of another kind.
fn quotes(cause: &Cause, incident: &Incident) -> Vec<Block> {
    let other = cause.evidence.iter().find(|other| {
        cause.evidence.first().is_some_and(|first| first_letters(&other.message) != first_letters(&first.message))
    });
    let first = cause.evidence.first().map(|evidence| quote(evidence, incident, shown_times(incident)));
    let mut quotes: Vec<Block> = first.into_iter().chain(other.map(|evidence| quote(evidence, incident, 1))).collect();
    for (i, quote) in quotes.iter_mut().enumerate() {
        if let Block::Quote { said, lines, .. } = quote {
            (*said, *lines) = (essence(said), if i == 0 { 2 } else { 1 });
        }
    }
    quotes
}

/// Entries that show the cause itself, as the first link of the chain counts them.
pub(super) fn shown_times(incident: &Incident) -> u64 {
    incident.chain.first().map_or(1, |link| link.count)
}

/// What tells kinds of messages apart: the first letters, without numbers.
fn first_letters(message: &str) -> String {
    message.chars().filter(|c| c.is_alphabetic()).take(24).collect()
}

/// A message without what its reader does not need: the time in front, which stands there already, and addresses of manuals.
fn essence(message: &str) -> String {
    let is_time = |word: &&str| {
        word.chars().all(|c| c.is_ascii_digit() || "-/:.,+TZ[]".contains(c))
            && word.contains(|c: char| c.is_ascii_digit())
    };
    let mut words = message.split_whitespace().skip_while(is_time).peekable();
    let mut kept: Vec<&str> = Vec::new();
    if words.peek().is_none() {
        return message.to_owned();
    }
    for word in words {
        let word = if word.starts_with("https://") || word.starts_with("http://") { "…" } else { word };
        if word != "…" || kept.last() != Some(&"…") {
            kept.push(word);
        }
    }
    kept.join(" ")
}

pub(super) fn quote(evidence: &Evidence, incident: &Incident, times: u64) -> Block {
    Block::Quote {
        at: clock(evidence.effect_time, incident.start),
        who: evidence.component.clone(),
        said: evidence.message.clone(),
        times,
        link: evidence.link.clone(),
        lines: 2,
    }
}

fn change(cause: &Cause, incident: &Incident) -> Option<Block> {
    let trigger = cause.trigger.as_ref()?;
    let lead = incident.start.seconds_since(trigger.at);
    let when = if lead >= 0.0 { format!("{} before", duration(lead)) } else { format!("{} after", duration(-lead)) };
    let text = Text::from(format!("{} {} on ", clock(trigger.at, incident.start), trigger.title))
        .code(incident::short(&trigger.resource))
        .by(trigger.actor.as_ref())
        .plain(format!(", {when}"));
    Some(row("change", Tone::Plain, text))
}

fn shared(incident: &Incident) -> Option<Block> {
    let contrast = incident.contrast.as_ref().filter(|contrast| !contrast.shared.is_empty())?;
    let sentence = contrast.sentences.first()?;
    Some(row("shared", Tone::Plain, sentence.clone()))
}

/// The first thing to do.
pub(super) fn first_action(cause: &Cause) -> Option<&Action> {
    let now = cause.actions.iter().filter(|action| action.priority == Tier::Now);
    now.clone().find(|action| action.command.is_some()).or_else(|| now.clone().next()).or_else(|| cause.actions.first())
}

fn action(cause: &Cause) -> Vec<Block> {
    let Some(first) = first_action(cause) else { return Vec::new() };
    let mut blocks = said(first, "do");
    // What destroys something comes with the look that goes before it.
    let next = cause.actions.iter().skip_while(|action| !std::ptr::eq(*action, first)).nth(1);
    if let Some(next) = next.filter(|next| next.destructive && next.priority == first.priority) {
        blocks.extend(said(next, ""));
    }
    blocks
}

fn said(action: &Action, label: &'static str) -> Vec<Block> {
    let text = Text::from(action.text.clone());
    let text = if action.destructive { text.strong(" Destructive.") } else { text };
    let command = action.command.iter().map(|command| Block::Command(command.clone()));
    std::iter::once(row(label, Tone::Plain, text)).chain(command).collect()
}

/// Who suffers, and how much: by requests where some failed, else by those that were refused, else by entries.
fn hit(incident: &Incident) -> Block {
    let of = |count: &dyn Fn(&Affected) -> u64| -> Vec<&Affected> {
        incident.affected.iter().filter(|affected| count(affected) > 0).collect()
    };
    let (failed, refused) = (of(&|affected| affected.failures), of(&|affected| affected.refused));
    let said: Vec<String> = match (failed.is_empty(), refused.is_empty()) {
        (false, _) => failed.iter().take(HIT).map(|a| share(a, a.failures, "")).collect(),
        (true, false) => refused.iter().take(HIT).map(|a| share(a, a.refused, " refused")).collect(),
        (true, true) => incident.affected.iter().take(HIT).map(entries_hit).collect(),
    };
    let others = incident.affected.len().saturating_sub(said.len());
    let more = if others > 0 { format!(", and {others} more") } else { String::new() };
    row("hit", Tone::Plain, format!("{}{more}", said.join(", ")))
}

fn share(affected: &Affected, n: u64, what: &str) -> String {
    let name = &affected.component;
    match affected.requests {
        0 => format!("{name} {}{what}", counted(n, "request", "requests")),
        all => format!("{name} {} of {}{what}", count(n), counted(all, "request", "requests")),
    }
}

fn entries_hit(affected: &Affected) -> String {
    format!("{} {}", affected.component, counted(affected.failure_entries, "failing entry", "failing entries"))
}

fn chain(incident: &Incident) -> Option<Block> {
    if incident.chain.len() < 2 {
        return None;
    }
    let link = |link: &crate::report::Link| {
        let title = cut(&link.title, LINK_CHARS).into_owned();
        format!("{title} at {} ×{}", link.component, count(link.count))
    };
    let mut links: Vec<String> = incident.chain.iter().take(LINKS).map(link).collect();
    let more = incident.chain.len().saturating_sub(LINKS);
    if more > 0 {
        links.push(format!("{more} more"));
    }
    Some(Block::Row {
        label: "chain",
        tone: Tone::Plain,
        text: links.join(" → ").into(),
        aside: String::new(),
        lines: 3,
    })
}

/// Whether this was seen before, where a history was given.
fn known(incident: &Incident, report: &Report) -> Option<Block> {
    match (&incident.regression, report.earlier_known) {
        (Some(regression), _) => Some(row("earlier", Tone::Warning, regression.text.clone())),
        (None, Some(n)) => {
            Some(row("earlier", Tone::Plain, format!("never seen in {}", counted(n, "incident", "incidents"))))
        }
        (None, None) => None,
    }
}

/// What was lost first, then what the export cannot show.
pub(super) fn doubts(coverage: &Coverage) -> Vec<String> {
    let errors =
        coverage.sources.iter().filter_map(|source| Some(format!("{}: {}", source.name, source.error.as_ref()?)));
    let lost = coverage.malformed.iter().map(|range| {
        format!("{}: {} bytes lost at byte {}: {}", range.source, count(range.len), count(range.offset), range.reason)
    });
    let bounds = (!coverage.limits_reached.is_empty())
        .then(|| format!("some counts are incomplete: bounds reached: {}", coverage.limits_reached.join(", ")));
    errors.chain(lost).chain(bounds).chain(coverage.warnings.iter().map(|warning| warning.text.clone())).collect()
}

fn cautions(report: &Report) -> Option<Block> {
    let doubts = doubts(&report.coverage);
    let (first, rest) = doubts.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" (and {} more: -v)", rest.len()) };
    Some(one_line("caution", Tone::Warning, format!("{}{more}", cut(first, LINE.saturating_sub(more.chars().count())))))
}

fn more(report: &Report) -> Block {
    let next = match report.incidents.first() {
        None => "firstfault patterns FILE… · -v".to_owned(),
        Some(first) => format!("firstfault show {} FILE… · -v · -o postmortem.md", first.id),
    };
    row("more", Tone::Quiet, next)
}
