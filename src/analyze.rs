//! The conductor: read in parallel, merge, conclude.

use std::io::Read;

use crate::entry::decode;
use crate::framing;
use crate::pattern::{Catalogue, observe};
use crate::source::{self, Source};
use crate::summary::Summary;

/// Reads all sources into one summary.
pub fn summarize(sources: &[Source], catalogue: &Catalogue) -> Result<Summary, source::Error> {
    let mut summary = Summary::default();
    for (index, source) in sources.iter().enumerate() {
        let mut bytes = Vec::new();
        source::open(source)?
            .read_to_end(&mut bytes)
            .map_err(|error| source::Error { name: source.name(), error })?;
        for record in framing::records(index as u32, &bytes) {
            let n = decode(record, &mut |entry| match observe(catalogue, &entry) {
                Some(observation) => summary.observe(catalogue, &entry, &observation),
                None => summary.ledger.unreadable += 1,
            });
            if n == 0 {
                summary.ledger.unreadable += 1;
            }
        }
    }
    Ok(summary)
}
