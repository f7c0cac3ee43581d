//! The level that a log line states itself: in a field of its payload, or where loggers put it in their text.

mod word;

use self::word::level_word;
use super::severity::{Severity, level};

/// Bytes of the first line in which a level can stand; prefixes with date, logger and thread take some 100.
const HEAD_BYTES: usize = 200;

/// Starts of lines that only a failing program writes.
const FAILURES: [&str; 10] = [
    "Traceback (most recent call last)",
    "Exception in thread ",
    "panic: ",
    "fatal error: ",
    "Unhandled exception",
    "Uncaught ",
    "npm ERR!",
    "npm error ",
    "Segmentation fault",
    "thread '",
];

/// The level that the fields of a payload state, while they are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stated {
    /// The best statement so far and its rank.
    best: Option<(u8, Severity)>,
    marks: u8,
}

/// What a key of a payload tells of the level of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its value is the level; the best rank is the lowest.
    Level(u8),
    /// One of the keys by which a library is known that writes no level where it is the usual one.
    Mark(u8),
}

/// Keys of Serilog's compact format, which says nothing of the level where it is `Information`.
const SERILOG: u8 = 0b11;

/// Keys of an information in klog's JSON: an error has no verbosity.
const KLOG: u8 = 0b1_1100;

impl Stated {
    /// Looks at a member of the payload itself; `value` is its text as it stands.
    pub(super) fn see(&mut self, key: &str, value: &str) {
        if let Some(role) = role(key) {
            self.see_as(role, value);
        }
    }

    /// The same of a member whose key was looked at.
    pub(super) fn see_as(&mut self, role: Role, value: &str) {
        match role {
            Role::Mark(mark) => self.marks |= mark,
            Role::Level(rank) if self.best.is_none_or(|(best, _)| rank <= best) => {
                self.best = of_value(value).map(|severity| (rank, severity)).or(self.best);
            }
            Role::Level(_) => {}
        }
    }

    /// What they state together.
    pub(super) fn severity(self) -> Option<Severity> {
        let has = |marks: u8| (self.marks & marks == marks).then_some(Severity::Info);
        self.best.map(|(_, severity)| severity).or_else(|| has(SERILOG)).or_else(|| has(KLOG))
    }
}

/// What a key tells; `None` for most.
pub(super) fn role(key: &str) -> Option<Role> {
    Some(match key {
        // Beside it Monolog has a number that other libraries count differently.
        "level_name" | "levelname" | "levelName" => Role::Level(0),
        "level" | "lvl" | "log.level" | "@l" | "Level" | "LogLevel" | "logLevel" | "loglevel" | "log_level" | "L"
        | "SeverityText" | "severityText" | "severity_text" => Role::Level(1),
        "severity" | "Severity" => Role::Level(2),
        // MongoDB.
        "s" => Role::Level(3),
        "@t" => Role::Mark(1),
        "@m" | "@mt" => Role::Mark(1 << 1),
        "ts" => Role::Mark(1 << 2),
        "caller" => Role::Mark(1 << 3),
        "v" => Role::Mark(1 << 4),
        _ => return None,
    })
}

/// A level as a field gives it: a name, a letter, or the numbers of bunyan and pino.
fn of_value(value: &str) -> Option<Severity> {
    match value.parse::<i32>() {
        Ok(10 | 20) => return Some(Severity::Debug),
        Ok(30) => return Some(Severity::Info),
        Ok(40) => return Some(Severity::Warning),
        Ok(50) => return Some(Severity::Error),
        Ok(60) => return Some(Severity::Critical),
        _ => {}
    }
    // slog counts from a name, `INFO+2`; MongoDB numbers its letters, `D1`.
    let name = value.split_once(['+', '-']).map_or(value, |(name, _)| name);
    let is_lettered = matches!(value.as_bytes(), [_] | [b'D', b'1'..=b'5']);
    match name {
        _ if is_lettered => letter(value.as_bytes()[0]),
        "silly" | "http" | "SILLY" | "HTTP" => Some(Severity::Debug),
        "dpanic" | "DPANIC" => Some(Severity::Critical),
        // zap's below debug.
        _ if name.starts_with("Level(") || name.starts_with("LEVEL(") => Some(Severity::Debug),
        _ => Severity::parse(name),
    }
}

