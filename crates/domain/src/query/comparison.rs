//! Comparisons that the program itself makes, by typed handles: `Opportunity::stage_id.eq(id)`.

use crate::{
    model::{
        entity::Entity,
        field::Op,
        handle::{Comparable, FieldValue, Handle},
        operand::Operand,
    },
    query::predicate::Predicate,
    values::id::Id,
};

impl<E: Entity, T> Handle<E, T> {
    fn test(self, op: Op, operand: Operand) -> Predicate {
        Predicate::test(self.field(), op, operand)
    }

    /// True where the field has no value, or an empty list.
    #[must_use]
    pub fn is_null(self) -> Predicate {
        self.test(Op::Null, Operand::Boolean(true))
    }

    #[must_use]
    pub fn is_not_null(self) -> Predicate {
        self.test(Op::Null, Operand::Boolean(false))
    }

    /// True where a list of references, or of structures that refer to records, leads to one of these.
    #[must_use]
    pub fn leads_to(self, ids: impl IntoIterator<Item = Id>) -> Predicate {
        self.test(Op::Any, Operand::List(ids.into_iter().map(Operand::Id).collect()))
    }
}

impl<E: Entity, T: Comparable> Handle<E, Vec<T>> {
    /// True where one of the list's items is one of these.
    #[must_use]
    pub fn any(self, values: impl IntoIterator<Item = impl Into<T>>) -> Predicate {
        self.test(Op::Any, Operand::List(values.into_iter().map(|value| value.into().operand()).collect()))
    }
}

impl<E: Entity, T: FieldValue> Handle<E, T>
where
    T::Single: Comparable,
{
    fn compare(self, op: Op, value: impl Into<T::Single>) -> Predicate {
        self.test(op, value.into().operand())
    }

    #[must_use]
    pub fn eq(self, value: impl Into<T::Single>) -> Predicate {
        self.compare(Op::Eq, value)
    }

    /// True where the field has just this value, or none where this is none.
    #[must_use]
    pub fn is(self, value: Option<impl Into<T::Single>>) -> Predicate {
        value.map_or_else(|| self.is_null(), |value| self.eq(value))
    }

    /// True also where there is no value.
    #[must_use]
    pub fn ne(self, value: impl Into<T::Single>) -> Predicate {
        self.compare(Op::Ne, value)
    }

    #[must_use]
    pub fn gt(self, value: impl Into<T::Single>) -> Predicate {
        self.compare(Op::Gt, value)
    }

    #[must_use]
    pub fn gte(self, value: impl Into<T::Single>) -> Predicate {
        self.compare(Op::Gte, value)
    }

    #[must_use]
    pub fn lt(self, value: impl Into<T::Single>) -> Predicate {
        self.compare(Op::Lt, value)
    }

    #[must_use]
    pub fn lte(self, value: impl Into<T::Single>) -> Predicate {
        self.compare(Op::Lte, value)
    }

    #[must_use]
    pub fn is_in(self, values: impl IntoIterator<Item = impl Into<T::Single>>) -> Predicate {
        self.test(Op::In, Operand::List(values.into_iter().map(|value| value.into().operand()).collect()))
    }

    /// True also where there is no value.
    #[must_use]
    pub fn is_not_in(self, values: impl IntoIterator<Item = impl Into<T::Single>>) -> Predicate {
        self.test(Op::Nin, Operand::List(values.into_iter().map(|value| value.into().operand()).collect()))
    }
}
