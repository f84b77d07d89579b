//! One generic endpoint as an operation of the document: its parameters, its body, its answers.

use farley_domain::{
    model::{
        field::{Field, FieldType, Op, Storage},
        object::Object,
        recurring, registry,
    },
    query::list::{MAX_EXPANDED, MAX_FIELDS, MAX_SORT_KEYS},
};
use serde_json::{Value, json};
use utoipa::openapi::{
    Content, HttpMethod, Ref, RefOr, Required,
    path::{Operation, OperationBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
};

use super::{
    names::{self, a, many, one},
    parameters::{list, path, shared},
    records::{create_example, patch_example},
    responses,
    schemas::text,
};
use crate::records::{
    operations::Generic,
    parameters::{filter, filters},
};

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
        .description(Some(description(generic, object)));
    let below = object.parent.filter(|parent| below_parent(generic, object) == Some(parent.field));
    let operation = match below {
        Some(parent) => operation.parameter(path(
            parent.field,
            &format!("The id of the {}, or `ext:{{system}}:{{key}}`.", parent.object),
            "01890a5d-ac96-774b-bcce-b302099a8057",
        )),
        None => operation,
    };
    let operation = parameters(generic, object, operation);
    let operation = answers(generic, object)
        .into_iter()
        .fold(operation, |operation, (status, name)| operation.response(status.to_string(), Ref::from_response_name(name)));
    let mut told = problems(generic).to_vec();
    // The parent of a part may be unknown.
    told.extend(below.map(|_| 404));
    let operation =
        responses::refusals(&told).fold(operation, |operation, (status, problem)| operation.response(status, problem));
    let mut operation = operation.build();
    operation.request_body = body(generic, object);
    operation
}

/// The method in utoipa's terms.
#[must_use]
pub fn method(generic: Generic) -> HttpMethod {
    match generic {
        Generic::List
        | Generic::Get
        | Generic::History
        | Generic::Ledger
        | Generic::Summary
        | Generic::ListAlone
        | Generic::GetAlone => HttpMethod::Get,
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
        Generic::Summary => format!("Summarize {}", many(object)),
        Generic::Get => format!("Get {}", a(object)),
        Generic::Update => format!("Update {}", a(object)),
        Generic::Archive => format!("Archive {}", a(object)),
        Generic::Restore => format!("Restore {}", a(object)),
        Generic::Upsert => format!("Create or update {} by external id", a(object)),
        Generic::History => format!("List the events of {}", a(object)),
        Generic::Ledger => format!("List the ledger of {}", a(object)),
        Generic::ListAlone => format!("List {} of all {}", many(object), parents(object)),
        Generic::GetAlone => format!("Get {} of any {}", a(object), object.parent.map_or("", |parent| parent.object)),
    }
}

fn description(generic: Generic, object: &Object) -> String {
    let (one, many) = (one(object), many(object));
    match generic {
        Generic::List => format!(
            "Returns the {many} that you can see, page by page. Any field can be filtered on, as described in the introduction; `GET /v1/metadata/objects/{}` lists the fields and their operators.",
            object.name
        ),
        Generic::ListAlone => format!(
            "Returns the {many} of all {} that you can see, page by page, with the parameters and filters of any other list. They are changed below their {}.",
            parents(object),
            object.parent.map_or("", |parent| parent.object)
        ),
        Generic::Create => format!("Creates {} and returns it. You can choose its `id`, a UUID.", a(object)),
        Generic::Search => {
            format!(
                "Lists {many} using the full predicate language: `and`, `or`, `not`, related records, relative times. Changes nothing."
            )
        }
        Generic::Summary => format!(
            "Groups the {many} that you can see and that match the filters, and returns the count and the sums of each group, and the path that lists its records. All filters of the list are accepted."
        ),
        Generic::Get | Generic::GetAlone => {
            format!("Returns the {one} with this id. With `archived=true`, archived records are returned too.")
        }
        Generic::Update => format!(
            "Updates the fields given in the body (JSON Merge Patch, RFC 7396, also accepted as `application/merge-patch+json`) and leaves the others unchanged. Without `If-Match`, it overwrites the current values of the {one}."
        ),
        Generic::Archive => {
            // What more comes of it, where that is not at once.
            let more = match object.name {
                "cadence" => {
                    " Its enrolments are stopped and their open tasks cancelled shortly afterwards, within minutes at most. Until then the enrolments still show as `active`, but create no tasks."
                }
                _ => "",
            };
            format!(
                "Removes the {one} from lists and searches. It can still be read with `archived=true` and can be restored.{more}"
            )
        }
        Generic::Restore => format!("Restores an archived {one}."),
        Generic::Upsert => format!(
            "Updates the live {one} that has this key in the external system, as a merge patch does, or creates it if there is none."
        ),
        Generic::History => {
            format!("Returns the changes of the {one}, newest first: who changed which fields, with the old and new values.")
        }
        Generic::Ledger => {
            let kept = object.ledger.map_or(&[][..], |ledger| ledger.fields);
            let kept: Vec<String> = kept.iter().map(|field| format!("`{field}`")).collect();
            format!(
                "Returns every change of {}, newest first: the old and new values, when and by whom it was changed, and how long the {one} had been in the previous step. The first entry has no previous values.",
                kept.join(", ")
            )
        }
    }
}

