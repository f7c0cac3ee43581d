//! Untrusted text on its way into a face: what stood in a log can neither act nor deceive there.
//!
//! Each function yields one line. What cannot be shown safely is shown by its code point, `<U+202E>`, never dropped: a
//! reader sees that something was there.

use std::borrow::Cow;

/// Characters of a Mermaid label at most; longer ones make the drawing unreadable.
const MERMAID_LABEL_CHARS: usize = 90;

/// What stands for a text without any character, so that markup around it keeps its form.
const EMPTY: &str = "(empty)";

/// True for characters that act instead of being shown: controls, bidirectional marks, and invisible ones.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' // soft hyphen, Arabic letter mark, Mongolian separator
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers: blank letters
            | '\u{200b}'..='\u{200f}' // zero width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}' // line and paragraph separators, bidirectional embeddings
            | '\u{2060}'..='\u{206f}' // word joiner, bidirectional isolates, deprecated format characters
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' // byte order mark, interlinear annotation
            | '\u{e0000}'..='\u{e0fff}') // tags and variation selectors that can carry hidden text
}

/// Text for a terminal: no escape sequences, no reordering, one line.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' | '\r' | '\t' => push_space(&mut out),
            c if is_unsafe(c) => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text for Markdown prose: nothing in it opens a heading, list, link, tag, table or fence.
///
/// A word that a renderer would link by itself (addresses, mentions, issue numbers) is set as code, where nothing links.
pub fn markdown(text: &str) -> String {
    let text = terminal(text.trim());
    if text.is_empty() {
        return EMPTY.to_owned();
    }
    if !links_by_itself(&text) {
        return unlinked(&text);
    }
    let word = |word| if links_by_itself(word) { markdown_code(word) } else { unlinked(word) };
    let words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(word).collect();
    words.join(" ")
}

/// Prose in which no word links by itself.
fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut only_digits = true;
    let mut chars = text.chars().enumerate().peekable();
    while let Some((i, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |(_, c)| *c);
        let opens_block = match c {
            '#' | '+' | '-' | '=' | ':' => i == 0,
            '.' | ')' => only_digits && after == ' ',
            _ => false,
        };
        let inside_word = c == '_' && before.is_alphanumeric() && after.is_alphanumeric();
        if opens_block || (!inside_word && "\\`*_[]<>|&~$!{}^".contains(c)) {
            out.push('\\');
        }
        out.push(c);
        only_digits &= c.is_ascii_digit();
        before = c;
    }
    out
}