/// The level that one capital letter means.
fn letter(letter: u8) -> Option<Severity> {
    Some(match letter {
        b'T' | b'D' | b'V' => Severity::Debug,
        b'I' => Severity::Info,
        b'N' => Severity::Notice,
        b'W' => Severity::Warning,
        b'E' => Severity::Error,
        b'F' | b'C' => Severity::Critical,
        _ => return None,
    })
}

/// Reads the level of a line from a level word where loggers put it, or from the start of a traceback. A level word in the
/// middle of a sentence means nothing.
pub(super) fn infer(message: &str) -> Option<Severity> {
    let text = message.trim_start();
    let line = memchr::memchr(b'\n', text.as_bytes()).map_or(text, |end| {
        let line = &text[..end];
        line.strip_suffix('\r').unwrap_or(line)
    });
    let head = &line[..line.floor_char_boundary(HEAD_BYTES)];
    if starts_failure(head) {
        return Some(Severity::Error);
    }
    leading(head).or_else(|| level_word(head)).or_else(|| java_util(message)).or_else(|| failure(message, head))
}

/// Forms that their first bytes tell.
fn leading(head: &str) -> Option<Severity> {
    match head.as_bytes().first()? {
        b'=' => erlang(head),
        b'[' => tornado(head).or_else(|| php(head)),
        b'N' | b'P' => php(head),
        b'A'..=b'Z' => match head.as_bytes() {
            [_, b'0'..=b'9', ..] => klog(head),
            [_, _, _, _, b'[', ..] => logrus(head),
            _ => python_root(head),
        },
        b'0'..=b'9' => redis(head),
        _ => None,
    }
}

/// `E1119 22:48:13.914655 …` of klog, `E20251119 22:48:13.914655 …` of glog.
fn klog(head: &str) -> Option<Severity> {
    let (date, rest) = head[1..].split_once(' ')?;
    let is_klog = matches!(date.len(), 4 | 8)
        && date.bytes().all(|b| b.is_ascii_digit())
        && matches!(rest.trim_start().as_bytes(), [b'0'..=b'9', b'0'..=b'9', b':', ..]);
    is_klog.then(|| letter(head.as_bytes()[0])).flatten()
}

/// `ERRO[0001] …` of logrus on a terminal.
fn logrus(head: &str) -> Option<Severity> {
    Some(match head.split_once('[')?.0 {
        "TRAC" | "DEBU" => Severity::Debug,
        "INFO" => Severity::Info,
        "WARN" => Severity::Warning,
        "ERRO" => Severity::Error,
        "FATA" => Severity::Critical,
        "PANI" => Severity::Emergency,
        _ => return None,
    })
}

/// `ERROR:shop.orders:no route`: what Python writes without being told how.
fn python_root(head: &str) -> Option<Severity> {
    let (word, rest) = early_colon(head)?;
    let (logger, _) = rest.split_once(':')?;
    let is_logger = logger.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    (is_logger && !logger.is_empty() && is_capital(word)).then(|| level(word)).flatten()
}

/// What stands before and behind a colon near the start.
fn early_colon(head: &str) -> Option<(&str, &str)> {
    let at = head.bytes().take(10).position(|b| b == b':')?;
    Some((&head[..at], &head[at + 1..]))
}

/// `[E 2025-11-24 08:00:00.123 app:7] …` of Tornado and Jupyter.
fn tornado(head: &str) -> Option<Severity> {
    match head.as_bytes() {
        [b'[', mark, b' ', b'0'..=b'9', ..] => letter(*mark),
        _ => None,
    }
}

/// `=ERROR REPORT==== …` of Erlang.
fn erlang(head: &str) -> Option<Severity> {
    let (kind, _) = head.strip_prefix('=')?.split_once(" REPORT=")?;
    Some(match kind {
        "ERROR" | "CRASH" | "SUPERVISOR" => Severity::Error,
        "WARNING" => Severity::Warning,
        "INFO" | "PROGRESS" => Severity::Info,
        _ => return None,
    })
}

