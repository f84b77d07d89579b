//! Typed handles: a declared field of an entity together with the Rust type of its values. Code that knows its object reads, writes,
//! compares and filters by handles, so that a misspelt field, a value of another type or a field of another object does not compile.
//!
//! ```
//! use farley_domain::{model::{entity::Entity, record::Record}, sales::opportunity::{Opportunity, OpportunityStatus}, values::money::{Currency, Money}};
//!
//! let mut sale = Record::new(Opportunity::object()).into_entity::<Opportunity>();
//! sale.set(Opportunity::amount, Money::new(1_234_500, Currency::CNY));
//! assert_eq!(sale.get(Opportunity::amount).map(|amount| amount.amount), Some(1_234_500));
//! let open = Opportunity::status.eq(OpportunityStatus::Open);
//! ```
//!
//! A misspelt field does not compile:
//! ```compile_fail,E0599
//! use farley_domain::{model::record::Record, sales::opportunity::Opportunity};
//! fn amount(sale: &Record<Opportunity>) -> bool { sale.get(Opportunity::amout).is_some() }
//! ```
//! Nor does a value of another type:
//! ```compile_fail,E0277
//! use farley_domain::{model::record::Record, sales::opportunity::Opportunity};
//! fn set(sale: &mut Record<Opportunity>) { sale.set(Opportunity::amount, "1,234.50") }
//! ```
//! Nor a field of another entity:
//! ```compile_fail,E0277
//! use farley_domain::{model::record::Record, sales::{leads::lead::Lead, opportunity::Opportunity}};
//! fn company(sale: &Record<Opportunity>) -> bool { sale.get(Lead::company).is_some() }
//! ```

use std::{fmt, marker::PhantomData};

use chrono::NaiveDate;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType},
        object::Object,
        operand::Operand,
    },
    values::{id::Id, money::Money, time::Timestamp},
};

/// Any object: records whose object is known at run time only, and handles of fields that recur in many objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Any {}

/// A field of the entity `E` whose values are of the type `T`: `Opportunity::amount`.
pub struct Handle<E, T> {
    name: &'static str,
    /// Where a record of the entity keeps the value; none where each object has a place of its own for it.
    slot: Option<usize>,
    kind: PhantomData<fn() -> (E, T)>,
}

impl<E, T> Clone for Handle<E, T> {
    fn clone(&self) -> Handle<E, T> {
        *self
    }
}

impl<E, T> Copy for Handle<E, T> {}

impl<E, T> fmt::Debug for Handle<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<E, T> Handle<E, T> {
    /// For `entity!` alone: the name and place that the declaration gives.
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(name: &'static str, slot: usize) -> Handle<E, T> {
        Handle { name, slot: Some(slot), kind: PhantomData }
    }

    /// The field's name, as the API writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The JSON pointer to the field in a body, for faults: `/amount`.
    #[must_use]
    pub fn pointer(self) -> String {
        format!("/{}", self.name)
    }

    pub(crate) fn slot_in(self, object: &Object) -> Option<usize> {
        self.slot.or_else(|| object.field(self.name).map(|field| field.slot))
    }

    /// The field in the table of an object that has it.
    #[must_use]
    pub fn of(self, object: &Object) -> Option<&Field> {
        object.field(self.name)
    }
}

impl<T> Handle<Any, T> {
    /// A field that recurs under one name in several objects.
    #[must_use]
    pub const fn recurring(name: &'static str) -> Handle<Any, T> {
        Handle { name, slot: None, kind: PhantomData }
    }
}

impl<E: Entity, T> Handle<E, T> {
    /// Its entry in the field table.
    #[must_use]
    pub fn field(self) -> &'static Field {
        let object = E::object();
        object.field(self.name).unwrap_or(&object.fields[0])
    }
}

/// The type of the values of a field, as its declaration gives it.
pub trait FieldValue: Sized + 'static {
    /// What reading gives: texts are borrowed.
    type Read<'a>;
    /// The type of one value, without `Option`: what predicates compare with.
    type Single;

    fn read(cell: &Cell) -> Self::Read<'_>;

    fn write(self) -> Cell;

    /// Whether fields of this kind hold such values: a declaration that contradicts itself is found when its table is made.
    fn suits(kind: &FieldType) -> bool;
}

