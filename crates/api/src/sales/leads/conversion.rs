//! The conversion of a lead: in one piece of work it becomes a customer, a contact and perhaps an opportunity, once and for all.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    entity::Entity,
    fault::{Fault, FaultCode},
    field::{Field, FieldType, Op},
    id::Id,
    identity::access::Action,
    object::Object,
    predicate::{Operand, Predicate},
    record::Record,
    registry,
    sales::{
        leads::{
            conversion::{Maker, PART, over},
            lead::Lead,
            status::{LeadStatus, enter, respond},
        },
        opportunity::Opportunity,
    },
};
use farley_persistence::Work;
use serde_json::{Map, Value, json};

use super::duplicates::alike;
use crate::{
    access::{
        call::Call,
        principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{problem::Problem, request::Body},
    records::{
        action::{AskedByName, act_by_name},
        mutation::{Answer, etag},
        named::Named,
        write::Writer,
    },
};

/// What a lead is to become.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"match_customer": true, "opportunity": {"name": "大族机器人 六轴机器人", "expected_close_on": "2026-12-31"}}))]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct Conversion {
    /// The customer it becomes part of; a new one, if absent.
    #[schema(value_type = Option<String>, format = "uuid")]
    customer_id: Option<String>,
    /// Whether to take the customer you may read that has the same name, phone number or e-mail address, if there is one.
    match_customer: Option<bool>,
    /// Members of the new customer, over those that come from the lead.
    #[schema(value_type = Option<Object>)]
    customer: Option<Map<String, Value>>,
    /// The contact it becomes; a new one, if absent.
    #[schema(value_type = Option<String>, format = "uuid")]
    contact_id: Option<String>,
    /// Whether to make a contact; with a company and a person, unless said otherwise.
    create_contact: Option<bool>,
    /// Members of the new contact, over those that come from the lead.
    #[schema(value_type = Option<Object>)]
    contact: Option<Map<String, Value>>,
    /// Makes an opportunity: its members (`pipeline_id`, `stage_id`, `amount` …), over those that come from the lead. None is made,
    /// if absent.
    #[schema(value_type = Option<Object>)]
    opportunity: Option<Map<String, Value>>,
}

/// What a lead has become.
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
/// Makes of it a customer (or takes one that is there), a contact and, if asked, an opportunity, all or nothing. Phone numbers,
/// e-mail addresses, tags, source, campaign and custom fields of the same key go along, and so does what hangs on the lead. It
/// happens once: a second conversion, also one at the same time, gets 409 with the ids of the first. `validate_only=true` shows
/// what would become of it.
#[utoipa::path(tag = "leads", operation_id = "convertLead", request_body = Conversion,
    params(("id" = String, Path, description = "The lead: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lead and what it has become.", body = Converted)))]
#[post("/v1/leads/{id}/convert")]
pub async fn convert(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let reference = |name: &'static str, object: &'static str| Field::new(name, FieldType::Reference(object.into()));
    let fields = [
        reference("customer_id", "customer"),
        Field::new("match_customer", FieldType::Boolean).default(false),
        Field::new("customer", FieldType::Structure(&PART)),
        reference("contact_id", "contact"),
        Field::new("create_contact", FieldType::Boolean),
        Field::new("contact", FieldType::Structure(&PART)),
        Field::new("opportunity", FieldType::Structure(&PART)),
    ];
    act_by_name(Lead::object(), (call, request, body), &fields, Action::Update, |work, asked| {
        let lead = &asked.loaded.record;
        open(lead)?;
        let customer = customer(work, asked)?;
        let contact = contact(work, asked, &customer)?;
        let opportunity = opportunity(work, asked, &customer, contact.as_ref())?;
        let mut record = lead.clone();
        respond(&mut record, asked.writer.now);
        enter(&mut record, LeadStatus::Converted, asked.writer.now);
        let id_of = |record: Option<&Record>| record.map_or(Value::Null, |record| record.get("id").clone());
        for (name, part) in
            [("customer_id", Some(&customer)), ("contact_id", contact.as_ref()), ("opportunity_id", opportunity.as_ref())]
        {
            record.set(name, id_of(part));
        }
        let record = asked.writer.store(work, &asked.loaded, record, "converted")?;
        carry_over(work, &asked.writer, &record)?;
        answer(work, asked, &record)
    })
    .await
}

