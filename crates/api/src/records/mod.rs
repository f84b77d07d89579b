//! The generic endpoints: every object is listed, searched, read and written by the same handlers, out of its field table.

pub mod action;
pub mod area;
pub mod batch;
pub mod behaviour;
pub mod body;
pub mod bulk;
pub mod columns;
pub mod create;
pub mod events;
pub mod filters;
pub mod giving;
pub mod hiding;
pub mod jobs;
pub mod ledger;
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
pub mod summary;
pub mod unkept;
pub mod upsert;
pub mod versions;
pub mod viewed;
pub mod words;
pub mod write;

use actix_web::{HttpRequest, guard, web};
use farley_domain::model::{object::Object, registry};

use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::Body,
    },
    records::operations::{Generic, collection_of, generic_operations},
};

/// Registers the generic endpoints of the objects of a collection: its own, and those below its records. `allowed` tells the methods
/// that a path takes, others' too.
pub fn configure(collection: &str, config: &mut web::ServiceConfig, allowed: &dyn Fn(&str) -> String) {
    for object in registry::objects() {
        let mut routes: Vec<(String, Vec<Generic>)> = Vec::new();
        for operation in generic_operations(object) {
            let path = operation.route(object);
            if collection_of(&path) != collection {
                continue;
            }
            match routes.iter_mut().find(|(known, _)| *known == path) {
                Some((_, operations)) => operations.push(operation),
                None => routes.push((path, vec![operation])),
            }
        }
        // Fixed paths go before templates that would match them too.
        routes.sort_by_key(|(path, _)| path.contains('{'));
        for (path, operations) in routes {
            let methods = allowed(&path);
            let mut resource = web::resource(path);
            for operation in operations {
                resource = resource.route(route(operation, object));
            }
            config.service(
                resource.default_service(web::to(move |request: HttpRequest| refuse_method(taken(&methods, request.path())))),
            );
        }
    }
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
