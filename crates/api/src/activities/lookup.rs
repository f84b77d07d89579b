//! Who calls: what a telephone number leads to, for the screen of whoever answers.

use std::{collections::BTreeSet, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{
        entity::Entity,
        fault::Fault,
        field::{Field, FieldType},
        object::Object,
        record::Record,
        recurring, value,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    sales::{
        leads::lead::Lead,
        opportunity::{Opportunity, OpportunityStatus},
    },
    service::{clock::StatusKind, ticket::Ticket},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Reader, Row};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::numbers::{MOST, holders, may_find, readable};
use crate::{
    access::{call::Call, principal::Principal},
    http::{problem::Problem, request::parameters},
    records::body,
    service::merging::gone_into,
};

/// How many records of one object are shown.
const SHOWN: usize = 20;

crate::query! {
    /// Whose number it is.
    pub struct LookupQuery {
        /// The telephone number, however it is written: with country code or without, with spaces, with an extension.
        phone: String => text(60).required().example("138 0013 8000"),
    }
}

/// What a telephone number leads to.
#[derive(Serialize, ToSchema)]
pub struct NumberLookup {
    /// The number in E.164, `;ext=` before an extension.
    #[schema(example = "+8613800138000")]
    phone: String,
    /// Customers with the number, and those that the contacts belong to, the one with the latest activity first; like all lists here, at most
    /// 20, and null if you may not read such records or see their numbers.
    #[schema(value_type = Option<Vec<Object>>)]
    customers: Option<Vec<Row>>,
    /// Contacts with the number, the one with the latest activity first.
    #[schema(value_type = Option<Vec<Object>>)]
    contacts: Option<Vec<Row>>,
    /// Leads with the number.
    #[schema(value_type = Option<Vec<Object>>)]
    leads: Option<Vec<Row>>,
    /// The unsolved tickets of these contacts, and of the customers that have the number themselves, newest first; of those that were merged,
    /// the tickets in which they go on.
    #[schema(value_type = Option<Vec<Object>>)]
    tickets: Option<Vec<Row>>,
    /// The open opportunities of these customers and contacts, newest first.
    #[schema(value_type = Option<Vec<Object>>)]
    opportunities: Option<Vec<Row>>,
    /// Whether a list is cut short.
    has_more: bool,
}

/// Look up a telephone number
///
/// Finds who has a telephone number, and what is open with them: customers, contacts, leads, tickets and opportunities, of each object the
/// fields that a caller's screen needs, as far as you may read them. A number is found however it was typed, and with any extension. A number
/// that nobody has returns empty lists.
#[utoipa::path(tag = "calls", operation_id = "lookUpNumber",
    params(LookupQuery),
    responses((status = 200, description = "What the number leads to.", body = NumberLookup)))]
#[get("/v1/lookup")]
pub async fn look_up(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<LookupQuery>(&parameters(&request)?)?;
    let readable = [Customer::object(), Contact::object(), Lead::object()];
    if !readable.into_iter().any(|object| may_find(&call.principal, object)) {
        return Err(Problem::forbidden(Action::Read.as_str(), Contact::NAME));
    }
    let standards = call.principal.standards(call.now);
    let field = Field::new(LookupQuery::phone.name(), FieldType::Phone);
    let phone = value::accept(&field, &Value::from(asked.get(LookupQuery::phone)), &standards);
    let phone = phone.map_err(|faults| -> Problem {
        let at_place = |fault: Fault| Fault { pointer: LookupQuery::phone.name().to_owned(), ..fault };
        farley_domain::model::fault::Faults(faults.0.into_iter().map(at_place).collect()).into()
    })?;
    let phone = phone.as_str().unwrap_or_default().to_owned();
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        Looking { principal: &principal, now, has_more: false }.look_up(reader, phone.clone())
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}

struct Looking<'a> {
    principal: &'a Principal,
    now: Timestamp,
    has_more: bool,
}