/// The objects that an object's records are parts of, in a sentence.
fn parents(object: &Object) -> String {
    object.parent.and_then(|parent| registry::object(parent.object)).map_or_else(String::new, many)
}

/// What the path of an endpoint names the parent by, which no filter need name again.
fn below_parent(generic: Generic, object: &Object) -> Option<&'static str> {
    object.parent.filter(|_| !generic.is_alone()).map(|parent| parent.field)
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
        Generic::List | Generic::ListAlone => {
            let searchable = object.is_searchable();
            let operation = shown(with(operation, &["View", "Limit", "Cursor", "Offset", "Total", "Archived"]).parameter(sort()));
            let operation = if searchable { with(operation, &["Query"]) } else { operation };
            let operation = if object.ledger.is_some() { with(operation, &["AsOf"]) } else { operation };
            let operation = if object.superseded_by.is_some() { with(operation, &["Merged"]) } else { operation };
            filters(object, below_parent(generic, object)).into_iter().fold(operation, OperationBuilder::parameter)
        }
        Generic::Summary => {
            let operation = with(operation, &["Archived"]).parameter(group_by(object)).parameter(sum(object));
            let operation = with(operation, &["Average", "Minimum", "Maximum", "GroupSort", "GroupLimit"]);
            let operation = if object.is_searchable() { with(operation, &["Query"]) } else { operation };
            let operation = if object.ledger.is_some() { with(operation, &["AsOf"]) } else { operation };
            let operation = if object.superseded_by.is_some() { with(operation, &["Merged"]) } else { operation };
            // The list has the plain ones.
            operation.parameter(filter(object))
        }
        Generic::Create => with(operation, &["ValidateOnly", "IdempotencyKey"]),
        Generic::Search => operation,
        Generic::Get | Generic::GetAlone => shown(with(operation, &["Id", "Archived"])).parameter_ref(shared("IfNoneMatch")),
        Generic::Update => with(operation, &["Id", "ValidateOnly", "OnConflict", "IfMatch", "IdempotencyKey"]),
        Generic::Archive | Generic::Restore => with(operation, &["Id", "ValidateOnly", "IfMatch", "IdempotencyKey"]),
        Generic::Upsert => with(operation, &["System", "Key", "ValidateOnly", "IfMatch", "IdempotencyKey"]),
        Generic::History | Generic::Ledger => with(operation, &["Id", "Limit", "Cursor"]),
    }
}

fn group_by(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let doc = "Fields to group by, at most 4: single-valued fields, also of a related record (`owner.team_id`); one of them may be of several related records (`tags.name`), and a record then counts once for each of its values; dates and times with a period (`created_at.quarter`; `day`, `week`, `month`, `quarter`, `year`, in the tenant's time zone). If absent, all records form one group.";
    let by_status = object.bears(recurring::STATUS);
    let example = if by_status { recurring::STATUS.name().to_owned() } else { format!("{}.month", recurring::CREATED_AT.name()) };
    list("group_by", doc, name_of_field(), 4).example(Some(json!([example])))
}

fn sum(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let numbers = |kind: &FieldType| matches!(kind, FieldType::Money | FieldType::Integer { .. } | FieldType::Decimal);
    let fields = object.fields.iter().filter(|field| numbers(&field.kind) && field.storage != Storage::Computed);
    let fields: Vec<&Field> = fields.collect();
    let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
    let shown = fields.iter().map(|field| field.name.as_ref()).find(|name| *name != recurring::VERSION.name());
    let doc = format!("Fields to sum, at most 4: {}; and `custom.key`. Money is summed per currency.", names.join(", "));
    list("sum", &doc, name_of_field(), 4).example(Some(json!([shown.unwrap_or(recurring::VERSION.name())])))
}

/// The path of a field, as parameters name it.
fn name_of_field() -> utoipa::openapi::ObjectBuilder {
    text().max_length(Some(MAX_NAME))
}

/// The longest path of a field: five hundred of them fit in a URL.
const MAX_NAME: usize = 100;

