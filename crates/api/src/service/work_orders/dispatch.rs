//! The plan of a day: who does which work orders when, and what waits to be scheduled.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    activities::calendar::{Span, covered},
    identity::{access::Action, team::Team, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Field,
        record::Record,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    service::work_orders::{
        scheduling,
        work_order::{WorkOrder, WorkOrderStatus},
    },
    values::{calendar::start_of_day, id::Id, time::Timestamp},
};
use farley_persistence::{Page, Reader, Row};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{call::Call, grants::teams_below, principal::Principal, unrestricted::without_custom_fields},
    http::{problem::Problem, request::parameters},
    records::{body, named::Named, read::layout_for},
};

/// How many technicians a plan shows at most.
const MOST_TECHNICIANS: usize = 200;
/// How many work orders a plan shows at most.
const MOST_ORDERS: usize = 1_000;

/// The plan of a day.
#[derive(Serialize, ToSchema)]
pub struct Dispatch {
    #[schema(value_type = String, format = "date", example = "2026-03-02")]
    date: NaiveDate,
    /// The time zone of the day: the tenant's.
    #[schema(example = "Asia/Shanghai")]
    time_zone: String,
    /// When the day begins.
    #[schema(value_type = String, format = "date-time")]
    from: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = "date-time")]
    to: Timestamp,
    /// By name.
    technicians: Vec<DispatchTechnician>,
    /// The work orders that wait to be scheduled, those with the earliest promised window first; of a technician or team, with those that are
    /// nobody's yet.
    #[schema(schema_with = work_orders)]
    unscheduled: Vec<Row>,
    /// Whether there are more of these: `GET /v1/work-orders?status=unscheduled&sort=window_from` lists all.
    has_more_unscheduled: bool,
}

/// The day of a technician.
#[derive(Serialize, ToSchema)]
pub struct DispatchTechnician {
    #[schema(value_type = String, format = "uuid")]
    user_id: Id,
    /// Null if you may not see the user.
    #[schema(example = "王强")]
    name: Option<String>,
    /// How many minutes of the day are planned, those planned twice counted once.
    #[schema(example = 300)]
    planned_minutes: i64,
    /// The work orders that are planned for some of the day, except cancelled ones, in order of time.
    #[schema(schema_with = work_orders)]
    work_orders: Vec<Row>,
}

fn work_orders() -> utoipa::openapi::Array {
    utoipa::openapi::Array::new(utoipa::openapi::Ref::from_schema_name("WorkOrder"))
}

crate::query! {
    /// Which day, and whose.
    pub struct DispatchQuery {
        /// The day, in the tenant's time zone. Defaults to today.
        date: Option<NaiveDate> => date().example("2026-03-02"),
        /// The technician: the id or `ext:{system}:{key}` of a user, or `me`.
        technician_id: Option<String> => text(300).example("me"),
        /// The team whose members to show, with those of the teams below it, also if they have nothing to do. By default everybody who has
        /// work orders on that day.
        team_id: Option<Id> => reference("team"),
        /// The number of unscheduled work orders to return, 0 to 200.
        unscheduled: i64 => integer(0, 200).default(50),
    }
}

/// Get the plan of a day
///
/// Returns the work orders that you can see by technician, in order of time, and those that wait to be scheduled. At most 1,000 work orders a
/// day; ask for teams or technicians if there are more.
#[utoipa::path(tag = "work-orders", operation_id = "getDispatch", params(DispatchQuery),
    responses((status = 200, description = "The plan.", body = Dispatch)))]
#[get("/v1/work-orders/dispatch")]
pub async fn dispatch(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let object = WorkOrder::object();
    let rows = call.rows(object, Action::Read)?;
    let asked = body::read_query::<DispatchQuery>(&parameters(&request)?)?;
    let needed = [
        WorkOrder::owner_id.field(),
        WorkOrder::status.field(),
        WorkOrder::scheduled_from.field(),
        WorkOrder::scheduled_to.field(),
        WorkOrder::window_from.field(),
    ];
    call.demand_fields(object, &needed)?;
    let technician = asked.get(DispatchQuery::technician_id).map(str::to_owned);
    let team = asked.get(DispatchQuery::team_id);
    if technician.is_some() && team.is_some() {
        let fault = Fault::new(DispatchQuery::team_id.name(), FaultCode::Conflicting);
        return Err(fault.with("other", DispatchQuery::technician_id.name()).into());
    }
    let zone = call.principal.standards(call.now).zone;
    let date = asked.get(DispatchQuery::date).unwrap_or_else(|| call.now.to_utc().with_timezone(&zone).date_naive());
    let day = Span { from: start_of_day(date, zone), to: start_of_day(date.succ_opt().unwrap_or(date), zone) };
    let most = usize::try_from(asked.get(DispatchQuery::unscheduled)).unwrap_or(0);
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let plan = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let plan = Plan { principal: &principal, now, within: Predicate::Archived(false).and(rows.clone()) };
        let whose = plan.whose(reader, technician.as_deref(), team)?;
        let orders = plan.of_day(reader, day, &whose)?;
        let (unscheduled, has_more_unscheduled) = plan.unscheduled(reader, most, &whose)?;
        let technicians = plan.by_technician(reader, day, orders, whose)?;
        let time_zone = zone.name().to_owned();
        Ok(Dispatch { date, time_zone, from: day.from, to: day.to, technicians, unscheduled, has_more_unscheduled })
    });
    Ok(HttpResponse::Ok().json(plan.await?))
}

