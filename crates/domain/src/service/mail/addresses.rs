//! Lists of e-mail addresses: whom a message goes to.

use serde_json::{Value, json};

use crate::model::{
    fault::{Fault, FaultCode, Faults},
    field::{Field, FieldType, Structure},
    value::{self, Standards, list},
};

/// How many addresses a message goes to at most, and how many copies.
pub const MOST: usize = 50;

/// E-mail addresses, each once.
pub static ADDRESSES: Structure = Structure {
    name: "mail_addresses",
    accept,
    schema: || json!({"type": "array", "maxItems": MOST, "items": {"type": "string", "format": "email"}}),
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| Ok(asked.to_lowercase()),
    search: |_| Vec::new(),
    link: None,
};

fn accept(addresses: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let address = Field::new(String::new(), FieldType::Email);
    let accepted = list(addresses, MOST, |item| value::accept(&address, item, standards))?;
    let mut faults = Faults::default();
    if let Some(addresses) = accepted.as_array() {
        for (place, address) in addresses.iter().enumerate() {
            if addresses[..place].contains(address) {
                faults.add(Fault::new(format!("/{place}"), FaultCode::Repeated));
            }
        }
    }
    faults.into_result(accepted)
}
