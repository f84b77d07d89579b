//! Addresses of the web: whatever was typed, stored in one form.

use validator::ValidateUrl;

use crate::values::text::half_width;

/// Why a text is not an address of the web.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the address is empty")]
    Empty,
    #[error("only http and https addresses are accepted")]
    Scheme,
    #[error("the address must not carry a user name or password")]
    Credentials,
    #[error("an address has at most {LONGEST} characters")]
    TooLong,
    #[error("this is not a valid web address")]
    Malformed,
}

const LONGEST: usize = 2048;

/// The address with its scheme (https unless another was typed) and its host in lower case, without a lone slash at the end.
///
/// A host without a dot (`http://erp`) is believed only behind a scheme.
pub fn standardise(typed: &str) -> Result<String, UrlError> {
    let text = half_width(typed);
    let text = text.trim();
    if text.is_empty() {
        return Err(UrlError::Empty);
    }
    // A parser would silently drop line breaks inside.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(UrlError::Malformed);
    }
    let (scheme, rest) = split_scheme(text)?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    if host.contains('@') {
        return Err(UrlError::Credentials);
    }
    if host.is_empty() || (scheme.is_none() && !host.contains('.')) {
        return Err(UrlError::Malformed);
    }
    let path = if path == "/" { "" } else { path };
    let url = format!("{}://{}{path}", scheme.unwrap_or("https"), host.to_lowercase());
    if url.len() > LONGEST {
        Err(UrlError::TooLong)
    } else if !url.validate_url() {
        Err(UrlError::Malformed)
    } else {
        Ok(url)
    }
}

/// The scheme if one was typed, and what follows it. `example.com:8080` has none, `mailto:a@b.cn` has a wrong one.
fn split_scheme(text: &str) -> Result<(Option<&'static str>, &str), UrlError> {
    let Some((before, after)) = text.split_once(':') else {
        return Ok((None, text));
    };
    match (before.to_ascii_lowercase().as_str(), after.strip_prefix("//")) {
        ("http", Some(rest)) => Ok((Some("http"), rest)),
        ("https", Some(rest)) => Ok((Some("https"), rest)),
        _ if before.contains(['/', '?', '#']) => Ok((None, text)),
        (_, None) if before.contains('.') && after.starts_with(|c: char| c.is_ascii_digit()) => Ok((None, text)),
        _ => Err(UrlError::Scheme),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_take_one_form() {
        for (typed, stored) in [
            ("Example.COM/", "https://example.com"),
            ("HTTP://Example.com/Path/", "http://example.com/Path/"),
            ("example.com:8080/a?b=C#d", "https://example.com:8080/a?b=C#d"),
            ("https://example.com/?q=a:b@c", "https://example.com/?q=a:b@c"),
            ("example.com/a:b", "https://example.com/a:b"),
            ("http://erp", "http://erp"),
            ("ｈｔｔｐｓ：／／华为。公司", "https://华为.公司"),
        ] {
            assert_eq!(standardise(typed).as_deref(), Ok(stored), "{typed}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(standardise(" "), Err(UrlError::Empty));
        for typed in ["ftp://example.com", "javascript:alert(1)", "mailto:a@b.cn", "http:example.com", "tel:123"] {
            assert_eq!(standardise(typed), Err(UrlError::Scheme), "{typed}");
        }
        assert_eq!(standardise("https://bank.com@evil.com"), Err(UrlError::Credentials));
        for typed in ["hello", "https://", "https:///a", "exa mple.com", "a.com/\nb", "https://a..[b"] {
            assert_eq!(standardise(typed), Err(UrlError::Malformed), "{typed}");
        }
        assert_eq!(standardise(&format!("a.com/{}", "b".repeat(LONGEST))), Err(UrlError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_stored_stays_as_it_is(typed in "([hH]ttps?://)?[a-zA-Z.]{1,12}(:[0-9]{1,5})?(/[a-z/:@?#]{0,8})?|.*") {
            if let Ok(stored) = standardise(&typed) {
                prop_assert_eq!(standardise(&stored), Ok(stored.clone()));
            }
        }
    }
}
