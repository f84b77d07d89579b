//! The question before a lead is entered: does anybody have it already? It is answered without giving the data away.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::access::Action,
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType, Keyed, Op},
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
        structures::contact_points::ContactPoint,
        value::Standards,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    sales::leads::{lead::Lead, status::LeadStatus},
    values::{name, time::Timestamp},
};
use farley_persistence::{Layout, Reader};
use serde_json::{Value, json};

use crate::{
    access::{
        call::Call,
        principal::Principal,
        unrestricted::{Unrestricted, record_of, without_custom_fields},
    },
    http::{problem::Problem, request::Body},
    records::{body, mutation::Mutation},
};

/// How many matches are told of each object.
const MOST: usize = 20;
/// How many records are looked at for each way of being alike.
const CANDIDATES: usize = 50;

crate::body! {
    /// What is known about a lead that is about to be created.
    pub struct DuplicateQuestion {
        /// Compared without legal form, case, spaces and punctuation.
        company: Option<String> => text(200),
        /// Phone numbers, in any format.
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

/// Whether somebody already holds it.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct DuplicateAnswer {
    /// `none`, `yours`, `in_pool`, `held_by_someone` or `unowned`, taken from the strongest exact match (`score` 1): records
    /// held by others come before yours, and yours before the rest. Merely similar records are not considered.
    #[schema(example = "held_by_someone")]
    pub standing: &'static str,
    pub matches: Vec<DuplicateMatch>,
}

/// A lead, customer or contact that is identical or very similar.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct DuplicateMatch {
    /// `lead`, `customer` or `contact`.
    #[schema(example = "lead")]
    pub object: &'static str,
    /// Who holds the record: `yours`, `in_pool`, `held_by_someone`, or `unowned` outside any pool.
    #[schema(example = "held_by_someone")]
    pub standing: &'static str,
    /// What matched: `company`, `phones`, `emails`.
    #[schema(example = json!(["phones"]))]
    pub matched_by: Vec<&'static str>,
    /// How likely it is a duplicate: 1 for an exact match, less if only the names are similar.
    #[schema(example = 1.0, minimum = 0.0, maximum = 1.0)]
    pub score: f64,
    /// Why.
    pub reasons: Vec<DuplicateReason>,
    /// The record, if you can read it.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub id: Option<String>,
}

/// What a match is based on.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct DuplicateReason {
    /// `company`, `phones` or `emails`.
    #[schema(example = "company")]
    pub field: &'static str,
    /// `same`, or `similar` if some letters differ.
    #[schema(example = "same")]
    pub how: &'static str,
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
/// Returns whether there are leads, customers or contacts with the same company, phone number or e-mail address, or with a
/// similar company name, and who holds them in relation to you; nothing else is disclosed of records that you cannot read.
/// Exact matches come first, then the most similar ones. A converted lead counts as the customer it was converted into.
#[utoipa::path(tag = "leads", operation_id = "checkLeadDuplicates", request_body = DuplicateQuestion,
    responses((status = 200, description = "The matches and who holds them.", body = DuplicateAnswer)))]
#[post("/v1/leads/check-duplicates")]
pub async fn check(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    Mutation::nothing(&request, &body.0)?;
    call.rows(Lead::object(), Action::Read)?;
    let question = body::read::<DuplicateQuestion>(&body.0, &call.principal.standards(call.now))?;
    let asked = Likeness {
        company: question.get(DuplicateQuestion::company).map(str::to_owned),
        phones: question.get(DuplicateQuestion::phones),
        emails: question.get(DuplicateQuestion::emails),
    };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let matches = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let mut found: Vec<(&'static Object, Alike)> = Vec::new();
            for object in [Lead::object(), Customer::object(), Contact::object()] {
                // What is hidden is not confirmed either.
                let sees = |field: &Field| principal.asker.sees(object, field);
                for alike in alike(reader, object, &asked, &principal.standards(now), &sees)? {
                    let (object, alike) = as_it_stands(reader, object, alike, &sees)?;
                    match found.iter_mut().find(|(_, known)| known.record.id() == alike.record.id()) {
                        Some((_, known)) => known.join(alike),
                        None => found.push((object, alike)),
                    }
                }
            }
            let mut matches = Vec::new();
            for (object, alike) in found {
                let standing = standing(&principal, &alike.record);
                matches.push((standing, told(reader, &principal, now, object, &alike, standing)?));
            }
            Ok(matches)
        })
        .await?;
    let is_same = |found: &DuplicateMatch| found.reasons.iter().any(|reason| reason.how == How::Same.as_str());
    let strongest = matches.iter().filter(|(_, found)| is_same(found)).map(|(standing, _)| *standing).min();
    let mut matches: Vec<DuplicateMatch> = matches.into_iter().map(|(_, found)| found).collect();
    matches.sort_by(|one, other| other.score.total_cmp(&one.score));
    Ok(HttpResponse::Ok().json(DuplicateAnswer { standing: strongest.map_or("none", Standing::as_str), matches }))
}

