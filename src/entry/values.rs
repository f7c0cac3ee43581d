//! Values of a record's members as they are spelled in any dialect: texts, times, numbers, durations, labels.

use super::cursor::{Broken, Cursor};
use super::{Labels, Text};
use crate::time::{SECOND, Timestamp, eight};

/// Labels that are kept of one map; Cloud Logging allows 64.
pub(super) const MAX_LABELS: usize = 128;

/// Longest key whose spelling is folded; longer ones are nobody's.
pub(super) const FOLDED: usize = 48;

/// `key` in lower case without underscores.
pub(super) fn folded<'k>(key: &str, buffer: &'k mut [u8; FOLDED]) -> &'k str {
    let mut n = 0;
    for b in key.bytes().filter(|b| *b != b'_') {
        if n == FOLDED || !b.is_ascii() {
            return "";
        }
        buffer[n] = b.to_ascii_lowercase();
        n += 1;
    }
    std::str::from_utf8(&buffer[..n]).unwrap_or("")
}

/// The text of a scalar, empty for anything else.
pub(super) fn text<'b>(cursor: &mut Cursor<'b>) -> Result<Text<'b>, Broken> {
    Ok(cursor.text_value()?.unwrap_or_default())
}

/// A timestamp in any spelling, also `{"seconds": …, "nanos": …}`.
pub(super) fn timestamp(cursor: &mut Cursor<'_>) -> Result<Option<Timestamp>, Broken> {
    match cursor.token() {
        b'{' => {}
        b'"' => {
            let string = cursor.string()?;
            return Ok(if string.is_escaped {
                Timestamp::parse(&string.text())
            } else {
                Timestamp::parse(string.text)
            });
        }
        _ => return Ok(cursor.text_value()?.and_then(|text| Timestamp::parse(&text))),
    }
    let (mut seconds, mut nanos) = (None, 0);
    cursor.members(|cursor, key| {
        match key.text {
            "seconds" => seconds = integer(cursor)?,
            "nanos" => nanos = integer(cursor)?.unwrap_or(0),
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(seconds.map(|seconds| Timestamp(seconds.saturating_mul(SECOND)).plus(nanos)))
}

/// An integer as a number or a string; `503.0` is one too.
pub(super) fn integer(cursor: &mut Cursor<'_>) -> Result<Option<i64>, Broken> {
    Ok(cursor.text_value()?.and_then(|text| parse_integer(&text)))
}

/// The same of its text.
pub(super) fn parse_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number as i64);
    text.parse().ok().or_else(whole)
}

/// A map of labels.
pub(super) fn labels<'b>(cursor: &mut Cursor<'b>) -> Result<Labels<'b>, Broken> {
    // Seven labels are usual: one allocation.
    let mut labels = Labels(Vec::with_capacity(8));
    cursor.members(|cursor, key| {
        let value = text(cursor)?;
        if labels.0.len() < MAX_LABELS {
            labels.0.push((key.text(), value));
        }
        Ok(())
    })?;
    Ok(labels)
}

/// A status code; what is none counts as 0.
pub(super) fn status(cursor: &mut Cursor<'_>) -> Result<u16, Broken> {
    Ok(cursor.text_value()?.map_or(0, |text| parse_status(&text)))
}

/// The same of its text.
pub(super) fn parse_status(text: &str) -> u16 {
    match text.as_bytes() {
        // As good as all.
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            [a, b, c].iter().fold(0, |code, digit| code * 10 + u16::from(*digit - b'0'))
        }
        _ => parse_integer(text).and_then(|code| u16::try_from(code).ok()).unwrap_or(0),
    }
}

/// Nanoseconds of a Duration: `"3.5s"`, seconds as a number, or `{"seconds": …, "nanos": …}`.
pub(super) fn duration(cursor: &mut Cursor<'_>) -> Result<Option<i64>, Broken> {
    if cursor.token() == b'{' {
        return Ok(timestamp(cursor)?.map(|Timestamp(nanos)| nanos));
    }
    Ok(cursor.text_value()?.and_then(|text| parse_duration(&text)))
}

/// Reads `[-]seconds[.fraction]` with or without a final `s`, exactly, saturating.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    // As load balancers and Cloud Run write it.
    if let [whole @ b'0'..=b'9', b'.', a, b, c, d, e, f, g, h, last @ b'0'..=b'9', b's'] = text.as_bytes()
        && let Some(tens) = eight([*a, *b, *c, *d, *e, *f, *g, *h])
    {
        return Some(i64::from(whole - b'0') * SECOND + i64::from(tens) * 10 + i64::from(last - b'0'));
    }
    let text = text.trim().as_bytes();
    let text = text.strip_suffix(b"s").unwrap_or(text);
    let (sign, digits) = text.strip_prefix(b"-").map_or((1, text), |rest| (-1, rest));
    let point = digits.iter().position(|b| *b == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let add = |n: i64, digit: &u8| n.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    let seconds = whole.iter().fold(0, add);
    let shown = &fraction[..fraction.len().min(9)];
    let nanos = shown.iter().fold(0, add) * 10i64.pow(9 - shown.len() as u32);
    Some(sign * seconds.saturating_mul(SECOND).saturating_add(nanos))
}