fn sort() -> utoipa::openapi::path::ParameterBuilder {
    let doc = format!(
        "Fields to sort by, at most {MAX_SORT_KEYS}; prefix a field with `-` for descending order: those that the object's metadata (`GET /v1/metadata/objects/{{object}}`) says are sortable, `custom.key`, and `relation.field` for a field of the one record that a reference leads to. Records without a value come last, whichever the order. By default, the best matches for `q` come first or, without `q`, records in the `default_sort` of the metadata, mostly the newest first."
    );
    list("sort", &doc, name_of_field(), MAX_SORT_KEYS).example(Some(json!(["-created_at"])))
}

fn fields(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let on_request: Vec<String> =
        object.fields.iter().filter(|field| field.on_request).map(|field| format!("`{}`", field.path())).collect();
    let mut doc =
        "The fields to return; `id` is always included. Use `custom.key` for a single custom field and `relation.field` for a field of a related record, which is then expanded with such fields alone. `*` stands for the default, to which other names add (`relation.*` for that of a relation). Defaults to all fields"
            .to_owned();
    if !on_request.is_empty() {
        doc += &format!(" except those computed only on request: {}", on_request.join(", "));
    }
    list("fields", &(doc + "."), name_of_field(), MAX_FIELDS).example(Some(json!(["id", object.title])))
}

fn expand(object: &Object) -> utoipa::openapi::path::ParameterBuilder {
    let expandable = || object.relations.iter().filter(|relation| !object.has(relation.name));
    let relations: Vec<String> = expandable().map(|relation| format!("`{}`", relation.name)).collect();
    let doc = format!(
        "Relations to include, at most {MAX_EXPANDED}, each as a member named after the relation: {}. Archived records that a record itself refers to are included. `fields` chooses what to return of them (`relation.field`).",
        relations.join(", ")
    );
    let first = expandable().next().map(|relation| json!([relation.name]));
    list("expand", &doc, name_of_field(), MAX_EXPANDED).example(first)
}

fn body(generic: Generic, object: &Object) -> Option<RefOr<RequestBody>> {
    let (schema, example) = match generic {
        Generic::Create | Generic::Upsert => (names::create(object), create_example(object)),
        Generic::Update => (names::patch(object), patch_example(object)),
        Generic::Search => return Some(RefOr::Ref(Ref::new(format!("#/components/requestBodies/{SEARCH}")))),
        Generic::List
        | Generic::ListAlone
        | Generic::Summary
        | Generic::Get
        | Generic::GetAlone
        | Generic::Archive
        | Generic::Restore
        | Generic::History
        | Generic::Ledger => return None,
    };
    let content = Content::builder().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build();
    Some(required(content).into())
}

fn required(content: Content) -> RequestBody {
    RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content).build()
}

/// The schema, the body and the example of a search.
pub const SEARCH: &str = "Search";

/// The body of a search, the same for all objects.
#[must_use]
pub fn search_body() -> RequestBody {
    // Without one, all records are listed.
    RequestBodyBuilder::new().content("application/json", responses::content(SEARCH)).build()
}

/// A search to show.
#[must_use]
pub fn search_example() -> Value {
    let created =
        |op: Op, bound: &str| json!({"field": recurring::CREATED_AT.name(), "op": op.as_str(), "value": {"relative": bound}});
    let lately = [created(Op::Gte, "-30d"), json!({"not": created(Op::Gte, "today")})];
    json!({"filter": {"and": lately}, "sort": ["-created_at"], "limit": 20})
}

/// The answers of an endpoint, each the component that all of its kind share.
fn answers(generic: Generic, object: &Object) -> Vec<(u16, String)> {
    let saved = (200, names::record(object));
    let created = (201, responses::created(object));
    match generic {
        Generic::List | Generic::ListAlone | Generic::Search => vec![(200, names::page(object))],
        Generic::Summary => vec![(200, "Summary".to_owned())],
        Generic::Get | Generic::GetAlone => vec![(200, responses::some(object)), (304, "NotModified".to_owned())],
        Generic::Create | Generic::Upsert => vec![saved, created],
        Generic::Update | Generic::Restore => vec![saved],
        Generic::Archive => vec![(204, "Archived".to_owned())],
        Generic::History => vec![(200, "EventPage".to_owned())],
        Generic::Ledger => vec![(200, "LedgerPage".to_owned())],
    }
}

/// The problems that tell something of an endpoint; what any request can meet is said for all of them at once.
fn problems(generic: Generic) -> &'static [u16] {
    match generic {
        Generic::List | Generic::ListAlone | Generic::Summary | Generic::Search => &[],
        Generic::Get | Generic::GetAlone | Generic::History | Generic::Ledger => &[404],
        Generic::Create => &[409, 422],
        Generic::Upsert | Generic::Update | Generic::Archive | Generic::Restore => &[404, 409, 412, 422, 428],
    }
}
