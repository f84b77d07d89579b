//! The generic endpoints: every object is listed, searched, read and written by the same handlers, out of its field table.

pub mod action;
pub mod area;
pub mod batch;
pub mod behaviour;
pub mod body;
pub mod bulk;
pub mod changes_stream;
pub mod columns;
pub mod create;
pub mod events;
pub mod filters;
pub mod giving;
pub mod hiding;
pub mod jobs;
pub mod ledger;
pub mod listening;
pub mod locks;
pub mod lookup;
pub mod mail;
pub mod mutation;
pub mod named;
pub mod names;
pub mod notify;
pub mod operations;
pub mod parameters;
pub mod parts;
pub mod public;
pub mod read;
pub mod references;
pub mod reindex;
pub mod schemas;
pub mod search;
pub mod secrets;
pub mod summary;
pub mod unkept;
pub mod upsert;
pub mod versions;
pub mod viewed;
pub mod words;
pub mod write;

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{HttpRequest, guard, web};
use farley_domain::model::{object::Object, registry};

use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::Body,
        template::at,
    },
    records::operations::{Generic, collection_of, generic_operations},
};

/// Registers the generic endpoints of the objects of a collection: its own, and those below its records. `allowed` tells the methods
/// that a path takes, others' too.
pub fn configure(collection: &str, config: &mut web::ServiceConfig, allowed: &dyn Fn(&str) -> String) {
    for Served { path, object, operations } in SERVED.get(collection).into_iter().flatten() {
        let methods = allowed(path);
        let mut resource = web::resource(path.as_str());
        for operation in operations {
            resource = resource.route(route(*operation, object));
        }
        let refuse = web::to(move |request: HttpRequest| refuse_method(taken(&methods, request.path())));
        config.service(at(path, resource.default_service(refuse)));
    }
}

/// A path and what is done there.
struct Served {
    path: String,
    object: &'static Object,
    operations: Vec<Generic>,
}

/// What is generic in each collection. Told once, as every thread that serves is configured.
static SERVED: LazyLock<BTreeMap<String, Vec<Served>>> = LazyLock::new(|| {
    let mut collections: BTreeMap<String, Vec<Served>> = BTreeMap::new();
    for object in registry::objects() {
        let mut all: Vec<Served> = Vec::new();
        for operation in generic_operations(object) {
            let path = operation.route(object);
            match all.iter_mut().find(|known| known.path == path) {
                Some(known) => known.operations.push(operation),
                None => all.push(Served { path, object, operations: vec![operation] }),
            }
        }
        // Fixed paths go before templates that would match them too.
        all.sort_by_key(|served| served.path.contains('{'));
        for served in all {
            collections.entry(collection_of(&served.path).to_owned()).or_default().push(served);
        }
    }
    collections
});

/// The collections in which something is generic.
pub fn collections() -> impl Iterator<Item = &'static str> {
    SERVED.keys().map(String::as_str)
}

/// Whether a path names a record by a key in another system, and so can be put to: `…/ext:sap:10042`.
fn is_external(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("ext"))
}

/// The methods that a path takes, of those that its template does.
fn taken(methods: &str, path: &str) -> String {
    let taken: Vec<&str> = methods.split(", ").filter(|method| *method != "PUT" || is_external(path)).collect();
    taken.join(", ")
}

/// The answer to a method that a resource does not take.
pub async fn refuse_method(allowed: String) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::new(Code::MethodNotAllowed).allow(allowed))
}

/// A handler of what has no body.
macro_rules! bare {
    ($object:ident, $handler:path) => {
        move |call: Call, request: HttpRequest| call.judged(move |call| $handler($object, call, request.clone()))
    };
}

/// A handler of what has a body.
macro_rules! with_body {
    ($object:ident, $handler:path) => {
        move |call: Call, request: HttpRequest, body: Body| {
            call.judged(move |call| $handler($object, call, request.clone(), body.clone()))
        }
    };
}

fn route(operation: Generic, object: &'static Object) -> actix_web::Route {
    let route = web::method(operation.method());
    match operation {
        Generic::List | Generic::ListAlone => route.to(bare!(object, read::list)),
        Generic::Search => route.to(with_body!(object, read::search)),
        Generic::Get | Generic::GetAlone => route.to(bare!(object, read::get)),
        Generic::Summary => route.to(bare!(object, summary::summary)),
        Generic::Ledger => route.to(bare!(object, ledger::ledger)),
        Generic::History => route.to(bare!(object, read::history)),
        Generic::Create => route.to(with_body!(object, create::create)),
        Generic::Update => route.to(with_body!(object, write::update)),
        Generic::Upsert => {
            let route = route.guard(guard::fn_guard(|context| is_external(context.head().uri.path())));
            route.to(with_body!(object, upsert::upsert))
        }
        Generic::Archive => route.to(bare!(object, write::archive_one)),
        Generic::Restore => route.to(bare!(object, write::restore)),
    }
}
