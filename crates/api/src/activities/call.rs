//! Calls, as telephone systems report them. A call is an activity: here it is found by its id, or made, and whom it concerns is found by
//! the number.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::{
        activity::{Activity, ActivityKind, Direction},
        call::{AHEAD_SECONDS, CallMatch, CallOutcome, EndsTooEarly, Number, Report, other_party},
    },
    customers::{contact::Contact, customer::Customer},
    identity::{
        access::Action,
        user::{User, UserStatus, takes_work},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        input::members,
        record::Record,
        recurring,
    },
    query::predicate::Predicate,
    sales::leads::lead::Lead,
    service::{clock::StatusKind, ticket::Ticket},
    values::{email, id::Id, time::Timestamp},
};
use farley_persistence::Work;
use serde_json::{Map, Value};

use super::numbers::{Holders, holders, readable};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        behaviour::Shown,
        body, lookup,
        mutation::{Answer, Mutation},
        named::Named,
        write::Writer,
    },
    service::merging::{goes_on, gone_into},
};

crate::body! {
    /// What a telephone system knows of a call so far. What is absent stays as it is known.
    pub struct CallReport {
        /// The id that the telephone system gave the call. It is kept in `external_ids` of the activity, under `system`.
        call_id: String => text(200).required().example("1772352000.42"),
        /// Which telephone system it is, as in `external_ids`.
        system: String => text(40).default("pbx").example("pbx"),
        /// When the telephone system noticed what it reports, which may arrive late: the latest report wins, and an earlier one only adds what is
        /// not known yet. Defaults to now.
        at: Option<Timestamp> => datetime().example("2026-03-01T08:00:00.000Z"),
        /// Who called whom. Defaults to `inbound`.
        direction: Option<Direction> => choice(Direction::choices()).example("inbound"),
        /// The caller's number, in any form; an extension or a word such as `anonymous` too.
        caller: Option<String> => text(60).example("138-0013-8000"),
        /// The number that was called.
        called: Option<String> => text(60).example("400-820-8820"),
        /// The agent: the id, e-mail address or `ext:{system}:{key}` of a user, such as `ext:pbx:801`. By default a new call belongs to the owner
        /// of the contact, customer or lead, or else to you.
        agent: Option<String> => text(254).example("ext:pbx:801"),
        /// When it began to ring. Defaults to the earliest time known.
        started_at: Option<Timestamp> => datetime().example("2026-03-01T08:00:00.000Z"),
        /// When it was answered.
        answered_at: Option<Timestamp> => datetime().example("2026-03-01T08:00:12.000Z"),
        /// When it ended.
        ended_at: Option<Timestamp> => datetime().example("2026-03-01T08:03:12.000Z"),
        /// How it ended. By default `answered` if it was answered, otherwise `missed` if inbound and `unanswered` if outbound.
        outcome: Option<CallOutcome> => choice(CallOutcome::choices()).example("answered"),
        /// Where the recording is.
        recording_url: Option<String> => url().example("https://pbx.example.cn/recordings/42.wav"),
        /// The customer, if known otherwise than by the number.
        customer_id: Option<Id> => reference("customer"),
        /// The contact, if known otherwise than by the number.
        contact_id: Option<Id> => reference("contact"),
        /// The lead, if known otherwise than by the number.
        lead_id: Option<Id> => reference("lead"),
        /// The ticket. By default the only unsolved one of the contact, or of the customer where no contact has the number. If it was
        /// merged, the one in which it goes on takes its place.
        ticket_id: Option<Id> => reference("ticket"),
    }
    example serde_json::json!({"call_id": "1772352000.42", "direction": "inbound", "caller": "138-0013-8000", "called": "400-820-8820", "started_at": "2026-03-01T08:00:00.000Z"})
}

/// Report a call
///
/// Takes what a telephone system knows of a call: when it rings, is answered, ends, and where its recording is, in as many requests as it likes.
/// All reports with the same `call_id` are one call, whatever their order, and the same report again changes nothing. The call is an activity of
/// the kind `call`, listed at GET /v1/activities?kind=call and read at /v1/activities/ext:{system}:{call_id}: `planned` while it goes on,
/// `done` once somebody has talked, `cancelled` if nobody has.
///
/// Whom it concerns is found by the number of the other party among the contacts, else the customers, else the leads that you can read;
/// `call_match` says how sure that is.
#[utoipa::path(tag = "calls", operation_id = "reportCall", request_body = CallReport,
    responses((status = 201, description = "The call is new.", body = ref("#/components/schemas/Activity")),
              (status = 200, description = "The call was known.", body = ref("#/components/schemas/Activity"))))]
