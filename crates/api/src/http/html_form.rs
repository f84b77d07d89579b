//! What an HTML form says, in either way in which browsers send one, and in whatever character set its page is written.

use actix_web::{HttpRequest, http::header, web::Bytes};
use encoding_rs::{Encoding, GB18030, UTF_8};
use farley_domain::model::fault::{Fault, FaultCode, Faults, pointer_token};

use super::problem::{Code, Problem};

/// The input in which browsers tell the character set of a form (HTML, `_charset_`).
const CHARSET_INPUT: &str = "_charset_";
/// How many inputs a form may have.
const MOST_INPUTS: usize = 500;

/// How a form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// `application/x-www-form-urlencoded`.
    Encoded,
    /// `multipart/form-data`.
    InParts,
}

impl Sent {
    /// By the media type of a request; none if it is no form.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Sent> {
        match essence(media_type(request)).as_str() {
            "application/x-www-form-urlencoded" => Some(Sent::Encoded),
            "multipart/form-data" => Some(Sent::InParts),
            _ => None,
        }
    }
}

fn media_type(request: &HttpRequest) -> &str {
    request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Name and value of an input, as they were sent.
type Raw = (Vec<u8>, Vec<u8>);

/// The inputs of a form in their order; files are refused.
pub async fn read(request: &HttpRequest, sent: Sent, body: Bytes) -> Result<Vec<(String, String)>, Problem> {
    let media_type = media_type(request);
    let raw = match sent {
        Sent::Encoded => pairs(&body)?,
        Sent::InParts => parts(media_type, body).await?,
    };
    let told = told_encoding(media_type, &raw)?;
    decode(raw, told)
}

fn too_many() -> Problem {
    Fault::new("", FaultCode::TooMany).with("max", MOST_INPUTS).into()
}

fn pairs(body: &[u8]) -> Result<Vec<Raw>, Problem> {
    let decoded = |part: &[u8]| -> Vec<u8> {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_encoding::percent_decode(&spaced).collect()
    };
    let mut pairs = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if pairs.len() >= MOST_INPUTS {
            return Err(too_many());
        }
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        pairs.push((decoded(&pair[..end]), decoded(pair.get(end + 1..).unwrap_or_default())));
    }
    Ok(pairs)
}

async fn parts(media_type: &str, body: Bytes) -> Result<Vec<Raw>, Problem> {
    let malformed = |error: multer::Error| Problem::new(Code::MalformedRequest).with("reason", error);
    let boundary = multer::parse_boundary(media_type).map_err(malformed)?;
    let whole = futures_util::stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(body)));
    let mut multipart = multer::Multipart::new(whole, boundary);
    let (mut parts, mut files) = (Vec::new(), Faults::default());
    while let Some(part) = multipart.next_field().await.map_err(malformed)? {
        if parts.len() >= MOST_INPUTS {
            return Err(too_many());
        }
        // Read out of the header itself: names come in the character set of the page.
        let disposition = part.headers().get("content-disposition").map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        let name = parameter(&disposition, b"name").unwrap_or_default();
        let file = parameter(&disposition, b"filename").or_else(|| parameter(&disposition, b"filename*"));
        let value = part.bytes().await.map_err(malformed)?.to_vec();
        // An input for files that was left empty comes as a file without name and content.
        if file.is_some_and(|file| !file.is_empty() || !value.is_empty()) {
            let pointer = format!("/{}", pointer_token(&String::from_utf8_lossy(&name)));
            files.add(Fault::new(pointer, FaultCode::FileNotAccepted));
        } else {
            parts.push((name, value));
        }
    }
    Ok(files.into_result(parts)?)
}

/// A parameter of a `Content-Disposition`, with what browsers escape in it put back.
#[must_use]
pub fn parameter(disposition: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    let mut rest = disposition;
    loop {
        rest = &rest[rest.iter().position(|byte| *byte == b';')? + 1..];
        let (name, after) = rest.split_at(rest.iter().position(|byte| *byte == b'=')?);
        let (value, end) = match after.get(1..)? {
            [b'"', quoted @ ..] => {
                let end = quoted.iter().position(|byte| *byte == b'"')?;
                (&quoted[..end], &quoted[end..])
            }
            plain => plain.split_at(plain.iter().position(|byte| *byte == b';').unwrap_or(plain.len())),
        };
        if name.trim_ascii().eq_ignore_ascii_case(wanted) {
            return Some(unescaped(value.trim_ascii()));
        }
        rest = end;
    }
}

