//! What a filter compares with: typed as the field's type asks for, and in the standard form that values are stored in,
//! so that whoever asks for `138 0013 8000` finds `+8613800138000`.

use serde_json::Value;

use super::{MAX_VALUES, relative};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Op},
        operand::Operand,
        value::{self, Standards},
    },
    values::{
        money::Currency,
        text,
        time::{Timestamp, parse_date},
    },
};

/// A value as the client wrote it.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// In a JSON filter: must be of the right JSON type.
    Json(&'a Value),
    /// In a parameter: read from text.
    Text(&'a str),
}

impl<'a> Given<'a> {
    /// The text; characters that one of the engines cannot store are refused.
    pub fn text(self) -> Result<&'a str, Faults> {
        match self {
            Given::Json(value) => value::as_text(value),
            Given::Text(text) if text.contains('\0') => Err(refuse(FaultCode::InvalidCharacter)),
            Given::Text(text) => Ok(text),
        }
    }

    pub fn boolean(self) -> Result<bool, Faults> {
        let value = match self {
            Given::Json(value) => value.as_bool(),
            Given::Text(text) => text.parse().ok(),
        };
        value.ok_or_else(|| wrong("true or false"))
    }

    pub fn integer(self) -> Result<i64, Faults> {
        let value = match self {
            Given::Json(value) => value.as_i64(),
            Given::Text(text) => text.parse().ok(),
        };
        value.ok_or_else(|| wrong("an integer"))
    }
}

/// Whoever asks, where a user is meant.
pub const ME: &str = "me";
/// The object whose records are those who ask.
const USERS: &str = "user";

/// Reads the value that a field is compared with. Pointers of faults are relative to the value.
pub fn operand(field: &Field, op: Op, given: Given<'_>, standards: &Standards<'_>) -> Result<Operand, Faults> {
    match op {
        Op::Null => given.boolean().map(Operand::Boolean),
        Op::In | Op::Nin | Op::Any | Op::None => list(given, |item| scalar(field, op, item, standards)),
        Op::Contains | Op::Ncontains | Op::Starts | Op::Ends => Ok(part(&cleaned(field, given)?)),
        Op::Eq | Op::Ne | Op::Gt | Op::Gte | Op::Lt | Op::Lte => scalar(field, op, given, standards),
    }
}

/// The times from and to that the values of a comparison for equality mean, of which a plain day is many; none if each is one time.
pub(super) fn days(field: &Field, op: Op, given: Given<'_>, standards: &Standards<'_>) -> Option<Vec<(Operand, Operand)>> {
    if field.kind != FieldType::DateTime || !matches!(op, Op::Eq | Op::Ne | Op::In | Op::Nin) {
        return None;
    }
    let ends = |end: Op| {
        let read = |item: Given<'_>| time(end, item, standards);
        match if op.takes_list() { list(given, read) } else { read(given) } {
            Ok(Operand::List(times)) => Some(times),
            Ok(time) => Some(vec![time]),
            Err(_) => None,
        }
    };
    let (from, to) = (ends(Op::Gte)?, ends(Op::Lte)?);
    (from != to).then(|| from.into_iter().zip(to).collect())
}

/// What a text has to contain, begin or end with, folded; and, where that may be written otherwise, with the umlauts spelt out.
fn part(asked: &str) -> Operand {
    let (folded, spelt) = (text::fold(asked), text::fold_spelt(asked));
    let may_differ = folded != spelt || ["ae", "oe", "ue"].iter().any(|umlaut| folded.contains(umlaut));
    let folded = Operand::Text(folded);
    if may_differ { Operand::List(vec![folded, Operand::Text(spelt)]) } else { folded }
}

