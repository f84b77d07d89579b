//! Forms that mean different things to different people: `1.234` and `03/08/2026`. Which of them a column is written in is said, or told
//! from all of its cells; what can be told from neither is not guessed.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::cell;
use crate::values::text::half_width;

/// The sign that stands before the decimals of a number; the other one separates thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decimal {
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

impl Decimal {
    fn of(sign: char) -> Decimal {
        if sign == ',' { Decimal::Comma } else { Decimal::Point }
    }

    fn other(self) -> Decimal {
        match self {
            Decimal::Point => Decimal::Comma,
            Decimal::Comma => Decimal::Point,
        }
    }
}

/// The order in which a date names day, month and year, where the year comes last; or the day's number in a spreadsheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateFormat {
    Ymd,
    Dmy,
    Mdy,
    Excel,
}

impl DateFormat {
    pub const CHOICES: &'static str = "ymd, dmy, mdy, excel";

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DateFormat::Ymd => "ymd",
            DateFormat::Dmy => "dmy",
            DateFormat::Mdy => "mdy",
            DateFormat::Excel => "excel",
        }
    }

    /// `dmy`, or the same as a pattern: `DD/MM/YYYY`, `%d.%m.%Y`. What follows the day is left out.
    #[must_use]
    pub fn read(text: &str) -> Option<DateFormat> {
        let text = text.trim().to_ascii_lowercase();
        if text == "excel" {
            return Some(DateFormat::Excel);
        }
        let mut order = String::new();
        for sign in text.split([' ', 't']).next().unwrap_or_default().chars() {
            match sign {
                'y' | 'm' | 'd' if order.ends_with(sign) => {}
                'y' | 'm' | 'd' => order.push(sign),
                '%' | '/' | '-' | '.' => {}
                _ => return None,
            }
        }
        [DateFormat::Ymd, DateFormat::Dmy, DateFormat::Mdy].into_iter().find(|format| format.as_str() == order)
    }
}

impl Serialize for DateFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DateFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DateFormat, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateFormat::read(&text).ok_or_else(|| D::Error::custom(format!("date_format must be one of {}", DateFormat::CHOICES)))
    }
}

/// What a cell tells of the form it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// It means the same in any.
    Nothing,
    /// It can be read in no other.
    Form(T),
    /// It means one thing in one and another in the other.
    Either,
}

/// The form that cells agree on; none where they tell nothing or contradict each other, and whether they do.
#[must_use]
pub fn agreed<T: Copy + PartialEq>(told: impl Iterator<Item = Told<T>>) -> (Option<T>, bool) {
    let mut found = None;
    for told in told {
        match (told, found) {
            (Told::Nothing | Told::Either, _) => {}
            (Told::Form(form), None) => found = Some(form),
            (Told::Form(form), Some(other)) if form == other => {}
            (Told::Form(_), Some(_)) => return (None, true),
        }
    }
    (found, false)
}

/// What a number tells of the sign before its decimals.
#[must_use]
pub fn decimal_of(cell: &str) -> Told<Decimal> {
    let text = half_width(cell);
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    // A number may also begin with its decimals.
    let start =
        text[..start].char_indices().next_back().filter(|(_, c)| matches!(c, '.' | ',')).map_or(start, |(place, _)| place);
    let end = text.rfind(|c: char| c.is_ascii_digit()).map_or(start, |end| end + 1);
    let number = text.get(start..end.max(start)).unwrap_or_default();
    let signs: Vec<char> = number.chars().filter(|c| matches!(c, '.' | ',')).collect();
    let (Some(first), Some(last)) = (signs.first(), signs.last()) else { return Told::Nothing };
    if first != last {
        return Told::Form(Decimal::of(*last));
    }
    if signs.len() > 1 {
        return Told::Form(Decimal::of(*last).other());
    }
    let (whole, decimals) = number.split_once(*last).unwrap_or((number, ""));
    let grouped = decimals.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if grouped { Told::Either } else { Told::Form(Decimal::of(*last)) }
}

/// The parts of a day with its year last, and whether points separate them.
fn parts(cell: &str) -> Option<(u32, u32, &str, bool)> {
    let day = cell.trim().split([' ', 'T']).next().unwrap_or_default();
    let pieces: Vec<&str> = day.split(['/', '-', '.']).collect();
    let [first, second, year] = pieces.as_slice() else { return None };
    let number =
        |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit()));
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    Some((number(first)?, number(second)?, *year, day.contains('.'))).filter(|_| is_year)
}

