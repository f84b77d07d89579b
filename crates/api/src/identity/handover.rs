//! Handing over the [open work](super::open_work) of a user: it goes to one user, or to several in turn.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    activities::notification::NotificationKind,
    customers::customer::Customer,
    identity::{access::Action, user::User},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, Language, unknown},
        field::Op,
        object::Object,
        operand::Operand,
        record::Record,
        recurring, registry,
        structures::filter::FILTER,
    },
    query::predicate::{Predicate, parse},
    values::id::Id,
};
use farley_persistence::{Layout, Work};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::open_work::{Holding, holdings};
use crate::{
    access::{call::Call, unrestricted::without_custom_fields},
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body, giving, lookup,
        mutation::{Answer, Mutation, if_match},
        named::Named,
        notify::{News, tell},
        read::PageInfo,
        versions,
        write::Writer,
    },
};

/// How many users share what is handed over.
const RECEIVERS: usize = 50;

crate::body! {
    /// To whom the open work of a user goes.
    pub struct Handover {
        /// The 1 to 50 users who receive it, by id or `ext:{system}:{key}`. Several users receive in turn; what belongs to a customer goes
        /// to the customer's owner, if that is one of them.
        user_ids: Vec<String> => texts(RECEIVERS).required().example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
        /// The objects to hand over, such as `customer` or `leads`. Defaults to all in which the user has work.
        objects: Vec<String> => texts(100).example(json!(["lead", "opportunity"])),
        /// A filter on the records to hand over; requires a single object in `objects`.
        filter: Option<Value> => structure(&FILTER).example(json!({"field": "created_at", "op": "gte", "value": {"relative": "-30d"}})),
        /// The maximum number of records to hand over in one request, 1 to 200.
        limit: i64 => integer(1, 200).default(200),
        /// The `page.next` of the previous answer, to continue from there with the same body.
        cursor: Option<String> => long_text(4_000),
    }
    example json!({"user_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"], "objects": ["lead", "opportunity"]})
}

/// Records that a user has received.
#[derive(Serialize, ToSchema)]
pub struct HandedOver {
    /// The object.
    #[schema(example = "opportunity")]
    object: &'static str,
    /// The field that names the user.
    #[schema(example = "owner_id")]
    field: &'static str,
    /// The user who has received them.
    #[schema(value_type = String, format = "uuid")]
    user_id: Id,
    /// The number of records.
    #[schema(example = 12)]
    count: i64,
}

/// A record that stays with the user, and why.
#[derive(Serialize, ToSchema)]
pub struct NotHandedOver {
    /// The object.
    #[schema(example = "opportunity")]
    object: &'static str,
    /// The field that names the user.
    #[schema(example = "owner_id")]
    field: &'static str,
    /// The record.
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    /// The problem that a change of the record alone would be answered with.
    #[schema(value_type = Object, example = json!({"status": 403, "code": "forbidden", "title": "Forbidden", "detail": "You do not have permission to update opportunity."}))]
    problem: Value,
}

/// What became of the open work of a user.
#[derive(Serialize, ToSchema)]
pub struct HandoverResult {
    /// How many records each user has received.
    handed_over: Vec<HandedOver>,
    /// The records that stay with the user.
    refused: Vec<NotHandedOver>,
    page: PageInfo,
}

