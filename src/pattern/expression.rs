//! Regular expressions of this program's own, compiled for the first text that may match.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta;
use regex_automata::util::syntax;

/// A regular expression whose first group is what is looked for.
///
/// Texts of ASCII, as nearly all are, have a form of it without Unicode's tables of blanks, digits and letters: it finds the same
/// in them, and is compiled in a fifth of the time.
#[derive(Debug)]
pub struct Expression {
    pattern: &'static str,
    for_ascii: OnceLock<meta::Regex>,
    for_all: OnceLock<meta::Regex>,
}

impl Expression {
    /// An expression that is compiled later: a constant, which a test compiles.
    pub const fn new(pattern: &'static str) -> Expression {
        Expression { pattern, for_ascii: OnceLock::new(), for_all: OnceLock::new() }
    }

    /// Where the first group that took part in each match stands, from left to right.
    pub fn find_iter<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> {
        let regex = match text.is_ascii() {
            true => self.for_ascii.get_or_init(|| compile_for_ascii(self.pattern)),
            false => self.for_all.get_or_init(|| compile(meta::Builder::new(), self.pattern)),
        };
        regex.captures_iter(text).filter_map(|captures| {
            (1..captures.group_len()).find_map(|group| captures.get_group(group)).map(|group| group.range())
        })
    }
}

fn compile_for_ascii(pattern: &str) -> meta::Regex {
    let mut builder = meta::Builder::new();
    builder.syntax(syntax::Config::new().unicode(false).utf8(false));
    builder.configure(meta::Config::new().utf8_empty(false).auto_prefilter(false));
    compile(builder, pattern)
}

fn compile(builder: meta::Builder, pattern: &str) -> meta::Regex {
    builder.build(pattern).expect("a test compiles every expression of this program")
}
