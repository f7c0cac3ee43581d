//! How much of what must not be shown is masked, class by class, and how much of what may be shown is not. No value here was ever valid.

use firstfault::check::redact::Redactor;
use firstfault::pattern::secrets::Classes;

/// Letters and digits that no text holds by chance.
fn filler(n: usize) -> String {
    "a1B2c3D4e5F6g7H8".chars().cycle().take(n).collect()
}

fn hex(n: usize) -> String {
    "0a1b2c3d4e5f6789".chars().cycle().take(n).collect()
}

/// A text with `{}` where the secret stands, and the secret.
type Kind = (&'static str, String);

fn google() -> Vec<Kind> {
    let key = format!("AIza{}", filler(35));
    vec![
        ("https://maps.googleapis.com/maps/api/geocode/json?key={}&address=x", key.clone()),
        ("API key not valid: {}", key),
        (r#"{"access_token":"{}","expires_in":3599}"#, format!("ya29.c.b0{}", filler(80))),
        ("token {} has expired", format!("ya29.{}", filler(60))),
        ("refresh {}", format!("1//0{}", filler(40))),
        ("oauth client {}", format!("GOCSPX-{}", filler(28))),
        (r#""private_key_id": "{}""#, hex(40)),
        ("hmac {}", format!("GOOG1E{}", "ABCDEFGH12345678".repeat(3))),
        ("site secret {}", format!("6L{}", filler(38))),
        ("Authorization: key={}", format!("AAAA{}:APA91b{}", filler(7), filler(130))),
        ("exchange of code {} failed", format!("4/0A{}", filler(60))),
        ("jwt {}", format!("eyJ{}.eyJ{}.{}", filler(20), filler(40), filler(43))),
    ]
}

fn vendors() -> Vec<Kind> {
    let bare = [
        format!("AKIA{}", "ABCDEFGH12345678"),
        format!("ASIA{}", "ABCDEFGH12345678"),
        format!("LTAI{}", filler(20)),
        format!("ghp_{}", filler(36)),
        format!("gho_{}", filler(36)),
        format!("ghs_{}", filler(36)),
        format!("github_pat_{}", filler(60)),
        format!("glpat-{}", filler(20)),
        format!("gldt-{}", filler(20)),
        format!("glrt-{}", filler(20)),
        format!("glptt-{}", hex(40)),
        format!("ATATT3{}", filler(60)),
        format!("ATBB{}", filler(32)),
        format!("CCIPAT_{}_{}", filler(22), hex(40)),
        format!("npm_{}", filler(36)),
        format!("pypi-AgEIcHlwaS5vcmc{}", filler(60)),
        format!("rubygems_{}", hex(48)),
        format!("dckr_pat_{}", filler(27)),
        format!("xoxb-{}", filler(40)),
        format!("xoxp-{}", filler(40)),
        format!("xoxe.xoxp-1-{}", filler(40)),
        format!("xapp-1-{}", filler(40)),
        format!("sk_live_{}", filler(24)),
        format!("rk_live_{}", filler(24)),
        format!("sk_test_{}", filler(24)),
        format!("whsec_{}", filler(32)),
        format!("sq0atp-{}", filler(22)),
        format!("sq0csp-{}", filler(43)),
        format!("shpat_{}", hex(32)),
        format!("shpss_{}", hex(32)),
        format!("access_token$production${}${}", hex(16), hex(32)),
        format!("sk-{}", filler(48)),
        format!("sk-proj-{}", filler(60)),
        format!("sk-ant-api03-{}", filler(90)),
        format!("hf_{}", filler(34)),
        format!("r8_{}", filler(37)),
        format!("gsk_{}", filler(52)),
        format!("pplx-{}", filler(48)),
        format!("xai-{}", filler(80)),
        format!("SG.{}.{}", filler(22), filler(43)),
        format!("key-{}", hex(32)),
        format!("SK{}", hex(32)),
        format!("{}-us14", hex(32)),
        format!("xkeysib-{}-{}", hex(64), filler(16)),
        format!("hvs.{}", filler(90)),
        format!("{}.atlasv1.{}", filler(14), filler(60)),
        format!("pul-{}", hex(40)),
        format!("dapi{}", hex(32)),
        format!("dp.pt.{}", filler(43)),
        format!("pscale_tkn_{}", filler(43)),
        format!("sbp_{}", hex(40)),
        format!("glsa_{}_{}", filler(32), hex(8)),
        format!("NRAK-{}", "ABCDEFGH1234567890ABCDEFGHI"),
        format!("sntrys_{}", filler(60)),
        format!("lin_api_{}", filler(40)),
        format!("secret_{}", filler(43)),
        format!("ntn_{}", filler(46)),
        format!("pat{}.{}", filler(14), hex(64)),
        format!("figd_{}", filler(40)),
        format!("PMAK-{}-{}", hex(24), hex(34)),
        format!("dop_v1_{}", hex(64)),
        format!("fo1_{}", filler(43)),
        format!("HRKU-{}", filler(36)),
        format!("AGE-SECRET-KEY-1{}", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(2)),
        format!("sdk-{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12)),
        format!("phc_{}", filler(43)),
        format!("EAA{}", filler(80)),
        format!("glc_eyJ{}", filler(60)),
    ];
    let contexts = ["rejected: {} (401)", r#"{"level":"error","msg":"call with {} failed"}"#];
    let mut kinds: Vec<Kind> =
        bare.iter().flat_map(|secret| contexts.map(|context| (context, secret.clone()))).collect();
    kinds.extend([
        ("POST https://hooks.slack.com/services/{} 404", "T00000000/B00000000/XXXXyyyyZZZZwwww1234".to_owned()),
        ("https://discord.com/api/webhooks/{}", format!("123456789012345678/{}", filler(68))),
        ("https://acme.webhook.office.com/webhookb2/{}", format!("{}@{}", hex(36), hex(36))),
        ("https://api.telegram.org/bot{}/getMe", format!("123456789:AA{}", filler(33))),
        ("discord bot {}", format!("M{}.{}.{}", filler(23), filler(6), filler(27))),
        ("dsn https://{}@o123.ingest.sentry.io/456", hex(32)),
        ("azure {}", format!("abc8Q~{}", filler(34))),
    ]);
    kinds
}

fn connections() -> Vec<Kind> {
    vec![
        ("postgres://app:{}@10.0.0.3:5432/orders", "s3cr3t!".to_owned()),
        ("postgresql+psycopg2://app:{}@/orders?host=/cloudsql/a:b:c", "p%40ss".to_owned()),
        ("postgres://app:{}@db.acme.internal/orders", "p#a?s/s".to_owned()),
        ("mysql://root:{}@mysql:3306/x", "toor12".to_owned()),
        ("mysql+pymysql://app:{}@10.1.2.3/x", "Tr0ub4dor&3".to_owned()),
        ("mongodb://app:{}@m1.acme.internal:27017,m2.acme.internal:27017/x", "hunter2".to_owned()),
        ("mongodb+srv://app:{}@cluster0.acme.example/x", "Tr0ub4dor".to_owned()),
        ("amqps://user:{}@mq.acme.example/v", "p@ss".to_owned()),
        ("redis://:{}@10.0.0.4:6379/0", "hunter2".to_owned()),
        ("rediss://default:{}@cache.acme.example:6380", "hunter2".to_owned()),
        ("ftp://deploy:{}@ftp.acme.example/", "hunter2".to_owned()),
        ("https://deploy:{}@git.acme.example/acme/app.git", filler(20)),
        ("ldap://cn=admin:{}@ldap.acme.internal", "hunter2".to_owned()),
        ("smtp://mailer:{}@smtp.acme.example:587", "hunter2".to_owned()),
        ("clickhouse://default:{}@ch:9000/default", "hunter2".to_owned()),
        ("nats://user:{}@nats:4222", "hunter2".to_owned()),
        ("sqlserver://sa:{}@mssql:1433?database=x", "Passw0rd!".to_owned()),
        ("app:{}@tcp(10.0.0.3:3306)/orders", "hunter2".to_owned()),
        ("app:{}@unix(/cloudsql/a:b:c)/orders", "hunter2".to_owned()),
        ("jdbc:oracle:thin:scott/{}@db:1521/x", "tiger1".to_owned()),
        ("jdbc:postgresql://db/orders?user=app&password={}&ssl=true", "hunter2".to_owned()),
        ("jdbc:mysql://db/orders?user=app&password={}", "hunter2".to_owned()),
        ("jdbc:sqlserver://db;databaseName=x;user=sa;password={};", "Passw0rd!".to_owned()),
        ("host=10.0.0.3 user=app password={} dbname=orders", "hunter2".to_owned()),
        ("host=db port=5432 password='{}' sslmode=disable", "two words".to_owned()),
        ("Server=db;Uid=app;Pwd={};", "hunter2".to_owned()),
        ("Server=tcp:db,1433;User ID=sa;Password={};Encrypt=True", "Passw0rd!".to_owned()),
        ("Data Source=db;User Id=app;Password={}", "hunter2".to_owned()),
        ("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};", "abc123+/==".to_owned()),
        ("Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey={}", filler(43)),
        ("sqlplus scott/{}@orcl", "tiger1".to_owned()),
    ]
}

fn named() -> Vec<Kind> {
    let hunter = || "hunter2x".to_owned();
    vec![
        ("DB_PASSWORD={}", hunter()),
        ("DB_PASS={}", hunter()),
        ("MYSQL_PWD={}", hunter()),
        ("PGPASSWORD={} psql -h db", hunter()),
        ("REDIS_AUTH={}", "a1b2c3d4".to_owned()),
        ("STRIPE_SECRET_KEY={}", filler(30)),
        ("DJANGO_SECRET_KEY='{}'", "x9!k2@v8#q".to_owned()),
        ("JWT_SECRET: {}", hunter()),
        ("API_TOKEN={}", hunter()),
        ("OPENAI_API_KEY={}", filler(40)),
        ("ENCRYPTION_KEY={}", filler(32)),
        ("SENDGRID_KEY={}", filler(32)),
        ("DATADOG_KEY={}", hex(32)),
        ("ALGOLIA_ADMIN_KEY={}", hex(32)),
        ("PASSWORD_SALT={}", filler(16)),
        ("AWS_SECRET_ACCESS_KEY={}", filler(40)),
        ("AWS_SESSION_TOKEN={}", format!("IQoJb{}", filler(80))),
        ("export TOKEN={}", hunter()),
        (r#"{"password": "{}"}"#, hunter()),
        (r#"{\"client_secret\":\"{}\"}"#, hunter()),
        (r#"{"user":"x","passwd":"{}"}"#, hunter()),
        ("'api_key': '{}'", hunter()),
        ("map[password:{} user:app]", hunter()),
        (r#"Config{Password:"{}"}"#, hunter()),
        ("config.password => '{}'", hunter()),
        ("password := {}", hunter()),
        ("<Password>{}</Password>", hunter()),
        ("<wsse:Password Type=\"x\">{}</wsse:Password>", hunter()),
        ("<apiKey>{}</apiKey>", hunter()),
        ("<add key=\"x\" password=\"{}\"/>", hunter()),
        ("login?user=a&password={}&x=1", hunter()),
        ("password%3D{}", hunter()),
        ("the password is {}", hunter()),
        ("password for user app is {}", hunter()),
        ("password was changed to {}", "Hunter2!".to_owned()),
        ("ALTER USER app IDENTIFIED BY '{}'", hunter()),
        ("logging in with password \"{}\"", hunter()),
        ("CREATE ROLE app PASSWORD '{}'", hunter()),
        ("passphrase: {}", "correcthorse".to_owned()),
        ("passcode={}", "482913".to_owned()),
        ("otp={}", "482913".to_owned()),
        ("secret: {}", hunter()),
        ("license_key={}", filler(25)),
        ("signing-key: {}", filler(32)),
        ("master_key = {}", hex(32)),
        ("app_key=\"{}\"", filler(32)),
        ("connection_string={}", "Endpoint=sb://x/secret1".to_owned()),
    ]
}

fn headers() -> Vec<Kind> {
    vec![
        ("Authorization: Bearer {}", filler(32)),
        ("authorization=Basic {}", "dXNlcjpwYXNzd29yZA==".to_owned()),
        (r#""Authorization":"Bearer {}""#, filler(32)),
        ("curl -H 'Authorization: token {}'", filler(12)),
        ("Authorization: {}", filler(40)),
        ("Authorization: ApiKey {}", filler(20)),
        (
            "Authorization: AWS4-HMAC-SHA256 {}",
            format!(
                "Credential=AKIA{}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={}",
                "ABCDEFGH12345678",
                hex(64)
            ),
        ),
        ("Authorization: Digest {}", format!("username=\"x\", realm=\"y\", response=\"{}\"", hex(32))),
        ("Authorization: GoogleLogin auth={}", filler(40)),
        ("Proxy-Authorization: Basic {}", "dXNlcjpwYXNzd29yZA==".to_owned()),
        ("headers map[Authorization:[Bearer {}]]", filler(32)),
        ("x-api-key: {}", filler(20)),
        ("X-Auth-Token: {}", filler(20)),
        ("X-Vault-Token: {}", filler(26)),
        ("PRIVATE-TOKEN: {}", filler(20)),
        ("X-Goog-Api-Key: {}", filler(39)),
        ("Ocp-Apim-Subscription-Key: {}", hex(32)),
        ("X-Shopify-Access-Token: {}", filler(32)),
        ("X-Amz-Security-Token: {}", filler(80)),
        ("X-CSRF-Token: {}", filler(32)),
        ("got bearer {} from caller", filler(20)),
    ]
}

fn sessions() -> Vec<Kind> {
    vec![
        ("Cookie: {}", "sid=abc123; csrf=def456".to_owned()),
        ("Set-Cookie: {}", "sid=abc123; Path=/; HttpOnly".to_owned()),
        (r#""cookie": "{}""#, "sid=abc123".to_owned()),
        ("PHPSESSID={}", "0123456789abcdef".to_owned()),
        ("JSESSIONID={}", "0123456789ABCDEF".to_owned()),
        ("connect.sid={}", "s%3Aabc123def456".to_owned()),
        ("session_id={}", hex(32)),
        ("access_token={}&state=x", filler(40)),
        ("refresh_token={}&grant_type=refresh_token", filler(40)),
        ("id_token={}", filler(40)),
        ("GET /callback?code={}&state=x", filler(30)),
        ("device_code={}", filler(30)),
        ("client_assertion=x&assertion={}", filler(60)),
        ("GET /saml?SAMLResponse={}", filler(60)),
        ("https://storage.example/o?X-Goog-Signature={}&x=1", hex(64)),
        ("https://blob.example/o?sv=1&sig={}", "abc%2Fdef%3D".to_owned()),
        ("GET /v1/x?key={}&q=1", "abcdef0123".to_owned()),
        ("csrftoken={}", filler(32)),
    ]
}

fn commands() -> Vec<Kind> {
    vec![
        ("curl -u admin:{} https://acme.example", "hunter2x".to_owned()),
        ("curl --user admin:{} https://acme.example", "hunter2x".to_owned()),
        ("mysql -h db -u root -p{} orders", "hunter2x".to_owned()),
        ("mysqldump --password={} orders", "hunter2x".to_owned()),
        ("sshpass -p {} ssh deploy@host", "hunter2x".to_owned()),
        ("redis-cli -h cache -a {} ping", "hunter2x".to_owned()),
        ("docker login -u acme -p {} registry", "hunter2x".to_owned()),
        ("ldapsearch -x -D cn=admin -w {} -b dc=x", "hunter2x".to_owned()),
        ("openssl rsa -in key.pem -passin pass:{}", "hunter2x".to_owned()),
        ("app --token {} --verbose", filler(20)),
        ("app --api-key={} run", filler(20)),
        ("htpasswd -bc file admin {}", "hunter2x".to_owned()),
    ]
}

fn money() -> Vec<Kind> {
    vec![
        ("card 4111 1111 1111 1111 declined {}", "4111 1111 1111 1111".to_owned()),
        ("card number: {}", "4111111111111111".to_owned()),
        (r#"{"pan":"{}"}"#, "5555555555554444".to_owned()),
        ("payment with {} refused", "378282246310005".to_owned()),
        ("visa {} expired", "4012-8888-8888-1881".to_owned()),
        ("IBAN {}", "DE89370400440532013000".to_owned()),
        ("transfer to {} failed", "GB82 WEST 1234 5698 7654 32".to_owned()),
        ("bank account {}", "FR1420041010050500013M02606".to_owned()),
    ]
}

fn contacts() -> Vec<Kind> {
    vec![
        ("login of {} failed", "alice@acme.example".to_owned()),
        ("GET /u?email={}", "bob%40acme.example".to_owned()),
        ("sms to {} failed", "+49 151 23456789".to_owned()),
        ("phone: {}", "+1 (415) 555-2671".to_owned()),
        (r#""phone":"{}""#, "+14155552671".to_owned()),
        ("tel=415-555-2671 {}", "415-555-2671".to_owned()),
        ("SSN: {}", "078-05-1120".to_owned()),
        ("client {}", "8.8.8.8".to_owned()),
        ("from [{}]:54321", "2a00:1450:4001:81b::200e".to_owned()),
    ]
}

/// Classes with the least share that must be masked.
fn classes() -> Vec<(&'static str, Vec<Kind>, f64)> {
    vec![
        ("Google", google(), 0.92),
        ("vendors", vendors(), 0.92),
        ("connections", connections(), 0.92),
        ("named values", named(), 0.92),
        ("headers", headers(), 0.92),
        ("sessions", sessions(), 0.92),
        ("commands", commands(), 0.92),
        ("money", money(), 0.92),
        ("contacts", contacts(), 0.92),
    ]
}

#[test]
fn secrets_of_every_class_are_masked() {
    let redactor = Redactor::new(Classes::ALL, &[]).expect("the shapes compile");
    let (mut all, mut masked) = (0, 0);
    let mut poor = Vec::new();
    for (class, kinds, least) in classes() {
        let shown =
            |(text, secret): &&Kind| redactor.redact_text(&text.replace("{}", secret)).contains(secret.as_str());
        let missed: Vec<&Kind> = kinds.iter().filter(shown).collect();
        (all, masked) = (all + kinds.len(), masked + kinds.len() - missed.len());
        if ((kinds.len() - missed.len()) as f64) < least * kinds.len() as f64 {
            poor.push(format!("{class}: {} of {} missed: {missed:#?}", missed.len(), kinds.len()));
        }
    }
    assert!(poor.is_empty(), "{masked} of {all} masked\n{}", poor.join("\n"));
    assert!(all >= 300, "only {all} kinds");
}

/// Texts that hold nothing to hide, though much of it looks as if.
const ORDINARY: &[&str] = &[
    "password authentication failed for user \"app\"",
    "FATAL: password authentication failed for user \"svc@acme-prod.iam\"",
    "Access denied for user 'app'@'10.1.2.3' (using password: YES)",
    "password is too short",
    "the password is wrong",
    "password was rejected by the server",
    "passwords do not match",
    "password must contain a digit",
    "password reset email sent",
    "invalid password",
    "token expired at 2026-02-03T10:00:00Z",
    "Unexpected token < in JSON at position 0",
    "Unexpected token: <EOF>",
    "token: expired",
    "token=null",
    "max_tokens: 4096",
    "tokens used: 812",
    "secret: projects/123/secrets/db-password/versions/7 was not found",
    "Secret projects/123/secrets/token/versions/latest not found",
    "secret \"db-password\" not found",
    "key=3",
    "primary key violation",
    "duplicate key value violates unique constraint \"events_pkey\"",
    "foreign key constraint \"fk_lines_order\" fails",
    "KeyError: 'user_id'",
    "cache key orders:42 missing",
    "sort key: created_at",
    "session pool exhausted",
    "session closed by server",
    "sessions: 12",
    "no session is free",
    "authorization failed: user may not read orders",
    "authorization: required scope is missing",
    "Authorization header is missing",
    "Basic authentication is off, bearer authentication too",
    "bearer token has expired",
    "cookie banner was not shown",
    "credentials: none found",
    "could not find default credentials",
    "connection string is empty",
    "pin: false",
    "otp: required",
    "deploy 4f2a9c81d3e6b7a0c5d4e3f2a1b0c9d8e7f60514",
    "commit 0123456789abcdef0123456789abcdef01234567",
    "trace 105445aa7843bc8bf206b12000100000/1;o=1",
    "request id 550e8400-e29b-41d4-a716-446655440000",
    "insertId 65f2c3a1000b7c2d4e5f6a7b",
    "span 00f067aa0ba902b7",
    "etag \"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "europe-docker.pkg.dev/acme/app@sha256:0123456789abcdef",
    "digest xxh3:d90298da02deacc1",
    "order 4111111111111112 shipped",
    "order 1234567890123456 shipped",
    "timestamp 1770112800123456789",
    "took 1770112800123 ns",
    "user 982347 logged in",
    "build 20260203100000",
    "port 5432 of 10.0.0.3",
    "dial tcp 10.20.0.3:5432: i/o timeout",
    "dial tcp 34.76.1.2:3307: i/o timeout",
    "connect to 172.16.4.4 and 192.168.1.7, 127.0.0.1, 169.254.169.254, 100.64.0.9",
    "http://metadata.google.internal:80/computeMetadata/v1?x=a@b",
    "postgres://app@db.acme.example:5432/orders",
    "http://localhost:8080/orders?mail=root@localhost",
    "acme-prod:europe-west1:orders-db",
    "permission denied for builder@acme-prod.iam.gserviceaccount.com",
    "123456789-compute@developer.gserviceaccount.com lacks roles/run.invoker",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
    "release 1.2.3.4-beta of v10.0.0.1",
    "at 11:48:02 in std::collections, mac aa:bb:cc:dd:ee:ff",
    "root@localhost",
    "npm install --prefer-offline failed",
    "npm ERR! code ERESOLVE",
    "pip install -r requirements.txt",
    "curl -s https://acme.example/healthz",
    "curl -u failed: no such user",
    "mysql -h db -e 'SELECT 1'",
    "redis-cli ping",
    "docker pull acme/app:1.2.3",
    "kubectl get pods -n shop",
    "git push origin main",
    "sk is the language code of Slovak",
    "task sk-12 is done",
    "pat-1 was not found",
    "key-value store is empty",
    "api-gateway-7d4b9c6f5d-x2x1z restarted",
    "checkout-00042-abc is ready",
    "gke-acme-pool-1-4e0abb29-rs4n is not ready",
    "phone call service timed out",
    "tel aviv region is down",
    "mobile clients get 503",
    "sms gateway answered 500",
    "payment 42 was declined",
    "card service is slow: 812 ms",
    "visa check took 1200 ms",
    "bank holiday calendar missing",
    "transfer 18273645 is pending",
    "account 12345678 not found",
    "iban is missing",
    "AE1234 flight is late",
    "temperature +21.5 and -3",
    "timezone +0000 and +02:00",
    "version +build.20260203",
    "a+b@c is no address",
    "pkg@1.2.3",
    "GET /orders/42 200",
    "GET /static/app.3f2a1b.js 304",
    "POST /oauth/token 401",
    "grant_type=authorization_code",
    "response_type=code&client_id=web",
    "code=404",
    "error code=ECONNREFUSED",
    "exit code: 3",
    "status: 503",
    "signal: killed",
    "reason: OOMKilled",
    "image: acme/app:latest",
    "level=error msg=\"retry 3 of 5\" attempt=3",
    "level=info msg=\"key rotated\"",
    "hash ring has 12 nodes",
    "salt bridge is down",
    "auth service is unreachable",
    "auth=none",
    "AUTH_MODE=disabled",
    "FEATURE_KEY=checkout",
    "SORT_KEY=created_at",
    "PARTITION_KEY=customer_id",
    "XML <Key>orders</Key>",
    "<Message>The specified key does not exist.</Message>",
    "NoSuchKey: orders.csv",
    "private key file not found: /etc/tls/tls.key",
    "-----BEGIN CERTIFICATE----- is expected",
    "certificate has expired on 2026-01-01",
    "ssn column was dropped",
    "pin the version",
    "eyJ is how tokens begin",
    "Base64 decoding failed at byte 12",
    "http2: stream closed",
    "connection refused",
    "The container used more memory than its limit",
    "Memory limit of 512 MiB exceeded with 534 MiB used",
];

/// Ordinary texts that may be masked by mistake.
const MISTAKES: usize = 4;

#[test]
fn ordinary_texts_are_left_alone() {
    let redactor = Redactor::new(Classes::ALL, &[]).expect("the shapes compile");
    let changed: Vec<String> = ORDINARY
        .iter()
        .map(|text| (*text, redactor.redact_text(text)))
        .filter(|(a, b)| a != b)
        .map(|(_, b)| b)
        .collect();
    assert!(
        ORDINARY.len() >= 138 && changed.len() <= MISTAKES,
        "{} of {}: {changed:#?}",
        changed.len(),
        ORDINARY.len()
    );
}

/// What is kept from one run to the next.
#[cfg(unix)]
#[test]
fn accounts_and_history_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    use crate::binary::{Folder, fixtures, run};

    let folder = Folder::new("private");
    let export = fixtures().join("out-of-memory/entries.json.gz").display().to_string();
    let (summary, history) = (folder.path().join("a.sum"), folder.path().join("history"));
    std::fs::create_dir_all(&history).expect("the folder is writable");
    run(&["summarize", &export, "-o", &summary.display().to_string()]).ends_with(0);
    run(&[&export, "--history", &history.display().to_string(), "--remember"]).ends_with(0);
    let kept = std::fs::read_dir(&history).expect("a folder").flatten().map(|entry| entry.path());
    let files: Vec<_> = kept.chain([summary]).collect();
    assert_eq!(files.len(), 2);
    for file in files {
        let mode = std::fs::metadata(&file).expect("it was written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_pattern_that_matches_everything_masks_texts_and_breaks_nothing() {
    let export = crate::binary::fixtures().join("out-of-memory/entries.json.gz").display().to_string();
    for pattern in [".*", "[0-9]+", r"\w{8,}", "count"] {
        let report = crate::binary::run(&[&export, "--redact", pattern, "--format", "json"]).ends_with(0).json();
        assert_eq!(report["coverage"]["entries"], 1925, "{pattern}");
        assert_eq!(report["incidents"][0]["status"], "ongoing");
    }
}

#[test]
fn a_private_key_is_gone_before_its_message_is_cut() {
    use crate::binary::{Folder, run};

    let folder = Folder::new("pem");
    let body: String = (0..40).map(|line| format!("{}{line:02}\\n", filler(60))).collect();
    let text = format!(
        "{} -----BEGIN PRIVATE KEY-----\\n{body}-----END PRIVATE KEY----- refused",
        "the worker stops ".repeat(40)
    );
    let line = |n: usize| {
        format!(
            r#"{{"insertId":"i{n}","timestamp":"2026-02-03T10:00:{n:02}Z","severity":"ERROR","logName":"projects/acme/logs/x","resource":{{"type":"cloud_run_revision","labels":{{"service_name":"checkout"}}}},"textPayload":"{text}"}}"#
        ) + "\n"
    };
    let export = folder.file("a.ndjson", (0..30).map(line).collect::<String>());
    let secret = filler(60);
    for face in ["json", "md", "html", "table"] {
        let out = run(&[&export, "--format", face, "-v"]).ends_with(0).out;
        assert!(!out.contains(&secret[..30]), "{face} shows the key");
    }
    let summary = folder.path().join("a.sum").display().to_string();
    run(&["summarize", &export, "-o", &summary]).ends_with(0);
    let bytes = std::fs::read(&summary).expect("it was written");
    let head = bytes.iter().position(|b| *b == b'\n').expect("a first line") + 1;
    let kept = zstd::stream::decode_all(&bytes[head..]).expect("it is zstd");
    assert!(!String::from_utf8_lossy(&kept).contains(&secret[..30]), "the account keeps the key");
}

/// Nothing that an account never keeps is in a summary as it is written, over lines and entries.
#[test]
fn a_summary_holds_no_secret() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let line = |n: usize, text: &str| {
        serde_json::json!({
            "insertId": format!("i{n}"), "timestamp": format!("2026-02-03T10:00:{n:02}Z"), "severity": "ERROR",
            "logName": "projects/acme/logs/stderr", "textPayload": text,
            "resource": {"type": "k8s_container", "labels": {"pod_name": "checkout-1", "container_name": "checkout"}},
        })
        .to_string()
    };
    let long = format!("{} -----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----", "load ".repeat(300));
    let texts = [
        "request failed: DB_PASSWORD=hunter2hunter2 was refused",
        "token ya29.a0AfH6SMBx1y2z3x1y2z3x1y2z3x1y2z3 was refused",
        long.as_str(),
        "Traceback (most recent call last):",
        "  File \"app.py\", line 7, in load",
        "    key = '-----BEGIN PRIVATE KEY-----",
        body,
        "ValueError: cannot read the key, password=hunter2hunter2",
        "charge of 4111 1111 1111 1111 with card 4111 1111 1111 1111 failed",
    ];
    let export: String = texts.iter().enumerate().map(|(n, text)| line(n, text) + "\n").collect();
    let folder = crate::binary::Folder::new("secret-summary");
    let file = folder.file("export.ndjson", export);
    let summary = folder.path().join("account.sum").display().to_string();
    crate::binary::run(&["summarize", &file, "-o", &summary]).ends_with(0);
    let report = crate::binary::run(&["report", &summary, "--format", "json"]).ends_with(0).out;
    let direct = crate::binary::run(&[&file, "--format", "json"]).ends_with(0).out;
    for secret in ["hunter2", "ya29.a0", "MIIEvQ", "4111 1111"] {
        assert!(!report.contains(secret) && !direct.contains(secret), "{secret}");
    }
    let bytes = std::fs::read(&summary).expect("it was written");
    let start = bytes.windows(4).position(|four| four == [0x28, 0xb5, 0x2f, 0xfd]).expect("a compressed part");
    let account = zstd::decode_all(&bytes[start..]).expect("it is whole");
    let account = String::from_utf8_lossy(&account);
    for secret in ["hunter2", "ya29.a0", "MIIEvQ", "4111 1111"] {
        assert!(!account.contains(secret), "{secret} is kept");
    }
    assert!(account.contains("was refused"), "the account holds texts");
}
