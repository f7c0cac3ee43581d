//! Bytes of message text per second that are mined, on one core.
//!
//! With `FIRSTFAULT_CASES` set, the labelled sets below it are mined, each repeated with fresh digits; otherwise generated messages.

#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

mod stopwatch;

use std::path::Path;

use firstfault::pattern::template::{Templates, key};
use stopwatch::Stopwatch;

/// What a key is made of.
const MESSAGE: &str = "could not connect to 10.4.0.17:5432 after 3 attempts: Connection refused";

/// Keys that are made in one run, so that the clock can see it.
const KEYS: usize = 10_000;

fn main() {
    let watch = Stopwatch::new();
    let texts = || {
        let messages = messages();
        let n = messages.iter().map(String::len).sum();
        (messages, n)
    };
    // Keys, counts, examples and columns: what a run does per message.
    watch.stage("observe", 20, texts, |messages| observe(messages));
    // The second stage, once per run; its input is cloned each time.
    let observed = || {
        let (messages, n) = texts();
        (observe(&messages), n)
    };
    watch.stage("clone_and_settle", 20, observed, |templates| Templates::settle(templates.clone()));
    // The key alone, with a scanner made for it.
    let message = || (MESSAGE, MESSAGE.len() * KEYS);
    watch.stage("key_of_one_message", 20, message, |text| (0..KEYS).map(|_| key(text)).fold(0, u64::wrapping_add));
}

fn observe(messages: &[String]) -> Templates<u8, u64> {
    let mut templates: Templates<u8, u64> = Templates::default();
    for message in messages {
        *templates.observe(&0, message) += 1;
    }
    templates
}

/// Times each message is repeated with other digits.
const REPEATS: usize = 10;

/// About 2 MB of messages.
fn messages() -> Vec<String> {
    let originals = labelled().unwrap_or_else(generated);
    let mut dice = 0x5eed_u64;
    (0..REPEATS).flat_map(|_| originals.iter().map(|m| other_digits(m, &mut dice)).collect::<Vec<_>>()).collect()
}

fn labelled() -> Option<Vec<String>> {
    let folder = Path::new(&std::env::var_os("FIRSTFAULT_CASES")?).join("templates");
    let mut paths: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let texts: Vec<_> = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    Some(texts.iter().flat_map(|t| t.lines().skip(1).filter_map(content)).map(str::to_owned).collect())
}

/// The second field of a row `number,content,template`.
fn content(row: &str) -> Option<&str> {
    let (_, rest) = row.split_once(',')?;
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",").map(|(content, _)| content),
        None => rest.split_once(',').map(|(content, _)| content),
    }
}

fn generated() -> Vec<String> {
    let forms = [
        "session opened for user 1204 by (uid=0)",
        "GET https://shop.example.com/api/items/4411?page=2 took 133 ms",
        "could not connect to 10.4.0.17:5432 after 3 attempts: Connection refused",
        "2025-01-01 10:00:00,125 - shop.stock - INFO - Retrieved 12 stock levels for order 7f3a9c",
        "Worker (pid:12) exited with code 3",
    ];
    (0..2_000).flat_map(|_| forms.map(str::to_owned)).collect()
}

fn other_digits(message: &str, dice: &mut u64) -> String {
    let mut next = || {
        *dice ^= *dice << 13;
        *dice ^= *dice >> 7;
        *dice ^= *dice << 17;
        char::from(b'0' + (*dice >> 33) as u8 % 10)
    };
    message.chars().map(|c| if c.is_ascii_digit() { next() } else { c }).collect()
}
