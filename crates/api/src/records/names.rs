//! Names in the document: one spelling for the schemas, operations and tags of an object.

use crate::records::operations::Generic;
use farley_domain::model::{
    field::{Field, Structure},
    object::Object,
    registry,
};

/// `api_key` and `api-keys` in the style of type names: `ApiKey`, `ApiKeys`.
#[must_use]
pub fn pascal(name: &str) -> String {
    name.split(['_', '-', '.'])
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect()
}

/// The schema of a record as it is read.
#[must_use]
pub fn record(object: &Object) -> String {
    pascal(object.name)
}

/// The name that generated clients give it: `listCustomers`, `createCustomer`.
#[must_use]
pub fn operation_id(operation: Generic, object: &Object) -> String {
    let (one, many) = (record(object), pascal(object.collection));
    match operation {
        Generic::List => format!("list{many}"),
        Generic::Create => format!("create{one}"),
        Generic::Search => format!("search{many}"),
        Generic::Get => format!("get{one}"),
        Generic::Update => format!("update{one}"),
        Generic::Archive => format!("archive{one}"),
        Generic::Restore => format!("restore{one}"),
        Generic::Upsert => format!("upsert{one}"),
        Generic::History => format!("list{one}History"),
        Generic::Ledger => format!("list{one}Ledger"),
        Generic::Summary => format!("summarize{many}"),
        // Shorter names have those below a parent.
        Generic::ListAlone => format!("listAll{many}"),
        Generic::GetAlone => format!("getAny{one}"),
    }
}

/// The schema of what creates a record.
#[must_use]
pub fn create(object: &Object) -> String {
    record(object) + "Create"
}

/// The schema of what changes a record.
#[must_use]
pub fn patch(object: &Object) -> String {
    record(object) + "Patch"
}

/// The schema of a page of records.
#[must_use]
pub fn page(object: &Object) -> String {
    record(object) + "Page"
}

/// The schema of a record of which only some members are there: `fields` asked for them alone, or a role hides the others.
#[must_use]
pub fn sparse(object: &Object) -> String {
    format!("Sparse{}", record(object))
}

/// What the names of schemas begin with that describe what `expand` adds.
pub const EXPANDED: &str = "Expanded";

/// The schema of the record that `expand` adds, or of the list of them.
#[must_use]
pub fn expanded(object: &Object, several: bool) -> String {
    format!("{EXPANDED}{}{}", record(object), if several { "List" } else { "" })
}

/// The schema of a predicate over its records.
#[must_use]
pub fn filter(object: &Object) -> String {
    record(object) + "Filter"
}

/// The schema of the choices of a field: `CustomerStatus`. The prefix is not said twice: `CustomFieldType`.
#[must_use]
pub fn choice(object: &Object, field: &Field) -> String {
    let (object, field) = (record(object), pascal(&field.name));
    let name = match field.strip_prefix("Field") {
        Some(rest) if object.ends_with("Field") => object + rest,
        _ => object + &field,
    };
    // The statuses of tickets are records themselves.
    let is_record = registry::objects().into_iter().any(|object| record(object) == name);
    if is_record { name + "Choice" } else { name }
}

/// The schema of a structure, or of its items where it is a list: `emails` holds `Email`s.
#[must_use]
pub fn structure(structure: &Structure, is_list: bool) -> String {
    let name = pascal(structure.name);
    let ending = [("ses", "s"), ("ies", "y"), ("s", "")].into_iter();
    let singular = ending.filter_map(|(many, one)| Some(name.strip_suffix(many)?.to_owned() + one)).next();
    match singular {
        Some(singular) if is_list => singular,
        _ => name,
    }
}

/// `customer` as it stands in a sentence; what is written in capitals stays so.
#[must_use]
pub fn one(object: &Object) -> String {
    let label = object.label.en.as_ref();
    if label.chars().nth(1).is_some_and(char::is_uppercase) { label.to_owned() } else { label.to_lowercase() }
}

#[must_use]
pub fn many(object: &Object) -> String {
    let one = one(object);
    if one.ends_with('s') {
        return format!("{one}es");
    }
    // After a vowel a y stays: API keys.
    let stem = one.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    stem.map_or_else(|| format!("{one}s"), |stem| format!("{stem}ies"))
}

/// `a customer`, `an API key`.
#[must_use]
pub fn a(object: &Object) -> String {
    let one = one(object);
    let article = if one.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {one}")
}

#[cfg(test)]
mod tests {
    use farley_domain::{
        identity::{api_key::ApiKey, team::Team},
        model::entity::Entity,
        sales::opportunity::Opportunity,
    };

    use super::*;

    #[test]
    fn one_and_many() {
        assert_eq!(
            [many(ApiKey::object()), many(Opportunity::object()), many(Team::object())],
            ["API keys", "opportunities", "teams"]
        );
        let named = |name| structure(&Structure { name, ..EMAILS_LIKE }, true);
        assert_eq!(["territories", "addresses", "emails"].map(named), ["Territory", "Address", "Email"]);
    }

    const EMAILS_LIKE: Structure =
        Structure { name: "", accept: |value, _| Ok(value.clone()), schema: || serde_json::Value::Null, ..Structure::PLAIN };
}
