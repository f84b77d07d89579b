//! Actions: what is done to one record that is no plain edit, as a verb below it: `POST /v1/opportunities/{id}/move`.

use std::{marker::PhantomData, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Writable,
        field_rule::FieldRule,
        object::Object,
        record::Record,
    },
};
use farley_persistence::{Loaded, Work};

use super::{
    behaviour::Shown,
    body,
    mutation::{Answer, Mutation, if_match},
    named::Named,
    versions::{self, Versions},
    write::Writer,
};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
};

/// An action that needs no more than the record: what rules and macros can perform too.
pub struct Performance {
    pub object: fn() -> &'static Object,
    /// The verb of its path.
    pub action: &'static str,
    /// Does it to a record that has been loaded for it.
    pub perform: fn(&mut Work<'_>, &Writer, &Loaded) -> Result<(), Problem>,
}

/// An action under way on a record of `E`: the record as it is, and what the body `B` asks for.
pub struct Asked<E, B> {
    pub writer: Writer,
    pub loaded: Loaded,
    pub body: Record<B>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity, B> Asked<E, B> {
    /// The record as it is.
    #[must_use]
    pub fn record(&self) -> &Record<E> {
        self.loaded.record.of()
    }

    /// Applies the rules of the object to the record as it is to be, stores it and shows it.
    pub fn store(&self, work: &mut Work<'_>, record: Record<E>, verb: &str) -> Result<Answer, Problem> {
        let record = self.writer.apply_rules(&self.writer.schema(), Some(&self.loaded.record), record.into_any())?;
        let record = self.writer.store(work, &self.loaded, record, verb)?;
        self.writer.answer(work, 200, &record, Shown::new())
    }
}

/// Does an action in one unit of work: the record is loaded within what the principal may do, its version is checked against
/// `If-Match`, and the answer is kept for a repeated request.
pub async fn act<E: Entity, B: Entity>(
    (call, request, body): (Call, HttpRequest, Body),
    action: Action,
    work: impl Fn(&mut Work<'_>, &Asked<E, B>) -> Result<Answer, Problem> + Send + Sync + 'static,
) -> Result<HttpResponse, Problem> {
    let work = Arc::new(work);
    call.judged(|call| act_once::<E, B, _>((call, request.clone(), body.clone()), action, Arc::clone(&work))).await
}

async fn act_once<E: Entity, B: Entity, W>(
    (call, request, body): (Call, HttpRequest, Body),
    action: Action,
    work: Arc<W>,
) -> Result<HttpResponse, Problem>
where
    W: Fn(&mut Work<'_>, &Asked<E, B>) -> Result<Answer, Problem> + Send + Sync + 'static,
{
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let body: Record<B> = body::read(&body.0, &call.principal.standards(call.now))?;
    refuse_ruled(&call.principal, E::object(), &body)?;
    let expected = if_match(&request);
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of_request(&call, E::object(), &request)?;
    mutation
        .run(&call, move |unit| {
            let loaded = load(&writer, unit, &named, (action, expected.as_ref()))?;
            let asked = Asked { writer: writer.clone(), loaded, body: body.clone(), entity: PhantomData };
            work(unit, &asked).map_err(|problem| asked.writer.unhidden(problem, Some(&asked.loaded.record)))
        })
        .await
}

/// Loads the record of an action within what the principal may do: live, and in a version that the request expects, if it says so.
pub fn load(
    writer: &Writer,
    work: &mut Work<'_>,
    named: &Named,
    (action, expected): (Action, Option<&Versions>),
) -> Result<Loaded, Problem> {
    let loaded = writer.load(work, named, action)?;
    if let Some(expected) = expected {
        versions::check(work, &writer.principal, writer.object, &loaded.record, expected, None)?;
    }
    if loaded.record.is_archived() {
        return Err(Problem::archived());
    }
    Ok(loaded)
}

/// What a body says of fields that are hidden from the caller or frozen is refused as in a patch.
fn refuse_ruled<B: Entity>(principal: &Principal, object: &'static Object, body: &Record<B>) -> Result<(), Problem> {
    let mut faults = Faults::default();
    for member in B::object().fields.iter().filter(|member| !body.cell(member).is_null()) {
        let Some(field) = object.field(&member.name).filter(|field| field.writable == Writable::Always) else { continue };
        let pointer = format!("/{}", member.name);
        match principal.asker.grants.rule(object, field) {
            Some(FieldRule::Hidden) => faults.add(Fault::new(pointer, FaultCode::UnknownMember)),
            Some(FieldRule::ReadOnly) => faults.add(Fault::new(pointer, FaultCode::NotPermitted)),
            None => {}
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}