/// One value: a field of it may be without (`Option`).
pub trait Single: Sized + 'static {
    type Read<'a>;

    /// None if the cell, which is not null, holds a value of another type.
    fn read_value(cell: &Cell) -> Option<Self::Read<'_>>;

    fn write_value(self) -> Cell;

    fn suits_kind(kind: &FieldType) -> bool;
}

/// A value that predicates compare with.
pub trait Comparable {
    fn operand(self) -> Operand;
}

/// An item of a list that is kept as JSON.
pub trait Item: Serialize + DeserializeOwned + 'static {}

/// Values are checked when they are read from the database and when a client sends them, so this is a fault of the program.
#[cold]
#[track_caller]
fn misfit<T>(cell: &Cell) -> ! {
    match cell {
        Cell::Unread => panic!("a field was used that was not read"),
        _ => panic!("{cell:?} is no {}", std::any::type_name::<T>()),
    }
}

impl<T: Single> FieldValue for Option<T> {
    type Read<'a> = Option<T::Read<'a>>;
    type Single = T;

    fn read(cell: &Cell) -> Option<T::Read<'_>> {
        match cell {
            Cell::Null => None,
            cell => Some(T::read_value(cell).unwrap_or_else(|| misfit::<T>(cell))),
        }
    }

    fn write(self) -> Cell {
        self.map_or(Cell::Null, T::write_value)
    }

    fn suits(kind: &FieldType) -> bool {
        T::suits_kind(kind)
    }
}

/// Fields that are never without a value once they are stored; a draft that has none yet reads as empty.
macro_rules! always_there {
    ($($type:ty = $empty:expr),*) => {$(
        impl FieldValue for $type {
            type Read<'a> = <$type as Single>::Read<'a>;
            type Single = $type;

            fn read(cell: &Cell) -> Self::Read<'_> {
                match cell {
                    Cell::Null => $empty,
                    cell => <$type as Single>::read_value(cell).unwrap_or_else(|| misfit::<$type>(cell)),
                }
            }

            fn write(self) -> Cell {
                self.write_value()
            }

            fn suits(kind: &FieldType) -> bool {
                <$type as Single>::suits_kind(kind)
            }
        }
    )*};
}

always_there! { String = "", i64 = 0, f64 = 0.0, bool = false, Id = Id::NIL }

/// Values that a cell holds as they are.
macro_rules! plain {
    ($($type:ty: $variant:ident where $kind:pat,)*) => {$(
        impl Single for $type {
            type Read<'a> = $type;

            fn read_value(cell: &Cell) -> Option<$type> {
                match cell {
                    Cell::$variant(value) => Some(*value),
                    _ => None,
                }
            }

            fn write_value(self) -> Cell {
                Cell::$variant(self)
            }

            fn suits_kind(kind: &FieldType) -> bool {
                matches!(kind, $kind)
            }
        }
    )*};
}

plain! {
    bool: Boolean where FieldType::Boolean,
    i64: Integer where FieldType::Integer { .. } | FieldType::Count(_),
    f64: Decimal where FieldType::Decimal,
    Id: Id where FieldType::Id | FieldType::Reference(_),
    Timestamp: Time where FieldType::DateTime,
    NaiveDate: Date where FieldType::Date,
    Money: Money where FieldType::Money,
}

impl Single for String {
    type Read<'a> = &'a str;

    fn read_value(cell: &Cell) -> Option<&str> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    fn write_value(self) -> Cell {
        Cell::Text(self)
    }

    fn suits_kind(kind: &FieldType) -> bool {
        kind.is_text()
    }
}

/// JSON without a type of its own, such as a predicate as it was written.
impl Single for Value {
    type Read<'a> = &'a Value;

    fn read_value(cell: &Cell) -> Option<&Value> {
        cell.as_json()
    }

    fn write_value(self) -> Cell {
        if self.is_null() { Cell::Null } else { Cell::Json(self) }
    }