/// Text as a Markdown code span whose fence no run of backticks inside can close.
pub fn markdown_code(text: &str) -> String {
    let text = terminal(text.trim());
    if text.is_empty() {
        return EMPTY.to_owned();
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fence that no run of backticks in the text can close.
pub fn markdown_fence(text: &str) -> String {
    "`".repeat(longest_run(text, '`').max(2) + 1)
}

/// Text as a code span in a cell of a Markdown table, where a bar would end the cell even inside code.
pub fn markdown_cell(text: &str) -> String {
    markdown_code(text).replace('|', "\\|")
}

/// Text for HTML, between tags or in a quoted attribute.
pub fn html(text: &str) -> String {
    let text = terminal(text);
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
    out
}

/// Text of several lines for HTML, inside `<pre>`: as [`html`], with its line breaks kept.
pub fn html_lines(text: &str) -> String {
    text.trim_end().lines().map(html).collect::<Vec<_>>().join("\n")
}

/// Text for a cell of an HTML table: as [`html`], and no formula when the table is pasted into a spreadsheet.
pub fn html_cell(text: &str) -> String {
    html(&spreadsheet(text))
}

/// Text for a quoted Mermaid label. Everything that Mermaid or the Markdown around it could read as syntax becomes an
/// entity, `%` too, as `%%{…}%%` is a directive even inside quotes.
pub fn mermaid(text: &str) -> String {
    let text = terminal(text);
    let text = cut(&text, MERMAID_LABEL_CHARS);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | ';' | '<' | '>' | '&' | '`' | '%' | '\\' | '{' | '}' | '[' | ']' | '|' | '@' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    // A bare address would become a link.
    out.replace("://", "#58;//").replace("www.", "www#46;")
}

/// Text for a cell that a spreadsheet may read: what would start a formula starts with an apostrophe.
pub fn spreadsheet(text: &str) -> Cow<'_, str> {
    let starts_formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
            || text.starts_with(['\t', '\r', '\n']);
    if starts_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// An address that may be put behind a link: `https` only, every other character than those of an address encoded.
///
/// `None` for any other scheme.
pub fn link(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let mut out = String::from("https://");
    for byte in rest.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&*+,;=%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(out)
}

/// Text cut to `chars` characters, the last of them `…` when something was cut.
pub fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    if text.chars().nth(chars).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out: String = text.chars().take(chars.saturating_sub(1)).collect();
    out.push('…');
    Cow::Owned(out)
}

fn push_space(out: &mut String) {
    if !out.ends_with(' ') {
        out.push(' ');
    }
}

/// True when GitHub and its like would turn a part of the text into a link without any markup.
fn links_by_itself(text: &str) -> bool {
    let issue = text.as_bytes().windows(2).any(|pair| pair[0] == b'#' && pair[1].is_ascii_digit());
    issue || text.contains("://") || text.contains('@') || text.to_ascii_lowercase().contains("www.")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages that try to act.
    const HOSTILE: &[&str] = &[
        "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mred",
        "\u{9b}31m C1 control",
        "line\r\n# heading\n- item\n```\nfence",
        "user\u{202e}txt.exe \u{2066}isolated\u{2069} \u{200b}hidden \u{e0041}",
        "</code><script>alert('1')</script> & \"quoted\"",
        "[click](javascript:alert(1)) ![i](http://evil.example/x.png) <http://evil.example>",
        "| a | b |\n|---|---|",
        "```js\nx\n```` `````",
        "\"]; evil --> x[\"<img src=x onerror=1>\"]; click x \"https://evil.example\"; %%{init: {}}%%",
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "+1+cmd|' /C calc'!A0",
        "1. one",
        "@team please look at #12 and www.evil.example",
        "a@b.example",
        "`code",
        "<!-- comment",
        "&lt;b&gt; &#x3c;",
        "$x^2$ ~~gone~~ **bold** _it_",
    ];

    #[test]
    fn nothing_acts_on_a_terminal() {
        for text in HOSTILE {
            assert!(!terminal(text).contains(is_unsafe), "{text:?}");
        }
        assert_eq!(terminal("a\u{1b}[2Jb"), "a<U+001B>[2Jb");
        assert_eq!(terminal("plain ünïcode 日本"), "plain ünïcode 日本");
        assert_eq!(terminal("one\r\n  two"), "one   two");
    }

    #[test]
    fn markdown_prose_stays_prose() {
        assert_eq!(markdown("# heading"), "\\# heading");
        assert_eq!(markdown("- item"), "\\- item");
        assert_eq!(markdown("12. item"), "12\\. item");
        assert_eq!(markdown("0.1.0"), "0.1.0");
        assert_eq!(markdown("v1.2 at 3.5"), "v1.2 at 3.5");
        assert_eq!(markdown("<b>|x|"), "\\<b\\>\\|x\\|");
        assert_eq!(markdown("db_pool of checkout-api"), "db_pool of checkout-api");
        assert_eq!(markdown("[a](b)"), "\\[a\\](b)");
        assert_eq!(markdown("see http://evil.example"), "see `http://evil.example`");
        assert_eq!(markdown("ask @team"), "ask `@team`");
        for text in HOSTILE {
            let out = markdown(text);
            assert!(!out.contains('\n') && !out.contains(is_unsafe), "{text:?}");
            let prose: Vec<&str> = out.split(' ').filter(|word| !word.starts_with('`')).collect();
            assert!(!bare(&prose.join(" "), "<[|*"), "{text:?} gives {out}");
        }
    }

    /// True when one of `marks` stands in the text without a backslash.
    fn bare(text: &str, marks: &str) -> bool {
        let mut escaped = false;
        text.chars().any(|c| {
            let hit = !escaped && marks.contains(c);
            escaped = !escaped && c == '\\';
            hit
        })
    }

    #[test]
    fn a_code_span_cannot_be_closed_from_inside() {
        assert_eq!(markdown_code("a"), "`a`");
        assert_eq!(markdown_code("a `b` c"), "``a `b` c``");
        assert_eq!(markdown_code("```"), "```` ``` ````");
        assert_eq!(markdown_cell("a | b"), "`a \\| b`");
        for text in HOSTILE {
            let out = markdown_code(text);
            let fence = out.chars().take_while(|c| *c == '`').count();
            let inside = &out[fence..out.len() - fence];
            assert!(longest_run(inside, '`') < fence && !out.contains('\n'), "{out}");
        }
    }

    #[test]
    fn html_holds_no_markup_of_a_message() {
        for text in HOSTILE {
            let out = html(text);
            assert!(!out.contains(['<', '>', '"', '\'', '`']) && !out.contains(is_unsafe), "{out}");
            assert!(out.split('&').skip(1).all(|after| after.contains(';')), "{out}");
        }
        assert_eq!(html_lines("a\n<b>\r\n\u{1b}c\n"), "a\n&lt;b&gt;\n&lt;U+001B&gt;c");
        assert_eq!(html("<a href='x'>&amp;"), "&lt;a href=&#39;x&#39;&gt;&amp;amp;");
    }

    #[test]
    fn a_mermaid_label_stays_a_label() {
        for text in HOSTILE {
            let out = mermaid(text);
            assert!(!out.contains(['"', '<', '>', '`', '%', '{', '[', ']', '|', '\n']), "{out}");
            assert!(!out.contains("://"), "{out}");
        }
        assert_eq!(mermaid("say \"hi\""), "say #34;hi#34;");
    }

    #[test]
    fn no_cell_starts_a_formula() {
        for text in HOSTILE {
            let cell = spreadsheet(text);
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
        }
        assert_eq!(spreadsheet(" =1+1"), "' =1+1");
        assert_eq!(spreadsheet("a=1"), "a=1");
    }

    #[test]
    fn only_https_is_linked() {
        assert_eq!(link("javascript:alert(1)"), None);
        assert_eq!(link("http://a.example"), None);
        let hostile = link("https://a.example/\"onmouseover=\"x) <b>").expect("https");
        assert!(!hostile.contains(['"', ' ', ')', '<']), "{hostile}");
    }

    #[test]
    fn a_cut_is_shown() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
