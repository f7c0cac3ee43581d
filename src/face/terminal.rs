//! Blocks as lines for a terminal.

use comfy_table::{ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::chart::sparkline;
use super::document::{Block, Piece, Text, Tone};
use super::escape::{self, cut, link};
use crate::report::wording::count;

/// Columns of the labels on the left.
const LABEL: usize = 8;

/// Narrower terminals get lines of this width: less leaves no room beside the labels.
const MIN_WIDTH: usize = 40;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns.
    pub width: usize,
    /// ANSI colours.
    pub color: bool,
    /// Addresses behind names (OSC 8), for terminals that can open them.
    pub links: bool,
}

impl Default for Options {
    /// Eighty columns, nothing but text.
    fn default() -> Options {
        Options { width: 80, color: false, links: false }
    }
}

/// Ways to set text apart; none carries a meaning alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Failing,
    Cause,
    Warning,
    Command,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Failing => "1;31",
            Ink::Cause => "1;35",
            Ink::Warning => "33",
            Ink::Command => "36",
        }
    }

    fn of(tone: Tone) -> Ink {
        match tone {
            Tone::Plain => Ink::Plain,
            Tone::Failing => Ink::Failing,
            Tone::Cause => Ink::Cause,
            Tone::Warning => Ink::Warning,
            Tone::Quiet => Ink::Dim,
        }
    }
}

/// The blocks in lines of at most `options.width` columns. Only commands can be longer, where a word of theirs is.
pub(super) fn render(blocks: &[Block], options: &Options) -> String {
    let options = Options { width: options.width.max(MIN_WIDTH), ..*options };
    let mut lines = Lines { options, out: String::new() };
    blocks.iter().for_each(|block| lines.block(block));
    lines.out
}

struct Lines {
    options: Options,
    out: String,
}

impl Lines {
    fn block(&mut self, block: &Block) {
        match block {
            Block::Title(text) => self.wrapped("", Ink::Bold, &plain(text)),
            Block::Heading(level, text) => {
                self.push("");
                let text = plain(text);
                self.wrapped("", Ink::Bold, &if *level <= 2 { text.to_uppercase() } else { text });
            }
            Block::Prose(text) => self.wrapped("", Ink::Plain, &plain(text)),
            Block::List(items) => items.iter().for_each(|item| self.item(&plain(item))),
            Block::Table { head, rows } => self.table(head, rows),
            Block::Banner { left, right, tone } => self.banner(left, right, *tone),
            Block::Row { label, tone, text, aside, lines } => self.row(label, *tone, &plain(text), aside, *lines),
            Block::Quote { at, who, said, times, link, lines } => {
                self.quote(at, &format!("{who} │ {said}"), *times, link.as_deref(), *lines);
            }
            Block::Command(command) => self.command(command),
            Block::Chart { slots, .. } => {
                let line = sparkline(slots, self.options.width.saturating_sub(LABEL).min(60));
                self.row("", Tone::Failing, &line, "", 1);
            }
            Block::Fold { title, blocks } => {
                self.block(&Block::Heading(2, title.clone()));
                blocks.iter().for_each(|block| self.block(block));
            }
        }
    }

    /// Both ends of a line, or two lines where they do not fit one.
    fn banner(&mut self, left: &str, right: &str, tone: Tone) {
        self.push("");
        let (left, right) = (escape::terminal(left), escape::terminal(right));
        let room = self.options.width.saturating_sub(right.width());
        if left.width() < room {
            let blank = " ".repeat(room - left.width());
            let left = self.paint(Ink::of(tone), &left);
            self.push(&format!("{left}{blank}{right}"));
        } else {
            self.wrapped("", Ink::of(tone), &left);
            self.row("", Tone::Plain, &right, "", 1);
        }
    }

    /// A label, and beside it at most `most` lines; the aside ends the first line when it fits, else the last.
    fn row(&mut self, label: &str, tone: Tone, text: &str, aside: &str, most: usize) {
        let label_columns = if label.is_empty() && tone == Tone::Quiet { 0 } else { LABEL };
        let width = self.options.width - label_columns;
        let mut lines = wrap(text, width);
        let is_cut = lines.len() > most;
        lines.truncate(most);
        if let Some(last) = lines.last_mut().filter(|_| is_cut) {
            *last = cut(&format!("{last} …"), width).into_owned();
        }
        let has_room = |line: &String| width > line.width() + aside.width();
        let mut aside_at = lines.iter().position(has_room).filter(|_| !aside.is_empty());
        if !aside.is_empty() && aside_at.is_none() {
            if lines.len() < most {
                lines.push(String::new());
            } else if let Some(last) = lines.last_mut() {
                *last = cut(&format!("{last} …"), width.saturating_sub(aside.width() + 1)).into_owned();
            }
            aside_at = Some(lines.len() - 1);
        }
        for (i, line) in lines.iter().enumerate() {
            let name = self.paint(Ink::Bold, &format!("{:<label_columns$}", if i == 0 { label } else { "" }));
            let text = self.paint(Ink::of(tone), line);
            let blank = width.saturating_sub(line.width() + aside.width());
            let end = if aside_at == Some(i) { format!("{}{aside}", " ".repeat(blank)) } else { String::new() };
            self.push(&format!("{name}{text}{end}"));
        }
    }

