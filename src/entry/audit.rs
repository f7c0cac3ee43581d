//! A protoPayload: an audit entry (who changed what) or an App Engine request.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::cursor::{Broken, Cursor};
use super::decode::{FOLDED, duration, folded, integer, status, text};
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

/// [`KEPT`] and [`DROPPED`] by name: `true` for what is kept. Requests have a hundred names, so looking counts.
static NAMES: LazyLock<FxHashMap<&str, bool>> = LazyLock::new(|| {
    let kept = KEPT.iter().map(|name| (*name, true));
    kept.chain(DROPPED.iter().map(|name| (*name, false))).collect()
});

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
    let mut reading = Reading { proto: Proto::default(), request: HttpRequest::default(), is_request: false, columns };
    reading.members(cursor, true)?;
    let Reading { mut proto, request, is_request, .. } = reading;
    proto.request = is_request.then_some(request);
    Ok(proto)
}

struct Reading<'b, 'c> {
    proto: Proto<'b>,
    request: HttpRequest<'b>,
    is_request: bool,
    columns: &'c mut Vec<(usize, usize)>,
}

impl<'b> Reading<'b, '_> {
    /// Reads the members of the payload. Log Analytics wraps them once more, in `audit_log`.
    fn members(&mut self, cursor: &mut Cursor<'b>, is_outer: bool) -> Result<(), Broken> {
        cursor.members(|cursor, key| {
            let name = key.text();
            self.member(cursor, folded(&name, &mut [0; FOLDED]), is_outer)
        })
    }

    fn member(&mut self, cursor: &mut Cursor<'b>, name: &str, is_outer: bool) -> Result<(), Broken> {
        let is_object = cursor.token() == b'{';
        let audit = &mut self.proto.audit;
        match name {
            "@type" | "type" => self.is_request |= text(cursor)?.ends_with("appengine.logging.v1.RequestLog"),
            "servicename" => audit.service = text(cursor)?,
            "methodname" => audit.method = text(cursor)?,
            "resourcename" => audit.resource_name = text(cursor)?,
            "authenticationinfo" if is_object => {
                let email = member_text(cursor, "principalemail", "principalsubject")?;
                audit.principal = email;
            }
            "requestmetadata" if is_object => audit.user_agent = member_text(cursor, "callersupplieduseragent", "")?,
            "status" if is_object => self.status(cursor)?,
            "request" | "requestjson" => self.details(cursor, "")?,
            "response" | "responsejson" => self.details(cursor, "response")?,
            "metadata" | "metadatajson" => self.details(cursor, "metadata")?,
            "servicedata" | "servicedatav1iam" => self.details(cursor, "serviceData")?,
            "policyviolationinfo" => self.details(cursor, "policyViolationInfo")?,
            "authorizationinfo" => self.authorization(cursor)?,
            "auditlog" if is_object && is_outer => self.members(cursor, false)?,
            _ => return self.request_member(cursor, name),
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
                let mut flatten = Flatten { into: &mut self.proto.audit.details, path: prefix.to_owned() };
                flatten.value(cursor, 0, false)
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

/// The text of one member of the object at the cursor, or of another one when it is not there.
fn member_text<'b>(cursor: &mut Cursor<'b>, wanted: &str, instead: &str) -> Result<Text<'b>, Broken> {
    let (mut found, mut other) = (Text::default(), Text::default());
    cursor.members(|cursor, key| {
        let mut buffer = [0; FOLDED];
        let name = folded(key.text, &mut buffer);
        if name == wanted {
            found = text(cursor)?;
        } else if name == instead {
            other = text(cursor)?;
        } else {
            cursor.skip()?;
        }
        Ok(())
    })?;
    Ok(if found.is_empty() { other } else { found })
}

/// Selected scalars by dotted path; arrays add nothing to the path.
struct Flatten<'b, 'd> {
    into: &'d mut Labels<'b>,
    path: String,
}

impl<'b> Flatten<'b, '_> {
    /// Recursion bounded by [`MAX_DEPTH`]. `is_kept`: a name on the way is one of [`KEPT`].
    fn value(&mut self, cursor: &mut Cursor<'b>, depth: usize, is_kept: bool) -> Result<(), Broken> {
        match cursor.token() {
            b'{' if depth < MAX_DEPTH => self.object(cursor, depth, is_kept),
            b'[' if depth < MAX_DEPTH => cursor.items(|cursor| self.value(cursor, depth + 1, is_kept)),
            _ if !is_kept || self.into.0.len() >= MAX_DETAILS => cursor.skip(),
            _ => {
                let value = text(cursor)?;
                if !value.is_empty() {
                    self.into.0.push((Text::Owned(self.path.clone()), value));
                }
                Ok(())
            }
        }
    }

    fn object(&mut self, cursor: &mut Cursor<'b>, depth: usize, is_kept: bool) -> Result<(), Broken> {
        let n_path = self.path.len();
        let in_environment = is_environment(&self.path);
        cursor.members(|cursor, key| {
            let name = key.text();
            let verdict = NAMES.get(&*name).copied();
            // Of an environment only the names: values are credentials as often as not.
            if verdict == Some(false) || (in_environment && name != "name") {
                return cursor.skip();
            }
            if n_path > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            let is_kept = is_kept || verdict == Some(true);
            let result = self.value(cursor, depth + 1, is_kept);
            self.path.truncate(n_path);
            result
        })
    }
}

/// True for the path of a list of environment variables.
fn is_environment(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or("");
    matches!(last, "env" | "environmentVariables" | "environment_variables" | "envFrom" | "envVariables")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_both_kept_and_dropped() {
        assert_eq!(NAMES.len(), KEPT.len() + DROPPED.len());
    }

    #[test]
    fn environment_values_are_never_kept() {
        let request = r#"{"request":{"spec":{"containers":[{"env":[{"name":"DB_PASSWORD","value":"hunter2"},
            {"name":"K","valueFrom":{"secretKeyRef":{"name":"s","key":"latest"}}}],"image":"gcr.io/x"}],
            "environmentVariables":{"API_KEY":"hunter3"}}}}"#;
        let proto = read(&mut Cursor::new(request), &mut Vec::new()).expect("it is whole");
        let details: Vec<_> = proto.audit.details.0.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            details,
            ["spec.containers.env.name=DB_PASSWORD", "spec.containers.env.name=K", "spec.containers.image=gcr.io/x"]
        );
    }
}
