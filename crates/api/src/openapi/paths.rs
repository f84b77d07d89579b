//! One generic endpoint as an operation of the document: its parameters, its body, its answers.

use farley_domain::{
    model::{field::FieldType, object::Object, recurring, registry},
    query::list::{MAX_EXPANDED, MAX_SORT_KEYS},
};
use serde_json::{Value, json};
use utoipa::openapi::{
    Content, HttpMethod, Ref, RefOr, Required, Response, ResponseBuilder,
    path::{Operation, OperationBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
};

use super::{
    filters,
    names::{self, a, many, one},
    parameters::{list, path, shared},
    records::{create_example, patch_example},
    responses::{header_ref, problem, rate_limited},
    schemas::text,
};
use crate::records::operations::Generic;

/// The operation of a generic endpoint.
#[must_use]
pub fn operation(generic: Generic, object: &'static Object) -> Operation {
    let operation = OperationBuilder::new()
        .tag(
            object
                .parent
                .and_then(|parent| registry::object(parent.object))
                .map_or(object.collection, |parent| parent.collection),
        )
        .operation_id(Some(names::operation_id(generic, object)))
        .summary(Some(summary(generic, object)))
        .description(Some(description(generic, object)))
        .request_body(body(generic, object));
    let operation = match object.parent {
        Some(parent) => operation.parameter(path(
            parent.field,
            &format!("The {}: its id, or `ext:{{system}}:{{key}}`.", parent.object),
            "01890a5d-ac96-774b-bcce-b302099a8057",
        )),
        None => operation,
    };
    let operation = parameters(generic, object, operation);
    let operation = answers(generic, object)
        .into_iter()
        .fold(operation, |operation, (status, answer)| operation.response(status.to_string(), answer.build()));
    // The parent of a part may be unknown.
    let of_parent: &[u16] = if object.parent.is_some() { &[404] } else { &[] };
    let problems = problems(generic).iter().chain(of_parent).filter_map(|status| problem(*status));
    problems.fold(operation, |operation, (status, problem)| operation.response(status, problem)).build()
}

/// The method in utoipa's terms.
#[must_use]
pub fn method(generic: Generic) -> HttpMethod {
    match generic {
        Generic::List | Generic::Get | Generic::History | Generic::Ledger | Generic::Summary => HttpMethod::Get,
        Generic::Create | Generic::Search | Generic::Restore => HttpMethod::Post,
        Generic::Update => HttpMethod::Patch,
        Generic::Archive => HttpMethod::Delete,
        Generic::Upsert => HttpMethod::Put,
    }
}

fn summary(generic: Generic, object: &Object) -> String {
    match generic {
        Generic::List => format!("List {}", many(object)),
        Generic::Create => format!("Create {}", a(object)),
        Generic::Search => format!("Search {}", many(object)),
        Generic::Summary => format!("Count {} and add them up", many(object)),
        Generic::Get => format!("Get {}", a(object)),
        Generic::Update => format!("Update {}", a(object)),
        Generic::Archive => format!("Archive {}", a(object)),
        Generic::Restore => format!("Restore {}", a(object)),
        Generic::Upsert => format!("Create or update {} by external id", a(object)),
        Generic::History => format!("List the events of {}", a(object)),
        Generic::Ledger => format!("List the ledger of {}", a(object)),
    }
}

fn description(generic: Generic, object: &Object) -> String {
    let (one, many) = (one(object), many(object));
    match generic {
        Generic::List => format!(
            "The {many} that you may see, a page at a time.\n\nFilter by any field: `field=value`, or with an operator as suffix, as listed \
             below; by the tenant's own fields as `custom.key=value`; by any field of a related record as `relation.field=value`, also with \
             the suffixes. A list is a line of CSV (`name_in=\"Acme, Inc.\",3M`), and several lists of one name are one. A plain day stands for \
             all of it where a time is asked for. Times may be relative: `now`, `today`, `tomorrow`, `yesterday`, `start_of_` and `end_of_` \
             `day`, `week`, `month`, `quarter` or `year`, each with an offset or the offset alone, such as `-30d`, `start_of_month-1mo` (`min`, `h`, \
             `d`, `w`, `mo`, `q`, `y`), in the tenant's time zone. All filters must hold; for `or` and `not` there is the search by POST."
        ),
        Generic::Create => format!("Creates {} and answers with it. You may choose its `id`, a UUIDv7.", a(object)),
        Generic::Search => {
            format!(
                "Lists {many} by the whole predicate language: `and`, `or`, `not`, related records, relative times. Changes nothing."
            )
        }
        Generic::Summary => format!(
            "How many {many} there are of each kind, and what their amounts add up to: of those that you may see and that the filters of the \
             list let through. Each group tells the path that lists its records."
        ),
        Generic::Get => format!("The {one} with this id. With `archived=true` also if it is archived."),
        Generic::Update => format!(
            "Writes the fields that the body names (JSON Merge Patch, RFC 7396, also as \
             `application/merge-patch+json`) and leaves the others as they are. Without `If-Match` it \
             overwrites whatever the {one} holds now."
        ),
        Generic::Archive => {
            // What more comes of it, where that is not at once.
            let more = match object.name {
                "cadence" => {
                    " Who is on it is let go, and their open tasks are cancelled, a moment later, within minutes at most: until then their enrolments still read `active`, but make no task."
                }
                _ => "",
            };
            format!(
                "Takes the {one} out of lists and searches. It stays readable with `archived=true` and can be restored.{more}"
            )
        }
        Generic::Restore => format!("Brings an archived {one} back."),
        Generic::Upsert => format!(
            "Updates the live {one} that has this key in the other system, as a merge patch would; creates one that has it if there is none."
        ),
        Generic::History => {
            format!("What happened to the {one}, the latest first: who changed what from what to what.")
        }
        Generic::Ledger => {
            let kept = object.ledger.map_or(&[][..], |ledger| ledger.fields);
            let kept: Vec<String> = kept.iter().map(|field| format!("`{field}`")).collect();
            format!(
                "Every change of {}, the latest first: from what to what, when, by whom, and how long the {one} had been in \
                 the step it left. The first entry has nothing before it.",
                kept.join(", ")
            )
        }
    }
}

fn parameters(generic: Generic, object: &Object, operation: OperationBuilder) -> OperationBuilder {
    let with = |operation: OperationBuilder, names: &[&str]| {
        names.iter().fold(operation, |operation, name| operation.parameter_ref(shared(name)))
    };
    let shown = |operation: OperationBuilder| {
        let operation = operation.parameter(fields(object));
        if object.relations.is_empty() { operation } else { operation.parameter(expand(object)) }
    };
    match generic {
        Generic::List => {
            let searchable = object.is_searchable();
            let operation = shown(with(operation, &["Limit", "Cursor", "Offset", "Total", "Archived"]).parameter(sort(object)));
            let operation = if searchable { with(operation, &["Query"]) } else { operation };
            let operation = if object.ledger.is_some() { with(operation, &["AsOf"]) } else { operation };
            filters::parameters(object).into_iter().fold(operation, OperationBuilder::parameter)
        }
        Generic::Summary => {
            let operation = with(operation, &["Archived"]).parameter(group_by(object)).parameter(sum(object));
            let operation = if object.is_searchable() { with(operation, &["Query"]) } else { operation };
            let operation = if object.ledger.is_some() { with(operation, &["AsOf"]) } else { operation };
            filters::parameters(object).into_iter().fold(operation, OperationBuilder::parameter)
        }
        Generic::Create => with(operation, &["ValidateOnly", "IdempotencyKey"]),
        Generic::Search => operation,
        Generic::Get => shown(with(operation, &["Id", "Archived"])).parameter_ref(shared("IfNoneMatch")),
        Generic::Update => with(operation, &["Id", "ValidateOnly", "OnConflict", "IfMatch", "IdempotencyKey"]),
        Generic::Archive | Generic::Restore => with(operation, &["Id", "ValidateOnly", "IfMatch", "IdempotencyKey"]),
        Generic::Upsert => with(operation, &["System", "Key", "ValidateOnly", "IfMatch", "IdempotencyKey"]),
        Generic::History | Generic::Ledger => with(operation, &["Id", "Limit", "Cursor"]),
    }
}

fn group_by(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let doc = "Fields to group by, at most 4: those of one value, also of a related record (`owner.team_id`); dates and times with the length of \
               a period (`created_at.quarter`; `day`, `week`, `month`, `quarter`, `year`, in the tenant's time zone). One group of all, if absent.";
    let by_status = object.bears(recurring::STATUS);
    let example = if by_status { recurring::STATUS.name().to_owned() } else { format!("{}.month", recurring::CREATED_AT.name()) };
    list("group_by", doc, text()).example(Some(json!([example])))
}

fn sum(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let numbers = object.fields.iter().filter(|field| matches!(field.kind, FieldType::Money | FieldType::Integer { .. }));
    let names: Vec<String> = numbers.map(|field| format!("`{}`", field.name)).collect();
    list(
        "sum",
        &format!("Fields to add up, at most 4: {}; and `custom.key`. Money is added up by currency.", names.join(", ")),
        text(),
    )
}

fn sort(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let sortable: Vec<String> =
        object.fields.iter().filter(|field| field.sortable).map(|field| format!("`{}`", field.path())).collect();
    let doc = format!(
        "Fields to sort by, at most {MAX_SORT_KEYS}, `-` before one that falls: {}; and `custom.key`. Without it the best hits of `q`, or else the newest records, come first.",
        sortable.join(", ")
    );
    list("sort", &doc, text()).example(Some(json!(["-created_at"])))
}

fn fields(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let on_request: Vec<String> =
        object.fields.iter().filter(|field| field.on_request).map(|field| format!("`{}`", field.path())).collect();
    let mut doc =
        "The fields to answer with, `id` always among them; `custom.key` for a single custom one. All of them, if it is absent"
            .to_owned();
    if !on_request.is_empty() {
        doc += &format!(", but those computed only on request: {}", on_request.join(", "));
    }
    list("fields", &(doc + "."), text()).example(Some(json!(["id", object.title])))
}

fn expand(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let expandable = || object.relations.iter().filter(|relation| !object.has(relation.name));
    let relations: Vec<String> = expandable().map(|relation| format!("`{}`", relation.name)).collect();
    let doc = format!(
        "Relations whose records to add, at most {MAX_EXPANDED}, each as a member of its name: {}.",
        relations.join(", ")
    );
    let first = expandable().next().map(|relation| json!([relation.name]));
    list("expand", &doc, text()).example(first)
}

fn body(generic: Generic, object: &Object) -> Option<RequestBody> {
    let (schema, example) = match generic {
        Generic::Create | Generic::Upsert => (names::create(object), create_example(object)),
        Generic::Update => (names::patch(object), patch_example(object)),
        Generic::Search => ("Search".to_owned(), search_example(object)),
        Generic::List
        | Generic::Summary
        | Generic::Get
        | Generic::Archive
        | Generic::Restore
        | Generic::History
        | Generic::Ledger => return None,
    };
    let content = Content::builder().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build();
    Some(RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content).build())
}

