//! What was asked for and is not in the export: named, with what is there instead.

use std::collections::BTreeSet;

use clap::CommandFactory;

use crate::analyze::{Reading, Selected, Selection};

/// Names that are listed.
const LISTED: usize = 8;

/// Why the selection selects nothing; `None` when it selects something, or leaves out entries for their severity alone:
/// that nothing is severe is an answer.
pub(super) fn nothing_selected(reading: &Reading, selection: &Selection) -> Option<String> {
    unknown_service(reading, selection).or_else(|| empty_window(reading, selection))
}

/// A service that wrote nothing at all is mostly mistyped.
fn unknown_service(reading: &Reading, selection: &Selection) -> Option<String> {
    if selection.services.is_empty() {
        return None;
    }
    let names = &reading.selected.services;
    let unknown = selection.services.iter().find(|name| !names.contains(*name))?;
    let listed = nearest(unknown, names);
    let more = names.len() - listed.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("--service {unknown}: no entry is of it; the export holds {}{rest}", listed.join(", ")))
}

/// The command that a file name which is not there was probably meant to be.
pub(super) fn command_meant(name: &str) -> Option<String> {
    let commands = super::args::Cli::command();
    let names = commands.get_subcommands().map(|command| command.get_name().to_owned());
    let near = names.map(|command| (distance(name, &command), command)).min()?;
    (near.0 > 0 && near.0 <= TYPOS).then_some(near.1)
}

/// Letters that may differ between a command and what was typed.
const TYPOS: usize = 2;

/// Names by how near their spelling is.
fn nearest<'n>(name: &str, names: &'n BTreeSet<String>) -> Vec<&'n str> {
    let mut near: Vec<(usize, &str)> = names.iter().map(|other| (distance(name, other), other.as_str())).collect();
    near.sort_unstable();
    near.into_iter().take(LISTED).map(|(_, name)| name).collect()
}

/// Letters to add, take away or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn empty_window(reading: &Reading, selection: &Selection) -> Option<String> {
    let Selected { inside, mild, outside, .. } = &reading.selected;
    let is_bounded = selection.since.is_some() || selection.until.is_some();
    if !is_bounded || *inside > 0 || *mild > 0 || outside.count == 0 {
        return None;
    }
    let of =
        if selection.services.is_empty() { String::new() } else { format!(" of {}", selection.services.join(", ")) };
    Some(format!(
        "no entry{of} lies in the window of --since and --until; the export spans {} to {}",
        outside.first, outside.last
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_comes_first() {
        assert_eq!(distance("checkut", "checkout"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        let names = BTreeSet::from(["storefront", "checkout", "check-in", "orders-db"].map(str::to_owned));
        assert_eq!(nearest("checkut", &names)[..2], ["checkout", "check-in"]);
    }
}
