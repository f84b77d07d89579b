//! The members of fixed segments: put in, taken out, and taken anew from a filter.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::Op,
        handle::Handle,
        object::Object,
        operand::Operand,
        record::Record,
        recurring,
    },
    query::predicate::{Predicate, parse},
    reporting::segment::{MOST_AT_ONCE, MOST_MEMBERS, Segment, SegmentKind},
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::{enter, leave, object_of};
use crate::{
    access::{call::Call, principal::Principal},
    http::{problem::Problem, request::Body},
    records::{
        action::{Asked, act},
        body::Nothing,
        mutation::Answer,
        named::Named,
    },
};

crate::body! {
    /// The records to put into a fixed segment, and those to take out of it.
    pub struct SegmentMembership {
        /// The ids of up to 500 records, or `ext:{system}:{key}`. Those that are in it stay.
        add: Vec<String> => texts(MOST_AT_ONCE).default(json!([])).example(json!(["01890a5d-ac96-774b-bcce-b302099a8057"])),
        /// The ids of up to 500 records, or `ext:{system}:{key}`. Those that are not in it are passed over.
        remove: Vec<String> => texts(MOST_AT_ONCE).default(json!([])).example(json!([])),
    }
    example json!({"add": ["01890a5d-ac96-774b-bcce-b302099a8057"]})
}

/// How large a segment is.
#[derive(Serialize, ToSchema)]
pub struct SegmentSize {
    /// How many members it has, whoever may see them.
    #[schema(example = 42)]
    pub members: i64,
}