/// `7:M 24 Nov 2025 08:00:00.123 # …` of Redis.
fn redis(head: &str) -> Option<Severity> {
    let (pid, rest) = early_colon(head)?;
    let rest = rest.strip_prefix(['M', 'S', 'C', 'X'])?.strip_prefix(' ')?;
    if !pid.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match rest.split([' ', '\t']).filter(|part| !part.is_empty()).nth(4)? {
        "." | "-" => Severity::Debug,
        "*" => Severity::Notice,
        "#" => Severity::Warning,
        _ => return None,
    })
}

/// What PHP itself says, and what its workers say through FPM: `… WARNING: [pool www] child 7 said into stderr: "…"`.
fn php(head: &str) -> Option<Severity> {
    // `[24-Nov-2025 08:00:00] …`
    let is_fpm = head.starts_with("NOTICE: PHP") || matches!(head.as_bytes(), [b'[', _, _, b'-', ..]);
    let inner =
        || ["said into stderr: \"", "said into stdout: \"", "PHP message: "].iter().find_map(|it| after(head, it));
    if let Some(inner) = is_fpm.then(inner).flatten() {
        return infer(inner);
    }
    let kind = head.strip_prefix("PHP ")?.split_once(':')?.0;
    Some(match kind {
        "Fatal error" | "Parse error" | "Recoverable fatal error" | "Core error" | "Compile error" => Severity::Error,
        "Warning" | "Core warning" => Severity::Warning,
        "Notice" | "Deprecated" | "Strict Standards" => Severity::Notice,
        _ => return None,
    })
}

/// What follows `words` in `head`.
fn after<'h>(head: &'h str, words: &str) -> Option<&'h str> {
    head.find(words).map(|at| &head[at + words.len()..])
}

fn is_capital(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_uppercase())
}

/// The second line of java.util.logging: `SEVERE: …` below the date and the method.
fn java_util(message: &str) -> Option<Severity> {
    let is_dated = matches!(message.as_bytes(), [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' ', b'0'..=b'9', ..]);
    let word = is_dated.then(|| message.lines().nth(1)).flatten()?.split_once(':')?.0;
    is_capital(word).then(|| level(word)).flatten()
}

fn starts_failure(head: &str) -> bool {
    FAILURES.iter().any(|start| head.starts_with(start))
        && (!head.starts_with("thread '") || head.contains("panicked at"))
}

/// A traceback below the first line, or a line that begins with an exception's name.
fn failure(message: &str, head: &str) -> Option<Severity> {
    let name = &head[..memchr::memchr2(b':', b' ', head.as_bytes()).unwrap_or(head.len())];
    let is_exception = head[name.len()..].starts_with(':')
        && ["Error", "Exception", "Fault", "Panic"].iter().any(|end| name.ends_with(end))
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
        && name.bytes().any(|b| b.is_ascii_uppercase());
    // A single line was looked at.
    let has_traceback = || message.contains('\n') && message.lines().take(64).any(|line| line.starts_with(FAILURES[0]));
    if is_exception || has_traceback() {
        return Some(Severity::Error);
    }
    warning(head)
}

/// `/app/shop.py:7: DeprecationWarning: …` of Python, `(node:7) [DEP0005] DeprecationWarning: …` of Node: said to those who
/// write the program, nothing failed.
fn warning(head: &str) -> Option<Severity> {
    let mut places = memchr::memchr_iter(b'W', head.as_bytes());
    let before = &head[..places.find(|at| head[*at..].starts_with("Warning: "))?];
    let is_promise = before.ends_with("UnhandledPromiseRejection");
    let is_warned = before.starts_with("(node:") || before.rsplit_once(": ").is_some_and(|(at, _)| at.contains(".py:"));
    is_warned.then_some(if is_promise { Severity::Error } else { Severity::Notice })
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
}
