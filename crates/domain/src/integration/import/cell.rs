//! Single cells, in the forms that people and spreadsheets write: numbers, dates, flags, lists.

use chrono::{NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::forms::{self, DateFormat, Decimal, Told};
use crate::values::{
    money::{Currency, Money, MoneyError},
    text::{fold, half_width},
    time::{Timestamp, parse_date, start_of_day},
};

/// What a cell cannot be read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    Not,
    /// It can be read as one thing and as another.
    Either(String, String),
}

/// A cell without what spreadsheets put around texts, so that they leave them alone: `="0138"` and `'0138`.
#[must_use]
pub fn bare(cell: &str) -> String {
    let trimmed = cell.trim();
    if let Some(text) = trimmed.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        return text.replace("\"\"", "\"");
    }
    match trimmed.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '=' | '@')) => rest.to_owned(),
        Some(_) | None => cell.to_owned(),
    }
}

/// Whether a spreadsheet has taken the cell for a number and shortened it: `4.2E+17`. Its digits are lost.
#[must_use]
pub fn is_shortened(cell: &str) -> bool {
    let Some((digits, exponent)) = cell.trim().trim_start_matches('-').split_once(['E', 'e']) else { return false };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, rest) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    first.len() == 1 && number(first) && number(rest) && exponent.strip_prefix('+').is_some_and(number)
}

/// The parts of a cell that holds several: separated by `;`, `、`, `|` or line ends; or by the signs that the mapping names.
#[must_use]
pub fn split_list<'a>(cell: &'a str, signs: Option<&str>) -> Vec<&'a str> {
    split(cell, |c| matches!(c, ';' | '；' | '、' | '|' | '\n' | '\r'), signs)
}

/// The texts of a cell that holds a list of them as JSON, as exports write such that separating signs are part of.
#[must_use]
pub fn written_texts(cell: &str) -> Option<Vec<String>> {
    let cell = cell.trim();
    cell.starts_with('[').then(|| serde_json::from_str(cell).ok())?
}

/// Whether a list with this text would be taken apart otherwise than it was put together.
#[must_use]
pub fn separates(text: &str) -> bool {
    split_list(text, None) != [text]
}

/// The parts of a cell of e-mail addresses or phone numbers, which commas separate too.
#[must_use]
pub fn split_contacts<'a>(cell: &'a str, signs: Option<&str>) -> Vec<&'a str> {
    split(cell, |c| matches!(c, ';' | '；' | '、' | '|' | '\n' | '\r' | ',' | '，'), signs)
}

fn split<'a>(cell: &'a str, separates: impl Fn(char) -> bool, signs: Option<&str>) -> Vec<&'a str> {
    let parts = cell.split(|c| signs.map_or_else(|| separates(c), |signs| signs.contains(c)));
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// `true`, `yes`, `1`, `是`, `✓` … and their opposites.
#[must_use]
pub fn boolean(cell: &str) -> Option<bool> {
    match fold(cell).trim() {
        "true" | "t" | "yes" | "y" | "1" | "on" | "x" | "✓" | "✔" | "√" | "是" | "对" | "有" | "真" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "off" | "否" | "不" | "错" | "无" | "假" | "×" => Some(false),
        _ => None,
    }
}

/// `2026-09-30`, `2026/9/30`, `2026.9.30`, `2026年9月30日`, `20260930`; in the form that is said, also with the year last, or as the number of a
/// day in a spreadsheet. A time after it is left out.
pub fn date(cell: &str, format: Option<DateFormat>) -> Result<NaiveDate, Unread> {
    let cell = half_width(cell);
    if format == Some(DateFormat::Excel)
        && let Some((day, _)) = forms::excel(&cell)
    {
        return Ok(day);
    }
    let day = cell.trim().split(['T', ' ']).next().unwrap_or_default();
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_date(&format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..])).ok_or(Unread::Not);
    }
    let parts: Vec<&str> = day.trim_end_matches(['日', '号']).split(['-', '/', '.', '年', '月']).collect();
    let [year, month, date] = parts.as_slice() else { return Err(Unread::Not) };
    let digits =
        |part: &str, most: usize| !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
    if year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(date, 2) {
        return parse_date(&format!("{year}-{month:0>2}-{date:0>2}")).ok_or(Unread::Not);
    }
    forms::year_last(&cell, format)
}

