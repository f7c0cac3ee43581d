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
const WORDS: [(&str, Severity); 27] = [
    ("TRACE", Severity::Debug),
    ("DEBUG", Severity::Debug),
    ("DBG", Severity::Debug),
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
fn level(word: &str) -> Option<Severity> {
    WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, severity)| *severity)
}

/// Bytes of the first line in which a level can stand; prefixes with date, logger and thread take some 100.
const HEAD_BYTES: usize = 200;

/// Starts of lines that only a failing program writes.
const FAILURES: [&str; 9] = [
    "Traceback (most recent call last)",
    "Exception in thread ",
    "panic: ",
    "fatal error: ",
    "Unhandled exception",
    "Uncaught ",
    "npm ERR!",
    "Segmentation fault",
    "thread '",
];

/// Reads the severity of a message that was logged without one: from a level word where loggers put it, or from the
/// start of a traceback. A level word in the middle of a sentence means nothing.
pub fn infer(message: &str) -> Option<Severity> {
    let line = message.trim_start().lines().next().unwrap_or("");
    let mut end = line.len().min(HEAD_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let head = &line[..end];
    if starts_failure(head) {
        return Some(Severity::Error);
    }
    klog(head).or_else(|| level_word(head)).or_else(|| failure(message, head))
}

/// A severity as one field of a JSON payload gives it: a word, or the numbers of bunyan and pino.
pub(super) fn from_field(value: &str) -> Option<Severity> {
    match value.parse::<u32>() {
        Ok(10 | 20) => Some(Severity::Debug),
        Ok(30) => Some(Severity::Info),
        Ok(40) => Some(Severity::Warning),
        Ok(50) => Some(Severity::Error),
        Ok(60) => Some(Severity::Critical),
        _ => Severity::parse(value),
    }
}

/// `E1119 22:48:13.914655 …`.
fn klog(head: &str) -> Option<Severity> {
    let bytes = head.as_bytes();
    let is_klog = bytes.len() > 8 && bytes[1..5].iter().all(u8::is_ascii_digit) && bytes[5] == b' ' && bytes[8] == b':';
    match bytes.first() {
        Some(b'I') if is_klog => Some(Severity::Info),
        Some(b'W') if is_klog => Some(Severity::Warning),
        Some(b'E') if is_klog => Some(Severity::Error),
        Some(b'F') if is_klog => Some(Severity::Critical),
        _ => None,
    }
}

/// A level word in one of the places where loggers put it.
fn level_word(head: &str) -> Option<Severity> {
    let mut in_prefix = true;
    let mut after_separator = false;
    let mut tokens = tokens(head).enumerate().peekable();
    while let Some((i, token)) = tokens.next() {
        if let Some(severity) = keyed(token) {
            return Some(severity);
        }
        let word = without(token, b"[]():|,<>\"-");
        let is_upper = word.bytes().all(|b| b.is_ascii_uppercase());
        // Past the prefix only words in capitals count; most are none.
        if let Some(level) = (in_prefix || is_upper).then(|| level(word)).flatten() {
            let is_bracketed = token.starts_with(['[', '(']) && token.trim_end_matches(':').ends_with([']', ')']);
            let ends_field =
                token.ends_with([':', '|', '-']) || tokens.peek().is_some_and(|(_, next)| is_separator(next));
            let is_separated = after_separator && ends_field;
            let is_padded = token.ends_with(':') && head.contains(&format!("{token}  "));
            if (in_prefix && (is_bracketed || is_upper || (i == 0 && token.ends_with(':'))))
                || (is_upper && (is_separated || is_padded || is_bracketed))
            {
                return Some(level);
            }
        }
        in_prefix = in_prefix && is_prefix(token);
        after_separator = is_separator(token);
    }
    None
}

/// What stands between blanks.
fn tokens(head: &str) -> impl Iterator<Item = &str> {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = head.as_bytes();
        let start = at + bytes[at..].iter().position(|b| !is_blank(b))?;
        at = bytes[start..].iter().position(is_blank).map_or(bytes.len(), |len| start + len);
        Some(&head[start..at])
    })
}

/// `token` without these ASCII characters at its ends.
fn without<'t>(token: &'t str, ends: &[u8]) -> &'t str {
    let bytes = token.as_bytes();
    let Some(start) = bytes.iter().position(|b| !ends.contains(b)) else { return "" };
    let end = bytes.iter().rposition(|b| !ends.contains(b)).map_or(start, |last| last + 1);
    &token[start..end]
}

/// `level=error`, `severity="WARNING"`, `"level":"error"`.
fn keyed(token: &str) -> Option<Severity> {
    let at = token.bytes().position(|b| matches!(b, b'=' | b':'))?;
    let key = without(&token[..at], b"\"{,'");
    if !matches!(key, "level" | "lvl" | "severity" | "loglevel" | "levelname") {
        return None;
    }
    Severity::parse(token[at + 1..].trim_matches(['"', '\'', ',', '}', ']']))
}

