//! The conversion of a lead: in one piece of work it becomes a customer, a contact and perhaps an opportunity, once and for all.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::concerned::RECORDS,
    customers::{contact::Contact, contact_customers::ContactCustomer, customer::Customer},
    identity::access::Action,
    integration::file::FiledObject,
    model::{
        cell::Cell,
        entity::Entity,
        fault::{Fault, FaultCode},
        field::{Field, Op},
        handle::Handle,
        input::{self, Members},
        object::{Object, Schema},
        operand::Operand,
        record::Record,
        recurring, registry,
    },
    query::predicate::Predicate,
    sales::{
        leads::{
            conversion::{Maker, PART, over},
            lead::Lead,
            status::{LeadStatus, enter},
        },
        opportunity::Opportunity,
    },
    values::{id::Id, name},
};
use farley_persistence::Work;
use serde_json::{Value, json};

use super::duplicates::{How, Likeness, same};
use crate::{
    access::{
        call::Call,
        principal::{self, Principal},
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{problem::Problem, request::Body},
    integration::move_all,
    records::{
        action::{Asked, act},
        giving,
        mutation::{Answer, etag},
        named::Named,
        write::Writer,
    },
};

crate::body! {
    /// What to convert a lead into.
    pub struct Conversion {
        /// The existing customer to use. If this and `customer` are absent, the lead's own `customer_id` is used if you can read
        /// it; otherwise a new customer is created.
        customer_id: Option<Id> => reference("customer"),
        /// Whether to use an existing customer that you can read with the same name, phone number or e-mail address, if there
        /// is one.
        match_customer: bool => boolean().default(false),
        /// Fields of the new customer; they override those taken from the lead.
        customer: Option<Value> => structure(&PART),
        /// The existing contact to use. If this and `contact` are absent, the lead's own `contact_id` is used, likewise; otherwise
        /// a new contact is created.
        contact_id: Option<Id> => reference("contact"),
        /// Whether to create a contact. Defaults to true if the lead has both a company and a person.
        create_contact: Option<bool> => boolean(),
        /// Fields of the new contact; they override those taken from the lead.
        contact: Option<Value> => structure(&PART),
        /// Creates an opportunity with these fields (`pipeline_id`, `stage_id`, `amount` …); they override those taken from the
        /// lead. If absent, no opportunity is created.
        opportunity: Option<Value> => structure(&PART),
    }
    example json!({"match_customer": true, "opportunity": {"name": "大族机器人 六轴机器人", "expected_close_on": "2026-12-31"}})
}

/// A conversion under way.
type Converting = Asked<Lead, Conversion>;

/// The result of converting a lead.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Converted {
    #[schema(schema_with = lead_schema)]
    lead: Value,
    #[schema(schema_with = customer_schema)]
    customer: Value,
    /// Null, if none was made or named.
    #[schema(schema_with = contact_schema)]
    contact: Value,
    /// Null, if none was made.
    #[schema(schema_with = opportunity_schema)]
    opportunity: Value,
}

fn lead_schema() -> utoipa::openapi::Ref {
    utoipa::openapi::Ref::from_schema_name("Lead")
}

fn customer_schema() -> utoipa::openapi::Ref {
    utoipa::openapi::Ref::from_schema_name("Customer")
}

fn or_null(name: &str) -> utoipa::openapi::Schema {
    let null = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::Null);
    utoipa::openapi::OneOfBuilder::new().item(utoipa::openapi::Ref::from_schema_name(name)).item(null).build().into()
}

fn contact_schema() -> utoipa::openapi::Schema {
    or_null("Contact")
}

fn opportunity_schema() -> utoipa::openapi::Schema {
    or_null("Opportunity")
}

