//! Many tickets changed alike: each by the rules, rights and events of a change of its own.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    activities::{notification::NotificationKind, task::Priority},
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, Language, unknown},
        field::{Choice, Structure},
        handle::Handle,
        record::Record,
        structures::filter::FILTER,
        value::Standards,
    },
    query::list::ListQuery,
    service::ticket::{Ticket, TicketKind},
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    access::{call::Call, unrestricted::without_custom_fields},
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body,
        mutation::{Answer, Mutation},
        named::Named,
        notify::{self, News},
        write::Writer,
    },
};

/// How many tickets are changed at once.
const MOST: usize = 1_000;
/// How many in one transaction, so that nobody else waits for long.
const IN_A_PART: usize = 50;
/// How many a preview tries.
const TRIED: usize = 100;
/// How many tags or followers are added or removed at once.
const MOST_IDS: usize = 50;

/// The fields that can be set, and those that can be added to and removed from.
const SET: [&str; 7] = [
    Ticket::owner_id.name(),
    Ticket::team_id.name(),
    Ticket::queue_id.name(),
    Ticket::priority.name(),
    Ticket::status_id.name(),
    Ticket::kind.name(),
    Ticket::category_id.name(),
];
const LISTS: [Handle<Ticket, Vec<Id>>; 2] = [Ticket::tag_ids, Ticket::follower_ids];

static CHANGES: Structure = Structure {
    name: "ticket_bulk_changes",
    accept: |value, _| known_members(value, &SET).map(|_| value.clone()),
    schema: || {
        let id = json!({"type": ["string", "null"], "format": "uuid"});
        let names = |choices: Vec<Choice>| choices.into_iter().map(|choice| json!(choice.value)).collect::<Vec<_>>();
        let mut properties: Map<String, Value> = SET.iter().map(|name| ((*name).to_owned(), id.clone())).collect();
        properties.insert(
            Ticket::priority.name().to_owned(),
            json!({"type": ["string", "null"], "enum": with_null(names(Priority::choices()))}),
        );
        properties.insert(
            Ticket::kind.name().to_owned(),
            json!({"type": ["string", "null"], "enum": with_null(names(TicketKind::choices()))}),
        );
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    },
    ..Structure::PLAIN
};

static EDITS: Structure = Structure {
    name: "ticket_bulk_edits",
    accept: accept_edits,
    schema: || {
        let ids = json!({"type": "array", "maxItems": MOST_IDS, "items": {"type": "string", "format": "uuid"}});
        let properties: Map<String, Value> = LISTS.iter().map(|list| (list.name().to_owned(), ids.clone())).collect();
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    },
    ..Structure::PLAIN
};

fn with_null(mut values: Vec<Value>) -> Vec<Value> {
    values.push(Value::Null);
    values
}

fn known_members<'v>(value: &'v Value, known: &[&str]) -> Result<&'v Map<String, Value>, Faults> {
    let members = value.as_object().ok_or_else(|| Fault::new("", FaultCode::WrongType).with("expected", "an object"))?;
    let mut faults = Faults::default();
    for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
        faults.add(unknown(format!("/{name}"), FaultCode::UnknownMember, name, known.iter().copied()));
    }
    faults.into_result(members)
}

fn accept_edits(value: &Value, _: &Standards<'_>) -> Result<Value, Faults> {
    let members = known_members(value, &LISTS.map(|list| list.name()))?;
    let mut faults = Faults::default();
    for (name, sent) in members {
        match sent.as_array() {
            None => faults.add(Fault::new(format!("/{name}"), FaultCode::WrongType).with("expected", "a list")),
            Some(items) if items.len() > MOST_IDS => {
                faults.add(Fault::new(format!("/{name}"), FaultCode::TooMany).with("max", MOST_IDS));
            }
            Some(items) => {
                let is_id = |item: &Value| item.as_str().is_some_and(|text| text.parse::<Id>().is_ok());
                for (place, _) in items.iter().enumerate().filter(|(_, item)| !is_id(item)) {
                    faults.add(Fault::new(format!("/{name}/{place}"), FaultCode::InvalidId));
                }
            }
        }
    }
    faults.into_result(value.clone())
}

