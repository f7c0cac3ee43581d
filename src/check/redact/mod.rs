//! Secrets and people taken out of a report: credentials, e-mail addresses and client addresses become placeholders.
//!
//! A placeholder is `[redacted KIND-N]`. The same value has the same number everywhere in one report, and the numbers
//! follow the sorted values, so no order of processing shows. Numbers instead of hashes: the four billion addresses of
//! IPv4 are hashed in a second, so a hash of one hides nothing.
//!
//! What names a culprit stays: service accounts, private addresses, servers by their port, names of secrets.

mod quotes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use regex::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::entry::ComponentKind;
use crate::pattern::secrets::{self, CUSTOM, Classes};
use crate::report::Report;

pub use quotes::agrees;

/// Fields that point at evidence, name a file that the analyst gave, or name the contract; they are never changed.
const POINTERS: &[&str] =
    &["schema", "tool_version", "insert_id", "sources", "source", "digest", "fingerprint", "log_name", "actions"];

/// Fields of closed types, times and ids, which no log fills: a pattern that matches everything must not reach them.
const CLOSED: &[&str] = &[
    "status",
    "priority",
    "start",
    "end",
    "first",
    "last",
    "at",
    "kind",
    "component_kind",
    "layer",
    "first_seen",
    "timestamp",
    "effect_time",
    "basis",
    "part",
    "signature",
    "pattern",
    "severity",
    "novelty",
    "id",
    "incident",
    "code",
    "earliest",
    "latest",
    "received",
    "since",
    "next_review",
];

/// Fields whose maps have text of logs as keys.
const KEYED: &[&str] = &["values", "services"];

/// Finds what must not be shown. Made once, used for a whole report.
#[derive(Debug)]
pub struct Redactor {
    custom: Vec<Regex>,
    classes: Classes,
}

impl Redactor {
    /// A redactor for these classes of known shapes and for `extra` patterns (their first group, or the whole match without one).
    ///
    /// # Errors
    /// When an extra pattern is not a regular expression.
    pub fn new(classes: Classes, extra: &[String]) -> Result<Redactor, regex::Error> {
        let custom = extra.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?;
        Ok(Redactor { custom, classes })
    }

    /// The report with every secret in every text of it replaced, except in pointers to evidence. The address of a client that is
    /// itself the first cause stays: it is the answer.
    ///
    /// # Errors
    /// When a number of the report is not finite, and so has no JSON form.
    pub fn redact_report(&self, mut report: Report) -> Result<Report, serde_json::Error> {
        // Names of files stay, and there can be hundreds of thousands.
        let sources = std::mem::take(&mut report.coverage.sources);
        let first = report.incidents.iter().filter_map(|incident| incident.causes.first());
        let clients = first.filter(|cause| cause.component_kind == ComponentKind::Client);
        let mut redacted = self.redact_but(&report, &clients.map(|cause| cause.component.as_str()).collect())?;
        redacted.coverage.sources = sources;
        Ok(redacted)
    }

    /// Anything that has a JSON form, treated like a report.
    ///
    /// # Errors
    /// When a number of it is not finite, and so has no JSON form.
    pub fn redact<T: Serialize + DeserializeOwned>(&self, whole: &T) -> Result<T, serde_json::Error> {
        self.redact_but(whole, &BTreeSet::new())
    }

    fn redact_but<T: Serialize + DeserializeOwned>(
        &self,
        whole: &T,
        answers: &BTreeSet<&str>,
    ) -> Result<T, serde_json::Error> {
        // Through JSON, so that no text is forgotten when a field is added.
        let mut value = serde_json::to_value(whole)?;
        let mut secrets = BTreeSet::new();
        visit(&value, &mut |text| {
            let found = self.find(text).into_iter().map(|(range, kind)| (kind, &text[range]));
            secrets.extend(
                found.filter(|(_, secret)| !answers.contains(secret)).map(|(kind, secret)| (kind, secret.to_owned())),
            )
        });
        if secrets.is_empty() {
            return serde_json::from_value(value);
        }
        let mut names = pseudonyms(secrets);
        names.extend(answers.iter().map(|answer| (("ip", (*answer).to_owned()), (*answer).to_owned())));
        rewrite(&mut value, &|text| self.replace(text, &names));
        serde_json::from_value(value)
    }

    /// One text on its own, its secrets numbered within it.
    pub fn redact_text(&self, text: &str) -> String {
        let found = self.find(text).into_iter().map(|(range, kind)| (kind, text[range].to_owned()));
        self.replace(text, &pseudonyms(found.collect()))
    }

    /// Where a text holds what must not be shown, in order and without overlap.
    pub fn find(&self, text: &str) -> Vec<(Range<usize>, &'static str)> {
        let own = |regex: &Regex| {
            let found = regex.captures_iter(text).filter_map(|c| c.get(1).or(c.get(0)));
            found.map(|hit| (CUSTOM, hit.range())).collect::<Vec<_>>()
        };
        secrets::find(text, self.classes, self.custom.iter().flat_map(own))
    }

    fn replace(&self, text: &str, names: &BTreeMap<(&'static str, String), String>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (range, kind) in self.find(text) {
            out.push_str(&text[done..range.start]);
            match names.get(&(kind, text[range.clone()].to_owned())) {
                Some(name) => out.push_str(name),
                None => out.push_str(&format!("[redacted {kind}]")),
            }
            done = range.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// `[redacted KIND-N]` for each secret, numbered per kind in the order of the values.
fn pseudonyms(secrets: BTreeSet<(&'static str, String)>) -> BTreeMap<(&'static str, String), String> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let name = |(kind, value): (&'static str, String)| {
        let number = numbers.entry(kind).or_default();
        *number += 1;
        let name = format!("[redacted {kind}-{number}]");
        ((kind, value), name)
    };
    secrets.into_iter().map(name).collect()
}

fn visit(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, each)),
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| is_text(name)) {
                if KEYED.contains(&name.as_str()) {
                    each_key(field, each);
                }
                visit(field, each);
            }
        }
        _ => {}
    }
}

