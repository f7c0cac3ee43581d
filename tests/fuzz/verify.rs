//! A genuine report is accepted by `verify`, whatever export it is of; one changed digit is noticed.

use std::collections::BTreeMap;
use std::io::Cursor;

use firstfault::analyze;
use firstfault::check::redact::Redactor;
use firstfault::check::verify::verify;
use firstfault::entry::decode;
use firstfault::face::json;
use firstfault::framing::{Batch, Cutter, Piece};
use firstfault::pattern::observe;
use firstfault::pattern::secrets::Classes;
use firstfault::report::Report;
use firstfault::source;

use crate::observe::catalogue;
use crate::pipeline::{entries, read};

/// Two bytes choose the digit that is changed; of the rest a first byte of 1 edits the entries of an outage, else it is a source.
pub(crate) fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first_chunk::<2>() else { return };
    let source = match rest {
        [1, edits @ ..] => entries().edited(edits).to_string().into_bytes(),
        _ => rest.to_vec(),
    };
    let report = report(&source);
    let quotes = quotes(&source);
    let quotes_at = |_: &str, offset: u64| quotes.get(&offset).cloned().unwrap_or_default();
    let found = verify(&report, &report, quotes_at).expect("its numbers are finite");
    assert!(found.is_empty(), "a genuine report was refused: {found:?}");
    if let Some(changed) = with_other_digit(&report, usize::from(u16::from_le_bytes(*choice))) {
        let found = verify(&changed, &report, quotes_at).expect("its numbers were read from JSON");
        assert!(!found.is_empty(), "a changed report was accepted");
    }
}

fn report(source: &[u8]) -> Report {
    let report = analyze::conclude(read(source), catalogue(), None);
    Redactor::new(Classes::ALL, &[])
        .expect("no pattern of one's own")
        .redact_report(report)
        .expect("its numbers are finite")
}

/// The texts of entries by the offset of their record or of the first part of what was joined.
fn quotes(source: &[u8]) -> BTreeMap<u64, Vec<String>> {
    let mut quotes: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for whole in read(source).summary.wholes(catalogue()) {
        let first = whole.parts.first().expect("a whole has parts");
        quotes.insert(first.offset, vec![whole.message]);
    }
    let Ok(decoded) = source::decode(Box::new(Cursor::new(source.to_vec())), &source::Options::default()) else {
        return quotes;
    };
    let (mut cutter, mut batch) = (Cutter::new(0, decoded), Batch::new());
    // A damaged source ends with one error; what came before it counts.
    while matches!(cutter.next(&mut batch), Ok(true)) {
        for piece in batch.pieces() {
            let Piece::Record(record) = piece else { continue };
            decode(record, &mut |entry| {
                if let Some(observation) = observe(catalogue(), &entry) {
                    quotes.entry(entry.origin.offset).or_default().push(observation.text(&entry).into_owned());
                }
            });
        }
    }
    quotes
}

/// The report with one digit of its JSON changed; `None` when that makes no report, or the same one.
fn with_other_digit(report: &Report, choice: usize) -> Option<Report> {
    let mut text = json::render(report).into_bytes();
    let digits: Vec<usize> = (0..text.len()).filter(|at| text[*at].is_ascii_digit()).collect();
    let at = *digits.get(choice % digits.len().max(1))?;
    text[at] = if text[at] == b'1' { b'2' } else { b'1' };
    let changed = json::parse(std::str::from_utf8(&text).expect("ASCII became ASCII")).ok()?;
    (changed != *report).then_some(changed)
}
