//! Assignment of leads by rules: in turns, by load, by region, to fixed users, teams and pools.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    entity::Entity,
    fault::{Fault, FaultCode, Faults},
    field::Op,
    id::Id,
    identity::{access::Action, team::Team, user::User},
    object::Object,
    predicate::{Operand, Predicate},
    record::Record,
    sales::leads::{
        assignment::{AssignmentRule, in_turn, least_loaded},
        lead::Lead,
        schedule::{WorkSchedule, is_working},
        status::LeadStatus,
    },
    time::Timestamp,
};
use farley_persistence::{Cell, Group, Measure, Work};
use serde_json::Value;

use super::pool;
use crate::{
    access::{
        call::Call,
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{problem::Problem, request::Body},
    records::{
        action::act_by_name,
        behaviour::{Behaviour, Shown, Writing},
    },
    sales::filters,
};

impl Behaviour for AssignmentRule {
    /// A rule's filter and all that it names must be there.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        if record.is_archived() {
            return Ok(());
        }
        filters::check(writing, record, "filter", Lead::object())?;
        let mut faults = Faults::default();
        if let Some(pool) = record.id_of("pool_id")
            && pool::pool_of(work, Lead::object(), pool)?.is_none()
        {
            faults.add(Fault::new("/pool_id", FaultCode::NotFound));
        }
        for (position, item) in record.get("territories").as_array().into_iter().flatten().enumerate() {
            let named = |name: &str| item[name].as_str().and_then(|id| id.parse::<Id>().ok());
            for (name, object) in [("user_id", User::object()), ("team_id", Team::object())] {
                if let Some(id) = named(name)
                    && !is_live(work, object, id)?
                {
                    faults.add(Fault::new(format!("/territories/{position}/{name}"), FaultCode::NotFound));
                }
            }
            if named("user_id").is_none() && named("team_id").is_none() {
                faults.add(Fault::new(format!("/territories/{position}/user_id"), FaultCode::Required));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::rule(faults)) }
    }
}

fn is_live(work: &mut Work<'_>, object: &'static Object, id: Id) -> Result<bool, Problem> {
    let Some(field) = object.field("id") else { return Ok(false) };
    let within = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Id(id)));
    Ok(!work.reader().find(&without_custom_fields(object), &Unrestricted, &within, 1)?.is_empty())
}

/// Assign a lead
///
/// Asks the assignment rules, in their order, who gets it. The lead tells the rule in `assigned_by_rule_id`. 422 if no rule
/// that fits it finds anybody.
#[utoipa::path(tag = "leads", operation_id = "assignLead",
    params(("id" = String, Path, description = "The lead: its id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lead with its new owner.", body = ref("#/components/schemas/Lead")),
              (status = 422, description = "No rule finds anybody.")))]
#[post("/v1/leads/{id}/assign")]
pub async fn assign_lead(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act_by_name(Lead::object(), (call, request, body), &[], Action::Update, |work, asked| {
        let status = LeadStatus::of(&asked.loaded.record);
        if !status.is_open() {
            let next: Vec<&str> = status.next().iter().map(|status| status.as_str()).collect();
            return Err(Problem::state(status.as_str(), &next));
        }
        let mut record = asked.loaded.record.clone();
        if !assign(work, &asked.writer.principal, asked.writer.now, &mut record)? {
            return Err(Problem::rule(Fault::new("", FaultCode::NoRule).into()));
        }
        let settled = ["owner_id", "team_id", "pool_id"];
        let record = asked.writer.store_settled(work, &asked.loaded, record, "assigned", &settled)?;
        asked.writer.answer(work, 200, record.id(), Shown::new())
    })
    .await
}

/// What the rules are asked with.
struct Rules {
    principal: Arc<Principal>,
    now: Timestamp,
    users: Vec<Record>,
    schedules: Vec<Record>,
}

