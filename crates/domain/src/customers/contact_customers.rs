//! At which customers a contact works, and what part they play in a buying decision there.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    choices,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Link, Structure},
        recurring::CUSTOMER_ID,
        structures::contact_points::primary_first,
        value::{Members, Standards, list},
    },
    values::id::Id,
};

choices! {
    /// The part a contact plays in the buying decision.
    pub enum BuyingRole {
        DecisionMaker "decision_maker" "Decision maker" "决策者",
        Influencer "influencer" "Influencer" "影响者",
        Champion "champion" "Champion" "支持者",
        Buyer "buyer" "Buyer" "采购者",
        User "user" "User" "使用者",
        Gatekeeper "gatekeeper" "Gatekeeper" "把关者",
        Other "other" "Other" "其他",
    }
}

/// One customer of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCustomer {
    pub customer_id: Id,
    /// Job title at this customer.
    pub role: Option<String>,
    pub buying_role: Option<BuyingRole>,
    #[serde(default)]
    pub primary: bool,
}

crate::structures! { ContactCustomer }

/// The customers a contact works at.
pub static CONTACT_CUSTOMERS_LINK: Link =
    Link { table: "contact_customers", from: "contact_id", to: "customer_id", target: "customer", shared: false };

pub static CONTACT_CUSTOMERS: Structure = Structure {
    name: "contact_customers",
    accept,
    schema,
    lookups: |value| {
        value.as_array().into_iter().flatten().filter_map(|item| item["customer_id"].as_str()).map(str::to_owned).collect()
    },
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: Some(&CONTACT_CUSTOMERS_LINK),
};

static FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("customer_id", FieldType::Reference("customer".into())).required(),
        Field::new("role", FieldType::Text { max: 100 }),
        Field::new("buying_role", FieldType::Choice(BuyingRole::choices().into())),
        Field::new("primary", FieldType::Boolean).default(false),
    ]
});

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let accepted = list(value, 50, |item| Members::read(item, &*FIELDS, standards)?.finish())?;
    let mut faults = Faults::default();
    let mut seen = Vec::new();
    for (position, item) in accepted.as_array().into_iter().flatten().enumerate() {
        let customer = &item[CUSTOMER_ID.name()];
        if seen.contains(&customer) {
            faults.add(Fault::new(format!("/{position}{}", CUSTOMER_ID.pointer()), FaultCode::Repeated));
        }
        seen.push(customer);
    }
    faults.into_result(())?;
    primary_first(accepted)
}

fn schema() -> Value {
    let buying_roles: Vec<Value> =
        BuyingRole::choices().iter().map(|choice| Value::from(choice.value.as_ref())).chain([Value::Null]).collect();
    json!({
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "required": [CUSTOMER_ID.name()],
            "additionalProperties": false,
            "properties": {
                (CUSTOMER_ID.name()): {"type": "string", "format": "uuid", "description": "The customer."},
                "role": {"type": ["string", "null"], "maxLength": 100, "description": "Job title at this customer.", "examples": ["采购经理"]},
                "buying_role": {"type": ["string", "null"], "enum": buying_roles, "description": "The role in the buying decision."},
                "primary": {"type": "boolean", "description": "Whether this is the primary customer. Defaults to the first in the list."}
            }
        }
    })
}
