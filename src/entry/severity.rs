//! LogSeverity: as recorded, or read from the text where it is absent.

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
        let text = text.trim();
        if let Ok(number) = text.parse::<u32>() {
            return Severity::from_number(number);
        }
        let upper = text.to_ascii_uppercase();
        Some(match upper.as_str() {
            "DEBUG" | "TRACE" | "FINE" | "VERBOSE" => Severity::Debug,
            "INFO" | "INFORMATION" | "INFORMATIONAL" => Severity::Info,
            "NOTICE" => Severity::Notice,
            "WARNING" | "WARN" => Severity::Warning,
            "ERROR" | "ERR" | "SEVERE" => Severity::Error,
            "CRITICAL" | "CRIT" | "FATAL" => Severity::Critical,
            "ALERT" => Severity::Alert,
            "EMERGENCY" | "EMERG" | "PANIC" => Severity::Emergency,
            _ => return None,
        })
    }

    /// A severity number: 100 is `DEBUG`, 800 `EMERGENCY`; numbers between belong to the one below.
    pub fn from_number(number: u32) -> Option<Severity> {
        match number / 100 {
            0 => None,
            n => Some(Severity::ALL[(n as usize - 1).min(7)]),
        }
    }
}

/// Severity that a message states at a place where log lines state it; placeholder until the room is deepened.
pub fn infer(message: &str) -> Option<Severity> {
    use std::sync::LazyLock;
    static LEVEL: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r"^.{0,60}?(?:\[| - | |^)(DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)(?:\]|:| - | )").expect("a constant expression compiles")
    });
    if message.starts_with("Traceback (most recent call last)") {
        return Some(Severity::Error);
    }
    LEVEL.captures(message).and_then(|c| Severity::parse(&c[1]))
}