/// Hand over a user's open work
///
/// Gives the open work of a user (see `GET …/handover`) to one or several other users: each record as a change of its own, with its
/// event, and its team follows a new owner. In lists, such as the agents of a queue, the receiver takes the user's place, or keeps their
/// own if they are in the list already; shares of a sale add up. Each receiver gets one notification per request. Requires permission to update the user and
/// each of the records; records that you cannot change are listed in `refused` and stay as they are. One request hands over at most
/// `limit` records, in the order of objects and of their creation: repeat it with `cursor` until `page.next` is null. The user may be
/// active, deactivated or archived, the receivers must not.
#[utoipa::path(tag = "users", operation_id = "handOverUserWork", request_body = Handover,
    params(("id" = String, Path, description = "The user's id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "What was handed over, and what was not.", body = HandoverResult)))]
#[post("/v1/users/{id}/handover")]
pub async fn hand_over(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = Asked::read(&call, &body.0)?;
    let (expected, named) = (if_match(&request), Named::parse(request.match_info().query("id"))?);
    let (writer, language) = (Writer::of(&call, User::object()), call.language);
    let response = mutation
        .run(&call, move |work| {
            let user = writer.load(work, &named, Action::Update)?.record;
            if let Some(expected) = &expected {
                versions::check(work, &writer.principal, User::object(), &user, expected, None)?;
            }
            let receivers = asked.receivers(work, &writer, user.id())?;
            let mut handing = Handing {
                writer: &writer,
                user: user.id(),
                receivers,
                language,
                turn: 0,
                taken: Vec::new(),
                refused: Vec::new(),
            };
            let next = handing.all(work, &asked)?;
            handing.tell(work, &user)?;
            let page = PageInfo { has_more: next.is_some(), next, total: None };
            Answer::json(200, &HandoverResult { handed_over: handing.taken, refused: handing.refused, page })
        })
        .await?;
    // The managers of teams may be others now.
    call.state.principals.forget();
    Ok(response)
}

/// What is asked for, before anything is looked up.
struct Asked {
    receivers: Vec<String>,
    holdings: Vec<Holding>,
    filter: Predicate,
    limit: usize,
    start: Option<Place>,
}

/// Where a request ended: after a record of a holding, and whose turn is next.
struct Place {
    holding: Holding,
    after: Id,
    turn: usize,
}

impl Place {
    fn encode(&self) -> String {
        let (object, field) = (self.holding.object.name, &self.holding.field.name);
        BASE64_URL_SAFE_NO_PAD.encode(format!("h {object} {field} {} {}", self.after, self.turn))
    }

    fn decode(cursor: &str) -> Option<Place> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let ["h", object, field, after, turn] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
        let holding = holdings().find(|known| known.object.name == object && known.field.name == field)?;
        Some(Place { holding, after: after.parse().ok()?, turn: turn.parse().ok()? })
    }
}

impl Asked {
    fn read(call: &Call, body: &Value) -> Result<Asked, Problem> {
        let body = body::read::<Handover>(body, &call.principal.standards(call.now))?;
        let mut faults = Faults::default();
        let names = body.get(Handover::objects);
        let mut objects: Vec<&'static Object> = Vec::new();
        let known = || holdings().map(|holding| holding.object.name);
        for (position, name) in names.iter().enumerate() {
            match registry::named(name).filter(|object| known().any(|known| known == object.name)) {
                Some(object) => objects.push(object),
                None => {
                    let pointer = format!("{}/{position}", Handover::objects.pointer());
                    faults.add(unknown(pointer, FaultCode::UnknownChoice, name, known()));
                }
            }
        }
        let mut filter = Predicate::all();
        if let Some(written) = body.get(Handover::filter) {
            match names.len() {
                0 => faults.add(Fault::new(Handover::objects.pointer(), FaultCode::Required)),
                1 => {}
                _ => faults.add(Fault::new(Handover::objects.pointer(), FaultCode::TooMany).with("max", 1)),
            }
            if let [object] = objects[..] {
                match parse::from_json(object, written, &call.view()) {
                    Ok(predicate) => filter = predicate,
                    Err(wrong) => faults.0.extend(wrong.under(&Handover::filter.pointer()).0),
                }
            }
        }
        let cursor = body.get(Handover::cursor);
        let start = cursor.and_then(Place::decode);
        if cursor.is_some() && start.is_none() {
            faults.add(Fault::new(Handover::cursor.pointer(), FaultCode::InvalidCursor));
        }
        let wanted = |holding: &Holding| names.is_empty() || objects.iter().any(|object| object.name == holding.object.name);
        faults.into_result(())?;
        Ok(Asked {
            receivers: body.get(Handover::user_ids),
            holdings: holdings().filter(wanted).collect(),
            filter,
            limit: usize::try_from(body.get(Handover::limit)).unwrap_or(1),
            start,
        })
    }

    /// Who receives, each a user whom the caller may know of and who takes new work.
    fn receivers(&self, work: &mut Work<'_>, writer: &Writer, giver: Id) -> Result<Vec<Id>, Problem> {
        let principal = &writer.principal;
        let rows = principal.asker.rows(User::object(), Action::Read).unwrap_or_else(Predicate::nothing);
        let layout = Arc::new(Layout::of(&writer.schema(), &|_| true, Some(&[]), &[]));
        let (mut faults, mut found) = (Faults::default(), Vec::<(String, Id)>::new());
        for (position, name) in self.receivers.iter().enumerate() {
            let pointer = format!("{}/{position}", Handover::user_ids.pointer());
            let id = match Named::parse(name) {
                Ok(named) => named.find(work.reader(), principal, User::object())?,
                Err(_) => None,
            };
            let within = Predicate::Archived(false).and(rows.clone());
            let known = match id {
                Some(id) => {
                    id == principal.user_id() || work.reader().get(&layout, &principal.view(writer.now), id, &within)?.is_some()
                }
                None => false,
            };
            match id.filter(|_| known) {
                None => faults.add(Fault::new(pointer, FaultCode::NotFound)),
                Some(id) if id == giver => faults.add(Fault::new(pointer, FaultCode::OwnWork)),
                Some(id) if found.iter().any(|(_, other)| *other == id) => faults.add(Fault::new(pointer, FaultCode::Repeated)),
                Some(id) => found.push((pointer, id)),
            }
        }
        giving::check_takers(work, &found, &mut faults)?;
        if faults.is_empty() { Ok(found.into_iter().map(|(_, id)| id).collect()) } else { Err(Problem::rule(faults)) }
    }
}

/// A handover under way.
struct Handing<'a> {
    writer: &'a Writer,
    user: Id,
    receivers: Vec<Id>,
    language: Language,
    /// How many have been given in turn.
    turn: usize,
    taken: Vec<HandedOver>,
    refused: Vec<NotHandedOver>,
}