/// Lets the rules say who gets a lead; whether one did. Turns are counted in the same work: of leads that come at once, each
/// takes its own turn.
pub fn assign(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, lead: &mut Record) -> Result<bool, Problem> {
    let live = |records: Vec<Record>| records.into_iter().filter(|record| !record.is_archived()).collect::<Vec<_>>();
    let mut rules = live(work.reader().all(AssignmentRule::object())?);
    rules.retain(|rule| rule.get("is_active") == true);
    if rules.is_empty() {
        return Ok(false);
    }
    rules.sort_by_key(|rule| (rule.get("sort_order").as_i64(), rule.id()));
    let mut users = live(work.reader().all(User::object())?);
    users.retain(|user| user.get("status") == "active");
    users.sort_by_key(Record::id);
    let schedules = live(work.reader().all(WorkSchedule::object())?);
    let asked = Rules { principal: Arc::clone(principal), now, users, schedules };
    for rule in &rules {
        let filter = rule.get("filter");
        let fits = filter.is_null() || filters::meets(principal, now, Lead::object(), filter, lead);
        if fits && asked.apply(work, rule, lead)? {
            lead.set("assigned_by_rule_id", rule.get("id").clone());
            due(lead, rule.get("first_response_minutes").as_i64(), now);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Says until when somebody should reach out, unless that is known.
pub fn due(lead: &mut Record, minutes: Option<i64>, now: Timestamp) {
    if let Some(minutes) = minutes
        && lead.get("first_response_due_at").is_null()
        && lead.get("first_responded_at").is_null()
    {
        let created = lead.time_of("created_at").unwrap_or(now);
        lead.set("first_response_due_at", created.plus_seconds(minutes * 60).to_string());
    }
}

impl Rules {
    fn apply(&self, work: &mut Work<'_>, rule: &Record, lead: &mut Record) -> Result<bool, Problem> {
        let works = |user: Id| rule.get("respects_hours") != true || self.is_at_work(user);
        let found = match rule.text("target") {
            Some("pool") => {
                let Some(pool) = rule.id_of("pool_id") else { return Ok(false) };
                if pool::pool_of(work, Lead::object(), pool)?.is_none() {
                    return Ok(false);
                }
                lead.set("pool_id", pool.to_string());
                lead.set("owner_id", Value::Null);
                lead.set("team_id", Value::Null);
                return Ok(true);
            }
            Some("team") => return Ok(give_to_team(lead, rule.get("team_id"))),
            Some("territory") => {
                let items = rule.get("territories").as_array().into_iter().flatten();
                let region = lead.get("region").clone();
                let Some(item) = items.into_iter().find(|item| !region.is_null() && item["region"] == region) else {
                    return Ok(false);
                };
                let user = item["user_id"].as_str().and_then(|id| id.parse().ok());
                match user.filter(|user| self.user(*user).is_some() && works(*user)) {
                    Some(user) => Some(user),
                    None => return Ok(give_to_team(lead, &item["team_id"])),
                }
            }
            Some("least_loaded") => {
                let mut candidates = self.candidates(rule);
                candidates.retain(|user| works(*user));
                // Two leads at once must count each other.
                work.lock(&format!("assignment {}", rule.id()))?;
                let loads = loads(work, &candidates)?;
                let load = |user: Id| loads.iter().find(|(owner, _)| *owner == user).map_or(0, |(_, count)| *count);
                least_loaded(&candidates, load)
            }
            Some("user") => self.candidates(rule).into_iter().find(|user| works(*user)),
            _ => {
                let candidates = self.candidates(rule);
                if candidates.iter().any(|user| works(*user)) {
                    let turn = work.turn(&format!("assignment {}", rule.id()))?;
                    in_turn(&candidates, turn, works)
                } else {
                    None
                }
            }
        };
        let Some(user) = found else { return Ok(false) };
        lead.set("owner_id", user.to_string());
        let team = self.user(user).map_or(Value::Null, |user| user.get("team_id").clone());
        lead.set("team_id", team);
        Ok(true)
    }

    fn user(&self, id: Id) -> Option<&Record> {
        self.users.iter().find(|user| user.id() == id)
    }

    fn is_at_work(&self, user: Id) -> bool {
        is_working(&self.schedules, user, self.principal.standards(self.now).zone, self.now)
    }

    /// The active users among whom a rule assigns.
    fn candidates(&self, rule: &Record) -> Vec<Id> {
        let named: Vec<Id> =
            rule.get("user_ids").as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect();
        if !named.is_empty() {
            return named.into_iter().filter(|user| self.user(*user).is_some()).collect();
        }
        let team = rule.id_of("team_id");
        let members = self.users.iter().filter(|user| team.is_none() || user.id_of("team_id") == team);
        members.map(Record::id).collect()
    }
}

fn give_to_team(lead: &mut Record, team: &Value) -> bool {
    if team.is_null() {
        return false;
    }
    lead.set("owner_id", Value::Null);
    lead.set("team_id", team.clone());
    true
}

/// How many open leads each of some users has.
fn loads(work: &mut Work<'_>, users: &[Id]) -> Result<Vec<(Id, i64)>, Problem> {
    let object = Lead::object();
    let field = |name: &str| object.field(name).ok_or_else(Problem::not_found);
    let ended = [LeadStatus::Converted, LeadStatus::Disqualified].map(|status| Operand::Text(status.as_str().to_owned()));
    let open = Predicate::Archived(false)
        .and(Predicate::test(field("owner_id")?, Op::In, Operand::List(users.iter().copied().map(Operand::Id).collect())))
        .and(Predicate::test(field("status")?, Op::Nin, Operand::List(ended.to_vec())));
    let rows =
        work.reader().aggregate(object, &open, &[Group::by(field("owner_id")?)], &[Measure::Count], (None, users.len()))?;
    Ok(rows.iter().filter_map(|row| Some((row.first()?.as_id()?, row.get(1).and_then(Cell::as_integer)?))).collect())
}
