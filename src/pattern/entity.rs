//! Things that a message names: connection names, hosts, addresses, secrets, accounts. Victims name the culprit, also
//! when the culprit itself logs nothing.

use std::ops::Range;
use std::sync::LazyLock;

use super::needle::{self, Needle};
use super::{Expression, names};
use crate::entry::{Component, ComponentKind};

/// Most of a message that is looked at, in bytes: culprits stand near the head or in the last line.
const LOOKED_AT: usize = 8192;

/// Most things taken from one message.
const MAX_ENTITIES: usize = 12;

struct EntityRule {
    kind: ComponentKind,
    needle: Option<Needle>,
    expression: Expression,
}

impl EntityRule {
    fn new(kind: ComponentKind, pattern: &'static str) -> EntityRule {
        let needle = needle::parse(pattern).and_then(|regex| Needle::of(&regex, 1));
        EntityRule { kind, needle, expression: Expression::new(pattern) }
    }

    /// Where the names that it finds stand.
    fn find_iter<'t>(&'t self, message: &'t str) -> impl Iterator<Item = Range<usize>> {
        let may_match = self.needle.as_ref().is_none_or(|needle| needle.is_in(message.as_bytes()));
        may_match.then(|| self.expression.find_iter(message)).into_iter().flatten()
    }
}

static RULES: LazyLock<Vec<EntityRule>> = LazyLock::new(|| {
    let rule = EntityRule::new;
    vec![
        // Cloud SQL instance connection name, PROJECT:REGION:INSTANCE.
        rule(
            ComponentKind::Database,
            r"\b((?:[a-z][a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]:[a-z]+-[a-z]+\d{1,2}:[a-z][a-z0-9-]*[a-z0-9])\b",
        ),
        rule(ComponentKind::Network, r"\bconnectors/([a-z][a-z0-9-]*[a-z0-9])\b"),
        rule(ComponentKind::Network, r"(?i)\bVPC(?: access)? connector [`'\x22]?([a-z][a-z0-9-]*[a-z0-9])\b"),
        rule(ComponentKind::Firewall, r"\b(?:firewalls|networkpolicies|firewallPolicies)/([a-z][a-z0-9.-]*[a-z0-9])\b"),
        rule(ComponentKind::Secret, r"\bsecrets/([A-Za-z0-9_-]+)"),
        rule(ComponentKind::Principal, r"\b([a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com)\b"),
        rule(ComponentKind::Bucket, r"\bgs://([a-z0-9._-]+)"),
        // The JSON API of Cloud Storage: `/storage/v1/b/BUCKET/o`.
        rule(ComponentKind::Bucket, r"/b/([a-z0-9][a-z0-9._-]*[a-z0-9])/o\b"),
        rule(ComponentKind::Queue, r"\b(?:topics|subscriptions|queues)/([A-Za-z][A-Za-z0-9._~%+-]+)"),
        rule(ComponentKind::Cache, r"\blocations/[a-z0-9-]+/(?:instances|clusters)/([a-z][a-z0-9-]*[a-z0-9])\b"),
        rule(
            ComponentKind::Image,
            r"\b((?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)/[\w./-]+(?:[:@][\w.:-]+)?)",
        ),
        rule(ComponentKind::Node, r"\b(gke-[a-z0-9-]+-[0-9a-f]{6,8}-[a-z0-9]{4})\b"),
        rule(
            ComponentKind::Host,
            r"\b(?:https?|wss?|grpc|amqps?|kafka)://(?:[^\s/@]*@)?([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?)",
        ),
        // A resolver's question: the name that did not resolve is evidence about name resolution, not about the host.
        rule(
            ComponentKind::Host,
            r"\b(?:lookup|ENOTFOUND|EAI_AGAIN|resolve host(?:name)?:?|UnknownHostException:) ([A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+)",
        ),
        rule(ComponentKind::Host, r"\b((?:\d{1,3}\.){3}\d{1,3}(?:/<unresolved>)?:\d{2,5})\b"),
        rule(
            ComponentKind::Host,
            r#"(?i)\bhost(?:name)?[=:]\s*['"]?([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?)"#,
        ),
        rule(
            ComponentKind::Host,
            r"\b([a-z0-9-]+(?:\.[a-z0-9-]+)+\.(?:com|net|org|io|dev|app|cloud|internal|local|example|ai|co|sh)(?::\d+)?)\b",
        ),
    ]
});