/// A record that is like what is asked for.
pub struct Alike {
    pub record: Record,
    /// 1 if it is the same in some way, less if it is only similar.
    pub score: f64,
    pub reasons: Vec<Reason>,
}

impl Alike {
    /// The same record, found in another way too.
    fn join(&mut self, other: Alike) {
        self.score = self.score.max(other.score);
        let new = other.reasons.into_iter().filter(|reason| self.reasons.iter().all(|known| known.by != reason.by));
        let new: Vec<Reason> = new.collect();
        self.reasons.extend(new);
    }
}

/// A lead that was converted is the customer that it has become: who holds that has it.
fn as_it_stands(
    reader: &mut Reader<'_>,
    object: &'static Object,
    alike: Alike,
    sees: &dyn Fn(&Field) -> bool,
) -> Result<(&'static Object, Alike), Problem> {
    if object.name != Lead::NAME || !sees(Lead::customer_id.field()) {
        return Ok((object, alike));
    }
    let lead = alike.record.of::<Lead>();
    let became = lead.get(Lead::customer_id).filter(|_| LeadStatus::of(lead) == LeadStatus::Converted);
    let customer = became.map(|customer| record_of(reader, Customer::object(), customer)).transpose()?.flatten();
    Ok(match customer.filter(|customer| !customer.is_archived()) {
        Some(record) => (Customer::object(), Alike { record, ..alike }),
        None => (object, alike),
    })
}

/// In what a record is like what is asked for.
pub struct Reason {
    pub by: &'static str,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Same,
    Similar,
}

impl How {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            How::Same => "same",
            How::Similar => "similar",
        }
    }
}

/// What is found, a record once.
#[derive(Default)]
struct Found(Vec<Alike>);

impl Found {
    fn add(&mut self, record: Record, score: f64, by: &'static str, how: How) {
        let reason = Reason { by, how };
        match self.0.iter_mut().find(|known| known.record.id() == record.id()) {
            Some(known) if known.reasons.iter().any(|known| known.by == by) => {}
            Some(known) => {
                known.score = known.score.max(score);
                known.reasons.push(reason);
            }
            None => self.0.push(Alike { record, score, reasons: vec![reason] }),
        }
    }

