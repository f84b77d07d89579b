//! Records by their keys: created where there is none, changed where there is one.

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, pointer_token},
        object::Object,
        record::Record,
        recurring,
    },
    values::id::Id,
};
use farley_persistence::{StoreError, Work};
use serde_json::Value;

use super::{
    behaviour::Shown,
    bulk::key::{self, Key},
    create::Prepared,
    mutation::{Mutation, if_match},
    named::Named,
    versions::{self, Versions},
    write::{Writer, run},
};
use crate::{
    access::call::Call,
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
};

/// `PUT /v1/{collection}/ext:{system}:{key}`: creates the record that has this key, or changes it as a patch would.
pub async fn upsert(object: &'static Object, call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let Named::External { system, key } = Named::parse(request.match_info().query("id"))? else {
        return Err(Problem::new(Code::MethodNotAllowed).allow("DELETE, GET, HEAD, PATCH".to_owned()));
    };
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let expected = if_match(&request);
    let writer = Writer::of_request(&call, object, &request)?;
    let key = Key::External { system, key };
    run(object, &call, mutation, move |work| {
        let Upserted { before, record, shown } = writer.upsert(work, &key, &body.0, (expected.as_ref(), None))?;
        writer.answer(work, status(before.as_ref()), &record, shown)
    })
    .await
}

/// The status of the answer, by what was there before.
#[must_use]
pub fn status(before: Option<&Record>) -> u16 {
    if before.is_none() { 201 } else { 200 }
}

/// What became of a record that was created or changed by a key.
pub struct Upserted {
    /// As it was; none if it was created.
    pub before: Option<Record>,
    pub record: Record,
    /// What is shown of a new one once.
    pub shown: Shown,
}

impl Writer {
    /// Creates or patches the record that has a key. What has been prepared of a creation is used for one.
    pub fn upsert(
        &self,
        work: &mut Work<'_>,
        key: &Key,
        body: &Value,
        (expected, prepared): (Option<&Versions>, Option<&Prepared>),
    ) -> Result<Upserted, Problem> {
        let found = key::find(work, self, key)?;
        self.upsert_found(work, (key, found), body, (expected, prepared))
    }

    /// The same where it is known already which record has the key, if there is one.
    pub fn upsert_found(
        &self,
        work: &mut Work<'_>,
        (key, found): (&Key, Option<Id>),
        body: &Value,
        (expected, prepared): (Option<&Versions>, Option<&Prepared>),
    ) -> Result<Upserted, Problem> {
        let Some(id) = found else {
            self.permit(Action::Create)?;
            if self.parent.is_some() {
                self.load_parent(work, &Record::new(self.object))?;
            }
            let created = match prepared {
                Some(prepared) => self.create_prepared(work, prepared, body),
                None => self.create(work, &with_key(body, key)?),
            };
            if let Err(problem) = &created
                && problem.code == Code::Duplicate
                && problem.inside().is_none()
                && key::find(work, self, key)?.is_some()
            {
                // Another has created it since it was looked for: from the beginning, it is found and changed.
                return Err(StoreError::Serialization.into());
            }
            let (record, shown) = created?;
            return Ok(Upserted { before: None, record, shown });
        };
        let loaded = self.load_found(work, key, id)?;
        if let Some(expected) = expected {
            versions::check(work, &self.principal, self.object, &loaded.record, expected, None)?;
        }
        let record = self.patch(work, &loaded, &with_key(body, key)?)?;
        Ok(Upserted { before: Some(loaded.record), record, shown: Shown::new() })
    }

    fn load_found(&self, work: &mut Work<'_>, key: &Key, id: Id) -> Result<farley_persistence::Loaded, Problem> {
        let loaded = self.load(work, &Named::Id(id), Action::Update);
        match (loaded, key) {
            // A value that is not to be had tells no more than it does to whoever creates a record with it.
            (Err(problem), Key::Unique { field, .. }) if problem.code == Code::NotFound => {
                Err(Problem::duplicate_of_unseen(&format!("/{}", field.name)))
            }
            (loaded, _) => loaded,
        }
    }
}

/// The body with the key of its path, which it must not contradict. Other keys are in the body already.
fn with_key(body: &Value, key: &Key) -> Result<Value, Fault> {
    let Key::External { system, key } = key else { return Ok(body.clone()) };
    let conflicting = |pointer: String| Fault::new(pointer, FaultCode::Conflicting).with("other", format!("ext:{system}:{key}"));
    let mut body = body.clone();
    let Some(members) = body.as_object_mut() else { return Ok(body) };
    let ids = members.entry(recurring::EXTERNAL_IDS.name()).or_insert_with(|| Value::Object(serde_json::Map::new()));
    if ids.is_null() {
        return Err(conflicting(recurring::EXTERNAL_IDS.pointer()));
    }
    if let Some(ids) = ids.as_object_mut() {
        let contradicts = |given: &Value| match given {
            Value::String(given) => farley_domain::values::text::clean_line(given) != *key,
            // What is no key at all is told as everywhere.
            given => given.is_null(),
        };
        if ids.get(system).is_some_and(contradicts) {
            return Err(conflicting(format!("{}/{}", recurring::EXTERNAL_IDS.pointer(), pointer_token(system))));
        }
        ids.entry(system.as_str()).or_insert_with(|| key.as_str().into());
    }
    Ok(body)
}
