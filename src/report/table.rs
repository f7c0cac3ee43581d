//! The report on a terminal: the first screen says what broke, why, since when, and what to do.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::chart::{bar, sparkline};
use super::escape::{cut, spreadsheet, terminal};
use super::wording::{
    self, TIERS, bytes, clock, count, counted, duration, failures, kind, layer, length, list, percent, short_method,
    status, uncovered,
};
use super::{Action, Affected, Cause, Evidence, Incident, Priority, Report};

/// Columns of the labels on the left.
const LABEL: usize = 10;
/// Narrower terminals get lines of this width; less leaves no room beside the labels.
const MIN_WIDTH: usize = 40;
/// Quoted entries of the first cause.
const QUOTES: usize = 3;
/// Characters of a quote: three lines on 80 columns.
const QUOTE_CHARS: usize = 190;
/// Rows of the table of affected components.
const MAX_AFFECTED: usize = 8;
/// Patterns of noise, changes and lost ranges named one by one.
const FEW: usize = 4;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns.
    pub width: usize,
    /// ANSI colours.
    pub color: bool,
    /// Every term of every score.
    pub explain: bool,
    /// Incidents shown in full, and candidates shown per incident.
    pub top: usize,
}

impl Default for Options {
    /// Eighty columns, no colour, three incidents and candidates.
    fn default() -> Options {
        Options { width: 80, color: false, explain: false, top: 3 }
    }
}

/// The report as lines for a terminal.
pub fn render(report: &Report, options: &Options) -> String {
    let options = Options { width: options.width.max(MIN_WIDTH), top: options.top.max(1), ..*options };
    let mut screen = Screen { report, options, out: String::new() };
    screen.head();
    for (i, incident) in report.incidents.iter().enumerate() {
        if i < options.top { screen.incident(incident) } else { screen.brief(incident) }
    }
    screen.rule();
    screen.notes();
    screen.noise();
    screen.coverage();
    screen.gaps();
    screen.next();
    screen.out
}

/// Ways to set text apart; none carries a meaning alone.
#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Alarm,
    Warn,
    Command,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Alarm => "1;31",
            Ink::Warn => "33",
            Ink::Command => "36",
        }
    }
}

struct Screen<'r> {
    report: &'r Report,
    options: Options,
    out: String,
}

