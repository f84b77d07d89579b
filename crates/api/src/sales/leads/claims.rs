//! Claiming a record of a pool, giving it back, and who held it when.

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    customers::customer::Customer,
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Op,
        handle::{Any, Handle},
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
    },
    query::predicate::Predicate,
    sales::leads::{
        lead::Lead,
        pool::{Pool, Pooled},
        status::LeadStatus,
    },
    values::{
        id::Id,
        time::{Timestamp, start_of_day},
    },
};
use farley_persistence::{Holding, Work};
use serde_json::json;

use super::{duplicates::Standing, pool};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        action::act,
        behaviour::Shown,
        body::{self, Nothing},
        events,
        mutation::{Mutation, if_match},
        named::Named,
        read::{PageInfo, PageQuery, next_link, position_page},
        versions,
        write::Writer,
    },
};

const DAY: i64 = 24 * 3600;

/// Claim a lead
///
/// Makes you the owner of an unowned lead in a pool. If several users claim it at once, one of them gets it; the others get 409
/// with `standing`: `held_by_someone` or `yours`. The pool's daily quota, holding cap and cool-down apply (422).
#[utoipa::path(tag = "leads", operation_id = "claimLead",
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The claimed lead.", body = ref("#/components/schemas/Lead")),
              (status = 422, description = "A rule of the pool does not allow it.")))]
#[post("/v1/leads/{id}/claim")]
pub async fn claim_lead(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.judged(|call| claim(Lead::object(), call, request.clone(), body.clone())).await
}

/// Claim a customer
///
/// Makes you the owner of an unowned customer in a pool. If several users claim it at once, one of them gets it; the others get
/// 409 with `standing`: `held_by_someone` or `yours`. The pool's daily quota, holding cap and cool-down apply (422).
#[utoipa::path(tag = "customers", operation_id = "claimCustomer",
    params(("id" = String, Path, description = "The id of the customer, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The claimed customer.", body = ref("#/components/schemas/Customer")),
              (status = 422, description = "A rule of the pool does not allow it.")))]
#[post("/v1/customers/{id}/claim")]
pub async fn claim_customer(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.judged(|call| claim(Customer::object(), call, request.clone(), body.clone())).await
}

crate::body! {
    /// The pool a record returns to, and why.
    pub struct Release {
        /// The reason; it is kept in the history of holders.
        reason: Option<String> => text(500),
        /// The pool. Defaults to the record's own pool, otherwise the default pool.
        pool_id: Option<Id> => reference("pool"),
    }
    example json!({"reason": "暂无需求"})
}

/// Release a lead
///
/// Returns it to a pool, where it has no owner.
#[utoipa::path(tag = "leads", operation_id = "releaseLead", request_body = Release,
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The released lead, without an owner.", body = ref("#/components/schemas/Lead"))))]
#[post("/v1/leads/{id}/release")]
pub async fn release_lead(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.judged(|call| release::<Lead>(call, request.clone(), body.clone())).await
}

/// Release a customer
///
/// Returns it to a pool, where it has no owner.
#[utoipa::path(tag = "customers", operation_id = "releaseCustomer", request_body = Release,
    params(("id" = String, Path, description = "The id of the customer, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The released customer, without an owner.", body = ref("#/components/schemas/Customer"))))]
#[post("/v1/customers/{id}/release")]
pub async fn release_customer(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.judged(|call| release::<Customer>(call, request.clone(), body.clone())).await
}

/// A period in which a user held a record.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Holder {
    #[schema(value_type = String, format = "uuid")]
    pub user_id: Id,
    /// The pool that the record belonged to during that time.
    #[schema(value_type = String, format = "uuid")]
    pub pool_id: Id,
    #[schema(value_type = String, format = "date-time", example = "2026-09-01T08:00:00.000Z")]
    pub since: Timestamp,
    /// Null for the current holder.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub until: Option<Timestamp>,
    /// `claimed` or `assigned`.
    #[schema(example = "claimed")]
    pub began: String,
    /// `released`, `recalled`, `reassigned` or `archived`; null for the current holder.
    #[schema(example = "recalled")]
    pub ended: Option<String>,
    /// The reason given for the release; `no_follow_up` or `no_deal` for a recall.
    #[schema(example = "no_follow_up")]
    pub reason: Option<String>,
}

/// A page of holders.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct HolderPage {
    data: Vec<Holder>,
    page: PageInfo,
}

