//! Commands that a report proposes: text of a log stands in them only where neither a shell nor a filter can take it for
//! more than a name.

use crate::time::Timestamp;

/// Bytes of a name at most. Names of Google Cloud resources end at 63, those of Kubernetes at 253.
const MAX_BYTES: usize = 253;

/// Text of a log that may stand in a command.
///
/// Nothing is escaped: what would need it is refused, since no resource is called so. That leaves printable ASCII without
/// quotes and backslashes, and not beginning with `-`, which a program would take for an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'t>(&'t str);

impl<'t> Value<'t> {
    /// `None` when the text must not stand in a command at all.
    pub(super) fn new(text: &'t str) -> Option<Value<'t>> {
        let is_harmless = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'\'' | b'"' | b'\\');
        let has_form = !text.is_empty() && text.len() <= MAX_BYTES && !text.starts_with('-');
        (has_form && text.bytes().all(is_harmless)).then_some(Value(text))
    }

    /// The text as a word, or a part of one, of a shell: the same bare and inside quotes of either kind. `None` when a shell
    /// would see more in it than letters.
    pub(super) fn word(self) -> Option<&'t str> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'@' | b'/');
        self.0.bytes().all(is_plain).then_some(self.0)
    }
}

/// A filter of the Logging query language, made of fixed text, names and times. It is shown in single quotes, which
/// nothing in it can end.
#[derive(Clone, Debug)]
pub(super) struct Filter(String);

impl Filter {
    /// A fixed clause, without single quotes.
    pub(super) fn new(clause: &'static str) -> Filter {
        Filter(clause.to_owned())
    }