fn rewrite(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, change)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut().filter(|(name, _)| is_text(name)) {
                if KEYED.contains(&name.as_str()) {
                    rename_keys(field, change);
                }
                rewrite(field, change);
            }
        }
        _ => {}
    }
}

fn each_key(value: &Value, each: &mut impl FnMut(&str)) {
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        each(name);
        each_key(field, each);
    }
}

fn rename_keys(value: &mut Value, change: &impl Fn(&str) -> String) {
    let Value::Object(fields) = value else { return };
    for (name, mut field) in std::mem::take(fields) {
        rename_keys(&mut field, change);
        fields.insert(change(&name), field);
    }
}

/// True for a field that can hold text of a log.
fn is_text(name: &str) -> bool {
    !POINTERS.contains(&name) && !CLOSED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::secrets::tests::credentials;

    fn redact(text: &str) -> String {
        Redactor::new(Classes::ALL, &[]).expect("the shapes compile").redact_text(text)
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text), expected, "{text}");
    }

    #[test]
    fn every_known_credential_shape_is_gone() {
        let missed: Vec<_> =
            credentials().into_iter().filter(|(text, secret)| redact(text).contains(secret.as_str())).collect();
        assert!(missed.is_empty(), "{} of {} missed: {missed:#?}", missed.len(), credentials().len());
    }

    #[test]
    fn what_stands_around_a_secret_stays() {
        check(
            "postgres://app:hunter2@10.0.0.3:5432/orders",
            "postgres://app:[redacted password-1]@10.0.0.3:5432/orders",
        );
        check("login of alice@acme.example failed", "login of [redacted email-1] failed");
        check(
            "client 8.8.8.8 and 9.9.9.9 and 8.8.8.8",
            "client [redacted ip-1] and [redacted ip-2] and [redacted ip-1]",
        );
        check("{\"password\": \"a b\", \"n\": 1}", "{\"password\": \"[redacted secret-1]\", \"n\": 1}");
        check("from 203.0.113.9:54321", "from [redacted ip-1]:54321");
        check("from [2a00:1450:4001:81b::200e]:54321", "from [[redacted ip-1]]:54321");
    }

    #[test]
    fn what_names_a_culprit_stays() {
        for text in [
            "permission denied for builder@acme-prod.iam.gserviceaccount.com",
            "password authentication failed for user \"app\"",
            "FATAL: password authentication failed for user \"svc@acme-prod.iam\"",
            "Access denied for user 'app'@'10.1.2.3' (using password: YES)",
            "dial tcp 10.20.0.3:5432: i/o timeout",
            "dial tcp 34.76.1.2:3307: i/o timeout",
            "connect to 172.16.4.4 and 192.168.1.7, 127.0.0.1, 169.254.169.254, 100.64.0.9",
            "secret: projects/123/secrets/db-password/versions/7 was not found",
            "Secret projects/123/secrets/token/versions/latest not found",
            "token: expired",
            "Unexpected token: <EOF>",
            "password=",
            "password=None",
            "max_tokens: 4096",
            "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
            "release 1.2.3.4-beta of v10.0.0.1",
            "europe-docker.pkg.dev/acme/app@sha256:0123456789abcdef",
            "postgres://app@db.acme.example:5432/orders",
            "at 11:48:02 in std::collections, mac aa:bb:cc:dd:ee:ff",
            "root@localhost",
            "basic authentication is off, bearer authentication too",
            "key=3",
            "acme-prod:europe-west1:orders-db",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn numbers_follow_the_values_and_not_the_order() {
        check("b@acme.example a@acme.example", "[redacted email-2] [redacted email-1]");
        check("a@acme.example b@acme.example", "[redacted email-1] [redacted email-2]");
    }

    #[test]
    fn extra_patterns_are_taken_first() {
        let redactor = Redactor::new(Classes::ALL, &[r"order-(\d+)".to_owned()]).expect("a regex");
        assert_eq!(redactor.redact_text("order-4711"), "order-[redacted custom-1]");
        assert!(Redactor::new(Classes::ALL, &["(".to_owned()]).is_err());
    }

    #[test]
    fn redacting_again_changes_nothing() {
        for (text, _) in credentials() {
            let once = redact(&text);
            assert_eq!(redact(&once), once, "{text}");
        }
    }

    #[test]
    fn a_redacted_quote_agrees_with_its_entry_and_no_other() {
        assert!(agrees("login of [redacted email-1] failed", "login of alice@acme.example failed"));
        assert!(!agrees("login of [redacted email-1] failed", "login of alice@acme.example worked"));
        assert!(!agrees("login of [redacted email-1] failed", "logout of alice@acme.example failed"));
        assert!(agrees("exit(3)", "exit(3)") && !agrees("exit(3)", "exit(3)!") && !agrees("exit(3)", "exit(1)"));
        assert!(agrees("a long mess…", "a long message"));
        assert!(agrees("a … end", "a very long end") && !agrees("a … end", "a very long tail"));
        assert!(agrees("[redacted ip-1] [redacted ip-1]", "8.8.8.8 8.8.8.8"));
    }
}
