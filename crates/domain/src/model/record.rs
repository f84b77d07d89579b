//! A record as rules see it, and a draft of one that is about to be written.

use std::{borrow::Cow, fmt, marker::PhantomData};

use ref_cast::RefCast;
use serde_json::{Map, Value};

use crate::{
    model::{
        cell::Cell,
        entity::Entity,
        event,
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Storage},
        handle::{Any, FieldValue, Handle},
        object::{Object, Schema},
        recurring,
        value::Standards,
    },
    values::{id::Id, time::Timestamp},
};

/// A record of the entity `E`: its cells by slot, read and written by handles of `E` alone. A record of [`Any`] object is read by
/// `&Field` and by the fields that recur.
#[derive(RefCast)]
#[repr(transparent)]
pub struct Record<E = Any> {
    stored: Stored,
    #[trivial]
    entity: PhantomData<fn() -> E>,
}

#[derive(Clone)]
#[doc(hidden)]
pub struct Stored {
    object: &'static Object,
    cells: Vec<Cell>,
}

impl<E> Clone for Record<E> {
    fn clone(&self) -> Record<E> {
        Record { stored: self.stored.clone(), entity: PhantomData }
    }
}

impl<E> PartialEq for Record<E> {
    fn eq(&self, other: &Record<E>) -> bool {
        self.stored.object.name == other.stored.object.name && self.stored.cells == other.stored.cells
    }
}

impl<E> fmt::Debug for Record<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.cells().filter(|(_, cell)| !matches!(cell, Cell::Unread | Cell::Null));
        f.write_str(self.stored.object.name)?;
        f.debug_map().entries(known.map(|(field, cell)| (&field.name, cell))).finish()
    }
}

impl Record {
    /// A record without any value yet.
    #[must_use]
    pub fn new(object: &'static Object) -> Record {
        Record::filled(object, Cell::Null)
    }

    /// A record that has the defaults of its fields, and no other value.
    #[must_use]
    pub fn with_defaults(object: &'static Object) -> Record {
        let mut record = Record::new(object);
        for field in object.fields.iter().filter(|field| field.storage != Storage::Computed) {
            if let Some(cell) = field.default.as_ref().and_then(|default| Cell::from_json(&field.kind, default)) {
                record.put(field, cell);
            }
        }
        record
    }

    /// A record of which nothing has been read yet.
    #[must_use]
    pub fn unread(object: &'static Object) -> Record {
        Record::filled(object, Cell::Unread)
    }

    fn filled(object: &'static Object, cell: Cell) -> Record {
        let mut cells = vec![cell; object.slots];
        for field in object.fields.iter().filter(|field| field.storage == Storage::Computed) {
            cells[field.slot] = Cell::Unread;
        }
        Record { stored: Stored { object, cells }, entity: PhantomData }
    }

    /// A record with the given members, in the form of the API; those that fit no field are left out.
    #[must_use]
    pub fn from_json(object: &'static Object, members: &Value) -> Record {
        let mut record = Record::new(object);
        for (name, value) in members.as_object().into_iter().flatten() {
            if let Some((field, cell)) = object.field(name).and_then(|field| Some((field, Cell::from_json(&field.kind, value)?)))
            {
                record.put(field, cell);
            }
        }
        record
    }

    /// The record as one of the entity that its object is.
    ///
    /// # Panics
    /// Where the object is another: a fault of the program.
    #[must_use]
    #[track_caller]
    pub fn of<E: Entity>(&self) -> &Record<E> {
        self.must_be::<E>();
        Record::ref_cast(&self.stored)
    }

    #[must_use]
    #[track_caller]
    pub fn of_mut<E: Entity>(&mut self) -> &mut Record<E> {
        self.must_be::<E>();
        Record::ref_cast_mut(&mut self.stored)
    }

    #[must_use]
    #[track_caller]
    pub fn into_entity<E: Entity>(self) -> Record<E> {
        self.must_be::<E>();
        Record { stored: self.stored, entity: PhantomData }
    }

    #[track_caller]
    fn must_be<E: Entity>(&self) {
        assert!(self.stored.object.name == E::NAME, "a record of {} is none of {}", self.stored.object.name, E::NAME);
    }
}