fn search_example(object: &Object) -> Value {
    let recent = json!({"field": "created_at", "op": "gte", "value": {"relative": "-30d"}});
    let named = json!({"field": object.title, "op": "null", "value": false});
    json!({"filter": {"and": [recent, named]}, "sort": ["-created_at"], "limit": 20})
}

fn answers(generic: Generic, object: &Object) -> Vec<(u16, ResponseBuilder)> {
    let (a, one) = (a(object), one(object));
    let record = |doc: &str| headed(answer(doc), &["ETag"]).content("application/json", content(&names::record(object)));
    let would = |doc: &str| record(&format!("{doc} With `validate_only`: as it would be; nothing was written."));
    let created = |doc: &str| headed(record(doc), &["Location"]);
    match generic {
        Generic::List | Generic::Search => {
            let page = answer("A page.").content("application/json", content(&names::page(object)));
            vec![(200, headed(page, &["Link", "X-Total-Count"]))]
        }
        Generic::Summary => {
            vec![(200, answer("The groups.").content("application/json", content("Summary")))]
        }
        Generic::Get => vec![
            (200, record(&format!("The {one}."))),
            (304, headed(answer("It still has the version that `If-None-Match` names."), &["ETag"])),
        ],
        Generic::Create => vec![
            (200, replayable(record(&format!("With `validate_only`: {a} as it would be; nothing was written.")))),
            (201, replayable(created(&format!("The new {one}.")))),
        ],
        Generic::Update => vec![(200, replayable(would(&format!("The {one} as it is now."))))],
        Generic::Archive => {
            vec![(204, replayable(answer(&format!("The {one} is archived. With `validate_only`: it could be."))))]
        }
        Generic::Restore => vec![(200, replayable(would(&format!("The {one}, live again."))))],
        Generic::Upsert => vec![
            (200, replayable(would(&format!("The {one} was there and is as shown now.")))),
            (201, replayable(created(&format!("The new {one}.")))),
        ],
        Generic::History => {
            let page = answer("A page of events.").content("application/json", content("EventPage"));
            vec![(200, headed(page, &["Link"]))]
        }
        Generic::Ledger => {
            let page = answer("A page of the ledger.").content("application/json", content("LedgerPage"));
            vec![(200, headed(page, &["Link"]))]
        }
    }
}