/// Whose plan is asked for.
enum Whose {
    Everybodys,
    One(Record<User>),
    Of { teams: Vec<Id>, members: Vec<Record<User>> },
}

struct Plan<'a> {
    principal: &'a Principal,
    now: Timestamp,
    /// What the caller may read.
    within: Predicate,
}

impl Plan<'_> {
    /// Who is meant, as far as the caller may know of them.
    fn whose(&self, reader: &mut Reader<'_>, technician: Option<&str>, team: Option<Id>) -> Result<Whose, Problem> {
        let unknown = |name: &str| Problem::from(Fault::new(name, FaultCode::NotFound));
        if let Some(named) = technician {
            let id = if named == "me" {
                Some(self.principal.user_id())
            } else {
                match Named::parse(named) {
                    Ok(named) => named.find(reader, self.principal, User::object())?,
                    Err(_) => None,
                }
            };
            let found = match id {
                Some(id) => self.users(reader, User::id.eq(id))?.into_iter().next(),
                None => None,
            };
            return found.map(Whose::One).ok_or_else(|| unknown(DispatchQuery::technician_id.name()));
        }
        let Some(team) = team else { return Ok(Whose::Everybodys) };
        let rows = self.principal.asker.rows(Team::object(), Action::Read).unwrap_or_else(Predicate::nothing);
        let seen = reader.get(&self.principal.layout(Team::object()), &self.principal.view(self.now), team, &rows)?;
        seen.ok_or_else(|| unknown(DispatchQuery::team_id.name()))?;
        let teams = teams_below(reader, Some(team))?;
        let of_teams = Predicate::Archived(false).and(User::team_id.is_in(teams.iter().copied()));
        let members = self.users(reader, of_teams)?;
        if members.len() > MOST_TECHNICIANS {
            return Err(too_many(DispatchQuery::team_id.name(), MOST_TECHNICIANS));
        }
        Ok(Whose::Of { teams, members })
    }

    /// Users whom the caller may know of.
    fn users(&self, reader: &mut Reader<'_>, wanted: Predicate) -> Result<Vec<Record<User>>, Problem> {
        let rows = self.principal.asker.rows(User::object(), Action::Read).unwrap_or_else(Predicate::nothing);
        let known = Predicate::Or(vec![rows, User::id.eq(self.principal.user_id())]);
        let schema = without_custom_fields(User::object());
        let found = reader.find(&schema, &self.principal.view(self.now), &wanted.and(known), MOST_TECHNICIANS + 1)?;
        Ok(found.into_iter().map(Record::into_entity).collect())
    }

    /// The work orders that take some of a day, in order of time.
    fn of_day(&self, reader: &mut Reader<'_>, day: Span, whose: &Whose) -> Result<Vec<Row>, Problem> {
        let planned = WorkOrderStatus::ALL.iter().copied();
        let planned = planned.filter(|status| !matches!(status, WorkOrderStatus::Unscheduled | WorkOrderStatus::Cancelled));
        let theirs = match whose {
            Whose::Everybodys => Predicate::all(),
            Whose::One(user) => WorkOrder::owner_id.eq(user.id()),
            Whose::Of { members, .. } => WorkOrder::owner_id.is_in(members.iter().map(Record::id)),
        };
        let wanted = self.within.clone().and(theirs).and(scheduling::within(day)).and(WorkOrder::status.is_in(planned));
        let (rows, has_more) = self.list(reader, wanted, WorkOrder::scheduled_from.field(), MOST_ORDERS)?;
        if has_more { Err(too_many(DispatchQuery::date.name(), MOST_ORDERS)) } else { Ok(rows) }
    }

    /// The first of the work orders that wait to be scheduled, and whether there are more.
    fn unscheduled(&self, reader: &mut Reader<'_>, most: usize, whose: &Whose) -> Result<(Vec<Row>, bool), Problem> {
        let theirs = match whose {
            Whose::Everybodys => Predicate::all(),
            Whose::One(user) => Predicate::Or(vec![WorkOrder::owner_id.is_null(), WorkOrder::owner_id.eq(user.id())]),
            Whose::Of { teams, .. } => {
                Predicate::Or(vec![WorkOrder::team_id.is_null(), WorkOrder::team_id.is_in(teams.iter().copied())])
            }
        };
        let wanted = self.within.clone().and(WorkOrder::status.eq(WorkOrderStatus::Unscheduled)).and(theirs);
        if most == 0 {
            let (rows, _) = self.list(reader, wanted, WorkOrder::window_from.field(), 1)?;
            return Ok((Vec::new(), !rows.is_empty()));
        }
        self.list(reader, wanted, WorkOrder::window_from.field(), most)
    }

    /// Work orders in the order of a time, and whether there are more.
    fn list(
        &self,
        reader: &mut Reader<'_>,
        predicate: Predicate,
        order: &Field,
        limit: usize,
    ) -> Result<(Vec<Row>, bool), Problem> {
        let key = |field: &Field| SortKey { by: SortBy::Field(field.clone()), descending: false };
        let sort = vec![key(order), key(WorkOrder::id.field())];
        let layout = layout_for(self.principal, WorkOrder::object(), None, &[], (&sort, false));
        let (fields, expand, start) = (None, Vec::new(), Start::First);
        let query = ListQuery { predicate, sort, limit, start, fields, expand, total: false, as_of: None };
        let Page { rows, next, .. } = reader.list(&layout, &self.principal.view(self.now), &query)?;
        Ok((rows, next.is_some()))
    }

    /// The day of each technician.
    fn by_technician(
        &self,
        reader: &mut Reader<'_>,
        day: Span,
        orders: Vec<Row>,
        whose: Whose,
    ) -> Result<Vec<DispatchTechnician>, Problem> {
        let mut by_owner: HashMap<Id, (Vec<Row>, Vec<Span>)> = HashMap::new();
        for row in orders {
            let order = row.to_record()?.into_entity::<WorkOrder>();
            let span = order.get(WorkOrder::scheduled_from).zip(order.get(WorkOrder::scheduled_to));
            let Some(owner) = order.get(WorkOrder::owner_id) else { continue };
            let (rows, spans) = by_owner.entry(owner).or_default();
            rows.push(row);
            spans.extend(span.map(|(from, to)| Span { from, to }));
        }
        let users = match whose {
            Whose::One(user) => vec![user],
            Whose::Of { members, .. } => members,
            Whose::Everybodys => {
                if by_owner.len() > MOST_TECHNICIANS {
                    return Err(too_many(DispatchQuery::date.name(), MOST_TECHNICIANS));
                }
                self.users(reader, User::id.is_in(by_owner.keys().copied()))?
            }
        };
        let sees_names = self.principal.asker.sees(User::object(), User::name.field());
        let mut technicians: Vec<DispatchTechnician> = Vec::with_capacity(users.len());
        let named = users.iter().map(|user| (user.id(), Some(user.get(User::name).to_owned()).filter(|_| sees_names)));
        let mut named: Vec<(Id, Option<String>)> = named.collect();
        // Whose work orders may be seen need not be somebody who may.
        let unnamed = by_owner.keys().filter(|owner| users.iter().all(|user| user.id() != **owner));
        named.extend(unnamed.map(|owner| (*owner, None)));
        for (user_id, name) in named {
            let (work_orders, spans) = by_owner.remove(&user_id).unwrap_or_default();
            let taken = covered(&spans, day).iter().map(|span| span.to.milliseconds() - span.from.milliseconds()).sum::<i64>();
            technicians.push(DispatchTechnician { user_id, name, planned_minutes: taken / 60_000, work_orders });
        }
        technicians.sort_by(|left, right| {
            (left.name.is_none(), &left.name, left.user_id).cmp(&(right.name.is_none(), &right.name, right.user_id))
        });
        Ok(technicians)
    }
}

fn too_many(name: &str, most: usize) -> Problem {
    Fault::new(name, FaultCode::TooManyRows).with("max", most).into()
}
