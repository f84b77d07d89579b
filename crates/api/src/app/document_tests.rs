//! The document holds together: names are unique, references lead somewhere, examples are what their schemas allow.

use std::collections::HashSet;

use actix_web::dev::ResourceDef;
use farley_domain::{
    identity::access::Action,
    model::{
        field::{Field, FieldType, Op},
        field_rule::FieldRule,
        object::{Catalog, Object, Schema},
        registry,
    },
};
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::{
    HttpMethod, OpenApi, PathItem, Response, SecurityRequirement,
    path::{OperationBuilder, PathsBuilder},
};

use super::endpoints::Handwritten;
use crate::{
    openapi::{
        self, document,
        metadata::describe::{self, WritableMetadata},
    },
    records::{
        operations::{Generic, generic_operations},
        parameters::MAX_PLAIN,
        schemas,
    },
};

fn whole_document() -> Value {
    document(Handwritten::openapi())
}

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let items = document["paths"].as_object().unwrap().iter();
    items
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters");
            operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => value,
    }
}

/// Calls `visit` with every object in the document and where it stands.
fn walk(value: &Value, pointer: &str, visit: &mut dyn FnMut(&Map<String, Value>, &str)) {
    match value {
        Value::Object(members) => {
            visit(members, pointer);
            members.iter().for_each(|(name, value)| walk(value, &format!("{pointer}/{name}"), visit));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| walk(item, &format!("{pointer}/{i}"), visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn operation_ids_are_unique() {
    let document = whole_document();
    let mut seen = HashSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(seen.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
    }
}

#[test]
fn parameters_are_unique_and_those_of_the_path_are_declared() {
    let document = whole_document();
    for (path, method, operation) in operations(&document) {
        let own = operation["parameters"].as_array().into_iter().flatten();
        let of_path = document["paths"][path]["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<&Value> = own.chain(of_path).map(|parameter| resolved(&document, parameter)).collect();
        let mut seen = HashSet::new();
        for parameter in &parameters {
            // Generators write dots as underscores.
            let name = parameter["name"].as_str().unwrap().replace('.', "_");
            assert!(seen.insert((parameter["in"].to_string(), name)), "{method} {path}: {parameter}");
        }
        let in_path: HashSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let in_template: HashSet<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(in_path, in_template, "{method} {path}");
    }
}

#[test]
fn only_what_is_in_the_path_is_required() {
    let document = document(OpenApi::default());
    walk(&document, "", &mut |members, pointer| {
        if let (Some(place), Some(required)) = (members.get("in"), members.get("required").and_then(Value::as_bool)) {
            assert_eq!(required, place == "path", "{pointer}");
        }
    });
}

#[test]
fn references_lead_somewhere() {
    let document = whole_document();
    walk(&document, "", &mut |members, pointer| {
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{pointer}: {reference}");
        }
    });
}

#[test]
fn tags_are_described() {
    let document = whole_document();
    let described: HashSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|tag| tag["description"] != "")
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for (path, method, operation) in operations(&document) {
        assert!(described.contains(operation["tags"][0].as_str().unwrap()), "{method} {path}");
    }
}

/// A validator of one schema of the document.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let root = json!({"components": document["components"], "allOf": [schema]});
    jsonschema::options().should_validate_formats(true).build(&root).unwrap()
}

#[test]
fn examples_are_valid() {
    let document = whole_document();
    let mut checked = 0;
    let mut check = |schema: &Value, example: &Value, pointer: &str| {
        let faults: Vec<String> = validator(&document, schema).iter_errors(example).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{pointer}: {faults:?} in {example}");
        checked += 1;
    };
    walk(&document, "", &mut |members, pointer| {
        // A schema with examples of its own, or something that has a schema beside its example.
        let own = members.get("examples").and_then(Value::as_array).into_iter().flatten();
        own.for_each(|example| check(&Value::Object(members.clone()), example, pointer));
        let Some(schema) = members.get("schema") else { return };
        members.get("example").into_iter().for_each(|example| check(schema, example, pointer));
        for named in members.get("examples").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            check(schema, &resolved(&document, named)["value"], pointer);
        }
    });
    assert!(checked > 300, "only {checked} examples");
}

#[test]
fn is_small_enough_to_be_read() {
    let document = whole_document();
    let size = openapi::text(&document).len();
    // It may grow with the number of objects, and not faster.
    let objects = farley_domain::model::registry::objects().len();
    assert!(size < 1_000_000.max(29_200 * objects), "{size} bytes for {objects} objects");
    for (path, method, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().map_or(0, Vec::len);
        assert!(parameters <= 26, "{method} {path} has {parameters} parameters");
    }
    for tag in document["tags"].as_array().unwrap() {
        let tag = tag["name"].as_str().unwrap();
        let part = openapi::part(document.clone(), &|known| known == tag);
        assert!(!operations(&part).is_empty(), "{tag}");
        walk(&part, "", &mut |members, pointer| {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                assert!(part.pointer(reference.trim_start_matches('#')).is_some(), "{tag}, {pointer}: {reference}");
            }
        });
        let size = part.to_string().len();
        assert!(size < 400_000, "{tag}: {size} bytes");
    }
}