    /// Every entry of one of these logs.
    pub(super) fn logs(ids: &[&'static str]) -> Filter {
        let clauses: Vec<String> = ids.iter().map(|id| format!("log_id(\"{id}\")")).collect();
        match clauses.as_slice() {
            [one] => Filter(one.clone()),
            many => Filter(format!("({})", many.join(" OR "))),
        }
    }

    /// What both select.
    pub(super) fn and(self, other: Option<Filter>) -> Filter {
        match other {
            Some(other) => Filter(format!("({} AND {})", self.0, other.0)),
            None => self,
        }
    }

    /// What one of both selects.
    pub(super) fn either(one: Option<Filter>, other: Option<Filter>) -> Option<Filter> {
        match (one, other) {
            (Some(one), Some(other)) => Some(Filter(format!("({} OR {})", one.0, other.0))),
            (one, other) => one.or(other),
        }
    }

    /// Every entry that holds one of the names; without names every entry.
    pub(super) fn any_of(names: &[Value<'_>]) -> Filter {
        let strings: Vec<String> = names.iter().map(|Value(name)| format!("\"{name}\"")).collect();
        match strings.as_slice() {
            [] => Filter::new("severity>=DEFAULT"),
            [one] => Filter(one.clone()),
            many => Filter(format!("({})", many.join(" OR "))),
        }
    }

    /// The same with a bound for the timestamp; `comparison` is `<`, `<=`, `>=` or `>`.
    pub(super) fn and_timestamp(self, comparison: &'static str, at: Timestamp) -> Filter {
        Filter(format!("{} AND timestamp{comparison}\"{at}\"", self.0))
    }

    /// The command that exports what the filter selects; `options` is fixed text of a shell, and names that are plain words.
    pub(super) fn read(&self, options: &str) -> String {
        format!("gcloud logging read '{}' {options}", self.0)
    }
}

/// What kept a command from being filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unknown<'c> {
    /// A name of a resource.
    Name(&'c str),
    /// A value that the messages do not give.
    Value,
}

/// Words in capitals that are part of a command: SQL, and what an operator chooses.
const NO_NAMES: [&str; 24] = [
    "SELECT",
    "FROM",
    "ORDER",
    "BY",
    "DESC",
    "LIMIT",
    "GROUP",
    "SHOW",
    "ENGINE",
    "INNODB",
    "STATUS",
    "PROCESSLIST",
    "AND",
    "OR",
    "ALWAYS",
    "SERVERLESS",
    "EGRESS",
    "ERROR",
    "A",
    "VALUE",
    "SIZE",
    "IP",
    "UTC",
    "A8",
];

/// The command of a remedy with what is known here filled in.
///
/// A whole word in capitals (`SERVICE`) is a name of a resource, a word in braces (`{setting}`) a value that the signature reads
/// from its messages.
///
/// # Errors
/// The first of either that is not known, or that must not stand in a command.
pub(super) fn filled<'c>(
    command: &'c str,
    names: &[(&str, String)],
    values: &[(&str, String)],
) -> Result<String, Unknown<'c>> {
    let mut text = String::with_capacity(command.len());
    let mut rest = command;
    while let Some(at) = rest.find(|c: char| c.is_ascii_uppercase() || c == '{') {
        let (before, word_on) = rest.split_at(at);
        let inside = before.ends_with(is_of_a_word) || before.is_empty() && text.ends_with(is_of_a_word);
        text.push_str(before);
        if let Some(named) = word_on.strip_prefix('{') {
            let (name, after) = named.split_once('}').ok_or(Unknown::Value)?;
            text.push_str(known(values, name).ok_or(Unknown::Value)?);
            rest = after;
        } else {
            let end = word_on.find(|c: char| !is_of_a_word(c)).unwrap_or(word_on.len());
            let name = &word_on[..end];
            let is_name = !inside && !NO_NAMES.contains(&name) && !name.bytes().any(|b| b.is_ascii_lowercase());
            text.push_str(if is_name { known(names, name).ok_or(Unknown::Name(name))? } else { name });
            rest = &word_on[end..];
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// A text as a word of a shell; `None` when a shell would see more in it.
pub(super) fn word(text: &str) -> Option<&str> {
    Value::new(text)?.word()
}

fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What a name stands for, when it may stand in a command.
fn known<'k>(known: &'k [(&str, String)], name: &str) -> Option<&'k str> {
    let (_, text) = known.iter().find(|(known, _)| *known == name)?;
    Value::new(text)?.word()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_or_a_filter_could_act_on_is_no_value() {
        for text in ["", "--quiet", "-", "x'; touch F; echo '", "a\"b", "a\\", "a\nb", "a\u{202e}b", "é", "\u{7f}"] {
            assert_eq!(Value::new(text), None, "{text:?}");
        }
        assert_eq!(Value::new(&"a".repeat(MAX_BYTES + 1)), None);
        for text in ["a b", "$(touch F)", "`touch F`", "a;b", "a|b", "a>b", "a*", "~", "a&b", "#a", "a=b", "!a"] {
            assert_eq!(Value::new(text).and_then(Value::word), None, "{text:?}");
        }
        for text in [
            "checkout",
            "acme-prod:europe-west1:orders-db",
            "a_b.c",
            "10.0.0.3:5432",
            "run@acme-prod.iam.gserviceaccount.com",
        ] {
            assert_eq!(Value::new(text).and_then(Value::word), Some(text));
        }
    }

    #[test]
    fn a_filter_selects_by_name_and_time() {
        let names = ["checkout", "a b"].map(|name| Value::new(name).expect("it is harmless"));
        let filter = Filter::any_of(&names).and_timestamp("<", Timestamp(0));
        assert_eq!(
            filter.read("--format=json"),
            r#"gcloud logging read '("checkout" OR "a b") AND timestamp<"1970-01-01T00:00:00Z"' --format=json"#
        );
        assert_eq!(Filter::any_of(&[]).read("-h"), "gcloud logging read 'severity>=DEFAULT' -h");
    }

    #[test]
    fn whole_words_are_filled_in_and_a_value_must_be_known() {
        let names = [("SERVICE", "checkout".to_owned()), ("REGION", "--quiet".to_owned())];
        let values = [("setting", "API_KEY".to_owned())];
        let fill = |command: &'static str| filled(command, &names, &values);
        assert_eq!(fill("run SERVICE -n 1").as_deref(), Ok("run checkout -n 1"));
        assert_eq!(fill("run SERVICE --region REGION"), Err(Unknown::Name("REGION")), "it would be an option");
        assert_eq!(fill("run SERVICES"), Err(Unknown::Name("SERVICES")));
        assert_eq!(fill("set SERVICE {setting}=VALUE").as_deref(), Ok("set checkout API_KEY=VALUE"));
        assert_eq!(fill("psql -c 'SELECT pid FROM pg_locks'").as_deref(), Ok("psql -c 'SELECT pid FROM pg_locks'"));
        assert_eq!(fill("set {other}=VALUE"), Err(Unknown::Value));
    }
}
