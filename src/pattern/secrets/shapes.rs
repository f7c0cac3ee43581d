//! The shapes of secrets and contacts, and what tells a hit from an ordinary word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Texts from here on may have been cut, quotes at 600 characters, so that their last word can be half of an address.
pub(super) const CUT_BYTES: usize = 500;

/// Ports from here on are given to clients by Linux (`ip_local_port_range`); a public address with a lower port is a
/// server and may be the culprit.
pub(super) const FIRST_CLIENT_PORT: u32 = 32_768;

/// Values after `password:` and its like that say something about a credential and are none.
pub(super) const NO_SECRETS: &[&str] = &[
    "absent",
    "authentication",
    "bad",
    "denied",
    "does",
    "empty",
    "error",
    "expected",
    "expired",
    "failed",
    "failure",
    "false",
    "for",
    "has",
    "identifier",
    "in",
    "incorrect",
    "invalid",
    "is",
    "malformed",
    "manager",
    "mismatch",
    "missing",
    "must",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "redacted",
    "of",
    "or",
    "rejected",
    "required",
    "revoked",
    "string",
    "true",
    "type",
    "undefined",
    "unexpected",
    "unknown",
    "unset",
    "version",
    "was",
    "wrong",
    "yes",
];

/// Kind of what a user's own pattern finds.
pub const CUSTOM: &str = "custom";

