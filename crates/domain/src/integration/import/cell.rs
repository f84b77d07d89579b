//! Single cells, in the forms that people and spreadsheets write: numbers, dates, flags, lists.

use chrono::{NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::values::{
    money::{Currency, Money, MoneyError},
    text::{fold, half_width},
    time::{Timestamp, parse_date},
};

/// The parts of a cell that holds several: separated by `;`, `、`, `|` or line ends.
#[must_use]
pub fn split_list(cell: &str) -> Vec<&str> {
    split(cell, |c| matches!(c, ';' | '；' | '、' | '|' | '\n' | '\r'))
}

/// The parts of a cell of e-mail addresses or phone numbers, which commas separate too.
#[must_use]
pub fn split_contacts(cell: &str) -> Vec<&str> {
    split(cell, |c| matches!(c, ';' | '；' | '、' | '|' | '\n' | '\r' | ',' | '，'))
}

fn split(cell: &str, separates: impl Fn(char) -> bool) -> Vec<&str> {
    cell.split(separates).map(str::trim).filter(|part| !part.is_empty()).collect()
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

/// `2026-09-30`, `2026/9/30`, `2026.9.30`, `2026年9月30日`, `20260930`; a time after it is left out. Forms in which day and
/// month could be mistaken for each other are not read.
#[must_use]
pub fn date(cell: &str) -> Option<NaiveDate> {
    let cell = half_width(cell);
    let day = cell.trim().split(['T', ' ']).next().unwrap_or_default();
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_date(&format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]));
    }
    let parts: Vec<&str> = day.trim_end_matches(['日', '号']).split(['-', '/', '.', '年', '月']).collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let digits =
        |part: &str, most: usize| !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
    if year.len() != 4 || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    parse_date(&format!("{year}-{month:0>2}-{day:0>2}"))
}

/// RFC 3339, or a date with or without a time of day, in a time zone.
#[must_use]
pub fn datetime(cell: &str, zone: Tz) -> Option<Timestamp> {
    let cell = cell.trim();
    if let Some(time) = Timestamp::parse(cell) {
        return Some(time);
    }
    let day = date(cell)?;
    let half = half_width(cell);
    let of_day = half.split_once(['T', ' ']).map_or("", |(_, time)| time.trim());
    let time = match of_day {
        "" => return Some(crate::values::time::start_of_day(day, zone)),
        text => ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())?,
    };
    let local = zone.from_local_datetime(&day.and_time(time)).earliest()?;
    Some(Timestamp::from(local.with_timezone(&Utc)))
}

/// A number in plain decimal form, thousands and blanks taken out and multiplied exactly: `1,100.04` million are `1100040000`.
/// `3.2万` and `1亿` are numbers too.
#[must_use]
pub fn number(cell: &str, multiplier: i64) -> Option<String> {
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
        || groups
            .iter()
            .enumerate()
            .all(|(place, group)| if place == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 });
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
#[must_use]
pub fn integer(cell: &str, multiplier: i64) -> Option<i64> {
    number(cell, multiplier)?.parse().ok()
}

/// An amount in major units, with or without the sign of its currency.
pub fn money(cell: &str, multiplier: i64, currency: Currency) -> Result<Money, MoneyError> {
    let bare = half_width(cell);
    let bare = bare.trim().trim_start_matches(['$', '¥', '€', '£', '￥']).trim_end_matches('元');
    match number(bare, multiplier) {
        // A sign that is not of the currency is a mistake that only the reading of the whole cell notices.
        Some(number) if multiplier != 1 || bare.ends_with(['万', '亿']) => Money::from_decimal_str(&number, currency),
        Some(_) | None => Money::from_decimal_str(cell, currency),
    }
}