/// Browsers write quotes and line ends in names as `%22`, `%0D` and `%0A`, and nothing else.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let (mut plain, mut rest) = (Vec::with_capacity(name.len()), name);
    loop {
        rest = match rest {
            [] => return plain,
            [b'%', b'2', b'2', after @ ..] => {
                plain.push(b'"');
                after
            }
            [b'%', b'0', b'D' | b'd', after @ ..] => {
                plain.push(b'\r');
                after
            }
            [b'%', b'0', b'A' | b'a', after @ ..] => {
                plain.push(b'\n');
                after
            }
            [byte, after @ ..] => {
                plain.push(*byte);
                after
            }
        }
    }
}

/// The character set that the request or the form itself tells.
fn told_encoding(media_type: &str, raw: &[Raw]) -> Result<Option<&'static Encoding>, Problem> {
    let of_type = media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').as_bytes())
    });
    let of_form = raw.iter().find(|(name, _)| is_charset(name)).map(|(_, value)| value.trim_ascii());
    // A script may send the input as it stands in the page, which is empty.
    let Some(label) = of_type.or(of_form).filter(|label| !label.is_empty()) else { return Ok(None) };
    let unknown = || Problem::new(Code::UnsupportedMediaType).with("expected", "a known charset, such as utf-8 or gb18030");
    // No form is sent as UTF-16, whatever its page is written in.
    Encoding::for_label(label).map(Encoding::output_encoding).map(Some).ok_or_else(unknown)
}

fn is_charset(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(CHARSET_INPUT.as_bytes())
}

/// The inputs as text. Where nothing tells their character set, they are UTF-8, or else GB18030, as Chinese pages may be.
fn decode(raw: Vec<Raw>, told: Option<&'static Encoding>) -> Result<Vec<(String, String)>, Problem> {
    let raw: Vec<Raw> = raw.into_iter().filter(|(name, _)| !is_charset(name)).collect();
    let candidates = told.map_or_else(|| vec![UTF_8, GB18030], |told| vec![told]);
    let read = |encoding: &'static Encoding| -> Option<Vec<(String, String)>> {
        let text = |bytes: &[u8]| {
            let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
            // What a character set lacks, browsers write as a reference.
            let lacks_some = encoding != UTF_8 && encoding != GB18030;
            Some(if lacks_some { dereferenced(&text) } else { text.into_owned() })
        };
        raw.iter().map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    };
    let reason = match told {
        Some(told) => format!("the text is not {}", told.name()),
        None => "the text is neither UTF-8 nor GB18030".to_owned(),
    };
    let malformed = || Problem::from(Fault::new("", FaultCode::Malformed).with("reason", reason));
    candidates.into_iter().find_map(read).ok_or_else(malformed)
}

