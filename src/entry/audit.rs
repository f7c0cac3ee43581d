//! A protoPayload: an audit entry (who changed what) or an App Engine request.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::cursor::{Broken, Cursor, Raw};
use super::values::{self, FOLDED, duration, folded, integer, status};
use super::{Audit, HttpRequest, Labels, Text};

/// Details that are kept of one audit entry.
const MAX_DETAILS: usize = 64;

/// Levels of a request or response that are looked into; a Cloud Run service has eight.
const MAX_DEPTH: usize = 12;

/// Names on the way to a detail that is worth keeping.
const KEPT: &[&str] = &[
    "@type",
    "activationPolicy",
    "allowed",
    "alloweds",
    "annotations",
    "args",
    "authorizedNetworks",
    "backends",
    "backendService",
    "binding",
    "bindingDeltas",
    "bindings",
    "bucket",
    "certificate",
    "command",
    "conditions",
    "connector",
    "containerConcurrency",
    "cpu",
    "databaseFlags",
    "denied",
    "denieds",
    "destinationRanges",
    "direction",
    "disabled",
    "diskSize",
    "dnsName",
    "domains",
    "egress",
    "env",
    "etcd",
    "failureThreshold",
    "function",
    "granted",
    "healthCheck",
    "healthChecks",
    "host",
    "httpGet",
    "image",
    "imageUri",
    "ingress",
    "instance",
    "instanceType",
    "ipCidrRange",
    "ipConfiguration",
    "limits",
    "livenessProbe",
    "location",
    "machineType",
    "managed",
    "maxInstances",
    "maxThroughput",
    "member",
    "members",
    "memory",
    "method",
    "minInstances",
    "minThroughput",
    "name",
    "namespace",
    "network",
    "nodeCount",
    "parent",
    "percent",
    "permission",
    "podSelector",
    "policyDelta",
    "policyTypes",
    "port",
    "ports",
    "preemptible",
    "priority",
    "readinessProbe",
    "reason",
    "replicas",
    "requestPath",
    "requests",
    "revision",
    "revisionName",
    "role",
    "rrdatas",
    "schedule",
    "secret",
    "secretId",
    "serviceAccount",
    "serviceAccountName",
    "sourceRanges",
    "startupProbe",
    "state",
    "subnetwork",
    "targetTags",
    "tier",
    "timeoutSec",
    "timeoutSeconds",
    "traffic",
    "violations",
];

/// Names below which nothing is kept: secrets, and what only fills the page.
const DROPPED: &[&str] = &[
    "clientCert",
    "creationTimestamp",
    "data",
    "fingerprint",
    "key",
    "lastTransitionTime",
    "managedFields",
    "password",
    "payload",
    "privateKey",
    "rootPassword",
    "selfLink",
    "token",
];

/// Names of lists of environment variables.
const ENVIRONMENTS: [&str; 5] = ["env", "environmentVariables", "environment_variables", "envFrom", "envVariables"];

/// [`KEPT`] and [`DROPPED`] by name: `true` for what is kept. Requests have a hundred names, so looking counts.
static NAMES: LazyLock<FxHashMap<&str, bool>> = LazyLock::new(|| {
    let kept = KEPT.iter().map(|name| (*name, true));
    kept.chain(DROPPED.iter().map(|name| (*name, false))).collect()
});

/// Room for the details of a usual change, and for the longest path to one, so that neither grows step by step. Twenty details
/// are 960 bytes: allocators keep pieces up to 1 KiB ready.
const USUAL_DETAILS: usize = 20;
const USUAL_PATH: usize = 128;

/// What is kept of a protoPayload.
#[derive(Default)]
pub(super) struct Proto<'b> {
    pub(super) audit: Audit<'b>,
    pub(super) message: Text<'b>,
    /// Set for an App Engine request.
    pub(super) request: Option<HttpRequest<'b>>,
    pub(super) trace: Text<'b>,
    pub(super) lines: Option<&'b str>,
}

/// Reads the protoPayload that starts at the cursor; JSON columns that came as strings are noted in `columns`.
pub(super) fn read<'b>(cursor: &mut Cursor<'b>, columns: &mut Vec<(usize, usize)>) -> Result<Proto<'b>, Broken> {
    let mut reading =
        ProtoReader { proto: Proto::default(), request: HttpRequest::default(), is_request: false, columns };
    reading.members(cursor, true)?;
    let ProtoReader { mut proto, request, is_request, .. } = reading;
    proto.request = is_request.then_some(request);
    Ok(proto)
}

struct ProtoReader<'b, 'c> {
    proto: Proto<'b>,
    request: HttpRequest<'b>,
    is_request: bool,
    columns: &'c mut Vec<(usize, usize)>,
}

