//! What looks like a value, and which words belong to one.

/// A path: a leading slash and two more characters, two slashes, or two backslashes, and not only punctuation.
pub(super) fn is_path(token: &[u8]) -> bool {
    let (mut slashes, mut backslashes, mut is_named) = (0, 0, false);
    for &byte in token {
        slashes += u32::from(byte == b'/');
        backslashes += u32::from(byte == b'\\');
        is_named |= byte.is_ascii_alphanumeric();
    }
    is_named && (slashes >= 2 || (token[0] == b'/' && token.len() >= 3) || backslashes >= 2)
}

/// Last labels of names that are hosts; any two letters are one as well.
const TOP_LABELS: [&str; 16] = [
    "com",
    "net",
    "org",
    "edu",
    "gov",
    "local",
    "internal",
    "localdomain",
    "info",
    "biz",
    "mil",
    "int",
    "arpa",
    "dev",
    "app",
    "cloud",
];

/// A lowercase dotted name of three labels with a top-level domain, or of two when a port follows. Other dotted names
/// are modules, classes and actions, which say what happened.
pub(super) fn is_host(token: &[u8], port_follows: bool) -> bool {
    if !token.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'.')) {
        return false;
    }
    let labels = token.split(|&b| b == b'.').count();
    let top = token.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let is_top = top.len() == 2 || TOP_LABELS.iter().any(|label| label.as_bytes() == top);
    labels >= 2 && (port_follows || (labels >= 3 && is_top))
}

/// Units of sizes.
pub(super) fn is_size_unit(word: u64) -> bool {
    const UNITS: [u64; 14] =
        numbers(["B", "KB", "MB", "GB", "TB", "PB", "kB", "Kb", "Mb", "Gb", "KiB", "MiB", "GiB", "TiB"]);
    UNITS.contains(&word)
}

/// Units, time zones and halves of the day that belong to the number before them.
pub(super) fn is_unit(word: u64) -> bool {
    const UNITS: [u64; 16] = numbers([
        "ms", "us", "ns", "s", "sec", "secs", "UTC", "GMT", "EDT", "EST", "PST", "PDT", "CET", "CEST", "AM", "PM",
    ]);
    UNITS.contains(&word) || is_size_unit(word)
}

/// Abbreviated weekdays and months, which belong to the date after them.
pub(super) fn is_date_word(word: u64) -> bool {
    const WORDS: [u64; 19] = numbers([
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
        "Oct", "Nov", "Dec",
    ]);
    WORDS.contains(&word)
}

/// Words of up to eight bytes as numbers, so that one comparison tells two apart.
const fn numbers<const N: usize>(words: [&str; N]) -> [u64; N] {
    let mut numbers = [0; N];
    let mut at = 0;
    while at < N {
        numbers[at] = number(words[at].as_bytes());
        at += 1;
    }
    numbers
}

/// The bytes of a word as a number, the first in the lowest byte.
pub(super) const fn number(word: &[u8]) -> u64 {
    let mut number = 0;
    let mut at = word.len();
    while at > 0 {
        at -= 1;
        number = number << 8 | word[at] as u64;
    }
    number
}
