//! Reads two megabytes of lines, once whole and once at a glance, for counting instructions where wall time is noisy:
//! `cargo bench --bench instructions --no-run`, then `valgrind --tool=callgrind target/release/deps/instructions-…` and
//! `callgrind_annotate --inclusive=yes callgrind.out.… | grep -E 'decode::decode|glance::glance'`.

#[allow(dead_code, reason = "the other benches use the other shapes")]
mod corpus;

use std::hint::black_box;

use firstfault::entry::{self, Resources};
use firstfault::framing::{Batch, Cutter, Piece};

fn main() {
    let text = corpus::lines(2 << 20, 1);
    let (mut cutter, mut batch) = (Cutter::new(0, text.as_bytes()), Batch::new());
    let (mut n_entries, mut n_glances) = (0, 0);
    let known = Resources::default();
    while cutter.next(&mut batch).expect("memory is readable") {
        for piece in batch.pieces() {
            if let Piece::Record(record) = piece {
                n_glances += usize::from(black_box(entry::glance(record, &known, &|_| false)).is_some());
                n_entries += entry::decode(record, &mut |entry| drop(black_box(entry))).entries;
            }
        }
    }
    assert!(n_entries > 1000, "{n_entries} entries in {} bytes", text.len());
    assert!(n_glances * 10 > n_entries * 9, "{n_glances} of {n_entries} at a glance");
}
