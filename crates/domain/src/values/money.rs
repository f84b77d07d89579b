//! Money: whole minor units (分, cents) of one currency. No floats anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::values::{number::half_away, text::fold};

/// A currency of ISO 4217 by its code of three letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    pub const CNY: Currency = Currency(*b"CNY");
    pub const EUR: Currency = Currency(*b"EUR");
    pub const JPY: Currency = Currency(*b"JPY");
    pub const USD: Currency = Currency(*b"USD");

    pub fn code(&self) -> &str {
        // Only letters of ASCII get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many decimal places an amount has: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn minor_units(self) -> u32 {
        self.iso().and_then(|iso| iso.exponent()).map_or(0, u32::from)
    }

    /// Every currency of ISO 4217, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Currency> {
        const LETTERS: std::ops::RangeInclusive<u8> = b'A'..=b'Z';
        let codes = LETTERS.flat_map(|first| LETTERS.flat_map(move |second| LETTERS.map(move |third| [first, second, third])));
        codes.map(Currency).filter(|currency| currency.iso().is_some())
    }

    /// Its English name.
    #[must_use]
    pub fn name(self) -> String {
        self.iso().map_or_else(String::new, |iso| iso.name().to_owned())
    }

    /// Its symbol, if it has one.
    #[must_use]
    pub fn sign(self) -> Option<String> {
        self.iso().map(|iso| iso.symbol().symbol).filter(|sign| sign != "¤")
    }

    /// Whether an amount of this currency may be written with that sign.
    fn is_written(self, sign: &str) -> bool {
        match sign {
            "元" | "人民币" | "rmb" => self == Self::CNY,
            "円" => self == Self::JPY,
            "€" => self == Self::EUR,
            _ => {
                fold(self.code()) == sign
                    || self.iso().is_some_and(|iso| {
                        let symbol = fold(&iso.symbol().symbol);
                        symbol == sign || (sign == "$" && symbol.ends_with('$')) || us_dollar(self, sign)
                    })
            }
        }
    }

    fn iso(self) -> Option<iso_currency::Currency> {
        iso_currency::Currency::from_code(self.code())
    }
}

fn us_dollar(currency: Currency, sign: &str) -> bool {
    currency == Currency::USD && sign == "us$"
}

impl FromStr for Currency {
    type Err = MoneyError;

    /// The code as ISO writes it, in upper case.
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::UnknownCurrency(code.to_owned());
        let letters: [u8; 3] = code.as_bytes().try_into().map_err(|_| unknown())?;
        iso_currency::Currency::from_code(code).map(|_| Currency(letters)).ok_or_else(unknown)
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why an amount could not be read or computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{0:?} is not a currency code of ISO 4217")]
    UnknownCurrency(String),
    #[error("{0} and {1} cannot be reckoned together")]
    CurrencyMismatch(Currency, Currency),
    #[error("{sign:?} is not a symbol of {currency}")]
    OtherSign { sign: String, currency: Currency },
    #[error("the amount is empty")]
    Empty,
    #[error("{0:?} is not an amount")]
    NotANumber(String),
    #[error("thousands are separated in groups of three digits")]
    Grouping,
    #[error("{currency} has {places} decimal places")]
    TooPrecise { currency: Currency, places: u32 },
    #[error("the amount is too large")]
    Overflow,
    #[error("division by zero")]
    DivisionByZero,
}

/// An amount in minor units: 123450 CNY are ¥1,234.50.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    pub amount: i64,
    pub currency: Currency,
}

impl Money {
    /// The largest amount that a field takes, in minor units, of either sign: programs that know no integers but floats hold it
    /// exactly, and sums have room above it.
    pub const MAX_AMOUNT: i64 = 999_999_999_999_999;

