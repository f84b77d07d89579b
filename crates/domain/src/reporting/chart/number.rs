//! Figures as people read them: exact ones in full, others with three digits and a word for thousands, millions or 万 and 亿.

use super::{Number, Unit};
use crate::{model::fault::Language, values::money::Money};

/// From where on numbers are abbreviated.
const LONG: f64 = 10_000.0;
const ENGLISH: [(f64, &str); 4] = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")];
const CHINESE: [(f64, &str); 3] = [(1e12, "万亿"), (1e8, "亿"), (1e4, "万")];
/// From where on there is no word.
const ENDLESS: f64 = 1e15;
/// What lies further out is drawn there.
const FAR: f64 = 1e200;

/// Where a figure lies on its axis: amounts in major units. None of what is no number.
pub fn position(number: Number, unit: Unit) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a place in a picture")]
    let value = match number {
        Number::Whole(value) => value as f64,
        Number::Decimal(value) => value,
    };
    let value = match unit {
        Unit::Money(currency) => value / 10_f64.powi(i32::try_from(currency.minor_units()).unwrap_or(0)),
        Unit::Integer | Unit::Number | Unit::Share => value,
    };
    // So small that its parts would be none.
    let value = if value.abs() < 1.0 / FAR { 0.0 } else { value };
    value.is_finite().then(|| value.clamp(-FAR, FAR))
}

/// A figure in full.
pub fn exact(number: Number, unit: Unit) -> String {
    match (number, unit) {
        (Number::Whole(amount), Unit::Money(currency)) => {
            format!("{} {}", currency.code(), grouped(&Money::new(amount, currency).to_decimal_string()))
        }
        (Number::Whole(value), Unit::Integer | Unit::Number) => grouped(&value.to_string()),
        (number, Unit::Share) => position(number, unit).map_or_else(String::new, |value| format!("{}%", plain(value * 100.0, 2))),
        (Number::Decimal(value), Unit::Integer | Unit::Number) => full(value),
        (Number::Decimal(_), Unit::Money(currency)) => {
            position(number, unit).map_or_else(String::new, |value| format!("{} {}", currency.code(), full(value)))
        }
    }
}

fn full(value: f64) -> String {
    if value == 0.0 || (1e-6..ENDLESS).contains(&value.abs()) { grouped(&value.to_string()) } else { format!("{value:e}") }
}

/// A figure with three digits.
pub fn brief(number: Number, unit: Unit, language: Language) -> String {
    position(number, unit).map_or_else(String::new, |value| shortly(value, unit, language))
}

/// A place on an axis with three digits.
pub fn shortly(value: f64, unit: Unit, language: Language) -> String {
    let (value, sign) = if unit == Unit::Share { (value * 100.0, "%") } else { (value, "") };
    let text = if value.abs() < 1e-6 && value != 0.0 {
        format!("{value:.1e}")
    } else if unit != Unit::Share && value.abs() < LONG && value.fract() == 0.0 {
        grouped(&format!("{value:.0}"))
    } else {
        let value = with_digits(value, 3);
        let (scale, word) = scale_of(value.abs(), language);
        if value.abs() >= ENDLESS {
            format!("{value:.2e}")
        } else {
            format!("{}{word}", plain(value / scale, places(value / scale)))
        }
    };
    format!("{text}{sign}")
}

/// A share of a whole as a percentage.
pub fn percentage(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{}%", grouped(text.strip_suffix(".0").filter(|whole| matches!(*whole, "0" | "100")).unwrap_or(&text)))
}

/// The labels of ticks that lie a step apart: all with the same word and as many decimal places as the step needs.
pub fn of_ticks(ticks: &[f64], step: f64, unit: Unit, language: Language) -> Vec<String> {
    let (factor, sign) = if unit == Unit::Share { (100.0, "%") } else { (1.0, "") };
    let most = ticks.iter().fold(0.0_f64, |most, tick| most.max(tick.abs())) * factor;
    let (scale, word) = scale_of(most, language);
    let step = step * factor / scale;
    #[allow(clippy::cast_possible_truncation, reason = "a power of ten")]
    let power = (step.log10() + 1e-9).floor() as i32;
    ticks
        .iter()
        .map(|tick| {
            let value = tick * factor / scale;
            if value == 0.0 {
                return format!("0{sign}");
            }
            if most >= ENDLESS || power < -6 {
                return format!("{:.*e}{sign}", 2, tick * factor);
            }
            let places = usize::try_from(-power.min(0)).unwrap_or(0);
            format!("{}{word}{sign}", grouped(&format!("{value:.places$}")))
        })
        .collect()
}

fn scale_of(most: f64, language: Language) -> (f64, &'static str) {
    let words: &[(f64, &str)] = match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    };
    if !(LONG..ENDLESS).contains(&most) {
        return (1.0, "");
    }
    words.iter().copied().find(|(scale, _)| most >= *scale).unwrap_or((1.0, ""))
}

fn with_digits(value: f64, digits: i32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    #[allow(clippy::cast_possible_truncation, reason = "a power of ten")]
    let power = value.abs().log10().floor() as i32;
    let unit = 10_f64.powi(power + 1 - digits);
    (value / unit).round() * unit
}

/// The decimal places that make three digits.
fn places(value: f64) -> usize {
    match value.abs() {
        less if less < 1e-3 => 6,
        less if less < 1.0 => 3,
        less if less < 10.0 => 2,
        less if less < 100.0 => 1,
        _ => 0,
    }
}

/// A number with so many decimal places at most.
fn plain(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(if text == "-0" { "0" } else { text })
}

/// Digits in groups of three.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, part) = rest.find('.').map_or((rest, ""), |point| rest.split_at(point));
    let mut out = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + part
}
