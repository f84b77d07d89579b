//! Reply templates: their placeholders are checked when they are written, and filled in for a ticket.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
        structures::wording::Wording,
    },
    service::{reply_template::ReplyTemplate, ticket::Ticket},
};
use farley_persistence::{Reader, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{call::Call, unrestricted::entity_of},
    http::{problem::Problem, request::parameters},
    records::{
        behaviour::{Behaviour, Writing},
        body, lookup,
        named::Named,
        words::{self, Words},
    },
};

impl Behaviour for ReplyTemplate {
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        check_placeholders(&writing.any(), record.get(ReplyTemplate::text), &ReplyTemplate::text.pointer())
    }
}

/// Refuses texts about tickets whose placeholders stand for nothing that their writer knows of.
pub fn check_placeholders(writing: &Writing<'_>, wording: Option<Wording>, pointer: &str) -> Result<(), Problem> {
    let mut faults = Faults::default();
    for (place, text) in wording.iter().flat_map(Wording::texts) {
        let place = format!("{pointer}{place}");
        words::check(writing.principal, writing.now, Ticket::object(), (&place, text, &[]), &mut |_| (), &mut faults);
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// The text of a template that is in use.
pub fn text_of(work: &mut Work<'_>, id: farley_domain::values::id::Id) -> Result<Wording, Problem> {
    let template = lookup::one::<ReplyTemplate>(work, id)?.ok_or_else(Problem::not_found)?;
    if template.is_archived() {
        return Err(Problem::archived());
    }
    if !template.get(ReplyTemplate::is_active) {
        return Err(Problem::state("inactive", &["update"]));
    }
    template.get(ReplyTemplate::text).ok_or_else(Problem::not_found)
}

/// The language in which the customer of a ticket is written to: that of the contact, else of the customer, else the one that the
/// request is written in.
pub fn language_of(reader: &mut Reader<'_>, ticket: &Record<Ticket>, said: &str) -> Result<String, Problem> {
    if let Some(contact) = ticket.get(Ticket::contact_id)
        && let Some(contact) = entity_of::<Contact>(reader, contact)?
        && let Some(language) = contact.get(Contact::language)
    {
        return Ok(language.to_owned());
    }
    if let Some(customer) = ticket.get(Ticket::customer_id)
        && let Some(customer) = entity_of::<Customer>(reader, customer)?
        && let Some(language) = customer.get(Customer::language)
    {
        return Ok(language.to_owned());
    }
    let said = if said.chars().any(char::is_alphabetic) { said } else { ticket.get(Ticket::subject) };
    Ok(if is_chinese(said) { "zh" } else { "en" }.to_owned())
}

/// Whether a text is Chinese: names and products are written in other letters within one, and a Chinese name within another.
fn is_chinese(text: &str) -> bool {
    let characters = text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    characters > 0 && characters * 2 >= text.chars().filter(char::is_ascii_alphabetic).count()
}

crate::query! {
    /// For which ticket, if for one, and in which language.
    pub struct ReplyTextQuery {
        /// The id of the ticket, or `ext:{system}:{key}`. Without it, the placeholders stay as they are.
        ticket_id: Option<String> => text(254).example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The language. Defaults to that of the contact, of the customer, or of the request.
        language: Option<String> => language().example("zh-CN"),
    }
}

/// A template filled in.
#[derive(Serialize, ToSchema)]
pub struct ReplyText {
    /// The text, in Markdown, ready to be sent or changed.
    #[schema(example = "您好 王芳，您的请求 T-000042 已收到。")]
    pub text: String,
    /// The language that was asked for, or found.
    #[schema(example = "zh")]
    pub language: String,
}

/// Fill in a reply template
///
/// The text of the template for a ticket, with the placeholders filled in as far as you may read what they stand for. Returns 409 if the
/// template is not active.
#[utoipa::path(tag = "reply-templates", operation_id = "getReplyTemplateText",
    params(("id" = String, Path, description = "The id, or `ext:{system}:{key}`."), ReplyTextQuery),
    responses((status = 200, description = "The text.", body = ReplyText)))]
#[get("/v1/reply-templates/{id}/text")]
pub async fn filled(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = body::read_query::<ReplyTextQuery>(&parameters(&request)?)?;
    let templates = call.rows(ReplyTemplate::object(), Action::Read)?;
    // A hidden text would be told filled in.
    call.demand_fields(ReplyTemplate::object(), &[ReplyTemplate::text.field(), ReplyTemplate::is_active.field()])?;
    let tickets = call.rows(Ticket::object(), Action::Read)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let no_ticket = || Problem::from(Fault::new(ReplyTextQuery::ticket_id.name(), FaultCode::NotFound));
    let ticket = query.get(ReplyTextQuery::ticket_id).map(Named::parse).transpose().map_err(|_| no_ticket())?;
    let asked = query.get(ReplyTextQuery::language).map(str::to_owned);
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let view = principal.view(now);
        let id = named.find(reader, &principal, ReplyTemplate::object())?.ok_or_else(Problem::not_found)?;
        let full = |object| Work::layout(&principal.schema(object));
        let template = reader.get(&full(ReplyTemplate::object()), &view, id, &templates)?.ok_or_else(Problem::not_found)?;
        let template = template.to_record()?.into_entity::<ReplyTemplate>();
        if !template.get(ReplyTemplate::is_active) || template.is_archived() {
            return Err(Problem::state("inactive", &["update"]));
        }
        let wording = template.get(ReplyTemplate::text).ok_or_else(Problem::not_found)?;
        let Some(ticket) = &ticket else {
            let home = if principal.tenant.country == "CN" { "zh" } else { "en" };
            let language = asked.clone().unwrap_or_else(|| home.to_owned());
            return Ok(ReplyText { text: wording.in_language(Some(&language)).to_owned(), language });
        };
        let id = ticket.find(reader, &principal, Ticket::object())?.ok_or_else(no_ticket)?;
        let record = reader.get(&full(Ticket::object()), &view, id, &tickets)?;
        let record = record.ok_or_else(no_ticket)?.to_record()?;
        let language = match &asked {
            Some(language) => language.clone(),
            None => language_of(reader, record.of(), "")?,
        };
        let words = Words { principal: &principal, now, language: Some(&language) };
        let text = words.fill(reader, &record, wording.in_language(Some(&language)))?;
        Ok(ReplyText { text, language })
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_of_the_language_that_it_is_mostly_in() {
        for chinese in ["您好", "HP LaserJet 4200 打印机无法开机", "订单 SO-2026 少了两件"] {
            assert!(is_chinese(chinese), "{chinese}");
        }
        for other in ["", "Dear 王芳, we have received it", "hello", "1234"] {
            assert!(!is_chinese(other), "{other}");
        }
    }
}