#[post("/v1/calls")]
pub async fn report(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let writer = Writer::of(&call, Activity::object());
    writer.permit(Action::Create)?;
    writer.permit(Action::Update)?;
    let asked = body::read::<CallReport>(&body.0, &call.principal.standards(call.now))?;
    let taking = Taking { report: read(&asked, &call)?, asked };
    mutation.run(&call, move |work| taking.take(work, &writer)).await
}

/// What is reported. Clocks of telephone systems may be a little ahead.
fn read(asked: &Record<CallReport>, call: &Call) -> Result<Report, Problem> {
    let mut faults = Faults::default();
    let latest = call.now.plus_seconds(AHEAD_SECONDS);
    let mut time = |handle: farley_domain::model::handle::Handle<CallReport, Option<Timestamp>>| {
        let time = asked.get(handle)?;
        if time > latest {
            faults.add(Fault::new(handle.pointer(), FaultCode::TooLate).with("max", call.now));
        }
        Some(time.min(call.now))
    };
    let at = time(CallReport::at).unwrap_or(call.now);
    let started_at = time(CallReport::started_at);
    let answered_at = time(CallReport::answered_at);
    let ended_at = time(CallReport::ended_at);
    if let (Some(started), Some(answered)) = (started_at, answered_at)
        && answered < started
    {
        faults.add(Fault::new(CallReport::answered_at.pointer(), FaultCode::TooEarly).with("min", started));
    }
    if let (Some(begun), Some(ended)) = (answered_at.or(started_at), ended_at)
        && ended < begun
    {
        faults.add(Fault::new(CallReport::ended_at.pointer(), FaultCode::TooEarly).with("min", begun));
    }
    let country = call.principal.standards(call.now).country.to_owned();
    let number = |text: Option<&str>| text.map(|text| Number::of(text, &country));
    let told = Report {
        at,
        direction: asked.get(CallReport::direction),
        caller: number(asked.get(CallReport::caller)),
        called: number(asked.get(CallReport::called)),
        started_at,
        answered_at,
        ended_at,
        outcome: asked.get(CallReport::outcome),
        recording_url: asked.get(CallReport::recording_url).map(str::to_owned),
    };
    faults.into_result(told).map_err(Problem::from)
}

fn too_early(EndsTooEarly { answered }: EndsTooEarly) -> Problem {
    Fault::new(CallReport::ended_at.pointer(), FaultCode::TooEarly).with("min", answered).into()
}

struct Taking {
    report: Report,
    asked: Record<CallReport>,
}

impl Taking {
    fn take(&self, work: &mut Work<'_>, writer: &Writer) -> Result<Answer, Problem> {
        let (system, key) = (self.asked.get(CallReport::system), self.asked.get(CallReport::call_id));
        // The first two reports of a call at once are of one call.
        work.lock(&format!("call {system} {key}"))?;
        let agent = self.agent(work, writer)?;
        let named = Named::External { system: system.to_owned(), key: key.to_owned() };
        match named.find(work.reader(), &writer.principal, writer.object)? {
            Some(_) => self.update(work, writer, &named, agent),
            None => self.create(work, writer, agent),
        }
    }

    fn create(&self, work: &mut Work<'_>, writer: &Writer, agent: Option<Id>) -> Result<Answer, Problem> {
        let mut call = Record::from_json(Activity::object(), &Value::Object(Map::new())).into_entity::<Activity>();
        call.set(Activity::direction, self.report.direction.unwrap_or(Direction::Inbound));
        self.report.take(&mut call).map_err(too_early)?;
        let found = self.matched(work, writer, &call)?;
        let (system, id) = (self.asked.get(CallReport::system), self.asked.get(CallReport::call_id));
        let external_ids = Map::from_iter([(system.to_owned(), Value::from(id))]);
        let number = other_party(&call).or_else(|| {
            [&self.report.caller, &self.report.called].into_iter().flatten().map(|number| number.typed.as_str()).next()
        });
        let number = number.unwrap_or(id).to_owned();
        let subject =
            found.name.as_ref().map_or(number.clone(), |name| format!("{} {number}", name.chars().take(120).collect::<String>()));
        let body = members::<Activity>()
            .with(Activity::kind, Some(ActivityKind::Call))
            .with(Activity::subject, Some(subject))
            .with(Activity::owner_id, agent.or(found.owner))
            .with(Activity::external_ids, external_ids);
        let (record, _) = writer.create_with(work, &body.into_json(), |record| {
            let written = record.of_mut::<Activity>();
            reported(&call, written);
            found.put(written);
        })?;
        writer.answer(work, 201, &record, Shown::new())
    }

