//! Telephone numbers: whatever was typed, stored as E.164.
//!
//! The numbering plans come from the `phonenumber` crate, but for mainland China, whose service numbers (95588, 400-…),
//! area codes and new mobile ranges a CRM meets daily and must not refuse.

use phonenumber::{Mode, country};

use crate::values::text::half_width;

/// Why a text is not a telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    #[error("the phone number is empty")]
    Empty,
    #[error("{0:?} is not allowed in a phone number")]
    Character(char),
    #[error("{0:?} is not a country code of two letters with a numbering plan")]
    Country(String),
    #[error("the area code is missing")]
    AreaCode,
    #[error("the extension must be 1 to 8 digits")]
    Extension,
    #[error("the phone number is too short")]
    TooShort,
    #[error("the phone number is too long")]
    TooLong,
    #[error("there is no such phone number in the numbering plan of its country")]
    Unassigned,
}

/// E.164 allows 15 digits; more may be typed with a dialling prefix.
const LONGEST: usize = 20;
const SHORTEST: usize = 3;
const LONGEST_EXTENSION: usize = 8;

/// What stands before the extension in a number's standard form.
pub const EXTENSION: &str = ";ext=";

/// What separates an extension from the number, in folded text. Longer forms first where one contains another.
const EXTENSION_MARKS: [&str; 11] = [";ext=", "extension", "ext.", "ext", "分机号", "分机", "内线", "转接", "转", "x", "#"];

/// The number in E.164 (`+8613800138000`), followed by `;ext=123` if an extension was typed.
///
/// `default_country` (ISO 3166-1 alpha-2) is where a number without country code belongs.
pub fn standardise(typed: &str, default_country: &str) -> Result<String, PhoneError> {
    let home: country::Id =
        default_country.to_ascii_uppercase().parse().map_err(|_| PhoneError::Country(default_country.to_owned()))?;
    let text = half_width(typed).to_lowercase();
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    if text.is_empty() {
        return Err(PhoneError::Empty);
    }
    let (number, extension) = split_extension(text)?;
    let dialled = dialled(number)?;

    let e164 = match chinese_part(&dialled, home) {
        Some(national) => match chinese(national) {
            // `021-12345678-801`: the last group is an extension.
            Err(error) if extension.is_none() => return chinese_with_extension(number, home).ok_or(error),
            number => number?,
        },
        None => international(&dialled, home)?,
    };
    Ok(match extension {
        Some(extension) => format!("{e164}{EXTENSION}{extension}"),
        None => e164,
    })
}

fn split_extension(text: &str) -> Result<(&str, Option<&str>), PhoneError> {
    let Some((mark, at)) = EXTENSION_MARKS.iter().find_map(|mark| text.find(mark).map(|at| (mark, at))) else {
        return Ok((text, None));
    };
    let extension = text[at + mark.len()..].trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | '.'));
    let number = text[..at].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '-'));
    if is_extension(extension) { Ok((number, Some(extension))) } else { Err(PhoneError::Extension) }
}

fn is_extension(text: &str) -> bool {
    (1..=LONGEST_EXTENSION).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The digits to dial, with a `+` before an international number.
fn dialled(number: &str) -> Result<String, PhoneError> {
    // The zero of +44 (0)20 … is for callers at home.
    let abroad = number.starts_with('+') || number.starts_with("00");
    let number = if abroad { number.replace("(0)", "") } else { number.to_owned() };
    let mut digits = String::with_capacity(number.len());
    for c in number.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push('+'),
            '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}' => {}
            c if c.is_whitespace() => {}
            c => return Err(PhoneError::Character(c)),
        }
    }
    if let Some(rest) = digits.strip_prefix("00") {
        digits = format!("+{rest}");
    }
    match digits.trim_start_matches('+').len() {
        0 => Err(PhoneError::Empty),
        n if n < SHORTEST => Err(PhoneError::TooShort),
        n if n > LONGEST => Err(PhoneError::TooLong),
        _ if digits.starts_with("++") => Err(PhoneError::Character('+')),
        _ => Ok(digits),
    }
}