/// What stands between the fields of a line.
fn is_separator(token: &str) -> bool {
    matches!(token, "-" | "|" | "¦" | "--" | "---" | ":" | "::")
}

/// Dates, times, numbers, threads and logger names: what a level word may follow.
fn is_prefix(token: &str) -> bool {
    let first = token.as_bytes()[0];
    is_separator(token)
        || first.is_ascii_digit()
        || token.starts_with(['[', '(', '+', '-', '#'])
        || token.ends_with([']', ')'])
        || matches!(token, "UTC" | "GMT" | "AM" | "PM" | "I," | "W," | "E," | "F," | "D,")
        || token.contains("::")
        || (token.contains('.') && !token.ends_with('.'))
}

fn starts_failure(head: &str) -> bool {
    FAILURES.iter().any(|start| head.starts_with(start))
        && (!head.starts_with("thread '") || head.contains("panicked at"))
}

/// A traceback below the first line, or a line that begins with an exception's name.
fn failure(message: &str, head: &str) -> Option<Severity> {
    let name = head.split([':', ' ']).next().unwrap_or("");
    let is_exception = head[name.len()..].starts_with(':')
        && ["Error", "Exception", "Fault", "Panic"].iter().any(|end| name.ends_with(end))
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
        && name.bytes().any(|b| b.is_ascii_uppercase());
    // A single line was looked at.
    let has_traceback = || message.contains('\n') && message.lines().take(64).any(|line| line.starts_with(FAILURES[0]));
    (is_exception || has_traceback()).then_some(Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: Option<Severity>) {
        assert_eq!(infer(message), expected, "{message}");
    }

    #[test]
    fn a_level_word_counts_where_loggers_put_it() {
        check("[2025-09-16 00:42:53 +0000] [11] [ERROR] Worker (pid:12) exited with code 3", Some(Severity::Error));
        check("2025-09-07 13:35:00 - auth.tokens - WARNING - Token validation failed", Some(Severity::Warning));
        check("2025-08-25 16:24:10.285 | ERROR    | app.health:check:150 - failed", Some(Severity::Error));
        check("2025-08-25 16:24:10.285 ¦ ERROR    ¦ app.health:check:150 ¦ failed", Some(Severity::Error));
        check("INFO:     10.0.0.1:33804 - \"POST /ask HTTP/1.1\" 500 Internal Server Error", Some(Severity::Info));
        check("ERROR:    Application startup failed. Exiting.", Some(Severity::Error));
        check("2026-01-28T15:55:55.840Z  WARN 1 --- [nio-8080-exec-14] c.a.Service : slow", Some(Severity::Warning));
        check("10:22:33.123 [main] ERROR com.acme.Checkout - no route", Some(Severity::Error));
        check("2025-11-24T08:00:00Z\tERROR\tno route", Some(Severity::Error));
        check("2025/11/24 08:00:00 [error] 29#29: *1 connect() failed", Some(Severity::Error));
        check("time=\"2025-11-24\" level=error msg=\"x\"", Some(Severity::Error));
        check("E1119 22:48:13.914655 1675 file.go:808] failed", Some(Severity::Error));
        check(
            "2025-11-08 08:54:05.908 UTC [7]: [3-1] db=shop,user=app FATAL:  sorry, too many clients already",
            Some(Severity::Critical),
        );
        check(
            "2025-11-08 08:54:05.908 UTC [7]: [3-1] db=shop,user=app LOG:  checkpoint starting",
            Some(Severity::Info),
        );
        check("E, [2025-11-24T08:00:00 #1] ERROR -- : boom", Some(Severity::Error));
        check("error: could not connect", Some(Severity::Error));
        check("fail: Microsoft.Hosting[0]", Some(Severity::Error));
        check("CRITICAL: setup failed", Some(Severity::Critical));
    }

    #[test]
    fn a_traceback_or_panic_is_an_error() {
        check("Traceback (most recent call last):\n  File", Some(Severity::Error));
        check("Exception in ASGI application\nTraceback (most recent call last):\n", Some(Severity::Error));
        check("panic: runtime error: index out of range", Some(Severity::Error));
        check("ModuleNotFoundError: No module named 'x'", Some(Severity::Error));
        check("java.lang.IllegalStateException: no", Some(Severity::Error));
        check("thread 'main' panicked at src/main.rs:1", Some(Severity::Error));
    }

    #[test]
    fn a_level_word_in_prose_means_nothing() {
        check("Progress: 20/20 (Failed: 0, ERROR count 0)", None);
        check("ErrorRecoveryManager initialized", None);
        check("severity: 'ERROR',", None);
        check("Retrying after ERROR from upstream", None);
        check("thread 'pool-1' started", None);
        check("the error log is at /var/log", None);
        check("", None);
    }

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