    pub const fn new(amount: i64, currency: Currency) -> Self {
        Money { amount, currency }
    }

    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        self.with(self.amount.checked_add(other.amount))
    }

    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        self.with(self.amount.checked_sub(other.amount))
    }

    /// The amount times `numerator / denominator`, rounded half away from zero (四舍五入), as commercial documents and
    /// Chinese VAT invoices are reckoned: 0.5 fen become 1, -0.5 become -1.
    pub fn scale(self, numerator: i64, denominator: i64) -> Result<Money, MoneyError> {
        let product = i128::from(self.amount) * i128::from(numerator);
        let rounded = half_away(product, denominator.into()).ok_or(MoneyError::DivisionByZero)?;
        self.with(i64::try_from(rounded).ok())
    }

    /// Reads an amount in major units exactly: `1234.50`, `¥1,234.50`, `-1,234.5元`, `USD 12`, `(12.00)`.
    ///
    /// Signs of another currency, groups of other than three digits and decimal places the currency has not are errors;
    /// zeros after the last place are not.
    pub fn from_decimal_str(typed: &str, currency: Currency) -> Result<Money, MoneyError> {
        let text: String = fold(typed).chars().filter(|c| !c.is_whitespace()).map(ascii_minus).collect();
        if text.is_empty() {
            return Err(MoneyError::Empty);
        }
        // Bookkeepers write negative amounts in brackets.
        let (text, bracketed) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(inner) => (inner, true),
            None => (text.as_str(), false),
        };
        let (text, minus) = strip_minus(text);
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let start = text.find(|c: char| is_digit(c) || c == '-' || c == '+').unwrap_or(text.len());
        let end = text.rfind(is_digit).map_or(text.len(), |end| end + 1).max(start);
        for sign in [&text[..start], &text[end..]] {
            if !sign.is_empty() && !currency.is_written(sign) {
                return Err(MoneyError::OtherSign { sign: sign.to_owned(), currency });
            }
        }
        let (number, inner_minus) = strip_minus(&text[start..end]);
        if u8::from(bracketed) + u8::from(minus) + u8::from(inner_minus) > 1 {
            return Err(MoneyError::NotANumber(typed.to_owned()));
        }
        let amount = minor_amount(number, typed, currency)?;
        let amount = if bracketed || minus || inner_minus { -amount } else { amount };
        Money::new(0, currency).with(i64::try_from(amount).ok())
    }

    /// The amount in major units with all its decimal places, without sign of currency or thousands: `1234.50`.
    pub fn to_decimal_string(self) -> String {
        let places = self.currency.minor_units() as usize;
        let sign = if self.amount < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.amount.unsigned_abs(), width = places + 1);
        match digits.split_at(digits.len() - places) {
            (major, "") => format!("{sign}{major}"),
            (major, minor) => format!("{sign}{major}.{minor}"),
        }
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch(self.currency, other.currency)) }
    }

    fn with(self, amount: Option<i64>) -> Result<Money, MoneyError> {
        amount.map(|amount| Money { amount, ..self }).ok_or(MoneyError::Overflow)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_decimal_string())
    }
}

fn ascii_minus(c: char) -> char {
    if c == '−' { '-' } else { c }
}

/// A number without its sign, and whether that was a minus.
fn strip_minus(number: &str) -> (&str, bool) {
    match number.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (number.strip_prefix('+').unwrap_or(number), false),
    }
}