fn open(lead: &Record) -> Result<(), Problem> {
    match LeadStatus::of(lead) {
        LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified => Ok(()),
        LeadStatus::Disqualified => Err(Problem::state("disqualified", &["reopen"])),
        LeadStatus::Converted => {
            let problem = Problem::state("converted", &[]);
            let ids = ["customer_id", "contact_id", "opportunity_id"];
            Err(ids.into_iter().fold(problem, |problem, name| problem.member(name, lead.get(name).clone())))
        }
    }
}

/// A problem of a part is one of the member that describes it.
fn of_part(mut problem: Problem, part: &str) -> Problem {
    problem.faults = problem.faults.under(part);
    problem
}

fn maker_of<'a>(
    asked: &'a AskedByName,
    shape: &'a farley_domain::object::Shape,
    may_name: &'a dyn Fn(&str) -> bool,
) -> Maker<'a> {
    Maker { lead: &asked.loaded.record, shape, may_name }
}

fn may_name(asked: &AskedByName) -> impl Fn(&str) -> bool {
    let principal = Arc::clone(&asked.writer.principal);
    move |name| registry::object(name).is_some_and(|object| principal.asker.rows(object, Action::Read).is_some())
}

/// Whether a contact is wanted beside the customer.
fn wants_contact(asked: &AskedByName) -> bool {
    let lead = &asked.loaded.record;
    let told = !asked.get("contact").is_null() || !asked.get("contact_id").is_null();
    let by_default = !lead.get("company").is_null() && !lead.get("person_name").is_null();
    told || asked.get("create_contact").as_bool().unwrap_or(by_default)
}

fn customer(work: &mut Work<'_>, asked: &AskedByName) -> Result<Record, Problem> {
    let writer = asked.writer.on(Customer::object());
    if let Some(id) = asked.get("customer_id").as_str().and_then(|id| id.parse().ok()) {
        return named(work, &writer, id, "/customer_id");
    }
    if asked.get("match_customer") == true
        && let Some(found) = matched(work, asked, &writer)?
    {
        return Ok(found);
    }
    let (shape, may_name) = (asked.writer.shape(), may_name(asked));
    let given = maker_of(asked, &shape, &may_name).customer(&writer.shape(), wants_contact(asked));
    let body = over(given, asked.get("customer"));
    writer.create(work, &body).map(|(record, _)| record).map_err(|problem| of_part(problem, "/customer"))
}

/// A live record that the caller may read.
fn named(work: &mut Work<'_>, writer: &Writer, id: Id, pointer: &str) -> Result<Record, Problem> {
    let missing = || Problem::rule(Fault::new(pointer, FaultCode::NotFound).into());
    let rows = writer.principal.asker.rows(writer.object, Action::Read).ok_or_else(missing)?;
    let within = Predicate::Archived(false).and(rows);
    let loaded = work.load(&writer.shape(), &writer.principal.view(writer.now), id, &within)?;
    loaded.map(|loaded| loaded.record).ok_or_else(missing)
}

/// The one customer alike that the caller may read; several are a fault.
fn matched(work: &mut Work<'_>, asked: &AskedByName, writer: &Writer) -> Result<Option<Record>, Problem> {
    let lead = &asked.loaded.record;
    let points = |name: &str| {
        let items = lead.get(name).as_array().into_iter().flatten();
        Value::Array(items.map(|item| item["value"].clone()).collect())
    };
    let who = if lead.get("company").is_null() { lead.get("person_name") } else { lead.get("company") };
    let form = Map::from_iter([
        ("company".to_owned(), who.clone()),
        ("phones".to_owned(), points("phones")),
        ("emails".to_owned(), points("emails")),
    ]);
    let standards = writer.principal.standards(writer.now);
    let sees = |field: &Field| writer.principal.asker.sees(Customer::object(), field);
    let found = alike(work.reader(), Customer::object(), &form, &standards, &sees)?;
    let mut known = Vec::new();
    for (record, _) in found {
        known.extend(named(work, writer, record.id(), "").ok());
    }
    match known.len() {
        0 | 1 => Ok(known.pop()),
        _ => {
            let ids: Vec<String> = known.iter().map(|record| record.id().to_string()).collect();
            let fault = Fault::new("/match_customer", FaultCode::Ambiguous).with("ids", ids.join(", "));
            Err(Problem::rule(fault.into()))
        }
    }
}

