//! The generic endpoints: what every object offers over HTTP. Routes and documentation are made from this one table, so
//! that method and path of the two cannot drift apart.

use actix_web::http::Method;
use farley_domain::{
    model::{object::Object, recurring, registry},
    values::id::Id,
};

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
    /// What was true of one record, and for how long.
    Ledger,
    /// Counts and sums by field.
    Summary,
    /// The list of records that are parts of others, across all of these.
    ListAlone,
    /// One record that is a part of another, whichever that is.
    GetAlone,
}

impl Generic {
    pub const ALL: [Generic; 13] = [
        Generic::List,
        Generic::Create,
        Generic::Search,
        Generic::Summary,
        Generic::Get,
        Generic::Update,
        Generic::Archive,
        Generic::Upsert,
        Generic::Restore,
        Generic::History,
        Generic::Ledger,
        Generic::ListAlone,
        Generic::GetAlone,
    ];

    #[must_use]
    pub fn method(self) -> Method {
        match self {
            Generic::List
            | Generic::Get
            | Generic::History
            | Generic::Ledger
            | Generic::Summary
            | Generic::ListAlone
            | Generic::GetAlone => Method::GET,
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
        let base = if self.is_alone() { alone(object) } else { base(object) };
        match self {
            Generic::List | Generic::Create | Generic::ListAlone => base,
            Generic::Search => format!("{base}/search"),
            Generic::Summary => format!("{base}/summary"),
            Generic::Get | Generic::Update | Generic::Archive | Generic::Upsert | Generic::GetAlone => format!("{base}/{{id}}"),
            Generic::Restore => format!("{base}/{{id}}/restore"),
            Generic::History => format!("{base}/{{id}}/history"),
            Generic::Ledger => format!("{base}/{{id}}/ledger"),
        }
    }

    /// Whether it writes, and so takes an `Idempotency-Key` and `validate_only`.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Generic::Create | Generic::Update | Generic::Archive | Generic::Restore | Generic::Upsert => true,
            Generic::List
            | Generic::Search
            | Generic::Summary
            | Generic::Get
            | Generic::History
            | Generic::Ledger
            | Generic::ListAlone
            | Generic::GetAlone => false,
        }
    }

    /// Whether it reads parts without the record that they belong to: no path names that one.
    #[must_use]
    pub fn is_alone(self) -> bool {
        matches!(self, Generic::ListAlone | Generic::GetAlone)
    }

    /// Whether it concerns one record named in the path.
    #[must_use]
    pub fn names_a_record(self) -> bool {
        match self {
            Generic::Get
            | Generic::Update
            | Generic::Archive
            | Generic::Restore
            | Generic::Upsert
            | Generic::History
            | Generic::Ledger
            | Generic::GetAlone => true,
            Generic::List | Generic::Create | Generic::Search | Generic::Summary | Generic::ListAlone => false,
        }
    }
}

/// The path of an object's collection: `/v1/customers`, or below the parent: `/v1/pipelines/{pipeline_id}/stages`.
#[must_use]
pub fn base(object: &Object) -> String {
    match object.parent.and_then(|parent| Some((parent.field, registry::object(parent.object)?))) {
        Some((field, parent)) => format!("{}/{{{field}}}/{}", base(parent), object.collection),
        None => alone(object),
    }
}

/// The path of an object's collection by itself.
fn alone(object: &Object) -> String {
    format!("/v1/{}", object.collection)
}

/// Where a record is found: the path of its collection, with the parent's id filled in, and its own id.
#[must_use]
pub fn location(object: &Object, parent: Option<Id>, id: Id) -> String {
    let base = base(object);
    match object.parent.zip(parent) {
        Some((parent, parent_id)) => format!("{}/{id}", base.replace(&format!("{{{}}}", parent.field), &parent_id.to_string())),
        None => format!("{base}/{id}"),
    }
}

/// The generic endpoints of an object, told from the fields it has, in an order in which fixed paths come before
/// templates that would match them too.
#[must_use]
pub fn generic_operations(object: &'static Object) -> Vec<Generic> {
    let offered = |operation: &Generic| match operation {
        Generic::Upsert => object.bears(recurring::EXTERNAL_IDS) && !object.read_only,
        Generic::Create => !object.read_only && !object.made_by_hand,
        Generic::Ledger => object.ledger.is_some(),
        Generic::ListAlone | Generic::GetAlone => object.parent.is_some() && object.also_alone,
        other => !(object.read_only && other.writes()),
    };
    Generic::ALL.into_iter().filter(offered).collect()
}

/// The part of a path after `/v1/`; nothing for the few paths outside of it.
#[must_use]
pub fn collection_of(path: &str) -> &str {
    path.strip_prefix("/v1/").map_or("", |rest| rest.split('/').next().unwrap_or(rest))
}
