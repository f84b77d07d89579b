//! Merging tickets, and parting them again. A merged ticket stays as it was, but its messages go on in the other, and nothing is owed for
//! it any more. What is written to it afterwards finds the ticket at the end of its chain.
//!
//! | write to a merged ticket | becomes |
//! |---|---|
//! | message from the customer | a message of the ticket at the end of the chain |
//! | reply, note | 409 with `merged_into_id`: who writes it should see where it goes |
//! | patch, solve, reopen, close, follow-up, merge, split, archive | 409 with `merged_into_id` |

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    integration::file::FiledObject,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
        structures::ids::{IDS, MOST_IDS},
    },
    query::predicate::Predicate,
    service::{ticket::Ticket, ticket_merge::TicketMerge, ticket_message::TicketMessage},
    values::id::Id,
};
use farley_persistence::{Change, Loaded, MessageOfTicket, Reader, Work};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{replay, sla};
use crate::{
    access::{
        call::Call,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
    integration::{move_all, move_some},
    records::{
        action::act,
        behaviour::Writing,
        body, lookup,
        mutation::{Answer, Mutation},
        named::Named,
        write::Writer,
    },
};

/// How many tickets a chain of merges is followed through.
const LONGEST_CHAIN: usize = 1_000;
/// How many merges into one ticket are looked at.
const MOST_MERGES: usize = 1_000;

/// The ticket in which a conversation goes on: the ticket itself or, where it was merged, the one at the end of its chain. Whatever brings
/// messages of customers goes by it.
pub fn conversation(work: &mut Work<'_>, id: Id) -> Result<Record<Ticket>, Problem> {
    let mut next = id;
    for _ in 0..LONGEST_CHAIN {
        let ticket = lookup::one::<Ticket>(work, next)?.ok_or_else(Problem::not_found)?;
        match ticket.get(Ticket::merged_into_id) {
            Some(into) => next = into,
            None => return Ok(ticket),
        }
    }
    Err(Problem::internal("tickets are merged in a circle"))
}

/// Where the conversations of some tickets go on: each ticket with itself or, where it was merged, the one at the end of its chain.
pub fn goes_on(reader: &mut Reader<'_>, tickets: &[Id]) -> Result<HashMap<Id, Id>, Problem> {
    let mut ends: HashMap<Id, Id> = tickets.iter().map(|id| (*id, *id)).collect();
    let mut next = tickets.to_vec();
    for _ in 0..LONGEST_CHAIN {
        let merged = Ticket::id.is_in(next.iter().copied()).and(Ticket::merged_into_id.is_not_null());
        let found = reader.find(&without_custom_fields(Ticket::object()), &Unrestricted, &merged, next.len().max(1))?;
        let step = |record: &Record| Some((record.id(), record.of::<Ticket>().get(Ticket::merged_into_id)?));
        let steps: HashMap<Id, Id> = found.iter().filter_map(step).collect();
        if steps.is_empty() {
            return Ok(ends);
        }
        for end in ends.values_mut() {
            *end = steps.get(end).copied().unwrap_or(*end);
        }
        next = steps.into_values().collect();
        next.sort_unstable();
        next.dedup();
    }
    Err(Problem::internal("tickets are merged in a circle"))
}

/// The tickets in which those go on that a predicate describes and that were merged, each once.
pub fn gone_into(reader: &mut Reader<'_>, theirs: Predicate) -> Result<Vec<Id>, Problem> {
    let merged = Predicate::Archived(false).and(Ticket::merged_into_id.is_not_null()).and(theirs);
    let found = reader.find(&without_custom_fields(Ticket::object()), &Unrestricted, &merged, MOST_MERGES)?;
    let merged: Vec<Id> = found.iter().map(Record::id).collect();
    let mut ends: Vec<Id> = goes_on(reader, &merged)?.into_values().collect();
    ends.sort_unstable();
    ends.dedup();
    Ok(ends)
}

/// Refuses a write to a ticket that was merged, with the ticket to turn to.
pub fn refuse_merged(work: &mut Work<'_>, ticket: &Record<Ticket>) -> Result<(), Problem> {
    if ticket.is_null(Ticket::merged_into_id) {
        return Ok(());
    }
    let end = conversation(work, ticket.id())?;
    Err(Problem::state("merged", &[]).member(Ticket::merged_into_id.name(), end.id().to_string()))
}

crate::body! {
    /// Which ticket to merge into.
    pub struct TicketMerging {
        /// The ticket to merge into. If that one was merged itself, the one at the end of its chain.
        into: Option<Id> => reference("ticket").required().example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The messages to move, at most 1,000. If absent, all of them.
        message_ids: Vec<Id> => structure(&IDS),
    }
    example json!({"into": "01890a5d-ac96-774b-bcce-b302099a8057"})
}

crate::body! {
    /// How to undo a merge.
    pub struct TicketUnmerging {
        /// Whether to leave messages that came after the merge in the ticket they came to.
        leave_later: bool => boolean().default(false),
    }
    example json!({"leave_later": true})
}

/// What was moved.
#[derive(Serialize, ToSchema)]
pub struct MovedParts {
    /// The number of messages.
    #[schema(example = 3)]
    pub messages: usize,
    /// The number of files of the ticket itself; those of messages stay with their messages.
    #[schema(example = 1)]
    pub files: usize,
}

/// The result of merging a ticket.
#[derive(Serialize, ToSchema)]
pub struct MergedTicket {
    /// The merge, to undo it.
    #[schema(value_type = String, format = "uuid")]
    pub merge_id: Id,
    #[schema(value_type = String, format = "uuid")]
    pub ticket_id: Id,
    /// The ticket that has the messages now.
    #[schema(value_type = String, format = "uuid")]
    pub into_id: Id,
    pub moved: MovedParts,
    /// What became of the SLA clocks of the merged ticket: `stopped`.
    #[schema(example = "stopped")]
    pub clocks: &'static str,
}

/// The result of undoing a merge.
#[derive(Serialize, ToSchema)]
pub struct UnmergedTicket {
    #[schema(value_type = String, format = "uuid")]
    pub merge_id: Id,
    /// The ticket that has its messages again.
    #[schema(value_type = String, format = "uuid")]
    pub ticket_id: Id,
    /// The ticket it had been merged into.
    #[schema(value_type = String, format = "uuid")]
    pub into_id: Id,
    pub moved: MovedParts,
    /// Messages that came after the merge and stay where they came to.
    #[schema(value_type = Vec<String>)]
    pub stays: Vec<Id>,
    /// Messages of the merge that have been split off in the meantime and stay there.
    #[schema(value_type = Vec<String>)]
    pub elsewhere: Vec<Id>,
    /// What became of the SLA clocks of the ticket: `resumed`, without the time for which it was merged.
    #[schema(example = "resumed")]
    pub clocks: &'static str,
}

/// Merge a ticket
///
/// Moves its messages, with their times and contacts, and its files to another ticket, adds its followers there, and stops its SLA clocks. The clocks
/// and times of the other ticket are recomputed, as if all messages had always been there; its status, owner and other fields stay
/// as they are. The merged ticket can still be read and says where it went in `merged_into_id`, but is left out of lists (see `merged`).
/// Messages from the customer that come to it later go to the ticket at the end of the chain; every other change of it returns 409 with
/// that ticket in `merged_into_id`. A ticket that others were merged into can be merged itself. `POST
/// /v1/ticket-merges/{id}/undo` undoes it.
#[utoipa::path(tag = "tickets", operation_id = "mergeTicket", request_body = TicketMerging,
    params(("id" = String, Path, description = "The id of the ticket to merge, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The merge.", body = MergedTicket)))]
