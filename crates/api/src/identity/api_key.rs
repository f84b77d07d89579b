//! API keys: made once, shown once, stored as a hash. A key never reaches beyond whoever made it.

use farley_domain::{
    identity::api_key::{self, ApiKey},
    model::{
        fault::{Fault, FaultCode},
        record::Record,
    },
};
use farley_persistence::Work;
use serde_json::Map;

use crate::{
    access::{
        grants::{asker_of, standing_of},
        tokens::{new_secret, secret_hash},
        unrestricted::user_record,
    },
    http::problem::Problem,
    records::behaviour::{Behaviour, Shown, Writing},
};

/// What every key begins with.
const KEY: &str = "fk_";
/// How many characters of a key are kept to tell it by.
const PREFIX: usize = 9;

impl Behaviour for ApiKey {
    const CHANGES_PRINCIPALS: bool = true;

    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let user = record.get(ApiKey::user_id).unwrap_or(writing.principal.user_id());
        record.set(ApiKey::user_id, user);
        let there = user_record(work.reader(), user)?.ok_or_else(Problem::not_found)?;
        if user != writing.principal.user_id() {
            let theirs = standing_of(work.reader(), &there)?;
            if let Some(permission) = writing.principal.asker.first_beyond(&theirs) {
                return Err(Problem::beyond_held(&ApiKey::user_id.pointer(), &permission));
            }
            if asker_of(work.reader(), user)?.is_none() {
                return Err(Problem::rule(Fault::new(ApiKey::user_id.pointer(), FaultCode::NotFound).into()));
            }
        }
        // A key that makes keys must not make one with wider scopes than its own, whatever its user may come to hold.
        if let Some(own) = &writing.principal.scopes
            && !record.is_archived()
            && let Some(scope) = api_key::first_beyond(own, &record.get(ApiKey::scopes))
        {
            return Err(Problem::beyond_held(&ApiKey::scopes.pointer(), &scope));
        }
        if record.is_null(ApiKey::prefix) {
            record.set(ApiKey::prefix, KEY.to_owned());
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if writing.before.is_some() {
            return Ok(Map::new());
        }
        let key = new_secret(KEY);
        work.add_api_key_hash(record.id(), &secret_hash(&key))?;
        let prefix: String = key.chars().take(PREFIX).collect();
        work.set_api_key_prefix(record.id(), &prefix)?;
        Ok(Map::from_iter([("key".to_owned(), key.into())]))
    }
}