/// What a date tells of the order of its parts: `8.3.2026` begins with the day everywhere.
#[must_use]
pub fn date_format_of(cell: &str) -> Told<DateFormat> {
    match parts(&half_width(cell)) {
        None => Told::Nothing,
        Some((first, _, _, points)) if points || first > 12 => Told::Form(DateFormat::Dmy),
        Some((_, second, _, _)) if second > 12 => Told::Form(DateFormat::Mdy),
        Some((first, second, _, _)) if first == second => Told::Nothing,
        Some(_) => Told::Either,
    }
}

/// A day with its year last.
pub(super) fn year_last(cell: &str, format: Option<DateFormat>) -> Result<NaiveDate, cell::Unread> {
    let (first, second, year, _) = parts(cell).ok_or(cell::Unread::Not)?;
    let date = |day: u32, month: u32| crate::values::time::parse_date(&format!("{year}-{month:0>2}-{day:0>2}"));
    let found = match (format, date_format_of(cell)) {
        (Some(DateFormat::Dmy), _) | (None, Told::Form(DateFormat::Dmy) | Told::Nothing) => date(first, second),
        (Some(DateFormat::Mdy), _) | (None, Told::Form(DateFormat::Mdy)) => date(second, first),
        (Some(DateFormat::Ymd | DateFormat::Excel), _) | (None, Told::Form(DateFormat::Ymd | DateFormat::Excel)) => None,
        (None, Told::Either) => {
            let both = date(first, second).zip(date(second, first)).ok_or(cell::Unread::Not)?;
            return Err(cell::Unread::Either(both.0.to_string(), both.1.to_string()));
        }
    };
    found.ok_or(cell::Unread::Not)
}

/// The days and seconds that a spreadsheet's number of a day stands for: days from 1900 on, of which its makers thought that it had a 29
/// February.
#[must_use]
pub fn excel(cell: &str) -> Option<(NaiveDate, u32)> {
    let number: f64 = cell.trim().parse().ok()?;
    if !(1.0..2_958_466.0).contains(&number) || !cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at before")]
    let (days, seconds) = (number.trunc() as u64, (number.fract() * 86_400.0).round() as u32);
    let (days, seconds) = if seconds == 86_400 { (days + 1, 0) } else { (days, seconds) };
    let before = NaiveDate::from_ymd_opt(1899, 12, if days < 60 { 31 } else { 30 }).filter(|_| days != 60)?;
    Some((before.checked_add_days(chrono::Days::new(days))?, seconds))
}

/// Whether a cell may be the number of a day of our time: from 1954 to 2119.
#[must_use]
pub fn is_excel_day(cell: &str) -> bool {
    let whole = cell.trim().split('.').next().unwrap_or_default();
    whole.len() == 5 && excel(cell).is_some() && whole.parse::<u32>().is_ok_and(|days| (20_000..=80_000).contains(&days))
}

