//! Values of fields: checked and brought into one standard form on their way in.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Choice, Field, FieldType},
    },
    values::{
        country, email,
        id::Id,
        money::{Currency, Money},
        phone, social_credit_code, text,
        time::{Timestamp, parse_date},
        url,
    },
};

/// What a tenant's settings say about how values are to be read.
#[derive(Clone, Copy, Debug)]
pub struct Standards<'a> {
    /// ISO 3166-1 alpha-2: the country of phone numbers without a country code.
    pub country: &'a str,
    pub currency: Currency,
    pub zone: Tz,
    pub now: Timestamp,
    /// Who asks: what `me` means in a filter. None where what is read is kept, and asked later for whoever.
    pub user: Option<Id>,
}

impl Standards<'_> {
    /// The same, whoever asks.
    #[must_use]
    pub fn of_nobody(self) -> Self {
        Standards { user: None, ..self }
    }
}

pub(crate) fn wrong(expected: &'static str) -> Faults {
    Fault::new("", FaultCode::WrongType).with("expected", expected).into()
}

fn refuse(code: FaultCode) -> Faults {
    Fault::new("", code).into()
}

/// Whether what is sent is how forms say that there is no value: an empty text, money without amount and currency.
pub(crate) fn is_nothing(field: &Field, sent: &Value) -> bool {
    if field.kind.is_text() {
        return !field.is_password() && sent.as_str().is_some_and(|text| text::clean_text(text).is_empty());
    }
    let null = |name: &str| sent.get(name).is_some_and(Value::is_null);
    let has_no_other = || sent.as_object().is_some_and(|members| members.len() == 2);
    field.kind == FieldType::Money && null("amount") && null("currency") && has_no_other()
}

/// Checks one value against its field and brings it into standard form. Null is for the caller to judge.
pub fn accept(field: &Field, value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    match &field.kind {
        FieldType::Text { max } => {
            let line = text::clean_line(as_text(value)?);
            if line.is_empty() {
                return Err(refuse(FaultCode::Blank));
            }
            within(line, *max).map(Value::from)
        }
        FieldType::LongText { max } if field.is_password() => within(text::clean_secret(as_text(value)?), *max).map(Value::from),
        FieldType::LongText { max } => within(text::clean_text(as_text(value)?), *max).map(Value::from),
        FieldType::Integer { min, max } => {
            let number = value.as_i64().ok_or_else(|| wrong("an integer"))?;
            if number < *min {
                return Err(Fault::new("", FaultCode::TooSmall).with("min", min).into());
            }
            if number > *max {
                return Err(Fault::new("", FaultCode::TooLarge).with("max", max).into());
            }
            Ok(number.into())
        }
        FieldType::Decimal => decimal(value),
        FieldType::Money => money(value),
        FieldType::Boolean => value.as_bool().map(Value::from).ok_or_else(|| wrong("true or false")),
        FieldType::Date => match parse_date(as_text(value)?) {
            Some(date) => Ok(date.to_string().into()),
            None => Err(refuse(FaultCode::InvalidDate)),
        },
        FieldType::DateTime => match Timestamp::parse(as_text(value)?) {
            Some(time) => Ok(time.to_string().into()),
            None => Err(refuse(FaultCode::InvalidTime)),
        },
        FieldType::Choice(choices) => choice(choices, as_text(value)?).map(Value::from),
        FieldType::MultiChoice(choices) => list(value, 100, |item| choice(choices, as_text(item)?).map(Value::from)),
        FieldType::Id => {
            let id = id(value)?;
            if id.is_of_a_version() { Ok(id.to_string().into()) } else { Err(refuse(FaultCode::InvalidId)) }
        }
        FieldType::Reference(_) => Ok(id(value)?.to_string().into()),
        FieldType::References(_) => list(value, 200, |item| Ok(id(item)?.to_string().into())),
        FieldType::Email => email::standardise(as_text(value)?).map(Value::from).map_err(|_| refuse(FaultCode::InvalidEmail)),
        FieldType::Phone => phone::standardise(as_text(value)?, standards.country)
            .map(Value::from)
            .map_err(|error| Fault::new("", FaultCode::InvalidPhone).with("reason", error).into()),
        FieldType::Url => url::standardise(as_text(value)?).map(Value::from).map_err(|_| refuse(FaultCode::InvalidUrl)),
        FieldType::Country => country(value),
        FieldType::LanguageTag => language(as_text(value)?).map(Value::from),
        FieldType::TimeZone => match as_text(value)?.parse::<Tz>() {
            Ok(zone) => Ok(zone.name().into()),
            Err(_) => Err(refuse(FaultCode::UnknownTimeZone)),
        },
        FieldType::SocialCreditCode => social_credit_code::standardise(as_text(value)?)
            .map(Value::from)
            .map_err(|_| refuse(FaultCode::InvalidSocialCreditCode)),
        FieldType::Texts { max_items } => list(value, *max_items, |item| {
            let line = text::clean_line(as_text(item)?);
            if line.is_empty() { Err(refuse(FaultCode::Blank)) } else { within(line, 300).map(Value::from) }
        }),
        FieldType::Structure(structure) => (structure.accept)(value, standards),
        FieldType::Custom => Err(wrong("an object")),
        FieldType::Count(_) => Err(refuse(FaultCode::ReadOnly)),
    }
}

