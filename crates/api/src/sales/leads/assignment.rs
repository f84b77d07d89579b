//! Assignment of leads by rules: in turns, by load, by region, to fixed users, teams and pools.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::{
        access::Action,
        team::Team,
        user::{User, is_at_hand},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
        recurring,
    },
    query::predicate::Predicate,
    sales::leads::{
        assignment::{AssignmentRule, AssignmentTarget, in_turn, least_loaded},
        lead::Lead,
        schedule::{WorkSchedule, is_working},
        status::LeadStatus,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Cell, Group, Measure, Work};

use super::pool;
use crate::{
    access::{call::Call, principal::Principal},
    http::{problem::Problem, request::Body},
    records::{
        action::act,
        behaviour::{Behaviour, Shown, Writing},
        body::Nothing,
        filters, giving, lookup,
    },
};

impl Behaviour for AssignmentRule {
    /// A rule's filter and all that it names must be there.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        filters::check(&writing.any(), record.any(), AssignmentRule::filter.name(), Lead::object())?;
        let mut faults = Faults::default();
        if let Some(pool) = record.get(AssignmentRule::pool_id)
            && pool::pool_of(work, Lead::object(), pool)?.is_none()
        {
            faults.add(Fault::new(AssignmentRule::pool_id.pointer(), FaultCode::NotFound));
        }
        // Whoever was named before may stay.
        let known = writing.before.map(|before| before.get(AssignmentRule::territories)).unwrap_or_default();
        for (position, territory) in record.get(AssignmentRule::territories).iter().enumerate() {
            let pointer = |member: &str| format!("{}/{position}/{member}", AssignmentRule::territories.pointer());
            let of_user = pointer(recurring::USER_ID.name());
            if let Some(user) = territory.user_id {
                if !is_live::<User>(work, user)? {
                    faults.add(Fault::new(of_user.clone(), FaultCode::NotFound));
                } else if known.iter().all(|known| known.user_id != Some(user)) {
                    giving::check_takers(work, &[(of_user.clone(), user)], &mut faults)?;
                }
            }
            if let Some(team) = territory.team_id
                && !is_live::<Team>(work, team)?
            {
                faults.add(Fault::new(pointer(recurring::TEAM_ID.name()), FaultCode::NotFound));
            }
            if territory.user_id.is_none() && territory.team_id.is_none() {
                faults.add(Fault::new(of_user, FaultCode::Required));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::rule(faults)) }
    }
}

fn is_live<E: Entity>(work: &mut Work<'_>, id: Id) -> Result<bool, Problem> {
    Ok(lookup::one::<E>(work, id)?.is_some_and(|record| !record.is_archived()))
}

/// Assign a lead
///
/// Applies the assignment rules in order to find an owner. The lead records the rule in `assigned_by_rule_id`. Returns 422 if
/// no matching rule finds an owner.
#[utoipa::path(tag = "leads", operation_id = "assignLead",
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The lead with its new owner.", body = ref("#/components/schemas/Lead")),
              (status = 422, description = "No rule finds an owner.")))]
#[post("/v1/leads/{id}/assign")]
pub async fn assign_lead(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Lead, Nothing>((call, request, body), Action::Update, |work, asked| {
        let status = LeadStatus::of(asked.record());
        if !status.is_open() {
            let next: Vec<&str> = status.next().iter().map(|status| status.as_str()).collect();
            return Err(Problem::state(status.as_str(), &next));
        }
        let mut lead = asked.record().clone();
        if !assign(work, &asked.writer.principal, asked.writer.now, &mut lead)? {
            return Err(Problem::rule(Fault::new("", FaultCode::NoRule).into()));
        }
        let settled = [Lead::owner_id.name(), Lead::team_id.name(), Lead::pool_id.name()];
        let record = asked.writer.store_settled(work, &asked.loaded, lead.into_any(), "assigned", &settled)?;
        asked.writer.answer(work, 200, &record, Shown::new())
    })
    .await
}

/// What the rules are asked with.
struct Rules {
    principal: Arc<Principal>,
    now: Timestamp,
    users: Vec<Record<User>>,
    schedules: Vec<Record<WorkSchedule>>,
}

/// Lets the rules say who gets a lead; whether one did. Turns are noted in the same work: of leads that come at once, each
/// takes its own turn.
pub fn assign(work: &mut Work<'_>, principal: &Arc<Principal>, now: Timestamp, lead: &mut Record<Lead>) -> Result<bool, Problem> {
    let mut rules = live::<AssignmentRule>(work)?;
    rules.retain(|rule| rule.get(AssignmentRule::is_active));
    if rules.is_empty() {
        return Ok(false);
    }
    rules.sort_by_key(|rule| (rule.get(AssignmentRule::sort_order), rule.id()));
    let mut users = live::<User>(work)?;
    users.retain(is_at_hand);
    users.sort_by_key(Record::id);
    let schedules = live::<WorkSchedule>(work)?;
    let asked = Rules { principal: Arc::clone(principal), now, users, schedules };
    for rule in &rules {
        let filter = rule.get(AssignmentRule::filter);
        let fits = filter.is_none_or(|filter| filters::meets(principal, now, Lead::object(), filter, lead.any()));
        if fits && asked.apply(work, rule, lead)? {
            lead.set(Lead::assigned_by_rule_id, rule.id());
            due(lead, rule.get(AssignmentRule::first_response_minutes), now);
            return Ok(true);
        }
    }
    Ok(false)
}

