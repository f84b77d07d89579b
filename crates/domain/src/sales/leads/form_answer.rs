//! Answers to web forms: their inputs read, and what a lead has of them.

use serde_json::{Map, Value, json};

use super::{
    form::{Askable, CONSENT_INPUT, LeadForm},
    lead::Lead,
};
use crate::model::{
    cell::Cell,
    entity::Entity,
    fault::{Fault, FaultCode, Faults, unknown},
    field::{Field, FieldType},
    record::Record,
    structures::contact_points::ContactPoint,
    value::{self, Standards},
};

/// The inputs of an answer, by their names.
#[derive(Clone, Debug)]
pub struct Inputs {
    members: Map<String, Value>,
    /// Whether an HTML form says them, which knows texts alone and may say a thing several times.
    of_html: bool,
}

impl Inputs {
    #[must_use]
    pub fn of_json(members: Map<String, Value>) -> Inputs {
        Inputs { members, of_html: false }
    }

    /// Those of an HTML form: what is said several times is a list, and what is left blank is not said.
    #[must_use]
    pub fn of_html(pairs: Vec<(String, String)>) -> Inputs {
        let mut members: Map<String, Value> = Map::new();
        for (name, value) in pairs {
            let said = members.entry(name).or_insert(Value::Null);
            if value.trim().is_empty() {
                continue;
            }
            let value = Value::from(value);
            match said {
                Value::Null => *said = value,
                Value::Array(list) => {
                    list.retain(|other| *other != value);
                    list.push(value);
                }
                one => *one = if *one == value { value } else { json!([one.take(), value]) },
            }
        }
        Inputs { members, of_html: true }
    }

    /// The inputs as a text by which the same answer is known again.
    #[must_use]
    pub fn text(&self) -> String {
        let mut members: Vec<(&String, &Value)> = self.members.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        json!(members).to_string()
    }

    /// What an input says, if it says something.
    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|sent| !is_blank(sent))
    }

    /// The same where one thing is wanted: of several that an HTML form says, the last.
    fn one(&self, name: &str) -> Option<&Value> {
        match self.get(name) {
            Some(Value::Array(list)) if self.of_html => list.last(),
            said => said,
        }
    }
}

/// An answer to a form.
#[derive(Debug)]
pub struct Answered<'a> {
    /// What was said, with the path of its field.
    pub values: Vec<(String, &'a Field, Value)>,
    /// The UTM parameters of the visit, as they were said.
    pub utm: Option<Map<String, Value>>,
    pub consented: bool,
}

impl Answered<'_> {
    /// What a record is to have of it: of the values, those that `own` finds to be its own.
    #[must_use]
    pub fn record<E: Entity>(&self, own: impl Fn(&str) -> bool) -> (Record<E>, Map<String, Value>) {
        let mut record = Record::new(E::object());
        let mut custom = Map::new();
        for (_, field, value) in self.values.iter().filter(|(path, ..)| own(path)) {
            if field.is_custom() {
                custom.insert(field.name.to_string(), value.clone());
            } else {
                record.put(field, Cell::from_json(&field.kind, value).unwrap_or_else(|| Cell::Json(value.clone())));
            }
        }
        (record.into_entity(), custom)
    }

    /// What the lead is to have of it.
    #[must_use]
    pub fn lead(&self) -> Record<Lead> {
        let (mut lead, custom) = self.record::<Lead>(|_| true);
        if !custom.is_empty() {
            lead.set(Lead::custom, custom);
        }
        if let Some(utm) = &self.utm {
            // Kept as it was said: without the parameters that the visit did not have.
            lead.put(Lead::utm.field(), Cell::Json(Value::Object(utm.clone())));
        }
        lead
    }
}

