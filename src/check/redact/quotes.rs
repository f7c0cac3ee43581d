//! Whether a redacted and cut quote can be that of an entry.

use crate::pattern::secrets::placeholders;

/// Characters at which quotes are cut.
const QUOTE_CHARS: usize = 600;

/// True when `quote`, with its placeholders, can be the redacted and cut form of `original`.
pub fn agrees(quote: &str, original: &str) -> bool {
    let (quote, is_cut) = match quote.strip_suffix('…') {
        Some(start) => (start, true),
        None => (quote, quote.chars().count() >= QUOTE_CHARS),
    };
    let mut rest = original.trim();
    let pieces = literal_pieces(quote);
    let last = pieces.len() - 1;
    for (i, piece) in pieces.iter().enumerate() {
        let tail_fits = i == last && !is_cut && i > 0;
        let found = match i {
            0 => rest.starts_with(piece).then_some(0),
            _ if tail_fits => rest.ends_with(piece).then(|| rest.len() - piece.len()),
            _ => rest.find(piece),
        };
        match found {
            Some(start) => rest = &rest[start + piece.len()..],
            None => return false,
        }
    }
    is_cut || last > 0 || rest.is_empty()
}

/// What stands between the placeholders of a quote and the `…` where its middle was left out, without white space at its ends, which
/// an omission can have taken; at least one piece.
fn literal_pieces(quote: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for range in placeholders(quote) {
        pieces.extend(quote[done..range.start].split('…').map(str::trim));
        done = range.end;
    }
    pieces.extend(quote[done..].split('…').map(str::trim));
    pieces
}
