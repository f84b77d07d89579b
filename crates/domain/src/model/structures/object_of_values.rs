//! Values by name: what fills in the parameters of something.

use serde_json::json;

use crate::model::{
    fault::{Fault, FaultCode},
    field::Structure,
    value::wrong,
};

/// How many values there are at most.
const MOST: usize = 50;
/// The longest that they are together, in bytes of JSON.
const LONGEST: usize = 32_768;

/// Values as filters write them, or lists of such, by name.
pub static VALUES: Structure = Structure {
    name: "values_by_name",
    accept: |value, _| {
        let members = value.as_object().ok_or_else(|| wrong("an object"))?;
        if members.len() > MOST {
            return Err(Fault::new("", FaultCode::TooMany).with("max", MOST).into());
        }
        if value.to_string().len() > LONGEST {
            return Err(Fault::new("", FaultCode::TooLong).with("max", LONGEST).into());
        }
        Ok(value.clone())
    },
    schema: || json!({"type": "object", "additionalProperties": true, "maxProperties": MOST}),
    ..Structure::PLAIN
};
