//! Bodies that make records of any object: the examples of the document, with what no document can know: records to refer to, and values
//! that no other record has.

use std::collections::HashMap;

use farley_domain::model::{
    field::{Field, FieldType, Writable},
    object::Object,
    registry,
};
use serde_json::{Map, Value, json};

use super::document::Operation;
use crate::client::Client;

pub struct Examples<'a> {
    admin: &'a Client,
    operations: &'a [Operation],
    /// How many bodies were made of each object.
    made: HashMap<&'static str, u64>,
}

impl<'a> Examples<'a> {
    pub fn new(admin: &'a Client, operations: &'a [Operation]) -> Examples<'a> {
        Examples { admin, operations, made: HashMap::new() }
    }

    /// A body that creates a record: the first is the example itself, the others collide with none before them.
    pub async fn body(&mut self, object: &'static Object) -> Map<String, Value> {
        let Some(Value::Object(mut body)) = self.create(object).example() else { panic!("{} has no example", object.name) };
        let made = self.made.entry(object.name).or_default();
        *made += 1;
        if *made > 1 {
            body.remove("external_ids");
            for field in object.fields.iter().filter(|field| is_own(object, field)) {
                let own = body.get(field.name.as_ref()).and_then(Value::as_str).map(|text| another(field, text, *made));
                body.extend(own.map(|own| (field.name.to_string(), own.into())));
            }
            if is_named_after_its_day(object) {
                let later = *made - 1;
                for field in object.fields.iter().filter(|field| field.kind == FieldType::Date) {
                    let day = body.get(field.name.as_ref()).and_then(|day| day.as_str()?.parse::<chrono::NaiveDate>().ok());
                    body.extend(day.map(|day| (field.name.to_string(), (day + chrono::Days::new(later)).to_string().into())));
                }
            }
        }
        if object.parent.is_some() {
            // The record that a part belongs to is of now, and nothing happens to it before that.
            let is_time = |name: &str| object.field(name).is_some_and(|field| field.kind == FieldType::DateTime);
            body.retain(|name, _| !is_time(name));
        }
        // What a record cannot be without is named by the path, or is given as the record of an example of its own.
        let parent = object.parent.map(|parent| parent.field);
        let needed = |field: &&Field| field.required || body.contains_key(field.name.as_ref());
        let needed = object.fields.iter().filter(|field| parent != Some(field.name.as_ref())).filter(needed);
        let needed: Vec<&Field> = needed.filter(|field| field.writable != Writable::Never).collect();
        for field in needed {
            self.refer(&mut body, field).await;
        }
        body
    }

    /// Lets a body refer to a new record by a field; nothing, if it is no reference.
    pub async fn refer(&mut self, body: &mut Map<String, Value>, field: &Field) {
        let (target, many) = match &field.kind {
            FieldType::Reference(target) => (target.as_ref(), false),
            FieldType::References(link) => (link.target, true),
            _ => return,
        };
        let id = self.make(registry::object(target).expect("references lead to objects")).await;
        body.insert(field.name.to_string(), if many { json!([id]) } else { id.into() });
    }

    /// Makes a record; its id.
    pub async fn make(&mut self, object: &'static Object) -> String {
        let parent = self.parent(object).await;
        self.make_below(object, &parent).await
    }

    /// The same of a part, below a record that is there.
    pub async fn make_below(&mut self, object: &'static Object, parent: &str) -> String {
        let body = Box::pin(self.body(object)).await;
        let path = self.create(object).path_below(parent, "");
        self.admin.post(&path, body.into()).await.ok(201)["id"].as_str().expect("an id").to_owned()
    }

    /// A record for parts to live below; nothing, for an object without parents.
    pub async fn parent(&mut self, object: &'static Object) -> String {
        match object.parent {
            Some(parent) => Box::pin(self.make(registry::object(parent.object).expect("parents are objects"))).await,
            None => String::new(),
        }
    }

    fn create(&self, object: &Object) -> &'a Operation {
        let mut creating = self.operations.iter().filter(|operation| operation.id.starts_with("create"));
        creating.find(|operation| operation.object() == object.name).unwrap_or_else(|| panic!("no {} can be made", object.name))
    }
}

/// A patch that changes something: a text that people write, or what the document shows.
pub fn patch(object: &Object, update: &Operation) -> Value {
    let is_written = |field: &&Field| {
        field.writable == Writable::Always && matches!(field.kind, FieldType::Text { .. } | FieldType::LongText { .. })
    };
    let written = object.fields.iter().find(is_written);
    written.map_or_else(|| update.example().unwrap_or(json!({})), |field| json!({ field.name.as_ref(): "renamed" }))
}

/// Whether no two records should have the same there: what is declared to be unique, and what people know a record by.
fn is_own(object: &Object, field: &Field) -> bool {
    let is_unique = object.unique.iter().any(|unique| unique.field == field.name) || field.name == object.title;
    is_unique && field.kind.is_text()
}

/// Whether Farley itself makes what no two records share, of the day that they are about.
fn is_named_after_its_day(object: &Object) -> bool {
    let is_made =
        |field: &Field| field.writable == Writable::Never && object.unique.iter().any(|unique| unique.field == field.name);
    object.fields.iter().any(is_made) && object.fields.iter().any(|field| field.required && field.kind == FieldType::Date)
}

/// Another text of the same form: its first number is raised, or one is added.
fn another(field: &Field, text: &str, by: u64) -> String {
    let Some(begins) = text.find(|c: char| c.is_ascii_digit()) else {
        return if field.kind == FieldType::Email { format!("{by}{text}") } else { format!("{text}{by}") };
    };
    let rest = &text[begins..];
    let (number, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    format!("{}{}{rest}", &text[..begins], number.parse::<u64>().expect("digits") + by)
}
