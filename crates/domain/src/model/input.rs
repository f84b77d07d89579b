//! What a client sends to create or change a record, checked against the field table: every fault at once, unknown
//! members never ignored.

use std::{borrow::Cow, marker::PhantomData};

use serde_json::{Map, Value};

use crate::model::{
    cell::Cell,
    fault::{Fault, FaultCode, Faults, pointer_token, unknown},
    field::{Choice, Field, FieldType, Writable},
    field_rule::FieldRule,
    handle::{FieldValue, Handle},
    object::Schema,
    record::Record,
    recurring,
    structures::contact_points,
    value::{self, Standards},
};

/// The members of a body that Farley itself makes for a record of `E`.
#[derive(Clone, Debug)]
pub struct Members<E> {
    members: Map<String, Value>,
    entity: PhantomData<fn() -> E>,
}

/// A body without members yet.
#[must_use]
pub fn members<E>() -> Members<E> {
    Members { members: Map::new(), entity: PhantomData }
}

impl<E> Members<E> {
    #[must_use]
    pub fn with<T: FieldValue>(mut self, handle: Handle<E, T>, value: impl Into<T>) -> Members<E> {
        self.members.insert(handle.name().to_owned(), value.into().write().to_json());
        self
    }

    /// Takes over what another record has in one of its fields, unless that is null.
    #[must_use]
    pub fn copy<F, T, U>(mut self, handle: Handle<E, T>, from: &Record<F>, of: Handle<F, U>) -> Members<E>
    where
        T: FieldValue,
        U: FieldValue<Single = T::Single>,
    {
        let cell = from.cell_of(of);
        if !cell.is_null() {
            let field = from.cells().map(|(field, _)| field).find(|field| field.name == of.name());
            let value = field.map_or_else(|| cell.to_json(), |field| as_sent(field, cell));
            self.members.insert(handle.name().to_owned(), value);
        }
        self
    }

    /// Leaves out what is not to be.
    #[must_use]
    pub fn retain(mut self, keep: impl Fn(&str) -> bool) -> Members<E> {
        self.members.retain(|name, _| keep(name));
        self
    }

    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.members
    }

    #[must_use]
    pub fn into_json(self) -> Value {
        Value::Object(self.members)
    }
}

/// The members of a record that have values, as a client would send them.
#[must_use]
pub fn body_of<E>(record: &Record<E>) -> Value {
    let given = record.cells().filter(|(_, cell)| !matches!(cell, Cell::Unread | Cell::Null));
    Value::Object(given.map(|(field, cell)| (field.name.to_string(), as_sent(field, cell))).collect())
}

/// A value as a client would send it.
fn as_sent(field: &Field, cell: &Cell) -> Value {
    let value = cell.to_json();
    match &field.kind {
        FieldType::Structure(structure) => contact_points::as_sent(structure, value),
        _ => value,
    }
}

/// How a client's body is read.
pub struct Reader<'a> {
    pub schema: &'a Schema,
    pub standards: &'a Standards<'a>,
    /// What the writer's roles say of a field.
    pub rule: &'a dyn Fn(&Field) -> Option<FieldRule>,
}