fn scalar(field: &Field, op: Op, given: Given<'_>, standards: &Standards<'_>) -> Result<Operand, Faults> {
    // What no record can ever have is a mistake rather than an empty answer; what is less or more than it is a fair question.
    let exactly = !matches!(op, Op::Gt | Op::Gte | Op::Lt | Op::Lte);
    match &field.kind {
        FieldType::Text { .. } if field.money().is_some() => {
            let currency = given.text()?.trim().to_ascii_uppercase().parse::<Currency>();
            currency.map(|currency| Operand::Text(currency.code().to_owned())).map_err(|_| refuse(FaultCode::UnknownCurrency))
        }
        FieldType::Integer { .. } if exactly => {
            let number = given.integer()?;
            value::accept(field, &number.into(), standards)?;
            Ok(Operand::Integer(number))
        }
        FieldType::Reference(target) if *target == USERS => user(given, standards),
        FieldType::References(link) if link.target == USERS => user(given, standards),
        FieldType::Id | FieldType::Reference(_) | FieldType::References(_) => id(given),
        FieldType::Text { .. } | FieldType::LongText { .. } | FieldType::Texts { .. } => cleaned(field, given).map(Operand::Text),
        // Of money it is the amount, in minor units.
        FieldType::Integer { .. } | FieldType::Money | FieldType::Count(_) => given.integer().map(Operand::Integer),
        FieldType::Decimal => decimal(field, given, standards),
        FieldType::Boolean => given.boolean().map(Operand::Boolean),
        FieldType::Date => date(given, standards),
        FieldType::DateTime => time(op, given, standards),
        FieldType::Choice(choices) if value::known_choice(choices, given.text()?).is_some() => {
            given.text().map(|known| Operand::Text(known.to_owned()))
        }
        FieldType::Choice(_) => {
            let choice = value::accept(field, &given.text()?.into(), standards)?;
            Ok(Operand::Text(value::as_text(&choice)?.to_owned()))
        }
        FieldType::MultiChoice(choices) => {
            scalar(&Field::new(field.name.clone(), FieldType::Choice(choices.clone())), op, given, standards)
        }
        FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode => match value::accept(field, &given.text()?.into(), standards) {
            Ok(Value::String(standard)) => Ok(Operand::Text(standard)),
            Err(faults) if exactly => Err(faults),
            // Part of an address or a number has no standard form.
            Ok(_) | Err(_) => cleaned(field, given).map(Operand::Text),
        },
        FieldType::Structure(structure) if structure.link.is_some() => id(given),
        FieldType::Structure(structure) => {
            let asked = cleaned(field, given)?;
            (structure.lookup_form)(&asked, standards).map(Operand::Text)
        }
        FieldType::Custom => Err(refuse(FaultCode::NotFilterable)),
    }
}

fn refuse(code: FaultCode) -> Faults {
    Fault::new("", code).into()
}

fn wrong(expected: &'static str) -> Faults {
    Fault::new("", FaultCode::WrongType).with("expected", expected).into()
}

/// Text cleaned as it was when it was stored.
fn cleaned(field: &Field, given: Given<'_>) -> Result<String, Faults> {
    let written = given.text()?;
    let is_long = matches!(field.kind, FieldType::LongText { .. });
    Ok(if is_long { text::clean_text(written) } else { text::clean_line(written) })
}

fn id(given: Given<'_>) -> Result<Operand, Faults> {
    given.text()?.parse().map(Operand::Id).map_err(|_| refuse(FaultCode::InvalidId))
}

/// The id of a user, or whoever asks.
fn user(given: Given<'_>, standards: &Standards<'_>) -> Result<Operand, Faults> {
    match (given.text()?, standards.user) {
        (ME, Some(user)) => Ok(Operand::Id(user)),
        _ => id(given),
    }
}

fn decimal(field: &Field, given: Given<'_>, standards: &Standards<'_>) -> Result<Operand, Faults> {
    let accepted = match given {
        Given::Json(number @ Value::Number(_)) => value::accept(field, number, standards)?,
        Given::Json(_) => return Err(wrong("a number")),
        Given::Text(text) => value::accept(field, &text.into(), standards)?,
    };
    accepted.as_f64().map(Operand::Decimal).ok_or_else(|| wrong("a number"))
}

fn date(given: Given<'_>, standards: &Standards<'_>) -> Result<Operand, Faults> {
    absolute_or_relative(
        given,
        |text| parse_date(text).map(Operand::Date),
        |text| relative::resolve_date(text, standards.now, standards.zone).map(Operand::Date),
        FaultCode::InvalidDate,
    )
}