fn contact(work: &mut Work<'_>, asked: &AskedByName, customer: &Record) -> Result<Option<Record>, Problem> {
    if !wants_contact(asked) {
        return Ok(None);
    }
    let writer = asked.writer.on(Contact::object());
    if let Some(id) = asked.get("contact_id").as_str().and_then(|id| id.parse().ok()) {
        return linked(work, asked, &writer, id, customer).map(Some);
    }
    let (shape, may_name) = (asked.writer.shape(), may_name(asked));
    let given = maker_of(asked, &shape, &may_name).contact(&writer.shape(), customer.get("id"));
    let body = over(given, asked.get("contact"));
    let made = writer.create(work, &body).map_err(|problem| of_part(problem, "/contact"))?;
    Ok(Some(made.0))
}

/// The contact named, who works at the customer from now on, if not before.
fn linked(work: &mut Work<'_>, asked: &AskedByName, writer: &Writer, id: Id, customer: &Record) -> Result<Record, Problem> {
    let record = named(work, writer, id, "/contact_id")?;
    let mut customers = record.get("customers").as_array().cloned().unwrap_or_default();
    if customers.iter().any(|item| item["customer_id"] == *customer.get("id")) {
        return Ok(record);
    }
    let primary = customers.is_empty();
    let role = asked.loaded.record.get("job_title");
    customers.push(json!({"customer_id": customer.get("id"), "role": role, "primary": primary}));
    let loaded = writer.load(work, &Named::Id(id), Action::Update)?;
    writer.patch(work, &loaded, &json!({"customers": customers}))
}

fn opportunity(
    work: &mut Work<'_>,
    asked: &AskedByName,
    customer: &Record,
    contact: Option<&Record>,
) -> Result<Option<Record>, Problem> {
    let told = asked.get("opportunity");
    if told.is_null() {
        return Ok(None);
    }
    let writer = asked.writer.on(Opportunity::object());
    let (shape, may_name) = (asked.writer.shape(), may_name(asked));
    let contact = contact.map_or(Value::Null, |contact| contact.get("id").clone());
    let given = maker_of(asked, &shape, &may_name).opportunity(&writer.shape(), customer.get("id"), &contact);
    let made = writer.create(work, &over(given, told)).map_err(|problem| of_part(problem, "/opportunity"))?;
    Ok(Some(made.0))
}

/// Takes what hangs on a lead along to what it has become: every record of an object that names leads (`lead_id`) gets the
/// customer, the contact and the opportunity, where it has such a field and nothing in it. Whoever may convert the lead need not
/// be permitted to write them. What hangs on leads in another way takes its place here.
pub fn carry_over(work: &mut Work<'_>, writer: &Writer, lead: &Record) -> Result<(), Problem> {
    let parts = ["customer_id", "contact_id", "opportunity_id"];
    let hanging = registry::objects().into_iter().filter(|object| !object.read_only && parts.iter().any(|part| object.has(part)));
    let mut system = None;
    for object in hanging {
        let Some(field) = object.field("lead_id") else { continue };
        // What concerns several records may concern the lead among them.
        let of_lead = match object.field("records") {
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
            for part in parts.iter().filter(|part| object.has(part)) {
                if changed.get(part).is_null() {
                    changed.set(part, lead.get(part).clone());
                }
            }
            let changed = writer.apply_rules(&writer.shape(), Some(&loaded.record), changed)?;
            writer.store(work, &loaded, changed, "updated")?;
        }
    }
    Ok(())
}

fn answer(work: &mut Work<'_>, asked: &AskedByName, lead: &Record) -> Result<Answer, Problem> {
    let shown = |work: &mut Work<'_>, object: &'static Object, id: Option<Id>| -> Result<Value, Problem> {
        let Some(id) = id else { return Ok(Value::Null) };
        let principal = &asked.writer.principal;
        let row = work.row(&principal.layout(object), &principal.view(asked.writer.now), id)?.ok_or_else(Problem::not_found)?;
        Ok(serde_json::to_value(&row)?)
    };
    let converted = Converted {
        lead: shown(work, Lead::object(), Some(lead.id()))?,
        customer: shown(work, Customer::object(), lead.id_of("customer_id"))?,
        contact: shown(work, Contact::object(), lead.id_of("contact_id"))?,
        opportunity: shown(work, Opportunity::object(), lead.id_of("opportunity_id"))?,
    };
    let mut answer = Answer::json(200, &converted)?;
    answer.headers.push(("ETag".to_owned(), etag(lead.version())));
    Ok(answer)
}
