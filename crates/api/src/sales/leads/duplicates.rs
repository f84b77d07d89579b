//! The question before a lead is entered: does anybody have it already? It is answered without giving the data away.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType, Op},
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
        structures::contact_points::ContactPoint,
        value::Standards,
    },
    query::predicate::{Predicate, parse},
    sales::leads::{lead::Lead, pool::Pooled},
    values::{name, time::Timestamp},
};
use farley_persistence::Reader;
use serde_json::json;

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
    records::body,
};

/// How many matches are told of each object.
const MOST: usize = 20;

crate::body! {
    /// What is known of a lead that is about to be entered.
    pub struct DuplicateQuestion {
        /// Names meet without legal form, case, blanks and punctuation.
        company: Option<String> => text(200),
        /// Phone numbers, in any form.
        phones: Vec<String> => texts(20),
        /// E-mail addresses.
        emails: Vec<String> => texts(20),
    }
    example json!({"company": "深圳市大族机器人有限公司", "phones": ["13800138000"], "emails": ["li.wei@example.cn"]})
}

/// Where a match stands in relation to who asks, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    HeldBySomeone,
    Yours,
    InPool,
    Unowned,
}

impl Standing {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::HeldBySomeone => "held_by_someone",
            Standing::Yours => "yours",
            Standing::InPool => "in_pool",
            Standing::Unowned => "unowned",
        }
    }
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

/// What records are asked to be like.
pub struct Likeness {
    pub company: Option<String>,
    pub phones: Vec<String>,
    pub emails: Vec<String>,
}

impl Likeness {
    /// The same phone numbers and e-mail addresses as a lead.
    #[must_use]
    pub fn of_points(lead: &Record<Lead>) -> Likeness {
        let values = |points: Vec<ContactPoint>| points.into_iter().map(|point| point.value).collect();
        Likeness { company: None, phones: values(lead.get(Lead::phones)), emails: values(lead.get(Lead::emails)) }
    }
}

/// Check for duplicates of a lead
///
/// Says whether leads, customers or contacts with the same company, phone number or e-mail address exist, and whose they are in
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
    let question = body::read::<DuplicateQuestion>(&body.0, &call.principal.standards(call.now))?;
    let asked = Likeness {
        company: question.get(DuplicateQuestion::company).map(str::to_owned),
        phones: question.get(DuplicateQuestion::phones),
        emails: question.get(DuplicateQuestion::emails),
    };
    let (principal, now) = (std::sync::Arc::clone(&call.principal), call.now);
    let matches = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let mut matches = Vec::new();
            for object in [Lead::object(), Customer::object(), Contact::object()] {
                // What is hidden is not confirmed either.
                let sees = |field: &Field| principal.asker.sees(object, field);
                for (record, matched_by) in alike(reader, object, &asked, &principal.standards(now), &sees)? {
                    let standing = standing(&principal, &record);
                    matches.push((standing, told(reader, &principal, now, object, &record, standing, matched_by)?));
                }
            }
            Ok(matches)
        })
        .await?;
    let strongest = matches.iter().map(|(standing, _)| *standing).min();
    let matches = matches.into_iter().map(|(_, found)| found).collect();
    Ok(HttpResponse::Ok().json(DuplicateAnswer { standing: strongest.map_or("none", Standing::as_str), matches }))
}

/// The live records of an object that are like what is asked for in fields that may be seen, each with what it was found by.
pub fn alike(
    reader: &mut Reader<'_>,
    object: &'static Object,
    asked: &Likeness,
    standards: &Standards<'_>,
    sees: &dyn Fn(&Field) -> bool,
) -> Result<Vec<(Record, Vec<&'static str>)>, Problem> {
    let mut found: Vec<(Record, Vec<&'static str>)> = Vec::new();
    let mut add = |record: Record, by: &'static str| match found.iter_mut().find(|(known, _)| known.id() == record.id()) {
        Some((_, ways)) => ways.push(by),
        None => found.push((record, vec![by])),
    };
    for (points, values) in [(recurring::PHONES, &asked.phones), (recurring::EMAILS, &asked.emails)] {
        let Some(field) = points.of(object).filter(|field| sees(field)) else { continue };
        let FieldType::Structure(structure) = &field.kind else { continue };
        let text = |value: &String| Operand::Text((structure.lookup_form)(value, standards));
        let values: Vec<Operand> = values.iter().map(text).collect();
        if !values.is_empty() {
            let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Any, Operand::List(values)));
            for record in reader.find(&without_custom_fields(object), &Unrestricted, &predicate, MOST)? {
                add(record, points.name());
            }
        }
    }
    let company = asked.company.as_deref().map(name::organization_key).filter(|key| !key.is_empty());
    let named = match Pooled::of(object) {
        Some(Pooled::Lead) => Lead::company.field(),
        Some(Pooled::Customer) => Customer::name.field(),
        None => return Ok(found),
    };
    // The index of search finds names regardless of case and width; the key decides.
    if let Some(key) = company.filter(|_| sees(named))
        && let Ok(query) = parse::search_query(&key)
    {
        let predicate = Predicate::Archived(false).and(Predicate::Matches(query));
        for record in reader.find(&without_custom_fields(object), &Unrestricted, &predicate, 200)? {
            if matches!(&*record.cell(named), Cell::Text(name) if name::organization_key(name) == key) {
                add(record, Lead::company.name());
            }
        }
    }
    found.truncate(MOST);
    Ok(found)
}

fn standing(principal: &Principal, record: &Record) -> Standing {
    match record.get(recurring::OWNER_ID) {
        Some(owner) if owner == principal.user_id() => Standing::Yours,
        Some(_) => Standing::HeldBySomeone,
        None if record.is_null(recurring::POOL_ID) => Standing::Unowned,
        None => Standing::InPool,
    }
}

fn told(
    reader: &mut Reader<'_>,
    principal: &Principal,
    now: Timestamp,
    object: &'static Object,
    record: &Record,
    standing: Standing,
    matched_by: Vec<&'static str>,
) -> Result<DuplicateMatch, Problem> {
    let visible = match principal.asker.rows(object, Action::Read) {
        Some(rows) => reader.get(&principal.layout(object), &principal.view(now), record.id(), &rows)?.is_some(),
        None => false,
    };
    let standing = standing.as_str();
    Ok(DuplicateMatch { object: object.name, standing, matched_by, id: visible.then(|| record.id().to_string()) })
}
