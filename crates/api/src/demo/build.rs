//! Records made as the API makes them: the body checked against the field table, the rules of the object applied.

use farley_domain::{
    model::{
        fault::Faults,
        input::Reader,
        object::Schema,
        record::{Draft, Record},
        recurring,
        value::Standards,
    },
    values::id::Id,
};
use serde_json::Value;

/// The record that a client's body would become.
pub fn record(schema: &Schema, standards: &Standards<'_>, id: Id, body: &Value) -> Result<Record, Faults> {
    let mut after = Reader { schema, standards, rule: &|_| None }.create(body)?;
    after.set(recurring::ID, id);
    let mut draft = Draft { schema, standards, before: None, after, faults: Faults::default(), user: None, now: standards.now };
    for rule in &schema.object.rules {
        rule.apply(&mut draft);
    }
    draft.faults.into_result(draft.after)
}
