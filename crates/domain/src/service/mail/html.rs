//! What a mail says in HTML: made harmless, and the plain text of it.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use pulldown_cmark::{Event, Options, Parser};

/// How much HTML is looked at, in bytes: pictures that are written into it can be large.
const LONGEST: usize = 2_000_000;
/// How deep its elements may stand in each other: the work grows with the square of it.
const DEEPEST: usize = 500;
/// Elements that hold nothing, or end where the next of their kind begins.
const SHALLOW: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p", "source", "td",
    "th", "tr", "wbr",
];
/// How much is kept, in bytes. The raw message has all of it.
const KEPT: usize = 200_000;
/// How the address of a part of the mail begins (RFC 2392), and the attribute that holds one.
const CONTENT: &str = "cid:";
const SOURCE: &str = " src=\"cid:";

/// HTML without anything that acts, loads or gives its reader away: no scripts, styles, forms or frames; pictures only as parts of the
/// mail itself; links open elsewhere and tell nobody where they were found. What is longer than is kept ends there.
#[must_use]
pub fn harmless(html: &str) -> String {
    let clean = SANITIZER.clean(beginning(html, LONGEST)).to_string();
    // What was open where it was cut is closed.
    if clean.len() <= KEPT { clean } else { SANITIZER.clean(beginning(&clean, KEPT)).to_string() }
}

/// A text in Markdown as a page of HTML, for a mail. Lines end where they end in the text, as people expect who write no Markdown.
#[must_use]
pub fn of_markdown(text: &str) -> String {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).map(|event| match event {
        Event::SoftBreak => Event::HardBreak,
        other => other,
    });
    let mut html = String::with_capacity(text.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut html, events);
    let said = if is_too_deep(&html) { format!("<pre>{}</pre>", ammonia::clean_text(text)) } else { harmless(&html) };
    format!("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n{}\n</body></html>\n", said.trim())
}

/// Whether elements stand so deep in each other that it is no letter, and reading it would take too long.
#[must_use]
pub fn is_too_deep(html: &str) -> bool {
    let mut depth = 0_usize;
    for tag in beginning(html, LONGEST).split('<').skip(1) {
        let name = |tag: &str| tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match tag.strip_prefix('/') {
            Some(closed) if !SHALLOW.contains(&name(closed).as_str()) => depth = depth.saturating_sub(1),
            None if tag.starts_with(|c: char| c.is_ascii_alphabetic()) && !SHALLOW.contains(&name(tag).as_str()) => depth += 1,
            Some(_) | None => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// So many bytes of a text at most, in whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// HTML that has been made harmless with its pictures at addresses: those of the contents that the mail brought along, by their ids.
#[must_use]
pub fn with_pictures(harmless: &str, mut address: impl FnMut(&str) -> Option<String>) -> String {
    let mut placed = String::with_capacity(harmless.len());
    let mut rest = harmless;
    while let Some(at) = rest.find("<img ") {
        let tag = &rest[at..];
        let Some(tag_end) = end_of(tag) else { break };
        // Quotation marks in a value are written as references, so this is the attribute.
        let source = tag[..tag_end].find(SOURCE).map(|source| at + source + SOURCE.len());
        let content = source.and_then(|begin| Some((begin, begin + rest[begin..].find('"')?)));
        let known =
            content.and_then(|(begin, end)| Some((begin, end, address(&percent_decoded(&unescaped(&rest[begin..end])))?)));
        if let Some((begin, end, address)) = known {
            placed.push_str(&rest[..begin - CONTENT.len()]);
            placed.push_str(&address.replace('&', "&amp;").replace('"', "&quot;"));
            placed.push_str(&rest[end..=at + tag_end]);
        } else {
            placed.push_str(&rest[..=at + tag_end]);
        }
        rest = &rest[at + tag_end + 1..];
    }
    placed.push_str(rest);
    placed
}

/// An id as it is written in a URL (RFC 2392), as it is.
fn percent_decoded(id: &str) -> Cow<'_, str> {
    if !id.contains('%') {
        return Cow::Borrowed(id);
    }
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut sanitizer = ammonia::Builder::default();
    sanitizer
        .url_schemes(["http", "https", "mailto", "tel", "cid"].into())
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_values(HashMap::from([("a", HashMap::from([("target", "_blank")]))]))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") if !value.to_ascii_lowercase().starts_with("cid:") => None,
            _ => Some(value.into()),
        });
    sanitizer
});