    /// Adds a record whose company has a name enough like the one asked for.
    fn add_alike(&mut self, record: Record, fields: &[&'static Field], company: &str) {
        let names = fields.iter().flat_map(|field| names(field, &record));
        let score = names.map(|name| name::likeness(&name, company)).fold(0.0, f64::max);
        if score >= name::ALIKE {
            // What is the same has been found by its key, unless its index is not complete yet.
            let how = if score < 1.0 { How::Similar } else { How::Same };
            self.add(record, score, Lead::company.name(), how);
        }
    }
}

/// The live records of an object within a predicate that are the same as what is asked for in fields that may be seen: by keys,
/// each of which has an index.
pub fn same(
    reader: &mut Reader<'_>,
    object: &'static Object,
    within: &Predicate,
    asked: &Likeness,
    standards: &Standards<'_>,
    sees: &dyn Fn(&Field) -> bool,
) -> Result<Vec<Alike>, Problem> {
    let mut found = Found::default();
    let mut find = |field: &Field, values: Vec<Operand>| {
        let any = Predicate::test(field, Op::Any, Operand::List(values));
        let predicate = Predicate::Archived(false).and(within.clone()).and(any);
        reader.find(&without_custom_fields(object), &Unrestricted, &predicate, CANDIDATES)
    };
    for (points, values) in [(recurring::PHONES, &asked.phones), (recurring::EMAILS, &asked.emails)] {
        let Some(field) = points.of(object).filter(|field| sees(field)) else { continue };
        let FieldType::Structure(structure) = &field.kind else { continue };
        let text = |value: &String| (structure.lookup_form)(value, standards).ok().map(Operand::Text);
        let values: Vec<Operand> = values.iter().filter_map(text).collect();
        if !values.is_empty() {
            for record in find(field, values)? {
                found.add(record, 1.0, points.name(), How::Same);
            }
        }
    }
    if let Some(company) = asked.company.as_deref() {
        let key = Keyed::Company.key(company);
        for field in company_names(object, sees).filter(|_| !key.is_empty()) {
            for record in find(field, vec![Operand::Text(key.clone())])? {
                if names(field, &record).iter().any(|name| name::same_organization(name, company)) {
                    found.add(record, 1.0, Lead::company.name(), How::Same);
                }
            }
        }
    }
    found.0.truncate(MOST);
    Ok(found.0)
}

/// The same, and the live records whose company has a similar name: out of those that begin alike and are about as long, and the
/// newest of those that share the word that tells most.
fn alike(
    reader: &mut Reader<'_>,
    object: &'static Object,
    asked: &Likeness,
    standards: &Standards<'_>,
    sees: &dyn Fn(&Field) -> bool,
) -> Result<Vec<Alike>, Problem> {
    let mut found = Found(same(reader, object, &Predicate::all(), asked, standards, sees)?);
    let fields: Vec<&'static Field> = company_names(object, sees).collect();
    let Some(company) = asked.company.as_deref().filter(|_| !fields.is_empty()) else { return Ok(found.0) };
    let mut near = Vec::new();
    let (beginning, length) = name::near_key(company);
    for field in fields.iter().filter(|_| !beginning.is_empty()) {
        near.extend(reader.near_key(object, field, &beginning, length.clone(), CANDIDATES)?);
    }
    if let Some(id) = recurring::ID.of(object).filter(|_| !near.is_empty()) {
        let ids = Operand::List(near.into_iter().map(Operand::Id).collect());
        let predicate = Predicate::Archived(false).and(Predicate::test(id, Op::In, ids));
        for record in reader.find(&without_custom_fields(object), &Unrestricted, &predicate, CANDIDATES * 2)? {
            found.add_alike(record, &fields, company);
        }
    }
    if let Some(query) = name::telling_part(company) {
        let layout = Arc::new(Layout::full(&without_custom_fields(object), &|_| true));
        let list = ListQuery {
            predicate: Predicate::Archived(false),
            sort: vec![SortKey { by: SortBy::Relevance(query.clone()), descending: true }],
            limit: CANDIDATES,
            start: Start::First,
            fields: None,
            expand: Vec::new(),
            total: false,
            as_of: None,
        };
        for row in reader.ranked_rows(&layout, &Unrestricted, &list, &query)?.0 {
            found.add_alike(row.to_record()?, &fields, company);
        }
    }
    found.0.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.record.id().cmp(&other.record.id())));
    found.0.truncate(MOST);
    Ok(found.0)
}

/// The fields that name a company.
fn company_names<'s>(object: &'static Object, sees: &'s dyn Fn(&Field) -> bool) -> impl Iterator<Item = &'static Field> + 's {
    object.fields.iter().filter(move |field| field.keyed == Some(Keyed::Company) && sees(field))
}

fn names(field: &Field, record: &Record) -> Vec<String> {
    match &*record.cell(field) {
        Cell::Text(name) => vec![name.clone()],
        cell => {
            let items = cell.as_json().and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        }
    }
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
    alike: &Alike,
    standing: Standing,
) -> Result<DuplicateMatch, Problem> {
    let visible = match principal.asker.rows(object, Action::Read) {
        Some(rows) => reader.get(&principal.layout(object), &principal.view(now), alike.record.id(), &rows)?.is_some(),
        None => false,
    };
    Ok(DuplicateMatch {
        object: object.name,
        standing: standing.as_str(),
        matched_by: alike.reasons.iter().map(|reason| reason.by).collect(),
        score: (alike.score * 100.0).round() / 100.0,
        reasons: alike.reasons.iter().map(|reason| DuplicateReason { field: reason.by, how: reason.how.as_str() }).collect(),
        id: visible.then(|| alike.record.id().to_string()),
    })
}