#[post("/v1/tickets/{id}/merge")]
pub async fn merge_ticket(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Ticket, TicketMerging>((call, request, body), Action::Update, |work, asked| {
        let (writer, ticket) = (&asked.writer, asked.record());
        refuse_merged(work, ticket)?;
        let Some(into) = asked.body.get(TicketMerging::into) else { return Err(Problem::not_found()) };
        let target = end_of(work, writer, into)?;
        if target.record.id() == ticket.id() {
            return Err(Problem::rule(Fault::new(TicketMerging::into.pointer(), FaultCode::Cycle).into()));
        }
        let own = work.reader().messages_of_ticket(ticket.id())?;
        let given = Some(asked.body.get(TicketMerging::message_ids)).filter(|_| !asked.body.is_null(TicketMerging::message_ids));
        let moved = chosen(&own, given, &TicketMerging::message_ids.pointer())?;
        let into = target.record.of::<Ticket>();
        let mut followers = into.get(Ticket::follower_ids);
        let known = followers.len();
        for follower in ticket.get(Ticket::follower_ids) {
            if !followers.contains(&follower) {
                followers.push(follower);
            }
        }
        let mut merge = Record::new(TicketMerge::object()).into_entity::<TicketMerge>();
        merge.set(TicketMerge::ticket_id, ticket.id());
        merge.set(TicketMerge::into_id, into.id());
        merge.set(TicketMerge::message_ids, moved.clone());
        let files = move_all(work, of_ticket(ticket.id()), of_ticket(into.id()))?;
        merge.set(TicketMerge::file_ids, files.clone());
        merge.set(TicketMerge::follower_ids, followers[known..].to_vec());
        work.insert(&without_custom_fields(TicketMerge::object()), merge.any_mut(), &Change::new("created"))?;
        move_messages(work, writer, &moved, (ticket.id(), into.id()))?;

        let mut merged = ticket.clone();
        let now = asked.loaded.record.next_change_at(writer.now);
        merged.set(Ticket::merged_into_id, into.id());
        merged.set(Ticket::merged_at, now);
        let writing = Writing::new(&writer.principal, now, Some(ticket));
        sla::follow(work, &writing, &mut merged)?;
        store(work, writer, &asked.loaded, merged, "merged")?;

        let mut grown = into.clone();
        grown.set(Ticket::follower_ids, followers);
        retell(work, writer, &target, grown)?;
        let (merge_id, ticket_id, into_id) = (merge.id(), ticket.id(), into.id());
        let moved = MovedParts { messages: moved.len(), files: files.len() };
        Answer::json(200, &MergedTicket { merge_id, ticket_id, into_id, moved, clocks: "stopped" })
    })
    .await
}