/// Shapes of what must not be shown: kind, what stands in every text that holds one (any of these, case aside), and a pattern whose first
/// group is what must go. Earlier ones win where two overlap. At most 64: a text's shapes are the bits of a number.
///
/// Prefixes and lengths are those that the issuers document; sources: their documentation, and the public rules of gitleaks,
/// detect-secrets and trufflehog, which collect them.
pub(super) const SHAPES: &[(&str, &[&str], &str)] = &[
    (
        "private-key",
        &["-----begin", "age-secret-key-", "putty-user-key"],
        r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)|AGE-SECRET-KEY-1[A-Z0-9]{20,}|PuTTY-User-Key-File.*\z)",
    ),
    (
        "jwt",
        &["eyj"],
        r"\b((?:ops_|glc_|[ps]k\.)?eyJ[A-Za-z0-9_=-]{5,}(?:\.[A-Za-z0-9_=-]{5,}(?:\.[A-Za-z0-9_=-]*)*|[A-Za-z0-9_=-]{30,}))",
    ),
    ("cookie", &["cookie"], r#"(?i)\b(?:set-)?cookie\\?["']?\s*[:=]\s*\[?\\?["']?([^\s=;"']+=[^\r\n"'\]]+)"#),
    (
        "authorization",
        &["authorization"],
        r#"(?i)\b(?:proxy-|x-)?authorization\\?["']?\s*[:=]\s*\[?\\?["']?(?:[A-Za-z][A-Za-z0-9_-]*\s+)?([^\r\n"'\]\\}]+(?:"[^"\r\n]*"[^\r\n"'\]\\}]*)*)"#,
    ),
    ("token", &["bearer"], r#"(?i)\bbearer[\s:]+([A-Za-z0-9._~+/=-]{16,})"#),
    ("token", &["basic"], r#"\bBasic\s+([A-Za-z0-9+/=]{16,})"#),
    ("token", &["aws4-hmac"], r#"\bCredential=([^,\s]+/aws4_request[^\r\n"']*)"#),
    // Google: API keys, access and refresh tokens, client secrets, HMAC keys, reCAPTCHA, Firebase messaging.
    (
        "key",
        &["aiza", "goog1", "6l", "aaaa"],
        r"\b(AIza[0-9A-Za-z_-]{30,}|GOOG1[A-Z0-9]{20,}|6L[0-9A-Za-z_-]{38}\b|AAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{60,})",
    ),
    (
        "token",
        &["ya29.", "1//", "gocspx-", "4/0"],
        r"\b(ya29\.[0-9A-Za-z_.-]{10,}|1//0?[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,}|4/0A[0-9A-Za-z_-]{20,})",
    ),
    // Clouds: AWS, Alibaba, Tencent, Azure, DigitalOcean, Fly, Heroku.
    (
        "key",
        &["akia", "asia", "abia", "acca", "ltai", "akid"],
        r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{24,40})\b",
    ),
    ("token", &["fwogz", "iqojb"], r"\b((?:FwoGZ|IQoJb)[A-Za-z0-9+/=]{40,})"),
    ("key", &["8q~"], r"([A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34})"),
    (
        "token",
        &["do_v1_", "dop_v1_", "doo_v1_", "dor_v1_", "fo1_", "fm1", "fm2_", "hrku-"],
        r"\b(do[por]_v1_[0-9a-f]{40,}|fo1_[\w-]{30,}|fm[12][ar]?_[A-Za-z0-9+/=_-]{40,}|HRKU-[A-Za-z0-9_-]{30,})",
    ),
    // Code and packages.
    (
        "token",
        &[
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "gldt-",
            "glft-",
            "glrt-",
            "glcbt-",
            "glptt-",
            "glsoat-",
            "gr1348941",
            "atatt3",
            "atctt3",
            "atbb",
            "ccipat_",
            "bkua_",
        ],
        r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|dt|ft|rt|cbt|ptt|soat)-[0-9A-Za-z_-]{16,}|GR1348941[0-9A-Za-z_-]{20}|AT[AC]TT3[A-Za-z0-9_=-]{20,}|ATBB[A-Za-z0-9]{24,}|CCIPAT_[A-Za-z0-9_]{20,}|bkua_[a-z0-9]{30,})",
    ),
    (
        "key",
        &["npm_", "pypi-", "rubygems_", "cio", "oy2", "dckr_", "akcp", "clojars_"],
        r"\b(npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|rubygems_[a-f0-9]{40,}|cio[A-Za-z0-9]{32}\b|oy2[a-z0-9]{43}\b|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}|AKCp[A-Za-z0-9]{60,}|CLOJARS_[a-z0-9]{50,})",
    ),
    // Chat.
    (
        "token",
        &["xox", "xapp-", "xwfp-"],
        r"\b(xox[a-z](?:\.xox[a-z])?-[0-9A-Za-z-]{10,}|xapp-[0-9A-Za-z-]{10,}|xwfp-[0-9A-Za-z-]{10,})",
    ),
    (
        "token",
        &["hooks.slack.com", "discord.com/api", "discordapp.com/api", "webhook.office.com", "chat.googleapis.com"],
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/)([A-Za-z0-9/_@.?&=%+-]+)",
    ),
    ("token", &["discord", "bot"], r"\b([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})\b"),
    ("token", &[":aa"], r"\b([0-9]{8,10}:AA[A-Za-z0-9_-]{32,})"),
    // Payment and shops.
    (
        "key",
        &["_live_", "_test_", "whsec_", "sq0", "shpat_", "shpss_", "shpca_", "shppa_", "access_token$", "flwseck"],
        r"\b((?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,}|sq0[a-z]{3}-[0-9A-Za-z_-]{22,}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}|access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}|FLWSECK[_-][A-Za-z0-9-]{20,})",
    ),
    ("token", &["eaa"], r"\b(EAA[A-Za-z0-9]{30,})\b"),
    // Models.
    (
        "key",
        &["sk-", "hf_", "r8_", "gsk_", "pplx-", "xai-", "key_", "nvapi-"],
        r"\b(sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{36,}|gsk_[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|nvapi-[A-Za-z0-9_-]{60,})",
    ),
    // Mail and messages.
    (
        "key",
        &["sg.", "sk", "key-", "xkeysib-", "re_", "-us", "mlsn."],
        r"\b(SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|SK[0-9a-f]{32}|key-[0-9a-f]{32}|xkeysib-[a-f0-9]{40,}-[A-Za-z0-9]{16}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|[0-9a-f]{32}-us[0-9]{1,2}|mlsn\.[a-f0-9]{60,})\b",
    ),
    // Infrastructure.
    (
        "token",
        &[
            "hvs.",
            "hvb.",
            "hvr.",
            ".atlasv1.",
            "pul-",
            "dapi",
            "dp.",
            "pscale_",
            "sbp_",
            "glsa_",
            "nrak-",
            "nrii-",
            "nrjs-",
            "sntrys_",
            "sntryu_",
            "dt0c01.",
        ],
        r"\b(hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,}|pul-[a-f0-9]{40}|dapi[a-f0-9]{32}(?:-\d)?|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{30,}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}|sbp_[a-f0-9]{40}|glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|NR(?:AK|II|JS)-[A-Za-z0-9_-]{18,}|sntry[su]_[A-Za-z0-9+/=_-]{30,}|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64})",
    ),
    (
        "key",
        &[
            "sdk-", "mob-", "lin_", "secret_", "ntn_", "pat", "figd_", "pmak-", "sl.", "cfpat-", "tfp_", "access-",
            "p8e-", "phc_", "phx_",
        ],
        r"\b((?:sdk|mob|api)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|lin_(?:api|oauth)_[A-Za-z0-9]{30,}|secret_[A-Za-z0-9]{40,}|ntn_[A-Za-z0-9]{40,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{60,}|pat-(?:na|eu)[0-9]-[0-9a-f-]{36}|figd_[A-Za-z0-9_-]{30,}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|sl\.[A-Za-z0-9_-]{100,}|CFPAT-[A-Za-z0-9_-]{40,}|tfp_[A-Za-z0-9_.-]{40,}|access-(?:production|sandbox|development)-[0-9a-f-]{36}|p8e-[a-z0-9]{32}|ph[cx]_[A-Za-z0-9]{40,})",
    ),
    ("key", &["ingest", "sentry"], r"https?://([0-9a-f]{32}(?::[0-9a-f]{32})?)@[a-z0-9.-]*(?:ingest|sentry)"),
    // Connection strings.
    ("password", &["://"], r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s"'<>]+)@[\w\[(]"#),
    ("password", &["://"], r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/"'<>?#]+)@"#),
    ("password", &["@tcp(", "@unix(", "@cloudsql("], r#"\b[\w.-]+:([^\s@:/"']+)@(?:tcp|unix|cloudsql)\("#),
    ("password", &["jdbc:oracle:"], r#"(?i)\bjdbc:oracle:[a-z]+:[^\s/@]+/([^\s@"']+)@"#),
    ("password", &["sqlplus"], r#"(?i)\bsqlplus\s+(?:-\w+\s+)*[^\s/@]+/([^\s@"']+)@?"#),
    (
        "key",
        &[
            "signature=",
            "sig=",
            "key=",
            "credential=",
            "code=",
            "assertion=",
            "samlresponse=",
            "samlrequest=",
            "sid=",
            "auth=",
            "hash=",
        ],
        r#"(?i)[?&](?:x-goog-|x-amz-)?(?:security-token|signature|sig|key|credential|code|assertion|samlresponse|samlrequest|sid|auth|hash)=([^&\s"']{8,})"#,
    ),
    // Names of settings, headers and fields, with a value behind them.
    (
        "secret",
        &[
            "password",
            "passwd",
            "passphrase",
            "passcode",
            "pwd",
            "secret",
            "key",
            "token",
            "credential",
            "session",
            "sessid",
            "csrf",
            "xsrf",
            "connect.sid",
            "otp",
            "pin",
            "signature",
            "dsn",
            "connection",
        ],
        r#"(?i)\b[\w.-]*(?:password|passwd|passphrase|passcode|\bpwd|_pwd|secret|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key(?:[_-]?id)?|auth[_-]?key|encryption[_-]?key|encrypt[_-]?key|signing[_-]?key|master[_-]?key|license[_-]?key|subscription[_-]?key|shared[_-]?key|shared[_-]?access[_-]?(?:key|signature)|secret[_-]?key|app[_-]?key|host[_-]?key|token|credentials?|session|session[_-]?id|sessid|jsessionid|connect\.sid|csrf|xsrf|\botp|\bpin|device[_-]?code|auth[_-]?code|connection[_-]?string)\\?["'\]]?\s*(?:=>|:=|=|:|%3[aAdD])\s*(\\?"(?:[^"\\]|\\[^"])+\\?"|'[^']+'|[^\s,;&"'(){}\[\]<>\\]+)"#,
    ),
    (
        "secret",
        &["key", "pwd", "pass"],
        r#"(?i)(?:^|[\s,;&?{(_\["'])(?:key|pwd|pass)\\?["']?\s*[=:]\s*(\\?"[^"\\]+\\?"|'[^']+'|[^\s,;&"'(){}\[\]<>]{6,})"#,
    ),
    (
        "keyed",
        &["_key", "_salt", "_pass", "_auth", "_cert", "_seed"],
        r#"\b[A-Z][A-Z0-9_]*_(?:KEY|SALT|PASS|AUTH|SEED)["']?\s*[=:]\s*["']?([^\s,;&"'(){}\[\]<>]{8,})"#,
    ),
    (
        "secret",
        &["password>", "passwd>", "secret>", "token>", "apikey>", "key>", "pwd>", "pass>"],
        r"(?i)<(?:\w+:)?[\w.-]*(?:password|passwd|secret|token|api-?key|access-?key|pwd|pass)(?:\s[^>]*)?>([^<]+)<",
    ),
    (
        "said",
        &["password", "passwd", "passcode", "pwd"],
        r#"(?i)\b(?:password|passwd|passcode|pwd)\s+(?:is|was|set to|changed to|of|for \S+ is|for user \S+ is|reset to)\s+["'`]?([^\s"'`,;]{4,})"#,
    ),
    (
        "said",
        &["with password", "using password", "identified by"],
        r#"(?i)(?:with password|using password|identified by(?: password)?)\s+["'`]([^"'`]+)["'`]"#,
    ),
    ("said", &["password "], r#"(?i)\bpassword\s+["'`]([^\s"'`]{4,})["'`]"#),
    // Commands of a shell.
    (
        "password",
        &["curl", "wget", "http "],
        r#"\b(?:curl|wget|http)\b[^\r\n|]*?\s(?:-u|--user|--proxy-user|-a|--auth)[\s=]+["']?[^\s:"']+:([^\s"']+)"#,
    ),
    (
        "password",
        &["mysql", "sshpass", "redis-cli", "docker", "psql", "htpasswd", "ldap", "smbclient", "mongo"],
        r#"\b(?:mysql(?:dump|admin)?\b[^\r\n|]*?\s-p["']?([^\s"'-][^\s"']*)|(?:sshpass|docker login|helm registry login|podman login)\b[^\r\n|]*?\s-p[\s=]*["']?([^\s"']+)|redis-cli\b[^\r\n|]*?\s-a\s+["']?([^\s"']+)|ldap\w+\b[^\r\n|]*?\s-w\s+["']?([^\s"']+)|htpasswd\b[^\r\n|]*?\s-\w*b\w*\s+\S+\s+\S+\s+["']?([^\s"']+)|smbclient\b[^\r\n|]*?%([^\s"']+)|mongo(?:sh|dump|restore)?\b[^\r\n|]*?\s-p\s+["']?([^\s"']+))"#,
    ),
    (
        "password",
        &["--password", "--pass", "--token", "--api-key", "--secret"],
        r#"--(?:password|passwd|pass|token|api-key|apikey|secret|client-secret|access-key|secret-key)[\s=]+["']?([^\s"'-][^\s"']*)"#,
    ),
    ("password", &["pass:"], r#"\s-pass(?:in|out)\s+pass:([^\s"']+)"#),
    // Money.
    (
        "card",
        &["card", "pan", "visa", "mastercard", "amex", "cc", "payment"],
        r"(?i)\b(?:card|pan|visa|mastercard|amex|cc|payment)\w*\W{1,12}(?:\w+\W{1,4})?([0-9]{13,19})\b",
    ),
    (
        "card",
        &["card", "pan", "visa", "mastercard", "amex", "payment", "credit", "debit", "charge"],
        r"\b([2-6][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})\b",
    ),
    (
        "iban",
        &["iban", "account", "bank", "payout", "transfer", "konto", "sepa"],
        r"\b([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)\b",
    ),
    // People.
    ("email", &["@", "%40"], r"([A-Za-z0-9._+'-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)"),
    (
        "phone",
        &["+", "phone", "tel", "mobile", "msisdn"],
        r"(?i)(?:^|[^\w.+])(\+[1-9][0-9]{0,2}[ .-]?\(?[0-9]{1,4}\)?(?:[ .-]?[0-9]{2,4}){2,4})\b",
    ),
    (
        "phone",
        &["phone", "tel", "mobile", "msisdn", "sms"],
        r#"(?i)\b(?:phone|tel|telephone|mobile|msisdn|sms)(?:_?(?:number|no))?\\?["']?\s*(?:to|[:=])\s*\\?["']?(\(?[0-9]{2,4}\)?(?:[ .-]?[0-9]{2,4}){2,4})\b"#,
    ),
    (
        "ssn",
        &["ssn", "social security"],
        r#"(?i)\b(?:ssn|social security(?: number)?)\\?["']?\s*[:=#]?\s*\\?["']?([0-9]{3}-?[0-9]{2}-?[0-9]{4})\b"#,
    ),
    ("ip", &["."], r"((?:[0-9]{1,3}\.){3}[0-9]{1,3})"),
    ("ip", &[":"], r"((?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:]{2,}(?:[0-9A-Fa-f]|::))"),
];

/// True for short words and for times, which fill most of a report and hold no secret of a known shape.
pub(super) fn is_plain(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'-' | b'_' | b'/');
    let is_time = |b: u8| b.is_ascii_digit() || matches!(b, b'T' | b'Z' | b':' | b'-' | b'.');
    let starts_as_time = text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
    text.len() < 16 && text.bytes().all(is_word) || text.len() <= 30 && starts_as_time && text.bytes().all(is_time)
}

/// The part of a hit that must go, `None` when it names a culprit or is no secret.
pub(super) fn judge(kind: &str, text: &str, hit: Range<usize>) -> Option<Range<usize>> {
    match kind {
        "secret" => judge_secret(text, hit),
        "authorization" => judge_authorization(text, hit),
        "keyed" | "said" => is_random(&text[hit.clone()]).then_some(hit),
        "password" => (!is_port(&text[hit.clone()]) && !is_hidden(&text[hit.clone()])).then_some(hit),
        "card" => is_card(&text[hit.clone()]).then_some(hit),
        "iban" => is_iban(&text[hit.clone()]).then_some(hit),
        "email" => judge_email(text, &hit).then_some(hit),
        "ip" => judge_address(text, &hit).then_some(hit),
        _ => Some(hit),
    }
}

pub(super) fn judge_secret(text: &str, hit: Range<usize>) -> Option<Range<usize>> {
    let value = &text[hit.clone()];
    let inner = value.trim_matches(['"', '\'', '\\']);
    let start = hit.start + value.find(inner)?;
    let word = inner.to_ascii_lowercase();
    let word = word.trim_end_matches(['.', '!', '?', ':']);
    let first = word.split_whitespace().next().unwrap_or("");
    // A path or version names the secret; asterisks and placeholders hide it already.
    let names_it = inner.starts_with("projects/") || inner.starts_with('/') || inner.starts_with('$');
    let hidden = inner.is_empty() || inner.chars().all(|c| "*.xX-".contains(c)) || inner.starts_with("[redacted");
    let told = names_it || hidden || is_sentence(text, &hit, inner);
    (!told && !NO_SECRETS.contains(&first)).then_some(start..start + inner.len())
}

/// What follows `Authorization:` is masked when it can be a credential and no sentence about one.
fn judge_authorization(text: &str, hit: Range<usize>) -> Option<Range<usize>> {
    let value = text[hit.clone()].trim_end();
    let word = value.split_whitespace().next().unwrap_or_default();
    let is_credential = value.contains('=') || is_random(word) || word.len() >= 16;
    (is_credential && !is_hidden(word)).then_some(hit.start..hit.start + value.len())
}

/// True for what is no word of a language: letters and digits mixed, or signs, or both cases inside.
fn is_random(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|b| test(&b));
    let letters = has(u8::is_ascii_alphabetic);
    let mixed = letters && has(u8::is_ascii_digit);
    let signs = letters && word.bytes().any(|b| b"!@#$%^*+=~".contains(&b));
    let cases = word.bytes().skip(1).any(|b| b.is_ascii_uppercase()) && has(u8::is_ascii_lowercase);
    (mixed || signs || cases) && !is_hidden(word) && !word.starts_with(['/', '$'])
}

/// True for what hides a value already, or stands for one.
fn is_hidden(word: &str) -> bool {
    let inner = word.trim_matches(['"', '\'', '\\']);
    inner.chars().all(|c| "*.xX-".contains(c)) || inner.starts_with("[redacted") || inner.starts_with(['<', '{', '$'])
}

/// `80/path?to=x` behind `host:` is a port and a path.
fn is_port(value: &str) -> bool {
    let n_digits = value.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&n_digits) && value[n_digits..].starts_with(['/', '?'])
}

/// The check digit of payment cards. Source: ISO/IEC 7812-1, annex B (Luhn).
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| match i % 2 {
            1 => digit * 2 / 10 + digit * 2 % 10,
            _ => *digit,
        })
        .sum();
    (13..=19).contains(&digits.len()) && matches!(digits[0], 2..=6) && sum.is_multiple_of(10)
}

/// The check digits of bank accounts. Source: ISO 13616 (remainder 1 of 97).
fn is_iban(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != ' ').collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let (head, rest) = plain.split_at(4);
    let digits = rest.chars().chain(head.chars()).filter_map(|c| c.to_digit(36));
    digits.fold(0, |sum, digit| (if digit > 9 { sum * 100 } else { sum * 10 } + digit) % 97) == 1
}

