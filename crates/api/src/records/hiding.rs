//! What a refusal tells of a record: nothing of the fields that are hidden from the caller, though rules look at all of them.

use farley_domain::model::{
    fault::{Fault, FaultCode},
    field::Field,
    record::Record,
};
use serde_json::Value;

use super::write::Writer;
use crate::http::problem::{Code, Problem};

/// The parameters of faults that may be values of the record.
const VALUES: [&str; 5] = ["min", "max", "until", "currency", "sum"];
/// Shorter values say nothing of where they come from: every other limit is 0 or 100.
const TELLING: usize = 4;

impl Writer {
    /// The problem as the caller may hear it: a fault at a hidden field says that there is one, and no more; one that names the value
    /// of a hidden field of the record does not name it.
    #[must_use]
    pub fn unhidden(&self, problem: Problem, before: Option<&Record>) -> Problem {
        if problem.faults.is_empty() {
            return problem;
        }
        let (schema, object) = (self.schema(), self.object);
        let hidden: Vec<&Field> = schema.fields().filter(|field| !self.principal.asker.sees(object, field)).collect();
        if hidden.is_empty() {
            return problem;
        }
        let mut values = Vec::new();
        if let Some(before) = before {
            hidden.iter().for_each(|field| texts(&before.json(field), &mut values));
        }
        let names_hidden = |fault: &Fault| hidden.iter().any(|field| is_at(fault, field));
        let tells_value = |fault: &Fault| {
            fault.parameters.iter().any(|(name, value)| VALUES.contains(name) && values.iter().any(|hidden| hidden == value))
        };
        let (mut problem, mut at_hidden) = (problem, false);
        let mut faults = Vec::new();
        for fault in std::mem::take(&mut problem.faults.0) {
            if names_hidden(&fault) {
                at_hidden = true;
            } else if tells_value(&fault) {
                faults.push(Fault::new(fault.pointer, FaultCode::HiddenField));
            } else {
                faults.push(fault);
            }
        }
        if at_hidden {
            faults.push(Fault::new("", FaultCode::HiddenField));
        }
        problem.faults.0 = faults;
        if at_hidden && problem.code == Code::Duplicate { problem.without_members() } else { problem }
    }
}

/// Whether a fault is at a field, or at a part of its value.
fn is_at(fault: &Fault, field: &Field) -> bool {
    let at = format!("/{}", field.path().replace('.', "/"));
    fault.pointer.strip_prefix(&at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The texts that a value is told by.
fn texts(value: &Value, told: &mut Vec<String>) {
    let text = match value {
        Value::Null | Value::Bool(_) => return,
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => return items.iter().for_each(|item| texts(item, told)),
        Value::Object(members) => return members.values().for_each(|member| texts(member, told)),
    };
    told.extend(Some(text).filter(|text| text.chars().count() >= TELLING));
}
