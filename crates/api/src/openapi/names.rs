//! Names in the document: one spelling for the schemas, operations and tags of an object.

use farley_domain::{
    field::{Field, Structure},
    object::Object,
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

/// The schema of the choices of a field: `CustomerStatus`. The prefix is not said twice: `CustomFieldType`.
#[must_use]
pub fn choice(object: &Object, field: &Field) -> String {
    let (object, field) = (record(object), pascal(&field.name));
    match field.strip_prefix("Field") {
        Some(rest) if object.ends_with("Field") => object + rest,
        _ => object + &field,
    }
}

/// The schema of a structure, or of its items where it is a list: `emails` holds `Email`s.
#[must_use]
pub fn structure(structure: &Structure, is_list: bool) -> String {
    let name = pascal(structure.name);
    let singular = name.strip_suffix("ses").map(|stem| format!("{stem}s")).or_else(|| name.strip_suffix('s').map(str::to_owned));
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
    one.strip_suffix('y').map_or_else(|| format!("{one}s"), |stem| format!("{stem}ies"))
}

/// `a customer`, `an API key`.
#[must_use]
pub fn a(object: &Object) -> String {
    let one = one(object);
    let article = if one.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {one}")
}