/// Undo the merge of a ticket
///
/// Moves exactly the messages and files of the merge back and gives the ticket its SLA clocks again, without the time for which it was merged.
/// The clocks of the other ticket are recomputed. If messages have come to that since the merge, returns 409 with them in `stays`,
/// unless `leave_later` leaves them there. If the other ticket has been merged itself, that merge must be undone first: returns 409
/// with its id in `undo_first`. You need to be able to update both tickets.
#[utoipa::path(tag = "ticket-merges", operation_id = "undoTicketMerge", request_body = TicketUnmerging,
    params(("id" = String, Path, description = "The id of the merge.")),
    responses((status = 200, description = "What was moved back, and what was not.", body = UnmergedTicket)))]
#[post("/v1/ticket-merges/{id}/undo")]
pub async fn undo_merge(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read::<TicketUnmerging>(&body.0, &call.principal.standards(call.now))?;
    let rows = call.rows(TicketMerge::object(), Action::Read)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let writer = Writer::of(&call, Ticket::object());
    writer.permit(Action::Update)?;
    mutation
        .run(&call, move |work| {
            let (principal, object) = (&writer.principal, TicketMerge::object());
            let id = named.find(work.reader(), principal, object)?.ok_or_else(Problem::not_found)?;
            let seen = work.reader().get(&principal.layout(object), &principal.view(writer.now), id, &rows)?;
            let seen = seen.ok_or_else(Problem::not_found)?.to_record()?.into_entity::<TicketMerge>();
            let (Some(ticket_id), Some(into_id)) = (seen.get(TicketMerge::ticket_id), seen.get(TicketMerge::into_id)) else {
                return Err(Problem::not_found());
            };
            let source = writer.load(work, &Named::Id(ticket_id), Action::Update)?;
            let target = writer.load(work, &Named::Id(into_id), Action::Update)?;
            // As it stands now that both are locked, with all of its fields.
            let schema = without_custom_fields(object);
            let merge = work.load(&schema, &Unrestricted, id, &Predicate::all())?.ok_or_else(Problem::not_found)?;
            part(work, &writer, &merge, (&source, &target), asked.get(TicketUnmerging::leave_later))
        })
        .await
}

