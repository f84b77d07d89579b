//! Predicates kept in records (exit rules, assignment rules …): checked when they are written, answered in memory.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        field::{Field, Storage},
        object::{Object, Relation, Schema},
        record::Record,
        registry,
        value::Standards,
    },
    query::predicate::{Predicate, View, evaluate, parse},
    values::time::Timestamp,
};
use serde_json::Value;

use super::behaviour::Writing;
use crate::{access::principal::Principal, http::problem::Problem};

/// A predicate in a field of a record must be one over the own fields of an object: it is asked before that is stored.
pub fn check<E>(writing: &Writing<'_, E>, record: &Record<E>, name: &str, object: &'static Object) -> Result<(), Problem> {
    let Some(field) = record.object().field(name) else { return Ok(()) };
    let cell = record.cell(field);
    let Some(filter) = cell.as_json().filter(|_| writing.before.is_none_or(|before| before.cell(field) != cell)) else {
        return Ok(());
    };
    let view = writing.principal.view(writing.now).of_nobody().without_segments();
    let predicate = parse::from_json(object, filter, &view).map_err(|faults| faults.under(&format!("/{name}")))?;
    if asks_beyond(&predicate) {
        let fault = Fault::new(format!("/{name}"), FaultCode::WrongType);
        return Err(fault.with("expected", format!("a filter on the {}'s own fields", object.name)).into());
    }
    Ok(())
}

/// Whether a record alone does not answer a predicate: by relations, search, or links that are kept beside it.
#[must_use]
pub fn asks_beyond(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().any(asks_beyond),
        Predicate::Not(part) | Predicate::Now(part) => asks_beyond(part),
        Predicate::Related(_) | Predicate::Count(_) | Predicate::Matches(_) => true,
        Predicate::Test(test) => test.field.storage == Storage::Computed,
        Predicate::Archived(_) => false,
    }
}

/// Whether a record meets a predicate, whoever acts. A field of it may have been retired since: then nothing can meet it, and it
/// must be mended.
#[must_use]
pub fn meets(principal: &Principal, now: Timestamp, object: &'static Object, filter: &Value, record: &Record) -> bool {
    let predicate = parse::from_json(object, filter, &Everything { principal, now }).unwrap_or_else(|_| Predicate::nothing());
    evaluate::meets(&predicate, object, record, &Alone { principal })
}

/// A view that restricts nothing but knows the tenant's own fields: for rules, which hold whoever acts.
struct Everything<'a> {
    principal: &'a Principal,
    now: Timestamp,
}

impl View for Everything<'_> {
    fn schema(&self, object: &str) -> Option<Schema> {
        registry::object(object).map(|object| self.principal.schema(object))
    }

    fn rows(&self, _: &'static Object) -> Option<Predicate> {
        Some(Predicate::all())
    }

    fn sees(&self, _: &'static Object, _: &Field) -> bool {
        true
    }

    fn standards(&self) -> Standards<'_> {
        self.principal.standards(self.now).of_nobody()
    }
}

/// A record without those around it.
struct Alone<'a> {
    principal: &'a Principal,
}

impl evaluate::World for Alone<'_> {
    fn related(&self, _: &'static Object, _: &Record, _: &Relation) -> Vec<std::sync::Arc<Record>> {
        Vec::new()
    }

    fn schema(&self, object: &'static Object) -> Schema {
        self.principal.schema(object)
    }
}