impl Screen<'_> {
    fn head(&mut self) {
        let coverage = &self.report.coverage;
        let mut head =
            format!("firstfault {} · {}", self.report.tool_version, counted(coverage.entries, "entry", "entries"));
        if let (Some(first), Some(last)) = (coverage.first, coverage.last) {
            let last = clock(last, first);
            head.push_str(&format!(" · {} to {last} UTC", first.date_clock()));
        }
        self.wrapped("", Ink::Dim, &head);
        self.blank();
        self.labelled("VERDICT", Ink::Bold, &self.report.verdict);
        if self.report.incidents.is_empty() {
            self.labelled("", Ink::Plain, "No incident in this export.");
        }
        if !self.report.coverage.warnings.is_empty() {
            let codes: Vec<String> = self.report.coverage.warnings.iter().map(|warning| warning.code.clone()).collect();
            self.labelled("caution", Ink::Warn, &format!("{} (see coverage below)", codes.join(", ")));
        }
    }

    fn incident(&mut self, incident: &Incident) {
        self.rule();
        self.incident_head(incident);
        self.first_action(incident);
        if let Some(cause) = incident.causes.first() {
            self.cause(cause, incident);
        }
        self.contrast(incident);
        self.chain(incident);
        self.failures(incident);
        self.affected(&incident.affected);
        self.restarts(incident);
        self.ruled_out(incident);
        self.actions(incident);
        self.changes(incident);
        self.journeys(incident);
        self.runners_up(incident);
        self.earlier(incident);
    }

    fn incident_head(&mut self, incident: &Incident) {
        let state = format!("{:?} {}", incident.priority, status(incident.status).to_uppercase());
        let ink = if incident.priority <= Priority::P1 { Ink::Alarm } else { Ink::Warn };
        self.wrapped("", ink, &format!("{state}  {}  {}", incident.id, incident.title));
        let since = format!(
            "{} UTC, {}; {}",
            incident.start.date_clock(),
            length(incident, &self.report.coverage),
            counted(incident.failure_entries, "failing entry", "failing entries")
        );
        self.labelled("since", Ink::Plain, &since);
        for gap in uncovered(incident) {
            self.labelled("", Ink::Warn, &gap);
        }
        self.labelled("", Ink::Dim, &incident.priority_rule);
    }

    /// The first thing to do, before the reasons for it.
    fn first_action(&mut self, incident: &Incident) {
        let Some(action) = first_action(incident) else { return };
        self.labelled("DO NOW", Ink::Bold, &format!("{}: {}", action.owner, action.text));
        self.command(LABEL, action);
    }

    fn cause(&mut self, cause: &Cause, incident: &Incident) {
        let what = format!(
            "{} layer, {} {}, confidence {:.2}",
            layer(cause.layer),
            kind(cause.component_kind),
            cause.component,
            cause.confidence
        );
        self.labelled("CAUSE", Ink::Bold, &cause.title);
        self.labelled("", Ink::Plain, &what);
        let reach = format!(
            "first seen {}, shown by {}, explains {} of {} failing entries",
            clock(cause.first_seen, incident.start),
            counted(cause.count, "entry", "entries"),
            count(cause.explains),
            count(incident.failure_entries)
        );
        self.labelled("", Ink::Plain, &reach);
        for evidence in cause.evidence.iter().take(QUOTES) {
            self.quote(evidence, incident);
        }
        for against in &cause.against {
            self.labelled("against", Ink::Warn, against);
        }
        if let Some(trigger) = &cause.trigger {
            let actor = trigger.actor.as_ref().map_or(String::new(), |actor| format!(" by {actor}"));
            let lead = duration(incident.start.seconds_since(trigger.at));
            let what = short_method(&trigger.what);
            let text = format!(
                "{} {what} on {}{actor}, {lead} before the onset",
                clock(trigger.at, incident.start),
                trigger.resource
            );
            self.labelled("trigger", Ink::Plain, &text);
        }
        self.features(cause);
    }

    fn quote(&mut self, evidence: &Evidence, incident: &Incident) {
        let message = cut(&terminal(&evidence.message), QUOTE_CHARS).into_owned();
        let text = format!("{} {} │ {message}", clock(evidence.effect_time, incident.start), evidence.component);
        self.wrapped(&" ".repeat(LABEL), Ink::Dim, &text);
    }

    fn features(&mut self, cause: &Cause) {
        if !self.options.explain {
            return;
        }
        self.labelled(
            "score",
            Ink::Plain,
            &format!("{:.3} for {} at {}", cause.score, cause.signature, cause.component),
        );
        for feature in &cause.features {
            let term = feature.value * feature.weight + 0.0; // no negative zero
            let text = format!(
                "{term:+.3} = {:.3} × {:+.3}  {}: {}",
                feature.value, feature.weight, feature.name, feature.text
            );
            self.wrapped(&" ".repeat(LABEL), Ink::Plain, &text);
        }
    }

    fn contrast(&mut self, incident: &Incident) {
        let sentences = incident.contrast.iter().flat_map(|contrast| &contrast.sentences);
        for (i, sentence) in sentences.enumerate() {
            self.labelled(if i == 0 { "in common" } else { "" }, Ink::Plain, sentence);
        }
    }

    fn notes(&mut self) {
        for (i, note) in self.report.notes.iter().enumerate() {
            self.labelled(if i == 0 { "notes" } else { "" }, Ink::Plain, &wording::note(note));
        }
    }

    fn chain(&mut self, incident: &Incident) {
        for (i, link) in incident.chain.iter().enumerate() {
            let label = if i == 0 { "chain" } else { "" };
            let when =
                if i == 0 { link.first_seen.clock() } else { format!("{}{}", sign(link.lag_s), duration(link.lag_s)) };
            let mark = if link.basis == "observed" || i == 0 { "" } else { " (inferred)" };
            let text = format!("{when:>9} {} at {}, ×{}{mark}", link.title, link.component, count(link.count));
            self.labelled_hanging(label, Ink::Plain, &text, 10);
        }
    }

    fn failures(&mut self, incident: &Incident) {
        let (Some(first), Some(last)) = (incident.timeline.first(), incident.timeline.last()) else { return };
        let line = sparkline(&incident.timeline, (self.options.width - LABEL - 20).min(60));
        let end = last.start.plus((last.width_s * 1e9) as i64);
        let peak = incident.timeline.iter().map(failures).max().unwrap_or(0);
        let peak = format!(", peak {} in {}", count(peak), duration(first.width_s));
        let minute = |at: crate::time::Timestamp| at.clock().get(..5).unwrap_or_default().to_owned();
        self.labelled("failures", Ink::Alarm, &format!("{line} {} to {}{peak}", minute(first.start), minute(end)));
    }

    fn affected(&mut self, affected: &[Affected]) {
        if affected.is_empty() {
            return;
        }
        let rows: Vec<Row> = affected.iter().take(MAX_AFFECTED).map(affected_row).collect();
        for line in grid(&rows, self.options.width) {
            self.push_line(&line);
        }
        if affected.len() > MAX_AFFECTED {
            let more = counted((affected.len() - MAX_AFFECTED) as u64, "component", "components");
            self.labelled("", Ink::Dim, &format!("and {more} that suffer less"));
        }
    }

    fn restarts(&mut self, incident: &Incident) {
        let Some(restarts) = &incident.restarts else { return };
        let codes: Vec<String> = restarts.exit_codes.iter().map(|(code, n)| format!("{code} ×{}", count(*n))).collect();
        let period = restarts.period_s.map_or(String::new(), |period| format!(", every {}", duration(period)));
        let text = format!(
            "{}. {} of {}{period}, exit code {}",
            restarts.text.trim_end_matches('.'),
            counted(restarts.exits, "exit", "exits"),
            restarts.component,
            list(&codes)
        );
        self.labelled("restarts", Ink::Plain, &text);
    }

    fn ruled_out(&mut self, incident: &Incident) {
        for (i, ruled_out) in incident.ruled_out.iter().enumerate() {
            let label = if i == 0 { "ruled out" } else { "" };
            self.labelled(label, Ink::Plain, &format!("{}: {}", layer(ruled_out.layer), ruled_out.text));
        }
    }

    fn actions(&mut self, incident: &Incident) {
        let mut label = "then";
        let shown = first_action(incident);
        let actions = wording::actions(incident);
        for (tier, _) in TIERS {
            let is_shown = |action: &&Action| shown.is_some_and(|first| std::ptr::eq(*action, first));
            let of_tier = actions.iter().copied().filter(|action| action.priority == tier && !is_shown(action));
            for action in of_tier {
                let text = format!("{tier:<5} {}: {}", action.owner, action.text);
                self.labelled_hanging(label, Ink::Plain, &text, 6);
                self.command(LABEL + 6, action);
                label = "";
            }
        }
    }

    /// A command that can be copied: broken only where a shell allows it.
    fn command(&mut self, indent: usize, action: &Action) {
        let Some(command) = &action.command else { return };
        self.shell(indent, command);
    }

    fn shell(&mut self, indent: usize, command: &str) {
        let lines = break_command(&terminal(command), self.options.width.saturating_sub(indent + 4));
        for (i, line) in lines.iter().enumerate() {
            let prompt = if i == 0 { "$ " } else { "  " };
            let line = self.paint(Ink::Command, line);
            self.out.push_str(&format!("{}{prompt}{line}\n", " ".repeat(indent)));
        }
    }

    fn changes(&mut self, incident: &Incident) {
        let changes = &incident.changes;
        for (i, change) in changes.iter().take(FEW).enumerate() {
            let label = if i == 0 { "changes" } else { "" };
            let text = format!(
                "{} {} on {}: {}, {}",
                clock(change.at, incident.start),
                short_method(&change.what),
                change.resource,
                change.verdict,
                change.text
            );
            self.labelled(label, Ink::Plain, &text);
        }
        if changes.len() > FEW {
            self.labelled("", Ink::Dim, &format!("and {} more", changes.len() - FEW));
        }
    }

    fn journeys(&mut self, incident: &Incident) {
        let tickets = self.report.given.iter().flat_map(|given| &given.tickets);
        let lines: Vec<String> = tickets
            .filter(|ticket| ticket.incident == incident.id)
            .flat_map(|ticket| &ticket.journeys)
            .map(|journey| {
                format!(
                    "{}: {} since {} ({})",
                    journey.name,
                    journey.state,
                    journey.since.clock(),
                    list(&journey.services)
                )
            })
            .collect();
        for (i, line) in lines.iter().enumerate() {
            self.labelled(if i == 0 { "journeys" } else { "" }, Ink::Alarm, line);
        }
    }

    fn runners_up(&mut self, incident: &Incident) {
        let others = incident.causes.iter().skip(1).take(self.options.top.saturating_sub(1).max(1));
        for (i, cause) in others.enumerate() {
            let label = if i == 0 { "not first" } else { "" };
            let why_not = cause.why_not.as_ref().map_or(String::new(), |why| format!("; {why}"));
            let text =
                format!("{}. {} at {} ({:.2}){why_not}", cause.rank, cause.title, cause.component, cause.confidence);
            self.labelled(label, Ink::Plain, &text);
            self.features(cause);
        }
    }

    fn earlier(&mut self, incident: &Incident) {
        match (&incident.regression, self.report.earlier_known) {
            (Some(regression), _) => self.labelled("earlier", Ink::Warn, &regression.text),
            (None, Some(known)) => {
                let known = counted(known, "earlier incident", "earlier incidents");
                self.labelled("earlier", Ink::Plain, &format!("never seen here ({known} compared)"));
            }
            (None, None) => {}
        }
    }

    /// An incident past the first few, in three lines.
    fn brief(&mut self, incident: &Incident) {
        self.rule();
        self.incident_head(incident);
        if let Some(cause) = incident.causes.first() {
            self.labelled(
                "cause",
                Ink::Plain,
                &format!("{} at {}, confidence {:.2}", cause.title, cause.component, cause.confidence),
            );
        }
    }

    fn noise(&mut self) {
        let noise = &self.report.noise;
        for (i, pattern) in noise.iter().take(FEW).enumerate() {
            let label = if i == 0 { "noise" } else { "" };
            let text =
                format!("×{} {} at {}: {}", count(pattern.count), pattern.title, pattern.component, pattern.reason);
            self.labelled(label, Ink::Dim, &text);
        }
        if noise.len() > FEW {
            self.labelled(
                "",
                Ink::Dim,
                &format!("and {} more patterns that fail as often without it", noise.len() - FEW),
            );
        }
    }

    fn coverage(&mut self) {
        let coverage = &self.report.coverage;
        let ledger = &coverage.ledger;
        let strays = if ledger.strays > 0 { format!(" + {} strays", count(ledger.strays)) } else { String::new() };
        let text = format!(
            "{} entries = {} matched + {} mined + {} benign + {} unreadable + {} duplicates + {} outside{strays}; {} in {}",
            count(coverage.entries),
            count(ledger.matched),
            count(ledger.mined),
            count(ledger.benign),
            count(ledger.unreadable),
            count(ledger.duplicates),
            count(ledger.outside),
            bytes(coverage.bytes),
            counted(coverage.sources.len() as u64, "source", "sources"),
        );
        self.labelled("coverage", Ink::Plain, &text);
        for source in coverage.sources.iter().filter(|source| source.error.is_some()) {
            let error = source.error.as_deref().unwrap_or_default();
            self.labelled("", Ink::Warn, &format!("{}: {error}", source.name));
        }
        for range in coverage.malformed.iter().take(FEW) {
            let text = format!("{}: {} bytes lost at {}: {}", range.source, range.len, range.offset, range.reason);
            self.labelled("", Ink::Warn, &text);
        }
        for warning in &coverage.warnings {
            self.labelled("", Ink::Warn, &format!("{}: {}", warning.code, warning.text));
        }
        if !coverage.limits_reached.is_empty() {
            self.labelled("", Ink::Warn, &format!("bounds reached: {}", coverage.limits_reached.join(", ")));
        }
    }

    fn gaps(&mut self) {
        for (i, gap) in self.report.gaps.iter().enumerate() {
            self.labelled(if i == 0 { "missing" } else { "" }, Ink::Plain, &gap.text);
            if let Some(command) = &gap.command {
                self.shell(LABEL, command);
            }
        }
    }

    fn next(&mut self) {
        let text = if self.options.explain || self.report.incidents.is_empty() {
            "`firstfault patterns FILE…` lists every pattern with its counts"
        } else {
            "`--explain` prints every term of the score, `-o postmortem.md` the whole story"
        };
        self.labelled("look next", Ink::Dim, text);
    }

    fn rule(&mut self) {
        let line = self.paint(Ink::Dim, &"─".repeat(self.options.width));
        self.out.push_str(&line);
        self.out.push('\n');
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A label on the left and text beside it.
    fn labelled(&mut self, label: &str, ink: Ink, text: &str) {
        self.labelled_with(label, ink, text, 0);
    }

    /// The same, with every line after the first set in by `hang` more columns.
    fn labelled_hanging(&mut self, label: &str, ink: Ink, text: &str, hang: usize) {
        self.labelled_with(label, ink, text, hang);
    }

    fn labelled_with(&mut self, label: &str, ink: Ink, text: &str, hang: usize) {
        let text = terminal(text);
        for (i, line) in wrap(&text, self.options.width - LABEL, hang).iter().enumerate() {
            let label = format!("{:<LABEL$}", if i == 0 { label } else { "" });
            let label = self.paint(Ink::Bold, &label);
            let line = self.paint(ink, line);
            self.push_line(&format!("{label}{line}"));
        }
    }

    fn wrapped(&mut self, indent: &str, ink: Ink, text: &str) {
        let text = terminal(text);
        for line in wrap(&text, self.options.width - indent.len(), if indent.is_empty() { 0 } else { 2 }) {
            let line = self.paint(ink, &line);
            self.push_line(&format!("{indent}{line}"));
        }
    }

    fn push_line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        let plain = !self.options.color || ink.code().is_empty() || text.trim().is_empty();
        if plain { text.to_owned() } else { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) }
    }
}

