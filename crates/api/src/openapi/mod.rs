//! The OpenAPI document: the generic endpoints of every object, made from its field table, and the hand-written ones.

pub mod metadata;

mod bodies;
mod common;
mod finish;
mod handwritten;
mod order;
mod parameters;
mod paths;
mod records;
mod responses;
mod shallow;
mod shared;
mod sharing;
mod unused;

pub use self::{
    finish::{part, text},
    shallow::shallow,
};
use crate::records::{names, schemas};
use farley_domain::model::{object::Object, registry};
use serde_json::Value;
use utoipa::openapi::{
    Components, Contact, Info, License, OpenApi, PathItem, RefOr, SecurityRequirement, Server, Tag,
    example::Example,
    extensions::Extensions,
    security::{Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityScheme},
};

use crate::records::operations::generic_operations;

/// The same token, got from the documentation page by logging in there.
const PASSWORD: &str = "password";
/// The name of the security scheme.
const BEARER: &str = "bearer";
/// The name of that of contacts in customer portals, as their endpoints name it.
const PORTAL: &str = "portalToken";

/// The whole document. A hand-written operation goes before a generic one of the same method and path, and a hand-written
/// schema before a generic one of the same name.
#[must_use]
pub fn document(handwritten: OpenApi) -> Value {
    let mut document = handwritten;
    handwritten::complete(&mut document);
    let mut components = document.components.take().unwrap_or_default();
    add_shared(&mut components);
    let mut tags = document.tags.take().unwrap_or_default();
    for object in registry::objects() {
        add_paths(&mut document, object);
        for (name, schema) in records::schemas(object) {
            components.schemas.entry(name).or_insert(schema);
        }
        components.responses.extend(responses::of_object(object).into_iter().map(|(name, response)| (name, response.into())));
        components.examples.extend(records::examples(object).into_iter().map(named_example));
        if object.parent.is_none() && tags.iter().all(|tag| tag.name != object.collection) {
            tags.push(Tag::builder().name(object.collection).description(Some(object.doc.trim())).build());
        }
    }
    common::share(&mut components, &registry::objects());
    sharing::share_parameters(&mut document.paths, &mut components);
    sharing::say_what_paths_name(&mut document.paths);
    document.components = Some(components);
    document.tags = Some(tags);
    unused::remove(&mut document);
    bodies::tell_optional(&mut document);
    order::sort(&mut document);
    document.info = info();
    document.servers = Some(servers());
    let either = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
    document.security = Some(vec![either(BEARER), either(PASSWORD)]);
    finish::finish(&document)
}

fn add_paths(document: &mut OpenApi, object: &'static Object) {
    for generic in generic_operations(object) {
        let item = PathItem::new(paths::method(generic), paths::operation(generic, object));
        document.paths.paths.entry(generic.path(object)).or_default().merge_operations(item);
    }
}

fn named_example((name, value): (String, Value)) -> (String, RefOr<Example>) {
    (name, Example::builder().value(Some(value)).into())
}

fn add_shared(components: &mut Components) {
    let shared = shared::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema));
    for (name, schema) in shared.chain(records::of_every_record()) {
        components.schemas.entry(name).or_insert(schema);
    }
    let pages = [
        ("EventPage", shared::event_page_example()),
        ("LedgerPage", shared::ledger_page_example()),
        ("Summary", shared::summary_example()),
        (paths::SEARCH, paths::search_example()),
    ];
    components.examples.extend(pages.map(|(name, example)| named_example((name.to_owned(), example))));
    components.examples.extend(responses::examples().map(named_example));
    components.request_bodies.insert(paths::SEARCH.to_owned(), paths::search_body().into());
    for (name, parameter) in parameters::components() {
        components.parameters.insert(name.to_owned(), parameter.into());
    }
    for (name, response) in responses::components().into_iter().chain(responses::of_all()) {
        components.responses.insert(name.to_owned(), response.into());
    }
    for (name, header) in responses::headers() {
        components.headers.insert(name.to_owned(), header.into());
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token from a log-in (a JWT signed with EdDSA, following RFC8725, valid for 15 minutes), or an API key (`fk_…`)."));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    let portal = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token of a contact who signed in to a customer portal (a JWT, following RFC8725, valid for 15 minutes). It is good for that portal alone."));
    components.add_security_scheme(PORTAL, SecurityScheme::Http(portal.build()));
    let flow = Password::new("/v1/auth/token", Scopes::new());
    let password = OAuth2::with_description(
        [Flow::Password(flow)],
        "Log in with e-mail address and password from the documentation page; returns the same JWT (RFC8725).",
    );
    components.add_security_scheme(PASSWORD, SecurityScheme::OAuth2(password));
}