    fn suits_kind(kind: &FieldType) -> bool {
        matches!(kind, FieldType::Structure(_))
    }
}

/// Objects whose members have no names of ours: custom fields, external ids.
impl FieldValue for Map<String, Value> {
    type Read<'a> = &'a Map<String, Value>;
    type Single = Map<String, Value>;

    fn read(cell: &Cell) -> &Map<String, Value> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        match cell {
            Cell::Null => &EMPTY,
            Cell::Json(Value::Object(members)) => members,
            cell => misfit::<Self>(cell),
        }
    }

    fn write(self) -> Cell {
        Cell::Json(Value::Object(self))
    }

    fn suits(kind: &FieldType) -> bool {
        matches!(kind, FieldType::Structure(_) | FieldType::Custom)
    }
}

impl<T: Item> FieldValue for Vec<T> {
    type Read<'a> = Vec<T>;
    type Single = Vec<T>;

    fn read(cell: &Cell) -> Vec<T> {
        match cell {
            Cell::Null => Vec::new(),
            Cell::Json(value) => Vec::<T>::deserialize_from(value).unwrap_or_else(|| misfit::<Vec<T>>(cell)),
            // Ids are items as any: what is read of them is what was written.
            Cell::Ids(_) => Vec::<T>::deserialize_from(&cell.to_json()).unwrap_or_else(|| misfit::<Vec<T>>(cell)),
            cell => misfit::<Vec<T>>(cell),
        }
    }

    fn write(self) -> Cell {
        match serde_json::to_value(self) {
            Ok(value) => Cell::Json(value),
            Err(error) => panic!("a list is no JSON: {error}"),
        }
    }

    fn suits(kind: &FieldType) -> bool {
        matches!(kind, FieldType::Structure(_) | FieldType::Texts { .. } | FieldType::MultiChoice(_) | FieldType::References(_))
    }
}

trait DeserializeFrom: Sized {
    fn deserialize_from(value: &Value) -> Option<Self>;
}

impl<T: DeserializeOwned> DeserializeFrom for T {
    fn deserialize_from(value: &Value) -> Option<T> {
        T::deserialize(value).ok()
    }
}

impl Item for String {}
impl Item for Id {}
impl Item for Value {}

/// Reads a structure out of its cell.
#[doc(hidden)]
#[must_use]
pub fn read_structure<T: DeserializeOwned>(cell: &Cell) -> Option<T> {
    T::deserialize_from(cell.as_json()?)
}

/// Makes a cell of a structure.
#[doc(hidden)]
#[must_use]
pub fn write_structure<T: Serialize>(structure: &T) -> Cell {
    match serde_json::to_value(structure) {
        Ok(value) => Cell::Json(value),
        Err(error) => panic!("a structure is no JSON: {error}"),
    }
}

/// Lets serde structs be the value of a field (`Option<Completeness>`) and items of a list (`Vec<Address>`).
#[macro_export]
macro_rules! structures {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::model::handle::Item for $type {}

        impl $crate::model::handle::Single for $type {
            type Read<'a> = $type;

            fn read_value(cell: &$crate::model::cell::Cell) -> Option<$type> {
                $crate::model::handle::read_structure(cell)
            }

            fn write_value(self) -> $crate::model::cell::Cell {
                $crate::model::handle::write_structure(&self)
            }

            fn suits_kind(kind: &$crate::model::field::FieldType) -> bool {
                matches!(kind, $crate::model::field::FieldType::Structure(_))
            }
        }
    )*};
}

macro_rules! comparable {
    ($($type:ty => $variant:ident),*) => {$(
        impl Comparable for $type {
            fn operand(self) -> Operand {
                Operand::$variant(self)
            }
        }
    )*};
}

comparable! { bool => Boolean, i64 => Integer, f64 => Decimal, String => Text, Id => Id, Timestamp => Time, NaiveDate => Date }

/// Money compares by its minor units; the currency is a field of its own.
impl Comparable for Money {
    fn operand(self) -> Operand {
        Operand::Integer(self.amount)
    }
}