/// Minor units of an unsigned number with at most one point and thousands in groups.
fn minor_amount(number: &str, typed: &str, currency: Currency) -> Result<i128, MoneyError> {
    let places = currency.minor_units();
    let (major, minor) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mut groups = major.split([',', '\'', '’']);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    if !all_digits(minor) || !all_digits(first) || !rest.iter().copied().all(all_digits) || (major.is_empty() && minor.is_empty())
    {
        return Err(MoneyError::NotANumber(typed.to_owned()));
    }
    if !rest.is_empty()
        && (first.is_empty() || first.len() > 3 || first.starts_with('0') || rest.iter().any(|group| group.len() != 3))
    {
        return Err(MoneyError::Grouping);
    }
    let minor = minor.trim_end_matches('0');
    let width = places as usize;
    if minor.len() > width {
        return Err(MoneyError::TooPrecise { currency, places });
    }
    let digits = format!("{first}{}{minor:0<width$}", rest.concat());
    let significant = digits.trim_start_matches('0');
    // 19 digits hold every i64; what is longer would not even fit the reckoning below.
    if significant.len() > 19 {
        return Err(MoneyError::Overflow);
    }
    Ok(significant.bytes().fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn read(typed: &str, code: &str) -> Result<i64, MoneyError> {
        Money::from_decimal_str(typed, currency(code)).map(|money| money.amount)
    }

    #[test]
    fn currencies_know_their_minor_units() {
        let places = ["CNY", "JPY", "KWD", "XAU"].map(|code| currency(code).minor_units());
        assert_eq!(places, [2, 0, 3, 0]);
        for code in ["cny", "CN", "XYZ", "CNYX", ""] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::UnknownCurrency(code.into())));
        }
    }

    #[test]
    fn json_is_amount_and_currency_and_nothing_else() {
        let money = Money::new(1234500, Currency::CNY);
        let json = r#"{"amount":1234500,"currency":"CNY"}"#;
        assert_eq!(serde_json::to_string(&money).unwrap(), json);
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), money);
        for wrong in [
            r#"{"amount":1.5,"currency":"CNY"}"#,
            r#"{"amount":1,"currency":"XYZ"}"#,
            r#"{"amount":1,"currency":"CNY","tax":1}"#,
            r#"{"amount":1}"#,
        ] {
            assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_as_people_and_files_write_them() {
        for (typed, code, amount) in [
            ("1234.50", "CNY", 123450),
            ("1,234.5", "CNY", 123450),
            (" ¥ 1,234.50 ", "CNY", 123450),
            ("￥１，２３４．５０", "CNY", 123450),
            ("1,234.50元", "CNY", 123450),
            ("CNY 1234.5", "CNY", 123450),
            ("-$0.05", "USD", -5),
            ("$-0.05", "USD", -5),
            ("US$12", "USD", 1200),
            ("$12", "HKD", 1200),
            ("(12.00)", "USD", -1200),
            ("−3 €", "EUR", -300),
            ("1'000'000", "CHF", 100_000_000),
            ("¥500", "JPY", 500),
            ("1.500", "CNY", 150),
            ("0.125", "KWD", 125),
            (".5", "CNY", 50),
            ("5.", "CNY", 500),
            ("+7", "CNY", 700),
            ("-92233720368547758.08", "CNY", i64::MIN),
        ] {
            assert_eq!(read(typed, code), Ok(amount), "{typed}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(read(" ", "CNY"), Err(MoneyError::Empty));
        assert!(matches!(read("$5", "CNY"), Err(MoneyError::OtherSign { .. })));
        assert!(matches!(read("five", "CNY"), Err(MoneyError::OtherSign { .. })));
        assert!(matches!(read("¥", "CNY"), Err(MoneyError::NotANumber(_))));
        assert!(matches!(read("1.2.3", "CNY"), Err(MoneyError::NotANumber(_))));
        assert!(matches!(read("--5", "CNY"), Err(MoneyError::NotANumber(_))));
        assert!(matches!(read("-(5)", "CNY"), Err(MoneyError::OtherSign { .. })));
        assert_eq!(read("1,5", "CNY"), Err(MoneyError::Grouping));
        assert_eq!(read("1234,567", "CNY"), Err(MoneyError::Grouping));
        assert!(matches!(read("1.005", "CNY"), Err(MoneyError::TooPrecise { places: 2, .. })));
        assert_eq!(read("92233720368547758.08", "CNY"), Err(MoneyError::Overflow));
        assert_eq!(read(&"9".repeat(60), "CNY"), Err(MoneyError::Overflow));
    }

    #[test]
    fn sums_stay_in_one_currency() {
        let (a, b) = (Money::new(5, Currency::CNY), Money::new(7, Currency::CNY));
        assert_eq!(a.checked_add(b), Ok(Money::new(12, Currency::CNY)));
        assert_eq!(a.checked_sub(b), Ok(Money::new(-2, Currency::CNY)));
        let dollars = Money::new(1, Currency::USD);
        assert_eq!(a.checked_add(dollars), Err(MoneyError::CurrencyMismatch(Currency::CNY, Currency::USD)));
        assert_eq!(a.checked_add(Money::new(i64::MAX, Currency::CNY)), Err(MoneyError::Overflow));
    }

    #[test]
    fn scaling_rounds_half_away_from_zero() {
        for (amount, numerator, denominator, scaled) in
            [(100, 13, 100, 13), (1, 1, 2, 1), (-1, 1, 2, -1), (1, 1, 3, 0), (2, 1, 3, 1), (5, -1, 2, -3), (5, 1, -2, -3)]
        {
            assert_eq!(Money::new(amount, Currency::CNY).scale(numerator, denominator), Ok(Money::new(scaled, Currency::CNY)));
        }
        assert_eq!(Money::new(1, Currency::CNY).scale(1, 0), Err(MoneyError::DivisionByZero));
        assert_eq!(Money::new(i64::MAX, Currency::CNY).scale(2, 1), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MIN, Currency::CNY).scale(i64::MIN, 1), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn writing_and_reading_is_the_same_amount(amount in any::<i64>(), code in "CNY|JPY|KWD|USD|XAU") {
            let money = Money::new(amount, currency(&code));
            prop_assert_eq!(Money::from_decimal_str(&money.to_decimal_string(), money.currency), Ok(money));
            prop_assert_eq!(Money::from_decimal_str(&money.to_string(), money.currency), Ok(money));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn scaling_is_off_by_half_a_unit_at_most(amount in any::<i32>(), n in any::<i32>(), d in any::<i32>()) {
            prop_assume!(d != 0);
            let (n, d) = (i64::from(n), i64::from(d));
            if let Ok(scaled) = Money::new(amount.into(), Currency::CNY).scale(n, d) {
                let error = i128::from(scaled.amount) * i128::from(d) - i128::from(amount) * i128::from(n);
                prop_assert!(error.abs() * 2 <= i128::from(d).abs());
            }
        }

        #[test]
        fn nothing_panics(typed in any::<String>(), close in "[-+¥$€(),.0-9元 ]{0,12}") {
            let _ = (Money::from_decimal_str(&typed, Currency::CNY), Money::from_decimal_str(&close, Currency::CNY));
        }
    }
}