#[test]
fn lists_take_a_filter_of_their_object_and_a_few_plain_ones() {
    let document = whole_document();
    for object in registry::objects() {
        let path = Generic::List.path(object);
        let parameters = document["paths"][&path]["get"]["parameters"].as_array().unwrap().iter();
        let parameters: Vec<&Value> = parameters.map(|parameter| resolved(&document, parameter)).collect();
        let filter = parameters.iter().find(|parameter| parameter["name"] == "filter").unwrap();
        let schema = resolved(&document, &filter["schema"]["contentSchema"]);
        assert_eq!(filter["schema"]["contentMediaType"], "application/json", "{path}");
        let example: Value = serde_json::from_str(filter["schema"]["examples"][0].as_str().unwrap()).unwrap();
        let faults: Vec<String> = validator(&document, schema).iter_errors(&example).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{path}: {faults:?}");
        let core = [
            "view", "limit", "cursor", "offset", "total", "archived", "sort", "fields", "expand", "q", "as_of", "merged",
            "filter",
        ];
        let plain = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query" && !core.iter().any(|core| parameter["name"] == *core));
        let plain: Vec<&str> = plain.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert!(plain.contains(&"id_in") && plain.len() <= MAX_PLAIN, "{path}: {plain:?}");
    }
}

#[test]
fn everything_has_its_limits() {
    let mut document = whole_document();
    document["components"]["securitySchemes"].take();
    document["components"]["examples"].take();
    let limits = [("string", ["maxLength", "enum", "const"]), ("integer", ["maximum"; 3]), ("array", ["maxItems"; 3])];
    walk(&document, "", &mut |members, pointer| {
        // What stands in an example is no schema.
        if pointer.contains("/example") || !members.contains_key("type") || pointer.ends_with("/properties") {
            return;
        }
        for (kind, limits) in limits {
            let is_of_kind =
                members["type"] == kind || members["type"].as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind));
            assert!(!is_of_kind || limits.iter().any(|limit| members.contains_key(*limit)), "{pointer} has no limit");
        }
        assert!(!members.contains_key("default"), "{pointer}: clients would send the default");
    });
}

#[test]
fn versions_are_demanded_where_they_are_judged() {
    let document = whole_document();
    for (path, method, operation) in operations(&document) {
        let refused = resolved(&document, &operation["responses"]["4XX"])["description"].as_str().unwrap();
        let tells =
            |status: u16| operation["responses"].get(status.to_string()).is_some() || refused.contains(&format!("**{status}**"));
        let judged = tells(412);
        let demanded = operation["parameters"].to_string().contains("#/components/parameters/IfMatch");
        assert_eq!(judged, demanded, "{method} {path}");
        let replayed = operation["parameters"].to_string().contains("#/components/parameters/IdempotencyKey");
        for status in [409, 422] {
            assert!(!replayed || tells(status), "{method} {path} does not declare {status}");
        }
        for any in ["4XX", "default"] {
            assert!(operation["responses"].get(any).is_some(), "{method} {path} does not declare {any}");
        }
    }
}

#[test]
fn whole_records_have_what_sparse_ones_may_lack() {
    let document = whole_document();
    let schemas = &document["components"]["schemas"];
    let required = schemas["Customer"]["required"].as_array().unwrap();
    assert!(["id", "version", "name", "status", "owner_id", "custom"].iter().all(|name| required.contains(&json!(name))));
    assert!(!required.contains(&json!("contact_count")), "it is computed on request");
    assert_eq!(schemas["Customer"]["allOf"].as_array().map(Vec::len), Some(2), "of one part it would be no type of its own");
    assert_eq!(schemas["SparseCustomer"]["required"], json!(["id"]));
    for (name, valid) in [("SparseCustomer", true), ("Customer", false)] {
        assert_eq!(validator(&document, &schemas[name]).is_valid(&json!({"id": schemas::EXAMPLE_ID})), valid, "{name}");
    }
}

#[test]
fn routes_match_the_documented_paths() {
    for object in registry::objects() {
        for generic in generic_operations(object) {
            let route = ResourceDef::new(generic.route(object));
            let path =
                generic.path(object).replace("{system}", "sap").replace("{key}", "10042").replace("{id}", schemas::EXAMPLE_ID);
            assert!(route.is_match(&path), "{generic:?}: {path}");
        }
    }
}

