//! The schemas of an object: the record as it is read, what creates it, what changes it, a page of it.

use farley_domain::{
    model::{
        field::{Field, FieldType, Op, Writable},
        object::Object,
        recurring::{self, slots},
        registry,
        structures::filter::FILTER,
    },
    query::{
        list::MAX_LIMIT,
        predicate::{MAX_DEPTH, MAX_TESTS, operators},
    },
};
use serde_json::{Map, Value, json};
use utoipa::openapi::{
    AllOf, AllOfBuilder, Array, ObjectBuilder, Ref, RefOr, Schema, Type,
    schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
};

use super::{
    names,
    parameters::search_text,
    schemas::{self, EXAMPLE_TIME, Notes, annotate, doc_with_default, example, nullable},
};
use crate::records::parts;

/// Every schema that an object brings along, by name.
#[must_use]
pub fn schemas(object: &Object) -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![
        (names::sparse(object), sparse(object).into()),
        (names::record(object), RefOr::T(Schema::AllOf(record(object)))),
        (names::filter(object), predicate(object).into()),
        (names::create(object), create(object).into()),
        (names::patch(object), patch(object).into()),
        (names::page(object), page(object).into()),
    ];
    schemas.extend(expansions(object));
    for field in &object.fields {
        match &field.kind {
            FieldType::Choice(choices) | FieldType::MultiChoice(choices) => {
                schemas.push((names::choice(object, field), schemas::choices(choices, &field.doc).into()));
            }
            FieldType::Structure(structure) => schemas.extend(schemas::named_part(structure)),
            _ => {}
        }
    }
    schemas
}

/// Whether a record may hold null in the field.
fn holds_null(field: &Field) -> bool {
    // Lists and what Farley computes are never null, but for filters that it keeps.
    let is_kept = field.writable != Writable::Never || field.kind == FieldType::Structure(&FILTER);
    let may_lack = field.kind.is_scalar() || (matches!(field.kind, FieldType::Structure(_)) && is_kept);
    !field.is_never_null() && may_lack
}

/// A record of which only some members may be there, the id always among them: `fields` names those wanted, and a role may hide
/// others. Left open, so that clients generated from it survive a member added later.
fn sparse(object: &Object) -> ObjectBuilder {
    let doc = format!("{} Only the id is always present.", object.doc.trim());
    let mut schema = schemas::of_type(Type::Object).description(Some(doc)).required(recurring::ID.name());
    for field in object.fields.iter().filter(|field| field.is_shown()) {
        schema = schema.property(field.name.as_ref(), as_read(object, field));
    }
    let schema = shown_once(object).iter().fold(schema, |schema, (name, doc)| {
        schema.property(*name, annotate(schemas::text().into(), &Notes { description: doc, read_only: true, ..Notes::default() }))
    });
    expanded(object, schema)
}

fn as_read(object: &Object, field: &Field) -> RefOr<Schema> {
    let value = schemas::value(object, field);
    let value = if holds_null(field) { nullable(value) } else { value };
    let notes = Notes { description: &field.doc, example: telling(field), read_only: field.writable == Writable::Never };
    annotate(value, &notes)
}

/// The example of a field, unless it is an id like any other.
fn telling(field: &Field) -> Option<&Value> {
    let is_id = matches!(field.kind, FieldType::Id | FieldType::Reference(_) | FieldType::References(_));
    field.example.as_ref().filter(|_| !is_id)
}

/// A whole record: whatever is not computed on request is there.
fn record(object: &Object) -> AllOf {
    let whole = object.fields.iter().filter(|field| field.is_shown() && !field.on_request);
    let whole = whole.fold(schemas::of_type(Type::Object), |schema, field| schema.required(field.name.as_ref()));
    let doc = format!("{} Fields that your roles hide are left out.", object.doc.trim());
    AllOfBuilder::new().item(Ref::from_schema_name(names::sparse(object))).item(whole).description(Some(doc)).build()
}

/// A record as a read answers with it: whole, or what `fields` leaves of it.
#[must_use]
pub fn some(object: &Object) -> RefOr<Schema> {
    let [whole, sparse] = [names::record(object), names::sparse(object)].map(Ref::from_schema_name);
    RefOr::T(Schema::AnyOf(AnyOfBuilder::new().item(whole).item(sparse).build()))
}

