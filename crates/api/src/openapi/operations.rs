//! The generic endpoints: what every object offers over HTTP. Routes and documentation are made from this one table, so
//! that method and path of the two cannot drift apart.

use actix_web::http::Method;
use farley_domain::object::Object;

use super::names;

/// One kind of generic endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generic {
    List,
    Create,
    /// The list again, with the whole predicate language in the body.
    Search,
    Get,
    Update,
    Archive,
    Restore,
    /// Creates or updates by the key of another system.
    Upsert,
    /// The events of one record.
    History,
}

impl Generic {
    pub const ALL: [Generic; 9] = [
        Generic::List,
        Generic::Create,
        Generic::Search,
        Generic::Get,
        Generic::Update,
        Generic::Archive,
        Generic::Upsert,
        Generic::Restore,
        Generic::History,
    ];

    #[must_use]
    pub fn method(self) -> Method {
        match self {
            Generic::List | Generic::Get | Generic::History => Method::GET,
            Generic::Create | Generic::Search | Generic::Restore => Method::POST,
            Generic::Update => Method::PATCH,
            Generic::Archive => Method::DELETE,
            Generic::Upsert => Method::PUT,
        }
    }

    /// The path as OpenAPI writes it.
    #[must_use]
    pub fn path(self, object: &Object) -> String {
        match self {
            Generic::Upsert => format!("{}/ext:{{system}}:{{key}}", base(object)),
            other => other.route(object),
        }
    }

    /// The path as actix routes it. Every `{id}` may be `ext:{system}:{key}`, and an upsert takes nothing else: it
    /// shares the resource of the record, whose handlers read the id in either form.
    #[must_use]
    pub fn route(self, object: &Object) -> String {
        let base = base(object);
        match self {
            Generic::List | Generic::Create => base,
            Generic::Search => format!("{base}/search"),
            Generic::Get | Generic::Update | Generic::Archive | Generic::Upsert => format!("{base}/{{id}}"),
            Generic::Restore => format!("{base}/{{id}}/restore"),
            Generic::History => format!("{base}/{{id}}/history"),
        }
    }

    /// The name that generated clients give it: `listCustomers`, `createCustomer`.
    #[must_use]
    pub fn operation_id(self, object: &Object) -> String {
        let (one, many) = (names::record(object), names::pascal(object.collection));
        match self {
            Generic::List => format!("list{many}"),
            Generic::Create => format!("create{one}"),
            Generic::Search => format!("search{many}"),
            Generic::Get => format!("get{one}"),
            Generic::Update => format!("update{one}"),
            Generic::Archive => format!("archive{one}"),
            Generic::Restore => format!("restore{one}"),
            Generic::Upsert => format!("upsert{one}"),
            Generic::History => format!("list{one}History"),
        }
    }

    /// Whether it writes, and so takes an `Idempotency-Key` and `validate_only`.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Generic::Create | Generic::Update | Generic::Archive | Generic::Restore | Generic::Upsert => true,
            Generic::List | Generic::Search | Generic::Get | Generic::History => false,
        }
    }

    /// Whether it concerns one record named in the path.
    #[must_use]
    pub fn names_a_record(self) -> bool {
        match self {
            Generic::Get | Generic::Update | Generic::Archive | Generic::Restore | Generic::Upsert | Generic::History => true,
            Generic::List | Generic::Create | Generic::Search => false,
        }
    }
}

fn base(object: &Object) -> String {
    format!("/v1/{}", object.collection)
}

/// The generic endpoints of an object, told from the fields it has, in an order in which fixed paths come before
/// templates that would match them too.
#[must_use]
pub fn generic_operations(object: &'static Object) -> Vec<Generic> {
    let offered = |operation: &Generic| match operation {
        Generic::Upsert => object.has("external_ids") && !object.read_only,
        other => !(object.read_only && other.writes()),
    };
    Generic::ALL.into_iter().filter(offered).collect()
}