/// The part after the country code, if the number is one of mainland China.
fn chinese_part(dialled: &str, home: country::Id) -> Option<&str> {
    match dialled.strip_prefix('+') {
        Some(abroad) => abroad.strip_prefix("86"),
        None if home == country::CN => Some(dialled),
        None => None,
    }
}

fn chinese(typed: &str) -> Result<String, PhoneError> {
    let national = typed.strip_prefix('0').unwrap_or(typed);
    if let Some(kind) = chinese_kind(national) {
        return match kind {
            // Nobody dials a zero before these; with one it is something else.
            Chinese::Service if national.len() != typed.len() => Err(PhoneError::Unassigned),
            Chinese::Service | Chinese::Subscriber => Ok(format!("+86{national}")),
        };
    }
    // The country code without its plus sign.
    if let Some(rest) = typed.strip_prefix("86") {
        let rest = rest.strip_prefix('0').unwrap_or(rest);
        if chinese_kind(rest) == Some(Chinese::Subscriber) {
            return Ok(format!("+86{rest}"));
        }
    }
    Err(match national.len() {
        7 | 8 if national.starts_with(|c| matches!(c, '2'..='8')) => PhoneError::AreaCode,
        0..10 => PhoneError::TooShort,
        10 | 11 => PhoneError::Unassigned,
        _ => PhoneError::TooLong,
    })
}

#[derive(PartialEq)]
enum Chinese {
    /// Mobiles, landlines with area code, 400 and 800 numbers.
    Subscriber,
    /// Short codes: 110, 10086, 12345, 95588, 96xxx, 9510xxxx, 1010xxxx.
    Service,
}

fn chinese_kind(national: &str) -> Option<Chinese> {
    let (b, len) = (national.as_bytes(), national.len());
    let subscriber = match b {
        [b'1', b'3'..=b'9', ..] => len == 11,
        [b'4' | b'8', b'0', b'0', ..] => len == 10,
        [b'1', b'0', local, ..] | [b'2', b'0'..=b'9', local, ..] if len == 10 => *local != b'0',
        [b'3'..=b'9', _, _, local, ..] => (len == 10 || len == 11) && *local != b'0',
        _ => false,
    };
    let service = match b {
        [b'1', b'0'..=b'2', ..] | [b'9', b'6', ..] => matches!(len, 3 | 5 | 6) || (len == 8 && national.starts_with("1010")),
        [b'9', b'5', ..] => matches!(len, 5 | 8),
        _ => false,
    };
    if subscriber { Some(Chinese::Subscriber) } else { service.then_some(Chinese::Service) }
}

fn chinese_with_extension(number: &str, home: country::Id) -> Option<String> {
    let (number, extension) = number.rsplit_once('-')?;
    let extension = extension.trim();
    let dialled = dialled(number).ok()?;
    let number = chinese(chinese_part(&dialled, home)?).ok()?;
    is_extension(extension).then(|| format!("{number}{EXTENSION}{extension}"))
}