impl<'b> ProtoReader<'b, '_> {
    /// Reads the members of the payload. Log Analytics wraps them once more, in `audit_log`.
    fn members(&mut self, cursor: &mut Cursor<'b>, is_outer: bool) -> Result<(), Broken> {
        cursor.members(|cursor, key| self.member(cursor, &key.text(), is_outer))
    }

    /// Names stand here as the API writes them and folded: a name of the first kind need not be folded.
    fn member(&mut self, cursor: &mut Cursor<'b>, name: &str, is_outer: bool) -> Result<(), Broken> {
        let is_object = cursor.token() == b'{';
        let audit = &mut self.proto.audit;
        match name {
            "@type" | "type" => self.is_request |= text(cursor)?.ends_with("appengine.logging.v1.RequestLog"),
            "serviceName" | "servicename" => audit.service = text(cursor)?,
            "methodName" | "methodname" => audit.method = text(cursor)?,
            "resourceName" | "resourcename" => audit.resource_name = text(cursor)?,
            "authenticationInfo" | "authenticationinfo" if is_object => {
                audit.principal = member_text(cursor, &["principalEmail", "principalSubject"])?;
            }
            "requestMetadata" | "requestmetadata" if is_object => {
                audit.user_agent = member_text(cursor, &["callerSuppliedUserAgent"])?;
            }
            "status" if is_object => self.status(cursor)?,
            "request" | "requestjson" => self.details(cursor, "")?,
            "response" | "responsejson" => self.details(cursor, "response")?,
            "metadata" | "metadatajson" => self.details(cursor, "metadata")?,
            "serviceData" | "servicedata" | "servicedatav1iam" => self.details(cursor, "serviceData")?,
            "policyviolationinfo" => self.details(cursor, "policyViolationInfo")?,
            "authorizationInfo" | "authorizationinfo" => self.authorization(cursor)?,
            "auditlog" if is_object && is_outer => self.members(cursor, false)?,
            // A column of JSON that came as a string.
            "auditlog" if is_outer => {
                let start = cursor.at;
                if cursor.raw_value()?.starts_with("\"{") {
                    self.columns.push((start, cursor.at));
                }
            }
            _ => {
                let mut buffer = [0; FOLDED];
                let folded = folded(name, &mut buffer);
                let is_new = folded != name;
                return if is_new { self.member(cursor, folded, is_outer) } else { self.request_member(cursor, name) };
            }
        }
        Ok(())
    }

    /// Members of an App Engine RequestLog.
    fn request_member(&mut self, cursor: &mut Cursor<'b>, name: &str) -> Result<(), Broken> {
        let request = &mut self.request;
        match name {
            "method" => request.method = text(cursor)?,
            "resource" => request.url = text(cursor)?,
            "status" => request.status = status(cursor)?,
            "latency" => request.latency_ns = duration(cursor)?,
            "useragent" => request.user_agent = text(cursor)?,
            "ip" => request.remote_ip = text(cursor)?,
            "httpversion" => request.protocol = text(cursor)?,
            "traceid" => self.proto.trace = text(cursor)?,
            "message" => self.proto.message = text(cursor)?,
            "line" if cursor.token() == b'[' => self.proto.lines = Some(cursor.raw_value()?),
            _ => cursor.skip()?,
        }
        Ok(())
    }

    fn status(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        cursor.members(|cursor, key| {
            match key.text {
                "code" => {
                    let code = integer(cursor)?.and_then(|code| i32::try_from(code).ok());
                    self.proto.audit.status_code = code.unwrap_or(0);
                }
                "message" => self.proto.message = text(cursor)?,
                "details" => self.details(cursor, "status")?,
                _ => cursor.skip()?,
            }
            Ok(())
        })
    }

    /// Only what was refused is a detail; what was granted is the rule.
    fn authorization(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        if cursor.token() != b'[' {
            return cursor.skip();
        }
        let details = &mut self.proto.audit.details;
        cursor.items(|cursor| {
            if cursor.token() != b'{' {
                return cursor.skip();
            }
            let (mut permission, mut granted) = (Text::default(), Text::default());
            cursor.members(|cursor, key| {
                match key.text {
                    "permission" => permission = text(cursor)?,
                    "granted" => granted = text(cursor)?,
                    _ => cursor.skip()?,
                }
                Ok(())
            })?;
            if granted != "true" && !permission.is_empty() && details.0.len() < MAX_DETAILS {
                details.0.push((Text::Borrowed("authorizationInfo.permission"), permission));
            }
            Ok(())
        })
    }

    /// Keeps the selected scalars below a request, response or metadata.
    fn details(&mut self, cursor: &mut Cursor<'b>, prefix: &str) -> Result<(), Broken> {
        match cursor.token() {
            b'{' | b'[' => {
                let mut path = String::with_capacity(USUAL_PATH);
                path.push_str(prefix);
                Flatten { into: &mut self.proto.audit.details, path }.value(cursor, 0, Way::default())
            }
            _ => {
                let start = cursor.at;
                if cursor.raw_value()?.starts_with("\"{") {
                    self.columns.push((start, cursor.at));
                }
                Ok(())
            }
        }
    }
}