impl Looking<'_> {
    fn look_up(mut self, reader: &mut Reader<'_>, phone: String) -> Result<NumberLookup, Problem> {
        let holders = holders(reader, self.principal, &phone)?;
        let asker = (self.principal, self.now);
        let contacts = readable::<Contact>(reader, asker, &holders.contacts)?;
        let mut customer_ids = holders.customers.clone();
        if self.sees(Contact::object(), Contact::customer_id.field()) {
            customer_ids.extend(contacts.iter().filter_map(|contact| contact.get(Contact::customer_id)));
        }
        customer_ids.sort_unstable();
        customer_ids.dedup();
        let customers = readable::<Customer>(reader, asker, &customer_ids)?;
        let leads = readable::<Lead>(reader, asker, &holders.leads)?;
        let (of_contacts, of_customers) = (ids(&contacts), ids(&customers));
        let with_number: Vec<Id> = of_customers.iter().copied().filter(|id| holders.customers.contains(id)).collect();
        let undone = [StatusKind::New, StatusKind::Open, StatusKind::WaitingCustomer, StatusKind::WaitingThirdParty];
        let open = Predicate::Archived(false).and(Ticket::status.is_in(undone)).and(Ticket::merged_into_id.is_null());
        let of_these = [Ticket::contact_id.is_in(of_contacts.clone()), Ticket::customer_id.is_in(with_number.clone())];
        let [of_contacts_went, of_customers_went] = of_these.clone().map(|theirs| self.gone_into(reader, theirs));
        let (of_contacts_went, of_customers_went) = (of_contacts_went?, of_customers_went?);
        let [by_contact, by_customer] = of_these;
        let tickets = self.newest(
            reader,
            Ticket::object(),
            &open,
            &[
                (Ticket::contact_id.field(), by_contact, &of_contacts),
                (Ticket::contact_id.field(), Ticket::id.is_in(of_contacts_went.clone()), &of_contacts_went),
                (Ticket::customer_id.field(), by_customer, &with_number),
                (Ticket::customer_id.field(), Ticket::id.is_in(of_customers_went.clone()), &of_customers_went),
            ],
        )?;
        let open = Predicate::Archived(false).and(Opportunity::status.eq(OpportunityStatus::Open));
        let opportunities = self.newest(
            reader,
            Opportunity::object(),
            &open,
            &[
                (Opportunity::contacts.field(), Opportunity::contacts.leads_to(of_contacts.clone()), &of_contacts),
                (Opportunity::customer_id.field(), Opportunity::customer_id.is_in(of_customers.clone()), &of_customers),
            ],
        )?;
        Ok(NumberLookup {
            phone,
            customers: self.shown(reader, Customer::object(), Some(of_customers), may_find)?,
            contacts: self.shown(reader, Contact::object(), Some(of_contacts), may_find)?,
            leads: self.shown(reader, Lead::object(), Some(ids(&leads)), may_find)?,
            tickets: self.shown(reader, Ticket::object(), tickets, |_, _| true)?,
            opportunities: self.shown(reader, Opportunity::object(), opportunities, |_, _| true)?,
            has_more: self.has_more,
        })
    }

    fn sees(&self, object: &'static Object, field: &Field) -> bool {
        self.principal.asker.sees(object, field)
    }

    /// The tickets in which the merged ones of these go on, of those that may be read.
    fn gone_into(&self, reader: &mut Reader<'_>, theirs: Predicate) -> Result<Vec<Id>, Problem> {
        let Some(rows) = self.principal.asker.rows(Ticket::object(), Action::Read) else { return Ok(Vec::new()) };
        gone_into(reader, theirs.and(rows))
    }

    /// The newest records of an object that one of the conditions leads to, each only for who sees the field it asks of.
    fn newest(
        &self,
        reader: &mut Reader<'_>,
        object: &'static Object,
        open: &Predicate,
        conditions: &[(&Field, Predicate, &Vec<Id>)],
    ) -> Result<Option<Vec<Id>>, Problem> {
        let Some(rows) = self.principal.asker.rows(object, Action::Read) else { return Ok(None) };
        let schema = self.principal.schema(object);
        let layout = Arc::new(Layout::of(&schema, &|_| true, Some(&[recurring::CREATED_AT.name().to_owned()]), &[]));
        let mut found = BTreeSet::new();
        for (field, condition, of) in conditions {
            if of.is_empty() || !self.sees(object, field) {
                continue;
            }
            let mut query = ListQuery {
                predicate: open.clone().and(rows.clone()).and(condition.clone()),
                sort: Vec::new(),
                limit: SHOWN + 1,
                start: Start::First,
                fields: None,
                expand: Vec::new(),
                total: false,
                as_of: None,
            };
            for field in [recurring::CREATED_AT.of(object), recurring::ID.of(object)].into_iter().flatten() {
                query.sort.push(SortKey { by: SortBy::Field(field.clone()), descending: true });
            }
            for row in reader.list(&layout, &self.principal.view(self.now), &query)?.rows {
                found.insert(std::cmp::Reverse((row.to_record()?.get(recurring::CREATED_AT), row.id())));
            }
        }
        Ok(Some(found.into_iter().map(|std::cmp::Reverse((_, id))| id).collect()))
    }

    /// Some records in their order, as far as they are shown.
    fn shown(
        &mut self,
        reader: &mut Reader<'_>,
        object: &'static Object,
        ids: Option<Vec<Id>>,
        may: fn(&Principal, &'static Object) -> bool,
    ) -> Result<Option<Vec<Row>>, Problem> {
        let Some(mut ids) = ids.filter(|_| may(self.principal, object)) else { return Ok(None) };
        self.has_more |= ids.len() > SHOWN || i64::try_from(ids.len()).is_ok_and(|count| count >= MOST);
        ids.truncate(SHOWN);
        let fields: Vec<String> = fields(object).iter().map(|name| (*name).to_owned()).collect();
        let sees = |field: &Field| self.principal.asker.sees(object, field);
        let layout = Arc::new(Layout::of(&self.principal.schema(object), &sees, Some(&fields), &[]));
        let mut rows = reader.by_ids(&layout, &self.principal.view(self.now), &ids, &Predicate::all())?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id()));
        Ok(Some(rows))
    }
}