impl From<Holding> for Holder {
    fn from(holding: Holding) -> Holder {
        Holder {
            user_id: holding.user,
            pool_id: holding.pool,
            since: holding.since,
            until: holding.until,
            began: holding.began,
            ended: holding.ended,
            reason: holding.reason,
        }
    }
}

/// List the holders of a lead
///
/// Returns who has held it since it joined a pool, newest first.
#[utoipa::path(tag = "leads", operation_id = "listLeadHolders",
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`."), PageQuery),
    responses((status = 200, description = "A page of holders.", body = HolderPage)))]
#[get("/v1/leads/{id}/holders")]
pub async fn lead_holders(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.judged(|call| holders(Lead::object(), call, request.clone())).await
}

/// List the holders of a customer
///
/// Returns who has held it since it joined a pool, newest first.
#[utoipa::path(tag = "customers", operation_id = "listCustomerHolders",
    params(("id" = String, Path, description = "The id of the customer, or `ext:{system}:{key}`."), PageQuery),
    responses((status = 200, description = "A page of holders.", body = HolderPage)))]
#[get("/v1/customers/{id}/holders")]
pub async fn customer_holders(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.judged(|call| holders(Customer::object(), call, request.clone())).await
}

async fn claim(object: &'static Object, call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    body::read::<Nothing>(&body.0, &call.principal.standards(call.now))?;
    let expected = if_match(&request);
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of(&call, object);
    writer.permit(Action::Update)?;
    mutation
        .run(&call, move |work| {
            let (principal, schema) = (&writer.principal, writer.schema());
            let id = named.find(work.reader(), principal, object)?.ok_or_else(Problem::not_found)?;
            // Whoever may claim from a pool learns that a record of it is held; who holds it is told only to those who may read it.
            let loaded = work.load(&schema, &principal.view(writer.now), id, &Predicate::all())?;
            let known = |record: &Record| {
                principal.asker.is_entitled(object, record) || principal.asker.reaches(object, Action::Read, record)
            };
            let loaded = loaded.filter(|loaded| known(&loaded.record)).ok_or_else(Problem::not_found)?;
            if let Some(expected) = &expected {
                versions::check(work, principal, object, &loaded.record, expected, None)?;
            }
            let mut record = loaded.record.clone();
            let pool = claimable(work, principal, object, &record)?;
            within_rules(work, &writer, &pool, &record)?;
            let me = principal.user_id();
            record.set(recurring::OWNER_ID, me);
            forget_rule(&mut record);
            writer.follow_owner(work, &loaded.record, &mut record)?;
            let settled = [recurring::OWNER_ID.name(), recurring::TEAM_ID.name()];
            let record = writer.store_settled(work, &loaded, record, "claimed", &settled)?;
            work.tell_holding_began(record.id(), "claimed")?;
            writer.answer(work, 200, &record, Shown::new())
        })
        .await
}

/// The pool of a record that can be claimed.
fn claimable(work: &mut Work<'_>, principal: &Principal, object: &Object, record: &Record) -> Result<Record<Pool>, Problem> {
    if record.is_archived() {
        return Err(Problem::archived());
    }
    if let Some(owner) = record.get(recurring::OWNER_ID) {
        let (state, standing) = if owner == principal.user_id() {
            ("held by you", Standing::Yours)
        } else {
            ("held by someone else", Standing::HeldBySomeone)
        };
        return Err(Problem::state(state, &[]).member("standing", standing.as_str()));
    }
    let pool = record.get(recurring::POOL_ID).ok_or_else(|| Problem::state("in no pool", &["update"]))?;
    if !principal.asker.is_entitled(object, record) {
        return Err(Problem::forbidden("claim", object.name));
    }
    pool::pool_of(work, object, pool)?.ok_or_else(|| Problem::state("in no pool", &["update"]))
}

/// Quota, cap and cool-down; every fault at once.
fn within_rules(work: &mut Work<'_>, writer: &Writer, pool: &Record<Pool>, record: &Record) -> Result<(), Problem> {
    let (me, pool_id, now) = (writer.principal.user_id(), pool.id(), writer.now);
    // Two claims of one user at once must count each other.
    work.lock(&format!("claims {me} {pool_id}"))?;
    let mut faults = Faults::default();
    if let Some(max) = pool.get(Pool::daily_claims) {
        let standards = writer.principal.standards(now);
        let today = start_of_day(now.to_utc().with_timezone(&standards.zone).date_naive(), standards.zone);
        if work.reader().claims_since(pool_id, me, today)? >= max {
            faults.add(Fault::new("", FaultCode::DailyClaims).with("max", max));
        }
    }
    if let Some(max) = pool.get(Pool::holding_cap)
        && held(work, writer.object, pool_id, me)? >= max
    {
        faults.add(Fault::new("", FaultCode::HoldingCap).with("max", max));
    }
    let days = pool.get(Pool::cooldown_days);
    if days > 0
        && let Some(left) = work.reader().last_held_by(record.id(), me)?
    {
        let until = left.plus_seconds(days * DAY);
        if until > now {
            faults.add(Fault::new("", FaultCode::CoolingDown).with("until", until));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::rule(faults)) }
}

/// How many live records of a pool somebody holds; of leads, those not yet ended.
fn held(work: &mut Work<'_>, object: &'static Object, pool: Id, user: Id) -> Result<i64, Problem> {
    let is = |handle: Handle<Any, Option<Id>>, id: Id| {
        let field = handle.of(object).ok_or_else(Problem::not_found)?;
        Ok::<_, Problem>(Predicate::test(field, Op::Eq, Operand::Id(id)))
    };
    let mut within = Predicate::Archived(false).and(is(recurring::OWNER_ID, user)?).and(is(recurring::POOL_ID, pool)?);
    match Pooled::of(object) {
        Some(Pooled::Lead) => within = within.and(Lead::status.is_not_in(LeadStatus::ENDED)),
        Some(Pooled::Customer) | None => {}
    }
    Ok(work.reader().count(object, &within)?)
}

async fn release<E: Entity>(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<E, Release>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.loaded.record.clone();
        if record.is_null(recurring::OWNER_ID) {
            return Err(Problem::state("unowned", &["claim"]));
        }
        match Pooled::of(E::object()) {
            Some(Pooled::Lead) if LeadStatus::of(record.of()) == LeadStatus::Converted => {
                return Err(Problem::state(LeadStatus::Converted.as_str(), &[]));
            }
            Some(Pooled::Lead | Pooled::Customer) | None => {}
        }
        let pool = match asked.body.get(Release::pool_id).or(record.get(recurring::POOL_ID)) {
            Some(pool) => Some(pool),
            None => pool::default_pool(work, E::object())?.map(|pool| pool.id()),
        };
        let required = || Problem::rule(Fault::new(Release::pool_id.pointer(), FaultCode::Required).into());
        record.set(recurring::POOL_ID, pool.ok_or_else(required)?);
        record.clear(recurring::OWNER_ID);
        record.clear(recurring::TEAM_ID);
        forget_rule(&mut record);
        if asked.body.get(Release::pool_id).is_some_and(|pool| asked.loaded.record.get(recurring::POOL_ID) != Some(pool)) {
            asked.writer.reach_place(&asked.loaded.record, &record)?;
        }
        let record = asked.writer.store(work, &asked.loaded, record, "released")?;
        tell_end(work, record.id(), "released", asked.body.get(Release::reason))?;
        asked.writer.answer(work, 200, &record, Shown::new())
    })
    .await
}

/// Whoever has a record from a pool has it from no rule.
pub fn forget_rule(record: &mut Record) {
    match Pooled::of(record.object()) {
        Some(Pooled::Lead) => record.of_mut::<Lead>().clear(Lead::assigned_by_rule_id),
        Some(Pooled::Customer) | None => {}
    }
}

/// Says of the holding that has just ended how and why.
pub fn tell_end(work: &mut Work<'_>, record: Id, ended: &str, reason: Option<&str>) -> Result<(), Problem> {
    if let Some(last) = work.reader().holdings(record, 1, 0)?.first() {
        work.tell_holding_ended(last.id, ended, reason)?;
    }
    Ok(())
}

async fn holders(object: &'static Object, call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(object, Action::Read)?;
    let told: Vec<_> = [recurring::OWNER_ID, recurring::POOL_ID].into_iter().filter_map(|told| told.of(object)).collect();
    call.demand_fields(object, &told)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (limit, offset) = position_page(&request, 0)?;
    let (principal, now) = (std::sync::Arc::clone(&call.principal), call.now);
    let mut data = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
            reader.get(&principal.layout(object), &principal.view(now), id, &rows)?.ok_or_else(Problem::not_found)?;
            Ok(reader.holdings(id, limit + 1, offset)?)
        })
        .await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = data.len() > size;
    data.truncate(size);
    let next = has_more.then(|| events::cursor(offset + limit));
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header(("Link", next_link(&request, next)));
    }
    let data: Vec<Holder> = data.into_iter().map(Holder::from).collect();
    Ok(response.json(HolderPage { data, page: PageInfo { next, has_more, total: None } }))
}
