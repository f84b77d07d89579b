//! Which handler a request reaches. There are some two hundred paths, and actix tries those of a scope in turn: each collection
//! has a scope of its own, so that a request meets a dozen of them.

use std::collections::BTreeSet;

use actix_web::{guard, web};
use farley_domain::model::registry;

use super::endpoints;
use crate::records::{
    self, bulk,
    operations::{collection_of, generic_operations},
};

/// Registers all endpoints.
pub fn configure(config: &mut web::ServiceConfig) {
    let generic =
        registry::objects().into_iter().flat_map(|object| generic_operations(object).into_iter().map(|one| one.route(object)));
    let mut collections: BTreeSet<String> = generic.map(|path| collection_of(&path).to_owned()).collect();
    collections.extend(
        endpoints::COLLECTIONS.iter().filter(|&&collection| collection != bulk::ANY).map(|&collection| collection.to_owned()),
    );
    collections
        .extend(registry::objects().into_iter().filter(|object| bulk::serves(object)).map(|object| object.collection.to_owned()));
    for collection in collections {
        if collection.is_empty() {
            configure_collection(&collection, config);
            continue;
        }
        let asked = collection.clone();
        let scope = web::scope("").guard(guard::fn_guard(move |context| collection_of(context.head().uri.path()) == asked));
        config.service(scope.configure(|config| configure_collection(&collection, config)));
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