fn international(dialled: &str, home: country::Id) -> Result<String, PhoneError> {
    // Told a country, the parser takes that country's trunk prefix off foreign numbers too, such as Italy's leading zero.
    let home = (!dialled.starts_with('+')).then_some(home);
    let number = phonenumber::parse(home, dialled).map_err(|error| match error {
        phonenumber::ParseError::TooShortAfterIdd | phonenumber::ParseError::TooShortNsn => PhoneError::TooShort,
        phonenumber::ParseError::TooLong => PhoneError::TooLong,
        phonenumber::ParseError::NoNumber
        | phonenumber::ParseError::InvalidCountryCode
        | phonenumber::ParseError::MalformedInteger(_) => PhoneError::Unassigned,
    })?;
    if !phonenumber::is_valid(&number) {
        return Err(PhoneError::Unassigned);
    }
    Ok(number.format().mode(Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cn(typed: &str) -> Result<String, PhoneError> {
        standardise(typed, "CN")
    }

    #[test]
    fn chinese_numbers_however_typed() {
        for (typed, stored) in [
            ("13800138000", "+8613800138000"),
            (" 138 0013 8000 ", "+8613800138000"),
            ("138-0013-8000", "+8613800138000"),
            ("＋８６ １３８００１３８０００", "+8613800138000"),
            ("0086 138 0013 8000", "+8613800138000"),
            ("86 13800138000", "+8613800138000"),
            ("tel:+86-138-0013-8000", "+8613800138000"),
            ("19212345678", "+8619212345678"),
            ("010-6255 8888", "+861062558888"),
            ("(0755) 8888-8888", "+8675588888888"),
            ("（０７５５）８８８８８８８８", "+8675588888888"),
            ("+86 (0)755 8888 8888", "+8675588888888"),
            ("+86 0755 8888 8888", "+8675588888888"),
            ("0312-3456789", "+863123456789"),
            // Not in use, but the number everybody takes for an example.
            ("021-12345678 转 801", "+862112345678;ext=801"),
            ("021-62345678转801", "+862162345678;ext=801"),
            ("021-62345678 分机：801", "+862162345678;ext=801"),
            ("021-62345678-801", "+862162345678;ext=801"),
            ("021-62345678 ext. 801", "+862162345678;ext=801"),
            ("+862162345678;ext=801", "+862162345678;ext=801"),
            ("400-820-8820", "+864008208820"),
            ("800 810 1234", "+868008101234"),
            ("95588", "+8695588"),
            ("10086", "+8610086"),
            ("12345", "+8612345"),
            ("110", "+86110"),
        ] {
            assert_eq!(cn(typed).as_deref(), Ok(stored), "{typed}");
        }
    }

    #[test]
    fn numbers_of_other_countries() {
        for (typed, home, stored) in [
            ("+1 (650) 253-0000", "CN", "+16502530000"),
            ("(650) 253-0000", "US", "+16502530000"),
            ("650-253-0000 x12", "us", "+16502530000;ext=12"),
            ("+44 (0)20 7031 3000", "CN", "+442070313000"),
            ("020 7031 3000", "GB", "+442070313000"),
            ("0049 30 901820", "CN", "+4930901820"),
            ("+852 2123 4567", "CN", "+85221234567"),
            ("+39 06 698 12345", "CN", "+390669812345"),
            ("13800138000", "CN", "+8613800138000"),
            ("+86 138 0013 8000", "US", "+8613800138000"),
        ] {
            assert_eq!(standardise(typed, home).as_deref(), Ok(stored), "{typed}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(cn("  "), Err(PhoneError::Empty));
        assert_eq!(cn("---"), Err(PhoneError::Empty));
        assert_eq!(cn("62558888"), Err(PhoneError::AreaCode));
        assert_eq!(cn("1380013800"), Err(PhoneError::Unassigned));
        assert_eq!(cn("138001380001"), Err(PhoneError::TooLong));
        assert_eq!(cn("12"), Err(PhoneError::TooShort));
        assert_eq!(cn("1380013"), Err(PhoneError::TooShort));
        assert_eq!(cn("13800138000/13900139000"), Err(PhoneError::Character('/')));
        assert_eq!(cn("ask Bob"), Err(PhoneError::Character('a')));
        assert_eq!(cn("13800138000 转"), Err(PhoneError::Extension));
        assert_eq!(standardise("1", "XX"), Err(PhoneError::Country("XX".into())));
        assert_eq!(standardise("+1 000 000 0000", "CN"), Err(PhoneError::Unassigned));
    }

    proptest! {
        #[test]
        fn what_is_stored_stays_as_it_is(typed in "(\\+|00)?[0-9() -]{3,16}( ?(转|x) ?[0-9]{1,4})?", home in "CN|US|DE|IT|HK") {
            if let Ok(stored) = standardise(&typed, &home) {
                prop_assert_eq!(standardise(&stored, "US"), Ok(stored.clone()));
            }
        }

        #[test]
        fn nothing_panics(typed in any::<String>(), home in "[A-Z]{2}|.*") {
            let _ = standardise(&typed, &home);
        }
    }
}
