//! What a lead gives to the customer, the contact and the opportunity it becomes.

use serde_json::{Map, Value, json};

use crate::model::{
    field::Structure,
    object::Shape,
    record::Record,
    value::{Standards, wrong},
};

/// Members of a record that is to be made of the lead, over those that the lead gives. They are checked when it is made.
pub static PART: Structure = Structure {
    name: "part",
    accept: |value, _: &Standards<'_>| if value.is_object() { Ok(value.clone()) } else { Err(wrong("an object")) },
    schema: || json!({"type": ["object", "null"]}),
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| asked.to_owned(),
    search: |_| Vec::new(),
    link: None,
};

/// What the makers of the three parts may know: relations that the caller may read, and the tenant's own fields.
pub struct Maker<'a> {
    pub lead: &'a Record,
    /// The lead as the tenant declares it.
    pub shape: &'a Shape,
    /// Which objects the caller may refer to.
    pub may_name: &'a dyn Fn(&str) -> bool,
}

impl Maker<'_> {
    /// The customer: the company, or the person where there is none. A contact takes the person's numbers along.
    #[must_use]
    pub fn customer(&self, shape: &Shape, with_contact: bool) -> Map<String, Value> {
        let is_company = !self.lead.get("company").is_null();
        let mut body = self.common(shape, &["industry", "source", "region", "website", "addresses"]);
        body.insert("kind".to_owned(), if is_company { "organization" } else { "person" }.into());
        let name = if is_company { self.lead.get("company") } else { self.person() };
        body.insert("name".to_owned(), name.clone());
        if !(is_company && with_contact) {
            self.copy(&mut body, &["emails", "phones"]);
        }
        body
    }

    #[must_use]
    pub fn contact(&self, shape: &Shape, customer: &Value) -> Map<String, Value> {
        let mut body = self.common(shape, &["source", "emails", "phones"]);
        body.insert("name".to_owned(), self.person().clone());
        let role = self.lead.get("job_title");
        body.insert("customers".to_owned(), json!([{"customer_id": customer, "role": role, "primary": true}]));
        body
    }

    /// The opportunity is worth what they want to spend at most, until somebody knows better.
    #[must_use]
    pub fn opportunity(&self, shape: &Shape, customer: &Value, contact: &Value) -> Map<String, Value> {
        let mut body = self.common(shape, &["name", "source", "description"]);
        body.insert("customer_id".to_owned(), customer.clone());
        if !contact.is_null() {
            body.insert("contacts".to_owned(), json!([{"contact_id": contact, "primary": true}]));
        }
        let budget = [self.lead.get("budget_max"), self.lead.get("budget_min")].into_iter().find(|budget| !budget.is_null());
        if let Some(budget) = budget {
            body.insert("amount".to_owned(), budget.clone());
        }
        if (self.may_name)("campaign") {
            self.copy(&mut body, &["campaign_id"]);
        }
        body
    }

    /// The person who asks, or else what the lead is called.
    fn person(&self) -> &Value {
        let person = self.lead.get("person_name");
        if person.is_null() { self.lead.get("name") } else { person }
    }

    fn copy(&self, body: &mut Map<String, Value>, names: &[&str]) {
        for name in names {
            let value = self.lead.get(name);
            if !value.is_null() {
                body.insert((*name).to_owned(), value.clone());
            }
        }
    }

    /// Owner, tags, and custom fields that the other object has under the same key and of the same type.
    fn common(&self, shape: &Shape, names: &[&str]) -> Map<String, Value> {
        let mut body = Map::new();
        self.copy(&mut body, names);
        self.copy(&mut body, &["owner_id"]);
        if (self.may_name)("tag") {
            self.copy(&mut body, &["tag_ids"]);
        }
        let shared = self.shape.custom.iter().filter_map(|field| {
            let value = self.lead.value(field);
            let fits = shape.custom.iter().any(|other| other.name == field.name && other.kind == field.kind);
            (fits && !value.is_null()).then(|| (field.name.to_string(), value.clone()))
        });
        let custom: Map<String, Value> = shared.collect();
        if !custom.is_empty() {
            body.insert("custom".to_owned(), Value::Object(custom));
        }
        body
    }
}

/// The first members, and over them the second; custom fields are joined one by one.
#[must_use]
pub fn over(mut given: Map<String, Value>, told: &Value) -> Value {
    for (name, value) in told.as_object().into_iter().flatten() {
        match (given.get_mut(name), value) {
            (Some(Value::Object(custom)), Value::Object(more)) if name == "custom" => custom.extend(more.clone()),
            _ => drop(given.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{customers::customer::Customer, model::entity::Entity, sales::leads::lead::Lead};

    fn bare(object: &'static crate::model::object::Object) -> Shape {
        Shape { object, custom: std::sync::Arc::from([]) }
    }

    fn lead(members: Value) -> Record {
        Record::from_json(Lead::object(), &members)
    }

    #[test]
    fn a_person_without_a_company_becomes_the_customer() {
        let lead = lead(json!({"name": "李伟", "person_name": "李伟", "phones": [{"value": "+8613800138000"}]}));
        let maker = Maker { lead: &lead, shape: &bare(Lead::object()), may_name: &|_| true };
        let customer = maker.customer(&bare(Customer::object()), false);
        assert_eq!((&customer["kind"], &customer["name"]), (&json!("person"), &json!("李伟")));
        assert_eq!(customer["phones"], json!([{"value": "+8613800138000"}]));
    }

    #[test]
    fn what_is_told_goes_over_what_the_lead_gives() {
        let given = json!({"name": "a", "custom": {"tier": "gold", "size": 1}}).as_object().cloned().unwrap_or_default();
        let told = json!({"name": "b", "custom": {"size": 2}, "region": null});
        assert_eq!(over(given, &told), json!({"name": "b", "custom": {"tier": "gold", "size": 2}, "region": null}));
    }
}
