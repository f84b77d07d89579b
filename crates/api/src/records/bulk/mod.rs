//! Many records in one request: created, changed or archived, each by the rules, rights and events of a write of its own. Each row has
//! its own outcome; what fails leaves nothing of it.

pub mod change;
pub mod chosen;
pub mod edits;
pub mod key;
pub mod outcome;
pub mod records;
pub mod rows;

use actix_web::HttpRequest;
use farley_domain::{
    identity::access::Action,
    model::{object::Object, registry},
};

use super::operations::{Generic, generic_operations};
use crate::http::problem::Problem;

/// How many records a request writes.
pub const MOST: usize = 1_000;
/// How many new ones are written in one transaction: nobody else is to wait for long, and each transaction costs something.
const WRITTEN_TOGETHER: usize = 500;
/// How many are changed in one: what is changed is locked.
const CHANGED_TOGETHER: usize = 100;

/// The collection that stands for any in the paths of this room.
pub const ANY: &str = "{collection}";

/// What an object must offer for one of the paths of this room to be of use, and what somebody must be allowed.
#[must_use]
pub fn needed(path: &str) -> Option<(Generic, &'static [Action])> {
    match path.strip_prefix("/v1/")?.strip_prefix(ANY)? {
        "/bulk" => Some((Generic::Create, &[Action::Create])),
        "/{id}/lock" => Some((Generic::Update, &[Action::Update])),
        "/bulk-change" => Some((Generic::Update, &[Action::Update, Action::Archive])),
        _ => None,
    }
}

/// Whether records of an object are written many at once.
#[must_use]
pub fn serves(object: &'static Object) -> bool {
    generic_operations(object).contains(&Generic::Update)
}

/// The object of the collection that a path names, if it takes the operation one by one too.
pub fn object_of(request: &HttpRequest, needed: Generic) -> Result<&'static Object, Problem> {
    let named = request.match_info().query("collection");
    let found = registry::objects().into_iter().find(|object| object.collection == named);
    found.filter(|object| generic_operations(object).contains(&needed)).ok_or_else(Problem::not_found)
}