impl Handing<'_> {
    /// Hands over as many as one request may; the cursor to go on from, if there is more.
    fn all(&mut self, work: &mut Work<'_>, asked: &Asked) -> Result<Option<String>, Problem> {
        let mut rest = asked.limit;
        let mut last: Option<(Holding, Id)> = None;
        let mut holdings = asked.holdings.as_slice();
        let mut after = None;
        if let Some(start) = &asked.start {
            let is_start =
                |one: &Holding| one.object.name == start.holding.object.name && one.field.name == start.holding.field.name;
            let place = holdings.iter().position(is_start);
            let place = place.ok_or_else(|| Fault::new(Handover::cursor.pointer(), FaultCode::InvalidCursor))?;
            holdings = &holdings[place..];
            (after, self.turn, last) = (Some(start.after), start.turn, Some((start.holding, start.after)));
        }
        for holding in holdings {
            let Some(readable) = holding.readable(&self.writer.principal) else { continue };
            let mut within = holding.of_user(self.user).and(asked.filter.clone()).and(readable);
            if let (Some(after), Some(id)) = (after.take(), recurring::ID.of(holding.object)) {
                within = within.and(Predicate::test(id, Op::Gt, Operand::Id(after)));
            }
            let view = self.writer.principal.view(self.writer.now);
            // One more tells whether there is a next page.
            let found = work.reader().find(&without_custom_fields(holding.object), &view, &within, rest + 1)?;
            for record in found.iter().take(rest) {
                self.one(work, *holding, record)?;
                last = Some((*holding, record.id()));
            }
            if found.len() > rest {
                return Ok(last.map(|(holding, after)| Place { holding, after, turn: self.turn }.encode()));
            }
            rest -= found.len();
        }
        Ok(None)
    }

    /// Hands over one record, or notes why it stays.
    fn one(&mut self, work: &mut Work<'_>, holding: Holding, record: &Record) -> Result<(), Problem> {
        let (receiver, in_turn) = self.receiver_of(work, holding, record)?;
        let writer = Writer { quiet: true, ..self.writer.on(holding.object) };
        let user = self.user;
        let handed = work.attempt(|work| -> Result<bool, Problem> {
            let loaded = writer.load(work, &Named::Id(record.id()), Action::Update)?;
            // Somebody else may have given it away meanwhile.
            if !holding.names(&loaded.record, user) {
                return Ok(false);
            }
            let succeeded = holding.succeeded(&loaded.record, user, receiver);
            writer.patch(work, &loaded, &json!({holding.field.name.as_ref(): succeeded}))?;
            Ok(true)
        });
        let (object, field) = (holding.object.name, holding.field.declared.unwrap_or_default());
        match handed {
            Ok(false) => {}
            Ok(true) => {
                self.turn += usize::from(in_turn);
                let same = |one: &&mut HandedOver| one.object == object && one.field == field && one.user_id == receiver;
                match self.taken.iter_mut().find(same) {
                    Some(one) => one.count += 1,
                    None => self.taken.push(HandedOver { object, field, user_id: receiver, count: 1 }),
                }
            }
            Err(problem) if problem.inside().is_some() => return Err(problem),
            Err(problem) => {
                let mut problem = problem.to_json(self.language, "", "");
                if let Some(members) = problem.as_object_mut() {
                    members.retain(|name, _| name != "instance" && name != "request_id");
                }
                self.refused.push(NotHandedOver { object, field, id: record.id(), problem });
            }
        }
        Ok(())
    }

    /// Who receives a record, and whether that is by turn: what belongs to a customer stays together with it.
    fn receiver_of(&self, work: &mut Work<'_>, holding: Holding, record: &Record) -> Result<(Id, bool), Problem> {
        let is_owned = holding.field.name == recurring::OWNER_ID.name() && holding.object.bears(recurring::CUSTOMER_ID);
        if let (true, Some(customer)) = (is_owned && self.receivers.len() > 1, record.get(recurring::CUSTOMER_ID))
            && let Some(customer) = lookup::one::<Customer>(work, customer)?
            && let Some(owner) = customer.get(Customer::owner_id).filter(|owner| self.receivers.contains(owner))
        {
            return Ok((owner, false));
        }
        let in_turn = || self.receivers.iter().copied().cycle().skip(self.turn % self.receivers.len().max(1));
        // A list goes to somebody who is not in it yet, if there is one.
        let others = in_turn().take(self.receivers.len()).find(|receiver| !holding.names(record, *receiver));
        Ok((others.or_else(|| in_turn().next()).ok_or_else(Problem::not_found)?, true))
    }

    /// Notes what was done, and tells the receivers of it.
    fn tell(&self, work: &mut Work<'_>, user: &Record) -> Result<(), Problem> {
        if self.taken.is_empty() {
            return Ok(());
        }
        work.event(User::NAME, "handed_over", user.id(), user.version(), Map::new(), &[]);
        for receiver in &self.receivers {
            let count = self.taken.iter().filter(|one| one.user_id == *receiver).map(|one| one.count).sum::<i64>();
            if count > 0 {
                let actor = Some(self.writer.principal.user_id());
                let news =
                    News { kind: NotificationKind::HandedOver, object: User::object(), record: user, actor, count: Some(count) };
                tell(work, &news, &[*receiver])?;
            }
        }
        Ok(())
    }
}
