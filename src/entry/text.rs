//! The text of a message as a person would read it.

use memchr::memchr3;

use super::Text;

/// Colours and styles of loguru's markup that are left in text when colours are off.
const MARKUP: [&str; 24] = [
    "black",
    "blue",
    "bold",
    "cyan",
    "dim",
    "green",
    "italic",
    "level",
    "light-blue",
    "light-cyan",
    "light-green",
    "light-magenta",
    "light-red",
    "light-white",
    "light-yellow",
    "magenta",
    "normal",
    "red",
    "reverse",
    "strike",
    "underline",
    "white",
    "yellow",
    "blink",
];

/// Removes ANSI escapes and colour markup, and turns a written `\n` into a line end where the text has no real one.
/// Trailing white space goes too.
pub(super) fn clean(text: Text<'_>) -> Text<'_> {
    let Some(first) = memchr3(0x1b, b'\\', b'<', text.as_bytes()) else { return trimmed(text) };
    let breaks_lines = !text.contains('\n');
    let mut out = String::new();
    let mut copied = 0;
    let mut at = first;
    while let Some(found) = memchr3(0x1b, b'\\', b'<', &text.as_bytes()[at..]) {
        at += found;
        let rest = &text[at..];
        let (len, replacement) = match rest.as_bytes()[0] {
            0x1b => (escape_len(rest), ""),
            b'\\' if breaks_lines && rest.starts_with("\\r\\n") => (4, "\n"),
            b'\\' if breaks_lines && rest.starts_with("\\n") => (2, "\n"),
            b'\\' if breaks_lines && rest.starts_with("\\t") => (2, "\t"),
            b'\\' if rest.starts_with("\\\\") => (0, ""),
            b'<' => (markup_len(rest), ""),
            _ => (0, ""),
        };
        if len > 0 {
            out.push_str(&text[copied..at]);
            out.push_str(replacement);
            copied = at + len;
        }
        // A doubled backslash is one that is meant: `C:\\new` holds no line end.
        at += if len > 0 {
            len
        } else if rest.starts_with("\\\\") {
            2
        } else {
            1
        };
    }
    if copied == 0 {
        return trimmed(text);
    }
    out.push_str(&text[copied..]);
    out.truncate(out.trim_end().len());
    Text::Owned(out)
}

fn trimmed(text: Text<'_>) -> Text<'_> {
    // Most texts end on a letter, a digit or a mark.
    if text.as_bytes().last().is_some_and(u8::is_ascii_graphic) {
        return text;
    }
    match text {
        Text::Borrowed(text) => Text::Borrowed(text.trim_end()),
        Text::Owned(mut text) => {
            text.truncate(text.trim_end().len());
            Text::Owned(text)
        }
    }
}

/// Length of the terminal escape that `text` starts with.
fn escape_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let body = match bytes.get(1) {
        Some(b'[') => bytes[2..].iter().position(|b| (0x40..=0x7e).contains(b)).map(|n| n + 3),
        Some(b']') => bytes[2..].iter().position(|b| matches!(b, 0x07 | 0x1b)).map(|n| n + 3),
        _ => None,
    };
    // Parameters are short; a lone escape byte goes alone.
    body.filter(|len| *len <= 64 && text.is_char_boundary(*len)).unwrap_or(1)
}

/// Length of the loguru tag that `text` starts with, 0 when it is none.
fn markup_len(text: &str) -> usize {
    let inner = text[1..].strip_prefix('/').unwrap_or(&text[1..]);
    let Some(end) = inner.as_bytes().iter().take(16).position(|b| *b == b'>') else { return 0 };
    let is_tag = MARKUP.contains(&&inner[..end]) || (end == 0 && text.starts_with("</"));
    if is_tag { text.len() - inner.len() + end + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(clean(Text::Borrowed(text)), expected);
    }

    #[test]
    fn colours_and_markup_go() {
        check("\u{1b}[31mERROR\u{1b}[0m x\u{1b}[1;37;40m", "ERROR x");
        check("| <red>failed</red> <b>kept</b> </>", "| failed <b>kept</b>");
        check("\u{1b}x \u{1b}", "x");
        check("a < b && c > d", "a < b && c > d");
        check("<é", "<é");
    }

    #[test]
    fn a_written_line_end_becomes_one_where_there_is_none() {
        check("Traceback:\\n  File x\\nError: y", "Traceback:\n  File x\nError: y");
        check("real\nand \\n written", "real\nand \\n written");
        check("C:\\\\new", "C:\\\\new");
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(clean(Text::Borrowed("plain \n")), Text::Borrowed("plain")));
        assert!(matches!(clean(Text::Borrowed("x <y> \\z")), Text::Borrowed(_)));
    }
}
