//! The operators of the predicate language, and the predicates that declarations write with them.

use serde_json::Value;

/// An operator of the predicate language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Eq,
    Ne,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    Nin,
    Contains,
    Ncontains,
    Starts,
    Ends,
    Null,
    Any,
    None,
}

impl Op {
    pub const ALL: &'static [Op] = &[
        Op::Eq,
        Op::Ne,
        Op::Gt,
        Op::Gte,
        Op::Lt,
        Op::Lte,
        Op::In,
        Op::Nin,
        Op::Contains,
        Op::Ncontains,
        Op::Starts,
        Op::Ends,
        Op::Null,
        Op::Any,
        Op::None,
    ];

    /// Its name in JSON filters; as a parameter, `eq` is the bare field and the others are a suffix `_name`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Eq => "eq",
            Op::Ne => "ne",
            Op::Gt => "gt",
            Op::Gte => "gte",
            Op::Lt => "lt",
            Op::Lte => "lte",
            Op::In => "in",
            Op::Nin => "nin",
            Op::Contains => "contains",
            Op::Ncontains => "ncontains",
            Op::Starts => "starts",
            Op::Ends => "ends",
            Op::Null => "null",
            Op::Any => "any",
            Op::None => "none",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Op> {
        Op::ALL.iter().copied().find(|op| op.as_str() == name)
    }

    /// Whether it takes a list of values.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Op::In | Op::Nin | Op::Any | Op::None)
    }
}

/// The predicate that a field has one of these values, as JSON.
#[must_use]
pub fn when_is(field: &str, values: &[&str]) -> Value {
    serde_json::json!({"field": field, "op": Op::In.as_str(), "value": values})
}

/// The predicate that a field has a value, as JSON.
#[must_use]
pub fn when_given(field: &str) -> Value {
    serde_json::json!({"field": field, "op": Op::Null.as_str(), "value": false})
}

/// The predicate that none of these fields has a value, as JSON.
#[must_use]
pub fn when_missing(fields: &[&str]) -> Value {
    let missing = |field: &&str| serde_json::json!({"field": field, "op": Op::Null.as_str(), "value": true});
    serde_json::json!({"and": fields.iter().map(missing).collect::<Vec<_>>()})
}
