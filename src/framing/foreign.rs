//! Files that are no export of Cloud Logging entries: what each is, and the command that exports it right.

use memchr::memmem;

/// A kind of file that people hand in instead of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// Nothing at all, or an empty array.
    Empty,
    /// `ERROR: (gcloud…` saved in place of the output.
    GcloudError,
    /// An HTML page, usually of an error or a login.
    Html,
    /// `timestamp text` lines of `gcloud run services logs read` or `gcloud app logs read`.
    TextLog,
    /// The Logs Explorer's CSV download, or `gcloud --format=csv`.
    Csv,
    /// The default table of another gcloud command, or `--format=value`.
    Table,
    /// AWS CloudWatch.
    CloudWatch,
    /// Vercel.
    Vercel,
    /// Railway.
    Railway,
    /// Rows copied from the Logs Explorer page.
    ConsoleCopy,
    /// A binary format: its place in the table of those that are known.
    Binary(usize),
}

/// Binary formats by their first bytes: what a file is, and how to get what can be read.
const BINARY: [(&[u8], &str); 12] = [
    (
        b"firstfault summary ",
        "is a summary, not an export: report it with `firstfault report`, or join several with `firstfault merge`",
    ),
    (b"\xfd7zXZ\0", "is compressed with xz: unpack it first, `xz -dc FILE | firstfault`"),
    (b"BZh", "is compressed with bzip2: unpack it first, `bzip2 -dc FILE | firstfault`"),
    (b"PK\x03\x04", "is a zip archive: unpack it first, `unzip -p FILE | firstfault`"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first, `7z x -so FILE | firstfault`"),
    (
        b"PAR1",
        "is Parquet, a table: export it as lines of JSON, `bq extract --destination_format NEWLINE_DELIMITED_JSON TABLE URI`",
    ),
    (
        b"Obj\x01",
        "is Avro, a table: export it as lines of JSON, `bq extract --destination_format NEWLINE_DELIMITED_JSON TABLE URI`",
    ),
    (
        b"ORC",
        "is ORC, a table: export it as lines of JSON, `bq extract --destination_format NEWLINE_DELIMITED_JSON TABLE URI`",
    ),
    (
        b"ARROW1",
        "is Arrow, a table: export it as lines of JSON, `bq extract --destination_format NEWLINE_DELIMITED_JSON TABLE URI`",
    ),
    // What is left of UTF-32 once it was read as UTF-16.
    (b"\0{\0", "is UTF-32: convert it first, `iconv -f UTF-32 -t UTF-8 FILE | firstfault`"),
    (b"\0[\0", "is UTF-32: convert it first, `iconv -f UTF-32 -t UTF-8 FILE | firstfault`"),
    (b"\0\0\xfe\xff", "is UTF-32: convert it first, `iconv -f UTF-32 -t UTF-8 FILE | firstfault`"),
];

/// The command that exports entries whole.
const EXPORT: &str =
    "gcloud logging read 'resource.type=\"cloud_run_revision\"' --freshness=1d --format=json > export.json";

impl Foreign {
    /// Recognises a file by its first bytes; `None` when it may well hold entries.
    pub(super) fn recognise(head: &[u8]) -> Option<Foreign> {
        if let Some(known) = BINARY.iter().position(|(magic, _)| head.starts_with(magic)) {
            return Some(Foreign::Binary(known));
        }
        let text = head.trim_ascii();
        let has = |needle: &str| memmem::find(text, needle.as_bytes()).is_some();
        if is_empty(text) {
            return Some(Foreign::Empty);
        }
        if text.starts_with(b"ERROR: (gcloud") {
            return Some(Foreign::GcloudError);
        }
        if text.starts_with(b"<") && (has("<html") || has("<HTML") || has("<!DOCTYPE") || has("<!doctype")) {
            return Some(Foreign::Html);
        }
        if matches!(text[0], b'{' | b'[') {
            return other_cloud(&has);
        }
        text_kind(&String::from_utf8_lossy(text))
    }

    /// One line: what the file is, and how to get what can be read.
    pub fn advice(self) -> String {
        let what = match self {
            Foreign::Empty => {
                return "holds no entries: the filter or the time range of the export matched nothing".to_owned();
            }
            Foreign::Binary(known) => {
                return BINARY.get(known).map_or_else(String::new, |(_, advice)| (*advice).to_owned());
            }
            Foreign::GcloudError => {
                "is an error message of gcloud, not an export: mend what it says and export again with"
            }
            Foreign::Html => "is a web page, not an export: export with",
            Foreign::TextLog => {
                "is text output of a gcloud logs command, without severities, instances and requests: export with"
            }
            Foreign::Csv => {
                "is CSV, which loses the structure of entries: download JSON from the Logs Explorer, or export with"
            }
            Foreign::Table => "is a table or value listing of gcloud, not entries: export with",
            Foreign::CloudWatch => {
                "is an AWS CloudWatch export, not Cloud Logging; entries of Google Cloud are exported with"
            }
            Foreign::Vercel => "is a Vercel log, not Cloud Logging; entries of Google Cloud are exported with",
            Foreign::Railway => "is a Railway log, not Cloud Logging; entries of Google Cloud are exported with",
            Foreign::ConsoleCopy => {
                "is copied from the Logs Explorer page: use its Download button (JSON), or export with"
            }
        };
        format!("{what}: {EXPORT}").replace("with: ", "with ")
    }
}

/// An empty file, array, object or response page.
fn is_empty(text: &[u8]) -> bool {
    let dense: Vec<u8> = text.iter().take(256).filter(|b| !b.is_ascii_whitespace()).copied().collect();
    text.len() <= 256 && matches!(dense.as_slice(), b"" | b"[]" | b"{}" | b"{\"entries\":[]}")
}

/// JSON of other clouds, by keys that Cloud Logging does not have.
fn other_cloud(has: &dyn Fn(&str) -> bool) -> Option<Foreign> {
    if has("\"logName\"") || has("\"insertId\"") || has("\"insert_id\"") || has("\"textPayload\"") {
        return None;
    }
    if has("\"ingestionTime\"") || has("\"logStreamName\"") || has("\"logGroup\"") {
        return Some(Foreign::CloudWatch);
    }
    if has("\"deploymentId\"") && (has("\"serviceId\"") || has("\"environmentId\"")) || has("\"railway") {
        return Some(Foreign::Railway);
    }
    if has("\"deploymentId\"")
        || has("\"vercel")
        || has("x-vercel")
        || (has("\"projectId\"") && has("\"proxy\""))
        || (has("\"level\"") && has("\"requestMethod\"") && has("\"domain\""))
    {
        return Some(Foreign::Vercel);
    }
    None
}

/// Text that is not JSON.
fn text_kind(text: &str) -> Option<Foreign> {
    let first = text.lines().next().unwrap_or("");
    let columns = first.split([',', '\t']).count();
    let is_header = |names: &[&str]| names.iter().any(|n| first.contains(n));
    if columns >= 2
        && first.contains(',')
        && is_header(&["timestamp", "insertId", "textPayload", "logName"])
        && !first.contains(' ')
    {
        return Some(Foreign::Csv);
    }
    if is_header(&["TIMESTAMP", "SEVERITY", "TEXT_PAYLOAD", "LOG_NAME", "INSERT_ID"])
        || starts_with_time(first, b'T') && first.contains('\t')
    {
        return Some(Foreign::Table);
    }
    let n_levels = text.lines().filter(|line| is_console_row(line)).count();
    if n_levels > 0 || text.contains("httpRequest: {") && text.contains("insertId: \"") {
        return Some(Foreign::ConsoleCopy);
    }
    let lines = || text.lines().filter(|l| !l.trim().is_empty()).take(40);
    let n_timed = lines().filter(|line| starts_with_time(line, b' ')).count();
    if n_timed * 2 >= lines().count()
        || text.starts_with("INFO:")
        || text.contains("\nTraceback (most recent call last)")
    {
        return Some(Foreign::TextLog);
    }
    None
}

/// `2026-03-09 21:54:18` with the given byte between date and time.
fn starts_with_time(line: &str, between: u8) -> bool {
    let shape = |(i, b): (usize, u8)| match i {
        4 | 7 => b == b'-',
        10 => b == between,
        13 | 16 => b == b':',
        _ => b.is_ascii_digit(),
    };
    line.len() >= 19 && line.bytes().take(19).enumerate().all(shape)
}

/// `DEFAULT 2026-01-25T17:36:25.315924Z text`.
fn is_console_row(line: &str) -> bool {
    let Some((level, rest)) = line.split_once(' ') else { return false };
    matches!(level, "DEFAULT" | "DEBUG" | "INFO" | "NOTICE" | "WARNING" | "ERROR" | "CRITICAL" | "ALERT" | "EMERGENCY")
        && starts_with_time(rest, b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expected: Option<Foreign>) {
        assert_eq!(Foreign::recognise(head.as_bytes()), expected, "{head}");
    }

    #[test]
    fn what_people_hand_in_is_recognised() {
        check("", Some(Foreign::Empty));
        check("[]\n", Some(Foreign::Empty));
        check("{\n  \"entries\": [\n  ]\n}\n", Some(Foreign::Empty));
        check("ERROR: (gcloud.logging.read) PERMISSION_DENIED", Some(Foreign::GcloudError));
        check("<!DOCTYPE html><html>", Some(Foreign::Html));
        check("2026-03-09 21:54:18 [19] [INFO] Worker exiting\n2026-03-09 21:54:19 x\n", Some(Foreign::TextLog));
        check("timestamp,severity,logName,insertId\n2025", Some(Foreign::Csv));
        check("TIMESTAMP  SEVERITY\n", Some(Foreign::Table));
        check("2025-09-16T00:42:59Z\tERROR\tno route", Some(Foreign::Table));
        check(r#"{"events":[{"ingestionTime":1,"message":"x"}]}"#, Some(Foreign::CloudWatch));
        check("DEFAULT 2026-01-25T17:36:25.315924Z boot\n", Some(Foreign::ConsoleCopy));
    }

    #[test]
    fn an_export_is_not_foreign() {
        check("[\n  {\n    \"insertId\": \"x\"", None);
        check(r#"{"textPayload":"DEFAULT 2026"}"#, None);
        check("$ gcloud logging read x --format=json\n[\n", None);
    }

    #[test]
    fn advice_is_one_line_with_a_command() {
        for foreign in [Foreign::TextLog, Foreign::Csv, Foreign::CloudWatch, Foreign::Table] {
            let advice = foreign.advice();
            assert!(
                advice.contains("gcloud logging read") && advice.contains("--format=json") && !advice.contains('\n')
            );
        }
    }
}