/// What a well-known port says about the thing that listens there.
fn kind_of_port(port: &str) -> Option<ComponentKind> {
    Some(match port {
        "5432" | "3306" | "3307" | "1433" | "1521" | "27017" | "9042" | "26257" => ComponentKind::Database,
        "6379" | "6380" | "11211" => ComponentKind::Cache,
        "53" => ComponentKind::Dns,
        "9092" | "5672" | "4222" => ComponentKind::Queue,
        _ => return None,
    })
}

/// Every thing the message names, in the order of the rules, each once.
pub(super) fn entities(message: &str) -> Vec<Component> {
    let message = head(message);
    let mut found: Vec<Component> = Vec::new();
    for rule in RULES.iter() {
        for name in rule.find_iter(message) {
            let (at, after) = (name.start, &message[name.end..]);
            let named = component(rule.kind, &message[name]);
            if rule.kind == ComponentKind::Host
                && (points_to_manual(message, at)
                    || ends_an_address(message, at)
                    || names::is_page(&named.name, after)
                    || names::is_package(&named.name))
            {
                continue;
            }
            if found.len() < MAX_ENTITIES
                && !found.contains(&named)
                && is_a_thing(&named)
                && !names::is_manual(&named.name)
            {
                found.push(named);
            }
        }
    }
    found
}

/// Words before an address that make it a pointer to a manual, not a thing that was called.
const MANUAL_WORDS: [&str; 10] = [
    "see ",
    "visit ",
    "more info",
    "information",
    "background on",
    "documentation",
    "refer to",
    "learn more",
    "read more",
    "troubleshoot",
];

/// How far before an address such words are looked for, in bytes.
const MANUAL_WINDOW: usize = 64;

fn points_to_manual(message: &str, at: usize) -> bool {
    let mut from = at.saturating_sub(MANUAL_WINDOW);
    while !message.is_char_boundary(from) {
        from += 1;
    }
    let line = message[from..at].rsplit('\n').next().unwrap_or("").to_ascii_lowercase();
    MANUAL_WORDS.iter().any(|word| line.contains(word))
}

/// Whether a host is that of a mail address: it names an account, not a thing that was called. In a URL with a user it does.
fn ends_an_address(message: &str, at: usize) -> bool {
    let Some(before) = message[..at].strip_suffix('@') else { return false };
    let user = before.rsplit(|c: char| c.is_whitespace() || "\"'`<>()[]{},;=".contains(c)).next().unwrap_or("");
    !user.is_empty() && !user.contains('/')
}

/// The VPC connector that a message names: services tell at their start which one they go through.
pub(super) fn connector(message: &str) -> Option<Component> {
    static FINDER: LazyLock<memchr::memmem::Finder<'static>> =
        LazyLock::new(|| memchr::memmem::Finder::new("onnector"));
    FINDER.find(message.as_bytes())?;
    let networks = RULES.iter().filter(|rule| rule.kind == ComponentKind::Network);
    let name = networks.flat_map(|rule| rule.find_iter(message).take(1)).next()?;
    Some(Component::new(ComponentKind::Network, &message[name]))
}

/// A thing by kind and name, with the name in canonical form: a host without its port, the port telling its kind.
pub fn component(kind: ComponentKind, name: &str) -> Component {
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/' && c != '_');
    let name = name.strip_prefix("/cloudsql/").unwrap_or(name);
    if kind != ComponentKind::Host {
        return Component::new(kind, name);
    }
    let name = name.replace("/<unresolved>", "");
    match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Component::new(kind_of_port(port).unwrap_or(ComponentKind::Host), host)
        }
        _ => Component::new(kind, name.as_str()),
    }
}

