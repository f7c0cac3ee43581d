//! Time: what the calendar knows is read alike, and what is written is read back.

use chrono::DateTime;
use firstfault::time::Timestamp;

/// The input is the text of a time; eight bytes are one in nanoseconds too.
pub(crate) fn run(input: &[u8]) {
    if let Some(bytes) = input.first_chunk() {
        is_read_back(Timestamp(i64::from_be_bytes(*bytes)));
    }
    let text = String::from_utf8_lossy(input);
    let found = Timestamp::parse(&text);
    found.into_iter().for_each(is_read_back);
    // The calendar has years beyond four digits; exports have not.
    let has_four_digits = text.as_bytes().get(4) == Some(&b'-') && text.as_bytes()[0].is_ascii_digit();
    if let Ok(known) = DateTime::parse_from_rfc3339(&text)
        && has_four_digits
    {
        let nanos = i128::from(known.timestamp()) * 1_000_000_000 + i128::from(known.timestamp_subsec_nanos());
        let nanos = nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        assert_eq!(found, Some(Timestamp(nanos)), "{text:?}");
    }
}

fn is_read_back(at: Timestamp) {
    assert_eq!(Timestamp::parse(&at.to_string()), Some(at), "{at}");
    assert!(at.clock().len() == 8 && at.date_clock().len() >= 19, "{at}");
    assert!(at.plus(i64::MAX).since(at) >= 0 && at.plus(i64::MIN).since(at) <= 0);
}