/// The text of a value; characters that one of the engines cannot store are refused.
pub(crate) fn as_text(value: &Value) -> Result<&str, Faults> {
    let text = value.as_str().ok_or_else(|| wrong("a text"))?;
    if text.contains('\0') { Err(refuse(FaultCode::InvalidCharacter)) } else { Ok(text) }
}

fn within(text: String, max: usize) -> Result<String, Faults> {
    if text.chars().count() > max { Err(Fault::new("", FaultCode::TooLong).with("max", max).into()) } else { Ok(text) }
}

fn id(value: &Value) -> Result<Id, Faults> {
    as_text(value)?.parse().map_err(|_| refuse(FaultCode::InvalidId))
}

/// A choice that records may have, be it retired.
pub(crate) fn known_choice<'c>(choices: &'c [Choice], value: &str) -> Option<&'c Choice> {
    choices.iter().find(|choice| choice.value == value)
}

fn choice(choices: &[Choice], value: &str) -> Result<String, Faults> {
    match known_choice(choices, value) {
        Some(choice) if !choice.retired => Ok(choice.value.to_string()),
        Some(_) | None => {
            let known = choices.iter().filter(|choice| !choice.retired);
            let known: Vec<&str> = known.map(|choice| choice.value.as_ref()).collect();
            Err(Fault::new("", FaultCode::UnknownChoice).with("choices", known.join(", ")).into())
        }
    }
}

fn country(value: &Value) -> Result<Value, Faults> {
    let code = as_text(value)?.trim().to_ascii_uppercase();
    if country::is_country(&code) { Ok(code.into()) } else { Err(refuse(FaultCode::UnknownCountry)) }
}

/// A language with an optional script and region, written as BCP 47 wants it: `zh-CN`, `zh-Hant-TW`, `en`.
fn language(tag: &str) -> Result<String, Faults> {
    let mut parts = Vec::new();
    for (position, part) in tag.trim().split(['-', '_']).enumerate() {
        let letters = part.chars().all(|character| character.is_ascii_alphabetic());
        parts.push(match (position, part.len()) {
            (0, 2..=3) if letters => part.to_ascii_lowercase(),
            (1, 4) if letters => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
            (1..=2, 2) if letters => part.to_ascii_uppercase(),
            (1..=2, 3) if part.chars().all(|character| character.is_ascii_digit()) => part.to_owned(),
            _ => return Err(refuse(FaultCode::UnknownLanguage)),
        });
    }
    Ok(parts.join("-"))
}

/// A number that a 64-bit float, and so every engine and client, holds exactly as written.
fn decimal(value: &Value) -> Result<Value, Faults> {
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(wrong("a number")),
    };
    let number: f64 = written.parse().map_err(|_| refuse(FaultCode::InvalidDecimal))?;
    let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = if mantissa.contains('.') { digits.trim_start_matches('0').len() } else { digits.trim_matches('0').len() };
    if !number.is_finite() || significant > 15 || number.abs() >= 1e15 || (number != 0.0 && number.abs() < 1e-12) {
        return Err(refuse(FaultCode::InvalidDecimal));
    }
    if number.fract() == 0.0 {
        #[allow(clippy::cast_possible_truncation, reason = "a whole number below 1e15")]
        return Ok((number as i64).into());
    }
    Ok(json!(number))
}