/// A plain day is all of that day in the tenant's zone: what is at least or less than it is so of its first millisecond, what is
/// at most or greater of its last one.
fn time(op: Op, given: Given<'_>, standards: &Standards<'_>) -> Result<Operand, Faults> {
    let day = |text: &str| {
        let (first, last) = relative::day(parse_date(text)?, standards.zone)?;
        Some(if matches!(op, Op::Lte | Op::Gt) { last } else { first })
    };
    absolute_or_relative(
        given,
        |text| Timestamp::parse(text).or_else(|| day(text)).map(Operand::Time),
        |text| relative::resolve(text, standards.now, standards.zone).map(Operand::Time),
        FaultCode::InvalidTime,
    )
}

/// In JSON the two are told apart by form, in a parameter by what the text looks like.
fn absolute_or_relative(
    given: Given<'_>,
    absolute: impl Fn(&str) -> Option<Operand>,
    relative: impl Fn(&str) -> Option<Operand>,
    invalid: FaultCode,
) -> Result<Operand, Faults> {
    match given {
        Given::Json(Value::Object(members)) => match members.get("relative") {
            Some(text) if members.len() == 1 => {
                let fault = || Fault::new("/relative", FaultCode::InvalidRelativeTime).into();
                text.as_str().and_then(relative).ok_or_else(fault)
            }
            _ => Err(wrong("a text, or an object with the single member relative")),
        },
        Given::Json(value) => absolute(value::as_text(value)?).ok_or_else(|| refuse(invalid)),
        Given::Text(text) => {
            // A plus sign that the client did not percent-encode arrives as a space.
            let text = &text.replace(' ', "+");
            let is_relative = !text.starts_with(|first: char| first.is_ascii_digit());
            let fault = if is_relative { FaultCode::InvalidRelativeTime } else { invalid };
            absolute(text).or_else(|| relative(text)).ok_or_else(|| refuse(fault))
        }
    }
}

fn list(given: Given<'_>, read: impl Fn(Given<'_>) -> Result<Operand, Faults>) -> Result<Operand, Faults> {
    let results: Vec<Result<Operand, Faults>> = match given {
        Given::Json(Value::Array(items)) => {
            within(items.len())?;
            items.iter().map(|item| read(Given::Json(item))).collect()
        }
        Given::Json(_) => return Err(wrong("a list")),
        Given::Text(text) => {
            let items = split(text)?;
            within(items.len())?;
            items.iter().map(|item| read(Given::Text(item))).collect()
        }
    };
    let mut faults = Faults::default();
    let mut operands = Vec::with_capacity(results.len());
    for (position, result) in results.into_iter().enumerate() {
        match result {
            Ok(operand) => operands.push(operand),
            Err(found) => faults.extend(found.0.into_iter().map(|fault| fault.under(&format!("/{position}")))),
        }
    }
    faults.into_result(Operand::List(operands))
}

fn within(count: usize) -> Result<(), Faults> {
    if count > MAX_VALUES { Err(Fault::new("", FaultCode::TooMany).with("max", MAX_VALUES).into()) } else { Ok(()) }
}

/// The values of a list as a line of CSV: one with a comma stands in quotes, and a quote within those is doubled. No text at all is
/// no values.
pub(super) fn split(text: &str) -> Result<Vec<String>, Faults> {
    let mut values = Vec::new();
    let mut rest = Some(text).filter(|text| !text.is_empty());
    while let Some(line) = rest {
        let Some(quoted) = line.trim_start().strip_prefix('"') else {
            let (value, after) = line.split_once(',').map_or((line, None), |(value, after)| (value, Some(after)));
            values.push(value.to_owned());
            rest = after;
            continue;
        };
        let (value, after) = unquoted(quoted).ok_or_else(|| malformed("a quote is not closed"))?;
        values.push(value);
        rest = match after.trim_start() {
            "" => None,
            after => Some(after.strip_prefix(',').ok_or_else(|| malformed("a closing quote is followed by text"))?),
        };
    }
    Ok(values)
}