/// A text with `&#8364;` and its kind as the characters that they stand for.
fn dereferenced(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#") {
        plain.push_str(before);
        let reference = after.split_once(';').filter(|(digits, _)| !digits.is_empty() && digits.len() <= 7);
        let meant = reference.and_then(|(digits, end)| {
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
            Some((char::from_u32(number)?, end))
        });
        match meant {
            Some((character, end)) => {
                plain.push(character);
                rest = end;
            }
            None => {
                plain.push_str("&#");
                rest = after;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    async fn told(media_type: &str, body: impl AsRef<[u8]>) -> Result<Vec<(String, String)>, Problem> {
        let request = TestRequest::default().insert_header(("Content-Type", media_type)).to_http_request();
        let sent = Sent::of(&request).expect("a form");
        read(&request, sent, Bytes::copy_from_slice(body.as_ref())).await
    }

    fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const ENCODED: &str = "application/x-www-form-urlencoded";

    #[actix_web::test]
    async fn pairs_are_read_as_browsers_write_them() {
        let all = told(ENCODED, "a=1+2%2B&b=&c&&=x&a=%E6%B1%89%zz").await.unwrap();
        assert_eq!(all, said(&[("a", "1 2+"), ("b", ""), ("c", ""), ("", "x"), ("a", "汉%zz")]));
        let many = vec!["a=1"; MOST_INPUTS + 1].join("&");
        assert_eq!(told(ENCODED, many).await.unwrap_err().faults.0[0].code, FaultCode::TooMany);
    }

    #[actix_web::test]
    async fn chinese_comes_in_several_character_sets() {
        // 姓名=李伟 in GBK; 㐀 (U+3400) is in GB18030 alone.
        let gbk = "%D0%D5%C3%FB=%C0%EE%CE%B0";
        let expected = said(&[("姓名", "李伟")]);
        for media_type in
            [ENCODED, "application/x-www-form-urlencoded; charset=GBK", "Application/X-WWW-Form-Urlencoded;Charset=\"gb2312\""]
        {
            assert_eq!(told(media_type, gbk).await.unwrap(), expected, "{media_type}");
        }
        assert_eq!(told(ENCODED, format!("_charset_=gbk&{gbk}")).await.unwrap(), expected);
        assert_eq!(told(ENCODED, b"\xD0\xD5\xC3\xFB=\xC0\xEE\xCE\xB0").await.unwrap(), expected, "not escaped");
        assert_eq!(told(ENCODED, "_charset_=gb18030&a=%81%39%EE%39").await.unwrap(), said(&[("a", "㐀")]));
        assert_eq!(told("application/x-www-form-urlencoded; charset=big5", "a=%A7%F5").await.unwrap(), said(&[("a", "李")]));
        // What GBK lacks is a reference; elsewhere it is what somebody typed.
        assert_eq!(told(ENCODED, "_charset_=gbk&a=%26%23128512%3B%26%23x%3B%26%23").await.unwrap(), said(&[("a", "😀&#x;&#")]));
        assert_eq!(told(ENCODED, "_charset_=UTF-8&a=%26%23128512%3B").await.unwrap(), said(&[("a", "&#128512;")]));
        assert_eq!(told(ENCODED, "_charset_=&a=%E6%9D%8E").await.unwrap(), said(&[("a", "李")]));
        assert_eq!(told("application/x-www-form-urlencoded; charset=utf-16", "a=%E6%9D%8E").await.unwrap(), said(&[("a", "李")]));
        for (media_type, body, code) in [
            ("application/x-www-form-urlencoded; charset=klingon", "a=1", Code::UnsupportedMediaType),
            (ENCODED, "_charset_=klingon&a=1", Code::UnsupportedMediaType),
            ("application/x-www-form-urlencoded; charset=utf-8", gbk, Code::InvalidRequest),
            (ENCODED, "a=%FF%FF", Code::InvalidRequest),
        ] {
            assert_eq!(told(media_type, body).await.unwrap_err().code, code, "{media_type} {body}");
        }
    }

    #[actix_web::test]
    async fn parts_are_read_and_files_refused() {
        let multipart = "multipart/form-data; boundary=----x";
        let part = |head: &[u8], value: &[u8]| {
            [b"------x\r\nContent-Disposition: form-data; ", head, b"\r\n\r\n", value, b"\r\n"].concat()
        };
        let body = |parts: &[Vec<u8>]| [parts.concat(), b"------x--\r\n".to_vec()].concat();
        let utf8 = body(&[
            part("name=\"姓名\"".as_bytes(), "李伟".as_bytes()),
            part(b"name=\"a%22b\"", b"1\r\n2"),
            part(b"name=c", b""),
        ]);
        assert_eq!(told(multipart, utf8).await.unwrap(), said(&[("姓名", "李伟"), ("a\"b", "1\r\n2"), ("c", "")]));
        let gbk = body(&[part(b"name=\"_charset_\"", b"GBK"), part(b"name=\"\xD0\xD5\xC3\xFB\"", b"\xC0\xEE\xCE\xB0")]);
        assert_eq!(told(multipart, gbk).await.unwrap(), said(&[("姓名", "李伟")]));
        let untold = body(&[part(b"name=\"n\"", b"\xC0\xEE\xCE\xB0")]);
        assert_eq!(told(multipart, untold).await.unwrap(), said(&[("n", "李伟")]));
        let left_empty = body(&[part(b"name=\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream", b"")]);
        assert_eq!(told(multipart, left_empty).await.unwrap(), said(&[("f", "")]));
        let files = body(&[
            part(b"name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain", b"x"),
            // The name of the file is no UTF-8.
            part(b"filename=\"\xC0\xEE.txt\"; name=\"g\"", b""),
            part(b"name=\"h\"; filename=\"\"", b"x"),
        ]);
        let refused = told(multipart, files).await.unwrap_err();
        let places: Vec<&str> = refused.faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/f", "/g", "/h"]);
        for (media_type, body) in [("multipart/form-data", "x"), (multipart, "x"), (multipart, "------x\r\nContent-Disp")] {
            assert_eq!(told(media_type, body).await.unwrap_err().code, Code::MalformedRequest, "{media_type} {body}");
        }
    }
}
