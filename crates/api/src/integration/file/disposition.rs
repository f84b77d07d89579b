//! `Content-Disposition`: the name of a file as headers carry it (RFC 6266, with RFC 8187 for what is not ASCII).

use actix_web::http::header::HeaderValue;
use encoding_rs::{GB18030, UTF_8};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::http::html_form::parameter;

/// What is not written as it is: all but the `attr-char` of RFC 8187.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');
/// The longest name for programs that read ASCII only, in characters.
const LONGEST_PLAIN: usize = 200;

/// The header for a file of a name, to be shown within a page or to be saved.
#[must_use]
pub fn header(name: &str, inline: bool) -> HeaderValue {
    let kind = if inline { "inline" } else { "attachment" };
    let plain = |c: char| if (c.is_ascii_graphic() || c == ' ') && !"\"\\/%".contains(c) { c } else { '_' };
    let plain: String = name.chars().take(LONGEST_PLAIN).map(plain).collect();
    let text = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ENCODED));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The name that a header gives, in whichever way; an extended one goes first.
#[must_use]
pub fn name_of(disposition: &[u8]) -> Option<String> {
    let extended = parameter(disposition, b"filename*").and_then(|value| {
        let mut parts = value.splitn(3, |byte| *byte == b'\'');
        let (charset, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes: Vec<u8> = percent_decode(encoded).collect();
        let encoding = encoding_rs::Encoding::for_label(charset)?;
        encoding.decode_without_bom_handling_and_without_replacement(&bytes).map(std::borrow::Cow::into_owned)
    });
    extended.or_else(|| {
        let bytes = parameter(disposition, b"filename")?;
        let read =
            |encoding: &'static encoding_rs::Encoding| encoding.decode_without_bom_handling_and_without_replacement(&bytes);
        read(UTF_8).or_else(|| read(GB18030)).map(std::borrow::Cow::into_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_travel_as_they_are() {
        let long = "报".repeat(500);
        for name in ["报价 单.pdf", "a\"b\\c.txt", "../../etc/passwd", "CON", "x;y=z'.txt", "100%.md", &long, "😀.png", "a\r\nb"]
        {
            let header = header(name, false);
            let text = header.to_str().unwrap();
            assert!(text.starts_with("attachment; filename=\"") && !text.contains(['\r', '\n']), "{text}");
            assert_eq!(name_of(header.as_bytes()).as_deref(), Some(name));
        }
        assert_eq!(header("a/b.txt", true), "inline; filename=\"a_b.txt\"; filename*=UTF-8''a%2Fb.txt");
    }

    #[test]
    fn names_are_read_as_programs_write_them() {
        assert_eq!(name_of(b"form-data; name=\"file\"; filename=\"a.txt\"").as_deref(), Some("a.txt"));
        assert_eq!(name_of("form-data; filename=\"报价.pdf\"".as_bytes()).as_deref(), Some("报价.pdf"));
        assert_eq!(name_of(b"attachment; filename=plain.txt; size=3").as_deref(), Some("plain.txt"));
        assert_eq!(name_of(b"attachment; filename=\"%22x%22.txt\"").as_deref(), Some("\"x\".txt"));
        assert_eq!(name_of(b"attachment; filename*=ISO-8859-1'en'%A3.txt; filename=x").as_deref(), Some("£.txt"));
        assert_eq!(name_of(b"attachment; filename=\"\xB1\xA8.txt\"").as_deref(), Some("报.txt"));
        assert_eq!(name_of(b"attachment"), None);
    }
}
