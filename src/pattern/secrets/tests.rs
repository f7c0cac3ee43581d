//! Credentials of every known shape, and that the quick ways to find them leave none out.

use regex::Regex;

use super::*;

#[test]
fn signs_and_forms_for_ascii_leave_no_credential_out() {
    let shapes: Vec<Regex> =
        SHAPES.iter().map(|(_, _, pattern)| Regex::new(pattern).expect("every shape compiles")).collect();
    for (text, _) in credentials() {
        let foreign = [format!("schön: {text}…"), text.replace(['s', 'S'], "ſ"), text.replace(['k', 'K'], "\u{212a}")];
        for text in [text.to_ascii_lowercase(), text.to_ascii_uppercase(), text].into_iter().chain(foreign) {
            let wanted = FINDER.signs_in(&text);
            for (shape, regex) in shapes.iter().enumerate() {
                let place =
                    |found: regex::Captures<'_>| found.iter().skip(1).flatten().next().map(|group| group.range());
                let expected: Vec<_> = regex.captures_iter(&text).map(place).collect();
                let found: Vec<_> = FINDER.shapes[shape].find_iter(&text).map(Some).collect();
                assert_eq!(found, expected, "{} in {text}", SHAPES[shape].2);
                assert!(wanted >> shape & 1 != 0 || expected.is_empty(), "{} in {text}", SHAPES[shape].2);
            }
        }
    }
}

/// Credential shapes with the part that must be gone. None was ever valid.
pub(crate) fn credentials() -> Vec<(String, String)> {
    let filler = |n: usize| "a1B2c3D4e5".chars().cycle().take(n).collect::<String>();
    let secret = |prefix: &str, n: usize| format!("{prefix}{}", filler(n));
    let bare = [
        secret("AIza", 35),
        secret("ya29.", 60),
        secret("1//0", 40),
        secret("GOCSPX-", 28),
        format!("AKIA{}", "ABCDEFGH12345678"),
        format!("ASIA{}", "ABCDEFGH12345678"),
        secret("ghp_", 36),
        secret("gho_", 36),
        secret("ghs_", 36),
        secret("github_pat_", 60),
        secret("glpat-", 20),
        secret("xoxb-", 40),
        secret("xoxp-", 40),
        secret("xapp-", 40),
        secret("sk_live_", 24),
        secret("rk_live_", 24),
        secret("sk_test_", 24),
        secret("whsec_", 32),
        secret("sk-", 48),
        secret("sk-ant-", 48),
        secret("hf_", 34),
        secret("npm_", 36),
        secret("pypi-", 60),
        format!("dop_v1_{}", "0123456789abcdef".repeat(4)),
        format!("SG.{}.{}", filler(22), filler(43)),
        format!("key-{}", "0123456789abcdef".repeat(2)),
        format!("123456789:AA{}", filler(33)),
        format!("eyJ{}.eyJ{}.{}", filler(20), filler(40), filler(43)),
        format!("eyJ{}.eyJ{}.", filler(20), filler(40)),
    ];
    let inside = [
        ("Authorization: Bearer {}", secret("", 32)),
        ("authorization=Basic {}", "dXNlcjpwYXNzd29yZA==".to_owned()),
        ("\"Authorization\":\"Bearer {}\"", secret("", 32)),
        ("curl -H 'Authorization: token {}'", secret("", 12)),
        ("got bearer {} from caller", secret("", 20)),
        ("https://hooks.slack.com/services/{}", "T000/B000/XXXXyyyyZZZZ".to_owned()),
        ("postgres://app:{}@10.0.0.3:5432/orders", "s3cr3t!".to_owned()),
        ("postgresql+psycopg2://app:{}@/orders?host=/cloudsql/a:b:c", "p%40ss".to_owned()),
        ("amqps://user:{}@mq.acme.example/v", "p@ss".to_owned()),
        ("redis://:{}@10.0.0.4:6379/0", "hunter2".to_owned()),
        ("mongodb+srv://app:{}@cluster0.acme.example/x", "Tr0ub4dor".to_owned()),
        ("app:{}@tcp(10.0.0.3:3306)/orders", "hunter2".to_owned()),
        ("jdbc:oracle:thin:scott/{}@db:1521/x", "tiger".to_owned()),
        ("jdbc:postgresql://db/orders?user=app&password={}&ssl=true", "hunter2".to_owned()),
        ("host=10.0.0.3 user=app password={} dbname=orders", "hunter2".to_owned()),
        ("password='{}' host=x", "two words".to_owned()),
        ("Server=db;Uid=app;Pwd={};", "hunter2".to_owned()),
        ("DefaultEndpointsProtocol=https;AccountKey={};", "abc123+/==".to_owned()),
        ("DB_PASSWORD={}", "hunter2".to_owned()),
        ("{\"password\": \"{}\"}", "hunter2".to_owned()),
        ("{\\\"client_secret\\\":\\\"{}\\\"}", "hunter2".to_owned()),
        ("'api_key': '{}'", "hunter2".to_owned()),
        ("x-api-key: {}", "hunter2".to_owned()),
        ("refresh_token={}&grant_type=x", "hunter2".to_owned()),
        ("GET /v1/x?key={}&q=1", "abcdef0123".to_owned()),
        ("https://storage.example/o?X-Goog-Signature={}&x=1", "0a1b2c3d4e5f".to_owned()),
        ("https://blob.example/o?sv=1&sig={}", "abc%2Fdef%3D".to_owned()),
        ("key=hello token={}", "hunter2".to_owned()),
        ("secret: {}", "hunter2".to_owned()),
        ("passphrase: {}", "correcthorse".to_owned()),
        ("PHPSESSID={}", "0123456789".to_owned()),
        ("Cookie: {}", "sid=abc; csrf=def".to_owned()),
        ("Set-Cookie: {}", "sid=abc; Path=/; HttpOnly".to_owned()),
        ("\"cookie\": \"{}\"", "sid=abc".to_owned()),
    ];
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", filler(64));
    let cut_key = format!("-----BEGIN PRIVATE KEY-----\\n{}", filler(64));
    let bare = bare.into_iter().chain([key, cut_key]).map(|s| (format!("rejected: {s}"), s));
    bare.chain(inside.into_iter().map(|(text, s)| (text.replace("{}", &s), s))).collect()
}

/// What is masked once stays as it is, and nothing of a class that was not asked for goes.
#[test]
fn only_the_classes_that_were_asked_for_go() {
    let text = "password=hunter2 of ada@example.com at 203.0.113.9:54321, card 4111 1111 1111 1111";
    let masked_with = |classes| masked(text, classes).into_owned();
    let all = masked_with(Classes::ALL);
    assert_eq!(masked(&all, Classes::ALL), all);
    assert_eq!(masked_with(Classes::NONE), text);
    for (class, gone) in [
        (Class::Secrets, "hunter2"),
        (Class::Contacts, "ada@example.com"),
        (Class::Network, "203.0.113.9"),
        (Class::Financial, "4111 1111 1111 1111"),
    ] {
        let with = masked_with(Classes::NONE.with(class));
        assert!(!with.contains(gone) && !all.contains(gone), "{with}");
        assert_eq!(with.matches("[redacted ").count(), 1, "{with}");
    }
}