/// RFC 3339, or a date with or without a time of day, in a time zone.
pub fn datetime(cell: &str, zone: Tz, format: Option<DateFormat>) -> Result<Timestamp, Unread> {
    let cell = cell.trim();
    if let Some(time) = Timestamp::parse(cell) {
        return Ok(time);
    }
    let local = |day: NaiveDate, time: NaiveTime| {
        let local = zone.from_local_datetime(&day.and_time(time)).earliest().ok_or(Unread::Not)?;
        Ok(Timestamp::from(local.with_timezone(&Utc)))
    };
    if format == Some(DateFormat::Excel)
        && let Some((day, seconds)) = forms::excel(&half_width(cell))
        && let Some(time) = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0)
    {
        return if seconds == 0 { Ok(start_of_day(day, zone)) } else { local(day, time) };
    }
    let day = date(cell, format)?;
    let half = half_width(cell);
    match half.split_once(['T', ' ']).map_or("", |(_, time)| time.trim()) {
        "" => Ok(start_of_day(day, zone)),
        text => local(day, time_of_day(text).ok_or(Unread::Not)?),
    }
}

/// `17:06`, `17:06:30.5`, `5:06 PM`, `下午5:06`.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (compact, half) = match (compact.strip_prefix("上午"), compact.strip_prefix("下午")) {
        (Some(rest), _) => (rest.to_owned(), "AM"),
        (None, Some(rest)) => (rest.to_owned(), "PM"),
        (None, None) => {
            let upper = compact.to_ascii_uppercase().replace("A.M.", "AM").replace("P.M.", "PM");
            match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
                (Some(rest), _) => (rest.to_owned(), "AM"),
                (None, Some(rest)) => (rest.to_owned(), "PM"),
                (None, None) => {
                    return ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(&upper, form).ok());
                }
            }
        }
    };
    let text = format!("{compact} {half}");
    ["%I:%M:%S%.f %p", "%I:%M %p"].iter().find_map(|form| NaiveTime::parse_from_str(&text, form).ok())
}

/// The cell with a point before its decimals, whatever stands there.
fn with_point(cell: &str, decimal: Decimal) -> String {
    let half = half_width(cell);
    match decimal {
        Decimal::Point => half,
        Decimal::Comma => half
            .chars()
            .map(|c| {
                if c == ',' {
                    '.'
                } else if c == '.' {
                    ','
                } else {
                    c
                }
            })
            .collect(),
    }
}