    /// The evidence: the most readable thing of a screen.
    fn quote(&mut self, at: &str, said: &str, times: u64, url: Option<&str>, most: usize) {
        let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let times = if times > 1 { format!("   ×{}", count(times)) } else { String::new() };
        let head = escape::terminal(at).into_owned();
        let width = self.options.width - LABEL;
        let body = escape::terminal(&said);
        let mut lines = wrap(&format!("{head} {body}"), width);
        let is_cut = lines.len() > most;
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let room = width.saturating_sub(times.width());
            if is_cut || last.width() > room {
                *last = cut(&format!("{last} …"), room).into_owned();
            }
            last.push_str(&times);
        }
        for (i, line) in lines.iter().enumerate() {
            let line = match line.strip_prefix(head.as_str()) {
                Some(rest) if i == 0 => format!("{}{}", self.linked(&head, url), self.paint(Ink::Bold, rest)),
                _ => self.paint(Ink::Bold, line),
            };
            self.push(&format!("{:LABEL$}{line}", ""));
        }
    }

    /// A command that can be copied: broken only between words.
    fn command(&mut self, command: &str) {
        let command = escape::terminal(command);
        for (i, line) in break_command(&command, self.options.width.saturating_sub(LABEL + 4)).iter().enumerate() {
            let prompt = if i == 0 { "$ " } else { "    " };
            let line = self.paint(Ink::Command, line);
            self.push(&format!("{:LABEL$}{prompt}{line}", ""));
        }
    }

    fn item(&mut self, text: &str) {
        for (i, line) in wrap(text, self.options.width - 2).iter().enumerate() {
            self.push(&format!("{}{line}", if i == 0 { "- " } else { "  " }));
        }
    }

    fn table(&mut self, head: &[&'static str], rows: &[Vec<Text>]) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(self.options.width.min(usize::from(u16::MAX)) as u16);
        if !head.is_empty() {
            table.set_header(head);
        }
        for row in rows {
            table.add_row(row.iter().map(plain));
        }
        table.lines().for_each(|line| self.push(line.strip_prefix(' ').unwrap_or(&line)));
    }

    fn wrapped(&mut self, indent: &str, ink: Ink, text: &str) {
        for line in wrap(text, self.options.width - indent.len()) {
            let line = self.paint(ink, &line);
            self.push(&format!("{indent}{line}"));
        }
    }

    fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        let plain = !self.options.color || ink.code().is_empty() || text.trim().is_empty();
        if plain { text.to_owned() } else { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) }
    }

    /// A text behind which an address stands (OSC 8).
    fn linked(&self, text: &str, url: Option<&str>) -> String {
        match url.and_then(link).filter(|_| self.options.links) {
            Some(url) => format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\"),
            None => text.to_owned(),
        }
    }
}

/// A text without marks, safe for a terminal.
fn plain(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) | Piece::Strong(text) | Piece::Code(text) => escape::terminal(text).into_owned(),
        // An address fills lines and is in the other faces; the entry is found by its insertId.
        Piece::Link { .. } => String::new(),
    };
    text.0.iter().map(piece).collect()
}

/// Lines of at most `width` columns, broken at spaces, and inside a word only where it does not fit a line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
}

/// A command in lines of about `width` columns: a backslash ends each but the last, between words of the shell.
fn break_command(command: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in shell_words(command) {
        let line = lines.last_mut().expect("there is a line");
        if !line.is_empty() && line.width() + 3 + word.width() > width {
            line.push_str(" \\");
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Words as a shell reads them: a space in quotes ends none.
fn shell_words(command: &str) -> Vec<&str> {
    let mut quote = None;
    let mut words = Vec::new();
    let mut start = 0;
    for (at, c) in command.char_indices() {
        match (quote, c) {
            (None, ' ') => {
                words.push(&command[start..at]);
                start = at + 1;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    words.push(&command[start..]);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::document::row;
    use super::*;

    #[test]
    fn a_row_ends_where_it_must_and_says_so() {
        let text = "word ".repeat(60);
        let shown = render(&[row("why", Tone::Plain, text)], &Options::default());
        assert_eq!(shown.lines().count(), 2);
        assert!(shown.trim_end().ends_with('…'), "{shown}");
        assert!(shown.lines().all(|line| line.width() <= 80));
    }

    #[test]
    fn an_aside_stands_at_the_right_margin() {
        let block = |n: usize| Block::Row {
            label: "why",
            tone: Tone::Cause,
            text: "x".repeat(n).into(),
            aside: "likely (0.68)".into(),
            lines: 2,
        };
        for n in [1, 40, 58, 59, 60, 72, 300] {
            let shown = render(&[block(n)], &Options::default());
            assert!(shown.contains("likely (0.68)") && shown.lines().count() <= 2, "{n}: {shown}");
            assert!(shown.lines().all(|line| line.width() <= 80), "{n}: {shown}");
        }
    }

    #[test]
    fn a_broken_command_is_the_same_command() {
        let command = "gcloud logging read 'resource.type=\"a b\" AND severity>=ERROR' --project acme --order asc";
        let lines = break_command(command, 30);
        assert!(lines.len() > 2 && lines[..lines.len() - 1].iter().all(|line| line.ends_with(" \\")));
        assert_eq!(lines.join("\n").replace(" \\\n", " "), command);
    }

    #[test]
    fn a_link_is_written_only_when_asked_for() {
        let quote = Block::Quote {
            at: "10:00:00".into(),
            who: "shop".into(),
            said: "it broke".into(),
            times: 3,
            link: Some("https://console.example/x".into()),
            lines: 2,
        };
        let plain = render(std::slice::from_ref(&quote), &Options::default());
        assert!(!plain.contains("console") && plain.contains("×3"));
        let linked = render(&[quote], &Options { links: true, ..Options::default() });
        assert!(linked.contains("\u{1b}]8;;https://console.example/x\u{1b}\\10:00:00"));
    }
}