/// The sign between several phone numbers of a cell, where it is one that also stands within a number: told from cells whose parts
/// are whole numbers each.
#[must_use]
pub fn split_of(cells: &[&str]) -> Option<String> {
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let splits = |sign: char, least: usize| {
        let mut several = false;
        cells.iter().all(|cell| {
            let parts: Vec<&str> = cell.split(sign).filter(|part| !part.trim().is_empty()).collect();
            several |= parts.len() > 1;
            parts.len() <= 1 || parts.iter().all(|part| digits(part) >= least)
        }) && several
    };
    [('/', 7), (' ', 10)].into_iter().find(|(sign, least)| splits(*sign, *least)).map(|(sign, _)| sign.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_told_only_where_there_is_no_other() {
        let (comma, point) = (Told::Form(Decimal::Comma), Told::Form(Decimal::Point));
        for (cell, told) in [
            ("1234", Told::Nothing),
            ("1,234", Told::Either),
            ("1.234", Told::Either),
            ("-1.234 €", Told::Either),
            ("1.234,50", comma),
            ("1,234.50", point),
            ("1.234.567", comma),
            ("1,234,567", point),
            ("12,5", comma),
            ("0,500", comma),
            ("0.125", point),
            (",125", comma),
            ("1234,567", comma),
            ("€ 1.234,5", comma),
            ("１，５", comma),
        ] {
            assert_eq!(decimal_of(cell), told, "{cell}");
        }
        let (dmy, mdy) = (Told::Form(DateFormat::Dmy), Told::Form(DateFormat::Mdy));
        for (cell, told) in [
            ("03/08/2026", Told::Either),
            ("3/8/2026 5:06 PM", Told::Either),
            ("25/12/2026", dmy),
            ("12/25/2026", mdy),
            ("8.3.2026", dmy),
            ("05-05-2026", Told::Nothing),
            ("2026-03-08", Told::Nothing),
            ("x", Told::Nothing),
        ] {
            assert_eq!(date_format_of(cell), told, "{cell}");
        }
        assert_eq!(agreed(["1,5", "1.234", "7"].map(decimal_of).into_iter()), (Some(Decimal::Comma), false));
        assert_eq!(agreed(["1,5", "1.5"].map(decimal_of).into_iter()), (None, true));
        assert_eq!(agreed(["1,500", "7"].map(decimal_of).into_iter()), (None, false));
    }

    #[test]
    fn patterns_name_the_order() {
        for (text, format) in [
            ("dmy", Some(DateFormat::Dmy)),
            ("DD/MM/YYYY", Some(DateFormat::Dmy)),
            ("MM/dd/yyyy HH:mm", Some(DateFormat::Mdy)),
            ("%d.%m.%Y", Some(DateFormat::Dmy)),
            ("YYYY-MM-DD", Some(DateFormat::Ymd)),
            ("Excel", Some(DateFormat::Excel)),
            ("ydm", None),
            ("", None),
            ("european", None),
        ] {
            assert_eq!(DateFormat::read(text), format, "{text}");
        }
    }

    #[test]
    fn days_of_spreadsheets_are_counted_as_they_count() {
        let day = |cell: &str| excel(cell).map(|(day, seconds)| (day.to_string(), seconds));
        assert_eq!(day("1"), Some(("1900-01-01".to_owned(), 0)));
        assert_eq!(day("59"), Some(("1900-02-28".to_owned(), 0)));
        assert_eq!(day("60"), None, "there was no such day");
        assert_eq!(day("61"), Some(("1900-03-01".to_owned(), 0)));
        assert_eq!(day("45123.75"), Some(("2023-07-16".to_owned(), 64_800)));
        assert_eq!((day("0"), day("-5"), day("1e5"), day("9999999")), (None, None, None, None));
        assert!(is_excel_day("45123") && !is_excel_day("2026") && !is_excel_day("20260930"));
    }

    #[test]
    fn phones_are_split_where_each_part_is_one() {
        assert_eq!(split_of(&["13800138000/13900139000", "010-62785001"]).as_deref(), Some("/"));
        assert_eq!(split_of(&["13800138000 13900139000"]).as_deref(), Some(" "));
        assert_eq!(split_of(&["138 0013 8000", "13800138000 13900139000"]), None);
        assert_eq!(split_of(&["010-62785001/02"]), None, "an extension");
        assert_eq!(split_of(&["13800138000"]), None);
    }

    proptest! {
        /// A number that is written out tells its form or could be either; read in its own form it is itself.
        #[test]
        fn a_number_is_read_in_the_form_it_is_written_in(whole in 0_u32..2_000_000, decimals in "[0-9]{0,4}", comma in any::<bool>(), grouped in any::<bool>()) {
            let (decimal, thousands, form) = if comma { (',', '.', Decimal::Comma) } else { ('.', ',', Decimal::Point) };
            let digits = whole.to_string();
            let mut written = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if grouped && place > 0 && (digits.len() - place) % 3 == 0 {
                    written.push(thousands);
                }
                written.push(digit);
            }
            if !decimals.is_empty() {
                written.push(decimal);
                written += &decimals;
            }
            let fraction = decimals.trim_end_matches('0');
            let value = if fraction.is_empty() { digits.clone() } else { format!("{digits}.{fraction}") };
            prop_assert_eq!(cell::number(&written, 1, Some(form)), Ok(value.clone()), "{}", written);
            match decimal_of(&written) {
                Told::Form(told) => prop_assert!(told == form, "{}", written),
                Told::Either => prop_assert!(matches!(cell::number(&written, 1, None), Err(cell::Unread::Either(..)))),
                Told::Nothing => prop_assert_eq!(cell::number(&written, 1, None), Ok(value)),
            }
        }

        #[test]
        fn any_text_can_be_asked(cell in ".{0,20}") {
            let _ = (decimal_of(&cell), date_format_of(&cell), excel(&cell), is_excel_day(&cell), split_of(&[&cell]), DateFormat::read(&cell));
        }
    }
}
