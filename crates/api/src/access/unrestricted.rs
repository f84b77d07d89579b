//! What Farley itself reads for its rules, whoever asks.

use std::sync::Arc;

use farley_domain::{
    identity::user::User,
    model::{
        entity::Entity,
        field::{Field, FieldType},
        object::{Object, Schema},
        record::Record,
        registry,
        value::Standards,
    },
    query::predicate::{Predicate, View},
    values::{id::Id, money::Currency, time::Timestamp},
};
use farley_persistence::{Layout, Reader, Work};

use crate::http::problem::Problem;

/// A view that restricts nothing, for what Farley itself reads.
pub struct Unrestricted;

impl View for Unrestricted {
    fn schema(&self, object: &str) -> Option<Schema> {
        registry::object(object).map(|object| Schema { object, custom: Arc::from([]) })
    }

    fn rows(&self, _: &'static Object) -> Option<Predicate> {
        Some(Predicate::all())
    }

    fn sees(&self, _: &'static Object, field: &Field) -> bool {
        field.kind != FieldType::Custom
    }

    fn standards(&self) -> Standards<'_> {
        Standards {
            country: "CN",
            currency: Currency::CNY,
            zone: chrono_tz::UTC,
            now: Timestamp::from_milliseconds(0),
            user: None,
        }
    }
}

/// An object without the tenant's own fields.
#[must_use]
pub fn without_custom_fields(object: &'static Object) -> Schema {
    Schema { object, custom: Arc::from([]) }
}

/// One record, whoever asks.
pub fn record_of(reader: &mut Reader<'_>, object: &'static Object, id: Id) -> Result<Option<Record>, Problem> {
    let layout = Arc::new(Layout::full(&without_custom_fields(object), &|_| true));
    let row = reader.get(&layout, &Unrestricted, id, &Predicate::all())?;
    Ok(row.map(|row| row.to_record()).transpose()?)
}

/// One record of an entity, whoever asks.
pub fn entity_of<E: Entity>(reader: &mut Reader<'_>, id: Id) -> Result<Option<Record<E>>, Problem> {
    Ok(record_of(reader, E::object(), id)?.map(Record::into_entity))
}

/// All records of an entity, archived ones too, whoever asks: for those of which a tenant has few.
pub fn all_of<E: Entity>(reader: &mut Reader<'_>) -> Result<Vec<Record<E>>, Problem> {
    Ok(reader.all(E::object())?.into_iter().map(Record::into_entity).collect())
}

/// A user as stored, whoever asks.
pub fn user_record(reader: &mut farley_persistence::Reader<'_>, user: Id) -> Result<Option<Record<User>>, Problem> {
    let layout = Work::layout(&without_custom_fields(User::object()));
    let row = reader.get(&layout, &Unrestricted, user, &Predicate::all())?;
    Ok(row.map(|row| row.to_record()).transpose()?.map(Record::into_entity))
}
