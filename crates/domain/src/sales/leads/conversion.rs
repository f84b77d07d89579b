//! What a lead gives to the customer, the contact and the opportunity it becomes.

use serde_json::{Map, Value, json};

use super::lead::Lead;
use crate::{
    customers::{
        contact::Contact,
        contact_customers::ContactCustomer,
        customer::{Customer, CustomerKind},
    },
    identity::tag::Tag,
    marketing::campaign::Campaign,
    model::{
        entity::Entity,
        field::Structure,
        handle::Handle,
        input::{self, Members},
        object::Schema,
        record::Record,
        recurring,
        value::{Standards, wrong},
    },
    sales::{opportunity::Opportunity, parties::OpportunityContact},
    values::id::Id,
};

/// Members of a record that is to be made of the lead, over those that the lead gives. They are checked when it is made.
pub static PART: Structure = Structure {
    name: "part",
    accept: |value, _: &Standards<'_>| if value.is_object() { Ok(value.clone()) } else { Err(wrong("an object")) },
    schema: || json!({"type": ["object", "null"]}),
    ..Structure::PLAIN
};

/// What the makers of the three parts may know: relations that the caller may read, and the tenant's own fields.
pub struct Maker<'a> {
    pub lead: &'a Record<Lead>,
    /// The lead as the tenant declares it.
    pub schema: &'a Schema,
    /// Which objects the caller may refer to.
    pub may_name: &'a dyn Fn(&str) -> bool,
}

/// The fields that every part has, where a part keeps them.
struct Shared<E> {
    owner: Handle<E, Option<Id>>,
    tags: Handle<E, Vec<Id>>,
    custom: Handle<E, Map<String, Value>>,
}

impl Maker<'_> {
    /// The customer: the company, or the person where there is none. A contact takes the person's numbers along.
    #[must_use]
    pub fn customer(&self, schema: &Schema, with_contact: bool) -> Members<Customer> {
        let lead = self.lead;
        let body = input::members()
            .copy(Customer::industry, lead, Lead::industry)
            .copy(Customer::source, lead, Lead::source)
            .copy(Customer::region, lead, Lead::region)
            .copy(Customer::website, lead, Lead::website)
            .copy(Customer::addresses, lead, Lead::addresses);
        let shared = Shared { owner: Customer::owner_id, tags: Customer::tag_ids, custom: Customer::custom };
        let body = self.with_shared(body, schema, shared);
        let company = lead.get(Lead::company);
        let kind = if company.is_some() { CustomerKind::Organization } else { CustomerKind::Person };
        let body = body.with(Customer::kind, kind).with(Customer::name, company.unwrap_or(self.person()));
        if company.is_some() && with_contact {
            return body;
        }
        body.copy(Customer::emails, lead, Lead::emails).copy(Customer::phones, lead, Lead::phones)
    }

    #[must_use]
    pub fn contact(&self, schema: &Schema, customer_id: Id) -> Members<Contact> {
        let lead = self.lead;
        let body = input::members().copy(Contact::source, lead, Lead::source).copy(Contact::emails, lead, Lead::emails).copy(
            Contact::phones,
            lead,
            Lead::phones,
        );
        let shared = Shared { owner: Contact::owner_id, tags: Contact::tag_ids, custom: Contact::custom };
        let role = lead.get(Lead::job_title).map(str::to_owned);
        let customers = vec![ContactCustomer { customer_id, role, buying_role: None, primary: true }];
        self.with_shared(body, schema, shared).with(Contact::name, self.person()).with(Contact::customers, customers)
    }

    /// The opportunity is worth what they want to spend at most, until somebody knows better.
    #[must_use]
    pub fn opportunity(&self, schema: &Schema, customer_id: Id, contact_id: Option<Id>) -> Members<Opportunity> {
        let lead = self.lead;
        let body = input::members().copy(Opportunity::name, lead, Lead::name).copy(Opportunity::source, lead, Lead::source).copy(
            Opportunity::description,
            lead,
            Lead::description,
        );
        let shared = Shared { owner: Opportunity::owner_id, tags: Opportunity::tag_ids, custom: Opportunity::custom };
        let mut body = self.with_shared(body, schema, shared).with(Opportunity::customer_id, customer_id);
        if let Some(contact_id) = contact_id {
            body = body.with(Opportunity::contacts, vec![OpportunityContact { contact_id, buying_role: None, primary: true }]);
        }
        if let Some(budget) = lead.get(Lead::budget_max).or(lead.get(Lead::budget_min)) {
            body = body.with(Opportunity::amount, budget);
        }
        if (self.may_name)(Campaign::NAME) { body.copy(Opportunity::campaign_id, lead, Lead::campaign_id) } else { body }
    }

    /// The person who asks, or else what the lead is called.
    fn person(&self) -> &str {
        self.lead.get(Lead::person_name).or(self.lead.get(Lead::name)).unwrap_or_default()
    }

    /// Owner, tags, and custom fields that the other object has under the same key and of the same type.
    fn with_shared<E>(&self, body: Members<E>, schema: &Schema, shared: Shared<E>) -> Members<E> {
        let body = body.copy(shared.owner, self.lead, Lead::owner_id);
        let body = if (self.may_name)(Tag::NAME) { body.copy(shared.tags, self.lead, Lead::tag_ids) } else { body };
        let alike = self.schema.custom.iter().filter_map(|field| {
            let value = self.lead.json(field);
            let fits = schema.custom.iter().any(|other| other.name == field.name && other.kind == field.kind);
            (fits && !value.is_null()).then(|| (field.name.to_string(), value))
        });
        let custom: Map<String, Value> = alike.collect();
        if custom.is_empty() { body } else { body.with(shared.custom, custom) }
    }
}

/// The members that the lead gives, and over them those that were told; custom fields are joined one by one.
#[must_use]
pub fn over<E>(given: Members<E>, told: Option<&Value>) -> Value {
    let mut given = given.into_map();
    for (name, value) in told.and_then(Value::as_object).into_iter().flatten() {
        match (given.get_mut(name), value) {
            (Some(Value::Object(custom)), Value::Object(more)) if name == recurring::CUSTOM.name() => custom.extend(more.clone()),
            _ => drop(given.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(object: &'static crate::model::object::Object) -> Schema {
        Schema { object, custom: std::sync::Arc::from([]) }
    }

    fn lead(members: Value) -> Record<Lead> {
        Record::from_json(Lead::object(), &members).into_entity()
    }

    #[test]
    fn a_person_without_a_company_becomes_the_customer() {
        let lead = lead(json!({"name": "李伟", "person_name": "李伟", "phones": [{"value": "+8613800138000"}]}));
        let maker = Maker { lead: &lead, schema: &bare(Lead::object()), may_name: &|_| true };
        let customer = maker.customer(&bare(Customer::object()), false).into_json();
        assert_eq!((&customer["kind"], &customer["name"]), (&json!("person"), &json!("李伟")));
        assert_eq!(customer["phones"], json!([{"value": "+8613800138000"}]));
    }

    #[test]
    fn what_is_told_goes_over_what_the_lead_gives() {
        let custom = Map::from_iter([("tier".to_owned(), json!("gold")), ("size".to_owned(), json!(1))]);
        let given = input::members().with(Customer::name, "a").with(Customer::custom, custom);
        let told = json!({"name": "b", "custom": {"size": 2}, "region": null});
        assert_eq!(over(given, Some(&told)), json!({"name": "b", "custom": {"tier": "gold", "size": 2}, "region": null}));
    }
}