/// Convert a lead
///
/// Creates a customer from the lead (or uses an existing one), a contact and, on request, an opportunity, all or nothing. Phone
/// numbers, e-mail addresses, tags, source, campaign and custom fields with the same key are copied, and the lead's related
/// records are carried over; fields hidden from you are not. If the customer already has a contact with one of the addresses or
/// numbers, that contact is used. A lead can be converted only once: a second conversion, even a concurrent one, gets 409 with
/// the ids created by the first. `validate_only=true` shows the result without saving it.
#[utoipa::path(tag = "leads", operation_id = "convertLead", request_body = Conversion,
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lead and the records created from it.", body = Converted)))]
#[post("/v1/leads/{id}/convert")]
pub async fn convert(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Lead, Conversion>((call, request, body), Action::Update, |work, asked| {
        open(asked)?;
        let mut given = Given::of(asked);
        // What becomes of the lead of somebody who has left belongs to whoever converts it.
        if let Some(owner) = given.lead.get(Lead::owner_id)
            && giving::taker(work, owner)?.is_none()
        {
            given.lead.clear(Lead::owner_id);
        }
        let customer = customer(work, asked, &given)?;
        let contact = contact(work, asked, &given, &customer)?;
        let opportunity = opportunity(work, asked, &given, &customer, contact.as_ref())?;
        let mut lead = asked.record().clone();
        enter(&mut lead, LeadStatus::Converted, asked.writer.now);
        lead.set(Lead::customer_id, customer.id());
        lead.set(Lead::contact_id, contact.map(|contact| contact.id()));
        lead.set(Lead::opportunity_id, opportunity.map(|opportunity| opportunity.id()));
        // Farley itself says what it has become: whoever may make a customer need not be permitted to read it.
        let settled = [Lead::customer_id.name(), Lead::contact_id.name(), Lead::opportunity_id.name()];
        let lead = asked.writer.store_settled(work, &asked.loaded, lead.into_any(), "converted", &settled)?.into_entity();
        carry_over(work, &asked.writer, &lead)?;
        answer(work, asked, &lead)
    })
    .await
}

fn open(asked: &Converting) -> Result<(), Problem> {
    let lead = asked.record();
    match LeadStatus::of(lead) {
        LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified => Ok(()),
        status @ LeadStatus::Disqualified => Err(Problem::state(status.as_str(), &["reopen"])),
        status @ LeadStatus::Converted => {
            let parts = [Lead::customer_id, Lead::contact_id, Lead::opportunity_id];
            let told = |problem: Problem, part| problem.member(Handle::name(part), lead.cell_of(part).to_json());
            let asker = &asked.writer.principal.asker;
            let seen = parts.into_iter().filter(|part| asker.sees(Lead::object(), part.field()));
            Err(seen.fold(Problem::state(status.as_str(), &[]), told))
        }
    }
}

/// A problem of a part is one of the member that describes it.
fn of_part(mut problem: Problem, part: Handle<Conversion, Option<Value>>) -> Problem {
    problem.faults = problem.faults.under(&part.pointer());
    problem
}

/// What the caller gives by converting: the lead as they see it. What is hidden from them stays in the lead, for what it becomes would
/// tell it.
struct Given {
    lead: Record<Lead>,
    schema: Schema,
    principal: Arc<Principal>,
}

impl Given {
    fn of(asked: &Converting) -> Given {
        let principal = Arc::clone(&asked.writer.principal);
        let mut lead = asked.record().clone();
        let schema = asked.writer.schema();
        let sees = |field: &Field| principal.asker.sees(Lead::object(), field);
        for field in schema.object.fields.iter().filter(|field| !sees(field)) {
            lead.any_mut().put(field, Cell::Null);
        }
        let schema = Schema { custom: schema.custom.iter().filter(|field| sees(field)).cloned().collect(), ..schema };
        Given { lead, schema, principal }
    }

    fn may_name(&self, name: &str) -> bool {
        registry::object(name).is_some_and(|object| self.principal.asker.rows(object, Action::Read).is_some())
    }