/// Names that may turn out to be components: words with a hyphen, as instances, services and connectors are called.
pub(super) fn mentions(message: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let (message, mut done) = (head(message), 0);
    let bytes = message.as_bytes();
    let is_outside = |b: &u8| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    for hyphen in memchr::memchr_iter(b'-', bytes) {
        if hyphen < done {
            continue;
        }
        let start = bytes[..hyphen].iter().rposition(is_outside).map_or(0, |at| at + 1);
        done = bytes[hyphen..].iter().position(is_outside).map_or(bytes.len(), |len| hyphen + len);
        let word = &message[start..done];
        if is_name(word) && found.len() < MAX_ENTITIES && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

fn is_name(word: &str) -> bool {
    (4..=63).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && !word.ends_with('-')
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a name names something: no kind of thing, and no address of everybody.
pub(super) fn is_a_thing(named: &Component) -> bool {
    !is_nothing(&named.name) && !names::is_common_noun(&named.name)
}

/// Addresses that name nobody: the machine itself, and everybody.
fn is_nothing(name: &str) -> bool {
    name.len() < 2
        || name == "localhost"
        || name.starts_with("127.")
        || name == "0.0.0.0"
        || name.starts_with("169.254.")
}

fn head(message: &str) -> &str {
    let mut end = message.len().min(LOOKED_AT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &[(ComponentKind, &str)]) {
        let expected: Vec<Component> = expected.iter().map(|(kind, name)| Component::new(*kind, *name)).collect();
        assert_eq!(entities(message), expected, "{message}");
    }

    #[test]
    fn every_rule_compiles_and_has_a_needle_that_its_matches_hold() {
        for rule in RULES.iter() {
            for text in ["plain", "schön"] {
                assert_eq!(rule.expression.find_iter(text).count(), 0);
            }
            assert!(rule.needle.is_some(), "{:?}", rule.expression);
        }
    }

    #[test]
    fn a_victim_names_the_culprit() {
        use ComponentKind::{Cache, Database, Host, Network, Secret};
        check(
            "dial error: failed to dial (connection name = \"acme-prod:europe-west1:orders-db\")",
            &[(Database, "acme-prod:europe-west1:orders-db")],
        );
        check("connect ETIMEDOUT 10.1.2.3:6379", &[(Cache, "10.1.2.3")]);
        check("dial tcp 10.1.2.3:5432: i/o timeout", &[(Database, "10.1.2.3")]);
        check("POST https://pay.example.com/v1/charge timed out", &[(Host, "pay.example.com")]);
        check("projects/1/secrets/db-password/versions/3 denied", &[(Secret, "db-password")]);
        check(
            "connection to server on socket \"/cloudsql/acme-staging:us-central1:staging-shared-pg/.s.PGSQL.5432\" failed: server closed",
            &[(Database, "acme-staging:us-central1:staging-shared-pg")],
        );
        check("egress via VPC connector main-conn", &[(Network, "main-conn")]);
    }

    #[test]
    fn an_account_is_no_host() {
        use ComponentKind::{Host, Principal};
        let account = "invoices@acme-prod.iam.gserviceaccount.com";
        check(&format!("{account} does not have access"), &[(Principal, account)]);
        check("mail to ann@acme.example bounced", &[]);
        check("postgres://app@db.acme.example/orders refused", &[(Host, "db.acme.example")]);
    }

    #[test]
    fn a_message_without_names_names_nothing() {
        check("Container called exit(3).", &[]);
        check("listening on 127.0.0.1:8080", &[]);
        check("500 Internal Server Error. For more information check: https://developer.example.org/docs/500", &[]);
    }

    #[test]
    fn names_with_hyphens_may_be_components() {
        assert_eq!(mentions("attempt to reach orders-db failed, backing off (try 2 of 3)"), ["orders-db"]);
    }
}
