//! The question before a lead is entered: does anybody have it already? It is answered without giving the data away.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    entity::Entity,
    field::{Field, FieldType, Op},
    identity::access::Action,
    input, name,
    object::Object,
    predicate::{Operand, Predicate, parse},
    record::Record,
    sales::leads::lead::Lead,
    value::Standards,
};
use farley_persistence::Reader;
use serde_json::{Map, Value};

use super::lead::is_empty;
use crate::{
    access::{
        call::Call,
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
};

/// How many matches are told of each object.
const MOST: usize = 20;

/// What is known of a lead that is about to be entered.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"company": "深圳市大族机器人有限公司", "phones": ["13800138000"], "emails": ["li.wei@example.cn"]}))]
#[allow(dead_code, reason = "documents the body; it is read by its fields")]
pub struct DuplicateQuestion {
    /// Names meet without legal form, case, blanks and punctuation.
    company: Option<String>,
    /// Phone numbers, in any form.
    phones: Option<Vec<String>>,
    /// E-mail addresses.
    emails: Option<Vec<String>>,
}

/// Whether somebody has it already.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct DuplicateAnswer {
    /// `none`, `yours`, `in_pool`, `held_by_someone` or `unowned`: of the strongest match, held ones before yours before the rest.
    #[schema(example = "held_by_someone")]
    pub standing: &'static str,
    pub matches: Vec<DuplicateMatch>,
}

/// A lead, customer or contact that is the same or much alike.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct DuplicateMatch {
    /// `lead`, `customer` or `contact`.
    #[schema(example = "lead")]
    pub object: &'static str,
    /// Where the record stands: `yours`, `in_pool`, `held_by_someone`, or `unowned` outside of any pool.
    #[schema(example = "held_by_someone")]
    pub standing: &'static str,
    /// What it was found by: `company`, `phones`, `emails`.
    #[schema(example = json!(["phones"]))]
    pub matched_by: Vec<&'static str>,
    /// The record, if you may read it.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub id: Option<String>,
}

/// Check for duplicates of a lead
///
/// Tells whether leads, customers or contacts with the same company, phone number or e-mail address exist, and whose they are in
/// relation to you: nothing else of records that you may not read.
#[utoipa::path(tag = "leads", operation_id = "checkLeadDuplicates", request_body = DuplicateQuestion,
    responses((status = 200, description = "Where the matches stand.", body = DuplicateAnswer)))]
#[post("/v1/leads/check-duplicates")]
pub async fn check(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    // It is a question, not a write: nothing is stored, and it takes no Idempotency-Key to heart.
    refuse_rest(
        &parameters(&request)?.into_iter().filter(|(name, _)| name != "validate_only").collect::<Vec<_>>(),
        &["validate_only"],
    )?;
    call.rows(Lead::object(), Action::Read)?;
    let fields = [
        Field::new("company", FieldType::Text { max: 200 }),
        Field::new("phones", FieldType::Texts { max_items: 20 }),
        Field::new("emails", FieldType::Texts { max_items: 20 }),
    ];
    let form = input::form(&fields, &body.0, &call.principal.standards(call.now))?;
    let (principal, now) = (std::sync::Arc::clone(&call.principal), call.now);
    let matches = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let mut matches = Vec::new();
            for object in [Lead::object(), Customer::object(), Contact::object()] {
                // What is hidden is not confirmed either.
                let sees = |field: &Field| principal.asker.sees(object, field);
                for (record, matched_by) in alike(reader, object, &form, &principal.standards(now), &sees)? {
                    matches.push(told(reader, &principal, now, object, &record, matched_by)?);
                }
            }
            Ok(matches)
        })
        .await?;
    let order = ["held_by_someone", "yours", "in_pool", "unowned"];
    let standing = order.into_iter().find(|standing| matches.iter().any(|found| found.standing == *standing));
    Ok(HttpResponse::Ok().json(DuplicateAnswer { standing: standing.unwrap_or("none"), matches }))
}

/// The live records of an object that are like what the form says in fields that may be seen, each with what it was found by.
pub fn alike(
    reader: &mut Reader<'_>,
    object: &'static Object,
    form: &Map<String, Value>,
    standards: &Standards<'_>,
    sees: &dyn Fn(&Field) -> bool,
) -> Result<Vec<(Record, Vec<&'static str>)>, Problem> {
    let mut found: Vec<(Record, Vec<&'static str>)> = Vec::new();
    let mut add = |record: Record, by: &'static str| match found.iter_mut().find(|(known, _)| known.id() == record.id()) {
        Some((_, ways)) => ways.push(by),
        None => found.push((record, vec![by])),
    };
    for by in ["phones", "emails"] {
        let Some(field) = object.field(by).filter(|field| sees(field)) else { continue };
        let FieldType::Structure(structure) = &field.kind else { continue };
        let values = form.get(by).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let values: Vec<Operand> = values.map(|value| Operand::Text((structure.lookup_form)(value, standards))).collect();
        if !values.is_empty() {
            let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Any, Operand::List(values)));
            for record in reader.find(&without_custom_fields(object), &Unrestricted, &predicate, MOST)? {
                add(record, by);
            }
        }
    }
    let company = form.get("company").and_then(Value::as_str).map(name::organization_key).filter(|key| !key.is_empty());
    let named = match object.name {
        "lead" => "company",
        "customer" => "name",
        _ => return Ok(found),
    };
    // The index of search finds names regardless of case and width; the key decides.
    if let Some(key) = company.filter(|_| object.field(named).is_some_and(sees))
        && let Ok(query) = parse::search_query(&key)
    {
        let predicate = Predicate::Archived(false).and(Predicate::Matches(query));
        for record in reader.find(&without_custom_fields(object), &Unrestricted, &predicate, 200)? {
            if record.text(named).is_some_and(|name| name::organization_key(name) == key) {
                add(record, "company");
            }
        }
    }
    found.truncate(MOST);
    Ok(found)
}

fn told(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: farley_domain::time::Timestamp,
    object: &'static Object,
    record: &Record,
    matched_by: Vec<&'static str>,
) -> Result<DuplicateMatch, Problem> {
    let standing = match record.id_of("owner_id") {
        Some(owner) if owner == principal.user_id() => "yours",
        Some(_) => "held_by_someone",
        None if is_empty(record.get("pool_id")) => "unowned",
        None => "in_pool",
    };
    let visible = match principal.asker.rows(object, Action::Read) {
        Some(rows) => reader.get(&principal.layout(object), &principal.view(now), record.id(), &rows)?.is_some(),
        None => false,
    };
    Ok(DuplicateMatch { object: object.name, standing, matched_by, id: visible.then(|| record.id().to_string()) })
}