/// Reads the inputs of an answer: unknown ones refused, every fault at once, each under the name of its input.
pub fn read<'a>(
    form: &Record<LeadForm>,
    askable: &'a dyn Askable,
    inputs: &Inputs,
    standards: &Standards<'_>,
) -> Result<Answered<'a>, Faults> {
    let mut faults = Faults::default();
    let consented = is_true(inputs.one(CONSENT_INPUT));
    let items = form.get(LeadForm::fields);
    let names = || items.iter().map(|item| item.name.as_str());
    let (honeypot, others) = (form.get(LeadForm::honeypot), askable.others());
    for name in inputs.members.keys() {
        if faults.is_full() {
            break;
        }
        let own = name == CONSENT_INPUT || others.contains(&name.as_str()) || honeypot == Some(name);
        if !own && !names().any(|known| known == name) {
            let pointer = format!("/{}", crate::model::fault::pointer_token(name));
            faults.add(unknown(pointer, FaultCode::UnknownMember, name, names()));
        }
    }
    let mut values = Vec::new();
    for item in &items {
        let pointer = format!("/{}", crate::model::fault::pointer_token(&item.name));
        // A custom field may have been retired since the form was made.
        let Some(field) = askable.field(&item.field) else { continue };
        let sent = if takes_list(field) { inputs.get(&item.name) } else { inputs.one(&item.name) };
        let Some(sent) = sent else {
            if item.required {
                faults.add(Fault::new(pointer, FaultCode::Required));
            }
            continue;
        };
        match value::accept(field, &typed(field, sent), standards) {
            Ok(value) => values.push((item.field.clone(), field, value)),
            Err(found) => {
                // Where in a list of one the fault is, no visitor asks.
                faults.extend(found.0.into_iter().map(|fault| Fault { pointer: pointer.clone(), ..fault }));
            }
        }
    }
    let utm = utm(inputs, others, &mut faults);
    if form.get(LeadForm::consent_required) && !form.is_null(LeadForm::consent_text) && !consented {
        faults.add(Fault::new(format!("/{CONSENT_INPUT}"), FaultCode::Required));
    }
    faults.into_result(Answered { values, utm, consented })
}

/// The UTM parameters among the inputs, by their names; none, if there is none.
fn utm(inputs: &Inputs, names: &[&str], faults: &mut Faults) -> Option<Map<String, Value>> {
    let mut utm = Map::new();
    for name in names.iter().copied() {
        match inputs.one(name) {
            None => {}
            Some(Value::String(text)) if !text.contains('\0') => {
                let text: String = crate::values::text::clean_line(text).chars().take(200).collect();
                utm.insert(name.trim_start_matches("utm_").to_owned(), text.into());
            }
            Some(_) => faults.add(Fault::new(format!("/{name}"), FaultCode::WrongType).with("expected", "a text")),
        }
    }
    (!utm.is_empty()).then_some(utm)
}

/// Whether several answers to one question make a list.
fn takes_list(field: &Field) -> bool {
    matches!(field.kind, FieldType::Structure(_) | FieldType::MultiChoice(_))
}

/// HTML forms know texts alone.
fn typed(field: &Field, sent: &Value) -> Value {
    let text = sent.as_str().map(str::trim);
    let several = || sent.as_array().map_or_else(|| std::slice::from_ref(sent), Vec::as_slice).iter();
    match (&field.kind, text) {
        (FieldType::Structure(_), _) => several().map(|sent| json!({"value": sent})).collect(),
        (FieldType::MultiChoice(_), _) => several().cloned().collect(),
        (FieldType::Integer { .. }, Some(text)) => text.parse::<i64>().map_or_else(|_| sent.clone(), Value::from),
        (FieldType::Boolean, _) => is_true(Some(sent)).into(),
        _ => sent.clone(),
    }
}