/// A predicate over the records of an object.
fn predicate(object: &Object) -> ObjectBuilder {
    let own = Ref::from_schema_name(names::filter(object));
    let several = |doc: &str| {
        let mut list = Array::new(own.clone());
        (list.max_items, list.description) = (Some(MAX_TESTS), Some(doc.to_owned()));
        list
    };
    let paths: Vec<String> =
        object.fields.iter().filter(|field| !operators(field).is_empty()).map(|field| format!("`{}`", field.path())).collect();
    let relations: Vec<String> = object.relations.iter().map(|relation| format!("`{}`", relation.name)).collect();
    let mut field = format!("The field to compare: {}; `custom.key`", paths.join(", "));
    if !relations.is_empty() {
        field += &format!("; `relation.field` of {}, or the relation itself with `any`, `none`, `null`", relations.join(", "));
    }
    let doc = format!(
        "A predicate on {}: one of `and`, `or`, `not`, `q`, or a comparison with `field`, `op` and `value`. At most {MAX_DEPTH} levels deep, with at most {MAX_TESTS} comparisons.",
        names::many(object)
    );
    let schema = closed(&doc)
        .property("and", several("All of these must be true."))
        .property("or", several("At least one of these must be true."))
        .property("not", own.clone());
    let schema = if object.is_searchable() { schema.property("q", search_text()) } else { schema };
    let recent = json!({"field": object.title, "op": Op::Null.as_str(), "value": false});
    schema
        .property("field", schemas::text().max_length(Some(300)).description(Some(field + ".")))
        .property("op", Ref::from_schema_name("FilterOperator"))
        .property("value", ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("Same as in `FilterTest`.")))
        .examples([recent])
}

/// Members that only the answer to a create shows, as the behaviour of the object adds them.
fn shown_once(object: &Object) -> &'static [(&'static str, &'static str)] {
    match object.name {
        "api_key" => &[("key", "The key itself. Returned only once, when it is created.")],
        "channel" => &[("secret", "The secret with which both sides sign. Returned only when it is made.")],
        "user" => &[("invitation_token", "For setting the first password. Returned only once, when the user is created.")],
        _ => &[],
    }
}

/// The members that `expand` adds to a record, each under the name of its relation.
fn expanded(object: &Object, schema: ObjectBuilder) -> ObjectBuilder {
    let relations = object.relations.iter().filter(|relation| !object.has(relation.name));
    relations.fold(schema, |schema, relation| {
        let Some(target) = registry::object(relation.target) else { return schema };
        if !relation.reach.is_to_many() {
            return schema.property(relation.name, Ref::from_schema_name(names::expanded(target, false)));
        }
        schema
            .property(relation.name, Ref::from_schema_name(names::expanded(target, true)))
            .property(format!("{}_has_more", relation.name), Ref::from_schema_name(HAS_MORE))
    })
}

/// What says whether an expanded relation has more records than are shown.
const HAS_MORE: &str = "HasMore";

/// The schemas of what `expand` adds, the same whatever the relation is called: one record of an object or several.
fn expansions(object: &Object) -> Vec<(String, RefOr<Schema>)> {
    let record = || Ref::from_schema_name(names::sparse(object)).into();
    let noted = |value, description: &str| annotate(value, &Notes { description, read_only: true, ..Notes::default() });
    let one = format!("The {} that the relation leads to; only with `expand`.", names::one(object));
    let several = format!("The first {} that the relation leads to; only with `expand`.", names::many(object));
    vec![
        (names::expanded(object, false), noted(nullable(record()), &one)),
        (names::expanded(object, true), noted(Array::new(record()).into(), &several)),
    ]
}

/// The schemas that records of all objects share.
#[must_use]
pub fn of_every_record() -> Vec<(String, RefOr<Schema>)> {
    let more = "Whether there are more records than the member of the relation shows; only with `expand`.";
    let notes = Notes { description: more, read_only: true, ..Notes::default() };
    vec![(HAS_MORE.to_owned(), annotate(schemas::of_type(Type::Boolean).into(), &notes))]
}

/// What creates a record. An unknown member is refused, and the schema says so.
fn create(object: &Object) -> ObjectBuilder {
    let doc = format!("The fields of a new {}.", names::one(object));
    let writable = object.fields.iter().filter(|field| field.writable != Writable::Never);
    let schema = match parts::made_with(object) {
        Some((member, part)) => closed(&doc).property(member, parts_of(part)),
        None => closed(&doc),
    };
    writable.fold(schema, |schema, field| {
        let value = schemas::value(object, field);
        let value = if field.required { value } else { nullable(value) };
        let description = doc_with_default(field);
        // What a record shows has its example there, and the body one as a whole.
        let example = telling(field).filter(|_| !field.is_shown());
        let notes = Notes { description: &description, example, ..Notes::default() };
        let schema = schema.property(field.name.as_ref(), annotate(value, &notes));
        if field.required && field.default.is_none() { schema.required(field.name.as_ref()) } else { schema }
    })
}