/// Reads a number in the form that is said, or that it tells; what could be either is not read.
fn in_form<T: std::fmt::Display, E, U>(
    cell: &str,
    decimal: Option<Decimal>,
    not: fn(E) -> U,
    either: fn(String, String) -> U,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<T, U> {
    match (decimal, forms::decimal_of(cell)) {
        (Some(decimal), _) | (None, Told::Form(decimal)) => read(&with_point(cell, decimal)).map_err(not),
        (None, Told::Nothing) => read(&with_point(cell, Decimal::Point)).map_err(not),
        (None, Told::Either) => {
            let shown = |decimal| read(&with_point(cell, decimal)).map(|read| read.to_string());
            match (shown(Decimal::Point), shown(Decimal::Comma)) {
                (Ok(one), Ok(other)) => Err(either(one, other)),
                // Even what only one of them takes may have been meant as the other.
                (Ok(one), Err(_)) | (Err(_), Ok(one)) => Err(either(one, cell.trim().to_owned())),
                (Err(error), Err(_)) => Err(not(error)),
            }
        }
    }
}

/// A number in plain decimal form, thousands and blanks taken out and multiplied exactly: `1,100.04` million are `1100040000`.
/// `3.2万` and `1亿` are numbers too.
pub fn number(cell: &str, multiplier: i64, decimal: Option<Decimal>) -> Result<String, Unread> {
    in_form(cell, decimal, |()| Unread::Not, Unread::Either, |cell| plain_number(cell, multiplier).ok_or(()))
}

/// A number with a point before its decimals.
fn plain_number(cell: &str, multiplier: i64) -> Option<String> {
    let text: String = half_width(cell).chars().filter(|c| !c.is_whitespace()).map(|c| if c == '−' { '-' } else { c }).collect();
    let (text, unit) = match (text.strip_suffix('万'), text.strip_suffix('亿')) {
        (Some(text), _) => (text, 10_000),
        (None, Some(text)) => (text, 100_000_000),
        (None, None) => (text.as_str(), 1),
    };
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() == 1
        || groups.iter().enumerate().all(|(place, group)| {
            if place == 0 { (1..=3).contains(&group.len()) && !group.starts_with('0') } else { group.len() == 3 }
        });
    let digits = format!("{}{fraction}", groups.concat());
    if !grouped || digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let product = digits.parse::<i128>().ok()?.checked_mul(i128::from(multiplier))?.checked_mul(unit)?;
    let padded = format!("{product:0>width$}", width = fraction.len() + 1);
    let (whole, fraction) = padded.split_at(padded.len() - fraction.len());
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && product != 0 { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// A whole number; `2,822` and `2822.0` are such.
pub fn integer(cell: &str, multiplier: i64, decimal: Option<Decimal>) -> Result<i64, Unread> {
    let whole = |text: String| text.parse().map_err(|_| Unread::Not);
    match number(cell, multiplier, decimal) {
        Ok(number) => whole(number),
        // It has no decimals, so that a comma separates thousands; a point may stand before zeros.
        Err(Unread::Either(..)) if cell.contains([',', '，']) => whole(number(cell, multiplier, Some(Decimal::Point))?),
        Err(unread) => Err(unread),
    }
}

/// Why an amount cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoMoney {
    Wrong(MoneyError),
    Either(String, String),
}

/// The currency whose code of ISO 4217 stands before or behind an amount: `USD 1,234.50`.
#[must_use]
pub fn named_currency(cell: &str) -> Option<Currency> {
    let cell = half_width(cell);
    let cell = cell.trim();
    let is_code = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let before = cell.split(|c: char| !c.is_ascii_alphabetic()).next();
    let behind = cell.rsplit(|c: char| !c.is_ascii_alphabetic()).next();
    before.filter(is_code).or_else(|| behind.filter(is_code)).and_then(|code| code.parse().ok())
}

/// An amount in major units, with or without the sign of its currency.
pub fn money(cell: &str, multiplier: i64, currency: Currency, decimal: Option<Decimal>) -> Result<Money, NoMoney> {
    // No currency of two places is written with three of them behind a comma: that separates thousands.
    let grouped = multiplier == 1 && currency.minor_units() < 3 && half_width(cell).contains(',') && !cell.contains(['万', '亿']);
    let decimal = decimal.or((grouped && forms::decimal_of(cell) == Told::Either).then_some(Decimal::Point));
    in_form(cell, decimal, NoMoney::Wrong, NoMoney::Either, |cell| plain_money(cell, multiplier, currency))
}

fn plain_money(cell: &str, multiplier: i64, currency: Currency) -> Result<Money, MoneyError> {
    let bare = cell.trim().trim_start_matches(['$', '¥', '€', '£', '￥']).trim_end_matches('元');
    match plain_number(bare, multiplier) {
        // A sign that is not of the currency is a mistake that only the reading of the whole cell notices.
        Some(number) if multiplier != 1 || bare.ends_with(['万', '亿']) => Money::from_decimal_str(&number, currency),
        Some(_) | None => Money::from_decimal_str(cell, currency),
    }
}
