//! E-mail addresses: whatever was typed, stored in one form.

use validator::ValidateEmail;

use crate::values::text::half_width;

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("the e-mail address is empty")]
    Empty,
    #[error("an e-mail address has an @")]
    NoAt,
    #[error("an e-mail address has at most {LONGEST} characters")]
    TooLong,
    #[error("this is not a valid e-mail address")]
    Malformed,
}

/// What fits an SMTP path (RFC 5321, 4.5.3.1.3).
const LONGEST: usize = 254;

/// The address trimmed, in ASCII width and lower case, its domain in letters: `例子.公司` and `xn--fsqu00a.xn--55qx5d` are one.
pub fn standardise(typed: &str) -> Result<String, EmailError> {
    let address = in_letters(half_width(typed).trim().to_lowercase());
    if address.is_empty() {
        Err(EmailError::Empty)
    } else if !address.contains('@') {
        Err(EmailError::NoAt)
    } else if address.len() > LONGEST {
        Err(EmailError::TooLong)
    } else if !address.validate_email() {
        Err(EmailError::Malformed)
    } else {
        Ok(address)
    }
}

/// The address with its domain in letters; as it is where the domain is none.
fn in_letters(address: String) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return address };
    if domain.is_ascii() && !domain.contains("xn--") {
        return address;
    }
    match idna::domain_to_unicode(domain) {
        (letters, Ok(())) => format!("{local}@{letters}"),
        (_, Err(_)) => address,
    }
}

/// The address as machines write it, where its domain has letters beyond ASCII: `li@xn--fsqu00a.xn--55qx5d`.
pub fn in_ascii(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@').filter(|(_, domain)| !domain.is_ascii())?;
    idna::domain_to_ascii(domain).ok().map(|domain| format!("{local}@{domain}"))
}

/// The part after the last `@`; empty if there is none.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_one_form() {
        assert_eq!(standardise(" Zhang.Wei＠Example。COM ").as_deref(), Ok("zhang.wei@example.com"));
        assert_eq!(standardise("li@例子.公司").as_deref(), Ok("li@例子.公司"));
    }

    #[test]
    fn a_domain_and_its_punycode_are_one() {
        for typed in ["li@例子.公司", "LI@XN--fsqu00a.xn--55qx5d", "li@例子。公司"] {
            assert_eq!(standardise(typed).as_deref(), Ok("li@例子.公司"), "{typed}");
        }
        assert_eq!(standardise("a@Bücher.example"), standardise("a@xn--bcher-kva.example"));
        assert_eq!(in_ascii("li@例子.公司").as_deref(), Some("li@xn--fsqu00a.xn--55qx5d"));
        assert_eq!(in_ascii("li@example.cn"), None);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(standardise(" "), Err(EmailError::Empty));
        assert_eq!(standardise("zhang"), Err(EmailError::NoAt));
        assert_eq!(standardise("a b@c.de"), Err(EmailError::Malformed));
        assert_eq!(standardise("a@"), Err(EmailError::Malformed));
        assert_eq!(standardise("a@b@c.de"), Err(EmailError::Malformed));
        assert_eq!(standardise(&format!("a@{}.com", "b".repeat(250))), Err(EmailError::TooLong));
    }

    #[test]
    fn the_domain_is_what_follows_the_at() {
        assert_eq!(domain("a@example.com"), "example.com");
        assert_eq!(domain("nobody"), "");
    }
}
