//! Which handler a request reaches. There are hundreds of paths, and actix tries those of a scope in turn: each collection has a
//! scope of its own, so that a request meets a dozen of them.

use std::collections::BTreeSet;

use actix_web::{guard, web};
use farley_domain::model::registry;

use super::endpoints;
use crate::records::{self, bulk, operations::collection_of};

/// Registers all endpoints.
pub fn configure(config: &mut web::ServiceConfig) {
    let mut collections: BTreeSet<&str> = records::collections().collect();
    collections.extend(endpoints::COLLECTIONS.iter().filter(|&&collection| collection != bulk::ANY));
    collections.extend(registry::objects().into_iter().filter(|object| bulk::serves(object)).map(|object| object.collection));
    for collection in collections {
        if collection.is_empty() {
            configure_collection(collection, config);
            continue;
        }
        let scope = web::scope("").guard(guard::fn_guard(move |context| collection_of(context.head().uri.path()) == collection));
        config.service(scope.configure(|config| configure_collection(collection, config)));
    }
}

fn configure_collection(collection: &str, config: &mut web::ServiceConfig) {
    // What is written by hand goes before templates that would match it too.
    endpoints::configure(collection, config);
    endpoints::refuse_other_methods(collection, config);
    if registry::objects().into_iter().any(|object| object.collection == collection && bulk::serves(object)) {
        endpoints::configure(bulk::ANY, config);
        endpoints::refuse_other_methods(bulk::ANY, config);
    }
    records::configure(collection, config, &endpoints::allowed);
}