/// The first thing to do at once.
fn first_action(incident: &Incident) -> Option<&Action> {
    wording::actions(incident).into_iter().find(|action| action.priority == "now")
}

/// The cells of a row, one for each of [`HEADER`].
type Row = [String; 5];

const HEADER: [&str; 5] = ["affected", "entries", "requests failed", "availability", "restarts"];

/// Columns of numbers, which end at the right.
const IS_NUMBER: [bool; 5] = [false, true, true, false, true];

fn affected_row(affected: &Affected) -> Row {
    let failed = match affected.requests {
        0 => "none seen".to_owned(),
        n => format!("{} of {}", count(affected.failures), count(n)),
    };
    let availability = match affected.availability {
        Some(share) => format!("{} {}", bar(share, 8), percent(share)),
        None => "unknown".to_owned(),
    };
    [
        spreadsheet(&terminal(&affected.component)).into_owned(),
        count(affected.failure_entries),
        failed,
        availability,
        count(affected.restarts),
    ]
}

/// Header and rows with lines between them, at most `width` columns wide.
fn grid(rows: &[Row], width: usize) -> Vec<String> {
    let header = HEADER.map(str::to_owned);
    let widths = column_widths(&header, rows, width);
    let rule = |left: &str, stroke: &str, between: &str, right: &str| {
        format!("{left}{}{right}", widths.map(|width| stroke.repeat(width + 2)).join(between))
    };
    let mut lines = vec![rule("┌", "─", "┬", "┐")];
    lines.extend(cell_lines(&header, &widths));
    lines.push(rule("╞", "═", "╪", "╡"));
    lines.extend(rows.iter().flat_map(|row| cell_lines(row, &widths)));
    lines.push(rule("└", "─", "┴", "┘"));
    lines
}