impl Reader<'_> {
    /// A new record: defaults where nothing is given, required fields demanded.
    pub fn create(&self, body: &Value) -> Result<Record, Faults> {
        let mut faults = Faults::default();
        let mut record = Record::with_defaults(self.schema.object);
        self.merge(&mut record, body, true, &mut faults);
        for field in self.schema.fields().filter(|field| field.required && field.writable != Writable::Never) {
            if record.cell(field).is_null() {
                let pointer = pointer(field);
                if !faults.0.iter().any(|fault| fault.pointer.starts_with(&pointer)) {
                    faults.add(Fault::new(pointer, FaultCode::Required));
                }
            }
        }
        faults.into_result(record)
    }

    /// A JSON merge patch (RFC 7396): absent keeps, null clears, objects merge, lists are replaced.
    pub fn patch(&self, before: &Record, body: &Value) -> Result<Record, Faults> {
        let mut faults = Faults::default();
        let mut record = before.clone();
        self.merge(&mut record, body, false, &mut faults);
        faults.into_result(record)
    }

    fn merge(&self, record: &mut Record, body: &Value, creating: bool, faults: &mut Faults) {
        let Some(members) = body.as_object() else {
            faults.add(Fault::new("", FaultCode::WrongType).with("expected", "an object"));
            return;
        };
        for (name, sent) in members {
            if faults.is_full() {
                break;
            }
            let Some(field) = self.schema.object.field(name).filter(|field| self.is_known(field)) else {
                let known = self.schema.object.fields.iter().filter(|field| self.is_known(field));
                let pointer = format!("/{}", pointer_token(name));
                if !creating && self.schema.object.made_with == Some(name.as_str()) {
                    // Parts have endpoints of their own once there is something they are parts of.
                    faults.add(Fault::new(pointer, FaultCode::CreateOnly));
                    continue;
                }
                faults.add(unknown(pointer, FaultCode::UnknownMember, name, known.map(|field| field.name.as_ref())));
                continue;
            };
            if field.kind == FieldType::Custom {
                self.merge_custom(record, sent, creating, faults);
            } else if let Some(value) = self.member(field, &record.json(field), sent, creating, faults) {
                record.put(field, Cell::from_json(&field.kind, &value).unwrap_or(Cell::Json(value)));
            }
        }
    }

    fn merge_custom(&self, record: &mut Record, sent: &Value, creating: bool, faults: &mut Faults) {
        let mut custom = record.custom().clone();
        match sent {
            // Clears what the writer sees; what is hidden from them is not theirs to clear.
            Value::Null => {
                for field in self.schema.custom.iter().filter(|field| self.is_known(field)) {
                    let Some(current) = custom.get(field.name.as_ref()).cloned() else { continue };
                    if self.member(field, &current, &Value::Null, creating, faults).is_some() {
                        custom.shift_remove(field.name.as_ref());
                    }
                }
            }
            Value::Object(members) => {
                for (key, sent) in members {
                    if faults.is_full() {
                        break;
                    }
                    let found = self.schema.custom.iter().find(|field| field.name == *key && self.is_known(field));
                    let Some(field) = found else {
                        let known = self.schema.custom.iter().filter(|field| self.is_known(field));
                        let pointer = format!("{}/{}", recurring::CUSTOM.pointer(), pointer_token(key));
                        faults.add(unknown(pointer, FaultCode::UnknownMember, key, known.map(|field| field.name.as_ref())));
                        continue;
                    };
                    let current = custom.get(key).cloned().unwrap_or(Value::Null);
                    match self.member(field, &current, sent, creating, faults) {
                        Some(Value::Null) => drop(custom.shift_remove(key)),
                        Some(value) => drop(custom.insert(key.clone(), value)),
                        None => {}
                    }
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                faults.add(Fault::new(recurring::CUSTOM.pointer(), FaultCode::WrongType).with("expected", "an object"));
            }
        }
        record.set(recurring::CUSTOM, custom);
    }

    /// Hidden fields are as if they did not exist.
    fn is_known(&self, field: &Field) -> bool {
        (self.rule)(field) != Some(FieldRule::Hidden)
    }

    /// The new value of one field; none if it is at fault.
    fn member(&self, field: &Field, current: &Value, sent: &Value, creating: bool, faults: &mut Faults) -> Option<Value> {
        let pointer = pointer(field);
        let refusal = match field.writable {
            Writable::Never => Some(FaultCode::ReadOnly),
            Writable::OnCreate if !creating => Some(FaultCode::CreateOnly),
            Writable::OnCreate | Writable::Always => match (self.rule)(field) {
                Some(FieldRule::ReadOnly) => Some(FaultCode::NotPermitted),
                Some(FieldRule::Hidden) | None => None,
            },
        };
        if let Some(code) = refusal {
            // Sending back what is there changes nothing, and is what clients do that read, edit and write.
            if !creating && is_same(field, current, sent) {
                return None;
            }
            faults.add(Fault::new(pointer, code));
            return None;
        }
        if sent.is_null() || (!field.required && value::is_nothing(field, sent)) {
            if field.required {
                faults.add(Fault::new(pointer, FaultCode::Required));
                return None;
            }
            // A list or an object that is cleared is empty; a flag and a choice with a default return to it.
            return Some(field.default.clone().unwrap_or(Value::Null));
        }
        let whole = match (&field.kind, sent, current) {
            (FieldType::Money, Value::Object(patch), Value::Object(current)) => merged(current, patch),
            (FieldType::Structure(structure), Value::Object(patch), Value::Object(current)) if structure.merges() => {
                merged(current, patch)
            }
            (_, sent, _) => sent.clone(),
        };
        match value::accept(&keeping(field, current), &whole, self.standards) {
            Ok(mut value) => {
                if let FieldType::Structure(structure) = &field.kind {
                    contact_points::keep_typed(structure, current, &mut value);
                }
                Some(value)
            }
            Err(found) => {
                faults.extend(found.0.into_iter().map(|fault| fault.under(&pointer)));
                None
            }
        }
    }
}