#[test]
fn only_objects_with_external_ids_can_be_upserted() {
    let upserts = |object: &'static Object| generic_operations(object).contains(&Generic::Upsert);
    assert!(upserts(registry::object("customer").unwrap()));
    assert!(!upserts(registry::object("api_key").unwrap()));
}

#[test]
fn structures_are_documented_as_they_are_declared() {
    for object in registry::objects() {
        for field in &object.fields {
            let FieldType::Structure(structure) = &field.kind else { continue };
            if (structure.schema)().get("$ref").is_some() {
                continue;
            }
            let documented = schemas::declared(structure).unwrap_or_else(|| panic!("{} cannot be converted", structure.name));
            assert_eq!(serde_json::to_value(documented).unwrap(), schemas::opened((structure.schema)()), "{}", structure.name);
        }
    }
}

#[test]
fn hand_written_operations_are_completed_and_go_first() {
    let hand_written = |summary: &str| {
        OperationBuilder::new().summary(Some(summary)).tag("auth").response("200", Response::new("Done.")).build()
    };
    let mut login = hand_written("Log in");
    login.security = Some(vec![SecurityRequirement::default()]);
    let paths = PathsBuilder::new()
        .path("/v1/auth/login", PathItem::new(HttpMethod::Post, login))
        .path("/v1/users", PathItem::new(HttpMethod::Post, hand_written("Invite a user")))
        .build();
    let mut given = OpenApi::default();
    given.paths = paths;
    let document = document(given);
    let login = &document["paths"]["/v1/auth/login"]["post"];
    assert_eq!(login["responses"]["4XX"]["$ref"], "#/components/responses/Refused");
    assert_eq!(login["responses"]["default"]["$ref"], "#/components/responses/Failed");
    assert!(login["responses"].get("409").is_none(), "a log-in cannot be repeated under a key");
    assert!(login["responses"]["200"]["headers"].get("RateLimit").is_some());
    assert!(login.get("parameters").is_none(), "a log-in cannot be replayed");
    let invite = &document["paths"]["/v1/users"]["post"];
    assert_eq!(invite["summary"], "Invite a user");
    assert!(invite["parameters"].to_string().contains("IdempotencyKey"));
    assert_eq!(document["paths"]["/v1/users"]["get"]["operationId"], "listUsers");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn metadata_leaves_out_what_is_hidden_and_freezes_what_is_read_only() {
    let schema = Catalog::default().schema(registry::object("customer").unwrap());
    let rule = |_: &Schema, field: &Field| match field.name.as_ref() {
        "annual_revenue" => Some(FieldRule::Hidden),
        "status" => Some(FieldRule::ReadOnly),
        _ => None,
    };
    let customer = describe::object(&schema, &rule, &|action| action == Action::Read);
    let field = |path: &str| customer.fields.iter().find(|field| field.path == path);
    assert!(field("annual_revenue").is_none());
    assert!(field("custom").is_none(), "the tenant's fields stand for themselves");
    assert_eq!(field("status").unwrap().writable, WritableMetadata::Never);
    assert_eq!(field("status").unwrap().choices[0].value, "active");
    assert_eq!(field("id").unwrap().writable, WritableMetadata::OnCreate);
    assert_eq!(field("parent_id").unwrap().reference.as_deref(), Some("customer"));
    assert_eq!(field("name").unwrap().limits.max_length, Some(200));
    assert!(customer.relations.iter().any(|relation| relation.name == "contacts" && relation.to_many));
    assert!(customer.operations.iter().all(|operation| operation.method == "GET" || operation.path.ends_with("/search")));
    let section = |key: &str| customer.sections.iter().find(|section| section.key == key).unwrap();
    assert_eq!(section("basics").fields[0], "name");
    assert!(section("contact").fields.contains(&"emails".to_owned()) && !section("system").fields.contains(&"status".to_owned()));
    assert!(customer.sections.iter().all(|section| !section.fields.contains(&"annual_revenue".to_owned())));
    let members = &field("emails").unwrap().members;
    assert_eq!((members[0].name.as_str(), members[0].required, members[0].format.as_deref()), ("value", true, Some("email")));
}

/// Forms ask for fields by predicates over fields that are there, with operators that there are.
#[test]
fn conditions_of_forms_are_predicates_over_own_fields() {
    let mut told = 0;
    for object in registry::objects() {
        for condition in object.fields.iter().flat_map(|field| [&field.required_when, &field.shown_when]).flatten() {
            walk(condition, "", &mut |members, _| {
                let Some(field) = members.get("field").and_then(Value::as_str) else { return };
                assert!(object.has(field), "{}: {condition}", object.name);
                assert!(members["op"].as_str().and_then(Op::from_name).is_some(), "{}: {condition}", object.name);
                told += 1;
            });
        }
    }
    assert!(told > 20, "only {told}");
}