/// Parts two tickets that were merged.
fn part(
    work: &mut Work<'_>,
    writer: &Writer,
    loaded: &Loaded,
    (source, target): (&Loaded, &Loaded),
    leaves_later: bool,
) -> Result<Answer, Problem> {
    let merge = loaded.record.of::<TicketMerge>();
    if !merge.is_null(TicketMerge::undone_at) {
        return Err(Problem::state("undone", &[]));
    }
    let (ticket, into) = (source.record.of::<Ticket>(), target.record.of::<Ticket>());
    if !into.is_null(Ticket::merged_into_id) {
        let later = TicketMerge::ticket_id.eq(into.id()).and(TicketMerge::undone_at.is_null());
        let later = lookup::find::<TicketMerge>(work, &later, 1)?;
        let first = later.first().map(|merge| merge.id().to_string());
        return Err(Problem::state("merged", &[]).member("undo_first", first));
    }
    let present = work.reader().messages_of_ticket(into.id())?;
    let of_merge = merge.get(TicketMerge::message_ids);
    let (moved, elsewhere): (Vec<Id>, Vec<Id>) =
        of_merge.iter().copied().partition(|id| present.iter().any(|message| message.id == *id));
    let stays = later_than(work, merge, &present)?;
    if !stays.is_empty() && !leaves_later {
        let ids: Vec<String> = stays.iter().map(Id::to_string).collect();
        return Err(Problem::new(Code::LaterMessages).with("messages", ids.len()).member("stays", ids));
    }
    move_messages(work, writer, &moved, (into.id(), ticket.id()))?;
    let files = move_some(work, &merge.get(TicketMerge::file_ids), of_ticket(into.id()), of_ticket(ticket.id()))?;

    let mut parted = ticket.clone();
    parted.clear(Ticket::merged_into_id);
    parted.clear(Ticket::merged_at);
    parted.set(Ticket::resumed_at, source.record.next_change_at(writer.now));
    let parted = told_anew(work, writer, source, parted)?;
    store(work, writer, source, parted, "merge_undone")?;

    let mut left = into.clone();
    let followers = left.get(Ticket::follower_ids);
    let added = merge.get(TicketMerge::follower_ids);
    left.set(Ticket::follower_ids, followers.into_iter().filter(|follower| !added.contains(follower)).collect::<Vec<_>>());
    retell(work, writer, target, left)?;

    let mut undone = merge.clone();
    undone.set(TicketMerge::undone_at, writer.now);
    work.update(&without_custom_fields(TicketMerge::object()), loaded, undone.any_mut(), &Change::new("undone"))?;
    let (merge_id, ticket_id, into_id) = (merge.id(), ticket.id(), into.id());
    let moved = MovedParts { messages: moved.len(), files };
    Answer::json(200, &UnmergedTicket { merge_id, ticket_id, into_id, moved, stays, elsewhere, clocks: "resumed" })
}

/// Where the files of a ticket itself belong.
fn of_ticket(id: Id) -> (FiledObject, Id) {
    (FiledObject::Ticket, id)
}

/// The messages that came to a ticket after a merge, without those that came by another merge that stands.
fn later_than(work: &mut Work<'_>, merge: &Record<TicketMerge>, present: &[MessageOfTicket]) -> Result<Vec<Id>, Problem> {
    let (Some(into), Some(merged_at)) = (merge.get(TicketMerge::into_id), merge.get(TicketMerge::created_at)) else {
        return Ok(Vec::new());
    };
    let standing = TicketMerge::into_id.eq(into).and(TicketMerge::undone_at.is_null());
    let merges = lookup::find::<TicketMerge>(work, &standing, MOST_MERGES)?;
    let by_merges: Vec<Id> = merges.iter().flat_map(|merge| merge.get(TicketMerge::message_ids)).collect();
    let later = present.iter().filter(|message| message.created_at > merged_at && !by_merges.contains(&message.id));
    Ok(later.map(|message| message.id).collect())
}