/// Whether what is sent says what is there: times also in another notation.
fn is_same(field: &Field, current: &Value, sent: &Value) -> bool {
    let cell = |value: &Value| Cell::from_json(&field.kind, value);
    sent == current || cell(sent).is_some_and(|sent| cell(current) == Some(sent))
}

/// The field as it takes values of a record: one that the record has may stay, also if its choice has been retired since.
fn keeping<'f>(field: &'f Field, current: &Value) -> Cow<'f, Field> {
    let has = |choice: &Choice| {
        let is = |value: &Value| value.as_str() == Some(choice.value.as_ref());
        is(current) || current.as_array().is_some_and(|items| items.iter().any(is))
    };
    let kept = |choices: &[Choice]| {
        choices.iter().cloned().map(|choice| Choice { retired: choice.retired && !has(&choice), ..choice }).collect()
    };
    let kind = match &field.kind {
        FieldType::Choice(choices) if choices.iter().any(|choice| choice.retired) => FieldType::Choice(kept(choices)),
        FieldType::MultiChoice(choices) if choices.iter().any(|choice| choice.retired) => FieldType::MultiChoice(kept(choices)),
        _ => return Cow::Borrowed(field),
    };
    Cow::Owned(Field { kind, ..field.clone() })
}

fn pointer(field: &Field) -> String {
    if field.is_custom() { format!("{}/{}", recurring::CUSTOM.pointer(), field.name) } else { format!("/{}", field.name) }
}

fn merged(current: &Map<String, Value>, patch: &Map<String, Value>) -> Value {
    let mut merged = current.clone();
    for (name, value) in patch {
        merged.insert(name.clone(), value.clone());
    }
    Value::Object(merged)
}

/// Reads the body of an action against a few fields of its own: unknown members refused, every fault at once.
pub fn form(fields: &[Field], body: &Value, standards: &Standards<'_>) -> Result<Map<String, Value>, Faults> {
    let known: Vec<&str> = fields.iter().map(|field| field.name.as_ref()).collect();
    let mut members = value::Members::of(body, &known)?;
    for field in fields {
        members.take(field, standards);
    }
    let faults = std::mem::take(&mut members.faults);
    faults.into_result(members.accepted)
}

/// Reads parameters against a few fields of their own, each from its text: unknown ones refused, every fault at once. A list is
/// separated by commas, a structure written as JSON.
pub fn parameters(
    fields: &[Field],
    written: &[(String, String)],
    standards: &Standards<'_>,
) -> Result<Map<String, Value>, Faults> {
    let (body, mut faults) = body_of_parameters(fields, written);
    let told: Vec<String> = faults.0.iter().map(|fault| fault.pointer.clone()).collect();
    match form(fields, &Value::Object(body), standards) {
        Ok(read) => faults.into_result(read),
        Err(found) => {
            // The items of a list have no places of their own in a parameter, nor have the members of a structure.
            let found = found.0.into_iter().map(|fault| {
                let name = fault.pointer.split('/').nth(1).unwrap_or_default().to_owned();
                Fault { pointer: name, ..fault }
            });
            for fault in found {
                if !told.contains(&fault.pointer) && !faults.0.contains(&fault) {
                    faults.add(fault);
                }
            }
            Err(faults)
        }
    }
}