/// What the widest cell of each column takes; where all together are too wide, the widest column gives way.
fn column_widths(header: &Row, rows: &[Row], width: usize) -> [usize; 5] {
    let mut widths = std::array::from_fn(|i| rows.iter().chain([header]).map(|row| row[i].width()).max().unwrap_or(0));
    // A line, a space on each side of every cell, and the line that ends the row.
    let room = width.saturating_sub(3 * widths.len() + 1).max(widths.len());
    while widths.iter().sum::<usize>() > room {
        if let Some(widest) = widths.iter_mut().max() {
            *widest -= 1;
        }
    }
    widths
}

/// A row in as many lines as its highest cell has.
fn cell_lines(row: &Row, widths: &[usize; 5]) -> Vec<String> {
    let cells: [Vec<String>; 5] = std::array::from_fn(|i| wrap(&row[i], widths[i], 0));
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |n: usize| -> Row {
        std::array::from_fn(|i| {
            let text = cells[i].get(n).map_or("", String::as_str);
            let blank = " ".repeat(widths[i].saturating_sub(text.width()));
            if IS_NUMBER[i] { format!("{blank}{text}") } else { format!("{text}{blank}") }
        })
    };
    (0..height).map(|n| format!("│ {} │", line(n).join(" ┆ "))).collect()
}