/// What stands before the closing quote, and after it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        let (part, after) = rest.split_once('"')?;
        value.push_str(part);
        let Some(more) = after.strip_prefix('"') else { return Some((value, after)) };
        value.push('"');
        rest = more;
    }
}

fn malformed(reason: &'static str) -> Faults {
    Fault::new("", FaultCode::Malformed).with("reason", reason).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{model::structures::contact_points::EMAILS, query::predicate::sample};

    fn json_operand(kind: FieldType, op: Op, value: &Value) -> Result<Operand, Faults> {
        operand(&Field::new("field", kind), op, Given::Json(value), &sample::standards())
    }

    fn text_operand(kind: FieldType, op: Op, text: &str) -> Result<Operand, Faults> {
        operand(&Field::new("field", kind), op, Given::Text(text), &sample::standards())
    }

    fn code(result: Result<Operand, Faults>) -> (String, &'static str) {
        let faults = result.unwrap_err();
        (faults.0[0].pointer.clone(), faults.0[0].code.as_str())
    }

    #[test]
    fn json_is_typed_and_parameters_are_read() {
        assert_eq!(json_operand(FieldType::Money, Op::Gte, &json!(5)), Ok(Operand::Integer(5)));
        assert_eq!(code(json_operand(FieldType::Money, Op::Gte, &json!("5"))), (String::new(), "wrong_type"));
        assert_eq!(text_operand(FieldType::Money, Op::Gte, "5"), Ok(Operand::Integer(5)));
        assert_eq!(text_operand(FieldType::Decimal, Op::Lt, "2.50"), Ok(Operand::Decimal(2.5)));
        assert_eq!(code(json_operand(FieldType::Boolean, Op::Eq, &Value::Null)), (String::new(), "wrong_type"));
        assert_eq!(text_operand(FieldType::Boolean, Op::Null, "true"), Ok(Operand::Boolean(true)));
        assert_eq!(code(text_operand(FieldType::Text { max: 9 }, Op::Eq, "a\0")), (String::new(), "invalid_character"));
    }

    #[test]
    fn a_user_may_be_whoever_asks() {
        let field = Field::new("owner_id", FieldType::Reference("user".into()));
        let (asked, of_nobody) = (sample::standards(), sample::standards().of_nobody());
        assert_eq!(operand(&field, Op::Eq, Given::Text("me"), &asked), Ok(Operand::Id(sample::id(9))));
        let list = operand(&field, Op::In, Given::Json(&json!(["me", sample::id(1).to_string()])), &asked);
        assert_eq!(list, Ok(Operand::List(vec![Operand::Id(sample::id(9)), Operand::Id(sample::id(1))])));
        assert_eq!(
            code(operand(&field, Op::Eq, Given::Text("me"), &of_nobody)).1,
            "invalid_id",
            "kept filters are asked for whoever"
        );
        let other = Field::new("team_id", FieldType::Reference("team".into()));
        assert_eq!(code(operand(&other, Op::Eq, Given::Text("me"), &asked)).1, "invalid_id");
    }

    #[test]
    fn times_may_be_relative() {
        let now = sample::standards().now;
        assert_eq!(json_operand(FieldType::DateTime, Op::Gte, &json!({"relative": "now"})), Ok(Operand::Time(now)));
        let tomorrow = Ok(Operand::Time(now.plus_seconds(86_400)));
        assert_eq!(text_operand(FieldType::DateTime, Op::Gte, "+1d"), tomorrow);
        assert_eq!(text_operand(FieldType::DateTime, Op::Gte, " 1d"), tomorrow);
        let date = Ok(Operand::Date(parse_date("2026-10-01").unwrap()));
        assert_eq!(text_operand(FieldType::Date, Op::Eq, "tomorrow"), date);
        assert_eq!(code(json_operand(FieldType::Date, Op::Eq, &json!("tomorrow"))), (String::new(), "invalid_date"));
        assert_eq!(
            code(json_operand(FieldType::Date, Op::Eq, &json!({"relative": 1}))),
            ("/relative".into(), "invalid_relative_time")
        );
        assert_eq!(
            code(json_operand(FieldType::Date, Op::Eq, &json!({"relative": "now", "x": 1}))),
            (String::new(), "wrong_type")
        );
        assert_eq!(code(text_operand(FieldType::Date, Op::Eq, "later")), (String::new(), "invalid_relative_time"));
        assert_eq!(code(text_operand(FieldType::DateTime, Op::Eq, "2026-13-01")), (String::new(), "invalid_time"));
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let texts = |items: &[&str]| Ok(Operand::List(items.iter().map(|item| Operand::Text((*item).into())).collect()));
        let kind = FieldType::Text { max: 9 };
        assert_eq!(text_operand(kind.clone(), Op::In, r#"a,"b,c",d\e"#), texts(&["a", "b,c", r"d\e"]));
        assert_eq!(
            text_operand(kind.clone(), Op::In, r#""Acme, ""Inc."" " , 3M,5" pipe"#),
            texts(&["Acme, \"Inc.\"", "3M", "5\" pipe"])
        );
        assert_eq!(text_operand(kind.clone(), Op::In, r#""""#), texts(&[""]));
        assert_eq!(code(text_operand(kind.clone(), Op::In, r#"a,"b"#)), (String::new(), "malformed"));
        assert_eq!(code(text_operand(kind.clone(), Op::In, r#""a"b"#)), (String::new(), "malformed"));
        assert_eq!(text_operand(kind.clone(), Op::In, "a,"), texts(&["a", ""]));
        assert_eq!(text_operand(kind.clone(), Op::In, ""), texts(&[]));
        assert_eq!(code(text_operand(FieldType::Id, Op::In, "x")), ("/0".into(), "invalid_id"));
        assert_eq!(code(text_operand(kind, Op::In, &",".repeat(MAX_VALUES))), (String::new(), "too_many"));
    }

    #[test]
    fn a_day_is_all_of_it() {
        let at = |text: &str| Ok(Operand::Time(Timestamp::parse(text).unwrap()));
        for op in [Op::Gte, Op::Lt] {
            assert_eq!(text_operand(FieldType::DateTime, op, "2017-03-01"), at("2017-02-28T16:00:00Z"));
        }
        for op in [Op::Gt, Op::Lte] {
            assert_eq!(json_operand(FieldType::DateTime, op, &json!("2017-03-01")), at("2017-03-01T15:59:59.999Z"));
        }
    }

    #[test]
    fn what_can_never_be_is_refused() {
        for (kind, text, fault) in [
            (FieldType::Email, "nobody", "invalid_email"),
            (FieldType::Phone, "138", "invalid_phone"),
            (FieldType::Country, "ZZ", "unknown_country"),
            (FieldType::TimeZone, "Mars", "unknown_time_zone"),
            (FieldType::Integer { min: 0, max: 100 }, "150", "too_large"),
            (FieldType::Structure(&EMAILS), "nobody", "invalid_email"),
        ] {
            let op = if kind.is_scalar() { Op::In } else { Op::Any };
            assert_eq!(code(text_operand(kind, op, text)), ("/0".into(), fault));
        }
        assert_eq!(text_operand(FieldType::Integer { min: 0, max: 100 }, Op::Lt, "150"), Ok(Operand::Integer(150)));
    }

    #[test]
    fn known_forms_become_standard_and_others_stay_as_written() {
        assert_eq!(text_operand(FieldType::Email, Op::Eq, "Li@Example.CN"), Ok(Operand::Text("li@example.cn".into())));
        assert_eq!(text_operand(FieldType::Phone, Op::Gte, "138"), Ok(Operand::Text("138".into())));
        assert_eq!(text_operand(FieldType::Email, Op::Contains, "@EXAMPLE"), Ok(Operand::Text("@example".into())));
        assert_eq!(text_operand(FieldType::Country, Op::Eq, "cn"), Ok(Operand::Text("CN".into())));
    }
}