    /// The members that the lead gives to a part, as far as the caller may write them there.
    fn to<E: Entity>(&self, writer: &Writer, give: impl FnOnce(&Maker<'_>, &Schema) -> Members<E>) -> Members<E> {
        let schema = writer.schema();
        let writes = |field: &Field| self.principal.asker.grants.rule(schema.object, field).is_none();
        let writable = Schema { custom: schema.custom.iter().filter(|field| writes(field)).cloned().collect(), ..schema.clone() };
        let may_name = |name: &str| self.may_name(name);
        let maker = Maker { lead: &self.lead, schema: &self.schema, may_name: &may_name };
        give(&maker, &writable).retain(|name| schema.object.field(name).is_none_or(writes))
    }
}

/// Whether a contact is wanted beside the customer.
fn wants_contact(asked: &Converting, lead: &Record<Lead>) -> bool {
    let body = &asked.body;
    let told = !body.is_null(Conversion::contact) || !body.is_null(Conversion::contact_id);
    let by_default = !lead.is_null(Lead::company) && !lead.is_null(Lead::person_name);
    told || body.get(Conversion::create_contact).unwrap_or(by_default)
}

fn customer(work: &mut Work<'_>, asked: &Converting, given: &Given) -> Result<Record<Customer>, Problem> {
    let writer = asked.writer.on(Customer::object());
    if let Some(id) = asked.body.get(Conversion::customer_id) {
        return named(work, &writer, id, &Conversion::customer_id.pointer());
    }
    if asked.body.is_null(Conversion::customer)
        && let Some(id) = given.lead.get(Lead::customer_id)
        && let Ok(known) = named(work, &writer, id, "")
    {
        return Ok(known);
    }
    if asked.body.get(Conversion::match_customer)
        && let Some(found) = matched(work, &given.lead, &writer)?
    {
        return Ok(found);
    }
    let with_contact = wants_contact(asked, &given.lead);
    let given = given.to(&writer, |maker, schema| maker.customer(schema, with_contact));
    make(work, &writer, &over(given, asked.body.get(Conversion::customer)), Conversion::customer)
}

/// Makes a part of a body that a member of the request describes.
fn make<E: Entity>(
    work: &mut Work<'_>,
    writer: &Writer,
    body: &Value,
    part: Handle<Conversion, Option<Value>>,
) -> Result<Record<E>, Problem> {
    let (record, _) = writer.create(work, body).map_err(|problem| of_part(problem, part))?;
    Ok(record.into_entity())
}

/// A live record that the caller may read.
fn named<E: Entity>(work: &mut Work<'_>, writer: &Writer, id: Id, pointer: &str) -> Result<Record<E>, Problem> {
    let missing = || Problem::rule(Fault::new(pointer, FaultCode::NotFound).into());
    let rows = writer.principal.asker.rows(writer.object, Action::Read).ok_or_else(missing)?;
    let within = Predicate::Archived(false).and(rows);
    let loaded = work.load(&writer.schema(), &writer.principal.view(writer.now), id, &within)?;
    loaded.map(|loaded| loaded.record.into_entity()).ok_or_else(missing)
}

/// The one customer alike that the caller may read; several are a fault.
fn matched(work: &mut Work<'_>, lead: &Record<Lead>, writer: &Writer) -> Result<Option<Record<Customer>>, Problem> {
    let who = lead.get(Lead::company).or(lead.get(Lead::person_name)).map(str::to_owned);
    let likeness = Likeness { company: who, ..Likeness::of_points(lead) };
    let standards = writer.principal.standards(writer.now);
    let sees = |field: &Field| writer.principal.asker.sees(Customer::object(), field);
    let found = same(work.reader(), Customer::object(), &Predicate::all(), &likeness, &standards, &sees)?;
    let mut known = Vec::new();
    for alike in found {
        known.extend(named(work, writer, alike.record.id(), "").ok());
    }
    match known.len() {
        0 | 1 => Ok(known.pop()),
        _ => {
            let ids: Vec<String> = known.iter().map(|record| record.id().to_string()).collect();
            let fault = Fault::new(Conversion::match_customer.pointer(), FaultCode::Ambiguous).with("ids", ids.join(", "));
            Err(Problem::rule(fault.into()))
        }
    }
}

fn contact(
    work: &mut Work<'_>,
    asked: &Converting,
    given: &Given,
    customer: &Record<Customer>,
) -> Result<Option<Record<Contact>>, Problem> {
    let writer = asked.writer.on(Contact::object());
    let own = given.lead.get(Lead::contact_id).filter(|_| {
        let told = !asked.body.is_null(Conversion::contact) || !asked.body.is_null(Conversion::contact_id);
        !told && given.lead.get(Lead::customer_id) == Some(customer.id())
    });
    if let Some(id) = own
        && let Ok(known) = named::<Contact>(work, &writer, id, "")
    {
        return linked(work, &given.lead, &writer, known.id(), customer).map(Some);
    }
    if !wants_contact(asked, &given.lead) {
        return Ok(None);
    }
    if let Some(id) = asked.body.get(Conversion::contact_id) {
        return linked(work, &given.lead, &writer, id, customer).map(Some);
    }
    let given = given.to(&writer, |maker, schema| maker.contact(schema, customer.id()));
    let body = over(given, asked.body.get(Conversion::contact));
    if let Some(known) = known_contact(work, asked, &writer, &body, customer)? {
        return Ok(Some(known));
    }
    make(work, &writer, &body, Conversion::contact).map(Some)
}

/// The contact of the customer that has an e-mail address or phone number of the one to be made, as far as the caller may read
/// it: one of that name before others, who may only share a telephone, and one with the address before one with the number.
fn known_contact(
    work: &mut Work<'_>,
    asked: &Converting,
    writer: &Writer,
    body: &Value,
    customer: &Record<Customer>,
) -> Result<Option<Record<Contact>>, Problem> {
    let values = |points: &str| {
        let items = body[points].as_array().into_iter().flatten();
        items.filter_map(|point| point["value"].as_str()).map(str::to_owned).collect()
    };
    let likeness = Likeness { company: None, phones: values(Contact::phones.name()), emails: values(Contact::emails.name()) };
    let there = Operand::List(vec![Operand::Id(customer.id())]);
    let at_customer = Predicate::test(Contact::customers.field(), Op::Any, there);
    let standards = writer.principal.standards(asked.writer.now);
    let sees = |field: &Field| writer.principal.asker.sees(Contact::object(), field);
    let mut found = same(work.reader(), Contact::object(), &at_customer, &likeness, &standards, &sees)?;
    let name = body[Contact::name.name()].as_str().unwrap_or_default();
    found.sort_by_key(|alike| {
        let is_namesake = name::person_key(alike.record.of::<Contact>().get(Contact::name)) == name::person_key(name);
        let has_address = alike.reasons.iter().any(|reason| reason.by == Contact::emails.name() && reason.how == How::Same);
        std::cmp::Reverse((is_namesake, has_address))
    });
    Ok(found.into_iter().find_map(|alike| named(work, writer, alike.record.id(), "").ok()))
}

/// The contact named, who works at the customer from now on, if not before.
fn linked(
    work: &mut Work<'_>,
    lead: &Record<Lead>,
    writer: &Writer,
    id: Id,
    customer: &Record<Customer>,
) -> Result<Record<Contact>, Problem> {
    let contact: Record<Contact> = named(work, writer, id, &Conversion::contact_id.pointer())?;
    let mut customers = contact.get(Contact::customers);
    if customers.iter().any(|item| item.customer_id == customer.id()) {
        return Ok(contact);
    }
    let primary = customers.is_empty();
    let role = lead.get(Lead::job_title).map(str::to_owned);
    customers.push(ContactCustomer { customer_id: customer.id(), role, buying_role: None, primary });
    let loaded = writer.load(work, &Named::Id(id), Action::Update)?;
    let patch = input::members().with(Contact::customers, customers).into_json();
    Ok(writer.patch(work, &loaded, &patch)?.into_entity())
}

fn opportunity(
    work: &mut Work<'_>,
    asked: &Converting,
    given: &Given,
    customer: &Record<Customer>,
    contact: Option<&Record<Contact>>,
) -> Result<Option<Record<Opportunity>>, Problem> {
    let Some(told) = asked.body.get(Conversion::opportunity) else { return Ok(None) };
    let writer = asked.writer.on(Opportunity::object());
    let given = given.to(&writer, |maker, schema| maker.opportunity(schema, customer.id(), contact.map(Record::id)));
    make(work, &writer, &over(given, Some(told)), Conversion::opportunity).map(Some)
}

/// Takes what hangs on a lead along to what it has become: every record of an object that names leads (`lead_id`) gets the
/// customer, the contact and the opportunity, where it has such a field and nothing in it. Whoever may convert the lead need not
/// be permitted to write them. What hangs on leads in another way takes its place here.
pub fn carry_over(work: &mut Work<'_>, writer: &Writer, lead: &Record<Lead>) -> Result<(), Problem> {
    if let Some(customer) = lead.get(Lead::customer_id) {
        move_all(work, (FiledObject::Lead, lead.id()), (FiledObject::Customer, customer))?;
    }
    let parts = [
        (recurring::CUSTOMER_ID, lead.get(Lead::customer_id)),
        (recurring::CONTACT_ID, lead.get(Lead::contact_id)),
        (recurring::OPPORTUNITY_ID, lead.get(Lead::opportunity_id)),
    ];
    let bears_any = |object: &Object| parts.iter().any(|(part, _)| object.bears(*part));
    let hanging = registry::objects().into_iter().filter(|object| !object.read_only && bears_any(object));
    let mut system = None;
    for object in hanging {
        let Some(field) = recurring::LEAD_ID.of(object) else { continue };
        // What concerns several records may concern the lead among them.
        let of_lead = match RECORDS.of(object) {
            Some(records) => Predicate::test(records, Op::Any, Operand::List(vec![Operand::Id(lead.id())])),
            None => Predicate::test(field, Op::Eq, Operand::Id(lead.id())),
        };
        let records = work.reader().find(&without_custom_fields(object), &Unrestricted, &of_lead, 10_000)?;
        for record in records.iter().filter(|record| !record.is_archived()) {
            let principal = match &system {
                Some(principal) => Arc::clone(principal),
                None => Arc::clone(system.insert(Arc::new(principal::system(work.reader())?))),
            };
            let writer = Writer { principal, object, now: writer.now, parent: None, quiet: false };
            let loaded = writer.load(work, &Named::Id(record.id()), Action::Update)?;
            let mut changed = loaded.record.clone();
            for (part, of_lead) in parts {
                if changed.is_null(part) {
                    changed.set(part, of_lead);
                }
            }
            let changed = writer.apply_rules(&writer.schema(), Some(&loaded.record), changed)?;
            writer.store(work, &loaded, changed, "updated")?;
        }
    }
    Ok(())
}

fn answer(work: &mut Work<'_>, asked: &Converting, lead: &Record<Lead>) -> Result<Answer, Problem> {
    let shown = |work: &mut Work<'_>, object: &'static Object, id: Option<Id>| -> Result<Value, Problem> {
        let Some(id) = id else { return Ok(Value::Null) };
        Ok(serde_json::to_value(asked.writer.on(object).shown(work, id)?)?)
    };
    let converted = Converted {
        lead: shown(work, Lead::object(), Some(lead.id()))?,
        customer: shown(work, Customer::object(), lead.get(Lead::customer_id))?,
        contact: shown(work, Contact::object(), lead.get(Lead::contact_id))?,
        opportunity: shown(work, Opportunity::object(), lead.get(Lead::opportunity_id))?,
    };
    let mut answer = Answer::json(200, &converted)?;
    answer.headers.push(("ETag".to_owned(), etag(lead.version())));
    Ok(answer)
}