/// What parameters write, as the members of a body that says the same.
pub fn written(fields: &[Field], written: &[(String, String)]) -> Result<Map<String, Value>, Faults> {
    let (body, faults) = body_of_parameters(fields, written);
    faults.into_result(body)
}

fn body_of_parameters(fields: &[Field], written: &[(String, String)]) -> (Map<String, Value>, Faults) {
    let mut faults = Faults::default();
    let mut body = Map::new();
    for (name, text) in written {
        let Some(field) = fields.iter().find(|field| field.name == *name) else {
            let known = fields.iter().map(|field| field.name.as_ref());
            faults.add(unknown(name.clone(), FaultCode::UnknownParameter, name, known));
            continue;
        };
        if body.contains_key(name) {
            faults.add(Fault::new(name, FaultCode::DuplicateParameter));
            continue;
        }
        body.insert(name.clone(), faults.keep(from_text(field, text)).unwrap_or(Value::Null));
    }
    (body, faults)
}

/// The value that a parameter writes, as JSON; what is at fault in it is found when it is accepted.
fn from_text(field: &Field, text: &str) -> Result<Value, Fault> {
    match &field.kind {
        FieldType::Boolean => Ok(text.parse::<bool>().map_or_else(|_| text.into(), Value::from)),
        FieldType::Integer { .. } => Ok(text.parse::<i64>().map_or_else(|_| text.into(), Value::from)),
        FieldType::Texts { .. } | FieldType::References(_) | FieldType::MultiChoice(_) => {
            Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
        }
        FieldType::Structure(_) => crate::values::json::read(text.as_bytes())
            .map_err(|error| Fault::new(field.name.as_ref(), FaultCode::Malformed).with("reason", error)),
        FieldType::Id
        | FieldType::Text { .. }
        | FieldType::LongText { .. }
        | FieldType::Decimal
        | FieldType::Money
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Choice(_)
        | FieldType::Reference(_)
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode
        | FieldType::Custom
        | FieldType::Count(_) => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_read_by_their_fields() {
        let fields = [
            Field::new("limit", FieldType::Integer { min: 1, max: 200 }).default(50),
            Field::new("objects", FieldType::Texts { max_items: 2 }),
            Field::new("q", FieldType::LongText { max: 5 }).required(),
            Field::new("dry", FieldType::Boolean),
        ];
        let standards = crate::query::predicate::sample::standards();
        let read = |written: &[(&str, &str)]| {
            let written: Vec<_> = written.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            parameters(&fields, &written, &standards)
        };
        let faults = |written: &[(&str, &str)]| -> Vec<(String, &'static str)> {
            let faults = read(written).unwrap_err().0.into_iter();
            faults.map(|fault| (fault.pointer, fault.code.as_str())).collect()
        };
        let told = |name: &str, code: &'static str| (name.to_owned(), code);
        let given = read(&[("q", "x"), ("objects", "a, b,"), ("dry", "true")]).unwrap();
        assert_eq!(Value::Object(given), json!({"limit": 50, "objects": ["a", "b"], "q": "x", "dry": true}));
        assert_eq!(faults(&[("limti", "5")]), [told("limti", "unknown_parameter"), told("q", "required")]);
        assert_eq!(faults(&[("q", "a"), ("q", "b")]), [told("q", "duplicate_parameter")]);
        assert_eq!(
            faults(&[("q", "too long"), ("limit", "ten"), ("dry", "yes")]),
            [told("limit", "wrong_type"), told("q", "too_long"), told("dry", "wrong_type")]
        );
        assert_eq!(faults(&[("q", "x"), ("limit", "0")]), [told("limit", "too_small")]);
        assert_eq!(faults(&[("q", "x"), ("objects", "a,b,c")]), [told("objects", "too_many")]);
    }
}