fn money(value: &Value) -> Result<Value, Faults> {
    let members = value.as_object().ok_or_else(|| wrong("an object with amount and currency"))?;
    let mut faults = Faults::default();
    for name in members.keys().filter(|name| !matches!(name.as_str(), "amount" | "currency")).take(Faults::MOST + 1) {
        let pointer = format!("/{}", crate::model::fault::pointer_token(name));
        faults.add(crate::model::fault::unknown(pointer, FaultCode::UnknownMember, name, ["amount", "currency"].into_iter()));
    }
    let amount = match members.get("amount") {
        None | Some(Value::Null) => faults.keep(Err(Fault::new("/amount", FaultCode::Required))),
        Some(amount) => {
            let fault = || Fault::new("/amount", FaultCode::WrongType).with("expected", "an integer in minor units");
            let bounded = |amount: i64| match amount {
                amount if amount > Money::MAX_AMOUNT => {
                    Err(Fault::new("/amount", FaultCode::TooLarge).with("max", Money::MAX_AMOUNT))
                }
                amount if amount < -Money::MAX_AMOUNT => {
                    Err(Fault::new("/amount", FaultCode::TooSmall).with("min", -Money::MAX_AMOUNT))
                }
                amount => Ok(amount),
            };
            // What does not even fit 64 bits is an integer all the same.
            let beyond = amount.is_u64().then_some(i64::MAX);
            faults.keep(amount.as_i64().or(beyond).ok_or_else(fault).and_then(bounded))
        }
    };
    let currency = match members.get("currency") {
        None | Some(Value::Null) => faults.keep(Err(Fault::new("/currency", FaultCode::Required))),
        Some(code) => faults.keep(
            code.as_str()
                .and_then(|code| code.trim().to_ascii_uppercase().parse::<Currency>().ok())
                .ok_or_else(|| Fault::new("/currency", FaultCode::UnknownCurrency)),
        ),
    };
    match (amount, currency) {
        (Some(amount), Some(currency)) => faults.into_result(json!({"amount": amount, "currency": currency.to_string()})),
        _ => Err(faults),
    }
}

/// A list whose items are each accepted; repeated items are refused.
pub(crate) fn list(value: &Value, max: usize, mut accept: impl FnMut(&Value) -> Result<Value, Faults>) -> Result<Value, Faults> {
    let items = value.as_array().ok_or_else(|| wrong("a list"))?;
    if items.len() > max {
        return Err(Fault::new("", FaultCode::TooMany).with("max", max).into());
    }
    let mut faults = Faults::default();
    let mut accepted = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        let pointer = format!("/{position}");
        match accept(item) {
            Ok(item) if accepted.contains(&item) => faults.add(Fault::new(pointer, FaultCode::Repeated)),
            Ok(item) => accepted.push(item),
            Err(found) => faults.extend(found.0.into_iter().map(|fault| fault.under(&pointer))),
        }
    }
    faults.into_result(Value::Array(accepted))
}

/// An object of known members, each accepted; for structures.
pub(crate) struct Members<'a> {
    members: &'a Map<String, Value>,
    pub faults: Faults,
    pub accepted: Map<String, Value>,
}

impl<'a> Members<'a> {
    pub fn of(value: &'a Value, known: &[&str]) -> Result<Members<'a>, Faults> {
        let members = value.as_object().ok_or_else(|| wrong("an object"))?;
        let mut faults = Faults::default();
        for name in members.keys().filter(|name| !known.contains(&name.as_str())).take(Faults::MOST + 1) {
            let pointer = format!("/{}", crate::model::fault::pointer_token(name));
            faults.add(crate::model::fault::unknown(pointer, FaultCode::UnknownMember, name, known.iter().copied()));
        }
        Ok(Members { members, faults, accepted: Map::new() })
    }

    /// An object whose members are these fields and no others, each taken.
    pub fn read(value: &'a Value, fields: &[Field], standards: &Standards<'_>) -> Result<Members<'a>, Faults> {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_ref()).collect();
        let mut members = Members::of(value, &known)?;
        for field in fields {
            members.take(field, standards);
        }
        Ok(members)
    }

    /// Takes one member by its field; null, absent and what says nothing are null.
    pub fn take(&mut self, field: &Field, standards: &Standards<'_>) {
        let said = |value: &&Value| !value.is_null() && (field.required || !is_nothing(field, value));
        let value = self.members.get(field.name.as_ref()).filter(said);
        let pointer = format!("/{}", field.name);
        let accepted = match value {
            None if field.required => {
                self.faults.add(Fault::new(pointer, FaultCode::Required));
                Value::Null
            }
            None => field.default.clone().unwrap_or(Value::Null),
            Some(value) => match accept(field, value, standards) {
                Ok(value) => value,
                Err(found) => {
                    self.faults.extend(found.0.into_iter().map(|fault| fault.under(&pointer)));
                    Value::Null
                }
            },
        };
        self.accepted.insert(field.name.to_string(), accepted);
    }

    pub fn finish(self) -> Result<Value, Faults> {
        self.faults.into_result(Value::Object(self.accepted))
    }
}