fn sign(seconds: f64) -> &'static str {
    if seconds < 0.0 { "" } else { "+" }
}

/// Lines of at most `width` columns, broken at spaces, and inside a word only where it does not fit a line. Lines after
/// the first begin with `hang` spaces.
fn wrap(text: &str, width: usize, hang: usize) -> Vec<String> {
    let hang = hang.min(width / 2);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for (i, word) in text.split(' ').enumerate() {
        let word_width = word.width();
        if i > 0 && used + 1 + word_width <= width {
            push(&mut lines, " ");
            used += 1;
        } else if i > 0 && (used > hang || lines.len() == 1) && !word.is_empty() {
            lines.push(" ".repeat(hang));
            used = hang;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width {
                lines.push(" ".repeat(hang));
                used = hang;
            }
            push(&mut lines, c.encode_utf8(&mut [0; 4]));
            used += columns;
        }
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

/// A shell command in lines of about `width` columns, each but the last ending in a backslash; quoted text is kept whole.
fn break_command(command: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in shell_words(command) {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line) + " \\");
        }
        if !line.is_empty() {
            line.push(' ');
        } else if !lines.is_empty() {
            line.push_str("  ");
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The words of a command, cut at spaces outside quotes.
fn shell_words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    let mut start = 0;
    for (i, c) in command.char_indices() {
        match (c, quote) {
            _ if escaped => escaped = false,
            ('\\', None | Some('"')) => escaped = true,
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (' ', None) => {
                words.push(&command[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    words.push(&command[start..]);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked() {
        for width in [4, 7, 20] {
            for text in [
                "a bb ccc dddd eeeee",
                "日本語 テキスト が ここに",
                "unbreakablewordthatislong x",
                "",
                "  two  spaces  ",
            ] {
                for hang in [0, 2, 10] {
                    let lines = wrap(text, width, hang);
                    assert!(lines.iter().all(|line| line.width() <= width), "{width} {lines:?}");
                }
            }
        }
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
    }

    #[test]
    fn a_table_fits_and_loses_no_cell() {
        let cells = ["checkout", "1,290", "109 of 109", "░░░░░░░░ 0 %", "15"];
        let rows = [
            cells.map(str::to_owned),
            ["日本語/europe-west1/a-connector", "7", "none seen", "unknown", "0"].map(str::to_owned),
        ];
        let tight = |text: &str| text.chars().filter(|c| !"│┆ ".contains(*c)).collect::<String>();
        for width in [MIN_WIDTH, 60, 80, 120] {
            let lines = grid(&rows, width);
            let columns: Vec<usize> = lines.iter().map(|line| line.width()).collect();
            assert!(columns.iter().all(|n| n == &columns[0] && *n <= width), "{width}: {columns:?}");
            if columns[0] < width {
                assert_eq!(lines.len(), 6, "{width}: nothing is broken that fits");
                assert_eq!(tight(&lines[3]), tight(&cells.concat()));
                assert!(lines[3].contains("┆   1,290 ┆") && lines[3].ends_with("┆       15 │"), "{}", lines[3]);
            }
        }
    }

    #[test]
    fn a_broken_command_is_the_same_command() {
        let command = "gcloud logging read 'a AND b \"c d\"' --project=acme-prod --format=json --limit=5";
        let lines = break_command(command, 30);
        assert!(lines.len() > 1 && lines[..lines.len() - 1].iter().all(|line| line.ends_with(" \\")), "{lines:?}");
        let joined = lines.iter().map(|line| line.trim_end_matches(" \\").trim_start()).collect::<Vec<_>>().join(" ");
        assert_eq!(joined, command);
    }
}