crate::body! {
    /// Which tickets to change, and how.
    pub struct TicketBulkChange {
        /// The ids of 1 to 1,000 tickets, or `ext:{system}:{key}`. Give either these or `filter`.
        ids: Vec<String> => texts(MOST).default(json!([])).example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
        /// A filter on the tickets, as in a search; at most 1,000 may match.
        filter: Option<Value> => structure(&FILTER),
        /// The values to set, as in a PATCH of each ticket.
        changes: Option<Value> => structure(&CHANGES).example(json!({"priority": "high"})),
        /// Tags and followers to add.
        add: Option<Value> => structure(&EDITS),
        /// Tags and followers to remove.
        remove: Option<Value> => structure(&EDITS),
        /// Whether nothing is to be changed: the response says how many tickets it is about, and what would become of the first 100.
        preview: bool => boolean().default(false),
    }
    example json!({"ids": ["01890a5d-ac96-774b-bcce-b302099a8057"], "changes": {"priority": "high"}})
}

/// What became of the tickets.
#[derive(Serialize, ToSchema)]
pub struct TicketBulkChanged {
    /// The number of tickets it is about.
    #[schema(example = 1)]
    count: i64,
    /// How many of those in `data` were changed, or would be.
    #[schema(example = 1)]
    changed: usize,
    /// How many of them failed, or would.
    #[schema(example = 0)]
    failed: usize,
    /// What became of each, in the order of `ids`, or of the tickets' creation; in a preview, of the first 100.
    data: Vec<TicketBulkResult>,
}

/// What became of one ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicketBulkResult {
    /// As it was named in the request.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// `changed`; `unchanged` if it was so already; `failed`, and it is as it was before.
    #[schema(example = "changed")]
    outcome: &'static str,
    /// What is wrong, place by place, as in the problem of a PATCH; empty if nothing is.
    #[schema(value_type = Vec<Object>, example = json!([]))]
    errors: Value,
    /// The problem that a PATCH of this ticket alone would be answered with; null if it did not fail.
    #[schema(value_type = Option<Object>, example = json!(null))]
    problem: Option<Value>,
}

/// Change many tickets
///
/// Makes the same changes to each of the tickets, with the rules, permissions, events and notifications of a PATCH of each; a new owner
/// of several gets one notification. Each ticket is changed as a whole or not at all, independently of the others, 50 in a transaction. If the
/// request breaks off, repeat it: what is as asked stays unchanged. With `preview` or `validate_only=true` nothing is changed.
#[utoipa::path(tag = "tickets", operation_id = "changeTickets", request_body = TicketBulkChange,
    responses((status = 200, description = "What became of each ticket.", body = TicketBulkChanged)))]