fn live<E: Entity>(work: &mut Work<'_>) -> Result<Vec<Record<E>>, Problem> {
    Ok(lookup::all::<E>(work.reader())?.into_iter().filter(|record| !record.is_archived()).collect())
}

/// Says until when somebody should reach out, unless that is known.
pub fn due(lead: &mut Record<Lead>, minutes: Option<i64>, now: Timestamp) {
    if let Some(minutes) = minutes
        && lead.is_null(Lead::first_response_due_at)
        && lead.is_null(Lead::first_responded_at)
    {
        let created = lead.get(Lead::created_at).unwrap_or(now);
        lead.set(Lead::first_response_due_at, created.plus_seconds(minutes * 60));
    }
}

impl Rules {
    fn apply(&self, work: &mut Work<'_>, rule: &Record<AssignmentRule>, lead: &mut Record<Lead>) -> Result<bool, Problem> {
        let works = |user: Id| !rule.get(AssignmentRule::respects_hours) || self.is_at_work(user);
        let found = match rule.get(AssignmentRule::target).unwrap_or(AssignmentTarget::RoundRobin) {
            AssignmentTarget::Pool => {
                let Some(pool) = rule.get(AssignmentRule::pool_id) else { return Ok(false) };
                if pool::pool_of(work, Lead::object(), pool)?.is_none() {
                    return Ok(false);
                }
                lead.set(Lead::pool_id, pool);
                lead.clear(Lead::owner_id);
                lead.clear(Lead::team_id);
                return Ok(true);
            }
            AssignmentTarget::Team => return Ok(give_to_team(lead, rule.get(AssignmentRule::team_id))),
            AssignmentTarget::Territory => {
                let region = lead.get(Lead::region);
                let territories = rule.get(AssignmentRule::territories);
                let Some(territory) = territories.iter().find(|territory| region == Some(territory.region.as_str())) else {
                    return Ok(false);
                };
                match territory.user_id.filter(|user| self.user(*user).is_some() && works(*user)) {
                    Some(user) => Some(user),
                    None => return Ok(give_to_team(lead, territory.team_id)),
                }
            }
            AssignmentTarget::LeastLoaded => {
                let mut candidates = self.candidates(rule);
                candidates.retain(|user| works(*user));
                // Two leads at once must count each other.
                work.lock(&format!("assignment {}", rule.id()))?;
                let loads = loads(work, &candidates)?;
                let load = |user: Id| loads.iter().find(|(owner, _)| *owner == user).map_or(0, |(_, count)| *count);
                least_loaded(&candidates, load)
            }
            AssignmentTarget::User => self.candidates(rule).into_iter().find(|user| works(*user)),
            AssignmentTarget::RoundRobin => {
                let candidates = self.named(rule);
                let turns = format!("assignment {}", rule.id());
                let next = work.next_turn(&turns)?;
                match in_turn(&candidates, next, |user| self.user(user).is_some() && works(user)) {
                    Some(place) => {
                        work.set_next_turn(&turns, i64::try_from(place + 1).unwrap_or(0))?;
                        candidates.get(place).copied()
                    }
                    None => None,
                }
            }
        };
        let Some(user) = found else { return Ok(false) };
        lead.set(Lead::owner_id, user);
        lead.set(Lead::team_id, self.user(user).and_then(|user| user.get(User::team_id)));
        Ok(true)
    }

    fn user(&self, id: Id) -> Option<&Record<User>> {
        self.users.iter().find(|user| user.id() == id)
    }

    fn is_at_work(&self, user: Id) -> bool {
        is_working(&self.schedules, user, self.principal.standards(self.now).zone, self.now)
    }

    /// The active users among whom a rule assigns.
    fn candidates(&self, rule: &Record<AssignmentRule>) -> Vec<Id> {
        self.named(rule).into_iter().filter(|user| self.user(*user).is_some()).collect()
    }

    /// The users among whom a rule assigns; those that it names keep their places when they are deactivated.
    fn named(&self, rule: &Record<AssignmentRule>) -> Vec<Id> {
        let named = rule.get(AssignmentRule::user_ids);
        if !named.is_empty() {
            return named;
        }
        let team = rule.get(AssignmentRule::team_id);
        let members = self.users.iter().filter(|user| team.is_none() || user.get(User::team_id) == team);
        members.map(Record::id).collect()
    }
}

fn give_to_team(lead: &mut Record<Lead>, team: Option<Id>) -> bool {
    if team.is_none() {
        return false;
    }
    lead.clear(Lead::owner_id);
    lead.set(Lead::team_id, team);
    true
}

/// How many open leads each of some users has.
fn loads(work: &mut Work<'_>, users: &[Id]) -> Result<Vec<(Id, i64)>, Problem> {
    let open = Predicate::Archived(false)
        .and(Lead::owner_id.is_in(users.iter().copied()))
        .and(Lead::status.is_not_in(LeadStatus::ENDED));
    let by_owner = [Group::by(Lead::owner_id.field())];
    let rows = work.reader().aggregate(Lead::object(), &open, &by_owner, &[Measure::Count], (None, users.len()))?;
    Ok(rows.iter().filter_map(|row| Some((row.first()?.as_id()?, row.get(1).and_then(Cell::as_integer)?))).collect())
}