impl<E> Record<E> {
    #[must_use]
    pub fn object(&self) -> &'static Object {
        self.stored.object
    }

    /// The record for code that serves any object.
    #[must_use]
    pub fn any(&self) -> &Record {
        Record::ref_cast(&self.stored)
    }

    #[must_use]
    pub fn any_mut(&mut self) -> &mut Record {
        Record::ref_cast_mut(&mut self.stored)
    }

    #[must_use]
    pub fn into_any(self) -> Record {
        Record { stored: self.stored, entity: PhantomData }
    }

    /// The value of a field.
    ///
    /// # Panics
    /// Where the field was not read: a fault of the program.
    #[must_use]
    #[track_caller]
    pub fn get<K: Key<E>>(&self, key: K) -> K::Read<'_> {
        key.read(self)
    }

    /// Sets the value of a field.
    pub fn set<K, V>(&mut self, key: K, value: V)
    where
        K: Write<E, V>,
    {
        key.write(self, value);
    }

    /// Leaves a field without a value.
    pub fn clear<T>(&mut self, handle: Handle<E, Option<T>>) {
        if let Some(slot) = handle.slot_in(self.stored.object) {
            self.replace(slot, Cell::Null);
        }
    }

    /// Gives a field the value that it has in another record.
    pub fn copy<T>(&mut self, handle: Handle<E, T>, from: &Record<E>) {
        if let (Some(to), Some(slot)) = (handle.slot_in(self.stored.object), handle.slot_in(from.stored.object)) {
            self.replace(to, from.stored.cells[slot].clone());
        }
    }

    /// Whether a field has the same value in both records.
    #[must_use]
    pub fn agrees<T>(&self, handle: Handle<E, T>, other: &Record<E>) -> bool {
        self.cell_of(handle) == other.cell_of(handle)
    }

    /// Whether a field is null: in a draft also one that is never null once it is stored.
    #[must_use]
    pub fn is_null<T>(&self, handle: Handle<E, T>) -> bool {
        self.cell_of(handle).is_null()
    }

    /// The cell of a field; null where the object has no such field.
    #[must_use]
    pub fn cell_of<T>(&self, handle: Handle<E, T>) -> &Cell {
        handle.slot_in(self.stored.object).and_then(|slot| self.stored.cells.get(slot)).unwrap_or(&Cell::Null)
    }

    /// The cell of a field of the table; a tenant's own field is a member of the object of custom fields.
    #[must_use]
    pub fn cell(&self, field: &Field) -> Cow<'_, Cell> {
        match &field.storage {
            Storage::Custom { .. } => {
                let value = self.custom().get(field.name.as_ref()).unwrap_or(&Value::Null);
                Cow::Owned(Cell::from_json(&field.kind, value).unwrap_or(Cell::Null))
            }
            Storage::Column | Storage::Detail | Storage::Computed => {
                Cow::Borrowed(self.stored.cells.get(field.slot).unwrap_or(&Cell::Null))
            }
        }
    }

    /// Whether a field has no value: none at all, or an empty list.
    #[must_use]
    pub fn lacks(&self, field: &Field) -> bool {
        let value = self.json(field);
        value.is_null() || value.as_array().is_some_and(Vec::is_empty)
    }

    /// The value of a field of the table in the form of the API.
    #[must_use]
    pub fn json(&self, field: &Field) -> Value {
        match &field.storage {
            Storage::Custom { .. } => self.custom().get(field.name.as_ref()).cloned().unwrap_or(Value::Null),
            Storage::Column | Storage::Detail | Storage::Computed => self.cell(field).to_json(),
        }
    }

    /// Puts a cell where a declared field has its place.
    pub fn put(&mut self, field: &Field, cell: Cell) {
        self.replace(field.slot, cell);
    }

    fn replace(&mut self, slot: usize, cell: Cell) {
        if let Some(place) = self.stored.cells.get_mut(slot) {
            *place = cell;
        }
    }

    /// The declared fields that are kept, with their cells.
    pub fn cells(&self) -> impl Iterator<Item = (&'static Field, &Cell)> {
        let kept = self.stored.object.fields.iter().filter(|field| field.storage != Storage::Computed);
        kept.map(|field| (field, &self.stored.cells[field.slot]))
    }

    /// The record's own id; nil before it has one.
    #[must_use]
    pub fn id(&self) -> Id {
        self.any().get(recurring::ID)
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.any().get(recurring::VERSION)
    }

    /// The time of the next change, which is asked for now: times of a record rise, whatever clocks say.
    #[must_use]
    pub fn next_change_at(&self, now: Timestamp) -> Timestamp {
        self.any().get(recurring::UPDATED_AT).map_or(now, |changed| now.max(changed.plus_milliseconds(1)))
    }

    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.any().get(recurring::ARCHIVED_AT).is_some()
    }

    /// The tenant's own fields, by their present names.
    #[must_use]
    pub fn custom(&self) -> &Map<String, Value> {
        self.any().get(recurring::CUSTOM)
    }

    /// The members of what was read, in the form of the API.
    #[must_use]
    pub fn members(&self) -> Map<String, Value> {
        let read = self.cells().filter(|(_, cell)| !matches!(cell, Cell::Unread));
        read.map(|(field, cell)| (field.name.to_string(), cell.to_json())).collect()
    }
}

/// What names a field of a record of `E` and says how it is read.
pub trait Key<E>: Copy {
    type Read<'a>
    where
        E: 'a;