fn info() -> Info {
    let contact = Contact::builder().name(Some("Farley")).url(Some(env!("CARGO_PKG_REPOSITORY")));
    let mut licence = License::new("Apache-2.0");
    licence.identifier = Some("Apache-2.0".to_owned());
    Info::builder()
        .title("Farley")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .contact(Some(contact.build()))
        .license(Some(licence))
        .build()
}

fn servers() -> Vec<Server> {
    let doc = "The server that serves this document, whether production, staging or local.";
    let mut server = Server::builder().url("/").description(Some(doc)).build();
    server.extensions = Some(Extensions::from_iter([("x-internal", false)]));
    vec![server]
}

const DESCRIPTION: &str = "\
Farley is a headless CRM: all of its features are available through this API.

- **Records** are returned directly, without a wrapper; lists are returned as `{\"data\": […], \"page\": {…}}`. Times are RFC 3339 in UTC, \
  money is in minor units.
- **Unknown** members and parameters are rejected, never ignored.
- **Errors** are `application/problem+json` (RFC 9457). All faults are reported at once. Every request can have an `Accept-Language` header, `en` (the default) or `zh-CN`, for the language of titles, details and messages.
- **Retries** are safe with `Idempotency-Key`; **concurrent edits** are detected with `ETag` and `If-Match`.
- **Echoes**: a text of at most 200 characters in the header `Client-Tag` of a write is the `client_tag` of its events.
- **Ids** in paths can be `ext:{system}:{key}`, the record's key in an external system.
- **Rate limits** are reported in the headers `RateLimit` and `RateLimit-Policy` of every response.

## Filters

All lists, summaries, boards and funnels accept the same filters. A few common ones are listed with each operation; all others follow the \
same pattern: the name of a field with an operator as suffix. `GET /v1/metadata/objects/{object}` returns the operators that each field supports.

| Parameter | Matches records whose field |
|---|---|
| `field=a` | is `a` |
| `field_ne=a` | is not `a`, or has no value |
| `field_gt=` `field_gte=` `field_lt=` `field_lte=` | is greater than, at least, less than, at most the value |
| `field_in=a,b` | is one of these; `id_in` loads several records by id |
| `field_nin=a,b` | is none of these, or has no value |
| `field_contains=a` `field_starts=a` `field_ends=a` | contains, starts or ends with the text, ignoring case |
| `field_ncontains=a` | does not contain the text, ignoring case, or has no value |
| `field_null=true` | has no value; `false`: has a value |
| `field_any=a,b` `field_none=a,b` | (a list or related records) contains at least one of these, none of these |

- `custom.key` is a custom field, `relation.field` a field of a related record, `amount.currency` the currency of a money field; amounts are \
  compared in minor units.
- List values are separated by commas; use `\\,` for a comma within a value. Times can be relative, in the tenant's time zone: `-30d`, `start_of_month`. \
  A user can be `me`: `owner_id=me`.
- `filter` expresses what suffixes cannot, such as `or`, `not` and filters on related records. It is a predicate as percent-encoded JSON: \
  `filter={\"or\":[{\"field\":\"status\",\"value\":\"active\"},{\"field\":\"name\",\"op\":\"contains\",\"value\":\"华为\"}]}`. `POST …/search` accepts the same predicate in its body.
- All filters given are combined with AND.
";
