//! Records as of a time: what their ledger keeps, and what never changes. Whatever else is true of them now, nobody knows whether it
//! was so then. And the past is read by those who may read the record now.

use super::predicate::{Predicate, View, segment::KnownSegment};
use crate::{
    model::{
        field::Field,
        object::{Object, Reach, Relation, Schema},
        value::Standards,
    },
    values::id::Id,
};

/// What an asker may know of the records of one object, of now or as of a time.
pub struct AsOf<'a> {
    view: &'a dyn View,
    /// The object that is read from its ledger; none, if all is of now.
    past: Option<&'static Object>,
}

impl<'a> AsOf<'a> {
    /// Of an object, as of a time if that is asked and there is a ledger to tell.
    #[must_use]
    pub fn of(view: &'a dyn View, object: &'static Object, asked: bool) -> AsOf<'a> {
        AsOf { view, past: Some(object).filter(|object| asked && object.ledger.is_some()) }
    }

    /// The same, where parameters ask for it.
    #[must_use]
    pub fn of_parameters(view: &'a dyn View, object: &'static Object, parameters: &[(String, String)]) -> AsOf<'a> {
        AsOf::of(view, object, parameters.iter().any(|(name, _)| name == AS_OF))
    }

    fn is_past(&self, object: &Object) -> bool {
        self.past.is_some_and(|past| past.name == object.name)
    }
}

/// What asks for a time.
pub const AS_OF: &str = "as_of";

impl View for AsOf<'_> {
    fn schema(&self, object: &str) -> Option<Schema> {
        self.view.schema(object)
    }

    fn rows(&self, object: &'static Object) -> Option<Predicate> {
        let rows = self.view.rows(object)?;
        Some(if self.is_past(object) { rows.now() } else { rows })
    }

    fn sees(&self, object: &'static Object, field: &Field) -> bool {
        self.view.sees(object, field) && (!self.is_past(object) || object.knows_past(field))
    }

    fn follows(&self, object: &'static Object, relation: &Relation) -> bool {
        // What refers to a record, or is linked with it, does so now.
        let told = !self.is_past(object) || matches!(relation.reach, Reach::ToOne { .. });
        told && self.view.follows(object, relation)
    }

    fn segment(&self, id: Id) -> Option<&KnownSegment> {
        self.view.segment(id)
    }

    fn standards(&self) -> Standards<'_> {
        self.view.standards()
    }
}
