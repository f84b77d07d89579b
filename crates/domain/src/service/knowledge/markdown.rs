//! Markdown as HTML that does no harm, whatever was written: HTML in it is text, and what is left goes through a sanitiser.

use std::{collections::HashSet, sync::LazyLock};

use pulldown_cmark::{Event, Options, Parser, html};

/// What is left of the HTML: what the Markdown itself can become, and nothing that runs, loads or leads elsewhere unasked.
static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut sanitizer = ammonia::Builder::empty();
    let tags = [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    sanitizer
        .tags(HashSet::from(tags))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .add_tag_attributes("a", ["href", "title"])
        .add_tag_attributes("img", ["src", "alt", "title"])
        .add_tag_attributes("ol", ["start"])
        .link_rel(Some("noopener noreferrer nofollow"));
    sanitizer
});

/// The HTML of a text in Markdown.
#[must_use]
pub fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let as_text = |event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        // A box that nobody can tick is a sign.
        Event::TaskListMarker(done) => Event::Text(if done { "☑ " } else { "☐ " }.into()),
        other => other,
    };
    let mut written = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut written, Parser::new_ext(text, options).map(as_text));
    SANITIZER.clean(&written).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        let html = to_html(
            "# 打印机\n\n1. 检查 **电源**\n2. 按 `RESET`\n\n[手册](https://example.cn/a?b=1&c=2 \"PDF\")\n\n| A | B |\n|---|---|\n| 1 | ~~2~~ |\n\n- [x] done",
        );
        for part in [
            "<h1>打印机</h1>",
            "<li>检查 <strong>电源</strong></li>",
            "<code>RESET</code>",
            "<a href=\"https://example.cn/a?b=1&amp;c=2\" title=\"PDF\" rel=\"noopener noreferrer nofollow\">手册</a>",
            "<td><del>2</del></td>",
            "☑ done",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    /// Nothing that runs is left, however it is written: no element, no attribute and no address of another kind.
    #[test]
    fn what_is_hostile_is_text() {
        let hostile = [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<div\nonmouseover=alert(1)>x</div>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](java\u{1}script:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:msgbox)",
            "![x](javascript:alert(1))",
            "![x](data:image/svg+xml;base64,PHN2Zz4=)",
            "![x\" onerror=\"alert(1)](https://example.cn/x.png)",
            "[x](https://example.cn \"t\\\" onclick=\\\"alert(1)\")",
            "<javascript:alert(1)>",
            "[x]: javascript:alert(1)\n\n[x]",
            "```\"><script>alert(1)</script>\nx\n```",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<math><mtext></mtext><mglyph><svg><mtext><textarea><path id=\"</textarea><img onerror=alert(1) src=1>\">",
            "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
            "<a href=\"https://example.cn\" style=\"position:fixed\" onclick=alert(1)>x</a>",
            "<form action=https://evil.example><input name=password></form>",
            "<base href=https://evil.example>",
            "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
            "| <script>alert(1)</script> |\n|---|\n| x |",
        ];
        for text in hostile {
            let html = to_html(text);
            // What stands in tags that are left; text between them shows as it was written.
            let tags: Vec<&str> = html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect();
            for tag in &tags {
                let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
                let known = [
                    "a", "code", "em", "img", "li", "ol", "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
                ];
                assert!(known.contains(&name), "{name} of {text}: {html}");
                let told: Vec<&str> = tag.split('"').step_by(2).collect();
                let outside = told.concat();
                assert!(!outside.contains("on") || name == "strong", "an attribute of {text}: {html}");
                let lower = tag.to_ascii_lowercase();
                assert!(!["script:", "data:", "style"].iter().any(|bad| lower.contains(bad)), "{text}: {html}");
            }
        }
    }

    #[test]
    fn much_of_a_thing_is_done_in_time() {
        for piece in ["[", "![", "> ", "*a ", "`", "<a", "[a](", "- ", "|", "**_", "&#x", "a[^1]"] {
            let _ = to_html(&piece.repeat(20_000));
        }
    }
}