/// The text of HTML that has been made harmless, which is written in one way only: blocks are lines, what is quoted has `> ` before it.
#[must_use]
pub fn text_of(harmless: &str) -> String {
    let mut text = Text::default();
    let mut rest = harmless;
    while let Some(at) = rest.find('<') {
        text.say(&rest[..at]);
        let tag = &rest[at + 1..];
        let Some(end) = end_of(tag) else { return text.end() };
        text.tag(&tag[..end]);
        rest = &tag[end + 1..];
    }
    text.say(rest);
    text.end()
}

/// Where a tag ends: brackets may stand in the values of its attributes.
fn end_of(tag: &str) -> Option<usize> {
    let mut quoted = false;
    tag.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    })
}

#[derive(Default)]
struct Text {
    written: String,
    /// The line being written.
    line: String,
    /// How many blank lines are wanted before the next words: none, a new line, or a paragraph.
    breaks: usize,
    /// How deep those blank lines are quoted at most.
    between: usize,
    /// How deep what is said is quoted.
    quoted: usize,
    /// How deep it stands where every space counts.
    exact: usize,
}

impl Text {
    fn say(&mut self, raw: &str) {
        let plain = unescaped(raw);
        if self.exact > 0 {
            for (place, line) in plain.split('\n').enumerate() {
                if place > 0 {
                    self.flush();
                }
                self.line.push_str(line);
            }
            return;
        }
        let begins_apart = plain.starts_with(|c: char| c.is_ascii_whitespace());
        let mut words = plain.split(|c: char| c.is_ascii_whitespace()).filter(|word| !word.is_empty()).peekable();
        if (begins_apart || words.peek().is_none()) && !plain.is_empty() {
            self.space();
        }
        while let Some(word) = words.next() {
            self.line.push_str(word);
            if words.peek().is_some() || plain.ends_with(|c: char| c.is_ascii_whitespace()) {
                self.line.push(' ');
            }
        }
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    fn tag(&mut self, tag: &str) {
        let closes = tag.starts_with('/');
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        match name {
            "br" => self.flush(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" | "hr" => self.block(2),
            "div" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "center" | "figure" | "details"
            | "summary" | "caption" | "address" | "aside" | "nav" => self.block(1),
            "li" => {
                self.block(1);
                if !closes {
                    self.line.push_str("- ");
                }
            }
            "td" | "th" if closes => self.space(),
            "blockquote" => {
                self.block(2);
                self.quoted = if closes { self.quoted.saturating_sub(1) } else { self.quoted + 1 };
            }
            "pre" => {
                self.block(2);
                self.exact = if closes { self.exact.saturating_sub(1) } else { self.exact + 1 };
            }
            "img" => {
                if let Some(alt) = tag.split_once(" alt=\"").and_then(|(_, rest)| rest.split('"').next()) {
                    self.line.push_str(&unescaped(alt));
                }
            }
            _ => {}
        }
    }

    /// Ends the line, if there is one, and asks for this many line ends before the next.
    fn block(&mut self, breaks: usize) {
        if !self.line.trim().is_empty() {
            self.flush();
        }
        self.line.clear();
        self.between = if self.breaks == 0 { self.quoted } else { self.between.min(self.quoted) };
        self.breaks = self.breaks.max(breaks);
    }

    fn flush(&mut self) {
        let wanted = if self.written.is_empty() { 0 } else { self.breaks.saturating_sub(1) };
        for _ in 0..wanted.min(1) {
            self.prefix(self.between.min(self.quoted));
            self.written.push('\n');
        }
        self.breaks = 0;
        let line = std::mem::take(&mut self.line);
        let line = if self.exact > 0 { line.as_str() } else { line.trim() };
        self.prefix(self.quoted);
        if !line.is_empty() && self.quoted > 0 {
            self.written.push(' ');
        }
        self.written.push_str(line);
        self.written.push('\n');
    }

    fn prefix(&mut self, depth: usize) {
        (0..depth.min(8)).for_each(|_| self.written.push('>'));
    }

    fn end(mut self) -> String {
        self.block(0);
        self.written.trim().to_owned()
    }
}

/// What is written with references, as it is.
fn unescaped(raw: &str) -> String {
    raw.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_left_that_acts() {
        for (html, left) in [
            ("<p onclick=\"x()\">a</p>", "<p>a</p>"),
            ("a<script>alert(1)</script>b", "ab"),
            ("<style>p{}</style><p style=\"position:fixed\">a</p>", "<p>a</p>"),
            ("<img src=\"https://spy.example/x.gif\">", "<img>"),
            ("<img src=\"cid:logo\" onerror=\"x()\" alt=\"Logo\">", "<img src=\"cid:logo\" alt=\"Logo\">"),
            ("<iframe src=\"https://x\"></iframe><form action=\"/x\"><input></form>", ""),
            ("<svg onload=\"x()\"><a href=\"https://x\">a</a></svg>", ""),
            ("<a href=\"https://x\">a</a>", "<a href=\"https://x\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">a</a>"),
            ("<a href=\"javascript:alert(1)\">a</a>", "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\">a</a>"),
            ("<b>华为 &amp; 3M</b>", "<b>华为 &amp; 3M</b>"),
        ] {
            assert_eq!(harmless(html), left, "{html}");
        }
    }

    #[test]
    fn markdown_becomes_a_page_that_does_nothing() {
        let page = of_markdown("您好 **王芳**\n第二行 <script>x</script>\n\n- a\n- <b onclick=x>b</b>");
        assert!(page.contains("<p>您好 <strong>王芳</strong><br>\n第二行 </p>"), "{page}");
        assert!(page.contains("<li><b>b</b></li>") && !page.contains("script"), "{page}");
        assert!(of_markdown(&"> ".repeat(10_000)).len() < 1_000_000);
    }

    #[test]
    fn pictures_of_the_mail_are_shown() {
        let html = harmless("<p><img alt=x src=\"cid:a%40x\"><img src='cid:b&amp;c'> &lt;img src=\"cid:a@x\"</p>");
        let placed = with_pictures(&html, |id| (id == "a@x").then(|| "/v1/files/1/content".to_owned()));
        let expected = "<p><img alt=\"x\" src=\"cid:a%40x\"><img src=\"cid:b&amp;c\"> &lt;img src=\"cid:a@x\"</p>";
        assert_eq!(html, expected);
        assert_eq!(placed, expected.replace("cid:a%40x", "/v1/files/1/content"));
    }

    #[test]
    fn much_html_is_cut_and_closed() {
        let long = format!("<blockquote><b>{}</b>", "汉 ".repeat(KEPT / 2));
        let kept = harmless(&long);
        assert!(kept.len() < KEPT + 100 && kept.ends_with("</b></blockquote>"), "{}", kept.len());
        // What is nested too deep would take minutes, and is told before.
        for deep in ["<b>", "<div>", "<a href=x><b>", "<table><td>", "<blockquote><p>"] {
            assert!(is_too_deep(&deep.repeat(DEEPEST + 1)) && !is_too_deep(&deep.repeat(DEEPEST / 2)), "{deep}");
        }
        for flat in ["<p>", "<br>", "<li>x", "<div></div>", "a < b <3 ", "<img src=x>", "</div>"] {
            assert!(!is_too_deep(&flat.repeat(20_000)), "{flat}");
        }
    }

    #[test]
    fn blocks_are_lines() {
        for (html, text) in [
            ("<p>Hello,</p><p>it is <b>broken</b>.</p>", "Hello,\n\nit is broken."),
            ("<div>one</div><div>two<br>three</div>", "one\ntwo\nthree"),
            ("a\n  b &lt;c&gt; &amp;lt; d", "a b <c> &lt; d"),
            ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("<pre>a\n  b</pre>", "a\n  b"),
            ("yes<blockquote><p>no?</p><p>or?</p></blockquote>", "yes\n\n> no?\n>\n> or?"),
            ("<img src=\"cid:x\" alt=\"Logo &amp; name\">", "Logo & name"),
            ("", ""),
        ] {
            assert_eq!(text_of(&harmless(html)), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn what_is_harmless_stays_as_it_is(html in "(<(p|b|a href=\"x\"|img src=y|script|/p|/b|div|svg|blockquote|li|pre)>|[a-z<&>\"' 汉]|&lt;|&#60;){0,30}") {
            let once = harmless(&html);
            prop_assert_eq!(&harmless(&once), &once);
            for acts in ["<script", "<svg", "<iframe", "javascript:", " on"] {
                prop_assert!(acts == " on" || !once.contains(acts), "{once}");
            }
            drop(text_of(&once));
        }

        #[test]
        fn words_are_kept(words in proptest::collection::vec("[a-z汉]{1,6}", 1..12), tags in proptest::collection::vec(0_usize..6, 12)) {
            let open = ["<p>", "<div>", "<b>", "<li>", "<blockquote>", " "];
            let html: String = words.iter().zip(&tags).map(|(word, tag)| format!("{}{word} ", open[*tag])).collect();
            let text = text_of(&harmless(&html));
            let said: Vec<&str> = text.split(|c: char| c.is_whitespace() || c == '>' || c == '-').filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(said, words);
        }
    }
}