    #[track_caller]
    fn read<'a>(self, record: &'a Record<E>) -> Self::Read<'a>
    where
        E: 'a;

    /// Whether both records have the same value.
    fn agrees(self, one: &Record<E>, other: &Record<E>) -> bool;

    fn is_null(self, record: &Record<E>) -> bool;
}

/// How a value is written to a field.
pub trait Write<E, V> {
    fn write(self, record: &mut Record<E>, value: V);
}

impl<E, T: FieldValue> Key<E> for Handle<E, T> {
    type Read<'a>
        = T::Read<'a>
    where
        E: 'a;

    fn read<'a>(self, record: &'a Record<E>) -> T::Read<'a>
    where
        E: 'a,
    {
        T::read(record.cell_of(self))
    }

    fn agrees(self, one: &Record<E>, other: &Record<E>) -> bool {
        one.agrees(self, other)
    }

    fn is_null(self, record: &Record<E>) -> bool {
        record.is_null(self)
    }
}

impl<E, T: FieldValue, V: Into<T>> Write<E, V> for Handle<E, T> {
    fn write(self, record: &mut Record<E>, value: V) {
        let Some(slot) = self.slot_in(record.stored.object) else { return };
        let cell = match (value.into().write(), self.of(record.stored.object).map(|field| &field.kind)) {
            // A list of ids is JSON in a structure, and ids where it refers to records.
            (Cell::Json(ids), Some(kind @ FieldType::References(_))) => Cell::from_json(kind, &ids).unwrap_or(Cell::Json(ids)),
            (cell, _) => cell,
        };
        record.replace(slot, cell);
    }
}

/// What a rule sees and may change: the record before (when there is one) and after, who asks, and when.
pub struct Draft<'a, E = Any> {
    pub schema: &'a Schema,
    pub standards: &'a Standards<'a>,
    pub before: Option<&'a Record<E>>,
    pub after: Record<E>,
    pub faults: Faults,
    /// Who writes; none for the system.
    pub user: Option<Id>,
    pub now: Timestamp,
}

impl<E> Draft<'_, E> {
    /// Whether a field differs from what is stored; true for every field that a new record sets.
    #[must_use]
    pub fn changes<K: Key<E>>(&self, key: K) -> bool {
        match self.before {
            Some(before) => !key.agrees(before, &self.after),
            None => !key.is_null(&self.after),
        }
    }

    pub fn fault(&mut self, pointer: impl Into<String>, code: FaultCode) {
        self.faults.add(Fault::new(pointer, code));
    }
}

impl Draft<'_> {
    /// Applies a rule of the entity that the draft is of.
    pub(crate) fn apply<E: Entity>(&mut self, rule: fn(&mut Draft<'_, E>)) {
        let nothing = Record::new(self.after.object());
        let mut draft = Draft {
            schema: self.schema,
            standards: self.standards,
            before: self.before.map(Record::of::<E>),
            after: std::mem::replace(&mut self.after, nothing).into_entity::<E>(),
            faults: std::mem::take(&mut self.faults),
            user: self.user,
            now: self.now,
        };
        rule(&mut draft);
        self.after = draft.after.into_any();
        self.faults = draft.faults;
    }
}

/// What changed between two states of a record, as its event stores it: `{field: {"from", "to"}}`, custom fields by `custom.key`; of
/// a new record the values alone.
#[must_use]
pub fn changes(before: Option<&Record>, after: &Record) -> Map<String, Value> {
    let Some(before) = before else { return event::of_new(values(after)) };
    let mut changes = Map::new();
    let mut note = |name: String, from: Value, to: Value| {
        changes.insert(name, serde_json::json!({"from": from, "to": to}));
    };
    for (field, to) in after.cells().filter(|(field, _)| !recurring::is_bookkeeping(field)) {
        let from = &before.stored.cells[field.slot];
        if from == to {
            continue;
        }
        if field.kind != FieldType::Custom {
            note(field.name.to_string(), from.to_json(), to.to_json());
            continue;
        }
        let (from, to) = (before.custom(), after.custom());
        for key in from.keys().chain(to.keys().filter(|key| !from.contains_key(*key))) {
            let [from, to] = [from, to].map(|members| members.get(key).cloned().unwrap_or(Value::Null));
            if from != to {
                note(format!("{}.{key}", field.name), from, to);
            }
        }
    }
    changes
}

/// The values that a new record has.
fn values(record: &Record) -> Map<String, Value> {
    let mut values = Map::new();
    for (field, cell) in record.cells().filter(|(field, cell)| !recurring::is_bookkeeping(field) && !cell.is_empty()) {
        if field.kind == FieldType::Custom {
            let custom = record.custom().iter().filter(|(_, value)| !value.is_null());
            values.extend(custom.map(|(key, value)| (format!("{}.{key}", field.name), value.clone())));
        } else {
            values.insert(field.name.to_string(), cell.to_json());
        }
    }
    values
}
