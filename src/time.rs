//! Points and intervals of time, in nanoseconds since the Unix epoch, UTC.

use std::fmt;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Nanoseconds in one second.
pub const SECOND: i64 = 1_000_000_000;

/// A point in time: nanoseconds since the Unix epoch, UTC.
///
/// Times outside the years 1678 to 2261 do not fit and saturate to [`Timestamp::MIN`] or [`Timestamp::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The earliest time that fits (1677-09-21).
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest time that fits (2262-04-11).
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Reads a timestamp as exports write it: RFC 3339 with 0 to 9 fractional digits and any offset, the spaced
    /// form of BigQuery (`2025-09-16 00:42:59.91 UTC`), or epoch seconds (`1.757983379910682E9`).
    ///
    /// Returns `None` when the text is none of these.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        parse_rfc3339(text.as_bytes()).or_else(|| parse_epoch(text))
    }

    /// This time moved by `nanos`, saturating.
    pub fn plus(self, nanos: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanos))
    }

    /// Nanoseconds from `earlier` to this time, saturating; negative when `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to this time.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        self.since(earlier) as f64 / SECOND as f64
    }

    /// `HH:MM:SS` in UTC, for tables.
    pub fn clock(self) -> String {
        self.utc().format("%H:%M:%S").to_string()
    }

    /// `YYYY-MM-DD HH:MM:SS` in UTC, for people.
    pub fn date_clock(self) -> String {
        self.utc().format("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not a timestamp: {text}")))
    }
}

/// A closed interval of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First instant.
    pub start: Timestamp,
    /// Last instant, not before `start`.
    pub end: Timestamp,
}

impl Span {
    /// True when `at` lies in the interval.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at <= self.end
    }

    /// True when the two intervals share an instant.
    pub fn overlaps(&self, other: &Span) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.end.seconds_since(self.start)
    }
}

fn two(digits: &[u8]) -> Option<u32> {
    match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(u32::from(a - b'0') * 10 + u32::from(b - b'0')),
        _ => None,
    }
}

fn parse_rfc3339(text: &[u8]) -> Option<Timestamp> {
    if text.len() < 19 || text[4] != b'-' || text[7] != b'-' || text[13] != b':' || text[16] != b':' {
        return None;
    }
    if !matches!(text[10], b'T' | b't' | b' ') {
        return None;
    }
    let year = two(&text[0..2])? * 100 + two(&text[2..4])?;
    let date = NaiveDate::from_ymd_opt(year as i32, two(&text[5..7])?, two(&text[8..10])?)?;
    let (hour, minute, second) = (two(&text[11..13])?, two(&text[14..16])?, two(&text[17..19])?);
    // 60 is a leap second: it counts as the first instant of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, rest) = parse_fraction(&text[19..]);
    let offset = parse_offset(rest)?;
    let days = i64::from(date.to_epoch_days());
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    // Added in the wide type, so that the very first instant is read back as it is written.
    let nanos = i128::from(seconds) * i128::from(SECOND) + i128::from(fraction);
    Some(Timestamp(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64))
}

/// Nanoseconds of `.123…` (digits past the ninth are cut) and what follows.
fn parse_fraction(text: &[u8]) -> (i64, &[u8]) {
    let Some((b'.' | b',', digits)) = text.split_first() else { return (0, text) };
    let n_digits = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let padded = digits[..n_digits].iter().chain(std::iter::repeat(&b'0')).take(9);
    (padded.fold(0, |nanos, digit| nanos * 10 + i64::from(digit - b'0')), &digits[n_digits..])
}

/// Seconds east of UTC; nothing at all means UTC.
fn parse_offset(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    match text {
        b"" | b"Z" | b"z" | b"UTC" => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let hours = two(rest.get(0..2)?)?;
            let minutes = match rest.len() {
                2 => 0,
                4 => two(&rest[2..4])?,
                5 if rest[2] == b':' => two(&rest[3..5])?,
                _ => return None,
            };
            let seconds = i64::from(hours * 3600 + minutes * 60);
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Seconds since the epoch as a decimal number; only values between 2001 and 2100 are taken for times.
fn parse_epoch(text: &str) -> Option<Timestamp> {
    let seconds: f64 = text.parse().ok()?;
    (1.0e9..4.2e9).contains(&seconds).then_some(Timestamp((seconds * 1e6).round() as i64 * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn every_spelling_of_an_export_is_read() {
        check("2025-09-16T00:42:59.910682Z", Some("2025-09-16T00:42:59.910682Z"));
        check("2025-09-16T00:42:59Z", Some("2025-09-16T00:42:59Z"));
        check("2025-09-16T02:42:59.1+02:00", Some("2025-09-16T00:42:59.100Z"));
        check("2025-09-16 00:42:59.910682 UTC", Some("2025-09-16T00:42:59.910682Z"));
        check("2025-09-16 00:42:59.123456789123Z", Some("2025-09-16T00:42:59.123456789Z"));
        check("1.757983379910682E9", Some("2025-09-16T00:42:59.910682Z"));
        check("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-09-16T25:00:00Z", "12"] {
            check(text, None);
        }
    }

    #[test]
    fn far_times_saturate() {
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
        assert_eq!(Timestamp::parse("0001-01-01T00:00:00Z"), Some(Timestamp::MIN));
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(Timestamp::parse(&end.to_string()), Some(end));
        }
    }
}