/// What a new record brings along: parts of it, in their order.
fn parts_of(part: &Object) -> RefOr<Schema> {
    let mut list = Array::new(Ref::from_schema_name(names::create(part)));
    list.max_items = Some(parts::MOST);
    let description = format!(
        "The {} to create with it, in this order, without the reference to it. Later they have endpoints of their own.",
        names::many(part)
    );
    annotate(nullable(list.into()), &Notes { description: &description, ..Notes::default() })
}

/// What changes a record: a JSON merge patch.
fn patch(object: &Object) -> ObjectBuilder {
    let doc = format!(
        "Changes to {}, as JSON Merge Patch (RFC 7396): absent members stay unchanged, null clears a field. The fields are described where they are created, in `{}`.",
        names::a(object),
        names::create(object)
    );
    let writable = object.fields.iter().filter(|field| field.writable == Writable::Always);
    writable.fold(closed(&doc), |schema, field| {
        let value = schemas::merged(object, field);
        let value = if field.required { value } else { nullable(value) };
        // What it is and looks like, the body that creates says: twice would be too much for the document.
        schema.property(field.name.as_ref(), value)
    })
}

fn closed(doc: &str) -> ObjectBuilder {
    schemas::of_type(Type::Object).description(Some(doc)).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn page(object: &Object) -> ObjectBuilder {
    let mut rows = Array::new(some(object));
    rows.max_items = Some(MAX_LIMIT);
    schemas::of_type(Type::Object)
        .description(Some(format!("A page of {}.", names::many(object))))
        .property("data", rows)
        .property("page", Ref::from_schema_name("Page"))
        .required("data")
        .required("page")
}

/// Every example that several operations of an object show, by name.
#[must_use]
pub fn examples(object: &Object) -> Vec<(String, Value)> {
    vec![(names::record(object), record_example(object))]
}

/// A record to show: each field's example, null where there is none.
fn record_example(object: &Object) -> Value {
    let shown = object.fields.iter().filter(|field| !field.on_request);
    let members: Map<String, Value> = shown
        .map(|field| {
            // A time without an example is one that nobody need give.
            let time = || (field.is_never_null() && matches!(field.kind, FieldType::DateTime)).then(|| json!(EXAMPLE_TIME));
            let value = if field.slot == slots::ARCHIVED_AT { None } else { example(field).or_else(|| field.default.clone()) };
            (field.name.to_string(), value.or_else(time).unwrap_or(Value::Null))
        })
        .collect();
    Value::Object(members)
}

/// A body that creates a record: what is required, and the first few fields beside it.
#[must_use]
pub fn create_example(object: &Object) -> Value {
    const ENOUGH: usize = 6;
    let mut members = Map::new();
    let mut told = 0;
    let writable = |field: &&Field| field.writable != Writable::Never && field.name != "id";
    for field in object.fields.iter().filter(writable) {
        let telling = field.example.is_some() && field.name != "custom" && told < ENOUGH;
        told += usize::from(field.required || telling);
        // What the parts that come with it add up to goes without saying.
        let adds_up = object.made_with.is_some() && matches!(field.kind, FieldType::Money | FieldType::Boolean);
        if field.required || (telling && !adds_up) {
            members.extend(example(field).map(|example| (field.name.to_string(), example)));
        }
    }
    if let Some((member, part)) = parts::made_with(object) {
        let mut first = create_example(part);
        if let (Some(members), Some(parent)) = (first.as_object_mut(), part.parent) {
            members.shift_remove(parent.field);
            // Nor a key that each record has for itself.
            members.shift_remove(recurring::EXTERNAL_IDS.name());
        }
        members.insert(member.to_owned(), json!([first]));
    }
    Value::Object(members)
}

/// A merge patch that sets the first two fields a record can do without.
#[must_use]
pub fn patch_example(object: &Object) -> Value {
    let optional = object.fields.iter().filter(|field| field.writable == Writable::Always && !field.required);
    let members = optional.filter_map(|field| Some((field.name.to_string(), field.example.clone()?))).take(2);
    Value::Object(members.collect())
}