    fn update(&self, work: &mut Work<'_>, writer: &Writer, named: &Named, agent: Option<Id>) -> Result<Answer, Problem> {
        let loaded = writer.load(work, named, Action::Update)?;
        let mut call = loaded.record.of::<Activity>().clone();
        self.report.take(&mut call).map_err(too_early)?;
        let is_unmatched = matches!(call.get(Activity::call_match), None | Some(CallMatch::None));
        if is_unmatched || self.names_somebody() {
            let found = self.matched(work, writer, &call)?;
            found.put(&mut call);
        }
        // It may have been merged since the last report.
        let ticket = followed(work, (&*writer.principal, writer.now), call.get(Activity::ticket_id))?;
        call.set(Activity::ticket_id, ticket);
        if agent.is_some() && agent != call.get(Activity::owner_id) {
            call.set(Activity::owner_id, agent);
            if let Some(agent) = agent {
                let team = writer.team_of(work, agent)?;
                call.set(Activity::team_id, team);
            }
        }
        let record = writer.apply_rules(&writer.schema(), Some(&loaded.record), call.into_any())?;
        let team = recurring::TEAM_ID.name();
        let record = writer.store_settled(work, &loaded, record, "updated", &[team])?;
        writer.answer(work, 200, &record, Shown::new())
    }

    /// The agent whom the report names.
    fn agent(&self, work: &mut Work<'_>, writer: &Writer) -> Result<Option<Id>, Problem> {
        let Some(text) = self.asked.get(CallReport::agent) else { return Ok(None) };
        let refused = || Problem::from(Fault::new(CallReport::agent.pointer(), FaultCode::NotFound));
        let found = match email::standardise(text) {
            Ok(address) => {
                let active = User::email.eq(address).and(User::status.eq(UserStatus::Active));
                lookup::find::<User>(work, &Predicate::Archived(false).and(active), 1)?.into_iter().next()
            }
            Err(_) => {
                let named = Named::parse(text).map_err(|_| refused())?;
                let id = named.find(work.reader(), &writer.principal, User::object())?.ok_or_else(refused)?;
                lookup::one::<User>(work, id)?
            }
        };
        let agent = found.filter(takes_work).ok_or_else(refused)?;
        Ok(Some(agent.id()))
    }

    fn names_somebody(&self) -> bool {
        let asked = &self.asked;
        [CallReport::customer_id, CallReport::contact_id, CallReport::lead_id, CallReport::ticket_id]
            .into_iter()
            .any(|handle| !asked.is_null(handle))
    }

    /// Whom a call concerns: whom the report names, else who has the number.
    fn matched(&self, work: &mut Work<'_>, writer: &Writer, call: &Record<Activity>) -> Result<Found, Problem> {
        let asked = &self.asked;
        let mut found = Found {
            customer: asked.get(CallReport::customer_id),
            contact: asked.get(CallReport::contact_id),
            lead: asked.get(CallReport::lead_id),
            ticket: followed(work, (&*writer.principal, writer.now), asked.get(CallReport::ticket_id))?,
            ..Found::default()
        };
        if found.customer.or(found.contact).or(found.lead).is_some() {
            found.how = Some(CallMatch::Given);
            return Ok(found);
        }
        let Some(number) = other_party(call) else { return Ok(found) };
        let asker = (&*writer.principal, writer.now);
        let Holders { customers, contacts, leads } = holders(work.reader(), &writer.principal, number)?;
        let contacts = readable::<Contact>(work.reader(), asker, &contacts)?;
        let customers = if contacts.is_empty() { readable::<Customer>(work.reader(), asker, &customers)? } else { Vec::new() };
        let none_yet = contacts.is_empty() && customers.is_empty();
        let leads = if none_yet { readable::<Lead>(work.reader(), asker, &leads)? } else { Vec::new() };
        found.how = Some(match contacts.len() + customers.len() + leads.len() {
            0 => CallMatch::None,
            1 => CallMatch::One,
            _ => CallMatch::Several,
        });
        if let Some(contact) = contacts.first() {
            found.take(contact.any(), Some(contact.get(Contact::name)));
            found.contact = Some(contact.id());
        } else if let Some(customer) = customers.first() {
            found.take(customer.any(), Some(customer.get(Customer::name)));
            found.customer = Some(customer.id());
        } else if let Some(lead) = leads.first() {
            found.take(lead.any(), lead.get(Lead::name));
            found.lead = Some(lead.id());
        }
        if found.ticket.is_none() {
            found.ticket = only_ticket(work, asker, &found)?;
        }
        if let Some(owner) = found.owner {
            let owner = lookup::one::<User>(work, owner)?.filter(takes_work);
            found.owner = owner.map(|owner| owner.id());
        }
        Ok(found)
    }
}

