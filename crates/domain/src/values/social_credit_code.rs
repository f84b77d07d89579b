//! The unified social credit code (统一社会信用代码) of Chinese organizations, GB 32100-2015.
//!
//! Eighteen characters: registering department, kind of organization, six digits of administrative division, nine of the
//! organization code, and a check character.

use crate::values::text::half_width;

/// Why a text is not a unified social credit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("a unified social credit code has {LENGTH} characters, not {0}")]
    Length(usize),
    #[error("{0:?} does not occur in a unified social credit code")]
    Character(char),
    #[error("characters 3 to 8 of a unified social credit code are the digits of an administrative division")]
    Division,
    #[error("the check character is wrong: a character was mistyped or two were swapped")]
    Check,
}

const LENGTH: usize = 18;
/// A character's value is its place here. I, O, S, V and Z are left out, they look like digits or each other.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The code in upper case without blanks and hyphens.
pub fn standardise(typed: &str) -> Result<String, CodeError> {
    let code: String =
        half_width(typed).chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    let values = code.chars().map(|c| value(c).ok_or(CodeError::Character(c))).collect::<Result<Vec<usize>, _>>()?;
    let Some((check, body)) = values.split_last().filter(|_| values.len() == LENGTH) else {
        return Err(CodeError::Length(values.len()));
    };
    let division = &body[2..8];
    if division[0] == 0 || division.iter().any(|&digit| digit > 9) {
        return Err(CodeError::Division);
    }
    if *check != check_value(body) {
        return Err(CodeError::Check);
    }
    Ok(code)
}

fn value(c: char) -> Option<usize> {
    ALPHABET.iter().position(|&known| char::from(known) == c)
}

/// C18 = 31 - (sum of Ci * 3^(i-1)) mod 31, where 31 counts as 0 (GB 32100-2015, annex B).
fn check_value(body: &[usize]) -> usize {
    let (sum, _) = body.iter().fold((0, 1), |(sum, weight), value| (sum + value * weight, weight * 3 % 31));
    (31 - sum % 31) % 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Huawei, Tencent, PetroChina, Alibaba (China).
    const REAL: [&str; 4] = ["914403001922038216", "9144030071526726XG", "91110000710925462X", "91330100799655058B"];

    #[test]
    fn real_codes_pass() {
        for code in REAL {
            assert_eq!(standardise(code).as_deref(), Ok(code));
        }
        assert_eq!(standardise(" ９１４４０３００-71526726xg ").as_deref(), Ok("9144030071526726XG"));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(standardise(""), Err(CodeError::Length(0)));
        assert_eq!(standardise("9144030071526726X"), Err(CodeError::Length(17)));
        assert_eq!(standardise("9144030071526726IG"), Err(CodeError::Character('I')));
        assert_eq!(standardise("914403001922038217"), Err(CodeError::Check));
        assert_eq!(standardise("000000000000000000"), Err(CodeError::Division));
        assert_eq!(standardise("91A403001922038216"), Err(CodeError::Division));
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(which in 0usize..4, at in 0usize..18, other in 0usize..31) {
            let mut code: Vec<char> = REAL[which].chars().collect();
            let other = char::from(ALPHABET[other]);
            prop_assume!(code[at] != other);
            code[at] = other;
            prop_assert!(standardise(&code.into_iter().collect::<String>()).is_err());
        }
    }
}
