//! Who enters and leaves dynamic segments. The event log of a tenant is followed, and each record that changed is looked at once more; and
//! as time and related records decide too, all records are compared with all filters every ten minutes. What is read of a segment is not
//! what is noted here, but its filter.

use std::{collections::BTreeSet, sync::Arc};

use farley_domain::{
    model::{field::Op, object::Object, operand::Operand, record::Record, recurring},
    query::predicate::{Predicate, parse},
    reporting::segment::{Segment, is_followed},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, Reader, SegmentCursorRow, StoreError, TenantKey, WantedEvents, Work};

use super::{enter, leave, noted, object_of};
use crate::{
    access::{
        principal::{self, Principal},
        state::State,
    },
    http::{clock, problem::Problem},
    records::{area::Halt, lookup},
    settings::Settings,
};

/// The kind of the job that follows the log, and of the one that compares.
pub const KIND: &str = "segments";
pub const COMPARISON: &str = "segment_comparison";
/// How often all is compared, in seconds.
pub const EVERY: i64 = 600;
/// The name under which the work on the segments of one tenant is done one by one.
const LOCK: &str = "segments";
/// How many events are looked at in one piece of work, and how many records enter or leave.
const EVENTS: i64 = 200;
const RECORDS: usize = 200;
/// How many first members are found in one piece of work.
const FILLED: i64 = 5_000;
/// How many tenants with something to do are found at once.
const TENANTS: i64 = 200;

/// The tenants whose log goes on behind a segment.
pub fn due(_: &Settings, reader: &mut Reader<'_>, _: Timestamp) -> Result<Vec<TenantKey>, StoreError> {
    reader.tenants_behind_segments(TENANTS)
}

/// Looks at everything that has changed in a tenant.
pub async fn follow(state: &Arc<State>, tenant: TenantKey) -> Result<(), Halt> {
    loop {
        if state.stopping.is_begun() {
            return Err(Halt::Stopped);
        }
        let now = clock::now();
        let working = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| follow_on(work, now));
        if !working.await? {
            return Ok(());
        }
    }
}

/// Compares all records of a tenant with the filters of its segments, as of a time.
pub async fn compare(state: &Arc<State>, tenant: TenantKey, now: Timestamp) -> Result<(), Halt> {
    let cursors = state.background.read::<_, Problem>(tenant, |reader| Ok(reader.segment_cursors()?)).await?;
    for cursor in cursors {
        loop {
            if state.stopping.is_begun() {
                return Err(Halt::Stopped);
            }
            let id = cursor.segment_id;
            let working =
                state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| compare_on(work, now, id));
            if !working.await? {
                break;
            }
        }
    }
    Ok(())
}

/// Lets it be followed who enters and leaves a segment from now on. Those who are in it are noted.
pub fn begin(work: &mut Work<'_>, segment: &Record<Segment>) -> Result<(), Problem> {
    work.lock(LOCK)?;
    let (id, now) = (segment.id(), work.origin.now);
    work.clear_segment(id)?;
    let position = work.reader().log_end()?;
    let principal = principal::system(work.reader())?;
    let is_filled = match Filter::of(segment, &principal, now)? {
        Some(filter) => fill(work, &filter)?,
        None => true,
    };
    work.begin_segment_cursor(id, position, is_filled)?;
    if !is_filled {
        work.hasten(COMPARISON)?;
    }
    Ok(())
}

/// Lets a segment be.
pub fn end(work: &mut Work<'_>, segment: Id) -> Result<(), Problem> {
    work.lock(LOCK)?;
    work.forget_segment_cursor(segment)?;
    Ok(work.clear_segment(segment)?)
}

/// A segment and what its members meet, whoever asks.
struct Filter {
    segment: Id,
    object: &'static Object,
    predicate: Predicate,
}

impl Filter {
    /// None, if a field of it was retired: nobody knows any more who is in it.
    fn of(segment: &Record<Segment>, principal: &Principal, now: Timestamp) -> Result<Option<Filter>, Problem> {
        let object = object_of(segment)?;
        let Some(filter) = segment.get(Segment::filter) else { return Ok(None) };
        let Ok(met) = parse::of_segment(object, filter, &principal.view(now)) else { return Ok(None) };
        Ok(Some(Filter { segment: segment.id(), object, predicate: Predicate::Archived(false).and(met) }))
    }

    /// The filter of a segment that is followed.
    fn find(work: &mut Work<'_>, principal: &Principal, now: Timestamp, segment: Id) -> Result<Option<Filter>, Problem> {
        match lookup::one::<Segment>(work, segment)?.filter(is_followed) {
            Some(segment) => Filter::of(&segment, principal, now),
            None => Ok(None),
        }
    }
}