#[post("/v1/tickets/bulk-change")]
pub async fn bulk_change(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let writer = Writer { quiet: true, ..Writer::of(&call, Ticket::object()) };
    writer.permit(Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<TicketBulkChange>(&body.0, &call.principal.standards(call.now))?;
    let preview = asked.get(TicketBulkChange::preview);
    let (names, count) = named(&call, &asked, if preview { TRIED } else { MOST }).await?;
    let changing = Changing {
        writer,
        changes: asked.get(TicketBulkChange::changes).and_then(Value::as_object).cloned().unwrap_or_default(),
        add: ids_of(asked.get(TicketBulkChange::add)),
        remove: ids_of(asked.get(TicketBulkChange::remove)),
        language: call.language,
    };
    if changing.is_empty() {
        return Err(Fault::new(TicketBulkChange::changes.pointer(), FaultCode::Required).into());
    }
    // What no ticket can have is a fault of the request.
    let changes = Value::Object(changing.changes.clone());
    changing.writer.check_patch(&changes).map_err(|faults| faults.under(&TicketBulkChange::changes.pointer()))?;
    // Always in the same order, so that no two who change many wait for each other.
    let mut order: Vec<(usize, String)> = names.into_iter().enumerate().collect();
    order.sort_by(|one, other| one.1.cmp(&other.1));
    let parts: Vec<Vec<(usize, String)>> = order.chunks(IN_A_PART).map(<[_]>::to_vec).collect();
    let mutation = if preview { mutation.only_validating() } else { mutation };
    let telling = changing.writer.clone();
    let part = move |work: &mut Work<'_>, part: &Vec<(usize, String)>| {
        part.iter().map(|(place, name)| Ok((*place, changing.one(work, name)?))).collect::<Result<Vec<_>, Problem>>()
    };
    let end = move |work: &mut Work<'_>, done: &[Vec<(usize, Done)>]| {
        let mut done: Vec<&(usize, Done)> = done.iter().flatten().collect();
        done.sort_by_key(|(place, _)| *place);
        tell(work, &telling, done.iter().map(|(_, one)| one))?;
        let data: Vec<TicketBulkResult> = done.into_iter().map(|(_, one)| one.result.clone()).collect();
        let with = |outcome: &str| data.iter().filter(|one| one.outcome == outcome).count();
        Answer::json(200, &TicketBulkChanged { count, changed: with("changed"), failed: with("failed"), data })
    };
    mutation.run_in_parts(&call, parts, part, end).await
}