/// Change the members of a fixed segment
///
/// Puts records in and takes others out, all of it or nothing. You need permission to update the segment and to read the records that you put
/// in. A fixed segment has at most 50,000 members.
#[utoipa::path(tag = "segments", operation_id = "changeSegmentMembers", request_body = SegmentMembership,
    params(("id" = String, Path, description = "The id of the segment, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "How many members it has now.", body = SegmentSize)))]
#[post("/v1/segments/{id}/members")]
pub async fn change(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Segment, SegmentMembership>((call, request, body), Action::Update, change_once).await
}

/// Fill a fixed segment anew
///
/// Its members become the records that meet its filter now, of those that you may read. A filter that more than 50,000 meet is refused, and
/// so is a segment without a filter, or a dynamic one: that always has the members that meet its filter. It leaves one event,
/// `segment.refreshed`, and none of each record.
#[utoipa::path(tag = "segments", operation_id = "refreshSegment",
    params(("id" = String, Path, description = "The id of the segment, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "How many members it has now.", body = SegmentSize)))]
#[post("/v1/segments/{id}/refresh")]
pub async fn refresh(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<Segment, Nothing>((call, request, body), Action::Update, refresh_once).await
}

fn demand_fixed(segment: &Record<Segment>) -> Result<(), Problem> {
    match segment.get(Segment::kind) {
        Some(SegmentKind::Fixed) => Ok(()),
        Some(SegmentKind::Dynamic) | None => Err(Problem::state("dynamic", &["update"])),
    }
}

fn change_once(work: &mut Work<'_>, asked: &Asked<Segment, SegmentMembership>) -> Result<Answer, Problem> {
    let segment = asked.record();
    demand_fixed(segment)?;
    let object = object_of(segment)?;
    let principal = &asked.writer.principal;
    let mut faults = Faults::default();
    let add = named(work, principal, object, (SegmentMembership::add, &asked.body), &mut faults)?;
    let remove = named(work, principal, object, (SegmentMembership::remove, &asked.body), &mut faults)?;
    for (position, _) in remove.iter().filter(|(_, id)| add.iter().any(|(_, added)| added == id)) {
        let fault = Fault::new(format!("{}/{position}", SegmentMembership::remove.pointer()), FaultCode::Conflicting);
        faults.add(fault.with("other", SegmentMembership::add.name()));
    }
    let (schema, view) = (principal.schema(object), principal.view(asked.writer.now));
    let rows = principal.asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
    let ids: Vec<Id> = add.iter().map(|(_, id)| *id).collect();
    let readable = Predicate::Archived(false).and(rows).and(among(object, &ids)?);
    let found = work.reader().find(&schema, &view, &readable, ids.len())?;
    let known: BTreeSet<Id> = found.iter().map(Record::id).collect();
    for (position, _) in add.iter().filter(|(_, id)| !known.contains(id)) {
        faults.add(Fault::new(format!("{}/{position}", SegmentMembership::add.pointer()), FaultCode::NotFound));
    }
    if !faults.is_empty() {
        return Err(Problem::rule(faults));
    }
    let members: BTreeSet<Id> = work.reader().segment_members_among(segment.id(), &ids)?.into_iter().collect();
    let entering: Vec<Record> = found.into_iter().filter(|record| !members.contains(&record.id())).collect();
    let ids: Vec<Id> = remove.iter().map(|(_, id)| *id).collect();
    let leaving = work.reader().segment_members_among(segment.id(), &ids)?;
    let leaving = work.reader().find(&schema, &view, &among(object, &leaving)?, leaving.len())?;
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let before = work.reader().segment_size(segment.id())?;
    let after = before + size(entering.len()) - size(leaving.len());
    if after > MOST_MEMBERS {
        let fault = Fault::new(SegmentMembership::add.pointer(), FaultCode::TooMany).with("max", MOST_MEMBERS);
        return Err(Problem::rule(fault.into()));
    }
    enter(work, object, segment.id(), &entering)?;
    leave(work, object, segment.id(), &leaving)?;
    if !entering.is_empty() || !leaving.is_empty() {
        tell_size(work, segment, "members_changed", (before, after));
    }
    Answer::json(200, &SegmentSize { members: after })
}

fn refresh_once(work: &mut Work<'_>, asked: &Asked<Segment, Nothing>) -> Result<Answer, Problem> {
    let segment = asked.record();
    demand_fixed(segment)?;
    let object = object_of(segment)?;
    let principal = &asked.writer.principal;
    let Some(filter) = segment.get(Segment::filter) else {
        return Err(Problem::rule(Fault::new(Segment::filter.pointer(), FaultCode::Required).into()));
    };
    let Some(rows) = principal.asker.rows(object, Action::Read) else {
        return Err(Problem::forbidden(Action::Read.as_str(), object.name));
    };
    // What is wrong with it for who asks now is told as of any segment: its filter may be hidden from them.
    let met = parse::of_segment(object, filter, &principal.view(asked.writer.now))
        .map_err(|_| Problem::rule(Fault::new(Segment::filter.pointer(), FaultCode::UnusableSegment).into()))?;
    let members = Predicate::Archived(false).and(rows).and(met);
    let before = work.reader().segment_size(segment.id())?;
    work.clear_segment(segment.id())?;
    let found = work.fill_segment(segment.id(), object, &members, MOST_MEMBERS + 1)?;
    let after = i64::try_from(found).unwrap_or(i64::MAX);
    if after > MOST_MEMBERS {
        let fault = Fault::new(Segment::filter.pointer(), FaultCode::TooManyRows).with("max", MOST_MEMBERS);
        return Err(Problem::rule(fault.into()));
    }
    tell_size(work, segment, "refreshed", (before, after));
    Answer::json(200, &SegmentSize { members: after })
}

fn tell_size(work: &mut Work<'_>, segment: &Record<Segment>, verb: &str, (before, after): (i64, i64)) {
    let changes = Map::from_iter([("members".to_owned(), json!({"from": before, "to": after}))]);
    work.event(<Segment as farley_domain::model::entity::Entity>::NAME, verb, segment.id(), segment.version(), changes, &[]);
}

/// The records that have one of the ids.
fn among(object: &'static Object, ids: &[Id]) -> Result<Predicate, Problem> {
    let field = recurring::ID.of(object).ok_or_else(Problem::not_found)?;
    Ok(Predicate::test(field, Op::In, Operand::List(ids.iter().copied().map(Operand::Id).collect())))
}

/// The records that a member of the body names, each with its place.
fn named(
    work: &mut Work<'_>,
    principal: &Principal,
    object: &'static Object,
    (member, body): (Handle<SegmentMembership, Vec<String>>, &Record<SegmentMembership>),
    faults: &mut Faults,
) -> Result<Vec<(usize, Id)>, Problem> {
    let mut ids: Vec<(usize, Id)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, name) in body.get(member).iter().enumerate() {
        let fault = |code| Fault::new(format!("{}/{position}", member.pointer()), code);
        match Named::parse(name) {
            Err(_) => faults.add(fault(FaultCode::InvalidId)),
            Ok(name) => match name.find(work.reader(), principal, object)? {
                None => faults.add(fault(FaultCode::NotFound)),
                Some(id) if !seen.insert(id) => faults.add(fault(FaultCode::Repeated)),
                Some(id) => ids.push((position, id)),
            },
        }
    }
    Ok(ids)
}
