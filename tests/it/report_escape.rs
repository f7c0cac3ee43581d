//! Escapes against random text out of the characters that mean something to each reader.

use firstfault::face::escape;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Characters and runs that Markdown, HTML, tables and terminals give a meaning.
const ALPHABET: &[&str] = &[
    "a", "b", "1", " ", "  ", "\n", "\t", "`", "``", "```", "*", "**", "_", "__", "~", "~~", "[", "]", "(", ")", "!",
    "<", ">", "&", ";", "#", "-", "--", "+", "=", "|", "\\", "/", ":", "://", "@", ".", "www.", "http", "$", "{", "}",
    "\"", "'", "^", "%", "lt", "x41", "\u{1b}", "\u{202e}", "\u{200b}", "é", "日",
];

/// Texts from a fixed seed (xorshift), so that a failure can be repeated.
fn texts(n: usize) -> impl Iterator<Item = String> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    (0..n).map(move |_| (0..next() % 12).map(|_| ALPHABET[next() % ALPHABET.len()]).collect())
}

/// Events of a document that are neither text nor code.
fn markup(document: &str) -> Vec<String> {
    let is_text = |event: &Event<'_>| matches!(event, Event::Text(_) | Event::Code(_));
    Parser::new_ext(document, Options::all())
        .filter(|event| !is_text(event))
        .map(|event| format!("{event:?}"))
        .collect()
}

#[test]
fn no_text_becomes_markup_in_prose() {
    for text in texts(20_000) {
        for frame in ["- X\n", "# X\n", "**X**: y\n", "> X\n", "1. at X, then\n"] {
            let plain = markup(&frame.replace('X', "plain"));
            assert_eq!(markup(&frame.replace('X', &escape::markdown(&text))), plain, "{text:?} in {frame:?}");
            assert_eq!(
                markup(&frame.replace('X', &escape::markdown_code(&text))),
                plain,
                "{text:?} as code in {frame:?}"
            );
        }
    }
}

#[test]
fn no_text_becomes_markup_in_a_cell() {
    let frame = "| a | b |\n|---|---|\n| X | y |\n";
    let plain = markup(&frame.replace('X', "plain"));
    for text in texts(20_000) {
        assert_eq!(markup(&frame.replace('X', &escape::markdown_cell(&text))), plain, "{text:?}");
    }
}

#[test]
fn no_command_leaves_its_fence() {
    for text in texts(20_000) {
        let (fence, line) = (escape::markdown_fence(&text), escape::terminal(&text));
        let document = format!("{fence}sh\n{line}\n{fence}\n");
        let mut events = Parser::new_ext(&document, Options::all());
        assert!(matches!(events.next(), Some(Event::Start(Tag::CodeBlock(_)))), "{text:?}");
        let last = events.last();
        assert_eq!(last, Some(Event::End(TagEnd::CodeBlock)), "{text:?}");
    }
}

#[test]
fn what_is_shown_as_code_is_what_was_logged() {
    for text in texts(20_000) {
        let shown = escape::terminal(text.trim()).trim().to_owned();
        let document = escape::markdown_code(&text);
        let code = Parser::new(&document).find_map(|event| match event {
            Event::Code(code) => Some(code.trim().to_owned()),
            _ => None,
        });
        assert_eq!(code.unwrap_or_default(), if shown.is_empty() { "" } else { &shown }, "{text:?}");
    }
}