/// The ticket in which one goes on that may have been merged, if it may be read.
fn followed(
    work: &mut Work<'_>,
    asker: (&crate::access::principal::Principal, Timestamp),
    ticket: Option<Id>,
) -> Result<Option<Id>, Problem> {
    let Some(ticket) = ticket else { return Ok(None) };
    let end = goes_on(work.reader(), &[ticket])?.remove(&ticket).filter(|end| *end != ticket);
    let Some(end) = end else { return Ok(Some(ticket)) };
    let is_readable = !readable::<Ticket>(work.reader(), asker, &[end])?.is_empty();
    Ok(Some(if is_readable { end } else { ticket }))
}

/// The only unsolved ticket of whom a call concerns; none if there are several.
fn only_ticket(
    work: &mut Work<'_>,
    (principal, now): (&crate::access::principal::Principal, Timestamp),
    found: &Found,
) -> Result<Option<Id>, Problem> {
    let theirs = match (found.contact, found.customer) {
        (Some(contact), _) => Ticket::contact_id.eq(contact),
        (None, Some(customer)) => Ticket::customer_id.eq(customer),
        (None, None) => return Ok(None),
    };
    let undone = [StatusKind::New, StatusKind::Open, StatusKind::WaitingCustomer, StatusKind::WaitingThirdParty];
    let open = Predicate::Archived(false).and(Ticket::merged_into_id.is_null()).and(Ticket::status.is_in(undone));
    let ends = gone_into(work.reader(), theirs.clone())?;
    let theirs = if ends.is_empty() { theirs } else { Predicate::Or(vec![theirs, Ticket::id.is_in(ends)]) };
    let tickets: Vec<Id> = lookup::find::<Ticket>(work, &open.and(theirs), 2)?.iter().map(Record::id).collect();
    match tickets.as_slice() {
        [ticket] => Ok(readable::<Ticket>(work.reader(), (principal, now), &[*ticket])?.first().map(Record::id)),
        _ => Ok(None),
    }
}

/// Whom a call concerns.
#[derive(Default)]
struct Found {
    how: Option<CallMatch>,
    customer: Option<Id>,
    contact: Option<Id>,
    lead: Option<Id>,
    ticket: Option<Id>,
    owner: Option<Id>,
    name: Option<String>,
}

impl Found {
    fn take(&mut self, record: &Record, name: Option<&str>) {
        self.owner = record.get(recurring::OWNER_ID);
        self.name = name.map(str::to_owned);
    }

    /// Writes it into a call; what it does not know stays.
    fn put(&self, call: &mut Record<Activity>) {
        call.set(Activity::call_match, self.how.or(call.get(Activity::call_match)));
        for (found, handle) in [
            (self.customer, Activity::customer_id),
            (self.contact, Activity::contact_id),
            (self.lead, Activity::lead_id),
            (self.ticket, Activity::ticket_id),
        ] {
            if found.is_some() {
                call.set(handle, found);
            }
        }
    }
}

/// Takes what telephone systems alone tell over into a new activity.
fn reported(from: &Record<Activity>, to: &mut Record<Activity>) {
    to.set(Activity::occurred_at, from.get(Activity::occurred_at));
    to.set(Activity::ends_at, from.get(Activity::ends_at));
    to.set(Activity::duration_seconds, from.get(Activity::duration_seconds));
    to.set(Activity::status, from.get(Activity::status));
    to.set(Activity::direction, from.get(Activity::direction));
    for handle in [
        Activity::caller_number,
        Activity::caller_typed,
        Activity::called_number,
        Activity::called_typed,
        Activity::recording_url,
    ] {
        to.set(handle, from.get(handle).map(str::to_owned));
    }
    to.set(Activity::answered_at, from.get(Activity::answered_at));
    to.set(Activity::reported_at, from.get(Activity::reported_at));
    to.set(Activity::wait_seconds, from.get(Activity::wait_seconds));
    to.set(Activity::talk_seconds, from.get(Activity::talk_seconds));
    to.set(Activity::call_outcome, from.get(Activity::call_outcome));
}
