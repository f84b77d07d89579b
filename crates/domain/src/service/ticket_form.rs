//! Web forms whose answers become tickets: what they can ask for, and what an answer says.

use serde_json::{Map, Value};

use super::ticket::Ticket;
use crate::{
    customers::contact::Contact,
    model::{
        entity::Entity, field::Field, object::Schema, record::Record, structures::contact_points::ContactPoint,
        template::shortened,
    },
    sales::leads::{
        form::{Askable, LeadForm, input_type},
        form_answer::Answered,
    },
};

/// The longest subject that is made of something else, in characters.
const SUBJECT: usize = 100;

/// What a form can ask for whose answers become tickets: what a ticket holds, and who asks.
pub struct OfTicket<'a> {
    pub ticket: &'a Schema,
    pub contact: &'a Schema,
}

/// The name of a field of the contact, if a path leads to one.
fn of_contact(path: &str) -> Option<&str> {
    path.strip_prefix(Contact::NAME)?.strip_prefix('.')
}

impl Askable for OfTicket<'_> {
    fn field(&self, path: &str) -> Option<&Field> {
        if let Some(own) = of_contact(path) {
            let asked = [Contact::name.name(), Contact::emails.name(), Contact::phones.name()];
            return self.contact.field(own).filter(|_| asked.contains(&own));
        }
        // What the desk says of a ticket, no visitor does.
        let ours = [
            Ticket::channel.name(),
            Ticket::priority.name(),
            Ticket::opened_by.name(),
            Ticket::resolution.name(),
            Ticket::cause.name(),
        ];
        self.ticket.field(path).filter(|field| input_type(field).is_some() && !ours.contains(&path))
    }

    fn paths(&self) -> Vec<String> {
        let own = self.ticket.fields().map(Field::path);
        let contact = self.contact.fields().map(|field| format!("{}.{}", Contact::NAME, field.path()));
        own.chain(contact).filter(|path| self.field(path).is_some()).collect()
    }

    fn others(&self) -> &'static [&'static str] {
        &[]
    }
}

/// What an answer asks for, and who asks.
#[derive(Debug)]
pub struct Asked {
    pub ticket: Record<Ticket>,
    pub name: Option<String>,
    pub emails: Vec<ContactPoint>,
    pub phones: Vec<ContactPoint>,
    /// What the customer says, for the conversation.
    pub text: String,
}

/// What an answer to a form asks for. Without a subject, the first line of what it says is one, or the name of the form.
#[must_use]
pub fn asked(form: &Record<LeadForm>, answered: &Answered<'_>) -> Asked {
    let (mut ticket, custom) = answered.record::<Ticket>(|path| of_contact(path).is_none());
    if !custom.is_empty() {
        ticket.set(Ticket::custom, custom);
    }
    if ticket.is_null(Ticket::subject) {
        let line = ticket.get(Ticket::description).and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
        let subject = shortened(line.unwrap_or_else(|| form.get(LeadForm::name)), SUBJECT);
        ticket.set(Ticket::subject, subject);
    }
    for (ours, given) in [(Ticket::queue_id, LeadForm::ticket_queue_id), (Ticket::category_id, LeadForm::ticket_category_id)] {
        ticket.set(ours, form.get(given));
    }
    if ticket.is_null(Ticket::kind) {
        ticket.set(Ticket::kind, form.get(LeadForm::ticket_kind));
    }
    ticket.set(Ticket::priority, form.get(LeadForm::ticket_priority));
    let (contact, _): (Record<Contact>, Map<String, Value>) = answered.record(|path| of_contact(path).is_some());
    let text = ticket.get(Ticket::description).unwrap_or_else(|| ticket.get(Ticket::subject)).to_owned();
    let name = (!contact.is_null(Contact::name)).then(|| contact.get(Contact::name).to_owned());
    Asked { name, emails: contact.get(Contact::emails), phones: contact.get(Contact::phones), ticket, text }
}
