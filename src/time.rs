//! Points and intervals of time, in nanoseconds since the Unix epoch, UTC.

use std::fmt;

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
        parse_rfc3339(text.as_bytes()).or_else(|| {
            let text = text.trim();
            parse_rfc3339(text.as_bytes()).or_else(|| parse_epoch(text))
        })
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
        let (hour, minute, second) = self.time_of_day();
        format!("{hour:02}:{minute:02}:{second:02}")
    }

    /// `YYYY-MM-DD HH:MM:SS` in UTC, for people.
    pub fn date_clock(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02} {}", self.clock())
    }

    /// Year, month from 1, day from 1, of the Gregorian calendar: the reverse of [`days_since_epoch`].
    fn date(self) -> (i64, i64, i64) {
        // Days since 0000-03-01, and years that start in March, so that the leap day comes last.
        let days = self.0.div_euclid(SECOND * 86_400) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        (era * 400 + year + i64::from(month <= 2), month, day)
    }

    /// Hour, minute, second.
    fn time_of_day(self) -> (i64, i64, i64) {
        let second = self.0.div_euclid(SECOND).rem_euclid(86_400);
        (second / 3600, second / 60 % 60, second % 60)
    }
}

/// RFC 3339 with no, three, six or nine digits of a fraction, as few as hold it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time_of_day();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.0.rem_euclid(SECOND) {
            0 => f.write_str("Z"),
            nanos if nanos % 1_000_000 == 0 => write!(f, ".{:03}Z", nanos / 1_000_000),
            nanos if nanos % 1000 == 0 => write!(f, ".{:06}Z", nanos / 1000),
            nanos => write!(f, ".{nanos:09}Z"),
        }
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

/// As reports write it: text.
#[cfg(test)]
impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
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

#[inline]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Three numbers of two digits with something between them; `zeros` is the same with zeros. All eight bytes at once.
#[inline(always)]
fn three_pairs(text: [u8; 8], zeros: [u8; 8]) -> Option<[u32; 3]> {
    const HIGH_HALVES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    // What stands between must be as it is in `zeros`, and no digit may be above nine.
    const BETWEEN: u64 = 0x0000_ff00_00ff_0000;
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(zeros);
    if (digits | digits.wrapping_add(SIXES)) & HIGH_HALVES != 0 || digits & BETWEEN != 0 {
        return None;
    }
    // At most 99: nothing is carried into the next byte.
    let pairs = (digits * 10 + (digits >> 8)).to_le_bytes();
    Some([u32::from(pairs[0]), u32::from(pairs[3]), u32::from(pairs[6])])
}

/// A number of eight digits, all at once.
#[inline(always)]
pub(crate) fn eight(text: [u8; 8]) -> Option<u32> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let digits = u64::from_le_bytes(text) ^ ZEROS;
    if (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 != 0 {
        return None;
    }
    // Pairs, then fours, then all of them; the first digits stand in the lowest byte.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) as u32)
}

fn parse_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let (fields, rest) = text.split_first_chunk::<19>()?;
    let (century, rest_of_date) = fields.split_first_chunk::<2>()?;
    let (date, rest_of_fields) = rest_of_date.split_first_chunk::<8>()?;
    let (between, time) = rest_of_fields.split_first_chunk::<1>()?;
    if !matches!(between, b"T" | b"t" | b" ") {
        return None;
    }
    let century = two(century[0], century[1])?;
    let [year, month, day] = three_pairs(*date, *b"00-00-00")?;
    let [hour, minute, second] = three_pairs(*time.first_chunk()?, *b"00:00:00")?;
    let year = century * 100 + year;
    let days = days_since_epoch(year, month, day)?;
    // 60 is a leap second: it counts as the first instant of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, rest) = parse_fraction(rest);
    let offset = if rest == b"Z" { 0 } else { parse_offset(rest)? };
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    if (1678..2262).contains(&year) {
        return Some(Timestamp(seconds * SECOND + fraction));
    }
    // Added in the wide type, so that the very first instant is read back as it is written.
    let nanos = i128::from(seconds) * i128::from(SECOND) + i128::from(fraction);
    Some(Timestamp(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, `None` when there is no such date.
///
/// Counts in years that start in March, so that the leap day comes last.
#[inline(always)]
fn days_since_epoch(year: u32, month: u32, day: u32) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let month_len = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > month_len {
        return None;
    }
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    // From 400 years earlier, so that no year is negative.
    let year = year + 400 - u32::from(month <= 2);
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    // 719,468 days lie between 0000-03-01 and the epoch, 146,097 in 400 years.
    Some(i64::from(days) - (719_468 + 146_097))
}

/// Nanoseconds of `.123…` (digits past the ninth are cut) and what follows.
#[inline(always)]
fn parse_fraction(text: &[u8]) -> (i64, &[u8]) {
    let Some((b'.' | b',', digits)) = text.split_first() else { return (0, text) };
    // As services and as Cloud Logging itself write it: six digits, nine digits.
    if let [a, b, c, d, e, f, rest @ b'Z'] = digits
        && let Some(micros) = eight([b'0', b'0', *a, *b, *c, *d, *e, *f])
    {
        return (i64::from(micros) * 1000, std::slice::from_ref(rest));
    }
    if let [a, b, c, d, e, f, g, h, i @ b'0'..=b'9', rest @ b'Z'] = digits
        && let Some(tens) = eight([*a, *b, *c, *d, *e, *f, *g, *h])
    {
        return (i64::from(tens) * 10 + i64::from(i - b'0'), std::slice::from_ref(rest));
    }
    any_fraction(digits)
}

/// A fraction of any number of digits.
fn any_fraction(digits: &[u8]) -> (i64, &[u8]) {
    let (mut nanos, mut n_digits, mut rest) = (0, 0, digits);
    while n_digits < 8
        && let [tens, ones, after @ ..] = rest
        && let Some(pair) = two(*tens, *ones)
    {
        (nanos, n_digits, rest) = (nanos * 100 + i64::from(pair), n_digits + 2, after);
    }
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        if n_digits < 9 {
            (nanos, n_digits) = (nanos * 10 + i64::from(digit - b'0'), n_digits + 1);
        }
        rest = after;
    }
    const MISSING: [i64; 10] = [SECOND, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1];
    (nanos * MISSING[n_digits], rest)
}

