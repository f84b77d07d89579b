//! What placeholders in the texts of rules, macros and templates stand for: fields of the record, and of the records that it refers to.

use std::{borrow::Cow, collections::HashMap};

use farley_domain::{
    model::{
        cell::Cell,
        fault::{Fault, FaultCode, Faults, Language},
        field::{Choice, Field, FieldType, Op},
        object::{Object, Reach},
        operand::Operand,
        record::Record,
        recurring,
        template::{self, placeholders},
    },
    query::predicate::{
        Predicate,
        path::{End, Path, resolve},
    },
    values::time::Timestamp,
};
use farley_persistence::Reader;

use crate::{access::principal::Principal, http::problem::Problem};

/// Whom a text is for, and who writes it.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub principal: &'a Principal,
    pub now: Timestamp,
    /// The language of whoever reads it; that of the tenant, if it is not known.
    pub language: Option<&'a str>,
}

impl Words<'_> {
    /// A text about a record, with its placeholders filled in.
    pub fn fill(&self, reader: &mut Reader<'_>, record: &Record, text: &str) -> Result<String, Problem> {
        self.fill_with(reader, record, text, &[])
    }

    /// The same, where some placeholders stand for what no field holds.
    pub fn fill_with(
        &self,
        reader: &mut Reader<'_>,
        record: &Record,
        text: &str,
        given: &[(&str, Option<String>)],
    ) -> Result<String, Problem> {
        let mut values: HashMap<&str, Option<String>> = given.iter().cloned().collect();
        for name in placeholders(text) {
            if !values.contains_key(name) {
                values.insert(name, self.value_of(reader, record, name)?);
            }
        }
        Ok(template::fill(text, |name| values.get(name).cloned().flatten()))
    }

    fn value_of(&self, reader: &mut Reader<'_>, record: &Record, name: &str) -> Result<Option<String>, Problem> {
        let view = self.principal.view(self.now);
        let Ok(Path { steps, end: End::Field(field) }) =
            resolve(&self.principal.schema(record.object()), own(record.object(), name), &view)
        else {
            return Ok(None);
        };
        let mut at = Cow::Borrowed(record);
        for step in steps {
            let Reach::ToOne { field } = step.relation.reach else { return Ok(None) };
            let id = at.object().field(field).and_then(|field| at.cell(field).as_id());
            let (Some(id), Some(own)) = (id, recurring::ID.of(step.schema.object)) else { return Ok(None) };
            let within = Predicate::test(own, Op::Eq, Operand::Id(id)).and(step.rows);
            let Some(found) = reader.find(&step.schema, &view, &within, 1)?.pop() else { return Ok(None) };
            at = Cow::Owned(found);
        }
        Ok(self.shown(&field, &at))
    }

    /// A value as people read it.
    fn shown(&self, field: &Field, record: &Record) -> Option<String> {
        match (&*record.cell(field), &field.kind) {
            (Cell::Text(value), FieldType::Choice(choices)) => Some(self.label(choices, value)),
            (Cell::Text(text), _) => Some(text.clone()),
            (Cell::Boolean(true), _) => Some(self.in_language("yes", "是")),
            (Cell::Boolean(false), _) => Some(self.in_language("no", "否")),
            (Cell::Integer(number), _) => Some(number.to_string()),
            (Cell::Decimal(number), _) => Some(number.to_string()),
            (Cell::Date(date), _) => Some(date.to_string()),
            (Cell::Time(time), _) => {
                let zone = self.principal.standards(self.now).zone;
                Some(time.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
            }
            (Cell::Money(money), _) => Some(format!("{} {}", money.to_decimal_string(), money.currency.code())),
            (Cell::Json(value), kind) => {
                let items = value.as_array()?.iter().filter_map(|item| item.as_str());
                let items: Vec<String> = items
                    .map(|item| match kind {
                        FieldType::MultiChoice(choices) => self.label(choices, item),
                        _ => item.to_owned(),
                    })
                    .collect();
                Some(items.join(", "))
            }
            (Cell::Id(id), _) => Some(id.to_string()),
            (Cell::Unread | Cell::Null | Cell::Ids(_), _) => None,
        }
    }

    fn label(&self, choices: &[Choice], value: &str) -> String {
        let choice = choices.iter().find(|choice| choice.value == value);
        choice.map_or_else(|| value.to_owned(), |choice| self.in_language(&choice.label.en, &choice.label.zh))
    }

    fn in_language(&self, en: &str, zh: &str) -> String {
        match self.reads() {
            Language::English => en.to_owned(),
            Language::Chinese => zh.to_owned(),
        }
    }

    fn reads(&self) -> Language {
        let is_chinese = match self.language {
            Some(language) => language.split('-').next() == Some("zh"),
            None => matches!(self.principal.tenant.country.as_str(), "CN" | "HK" | "MO" | "TW"),
        };
        if is_chinese { Language::Chinese } else { Language::English }
    }
}

/// The name of a field as the object knows it: `ticket.number` is the number of the ticket itself.
fn own<'n>(object: &Object, name: &'n str) -> &'n str {
    let after = name.strip_prefix(object.name).and_then(|rest| rest.strip_prefix('.'));
    after.filter(|_| object.relations.iter().all(|relation| relation.name != object.name)).unwrap_or(name)
}

/// The faults of placeholders that stand for nothing, but for those that are `given` besides; `need` is told the objects that have to be
/// read to learn what the others stand for.
pub fn check(
    principal: &Principal,
    now: Timestamp,
    object: &'static Object,
    (pointer, text, given): (&str, &str, &[&str]),
    need: &mut dyn FnMut(&'static Object),
    faults: &mut Faults,
) {
    let view = principal.view(now);
    let schema = principal.schema(object);
    for name in placeholders(text).filter(|name| !given.contains(name)) {
        match resolve(&schema, own(object, name), &view) {
            Ok(Path { steps, end: End::Field(_) }) if steps.iter().all(|step| !step.relation.reach.is_to_many()) => {
                for step in steps {
                    need(step.schema.object);
                }
            }
            Ok(_) => {
                let fault = Fault::new(pointer, FaultCode::WrongType);
                faults.add(fault.with("expected", "a single-valued field, also of a related record"));
            }
            Err(miss) => faults.add(miss.fault(pointer, FaultCode::UnknownMember, name)),
        }
    }
}
