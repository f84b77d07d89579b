//! A predicate kept in a record: of a rule, a stage, a segment. It is checked against its object where it is used.

use serde_json::{Value, json};

use crate::model::{
    fault::Faults,
    field::Structure,
    value::{Standards, wrong},
};

pub static FILTER: Structure =
    Structure { name: "filter", accept, schema: || json!({"$ref": "#/components/schemas/Filter"}), ..Structure::PLAIN };

fn accept(value: &Value, _: &Standards<'_>) -> Result<Value, Faults> {
    if value.is_object() { Ok(value.clone()) } else { Err(wrong("an object")) }
}