/// Seconds east of UTC; nothing at all means UTC.
fn parse_offset(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    match text {
        b"" | b"Z" | b"z" | b"UTC" => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let hours = two(*rest.first()?, *rest.get(1)?)?;
            let minutes = match rest.len() {
                2 => 0,
                4 => two(rest[2], rest[3])?,
                5 if rest[2] == b':' => two(rest[3], rest[4])?,
                _ => return None,
            };
            let seconds = i64::from(hours * 3600 + minutes * 60);
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// A number of seconds since the epoch, or a whole number of milliseconds, microseconds or nanoseconds; only values
/// between 2001 and 2103 are taken for times.
fn parse_epoch(text: &str) -> Option<Timestamp> {
    const FIRST: i64 = 1_000_000_000;
    const LAST: i64 = 4_200_000_000;
    if let Ok(whole) = text.parse::<i64>() {
        let scale = [SECOND, 1_000_000, 1000, 1].into_iter().find(|scale| {
            let per_second = SECOND / scale;
            (FIRST * per_second..LAST * per_second).contains(&whole)
        });
        return scale.map(|scale| Timestamp(whole * scale));
    }
    let seconds: f64 = text.parse().ok()?;
    (FIRST as f64..LAST as f64).contains(&seconds).then(|| Timestamp((seconds * 1e6).round() as i64 * 1000))
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
        check("2025-09-16T00:42:59.910682123Z", Some("2025-09-16T00:42:59.910682123Z"));
        check("2025-09-16T00:42:59.000001Z", Some("2025-09-16T00:42:59.000001Z"));
        check("2025-09-16T00:42:59.99999a9Z", None);
        check("2025-09-16T00:42:59.99999aZ", None);
        check("2025-09-16T02:42:59.1+02:00", Some("2025-09-16T00:42:59.100Z"));
        check("2025-09-16 00:42:59.910682 UTC", Some("2025-09-16T00:42:59.910682Z"));
        check("2025-09-16 00:42:59.123456789123Z", Some("2025-09-16T00:42:59.123456789Z"));
        check("1.757983379910682E9", Some("2025-09-16T00:42:59.910682Z"));
        check("1757983379910", Some("2025-09-16T00:42:59.910Z"));
        check("1757983379910682000", Some("2025-09-16T00:42:59.910682Z"));
        check("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2025-13-01T00:00:00Z",
            "2025-02-30T00:00:00Z",
            "2025-09-16T25:00:00Z",
            "12",
            "9e99",
            "-1",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_wrong_byte_anywhere_is_noticed() {
        let right = *b"2025-09-16T00:42:59Z";
        for (at, byte) in (0..19).flat_map(|at| (0..128).map(move |byte| (at, byte))) {
            let mut bytes = right;
            bytes[at] = byte;
            let text = std::str::from_utf8(&bytes).expect("ASCII");
            let is_spelled = right[at] == byte
                || (right[at].is_ascii_digit() && byte.is_ascii_digit())
                || (at == 10 && matches!(byte, b't' | b' '));
            let is_time = chrono::NaiveDateTime::parse_from_str(&text.replace(['t', ' '], "T"), "%Y-%m-%dT%H:%M:%SZ");
            assert_eq!(Timestamp::parse(text).is_some(), is_spelled && is_time.is_ok(), "{text:?}");
        }
    }

    #[test]
    fn every_date_is_counted_as_the_calendar_counts_it() {
        let mut day = chrono::NaiveDate::from_ymd_opt(1890, 1, 1).expect("a date");
        for _ in 0..130_000 {
            use chrono::Datelike;
            let found = days_since_epoch(day.year() as u32, day.month(), day.day());
            assert_eq!(found, Some(i64::from(day.to_epoch_days())), "{day}");
            day = day.succ_opt().expect("far from the end");
        }
        assert_eq!(days_since_epoch(1900, 2, 29), None);
        assert_eq!(days_since_epoch(2000, 2, 30), None);
    }

    #[test]
    fn every_time_is_written_as_the_calendar_has_it() {
        let steps =
            [86_400 * SECOND + 1_000_000, 7_777_777 * SECOND + 1000, 99_999_999 * SECOND + 123_456_789, 333 * SECOND];
        for (step, from) in steps.into_iter().zip([i64::MIN, i64::MIN, i64::MIN, -1_000_000 * SECOND]) {
            for nanos in (0..20_000).map_while(|n| from.checked_add(step.checked_mul(n)?)) {
                let (time, right) = (Timestamp(nanos), chrono::DateTime::from_timestamp_nanos(nanos));
                assert_eq!(time.to_string(), right.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
                assert_eq!(time.date_clock(), right.format("%Y-%m-%d %H:%M:%S").to_string());
            }
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