/// The tickets asked for, at most so many of them; and how many there are.
async fn named(call: &Call, asked: &Record<TicketBulkChange>, most: usize) -> Result<(Vec<String>, i64), Problem> {
    let ids = asked.get(TicketBulkChange::ids);
    let filter = match (ids.is_empty(), asked.get(TicketBulkChange::filter)) {
        (true, None) => return Err(Fault::new(TicketBulkChange::ids.pointer(), FaultCode::Required).into()),
        (false, Some(_)) => {
            let fault = Fault::new(TicketBulkChange::filter.pointer(), FaultCode::Conflicting);
            return Err(fault.with("other", TicketBulkChange::ids.name()).into());
        }
        (false, None) => {
            let mut faults = Faults::default();
            for (place, name) in ids.iter().enumerate() {
                let pointer = || format!("{}/{place}", TicketBulkChange::ids.pointer());
                if Named::parse(name).is_err() {
                    faults.add(Fault::new(pointer(), FaultCode::InvalidId));
                }
            }
            faults.into_result(())?;
            let count = i64::try_from(ids.len()).unwrap_or(0);
            return Ok((ids.into_iter().take(most).collect(), count));
        }
        (true, Some(filter)) => filter,
    };
    call.rows(Ticket::object(), Action::Read)?;
    let query = ListQuery::from_search_body(Ticket::object(), &json!({(TicketBulkChange::filter.name()): filter}), &call.view())?;
    let (principal, now) = (std::sync::Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read_heavily::<_, Problem>(call.claim(), move |reader| {
        let found = reader.find(&without_custom_fields(Ticket::object()), &principal.view(now), &query.predicate, MOST + 1)?;
        let count = match found.len() {
            // More than are counted one by one.
            len if len > MOST => reader.count(Ticket::object(), &query.predicate)?,
            len => i64::try_from(len).unwrap_or(0),
        };
        Ok((found.iter().map(|record| record.id().to_string()).collect::<Vec<_>>(), count))
    });
    let (mut names, count) = reading.await?;
    if names.len() > MOST && most == MOST {
        let fault = Fault::new(TicketBulkChange::filter.pointer(), FaultCode::TooManyRows).with("max", MOST);
        return Err(Problem::rule(fault.into()));
    }
    names.truncate(most);
    Ok((names, count))
}

fn ids_of(edits: Option<&Value>) -> [Vec<Id>; 2] {
    LISTS.map(|list| {
        let items = edits.and_then(|edits| edits.get(list.name())?.as_array());
        items.into_iter().flatten().filter_map(|item| item.as_str()?.parse().ok()).collect()
    })
}

/// The changes that each ticket is to have.
struct Changing {
    writer: Writer,
    changes: Map<String, Value>,
    add: [Vec<Id>; 2],
    remove: [Vec<Id>; 2],
    language: Language,
}

/// What became of a ticket, and who got it.
#[derive(Clone)]
struct Done {
    result: TicketBulkResult,
    given: Option<(Id, Id)>,
}

impl Changing {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.add.iter().chain(&self.remove).all(Vec::is_empty)
    }

    fn one(&self, work: &mut Work<'_>, name: &str) -> Result<Done, Problem> {
        let result = |outcome, errors, problem| TicketBulkResult { id: name.to_owned(), outcome, errors, problem };
        match work.attempt(|work| self.change(work, name)) {
            Ok((before, after)) if before.version() == after.version() => {
                Ok(Done { result: result("unchanged", json!([]), None), given: None })
            }
            Ok((before, after)) => {
                let owner = after.get(Ticket::owner_id).filter(|owner| before.get(Ticket::owner_id) != Some(*owner));
                Ok(Done { result: result("changed", json!([]), None), given: owner.map(|owner| (owner, after.id())) })
            }
            Err(problem) if problem.inside().is_some() => Err(problem),
            Err(problem) => {
                let mut told = problem.to_json(self.language, "", "");
                let errors = told.get("errors").cloned().unwrap_or_else(|| json!([]));
                if let Some(members) = told.as_object_mut() {
                    members.retain(|name, _| name != "instance" && name != "request_id" && name != "errors");
                }
                Ok(Done { result: result("failed", errors, Some(told)), given: None })
            }
        }
    }

    /// Changes one ticket; as it was, and as it is.
    fn change(&self, work: &mut Work<'_>, name: &str) -> Result<(Record<Ticket>, Record<Ticket>), Problem> {
        let loaded = self.writer.load(work, &Named::parse(name)?, Action::Update)?;
        let before = loaded.record.of::<Ticket>().clone();
        let mut patch = self.changes.clone();
        for (place, list) in LISTS.into_iter().enumerate() {
            let (add, remove) = (&self.add[place], &self.remove[place]);
            if add.is_empty() && remove.is_empty() {
                continue;
            }
            let mut ids = before.get(list);
            ids.retain(|id| !remove.contains(id));
            for id in add {
                if !ids.contains(id) {
                    ids.push(*id);
                }
            }
            patch.insert(list.name().to_owned(), json!(ids));
        }
        let after = self.writer.patch(work, &loaded, &Value::Object(patch))?;
        Ok((before, after.into_entity()))
    }
}

/// Tells new owners, each once.
fn tell<'d>(work: &mut Work<'_>, writer: &Writer, done: impl Iterator<Item = &'d Done>) -> Result<(), Problem> {
    let mut given: Vec<(Id, Id, i64)> = Vec::new();
    let mut places: HashMap<Id, usize> = HashMap::new();
    for (owner, ticket) in done.filter_map(|one| one.given) {
        let place = *places.entry(owner).or_insert_with(|| {
            given.push((owner, ticket, 0));
            given.len() - 1
        });
        given[place].2 += 1;
    }
    let actor = Some(writer.principal.user_id());
    for (owner, ticket, count) in given {
        let Some(record) = crate::records::lookup::by_id(work, writer.object, ticket)? else { continue };
        let count = Some(count).filter(|count| *count > 1);
        let news = News { kind: NotificationKind::Assigned, object: writer.object, record: &record, actor, count };
        notify::tell(work, &news, &[owner])?;
    }
    Ok(())
}
