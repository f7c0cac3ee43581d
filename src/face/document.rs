//! A document as blocks: what a face says, before it is decided how it looks.
//!
//! Every text that a block holds is escaped by the renderer, whoever wrote it. A piece only says how a text is set apart.

use crate::report::Slot;
use crate::time::Timestamp;

/// A stretch of text that is set in one way.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// Prose.
    Plain(String),
    /// What a reader must not miss.
    Strong(String),
    /// A name, a path or a quote out of the log.
    Code(String),
    /// An address behind a name.
    Link { name: String, url: String },
}

/// Text in pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text(pub(super) Vec<Piece>);

impl Text {
    /// Text without a piece.
    pub(super) fn new() -> Text {
        Text::default()
    }

    /// More prose.
    pub(super) fn plain(mut self, text: impl Into<String>) -> Text {
        self.0.push(Piece::Plain(text.into()));
        self
    }

    /// More that must not be missed.
    pub(super) fn strong(mut self, text: impl Into<String>) -> Text {
        self.0.push(Piece::Strong(text.into()));
        self
    }

    /// A name or a quote out of the log; in words when it is empty.
    pub(super) fn code(mut self, text: impl Into<String>) -> Text {
        let text = text.into();
        self.0.push(if text.trim().is_empty() { Piece::Plain("(empty)".to_owned()) } else { Piece::Code(text) });
        self
    }

    /// An address behind a name; nothing without an address.
    pub(super) fn link(mut self, name: impl Into<String>, url: Option<&String>) -> Text {
        self.0.extend(url.map(|url| Piece::Link { name: name.into(), url: url.clone() }));
        self
    }

    /// Who did it, when that is known.
    pub(super) fn by(self, actor: Option<&String>) -> Text {
        match actor {
            Some(actor) => self.plain(" by ").code(actor.clone()),
            None => self,
        }
    }

    /// The text alone.
    pub(super) fn flat(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Plain(text) | Piece::Strong(text) | Piece::Code(text) => text.clone(),
            Piece::Link { name, .. } => name.clone(),
        };
        self.0.iter().map(text).collect()
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Text {
        Text::new().plain(text)
    }
}

/// What a text is about: a face may colour it, and says the same without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// Something fails.
    Failing,
    /// It is, or seems to be, the cause.
    Cause,
    /// Something to keep in mind.
    Warning,
    /// Less important than the rest.
    Quiet,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    /// The title of the whole.
    Title(Text),
    /// A heading, 1 the highest.
    Heading(u8, Text),
    /// A paragraph.
    Prose(Text),
    /// Items, one a line.
    List(Vec<Text>),
    /// Columns under names; without names, pairs of a name and a text.
    Table { head: Vec<&'static str>, rows: Vec<Vec<Text>> },
    /// One line for the eye: what and since when, or how sure.
    Banner { left: String, right: String, tone: Tone },
    /// A label and what there is to say under it, on at most so many lines of a terminal.
    Row { label: &'static str, tone: Tone, text: Text, aside: String, lines: usize },
    /// An entry of the log, on at most so many lines of a terminal.
    Quote { at: String, who: String, said: String, times: u64, link: Option<String>, lines: usize },
    /// A command to copy.
    Command(String),
    /// Failures and requests over time.
    Chart { slots: Vec<Slot>, onset: Timestamp },
    /// What only some readers open.
    Fold { title: Text, blocks: Vec<Block> },
}

/// A row of plain text on at most two lines.
pub(super) fn row(label: &'static str, tone: Tone, text: impl Into<Text>) -> Block {
    Block::Row { label, tone, text: text.into(), aside: String::new(), lines: 2 }
}

/// A row of plain text on one line.
pub(super) fn one_line(label: &'static str, tone: Tone, text: impl Into<Text>) -> Block {
    Block::Row { label, tone, text: text.into(), aside: String::new(), lines: 1 }
}
