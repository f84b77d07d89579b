//! Custom fields come into force with the write that declares them, index and all.

use farley_domain::{
    identity::custom_field::{CustomField, to_field},
    model::{record::Record, registry},
};
use farley_persistence::Work;
use serde_json::Map;

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
    },
};

impl Behaviour for CustomField {
    const CHANGES_PRINCIPALS: bool = true;

    /// A key is unique among the live fields of its object.
    fn before(work: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let same = |other: &&Record<Self>| {
            other.id() != record.id()
                && !other.is_archived()
                && other.agrees(CustomField::object, record)
                && other.agrees(CustomField::key, record)
        };
        let fields = lookup::all::<Self>(work.reader())?;
        match fields.iter().find(same) {
            Some(other) if !record.is_archived() => Err(Problem::duplicate(&CustomField::key.pointer(), other.id())),
            Some(_) | None => Ok(()),
        }
    }

    fn after(work: &mut Work<'_>, _: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        if let Some((object, field)) = to_field(record).filter(|(_, field)| field.indexed)
            && let Some(object) = registry::object(&object)
            && field.kind.is_scalar()
        {
            work.index_custom_field(object, &field)?;
        }
        Ok(Map::new())
    }
}