fn is_true(sent: Option<&Value>) -> bool {
    match sent {
        Some(Value::Bool(sent)) => *sent,
        Some(Value::String(text)) => matches!(text.trim().to_ascii_lowercase().as_str(), "on" | "true" | "1" | "yes"),
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

fn is_blank(sent: &Value) -> bool {
    match sent {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Whether the input that people do not see was filled in.
#[must_use]
pub fn is_machine(form: &Record<LeadForm>, inputs: &Inputs) -> bool {
    form.get(LeadForm::honeypot).and_then(|name| inputs.get(name)).is_some_and(|sent| sent != false)
}

/// A lead that is there with what another answer adds: values that it lacks, and what is said anew.
#[must_use]
pub fn added(lead: &Record<Lead>, answered: &Record<Lead>) -> Record<Lead> {
    let mut record = lead.clone();
    let own = answered.cells().filter(|(field, _)| field.kind != FieldType::Custom);
    for (field, cell) in own.filter(|(_, cell)| !matches!(cell, Cell::Unread | Cell::Null)) {
        if lead.cell(field).is_empty() {
            record.put(field, cell.clone());
        }
    }
    if let (Some(former), Some(text)) = (lead.get(Lead::description), answered.get(Lead::description))
        && !former.contains(text)
    {
        let joined: String = format!("{former}\n\n{text}").chars().take(20_000).collect();
        record.set(Lead::description, joined);
    }
    for points in [Lead::emails, Lead::phones] {
        let (former, more) = (lead.get(points), answered.get(points));
        if let Some(joined) = joined(former, more) {
            record.set(points, joined);
        }
    }
    let mut custom = lead.get(Lead::custom).clone();
    for (key, value) in answered.get(Lead::custom) {
        if custom.get(key).is_none_or(Value::is_null) {
            custom.insert(key.clone(), value.clone());
        }
    }
    if custom != *lead.get(Lead::custom) {
        record.set(Lead::custom, custom);
    }
    record
}

/// Numbers or addresses with the new ones among more of them; none, if there is nothing to join.
fn joined(mut former: Vec<ContactPoint>, more: Vec<ContactPoint>) -> Option<Vec<ContactPoint>> {
    let known = |point: &ContactPoint| former.iter().any(|known| known.value == point.value);
    let new: Vec<ContactPoint> = more.into_iter().filter(|point| !known(point)).collect();
    if former.is_empty() || new.is_empty() || former.len() + new.len() > 20 {
        return None;
    }
    former.extend(new.into_iter().map(|point| ContactPoint { primary: false, ..point }));
    Some(former)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(members: &Value) -> Record<Lead> {
        Record::from_json(Lead::object(), members).into_entity()
    }

    fn phone(value: &str, primary: bool) -> ContactPoint {
        ContactPoint { value: value.to_owned(), typed: None, label: None, primary }
    }

    #[test]
    fn html_forms_say_things_several_times_or_not_at_all() {
        let pairs = [("a", "1"), ("a", " "), ("a", "2"), ("a", "1"), ("b", ""), ("c", "x"), ("c", "x"), ("d", "0"), ("d", "on")];
        let inputs = Inputs::of_html(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        assert_eq!(Value::Object(inputs.members.clone()), json!({"a": ["2", "1"], "b": null, "c": "x", "d": ["0", "on"]}));
        assert_eq!((inputs.one("a"), inputs.one("b"), inputs.one("d")), (Some(&json!("1")), None, Some(&json!("on"))));
        // In JSON a list is a list.
        let Value::Object(members) = json!({"a": ["1"], "b": []}) else { unreachable!() };
        let inputs = Inputs::of_json(members);
        assert_eq!((inputs.one("a"), inputs.one("b")), (Some(&json!(["1"])), None));
    }

    #[test]
    fn an_answer_fills_what_is_missing_and_overwrites_nothing() {
        let former = json!({"name": "A", "company": null, "description": "first", "phones": [{"value": "+861", "primary": true}],
            "emails": [], "custom": {"tier": "gold"}});
        let answered = json!({"name": "B", "company": "Acme", "description": "second", "phones": [{"value": "+862", "primary": true}],
            "emails": [{"value": "a@b.cn"}], "custom": {"tier": "silver", "size": 3}});
        let lead = added(&lead(&former), &lead(&answered));
        assert_eq!((lead.get(Lead::name), lead.get(Lead::company)), (Some("A"), Some("Acme")));
        assert_eq!(lead.get(Lead::description), Some("first\n\nsecond"));
        assert_eq!(lead.get(Lead::emails), [phone("a@b.cn", false)]);
        assert_eq!(lead.get(Lead::phones), [phone("+861", true), phone("+862", false)]);
        assert_eq!(Value::Object(lead.get(Lead::custom).clone()), json!({"tier": "gold", "size": 3}));
    }
}
