//! Every entry once more, in order: for those who check what was said of it.

use super::claims::Claims;
use super::options::Options;
use super::window::{Window, newest};
use super::worker::entries;
use crate::entry::Entry;
use crate::framing::{Batch, Cutter, Piece};
use crate::pattern::{Catalogue, Observation, observe};
use crate::source::{self, Source};

/// Shows every entry that counts to `each` with the bytes of its record, on one core, in the order of sources and entries. What cannot be read is left
/// out, as [`super::read()`] has told it.
pub fn visit(
    sources: &[Source],
    catalogue: &Catalogue,
    options: &Options<'_>,
    each: &mut dyn FnMut(&Entry<'_>, &Observation<'_>, &[u8]),
) {
    let window = Window::resolve(options.selection, || newest(sources, options));
    let claims = Claims::new(options.max_memory);
    let mut batch = Batch::new();
    for (index, source) in sources.iter().enumerate() {
        let Ok(opened) = source::open(source, &options.source) else { continue };
        let mut cutter = Cutter::new(index as u32, opened);
        while !options.is_stopped() && matches!(cutter.next(&mut batch), Ok(true)) {
            for piece in batch.pieces() {
                let Piece::Record(record) = piece else { continue };
                entries(record, &mut |entry| {
                    if !claims.claim(&entry) {
                        return;
                    }
                    if let Some(observation) = observe(catalogue, &entry).filter(|o| window.holds(o)) {
                        each(&entry, &observation, record.bytes);
                    }
                });
            }
            (options.progress)(batch.ledger().bytes());
        }
    }
}
