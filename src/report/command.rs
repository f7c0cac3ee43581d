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
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
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

    /// The command that exports what the filter selects; `options` is fixed text of a shell.
    pub(super) fn read(&self, options: &'static str) -> String {
        format!("gcloud logging read '{}' {options}", self.0)
    }
}

/// The command of a remedy with what is known here filled in.
///
/// A whole word in capitals (`SERVICE`) that `names` knows is replaced; others stay for the reader to fill in. A word in
/// braces (`{setting}`) is a value that the signature reads from its messages: `None` when `values` does not know it.
pub(super) fn filled(command: &str, names: &[(&str, String)], values: &[(&str, String)]) -> Option<String> {
    let mut text = String::with_capacity(command.len());
    let mut rest = command;
    while let Some(at) = rest.find(|c: char| c.is_ascii_uppercase() || c == '{') {
        let (before, word) = rest.split_at(at);
        let inside = before.ends_with(is_of_a_word);
        text.push_str(before);
        if let Some(named) = word.strip_prefix('{') {
            let (name, after) = named.split_once('}')?;
            text.push_str(known(values, name)?);
            rest = after;
        } else {
            let end = word.find(|c: char| !is_of_a_word(c)).unwrap_or(word.len());
            let name = &word[..end];
            text.push_str(known(names, name).filter(|_| !inside).unwrap_or(name));
            rest = &word[end..];
        }
    }
    text.push_str(rest);
    Some(text)
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
        for text in ["a b", "$(touch F)", "`touch F`", "a;b", "a|b", "a>b", "a*", "~", "a&b", "#a", "a/b", "!a"] {
            assert_eq!(Value::new(text).and_then(Value::word), None, "{text:?}");
        }
        for text in ["checkout", "acme-prod:europe-west1:orders-db", "a_b.c", "10.0.0.3:5432"] {
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
        let fill = |command: &str| filled(command, &names, &values);
        assert_eq!(fill("run SERVICE --region REGION").as_deref(), Some("run checkout --region REGION"));
        assert_eq!(fill("run MY_SERVICE SERVICES").as_deref(), Some("run MY_SERVICE SERVICES"));
        assert_eq!(fill("set SERVICE {setting}=VALUE").as_deref(), Some("set checkout API_KEY=VALUE"));
        assert_eq!(fill("set {other}=VALUE"), None);
    }
}
