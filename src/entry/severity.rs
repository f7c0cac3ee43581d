//! LogSeverity, and what loggers call their levels.

use serde::{Deserialize, Serialize};

/// LogSeverity without `DEFAULT`, which is written by omission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// 100
    Debug,
    /// 200
    Info,
    /// 300
    Notice,
    /// 400
    Warning,
    /// 500
    Error,
    /// 600
    Critical,
    /// 700
    Alert,
    /// 800
    Emergency,
}

impl Severity {
    /// All of them, lowest first.
    pub const ALL: [Severity; 8] = [
        Severity::Debug,
        Severity::Info,
        Severity::Notice,
        Severity::Warning,
        Severity::Error,
        Severity::Critical,
        Severity::Alert,
        Severity::Emergency,
    ];

    /// The enum's name.
    pub fn name(self) -> &'static str {
        ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"][self as usize]
    }

    /// A recorded severity: name in any case, common synonyms, or number. `None` for `DEFAULT` and what is unknown.
    pub fn parse(text: &str) -> Option<Severity> {
        Severity::named(text).or_else(|| Severity::spelled(text.trim()))
    }

    fn named(text: &str) -> Option<Severity> {
        Some(match text {
            "DEBUG" => Severity::Debug,
            "INFO" => Severity::Info,
            "NOTICE" => Severity::Notice,
            "WARNING" => Severity::Warning,
            "ERROR" => Severity::Error,
            "CRITICAL" => Severity::Critical,
            "ALERT" => Severity::Alert,
            "EMERGENCY" => Severity::Emergency,
            _ => return None,
        })
    }

    fn spelled(text: &str) -> Option<Severity> {
        if let Ok(number) = text.parse::<u32>() {
            return Severity::from_number(number);
        }
        level(text)
    }

    /// A severity number: 100 is `DEBUG`, 800 `EMERGENCY`; numbers between belong to the one below.
    pub fn from_number(number: u32) -> Option<Severity> {
        match number / 100 {
            0 => None,
            n => Some(Severity::ALL[(n as usize - 1).min(7)]),
        }
    }
}

/// What loggers call their levels.
const WORDS: [(&str, Severity); 31] = [
    ("TRACE", Severity::Debug),
    ("DEBUG", Severity::Debug),
    ("DBG", Severity::Debug),
    ("DBUG", Severity::Debug),
    ("TRC", Severity::Debug),
    ("TRCE", Severity::Debug),
    ("VRB", Severity::Debug),
    ("FINE", Severity::Debug),
    ("VERBOSE", Severity::Debug),
    ("INFO", Severity::Info),
    ("INF", Severity::Info),
    ("INFORMATION", Severity::Info),
    ("INFORMATIONAL", Severity::Info),
    ("LOG", Severity::Info),
    ("NOTICE", Severity::Notice),
    ("WARNING", Severity::Warning),
    ("WARN", Severity::Warning),
    ("WRN", Severity::Warning),
    ("ERROR", Severity::Error),
    ("ERR", Severity::Error),
    ("EROR", Severity::Error),
    ("FAIL", Severity::Error),
    ("SEVERE", Severity::Error),
    ("CRITICAL", Severity::Critical),
    ("CRIT", Severity::Critical),
    ("FATAL", Severity::Critical),
    ("FTL", Severity::Critical),
    ("ALERT", Severity::Alert),
    ("EMERGENCY", Severity::Emergency),
    ("EMERG", Severity::Emergency),
    ("PANIC", Severity::Emergency),
];

/// The level that a word means.
pub(super) fn level(word: &str) -> Option<Severity> {
    // Most words begin with another letter.
    let first = word.as_bytes().first()?.to_ascii_uppercase();
    if !b"ACDEFILNPSTVW".contains(&first) {
        return None;
    }
    WORDS
        .iter()
        .find(|(known, _)| known.as_bytes()[0] == first && known.eq_ignore_ascii_case(word))
        .map(|(_, severity)| *severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_severities_have_many_spellings() {
        for (text, expected) in [
            ("warning", Some(Severity::Warning)),
            ("500", Some(Severity::Error)),
            ("DEFAULT", None),
            ("0", None),
            ("999", Some(Severity::Emergency)),
            ("Err", Some(Severity::Error)),
            ("", None),
        ] {
            assert_eq!(Severity::parse(text), expected, "{text}");
        }
    }
}