/// `signing-key: A service may not …` is a sentence about a key, not a key: a capitalised word of letters after a colon,
/// followed by a word in small letters.
pub(super) fn is_sentence(text: &str, hit: &Range<usize>, inner: &str) -> bool {
    let mut letters = inner.chars();
    let capitalised = letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.all(|c| c.is_ascii_lowercase());
    let mut after = text[hit.end..].chars();
    let goes_on = after.next() == Some(' ') && after.next().is_some_and(|c| c.is_ascii_lowercase());
    capitalised && goes_on && text[..hit.start].ends_with(": ")
}

/// A service account names a culprit; `//user@host` is the address of a server.
pub(super) fn judge_email(text: &str, hit: &Range<usize>) -> bool {
    let address = text[hit.clone()].to_ascii_lowercase().replace("%40", "@");
    let is_machine =
        address.ends_with("gserviceaccount.com") || address.ends_with(".iam") || address.starts_with("git@");
    let is_cut = hit.end == text.len() && text.len() >= CUT_BYTES || text[hit.end..].starts_with('…');
    let domain = address.rsplit('@').next().unwrap_or_default();
    // A name without a dot is that of an own machine; `pkg@1.2.3` is a version.
    let is_public = match domain.rsplit_once('.') {
        Some((_, last)) => last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()),
        None => false,
    };
    !is_machine && (is_public || is_cut) && !text[..hit.start].ends_with("//")
}

