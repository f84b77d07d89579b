//! Records by their keys in other systems: created where there is none, changed where there is one.

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, pointer_token},
        object::Object,
        record::Record,
        recurring,
    },
};
use farley_persistence::{StoreError, Work};
use serde_json::Value;

use super::{
    behaviour::Shown,
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
    run(object, &call, mutation, move |work| {
        let (record, created) = writer.upsert(work, &system, &key, &body.0, expected.as_ref())?;
        writer.answer(work, if created { 201 } else { 200 }, &record, Shown::new())
    })
    .await
}

impl Writer {
    /// Creates or patches the record that has a key in another system; whether it was created.
    pub fn upsert(
        &self,
        work: &mut Work<'_>,
        system: &str,
        key: &str,
        body: &Value,
        expected: Option<&Versions>,
    ) -> Result<(Record, bool), Problem> {
        let named = Named::External { system: system.to_owned(), key: key.to_owned() };
        let Some(id) = named.find(work.reader(), &self.principal, self.object)? else {
            self.permit(Action::Create)?;
            if self.parent.is_some() {
                self.load_parent(work, &Record::new(self.object))?;
            }
            let body = with_key(body, system, key)?;
            let created = self.create(work, &body);
            if let Err(problem) = &created
                && problem.code == Code::Duplicate
                && problem.inside().is_none()
                && named.find(work.reader(), &self.principal, self.object)?.is_some()
            {
                // Another has created it since it was looked for: from the beginning, it is found and changed.
                return Err(StoreError::Serialization.into());
            }
            return Ok((created?.0, true));
        };
        let loaded = self.load(work, &Named::Id(id), Action::Update)?;
        if let Some(expected) = expected {
            versions::check(work, &self.principal, self.object, &loaded.record, expected, None)?;
        }
        let body = with_key(body, system, key)?;
        Ok((self.patch(work, &loaded, &body)?, false))
    }
}

/// The body with the key of its path, which it must not contradict.
fn with_key(body: &Value, system: &str, key: &str) -> Result<Value, Fault> {
    let conflicting = |pointer: String| Fault::new(pointer, FaultCode::Conflicting).with("other", format!("ext:{system}:{key}"));
    let mut body = body.clone();
    let Some(members) = body.as_object_mut() else { return Ok(body) };
    let ids = members.entry(recurring::EXTERNAL_IDS.name()).or_insert_with(|| Value::Object(serde_json::Map::new()));
    if ids.is_null() {
        return Err(conflicting(recurring::EXTERNAL_IDS.pointer()));
    }
    if let Some(ids) = ids.as_object_mut() {
        let contradicts = |given: &Value| match given {
            Value::String(given) => farley_domain::values::text::clean_line(given) != key,
            // What is no key at all is told as everywhere.
            given => given.is_null(),
        };
        if ids.get(system).is_some_and(contradicts) {
            return Err(conflicting(format!("{}/{}", recurring::EXTERNAL_IDS.pointer(), pointer_token(system))));
        }
        ids.entry(system).or_insert_with(|| key.into());
    }
    Ok(body)
}