/// As [`values::text`], with the shortest way for what nearly all values are.
#[inline(always)]
fn text<'b>(cursor: &mut Cursor<'b>) -> Result<Text<'b>, Broken> {
    if cursor.token() == b'"' { Ok(cursor.string()?.text()) } else { values::text(cursor) }
}

/// The text of a member of the object at the cursor: of the first of these names that is there with a text.
fn member_text<'b, const N: usize>(cursor: &mut Cursor<'b>, names: &[&str; N]) -> Result<Text<'b>, Broken> {
    let mut found = [const { Text::Borrowed("") }; N];
    cursor.members(|cursor, key| {
        match names.iter().position(|name| is_spelling(key.text, name)) {
            Some(place) => found[place] = text(cursor)?,
            None => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(found.into_iter().find(|text| !text.is_empty()).unwrap_or_default())
}

/// Whether a key is a name, case and underscores aside.
fn is_spelling(key: &str, name: &str) -> bool {
    let letters = || key.bytes().filter(|b| *b != b'_').map(|b| b.to_ascii_lowercase());
    key == name || key.len() >= name.len() && letters().eq(name.bytes().map(|b| b.to_ascii_lowercase()))
}

/// Selected scalars by dotted path; arrays add nothing to the path.
struct Flatten<'b, 'd> {
    into: &'d mut Labels<'b>,
    path: String,
}

/// What the names on the way to a value say about it.
#[derive(Clone, Copy, Default)]
struct Way {
    /// One of them is one of [`KEPT`].
    is_kept: bool,
    /// The last of them is that of an environment.
    in_environment: bool,
}

impl<'b> Flatten<'b, '_> {
    /// Recursion bounded by [`MAX_DEPTH`].
    fn value(&mut self, cursor: &mut Cursor<'b>, depth: usize, way: Way) -> Result<(), Broken> {
        match cursor.token() {
            b'{' | b'[' if depth >= MAX_DEPTH => cursor.skip(),
            b'{' => cursor.members(|cursor, key| match key.is_escaped {
                false => self.member(cursor, key.text, depth + 1, way),
                true => self.escaped_member(cursor, key, depth + 1, way),
            }),
            b'[' if way.in_environment => cursor.items(|cursor| match self.variable(cursor, depth + 1) {
                true => Ok(()),
                false => self.value(cursor, depth + 1, way),
            }),
            b'[' => cursor.items(|cursor| self.value(cursor, depth + 1, way)),
            _ if self.is_kept(way) => self.keep(cursor),
            _ => cursor.skip(),
        }
    }

    /// Reads a variable as Cloud Run writes them, `{"name":"A","value":"b"}`: half of most changes are such. False, with the
    /// cursor where it was, when something else is there.
    fn variable(&mut self, cursor: &mut Cursor<'b>, depth: usize) -> bool {
        let start = cursor.at;
        let name = string_after(cursor, br#"{"name":"#);
        let value = name.and_then(|_| string_after(cursor, br#","value":"#));
        let (Some(name), Some(_), b'}', true) = (name, value, cursor.token(), depth < MAX_DEPTH) else {
            cursor.at = start;
            return false;
        };
        cursor.at += 1;
        if !name.text.is_empty() && self.into.0.len() < MAX_DETAILS {
            let n_path = self.path.len();
            self.path.push_str(".name");
            self.push(name.text());
            self.path.truncate(n_path);
        }
        true
    }

    #[cold]
    fn escaped_member(&mut self, cursor: &mut Cursor<'b>, key: Raw<'b>, depth: usize, way: Way) -> Result<(), Broken> {
        self.member(cursor, &key.text(), depth, way)
    }

    #[inline(always)]
    fn member(&mut self, cursor: &mut Cursor<'b>, name: &str, depth: usize, way: Way) -> Result<(), Broken> {
        let Some(way) = next(way, name) else { return cursor.skip() };
        let is_scalar = !matches!(cursor.token(), b'{' | b'[');
        if is_scalar && !self.is_kept(way) {
            return cursor.skip();
        }
        let n_path = self.path.len();
        if n_path > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let result = if is_scalar { self.keep(cursor) } else { self.value(cursor, depth, way) };
        self.path.truncate(n_path);
        result
    }

    fn is_kept(&self, way: Way) -> bool {
        way.is_kept && self.into.0.len() < MAX_DETAILS
    }

    /// Keeps the scalar at the cursor.
    #[inline]
    fn keep(&mut self, cursor: &mut Cursor<'b>) -> Result<(), Broken> {
        let value = text(cursor)?;
        if !value.is_empty() {
            self.push(value);
        }
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, value: Text<'b>) {
        if self.into.0.is_empty() {
            self.into.0.reserve(USUAL_DETAILS);
        }
        self.into.0.push((Text::Owned(self.path.clone()), value));
    }
}

/// The string at the cursor, when it stands right behind `before`.
#[inline(always)]
fn string_after<'b, const N: usize>(cursor: &mut Cursor<'b>, before: &[u8; N]) -> Option<Raw<'b>> {
    let (found, rest) = cursor.text.as_bytes().get(cursor.at..)?.split_first_chunk()?;
    if found != before || rest.first() != Some(&b'"') {
        return None;
    }
    cursor.at += N;
    cursor.string().ok()
}

/// The way over one more name; `None` when nothing below it is kept.
fn next(way: Way, name: &str) -> Option<Way> {
    if way.in_environment {
        // Of an environment only the names: values are credentials as often as not.
        return (name == "name").then_some(Way { is_kept: true, in_environment: false });
    }
    let is_kept = match NAMES.get(name) {
        Some(false) => return None,
        Some(true) => true,
        None => way.is_kept,
    };
    Some(Way { is_kept, in_environment: is_environment(name) })
}

/// True for the name of a list of environment variables, also behind a dot.
fn is_environment(name: &str) -> bool {
    let is_last =
        |word: &&str| name.strip_suffix(*word).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    // Most names differ in their last letter already.
    matches!(name.as_bytes().last(), Some(b'v' | b's' | b'm')) && ENVIRONMENTS.iter().any(is_last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_both_kept_and_dropped() {
        assert_eq!(NAMES.len(), KEPT.len() + DROPPED.len());
    }

    /// The details of a request, written one after the other.
    fn details(request: &str) -> String {
        let proto = read(&mut Cursor::new(request), &mut Vec::new()).expect("it is whole");
        let details = proto.audit.details.0.iter().map(|(path, value)| format!("{path}={value}"));
        details.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_variable_is_read_alike_however_it_is_written() {
        for variable in [
            r#"{"name":"A","value":"b"}"#,
            r#"{"name":"A","value":"b\\"}"#,
            r#"{ "name":"A","value":"b" }"#,
            r#"{"value":"b","name":"A"}"#,
            r#"{"name":"A","value":1}"#,
            r#"{"name":"A"}"#,
            r#"{"name":"A","value":"b","image":"c"}"#,
            r#"{"\u006eame":"A","value":"b"}"#,
            r#"[{"name":"A","value":"b"}]"#,
        ] {
            let request = format!(r#"{{"request":{{"env":[{variable},{{"name":"Z","value":""}}]}}}}"#);
            assert_eq!(details(&request), "env.name=A env.name=Z", "{variable}");
        }
        assert!(read(&mut Cursor::new(r#"{"request":{"env":[{"name":"A","value":"b]}}"#), &mut Vec::new()).is_err());
    }

    #[test]
    fn the_first_of_two_names_wins_in_any_spelling() {
        for (info, expected) in [
            (r#"{"principalSubject":"s","principalEmail":"e"}"#, "e"),
            (r#"{"principal_subject":"s","principalEmail":""}"#, "s"),
            (r#"{"PRINCIPALEMAIL":"e"}"#, "e"),
            (r#"{"principalEmails":"e","email":"x"}"#, ""),
        ] {
            let proto = format!(r#"{{"Authentication_Info":{info}}}"#);
            let proto = read(&mut Cursor::new(&proto), &mut Vec::new()).expect("it is whole");
            assert_eq!(proto.audit.principal, expected, "{info}");
        }
    }

    #[test]
    fn environment_values_are_never_kept() {
        let request = r#"{"request":{"spec":{"containers":[{"env":[{"name":"DB_PASSWORD","value":"hunter2"},
            {"name":"K","valueFrom":{"secretKeyRef":{"name":"s","key":"latest"}}}],"image":"gcr.io/x"}],
            "environmentVariables":{"API_KEY":"hunter3"}}}}"#;
        assert_eq!(
            details(request),
            "spec.containers.env.name=DB_PASSWORD spec.containers.env.name=K spec.containers.image=gcr.io/x"
        );
    }
}