pub(super) fn judge_address(text: &str, hit: &Range<usize>) -> bool {
    let (before, after) = (&text[..hit.start], &text[hit.end..]);
    let mut back = before.chars().rev();
    let glued = match back.next() {
        Some('/') => back.next().is_some_and(|c| c.is_alphanumeric()), // `Chrome/120.0.0.0`
        Some(c) => c.is_alphanumeric() || matches!(c, '.' | '_' | '-'),
        None => false,
    };
    let mut forward = after.chars();
    let runs_on = match forward.next() {
        Some('.') => forward.next().is_some_and(|c| c.is_ascii_digit()),
        Some('-') => forward.next().is_some_and(|c| c.is_ascii_alphanumeric()), // `1.2.3.4-beta`
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    };
    if glued || runs_on || server_port(after) {
        return false;
    }
    match text[hit.clone()].parse() {
        Ok(IpAddr::V4(address)) => is_public_v4(address),
        Ok(IpAddr::V6(address)) => is_public_v6(address),
        Err(_) => false,
    }
}

/// True for `:5432` and `]:443`, the address of a server.
pub(super) fn server_port(after: &str) -> bool {
    let Some(digits) = after.trim_start_matches(']').strip_prefix(':') else { return false };
    let n_digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits[..n_digits].parse::<u32>().is_ok_and(|port| port < FIRST_CLIENT_PORT)
}

pub(super) fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b); // RFC 6598, used inside Google's networks
    let special = a == 0 || a >= 224 || address.is_loopback() || address.is_link_local() || address.is_documentation();
    // Addresses for documentation never belong to a client, but look like one: they are treated as one.
    !address.is_private() && !shared && (!special || address.is_documentation())
}

/// Global unicast is `2000::/3` (RFC 4291); all else is local.
pub(super) fn is_public_v6(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

/// Joins hits that overlap into one, of the kind that was found first.
pub(super) fn without_overlap(mut found: Vec<(Range<usize>, &'static str)>) -> Vec<(Range<usize>, &'static str)> {
    found.sort_by_key(|(range, _)| range.start); // stable: the order of SHAPES decides among equals
    let mut apart: Vec<(Range<usize>, &'static str)> = Vec::with_capacity(found.len());
    for (range, kind) in found {
        match apart.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push((range, kind)),
        }
    }
    apart
}