/// Looks at the records of the events that come next; whether there may be more.
fn follow_on(work: &mut Work<'_>, now: Timestamp) -> Result<bool, Problem> {
    work.lock(LOCK)?;
    let end = work.reader().log_end()?;
    let mut cursors: Vec<SegmentCursorRow> = work.reader().segment_cursors()?;
    cursors.retain(|cursor| cursor.is_filled && cursor.position < end);
    let Some(position) = cursors.iter().map(|cursor| cursor.position).min() else { return Ok(false) };
    // Those that are behind catch up with the others, and go on with them.
    let until = cursors.iter().map(|cursor| cursor.position).filter(|other| *other > position).min().unwrap_or(end);
    let events = work.reader().events((position, until), &WantedEvents::default(), EVENTS)?;
    let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= EVENTS;
    let reached = events.last().filter(|_| is_full).map_or(until, |last| last.seq);
    let principal = principal::system(work.reader())?;
    for cursor in cursors.iter().filter(|cursor| cursor.position == position) {
        if let Some(filter) = Filter::find(work, &principal, now, cursor.segment_id)? {
            let changed = events.iter().filter(|event| event.object == filter.object.name);
            let changed: BTreeSet<Id> = changed.map(|event| event.record_id).collect();
            look_at(work, &principal, now, &filter, &changed.into_iter().collect::<Vec<_>>())?;
        }
        work.move_segment_cursor(cursor.segment_id, reached)?;
    }
    Ok(true)
}

/// Notes of some records whether they are in a segment.
fn look_at(work: &mut Work<'_>, principal: &Principal, now: Timestamp, filter: &Filter, ids: &[Id]) -> Result<(), Problem> {
    if ids.is_empty() {
        return Ok(());
    }
    let view = principal.view(now);
    let schema = principal.schema(filter.object);
    let known: BTreeSet<Id> = work.reader().segment_members_among(filter.segment, ids)?.into_iter().collect();
    let within = |ids: &[Id]| {
        let ids = Operand::List(ids.iter().copied().map(Operand::Id).collect());
        recurring::ID.of(filter.object).map(|field| Predicate::test(field, Op::In, ids)).ok_or_else(Problem::not_found)
    };
    let meeting = work.reader().find(&schema, &view, &within(ids)?.and(filter.predicate.clone()), ids.len())?;
    let are_in: BTreeSet<Id> = meeting.iter().map(Record::id).collect();
    let entering: Vec<Record> = meeting.into_iter().filter(|record| !known.contains(&record.id())).collect();
    enter(work, filter.object, filter.segment, &entering)?;
    let leaving: Vec<Id> = known.into_iter().filter(|id| !are_in.contains(id)).collect();
    if !leaving.is_empty() {
        let leaving = work.reader().find(&schema, &view, &within(&leaving)?, leaving.len())?;
        leave(work, filter.object, filter.segment, &leaving)?;
    }
    Ok(())
}

/// Compares what is noted of a segment with what its filter says; whether there may be more.
fn compare_on(work: &mut Work<'_>, now: Timestamp, segment: Id) -> Result<bool, Problem> {
    work.lock(LOCK)?;
    let Some(cursor) = work.reader().segment_cursors()?.into_iter().find(|cursor| cursor.segment_id == segment) else {
        return Ok(false);
    };
    let principal = principal::system(work.reader())?;
    let Some(filter) = Filter::find(work, &principal, now, segment)? else { return Ok(false) };
    if !cursor.is_filled {
        if fill(work, &filter)? {
            work.note_segment_filled(segment)?;
        }
        return Ok(true);
    }
    let (view, schema) = (principal.view(now), principal.schema(filter.object));
    let noted = noted(filter.object, segment)?;
    let outside = |predicate: &Predicate| Predicate::Not(Box::new(predicate.clone()));
    let entering = work.reader().find(&schema, &view, &filter.predicate.clone().and(outside(&noted)), RECORDS)?;
    let leaving = work.reader().find(&schema, &view, &noted.and(outside(&filter.predicate)), RECORDS)?;
    enter(work, filter.object, segment, &entering)?;
    leave(work, filter.object, segment, &leaving)?;
    Ok(entering.len() >= RECORDS || leaving.len() >= RECORDS)
}

/// Notes first members of a segment, of which nobody is told; whether these were all.
fn fill(work: &mut Work<'_>, filter: &Filter) -> Result<bool, Problem> {
    let others = Predicate::Not(Box::new(noted(filter.object, filter.segment)?));
    let found = work.fill_segment(filter.segment, filter.object, &filter.predicate.clone().and(others), FILLED)?;
    Ok(i64::try_from(found).unwrap_or(i64::MAX) < FILLED)
}
