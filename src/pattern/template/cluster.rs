//! What is kept of the messages of one key, or of several keys that were joined.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::column::Column;
use super::scan::{Scanner, Token, TokenKind};
use crate::pattern::Merge;

/// Columns that are kept per entry; what lies behind is a value like any other.
pub(super) const MAX_COLUMNS: usize = 64;

/// Which messages an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum ClusterShape {
    /// One key: the same words.
    Key,
    /// One group: the same kinds, separators and first word.
    Wide,
    /// The same kinds and separators.
    Alike,
    /// The same number of tokens.
    Length,
}

impl ClusterShape {
    /// What messages of this shape have in common, of the message that the scanner has read.
    #[inline]
    pub(super) fn id(self, scanner: &Scanner) -> u64 {
        match self {
            ClusterShape::Key => scanner.key,
            ClusterShape::Wide => scanner.group(),
            ClusterShape::Alike => scanner.build(),
            ClusterShape::Length => scanner.tokens.len() as u64,
        }
    }

    /// True for the tokens that have a column.
    #[inline]
    pub(super) fn has_column(self, kind: TokenKind) -> bool {
        match self {
            ClusterShape::Key => kind == TokenKind::Variable,
            ClusterShape::Wide | ClusterShape::Alike => kind != TokenKind::Separator,
            ClusterShape::Length => false,
        }
    }
}

/// What is known of the messages of one key or group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Cluster<V> {
    pub(super) shape: ClusterShape,
    /// Of a key, a group, a build, or the number of tokens.
    pub(super) id: u64,
    /// The group of a key or a wide entry.
    pub(super) group: u64,
    #[serde(deserialize_with = "crate::pattern::counted")]
    pub(super) count: u64,
    rank: u64,
    /// The message with the smallest rank, of equal ranks the smallest text.
    pub(super) example: Box<str>,
    #[serde(deserialize_with = "few_columns")]
    pub(super) columns: Vec<Column>,
    pub(super) value: V,
}

impl<V: Merge> Cluster<V> {
    /// The entry of the message that the scanner has read.
    pub(super) fn new(shape: ClusterShape, id: u64, message: &str, scanner: &Scanner) -> Cluster<V> {
        let columns = columns_of(shape, &scanner.tokens).map(|t| Column::new(t.start, t.end - t.start)).collect();
        let group = if shape == ClusterShape::Key { scanner.group() } else { id };
        Cluster {
            shape,
            id,
            group,
            count: 1,
            rank: scanner.rank,
            example: message.into(),
            columns,
            value: V::default(),
        }
    }

    /// Counts the message that the scanner has read.
    #[inline]
    pub(super) fn observe(&mut self, message: &str, scanner: &Scanner, rich: bool) {
        self.count += 1;
        for (column, token) in self.columns.iter_mut().zip(columns_of(self.shape, &scanner.tokens)) {
            if !column.is_settled() {
                column.observe(&self.example, token.text(message), rich);
            }
        }
        if scanner.rank <= self.rank && (scanner.rank, message) < (self.rank, &*self.example) {
            (self.rank, self.example) = (scanner.rank, message.into());
            for (column, token) in self.columns.iter_mut().zip(columns_of(self.shape, &scanner.tokens)) {
                column.rebase(token.start, token.end - token.start);
            }
        }
    }

    /// Takes in another entry of the same shape and id.
    pub(super) fn join(&mut self, other: Cluster<V>, rich: bool) {
        self.count = self.count.saturating_add(other.count);
        self.value.merge(other.value);
        let replaces = (other.rank, &*other.example) < (self.rank, &*self.example);
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.join(&self.example, theirs, &other.example, rich);
            if replaces {
                mine.rebase_to(theirs);
            }
        }
        if replaces {
            (self.rank, self.example) = (other.rank, other.example);
        }
    }

    /// The same entry as one of a coarser shape.
    pub(super) fn widen(mut self, shape: ClusterShape, scanner: &mut Scanner) -> Cluster<V> {
        if self.shape == shape {
            return self;
        }
        scanner.read(&self.example);
        let mut known = std::mem::take(&mut self.columns).into_iter();
        for token in columns_of(shape, &scanner.tokens) {
            let fresh = || Column::new(token.start, token.end - token.start);
            let column = if self.shape.has_column(token.kind) { known.next().unwrap_or_else(fresh) } else { fresh() };
            self.columns.push(column);
        }
        self.id = shape.id(scanner);
        (self.shape, self.group) = (shape, self.id);
        self
    }

    /// Forgets few values, for when there are many keys.
    pub(super) fn forget_few(&mut self) {
        self.columns.iter_mut().for_each(Column::forget_few);
    }
}

/// Reads columns that somebody else may have written.
fn few_columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Column>, D::Error> {
    let columns = Vec::<Column>::deserialize(deserializer)?;
    if columns.len() <= MAX_COLUMNS {
        return Ok(columns);
    }
    Err(de::Error::custom(format!("{} columns of a template", columns.len())))
}

fn columns_of(shape: ClusterShape, tokens: &[Token]) -> impl Iterator<Item = &Token> {
    tokens.iter().filter(move |token| shape.has_column(token.kind)).take(MAX_COLUMNS)
}
