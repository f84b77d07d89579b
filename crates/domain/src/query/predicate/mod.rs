//! The predicate language: one way to say which records are meant, for lists, segments, permissions and rules.
//!
//! A client writes it as parameters or as JSON ([`parse`]); checked against the field table it becomes a [`Predicate`], which
//! persistence turns into SQL and [`evaluate`] answers in memory. Both answer alike; a property test holds them to it.
//!
//! A comparison with a field that has no value is false. `ne`, `nin`, `ncontains`, `none` and `not` are negations, so records without
//! a value are among their hits. A missing relation is no value of any field behind it.

pub mod evaluate;
pub mod operand;
pub mod parse;
pub mod path;
pub mod pinned;
pub mod relative;
#[cfg(test)]
pub(crate) mod sample;
pub mod segment;

use crate::{
    model::{
        field::{Field, FieldType, Op},
        object::{Object, Relation},
    },
    values::search_text::Query,
};

pub use crate::model::operand::Operand;

/// How deep `and`, `or`, `not` and relations may nest.
pub const MAX_DEPTH: usize = 12;
/// How many comparisons one predicate may have.
pub const MAX_TESTS: usize = 200;
/// How many values a list operator takes.
pub const MAX_VALUES: usize = 500;

/// A checked predicate over the records of one object.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "most nodes are tests, so boxing them would save nothing")]
pub enum Predicate {
    /// True when all are; an empty list is true.
    And(Vec<Predicate>),
    /// True when one is; an empty list is false.
    Or(Vec<Predicate>),
    Not(Box<Predicate>),
    Test(Test),
    Related(Related),
    /// How many related records there are.
    Count(CountTest),
    /// Full-text search over the record.
    Matches(Query),
    /// Whether the record is archived.
    Archived(bool),
    /// True of records of which it is true now, where the rest is read as of a time.
    Now(Box<Predicate>),
}

impl Predicate {
    /// True of every record.
    #[must_use]
    pub fn all() -> Predicate {
        Predicate::And(Vec::new())
    }

    /// True of no record.
    #[must_use]
    pub fn nothing() -> Predicate {
        Predicate::Or(Vec::new())
    }

    /// True of records of which both are true.
    #[must_use]
    pub fn and(self, other: Predicate) -> Predicate {
        match (self, other) {
            (Predicate::And(mut parts), Predicate::And(others)) => {
                parts.extend(others);
                Predicate::And(parts)
            }
            (Predicate::And(mut parts), other) => {
                parts.push(other);
                Predicate::And(parts)
            }
            (first, second) => Predicate::And(vec![first]).and(second),
        }
    }

    /// What a comparison affirms, and whether it is the negation of that.
    pub(crate) fn affirmed(self) -> (Predicate, bool) {
        let test = match self {
            Predicate::Not(part) => return (*part, true),
            Predicate::Related(related) if related.none => return (Predicate::Related(Related { none: false, ..related }), true),
            Predicate::Test(test) => test,
            Predicate::Count(CountTest { op: Op::Ne, counted, operand }) => {
                return (Predicate::Count(CountTest { op: Op::Eq, counted, operand }), true);
            }
            Predicate::Count(CountTest { op: Op::Nin, counted, operand }) => {
                return (Predicate::Count(CountTest { op: Op::In, counted, operand }), true);
            }
            other @ (Predicate::And(_)
            | Predicate::Or(_)
            | Predicate::Related(_)
            | Predicate::Count(_)
            | Predicate::Matches(_)
            | Predicate::Archived(_)
            | Predicate::Now(_)) => return (other, false),
        };
        let (op, operand, negated) = match (test.op, test.operand) {
            (Op::Ne, operand) => (Op::Eq, operand, true),
            (Op::Nin, operand) => (Op::In, operand, true),
            (Op::Ncontains, operand) => (Op::Contains, operand, true),
            (Op::None, operand) => (Op::Any, operand, true),
            (Op::Null, Operand::Boolean(true)) => (Op::Null, Operand::Boolean(false), true),
            (op, operand) => (op, operand, false),
        };
        (Predicate::Test(Test { op, operand, ..test }), negated)
    }

    /// The same of the records as they are now, whatever time the rest is of.
    #[must_use]
    pub fn now(self) -> Predicate {
        if self == Predicate::all() { self } else { Predicate::Now(Box::new(self)) }
    }

    /// A comparison that the program itself makes.
    #[must_use]
    pub fn test(field: &Field, op: Op, operand: Operand) -> Predicate {
        Predicate::Test(Test { field: field.clone(), op, operand })
    }
}

/// A comparison of one field with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub field: Field,
    pub op: Op,
    pub operand: Operand,
}

/// A predicate over the records that a relation leads to.
#[derive(Clone, Debug)]
pub struct Related {
    pub relation: Relation,
    pub target: &'static Object,
    /// True when some related live record meets `predicate`; `none` turns it round.
    pub none: bool,
    /// Includes what the asker may see of the related object.
    pub predicate: Box<Predicate>,
}

/// A comparison of the number of related records with a number.
#[derive(Clone, Debug, PartialEq)]
pub struct CountTest {
    /// Those that count; `none` means nothing here.
    pub counted: Related,
    pub op: Op,
    pub operand: Operand,
}

impl PartialEq for Related {
    fn eq(&self, other: &Related) -> bool {
        self.relation == other.relation && self.none == other.none && self.predicate == other.predicate
    }
}

/// The operators a filter on the field takes, those of a currency included; none where it cannot be filtered on.
#[must_use]
pub fn operators(field: &Field) -> &'static [Op] {
    const CURRENCY: &[Op] = &[Op::Eq, Op::Ne, Op::In, Op::Nin];
    match field.money() {
        Some(_) if field.filterable => CURRENCY,
        Some(_) | None => field.operators(),
    }
}

impl Field {
    /// The currency of a field of money as a field of its own, for filters: `annual_revenue.currency`.
    #[must_use]
    pub fn currency(&self) -> Option<Field> {
        (self.kind == FieldType::Money).then(|| Field {
            filterable: self.filterable,
            storage: self.storage.clone(),
            declared: self.declared,
            sortable: false,
            ..Field::new(format!("{}.currency", self.name), FieldType::Text { max: 3 })
        })
    }

    /// The name of the field of money that this one is the currency of.
    #[must_use]
    pub fn money(&self) -> Option<&str> {
        // No declared or custom field has a dot in its own name.
        self.name.strip_suffix(".currency")
    }
}

/// What an asker may know of: the tenant's fields, the rows and fields within their permissions.
pub trait View {
    /// The object of this name with the tenant's custom fields; none if there is no such object.
    fn schema(&self, object: &str) -> Option<crate::model::object::Schema>;
    /// Which rows of the object the asker may read; none if no row at all.
    fn rows(&self, object: &'static Object) -> Option<Predicate>;
    /// Whether the asker may see the field.
    fn sees(&self, object: &'static Object, field: &Field) -> bool;
    /// Whether the asker may go by a relation of the object, where they see the field that makes it.
    fn follows(&self, _object: &'static Object, _relation: &Relation) -> bool {
        true
    }
    /// The segment with this id, if the asker may use it.
    fn segment(&self, _id: crate::values::id::Id) -> Option<&segment::KnownSegment> {
        None
    }
    /// How values are read: country, currency, time zone, the present time.
    fn standards(&self) -> crate::model::value::Standards<'_>;
}
