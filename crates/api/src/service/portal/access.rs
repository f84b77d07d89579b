//! Who asks at a portal: a contact who has signed in, and still may. It is asked of the database each time, so that whoever is archived, barred
//! or signed out is refused at once.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest, http::header};
use farley_domain::{
    customers::contact::Contact,
    model::{entity::Entity, event::Actor, record::Record},
    query::predicate::Predicate,
    service::{
        portal::{Portal, admits, theirs, visible},
        ticket::Ticket,
    },
    values::id::Id,
};
use farley_persistence::Reader;

use super::Found;
use crate::{
    access::{
        call::Call,
        principal,
        state::state_of,
        tokens::PORTAL_AUDIENCE,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::{client_tag_of, language_of, limit_by_address, request_id_of},
    },
    records::write::Writer,
    service::merging::goes_on,
};

/// A request of a contact.
#[derive(Clone)]
pub struct Visit {
    /// Farley itself, that does what the contact may have done; its events name the contact.
    pub call: Call,
    pub portal: Arc<Record<Portal>>,
    pub contact: Arc<Record<Contact>>,
    /// The address that they signed in with.
    pub email: String,
    pub session: Id,
}

impl Visit {
    pub async fn of(request: &HttpRequest) -> Result<Visit, Problem> {
        let found = Found::of(request).await?;
        match Visit::at(request, found).await {
            Err(problem) if problem.code == Code::Unauthorized => {
                // Who guesses tokens has none of their own to be counted against.
                limit_by_address(request)?;
                Err(problem)
            }
            visit => visit,
        }
    }

    async fn at(request: &HttpRequest, found: Found) -> Result<Visit, Problem> {
        let (state, now) = (state_of(request)?, clock::now());
        let refused = || Problem::new(Code::Unauthorized);
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused());
        }
        let claims = state.tokens.verify_fresh_for(PORTAL_AUDIENCE, &state.store, token.trim(), now).await?;
        if claims.tid != found.tenant.id {
            return Err(refused());
        }
        let (session, portal) = (claims.sid, found.record.id());
        let reading = state.store.read::<_, Problem>(found.tenant, move |reader| {
            let ended = || Problem::new(Code::SessionEnded);
            let row = reader.portal_session(session)?.ok_or_else(ended)?;
            if row.portal_id != portal || row.revoked_at.is_some() || row.expires_at <= now {
                return Err(ended());
            }
            let contact = entity_of::<Contact>(reader, row.contact_id)?.filter(admits).ok_or_else(ended)?;
            // Whoever no longer has the address is no longer who signed in with it.
            if !contact.get(Contact::emails).iter().any(|point| point.value == row.email) {
                return Err(ended());
            }
            let mut principal = principal::system(reader)?;
            principal.credential = session;
            principal.actor = Actor::contact(contact.id());
            Ok((contact, row.email, principal))
        });
        let (contact, email, principal) = reading.await?;
        let standing = state.limits.take(session.0.as_u128())?;
        request.extensions_mut().insert(standing);
        let call = Call {
            principal: Arc::new(principal),
            language: language_of(request),
            request_id: request_id_of(request),
            client_tag: client_tag_of(request)?,
            now,
            state,
        };
        Ok(Visit { call, portal: found.record, contact: Arc::new(contact), email, session })
    }

    /// The tickets that they see.
    #[must_use]
    pub fn tickets(&self) -> Predicate {
        visible(&self.portal, &self.contact)
    }

    /// A ticket that they see; of one that was merged, the one in which it goes on, if they see that too.
    pub fn ticket(&self, reader: &mut Reader<'_>, id: Id) -> Result<Record<Ticket>, Problem> {
        let ticket = first(reader, Ticket::id.eq(id).and(theirs(&self.portal, &self.contact)))?;
        if ticket.is_null(Ticket::merged_into_id) {
            return Ok(ticket);
        }
        let end = goes_on(reader, &[id])?.remove(&id).ok_or_else(Problem::not_found)?;
        first(reader, Ticket::id.eq(end).and(self.tickets()))
    }

    /// A ticket that they are about to change: of one that was merged they are told where it went, so that they see what they change.
    pub fn ticket_itself(&self, reader: &mut Reader<'_>, id: Id) -> Result<Record<Ticket>, Problem> {
        let ticket = self.ticket(reader, id)?;
        if ticket.id() == id {
            return Ok(ticket);
        }
        Err(Problem::state("merged", &[]).member(Ticket::merged_into_id.name(), ticket.id().to_string()))
    }

    /// Farley itself, writing what they may.
    #[must_use]
    pub fn writer(&self) -> Writer {
        Writer::of(&self.call, Ticket::object())
    }
}

fn first(reader: &mut Reader<'_>, within: Predicate) -> Result<Record<Ticket>, Problem> {
    let found = reader.find(&without_custom_fields(Ticket::object()), &Unrestricted, &within, 1)?;
    found.into_iter().next().map(Record::into_entity).ok_or_else(Problem::not_found)
}

/// The record that a path names.
pub fn named(request: &HttpRequest) -> Result<Id, Problem> {
    request.match_info().query("id").parse().map_err(|_| Problem::not_found())
}
