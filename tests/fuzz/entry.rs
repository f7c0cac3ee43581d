//! Entry: what serde_json reads is read alike, and never refused; a refusal names a place in the record; what a glance takes,
//! a long look reads alike.

use std::cell::RefCell;
use std::path::Path;

use firstfault::entry::{self, Decoded, Resources, Shapes};
use firstfault::framing::{Batch, Cutter, Piece, Record};
use firstfault::source::{self, Origin, Source, expand};
use serde_json::Value;

use crate::corpus::{Made, attempt};
use crate::referee::{self, Facts};

/// Where the record stands in its source: not at its start, so that an offset that forgets it shows.
const OFFSET: u64 = 1000;

/// The input is one record.
pub(crate) fn run(input: &[u8]) {
    let (found, decoded) = decode(input);
    assert_eq!(found.len(), decoded.entries);
    if let Some(refusal) = decoded.refusal {
        let end = OFFSET + input.len() as u64;
        assert!((OFFSET..=end).contains(&refusal.origin.offset), "refused at {} of {end}", refusal.origin.offset);
    }
    glances(input);
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    assert_eq!(decoded.refusal, None, "serde_json reads it");
    if let Some(expected) = referee::read(&value).filter(|_| referee::is_plain(&value)) {
        // The referee's own spelling of it: no key twice, numbers in one form.
        let (found, _) = decode(value.to_string().as_bytes());
        let found: Vec<Facts> = found.into_iter().map(|facts| facts.without_escapes(&expected)).collect();
        assert_eq!(found, [expected]);
    }
}

thread_local! {
    /// Shapes of all inputs: what was learned of one record must not mislead about another.
    static SHAPES: RefCell<Shapes> = RefCell::default();
}

/// An entry taken at a glance, its resource unknown and then known, is the one entry of its record.
fn glances(input: &[u8]) {
    SHAPES.with_borrow_mut(|shapes| glances_with(shapes, input));
}

fn glances_with(shapes: &mut Shapes, input: &[u8]) {
    let record = Record { origin: Origin { source: 0, offset: OFFSET }, bytes: input };
    let mut known = Resources::default();
    for _ in 0..2 {
        let Some(glance) = entry::glance(record, &known, shapes, &|key| key.starts_with('s')) else { return };
        let resource = glance.unread.resource;
        let Some(taken) = glance.whole() else { return };
        let mut entries = Vec::new();
        let decoded = entry::decode(record, &mut |mut entry| {
            if input.len() > entry::LONG_RECORD {
                entry.cut_names();
            }
            entries.push(format!("{entry:?}"));
        });
        assert_eq!((entries, decoded.refusal), (vec![format!("{taken:?}")], None));
        if known.number(resource).is_none() {
            known.add(resource);
            known.number(resource);
        }
    }
}

/// The facts of every entry in a record.
pub(crate) fn decode(bytes: &[u8]) -> (Vec<Facts>, Decoded) {
    let (mut found, end) = (Vec::new(), OFFSET + bytes.len() as u64);
    let record = Record { origin: Origin { source: 0, offset: OFFSET }, bytes };
    let decoded = entry::decode(record, &mut |entry| {
        assert!((OFFSET..end).contains(&entry.origin.offset), "an entry at {} of {end}", entry.origin.offset);
        found.push(referee::facts(&entry));
    });
    (found, decoded)
}

/// Records of a source, every one that `every` divides.
fn records(source: &Source, every: usize) -> Vec<(String, Vec<u8>)> {
    let Ok(decoded) = source::open(source, &Default::default()) else { return Vec::new() };
    let (mut cutter, mut batch, mut found, mut n) = (Cutter::new(0, decoded), Batch::new(), Vec::new(), 0);
    while cutter.next(&mut batch).unwrap_or(false) {
        for piece in batch.pieces() {
            if let Piece::Record(record) = piece {
                if n % every == 0 && record.bytes.len() < 4096 {
                    found.push((source.name(), record.bytes.to_vec()));
                }
                n += 1;
            }
        }
    }
    found
}

/// Real records with a few bytes changed. Set FIRSTFAULT_CASES to a folder with `real/` for more than the fixtures.
#[test]
fn changed_records_read_as_the_referee_reads_them_or_are_refused() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut kept: Vec<_> = expand(&[fixtures]).sources.iter().flat_map(|source| records(source, 9)).collect();
    assert!(kept.len() > 100, "only {} records", kept.len());
    if let Some(cases) = std::env::var_os("FIRSTFAULT_CASES") {
        kept.extend(expand(&[Path::new(&cases).join("real")]).sources.iter().flat_map(|source| records(source, 400)));
    }
    let mut made = Made::new(kept);
    let (mut n_read, mut n_refused, mut n_alike) = (0, 0, 0);
    for n in 0..4000 {
        let input = made.next();
        attempt(run, &input, &format!("changed record {n}"));
        let (found, decoded) = decode(&input);
        n_refused += usize::from(decoded.refusal.is_some());
        let Ok(value) = serde_json::from_slice::<Value>(&input) else { continue };
        n_read += 1;
        // Equally long: no key stood twice, and no number was spelt otherwise.
        let own = value.to_string();
        if own.len() == input.trim_ascii().len() {
            assert_eq!(found, decode(own.as_bytes()).0, "{own}");
            n_alike += 1;
        }
    }
    assert!(n_read > 200 && n_refused > 500 && n_alike > 100, "{n_read} read, {n_refused} refused, {n_alike} alike");
}