fn answer(doc: &str) -> ResponseBuilder {
    rate_limited(Response::builder().description(doc))
}

fn replayable(response: ResponseBuilder) -> ResponseBuilder {
    headed(response, &["Idempotency-Replayed"])
}

fn headed(response: ResponseBuilder, headers: &[&str]) -> ResponseBuilder {
    headers.iter().fold(response, |response, name| response.header_ref(*name, header_ref(name)))
}

/// What answers with a schema and the example of the same name.
fn content(schema: &str) -> Content {
    let example = Ref::new(format!("#/components/examples/{schema}"));
    Content::builder().schema(Some(Ref::from_schema_name(schema))).examples_from_iter([("example", RefOr::Ref(example))]).build()
}

/// The problems that an endpoint can answer with.
fn problems(generic: Generic) -> &'static [u16] {
    match generic {
        Generic::List | Generic::Summary => &[400, 401, 403, 429, 500, 503],
        Generic::Search => &[400, 401, 403, 408, 413, 415, 429, 500, 503],
        Generic::Get | Generic::History | Generic::Ledger => &[400, 401, 403, 404, 429, 500, 503],
        Generic::Create => &[400, 401, 403, 408, 409, 413, 415, 422, 429, 500, 503],
        Generic::Upsert => &[400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 500, 503],
        Generic::Update => &[400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503],
        Generic::Archive | Generic::Restore => &[400, 401, 403, 404, 409, 412, 422, 429, 500, 503],
    }
}
