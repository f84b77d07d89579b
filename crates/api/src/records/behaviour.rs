//! What is special about an object when it is written. Each object that has something of the kind says it in one `impl` in its own
//! room; the areas hand their lists to the top of the binary, and here they are looked up.

use std::sync::Arc;

use farley_domain::{
    activities::notification::NotificationKind,
    model::{entity::Entity, handle::Any, object::Object, record::Record},
    values::time::Timestamp,
};
use farley_persistence::{Reader, Row, Work};
use serde_json::{Map, Value};

use super::area::installed;
use crate::{access::principal::Principal, http::problem::Problem};

/// A write in progress, of a record of the entity `E`.
pub struct Writing<'a, E = Any> {
    pub principal: &'a Arc<Principal>,
    pub now: Timestamp,
    pub before: Option<&'a Record<E>>,
    /// The parts that are created together with the record, completed already.
    pub parts: &'a [Record],
    /// The record that this one is created together with as a part, which is not stored yet, and the place among the parts.
    pub whole: Option<(&'a Record, usize)>,
}

impl<'a, E> Writing<'a, E> {
    /// A write of one record by itself; of a new one, if nothing was before.
    #[must_use]
    pub fn new(principal: &'a Arc<Principal>, now: Timestamp, before: Option<&'a Record<E>>) -> Writing<'a, E> {
        Writing { principal, now, before, parts: &[], whole: None }
    }

    /// The same for code that serves any object.
    #[must_use]
    pub fn any(&self) -> Writing<'a> {
        let Writing { principal, now, before, parts, whole } = self;
        Writing { principal, now: *now, before: before.map(Record::any), parts, whole: *whole }
    }
}

impl<'a> Writing<'a> {
    fn of<E: Entity>(&self) -> Writing<'a, E> {
        let Writing { principal, now, before, parts, whole } = self;
        Writing { principal, now: *now, before: before.map(Record::of), parts, whole: *whole }
    }
}

/// Members that the answer of a create shows beside the record, once: a key, an invitation.
pub type Shown = Map<String, Value>;

/// What an object does beside the generic work when it is written.
pub trait Behaviour: Entity {
    /// Whether a write changes what somebody may do, or which fields there are.
    const CHANGES_PRINCIPALS: bool = false;

    /// Checks and completes the record before it is stored.
    fn before(_work: &mut Work<'_>, _writing: &Writing<'_, Self>, _record: &mut Record<Self>) -> Result<(), Problem> {
        Ok(())
    }

    /// Does what belongs to it after it is stored, in the same transaction.
    fn after(_work: &mut Work<'_>, _writing: &Writing<'_, Self>, _record: &Record<Self>) -> Result<Shown, Problem> {
        Ok(Shown::new())
    }

    /// Fills in the fields of rows that are made of something beside the records, where they were asked for.
    fn derive(_reader: &mut Reader<'_>, _principal: &Principal, _now: Timestamp, _rows: &mut [Row]) -> Result<(), Problem> {
        Ok(())
    }

    /// What to call a change in the log, where it is more than an update.
    fn verb(_before: &Record<Self>, _after: &Record<Self>) -> Option<&'static str> {
        None
    }

    /// What a change tells the owner of the record, where the record was theirs already.
    fn news(_before: &Record<Self>, _after: &Record<Self>) -> Option<NotificationKind> {
        None
    }
}

/// The behaviour of one object, as the generic work calls it.
#[derive(Clone, Copy)]
pub struct Behaviours {
    /// The object; none where nothing is special.
    object: Option<fn() -> &'static Object>,
    pub before: fn(&mut Work<'_>, &Writing<'_>, &mut Record) -> Result<(), Problem>,
    pub after: fn(&mut Work<'_>, &Writing<'_>, &Record) -> Result<Shown, Problem>,
    pub derive: fn(&mut Reader<'_>, &Principal, Timestamp, &mut [Row]) -> Result<(), Problem>,
    pub verb: fn(&Record, &Record) -> Option<&'static str>,
    pub news: fn(&Record, &Record) -> Option<NotificationKind>,
    pub changes_principals: bool,
}

impl Behaviours {
    /// Nothing special.
    const NONE: Behaviours = Behaviours {
        object: None,
        before: |_, _, _| Ok(()),
        after: |_, _, _| Ok(Shown::new()),
        derive: |_, _, _, _| Ok(()),
        verb: |_, _| None,
        news: |_, _| None,
        changes_principals: false,
    };

    /// The behaviour of an object, for the list of its area.
    #[must_use]
    pub const fn of<B: Behaviour>() -> Behaviours {
        Behaviours {
            object: Some(B::object),
            before: |work, writing, record| B::before(work, &writing.of(), record.of_mut()),
            after: |work, writing, record| B::after(work, &writing.of(), record.of()),
            derive: B::derive,
            verb: |before, after| B::verb(before.of(), after.of()),
            news: |before, after| B::news(before.of(), after.of()),
            changes_principals: B::CHANGES_PRINCIPALS,
        }
    }

    /// The name of the object.
    #[must_use]
    pub fn object_name(&self) -> Option<&'static str> {
        self.object.map(|object| object().name)
    }
}

/// What is special about writes of an object. Where no areas are installed this is a problem: without its rules nothing is written.
pub fn of(object: &Object) -> Result<Behaviours, Problem> {
    Ok(installed()?.behaviours.get(object.name).copied().unwrap_or(Behaviours::NONE))
}