fn ids<E>(records: &[Record<E>]) -> Vec<Id> {
    records.iter().map(Record::id).collect()
}

/// What the screen of whoever answers a call shows.
fn fields(object: &'static Object) -> Vec<&'static str> {
    match object.name {
        Customer::NAME => vec![
            Customer::kind.name(),
            Customer::name.name(),
            Customer::number.name(),
            Customer::status.name(),
            Customer::owner_id.name(),
            Customer::last_activity_at.name(),
        ],
        Contact::NAME => vec![
            Contact::name.name(),
            Contact::status.name(),
            Contact::customer_id.name(),
            Contact::language.name(),
            Contact::owner_id.name(),
            Contact::last_activity_at.name(),
        ],
        Lead::NAME => vec![Lead::name.name(), Lead::company.name(), Lead::status.name(), Lead::owner_id.name()],
        Ticket::NAME => vec![
            Ticket::number.name(),
            Ticket::subject.name(),
            Ticket::status.name(),
            Ticket::priority.name(),
            Ticket::customer_id.name(),
            Ticket::contact_id.name(),
            Ticket::queue_id.name(),
            Ticket::owner_id.name(),
            Ticket::waiting_since.name(),
            Ticket::created_at.name(),
        ],
        _ => vec![
            Opportunity::name.name(),
            Opportunity::amount.name(),
            Opportunity::status.name(),
            Opportunity::stage_id.name(),
            Opportunity::customer_id.name(),
            Opportunity::owner_id.name(),
            Opportunity::expected_close_on.name(),
            Opportunity::created_at.name(),
        ],
    }
}
