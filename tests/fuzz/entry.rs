//! Entry: what serde_json reads is read alike, and never refused; a refusal names a place in the record.

use firstfault::entry::{self, Decoded};
use firstfault::framing::Record;
use firstfault::source::Origin;
use serde_json::Value;

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
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    assert_eq!(decoded.refusal, None, "serde_json reads it");
    if let Some(expected) = referee::read(&value).filter(|_| referee::is_plain(&value)) {
        // The referee's own spelling of it: no key twice, numbers in one form.
        let (found, _) = decode(value.to_string().as_bytes());
        let found: Vec<Facts> = found.into_iter().map(|facts| facts.without_escapes(&expected)).collect();
        assert_eq!(found, [expected]);
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