/// The ticket that a body names, or the one at the end of its chain: locked, and not merged.
fn end_of(work: &mut Work<'_>, writer: &Writer, into: Id) -> Result<Loaded, Problem> {
    let missing = || Problem::rule(Fault::new(TicketMerging::into.pointer(), FaultCode::NotFound).into());
    let seen = |problem: Problem| if problem.code == Code::NotFound { missing() } else { problem };
    writer.load(work, &Named::Id(into), Action::Read).map_err(seen)?;
    for _ in 0..LONGEST_CHAIN {
        let end = conversation(work, into)?;
        let loaded = writer.load(work, &Named::Id(end.id()), Action::Update).map_err(seen)?;
        let ticket = loaded.record.of::<Ticket>();
        if ticket.is_archived() {
            return Err(missing());
        }
        // Before it was locked somebody else may have merged it.
        if ticket.is_null(Ticket::merged_into_id) {
            return Ok(loaded);
        }
    }
    Err(missing())
}

/// The messages of a ticket that are asked for, in the order in which they were written; all of them, if none are named.
pub fn chosen(own: &[MessageOfTicket], given: Option<Vec<Id>>, pointer: &str) -> Result<Vec<Id>, Problem> {
    let mut faults = Faults::default();
    let Some(given) = given else {
        if own.len() > MOST_IDS {
            faults.add(Fault::new(pointer, FaultCode::TooMany).with("max", MOST_IDS));
        }
        faults.into_result(()).map_err(Problem::rule)?;
        return Ok(own.iter().map(|message| message.id).collect());
    };
    for (place, id) in given.iter().enumerate() {
        if !own.iter().any(|message| message.id == *id) {
            faults.add(Fault::new(format!("{pointer}/{place}"), FaultCode::NotOfTicket));
        }
    }
    faults.into_result(()).map_err(Problem::rule)?;
    Ok(own.iter().map(|message| message.id).filter(|id| given.contains(id)).collect())
}

/// Moves messages from one ticket to another. They keep what they are, and where they were written.
pub fn move_messages(work: &mut Work<'_>, writer: &Writer, ids: &[Id], (from, to): (Id, Id)) -> Result<(), Problem> {
    let schema = writer.principal.schema(TicketMessage::object());
    let view = writer.principal.view(writer.now);
    for id in ids {
        let loaded = work.load(&schema, &view, *id, &Predicate::all())?.ok_or_else(Problem::not_found)?;
        let mut message = loaded.record.of::<TicketMessage>().clone();
        let origin = message.get(TicketMessage::from_ticket_id).unwrap_or(from);
        message.set(TicketMessage::ticket_id, to);
        message.set(TicketMessage::from_ticket_id, Some(origin).filter(|origin| *origin != to));
        work.update(&schema, &loaded, message.any_mut(), &Change::new("moved"))?;
    }
    Ok(())
}

/// A ticket as it is after messages have come to it or gone.
fn told_anew(
    work: &mut Work<'_>,
    writer: &Writer,
    loaded: &Loaded,
    mut record: Record<Ticket>,
) -> Result<Record<Ticket>, Problem> {
    let now = loaded.record.next_change_at(writer.now);
    let writing = Writing::new(&writer.principal, now, Some(loaded.record.of::<Ticket>()));
    replay::retell(work, &writing, &mut record)?;
    Ok(record)
}

/// Tells a ticket anew after messages have come to it or gone, and stores it.
pub fn retell(work: &mut Work<'_>, writer: &Writer, loaded: &Loaded, record: Record<Ticket>) -> Result<Record<Ticket>, Problem> {
    let record = told_anew(work, writer, loaded, record)?;
    store(work, writer, loaded, record, "updated")
}

fn store(
    work: &mut Work<'_>,
    writer: &Writer,
    loaded: &Loaded,
    mut record: Record<Ticket>,
    verb: &str,
) -> Result<Record<Ticket>, Problem> {
    work.update(&writer.schema(), loaded, record.any_mut(), &Change::new(verb))?;
    Ok(record)
}
